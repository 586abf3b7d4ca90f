//! TLS and SASL of a client: from what Java's properties say together to what librdkafka gets.
//!
//! Key stores, trust stores and keys are read here, before any connection is made, and handed over as PEM, so
//! that a file that is not what it is said to be is refused at the start.

mod ciphers;
mod contents;
mod jaas;
mod jks;
mod merged;
mod pem;
mod stores;

use std::collections::BTreeMap;
use std::time::Duration;

use starrocks_kafka_connect::config::Secret;

pub(super) use jaas::Jaas;
pub(super) use merged::{Merged, Said, Wrong};
pub(super) use stores::{Identity, identity, trust};

use super::security_table::PROTOCOL;
use crate::oauth::{Endpoint, TokenSettings};

/// What secures a client. It has no `Debug`, for it has passwords and keys.
#[derive(Clone, Default)]
pub(super) struct Security {
    /// librdkafka's properties.
    pub(super) properties: BTreeMap<String, String>,
    /// How tokens are asked for, where the mechanism is OAUTHBEARER.
    pub(super) tokens: Option<TokenSettings>,
}

const MECHANISM: &str = "sasl.mechanism";
const JAAS: &str = "sasl.jaas.config";
const HANDLER: &str = "sasl.login.callback.handler.class";
const URL: &str = "sasl.oauthbearer.token.endpoint.url";
const ID: &str = "sasl.oauthbearer.client.credentials.client.id";
const SECRET: &str = "sasl.oauthbearer.client.credentials.client.secret";
const SCOPE: &str = "sasl.oauthbearer.scope";

const PLAIN_MODULE: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM_MODULE: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";
const OAUTH_MODULE: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";
const OAUTH_HANDLERS: &[&str] = &[
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
    "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
];

/// Whether a client speaks plainly to its brokers.
pub(super) fn is_plain(given: &Merged<'_>) -> bool {
    protocol(given) == "plaintext"
}

/// Whether a login is described that the protocol does not ask for.
pub(super) fn is_login_unused(given: &Merged<'_>) -> bool {
    is_plain(given)
        && [JAAS, MECHANISM]
            .iter()
            .any(|name| given.get(name).is_some())
}

fn protocol(given: &Merged<'_>) -> String {
    given
        .get(PROTOCOL)
        .unwrap_or("PLAINTEXT")
        .to_ascii_lowercase()
}

/// What the properties mean, and everything that is wrong with them. What the protocol does not use is not
/// looked at, as in Java.
pub(super) fn resolve(given: &Merged<'_>) -> (Security, Vec<Wrong>) {
    let protocol = protocol(given);
    let mut security = Security::default();
    let mut wrong = Vec::new();
    if protocol == "plaintext" {
        return (security, wrong);
    }
    security.set("security.protocol", &protocol);
    if protocol.ends_with("ssl") {
        wrong.extend(security.tls(given));
    }
    if protocol.starts_with("sasl") {
        wrong.extend(security.sasl(given).err());
    }
    (security, wrong)
}

impl Security {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.properties.insert(name.to_owned(), value.into());
    }

    fn tls(&mut self, given: &Merged<'_>) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        match stores::trust(given) {
            Ok(Some(pem)) => self.set("ssl.ca.pem", pem),
            Ok(None) => match stores::platform() {
                Some(pem) => self.set("ssl.ca.pem", pem),
                None => wrong.push(given.missing(
                    "ssl.truststore.location",
                    "this system has no certificate authorities of its own (Debian: package ca-certificates)",
                )),
            },
            Err(found) => wrong.push(found),
        }
        match stores::identity(given) {
            Ok(Some(identity)) => {
                self.set("ssl.certificate.pem", identity.certificates);
                self.set("ssl.key.pem", identity.key);
                if let Some(password) = identity.key_password {
                    self.set("ssl.key.password", password);
                }
            }
            Ok(None) => {}
            Err(found) => wrong.push(found),
        }
        let check = given.get_raw("ssl.endpoint.identification.algorithm");
        let check = if check == Some("") { "none" } else { "https" };
        self.set("ssl.endpoint.identification.algorithm", check);
        let protocols = given.get("ssl.enabled.protocols");
        if protocols.is_some_and(|list| !list.split(',').any(|one| one.trim() == "TLSv1.2")) {
            let what = "leaves out TLSv1.2, which is always offered beside TLSv1.3; allow it, and leave TLSv1.2 out at the \
                        broker's listener";
            wrong.push(given.wrong("ssl.enabled.protocols", what));
        }
        match given.get("ssl.cipher.suites").map(ciphers::translate) {
            Some(Ok(Some(suites))) => self.set("ssl.cipher.suites", suites),
            Some(Err(what)) => wrong.push(given.wrong("ssl.cipher.suites", &what)),
            Some(Ok(None)) | None => {}
        }
        wrong
    }

    fn sasl(&mut self, given: &Merged<'_>) -> Result<(), Wrong> {
        let mechanism = mechanism(given)?;
        self.set(MECHANISM, mechanism);
        let jaas = match given.get(JAAS) {
            Some(text) => Jaas::parse(text).map_err(|what| hidden(given, JAAS, &what))?,
            None if mechanism == "OAUTHBEARER" => Jaas::default(),
            None => {
                return Err(given.missing(JAAS, &format!("sasl.mechanism={mechanism} needs it")));
            }
        };
        let suits: &[&str] = if mechanism == "OAUTHBEARER" {
            &[OAUTH_MODULE]
        } else {
            &[PLAIN_MODULE, SCRAM_MODULE]
        };
        if given.get(JAAS).is_some() && !suits.contains(&jaas.module.as_str()) {
            let what = format!(
                "the login module of sasl.mechanism={mechanism} is {}",
                if mechanism.starts_with("SCRAM") {
                    SCRAM_MODULE
                } else {
                    suits[0]
                }
            );
            return Err(hidden(given, JAAS, &what));
        }
        if mechanism == "OAUTHBEARER" {
            self.tokens = Some(tokens(given, &jaas)?);
            return Ok(());
        }
        if jaas
            .option("tokenauth")
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
        {
            let what = "delegation tokens (tokenauth) are not supported; use the user's own name and password";
            return Err(hidden(given, JAAS, what));
        }
        for (option, name) in [("username", "sasl.username"), ("password", "sasl.password")] {
            match jaas.option(option) {
                Some(value) => self.set(name, value),
                None => {
                    let what = format!("it has no option {option}");
                    return Err(hidden(given, JAAS, &what));
                }
            }
        }
        Ok(())
    }
}

fn mechanism(given: &Merged<'_>) -> Result<&'static str, Wrong> {
    const KNOWN: &[&str] = &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];
    let Some(said) = given.get(MECHANISM) else {
        let why = "Java's default GSSAPI (Kerberos) is not supported; set PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER";
        return Err(given.missing(MECHANISM, why));
    };
    let known = KNOWN.iter().find(|known| **known == said);
    known.copied().ok_or_else(|| {
        let way_out = match said {
            "GSSAPI" => " (Kerberos); use SCRAM-SHA-512, OAUTHBEARER or a client certificate",
            "AWS_MSK_IAM" => {
                "; let the MSK cluster take SASL/SCRAM or client certificates too, and use these"
            }
            _ => "; known are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER",
        };
        given.wrong(MECHANISM, &format!("is not supported{way_out}"))
    })
}

/// What is wrong with a property of which nothing is shown.
fn hidden(given: &Merged<'_>, name: &str, what: &str) -> Wrong {
    let mut wrong = given.wrong(name, "");
    let full = given.full(name);
    wrong.problem.message = format!("Invalid value [hidden] for configuration {full}: {what}.");
    wrong
}

/// How tokens are asked for.
fn tokens(given: &Merged<'_>, jaas: &Jaas) -> Result<TokenSettings, Wrong> {
    if let Some(handler) = given.get(HANDLER)
        && !OAUTH_HANDLERS.contains(&handler)
    {
        let what = format!("is not known; known is {}", OAUTH_HANDLERS[0]);
        return Err(given.wrong(HANDLER, &what));
    }
    let Some(url) = given.get(URL) else {
        return Err(given.missing(URL, "sasl.mechanism=OAUTHBEARER asks there for its tokens"));
    };
    let endpoint = Endpoint::parse(url).map_err(|what| given.wrong(URL, &what))?;
    let said = |name: &'static str, option: &str| given.get(name).or(jaas.option(option));
    let needed = |name: &'static str, option: &str| match said(name, option) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ if endpoint.is_file() => Ok(String::new()),
        _ => Err(given.missing(
            JAAS,
            &format!("it has no option {option}, and {name} is not set either"),
        )),
    };
    let (client_id, client_secret) = (needed(ID, "clientId")?, needed(SECRET, "clientSecret")?);
    let extensions = jaas.options.iter().filter_map(|(name, value)| {
        Some((name.strip_prefix("extension_")?.to_owned(), value.clone()))
    });
    let ms = |name: &str| {
        let ms = given.get(name).and_then(|text| text.parse().ok());
        Duration::from_millis(ms.unwrap_or(10_000))
    };
    Ok(TokenSettings {
        client_id,
        client_secret: Secret::new(client_secret),
        scope: said(SCOPE, "scope").unwrap_or_default().to_owned(),
        principal_claim: given
            .get("sasl.oauthbearer.sub.claim.name")
            .unwrap_or("sub")
            .to_owned(),
        url_encoded: given.get("sasl.oauthbearer.header.urlencode") == Some("true"),
        extensions: extensions.collect(),
        connect_timeout: ms("sasl.login.connect.timeout.ms"),
        read_timeout: ms("sasl.login.read.timeout.ms"),
        authorities: endpoint_authorities(given, jaas)?,
        endpoint,
    })
}

/// The authorities that the token endpoint's certificate is checked with: Java reads the trust store's
/// properties from the options of the login module, not from the client's.
fn endpoint_authorities(given: &Merged<'_>, jaas: &Jaas) -> Result<Option<String>, Wrong> {
    const TRUST: &[&str] = &[
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.type",
        "ssl.truststore.certificates",
    ];
    if let Some(name) = jaas
        .options
        .keys()
        .find(|name| name.starts_with("ssl.keystore."))
    {
        let what = format!(
            "its option {name} is not supported: a token endpoint is not shown a client certificate"
        );
        return Err(hidden(given, JAAS, &what));
    }
    let full = given.full(JAAS);
    let said = TRUST.iter().filter_map(|name| {
        let value = jaas.option(name)?.to_owned();
        Some((
            *name,
            Said {
                full: format!("{full}, option {name}"),
                value,
            },
        ))
    });
    let options = Merged {
        said: said.collect(),
        prefix: given.prefix,
    };
    stores::trust(&options)
}

#[cfg(test)]
mod tests;
