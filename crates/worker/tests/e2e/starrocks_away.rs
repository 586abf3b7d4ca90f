//! StarRocks, or a part of it, is away for a while: it is waited for, and nothing is lost or doubled.

use std::net::{Ipv4Addr, SocketAddr};

use starrocks_kafka_testbed::{Action, Call, Node, StandInOptions};

use crate::rig::{PATIENCE, Rig};

const FREE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn two_back_ends() -> StandInOptions {
    StandInOptions {
        be: vec![FREE; 2],
        ..StandInOptions::default()
    }
}

#[test]
fn away_at_the_start() {
    let Some(rig) = Rig::new("away_at_start") else {
        return;
    };
    let topic = rig.topic(2);
    rig.produce(&topic, 2, 0, 200);
    rig.standin.all_away().expect("its ports are held");
    let worker = rig.start(&[rig.connector("away_at_start", &topic, &[])]);
    worker.wait_for_log("retrying: ");
    let said = worker.lines("retrying: ");
    assert!(
        said[0].contains("connect") && said[0].contains(&rig.standin.http_url()),
        "what cannot be reached: {said:#?}"
    );
    rig.standin.back().expect("its ports are free");
    rig.wait_for_rows(&topic, 400, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(log.contains("succeeded after retrying: "), "{log}");
    rig.check_exactly_once(&topic, &topic, 2, 200);
}

#[test]
fn away_between_two_rounds_and_in_the_middle_of_one() {
    let Some(rig) = Rig::new("away") else { return };
    let topic = rig.topic(2);
    rig.produce(&topic, 2, 0, 200);
    let worker = rig.start(&[rig.connector("away", &topic, &[])]);
    rig.wait_for_rows(&topic, 400, &worker);

    rig.standin.all_away().expect("its ports are held");
    rig.produce(&topic, 2, 200, 200);
    worker.wait_for_log("retrying: begin a transaction");
    rig.standin.back().expect("its ports are free");
    rig.wait_for_rows(&topic, 800, &worker);

    let mut sent = 400;
    for call in [Call::Begin, Call::Load, Call::Prepare, Call::Commit] {
        let held = rig
            .standin
            .faults()
            .on(call)
            .db("shop")
            .nth(1)
            .act(Action::Hold);
        rig.produce(&topic, 2, sent, 100);
        sent += 100;
        rig.wait_until(&format!("{call} is held"), &worker, || held.hits() == 1);
        let retries = worker.lines("retrying: ").len();
        rig.standin.all_away().expect("its ports are held");
        held.remove();
        worker.wait_for_times("retrying: ", retries + 1);
        rig.standin.back().expect("its ports are free");
        rig.wait_for_rows(&topic, sent * 2, &worker);
    }
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 2, sent);
}

#[test]
fn a_task_fails_when_it_is_away_for_longer_than_is_allowed() {
    let Some(rig) = Rig::new("away_too_long") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 10);
    rig.standin.all_away().expect("its ports are held");
    let limit = [("starrocks.unavailable.timeout.ms", "1500")];
    let worker = rig.start(&[rig.connector("away_too_long", &topic, &limit)]);
    worker.wait_for_log(
        "task FAILED: StarRocks was not available for 1500 ms (starrocks.unavailable.timeout.ms)",
    );
}

/// The back end that holds a transaction is troubled while its prepare is held.
fn with_the_back_end_in_the_middle_of_a_round(name: &str, trouble: impl Fn(&Rig, Node)) {
    let Some(rig) = Rig::with(name, two_back_ends()) else {
        return;
    };
    let topic = rig.topic(2);
    let worker = rig.start(&[rig.connector(name, &topic, &[])]);
    let held = rig
        .standin
        .faults()
        .on(Call::Prepare)
        .nth(1)
        .act(Action::Hold);
    rig.produce(&topic, 2, 0, 200);
    let prepare = rig.standin.wait_for(Call::Prepare, 1, PATIENCE);
    let node = prepare.expect("the round is due after a second").node;
    trouble(&rig, node);
    held.remove();
    rig.wait_for_rows(&topic, 400, &worker);
    rig.standin.back().expect("its ports are free");
    rig.produce(&topic, 2, 200, 200);
    rig.wait_for_rows(&topic, 800, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 2, 400);
}

#[test]
fn a_back_end_goes_away_in_the_middle_of_a_round() {
    with_the_back_end_in_the_middle_of_a_round("be_away", |rig, node| {
        rig.standin.away(node).expect("its port is held");
    });
}

#[test]
fn a_back_end_is_restarted_in_the_middle_of_a_round() {
    with_the_back_end_in_the_middle_of_a_round("be_restart", |rig, node| {
        rig.standin.restart(node).expect("its port is free");
    });
}

#[test]
fn front_ends_take_turns_to_lead_and_to_be_away() {
    let options = StandInOptions {
        fe: vec![FREE; 2],
        ..StandInOptions::default()
    };
    let Some(rig) = Rig::with("front_ends", options) else {
        return;
    };
    let topic = rig.topic(2);
    let mut sent = 0;
    let mut more = |rig: &Rig| {
        rig.produce(&topic, 2, sent, 100);
        sent += 100;
        sent * 2
    };
    let rows = more(&rig);
    rig.standin.away(Node::Fe(1)).expect("its port is held");
    let worker = rig.start(&[rig.connector("front_ends", &topic, &[])]);
    rig.wait_for_rows(&topic, rows, &worker);

    rig.standin.back().expect("its port is free");
    // The leader changes while a call is on its way or its answer is, and the one before goes away.
    let moments = [
        (Call::Begin, Action::HoldAnswer),
        (Call::Load, Action::HoldAnswer),
        (Call::Prepare, Action::Hold),
        (Call::Prepare, Action::HoldAnswer),
        (Call::Commit, Action::Hold),
        (Call::Commit, Action::HoldAnswer),
    ];
    for (leader, (call, action)) in [1, 0].into_iter().cycle().zip(moments) {
        let what = format!("a {call} is held: {action:?}");
        let held = rig.standin.faults().on(call).db("shop").nth(1);
        let held = held.act(action);
        let rows = more(&rig);
        rig.wait_until(&what, &worker, || held.hits() == 1);
        rig.standin.lead(leader);
        rig.standin
            .away(Node::Fe(1 - leader))
            .expect("its port is held");
        held.remove();
        rig.wait_for_rows(&topic, rows, &worker);
        let rows = more(&rig);
        rig.wait_for_rows(&topic, rows, &worker);
        rig.standin.back().expect("its port is free");
    }
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 2, sent);
}
