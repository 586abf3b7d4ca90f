//! Members come, go, die and freeze while rows are loaded: by both kinds of assignment strategy.

use starrocks_kafka_testbed::{Action, Call};

use crate::process::Worker;
use crate::rig::{PATIENCE, Rig};

const EAGER: &str = "org.apache.kafka.clients.consumer.RangeAssignor";
const COOPERATIVE: &str = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor";
const STRATEGY: &str = "consumer.override.partition.assignment.strategy";
const PARTITIONS: i32 = 4;

/// Records come all the time: a batch before each thing that happens, none of them waited for.
struct Stream<'r> {
    rig: &'r Rig,
    topic: &'r str,
    sent: i64,
}

impl Stream<'_> {
    fn goes_on(&mut self) {
        self.rig.produce(self.topic, PARTITIONS, self.sent, 100);
        self.sent += 100;
    }

    fn rows(&self) -> i64 {
        self.sent * i64::from(PARTITIONS)
    }
}

fn members_come_and_go(name: &str, strategy: &str) {
    let Some(rig) = Rig::new(name) else { return };
    let topic = rig.topic(PARTITIONS);
    let file = [rig.connector(name, &topic, &[(STRATEGY, strategy)])];
    let mut stream = Stream {
        rig: &rig,
        topic: &topic,
        sent: 0,
    };
    stream.goes_on();
    let first = rig.start(&file);
    rig.wait_for_rows(&topic, stream.rows(), &first);

    // The second one asks to join while a round of the first is being prepared, and gets nothing of it.
    let held = rig.standin.faults().on(Call::Prepare).nth(1);
    let held = held.act(Action::Hold);
    stream.goes_on();
    rig.wait_until("a prepare is held", &first, || held.hits() == 1);
    let second = rig.start(&file);
    rig.wait_until("the second one asks to join", &second, || {
        rig.members(name) == 2
    });
    stream.goes_on();
    held.remove();
    second.wait_for_log("assigned: ");
    stream.goes_on();
    rig.wait_for_rows(&topic, stream.rows(), &first);

    // The first one leaves, then a third one comes and is killed with rows on their way.
    stream.goes_on();
    ended(first);
    stream.goes_on();
    rig.wait_for_rows(&topic, stream.rows(), &second);
    let third = rig.start(&file);
    third.wait_for_log("assigned: ");
    // Both have partitions, and each of them one prepare at a time.
    let held = rig.standin.faults().on(Call::Prepare).first(2);
    let held = held.act(Action::Hold);
    stream.goes_on();
    rig.wait_until("a prepare of both is held", &second, || held.hits() == 2);
    third.kill();
    held.remove();
    stream.goes_on();
    rig.wait_for_rows(&topic, stream.rows(), &second);
    ended(second);
    rig.check_exactly_once(&topic, &topic, PARTITIONS, stream.sent);
}

fn ended(worker: Worker) {
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(!log.contains("FAILED"), "{log}");
}

#[test]
fn members_come_and_go_eagerly() {
    members_come_and_go("eager", EAGER);
}

#[test]
fn members_come_and_go_cooperatively() {
    members_come_and_go("cooperative", COOPERATIVE);
}

/// A member is frozen beyond its session while the n-th call of a kind is held; another one takes over; then
/// the frozen one goes on, as if nothing had happened.
fn frozen(name: &str, strategy: &str, call: Call, action: Action) {
    let Some(rig) = Rig::new(name) else { return };
    let topic = rig.topic(PARTITIONS);
    let file = [rig.connector(name, &topic, &[(STRATEGY, strategy)])];
    let mut stream = Stream {
        rig: &rig,
        topic: &topic,
        sent: 0,
    };
    let first = rig.start(&file);
    first.wait_for_log("assigned: ");
    let held = rig.standin.faults().on(call).nth(1).act(action);
    stream.goes_on();
    rig.wait_until("the call is held", &first, || held.hits() == 1);
    first.signal("STOP");
    let second = rig.start(&file);
    second.wait_for_log("assigned: ");
    held.remove();
    stream.goes_on();
    rig.wait_for_rows(&topic, stream.rows(), &second);
    first.signal("CONT");
    let ends = rig.standin.wait_until_ended(call, 1, PATIENCE);
    ends.expect("what was held ends by itself");
    stream.goes_on();
    // It hears that it was expelled, comes back as a member and does its part.
    first.wait_for_times("assigned: ", 2);
    stream.goes_on();
    rig.wait_for_rows(&topic, stream.rows(), &first);
    let log = first.log();
    assert!(
        log.contains("lost: ") || log.contains("retrying: join the group"),
        "was never expelled:\n{log}"
    );
    ended(first);
    ended(second);
    rig.check_exactly_once(&topic, &topic, PARTITIONS, stream.sent);
}

macro_rules! frozen {
    ($($name:ident: $strategy:expr, $call:expr, $action:expr;)+) => {$(
        #[test]
        fn $name() {
            frozen(stringify!($name), $strategy, $call, $action);
        }
    )+};
}

frozen! {
    frozen_while_loading: EAGER, Call::Load, Action::Hold;
    frozen_before_prepare: COOPERATIVE, Call::Prepare, Action::Hold;
    frozen_with_a_prepared_round: EAGER, Call::Prepare, Action::HoldAnswer;
    frozen_with_a_decided_round: COOPERATIVE, Call::Commit, Action::Hold;
    frozen_with_a_committed_round: EAGER, Call::Commit, Action::HoldAnswer;
}
