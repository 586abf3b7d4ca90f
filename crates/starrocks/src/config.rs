//! What a client is built from.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::address_map::BeAddressMap;
use crate::error::ConfigError;
use crate::frontend::{Frontend, Scheme};

/// A text that is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// What happens when a front end that was asked by HTTPS names a plain HTTP address (`starrocks.http.redirect`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedirectPolicy {
    /// The call fails. The default.
    #[default]
    Refuse,
    /// The address is asked; user name, password and rows cross the network in clear.
    Allow,
}

impl RedirectPolicy {
    /// The property.
    pub const PROPERTY: &'static str = "starrocks.http.redirect";

    /// Reads `refuse` or `allow`.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> Result<RedirectPolicy, ConfigError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "refuse" => Ok(RedirectPolicy::Refuse),
            "allow" => Ok(RedirectPolicy::Allow),
            _ => Err(ConfigError::new(
                RedirectPolicy::PROPERTY,
                format!("`{text}` is not allowed; write `refuse` (the default) or `allow`"),
            )),
        }
    }
}

/// What a [`crate::Client`] is built from.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The front ends of `starrocks.http.url`, at least one.
    pub frontends: Vec<Frontend>,
    /// `starrocks.username`.
    pub user: String,
    /// `starrocks.password`.
    pub password: Secret,
    /// Longest time to make one connection (`connect.timeoutms`).
    pub connect_timeout: Duration,
    /// How addresses that StarRocks names are reached (`starrocks.be.address.map`).
    pub be_address_map: BeAddressMap,
    /// `starrocks.http.redirect`.
    pub redirect: RedirectPolicy,
    /// PEM file with the certificate authorities to trust instead of the platform's.
    pub ca_file: Option<PathBuf>,
    /// How long rows are held back for a node's `100 Continue` before they are sent without it.
    pub continue_timeout: Duration,
}

impl ClientConfig {
    /// A configuration with the defaults: 1 s to connect, no address map, redirects to plain HTTP refused, the
    /// platform's certificate authorities, 3 s to wait for `100 Continue`.
    pub fn new(
        frontends: Vec<Frontend>,
        user: impl Into<String>,
        password: Secret,
    ) -> ClientConfig {
        ClientConfig {
            frontends,
            user: user.into(),
            password,
            connect_timeout: Duration::from_secs(1),
            be_address_map: BeAddressMap::default(),
            redirect: RedirectPolicy::default(),
            ca_file: None,
            continue_timeout: Duration::from_secs(3),
        }
    }

    /// Whether any address is asked by HTTPS.
    pub(crate) fn uses_https(&self) -> bool {
        self.frontends
            .iter()
            .any(|frontend| frontend.scheme == Scheme::Https)
            || self.be_address_map.uses_https()
    }
}
