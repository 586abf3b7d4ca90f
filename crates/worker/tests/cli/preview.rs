//! `preview`: what a configuration makes of records.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use starrocks_kafka_testbed::produce::{Format, Orders, Producer, Shape};
use starrocks_kafka_testbed::schema_registry::{Options, SchemaRegistry};

use crate::program::run;

const CONNECTOR: &str = "name=c
connector.class=StarRocksSink
topics=orders
starrocks.http.url=fe:8030
starrocks.database.name=shop
starrocks.username=loader
starrocks.password=a-secret
starrocks.topic2table.map=orders:t_orders
key.converter=StringConverter
";

const JSON: &str = "value.converter=JsonConverter\nvalue.converter.schemas.enable=false\n";

/// `{"a": 1}`, null, `{`, and a header `h` of `12`.
const RECORDS: &str = r#"{"topic":"orders","partition":1,"offset":7,"timestamp":5,"timestampType":"CreateTime","key":"aw==","value":"eyJhIjogMX0=","headers":[]}
{"topic":"orders","offset":8,"value":null}

{"topic":"orders","offset":9,"value":"ew=="}
"#;

#[test]
fn a_line_for_each_record_whatever_becomes_of_it() {
    let connector = format!("{CONNECTOR}{JSON}");
    let files = [("c.properties", &*connector), ("r.jsonl", RECORDS)];
    let ended = run(
        &[
            "preview",
            "c.properties",
            "--records",
            "r.jsonl",
            "--output",
            "rows",
        ],
        &files,
    );
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    insta::assert_snapshot!(ended.stdout, @r#"
    {"table":"t_orders","row":"{\"a\": 1}"}
    {"table":"t_orders","row":null}
    {"error":{"stage":"VALUE_CONVERTER","class":"org.apache.kafka.connect.errors.DataException","message":"Converting byte[] to Kafka Connect data failed due to serialization error: the text ends where a member's name in double quotes is expected at byte 1"}}
    "#);
    let ended = run(&["preview", "c.properties", "--records", "r.jsonl"], &files);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    insta::assert_snapshot!(ended.stdout.lines().next().unwrap_or_default(), @r#"{"table":"t_orders","row":"{\"a\": 1}","record":{"topic":"orders","partition":1,"timestamp":5,"key":{"schema":{"optional":true,"type":"string"},"payload":"k"},"value":{"schema":null,"payload":{"a":1}},"headers":[]}}"#);
}

#[test]
fn a_configuration_that_is_refused_is_the_only_line() {
    let check = |connector: &str, arguments: &[&str]| {
        let files = [
            ("c.properties", connector),
            ("r.jsonl", RECORDS),
            (
                "w.properties",
                "bootstrap.servers=b:9092\nkey.converter=StringConverter\nvalue.converter=Nope\n",
            ),
        ];
        let first = ["preview", "c.properties", "--records", "r.jsonl"];
        let ended = run(&[&first[..], arguments].concat(), &files);
        assert_eq!((ended.code, &*ended.stderr), (Some(2), ""));
        ended.stdout
    };
    insta::assert_snapshot!(check(CONNECTOR, &[]), @r#"{"config_error":{"class":"org.apache.kafka.common.config.ConfigException","message":"c.properties: Missing required configuration \"value.converter\": the connector names none, and no worker's file is given"}}"#);
    insta::assert_snapshot!(check("name=c\ntopics=t\ntopics.regex=t\n", &[]), @r#"{"config_error":{"class":"org.apache.kafka.connect.errors.ConnectException","message":"c.properties:2: topics and topics.regex are mutually exclusive options, but both are set.\nc.properties: Missing required configuration \"connector.class\" which has no default value.\nc.properties: Missing required configuration \"starrocks.http.url\" which has no default value.\nc.properties: Missing required configuration \"starrocks.database.name\" which has no default value.\nc.properties: Missing required configuration \"starrocks.username\" which has no default value.\nc.properties: Missing required configuration \"starrocks.password\" which has no default value.\nc.properties: Missing required configuration \"key.converter\": the connector names none, and no worker's file is given\nc.properties: Missing required configuration \"value.converter\": the connector names none, and no worker's file is given"}}"#);
    insta::assert_snapshot!(check(CONNECTOR, &["--worker", "w.properties"]), @r#"{"config_error":{"class":"org.apache.kafka.common.config.ConfigException","message":"w.properties:3: Invalid value Nope for configuration value.converter: Class Nope could not be found. Known converters: org.apache.kafka.connect.storage.StringConverter, org.apache.kafka.connect.json.JsonConverter, org.apache.kafka.connect.converters.ByteArrayConverter, org.apache.kafka.connect.converters.ShortConverter, org.apache.kafka.connect.converters.IntegerConverter, org.apache.kafka.connect.converters.LongConverter, org.apache.kafka.connect.converters.FloatConverter, org.apache.kafka.connect.converters.DoubleConverter, org.apache.kafka.connect.converters.BooleanConverter, io.confluent.connect.avro.AvroConverter, io.confluent.connect.protobuf.ProtobufConverter, io.confluent.connect.json.JsonSchemaConverter"}}"#);
    let other = CONNECTOR.replace("StarRocksSink", "FileStreamSink");
    insta::assert_snapshot!(check(&format!("{other}{JSON}"), &[]), @r#"{"config_error":{"class":"org.apache.kafka.connect.errors.ConnectException","message":"c.properties:2: Failed to find any class that implements Connector and which name matches FileStreamSink, available connectors are: com.starrocks.connector.kafka.StarRocksSinkConnector, com.starrocks.connector.kafka.SinkConnector, StarRocksSinkConnector, StarRocksSink"}}"#);
}

#[test]
fn converters_may_be_the_workers() {
    let worker = format!(
        "bootstrap.servers=b:9092\nkey.converter=StringConverter\noffset.storage.file.filename=x\n{JSON}"
    );
    let ended = run(
        &[
            "preview",
            "c.properties",
            "--worker",
            "w.properties",
            "--records",
            "r.jsonl",
            "--output",
            "rows",
        ],
        &[
            ("c.properties", CONNECTOR),
            ("w.properties", &worker),
            ("r.jsonl", RECORDS),
        ],
    );
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 3));
}

#[test]
fn what_looks_like_a_mistake_is_said_beside_the_outcomes() {
    let connector = format!("{CONNECTOR}{JSON}key.converter.schemas.enabel=x\nmade.up=1\n")
        .replace("topics=orders", "topics=orders and more");
    let ended = run(
        &["preview", "c.properties", "--records", "r.jsonl"],
        &[("c.properties", &*connector), ("r.jsonl", RECORDS)],
    );
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 3));
    insta::assert_snapshot!(ended.stderr, @r"
    WARN  Unknown configuration made.up; it is ignored.
    WARN  Invalid value orders and more for configuration topics: a topic's name has letters, digits, `.`, `_` and `-` only; for a regular expression set topics.regex
    ");
}

/// A record of each format, its schemas as a registry lists them.
#[test]
fn schemas_come_from_a_file() {
    let orders = Orders::first(Shape::Flat);
    let check = |format: Format, class: &str, rule_set: Option<Value>| {
        let registry = SchemaRegistry::start(Options::default()).expect("a free port");
        let producer = Producer::register(&registry, "orders-value", format, orders.record());
        let producer = producer.expect("a schema that the registry takes");
        let (registered, schema) = registry.latest("orders-value").expect("it is registered");
        let schemas = json!([{
            "id": registered.id,
            "guid": registered.guid.to_string(),
            "subject": "orders-value",
            "version": registered.version,
            "schemaType": schema.schema_type.word(),
            "schema": schema.schema,
            "ruleSet": rule_set,
        }]);
        let records: Vec<String> = (0..2)
            .map(|number| {
                let mut value = Vec::new();
                producer.write(&orders.datum(number), &mut value);
                json!({"topic": "orders", "value": STANDARD.encode(value)}).to_string()
            })
            .collect();
        let connector = format!("{CONNECTOR}value.converter={class}\n");
        let ended = run(
            &[
                "preview",
                "c.properties",
                "--worker",
                "w.properties",
                "--records",
                "r.jsonl",
                "--schemas",
                "s.json",
                "--output",
                "rows",
            ],
            &[
                ("c.properties", &connector),
                (
                    "w.properties",
                    "bootstrap.servers=b:9092\nkey.converter=StringConverter\nvalue.converter=StringConverter\n\
                     offset.storage.file.filename=x\nschema.registry.url=http://nobody:8081\n",
                ),
                ("r.jsonl", &records.join("\n")),
                ("s.json", &schemas.to_string()),
            ],
        );
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    };
    let avro = check(
        Format::Avro,
        "io.confluent.connect.avro.AvroConverter",
        None,
    );
    insta::assert_snapshot!(avro);
    for (format, class) in [
        (
            Format::Protobuf,
            "io.confluent.connect.protobuf.ProtobufConverter",
        ),
        (
            Format::JsonSchema,
            "io.confluent.connect.json.JsonSchemaConverter",
        ),
    ] {
        assert_eq!(check(format, class, None), avro, "{class}");
    }
    let encrypted = json!({"domainRules": [{"name": "encryptPII", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT"}]});
    insta::assert_snapshot!(check(Format::Avro, "AvroConverter", Some(encrypted)));
}

#[test]
fn files_that_are_no_records_or_schemas_are_told_by_line() {
    let connector = format!("{CONNECTOR}{JSON}");
    let check = |records: &str, schemas: &str| {
        let files = [
            ("c.properties", &*connector),
            ("r.jsonl", records),
            ("s.json", schemas),
        ];
        let ended = run(
            &[
                "preview",
                "c.properties",
                "--records",
                "r.jsonl",
                "--schemas",
                "s.json",
            ],
            &files,
        );
        assert_eq!(ended.code, Some(1));
        ended.stderr
    };
    let schema = r#"[{"id":1,"subject":"orders-value","version":1,"schema":"\"string\""}]"#;
    insta::assert_snapshot!(check("{\"topic\":\"t\"}\n{\"topic\":1}\n", schema), @"ERROR r.jsonl:2: no record: invalid type: integer `1`, expected a string at line 1 column 10");
    insta::assert_snapshot!(check(RECORDS, "[{\"id\":1}]"), @"ERROR s.json: missing field `subject` at line 1 column 9");
    let ended = run(
        &["preview", "c.properties", "--records", "missing.jsonl"],
        &[("c.properties", &*connector)],
    );
    assert_eq!(ended.code, Some(1));
    insta::assert_snapshot!(ended.stderr, @"ERROR missing.jsonl: No such file or directory (os error 2)");
}
