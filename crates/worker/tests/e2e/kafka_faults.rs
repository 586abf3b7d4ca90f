//! Kafka is away, silent, or has something that cannot be loaded.

use starrocks_kafka_testbed::broker::{Broker, BrokerOptions, Message};

use crate::rig::{Rig, row};

#[test]
fn a_broker_that_is_away_is_waited_for() {
    let Some(mut rig) = Rig::own("broker_away", BrokerOptions::default()) else {
        return;
    };
    let topic = rig.topic(2);
    rig.produce(&topic, 2, 0, 100);
    rig.broker.stop().expect("it runs");
    let worker = rig.start(&[rig.connector("broker_away", &topic, &[])]);
    let address = rig.broker.bootstrap_servers();
    worker.wait_for_line(&["retrying: ", &address, "Connection refused"]);
    rig.broker.restart().expect("its ports are free");
    rig.wait_for_rows(&topic, 200, &worker);

    // In order, and at once, with records on their way.
    let mut sent = 100;
    for how in [Broker::stop, Broker::kill] {
        rig.produce(&topic, 2, sent, 100);
        sent += 100;
        how(&mut rig.broker).expect("it runs");
        rig.broker.restart().expect("its ports are free");
        rig.produce(&topic, 2, sent, 100);
        sent += 100;
        rig.wait_for_rows(&topic, sent * 2, &worker);
    }
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(!log.contains("FAILED"), "{log}");
    rig.check_exactly_once(&topic, &topic, 2, sent);
}

/// Connections stay and nothing is answered: longer than the session, and than a Kafka transaction's time.
#[test]
fn a_broker_that_is_silent_is_waited_for() {
    let Some(mut rig) = Rig::own("broker_silent", BrokerOptions::default()) else {
        return;
    };
    let topic = rig.topic(2);
    rig.produce(&topic, 2, 0, 100);
    let worker = rig.start(&[rig.connector("broker_silent", &topic, &[])]);
    rig.wait_for_rows(&topic, 200, &worker);
    rig.produce(&topic, 2, 100, 100);
    // Something in StarRocks is under way when Kafka falls silent.
    let calls = rig.standin.calls().len();
    rig.wait_until("a round goes on", &worker, || {
        rig.standin.calls().len() > calls
    });
    rig.broker.suspend().expect("it runs");
    worker.wait_for_log("WARN");
    rig.broker.resume().expect("it is suspended");
    rig.produce(&topic, 2, 200, 100);
    rig.wait_for_rows(&topic, 600, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(!log.contains("FAILED"), "{log}");
    rig.check_exactly_once(&topic, &topic, 2, 300);
}

#[test]
fn a_topic_that_does_not_exist_is_waited_for_and_said() {
    let Some(rig) = Rig::new("unknown_topic") else {
        return;
    };
    let topic = "not-there-yet";
    rig.table(topic);
    let soon = [("consumer.override.metadata.max.age.ms", "1000")];
    let worker = rig.start(&[rig.connector("unknown_topic", topic, &soon)]);
    worker.wait_for_log("topic not-there-yet does not exist");
    rig.broker.create_topic(topic, 1);
    rig.produce(topic, 1, 0, 100);
    rig.wait_for_rows(topic, 100, &worker);
    worker.wait_for_log("succeeded after retrying: find topic not-there-yet");
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(!log.contains("FAILED") && !log.contains("ERROR"), "{log}");
    rig.check_exactly_once(topic, topic, 1, 100);
}

/// What stands before a bad record is loaded, nothing at it or after it, and so again after a restart.
fn stops_at(name: &str, bad: &str, with_schemas: bool, cause: &str) {
    let Some(rig) = Rig::new(name) else { return };
    let topic = rig.topic(2);
    let record = |offset| {
        let row = row(&topic, 0, offset);
        let schema = r#"{"type":"struct","fields":[{"field":"src","type":"string"},
            {"field":"part","type":"int32"},{"field":"off","type":"int64"}]}"#;
        let in_envelope = || format!(r#"{{"schema":{schema},"payload":{row}}}"#);
        let text = if with_schemas { in_envelope() } else { row };
        Message::new(0, text)
    };
    let (before, after) = ((0..100).map(record), (101..150).map(record));
    let bad = Message::new(0, bad);
    rig.broker.produce(&topic, before.chain([bad]).chain(after));
    let converter = "org.apache.kafka.connect.json.JsonConverter";
    let enable = with_schemas.to_string();
    let properties = [
        ("value.converter", converter),
        ("value.converter.schemas.enable", &enable),
    ];
    let connector = rig.connector(name, &topic, &properties);
    for _ in 0..2 {
        let worker = rig.start(&[&connector]);
        worker.wait_for_failure(name);
        let failed = worker.lines("task FAILED");
        for part in [&format!("record {topic}-0 at offset 100 "), cause] {
            assert!(failed[0].contains(part), "no '{part}' in {failed:#?}");
        }
        let (status, log) = worker.terminate();
        assert!(status.success(), "{status}:\n{log}");
        assert_eq!(rig.stored_offsets(name, &topic, 1), [100], "{log}");
        rig.check_exactly_once(&topic, &topic, 1, 100);
    }
}

#[test]
fn a_record_that_is_no_json() {
    let cause = "the text ends where a value is expected at byte 7";
    stops_at("no_json", "{\"src\":", false, cause);
}

#[test]
fn a_record_without_its_schema() {
    let cause = "schemas.enable requires";
    stops_at(
        "no_schema",
        r#"{"src":"t","part":0,"off":100}"#,
        true,
        cause,
    );
}
