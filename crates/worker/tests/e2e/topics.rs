//! What is read, by whom, and where it goes: topics, tasks, connectors, maps, converters.

use starrocks_kafka_testbed::broker::Message;

use crate::rig::{Rig, row};

#[test]
fn several_topics_are_shared_by_several_tasks() {
    let Some(rig) = Rig::new("several_topics") else {
        return;
    };
    let topics = [rig.topic(2), rig.topic(3), rig.topic(1)];
    let partitions = [2, 3, 1];
    for (topic, partitions) in topics.iter().zip(partitions) {
        rig.produce(topic, partitions, 0, 200);
    }
    let connector = rig.connector("several", &topics.join(" , "), &[("tasks.max", "3")]);
    let worker = rig.start(&[connector]);
    for (topic, partitions) in topics.iter().zip(partitions) {
        rig.wait_for_rows(topic, i64::from(partitions) * 200, &worker);
    }
    // While all three are members, each has a part.
    rig.wait_until("all tasks have partitions", &worker, || {
        let has = |task: &str| {
            let line = format!("connector=several task={task} ");
            worker.lines("assigned: ").iter().any(|l| l.contains(&line))
        };
        has("0") && has("1") && has("2")
    });
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    for (topic, partitions) in topics.iter().zip(partitions) {
        rig.check_exactly_once(topic, topic, partitions, 200);
    }
}

#[test]
fn a_connector_that_fails_does_not_stop_another() {
    let Some(rig) = Rig::new("one_fails") else {
        return;
    };
    let (good, bad) = (rig.topic(1), rig.topic(1));
    rig.broker.produce(&bad, [Message::new(0, "no JSON")]);
    let connectors = [
        rig.connector("bad", &bad, &[]),
        rig.connector("good", &good, &[]),
    ];
    let worker = rig.start(&connectors);
    worker.wait_for_log("task FAILED");
    rig.produce(&good, 1, 0, 100);
    rig.wait_for_rows(&good, 100, &worker);
    let failures = worker.lines("task FAILED");
    assert!(
        failures.len() == 1 && failures[0].contains("connector=bad"),
        "{failures:#?}"
    );
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&good, &good, 1, 100);
    assert_eq!(rig.rows(&bad), 0);
}

#[test]
fn a_worker_whose_tasks_have_all_failed_stays_up() {
    let Some(rig) = Rig::new("all_fail") else {
        return;
    };
    let bad = rig.topic(1);
    rig.broker.produce(&bad, [Message::new(0, "{")]);
    let worker = rig.start(&[rig.connector("bad", &bad, &[])]);
    worker.wait_for_log("task FAILED");
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(
        log.contains("stopping"),
        "ended before it was told to:\n{log}"
    );
}

#[test]
fn a_map_sends_topics_to_tables() {
    let Some(rig) = Rig::new("map") else { return };
    let [first, second, third] = [(); 3].map(|()| rig.broker.unique_topic("map", 1));
    rig.table("orders");
    rig.table(&third);
    for topic in [&first, &second, &third] {
        rig.produce(topic, 1, 0, 100);
    }
    let map = format!("{first}:orders, {second}:orders");
    let topics = [&*first, &second, &third].join(",");
    let properties = [("starrocks.topic2table.map", &*map)];
    let worker = rig.start(&[rig.connector("map", &topics, &properties)]);
    rig.wait_for_rows("orders", 200, &worker);
    rig.wait_for_rows(&third, 100, &worker);
    drop(worker.terminate());
    rig.check_exactly_once(&first, "orders", 1, 100);
    rig.check_exactly_once(&second, "orders", 1, 100);
    rig.check_exactly_once(&third, &third, 1, 100);
}

/// Writes a connector's properties anew as JSON: a flat object, or the request that creates a connector.
fn as_json(path: &std::path::Path, is_request: bool) {
    let text = std::fs::read_to_string(path).expect("it was written");
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let object: serde_json::Map<_, _> = pairs
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    let json = if is_request {
        serde_json::json!({"name": object["name"], "config": object})
    } else {
        object.into()
    };
    std::fs::write(path, json.to_string()).expect("it is written again");
}

#[test]
fn values_are_read_by_the_converter_that_is_named() {
    let Some(rig) = Rig::new("converters") else {
        return;
    };
    let [envelope, string, plain] = [(); 3].map(|()| rig.topic(1));
    let schema = r#"{"type":"struct","fields":[{"field":"src","type":"string"},{"field":"part","type":"int32"},
        {"field":"off","type":"int64"},{"field":"note","type":"string","optional":true}]}"#;
    let in_envelope = |offset| {
        let payload = row(&envelope, 0, offset);
        Message::new(0, format!(r#"{{"schema":{schema},"payload":{payload}}}"#))
    };
    rig.broker.produce(&envelope, (0..100).map(in_envelope));
    rig.produce(&string, 1, 0, 100);
    rig.produce(&plain, 1, 0, 100);
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let text = "org.apache.kafka.connect.storage.StringConverter";
    let connectors = [
        rig.connector(
            "envelope",
            &envelope,
            &[
                ("value.converter", json),
                ("value.converter.schemas.enable", "true"),
            ],
        ),
        rig.connector("plain", &plain, &[]),
        rig.connector("string", &string, &[("value.converter", text)]),
    ];
    as_json(&connectors[0], false);
    as_json(&connectors[1], true);
    let worker = rig.start(&connectors);
    for topic in [&envelope, &plain] {
        rig.wait_for_rows(topic, 100, &worker);
    }
    // As with the Java connector, a text is a JSON text, whatever it says, and no row.
    worker.wait_for_log("Failed to parse json as array");
    drop(worker.terminate());
    for topic in [&envelope, &plain] {
        rig.check_exactly_once(topic, topic, 1, 100);
    }
    assert_eq!(rig.rows(&string), 0);
}

#[test]
fn tombstones_are_passed_over() {
    let Some(rig) = Rig::new("tombstones") else {
        return;
    };
    let topic = rig.topic(1);
    let tombstone = Message::default().with_key("gone");
    let messages = (0..50).flat_map(|n| [Message::new(0, row(&topic, 0, n)), tombstone.clone()]);
    rig.broker.produce(&topic, messages);
    let worker = rig.start(&[rig.connector("tombstones", &topic, &[])]);
    rig.wait_for_rows(&topic, 50, &worker);
    rig.wait_until("the last tombstone is passed", &worker, || {
        rig.stored_offsets("tombstones", &topic, 1) == [100]
    });
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 1, 50);
}

/// How soon a worker of these tests sees what is new in Kafka.
const SEES_SOON: (&str, &str) = ("consumer.override.metadata.max.age.ms", "1000");

#[test]
fn partitions_that_are_added_are_read_from_their_beginning() {
    let Some(rig) = Rig::new("added") else { return };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let worker = rig.start(&[rig.connector("added", &topic, &[SEES_SOON])]);
    rig.wait_for_rows(&topic, 100, &worker);
    rig.broker.grow_topic(&topic, 3);
    let added = (0..100).flat_map(|offset| {
        let topic = &topic;
        (1..3).map(move |partition| Message::new(partition, row(topic, partition, offset)))
    });
    rig.broker.produce(&topic, added);
    rig.wait_for_rows(&topic, 300, &worker);
    drop(worker.terminate());
    rig.check_exactly_once(&topic, &topic, 3, 100);
}

#[test]
fn a_pattern_takes_up_topics_that_come_later() {
    let Some(rig) = Rig::new("pattern") else {
        return;
    };
    let [one, other, later] =
        ["eu.orders", "us.orders", "ap.orders"].map(|name| format!("pattern.{name}"));
    // Java's syntax: possessive, and the whole name has to match.
    let pattern = r"pattern\\.\\p{Lower}++\\.orders";
    for topic in [&one, &other, &later, &format!("{one}.dead")] {
        rig.table(topic);
    }
    for topic in [&*one, &other, &format!("{one}.dead")] {
        rig.broker.create_topic(topic, 1);
        rig.produce(topic, 1, 0, 100);
    }
    let properties = [("topics.regex", pattern), SEES_SOON];
    let worker = rig.start(&[rig.connector("pattern", "", &properties)]);
    rig.wait_for_rows(&one, 100, &worker);
    rig.wait_for_rows(&other, 100, &worker);
    rig.broker.create_topic(&later, 2);
    rig.produce(&later, 2, 0, 100);
    rig.wait_for_rows(&later, 200, &worker);
    rig.produce(&one, 1, 100, 100);
    rig.wait_for_rows(&one, 200, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&one, &one, 1, 200);
    rig.check_exactly_once(&other, &other, 1, 100);
    rig.check_exactly_once(&later, &later, 2, 100);
    assert_eq!(
        rig.rows(&format!("{one}.dead")),
        0,
        "only whole names match"
    );
}
