//! The table of parameters in StarRocks' documentation of its connector, row by row: what each does, and how a wrong
//! value is refused.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use starrocks_kafka_testbed::{Grant, User};

use crate::process::{Worker, binary};
use crate::rig::{Rig, properties};

/// Every row of the table, and where it is shown: files of tests, with the names of the tests.
const ROWS: &[(&str, &[(&str, &str)])] = &[
    ("name", &[HERE_NAME, HERE_REFUSED]),
    ("connector.class", &[HERE_NAME, HERE_REFUSED]),
    (
        "topics",
        &[
            (TOPICS, "several_topics_are_shared_by_several_tasks"),
            HERE_REFUSED,
        ],
    ),
    (
        "topics.regex",
        &[
            (TOPICS, "a_pattern_takes_up_topics_that_come_later"),
            HERE_REFUSED,
        ],
    ),
    (
        "starrocks.topic2table.map",
        &[(TOPICS, "a_map_sends_topics_to_tables"), HERE_REFUSED],
    ),
    ("starrocks.http.url", &[HERE_STARROCKS, HERE_REFUSED]),
    ("starrocks.database.name", &[HERE_STARROCKS, HERE_REFUSED]),
    ("starrocks.username", &[HERE_STARROCKS, HERE_REFUSED]),
    (
        "starrocks.password",
        &[
            HERE_STARROCKS,
            HERE_REFUSED,
            (
                REFUSALS,
                "access_and_names_that_are_wrong_fail_the_task_with_a_hint",
            ),
        ],
    ),
    ("key.converter", &[HERE_KEY, HERE_REFUSED]),
    (
        "value.converter",
        &[
            (TOPICS, "values_are_read_by_the_converter_that_is_named"),
            HERE_REFUSED,
        ],
    ),
    ("key.converter.schema.registry.url", &[IN_REGISTRY]),
    ("value.converter.schema.registry.url", &[IN_REGISTRY]),
    (
        "tasks.max",
        &[
            (TOPICS, "several_topics_are_shared_by_several_tasks"),
            HERE_REFUSED,
        ],
    ),
    ("bufferflush.maxbytes", &[HERE_FLUSH, HERE_REFUSED]),
    ("bufferflush.intervalms", &[HERE_FLUSH, HERE_REFUSED]),
    ("connect.timeoutms", &[HERE_TIMEOUT, HERE_REFUSED]),
    (
        "sink.properties.*",
        &[
            (PROPERTIES, "each_table_has_its_own_properties"),
            (PROPERTIES, "compressed_bodies_are_loaded_once"),
            HERE_REFUSED,
        ],
    ),
    (
        "sink.properties.format",
        &[(CSV, "texts_are_lines_of_csv"), HERE_REFUSED],
    ),
];

const TOPICS: &str = include_str!("topics.rs");
const REFUSALS: &str = include_str!("starrocks_refusals.rs");
const PROPERTIES: &str = include_str!("stream_load_properties.rs");
const CSV: &str = include_str!("csv.rs");
const REGISTRY: &str = include_str!("schema_registry.rs");
const HERE: &str = include_str!("parameters.rs");
const HERE_NAME: (&str, &str) = (HERE, "a_name_is_a_group_and_each_class_is_this_sink");
const HERE_STARROCKS: (&str, &str) = (HERE, "which_starrocks_as_whom_and_into_what");
const HERE_KEY: (&str, &str) = (HERE, "keys_are_read_by_the_converter_that_is_named");
const IN_REGISTRY: (&str, &str) = (REGISTRY, "the_first_example_of_the_documentation_runs");
const HERE_FLUSH: (&str, &str) = (HERE, "rows_come_when_time_is_up_or_when_they_are_enough");
const HERE_TIMEOUT: (&str, &str) = (HERE, "a_connection_is_given_up_after_its_time");
const HERE_REFUSED: (&str, &str) = (HERE, "what_is_missing_or_wrong_is_refused");

#[test]
fn each_row_has_its_tests() {
    for (parameter, tests) in ROWS {
        assert!(!tests.is_empty(), "{parameter}");
        for (file, test) in *tests {
            let is_there = file.contains(&format!("#[test]\nfn {test}() {{"));
            assert!(is_there, "{parameter}: no test {test}");
        }
    }
}

/// Every connector with one property that is wrong or missing, all of them in one go, and what is said of each.
#[test]
fn what_is_missing_or_wrong_is_refused() {
    const MISSING: &str = "(missing)";
    const CASES: &[(&str, &str, &str)] = &[
        (
            "name",
            MISSING,
            "is missing the mandatory 'name' configuration",
        ),
        ("name", "", "configuration name"),
        (
            "connector.class",
            MISSING,
            "Missing required configuration \"connector.class\"",
        ),
        (
            "connector.class",
            "org.example.Sink",
            "available connectors are: com.starrocks.connector.kafka.StarRocksSinkConnector",
        ),
        (
            "topics",
            MISSING,
            "Must configure one of topics or topics.regex",
        ),
        (
            "topics.regex",
            "a.*",
            "topics and topics.regex are mutually exclusive options, but both are set",
        ),
        ("starrocks.topic2table.map", "a", "topic:table"),
        ("starrocks.topic2table.map", "a:t,a:u", "stands there twice"),
        (
            "starrocks.http.url",
            MISSING,
            "Missing required configuration \"starrocks.http.url\"",
        ),
        ("starrocks.http.url", "fe1", "the port is missing"),
        (
            "starrocks.database.name",
            MISSING,
            "Missing required configuration \"starrocks.database.name\"",
        ),
        ("starrocks.database.name", "", "String must be non-empty"),
        (
            "starrocks.username",
            MISSING,
            "Missing required configuration \"starrocks.username\"",
        ),
        (
            "starrocks.password",
            MISSING,
            "Missing required configuration \"starrocks.password\"",
        ),
        (
            "key.converter",
            "org.example.Converter",
            "org.example.Converter",
        ),
        (
            "value.converter",
            "org.example.Converter",
            "org.example.Converter",
        ),
        ("tasks.max", "0", "Value must be at least 1"),
        ("tasks.max", "many", "Not a number of type INT"),
        (
            "bufferflush.maxbytes",
            "67108863",
            "Value must be at least 67108864",
        ),
        (
            "bufferflush.maxbytes",
            "10737418241",
            "Value must be no more than 10737418240",
        ),
        (
            "bufferflush.intervalms",
            "999",
            "Value must be at least 1000",
        ),
        (
            "bufferflush.intervalms",
            "3600001",
            "Value must be no more than 3600000",
        ),
        ("connect.timeoutms", "99", "Value must be at least 100"),
        (
            "connect.timeoutms",
            "60001",
            "Value must be no more than 60000",
        ),
        (
            "sink.properties.label",
            "mine",
            "is set by the connector itself; remove it",
        ),
        (
            "sink.properties.timeout",
            "soon",
            "is not a number of seconds from 1 to 259200",
        ),
        (
            "sink.properties.skip_header",
            "1",
            "would leave out the first rows of every load",
        ),
        (
            "sink.properties.row_delimiter",
            "\\\\x1",
            "the number of digits is odd",
        ),
        (
            "sink.properties.format",
            "avro",
            "String must be one of (case insensitive): json, csv",
        ),
        ("sink.properties.format", "", "String must be one of"),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the temporary folder takes files");
        path
    };
    let worker = "bootstrap.servers=127.0.0.1:1\nkey.converter=StringConverter\nvalue.converter=JsonConverter\n";
    let mut command = binary();
    command
        .arg("standalone")
        .arg(file("worker.properties", worker));
    for (index, (parameter, value, _)) in CASES.iter().enumerate() {
        let name = format!("c{index}");
        let right = [
            ("name", &*name),
            ("connector.class", "StarRocksSinkConnector"),
            ("topics", "a"),
            ("starrocks.http.url", "127.0.0.1:1"),
            ("starrocks.database.name", "db"),
            ("starrocks.username", "root"),
            ("starrocks.password", ""),
        ];
        let kept: Vec<_> = right
            .into_iter()
            .filter(|(key, _)| key != parameter)
            .collect();
        let mut text = properties(&kept);
        if *value != MISSING {
            writeln!(text, "{parameter}={value}").expect("a string takes text");
        }
        command.arg(file(&format!("c{index}.properties"), &text));
    }
    let mut worker = Worker::spawn(command);
    let status = worker.wait();
    let log = worker.log();
    assert_eq!(status.code(), Some(3), "{log}");
    for (index, (parameter, value, message)) in CASES.iter().enumerate() {
        let of_it = format!("/c{index}.properties");
        let said: Vec<_> = log.lines().filter(|line| line.contains(&of_it)).collect();
        let is_told = said.iter().any(|line| line.contains(message));
        assert!(is_told, "{parameter}={value}: {said:#?}");
    }
}

#[test]
fn a_name_is_a_group_and_each_class_is_this_sink() {
    let Some(rig) = Rig::new("names") else { return };
    let classes = [
        "com.starrocks.connector.kafka.StarRocksSinkConnector",
        "com.starrocks.connector.kafka.SinkConnector",
        "StarRocksSinkConnector",
        "StarRocksSink",
    ];
    let topics: Vec<_> = classes.iter().map(|_| rig.topic(1)).collect();
    let name = |topic: &str| format!("of-{topic}");
    let files: Vec<_> = classes
        .iter()
        .zip(&topics)
        .map(|(class, topic)| {
            rig.produce(topic, 1, 0, 20);
            rig.connector(&name(topic), topic, &[("connector.class", class)])
        })
        .collect();
    let worker = rig.start(&files);
    for topic in &topics {
        rig.wait_for_rows(topic, 20, &worker);
    }
    drop(worker.terminate());
    for topic in &topics {
        rig.check_exactly_once(topic, topic, 1, 20);
        assert_eq!(rig.stored_offsets(&name(topic), topic, 1), [20]);
    }
}

#[test]
fn which_starrocks_as_whom_and_into_what() {
    let Some(rig) = Rig::new("starrocks") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 50);
    let ddl = format!(
        "CREATE TABLE inventory.`{topic}` (src VARCHAR(200) NOT NULL, part INT NOT NULL, off BIGINT NOT NULL) \
         DUPLICATE KEY(src) DISTRIBUTED BY HASH(src)"
    );
    rig.standin
        .sql("CREATE DATABASE inventory")
        .expect("a new database");
    rig.standin.sql(&ddl).expect("a new table");
    rig.standin.set_user(User {
        name: "loader".to_owned(),
        password: "let-me-in".to_owned(),
        grants: vec![Grant::Insert {
            db: "inventory".to_owned(),
            table: topic.clone(),
        }],
    });
    // Nobody listens at the first address any more.
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let gone = gone.expect("a free port");
    let fe = rig.standin.http_url();
    let urls = format!("{gone},{}", fe.trim_start_matches("http://"));
    let properties = [
        ("starrocks.http.url", &*urls),
        ("starrocks.database.name", "inventory"),
        ("starrocks.username", "loader"),
        ("starrocks.password", "let-me-in"),
    ];
    let worker = rig.start(&[rig.connector("which", &topic, &properties)]);
    let count = format!("SELECT COUNT(*) FROM inventory.`{topic}`");
    rig.wait_until("rows in the other database", &worker, || {
        rig.standin
            .sql(&count)
            .is_ok_and(|rows| rows.lines() == ["50"])
    });
    let (status, log) = worker.terminate();
    assert!(
        status.success() && !log.contains("let-me-in"),
        "{status}:\n{log}"
    );
    assert_eq!(rig.rows(&topic), 0, "in the database shop");
}

#[test]
fn keys_are_read_by_the_converter_that_is_named() {
    let Some(rig) = Rig::new("keys") else { return };
    let (texts, json) = (rig.topic(1), rig.topic(1));
    for topic in [&texts, &json] {
        let row = crate::rig::row(topic, 0, 0);
        let message = starrocks_kafka_testbed::broker::Message::new(0, row).with_key("no JSON");
        rig.broker.produce(topic, [message]);
    }
    let converter = (
        "key.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    );
    let files = [
        // The worker's, which reads texts.
        rig.connector("texts", &texts, &[]),
        rig.connector("json", &json, &[converter]),
    ];
    let worker = rig.start(&files);
    rig.wait_for_rows(&texts, 1, &worker);
    worker.wait_for_failure("json");
    let failed = worker.lines("task FAILED").join("\n");
    assert!(
        failed.contains(&format!("record {json}-0 at offset 0")),
        "{failed}"
    );
    drop(worker.terminate());
    rig.check_exactly_once(&texts, &texts, 1, 1);
    assert_eq!(rig.rows(&json), 0);
}

#[test]
fn rows_come_when_time_is_up_or_when_they_are_enough() {
    let Some(rig) = Rig::new("flush") else { return };
    let (slow, many) = (rig.topic(1), rig.topic(1));
    let hour = ("bufferflush.intervalms", "3600000");
    let files = [
        rig.connector("slow", &slow, &[hour]),
        rig.connector("many", &many, &[hour, ("bufferflush.maxbytes", "67108864")]),
        rig.connector(
            "soon",
            &slow,
            &[
                ("bufferflush.intervalms", "1000"),
                ("starrocks.database.name", "soon"),
            ],
        ),
    ];
    rig.standin
        .sql("CREATE DATABASE soon")
        .expect("a new database");
    let ddl = format!(
        "CREATE TABLE soon.`{slow}` (src VARCHAR(200) NOT NULL, part INT NOT NULL, off BIGINT NOT NULL) \
         DUPLICATE KEY(src) DISTRIBUTED BY HASH(src)"
    );
    rig.standin.sql(&ddl).expect("a new table");
    rig.produce(&slow, 1, 0, 10);
    // 64 MiB and some.
    rig.produce_wide(&many, 1, 0, 1500, 60_000);
    let worker = rig.start(&files);
    rig.wait_for_rows(&many, 1, &worker);
    let soon = format!("SELECT COUNT(*) FROM soon.`{slow}`");
    rig.wait_until("the rows of a second", &worker, || {
        rig.standin
            .sql(&soon)
            .is_ok_and(|rows| rows.lines() == ["10"])
    });
    // The round ended with the poll that made it full, and what came after it waits for an hour.
    let loaded = rig.rows(&many);
    assert!((1115..1500).contains(&loaded), "{loaded} rows");
    assert_eq!(rig.rows(&slow), 0);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    // What it had not read when it was stopped comes now.
    let files =
        [("slow", &slow), ("many", &many)].map(|(name, topic)| rig.connector(name, topic, &[]));
    let worker = rig.start(&files);
    rig.wait_for_rows(&slow, 10, &worker);
    rig.wait_for_rows(&many, 1500, &worker);
    drop(worker.terminate());
    rig.check_exactly_once(&slow, &slow, 1, 10);
    rig.check_exactly_once(&many, &many, 1, 1500);
}

/// An address that takes no more connections and refuses none. It is silent for as long as what is returned lives.
fn silent_address() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    // Those that wait to be accepted are as few as can be; once they are there, nobody is answered any more.
    rustix::net::listen(&listener, 0).expect("a listener may listen");
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 1000, "the queue never fills");
    }
    (address, listener, waiting)
}

#[test]
fn a_connection_is_given_up_after_its_time() {
    let Some(rig) = Rig::new("connect_timeout") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 10);
    let (address, _listener, _waiting) = silent_address();
    let url = address.to_string();
    let with = |name: &str, ms: &str| {
        let properties = [("starrocks.http.url", &*url), ("connect.timeoutms", ms)];
        rig.connector(name, &topic, &properties)
    };
    let worker = rig.start(&[with("patient", "60000"), with("hasty", "100")]);
    worker.wait_for_line(&["retrying: ", "connector=hasty", &url]);
    let patient = worker.lines("connector=patient");
    let gave_up = patient.iter().any(|line| line.contains("retrying: "));
    assert!(!gave_up, "{patient:#?}");
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
}

#[test]
fn a_registry_that_no_converter_needs_is_not_asked() {
    let Some(rig) = Rig::new("registry") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 10);
    let unused = [
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        ("key.converter.schema.registry.url", "http://127.0.0.1:1"),
        (
            "value.converter",
            "org.apache.kafka.connect.json.JsonConverter",
        ),
        ("value.converter.schemas.enable", "false"),
        ("value.converter.schema.registry.url", "http://127.0.0.1:1"),
    ];
    let worker = rig.start(&[rig.connector("unused", &topic, &unused)]);
    rig.wait_for_rows(&topic, 10, &worker);
    drop(worker.terminate());
    rig.check_exactly_once(&topic, &topic, 1, 10);
}
