//! Changes of databases as Debezium writes them, through the documented recipe: the tables end as their sources are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use starrocks_kafka_testbed::broker::Message;

use crate::rig::Rig;

const KILL_AT: &str = "STARROCKS_KAFKA_KILL_AT";
const TABLES: [&str; 3] = ["orders", "customers", "stock"];
const PARTITIONS: i32 = 2;

/// A row of a source: days since the epoch, and microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    name: String,
    day: i64,
    at: i64,
}

impl Row {
    fn json(&self, id: i64) -> String {
        let Self { name, day, at } = self;
        format!(r#"{{"id":{id},"name":"{name}","day":{day},"at":{at}}}"#)
    }
}

/// One source table: what it holds, and the changes of it that Debezium has written.
struct Source {
    topic: String,
    rows: BTreeMap<i64, Row>,
    changes: u64,
}

impl Source {
    fn fields(name: &str) -> String {
        format!(
            r#"{{"type":"struct","optional":true,"name":"{name}.Value","field":"FIELD","fields":[
            {{"field":"id","type":"int64","optional":false}},
            {{"field":"name","type":"string","optional":true}},
            {{"field":"day","type":"int32","optional":true,"name":"io.debezium.time.Date"}},
            {{"field":"at","type":"int64","optional":true,"name":"io.debezium.time.MicroTimestamp"}}]}}"#
        )
    }

    fn envelope(&mut self, op: &str, before: Option<String>, after: Option<String>) -> String {
        let topic = &self.topic;
        let fields = Self::fields(topic);
        let (of_before, of_after) = (
            fields.replace("FIELD", "before"),
            fields.replace("FIELD", "after"),
        );
        let image = |row: Option<String>| row.unwrap_or_else(|| "null".to_owned());
        let (before, after) = (image(before), image(after));
        self.changes += 1;
        format!(
            r#"{{"schema":{{"type":"struct","optional":false,"name":"{topic}.Envelope","version":1,"fields":[{of_before},{of_after},
            {{"field":"op","type":"string","optional":false}},{{"field":"ts_ms","type":"int64","optional":true}}]}},
            "payload":{{"before":{before},"after":{after},"op":"{op}","ts_ms":{}}}}}"#,
            self.changes
        )
    }

    /// A record of the partition of its key, as Debezium's producer chooses it.
    fn message(id: i64, value: Option<String>) -> Message {
        let partition = i32::try_from(id.rem_euclid(i64::from(PARTITIONS))).expect("small");
        let key = format!(
            r#"{{"schema":{{"type":"struct","optional":false,"fields":[{{"field":"id","type":"int64","optional":false}}]}},"payload":{{"id":{id}}}}}"#
        );
        Message {
            partition,
            key: Some(key.into_bytes()),
            value: value.map(String::into_bytes),
            ..Message::default()
        }
    }

    /// One change, by what the number says.
    fn change(&mut self, number: u64, messages: &mut Vec<Message>) {
        let id = i64::try_from(number / 7 % 23).expect("small");
        let row = Row {
            name: format!("n{number}"),
            day: 19_000 + id,
            at: 1_700_000_000_000_000 + i64::try_from(number % 1_000_000).expect("small"),
        };
        let after = || Some(row.json(id));
        let old = self.rows.get(&id).cloned();
        let before = old.as_ref().map(|old| old.json(id));
        match (number % 7, old) {
            (0, None) => {
                let value = self.envelope("r", None, after());
                messages.push(Self::message(id, Some(value)));
                self.rows.insert(id, row);
            }
            (5 | 6, Some(_)) => {
                let value = self.envelope("d", before, None);
                messages.push(Self::message(id, Some(value)));
                messages.push(Self::message(id, None));
                self.rows.remove(&id);
            }
            (4, Some(old)) => {
                // Another key: the old row goes, and another one comes. Of the same partition, for order is kept within.
                let new = id + 100;
                let value = self.envelope("d", before, None);
                messages.push(Self::message(id, Some(value)));
                messages.push(Self::message(id, None));
                let value = self.envelope("c", None, Some(old.json(new)));
                messages.push(Self::message(new, Some(value)));
                self.rows.remove(&id);
                self.rows.insert(new, old);
            }
            (_, None) => {
                let value = self.envelope("c", None, after());
                messages.push(Self::message(id, Some(value)));
                self.rows.insert(id, row);
            }
            (_, Some(_)) => {
                let value = self.envelope("u", before, after());
                messages.push(Self::message(id, Some(value)));
                self.rows.insert(id, row);
            }
        }
    }

    /// As a query shows it.
    fn shown(&self) -> Vec<String> {
        let rows = self.rows.iter();
        rows.map(|(id, Row { name, day, at })| {
            let day_of_june = day - 19_000 + 8;
            let micros = at % 1_000_000;
            format!("{id}\t{name}\t2022-01-{day_of_june:02}\t2023-11-14 22:13:20.{micros:06}")
        })
        .collect()
    }
}

fn recipe(rig: &Rig, name: &str, sources: &[Source]) -> std::path::PathBuf {
    let topics: Vec<&str> = sources.iter().map(|source| &*source.topic).collect();
    let mut map = String::new();
    for (source, table) in sources.iter().zip(TABLES) {
        write!(map, "{}:{table},", source.topic).expect("a string takes text");
    }
    rig.connector(
        name,
        &topics.join(","),
        &[
            ("starrocks.topic2table.map", &map),
            (
                "key.converter",
                "org.apache.kafka.connect.json.JsonConverter",
            ),
            ("key.converter.schemas.enable", "true"),
            (
                "value.converter",
                "org.apache.kafka.connect.json.JsonConverter",
            ),
            ("value.converter.schemas.enable", "true"),
            ("transforms", "addfield,unwrap"),
            (
                "transforms.addfield.type",
                "com.starrocks.connector.kafka.transforms.AddOpFieldForDebeziumRecord",
            ),
            (
                "transforms.unwrap.type",
                "io.debezium.transforms.ExtractNewRecordState",
            ),
            ("transforms.unwrap.drop.tombstones", "true"),
            // As the documentation prints it: a name without a value.
            ("transforms.unwrap.delete.handling.mode", ""),
        ],
    )
}

fn synchronised(name: &str, steps: &[&str]) {
    let Some(rig) = Rig::new(name) else { return };
    let mut sources: Vec<Source> = TABLES
        .iter()
        .map(|table| {
            let ddl = format!(
                "CREATE TABLE shop.`{table}` (id BIGINT NOT NULL, name STRING, day DATE, at DATETIME) PRIMARY KEY(id) \
                 DISTRIBUTED BY HASH(id)"
            );
            rig.standin.sql(&ddl).expect("a table");
            Source {
                topic: rig.broker.unique_topic(&format!("srv.shop.{table}"), PARTITIONS),
                rows: BTreeMap::new(),
                changes: 0,
            }
        })
        .collect();
    let connector = recipe(&rig, name, &sources);
    let mut number = 1;
    let mut append = |sources: &mut [Source]| {
        for source in sources {
            let mut messages = Vec::new();
            for _ in 0..200 {
                // A sequence without a pattern that shows, the same in each run.
                number = number * 48_271 % 2_147_483_647_u64;
                source.change(number, &mut messages);
            }
            rig.broker.produce(&source.topic, messages);
        }
    };
    for step in steps {
        append(&mut sources);
        let mut worker = rig.start_with(&[&connector], &[(KILL_AT, step)]);
        assert!(!worker.wait().success(), "{step}:\n{}", worker.log());
    }
    append(&mut sources);
    let worker = rig.start(&[connector]);
    let table_of = |table: &str| {
        let sql = format!("SELECT id, name, day, at FROM shop.`{table}` ORDER BY id");
        rig.standin.sql(&sql).expect("the table is there").lines()
    };
    rig.wait_until("the tables are as their sources", &worker, || {
        let mut all = sources.iter().zip(TABLES);
        all.all(|(source, table)| table_of(table) == source.shown())
    });
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    for (source, table) in sources.iter().zip(TABLES) {
        assert_eq!(table_of(table), source.shown(), "{table}");
    }
    rig.check_nothing_open();
}

#[test]
fn the_documented_recipe_keeps_tables_as_their_sources_are() {
    synchronised("recipe", &[]);
}

#[test]
fn the_documented_recipe_does_through_kills() {
    synchronised("recipe_killed", &["prepared:1", "decided:1", "committed:1"]);
}
