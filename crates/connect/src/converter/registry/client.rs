//! The settings of the Schema Registry's client, which stand among a converter's own.

use crate::config::{Config, ConfigDef, ConfigKey, ConfigProblem, Importance, Kind};

const GROUP: &str = "Schema Registry client";

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> ConfigKey {
    ConfigKey::new(name, kind)
        .optional()
        .importance(Importance::Low)
        .group(GROUP)
        .doc(doc)
}

/// The keys. As in Java each may also be written with `schema.registry.` in front; those of TLS must.
pub(in crate::converter) const KEYS: &[ConfigKey] = &[
    key(
        "basic.auth.credentials.source",
        Kind::String,
        "Where name and password come from: `URL` (`https://name:password@host`, also where nothing is said), `USER_INFO`, \
         `SASL_INHERIT` (the converter's `sasl.jaas.config`).",
    )
    .aliases(&["schema.registry.basic.auth.credentials.source"])
    .importance(Importance::Medium),
    key(
        "basic.auth.user.info",
        Kind::Password,
        "With `USER_INFO`: `name:password`.",
    )
    .aliases(&["schema.registry.basic.auth.user.info"])
    .importance(Importance::Medium),
    key(
        "bearer.auth.credentials.source",
        Kind::String,
        "`STATIC_TOKEN`: each request shows `bearer.auth.token`. Other sources are not supported.",
    )
    .aliases(&["schema.registry.bearer.auth.credentials.source"])
    .importance(Importance::Medium),
    key("bearer.auth.token", Kind::Password, "With `STATIC_TOKEN`: the token.")
        .aliases(&["schema.registry.bearer.auth.token"])
        .importance(Importance::Medium),
    key(
        "bearer.auth.logical.cluster",
        Kind::String,
        "Sent as `target-sr-cluster`, as Confluent Cloud wants it beside a token.",
    )
    .aliases(&["schema.registry.bearer.auth.logical.cluster"]),
    key(
        "bearer.auth.identity.pool.id",
        Kind::String,
        "Sent as `Confluent-Identity-Pool-Id`, as Confluent Cloud wants it beside a token.",
    )
    .aliases(&["schema.registry.bearer.auth.identity.pool.id"]),
    key(
        "http.connect.timeout.ms",
        Kind::Int,
        "How long making a connection may take, in milliseconds.",
    )
    .default("60000")
    .at_least(1)
    .aliases(&["schema.registry.http.connect.timeout.ms"]),
    key(
        "http.read.timeout.ms",
        Kind::Int,
        "How long an answer may take, in milliseconds.",
    )
    .default("60000")
    .at_least(1)
    .aliases(&["schema.registry.http.read.timeout.ms"]),
    key(
        "proxy.host",
        Kind::String,
        "A proxy on the way to the registry; not supported, and refused where it is set.",
    )
    .aliases(&["schema.registry.proxy.host"]),
    key(
        "schema.registry.ssl.truststore.location",
        Kind::String,
        "The authorities to trust, as a file; the system's where neither it nor the next is set.",
    )
    .importance(Importance::Medium),
    key(
        "schema.registry.ssl.truststore.certificates",
        Kind::Password,
        "The same, in PEM, in the property itself.",
    ),
    key(
        "schema.registry.ssl.truststore.password",
        Kind::Password,
        "The password of that file.",
    ),
    key(
        "schema.registry.ssl.truststore.type",
        Kind::String,
        "`JKS`, `PKCS12` or `PEM`.",
    ),
    key(
        "schema.registry.ssl.keystore.location",
        Kind::String,
        "The client's certificate and key, as a file.",
    )
    .importance(Importance::Medium),
    key(
        "schema.registry.ssl.keystore.certificate.chain",
        Kind::Password,
        "The client's certificate and those that sign it, in PEM, in the property itself.",
    ),
    key(
        "schema.registry.ssl.keystore.key",
        Kind::Password,
        "The client's key, in PEM, in the property itself.",
    ),
    key(
        "schema.registry.ssl.keystore.password",
        Kind::Password,
        "The password of the file.",
    ),
    key("schema.registry.ssl.keystore.type", Kind::String, "`JKS`, `PKCS12` or `PEM`."),
    key("schema.registry.ssl.key.password", Kind::Password, "The password of the key."),
    key(
        "schema.registry.ssl.endpoint.identification.algorithm",
        Kind::String,
        "Empty: the name in the registry's certificate is not compared with its host. Java's client compares them only where \
         `https` is said; here they are compared unless this is empty.",
    ),
];

/// The client's settings and the address of the registry.
pub const REGISTRY_CLIENT: ConfigDef = ConfigDef::new(&[super::settings::ADDRESS, KEYS], &[]);

/// Whether a setting is the client's, and not the converter's.
#[must_use]
pub fn is_client_setting(name: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "schema.registry.",
        "basic.auth.",
        "bearer.auth.",
        "request.header.",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || KEYS.iter().any(|key| key.name == name)
}

/// What is wrong with the client's settings together.
pub(super) fn check(settings: &Config) -> Result<(), ConfigProblem> {
    let is_set = |name| settings.string(name).is_some_and(|text| !text.is_empty());
    let (basic, bearer) = (
        "basic.auth.credentials.source",
        "bearer.auth.credentials.source",
    );
    if is_set(basic) && is_set(bearer) {
        let message = format!("Only one of '{basic}' and '{bearer}' may be specified");
        return Err(ConfigProblem::about(bearer, message));
    }
    Ok(())
}
