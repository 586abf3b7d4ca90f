//! Registries behind TLS.

use starrocks_kafka_connect::config::Secret;
use starrocks_kafka_pipeline::registry::{RegistryClient, RegistrySettings, RegistryTls};
use starrocks_kafka_testbed::broker::secured::{Authority, Certified};
use starrocks_kafka_testbed::schema_registry::{Options, SchemaRegistry, ServerTls};

use crate::{avro, by_id, settings, told};

struct Registries {
    servers: Authority,
    clients: Authority,
}

impl Registries {
    fn start(&self, name: &str, clients: Option<&Authority>) -> SchemaRegistry {
        let server = self.servers.server(&[name]);
        let options = Options {
            tls: Some(ServerTls {
                certificate_pem: server.certificate_pem,
                key_pem: server.key_pem,
                client_authority_pem: clients.map(|clients| clients.pem().to_owned()),
            }),
            ..Options::default()
        };
        let at = SchemaRegistry::start(options).expect("it starts");
        at.put("orders-value", 1, 7, avro(r#""string""#));
        at
    }
}

fn identity(certified: &Certified) -> Option<(Secret, Secret)> {
    let secret = |pem: &str| Secret::new(pem);
    Some((
        secret(&certified.certificate_pem),
        secret(&certified.key_pem),
    ))
}

async fn ask(at: &SchemaRegistry, tls: RegistryTls) -> (&'static str, String) {
    let settings = RegistrySettings {
        tls,
        ..settings(at)
    };
    let client = RegistryClient::new(&settings).expect("settings");
    told(at, &client.schema(&by_id(7)).await)
}

#[tokio::test]
async fn certificates_of_both_sides_are_looked_at() {
    let all = Registries {
        servers: Authority::new("servers"),
        clients: Authority::new("clients"),
    };
    let here = all.start("127.0.0.1", None);
    let elsewhere = all.start("registry.example.com", None);
    let mutual = all.start("127.0.0.1", Some(&all.clients));
    let trusting = |authority: &Authority| RegistryTls {
        authorities: Some(authority.pem().to_owned()),
        ..RegistryTls::default()
    };
    let any_host = |authority: &Authority| RegistryTls {
        any_host: true,
        ..trusting(authority)
    };
    let as_client = |certified: Option<&Certified>| RegistryTls {
        identity: certified.and_then(identity),
        ..trusting(&all.servers)
    };
    let (client, stranger) = (all.clients.client("c"), all.servers.client("s"));
    let check = async |at: &SchemaRegistry, tls, expect: &str, part: &str| {
        let (word, text) = ask(at, tls).await;
        assert_eq!(word, expect, "{text}");
        assert!(text.contains(part), "{text}");
    };
    check(&here, trusting(&all.servers), "schema", "").await;
    check(
        &here,
        trusting(&all.clients),
        "refused",
        "ssl.truststore.location",
    )
    .await;
    check(
        &here,
        RegistryTls::default(),
        "refused",
        "ssl.truststore.location",
    )
    .await;
    check(
        &elsewhere,
        trusting(&all.servers),
        "refused",
        "registry.example.com",
    )
    .await;
    check(&elsewhere, any_host(&all.servers), "schema", "").await;
    check(
        &elsewhere,
        any_host(&all.clients),
        "refused",
        "ssl.truststore.location",
    )
    .await;
    check(&mutual, as_client(Some(&client)), "schema", "").await;
    check(
        &mutual,
        as_client(Some(&stranger)),
        "refused",
        "ssl.keystore.location",
    )
    .await;
    check(&mutual, as_client(None), "refused", "ssl.keystore.location").await;
}

#[test]
fn certificates_that_are_none_are_named() {
    let at = crate::registry(1);
    let check = |tls: RegistryTls, expect: &str| {
        let settings = RegistrySettings {
            tls,
            ..settings(&at)
        };
        let error = RegistryClient::new(&settings).expect_err(expect);
        assert!(error.starts_with(expect), "{error}");
    };
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let authorities = RegistryTls {
        authorities: Some(broken.to_owned()),
        ..RegistryTls::default()
    };
    check(authorities, "an authority: ");
    let certified = Authority::new("clients").client("c");
    let no_key = RegistryTls {
        identity: Some((
            Secret::new(certified.certificate_pem.as_str()),
            Secret::new("none"),
        )),
        ..RegistryTls::default()
    };
    check(no_key, "the client's key: ");
}
