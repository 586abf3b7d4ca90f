//! One broker with a listener for each way of securing it, good and bad, shared by all tests.

use std::sync::OnceLock;
use std::time::Duration;

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use starrocks_kafka_testbed::StandInOptions;
use starrocks_kafka_testbed::broker::secured::{Authority, Certified, TokenEndpoint, TokenOptions};
use starrocks_kafka_testbed::broker::{self, Broker, BrokerOptions, Listener, Protocol};

use crate::process::keep_secret;
use crate::rig::Rig;

pub(crate) const USER: &str = "orders-loader";
/// With all that needs care in a file of Java's: none of it may be lost, and none of it said.
pub(crate) const PASSWORD: &str = "s3cr3t;of=the'loader";
pub(crate) const CLIENT_ID: &str = "loader-client";
pub(crate) const CLIENT_SECRET: &str = "s3cr3t-of-the-client";

/// A broker and all that its clients may need.
pub(crate) struct Stage {
    pub(crate) broker: Broker,
    /// Signs what is good.
    pub(crate) authority: Authority,
    /// Nobody trusts it.
    pub(crate) stranger: Authority,
    /// For the listener that wants one.
    pub(crate) client: Certified,
    /// Gives tokens that last for minutes.
    pub(crate) tokens: TokenEndpoint,
}

/// The stage of this process; `None` where no broker can be had here, which was said.
pub(crate) fn stage() -> Option<&'static Stage> {
    static STAGE: OnceLock<Option<Stage>> = OnceLock::new();
    STAGE.get_or_init(set).as_ref()
}

fn set() -> Option<Stage> {
    const MECHANISMS: &[&str] = &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];
    let authority = Authority::new("test authority");
    let good = authority.server(&["127.0.0.1", "localhost"]);
    let client = authority.client("orders-loader");
    let expired = authority.expired_server(&["127.0.0.1"]);
    let elsewhere = authority.server(&["kafka.example.com"]);
    let users = [(USER, PASSWORD)];
    let options = BrokerOptions {
        listeners: vec![
            Listener::new("TLS", Protocol::Ssl).certificate(&good),
            Listener::new("MUTUAL", Protocol::Ssl)
                .certificate(&good)
                .client_authority(authority.pem()),
            Listener::new("SASLTLS", Protocol::SaslSsl)
                .certificate(&good)
                .sasl(MECHANISMS, &users),
            Listener::new("SASLPLAIN", Protocol::SaslPlaintext)
                .sasl(MECHANISMS, &users)
                // So that a token is needed anew while the test runs.
                .with("oauthbearer.connections.max.reauth.ms", 3_600_000),
            Listener::new("SCRAMONLY", Protocol::SaslPlaintext).sasl(&["SCRAM-SHA-512"], &[]),
            Listener::new("EXPIRED", Protocol::Ssl).certificate(&expired),
            Listener::new("ELSEWHERE", Protocol::Ssl).certificate(&elsewhere),
        ],
        scram_users: vec![(USER.to_owned(), PASSWORD.to_owned())],
        ..BrokerOptions::default()
    };
    let broker = broker::start_or_skip(options)?;
    for secret in [PASSWORD, CLIENT_SECRET, &client.key_pem] {
        keep_secret(secret);
    }
    let tokens = TokenEndpoint::start(&TokenOptions {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        lifetime: Duration::from_secs(600),
        certificate: None,
    });
    Some(Stage {
        broker,
        authority,
        stranger: Authority::new("authority of nobody"),
        client,
        tokens,
    })
}

impl Stage {
    /// A rig of a test's own beside the shared broker. Topics are made, and records written, at the broker's plain
    /// listener.
    pub(crate) fn rig(&'static self, name: &str) -> Rig {
        Rig::on(&self.broker, name, StandInOptions::default())
    }

    /// The client's key and certificate as a PKCS12 store.
    pub(crate) fn client_pkcs12(&self, password: &str) -> Vec<u8> {
        let key = PrivateKey::from_der(&self.client.key_der).expect("a key");
        let certificate =
            Certificate::from_der(&self.client.certificate_der).expect("a certificate");
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new("id", key, [certificate]);
        store.add_entry("loader", KeyStoreEntry::PrivateKeyChain(chain));
        store.writer(password).write().expect("a store")
    }
}
