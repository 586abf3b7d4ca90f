//! The program `starrocks-testbed`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use crate::http::{Ask, JSON};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_starrocks-testbed"))
}

/// A serving program; killed when a test fails on the way.
struct Serving {
    child: Child,
    out: BufReader<ChildStdout>,
    head: Vec<String>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already, which is just as well.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program()
            .args(["serve", "--http", "127.0.0.1:0", "--be", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut head = Vec::new();
        while head.last().is_none_or(|line| line != "ready") {
            let mut line = String::new();
            assert_ne!(
                out.read_line(&mut line).expect("it speaks"),
                0,
                "it ended after {head:?}"
            );
            head.push(line.trim_end().to_owned());
        }
        Self { child, out, head }
    }

    fn addr(&self, node: &str) -> SocketAddr {
        let line = self
            .head
            .iter()
            .find_map(|l| l.strip_prefix(node)?.strip_prefix(" http://"));
        line.and_then(|l| l.parse().ok())
            .expect("it tells its addresses")
    }

    /// Sends a signal and answers what it said at the end.
    fn end(mut self, signal: &str) -> String {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([signal, &id])
            .status()
            .expect("kill runs");
        assert!(sent.success(), "the signal is sent");
        let ended = self.child.wait().expect("it ends");
        assert!(ended.success(), "{ended}");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("it spoke");
        rest
    }
}

fn sql(place: &[&str], statements: &str) -> Output {
    program()
        .arg("sql")
        .args(place)
        .arg(statements)
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn in_dir(dir: &Path) -> [&str; 2] {
    ["--data", dir.to_str().expect("the path is text")]
}

#[test]
fn it_serves_until_it_is_told_to_stop_and_keeps_its_data() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = in_dir(dir.path());
    for (run, signal) in [(1, "-TERM"), (2, "-INT")] {
        let serving = Serving::start(&[&data[..], &["--user", "u:p"]].concat());
        assert!(
            serving.head[0].contains("stand-in") && serving.head[0].contains("not StarRocks"),
            "{:?}",
            serving.head
        );
        let fe = serving.addr("FE 0");
        let at = ["--http", &fe.to_string()];
        let made = sql(
            &at,
            "CREATE DATABASE IF NOT EXISTS d; CREATE TABLE IF NOT EXISTS d.t (id INT)",
        );
        assert_eq!(
            (text(&made.stdout).trim(), made.status.success()),
            ("0 rows changed", true)
        );
        let load = Ask::new("PUT", "/api/d/t/_stream_load")
            .headers(JSON)
            .header("Expect", "100-continue")
            .user("u", "p");
        let answer = load.body(r#"[{"id":1}]"#).follow(fe).expect("it answers");
        assert_eq!(answer.word(), "Success", "{}", answer.text());
        let counted = sql(&at, "SELECT count(*) AS n FROM d.t");
        assert_eq!(text(&counted.stdout), format!("n\n-\n{run}\n1 rows\n"));
        let refused = sql(&at, "SELEC 1");
        assert!(!refused.status.success());
        assert!(
            text(&refused.stderr).contains("does not know the statement `SELEC 1`"),
            "{}",
            text(&refused.stderr)
        );
        let locked = sql(&data, "SELECT 1");
        assert!(
            text(&locked.stderr).contains("ask that one with --http"),
            "{}",
            text(&locked.stderr)
        );
        let end = serving.end(signal);
        assert!(end.contains("1 rows, 1 commits"), "{end}");
    }
    let counted = sql(&data, "SELECT count(*) AS n FROM d.t");
    assert_eq!(text(&counted.stdout), "n\n-\n2\n1 rows\n");
}

#[test]
fn it_counts_bytes_where_that_is_asked() {
    let serving = Serving::start(&["--count-only", "--count-rows"]);
    let load = Ask::new("PUT", "/api/any/table/_stream_load")
        .headers(JSON)
        .header("Expect", "100-continue");
    let answer = load
        .body(r#"[{"id":1}]"#)
        .follow(serving.addr("FE 0"))
        .expect("it answers");
    assert_eq!(
        (answer.word(), answer.get("NumberLoadedRows")),
        ("Success".into(), "1".into())
    );
    let end = serving.end("-TERM");
    assert!(end.contains("10 body bytes"), "{end}");
}

#[test]
fn it_plays_a_schema_registry_where_that_is_asked() {
    let serving = Serving::start(&["--schema-registry", "127.0.0.1:0"]);
    let register = Ask::new("POST", "/subjects/a/versions").body(r#"{"schema":"int"}"#);
    let answer = register
        .send(serving.addr("schema registry"))
        .expect("it answers");
    assert_eq!((answer.status, answer.get("id")), (200, "1".into()));
    serving.end("-TERM");
}

#[test]
fn its_help_says_what_it_is_not() {
    let help = program().arg("--help").output().expect("the program runs");
    assert!(
        text(&help.stdout).contains("It is not StarRocks"),
        "{}",
        text(&help.stdout)
    );
    let nobody = sql(&["--http", "127.0.0.1:1"], "SELECT 1");
    assert!(
        text(&nobody.stderr).starts_with("starrocks-testbed: no stand-in answers at 127.0.0.1:1"),
        "{}",
        text(&nobody.stderr)
    );
}
