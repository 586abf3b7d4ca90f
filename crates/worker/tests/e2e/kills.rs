//! SIGKILL at every step of a round and of recovery: no row is lost, none is doubled, nothing stays open.

use starrocks_kafka_testbed::{Action, Call, TxnState};

use crate::rig::{PATIENCE, Rig};

const KILL_AT: &str = "STARROCKS_KAFKA_KILL_AT";

/// Loads with a worker that is killed at each of `steps` in turn, then with one that is not.
fn killed_at(name: &str, steps: &[&str]) {
    let Some(rig) = Rig::new(name) else { return };
    let topic = rig.topic(2);
    let connector = rig.connector(name, &topic, &[]);
    let mut sent = 0;
    for step in steps {
        rig.produce(&topic, 2, sent, 300);
        sent += 300;
        let mut worker = rig.start_with(&[&connector], &[(KILL_AT, step)]);
        let status = worker.wait();
        assert!(
            !status.success(),
            "{step}: was to be killed:\n{}",
            worker.log()
        );
        assert!(
            worker.log().contains("killed here"),
            "{step}: ended otherwise:\n{}",
            worker.log()
        );
        check_place(&rig, step, &worker.log());
    }
    rig.produce(&topic, 2, sent, 300);
    sent += 300;
    let worker = rig.start(&[connector]);
    rig.wait_for_rows(&topic, sent * 2, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 2, sent);
}

/// The worker has died where it was to: what StarRocks has then tells.
fn check_place(rig: &Rig, step: &str, log: &str) {
    let has = |state| !rig.standin.transactions_in(state).is_empty();
    // Open, prepared, and done, where that is certain at this step.
    let expect: [Option<bool>; 3] = match step {
        "sealed:1" => [None, Some(false), None],
        "prepared:1" | "decided:1" | "plan-sent:2" => [Some(false), Some(true), None],
        // The claim of a recovery: what was decided before is rolled forward by then.
        "plan-sent:1" | "committed:1" | "settling:1" | "settled:1" | "labels-settled:1" => {
            [Some(false), Some(false), Some(true)]
        }
        "rolled-back:1" => [Some(false), Some(false), None],
        _ => [None; 3],
    };
    let states = [TxnState::Prepare, TxnState::Prepared, TxnState::Visible];
    for (state, expect) in states.into_iter().zip(expect) {
        if let Some(expect) = expect {
            assert_eq!(has(state), expect, "{state:?} at {step}:\n{log}");
        }
    }
}

macro_rules! killed {
    ($($name:ident: $($step:literal),+;)+) => {$(
        #[test]
        fn $name() {
            killed_at(stringify!($name), &[$($step),+]);
        }
    )+};
}

killed! {
    before_prepare: "sealed:1";
    after_prepare: "prepared:1";
    between_the_halves_of_the_decision: "plan-sent:2";
    after_the_decision: "decided:1";
    after_commit: "committed:1";
    before_the_settling_claim: "settling:1";
    after_the_settling_claim: "settled:1";
    in_recovery_after_reading_offsets: "decided:1", "offsets-read:1";
    in_recovery_after_settling_labels: "decided:1", "labels-settled:1";
    in_recovery_between_the_halves_of_the_claim: "decided:1", "plan-sent:1";
    in_recovery_after_the_claim: "prepared:1", "claimed:1", "claimed:1";
    in_recovery_after_rolling_back: "prepared:1", "rolled-back:1";
    at_every_step_in_turn: "sealed:1", "prepared:1", "decided:1", "committed:1", "settled:1", "labels-settled:1";
}

/// SIGKILL from outside while StarRocks works on a call, which it then ends by itself.
fn killed_during(name: &str, call: Call, action: Action) {
    let Some(rig) = Rig::new(name) else { return };
    let topic = rig.topic(2);
    let connector = rig.connector(name, &topic, &[]);
    rig.produce(&topic, 2, 0, 300);
    let faults = rig.standin.faults();
    // The first begin asks whether there are transactions.
    let nth = if call == Call::Begin { 2 } else { 1 };
    if call == Call::Rollback {
        // A begin without an answer is rolled back.
        let lost = faults.on(Call::Begin).db("shop").nth(1);
        lost.act(Action::DropAnswerAfterEffect);
    }
    let held = faults.on(call).db("shop").nth(1).act(action);
    let worker = rig.start(&[&connector]);
    rig.wait_until("the call is held", &worker, || held.hits() == 1);
    worker.kill();
    held.remove();
    let ended = rig.standin.wait_until_ended(call, nth, PATIENCE);
    ended.expect("what was held ends by itself");
    rig.produce(&topic, 2, 300, 300);
    let worker = rig.start(&[connector]);
    rig.wait_for_rows(&topic, 1200, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 2, 600);
}

macro_rules! killed_during {
    ($($name:ident: $call:ident, $action:ident;)+) => {$(
        #[test]
        fn $name() {
            killed_during(stringify!($name), Call::$call, Action::$action);
        }
    )+};
}

killed_during! {
    during_begin: Begin, Hold;
    during_load: Load, Hold;
    during_prepare: Prepare, Hold;
    before_the_answer_to_prepare: Prepare, HoldAnswer;
    during_commit: Commit, Hold;
    before_the_answer_to_commit: Commit, HoldAnswer;
    during_rollback: Rollback, Hold;
}

/// Rows of one round go to two tables, and the worker is killed between the same call for one and for the other.
fn killed_between_two_tables(name: &str, call: Call, first_is: TxnState) {
    let Some(rig) = Rig::new(name) else { return };
    let topics = [rig.topic(1), rig.topic(1)];
    let produce = |from| {
        for topic in &topics {
            rig.produce(topic, 1, from, 100);
        }
    };
    let connector = rig.connector(name, &topics.join(","), &[]);
    let worker = rig.start(&[&connector]);
    worker.wait_for_log("assigned: ");
    let held = rig.standin.faults().on(call).table(&topics[1]).nth(1);
    let held = held.act(Action::Hold);
    produce(0);
    rig.wait_until("one table is done, the other held", &worker, || {
        let of_first = |txn: &starrocks_kafka_testbed::Txn| txn.table == topics[0];
        held.hits() == 1 && rig.standin.transactions_in(first_is).iter().any(of_first)
    });
    worker.kill();
    produce(100);
    // The next one comes while the call of the one before is still on its way.
    let worker = rig.start(&[connector]);
    worker.wait_for_log("assigned: ");
    held.remove();
    for topic in &topics {
        rig.wait_for_rows(topic, 200, &worker);
    }
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    for topic in &topics {
        rig.check_exactly_once(topic, topic, 1, 200);
    }
}

#[test]
fn between_the_prepares_of_two_tables() {
    killed_between_two_tables("two_prepares", Call::Prepare, TxnState::Prepared);
}

#[test]
fn between_the_commits_of_two_tables() {
    killed_between_two_tables("two_commits", Call::Commit, TxnState::Visible);
}
