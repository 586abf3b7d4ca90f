//! Rows at least once: where it was asked for, and where exactly once is not to be had.

use starrocks_kafka_testbed::broker::BrokerOptions;

use crate::rig::Rig;

const ASKED: (&str, &str) = ("starrocks.delivery.guarantee", "at-least-once");

#[test]
fn rows_come_once_while_nothing_goes_wrong() {
    let Some(rig) = Rig::new("at_least_once") else {
        return;
    };
    let topic = rig.topic(2);
    let connector = rig.connector("at_least_once", &topic, &[ASKED]);
    let mut sent = 0;
    for _ in 0..2 {
        rig.produce(&topic, 2, sent, 200);
        sent += 200;
        let worker = rig.start(&[&connector]);
        rig.wait_for_rows(&topic, sent * 2, &worker);
        let (status, log) = worker.terminate();
        assert!(status.success(), "{status}:\n{log}");
        assert!(!log.contains("WARN"), "it was asked for:\n{log}");
        let stored = rig.stored_offsets("at_least_once", &topic, 2);
        assert_eq!(stored, [sent, sent]);
    }
    rig.check_exactly_once(&topic, &topic, 2, sent);
}

#[test]
fn a_kill_loses_nothing() {
    let Some(rig) = Rig::new("at_least_once_kill") else {
        return;
    };
    let topic = rig.topic(2);
    let connector = rig.connector("at_least_once_kill", &topic, &[ASKED]);
    let mut sent = 0;
    for step in ["sealed:1", "prepared:1", "committed:1", "settling:1"] {
        rig.produce(&topic, 2, sent, 100);
        sent += 100;
        let kill_at = [("STARROCKS_KAFKA_KILL_AT", step)];
        let mut worker = rig.start_with(&[&connector], &kill_at);
        assert!(!worker.wait().success(), "{step}:\n{}", worker.log());
        assert!(worker.log().contains("killed here"), "{}", worker.log());
    }
    let worker = rig.start(&[connector]);
    rig.wait_until("every row is there", &worker, || {
        rig.distinct(&topic) == sent * 2
    });
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert_eq!(
        rig.stored_offsets("at_least_once_kill", &topic, 2),
        [sent, sent]
    );
}

/// A broker that allows no transaction as long as ours may last.
#[test]
fn a_broker_without_transactions_for_us() {
    let options = BrokerOptions::default().with("transaction.max.timeout.ms", 5000);
    let Some(rig) = Rig::own("no_transactions", options) else {
        return;
    };
    let (open, asked) = (rig.topic(1), rig.topic(1));
    rig.produce(&open, 1, 0, 100);
    rig.produce(&asked, 1, 0, 100);
    let exactly = [("starrocks.delivery.guarantee", "exactly-once")];
    let files = [
        rig.connector("left_open", &open, &[]),
        rig.connector("asked_for", &asked, &exactly),
    ];
    let worker = rig.start(&files);
    worker.wait_for_failure("asked_for");
    let failed = worker.lines("task FAILED");
    for part in [
        "starrocks.delivery.guarantee=exactly-once cannot be kept",
        "transaction.max.timeout.ms must allow 10000 ms",
    ] {
        assert!(failed[0].contains(part), "no '{part}' in {failed:#?}");
    }
    rig.wait_for_rows(&open, 100, &worker);
    let said = worker.lines("rows are loaded at least once");
    assert!(
        said.len() == 1 && said[0].contains("transaction.max.timeout.ms"),
        "{said:#?}"
    );
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&open, &open, 1, 100);
    assert_eq!(rig.rows(&asked), 0);
}
