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

/// How the connector is told what the events are.
type Way = [(&'static str, &'static str)];

/// As StarRocks' documentation prints it, with a name without a value.
const RECIPE: &Way = &[
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
    ("transforms.unwrap.delete.handling.mode", ""),
];

const CDC_FORMAT: &Way = &[("starrocks.cdc.format", "debezium")];

const JSON: &[(&str, &str)] = &[
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
];

fn connector(rig: &Rig, name: &str, sources: &[Source], way: &Way) -> std::path::PathBuf {
    let topics: Vec<&str> = sources.iter().map(|source| &*source.topic).collect();
    let mut map = String::new();
    for (source, table) in sources.iter().zip(TABLES) {
        write!(map, "{}:{table},", source.topic).expect("a string takes text");
    }
    let tables = [("starrocks.topic2table.map", map.as_str())];
    rig.connector(name, &topics.join(","), &[&tables, JSON, way].concat())
}

fn synchronised(name: &str, way: &Way, steps: &[&str]) {
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
    let connector = connector(&rig, name, &sources, way);
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

const KILLS: &[&str] = &["prepared:1", "decided:1", "committed:1"];

#[test]
fn the_documented_recipe_keeps_tables_as_their_sources_are() {
    synchronised("recipe", RECIPE, &[]);
}

#[test]
fn the_documented_recipe_does_through_kills() {
    synchronised("recipe_killed", RECIPE, KILLS);
}

#[test]
fn without_transforms_tables_are_kept_as_their_sources_are() {
    synchronised("cdc_format", CDC_FORMAT, &[]);
}

#[test]
fn without_transforms_they_are_through_kills() {
    synchronised("cdc_format_killed", CDC_FORMAT, KILLS);
}

/// What one connector makes of records of JSON without schemas in one table, as a query shows it.
struct OneTable {
    rig: Rig,
    topic: String,
    connector: std::path::PathBuf,
}

impl OneTable {
    fn new(name: &str, columns: &str, settings: &[(&str, &str)]) -> Option<Self> {
        let rig = Rig::new(name)?;
        let topic = rig.broker.unique_topic(&name.replace('_', "-"), 1);
        let ddl = format!("CREATE TABLE shop.`{topic}` ({columns} DISTRIBUTED BY HASH(id)");
        rig.standin.sql(&ddl).expect("a table");
        let schemaless: Vec<_> = JSON
            .iter()
            .map(|&(name, value)| (name, if value == "true" { "false" } else { value }))
            .collect();
        let settings = [&schemaless, CDC_FORMAT, settings].concat();
        let connector = rig.connector(name, &topic, &settings);
        Some(Self {
            rig,
            topic,
            connector,
        })
    }

    fn produce(&self, events: &[(&str, &str)]) {
        let messages = events.iter().map(|(key, value)| Message {
            key: Some(key.as_bytes().to_vec()),
            value: (!value.is_empty()).then(|| value.as_bytes().to_vec()),
            ..Message::default()
        });
        self.rig.broker.produce(&self.topic, messages);
    }

    fn rows(&self, columns: &str) -> Vec<String> {
        let sql = format!("SELECT {columns} FROM shop.`{}` ORDER BY id", self.topic);
        self.rig
            .standin
            .sql(&sql)
            .expect("the table is there")
            .lines()
    }
}

#[test]
fn a_column_that_is_not_told_keeps_its_value() {
    updated_in_part("cdc_toast", &[]);
}

/// Rows of all columns and of some are of different rounds, each of which may be cut off anywhere.
#[test]
fn a_column_that_is_not_told_keeps_its_value_through_kills() {
    let steps = ["prepared:1", "decided:1", "prepared:2", "decided:2"];
    updated_in_part("cdc_toast_killed", &steps);
}

fn updated_in_part(name: &str, steps: &[&str]) {
    let columns = "id BIGINT NOT NULL, n INT, large STRING) PRIMARY KEY(id)";
    let Some(table) = OneTable::new(name, columns, &[]) else {
        return;
    };
    let unavailable = "__debezium_unavailable_value";
    let update = |id: i64, n: i64, large: &str| {
        format!(r#"{{"before":null,"after":{{"id":{id},"n":{n},"large":"{large}"}},"op":"u"}}"#)
    };
    let create = update(1, 1, "kept").replace("\"u\"", "\"c\"");
    let gone = r#"{"before":{"id":2},"after":null,"op":"d"}"#;
    let (first, second) = (update(1, 2, unavailable), update(1, 3, unavailable));
    let (other, changed) = (update(2, 1, "x"), update(1, 4, "new"));
    let last = update(1, 5, unavailable);
    let (one, two) = (r#"{"id":1}"#, r#"{"id":2}"#);
    table.produce(&[(one, &create), (one, &first), (one, &second), (two, &other)]);
    table.produce(&[(two, gone), (two, ""), (one, &changed), (one, &last)]);
    for step in steps {
        let connector = std::slice::from_ref(&table.connector);
        let mut worker = table.rig.start_with(connector, &[(KILL_AT, step)]);
        assert!(!worker.wait().success(), "{step}:\n{}", worker.log());
    }
    let worker = table.rig.start(std::slice::from_ref(&table.connector));
    table
        .rig
        .wait_until("the last change is there", &worker, || {
            table.rows("id, n, large") == ["1\t5\tnew"]
        });
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    table.rig.check_nothing_open();
}

#[test]
fn rows_say_where_they_come_from() {
    let columns =
        "id BIGINT NOT NULL, src STRING, part INT, off BIGINT, at DATETIME) PRIMARY KEY(id)";
    let metadata = "topic:src,partition:part,offset:off,timestamp:at";
    let settings = [("starrocks.metadata.columns", metadata)];
    let Some(table) = OneTable::new("cdc_metadata", columns, &settings) else {
        return;
    };
    let event = |id: i64| format!(r#"{{"after":{{"id":{id}}},"op":"c"}}"#);
    table.produce(&[("{}", &event(1)), ("{}", &event(2))]);
    let worker = table.rig.start(std::slice::from_ref(&table.connector));
    table.rig.wait_for_rows(&table.topic, 2, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    let expect = [(1, 0), (2, 1)].map(|(id, offset)| format!("{id}\t{}\t0\t{offset}", table.topic));
    assert_eq!(table.rows("id, src, part, off"), expect);
    // Of the broker's clock, or the producer's.
    assert!(
        table.rows("id, at").iter().all(|row| row.contains("\t20")),
        "{:?}",
        table.rows("id, at")
    );
}

#[test]
fn a_table_that_keeps_every_version_is_refused_with_what_to_do() {
    let columns = "id BIGINT NOT NULL) DUPLICATE KEY(id)";
    let Some(table) = OneTable::new("cdc_duplicate", columns, &[]) else {
        return;
    };
    table.produce(&[("{}", r#"{"after":{"id":1},"op":"c"}"#)]);
    let worker = table.rig.start(std::slice::from_ref(&table.connector));
    table.rig.wait_until("the task has failed", &worker, || {
        worker.log().contains("the table is no Primary Key table")
    });
    let log = worker.terminate().1;
    assert!(
        log.contains("starrocks.cdc.without.primary.key=drop-deletes"),
        "{log}"
    );
    assert_eq!(table.rows("id"), Vec::<String>::new());
}

/// As PostgreSQL's default replica identity has it: of the old row no more than its key.
#[test]
fn a_deletion_that_tells_only_the_key_is_taken_by_columns_without_null() {
    let columns =
        "id BIGINT NOT NULL, name STRING NOT NULL, day DATE NOT NULL, note STRING) PRIMARY KEY(id)";
    let Some(table) = OneTable::new("cdc_only_key", columns, &[]) else {
        return;
    };
    let create =
        |id: i64| format!(r#"{{"after":{{"id":{id},"name":"a","day":"2024-01-01"}},"op":"c"}}"#);
    let delete = r#"{"before":{"id":1,"name":null,"day":null,"note":null},"after":null,"op":"d"}"#;
    table.produce(&[("{}", &create(1)), ("{}", &create(2)), ("{}", delete)]);
    let worker = table.rig.start(std::slice::from_ref(&table.connector));
    table.rig.wait_until("one row is left", &worker, || {
        table.rows("id, name") == ["2\ta"]
    });
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
}

/// As the guide shows it: where load properties say what columns are made of, `__op` is one of the fields.
#[test]
fn bytes_go_into_columns_of_bytes_by_an_expression() {
    let columns = "id BIGINT NOT NULL, raw VARBINARY) PRIMARY KEY(id)";
    let settings = [
        (
            "sink.properties.columns",
            "id,__op,encoded,raw=from_base64(encoded)",
        ),
        ("sink.properties.jsonpaths", r#"["$.id","$.__op","$.raw"]"#),
    ];
    let Some(table) = OneTable::new("cdc_bytes", columns, &settings) else {
        return;
    };
    let create =
        |id: i64, raw: &str| format!(r#"{{"after":{{"id":{id},"raw":"{raw}"}},"op":"c"}}"#);
    let delete = r#"{"before":{"id":1,"raw":"YQ=="},"after":null,"op":"d"}"#;
    let (first, second) = (create(1, "YQ=="), create(2, "aGVsbG8="));
    table.produce(&[("{}", &first), ("{}", &second), ("{}", delete)]);
    let worker = table.rig.start(std::slice::from_ref(&table.connector));
    table.rig.wait_until("one row is left", &worker, || {
        table.rows("id, raw") == ["2\t68656c6c6f"]
    });
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
}

/// The record is what is looked for: it has two rows, of which the second is bad.
#[test]
fn a_change_of_a_key_that_starrocks_refuses_is_passed_over_whole() {
    let columns = "id BIGINT NOT NULL, n INT NOT NULL) PRIMARY KEY(id)";
    let dead = format!("cdc-moved-dead-{}", std::process::id());
    let settings = [
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", dead.as_str()),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
    ];
    let Some(table) = OneTable::new("cdc_moved", columns, &settings) else {
        return;
    };
    let create = |id: i64| format!(r#"{{"after":{{"id":{id},"n":1}},"op":"c"}}"#);
    let bad = r#"{"before":{"id":1,"n":1},"after":{"id":2,"n":null},"op":"u"}"#;
    let good = r#"{"before":{"id":3,"n":1},"after":{"id":4,"n":2},"op":"u"}"#;
    let key = |id: i64| format!(r#"{{"id":{id}}}"#);
    table.produce(&[(&key(1), &create(1)), (&key(2), bad), (&key(3), &create(3))]);
    table.produce(&[(&key(4), good)]);
    let worker = table.rig.start(std::slice::from_ref(&table.connector));
    table.rig.wait_until("all but one are there", &worker, || {
        table.rows("id, n") == ["1\t1", "4\t2"]
    });
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    let letters = table.rig.broker.read_committed(&dead);
    let values: Vec<_> = letters
        .iter()
        .map(|letter| letter.value.as_deref())
        .collect();
    assert_eq!(values, [Some(bad.as_bytes())]);
    table.rig.check_nothing_open();
}

/// The tables that the guide says to create are ones that can be.
#[test]
fn the_tables_of_the_guide_can_be_created() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/cdc.md");
    let guide = std::fs::read_to_string(guide).expect("the guide is there");
    let Some(rig) = Rig::new("cdc_guide") else {
        return;
    };
    let statements: Vec<_> = guide
        .split("```sql\n")
        .skip(1)
        .filter_map(|after| Some(after.split_once("\n```")?.0))
        .collect();
    assert_eq!(statements.len(), 2);
    for statement in statements {
        let in_shop = statement.replacen("CREATE TABLE ", "CREATE TABLE shop.", 1);
        if let Err(error) = rig.standin.sql(&in_shop) {
            panic!("{error}\n{statement}");
        }
    }
}
