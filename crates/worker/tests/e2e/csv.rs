//! Rows in CSV.

use starrocks_kafka_testbed::broker::Message;
use starrocks_kafka_testbed::{Grant, User};

use crate::rig::Rig;

const CSV: (&str, &str) = ("sink.properties.format", "csv");

#[test]
fn texts_are_lines_of_csv() {
    let Some(rig) = Rig::new("csv_texts") else {
        return;
    };
    let topic = rig.topic(2);
    let line = |part, off| format!("{topic}|{part}|{off}|a, \"b\"");
    let messages = (0..500).flat_map(|off| (0..2).map(move |part| (part, off)));
    rig.broker.produce(
        &topic,
        messages.map(|(part, off)| Message::new(part, line(part, off))),
    );
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let properties = [
        CSV,
        ("sink.properties.column_separator", "|"),
        ("value.converter", string),
    ];
    let worker = rig.start(&[rig.connector("csv_texts", &topic, &properties)]);
    rig.wait_for_rows(&topic, 1000, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 2, 500);
    let notes = rig
        .standin
        .sql(&format!("SELECT DISTINCT note FROM shop.`{topic}`"));
    assert_eq!(notes.expect("the table is there").lines(), ["a, \"b\""]);
}

#[test]
fn fields_stand_as_the_table_has_them_or_as_the_property_says() {
    let Some(rig) = Rig::new("csv_fields") else {
        return;
    };
    let by_table = rig.topic(2);
    let by_property = rig.topic(2);
    rig.produce(&by_table, 2, 0, 300);
    rig.produce(&by_property, 2, 0, 300);
    let columns = ("sink.properties.columns", "off, part, src");
    let files = [
        rig.connector("csv_by_table", &by_table, &[CSV]),
        rig.connector("csv_by_property", &by_property, &[CSV, columns]),
    ];
    let worker = rig.start(&files);
    rig.wait_for_rows(&by_table, 600, &worker);
    rig.wait_for_rows(&by_property, 600, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    let with_notes = |table: &str| {
        let sql = format!("SELECT COUNT(note) FROM shop.`{table}`");
        rig.standin.sql(&sql).expect("the table is there").lines()[0].clone()
    };
    for (table, notes) in [(&by_table, "600"), (&by_property, "0")] {
        rig.check_exactly_once(table, table, 2, 300);
        assert_eq!(with_notes(table), notes, "{table}");
    }
}

#[test]
fn a_value_that_holds_the_separator_fails_with_its_column() {
    let Some(rig) = Rig::new("csv_separator") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 3);
    let row = format!(r#"{{"src":"{topic}","part":0,"off":3,"note":"a\tb"}}"#);
    rig.broker.produce(&topic, [Message::new(0, row)]);
    let worker = rig.start(&[rig.connector("csv_separator", &topic, &[CSV])]);
    worker.wait_for_failure("csv_separator");
    let failed = worker.lines("task FAILED").join("\n");
    for part in [
        &*format!("record {topic}-0 at offset 3 cannot be loaded"),
        "the value for column note cannot be written as CSV: it holds the column separator",
    ] {
        assert!(failed.contains(part), "no '{part}' in {failed}");
    }
    drop(worker.terminate());
    rig.check_exactly_once(&topic, &topic, 1, 3);
}

#[test]
fn without_select_the_order_of_fields_must_be_told() {
    let Some(rig) = Rig::new("csv_select") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 3);
    rig.standin.set_user(User {
        name: "loader".to_owned(),
        password: "let-me-in".to_owned(),
        grants: vec![Grant::Insert {
            db: "shop".to_owned(),
            table: topic.clone(),
        }],
    });
    let properties = [
        CSV,
        ("starrocks.username", "loader"),
        ("starrocks.password", "let-me-in"),
    ];
    let worker = rig.start(&[rig.connector("csv_select", &topic, &properties)]);
    worker.wait_for_failure("csv_select");
    let failed = worker.lines("task FAILED").join("\n");
    for part in ["sink.properties.columns", "GRANT SELECT ON TABLE shop."] {
        assert!(failed.contains(part), "no '{part}' in {failed}");
    }
}

#[test]
fn columns_that_change_meanwhile_shift_nothing_and_are_loaded() {
    let Some(rig) = Rig::new("csv_changed") else {
        return;
    };
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 100);
    let worker = rig.start(&[rig.connector("csv_changed", &topic, &[CSV])]);
    rig.wait_for_rows(&topic, 100, &worker);
    let sql = |statement: String| rig.standin.sql(&statement).expect("a statement");
    sql(format!("DROP TABLE shop.`{topic}`"));
    sql(format!(
        "CREATE TABLE shop.`{topic}` (off BIGINT NOT NULL, added INT, note STRING, src VARCHAR(200) NOT NULL, \
         part INT NOT NULL) DUPLICATE KEY(off) DISTRIBUTED BY HASH(off)"
    ));
    let row = |off| {
        let src = &topic;
        Message::new(
            0,
            format!(r#"{{"src":"{src}","part":0,"off":{off},"added":{off}}}"#),
        )
    };
    rig.broker.produce(&topic, (100..200).map(row));
    rig.wait_for_rows(&topic, 100, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    let seen = sql(format!(
        "SELECT COUNT(DISTINCT off), MIN(off), MAX(off), COUNT(added), MIN(part), MIN(src) FROM shop.`{topic}`"
    ));
    assert_eq!(seen.lines(), [format!("100\t100\t199\t100\t0\t{topic}")]);
}
