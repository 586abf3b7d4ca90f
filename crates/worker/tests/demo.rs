//! The demo, as a person who tries it runs it.
#![cfg(feature = "demo")]

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use starrocks_kafka_testbed::{mysql_client_or_skip, sql_at};
use tempfile::TempDir;

/// How long a test waits for what must come. Generous: the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// The demo at work, with a folder for temporary files of its own. Dropping it kills it.
struct Demo {
    child: Child,
    temporary: TempDir,
    out: Stream,
    err: Stream,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new(env!("CARGO_BIN_EXE_starrocks-kafka"))
            .arg("demo")
            .args(arguments)
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let out = Stream::read(child.stdout.take().expect("standard output is piped"));
        let err = Stream::read(child.stderr.take().expect("standard error is piped"));
        Self {
            child,
            temporary,
            out,
            err,
        }
    }

    fn interrupt(&self) {
        let status = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(status.success(), "the demo was there to be interrupted");
    }

    /// Waits for its end; its code, and what it printed and logged.
    fn end(mut self) -> (Option<i32>, String, String) {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the demo is a child of ours") {
                break status;
            }
            assert!(
                Instant::now() < until,
                "still at work after {PATIENCE:?}:\n{}{}",
                self.out.text(),
                self.err.text()
            );
            std::thread::sleep(Duration::from_millis(20));
        };
        let (out, err) = (self.out.all(), self.err.all());
        let left: Vec<_> = std::fs::read_dir(self.temporary.path())
            .expect("the temporary folder is there")
            .collect();
        assert!(left.is_empty(), "temporary files are left: {left:?}");
        (status.code(), out, err)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[derive(Default)]
struct Lines {
    text: Mutex<String>,
    grown: Condvar,
}

/// What comes out of a pipe.
struct Stream {
    lines: Arc<Lines>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn read(pipe: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Lines::default());
        let reader = std::thread::spawn({
            let lines = Arc::clone(&lines);
            move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let mut text = lines.text.lock().expect("no reader panics");
                    text.push_str(&line);
                    text.push('\n');
                    lines.grown.notify_all();
                }
            }
        });
        Self {
            lines,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        self.lines.text.lock().expect("no reader panics").clone()
    }

    /// Waits until a text has come.
    fn wait_for(&self, wanted: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut text = self.lines.text.lock().expect("no reader panics");
        while !text.contains(wanted) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "no '{wanted}' within {PATIENCE:?}:\n{text}"
            );
            let waited = self.lines.grown.wait_timeout(text, left);
            text = waited.expect("no reader panics").0;
        }
        text.clone()
    }

    /// Everything, once the pipe is closed.
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no reader panics");
        }
        self.text()
    }
}

/// The value of a property in a file of the demo.
fn property(file: &Path, key: &str) -> String {
    let text = std::fs::read_to_string(file).expect("the demo has written it");
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let value = line.and_then(|rest| rest.strip_prefix('='));
    value
        .unwrap_or_else(|| panic!("no {key} in {text}"))
        .to_owned()
}

fn contains(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "no '{wanted}' in:\n{text}");
    }
}

#[test]
fn every_order_becomes_a_row() {
    let (code, out, err) = Demo::start(&["--records", "5000"]).end();
    assert_eq!(code, Some(0), "{out}{err}");
    contains(
        &out,
        &[
            "5,000 orders, from a Kafka topic into a StarRocks table",
            "StarRocks is played by a stand-in",
            "librdkafka's mock cluster",
            "CREATE TABLE shop.orders",
            "bootstrap.servers=127.0.0.1:",
            "starrocks.delivery.guarantee=at-least-once",
            "\nLoaded\n  5,000 records became 5,000 rows, each once: 5,000 different ids, from 1 to 5,000\n",
            "lag now 0\n",
            "  1  | Fatima Haddad | carpet  | 4        | 180.00 |",
            "\nThe files it ran on\n  orders.sql ",
            "starrocks-kafka demo --keep",
        ],
    );
    assert!(!out.contains('\x1b'), "no terminal, no colours:\n{out}");
    contains(&err, &["5,000 of 5,000 records; 5,000 rows, "]);
    let logged = err
        .lines()
        .find(|line| line.contains("WARN") || line.contains("ERROR"));
    assert_eq!(logged, None, "nothing to be warned of");
}

/// What every format shows of 3,000 orders.
const SHOWN: [&str; 4] = [
    "3,000 orders, from a Kafka topic into a StarRocks table",
    "\nLoaded\n  3,000 records became 3,000 rows, each once: 3,000 different ids, from 1 to 3,000\n",
    "lag now 0\n",
    "  1  | Fatima Haddad | carpet  | 4        | 180.00 |",
];

/// The rows that a format's demo shows of its table: the first orders, and all by their status.
fn rows_of(format: &str, shown: &[&str]) -> String {
    let (code, out, err) = Demo::start(&["--records", "3000", "--format", format]).end();
    assert_eq!(code, Some(0), "{format}:\n{out}{err}");
    contains(&out, &SHOWN);
    contains(&out, shown);
    let (_, rows) = out
        .split_once("\nWhat is in the table\n")
        .expect("rows are shown");
    let (rows, _) = rows
        .split_once("\nThe files it ran on\n")
        .expect("files are shown after them");
    rows.to_owned()
}

#[test]
fn lines_of_csv_become_the_rows_that_json_becomes() {
    let csv = rows_of(
        "csv",
        &[
            "value.converter=org.apache.kafka.connect.storage.StringConverter\n",
            "sink.properties.format=csv\n",
            "sink.properties.column_separator=|\n",
        ],
    );
    assert_eq!(
        csv,
        rows_of("json", &["value.converter.schemas.enable=false\n"])
    );
}

#[test]
fn records_with_schemas_become_the_rows_that_json_becomes() {
    let json = rows_of("json", &[]);
    let check = |format: &str, converter: &str, schema: &str| {
        let converter = format!("  value.converter={converter}\n");
        let shown = [
            &converter,
            schema,
            "The Schema Registry (http://127.0.0.1:",
            "\norders-value, version 1, id 1\n",
            "  value.converter.schema.registry.url=http://127.0.0.1:",
        ];
        assert_eq!(rows_of(format, &shown), json, "{format}");
    };
    check(
        "avro",
        "io.confluent.connect.avro.AvroConverter",
        r#"  {"name":"note","type":["null","string"],"default":null}"#,
    );
    check(
        "protobuf",
        "io.confluent.connect.protobuf.ProtobufConverter",
        "  optional string note = 8;\n",
    );
    check(
        "json-schema",
        "io.confluent.connect.json.JsonSchemaConverter",
        r#""note": {"oneOf":[{"type":"null"},{"type":"string"}],"connect.index":7}"#,
    );
}

#[test]
fn it_goes_on_running_when_asked_to_and_keeps_its_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kept = folder.path().join("kept");
    let path = kept.to_str().expect("a name of text");
    let demo = Demo::start(&["--records", "100", "--keep", "--folder", path]);
    let out = demo.out.wait_for("kcat -P -b ");
    contains(
        &out,
        &["100 records became 100 rows", &format!("kept in {path}")],
    );

    let http = property(&kept.join("orders.properties"), "starrocks.http.url");
    let kafka = property(&kept.join("worker.properties"), "bootstrap.servers");
    contains(
        &out,
        &[
            &format!("curl http://{http}/testbed/sql"),
            &format!("-b {kafka} "),
        ],
    );
    let example = out.split('\'').find(|text| text.starts_with(r#"{"id":0,"#));
    produce(&kafka, example.expect("an order to send is shown"));
    let until = Instant::now() + PATIENCE;
    let rows = || {
        sql_at(
            &http,
            "SELECT id, customer, price FROM shop.orders WHERE id = 0",
        )
    };
    while rows().expect("the stand-in runs").lines() != ["0\tYou\t39.90"] {
        assert!(
            Instant::now() < until,
            "an order of one's own became no row:\n{}",
            demo.err.text()
        );
        std::thread::sleep(Duration::from_millis(50));
    }

    let command = out
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("mysql "))
        .expect("the page says how to connect");
    let answer = ask_by_mysql(
        command,
        "SELECT id, customer, price FROM orders WHERE id = 0; SHOW TABLES",
    );
    if let Some(answer) = answer {
        assert_eq!(answer, "0\tYou\t39.90\norders\n");
    }

    demo.interrupt();
    let (code, out, err) = demo.end();
    assert_eq!(code, Some(0), "{out}{err}");
    contains(&out, &["\nStopped\n"]);
    assert!(kept.join("orders.sql").exists(), "the files are kept");
}

/// What the mysql client prints, given the arguments that the page shows; `None` where no client is installed.
fn ask_by_mysql(arguments: &str, sql: &str) -> Option<String> {
    let done = mysql_client_or_skip()?
        .args(arguments.split(' '))
        .args(["-N", "-e", sql])
        .output()
        .expect("the client runs");
    let err = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "mysql {arguments}: {err}");
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[test]
fn it_says_how_to_send_a_line_of_csv() {
    let demo = Demo::start(&["--records", "100", "--format", "csv", "--keep"]);
    let out = demo.out.wait_for("kcat -P -b ");
    contains(
        &out,
        &[r"echo '0|You|lamp|1|39.90|new|2025-06-01 12:00:00|\N'"],
    );
    demo.interrupt();
    let (code, out, err) = demo.end();
    assert_eq!(code, Some(0), "{out}{err}");
}

fn produce(bootstrap_servers: &str, value: &str) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap_servers);
    let producer: BaseProducer = config.create().expect("a constant configuration");
    let record = BaseRecord::<[u8], _>::to("orders").payload(value.as_bytes());
    producer
        .send(record)
        .map_err(|(error, _)| error)
        .expect("the queue is empty");
    producer.flush(PATIENCE).expect("the demo's Kafka takes it");
}

#[test]
fn an_interrupt_in_the_middle_loads_what_was_read_and_ends() {
    let demo = Demo::start(&["--records", "1000000000"]);
    demo.err.wait_for(" rows/s, lag ");
    demo.interrupt();
    let (code, out, err) = demo.end();
    assert_eq!(code, Some(0), "{out}{err}");
    contains(&out, &["\nStopped early\n", " rows, each once: "]);
}

#[test]
fn what_is_not_the_demos_own_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mine = folder.path().join("worker.properties");
    std::fs::write(&mine, "bootstrap.servers=mine:9092\n").expect("the folder takes files");
    let path = folder.path().to_str().expect("a name of text");
    let (code, out, err) = Demo::start(&["--records", "1", "--folder", path]).end();
    assert_eq!(code, Some(4), "{out}{err}");
    contains(
        &err,
        &[&format!(
            "{} is there already and is not the demo's",
            mine.display()
        )],
    );
    assert_eq!(property(&mine, "bootstrap.servers"), "mine:9092");
}
