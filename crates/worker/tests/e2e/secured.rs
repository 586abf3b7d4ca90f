//! Clusters with TLS and SASL, each with what a Java user has in the file, and what is said when it is wrong.

mod bad;
mod cloud;
mod stage;
mod stores;
mod tokens;

use stage::{PASSWORD, Stage, USER, stage};

use starrocks_kafka_testbed::User;

use crate::process::{Worker, binary, keep_secret};
use crate::rig::Rig;

/// Loads records from a listener with these properties of the consumer, and of nothing else.
fn loads(rig: &Rig, address: &str, consumer: &[(&str, &str)]) {
    let topic = rig.topic(2);
    rig.produce(&topic, 2, 0, 50);
    let connector = rig.connector(&topic, &topic, &[]);
    let worker = rig.start_worker(&worker(address, consumer).pairs(), &[connector]);
    rig.wait_for_rows(&topic, 100, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    // Offsets were decided in transactions, so the producer got through as well.
    assert!(!log.contains("at least once"), "{log}");
    rig.check_exactly_once(&topic, &topic, 2, 50);
}

/// Properties of a worker.
struct Properties(Vec<(String, String)>);

impl Properties {
    fn pairs(&self) -> Vec<(&str, &str)> {
        let pairs = self.0.iter();
        pairs
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }
}

/// A worker's brokers, and its consumers' properties.
fn worker(address: &str, consumer: &[(&str, &str)]) -> Properties {
    let mut properties = vec![("bootstrap.servers".to_owned(), address.to_owned())];
    let named = consumer
        .iter()
        .map(|(name, value)| (format!("consumer.{name}"), (*value).to_owned()));
    properties.extend(named);
    Properties(properties)
}

/// A user's entry of a login module.
fn login(module: &str, password: &str) -> String {
    if !password.starts_with("${") {
        keep_secret(password);
    }
    format!(
        "org.apache.kafka.common.security.{module} required username=\"{USER}\" password=\"{password}\";"
    )
}

/// The properties by which a client trusts the stage's authority.
fn trusting(stage: &Stage, rig: &Rig) -> Vec<(&'static str, String)> {
    let store = rig.file("ca.pem", stage.authority.pem());
    vec![
        ("ssl.truststore.type", "PEM".to_owned()),
        ("ssl.truststore.location", store.display().to_string()),
    ]
}

fn borrowed<'p>(pairs: &'p [(&'static str, String)]) -> Vec<(&'static str, &'p str)> {
    pairs
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect()
}

/// Loads by a mechanism, in TLS.
fn logs_in(name: &str, mechanism: &str, module: &str) {
    let Some(stage) = stage() else { return };
    let rig = stage.rig(name);
    let mut consumer = trusting(stage, &rig);
    consumer.extend([
        ("security.protocol", "SASL_SSL".to_owned()),
        ("sasl.mechanism", mechanism.to_owned()),
        ("sasl.jaas.config", login(module, PASSWORD)),
    ]);
    loads(
        &rig,
        &stage.broker.address_of("SASLTLS"),
        &borrowed(&consumer),
    );
}

#[test]
fn sasl_ssl_with_plain_as_in_confluent_cloud() {
    logs_in("sasl_ssl_plain", "PLAIN", "plain.PlainLoginModule");
}

#[test]
fn sasl_ssl_with_scram_sha_256() {
    logs_in("scram_256", "SCRAM-SHA-256", "scram.ScramLoginModule");
}

#[test]
fn sasl_ssl_with_scram_sha_512() {
    logs_in("scram_512", "SCRAM-SHA-512", "scram.ScramLoginModule");
}

#[test]
fn sasl_without_tls() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("sasl_plaintext");
    let jaas = login("scram.ScramLoginModule", PASSWORD);
    let consumer = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.jaas.config", &jaas),
    ];
    loads(&rig, &stage.broker.address_of("SCRAMONLY"), &consumer);
}

/// The password of Kafka comes from a file, that of StarRocks from the environment.
#[test]
fn passwords_from_config_providers() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("providers");
    const LOADER: &str = "s3cr3t-of-the-database";
    keep_secret(LOADER);
    rig.standin.set_user(User::with_all("loader", LOADER));
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 10);
    let secrets = rig.file("secrets.properties", &format!("kafka={PASSWORD}\n"));
    let folder = secrets.parent().expect("it lies in a folder");
    let password = format!("${{file:{}:kafka}}", secrets.display());
    let connector = rig.connector(
        "providers",
        &topic,
        &[
            ("starrocks.username", "loader"),
            ("starrocks.password", "${env:STARROCKS_PASSWORD}"),
        ],
    );
    const PACKAGE: &str = "org.apache.kafka.common.config.provider";
    let consumer = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        (
            "sasl.jaas.config",
            &login("scram.ScramLoginModule", &password),
        ),
    ];
    let mut properties = worker(&stage.broker.address_of("SCRAMONLY"), &consumer);
    let providers = [
        ("config.providers", "file,env".to_owned()),
        (
            "config.providers.file.class",
            format!("{PACKAGE}.FileConfigProvider"),
        ),
        (
            "config.providers.file.param.allowed.paths",
            folder.display().to_string(),
        ),
        (
            "config.providers.env.class",
            format!("{PACKAGE}.EnvVarConfigProvider"),
        ),
        (
            "config.providers.env.param.allowlist.pattern",
            "STARROCKS_.*".to_owned(),
        ),
    ];
    properties
        .0
        .extend(providers.map(|(name, value)| (name.to_owned(), value)));
    let mut command = binary();
    command
        .arg("standalone")
        .arg(rig.worker_file(&properties.pairs()))
        .arg(connector)
        .env("STARROCKS_PASSWORD", LOADER);
    let at_work = Worker::spawn(command);
    rig.wait_for_rows(&topic, 10, &at_work);
    let (status, log) = at_work.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 1, 10);
}

/// At the level that tells everything, no secret is told: not the login's, not a token, not a key.
#[test]
fn no_secret_at_any_level() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("trace");
    let store = rig
        .file("ca.pem", stage.authority.pem())
        .display()
        .to_string();
    let key = rig
        .file("client.pem", &stage.client.store())
        .display()
        .to_string();
    let (url, token) = (stage.tokens.url(), tokens::client(stage::CLIENT_SECRET, ""));
    let plain = login("plain.PlainLoginModule", PASSWORD);
    let tls = [
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", &store),
        ("debug", "security,broker,conf"),
    ];
    let ways: [(&str, &[(&str, &str)]); 3] = [
        (
            "SASLTLS",
            &[
                ("security.protocol", "SASL_SSL"),
                ("sasl.mechanism", "PLAIN"),
                ("sasl.jaas.config", &plain),
            ],
        ),
        (
            "SASLTLS",
            &[
                ("security.protocol", "SASL_SSL"),
                ("sasl.mechanism", "OAUTHBEARER"),
                ("sasl.oauthbearer.token.endpoint.url", &url),
                ("sasl.jaas.config", &token),
            ],
        ),
        (
            "MUTUAL",
            &[
                ("security.protocol", "SSL"),
                ("ssl.keystore.type", "PEM"),
                ("ssl.keystore.location", &key),
            ],
        ),
    ];
    for (listener, way) in ways {
        let topic = rig.topic(1);
        rig.produce(&topic, 1, 0, 10);
        let connector = rig.connector(&topic, &topic, &[]);
        let properties = worker(&stage.broker.address_of(listener), &[way, &tls].concat());
        let mut command = binary();
        command
            .args(["--log-level", "trace", "standalone"])
            .arg(rig.worker_file(&properties.pairs()))
            .arg(connector);
        let at_work = Worker::spawn(command);
        rig.wait_for_rows(&topic, 10, &at_work);
        for token in stage.tokens.tokens() {
            keep_secret(&token);
        }
        // Dropping the worker looks through its log.
        let (status, log) = at_work.terminate();
        assert!(status.success(), "{status}:\n{log}");
        assert!(
            log.contains("facility=SSL") || log.contains("librdkafka"),
            "{log}"
        );
    }
}

/// The platform's authorities are trusted where no store is named; `SSL_CERT_FILE` names others.
#[test]
fn tls_with_the_authorities_of_the_platform() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("platform");
    let topic = rig.topic(1);
    rig.produce(&topic, 1, 0, 10);
    let store = rig.file("platform.pem", stage.authority.pem());
    let address = stage.broker.address_of("TLS");
    let connector = rig.connector(
        "platform",
        &topic,
        &[
            ("consumer.override.security.protocol", "SSL"),
            ("consumer.override.bootstrap.servers", &address),
        ],
    );
    let store = store.display().to_string();
    let worker = rig.start_with(&[connector], &[("SSL_CERT_FILE", &store)]);
    rig.wait_for_rows(&topic, 10, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    rig.check_exactly_once(&topic, &topic, 1, 10);
}
