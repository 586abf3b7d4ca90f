//! What a running worker says, in both formats, and what it never says.

use starrocks_kafka_testbed::User;

use crate::process::{Worker, binary};
use crate::rig::Rig;

const SECRET: &str = "let-me-in";
/// `loader:let-me-in`, as Basic authentication sends it.
const SENT: &str = "bG9hZGVyOmxldC1tZS1pbg";

/// Runs a connector to its end and gives its log; one row is refused on the way.
fn log(rig: &Rig, options: &[&str]) -> String {
    rig.standin.set_user(User::with_all("loader", SECRET));
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let connector = rig.connector(
        "logs",
        &topic,
        &[
            ("starrocks.username", "loader"),
            ("starrocks.password", SECRET),
            ("an.unknown.property", SECRET),
            ("errors.log.enable", "true"),
        ],
    );
    let mut command = binary();
    command.args(options).arg("standalone");
    command.arg(rig.worker_file(&[])).arg(connector);
    let worker = Worker::spawn(command);
    rig.wait_for_rows(&topic, 100, &worker);
    let bad = format!(r#"{{"src":"{topic}","part":0,"off":null}}"#);
    let bad = starrocks_kafka_testbed::broker::Message::new(0, bad);
    rig.broker.produce(&topic, [bad]);
    worker.wait_for_log("task FAILED");
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    log
}

#[test]
fn no_password_at_any_level_and_only_one_line_an_event() {
    let Some(rig) = Rig::new("logs_text") else {
        return;
    };
    let log = log(&rig, &["--log-level", "trace"]);
    assert!(log.contains("TRACE"), "nothing is left out:\n{log}");
    for secret in [SECRET, SENT] {
        assert!(!log.contains(secret), "{secret} in the log:\n{log}");
    }
    for line in log.lines() {
        let time = line.split(' ').next().unwrap_or_default();
        assert!(time.len() == 24 && time.ends_with('Z'), "no event: {line}");
    }
}

#[test]
fn in_json_each_event_is_an_object_with_what_it_is_about() {
    let Some(rig) = Rig::new("logs_json") else {
        return;
    };
    let log = log(&rig, &["--log-format=json"]);
    let events: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let event = |part: &str| {
        let has = |event: &&serde_json::Value| {
            let message = event["message"].as_str();
            message.is_some_and(|message| message.contains(part))
        };
        events.iter().find(has).expect(part)
    };
    assert_eq!(event("an.unknown.property")["level"], "WARN");
    let failed = event("task FAILED");
    assert_eq!(failed["level"], "ERROR");
    assert_eq!(
        (&failed["connector"], &failed["task"]),
        (&"logs".into(), &0.into())
    );
    assert_eq!(event("errors.log.enable has no effect")["level"], "INFO");
    assert!(!log.contains(SECRET), "{log}");
}
