//! The Schema Registry stand-in behind TLS.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use starrocks_kafka_testbed::broker::secured::{Authority, Certified};
use starrocks_kafka_testbed::schema_registry::{Options, SchemaRegistry, ServerTls};

/// The first line of the answer to a request by HTTPS.
fn ask(at: &SchemaRegistry, trusted: &Authority, client: Option<&Certified>) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    let pem = trusted.pem().as_bytes();
    let authority = CertificateDer::from_pem_slice(pem).map_err(io::Error::other)?;
    roots.add(authority).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let config = match client {
        None => config.with_no_client_auth(),
        Some(client) => {
            let key = PrivateKeyDer::from_pem_slice(client.key_pem.as_bytes());
            let key = key.map_err(io::Error::other)?;
            let certificate = client.certificate_der.clone().into();
            let config = config.with_client_auth_cert(vec![certificate], key);
            config.map_err(io::Error::other)?
        }
    };
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, TcpStream::connect(at.address(0))?);
    stream.write_all(b"GET /subjects HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[test]
fn certificates_of_both_sides_are_looked_at() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = servers.server(&["localhost"]);
    let start = |client_authority_pem| {
        let tls = ServerTls {
            certificate_pem: server.certificate_pem.clone(),
            key_pem: server.key_pem.clone(),
            client_authority_pem,
        };
        let options = Options {
            tls: Some(tls),
            ..Options::default()
        };
        SchemaRegistry::start(options).expect("it starts")
    };
    let (client, stranger) = (clients.client("c"), servers.client("s"));
    let (open, mutual) = (start(None), start(Some(clients.pem().to_owned())));
    assert_eq!(open.url(), format!("https://{}", open.address(0)));
    let check = |at, trusted, client, expect: bool| {
        let answer = ask(at, trusted, client);
        assert_eq!(
            answer
                .as_deref()
                .is_ok_and(|line| line == "HTTP/1.1 200 OK"),
            expect,
            "{answer:?}"
        );
    };
    check(&open, &servers, None, true);
    check(&open, &clients, None, false);
    check(&mutual, &servers, Some(&client), true);
    check(&mutual, &servers, Some(&stranger), false);
    check(&mutual, &servers, None, false);
    let shown = |at: &SchemaRegistry| -> Vec<bool> {
        at.requests()
            .iter()
            .map(|request| request.certificate)
            .collect()
    };
    assert_eq!((shown(&open), shown(&mutual)), (vec![false], vec![true]));
}
