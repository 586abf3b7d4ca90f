//! Records that cannot be converted, and rows that StarRocks refuses, on a real broker: each ends in the topic of dead letters once for readers with
//! `read_committed`, whenever the worker is killed, and every other record in its table once.

use std::collections::BTreeMap;

use starrocks_kafka_testbed::broker::Message;

use crate::rig::{Rig, row};

const KILL_AT: &str = "STARROCKS_KAFKA_KILL_AT";

/// What one run appends: good records with bad ones at the start, in the middle and at the end.
const RUN: i64 = 60;
const BAD: [i64; 3] = [0, 30, 59];

fn is_bad(offset: i64) -> bool {
    BAD.contains(&(offset % RUN))
}

/// A record that cannot be converted.
fn broken(_topic: &str, offset: i64) -> String {
    format!("{{broken {offset}")
}

/// A row without what its table must have.
fn refused(topic: &str, offset: i64) -> String {
    format!(r#"{{"src":"{topic}","part":null,"off":{offset}}}"#)
}

type Bad = fn(&str, i64) -> String;

fn produce(rig: &Rig, topic: &str, from: i64, bad: Bad) {
    let messages = (from..from + RUN).map(|offset| {
        let value = if is_bad(offset) {
            bad(topic, offset)
        } else {
            row(topic, 0, offset)
        };
        Message::new(0, value).with_key(format!("key {offset}"))
    });
    rig.broker.produce(topic, messages);
}

/// What the dead letters' headers say of one of them.
fn context(message: &Message) -> BTreeMap<&str, String> {
    let headers = message.headers.iter();
    headers
        .filter_map(|(name, value)| {
            let name = name.strip_prefix("__connect.errors.")?;
            Some((name, String::from_utf8_lossy(value).into_owned()))
        })
        .collect()
}

fn tolerated(name: &str, bad: Bad, stage: &str, steps: &[&str]) {
    let Some(rig) = Rig::new(name) else { return };
    // Bad records in one of two tables.
    let topics = [rig.topic(1), rig.topic(1)];
    let dead = format!("{}-dead", topics[0]);
    let connector = rig.connector(
        name,
        &topics.join(","),
        &[
            ("errors.tolerance", "all"),
            // Those of several runs may come in one round.
            ("starrocks.bisect.max.loads", "1000"),
            ("errors.log.enable", "true"),
            ("errors.log.include.messages", "true"),
            ("errors.deadletterqueue.topic.name", &dead),
            ("errors.deadletterqueue.topic.replication.factor", "1"),
            ("errors.deadletterqueue.context.headers.enable", "true"),
        ],
    );
    let mut sent = 0;
    let mut append = || {
        produce(&rig, &topics[0], sent, bad);
        rig.produce(&topics[1], 1, sent, RUN);
        sent += RUN;
    };
    for step in steps {
        append();
        let mut worker = rig.start_with(&[&connector], &[(KILL_AT, step)]);
        let status = worker.wait();
        assert!(!status.success(), "{step}:\n{}", worker.log());
    }
    append();
    let worker = rig.start(&[&connector]);
    let good = sent - sent / RUN * 3;
    rig.wait_for_rows(&topics[0], good, &worker);
    rig.wait_for_rows(&topics[1], sent, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    let executing = format!("Executing stage '{stage}' with class 'org.apache.kafka.connect.");
    assert!(log.contains(&executing), "{log}");
    assert!(log.contains("where consumed record is {topic='"), "{log}");
    rig.check_exactly_once(&topics[1], &topics[1], 1, sent);
    assert_eq!(rig.rows(&topics[0]), good);
    assert_eq!(rig.distinct(&topics[0]), good);

    let letters = rig.broker.read_committed(&dead);
    let offset = |letter: &Message| context(letter)["offset"].parse().expect("an offset");
    let offsets: Vec<i64> = letters.iter().map(offset).collect();
    let expect: Vec<i64> = (0..sent).filter(|offset| is_bad(*offset)).collect();
    assert_eq!(offsets, expect);
    for (letter, offset) in letters.iter().zip(&offsets) {
        let text = |bytes: &Option<Vec<u8>>| {
            String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned()
        };
        assert_eq!(text(&letter.key), format!("key {offset}"));
        assert_eq!(text(&letter.value), bad(&topics[0], *offset));
    }
    let first = context(&letters[0]);
    let expect = [
        ("topic", &*topics[0]),
        ("partition", "0"),
        ("connector.name", name),
        ("task.id", "0"),
        ("stage", stage),
    ];
    for (name, value) in expect {
        assert_eq!(first[name], value, "{name}");
    }
    assert!(!first["exception.message"].is_empty());
}

macro_rules! tolerated {
    ($($name:ident: $bad:ident, $stage:literal, [$($step:literal),*];)+) => {$(
        #[test]
        fn $name() {
            tolerated(stringify!($name), $bad, $stage, &[$($step),*]);
        }
    )+};
}

tolerated! {
    each_once_where_nothing_goes_wrong: broken, "VALUE_CONVERTER", [];
    each_once_through_kills_around_the_decision: broken, "VALUE_CONVERTER", ["prepared:1", "plan-sent:2", "decided:1"];
    each_once_through_kills_around_the_settling: broken, "VALUE_CONVERTER", ["committed:1", "settling:1", "settled:1"];
    each_once_through_kills_in_recovery: broken, "VALUE_CONVERTER", ["decided:1", "labels-settled:1", "claimed:1", "rolled-back:1"];
    refused_rows_each_once_where_nothing_goes_wrong: refused, "TASK_PUT", [];
    refused_rows_each_once_through_kills_in_the_search: refused, "TASK_PUT", ["sealed:2", "decided:1"];
}

#[test]
fn at_least_once_each_is_there_before_its_offset_is_passed() {
    let Some(rig) = Rig::new("letters_at_least_once") else {
        return;
    };
    let topic = rig.topic(1);
    let dead = format!("{topic}-dead");
    let connector = rig.connector(
        "letters",
        &topic,
        &[
            ("starrocks.delivery.guarantee", "at-least-once"),
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", &dead),
            ("errors.deadletterqueue.topic.replication.factor", "1"),
        ],
    );
    produce(&rig, &topic, 0, broken);
    let worker = rig.start(&[connector]);
    rig.wait_for_rows(&topic, RUN - 3, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert_eq!(rig.stored_offsets("letters", &topic, 1), [RUN]);
    let letters = rig.broker.read_committed(&dead);
    assert_eq!(letters.len(), 3);
    assert_eq!(letters[0].headers, [], "no context unless asked for");
    assert_eq!(rig.distinct(&topic), RUN - 3);
}
