//! The part of the client table that is about TLS and SASL.
//!
//! Names and Java's defaults are those of Kafka 4.1's `SaslConfigs`, `SslConfigs` and
//! `CommonClientConfigs`, with those that earlier versions had beside them.

use starrocks_kafka_connect::config::{ConfigKey, Kind};

use super::client_table::{ClientProperty, Effect};

/// The property that says how a client speaks to Kafka.
pub(super) const PROTOCOL: &str = "security.protocol";

const LOGIN_HANDLER: &str = "sasl.login.callback.handler.class";

const fn secured(key: ConfigKey, becomes: &'static str) -> ClientProperty {
    ClientProperty {
        key,
        effect: Effect::Secures(becomes),
    }
}

const fn text(name: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::String).optional()
}

const fn password(name: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::Password).optional()
}

const fn list(name: &'static str) -> ConfigKey {
    ConfigKey::new(name, Kind::List).optional()
}

const fn none(name: &'static str, why: &'static str) -> ClientProperty {
    ClientProperty {
        key: text(name),
        effect: Effect::None(why),
    }
}

const fn only(
    name: &'static str,
    allowed: &'static [&'static str],
    way_out: &'static str,
) -> ClientProperty {
    ClientProperty {
        key: text(name),
        effect: Effect::Only(allowed, way_out),
    }
}

const KERBEROS: &str = "it is about Kerberos (GSSAPI), which is not supported; use SCRAM-SHA-512, OAUTHBEARER or a client certificate";
const RENEWAL: &str = "a token is renewed when 80 % of its life are over";
const AGAIN: &str = "a token that could not be had is asked for again after 10 s";
const AT_BROKERS: &str = "it is about what brokers do with tokens";
const ASSERTIONS: &str =
    "signed assertions are not supported; use a client's id and secret, or a token in a file";
const NO_CLASSES: &str = "Java classes cannot be loaded; leave it out";
const JVM: &str = "it chooses a part of a JVM";
const TOKEN: &str = "ours: how a token is asked for";

/// TLS and SASL, of consumers and producers alike.
pub(super) const SECURITY: &[ClientProperty] = &[
    secured(
        text(PROTOCOL)
            .one_of_ignore_case(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
            .default("PLAINTEXT"),
        "`security.protocol`",
    ),
    secured(
        text("sasl.mechanism").doc(
            "`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`. Java's default, `GSSAPI`, is not supported, so it \
             has to be said.",
        ),
        "`sasl.mechanism`",
    ),
    secured(
        password("sasl.jaas.config").doc(
            "One entry in Java's notation, of `PlainLoginModule`, `ScramLoginModule` or `OAuthBearerLoginModule` of \
             `org.apache.kafka.common.security`.",
        ),
        "`sasl.username`, `sasl.password`, or how a token is asked for",
    ),
    secured(
        text(LOGIN_HANDLER).doc(
            "`OAuthBearerLoginCallbackHandler` of `org.apache.kafka.common.security.oauthbearer` or of its `secured`. It need \
             not be said: where there is a token endpoint, it is asked.",
        ),
        TOKEN,
    ),
    secured(
        text("sasl.oauthbearer.token.endpoint.url").doc(
            "Where tokens are asked for by a client's id and secret: `https://` or `http://`. With `file:///…` the token is \
             read from that file.",
        ),
        TOKEN,
    ),
    secured(
        text("sasl.oauthbearer.client.credentials.client.id")
            .doc("In Kafka 4.1 and later; before it was the option `clientId` of sasl.jaas.config."),
        TOKEN,
    ),
    secured(
        password("sasl.oauthbearer.client.credentials.client.secret").doc(
            "In Kafka 4.1 and later; before it was the option `clientSecret` of sasl.jaas.config.",
        ),
        TOKEN,
    ),
    secured(
        text("sasl.oauthbearer.scope")
            .doc("In Kafka 4.1 and later; before it was the option `scope` of sasl.jaas.config."),
        TOKEN,
    ),
    none(
        "sasl.oauthbearer.scope.claim.name",
        "a token's scope is for the broker to look at",
    ),
    secured(
        text("sasl.oauthbearer.sub.claim.name").default("sub"),
        "ours: the claim of a token that names the principal",
    ),
    secured(
        ConfigKey::new("sasl.oauthbearer.header.urlencode", Kind::Boolean).default("false"),
        TOKEN,
    ),
    secured(
        ConfigKey::new("sasl.login.connect.timeout.ms", Kind::Int)
            .between(1, 600_000)
            .default("10000")
            .doc("Java waits without a limit unless it is said."),
        "ours: how long a connection to the token endpoint may take",
    ),
    secured(
        ConfigKey::new("sasl.login.read.timeout.ms", Kind::Int)
            .between(1, 600_000)
            .default("10000")
            .doc("Java waits without a limit unless it is said."),
        "ours: how long the answer of the token endpoint may take",
    ),
    none("sasl.login.retry.backoff.ms", AGAIN),
    none("sasl.login.retry.backoff.max.ms", AGAIN),
    none("sasl.login.refresh.window.factor", RENEWAL),
    none("sasl.login.refresh.window.jitter", RENEWAL),
    none("sasl.login.refresh.min.period.seconds", RENEWAL),
    none("sasl.login.refresh.buffer.seconds", RENEWAL),
    only("sasl.login.class", &[""], NO_CLASSES),
    only("sasl.client.callback.handler.class", &[""], NO_CLASSES),
    only(
        "sasl.oauthbearer.jwt.retriever.class",
        &[
            "",
            "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
            "org.apache.kafka.common.security.oauthbearer.ClientCredentialsJwtRetriever",
            "org.apache.kafka.common.security.oauthbearer.FileJwtRetriever",
        ],
        NO_CLASSES,
    ),
    only(
        "sasl.oauthbearer.jwt.validator.class",
        &[
            "",
            "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
            "org.apache.kafka.common.security.oauthbearer.ClientJwtValidator",
        ],
        NO_CLASSES,
    ),
    only("sasl.oauthbearer.assertion.file", &[""], ASSERTIONS),
    only("sasl.oauthbearer.assertion.private.key.file", &[""], ASSERTIONS),
    only("sasl.oauthbearer.assertion.template.file", &[""], ASSERTIONS),
    none("sasl.oauthbearer.jwks.endpoint.url", AT_BROKERS),
    none("sasl.oauthbearer.jwks.endpoint.refresh.ms", AT_BROKERS),
    none("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", AT_BROKERS),
    none(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
        AT_BROKERS,
    ),
    none("sasl.oauthbearer.expected.audience", AT_BROKERS),
    none("sasl.oauthbearer.expected.issuer", AT_BROKERS),
    none("sasl.oauthbearer.clock.skew.seconds", AT_BROKERS),
    none("sasl.kerberos.service.name", KERBEROS),
    none("sasl.kerberos.kinit.cmd", KERBEROS),
    none("sasl.kerberos.ticket.renew.window.factor", KERBEROS),
    none("sasl.kerberos.ticket.renew.jitter", KERBEROS),
    none("sasl.kerberos.min.time.before.relogin", KERBEROS),
    secured(
        text("ssl.truststore.type").doc("`JKS` where it is not said; `PKCS12` and `PEM` besides."),
        "ours: how the store is read",
    ),
    secured(
        text("ssl.truststore.location")
            .doc("Where neither it nor ssl.truststore.certificates is said, the platform's authorities are trusted."),
        "`ssl.ca.pem`",
    ),
    secured(password("ssl.truststore.password"), "ours: how the store is read"),
    secured(
        password("ssl.truststore.certificates").doc("PEM itself."),
        "`ssl.ca.pem`",
    ),
    secured(
        text("ssl.keystore.type").doc("`JKS` where it is not said; `PKCS12` and `PEM` besides."),
        "ours: how the store is read",
    ),
    secured(
        text("ssl.keystore.location").doc("The first key of the store is used."),
        "`ssl.certificate.pem`, `ssl.key.pem`",
    ),
    secured(password("ssl.keystore.password"), "ours: how the store is read"),
    secured(
        password("ssl.keystore.key").doc("PEM itself, PKCS#8."),
        "`ssl.key.pem`",
    ),
    secured(
        password("ssl.keystore.certificate.chain").doc("PEM itself."),
        "`ssl.certificate.pem`",
    ),
    secured(password("ssl.key.password"), "ours: how the key is read"),
    secured(
        text("ssl.endpoint.identification.algorithm")
            .one_of_ignore_case(&["https", ""])
            .default("https")
            .doc("Empty: the name in the broker's certificate is not looked at."),
        "`ssl.endpoint.identification.algorithm`",
    ),
    secured(
        list("ssl.cipher.suites")
            .doc("Java's names for TLS 1.2; those of TLS 1.3 are all offered."),
        "`ssl.cipher.suites`",
    ),
    secured(
        list("ssl.enabled.protocols")
            .doc("TLSv1.2 and TLSv1.3 are offered, whatever is said; a list without TLSv1.2 is refused."),
        "nothing",
    ),
    only(
        "ssl.protocol",
        &["", "TLS", "TLSv1.2", "TLSv1.3"],
        "TLSv1.2 and TLSv1.3 are offered, nothing older; write TLSv1.3 or leave it out",
    ),
    none("ssl.provider", JVM),
    none("ssl.secure.random.implementation", JVM),
    none("ssl.keymanager.algorithm", JVM),
    none("ssl.trustmanager.algorithm", JVM),
    only("ssl.engine.factory.class", &[""], NO_CLASSES),
];
