//! The samples and guides under `docs`: every file and block is read as a user's would be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(docs().join("samples").join(name)).expect("the sample is there")
}

/// Properties one a line, what is secret or long left out.
fn shown(properties: &BTreeMap<String, String>) -> String {
    let line = |(name, value): (&String, &String)| {
        let value = match &**name {
            "sasl.username" | "sasl.password" => "[hidden]",
            "ssl.ca.pem" => "[the authorities of the system]",
            _ => value,
        };
        format!("{name}={value}\n")
    };
    properties.iter().map(line).collect()
}

#[test]
fn the_samples_for_confluent_cloud_are_understood() {
    let read = |name: &str| sample(name);
    let plan = standalone(
        ConfigFile::worker("w", &read("confluent-cloud-worker.properties")),
        vec![ConfigFile::connector(
            "c",
            &read("confluent-cloud-connector.properties"),
        )],
        Purpose::Run,
    );
    let mut plan = plan.expect("the samples are valid");
    let connector = plan.connectors.remove(0);
    let task = connector.task(1);
    insta::assert_snapshot!(shown(&task.consumer_properties), @r"
    allow.auto.create.topics=false
    auto.offset.reset=earliest
    bootstrap.servers=pkc-00000.eu-central-1.aws.confluent.cloud:9092
    check.crcs=true
    client.dns.lookup=use_all_dns_ips
    client.id=connector-consumer-starrocks-orders-1
    connections.max.idle.ms=540000
    enable.auto.commit=false
    enable.auto.offset.store=false
    enable.metrics.push=true
    fetch.max.bytes=16777216
    fetch.min.bytes=1
    fetch.queue.backoff.ms=10
    fetch.wait.max.ms=500
    group.id=connect-starrocks-orders
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
    sasl.mechanism=PLAIN
    sasl.password=[hidden]
    sasl.username=[hidden]
    security.protocol=sasl_ssl
    session.timeout.ms=45000
    socket.connection.setup.timeout.ms=10000
    socket.timeout.ms=30000
    ssl.ca.pem=[the authorities of the system]
    ssl.endpoint.identification.algorithm=https
    topic.metadata.refresh.interval.ms=30000
    ");
    // The producer that decides rounds is secured in the same way, though nothing is said of it.
    let security = |properties: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let own = |name: &String| {
            ["sasl.", "security.", "ssl.", "bootstrap."]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        };
        let kept = properties.iter().filter(|(name, _)| own(name));
        kept.map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    assert_eq!(
        security(&task.producer_properties),
        security(&task.consumer_properties)
    );
    let unknown = |notices: &[Notice]| notices.iter().any(|one| one.message.contains("Unknown"));
    assert!(!unknown(&plan.worker.notices) && !unknown(&connector.notices));
}

/// The rest of a worker's file, and of a connector's.
const WORKER: &str = "bootstrap.servers=k1:9092\n\
                      key.converter=StringConverter\n\
                      value.converter=JsonConverter\n\
                      schema.registry.url=http://registry:8081\n";
const CONNECTOR: &str = "name=orders\n\
                         connector.class=com.starrocks.connector.kafka.StarRocksSinkConnector\n\
                         topics=orders\n\
                         starrocks.http.url=fe:8030\n\
                         starrocks.database.name=db\n\
                         starrocks.username=root\n\
                         starrocks.password=\n";

/// The blocks of a guide that begin with ```` ```properties ````, each with the file that it is a part of.
fn blocks(guide: &str) -> impl Iterator<Item = (&str, &str)> {
    guide.split("```properties ").skip(1).map(|after| {
        let (kind, after) = after.split_once('\n').expect("a line that begins a block");
        let (block, _) = after.split_once("\n```").expect("a block ends");
        (kind, block)
    })
}

#[test]
fn every_block_of_the_guides_is_understood() {
    let mut count = 0;
    for name in [
        "cdc.md",
        "confluent-cloud.md",
        "dead-letters.md",
        "schema-registry.md",
        "secured-kafka.md",
    ] {
        let guide = std::fs::read_to_string(docs().join("guides").join(name)).expect("a guide");
        for (kind, block) in blocks(&guide) {
            count += 1;
            let (worker, connector) = match kind {
                "worker" => (format!("{WORKER}{block}\n"), CONNECTOR.to_owned()),
                "connector" => {
                    let is_named =
                        |line: &&str| !block.contains("topics=") || !line.starts_with("topics=");
                    let rest: Vec<_> = CONNECTOR.lines().filter(is_named).collect();
                    (WORKER.to_owned(), format!("{}\n{block}\n", rest.join("\n")))
                }
                kind => panic!("{name}: a block of properties of a {kind}"),
            };
            let plan = standalone(
                ConfigFile::worker("w", worker.as_bytes()),
                vec![ConfigFile::connector("c", connector.as_bytes())],
                Purpose::Run,
            );
            let said = plan.map_or_else(|error| error.to_string(), |_| String::new());
            // All is understood but that this machine has no such stores.
            let wrong: Vec<_> = said
                .lines()
                .filter(|line| !(line.contains("/etc/kafka/") && line.contains("No such file")))
                .collect();
            assert!(wrong.is_empty(), "{name}:\n{block}\n{}", wrong.join("\n"));
        }
    }
    assert!(count >= 10, "{count} blocks");
}
