//! The archive of a release, unpacked elsewhere, with the commands of the documentation as printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::process::Worker;
use crate::rig::{PATIENCE, Rig};

/// An unpacked archive, in a folder of its own.
struct Unpacked {
    folder: TempDir,
    home: PathBuf,
}

/// The archive of the program that was built for these tests, packed by `cargo xtask dist` once for all of them.
fn packed() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--locked", "-p", "starrocks-kafka-xtask"])
            .args(["--", "dist", "--binary"])
            .arg(env!("CARGO_BIN_EXE_starrocks-kafka"))
            .arg("--output")
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("dist"))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
            .output()
            .expect("cargo starts");
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8_lossy(&output.stdout).trim().into()
    })
}

impl Unpacked {
    fn new() -> Self {
        let archive = packed();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let unpacked = Command::new("tar")
            .arg("xzf")
            .arg(archive)
            .current_dir(folder.path())
            .output()
            .expect("tar starts");
        assert!(unpacked.status.success(), "{}", said(&unpacked));
        let name = archive.file_name().expect("it has a name");
        let name = name.to_string_lossy();
        let home = folder.path().join(name.trim_end_matches(".tar.gz"));
        Self { folder, home }
    }

    /// A command of the archive, as it is typed in its folder.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.home)
            .env_remove("KAFKA_OPTS");
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = self.command(program, arguments);
        command.output().expect("the archive's programs start")
    }

    /// Puts a file beside the archive's own.
    fn put(&self, from: &Path, name: &str) {
        fs::copy(from, self.home.join(name)).expect("the folder takes files");
    }
}

fn said(output: &Output) -> String {
    let text = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn the_commands_of_the_documentation_work_as_printed() {
    let Some(rig) = Rig::new("archive") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let archive = Unpacked::new();
    archive.put(&rig.worker_file(&[]), "worker.properties");
    let connector = rig.connector("archive", &topic, &[]);
    archive.put(&connector, "connect-StarRocks-sink.properties");
    let mut command = archive.command(
        "bin/connect-standalone",
        &["worker.properties", "connect-StarRocks-sink.properties"],
    );
    command.env("KAFKA_OPTS", "-Djava.security.auth.login.config=jaas.conf");
    let worker = Worker::spawn(command);
    rig.wait_for_rows(&topic, 100, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(log.contains("KAFKA_OPTS is set and has no effect"), "{log}");
    rig.check_exactly_once(&topic, &topic, 1, 100);
}

#[test]
fn in_the_background_it_writes_its_log_to_a_file() {
    let Some(rig) = Rig::new("archive_daemon") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let archive = Unpacked::new();
    // By a link, as somebody has put it on the path.
    let link = archive.folder.path().join("connect-standalone");
    std::os::unix::fs::symlink(archive.home.join("bin/connect-standalone.sh"), &link)
        .expect("a link");
    let worker = rig.worker_file(&[]);
    let connector = rig.connector("archive_daemon", &topic, &[]);
    let logs = archive.folder.path().join("logs");
    let started = archive
        .command(&link.display().to_string(), &["-daemon"])
        .arg(worker)
        .arg(connector)
        .env("LOG_DIR", &logs)
        .stdin(Stdio::null())
        .output()
        .expect("the script starts");
    let text = said(&started);
    assert!(started.status.success(), "{text}");
    let process = text
        .strip_prefix("started as process ")
        .and_then(|rest| rest.split(';').next())
        .expect(&text);
    let ended = Ended(process.to_owned());
    let until = std::time::Instant::now() + PATIENCE;
    let log = || fs::read_to_string(logs.join("connectStandalone.out")).unwrap_or_default();
    while rig.rows(&topic) < 100 {
        assert!(std::time::Instant::now() < until, "{}", log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(ended);
    while !log().contains("starrocks-kafka stopped") {
        assert!(std::time::Instant::now() < until, "{}", log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    rig.check_exactly_once(&topic, &topic, 1, 100);
}

/// Ends a process when dropped.
struct Ended(String);

impl Drop for Ended {
    fn drop(&mut self) {
        // Where it has ended before, there is nothing to end.
        drop(Command::new("kill").arg(&self.0).status());
    }
}

#[test]
fn everything_is_in_its_place() {
    let archive = Unpacked::new();
    let check = |program: &str, arguments: &[&str], code: i32, expect: &str| {
        let output = archive.run(program, arguments);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{program}: {text}");
        assert!(text.contains(expect), "{program} {arguments:?}: {text}");
    };
    check(
        "bin/connect-standalone",
        &[],
        1,
        "USAGE: bin/connect-standalone [-daemon] worker.properties",
    );
    check("bin/connect-standalone.sh", &["-daemon"], 1, "USAGE");
    check(
        "bin/connect-standalone",
        &["missing.properties"],
        2,
        "missing.properties: cannot be read",
    );
    check(
        "bin/connect-standalone",
        &["--help"],
        0,
        "Run the connectors of some files",
    );
    check(
        "bin/connect-distributed",
        &["config/connect-standalone.properties"],
        1,
        "distributed mode is not yet supported",
    );
    check(
        "bin/starrocks-kafka",
        &["--version"],
        0,
        env!("CARGO_PKG_VERSION"),
    );
    check("bash", &["-n", "completions/starrocks-kafka.bash"], 0, "");
    for name in [
        "LICENSE",
        "README.md",
        "config/connect-standalone.properties",
        "completions/_starrocks-kafka",
        "completions/starrocks-kafka.fish",
        "man/man1/starrocks-kafka.1",
        "man/man1/starrocks-kafka-standalone.1",
        "docs/reference/configuration.md",
        "docs/guides/csv.md",
        "docs/samples/csv-connector.properties",
        "SECURITY.md",
    ] {
        let length = fs::metadata(archive.home.join(name)).expect(name).len();
        assert!(length > 0, "{name}");
    }
    let libraries = fs::read_to_string(archive.home.join("licences/LIBRARIES.txt"));
    let libraries = libraries.expect("a list of libraries");
    for library in ["rdkafka-sys ", "openssl-src ", "tokio "] {
        assert!(libraries.contains(library), "{library}: {libraries}");
    }
    assert!(
        !libraries.contains("insta "),
        "what only tests it is not shipped"
    );
}

/// Every sample of a connector is one that a preview takes beside the worker's sample of its name, else beside the
/// plain one.
#[test]
fn every_sample_is_right() {
    let archive = Unpacked::new();
    let records = archive.home.join("records.jsonl");
    fs::write(&records, "{\"topic\":\"t\",\"value\":null}\n").expect("the folder takes files");
    let mut seen = 0;
    for entry in fs::read_dir(archive.home.join("config")).expect("samples") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a sample is text");
        if !text.contains("connector.class") {
            continue;
        }
        seen += 1;
        let path = path.display().to_string();
        let own = path.replace("-connector.", "-worker.");
        let worker = if own != path && Path::new(&own).exists() {
            own
        } else {
            "config/connect-standalone.properties".to_owned()
        };
        let arguments = [
            "preview",
            &path,
            "--worker",
            &worker,
            "--records",
            "records.jsonl",
        ];
        let output = archive
            .command("bin/starrocks-kafka", &arguments)
            .envs(
                [
                    "STARROCKS_PASSWORD",
                    "CONFLUENT_API_KEY",
                    "CONFLUENT_API_SECRET",
                ]
                .map(|name| (name, "x")),
            )
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{path}: {}", said(&output));
        assert!(output.stderr.is_empty(), "{path}: {}", said(&output));
    }
    assert!(seen >= 2, "there are samples");
}
