//! What is wrong is said in one line, with its cause and what to do, within seconds.

use super::stage::{CLIENT_SECRET, PASSWORD, Stage, stage};
use super::tokens::client;
use super::{borrowed, login, trusting, worker};
use crate::process::{Worker, binary};
use crate::rig::Rig;

/// Starts a worker that cannot get through, waits for the line that says so, and sees that it goes on trying.
fn says(
    stage: &'static Stage,
    rig: &Rig,
    listener: &str,
    consumer: &[(&'static str, String)],
    expect: &[&str],
) {
    let topic = rig.topic(1);
    let connector = rig.connector(&topic, &topic, &[]);
    let address = stage.broker.address_of(listener);
    let at_work = rig.start_worker(&worker(&address, &borrowed(consumer)).pairs(), &[connector]);
    let mut wanted = vec![" WARN ", "retrying: ", ", because: "];
    wanted.extend(expect);
    at_work.wait_for_line(&wanted);
    let (status, log) = at_work.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(!log.contains("FAILED"), "{log}");
}

#[test]
fn an_authority_that_is_not_trusted() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("wrong_ca");
    let store = rig.file("other.pem", stage.stranger.pem());
    let consumer = [
        ("security.protocol", "SSL".to_owned()),
        ("ssl.truststore.type", "PEM".to_owned()),
        ("ssl.truststore.location", store.display().to_string()),
    ];
    let expect = [
        "the broker's certificate is not trusted: CN=broker, signed by CN=test authority",
        "set ssl.truststore.location",
    ];
    says(stage, &rig, "TLS", &consumer, &expect);
}

#[test]
fn a_certificate_that_has_expired() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("expired");
    let mut consumer = trusting(stage, &rig);
    consumer.push(("security.protocol", "SSL".to_owned()));
    let expect = ["CN=old-broker has expired", "have it renewed"];
    says(stage, &rig, "EXPIRED", &consumer, &expect);
}

#[test]
fn a_certificate_for_another_name() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("other_name");
    let mut consumer = trusting(stage, &rig);
    consumer.push(("security.protocol", "SSL".to_owned()));
    let expect = [
        "the broker's certificate is made for another name: CN=broker",
        "advertised.listeners",
        "ssl.endpoint.identification.algorithm",
    ];
    says(stage, &rig, "ELSEWHERE", &consumer, &expect);
    // And that way out is one.
    consumer.push(("ssl.endpoint.identification.algorithm", String::new()));
    super::loads(
        &rig,
        &stage.broker.address_of("ELSEWHERE"),
        &borrowed(&consumer),
    );
}

#[test]
fn a_wrong_password() {
    let Some(stage) = stage() else { return };
    for (name, mechanism, module) in [
        ("wrong_plain", "PLAIN", "plain.PlainLoginModule"),
        ("wrong_scram", "SCRAM-SHA-512", "scram.ScramLoginModule"),
    ] {
        let rig = stage.rig(name);
        let mut consumer = trusting(stage, &rig);
        consumer.extend([
            ("security.protocol", "SASL_SSL".to_owned()),
            ("sasl.mechanism", mechanism.to_owned()),
            (
                "sasl.jaas.config",
                login(module, &PASSWORD.replace("of", "off")),
            ),
        ]);
        let expect = [
            "the broker refuses the login",
            "check username and password in sasl.jaas.config",
        ];
        says(stage, &rig, "SASLTLS", &consumer, &expect);
    }
}

#[test]
fn a_mechanism_that_the_broker_does_not_have() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("wrong_mechanism");
    let consumer = [
        ("security.protocol", "SASL_PLAINTEXT".to_owned()),
        ("sasl.mechanism", "PLAIN".to_owned()),
        (
            "sasl.jaas.config",
            login("plain.PlainLoginModule", PASSWORD),
        ),
    ];
    let expect = [
        "the broker does not know this SASL mechanism at this port",
        "SCRAM-SHA-512",
        "set sasl.mechanism",
    ];
    says(stage, &rig, "SCRAMONLY", &consumer, &expect);
}

#[test]
fn no_client_certificate_where_one_is_wanted() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("no_certificate");
    let mut consumer = trusting(stage, &rig);
    consumer.push(("security.protocol", "SSL".to_owned()));
    let expect = ["client certificate", "ssl.keystore.location"];
    says(stage, &rig, "MUTUAL", &consumer, &expect);
}

#[test]
fn a_client_certificate_of_an_authority_that_the_broker_does_not_know() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("strange_certificate");
    let stranger = stage.stranger.client("stranger");
    let store = rig.file("stranger.pem", &stranger.store());
    let mut consumer = trusting(stage, &rig);
    consumer.extend([
        ("security.protocol", "SSL".to_owned()),
        ("ssl.keystore.type", "PEM".to_owned()),
        ("ssl.keystore.location", store.display().to_string()),
    ]);
    let expect = [
        "the broker does not know the authority of the client certificate",
        "ssl.keystore.location",
    ];
    says(stage, &rig, "MUTUAL", &consumer, &expect);
}

#[test]
fn plain_text_to_a_port_of_tls() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("plain_to_tls");
    let expect = [
        "it seems to expect TLS at this port",
        "set security.protocol to SSL or SASL_SSL, with the prefix consumer.",
    ];
    says(stage, &rig, "TLS", &[], &expect);
}

/// Without a producer it is the consumer that says so.
#[test]
fn at_least_once_too() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("alo_plain_to_tls");
    let topic = rig.topic(1);
    let guarantee = ("starrocks.delivery.guarantee", "at-least-once");
    let connector = rig.connector(&topic, &topic, &[guarantee]);
    let address = stage.broker.address_of("TLS");
    let at_work = rig.start_worker(&worker(&address, &[]).pairs(), &[connector]);
    at_work.wait_for_line(&[
        "retrying: read from Kafka",
        "it seems to expect TLS at this port",
    ]);
    let (status, log) = at_work.terminate();
    assert!(status.success(), "{status}:\n{log}");
}

#[test]
fn plain_text_to_a_port_of_sasl() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("plain_to_sasl");
    let expect = [
        "it seems to expect SASL at this port",
        "set security.protocol to SASL_PLAINTEXT or SASL_SSL",
    ];
    says(stage, &rig, "SASLPLAIN", &[], &expect);
}

#[test]
fn tls_to_a_port_of_plain_text() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("tls_to_plain");
    let mut consumer = trusting(stage, &rig);
    consumer.push(("security.protocol", "SSL".to_owned()));
    let expect = [
        "speak TLS at this port",
        "set security.protocol to PLAINTEXT or SASL_PLAINTEXT",
    ];
    says(stage, &rig, "SASLPLAIN", &consumer, &expect);
}

#[test]
fn no_token_is_to_be_had() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("no_token");
    let oauth = |secret: &str, url: String| {
        [
            ("security.protocol", "SASL_PLAINTEXT".to_owned()),
            ("sasl.mechanism", "OAUTHBEARER".to_owned()),
            ("sasl.oauthbearer.token.endpoint.url", url),
            ("sasl.jaas.config", client(secret, "")),
        ]
    };
    let url = stage.tokens.url();
    let wrong = CLIENT_SECRET.replace("client", "clown");
    let expect = [
        "no token for Kafka: ",
        &url,
        "HTTP 401: invalid_client, unknown client or wrong secret",
        "check clientId, clientSecret and scope",
    ];
    says(
        stage,
        &rig,
        "SASLPLAIN",
        &oauth(&wrong, url.clone()),
        &expect,
    );
    let nobody = "http://127.0.0.1:1/token";
    let expect = ["no token for Kafka: ", nobody, "cannot be asked"];
    says(
        stage,
        &rig,
        "SASLPLAIN",
        &oauth(CLIENT_SECRET, nobody.to_owned()),
        &expect,
    );
}

/// Stores are opened before anything is connected to.
#[test]
fn a_store_that_is_not_what_is_said() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("bad_stores");
    let pem = rig
        .file("ca.pem", stage.authority.pem())
        .display()
        .to_string();
    let store = rig.file("client.p12", "").display().to_string();
    std::fs::write(&store, stage.client_pkcs12("s3cr3t-of-the-store")).expect("it was made");
    let connector = rig.connector("bad-stores", "nothing", &[]);
    let refused = |consumer: &[(&str, &str)], expect: &str| {
        let mut command = binary();
        command.args(["--log-level", "trace", "standalone"]);
        let properties = worker(
            "127.0.0.1:1",
            &[&[("security.protocol", "SSL")], consumer].concat(),
        );
        command
            .arg(rig.worker_file(&properties.pairs()))
            .arg(&connector);
        let mut ended = Worker::spawn(command);
        let (status, log) = (ended.wait(), ended.log());
        assert_eq!(status.code(), Some(2), "{log}");
        assert!(log.contains(expect) && log.lines().count() == 1, "{log}");
    };
    refused(
        &[("ssl.truststore.location", &pem)],
        "consumer.ssl.truststore.location: the file is a PEM file: set consumer.ssl.truststore.type=PEM.",
    );
    refused(
        &[
            ("ssl.keystore.location", &store),
            ("ssl.keystore.password", "s3cr3t-of-nobody"),
        ],
        "consumer.ssl.keystore.location: the file is not opened by this password.",
    );
}

/// As in Kafka Connect the worker's own security does not reach its connectors. Unlike there, it is said.
#[test]
fn security_without_the_prefix_of_the_consumer() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("no_prefix");
    let topic = rig.topic(1);
    let connector = rig.connector("no-prefix", &topic, &[]);
    let address = stage.broker.address_of("SASLTLS");
    let jaas = login("plain.PlainLoginModule", PASSWORD);
    let properties = [
        ("bootstrap.servers", address.as_str()),
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", &jaas),
    ];
    let at_work = rig.start_worker(&properties, &[connector]);
    at_work.wait_for_line(&[
        " WARN ",
        "security.protocol=SASL_SSL of the worker does not reach the connectors' clients",
        "consumer.security.protocol",
    ]);
    at_work.wait_for_line(&["retrying: ", "it seems to expect TLS at this port"]);
    let (status, log) = at_work.terminate();
    assert!(status.success(), "{status}:\n{log}");
}
