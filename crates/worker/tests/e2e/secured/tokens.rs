//! SASL OAUTHBEARER, with tokens from an endpoint.

use std::time::Duration;

use starrocks_kafka_testbed::broker::secured::{TokenEndpoint, TokenOptions};

use super::stage::{CLIENT_ID, CLIENT_SECRET, stage};
use super::{borrowed, loads, trusting, worker};
use crate::process::keep_secret;

/// A client's entry of the login module, with more options.
pub(super) fn client(secret: &str, options: &str) -> String {
    keep_secret(secret);
    // As it is sent: its Base64 form is kept secret too.
    keep_secret(&format!("{CLIENT_ID}:{secret}"));
    format!(
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId='{CLIENT_ID}' \
         clientSecret='{secret}' scope='kafka'{options};"
    )
}

const HANDLER: &str =
    "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler";

fn keep_tokens(endpoint: &TokenEndpoint) {
    for token in endpoint.tokens() {
        keep_secret(&token);
    }
}

#[test]
fn sasl_ssl_with_tokens_as_in_confluent_cloud() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("oauthbearer");
    let mut consumer = trusting(stage, &rig);
    consumer.extend([
        ("security.protocol", "SASL_SSL".to_owned()),
        ("sasl.mechanism", "OAUTHBEARER".to_owned()),
        ("sasl.login.callback.handler.class", HANDLER.to_owned()),
        ("sasl.oauthbearer.token.endpoint.url", stage.tokens.url()),
        (
            "sasl.jaas.config",
            client(
                CLIENT_SECRET,
                " extension_logicalCluster='lkc-1' extension_identityPoolId='pool-1'",
            ),
        ),
    ]);
    loads(
        &rig,
        &stage.broker.address_of("SASLTLS"),
        &borrowed(&consumer),
    );
    keep_tokens(&stage.tokens);
    let forms = stage.tokens.forms();
    assert!(
        forms
            .iter()
            .all(|form| form == "grant_type=client_credentials&scope=kafka"),
        "{forms:?}"
    );
    assert!(!forms.is_empty());
}

/// Tokens that last for seconds are renewed before they expire, on connections that the broker wants proof
/// of again; the endpoint is one with HTTPS and an authority of its own.
#[test]
fn tokens_are_renewed_before_they_expire() {
    let Some(stage) = stage() else { return };
    let rig = stage.rig("oauth_renewed");
    let certificate = stage.authority.server(&["127.0.0.1"]);
    let endpoint = TokenEndpoint::start(&TokenOptions {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        lifetime: Duration::from_secs(10),
        certificate: Some(&certificate),
    });
    let store = rig.file("idp.pem", stage.authority.pem());
    let trust = format!(
        " ssl.truststore.type=PEM ssl.truststore.location='{}'",
        store.display()
    );
    let (url, jaas) = (endpoint.url(), client(CLIENT_SECRET, &trust));
    let consumer = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "OAUTHBEARER"),
        ("sasl.oauthbearer.token.endpoint.url", url.as_str()),
        ("sasl.jaas.config", jaas.as_str()),
    ];
    let topic = rig.topic(1);
    let connector = rig.connector("oauth-renewed", &topic, &[]);
    let address = stage.broker.address_of("SASLPLAIN");
    let at_work = rig.start_worker(&worker(&address, &consumer).pairs(), &[connector]);
    let mut sent = 0;
    // The first ones have expired by then.
    while endpoint.tokens().len() < 4 {
        rig.produce(&topic, 1, sent, 5);
        sent += 5;
        rig.wait_for_rows(&topic, sent, &at_work);
    }
    rig.produce(&topic, 1, sent, 5);
    rig.wait_for_rows(&topic, sent + 5, &at_work);
    keep_tokens(&endpoint);
    let (status, log) = at_work.terminate();
    assert!(status.success(), "{status}:\n{log}");
    assert!(
        !log.contains("no token") && !log.contains("refuses the token"),
        "{log}"
    );
    rig.check_exactly_once(&topic, &topic, 1, sent + 5);
}
