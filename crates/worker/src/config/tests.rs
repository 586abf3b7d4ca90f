use std::collections::BTreeMap;

use super::*;

const WORKER: &str = "bootstrap.servers=k1:9092,k2:9092\n\
                      key.converter=org.apache.kafka.connect.storage.StringConverter\n\
                      value.converter=org.apache.kafka.connect.json.JsonConverter\n\
                      value.converter.schemas.enable=false\n";

const CONNECTOR: &str = "name=orders\n\
                         connector.class=com.starrocks.connector.kafka.StarRocksSinkConnector\n\
                         topics=orders\n\
                         starrocks.http.url=fe:8030\n\
                         starrocks.database.name=db\n\
                         starrocks.username=root\n\
                         starrocks.password=topsecret\n";

/// A worker's file with `more` at its end, and connectors' files.
fn load(worker: &str, connectors: &[&str]) -> Result<StandalonePlan, StartError> {
    let files = connectors
        .iter()
        .zip(["a.properties", "b.properties", "c.properties"]);
    standalone(
        ConfigFile::worker("w.properties", worker.as_bytes()),
        files
            .map(|(text, path)| ConfigFile::connector(path, text.as_bytes()))
            .collect(),
        Purpose::Run,
    )
}

/// The plan of one connector with more lines in both files.
fn plan(worker: &str, connector: &str) -> ConnectorPlan {
    let loaded = load(
        &format!("{WORKER}{worker}"),
        &[&format!("{CONNECTOR}{connector}")],
    );
    loaded.expect("valid files").connectors.remove(0)
}

/// What is said of a worker's file and a connector's file with more lines.
fn refused(worker: &str, connector: &str) -> String {
    let loaded = load(
        &format!("{WORKER}{worker}"),
        &[&format!("{CONNECTOR}{connector}")],
    );
    let error = loaded.expect_err("to be refused").to_string();
    assert!(!error.contains("topsecret"), "a password is shown: {error}");
    error
}

fn notices(notices: &[Notice]) -> String {
    let lines: Vec<String> = notices
        .iter()
        .map(|notice| format!("{}{notice}", if notice.warning { "! " } else { "" }))
        .collect();
    lines.join("\n")
}

#[test]
fn a_plain_connector_gets_the_defaults() {
    let plan = plan("", "");
    assert_eq!(
        (plan.name.as_str(), plan.tasks_max, plan.group_id.as_str()),
        ("orders", 1, "connect-orders")
    );
    assert_eq!(plan.initial_state, InitialState::Running);
    assert!(matches!(&plan.subscription, Subscription::Topics(topics) if topics == &["orders"]));
    assert_eq!(
        plan.encoder.key.class,
        "org.apache.kafka.connect.storage.StringConverter"
    );
    assert_eq!(
        plan.encoder.value.class,
        "org.apache.kafka.connect.json.JsonConverter"
    );
    assert_eq!(plan.encoder.value.settings["schemas.enable"], "false");
    assert_eq!(plan.topics_refresh_interval.as_millis(), 30_000);
    assert_eq!(notices(&plan.notices), "");
    let task = plan.task(0);
    insta::assert_snapshot!(lines(&task.consumer_properties), @r#"
    allow.auto.create.topics=false
    auto.offset.reset=earliest
    bootstrap.servers=k1:9092,k2:9092
    check.crcs=true
    client.dns.lookup=use_all_dns_ips
    client.id=connector-consumer-orders-0
    connections.max.idle.ms=540000
    enable.auto.commit=false
    enable.auto.offset.store=false
    enable.metrics.push=true
    fetch.max.bytes=16777216
    fetch.min.bytes=1
    fetch.queue.backoff.ms=10
    fetch.wait.max.ms=500
    group.id=connect-orders
    heartbeat.interval.ms=3000
    isolation.level=read_uncommitted
    max.partition.fetch.bytes=1048576
    max.poll.interval.ms=300000
    metadata.recovery.strategy=rebootstrap
    partition.assignment.strategy=range
    queued.max.messages.kbytes=8192
    reconnect.backoff.max.ms=1000
    reconnect.backoff.ms=50
    retry.backoff.max.ms=1000
    retry.backoff.ms=100
    session.timeout.ms=45000
    socket.connection.setup.timeout.ms=10000
    socket.timeout.ms=30000
    topic.metadata.refresh.interval.ms=30000
    "#);
    insta::assert_snapshot!(lines(&task.producer_properties), @r#"
    bootstrap.servers=k1:9092,k2:9092
    client.dns.lookup=use_all_dns_ips
    client.id=connector-producer-orders-0
    compression.type=none
    connections.max.idle.ms=540000
    enable.metrics.push=true
    linger.ms=0
    max.in.flight.requests.per.connection=5
    message.max.bytes=1048576
    metadata.recovery.strategy=rebootstrap
    partitioner=murmur2_random
    queue.buffering.max.kbytes=32768
    reconnect.backoff.max.ms=1000
    reconnect.backoff.ms=50
    retry.backoff.max.ms=1000
    retry.backoff.ms=100
    socket.connection.setup.timeout.ms=10000
    topic.metadata.refresh.interval.ms=30000
    "#);
}

fn lines(properties: &BTreeMap<String, String>) -> String {
    properties
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

#[test]
fn later_layers_win() {
    let check = |worker: &str, connector: &str, property: &str, expect: &str| {
        let task = plan(worker, connector).task(1);
        let value = task.consumer_properties.get(property).map(String::as_str);
        assert_eq!(value, Some(expect), "{worker} {connector}");
    };
    check("", "", "client.id", "connector-consumer-orders-1");
    check("", "", "group.id", "connect-orders");
    check("consumer.fetch.min.bytes=7", "", "fetch.min.bytes", "7");
    check(
        "consumer.fetch.min.bytes=7",
        "consumer.override.fetch.min.bytes=8",
        "fetch.min.bytes",
        "8",
    );
    check("consumer.group.id=g", "", "group.id", "g");
    check(
        "consumer.group.id=g",
        "consumer.override.group.id=h",
        "group.id",
        "h",
    );
    check("", "consumer.override.client.id=mine", "client.id", "mine");
    check(
        "consumer.bootstrap.servers=k3:9092",
        "",
        "bootstrap.servers",
        "k3:9092",
    );
    check("fetch.min.bytes=7", "", "fetch.min.bytes", "1");
    assert_eq!(plan("", "consumer.override.group.id=h").group_id, "h");
    assert_eq!(
        plan("consumer.metadata.max.age.ms=1000", "")
            .topics_refresh_interval
            .as_millis(),
        1_000
    );
    let producer = plan("producer.linger.ms=5", "producer.override.linger.ms=6")
        .task(2)
        .producer_properties;
    assert_eq!(producer["linger.ms"], "6");
    assert_eq!(producer["client.id"], "connector-producer-orders-2");
}

#[test]
fn java_s_properties_become_librdkafka_s() {
    let check = |java: &str, expect: &str| {
        let (name, value) = expect.split_once('=').expect("name=value");
        let task = plan(&format!("consumer.{java}"), "").task(0);
        assert_eq!(
            task.consumer_properties.get(name).map(String::as_str),
            Some(value),
            "{java}"
        );
    };
    check("auto.offset.reset=latest", "auto.offset.reset=latest");
    check("auto.offset.reset=none", "auto.offset.reset=error");
    check(
        "isolation.level=read_committed",
        "isolation.level=read_committed",
    );
    check("check.crcs=FALSE", "check.crcs=false");
    check("fetch.max.wait.ms= 250 ", "fetch.wait.max.ms=250");
    check("request.timeout.ms=+40000", "socket.timeout.ms=40000");
    check("receive.buffer.bytes=-1", "socket.receive.buffer.bytes=0");
    check("connections.max.idle.ms=-1", "connections.max.idle.ms=0");
    check(
        "metadata.max.age.ms=5000",
        "topic.metadata.refresh.interval.ms=5000",
    );
    check(
        "metadata.recovery.strategy=NONE",
        "metadata.recovery.strategy=none",
    );
    check("session.timeout.ms=10000", "session.timeout.ms=10000");
    let strategy = "partition.assignment.strategy";
    let class = |name: &str| format!("org.apache.kafka.clients.consumer.{name}");
    check(
        &format!("{strategy}={}", class("CooperativeStickyAssignor")),
        &format!("{strategy}=cooperative-sticky"),
    );
    check(
        &format!(
            "{strategy}={},{}",
            class("RoundRobinAssignor"),
            class("RangeAssignor")
        ),
        &format!("{strategy}=roundrobin,range"),
    );
    // librdkafka refuses a mixture of eager and cooperative ones.
    check(
        &format!(
            "{strategy}={},{}",
            class("CooperativeStickyAssignor"),
            class("RangeAssignor")
        ),
        &format!("{strategy}=cooperative-sticky"),
    );
    check(
        "key.deserializer=org.apache.kafka.common.serialization.ByteArrayDeserializer",
        "check.crcs=true",
    );
    check("security.protocol=plaintext", "check.crcs=true");
    check("group.protocol=CLASSIC", "check.crcs=true");
    check("enable.auto.commit=false", "enable.auto.commit=false");
}

#[test]
fn client_properties_that_cannot_be_are_refused_with_the_way_out() {
    insta::assert_snapshot!(refused(
        "consumer.group.instance.id=a\n\
         consumer.group.protocol=consumer\n\
         consumer.enable.auto.commit=true\n\
         consumer.value.deserializer=org.apache.kafka.common.serialization.StringDeserializer\n\
         consumer.interceptor.classes=com.example.Audit\n\
         consumer.partition.assignment.strategy=org.apache.kafka.clients.consumer.StickyAssignor\n\
         consumer.fetch.min.byte=1\n\
         consumer.session.timeout.ms=4000000\n\
         consumer.auto.offset.reset=newest\n\
         consumer.security.protocol=SASL_SSL\n\
         consumer.sasl.jaas.config=topsecret\n\
         producer.transactional.id=mine\n\
         producer.max.in.flight.requests.per.connection=10\n\
         sasl.jaas.config=topsecret\n\
         ssl.truststore.location=/etc/trust.jks\n",
        "consumer.override.max.poll.records=0x1\n\
         consumer.override.ssl.key.password=topsecret\n\
         consumer.override.heartbeat.interval.ms=60000\n",
    ), @r#"
    w.properties:5: Invalid value a for configuration consumer.group.instance.id: static membership is refused, for recovery begins with a new assignment; leave it out.
    w.properties:6: Invalid value consumer for configuration consumer.group.protocol: offsets are decided in the classic group protocol only; write `classic` or leave it out.
    w.properties:7: Invalid value true for configuration consumer.enable.auto.commit: offsets are committed with the rows they stand for, never by time; leave it out.
    w.properties:8: Invalid value org.apache.kafka.common.serialization.StringDeserializer for configuration consumer.value.deserializer: records reach the converter as bytes; set value.converter, and leave it out.
    w.properties:9: Invalid value com.example.Audit for configuration consumer.interceptor.classes: Java classes cannot be loaded; leave it out.
    w.properties:10: Invalid value [org.apache.kafka.clients.consumer.StickyAssignor] for configuration consumer.partition.assignment.strategy: org.apache.kafka.clients.consumer.StickyAssignor has no counterpart in librdkafka; CooperativeStickyAssignor keeps partitions where they are too
    w.properties:11: Unknown configuration consumer.fetch.min.byte: Kafka's consumer has no property fetch.min.byte; the nearest is consumer.fetch.min.bytes.
    w.properties:12: Invalid value 4000000 for configuration consumer.session.timeout.ms: Value must be no more than 3600000
    w.properties:13: Invalid value newest for configuration consumer.auto.offset.reset: String must be one of: earliest, latest, none
    w.properties:16: Invalid value mine for configuration producer.transactional.id: each task has one of its own, starrocks-<connector>-<incarnation>; leave it out, and give the principal the right to write transactional ids with the prefix starrocks-.
    w.properties:17: Invalid value 10 for configuration producer.max.in.flight.requests.per.connection: Value must be no more than 5
    a.properties:10: Invalid value 60000 for configuration consumer.override.heartbeat.interval.ms: Heartbeat must be set lower than the session timeout, session.timeout.ms = 45000
    a.properties: Missing configuration consumer.sasl.mechanism: Java's default GSSAPI (Kerberos) is not supported; set PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.
    "#);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let worker = "bootstrap.servers=k1\n\
                  value.converter=com.example.Nope\n\
                  listeners=127.0.0.1:8083\n\
                  task.shutdown.graceful.timeout.ms=soon\n\
                  bootstrap.server=k1:9092\n\
                  connector.client.config.override.policy=Some\n";
    let first = "name=a\ntasks.max=0\ntopics=a,b c\nstarrocks.http.url=fe\n\
                 starrocks.pasword=topsecret\nbufferflush.maxbytes=1\nerrors.tolerance=some\n";
    let second = "name=b\nconnector.class=com.example.Nope\ntopics=t\ntopics.regex=t.*\n";
    let error = load(worker, &[first, second, "topics=t\n"]).expect_err("to be refused");
    assert_eq!(error.exit_code(), 2);
    insta::assert_snapshot!(error.to_string(), @r#"
    w.properties:1: Invalid value [k1] for configuration bootstrap.servers: Invalid url in bootstrap.servers: k1; write host:port
    w.properties:2: Invalid value com.example.Nope for configuration value.converter: Class com.example.Nope could not be found. Known converters: org.apache.kafka.connect.storage.StringConverter, org.apache.kafka.connect.json.JsonConverter, org.apache.kafka.connect.converters.ByteArrayConverter, org.apache.kafka.connect.converters.ShortConverter, org.apache.kafka.connect.converters.IntegerConverter, org.apache.kafka.connect.converters.LongConverter, org.apache.kafka.connect.converters.FloatConverter, org.apache.kafka.connect.converters.DoubleConverter, org.apache.kafka.connect.converters.BooleanConverter, io.confluent.connect.avro.AvroConverter, io.confluent.connect.protobuf.ProtobufConverter, io.confluent.connect.json.JsonSchemaConverter
    w.properties:3: Invalid value [127.0.0.1:8083] for configuration listeners: Listener doesn't have the right format (protocol://hostname:port).
    w.properties:4: Invalid value soon for configuration task.shutdown.graceful.timeout.ms: Not a number of type LONG
    w.properties:5: Unknown configuration bootstrap.server; did you mean bootstrap.servers?
    w.properties:6: Invalid value Some for configuration connector.client.config.override.policy: Known policies are All, None, Principal and Allowlist
    w.properties: Missing required configuration "key.converter" which has no default value.
    a.properties:2: Invalid value 0 for configuration tasks.max: Value must be at least 1
    a.properties:3: Invalid value b c for configuration topics: a topic's name has letters, digits, `.`, `_` and `-` only; for a regular expression set topics.regex
    a.properties:4: starrocks.http.url: `fe`: the port is missing; write `host:port`, an IPv6 address as `[::1]:8030`
    a.properties:5: Unknown configuration starrocks.pasword; did you mean starrocks.password?
    a.properties:6: Invalid value 1 for configuration bufferflush.maxbytes: Value must be at least 67108864
    a.properties:7: Invalid value some for configuration errors.tolerance: String must be one of: none, all
    a.properties: Missing required configuration "connector.class" which has no default value.
    a.properties: Missing required configuration "starrocks.database.name" which has no default value.
    a.properties: Missing required configuration "starrocks.username" which has no default value.
    a.properties: Missing required configuration "starrocks.password" which has no default value.
    b.properties:2: Failed to find any class that implements Connector and which name matches com.example.Nope, available connectors are: com.starrocks.connector.kafka.StarRocksSinkConnector, com.starrocks.connector.kafka.SinkConnector, StarRocksSinkConnector, StarRocksSink
    b.properties:3: topics and topics.regex are mutually exclusive options, but both are set.
    b.properties: Missing required configuration "starrocks.http.url" which has no default value.
    b.properties: Missing required configuration "starrocks.database.name" which has no default value.
    b.properties: Missing required configuration "starrocks.username" which has no default value.
    b.properties: Missing required configuration "starrocks.password" which has no default value.
    c.properties: Connector configuration at 'c.properties' is missing the mandatory 'name' configuration
    "#);
}

#[test]
fn a_connector_s_file_alone_ends_with_3() {
    let error = load(WORKER, &[CONNECTOR, CONNECTOR]).expect_err("two of one name");
    assert_eq!(
        (error.exit_code(), error.to_string().as_str()),
        (3, "b.properties: Connector orders already exists")
    );
}

#[test]
fn a_registry_stands_in_the_connectors_file_or_in_the_workers() {
    let avro = "value.converter=io.confluent.connect.avro.AvroConverter\n";
    insta::assert_snapshot!(
        refused("", avro),
        @r#"a.properties: Missing required configuration "value.converter.schema.registry.url" which has no default value. Set it here, or schema.registry.url in the worker's file for all connectors."#
    );
    insta::assert_snapshot!(
        refused("schema.registry.url=registry:8081\n", avro),
        @"a.properties: Invalid value registry:8081 for configuration value.converter.schema.registry.url: it must begin with http:// or https://."
    );
}

#[test]
fn addresses_of_the_mysql_protocol_are_checked() {
    insta::assert_snapshot!(refused("", "starrocks.mysql.url=http://fe:8030\n"), @"a.properties:8: starrocks.mysql.url: `http://fe:8030`: `http` is not a known scheme; write `host:port` or `jdbc:mysql://host:port`");
    insta::assert_snapshot!(refused("", "starrocks.schema.evolution=add-columns\n"), @"a.properties:8: starrocks.schema.evolution=add-columns needs starrocks.mysql.url=<FE host>:9030, for columns are added by SQL");
}

#[test]
fn the_documented_recipe_for_debezium_runs_as_it_is_printed() {
    let recipe = |add_op: &str| {
        format!(
            "{CONNECTOR}transforms=addfield,unwrap\ntransforms.addfield.type={add_op}\n\
             transforms.unwrap.type=io.debezium.transforms.ExtractNewRecordState\n\
             transforms.unwrap.drop.tombstones=true\ntransforms.unwrap.delete.handling.mode\n"
        )
    };
    let printed = recipe("com.starrocks.connector.kafka.transforms.AddOpFieldForDebeziumRecord");
    let loaded = load(WORKER, &[&printed]).expect("valid files");
    insta::assert_snapshot!(notices(&loaded.connectors[0].notices), @"! transforms.unwrap.delete.handling.mode has no value: it is taken for rewrite, without which deletes would be lost.");
    let prose = recipe("com.Starrocks.Kafka.Transforms.AddOpFieldForDebeziumRecord");
    let loaded = load(WORKER, &[&prose]).expect("valid files");
    insta::assert_snapshot!(notices(&loaded.connectors[0].notices), @r"
    ! transforms.addfield.type: com.Starrocks.Kafka.Transforms.AddOpFieldForDebeziumRecord is taken for com.starrocks.connector.kafka.transforms.AddOpFieldForDebeziumRecord.
    ! transforms.unwrap.delete.handling.mode has no value: it is taken for rewrite, without which deletes would be lost.
    ");
    insta::assert_snapshot!(refused(
        "",
        "transforms=unwrap\ntransforms.unwrap.type=io.debezium.transforms.ExtractNewRecordState\n\
         transforms.unwrap.delete.handling.mode=\n",
    ), @"a.properties:10: Invalid value  for configuration transforms.unwrap.delete.handling.mode: String must be one of (case insensitive): drop, rewrite, none");
}

#[test]
fn errors_are_tolerated_as_the_properties_say() {
    let connector = format!(
        "{CONNECTOR}errors.tolerance=all\nerrors.log.enable=true\nerrors.log.include.messages=true\n\
         errors.deadletterqueue.topic.name=letters\nerrors.deadletterqueue.context.headers.enable=true\n"
    );
    let loaded = load(WORKER, &[&connector]).expect("valid files");
    assert_eq!(notices(&loaded.connectors[0].notices), "");
    insta::assert_debug_snapshot!(loaded.connectors[0].errors, @r#"
    ErrorSettings {
        tolerance: All,
        log: WithRecord,
        dead_letters: Some(
            DeadLetterSettings {
                topic: "letters",
                replication_factor: 3,
                has_context_headers: true,
            },
        ),
    }
    "#);
    let own = "errors.tolerance=all\nerrors.deadletterqueue.topic.name=orders\n";
    insta::assert_snapshot!(refused("", own), @"a.properties:9: Invalid value orders for configuration errors.deadletterqueue.topic.name: this connector reads the topic itself; its dead letters must go to another");
    let without = format!(
        "{CONNECTOR}errors.deadletterqueue.topic.name=letters\nerrors.deadletterqueue.topic.replication.factor=1\n"
    );
    let loaded = load(WORKER, &[&without]).expect("valid files");
    insta::assert_snapshot!(notices(&loaded.connectors[0].notices), @r"
    errors.deadletterqueue.topic.name has no effect: with errors.tolerance=none the task stops before the record, which is loaded when its cause is mended.
    errors.deadletterqueue.topic.replication.factor has no effect: there are no dead letters.
    ");
}

#[test]
fn what_has_no_effect_is_accepted_and_said_once() {
    let worker = format!(
        "{WORKER}listeners=http://:8083\nplugin.path=/opt\noffset.storage.file.filename=/tmp/o\n\
         offset.flush.interval.ms=10000\nrest.advertised.port=8083\nsome.thing=x\nrequest.timeout.ms=1\n\
         consumer.max.poll.records=100\nproducer.acks=1\nadmin.retries=3\nconfig.providers=\nx=1\nx=2\n"
    );
    let connector = format!(
        "{CONNECTOR}errors.log.enable=true\nvalue.converter.schemas.enable=true\nstarrocks.databases=x\n\
         my.note=${{env:X}}\nconsumer.override.default.api.timeout.ms=1\n"
    );
    let loaded = load(&worker, &[&connector]).expect("valid files");
    insta::assert_snapshot!(notices(&loaded.worker.notices), @r#"
    ! x is set on line 16 and again on line 17: the last one counts.
    consumer.max.poll.records has no effect: records are read in batches bounded by queued.max.messages.kbytes.
    producer.acks has no effect: a transactional producer waits for all in-sync replicas.
    admin.retries has no effect: no admin client is used.
    listeners has no effect: this version has no REST interface.
    offset.flush.interval.ms has no effect: offsets are committed with the rows they stand for.
    offset.storage.file.filename has no effect: it is about source connectors.
    plugin.path has no effect: Java plugins cannot be loaded; converters are built in.
    request.timeout.ms has no effect: connectors' clients do not inherit it; write it with the prefix `consumer.` or `producer.`.
    rest.advertised.port has no effect: this version has no REST interface.
    ! Unknown configuration some.thing; it is ignored.
    ! Unknown configuration x; it is ignored.
    "#);
    insta::assert_snapshot!(notices(&loaded.connectors[0].notices), @r#"
    ! value.converter.schemas.enable has no effect: this connector takes the worker's value.converter with the worker's settings; set value.converter too.
    ! Unknown configuration my.note; it is ignored.
    ! Unknown configuration starrocks.databases; did you mean starrocks.database.name? It is ignored.
    consumer.override.default.api.timeout.ms has no effect: each call to Kafka has a time of its own.
    errors.log.enable has no effect: with errors.tolerance=none the task stops before the record, which is loaded when its cause is mended.
    ! my.note: the variable ${env:…} stays as it stands, for no config provider env is declared in config.providers.
    "#);
    assert_eq!(
        loaded.connectors[0].encoder.value.settings["schemas.enable"],
        "false"
    );
}

#[test]
fn debug_shows_no_secret() {
    let secret = "key.converter=Json\nkey.converter.x=topsecret\n";
    let loaded = load(
        &format!("{WORKER}value.converter.x=topsecret\n"),
        &[&format!("{CONNECTOR}{secret}")],
    );
    let shown = format!("{:?}", loaded.expect("valid files"));
    assert!(
        shown.contains("orders") && !shown.contains("topsecret"),
        "{shown}"
    );
}

/// Kafka's own `config/connect-standalone.properties`, with all its lines that are no comments.
#[test]
fn kafka_s_sample_worker_file_is_taken_unchanged() {
    let sample = "bootstrap.servers=localhost:9092\n\
                  key.converter=org.apache.kafka.connect.json.JsonConverter\n\
                  value.converter=org.apache.kafka.connect.json.JsonConverter\n\
                  key.converter.schemas.enable=true\n\
                  value.converter.schemas.enable=true\n\
                  offset.storage.file.filename=/tmp/connect.offsets\n\
                  offset.flush.interval.ms=10000\n";
    let loaded = load(sample, &[CONNECTOR]).expect("Kafka's sample is valid");
    assert_eq!(
        loaded.connectors[0].encoder.key.settings["schemas.enable"],
        "true"
    );
    assert!(!loaded.worker.notices.iter().any(|notice| notice.warning));
}

/// Cargo sets the variable for its tests: a value that is wrong wherever it is put.
#[test]
fn what_a_provider_gave_is_in_no_message() {
    let providers = "config.providers=env\nconfig.providers.env.class=EnvVarConfigProvider\n";
    let value = "starrocks-kafka-worker";
    let error = refused(
        &format!(
            "{providers}task.shutdown.graceful.timeout.ms=${{env:CARGO_PKG_NAME}}\n\
             consumer.partition.assignment.strategy=range,${{env:CARGO_PKG_NAME}}\n"
        ),
        "tasks.max=${env:CARGO_PKG_NAME}\n\
         starrocks.topic2table.map=orders ${env:CARGO_PKG_NAME}\n\
         starrocks.http.redirect=${env:CARGO_PKG_NAME}\n\
         consumer.override.security.protocol=SSL\n\
         consumer.override.ssl.truststore.location=${env:CARGO_PKG_NAME}\n",
    );
    assert!(!error.contains(value), "{error}");
    insta::assert_snapshot!(error, @r"
    w.properties:7: Invalid value ${env:CARGO_PKG_NAME} for configuration task.shutdown.graceful.timeout.ms: Not a number of type LONG
    w.properties:8: Invalid value [hidden] for configuration consumer.partition.assignment.strategy: [hidden] is not known; known are RangeAssignor, RoundRobinAssignor and CooperativeStickyAssignor
    a.properties:8: Invalid value ${env:CARGO_PKG_NAME} for configuration tasks.max: Not a number of type INT
    a.properties:9: Invalid value [hidden] for configuration starrocks.topic2table.map: '[hidden] [hidden]' is no pair; write topic:table, several of them with commas between
    a.properties:10: Invalid value ${env:CARGO_PKG_NAME} for configuration starrocks.http.redirect: String must be one of: refuse, allow
    a.properties:12: Invalid value ${env:CARGO_PKG_NAME} for configuration consumer.override.ssl.truststore.location: the file cannot be read: No such file or directory (os error 2).
    ");
    // And where it is right it is used.
    let plan = plan(
        providers,
        "consumer.override.client.id=${env:CARGO_PKG_NAME}\n",
    );
    assert_eq!(plan.task(0).consumer_properties["client.id"], value);
    assert_eq!(
        plan.given["consumer.override.client.id"],
        "${env:CARGO_PKG_NAME}"
    );
}

/// Where the producer is told nothing of security it is the consumer's companion; else it is told all.
#[test]
fn a_producer_is_secured_as_its_consumer() {
    let jaas = |prefix: &str, user: &str| {
        format!(
            "{prefix}security.protocol=SASL_PLAINTEXT\n{prefix}sasl.mechanism=PLAIN\n{prefix}sasl.jaas.config=\
             org.apache.kafka.common.security.plain.PlainLoginModule required username={user} password=topsecret;\n"
        )
    };
    let check = |worker: &str, connector: &str, consumer: Option<&str>, producer: Option<&str>| {
        let task = plan(worker, connector).task(0);
        let user = |properties: &BTreeMap<String, String>| properties.get("sasl.username").cloned();
        assert_eq!(
            user(&task.consumer_properties).as_deref(),
            consumer,
            "{worker}{connector}"
        );
        assert_eq!(
            user(&task.producer_properties).as_deref(),
            producer,
            "{worker}{connector}"
        );
    };
    check("", "", None, None);
    check(&jaas("consumer.", "a"), "", Some("a"), Some("a"));
    check("", &jaas("consumer.override.", "b"), Some("b"), Some("b"));
    check(
        &jaas("consumer.", "a"),
        &jaas("consumer.override.", "b"),
        Some("b"),
        Some("b"),
    );
    let both = format!("{}{}", jaas("consumer.", "a"), jaas("producer.", "c"));
    check(&both, "", Some("a"), Some("c"));
    check(
        &both,
        &jaas("producer.override.", "d"),
        Some("a"),
        Some("d"),
    );
    check(
        &jaas("consumer.", "a"),
        "producer.override.security.protocol=PLAINTEXT",
        Some("a"),
        None,
    );
    // The worker's own reaches neither, and that is said.
    check(&jaas("", "w"), "", None, None);
    check(&jaas("admin.", "w"), "", None, None);
    assert!(notices(&plan(&jaas("", "w"), "").notices).contains("consumer.security.protocol"));
    assert_eq!(notices(&plan(&both, "").notices), "");
    let both = format!("{}{both}", jaas("", "w"));
    assert_eq!(notices(&plan(&both, "").notices), "");
    let brokers = |connector: &str| {
        plan("", connector).task(0).producer_properties["bootstrap.servers"].clone()
    };
    assert_eq!(
        brokers("consumer.override.bootstrap.servers=k8:9092\n"),
        "k8:9092"
    );
    assert_eq!(
        brokers(
            "consumer.override.bootstrap.servers=k8:9092\nproducer.override.bootstrap.servers=k9:9092\n"
        ),
        "k9:9092"
    );
}

/// What is wrong in the worker's file is said there, once, and what is missing where it is needed.
#[test]
fn wrong_security_is_said_once() {
    let wrong = refused(
        "consumer.security.protocol=SSL\nconsumer.ssl.truststore.location=/nowhere.jks\n",
        "",
    );
    insta::assert_snapshot!(wrong, @"w.properties:6: Invalid value /nowhere.jks for configuration consumer.ssl.truststore.location: the file cannot be read: No such file or directory (os error 2).");
    let completed = plan(
        "consumer.security.protocol=SASL_PLAINTEXT\n",
        "consumer.override.sasl.mechanism=PLAIN\nconsumer.override.sasl.jaas.config=\
         org.apache.kafka.common.security.plain.PlainLoginModule required username=u password=p;\n",
    );
    assert_eq!(completed.task(0).consumer_properties["sasl.username"], "u");
}

/// A preview asks no Kafka: stores that this machine does not have are said and do not matter.
#[test]
fn a_preview_needs_no_stores() {
    let worker = format!(
        "{WORKER}consumer.security.protocol=SSL\nconsumer.ssl.truststore.location=/nowhere.jks\n"
    );
    let connector = format!("{CONNECTOR}consumer.override.ssl.keystore.location=/no.p12\n");
    let loaded = standalone(
        ConfigFile::worker("w", worker.as_bytes()),
        vec![ConfigFile::connector("c", connector.as_bytes())],
        Purpose::Preview,
    );
    let loaded = loaded.expect("it can be previewed");
    let said = [
        notices(&loaded.worker.notices),
        notices(&loaded.connectors[0].notices),
    ];
    assert!(said[0].contains("/nowhere.jks"), "{said:?}");
    assert!(
        said[1].contains("/no.p12") && !said[1].contains("/nowhere.jks"),
        "{said:?}"
    );
}

#[test]
fn overrides_follow_the_policy() {
    insta::assert_snapshot!(refused(
        "connector.client.config.override.policy=Principal\n",
        "consumer.override.fetch.min.bytes=1\n",
    ), @r#"a.properties:8: The 'Principal' policy does not allow 'fetch.min.bytes' to be overridden in the connector configuration."#);
}

#[test]
fn patterns_and_lists_of_topics() {
    let pattern = plan("", "topics=\ntopics.regex=orders-[0-9]+\n").subscription;
    assert!(
        pattern.covers("orders-12")
            && !pattern.covers("orders-x")
            && !pattern.covers("my-orders-1")
    );
    let list = plan("", "topics= a ,, b ,a\n").subscription;
    assert!(matches!(&list, Subscription::Topics(topics) if topics == &["a", "b"]));
    insta::assert_snapshot!(refused("", "topics=\n"), @"a.properties:8: Must configure one of topics or topics.regex");
    insta::assert_snapshot!(refused("", "topics=\ntopics.regex=a(\n"), @r#"a.properties:9: Invalid value a( for configuration topics.regex: Invalid regex: Parsing error at position 2: Opening parenthesis without closing parenthesis"#);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("none.properties");
    let worker = folder.path().join("w.properties");
    std::fs::write(&worker, WORKER).expect("writable");
    let error = load_standalone(&missing, &[]).expect_err("missing");
    assert_eq!(error.exit_code(), 2);
    assert!(
        error
            .to_string()
            .ends_with("none.properties: cannot be read: No such file or directory (os error 2)")
    );
    let error = load_standalone(&worker, &[folder.path().to_path_buf()]).expect_err("a folder");
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("cannot be read: "), "{error}");
    assert!(
        load_standalone(&worker, &[])
            .expect("zero connectors are fine")
            .connectors
            .is_empty()
    );
}

#[test]
fn a_missing_name_hides_nothing_else() {
    let error = load(
        WORKER,
        &["connector.class=StarRocksSink\ntopics=a\ntasks.max=0\n"],
    )
    .expect_err("it has no name")
    .to_string();
    for part in [
        "is missing the mandatory 'name' configuration",
        "Invalid value 0 for configuration tasks.max",
        "\"starrocks.http.url\"",
    ] {
        assert!(error.contains(part), "no {part} in {error}");
    }
}

#[test]
fn a_login_that_the_protocol_does_not_ask_for_is_said() {
    let check = |worker: &str, expect: bool| {
        let notices = plan(worker, "").notices;
        let said = notices
            .iter()
            .any(|one| one.warning && one.message.starts_with("consumer.sasl.* has no effect"));
        assert_eq!(said, expect, "{worker}: {notices:?}");
    };
    check("", false);
    check("consumer.sasl.mechanism=PLAIN\n", true);
}
