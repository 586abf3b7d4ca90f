//! One request for a token: the client-credentials grant of RFC 6749, section 4.4, as Java's
//! `HttpAccessTokenRetriever` sends it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use ::http::{HeaderValue, Method, Request, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::TokenSettings;

/// More of an answer is not read; Java reads without a limit.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How much of a refusal is shown.
const REFUSAL_CHARS: usize = 200;

/// Asks for a token, on this thread.
///
/// # Errors
/// Why there is none, in one line and without a secret.
pub(super) fn ask(uri: &Uri, settings: &TokenSettings) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime for the request: {error}"))?;
    let limit = settings.connect_timeout + settings.read_timeout;
    runtime.block_on(async {
        tokio::time::timeout(limit, exchange(uri, settings))
            .await
            .unwrap_or_else(|_| {
                Err(format!(
                    "no answer within {} ms (sasl.login.connect.timeout.ms, sasl.login.read.timeout.ms)",
                    limit.as_millis()
                ))
            })
    })
}

async fn exchange(uri: &Uri, settings: &TokenSettings) -> Result<String, String> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(settings.connect_timeout));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls_config(uri, settings)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .pool_idle_timeout(Duration::ZERO)
        .build(https);
    let answer = client.request(request(uri, settings)?).await.map_err(|error| {
        let hint = if chain(&error).contains("certificate") {
            "; the option ssl.truststore.location of sasl.jaas.config names the authorities to trust there"
        } else {
            ""
        };
        format!("cannot be asked: {}{hint}", chain(&error))
    })?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await
        .map_err(|error| format!("the answer broke off: {error}"))?
        .to_bytes();
    if status != StatusCode::OK && status != StatusCode::CREATED {
        return Err(refusal(status, &body));
    }
    token_of(&body).ok_or_else(|| {
        "the answer has no access_token; sasl.oauthbearer.token.endpoint.url must be the endpoint for tokens".to_owned()
    })
}

fn request(uri: &Uri, settings: &TokenSettings) -> Result<Request<Full<Bytes>>, String> {
    let mut form = "grant_type=client_credentials".to_owned();
    if !settings.scope.is_empty() {
        form.push_str("&scope=");
        form.push_str(&url_encode(&settings.scope));
    }
    let (id, secret) = (&settings.client_id, settings.client_secret.reveal());
    let credentials = if settings.url_encoded {
        format!("{}:{}", url_encode(id), url_encode(secret))
    } else {
        format!("{id}:{secret}")
    };
    let basic = format!("Basic {}", STANDARD.encode(credentials));
    let mut authorization = HeaderValue::from_str(&basic).expect("Base64 is ASCII");
    authorization.set_sensitive(true);
    Request::builder()
        .method(Method::POST)
        .uri(uri.clone())
        .header(AUTHORIZATION, authorization)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(
            USER_AGENT,
            concat!("starrocks-kafka/", env!("CARGO_PKG_VERSION")),
        )
        .body(Full::new(Bytes::from(form)))
        .map_err(|error| format!("not an address: {error}"))
}

/// As `java.net.URLEncoder`.
fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn tls_config(uri: &Uri, settings: &TokenSettings) -> Result<rustls::ClientConfig, String> {
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .map_err(|error| format!("TLS: {error}"))?;
    let mut roots = rustls::RootCertStore::empty();
    match &settings.authorities {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate =
                    certificate.map_err(|error| format!("its trust store: {error}"))?;
                roots
                    .add(certificate)
                    .map_err(|error| format!("its trust store: {error}"))?;
            }
        }
        None if uri.scheme_str() == Some("https") => {
            let builder = builder.with_native_roots().map_err(|error| {
                format!("HTTPS needs the platform's certificate authorities: {error}")
            })?;
            return Ok(builder.with_no_client_auth());
        }
        None => {}
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// What a server that refuses says: its error and description where it says them as RFC 6749 wants.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| json.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let said = match (field("error"), field("error_description")) {
        (Some(error), Some(description)) => format!(": {error}, {description}"),
        (Some(error), None) => format!(": {error}"),
        _ => String::new(),
    };
    let said: String = said
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(REFUSAL_CHARS)
        .collect();
    let hint = match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "; check clientId, clientSecret and scope of sasl.jaas.config"
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            "; check sasl.oauthbearer.token.endpoint.url"
        }
        _ => "",
    };
    format!("HTTP {}{said}{hint}", status.as_u16())
}

/// `access_token`, or the `id_token` that Java takes in its place.
fn token_of(body: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let field = |name: &str| {
        let text = json.get(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    field("access_token").or_else(|| field("id_token"))
}

/// An error with its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_encoded_as_java_encodes_them() {
        let check = |text: &str, expect: &str| assert_eq!(url_encode(text), expect);
        check("aZ09.-*_", "aZ09.-*_");
        check("api://x/.default y", "api%3A%2F%2Fx%2F.default+y");
        check("ä~", "%C3%A4%7E");
    }

    #[test]
    fn refusals_are_told_in_one_line() {
        let check = |status: u16, body: &str, expect: &str| {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(refusal(status, body.as_bytes()), expect, "{body}");
        };
        check(
            401,
            r#"{"error":"invalid_client","error_description":"Bad\nsecret"}"#,
            "HTTP 401: invalid_client, Bad secret; check clientId, clientSecret and scope of sasl.jaas.config",
        );
        check(
            400,
            r#"{"error":"invalid_scope"}"#,
            "HTTP 400: invalid_scope; check clientId, clientSecret and scope of sasl.jaas.config",
        );
        check(
            404,
            "<html>",
            "HTTP 404; check sasl.oauthbearer.token.endpoint.url",
        );
        check(503, "", "HTTP 503");
    }

    #[test]
    fn tokens_are_found_in_answers() {
        let check = |body: &str, expect: Option<&str>| {
            assert_eq!(token_of(body.as_bytes()).as_deref(), expect, "{body}");
        };
        check(r#"{"access_token":"a.b.c","id_token":"x"}"#, Some("a.b.c"));
        check(r#"{"id_token":" x "}"#, Some("x"));
        check(r#"{"access_token":""}"#, None);
        check("<html>", None);
    }
}
