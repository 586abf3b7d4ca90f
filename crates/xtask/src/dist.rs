//! The archive of a release: the program, scripts under the names that Kafka Connect's users know, samples, the
//! user's pages, licences, shell completions and manual pages.

mod archive;
mod licences;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, ValueEnum};

use crate::workspace;
use archive::Archive;

/// What is packed, and where it goes.
#[derive(Args)]
pub(crate) struct Options {
    /// Packs this program in place of building one; it must run here
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// The target to build for [default: this machine's]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,

    /// How the C library is linked
    #[arg(long, value_enum, default_value_t = Linking::Dynamic)]
    linking: Linking,

    /// Where the archive is put
    #[arg(long, value_name = "DIR", default_value = "target/dist")]
    output: PathBuf,
}

/// How the C library is linked.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Linking {
    /// Needs a C library at least as new as the one that it was built with
    Dynamic,
    /// Runs on every Linux of its architecture; host names come from DNS and /etc/hosts alone
    Static,
}

/// Pages that the user needs beside the program.
const PAGES: &[(&str, &str)] = &[
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("SECURITY.md", "SECURITY.md"),
    ("LICENSE", "LICENSE"),
    ("ARCHITECTURE.md", "ARCHITECTURE.md"),
    ("CONTRIBUTING.md", "CONTRIBUTING.md"),
    ("crates/bench/README.md", "crates/bench/README.md"),
];

/// Folders that are packed as they are: where they stand, and where they go.
const FOLDERS: &[(&str, &str)] = &[
    ("docs/samples", "config"),
    // Pages refer to each other, and guides to the samples, by where they stand in the repository.
    ("docs", "docs"),
];

/// Shells, with the file that each looks for.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "starrocks-kafka.bash"),
    ("zsh", "_starrocks-kafka"),
    ("fish", "starrocks-kafka.fish"),
];

/// Builds the program, packs it with all that belongs to it, and says where the archive is.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let target = match &options.target {
        Some(target) => target.clone(),
        None => host()?,
    };
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => build(root, &target, options.linking)?,
    };
    let linking = match options.linking {
        Linking::Dynamic => "",
        Linking::Static => "-static",
    };
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("starrocks-kafka-{version}-{target}{linking}");
    let output = root.join(&options.output);
    fs::create_dir_all(&output).map_err(|e| format!("{}: {e}", output.display()))?;
    let path = output.join(format!("{name}.tar.gz"));
    let mut archive = Archive::create(&path, &name)?;
    fill(&mut archive, root, &binary)?;
    licences::add(
        &mut archive,
        root,
        &target,
        options.linking == Linking::Static,
    )?;
    archive.finish()?;
    println!("{}", path.display());
    Ok(())
}

fn fill(archive: &mut Archive, root: &Path, binary: &Path) -> Result<(), String> {
    archive.program("bin/starrocks-kafka", &read(binary)?)?;
    for script in ["connect-standalone", "connect-distributed"] {
        let text = read(&root.join("dist/bin").join(script))?;
        archive.program(&format!("bin/{script}"), &text)?;
        // Apache Kafka's own archive calls them so.
        archive.link(&format!("bin/{script}.sh"), script)?;
    }
    for (from, to) in PAGES {
        archive.file(to, &read(&root.join(from))?)?;
    }
    for (from, to) in FOLDERS {
        folder(archive, &root.join(from), to)?;
    }
    for (shell, file) in COMPLETIONS {
        let text = output_of(Command::new(binary).args(["completions", shell]))?;
        archive.file(&format!("completions/{file}"), &text)?;
    }
    let pages = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    output_of(Command::new(binary).arg("man").arg(pages.path()))?;
    folder(archive, pages.path(), "man/man1")?;
    Ok(())
}

fn build(root: &Path, target: &str, linking: Linking) -> Result<PathBuf, String> {
    let mut cargo = workspace::cargo();
    cargo
        .current_dir(root)
        .args([
            "build",
            "--release",
            "--locked",
            "-p",
            "starrocks-kafka-worker",
        ])
        .args(["--target", target]);
    let mut folder = root.join("target");
    if linking == Linking::Static {
        // What is built with other flags goes elsewhere, so that neither build throws the other away.
        folder.push("static");
        cargo
            .env("RUSTFLAGS", "-C target-feature=+crt-static")
            .arg("--target-dir")
            .arg(&folder);
    }
    let status = cargo
        .status()
        .map_err(|e| format!("cargo build does not start: {e}"))?;
    if !status.success() {
        return Err(format!("cargo build for {target} failed"));
    }
    Ok(folder.join(target).join("release/starrocks-kafka"))
}

/// The target that rustc builds for by itself.
fn host() -> Result<String, String> {
    let text = output_of(Command::new("rustc").arg("-vV"))?;
    let text = String::from_utf8_lossy(&text);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

fn folder(archive: &mut Archive, from: &Path, to: &str) -> Result<(), String> {
    for path in files_in(from)? {
        let below = path.strip_prefix(from).unwrap_or(&path);
        archive.file(&format!("{to}/{}", below.display()), &read(&path)?)?;
    }
    Ok(())
}

/// All files below a folder, in the order of their names.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let problem = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|e| e.map(|e| e.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(problem)?;
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(files_in(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn output_of(command: &mut Command) -> Result<Vec<u8>, String> {
    let shown = format!("{command:?}");
    let output = command
        .output()
        .map_err(|e| format!("{shown} does not start: {e}"))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("{shown} ended with {}: {said}", output.status))
    }
}
