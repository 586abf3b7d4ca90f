//! Records whose schemas a registry tells, while it is there and while it is not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use starrocks_kafka_pipeline::step::Step;
use starrocks_kafka_testbed::produce::{Format, Frame};
use starrocks_kafka_testbed::schema_registry::{NewSchema, SchemaRegistry, SchemaType};

use crate::broker::{Protocol, Slot};
use crate::task_thread::{Ended, Steps, Task};
use crate::world::{Tuning, World};

/// What every record here is; the title makes it another schema.
fn schema(title: &str) -> NewSchema {
    let text = format!(
        r#"{{"type":"object","title":"{title}","properties":{{"t":{{"type":"string"}},"p":{{"type":"integer"}},
             "o":{{"type":"integer"}}}}}}"#
    );
    NewSchema::new(SchemaType::Json, text)
}

fn register(registry: &SchemaRegistry, title: &str) -> i32 {
    let registered = registry.register("orders-value", schema(title));
    registered.expect("a schema that it takes").id
}

/// Appends records of this schema.
fn produce(world: &World, partition: i32, id: i32, count: usize) {
    for _ in 0..count {
        world.broker.append("orders", partition, |offset| {
            let mut value = Vec::new();
            Frame::Id(id).write(Format::JsonSchema, &mut value);
            let row = format!(r#"{{"t":"orders","p":{partition},"o":{offset}}}"#);
            value.extend_from_slice(row.as_bytes());
            Slot::Value(Some(value))
        });
    }
}

fn world(tuning: Tuning, protocol: Protocol) -> World {
    World::with(tuning, protocol)
        .topics(&[("orders", 3)])
        .with_registry()
}

fn until_waiting(world: &World, task: &Task) {
    world.until("a retry that is shown", || {
        task.status
            .retrying()
            .iter()
            .any(|retry| retry.what.contains("from the Schema Registry"))
    });
}

fn read(task: &Task) -> u64 {
    task.status.counters.records.load(Ordering::Relaxed)
}

#[test]
fn only_the_partitions_that_need_it_wait_for_the_registry() {
    let world = world(Tuning::default(), Protocol::Eager);
    let first = register(world.registry(), "first");
    (0..3).for_each(|partition| produce(&world, partition, first, 5));
    let task = world.spawn();
    world.until_loaded();

    let second = register(world.registry(), "second");
    world.registry().away().expect("its port is held");
    produce(&world, 1, second, 5);
    produce(&world, 2, second, 5);
    until_waiting(&world, &task);
    produce(&world, 0, first, 5);
    world.until("rows of the other partition", || world.rows() == 20);
    // What stands behind a record that waits does so, too, whether its schema is known or not.
    produce(&world, 1, first, 5);
    produce(&world, 0, first, 5);
    world.until("more of them", || world.rows() == 25);
    world.registry().back().expect("its port is free");
    world.finish(&task);
    assert_eq!(task.status.retrying(), []);
    // One question for both partitions, and none twice.
    let asked = |id| world.registry().asked(&format!("/schemas/ids/{id}"));
    assert_eq!((asked(first), asked(second)), (1, 1));
}

#[test]
fn a_task_stops_while_partitions_wait() {
    let world = world(Tuning::default(), Protocol::Eager);
    let first = register(world.registry(), "first");
    let second = register(world.registry(), "second");
    produce(&world, 0, first, 5);
    let task = world.spawn();
    world.until_loaded();
    world.registry().away().expect("its port is held");
    produce(&world, 1, second, 5);
    until_waiting(&world, &task);
    produce(&world, 0, first, 5);
    world.until("rows of the other partition", || world.rows() == 10);
    task.stop_clean();
    world.check_nothing_open();
    assert_eq!(task.status.retrying(), [], "nobody waits any more");
    world.registry().back().expect("its port is free");
    let next = world.spawn();
    world.finish(&next);
}

#[test]
fn partitions_that_wait_change_hands() {
    for protocol in [Protocol::Eager, Protocol::Cooperative] {
        let tuning = Tuning {
            rejoins: true,
            ..Tuning::default()
        };
        let world = world(tuning, protocol);
        let first = register(world.registry(), "first");
        let second = register(world.registry(), "second");
        (0..3).for_each(|partition| produce(&world, partition, first, 5));
        let one = world.spawn();
        world.until_loaded();
        world.registry().away().expect("its port is held");
        (0..3).for_each(|partition| produce(&world, partition, second, 5));
        until_waiting(&world, &one);
        let other = world.spawn();
        until_waiting(&world, &other);
        world.registry().back().expect("its port is free");
        world.until_loaded();
        one.stop_clean();
        other.stop_clean();
        world.check_done();
    }
}

#[test]
fn a_replay_waits_for_the_registry() {
    let world = world(Tuning::default(), Protocol::Eager);
    let first = register(world.registry(), "first");
    (0..3).for_each(|partition| produce(&world, partition, first, 5));
    let steps = Arc::<Steps>::default();
    steps.crash_at(Step::Decided, 1);
    assert_eq!(world.spawn_with(steps).ended(), Ended::Crashed);
    world.abort("orders");
    world.registry().away().expect("its port is held");
    produce(&world, 0, first, 5);
    let next = world.spawn();
    until_waiting(&world, &next);
    // What is owed waits as a whole, and no end of a partition makes it shorter.
    world.pass(Duration::from_millis(300));
    assert_eq!((world.rows(), read(&next)), (0, 0));
    world.registry().back().expect("its port is free");
    world.finish(&next);
}

#[test]
fn what_the_registry_denies_fails_the_task_behind_what_came_before() {
    let world = world(Tuning::default(), Protocol::Eager);
    let first = register(world.registry(), "first");
    produce(&world, 0, first, 5);
    produce(&world, 0, 4711, 1);
    produce(&world, 0, first, 5);
    let task = world.spawn();
    let failure = task.ended().failure();
    for part in [
        "record orders-0 at offset 5 cannot be loaded: VALUE_CONVERTER: ",
        "schema id 4711",
    ] {
        assert!(failure.contains(part), "{part} in {failure}");
    }
    assert_eq!(world.rows(), 5);
    world
        .registry()
        .put("orders-value", 2, 4711, schema("late"));
    let next = world.spawn();
    world.finish(&next);
}

#[test]
fn ids_of_eight_bytes_are_told_by_their_zeros() {
    let world = world(Tuning::default(), Protocol::Eager);
    let id = register(world.registry(), "first");
    world.broker.append("orders", 0, |_| {
        let value = [&[0, 0, 0, 0, 0], id.to_be_bytes().as_slice(), b"{}"].concat();
        Slot::Value(Some(value))
    });
    let failure = world.spawn().ended().failure();
    for part in [
        "schema id 0",
        "an id of 8 bytes",
        "apicurio.registry.as-confluent=true",
    ] {
        assert!(failure.contains(part), "{part} in {failure}");
    }
}

#[test]
fn what_is_denied_after_a_while_is_told_as_well() {
    let world = world(Tuning::default(), Protocol::Eager);
    let first = register(world.registry(), "first");
    produce(&world, 0, first, 5);
    let task = world.spawn();
    world.until_loaded();
    world.registry().away().expect("its port is held");
    produce(&world, 1, 4711, 1);
    until_waiting(&world, &task);
    world.registry().back().expect("its port is free");
    let failure = task.ended().failure();
    assert!(failure.contains("schema id 4711"), "{failure}");
}
