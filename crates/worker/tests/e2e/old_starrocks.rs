//! A StarRocks without the transaction interface.

use starrocks_kafka_testbed::StandInOptions;

use crate::rig::Rig;

fn old() -> StandInOptions {
    StandInOptions {
        transaction_interface: false,
        ..StandInOptions::default()
    }
}

#[test]
fn rows_come_by_stream_load_at_least_once_and_it_is_said() {
    let Some(rig) = Rig::with("old_starrocks", old()) else {
        return;
    };
    let topic = rig.topic(2);
    rig.produce(&topic, 2, 0, 500);
    let worker = rig.start(&[rig.connector("old", &topic, &[])]);
    rig.wait_for_rows(&topic, 1000, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert_eq!(
        log.matches("rows are loaded at least once").count(),
        1,
        "{log}"
    );
    assert!(log.contains("no transaction interface"), "{log}");
    // Nothing went wrong, so nothing is doubled either.
    rig.check_exactly_once(&topic, &topic, 2, 500);
}

#[test]
fn exactly_once_that_was_asked_for_is_refused() {
    let Some(rig) = Rig::with("old_starrocks_refused", old()) else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 10);
    let asked = [("starrocks.delivery.guarantee", "exactly-once")];
    let worker = rig.start(&[rig.connector("old-refused", &topic, &asked)]);
    worker.wait_for_log("starrocks.delivery.guarantee=exactly-once cannot be kept");
    assert_eq!(rig.rows(&topic), 0);
    drop(worker.terminate());
}
