//! One request to one node. Knows HTTP, TLS, connections and deadlines; nothing of what the answers mean.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{HttpConnector, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::time::Instant;

use crate::body::{Gate, GatedBody};
use crate::config::ClientConfig;
use crate::error::ConfigError;
use crate::frontend::Frontend;

/// Connections that are idle longer are closed by us, so that we seldom meet one that the node is about to close.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// Idle connections kept for each node.
const IDLE_PER_NODE_MAX: usize = 8;

/// A request as one node is asked.
#[derive(Debug)]
pub(crate) struct Hop<'a> {
    pub(crate) method: Method,
    pub(crate) address: &'a Frontend,
    pub(crate) path_and_query: &'a str,
    pub(crate) headers: HeaderMap,
    /// The rows; held back until the node asks for them.
    pub(crate) parts: Vec<Bytes>,
    /// More of an answer than this is not read.
    pub(crate) answer_bytes_max: usize,
    pub(crate) deadline: Instant,
}

/// What a node answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Bytes,
    /// Whether all rows were handed over before the answer was complete; true where there were none.
    pub(crate) rows_sent: bool,
}

impl Reply {
    /// 307 and 308 say that the same request goes elsewhere.
    pub(crate) fn is_redirect(&self) -> bool {
        self.status == StatusCode::TEMPORARY_REDIRECT.as_u16()
            || self.status == StatusCode::PERMANENT_REDIRECT.as_u16()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection: nothing was sent.
    Unreachable(String),
    /// The connection broke, or the time ran out.
    Broken {
        cause: String,
        /// Whether any of the rows may have left.
        rows_started: bool,
    },
}

/// Connections to all nodes.
#[derive(Debug)]
pub(crate) struct Transport {
    client: hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, GatedBody>,
    authorization: HeaderValue,
    continue_timeout: Duration,
}

impl Transport {
    pub(crate) fn new(config: &ClientConfig) -> Result<Transport, ConfigError> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(config.connect_timeout));
        http.set_keepalive(Some(Duration::from_secs(30)));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config(config)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_PER_NODE_MAX)
            .build(https);
        let plain = format!("{}:{}", config.user, config.password.expose());
        let encoded = base64::engine::general_purpose::STANDARD.encode(plain);
        let mut authorization = HeaderValue::from_str(&format!("Basic {encoded}"))
            .map_err(|_| ConfigError::new("starrocks.username", "cannot be sent"))?;
        authorization.set_sensitive(true);
        Ok(Transport {
            client,
            authorization,
            continue_timeout: config.continue_timeout,
        })
    }

    /// Asks one node and reads its answer.
    pub(crate) async fn send(&self, hop: Hop<'_>) -> Result<Reply, Failure> {
        let uri = format!("{}{}", hop.address, hop.path_and_query);
        let (body, gate) = GatedBody::new(hop.parts, self.continue_timeout);
        let bytes = http_body::Body::size_hint(&body).exact().unwrap_or(0);
        let mut request = Request::builder()
            .method(&hop.method)
            .uri(uri)
            .body(body)
            .map_err(|error| Failure::Unreachable(format!("not an address: {error}")))?;
        *request.headers_mut() = hop.headers;
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.authorization.clone());
        if hop.method != Method::GET {
            request
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(bytes));
            request
                .headers_mut()
                .insert(EXPECT, HeaderValue::from_static("100-continue"));
        }
        let opened = Arc::clone(&gate);
        hyper::ext::on_informational(&mut request, move |answer| {
            if answer.status() == StatusCode::CONTINUE {
                opened.open();
            }
        });
        let connection = capture_connection(&mut request);
        // However this ends, rows that were not asked for in time stay here.
        let guard = AbandonOnDrop(gate);
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| {
                let cause = chain(&error);
                if error.is_connect() {
                    Failure::Unreachable(cause)
                } else {
                    broken(cause, &guard.0)
                }
            })?;
            let status = response.status().as_u16();
            let location = response
                .headers()
                .get(LOCATION)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let body = read(response.into_body(), hop.answer_bytes_max)
                .await
                .map_err(|cause| broken(cause, &guard.0))?;
            Ok(Reply {
                status,
                location,
                body,
                rows_sent: guard.0.finished(),
            })
        };
        match tokio::time::timeout_at(hop.deadline, exchange).await {
            Ok(result) => result,
            Err(_) if connection.connection_metadata().is_none() => Err(Failure::Unreachable(
                "no connection within the time limit of the call".to_owned(),
            )),
            Err(_) => Err(broken(
                "no answer within the time limit of the call".to_owned(),
                &guard.0,
            )),
        }
    }
}

struct AbandonOnDrop(Arc<Gate>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn broken(cause: String, gate: &Gate) -> Failure {
    Failure::Broken {
        cause,
        rows_started: gate.started(),
    }
}

/// Reads at most `bytes_max` bytes; what follows is left.
async fn read(mut body: Incoming, bytes_max: usize) -> Result<Bytes, String> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the answer broke off: {}", chain(&error)))?;
        if let Ok(data) = frame.into_data() {
            let room = bytes_max.saturating_sub(read.len());
            read.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
            if read.len() >= bytes_max {
                break;
            }
        }
    }
    Ok(read.freeze())
}

/// An error with its causes on one line, without repeating what a cause says again.
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

fn tls_config(config: &ClientConfig) -> Result<rustls::ClientConfig, ConfigError> {
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .map_err(|error| ConfigError::new("TLS", error.to_string()))?;
    if let Some(path) = &config.ca_file {
        let refuse =
            |what: String| ConfigError::new("CA file", format!("`{}` {what}", path.display()));
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path)
            .map_err(|error| refuse(format!("cannot be read: {error}")))?
        {
            let certificate =
                certificate.map_err(|error| refuse(format!("is not a PEM file: {error}")))?;
            roots.add(certificate).map_err(|error| {
                refuse(format!("has a certificate that cannot be used: {error}"))
            })?;
        }
        if roots.is_empty() {
            return Err(refuse(
                "has no certificate; it must hold PEM blocks `BEGIN CERTIFICATE`".to_owned(),
            ));
        }
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    if config.uses_https() {
        let builder = builder.with_native_roots().map_err(|error| {
            ConfigError::new(
                Frontend::PROPERTY,
                format!("HTTPS needs the platform's certificate authorities: {error}"),
            )
        })?;
        return Ok(builder.with_no_client_auth());
    }
    // Nobody is asked by HTTPS: reading the platform's certificates would only cost time.
    Ok(builder
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}
