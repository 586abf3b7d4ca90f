//! An OAuth 2 endpoint that gives tokens for a client's id and secret. The tokens are not signed, for the
//! broker of the tests takes such.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::authority::Certified;

/// A client that has said nothing for so long is let go.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// What an endpoint is started with.
pub struct TokenOptions<'o> {
    /// The one client that gets tokens.
    pub client_id: &'o str,
    /// Its secret.
    pub client_secret: &'o str,
    /// How long a token lasts.
    pub lifetime: Duration,
    /// HTTPS with this certificate; `None`: HTTP.
    pub certificate: Option<&'o Certified>,
}

/// The endpoint. It ends when it is dropped.
pub struct TokenEndpoint {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    authorization: String,
    client_id: String,
    lifetime: Duration,
    tls: Option<Arc<ServerConfig>>,
    ends: AtomicBool,
    refuses: AtomicBool,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    forms: Vec<String>,
    tokens: Vec<String>,
}

impl TokenEndpoint {
    /// Starts it on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// Where there is no port or the certificate is none.
    #[must_use]
    pub fn start(options: &TokenOptions<'_>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let credentials = format!("{}:{}", options.client_id, options.client_secret);
        let shared = Arc::new(Shared {
            authorization: format!("Basic {}", STANDARD.encode(credentials)),
            client_id: options.client_id.to_owned(),
            lifetime: options.lifetime,
            tls: options.certificate.map(tls),
            ends: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            asked: Mutex::default(),
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.serve(&listener)
        });
        Self {
            address,
            scheme: if options.certificate.is_some() {
                "https"
            } else {
                "http"
            },
            shared,
            thread: Some(thread),
        }
    }

    /// Where tokens are asked for.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}/oauth2/token", self.scheme, self.address)
    }

    /// The forms of all requests so far that were answered with a token.
    #[must_use]
    pub fn forms(&self) -> Vec<String> {
        self.shared.asked().forms.clone()
    }

    /// All tokens given so far.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.shared.asked().tokens.clone()
    }

    /// Whether every request is refused from now on, as one with a wrong secret is.
    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::SeqCst);
    }
}

impl Drop for TokenEndpoint {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn tls(certified: &Certified) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(certified.key_der.clone().into());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_no_client_auth()
        .with_single_cert(vec![certified.certificate_der.clone().into()], key)
        .expect("the certificate's own key");
    Arc::new(config)
}

impl Shared {
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.ends.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            // Who goes away in the middle of a request is not missed.
            drop(self.accept(stream));
        }
    }

    fn accept(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(READ_LIMIT))?;
        match &self.tls {
            None => self.answer(stream),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config));
                let connection = connection.map_err(std::io::Error::other)?;
                self.answer(StreamOwned::new(connection, stream))
            }
        }
    }

    fn answer(&self, stream: impl Read + Write) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut request_line = String::new();
        reader.read_line(&mut request_line)?;
        let (mut authorization, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "authorization" => authorization = value.to_owned(),
                "content-length" => length = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        let mut form = vec![0; length];
        reader.read_exact(&mut form)?;
        let form = String::from_utf8_lossy(&form).into_owned();
        let (status, body) = self.judge(&request_line, &authorization, &form);
        let mut stream = reader.into_inner();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        stream.flush()
    }

    fn judge(&self, request_line: &str, authorization: &str, form: &str) -> (&str, String) {
        if !request_line.starts_with("POST /oauth2/token ") {
            return ("404 Not Found", "{}".to_owned());
        }
        let refuses = self.refuses.load(Ordering::SeqCst);
        if refuses || authorization != self.authorization {
            let body = r#"{"error":"invalid_client","error_description":"unknown client or wrong secret"}"#;
            return ("401 Unauthorized", body.to_owned());
        }
        if !form
            .split('&')
            .any(|field| field == "grant_type=client_credentials")
        {
            return (
                "400 Bad Request",
                r#"{"error":"unsupported_grant_type"}"#.to_owned(),
            );
        }
        let token = self.token();
        let body = format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{}}}"#,
            self.lifetime.as_secs()
        );
        let mut asked = self.asked();
        asked.forms.push(form.to_owned());
        asked.tokens.push(token);
        ("200 OK", body)
    }

    fn token(&self) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let (issued, expires) = (now.as_secs_f64(), (now + self.lifetime).as_secs_f64());
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let claims = format!(
            r#"{{"sub":"{}","iat":{issued:.3},"exp":{expires:.3},"scope":"kafka","jti":"{:016x}"}}"#,
            self.client_id,
            fastrand::u64(..)
        );
        format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims))
    }
}
