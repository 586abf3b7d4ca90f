//! HTTPS, with and without certificates of clients.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::serve::{self, Socket};
use super::shared::Shared;

/// What a server shows, and asks of its clients. Everything is PEM.
#[derive(Clone)]
pub struct ServerTls {
    /// The server's certificate.
    pub certificate_pem: String,
    /// Its private key, PKCS#8.
    pub key_pem: String,
    /// The authority of clients' certificates; `None` asks for none. A client without one is refused while shaking hands.
    pub client_authority_pem: Option<String>,
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerTls")
            .field("client_authority", &self.client_authority_pem.is_some())
            .finish_non_exhaustive()
    }
}

impl ServerTls {
    pub(super) fn config(&self) -> io::Result<Arc<ServerConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes());
        let certificate = certificate.map_err(io::Error::other)?;
        let key =
            PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let config = match &self.client_authority_pem {
            None => config.with_no_client_auth(),
            Some(pem) => {
                let authority = CertificateDer::from_pem_slice(pem.as_bytes());
                let mut roots = RootCertStore::empty();
                roots
                    .add(authority.map_err(io::Error::other)?)
                    .map_err(io::Error::other)?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().map_err(io::Error::other)?)
            }
        };
        let config = config.with_single_cert(vec![certificate], key);
        Ok(Arc::new(config.map_err(io::Error::other)?))
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }

    fn certificate(&self) -> bool {
        self.get_ref().1.peer_certificates().is_some()
    }
}

/// Shakes hands, and serves the connection to its end.
pub(super) async fn connection(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    shared: Arc<Shared>,
    node: usize,
) {
    match TlsAcceptor::from(config).accept(stream).await {
        Ok(stream) => serve::connection(stream, shared, node).await,
        Err(error) => tracing::debug!(%error, node, "a client of the registry did not shake hands"),
    }
}
