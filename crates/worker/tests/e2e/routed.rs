//! Tables that no topic tells: a chain gives records other topics, and a killed worker's transactions are found again by what
//! it has announced.

use starrocks_kafka_testbed::TxnState;
use starrocks_kafka_testbed::broker::Message;

use crate::rig::{Rig, row};

/// A topic of Debezium's goes to the table of its last name; what has the header goes elsewhere.
const CHAIN: &[(&str, &str)] = &[
    ("transforms", "route,aside"),
    ("transforms.route.type", "RegexRouter"),
    ("transforms.route.regex", "srv.shop.(.*)"),
    ("transforms.route.replacement", "$1"),
    ("transforms.aside.type", "RegexRouter"),
    ("transforms.aside.regex", ".*"),
    ("transforms.aside.replacement", "returned"),
    ("transforms.aside.predicate", "isReturned"),
    ("predicates", "isReturned"),
    ("predicates.isReturned.type", "HasHeaderKey"),
    ("predicates.isReturned.name", "returned"),
];

/// Records of a topic's partition 0 go to its own table, those of partition 1 have the header.
fn produce(rig: &Rig, topic: &str, from: i64, count: i64) {
    rig.produce(topic, 1, from, count);
    let returned = (from..from + count).map(|offset| Message {
        headers: vec![("returned".to_owned(), b"yes".to_vec())],
        ..Message::new(1, row(topic, 1, offset))
    });
    rig.broker.produce(topic, returned);
}

/// Each of so many records of one partition is in the table once.
fn check_once(rig: &Rig, topic: &str, partition: i32, table: &str, count: i64) {
    let sql = format!(
        "SELECT COUNT(*), COUNT(DISTINCT off), MIN(off), MAX(off) FROM shop.`{table}` WHERE src = '{topic}' AND part = \
         {partition}"
    );
    let got = rig.standin.sql(&sql).expect("the table is there").lines();
    let expect = format!("{count}\t{count}\t0\t{}", count - 1);
    assert_eq!(got, [expect], "{topic}-{partition} in {table}");
}

#[test]
fn routed_records_are_loaded_once_by_workers_that_are_killed() {
    let Some(rig) = Rig::new("routed") else {
        return;
    };
    let topics = ["srv.shop.orders", "srv.shop.customers"];
    let topics = topics.map(|name| rig.broker.unique_topic(name, 2));
    let tables: Vec<_> = topics
        .iter()
        .map(|topic| topic.trim_start_matches("srv.shop."))
        .collect();
    for table in tables.iter().chain(&["returned"]) {
        rig.table(table);
    }
    let connector = rig.connector("routed", &topics.join(","), CHAIN);
    let mut sent = 0;
    let mut produce = || {
        for topic in &topics {
            produce(&rig, topic, sent, 200);
        }
        sent += 200;
        sent
    };
    // A round in the air, the recovery of it, a round that only rolls forward, one that is done.
    for step in ["prepared:1", "claimed:1", "decided:1", "settled:1"] {
        produce();
        let mut worker = rig.start_with(&[&connector], &[("STARROCKS_KAFKA_KILL_AT", step)]);
        let status = worker.wait();
        let log = worker.log();
        assert!(!status.success(), "{step}: was to be killed:\n{log}");
        assert!(log.contains("killed here"), "{step}: ended:\n{log}");
        if step == "claimed:1" {
            let open = rig.standin.transactions_in(TxnState::Prepared);
            assert!(
                open.iter().any(|txn| txn.table == "returned"),
                "a table that no topic tells is open: {open:#?}"
            );
        }
    }
    let sent = produce();
    let worker = rig.start(&[connector]);
    rig.wait_for_rows("returned", sent * 2, &worker);
    for table in &tables {
        rig.wait_for_rows(table, sent, &worker);
    }
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    for (topic, table) in topics.iter().zip(&tables) {
        check_once(&rig, topic, 0, table, sent);
        check_once(&rig, topic, 1, "returned", sent);
    }
    rig.check_nothing_open();
}
