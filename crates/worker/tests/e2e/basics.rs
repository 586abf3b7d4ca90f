//! What must work every day.

use crate::rig::Rig;

#[test]
fn records_become_rows_once() {
    let Some(rig) = Rig::new("records_become_rows") else {
        return;
    };
    let topic = rig.topic(2);
    rig.produce(&topic, 2, 0, 500);
    let connector = rig.connector("rows", &topic, &[]);
    let worker = rig.start(&[connector]);
    rig.wait_for_rows(&topic, 1000, &worker);
    rig.produce(&topic, 2, 500, 500);
    rig.wait_for_rows(&topic, 2000, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 2, 1000);
}

#[test]
fn a_restart_in_the_middle_of_a_stream_loses_and_doubles_nothing() {
    let Some(rig) = Rig::new("restart") else {
        return;
    };
    let topic = rig.topic(3);
    let connector = rig.connector("restart", &topic, &[("tasks.max", "2")]);
    let mut sent = 0;
    for _ in 0..3 {
        let worker = rig.start(&[&connector]);
        rig.produce(&topic, 3, sent, 200);
        sent += 200;
        rig.wait_for_rows(&topic, sent * 3, &worker);
        rig.produce(&topic, 3, sent, 200);
        sent += 200;
        let (status, log) = worker.terminate();
        assert!(status.success(), "{status}:\n{log}");
    }
    let worker = rig.start(&[connector]);
    rig.wait_for_rows(&topic, sent * 3, &worker);
    drop(worker.terminate());
    rig.check_exactly_once(&topic, &topic, 3, sent);
}
