//! Client certificates from stores that Java's own `keytool` has made.

use std::path::Path;

use starrocks_kafka_testbed::broker::secured::keytool;

use super::stage::stage;
use super::{borrowed, loads, trusting};
use crate::process::keep_secret;

const STORE_PASSWORD: &str = "s3cr3t-of-the-store";

fn text(path: &Path) -> &str {
    path.to_str()
        .expect("temporary folders have names in UTF-8")
}

/// The client's key and what it trusts, in stores of this type.
fn mutual_tls(name: &str, kind: &str) {
    let Some(stage) = stage() else { return };
    keep_secret(STORE_PASSWORD);
    let rig = stage.rig(name);
    let authority = rig.file("ca.pem", stage.authority.pem());
    let folder = authority.parent().expect("it lies in a folder");
    let (truststore, keystore) = (folder.join("trust"), folder.join("key"));
    let run = |arguments: &[&str]| keytool(arguments).expect("keytool does what it is asked");
    let store = ["-storetype", kind, "-storepass", STORE_PASSWORD];
    let import = [
        "-importcert",
        "-noprompt",
        "-alias",
        "ca",
        "-file",
        text(&authority),
    ];
    run(&[&import[..], &["-keystore", text(&truststore)], &store].concat());

    // `keytool` reads no PEM keys, so it gets its stores from one of ours.
    let source = folder.join("source");
    std::fs::write(&source, stage.client_pkcs12(STORE_PASSWORD)).expect("the folder takes files");
    let from = [
        "-srckeystore",
        text(&source),
        "-srcstoretype",
        "PKCS12",
        "-srcstorepass",
        STORE_PASSWORD,
    ];
    let to = [
        "-destkeystore",
        text(&keystore),
        "-deststoretype",
        kind,
        "-deststorepass",
        STORE_PASSWORD,
    ];
    run(&[&["-importkeystore", "-noprompt"][..], &from, &to].concat());
    let consumer = [
        ("security.protocol", "SSL"),
        ("ssl.truststore.type", kind),
        ("ssl.truststore.location", text(&truststore)),
        ("ssl.truststore.password", STORE_PASSWORD),
        ("ssl.keystore.type", kind),
        ("ssl.keystore.location", text(&keystore)),
        ("ssl.keystore.password", STORE_PASSWORD),
    ];
    loads(&rig, &stage.broker.address_of("MUTUAL"), &consumer);
}

#[test]
fn a_client_certificate_from_a_jks_store() {
    mutual_tls("mutual_jks", "JKS");
}

#[test]
fn a_client_certificate_from_a_pkcs12_store() {
    mutual_tls("mutual_pkcs12", "PKCS12");
}

#[test]
fn a_client_certificate_from_pem_in_the_properties() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("mutual_pem");
    let in_one_line = |pem: &str| pem.replace('\n', "\\n");
    let mut consumer = trusting(stage, &rig);
    consumer.extend([
        ("security.protocol", "SSL".to_owned()),
        ("ssl.keystore.type", "PEM".to_owned()),
        ("ssl.keystore.key", in_one_line(&stage.client.key_pem)),
        (
            "ssl.keystore.certificate.chain",
            in_one_line(&stage.client.certificate_pem),
        ),
    ]);
    loads(
        &rig,
        &stage.broker.address_of("MUTUAL"),
        &borrowed(&consumer),
    );
}
