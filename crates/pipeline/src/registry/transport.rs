//! One request to one address of a registry: HTTP, TLS, connections, deadlines.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use starrocks_kafka_connect::config::Secret;

use super::{RegistryAddress, RegistrySettings};

mod any_host;

/// Connections that are idle longer are closed.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// A schema and what stands around it are never longer.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// What a registry answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) media_type: String,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something on the way, or in time.
    Passing(String),
    /// A certificate that one side does not take, or misses: asking again changes nothing.
    Certificate(String),
    /// An address that is none, or an answer without an end: asking again changes nothing.
    Lasting(String),
}

/// Connections to all addresses.
pub(super) struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    headers: HeaderMap,
    limit: Duration,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl Transport {
    pub(super) fn new(settings: &RegistrySettings) -> Result<Self, String> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(settings.connect_timeout));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config(settings)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .build(https);
        Ok(Self {
            client,
            headers: headers(settings)?,
            limit: settings.connect_timeout + settings.read_timeout,
        })
    }

    /// Asks one address.
    pub(super) async fn get(
        &self,
        address: &RegistryAddress,
        path: &str,
    ) -> Result<Reply, Failure> {
        let mut request = Request::get(format!("{}{path}", address.url))
            .body(Empty::new())
            .map_err(|error| Failure::Lasting(format!("it is no address: {error}")))?;
        request.headers_mut().clone_from(&self.headers);
        if let Some(authorization) = &address.authorization {
            let value = secret_value(authorization).map_err(Failure::Lasting)?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        match tokio::time::timeout(self.limit, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Passing(format!(
                "no answer within {} ms (http.connect.timeout.ms and http.read.timeout.ms)",
                self.limit.as_millis()
            ))),
        }
    }

    async fn exchange(&self, request: Request<Empty<Bytes>>) -> Result<Reply, Failure> {
        let answer = self.client.request(request).await.map_err(|error| {
            // What it says itself is a step of the HTTP library; its source is the cause.
            let cause = error.source().map_or_else(|| error.to_string(), chain);
            if tls_error(&error).is_some_and(is_about_certificates) {
                Failure::Certificate(cause)
            } else {
                Failure::Passing(cause)
            }
        })?;
        let text = |name: HeaderName| {
            let value = answer.headers().get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let (location, media_type) = (text(LOCATION), text(CONTENT_TYPE));
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
        let body = body.collect().await.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                let limit = ANSWER_BYTES_MAX >> 20;
                return Failure::Lasting(format!("the answer has more than {limit} MiB"));
            }
            Failure::Passing(format!("the answer broke off: {}", chain(&*error)))
        })?;
        Ok(Reply {
            status,
            location,
            media_type: media_type.unwrap_or_default(),
            body: body.to_bytes(),
        })
    }
}

fn headers(settings: &RegistrySettings) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let accepted = "application/vnd.schemaregistry.v1+json, application/json";
    headers.insert(ACCEPT, HeaderValue::from_static(accepted));
    let agent = concat!("starrocks-kafka/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in &settings.headers {
        let name: HeaderName = name
            .parse()
            .map_err(|_| format!("request.header.{name} is no name of a header"))?;
        headers.insert(name, secret_value(value)?);
    }
    Ok(headers)
}

fn secret_value(secret: &Secret) -> Result<HeaderValue, String> {
    let value = HeaderValue::from_str(secret.reveal());
    let mut value = value.map_err(|_| "a login or header has characters that cannot be sent")?;
    value.set_sensitive(true);
    Ok(value)
}

fn tls_config(settings: &RegistrySettings) -> Result<ClientConfig, String> {
    let RegistrySettings { addresses, tls, .. } = settings;
    let is_used = addresses.iter().any(|address| {
        let scheme = address.url.get(.."https:".len());
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
    });
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = if tls.any_host {
        let verifier = any_host::verifier(tls.authorities.as_deref())?;
        builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
    } else {
        match &tls.authorities {
            Some(pem) => builder.with_root_certificates(roots(pem)?),
            // A system without authorities, as small containers are, must not keep from what goes without TLS.
            None if !is_used => builder.with_root_certificates(RootCertStore::empty()),
            None => builder
                .with_native_roots()
                .map_err(|error| format!("this system has no certificate authorities: {error}"))?,
        }
    };
    let Some((certificates, key)) = &tls.identity else {
        return Ok(builder.with_no_client_auth());
    };
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(certificates.reveal().as_bytes()).collect();
    let certificates =
        certificates.map_err(|error| format!("the client's certificate: {error}"))?;
    let key = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes())
        .map_err(|error| format!("the client's key: {error}"))?;
    builder
        .with_client_auth_cert(certificates, key)
        .map_err(|error| format!("the client's certificate and key: {error}"))
}

fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("an authority: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("an authority: {error}"))?;
    }
    Ok(roots)
}

/// What TLS says among an error's causes.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error passes over what it wraps when it is asked for its source.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// Whether a certificate is why there is no connection: the registry's, in our eyes, or ours in the registry's.
fn is_about_certificates(error: &rustls::Error) -> bool {
    use rustls::AlertDescription as Alert;
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => true,
        rustls::Error::AlertReceived(alert) => matches!(
            alert,
            Alert::NoCertificate
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::CertificateRequired
        ),
        _ => false,
    }
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
    text
}
