//! Tokens for SASL OAUTHBEARER, got by a client's id and secret as Java's
//! `OAuthBearerLoginCallbackHandler` gets them, or read from a file.
//!
//! librdkafka can ask for tokens only where it is built with libcurl. It is not: it asks us by a callback
//! (`kafka::callbacks`), on a thread of its own that may wait.

mod claims;
mod http;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use starrocks_kafka_connect::config::Secret;

/// Where tokens come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `http://` or `https://`.
    Url(::http::Uri),
    /// A file that holds the token and nothing else.
    File(PathBuf),
}

impl Endpoint {
    /// Reads `sasl.oauthbearer.token.endpoint.url`.
    ///
    /// # Errors
    /// What it should have been.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("file://") {
            return if path.starts_with('/') {
                Ok(Self::File(PathBuf::from(path)))
            } else {
                Err("names no file; write file:///folder/file".to_owned())
            };
        }
        let uri: Option<::http::Uri> = text.parse().ok();
        let known = |uri: &::http::Uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        };
        match uri.filter(known) {
            Some(uri) => Ok(Self::Url(uri)),
            None => Err("is no URL that begins with https://, http:// or file:///".to_owned()),
        }
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A query may have a key in it.
            Self::Url(uri) => write!(
                f,
                "{}://{}{}",
                uri.scheme_str().unwrap_or_default(),
                uri.authority()
                    .map_or("", |authority| authority.as_str())
                    .rsplit('@')
                    .next()
                    .unwrap_or_default(),
                uri.path()
            ),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// How tokens are asked for.
#[derive(Clone)]
pub struct TokenSettings {
    /// Where.
    pub endpoint: Endpoint,
    /// Whose.
    pub client_id: String,
    /// With which secret.
    pub client_secret: Secret,
    /// `scope` of the request; empty: none.
    pub scope: String,
    /// The claim that names the principal.
    pub principal_claim: String,
    /// Whether id and secret are URL-encoded in the header, as RFC 6749 wants and few servers do.
    pub url_encoded: bool,
    /// What is said to the broker beside the token: `logicalCluster`, say.
    pub extensions: BTreeMap<String, String>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long the answer may take.
    pub read_timeout: Duration,
    /// PEM of the authorities to trust; `None`: the platform's.
    pub authorities: Option<String>,
}

impl fmt::Debug for TokenSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSettings")
            .field("endpoint", &self.endpoint.to_string())
            .finish_non_exhaustive()
    }
}

/// A token and what librdkafka wants to know of it.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) value: Secret,
    /// Milliseconds since 1970.
    pub(crate) expires_at_ms: i64,
    pub(crate) principal: String,
    got_at_ms: i64,
}

impl Token {
    /// Whether the greater part of its life is before it. librdkafka renews after 80 % of what was left when it
    /// was given the token.
    fn is_fresh(&self, now_ms: i64) -> bool {
        let life = self.expires_at_ms - self.got_at_ms;
        (now_ms - self.got_at_ms).saturating_mul(2) < life
    }
}

/// The tokens of one connector's clients: they share one while it is fresh.
#[derive(Clone)]
pub struct Tokens(Arc<Shared>);

struct Shared {
    settings: TokenSettings,
    last: Mutex<Option<Token>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.settings.fmt(f)
    }
}

impl PartialEq for Tokens {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Tokens {}

impl Tokens {
    /// None has been asked for yet.
    #[must_use]
    pub fn new(settings: TokenSettings) -> Self {
        Self(Arc::new(Shared {
            settings,
            last: Mutex::default(),
        }))
    }

    pub(crate) fn extensions(&self) -> &BTreeMap<String, String> {
        &self.0.settings.extensions
    }

    /// A token with most of its life before it. Waits for the endpoint, and for others who ask it now.
    ///
    /// # Errors
    /// In one line, without a secret: where it was asked for and why there is none.
    pub(crate) fn get(&self) -> Result<Token, String> {
        let settings = &self.0.settings;
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = now_ms();
        if let Some(token) = last.as_ref().filter(|token| token.is_fresh(now_ms)) {
            return Ok(token.clone());
        }
        let endpoint = &settings.endpoint;
        // A server that repeats what it was sent must not make us tell it.
        let told = |what: String| {
            let secret = settings.client_secret.reveal();
            let hidden = match secret {
                "" => what,
                secret => what.replace(secret, "[hidden]"),
            };
            format!("{endpoint}: {hidden}")
        };
        let value = match endpoint {
            Endpoint::Url(uri) => http::ask(uri, settings).map_err(told)?,
            Endpoint::File(path) => std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(|error| told(format!("cannot be read: {error}")))?,
        };
        let claims = claims::read(&value, &settings.principal_claim).map_err(told)?;
        if claims.expires_at_ms <= now_ms {
            return Err(told(
                "the token has expired already; check the clocks of this host and of the token's issuer".to_owned(),
            ));
        }
        let token = Token {
            value: Secret::new(value),
            expires_at_ms: claims.expires_at_ms,
            principal: claims.principal,
            got_at_ms: now_ms,
        };
        *last = Some(token.clone());
        Ok(token)
    }
}

/// A token's life is told by the clock of the world.
fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_urls_or_files() {
        let check = |text: &str, expect: &str| {
            let got = Endpoint::parse(text).map(|endpoint| endpoint.to_string());
            assert_eq!(got.unwrap_or_else(|what| what), expect, "{text}");
        };
        check("https://idp/oauth2/token", "https://idp/oauth2/token");
        check("http://u:p@idp:8080/t?key=x", "http://idp:8080/t");
        check("file:///run/token", "/run/token");
        check("file://token", "names no file; write file:///folder/file");
        for text in ["idp/token", "ftp://idp/", "https://", ""] {
            check(
                text,
                "is no URL that begins with https://, http:// or file:///",
            );
        }
    }

    fn settings(endpoint: Endpoint) -> TokenSettings {
        TokenSettings {
            endpoint,
            client_id: "id".to_owned(),
            client_secret: Secret::new("hunter2"),
            scope: String::new(),
            principal_claim: "sub".to_owned(),
            url_encoded: false,
            extensions: BTreeMap::new(),
            connect_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            authorities: None,
        }
    }

    /// A token that expires so many seconds from now.
    fn jwt(seconds: i64) -> String {
        use base64::Engine as _;
        let claims = format!(r#"{{"sub":"me","exp":{}}}"#, now_ms() / 1000 + seconds);
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
        format!("e30.{claims}.")
    }

    #[test]
    fn a_token_is_read_from_a_file_and_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        let tokens = Tokens::new(settings(Endpoint::File(path.clone())));
        let missing = tokens.get().err().expect("there is no file");
        assert!(missing.contains("token: cannot be read"), "{missing}");
        std::fs::write(&path, jwt(-1)).expect("a new file");
        let expired = tokens.get().err().expect("it is of no use");
        assert!(
            expired.contains("has expired already; check the clocks"),
            "{expired}"
        );
        std::fs::write(&path, format!("{}\n", jwt(3600))).expect("a new file");
        let first = tokens.get().expect("a good token");
        assert_eq!(first.principal, "me");
        std::fs::remove_file(&path).expect("it is there");
        // Others share it while it is fresh.
        let again = tokens.clone().get().expect("the token that is kept");
        assert!(again.value == first.value);
        assert!(!format!("{tokens:?}").contains("hunter2"));
    }

    #[test]
    fn nobody_at_the_endpoint_is_told_without_the_secret() {
        let endpoint = Endpoint::parse("http://hunter2:x@127.0.0.1:1/token").expect("a URL");
        let why = Tokens::new(settings(endpoint))
            .get()
            .err()
            .expect("nobody is there");
        assert!(
            why.starts_with("http://127.0.0.1:1/token: cannot be asked: "),
            "{why}"
        );
        assert!(!why.contains("hunter2"), "{why}");
    }

    #[test]
    fn a_token_is_shared_for_half_its_life() {
        let token = Token {
            value: Secret::new("x"),
            expires_at_ms: 2_000,
            principal: "p".to_owned(),
            got_at_ms: 1_000,
        };
        let check = |now_ms, expect| assert_eq!(token.is_fresh(now_ms), expect, "{now_ms}");
        check(1_000, true);
        check(1_499, true);
        check(1_500, false);
        check(9_000, false);
    }
}
