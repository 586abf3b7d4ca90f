//! Answers of StarRocks that are lost, unreadable, or say "not now".

use starrocks_kafka_testbed::{Action, Call};

use crate::rig::Rig;

/// A row of faults, each of which strikes once while one more batch is loaded.
fn with_each(name: &str, action: &Action) {
    let Some(rig) = Rig::new(name) else { return };
    let topic = rig.topic(2);
    let worker = rig.start(&[rig.connector(name, &topic, &[])]);
    let faults = rig.standin.faults();
    let mut sent = 0;
    // A state is asked for where a commit's answer is lost, a rollback is sent where a begin's is.
    let first = [
        (Call::Begin, None),
        (Call::Load, None),
        (Call::Prepare, None),
        (Call::Commit, None),
        (Call::Rollback, Some(Call::Begin)),
        (Call::State, Some(Call::Commit)),
    ];
    for (call, led_to_by) in first {
        // The question whether there are transactions is a begin too, of no database.
        let on = |call| faults.on(call).db("shop").nth(1);
        let before = led_to_by.map(|call| on(call).act(Action::DropAnswerAfterEffect));
        let fault = on(call).act(action.clone());
        rig.produce(&topic, 2, sent, 100);
        sent += 100;
        rig.wait_for_rows(&topic, sent * 2, &worker);
        // Rows can be seen before the last answer is in.
        rig.wait_until(&format!("{call} is struck"), &worker, || fault.hits() == 1);
        fault.remove();
        before.inspect(starrocks_kafka_testbed::Fault::remove);
    }
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(!log.contains("FAILED"), "{log}");
    rig.check_exactly_once(&topic, &topic, 2, sent);
}

macro_rules! answers {
    ($($name:ident: $action:expr;)+) => {$(
        #[test]
        fn $name() {
            with_each(stringify!($name), &$action);
        }
    )+};
}

answers! {
    lost_after_the_effect: Action::DropAnswerAfterEffect;
    reset_before_the_effect: Action::ResetBeforeEffect;
    reset_after_the_effect: Action::ResetAfterEffect;
    cut_short: Action::CutAnswer { after: 5 };
    a_page_of_a_proxy: Action::Html;
    a_server_error: Action::Status { code: 503, body: "busy".to_owned() };
}

#[test]
fn what_time_heals_is_tried_again() {
    let Some(rig) = Rig::new("heals") else { return };
    let topic = rig.topic(1);
    let worker = rig.start(&[rig.connector("heals", &topic, &[])]);
    let mut sent = 0;
    for (call, action, said) in [
        (Call::Begin, Action::RunningTxnLimit, "larger than limit"),
        (Call::Load, Action::MemoryLimit, "exceed limit"),
        (
            Call::Prepare,
            Action::TooManyVersions,
            "raise bufferflush.intervalms",
        ),
    ] {
        let fault = rig
            .standin
            .faults()
            .on(call)
            .db("shop")
            .first(2)
            .act(action);
        rig.produce(&topic, 1, sent, 100);
        sent += 100;
        rig.wait_for_rows(&topic, sent, &worker);
        assert_eq!(fault.hits(), 2, "{call}:\n{}", worker.log());
        fault.remove();
        let warnings = worker.lines("WARN");
        assert!(
            warnings.iter().any(|line| line.contains(said)),
            "no '{said}': {warnings:#?}"
        );
    }
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 1, sent);
}

#[test]
fn refusals_are_counted_against_the_retries() {
    let Some(rig) = Rig::new("retries") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let fault = rig.standin.faults().on(Call::Prepare);
    let fault = fault.act(Action::TooManyVersions);
    let connector = rig.connector("retries", &topic, &[("sink.maxretries", "1")]);
    let worker = rig.start(&[&connector]);
    worker.wait_for_log("task FAILED: StarRocks refused 2 rounds in a row (sink.maxretries=1)");
    let failed = worker.lines("task FAILED");
    assert!(failed[0].contains("Too many versions"), "{failed:#?}");
    assert!(
        failed[0].contains("raise bufferflush.intervalms"),
        "{failed:#?}"
    );
    assert_eq!(fault.hits(), 2);
    drop(worker.terminate());
    fault.remove();
    // Nothing was passed over.
    let worker = rig.start(&[connector]);
    rig.wait_for_rows(&topic, 100, &worker);
    drop(worker.terminate());
    rig.check_exactly_once(&topic, &topic, 1, 100);
}

/// StarRocks has committed and is late with publishing: the rows come, once.
#[test]
fn a_commit_that_is_published_late_is_done() {
    let Some(rig) = Rig::new("late") else { return };
    let topic = rig.topic(1);
    let fault = rig.standin.faults().on(Call::Commit).nth(1);
    let fault = fault.act(Action::PublishTimeout);
    rig.produce(&topic, 1, 0, 100);
    let worker = rig.start(&[rig.connector("late", &topic, &[])]);
    rig.wait_until("the commit", &worker, || fault.hits() == 1);
    rig.wait_until("the offsets are settled", &worker, || {
        rig.stored_offsets("late", &topic, 1) == [100]
    });
    rig.standin.publish().expect("the rows are kept");
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 1, 100);
}
