//! What the group had stored, or the broker had kept, is not there any more: said once, counted from the
//! broker's own words, and gone on from as `auto.offset.reset` tells.

use starrocks_kafka_testbed::broker::Message;
use starrocks_kafka_testbed::{Action, Call};

use crate::process::Worker;
use crate::rig::{Rig, row};

const RESET: &str = "consumer.override.auto.offset.reset";
/// How soon a worker of these tests sees that a topic comes or goes.
const SEES_SOON: [(&str, &str); 2] = [
    ("consumer.override.metadata.max.age.ms", "1000"),
    ("consumer.override.session.timeout.ms", "3000"),
];

/// Loads what the topic has, and stops.
fn load(rig: &Rig, file: &std::path::Path, topic: &str, rows: i64) {
    let worker = rig.start(&[file]);
    rig.wait_for_rows(topic, rows, &worker);
    ended(worker);
}

fn ended(worker: Worker) -> String {
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    log
}

/// The one line of the log at this level that has the first of these texts, and has the others too.
fn one_line(log: &str, level: &str, parts: &[&str]) -> String {
    let has_first = |line: &&str| line.contains(parts[0]) && line.contains(level);
    let lines: Vec<_> = log.lines().filter(has_first).collect();
    let [line] = lines[..] else {
        panic!(
            "one {level} with '{}' was expected, not {lines:#?}:\n{log}",
            parts[0]
        );
    };
    for part in parts {
        assert!(line.contains(part), "no '{part}' in {line}");
    }
    line.to_owned()
}

fn no_errors(log: &str) {
    let errors: Vec<_> = log.lines().filter(|line| line.contains("ERROR")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// How often each offset of a partition has a row: `0-99` or `0-99 150-199*2`.
fn offsets(rig: &Rig, table: &str, partition: i32) -> String {
    let sql = format!(
        "SELECT off, COUNT(*) FROM shop.`{table}` WHERE part = {partition} GROUP BY off ORDER BY off"
    );
    let rows = rig.standin.sql(&sql).expect("the table is there").lines();
    let mut runs: Vec<(i64, i64, i64)> = Vec::new();
    for row in rows {
        let (offset, times) = row.split_once('\t').expect("two columns");
        let (offset, times) = (
            offset.parse().expect("a number"),
            times.parse().expect("a number"),
        );
        match runs.last_mut() {
            Some((_, last, same)) if *last + 1 == offset && *same == times => *last = offset,
            _ => runs.push((offset, offset, times)),
        }
    }
    let text = runs.iter().map(|(first, last, times)| match times {
        1 => format!("{first}-{last}"),
        times => format!("{first}-{last}*{times}"),
    });
    text.collect::<Vec<_>>().join(" ")
}

#[test]
fn deleted_while_the_connector_is_stopped() {
    for (reset, rows, goes_on) in [
        (
            "earliest",
            "0-99 150-209",
            "lost are up to 50 records, offsets 100 to 149; auto.offset.reset=earliest: going on at 150",
        ),
        (
            "latest",
            "0-99 200-209",
            "150 to 199, which are passed over; auto.offset.reset=latest: going on at 200",
        ),
    ] {
        let name = format!("deleted_{reset}");
        let Some(rig) = Rig::new(&name) else { return };
        let topic = rig.topic(2);
        let file = rig.connector(&name, &topic, &[(RESET, reset)]);
        let first = rig.start(&[&file]);
        first.wait_for_log("assigned: ");
        rig.wait_until("a claim", &first, || {
            rig.stored_offsets(&name, &topic, 2) == [0, 0]
        });
        rig.produce(&topic, 2, 0, 100);
        rig.wait_for_rows(&topic, 200, &first);
        no_errors(&ended(first));
        rig.produce(&topic, 1, 100, 100);
        rig.broker.delete_records_before(&topic, 0, 150);
        let worker = rig.start(&[&file]);
        worker.wait_for_log("cannot be read at its offset");
        // The claim of the recovery holds where it goes on, before any record comes.
        rig.wait_until("the offset is past the gap", &worker, || {
            rig.stored_offsets(&name, &topic, 1)[0] >= 150
        });
        rig.produce(&topic, 1, 200, 10);
        rig.wait_until("the last record", &worker, || {
            offsets(&rig, &topic, 0) == rows
        });
        let log = ended(worker);
        let at = format!(
            "{topic}-0 cannot be read at its offset 100, for the broker has offsets 150 to 199"
        );
        one_line(&log, "ERROR", &[&at, goes_on]);
        assert_eq!(log.matches("ERROR").count(), 1, "{log}");
        assert_eq!(offsets(&rig, &topic, 1), "0-99");
        rig.check_nothing_open();
    }
}

#[test]
fn deleted_and_nothing_says_where_to_go_on() {
    let Some(rig) = Rig::new("deleted_none") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let reads_on = rig.connector("deleted_none", &topic, &[]);
    load(&rig, &reads_on, &topic, 100);
    rig.produce(&topic, 1, 100, 100);
    rig.broker.delete_records_before(&topic, 0, 150);
    let file = rig.connector("deleted_none", &topic, &[(RESET, "none")]);
    let worker = rig.start(&[&file]);
    worker.wait_for_failure("deleted_none");
    let log = ended(worker);
    let parts = [
        "task FAILED",
        "offsets 100 to 149",
        "auto.offset.reset is none",
        "--reset-offsets",
    ];
    one_line(&log, "ERROR", &parts);
    assert_eq!(rig.stored_offsets("deleted_none", &topic, 1), [100]);
    // The way out that it names.
    rig.broker
        .set_offset("connect-deleted_none", &topic, 0, 150);
    load(&rig, &file, &topic, 150);
    assert_eq!(offsets(&rig, &topic, 0), "0-99 150-199");
    rig.check_nothing_open();
}

#[test]
fn deleted_while_starrocks_is_away_in_the_middle_of_a_round() {
    let Some(rig) = Rig::new("deleted_away") else {
        return;
    };
    let topic = rig.topic(2);
    rig.produce(&topic, 2, 0, 100);
    let worker = rig.start(&[rig.connector("deleted_away", &topic, &[])]);
    rig.wait_for_rows(&topic, 200, &worker);
    rig.wait_until("the first round is settled", &worker, || {
        rig.stored_offsets("deleted_away", &topic, 2) == [100, 100]
    });
    let held = rig
        .standin
        .faults()
        .on(Call::Prepare)
        .nth(1)
        .act(Action::Hold);
    rig.produce(&topic, 2, 100, 100);
    rig.wait_until("a prepare is held", &worker, || held.hits() == 1);
    let calls = rig.standin.calls();
    let prepare = calls.iter().rfind(|call| call.call == Call::Prepare);
    let node = prepare.expect("one is held").node;
    rig.standin.all_away().expect("its ports are held");
    held.remove();
    worker.wait_for_log("retrying: ");
    // What the round has read is deleted; then StarRocks comes back and knows nothing of the round.
    rig.broker.delete_records_before(&topic, 0, 150);
    rig.standin.back().expect("its ports are free");
    rig.standin.restart(node).expect("its port is free");
    rig.wait_for_rows(&topic, 350, &worker);
    rig.produce(&topic, 2, 200, 100);
    rig.wait_for_rows(&topic, 550, &worker);
    let log = ended(worker);
    let at = format!(
        "{topic}-0 cannot be read at its offset 100, for the broker has offsets 150 to 199"
    );
    one_line(
        &log,
        "ERROR",
        &[&at, "lost are up to 50 records, offsets 100 to 149"],
    );
    assert!(!log.contains("FAILED"), "{log}");
    assert_eq!(offsets(&rig, &topic, 0), "0-99 150-299");
    assert_eq!(offsets(&rig, &topic, 1), "0-299");
    rig.check_nothing_open();
}

#[test]
fn a_group_that_is_deleted_while_the_connector_is_stopped() {
    let Some(rig) = Rig::new("group_deleted") else {
        return;
    };
    let topic = rig.topic(2);
    rig.produce(&topic, 2, 0, 100);
    let file = rig.connector("group_deleted", &topic, &[]);
    load(&rig, &file, &topic, 200);
    rig.broker.delete_group("connect-group_deleted");
    let worker = rig.start(&[&file]);
    rig.wait_for_rows(&topic, 400, &worker);
    let log = ended(worker);
    let begins = "no committed offset for 2 of 2 partitions: auto.offset.reset=earliest applies, beginning at";
    one_line(
        &log,
        "INFO",
        &[begins, &format!("{topic}-0 at 0, {topic}-1 at 0")],
    );
    no_errors(&log);
    assert_eq!(offsets(&rig, &topic, 0), "0-99*2");
}

/// A member is frozen beyond its session, `meanwhile` happens to its group, and it goes on.
fn while_away(name: &str, meanwhile: impl FnOnce(&Rig, &str)) -> Option<(Rig, String, Worker)> {
    let rig = Rig::new(name)?;
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let worker = rig.start(&[rig.connector(name, &topic, &[])]);
    rig.wait_for_rows(&topic, 100, &worker);
    rig.wait_until("the round is settled", &worker, || {
        rig.stored_offsets(name, &topic, 1) == [100]
    });
    worker.signal("STOP");
    meanwhile(&rig, &topic);
    worker.signal("CONT");
    worker.wait_for_times("assigned: ", 2);
    Some((rig, topic, worker))
}

#[test]
fn a_group_that_is_deleted_while_its_member_is_away() {
    let meanwhile = |rig: &Rig, topic: &str| {
        rig.broker.delete_group("connect-group_away");
        rig.produce(topic, 1, 100, 100);
    };
    let Some((rig, topic, worker)) = while_away("group_away", meanwhile) else {
        return;
    };
    rig.wait_for_rows(&topic, 200, &worker);
    rig.wait_until("the offset is stored again", &worker, || {
        rig.stored_offsets("group_away", &topic, 1) == [200]
    });
    let log = ended(worker);
    let vanished = "the group has no committed offset any more for 1 of 1 partitions";
    one_line(&log, "ERROR", &[vanished, &format!("{topic}-0 at 100")]);
    assert_eq!(log.matches("ERROR").count(), 1, "{log}");
    rig.check_exactly_once(&topic, &topic, 1, 200);
}

#[test]
fn an_offset_that_is_set_while_the_member_is_away_is_obeyed() {
    let meanwhile = |rig: &Rig, topic: &str| {
        rig.broker.set_offset("connect-set_away", topic, 0, 40);
    };
    let Some((rig, topic, worker)) = while_away("set_away", meanwhile) else {
        return;
    };
    rig.wait_for_rows(&topic, 160, &worker);
    let log = ended(worker);
    let set = format!("the group's offset of {topic}-0 was set to 40 by somebody else");
    one_line(&log, "INFO", &[&set, "had brought it to 100"]);
    no_errors(&log);
    assert_eq!(offsets(&rig, &topic, 0), "0-39 40-99*2");
    rig.check_nothing_open();
}

#[test]
fn a_topic_that_is_created_anew_while_it_is_read() {
    let Some(rig) = Rig::new("anew") else { return };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let worker = rig.start(&[rig.connector("anew", &topic, &SEES_SOON)]);
    rig.wait_for_rows(&topic, 100, &worker);
    rig.broker.recreate_topic(&topic, 1);
    rig.produce(&topic, 1, 0, 20);
    rig.wait_for_rows(&topic, 120, &worker);
    rig.wait_until("the offset is the new topic's", &worker, || {
        rig.stored_offsets("anew", &topic, 1) == [20]
    });
    let log = ended(worker);
    let at = format!("{topic}-0 cannot be read at its offset 100");
    one_line(
        &log,
        "ERROR",
        &[
            &at,
            "the topic was deleted and created anew",
            "going on at 0",
        ],
    );
    assert!(!log.contains("FAILED"), "{log}");
    assert_eq!(offsets(&rig, &topic, 0), "0-19*2 20-99");
    rig.check_nothing_open();
}

#[test]
fn an_offset_behind_the_end_of_a_topic() {
    let Some(rig) = Rig::new("behind_end") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 20);
    rig.broker.set_offset("connect-behind_end", &topic, 0, 5000);
    let file = rig.connector("behind_end", &topic, &[]);
    let worker = rig.start(&[&file]);
    rig.wait_for_rows(&topic, 20, &worker);
    let log = ended(worker);
    let at =
        format!("{topic}-0 cannot be read at its offset 5000, for the broker has offsets 0 to 19");
    let parts = [
        &*at,
        "created anew, or its log was cut",
        "is unknown",
        "going on at 0",
    ];
    one_line(&log, "ERROR", &parts);
    rig.check_exactly_once(&topic, &topic, 1, 20);
}

#[test]
fn a_topic_that_is_deleted_while_others_are_read() {
    let Some(rig) = Rig::new("topic_deleted") else {
        return;
    };
    let (gone, stays) = (rig.topic(1), rig.topic(1));
    for topic in [&gone, &stays] {
        rig.produce(topic, 1, 0, 100);
    }
    let topics = format!("{gone},{stays}");
    let worker = rig.start(&[rig.connector("topic_deleted", &topics, &SEES_SOON)]);
    rig.wait_for_rows(&gone, 100, &worker);
    rig.wait_for_rows(&stays, 100, &worker);
    rig.broker.delete_topic(&gone);
    let waits = format!("retrying: find topic {gone}, because: topic {gone} does not exist");
    worker.wait_for_log(&waits);
    rig.produce(&stays, 1, 100, 100);
    rig.wait_for_rows(&stays, 200, &worker);
    // That others are read does not mean that it was found.
    let found = format!("succeeded after retrying: find topic {gone}");
    assert_eq!(worker.lines(&found), [""; 0]);
    rig.broker.create_topic(&gone, 1);
    rig.produce(&gone, 1, 0, 50);
    rig.wait_for_rows(&gone, 150, &worker);
    worker.wait_for_log(&found);
    let log = ended(worker);
    one_line(&log, "WARN", &[&waits]);
    let deleted = format!("topic {gone} was deleted while this connector was reading it");
    one_line(&log, "ERROR", &[&deleted, "is unknown"]);
    assert!(!log.contains("FAILED"), "{log}");
    assert_eq!(offsets(&rig, &gone, 0), "0-49*2 50-99");
    rig.check_exactly_once(&stays, &stays, 1, 200);
}

#[test]
fn what_transactions_leave_at_the_end_is_no_loss() {
    let Some(rig) = Rig::new("tails") else { return };
    for isolation in ["read_committed", "read_uncommitted"] {
        let topic = rig.topic(1);
        let name = format!("tails_{isolation}");
        let reads = [("consumer.override.isolation.level", isolation)];
        let file = rig.connector(&name, &topic, &reads);
        let message = |offset| Message::new(0, row(&topic, 0, offset));
        let kept = rig.broker.transaction(&topic, (0..50).map(message));
        kept.commit();
        let worker = rig.start(&[&file]);
        rig.wait_for_rows(&topic, 50, &worker);
        let settled = |at| {
            rig.wait_until(&format!("{isolation}: offset {at}"), &worker, || {
                rig.stored_offsets(&name, &topic, 1) == [at]
            });
        };
        // Past the marker, so that no tool shows a lag where there is none.
        settled(51);
        if isolation == "read_committed" {
            let aborted = rig.broker.transaction(&topic, (51..60).map(message));
            aborted.abort();
            settled(61);
        }
        no_errors(&ended(worker));
        // A topic at rest that retention empties has lost nothing.
        let end = rig.stored_offsets(&name, &topic, 1)[0];
        rig.broker.delete_records_before(&topic, 0, end);
        let worker = rig.start(&[&file]);
        rig.broker.produce(&topic, [message(end)]);
        rig.wait_for_rows(&topic, 51, &worker);
        no_errors(&ended(worker));
        assert_eq!(offsets(&rig, &topic, 0), format!("0-49 {end}-{end}"));
    }
    rig.check_nothing_open();
}
