//! What StarRocks refuses, and what cannot be found: each is one line that says what to do.

use starrocks_kafka_testbed::broker::Message;
use starrocks_kafka_testbed::{Grant, StandInOptions, User};

use crate::rig::{Rig, row};

/// A user who may load into one table only.
fn loader(table: &str) -> User {
    User {
        name: "loader".to_owned(),
        password: "let-me-in".to_owned(),
        grants: vec![Grant::Insert {
            db: "shop".to_owned(),
            table: table.to_owned(),
        }],
    }
}

/// The one line by which a connector's task has failed.
fn failure(worker: &crate::process::Worker, connector: &str) -> String {
    worker.wait_for_failure(connector);
    let failed = worker.lines("task FAILED");
    let of_it = |line: &&String| line.contains(&format!(" connector={connector} "));
    let mut lines = failed.iter().filter(of_it);
    let line = lines.next().cloned().unwrap_or_default();
    assert_eq!(lines.next(), None, "said once: {failed:#?}");
    line
}

#[test]
fn access_and_names_that_are_wrong_fail_the_task_with_a_hint() {
    let Some(rig) = Rig::new("wrong_names") else {
        return;
    };
    let topic = rig.topic(1);
    let other = rig.broker.unique_topic("no-such-table", 1);
    rig.produce(&topic, 1, 0, 10);
    rig.produce(&other, 1, 0, 10);
    rig.standin.set_user(loader("another"));
    let as_loader = ("starrocks.username", "loader");
    let secret = ("starrocks.password", "let-me-in");
    let cases = [
        (
            "wrong_password",
            &topic,
            vec![as_loader, ("starrocks.password", "let-me-out")],
            "check starrocks.username and starrocks.password".to_owned(),
        ),
        (
            "wrong_database",
            &topic,
            vec![("starrocks.database.name", "nowhere")],
            "create the database `nowhere`, or correct starrocks.database.name".to_owned(),
        ),
        (
            "wrong_table",
            &other,
            vec![],
            format!("create the table `shop`.`{other}`, or send the topic to another table"),
        ),
        (
            "no_insert",
            &topic,
            vec![as_loader, secret],
            format!("GRANT INSERT ON TABLE shop.{topic} TO USER 'loader'"),
        ),
    ];
    let files: Vec<_> = cases
        .iter()
        .map(|(name, topic, properties, _)| rig.connector(name, topic, properties))
        .collect();
    let worker = rig.start(&files);
    for (name, topic, _, hint) in &cases {
        let line = failure(&worker, name);
        assert!(line.contains(hint), "{name}: no '{hint}' in {line}");
        assert!(!line.contains("Exception"), "{name}: {line}");
        let stored = rig.stored_offsets(name, topic, 1);
        assert!(stored[0] <= 0, "{name}: {stored:?}");
    }
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(!log.contains("let-me"), "a password in the log:\n{log}");
    rig.check_nothing_open();
    assert_eq!(rig.rows(&topic), 0);
}

#[test]
fn front_ends_that_do_not_exist_are_tried_again() {
    let Some(rig) = Rig::new("unknown_fe") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 10);
    let url = [("starrocks.http.url", "fe.invalid:8030")];
    let worker = rig.start(&[rig.connector("unknown_fe", &topic, &url)]);
    worker.wait_for_log("retrying: ");
    let said = worker.lines("retrying: ");
    assert!(
        said[0].contains("no front end can be reached: http://fe.invalid:8030")
            && said[0].contains("check starrocks.http.url"),
        "{said:#?}"
    );
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
}

#[test]
fn back_ends_registered_with_a_name_from_elsewhere_need_an_address_map() {
    let options = StandInOptions {
        be_registered: vec!["be.invalid:8040".to_owned()],
        ..StandInOptions::default()
    };
    let Some(rig) = Rig::with("be_address", options) else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let worker = rig.start(&[rig.connector("be_address", &topic, &[])]);
    worker.wait_for_log("retrying: ");
    let said = worker.lines("retrying: ");
    let fe = rig.standin.http_url();
    for part in ["be.invalid:8040", &fe, "starrocks.be.address.map"] {
        assert!(said[0].contains(part), "no '{part}' in {said:#?}");
    }
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");

    let be = rig.standin.addr(starrocks_kafka_testbed::Node::Be(0));
    let map = format!("be.invalid:8040={be}");
    let properties = [("starrocks.be.address.map", &*map)];
    let worker = rig.start(&[rig.connector("be_address", &topic, &properties)]);
    rig.wait_for_rows(&topic, 100, &worker);
    drop(worker.terminate());
    rig.check_exactly_once(&topic, &topic, 1, 100);
}

/// A record that becomes a row, and one that StarRocks refuses.
fn refused(name: &str, bad: &str, reason: &str) {
    let Some(rig) = Rig::new(name) else { return };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let connector = rig.connector(name, &topic, &[]);
    let worker = rig.start(&[&connector]);
    rig.wait_for_rows(&topic, 100, &worker);
    let good = (100..110).map(|offset| Message::new(0, row(&topic, 0, offset)));
    let bad = Message::new(0, bad.replace("TOPIC", &topic));
    rig.broker.produce(&topic, good.chain([bad]));
    let check = |worker: crate::process::Worker| {
        let line = failure(&worker, name);
        for part in [
            "too many filtered rows",
            "first refused rows: ",
            reason,
            &topic,
        ] {
            assert!(line.contains(part), "no '{part}' in {line}");
        }
        let (status, log) = worker.terminate();
        assert!(status.success(), "{status}:\n{log}");
        assert_eq!(rig.stored_offsets(name, &topic, 1), [100]);
        rig.check_exactly_once(&topic, &topic, 1, 100);
    };
    check(worker);
    // It stands in the topic for good: a restart fails at it again.
    check(rig.start(&[connector]));
}

#[test]
fn a_row_of_another_type() {
    refused(
        "row_type",
        r#"{"src":"TOPIC","part":"many","off":110}"#,
        "many",
    );
}

#[test]
fn a_row_without_what_must_be_there() {
    refused("row_null", r#"{"src":"TOPIC","part":0,"off":null}"#, "off");
}
