//! The programs that are measured: found beside this one, and built where they are missing or old.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::failure::Failure;

/// The worker's binary.
pub(crate) const WORKER: Program = Program {
    name: "starrocks-kafka",
    package: "starrocks-kafka-worker",
};
/// The stand-in's binary.
pub(crate) const STAND_IN: Program = Program {
    name: "starrocks-testbed",
    package: "starrocks-kafka-testbed",
};

/// A binary of this workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    name: &'static str,
    package: &'static str,
}

/// The paths of the programs, in their order. What is missing beside this executable, or older than its
/// sources, is built with the profile that this executable was built with.
///
/// # Errors
/// There is no cargo to build with, or the build fails.
pub(crate) fn find_or_build<const N: usize>(
    programs: [Program; N],
) -> Result<[PathBuf; N], Failure> {
    let this = std::env::current_exe().map_err(Failure::to("find this executable"))?;
    let folder = this
        .parent()
        .ok_or_else(|| Failure::new("this executable is in no folder"))?;
    let path = |program: &Program| {
        folder.join(format!("{}{}", program.name, std::env::consts::EXE_SUFFIX))
    };
    let wanting: Vec<&Program> = programs
        .iter()
        .filter(|program| !is_fresh(&path(program)))
        .collect();
    if !wanting.is_empty() {
        build(folder, &wanting)?;
    }
    let paths = programs.each_ref().map(path);
    match paths.iter().find(|path| !path.is_file()) {
        Some(path) => Err(Failure::new(format!("{} was not built", path.display()))),
        None => Ok(paths),
    }
}

fn build(folder: &Path, programs: &[&Program]) -> Result<(), Failure> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--locked"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    for program in programs {
        command.args(["--package", program.package, "--bin", program.name]);
    }
    if let Some(target) = folder.parent() {
        command.env("CARGO_TARGET_DIR", target);
    }
    let names: Vec<_> = programs.iter().map(|program| program.name).collect();
    writeln!(
        io::stderr(),
        "building {}: missing beside this program, or older than their sources",
        names.join(" and ")
    )?;
    let status = command.status().map_err(Failure::to("run cargo"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new("cargo could not build what is to be measured"))
    }
}

/// Whether the binary is there and no file that it was built from is younger; cargo writes their names
/// beside it.
fn is_fresh(binary: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
    let Ok(built) = modified(binary) else {
        return false;
    };
    let Ok(sources) = fs::read_to_string(binary.with_extension("d")) else {
        return false;
    };
    let is_older =
        |path: &str| modified(Path::new(path)).is_ok_and(|time: SystemTime| time <= built);
    sources_of(&sources).iter().all(|path| is_older(path))
}

/// The files after the colon of a make rule; a blank in a name is written with a backslash before it.
fn sources_of(rule: &str) -> Vec<String> {
    let Some((_, files)) = rule.lines().next().and_then(|line| line.split_once(": ")) else {
        return Vec::new();
    };
    let mut sources = vec![String::new()];
    let mut characters = files.chars();
    while let Some(character) = characters.next() {
        match (character, sources.last_mut()) {
            ('\\', Some(last)) => last.extend(characters.next()),
            (' ', _) => sources.push(String::new()),
            (other, Some(last)) => last.push(other),
            (_, None) => {}
        }
    }
    sources.retain(|source| !source.is_empty());
    sources
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rule_names_its_sources() {
        fn check(rule: &str, expect: &[&str]) {
            assert_eq!(sources_of(rule), expect, "{rule}");
        }
        check("/t/bin: /a/b.rs /a/c.rs\n", &["/a/b.rs", "/a/c.rs"]);
        check("/t/bin: /my\\ files/b.rs\n", &["/my files/b.rs"]);
        check("/t/bin:\n", &[]);
        check("", &[]);
    }

    #[test]
    fn a_binary_is_fresh_until_a_source_is_younger_or_gone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (binary, source) = (folder.path().join("program"), folder.path().join("main.rs"));
        assert!(!is_fresh(&binary), "it is not there");
        fs::write(&source, "fn main() {}").expect("the folder takes files");
        fs::write(&binary, "").expect("the folder takes files");
        assert!(!is_fresh(&binary), "nobody knows what it was built from");
        let rule = format!("{}: {}\n", binary.display(), source.display());
        fs::write(binary.with_extension("d"), rule).expect("the folder takes files");
        assert!(is_fresh(&binary));
        let touch = |ahead: Duration| {
            let file = fs::File::options().append(true).open(&source);
            let time = SystemTime::now() + ahead;
            file.and_then(|file| file.set_modified(time))
                .expect("the file is ours");
        };
        touch(Duration::from_secs(60));
        assert!(!is_fresh(&binary), "the source is younger");
        fs::remove_file(&source).expect("the file is ours");
        assert!(!is_fresh(&binary), "the source is gone");
    }
}
