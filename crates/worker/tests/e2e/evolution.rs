//! Tables that get columns for new fields: `starrocks.schema.evolution=add-columns`.

use starrocks_kafka_testbed::broker::Message;
use starrocks_kafka_testbed::{Action, Call, Grant, StandInOptions, User};

use crate::rig::Rig;

const KILL_AT: &str = "STARROCKS_KAFKA_KILL_AT";
const PARTITIONS: i32 = 2;

/// A record with a schema: of the first version, or of the second, which has more fields.
fn record(is_second: bool, partition: i32, offset: i64) -> Message {
    let (mut fields, mut values) = (
        r#"{"field":"part","type":"int32","optional":false},{"field":"off","type":"int64","optional":false}"#
            .to_owned(),
        format!(r#""part":{partition},"off":{offset}"#),
    );
    if is_second {
        fields.push_str(
            r#",{"field":"price","type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal",
                "parameters":{"scale":"2","connect.decimal.precision":"10"}},
            {"field":"days","type":"array","optional":true,
                "items":{"type":"int32","optional":true,"name":"org.apache.kafka.connect.data.Date"}},
            {"field":"address","type":"struct","optional":true,"fields":[{"field":"city","type":"string","optional":true}]}"#,
        );
        values.push_str(r#","price":"MDk=","days":[19723,null],"address":{"city":"Paris"}"#);
    }
    let value = format!(
        r#"{{"schema":{{"type":"struct","optional":false,"fields":[{fields}]}},"payload":{{{values}}}}}"#
    );
    Message::new(partition, value)
}

/// A table of the first version, and a connector that may change it.
struct Evolving {
    rig: Rig,
    topic: String,
    connector: std::path::PathBuf,
}

impl Evolving {
    fn new(name: &str, options: StandInOptions, settings: &[(&str, &str)]) -> Option<Self> {
        let rig = Rig::with(name, options)?;
        let topic = rig.broker.unique_topic(&name.replace('_', "-"), PARTITIONS);
        let ddl = format!(
            "CREATE TABLE shop.`{topic}` (part INT NOT NULL, off BIGINT NOT NULL) DUPLICATE KEY(part, off) \
             DISTRIBUTED BY HASH(off)"
        );
        rig.standin.sql(&ddl).expect("a table");
        let mysql = rig.standin.mysql_addr().expect("a MySQL port").to_string();
        let settings = [
            &[
                ("value.converter.schemas.enable", "true"),
                (
                    "value.converter",
                    "org.apache.kafka.connect.json.JsonConverter",
                ),
                ("starrocks.mysql.url", mysql.as_str()),
                ("starrocks.schema.evolution", "add-columns"),
                ("tasks.max", "2"),
            ],
            settings,
        ]
        .concat();
        let connector = rig.connector(name, &topic, &settings);
        Some(Self {
            rig,
            topic,
            connector,
        })
    }

    /// Appends records of a version to each partition.
    fn produce(&self, is_second: bool, from: i64, count: i64) {
        let all = (from..from + count).flat_map(|offset| {
            (0..PARTITIONS).map(move |partition| record(is_second, partition, offset))
        });
        self.rig.broker.produce(&self.topic, all);
    }

    fn query(&self, sql: &str) -> Vec<String> {
        let sql = sql.replace("TABLE", &format!("shop.`{}`", self.topic));
        self.rig.standin.sql(&sql).expect("an answer").lines()
    }

    /// Of each partition: the rows, the different ones, those of the second version as they are to be, and those of the first.
    fn check(&self, first: i64, second: i64) {
        let rows = self.query(
            "SELECT part, COUNT(*), COUNT(DISTINCT off), COUNT(price) FROM TABLE GROUP BY part ORDER BY part",
        );
        let all = first + second;
        let expect: Vec<_> = (0..PARTITIONS)
            .map(|partition| format!("{partition}\t{all}\t{all}\t{second}"))
            .collect();
        assert_eq!(rows, expect, "partition, rows, offsets, prices");
        let values =
            self.query("SELECT DISTINCT price, days, address FROM TABLE WHERE price IS NOT NULL");
        assert_eq!(values, [r#"123.45	["2024-01-01",null]	{"city": "Paris"}"#]);
        self.rig.check_nothing_open();
    }
}

#[test]
fn tables_get_columns_for_new_fields_through_kills() {
    let Some(evolving) = Evolving::new("evolution", StandInOptions::default(), &[]) else {
        return;
    };
    evolving.produce(false, 0, 50);
    evolving.produce(true, 50, 50);
    for step in ["prepared:1", "decided:1", "committed:2"] {
        let mut worker = evolving
            .rig
            .start_with(&[&evolving.connector], &[(KILL_AT, step)]);
        assert!(!worker.wait().success(), "{step}:\n{}", worker.log());
    }
    let worker = evolving.rig.start(&[&evolving.connector]);
    evolving.rig.wait_for_rows(&evolving.topic, 200, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    evolving.check(50, 50);
    let columns = evolving.query("SHOW COLUMNS FROM TABLE");
    let types: Vec<_> = columns[2..]
        .iter()
        .map(|line| line.split('\t').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        types,
        [
            "price decimal(10,2) YES",
            "days array<date> YES",
            "address json YES"
        ]
    );
}

/// Without fast schema evolution it takes its time, and whoever asks again meanwhile is refused.
#[test]
fn rows_wait_until_starrocks_shows_the_column() {
    let Some(evolving) = Evolving::new("evolution_slow", StandInOptions::default(), &[]) else {
        return;
    };
    let standin = &evolving.rig.standin;
    standin
        .faults()
        .on(Call::Alter)
        .first(1)
        .act(Action::SlowAlter);
    evolving.produce(false, 0, 10);
    evolving.produce(true, 10, 10);
    let worker = evolving.rig.start(&[&evolving.connector]);
    evolving
        .rig
        .wait_until("a second ALTER is refused", &worker, || {
            worker.log().contains("add columns to table")
        });
    assert_eq!(evolving.query("SELECT COUNT(*) FROM TABLE"), ["20"]);
    assert_eq!(standin.finish_alters().expect("its memory is written"), 1);
    evolving.rig.wait_for_rows(&evolving.topic, 40, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    evolving.check(10, 10);
}

/// The task stops before the record, and goes on when the right is granted.
#[test]
fn a_table_that_may_not_be_changed_loses_no_record() {
    let as_loader = [
        ("starrocks.username", "loader"),
        ("starrocks.password", "let-me-in"),
    ];
    let name = "evolution_denied";
    let Some(evolving) = Evolving::new(name, StandInOptions::default(), &as_loader) else {
        return;
    };
    let table = || ("shop".to_owned(), evolving.topic.clone());
    let user = |may_alter: bool| {
        let (db, table) = table();
        let mut grants = vec![
            Grant::Insert {
                db: db.clone(),
                table: table.clone(),
            },
            Grant::Select {
                db: db.clone(),
                table: table.clone(),
            },
        ];
        grants.extend(may_alter.then_some(Grant::Alter { db, table }));
        User {
            name: "loader".to_owned(),
            password: "let-me-in".to_owned(),
            grants,
        }
    };
    evolving.rig.standin.set_user(user(false));
    evolving.produce(false, 0, 5);
    evolving.produce(true, 5, 5);
    let worker = evolving.rig.start(&[&evolving.connector]);
    worker.wait_for_failure(name);
    let failed = worker.lines("task FAILED").join("\n");
    for part in [
        "the table has no column for price, days, address",
        "GRANT ALTER ON TABLE",
    ] {
        assert!(failed.contains(part), "no '{part}' in: {failed}");
    }
    worker.terminate();

    evolving.rig.standin.set_user(user(true));
    let worker = evolving.rig.start(&[&evolving.connector]);
    evolving.rig.wait_for_rows(&evolving.topic, 20, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    evolving.check(5, 5);
}
