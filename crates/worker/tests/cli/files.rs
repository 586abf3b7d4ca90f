//! Files that are wrong: everything at once, each with file, line, property, value and what is allowed.

use crate::program::{Ended, run};

const SECRET: &str = "hunter2";

const WORKER: &str =
    "bootstrap.servers=localhost:1\nkey.converter=StringConverter\nvalue.converter=JsonConverter\n";

const WRONG_WORKER: &str = "bootstrap.servers=localhost\n\
    key.converter=StringConverter\n\
    value.converter=JsonConverter\n\
    task.shutdown.graceful.timeout.ms=soon\n\
    consumer.security.protocol=SASL_TLS\n\
    sasl.jaas.config=password=\"hunter2\";\n\
    bootstrap.server=a:1\n\
    listeners=nowhere\n";

const WRONG_CONNECTOR: &str = "name=orders\n\
    connector.class=org.example.Sink\n\
    topics=a\n\
    topics.regex=b\n\
    starrocks.http.url=fe:port\n\
    starrocks.username=loader\n\
    starrocks.pasword=hunter2\n\
    bufferflush.maxbytes=1\n\
    bufferflush.intervalms=soon\n\
    starrocks.topic2table.map=a\n\
    tasks.max=0\n\
    consumer.override.max.pol.records=5\n\
    consumer.override.group.instance.id=me\n";

const NOT_YET: &str = "name=orders\n\
    connector.class=StarRocksSink\n\
    topics=a\n\
    starrocks.http.url=fe:8030\n\
    starrocks.database.name=shop\n\
    starrocks.username=loader\n\
    starrocks.password=hunter2\n\
    sink.properties.format=csv\n\
    value.converter.proxy.host=proxy\n\
    value.converter=io.confluent.connect.avro.AvroConverter\n\
    value.converter.schema.registry.url=http://loader:hunter2@registry:8081\n\
    header.converter=org.apache.kafka.connect.storage.StringConverter\n\
    consumer.override.sasl.jaas.config=password=\"hunter2\";\n\
    producer.override.ssl.keystore.password=hunter2\n\
    sink.table.orders.properties.columns=a,b\n";

fn standalone(format: &str, files: &[(&str, &str)]) -> Ended {
    let names = files.iter().map(|(name, _)| *name);
    let arguments: Vec<_> = ["--log-format", format, "standalone"]
        .into_iter()
        .chain(names)
        .collect();
    let ended = run(&arguments, files);
    assert!(
        !ended.stderr.contains(SECRET) && !ended.stdout.contains(SECRET),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stdout, "");
    ended
}

#[test]
fn a_worker_file_that_is_not_there() {
    let ended = run(
        &["standalone", "worker.properties", "connector.properties"],
        &[],
    );
    assert_eq!(ended.code, Some(2));
    insta::assert_snapshot!(ended.stderr, @"ERROR worker.properties: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn a_connector_file_that_is_not_there() {
    let ended = run(
        &["standalone", "w", "nowhere.json", "nothing.properties"],
        &[("w", WORKER)],
    );
    assert_eq!(ended.code, Some(3));
    insta::assert_snapshot!(ended.stderr, @r"
    ERROR nowhere.json: cannot be read: No such file or directory (os error 2)
    ERROR nothing.properties: cannot be read: No such file or directory (os error 2)
    ");
}

#[test]
fn a_worker_file_that_is_wrong_beside_a_connector_that_is() {
    let ended = standalone("text", &[("w", WRONG_WORKER), ("c", WRONG_CONNECTOR)]);
    assert_eq!(ended.code, Some(2));
    insta::assert_snapshot!(ended.stderr, @r#"
    ERROR w:1: Invalid value [localhost] for configuration bootstrap.servers: Invalid url in bootstrap.servers: localhost; write host:port
    ERROR w:4: Invalid value soon for configuration task.shutdown.graceful.timeout.ms: Not a number of type LONG
    ERROR w:5: Invalid value SASL_TLS for configuration consumer.security.protocol: String must be one of (case insensitive): PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL
    ERROR w:7: Unknown configuration bootstrap.server; did you mean bootstrap.servers?
    ERROR w:8: Invalid value [nowhere] for configuration listeners: Listener doesn't have the right format (protocol://hostname:port).
    ERROR c:2: Failed to find any class that implements Connector and which name matches org.example.Sink, available connectors are: com.starrocks.connector.kafka.StarRocksSinkConnector, com.starrocks.connector.kafka.SinkConnector, StarRocksSinkConnector, StarRocksSink
    ERROR c:3: topics and topics.regex are mutually exclusive options, but both are set.
    ERROR c:5: starrocks.http.url: `fe:port`: `port` is not a port between 1 and 65535
    ERROR c:7: Unknown configuration starrocks.pasword; did you mean starrocks.password?
    ERROR c:8: Invalid value 1 for configuration bufferflush.maxbytes: Value must be at least 67108864
    ERROR c:9: Invalid value soon for configuration bufferflush.intervalms: Not a number of type LONG
    ERROR c:10: Invalid value a for configuration starrocks.topic2table.map: 'a' is no pair; write topic:table, several of them with commas between
    ERROR c:11: Invalid value 0 for configuration tasks.max: Value must be at least 1
    ERROR c:12: Unknown configuration consumer.override.max.pol.records: Kafka's consumer has no property max.pol.records; the nearest is consumer.override.max.poll.records.
    ERROR c:13: Invalid value me for configuration consumer.override.group.instance.id: static membership is refused, for recovery begins with a new assignment; leave it out.
    ERROR c: Missing required configuration "starrocks.database.name" which has no default value.
    ERROR c: Missing required configuration "starrocks.password" which has no default value.
    "#);
}

#[test]
fn connectors_that_are_wrong() {
    let json = r#"{"name":"orders","config":{"starrocks.password":"hunter2","topics":["a"]}}"#;
    let broken = r#"{"name":"orders","starrocks.password":"hunter2","#;
    let files = [
        ("w", WORKER),
        ("wrong.properties", WRONG_CONNECTOR),
        ("wrong.json", json),
        ("broken.json", broken),
        ("nameless.properties", "topics=a\n"),
    ];
    let ended = standalone("text", &files);
    assert_eq!(ended.code, Some(3));
    insta::assert_snapshot!(ended.stderr, @r#"
    ERROR wrong.properties:2: Failed to find any class that implements Connector and which name matches org.example.Sink, available connectors are: com.starrocks.connector.kafka.StarRocksSinkConnector, com.starrocks.connector.kafka.SinkConnector, StarRocksSinkConnector, StarRocksSink
    ERROR wrong.properties:3: topics and topics.regex are mutually exclusive options, but both are set.
    ERROR wrong.properties:5: starrocks.http.url: `fe:port`: `port` is not a port between 1 and 65535
    ERROR wrong.properties:7: Unknown configuration starrocks.pasword; did you mean starrocks.password?
    ERROR wrong.properties:8: Invalid value 1 for configuration bufferflush.maxbytes: Value must be at least 67108864
    ERROR wrong.properties:9: Invalid value soon for configuration bufferflush.intervalms: Not a number of type LONG
    ERROR wrong.properties:10: Invalid value a for configuration starrocks.topic2table.map: 'a' is no pair; write topic:table, several of them with commas between
    ERROR wrong.properties:11: Invalid value 0 for configuration tasks.max: Value must be at least 1
    ERROR wrong.properties:12: Unknown configuration consumer.override.max.pol.records: Kafka's consumer has no property max.pol.records; the nearest is consumer.override.max.poll.records.
    ERROR wrong.properties:13: Invalid value me for configuration consumer.override.group.instance.id: static membership is refused, for recovery begins with a new assignment; leave it out.
    ERROR wrong.properties: Missing required configuration "starrocks.database.name" which has no default value.
    ERROR wrong.properties: Missing required configuration "starrocks.password" which has no default value.
    ERROR wrong.json: Invalid value of topics: it must be a text
    ERROR broken.json: Connector configuration at 'broken.json' is missing the mandatory 'name' configuration: it is no JSON object either (EOF while parsing a value at line 1 column 48)
    ERROR nameless.properties: Connector configuration at 'nameless.properties' is missing the mandatory 'name' configuration
    "#);
}

#[test]
fn two_connectors_of_one_name() {
    let connector = "name=orders\nconnector.class=StarRocksSink\ntopics=a\nstarrocks.http.url=fe:8030\n\
        starrocks.database.name=shop\nstarrocks.username=loader\nstarrocks.password=hunter2\n";
    let ended = standalone(
        "text",
        &[("w", WORKER), ("one", connector), ("two", connector)],
    );
    assert_eq!(ended.code, Some(3));
    insta::assert_snapshot!(ended.stderr, @"ERROR two: Connector orders already exists");
}

#[test]
fn what_is_not_yet_supported_is_refused_by_name() {
    let ended = standalone("text", &[("w", WORKER), ("c", NOT_YET)]);
    assert_eq!(ended.code, Some(3));
    insta::assert_snapshot!(
        ended.stderr,
        @"ERROR c:9: A proxy before the Schema Registry is not yet supported (configuration value.converter.proxy.host)."
    );
}

#[test]
fn in_json_each_line_is_an_object() {
    let ended = standalone("json", &[("w", WRONG_WORKER), ("c", WRONG_CONNECTOR)]);
    assert_eq!(ended.code, Some(2));
    let text = standalone("text", &[("w", WRONG_WORKER), ("c", WRONG_CONNECTOR)]);
    let messages = ended.stderr.lines().map(|line| {
        let object: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        assert_eq!(object["level"], "ERROR", "{line}");
        assert!(object["timestamp"].is_string(), "{line}");
        format!("ERROR {}", object["message"].as_str().expect("a text"))
    });
    assert_eq!(
        messages.collect::<Vec<_>>(),
        text.stderr.lines().collect::<Vec<_>>()
    );
}
