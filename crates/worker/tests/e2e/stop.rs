//! SIGTERM and SIGINT: what was read is brought home, in time, or left so that nothing is lost.

use std::time::{Duration, Instant};

use starrocks_kafka_testbed::broker::BrokerOptions;
use starrocks_kafka_testbed::{Action, Call};

use crate::process::{Worker, binary};
use crate::rig::{PATIENCE, Rig};

/// Rows of one partition, so that a chunk is full long before the round is due.
const WIDE: usize = 2000;

fn ends(worker: &mut Worker, signal: &str) -> (std::process::ExitStatus, Duration) {
    let since = Instant::now();
    worker.signal(signal);
    (worker.wait(), since.elapsed())
}

/// In the middle of a round that is not due for minutes.
fn a_round_is_brought_home(name: &str, signal: &str) {
    let Some(rig) = Rig::new(name) else { return };
    let topic = rig.topic(2);
    let long = [("bufferflush.intervalms", "300000")];
    let connector = rig.connector(name, &topic, &long);
    rig.produce_wide(&topic, 2, 0, 1500, WIDE);
    let mut worker = rig.start(&[connector]);
    let loading = rig.standin.wait_for(Call::Load, 1, PATIENCE);
    loading.expect("a full chunk does not wait for the round");
    let (status, took) = ends(&mut worker, signal);
    let log = worker.log();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(15), "took {took:?}:\n{log}");
    assert!(!log.contains("not settled"), "{log}");
    rig.check_nothing_open();
    // Each offset is settled up to which rows are there, and no further.
    let stored = rig.stored_offsets(name, &topic, 2);
    let sql =
        format!("SELECT COUNT(*), MAX(off) + 1 FROM shop.`{topic}` GROUP BY part ORDER BY part");
    let rows = rig.standin.sql(&sql).expect("the table is there").lines();
    let expect: Vec<_> = stored
        .iter()
        .filter(|offset| **offset > 0)
        .map(|offset| format!("{offset}\t{offset}"))
        .collect();
    assert_eq!(rows, expect, "rows and end of each partition:\n{log}");
    assert!(!rows.is_empty(), "something had been read:\n{log}");

    // What had not been read is all that the next one loads.
    let worker = rig.start(&[rig.connector(name, &topic, &[])]);
    rig.wait_for_rows(&topic, 3000, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 2, 1500);
}

#[test]
fn sigterm_in_the_middle_of_a_round() {
    a_round_is_brought_home("sigterm", "TERM");
}

#[test]
fn sigint_in_the_middle_of_a_round() {
    a_round_is_brought_home("sigint", "INT");
}

/// A worker whose round hangs in StarRocks' prepare, with half a second to stop.
fn hanging(name: &str) -> Option<(Rig, String, std::path::PathBuf, Worker)> {
    let rig = Rig::new(name)?;
    let topic = rig.topic(2);
    let connector = rig.connector(name, &topic, &[]);
    rig.produce(&topic, 2, 0, 100);
    let held = rig.standin.faults().on(Call::Prepare).nth(1);
    let held = held.act(Action::Hold);
    let file = rig.worker_file(&[("task.shutdown.graceful.timeout.ms", "500")]);
    let mut command = binary();
    command.arg("standalone").arg(file).arg(&connector);
    let worker = Worker::spawn(command);
    rig.wait_until("a prepare is held", &worker, || held.hits() == 1);
    Some((rig, topic, connector, worker))
}

/// What was left is taken up, once StarRocks answers again.
fn is_taken_up(rig: &Rig, topic: &str, connector: &std::path::Path) {
    rig.standin.faults().clear();
    let worker = rig.start(&[connector]);
    rig.wait_for_rows(topic, 200, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(topic, topic, 2, 100);
}

#[test]
fn a_round_that_hangs_is_left_and_said() {
    let Some((rig, topic, connector, mut worker)) = hanging("hangs") else {
        return;
    };
    let (status, took) = ends(&mut worker, "TERM");
    let log = worker.log();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(8), "took {took:?}:\n{log}");
    let left = worker.lines("not settled");
    assert!(
        left.len() == 1 && left[0].contains("stopped while preparing a round"),
        "{left:#?}"
    );
    is_taken_up(&rig, &topic, &connector);
}

/// The second signal ends the process as the signal itself would have.
fn second_signal(name: &str, signal: &str, code: i32) {
    let Some((rig, topic, connector, mut worker)) = hanging(name) else {
        return;
    };
    worker.signal(signal);
    worker.wait_for_log("a second signal ends at once");
    let (status, _) = ends(&mut worker, signal);
    assert_eq!(status.code(), Some(code), "{}", worker.log());
    is_taken_up(&rig, &topic, &connector);
}

#[test]
fn a_second_sigterm_ends_at_once() {
    second_signal("second_term", "TERM", 143);
}

#[test]
fn a_second_sigint_ends_at_once() {
    second_signal("second_int", "INT", 130);
}

/// Kafka answers nothing any more: the round cannot be decided, and the group cannot be left.
#[test]
fn a_silent_broker_does_not_hold_up_the_end() {
    let Some(mut rig) = Rig::own("silent", BrokerOptions::default()) else {
        return;
    };
    let topic = rig.topic(2);
    let connector = rig.connector("silent", &topic, &[]);
    let held = rig.standin.faults().on(Call::Prepare).nth(1);
    let held = held.act(Action::HoldAnswer);
    let mut worker = rig.start(&[&connector]);
    rig.produce(&topic, 2, 0, 100);
    rig.wait_until("a prepare is held", &worker, || held.hits() == 1);
    rig.broker.suspend().expect("it runs");
    held.remove();
    let (status, took) = ends(&mut worker, "TERM");
    let log = worker.log();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(14), "took {took:?}:\n{log}");
    assert_eq!(
        worker.lines("not settled").len(),
        1,
        "took {took:?}:\n{log}"
    );
    rig.broker.resume().expect("it is suspended");
    let worker = rig.start(&[&connector]);
    rig.wait_for_rows(&topic, 200, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 2, 100);
}
