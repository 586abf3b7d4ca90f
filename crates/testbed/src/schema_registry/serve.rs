//! From a request on a socket to its answer, with the scripted faults in between.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::api;
use super::ask::Ask;
use super::faults::Trouble;
use super::journal::RequestRecord;
use super::refusal::Refusal;
use super::shared::Shared;
use crate::request::pairs;
use crate::serve::SERVER;

/// The media type of answers.
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// A request's body; a schema of 10 MB has its place in it.
const BODY_LIMIT: usize = 64 << 20;

/// The connection ends without a (whole) answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct Cut;

/// A connection's stream, and the socket under it.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The socket itself.
    fn tcp(&self) -> &TcpStream;
    /// Whether the client showed a certificate.
    fn certificate(&self) -> bool {
        false
    }
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

/// Serves a connection to its end.
pub(crate) async fn connection(stream: impl Socket, shared: Arc<Shared>, node: usize) {
    let reset = Arc::new(AtomicBool::new(false));
    let certificate = stream.certificate();
    let service = {
        let reset = Arc::clone(&reset);
        service_fn(move |request| {
            let (shared, reset) = (Arc::clone(&shared), Arc::clone(&reset));
            Box::pin(async move {
                let answer = handle(&shared, node, certificate, request).await;
                if answer.is_err() {
                    reset.store(true, Ordering::SeqCst);
                }
                answer
            })
        })
    };
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = poll_fn(|cx| connection.poll_without_shutdown(cx)).await {
        tracing::debug!(%error, node, "a connection to the registry ended early");
    }
    let mut stream = connection.into_parts().io.into_inner();
    let ended = if reset.load(Ordering::SeqCst) {
        stream.tcp().set_zero_linger()
    } else {
        stream.shutdown().await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, node, "a connection to the registry could not be ended");
    }
}

async fn handle(
    shared: &Shared,
    node: usize,
    certificate: bool,
    request: Request<Incoming>,
) -> Result<Response<Paced>, Cut> {
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let query = parts.uri.query().map(pairs).unwrap_or_default();
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let seq = shared.journal.arrived(RequestRecord {
        seq: 0,
        node,
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.clone(),
        headers: headers.collect(),
        certificate,
        status: None,
    });
    let (trouble, released) = shared.faults.strike(node, method, path).unzip();
    let body = Limited::new(body, BODY_LIMIT).collect().await;
    let body = body.map_err(|_| Cut)?.to_bytes();
    match &trouble {
        Some(Trouble::Reset) => return Err(Cut),
        Some(Trouble::Delay(pause)) => sleep(*pause).await,
        Some(Trouble::Hold) => {
            if let Some(mut released) = released {
                // A sender that is gone was dropped with its rule: nothing holds the request any more.
                let _gone = released.wait_for(|released| *released).await;
            }
        }
        _ => {}
    }
    let ask = Ask {
        method,
        path,
        query: &query,
        body: &body,
    };
    let reply = reply(shared, &parts.headers, &ask, trouble.as_ref());
    shared.journal.answered(seq, reply.status);
    Ok(response(reply, trouble.as_ref()))
}

/// An answer before it is bytes on a socket.
struct Reply {
    status: u16,
    content_type: &'static str,
    body: String,
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: refusal.status,
            content_type: MEDIA_TYPE,
            body: refusal.body().to_string(),
        }
    }
}

fn reply(
    shared: &Shared,
    headers: &http::HeaderMap,
    ask: &Ask<'_>,
    trouble: Option<&Trouble>,
) -> Reply {
    match trouble {
        Some(Trouble::Error {
            status,
            code,
            message,
        }) => Refusal::new(*status, *code, message.clone()).into(),
        Some(Trouble::Answer {
            status,
            content_type,
            body,
        }) => Reply {
            status: *status,
            content_type,
            body: body.clone(),
        },
        _ if !may_ask(shared, headers) => Refusal::unauthorized().into(),
        _ => match api::answer(shared, ask) {
            Ok(answer) => Reply {
                status: 200,
                content_type: MEDIA_TYPE,
                body: answer,
            },
            Err(refusal) => refusal.into(),
        },
    }
}

/// Whether a request bears credentials that the registry takes; where it has none, everybody may ask.
fn may_ask(shared: &Shared, headers: &http::HeaderMap) -> bool {
    let access = shared.access();
    if access.users.is_empty() && access.tokens.is_empty() {
        return true;
    }
    let header = headers.get(http::header::AUTHORIZATION);
    let Some((scheme, credentials)) = header.and_then(|h| h.to_str().ok()?.split_once(' ')) else {
        return false;
    };
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => {
            let text = STANDARD.decode(credentials.trim()).ok();
            let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
            let user = text.as_deref().and_then(|text| text.split_once(':'));
            user.is_some_and(|(name, password)| {
                access.users.iter().any(|(n, p)| n == name && p == password)
            })
        }
        "bearer" => access
            .tokens
            .iter()
            .any(|token| token == credentials.trim()),
        _ => false,
    }
}

fn response(reply: Reply, trouble: Option<&Trouble>) -> Response<Paced> {
    let body = Bytes::from(reply.body);
    let length = body.len();
    let body = match trouble {
        Some(Trouble::CutBody { after }) => Paced::cut(body.slice(..length.min(*after))),
        Some(Trouble::Trickle { bytes, pause }) => Paced::slow(body, *bytes, *pause),
        _ => Paced::whole(body),
    };
    let mut response = Response::builder()
        .status(reply.status)
        .header("server", SERVER)
        .header("content-type", reply.content_type)
        .header("content-length", length);
    if reply.status == 401 {
        response = response.header("www-authenticate", "Basic realm=\"SchemaRegistry-Props\"");
    }
    response
        .body(body)
        .unwrap_or_else(|_| Response::new(Paced::whole(Bytes::new())))
}

/// A body that comes whole, in pieces with pauses, or ends too soon.
struct Paced {
    left: Bytes,
    /// Bytes in a piece.
    piece: usize,
    pause: Duration,
    /// Whether an error ends it, which closes the connection.
    cut: bool,
    pausing: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    fn whole(left: Bytes) -> Self {
        Self {
            piece: left.len().max(1),
            left,
            pause: Duration::ZERO,
            cut: false,
            pausing: None,
        }
    }

    fn cut(left: Bytes) -> Self {
        Self {
            cut: true,
            ..Self::whole(left)
        }
    }

    fn slow(left: Bytes, piece: usize, pause: Duration) -> Self {
        Self {
            piece: piece.max(1),
            pause,
            ..Self::whole(left)
        }
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(pausing) = &mut self.pausing {
            std::task::ready!(pausing.as_mut().poll(cx));
            self.pausing = None;
        }
        if self.left.is_empty() {
            return Poll::Ready(self.cut.then(|| Err(io::Error::other(Cut))));
        }
        let piece = self.piece.min(self.left.len());
        let piece = self.left.split_to(piece);
        if !self.pause.is_zero() && !self.left.is_empty() {
            self.pausing = Some(Box::pin(sleep(self.pause)));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && !self.cut
    }
}
