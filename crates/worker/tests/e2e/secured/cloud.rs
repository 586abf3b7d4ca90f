//! The sample files for Confluent Cloud, with other hosts and nothing else changed: a broker with TLS and a login, a Schema
//! Registry with TLS and another one, and all secrets in the environment.

use std::fs;
use std::path::Path;

use starrocks_kafka_testbed::User;
use starrocks_kafka_testbed::broker::Message;
use starrocks_kafka_testbed::produce::{Format, Orders, Producer, Shape};
use starrocks_kafka_testbed::schema_registry::{Access, Options, SchemaRegistry, ServerTls};

use super::stage::{PASSWORD, USER, stage};
use crate::process::{Worker, binary, keep_secret};

const LOADER: &str = "s3cr3t-of-the-database";
const REGISTRY_KEY: &str = "REGISTRYKEY";
const REGISTRY_SECRET: &str = "s3cr3t-of-the-registry";

/// A sample with some texts replaced, each of which it must have.
fn sample(name: &str, changes: &[(&str, &str)]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/samples");
    let text = fs::read_to_string(folder.join(name)).expect("a sample");
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "no {from} in {name}");
        text.replace(from, to)
    })
}

#[test]
fn the_samples_for_confluent_cloud_load_avro() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("cloud");
    for secret in [LOADER, REGISTRY_SECRET] {
        keep_secret(secret);
    }
    rig.standin.set_user(User::with_all("loader", LOADER));
    let server = stage.authority.server(&["127.0.0.1"]);
    let registry = SchemaRegistry::start(Options {
        access: Access::user(REGISTRY_KEY, REGISTRY_SECRET),
        tls: Some(ServerTls {
            certificate_pem: server.certificate_pem,
            key_pem: server.key_pem,
            client_authority_pem: None,
        }),
        ..Options::default()
    });
    let registry = registry.expect("a free port");
    let topic = rig.broker().unique_topic("cloud", 3);
    let ddl = format!(
        "CREATE TABLE shop.`{topic}` (id BIGINT NOT NULL, customer STRING, price DOUBLE) DUPLICATE KEY(id) \
         DISTRIBUTED BY HASH(id)"
    );
    rig.standin.sql(&ddl).expect("a table that StarRocks takes");
    let orders = Orders::first(Shape::Flat);
    let subject = format!("{topic}-value");
    let producer = Producer::register(&registry, &subject, Format::Avro, orders.record());
    let producer = producer.expect("a schema that the registry takes");
    let messages = (0..90).map(|number| {
        let mut value = Vec::new();
        producer.write(&orders.datum(number), &mut value);
        Message::new(i32::try_from(number % 3).expect("a partition"), value)
    });
    rig.broker().produce(&topic, messages);

    let worker = sample(
        "confluent-cloud-worker.properties",
        &[
            (
                "pkc-00000.eu-central-1.aws.confluent.cloud:9092",
                &stage.broker.address_of("SASLTLS"),
            ),
            (
                "https://psrc-00000.eu-central-1.aws.confluent.cloud",
                &registry.url(),
            ),
        ],
    );
    let connector = sample(
        "confluent-cloud-connector.properties",
        &[
            ("topics=orders", &format!("topics={topic}")),
            ("fe.example.com:8030", &rig.standin.http_url()),
        ],
    );
    let authorities = rig.file("platform.pem", stage.authority.pem());
    let mut command = binary();
    command
        .arg("standalone")
        .arg(rig.file("worker.properties", &worker))
        .arg(rig.file("connector.properties", &connector))
        .env("SSL_CERT_FILE", authorities)
        .env("CONFLUENT_API_KEY", USER)
        .env("CONFLUENT_API_SECRET", PASSWORD)
        .env("CONFLUENT_SR_API_KEY", REGISTRY_KEY)
        .env("CONFLUENT_SR_API_SECRET", REGISTRY_SECRET)
        .env("STARROCKS_PASSWORD", LOADER);
    let at_work = Worker::spawn(command);
    rig.wait_for_rows(&topic, 90, &at_work);
    let (status, log) = at_work.terminate();
    assert!(status.success(), "{status}:\n{log}");
    // Offsets were decided in transactions, so the producer got through as well.
    assert!(!log.contains("at least once"), "{log}");
    let counted = format!("SELECT count(*), count(distinct id) FROM shop.`{topic}`");
    let counted = rig.standin.sql(&counted).expect("the table is there");
    assert_eq!(counted.lines(), ["90\t90"]);
    assert_eq!(registry.asked("/"), 1, "an id is asked for once");
}
