//! Dates, times and decimals with a schema, in columns of the type that they are meant for.

use starrocks_kafka_testbed::broker::Message;

use crate::rig::Rig;

const ENVELOPE: &str = r#"{"schema":{"type":"struct","name":"srv.shop.orders.Value","optional":false,"fields":[
    {"field":"id","type":"int64","optional":false},
    {"field":"day","type":"int32","optional":true,"name":"io.debezium.time.Date"},
    {"field":"at","type":"int64","optional":true,"name":"io.debezium.time.MicroTimestamp"},
    {"field":"zoned","type":"string","optional":true,"name":"io.debezium.time.ZonedTimestamp"},
    {"field":"changed","type":"int64","optional":true,"name":"org.apache.kafka.connect.data.Timestamp","version":1},
    {"field":"price","type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}},
    {"field":"day_number","type":"int32","optional":true,"name":"io.debezium.time.Date"}
]},"payload":"#;

const ROW: &str = r#"{"id":1,"day":19723,"at":1700000000123456,"zoned":"2018-06-20T13:37:03+02:00","changed":1700000000123,
    "price":"MDk=","day_number":19723}"#;

const COLUMNS: &str = "id BIGINT NOT NULL, day DATE, at DATETIME, zoned DATETIME, changed DATETIME, price DECIMAL(10,2), \
                       day_number INT";

fn loaded(name: &str, extra: &[(&str, &str)]) -> Option<String> {
    let rig = Rig::new(name)?;
    let topic = rig.broker.unique_topic(&name.replace('_', "-"), 1);
    let ddl =
        format!("CREATE TABLE shop.`{topic}` ({COLUMNS}) PRIMARY KEY(id) DISTRIBUTED BY HASH(id)");
    rig.standin.sql(&ddl).expect("a table");
    let converter = [
        (
            "value.converter",
            "org.apache.kafka.connect.json.JsonConverter",
        ),
        ("value.converter.schemas.enable", "true"),
        ("sink.properties.strict_mode", "false"),
    ];
    let connector = rig.connector(name, &topic, &[&converter, extra].concat());
    rig.broker
        .produce(&topic, [Message::new(0, format!("{ENVELOPE}{ROW}}}"))]);
    let worker = rig.start(&[connector]);
    rig.wait_for_rows(&topic, 1, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    let sql = format!("SELECT day, at, zoned, changed, price, day_number FROM shop.`{topic}`");
    Some(rig.standin.sql(&sql).expect("the table is there").lines()[0].clone())
}

#[test]
fn fields_are_written_for_the_columns_that_they_go_to() {
    let Some(row) = loaded("column_types", &[]) else {
        return;
    };
    insta::assert_snapshot!(
        row.replace('\t', " | "),
        @"2024-01-01 | 2023-11-14 22:13:20.123456 | 2018-06-20 11:37:03 | 2023-11-14 22:13:20.123000 | 123.45 | 19723"
    );
}

#[test]
fn where_the_properties_map_the_fields_they_are_the_numbers_of_java() {
    let columns = "id,day,at,zoned,changed,price,day_number";
    let Some(row) = loaded("mapped_types", &[("sink.properties.columns", columns)]) else {
        return;
    };
    // StarRocks makes NULL of them, or another day.
    assert!(!row.starts_with("2024-01-01"), "{row}");
}
