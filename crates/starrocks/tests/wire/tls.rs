//! HTTPS to the front end.

use std::path::PathBuf;
use std::sync::Arc;

use starrocks_kafka_starrocks::{BeAddressMap, Client, ClientConfig, RedirectPolicy};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::node::Act::{Body, Continue, Fe, Json, Redirect};
use crate::node::Node;
use crate::{LIMIT, PASSWORD, config, expect_error, json_headers, rows, transaction};

const OK: &str = r#"{"Status":"OK","Message":""}"#;

/// A certificate authority of its own, and a server certificate by it.
struct Authority {
    directory: tempfile::TempDir,
    acceptor: TlsAcceptor,
}

impl Authority {
    fn new() -> Authority {
        let ca_key = rcgen::KeyPair::generate().expect("a key");
        let mut ca = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca_certificate = ca.self_signed(&ca_key).expect("a certificate");
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let server = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        let certificate = server.signed_by(&key, &issuer).expect("a certificate");

        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("ca.pem"), ca_certificate.pem())
            .expect("a writable directory");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider's own versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a key that fits its certificate");
        Authority {
            directory,
            acceptor: TlsAcceptor::from(Arc::new(server)),
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    fn config(&self, node: &Node) -> ClientConfig {
        let mut config = config(&format!("https://{}", node.authority()));
        config.ca_file = Some(self.file());
        config
    }
}

#[tokio::test]
async fn a_front_end_by_https() {
    let authority = Authority::new();
    let fe = Node::start_tls(authority.acceptor.clone()).await;
    fe.on([Fe(OK)]);
    let client = Client::new(authority.config(&fe)).expect("a valid configuration");
    client
        .commit(&transaction("l1"), LIMIT)
        .await
        .expect("commit");
    assert_eq!(fe.lines(), ["POST /api/transaction/commit"]);
}

#[tokio::test]
async fn rows_and_password_do_not_leave_in_clear_unless_allowed() {
    let authority = Authority::new();
    let (fe, be) = (
        Node::start_tls(authority.acceptor.clone()).await,
        Node::start().await,
    );
    let (t, headers) = (transaction("l1"), json_headers());

    fe.on([Redirect(be.url("/api/transaction/load"))]);
    let client = Client::new(authority.config(&fe)).expect("a valid configuration");
    expect_error(
        client.load(&t, &headers, rows(&["[1]"]), LIMIT).await,
        "Permanent RedirectRefused: ",
        &[
            "would cross the network in clear",
            "starrocks.http.redirect=allow",
            "starrocks.be.address.map",
        ],
    );
    let url = be.url("/api/_load_error_log?file=x");
    expect_error(
        client.error_log(&url, 10, LIMIT).await,
        "Permanent RedirectRefused: ",
        &["starrocks.http.redirect"],
    );
    assert!(be.lines().is_empty(), "nothing was sent");

    fe.on([Redirect(be.url("/api/transaction/load"))]);
    be.on([Continue, Body, Json(OK)]);
    let mut config = authority.config(&fe);
    config.redirect = RedirectPolicy::Allow;
    let client = Client::new(config).expect("a valid configuration");
    client
        .load(&t, &headers, rows(&["[1]"]), LIMIT)
        .await
        .expect("allowed");
    assert_eq!(be.seen().remove(0).body, b"[1]");
}

#[tokio::test]
async fn a_back_end_by_https_through_the_address_map() {
    let authority = Authority::new();
    let fe = Node::start_tls(authority.acceptor.clone()).await;
    let be = Node::start_tls(authority.acceptor.clone()).await;
    fe.on([Redirect("http://be1:8040/api/transaction/load".to_owned())]);
    be.on([Continue, Body, Json(OK)]);
    let mut config = authority.config(&fe);
    config.be_address_map =
        BeAddressMap::parse(&format!("be1:8040=https://{}", be.authority())).expect("a valid map");
    let client = Client::new(config).expect("a valid configuration");
    client
        .load(&transaction("l1"), &json_headers(), rows(&["[1]"]), LIMIT)
        .await
        .expect("load");
    assert_eq!(be.seen().remove(0).body, b"[1]");
}

#[tokio::test]
async fn a_front_end_that_nobody_vouches_for_hears_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let fe = Node::start_tls(authority.acceptor.clone()).await;
    let client = Client::new(stranger.config(&fe)).expect("a valid configuration");
    expect_error(
        client.commit(&transaction("l1"), LIMIT).await,
        "NotSent Unreachable: ",
        &["no front end can be reached", "certificate"],
    );
    assert!(fe.lines().is_empty());
}

#[test]
fn authorities_that_cannot_be_used() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("empty.pem"), "").expect("a writable directory");
    std::fs::write(
        path("broken.pem"),
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
    )
    .expect("a writable directory");
    for (name, expect) in [
        ("absent.pem", "cannot be read"),
        ("empty.pem", "has no certificate"),
        ("broken.pem", "is not a PEM file"),
    ] {
        let mut config = config("https://fe:8443");
        config.ca_file = Some(path(name));
        let error = Client::new(config).expect_err("not usable").to_string();
        assert!(error.contains(expect) && error.contains(name), "{error}");
    }
    let shown = format!("{:?}", Client::new(config("fe:8030")).expect("valid"));
    assert!(
        !shown.contains(PASSWORD) && !shown.contains("bG9hZGVy"),
        "{shown}"
    );
}
