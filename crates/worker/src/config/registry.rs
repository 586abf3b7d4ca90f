//! The Schema Registry of a converter: where it stands in a connector's file or in the worker's, and how it is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use starrocks_kafka_connect::config::{Config, ConfigProblem, Given, Secret};
use starrocks_kafka_connect::converter::{
    ConverterConfig, REGISTRY_CLIENT, REGISTRY_URL, is_client_setting,
};
use starrocks_kafka_pipeline::registry::{RegistryAddress, RegistrySettings, RegistryTls};

use super::problem::Notice;
use super::security::{Identity, Jaas, Merged, Said, identity, trust};

const BASIC: &str = "basic.auth.credentials.source";
const BEARER: &str = "bearer.auth.credentials.source";
const USER_INFO: &str = "basic.auth.user.info";
const JAAS: &str = "sasl.jaas.config";
const TLS: &str = "schema.registry.ssl.";
const HEADER: &str = "request.header.";
const HOST_CHECK: &str = "schema.registry.ssl.endpoint.identification.algorithm";

/// The names in the worker's file that are about a registry, beside those of its converters.
pub(super) fn is_about_registry(name: &str) -> bool {
    is_client_setting(name)
}

/// Takes the registry of the worker's file for a converter that names none: that of the worker's converter of the same kind, else
/// `schema.registry.url`, with the client's settings beside it. What the converter says of the client itself stays.
pub(super) fn inherit(converter: &mut ConverterConfig, worker: &Given) -> Option<Notice> {
    if converter.registry_class().is_none() || converter.settings.contains_key(REGISTRY_URL) {
        return None;
    }
    let levels = [format!("{}.", converter.property), String::new()];
    let has_address = |level: &&String| worker.contains_key(&format!("{level}{REGISTRY_URL}"));
    let level = levels.iter().find(has_address)?;
    for (full, value) in worker {
        let name = full.strip_prefix(level.as_str());
        if let Some(name) = name.filter(|name| is_client_setting(name)) {
            let settings = &mut converter.settings;
            settings
                .entry(name.to_owned())
                .or_insert_with(|| value.clone());
        }
    }
    let jaas = worker.get(&format!("{level}{JAAS}"));
    if let (Some(jaas), true) = (jaas, inherits_login(&converter.settings)) {
        let settings = &mut converter.settings;
        settings
            .entry(JAAS.to_owned())
            .or_insert_with(|| jaas.clone());
    }
    let property = &converter.property;
    Some(Notice::info(format!(
        "{property} has no {REGISTRY_URL} of its own: it takes the worker's {level}{REGISTRY_URL}, with the client's settings beside it"
    )))
}

/// Whether the registry's login is that of `sasl.jaas.config`, which is no setting of the client and is taken for this alone.
fn inherits_login(settings: &Given) -> bool {
    [BASIC.to_owned(), format!("schema.registry.{BASIC}")]
        .iter()
        .filter_map(|name| settings.get(name))
        .any(|source| source.trim().eq_ignore_ascii_case("SASL_INHERIT"))
}

/// How the converter's registry is asked; `None` where it has none.
///
/// # Errors
/// All that is wrong, by the properties' full names. What the converter itself refuses is not said again.
pub(super) fn settings(
    converter: &ConverterConfig,
) -> Result<Option<RegistrySettings>, Vec<ConfigProblem>> {
    if converter.registry_class().is_none() {
        return Ok(None);
    }
    let Ok(config) = REGISTRY_CLIENT.parse(&converter.settings) else {
        return Err(Vec::new());
    };
    let reading = Reading {
        converter,
        config: &config,
    };
    let mut problems = Vec::new();
    let mut keep = |problem: ConfigProblem| problems.push(converter_name(converter, &problem));
    let authorization = reading.authorization().map_err(&mut keep).ok().flatten();
    let addresses = reading.addresses(authorization.as_ref()).map_err(&mut keep);
    let tls = reading.tls().map_err(|problem| problems.push(problem));
    if config
        .string("proxy.host")
        .is_some_and(|host| !host.is_empty())
    {
        let problem =
            ConfigProblem::not_yet_supported("proxy.host", "A proxy before the Schema Registry");
        problems.push(converter_name(converter, &problem));
    }
    match (addresses, tls, problems.as_slice()) {
        (Ok(addresses), Ok(tls), []) => Ok(Some(RegistrySettings {
            addresses,
            headers: reading.headers(),
            connect_timeout: milliseconds(&config, "http.connect.timeout.ms"),
            read_timeout: milliseconds(&config, "http.read.timeout.ms"),
            tls,
        })),
        _ => Err(problems),
    }
}

fn milliseconds(config: &Config, name: &str) -> Duration {
    let ms = config.integer(name).and_then(|ms| u64::try_from(ms).ok());
    Duration::from_millis(ms.unwrap_or(60_000))
}

/// A problem with a setting, by the setting's full name.
fn converter_name(converter: &ConverterConfig, problem: &ConfigProblem) -> ConfigProblem {
    problem.below(&format!("{}.", converter.property))
}

struct Reading<'c> {
    converter: &'c ConverterConfig,
    config: &'c Config,
}

impl Reading<'_> {
    /// What every address is shown, where nothing stands in its URL.
    fn authorization(&self) -> Result<Option<Secret>, ConfigProblem> {
        let source = |name| self.config.string(name).unwrap_or_default().to_uppercase();
        let needed = |name: &'static str, source: &str| match self.config.password(name) {
            Some(secret) if !secret.is_empty() => Ok(secret.reveal().to_owned()),
            _ => Err(ConfigProblem::about(
                name,
                format!("Missing configuration {name}: {source} takes its login from there."),
            )),
        };
        match source(BEARER).as_str() {
            "" => {}
            "STATIC_TOKEN" => {
                let token = needed("bearer.auth.token", "STATIC_TOKEN")?;
                return Ok(Some(Secret::new(format!("Bearer {token}"))));
            }
            other => {
                return Err(ConfigProblem::invalid(
                    BEARER,
                    other,
                    "it is not supported; STATIC_TOKEN is, and basic.auth.credentials.source=USER_INFO.",
                ));
            }
        }
        match source(BASIC).as_str() {
            "USER_INFO" => Ok(Some(basic(&needed(USER_INFO, "USER_INFO")?))),
            "SASL_INHERIT" => self.of_sasl().map(Some),
            // `URL`, and what Java does not know either and therefore passes over.
            _ => Ok(None),
        }
    }

    fn of_sasl(&self) -> Result<Secret, ConfigProblem> {
        let wrong = |what: &str| {
            ConfigProblem::about(
                JAAS,
                format!("Invalid value [hidden] for configuration {JAAS}: {what}."),
            )
        };
        let text = self.converter.settings.get(JAAS).ok_or_else(|| {
            ConfigProblem::about(
                JAAS,
                format!("Missing configuration {JAAS}: SASL_INHERIT takes its login from there."),
            )
        })?;
        let jaas = Jaas::parse(text).map_err(|what| wrong(&what))?;
        match (jaas.option("username"), jaas.option("password")) {
            (Some(name), Some(password)) => Ok(basic(&format!("{name}:{password}"))),
            _ => Err(wrong("it has no options username and password")),
        }
    }

    fn addresses(
        &self,
        authorization: Option<&Secret>,
    ) -> Result<Vec<RegistryAddress>, ConfigProblem> {
        let urls = self.config.list(REGISTRY_URL).iter();
        let urls = urls.map(|url| url.trim()).filter(|url| !url.is_empty());
        urls.map(|url| {
            address(url, authorization).map_err(|what| {
                ConfigProblem::invalid(REGISTRY_URL, &without_login(url), &format!("{what}."))
            })
        })
        .collect()
    }

    fn headers(&self) -> Vec<(String, Secret)> {
        let mut headers: Vec<_> = [
            ("bearer.auth.logical.cluster", "target-sr-cluster"),
            ("bearer.auth.identity.pool.id", "Confluent-Identity-Pool-Id"),
        ]
        .into_iter()
        .filter_map(|(property, header)| {
            let value = self.config.string(property)?;
            Some((header.to_owned(), Secret::new(value)))
        })
        .collect();
        let settings = self.converter.settings.iter();
        headers.extend(settings.filter_map(|(name, value)| {
            let name = name.strip_prefix("schema.registry.").unwrap_or(name);
            Some((name.strip_prefix(HEADER)?.to_owned(), Secret::new(value)))
        }));
        headers
    }

    fn tls(&self) -> Result<RegistryTls, ConfigProblem> {
        let prefix = format!("{}.{TLS}", self.converter.property);
        let said: BTreeMap<&'static str, Said> = REGISTRY_CLIENT
            .keys()
            .filter_map(|key| {
                let name = key.name.strip_prefix("schema.registry.")?;
                let value = self.converter.settings.get(key.name)?.clone();
                let full = format!("{}.{}", self.converter.property, key.name);
                name.starts_with("ssl.")
                    .then_some((name, Said { full, value }))
            })
            .collect();
        let prefix = prefix.trim_end_matches("ssl.");
        let given = Merged { said, prefix };
        let authorities = trust(&given).map_err(|wrong| wrong.problem)?;
        let identity = match identity(&given).map_err(|wrong| wrong.problem)? {
            Some(Identity {
                key_password: Some(_),
                ..
            }) => {
                let what = "is encrypted in a way that is not supported here; a PKCS12 file, or a key without a password, is";
                return Err(given.wrong("ssl.keystore.location", what).problem);
            }
            Some(Identity {
                certificates, key, ..
            }) => Some((Secret::new(certificates), Secret::new(key))),
            None => None,
        };
        let any_host = self
            .converter
            .settings
            .get(HOST_CHECK)
            .map(|text| text.trim());
        Ok(RegistryTls {
            authorities,
            identity,
            any_host: any_host == Some(""),
        })
    }
}

fn basic(login: &str) -> Secret {
    Secret::new(format!("Basic {}", STANDARD.encode(login)))
}

/// An address, its login taken out of the URL.
fn address(url: &str, authorization: Option<&Secret>) -> Result<RegistryAddress, String> {
    let (scheme, rest) = url
        .split_once("://")
        .ok_or("it must begin with http:// or https://")?;
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err("it must begin with http:// or https://".to_owned());
    }
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (login, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, authority),
    };
    let url = format!("{scheme}://{host}{}", path.trim_end_matches('/'));
    let is_uri = url.parse::<http::Uri>();
    if host.is_empty() || is_uri.is_err() || path.contains(['?', '#']) {
        return Err("it is no address".to_owned());
    }
    let own = login.map(|login| basic(&decoded(login)));
    Ok(RegistryAddress {
        url,
        authorization: authorization.cloned().or(own),
    })
}

/// What stands percent-encoded in a URL.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let escaped = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (byte, escaped) {
            (b'%', Some(escaped)) => {
                bytes.push(escaped);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A URL as it may be shown.
fn without_login(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://[hidden]@{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests;
