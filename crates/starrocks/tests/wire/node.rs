//! A node of StarRocks, byte by byte: what it does with each request is written in the test.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a node does, in order, once it has read the head of a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Asks for the body.
    Continue,
    /// Reads as many bytes as `Content-Length` says.
    Body,
    /// Reads this many bytes of it.
    Part(usize),
    /// Answers as a back end does.
    Json(&'static str),
    /// Answers as a front end does: JSON that calls itself HTML.
    Fe(&'static str),
    /// Answers with this status and body.
    Status(u16, &'static str),
    /// Answers 307 and closes.
    Redirect(String),
    /// Writes these bytes.
    Raw(&'static str),
    /// Closes.
    Close,
    /// Closes with a reset.
    Reset,
    /// Reads until the other side ends the connection.
    UntilEnd,
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Which connection to this node it came by, from 0.
    pub(crate) connection: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found: Vec<_> = self
            .headers
            .iter()
            .filter(|(known, _)| known == name)
            .collect();
        assert!(found.len() <= 1, "`{name}` was sent {} times", found.len());
        found.first().map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct Script {
    steps: VecDeque<Vec<Act>>,
    seen: Vec<Seen>,
    unscripted: Vec<String>,
}

/// A node that listens on a port of its own.
#[derive(Debug)]
pub(crate) struct Node {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    ended: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Node {
    /// A node for plain HTTP.
    pub(crate) async fn start() -> Node {
        Node::listen(None).await
    }

    /// A node for HTTPS.
    pub(crate) async fn start_tls(acceptor: TlsAcceptor) -> Node {
        Node::listen(Some(acceptor)).await
    }

    async fn listen(tls: Option<TlsAcceptor>) -> Node {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let script = Arc::new(Mutex::new(Script::default()));
        let (end, ended) = watch::channel(0);
        let shared = Arc::clone(&script);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                let (script, tls, end) = (Arc::clone(&shared), tls.clone(), end.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, connection, &script).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, connection, &script).await;
                            }
                        }
                    }
                    end.send_modify(|count| *count += 1);
                });
            }
        });
        Node {
            address,
            script,
            ended,
            task,
        }
    }

    /// Adds what to do with the next request.
    pub(crate) fn on(&self, acts: impl IntoIterator<Item = Act>) -> &Node {
        self.script().steps.push_back(acts.into_iter().collect());
        self
    }

    /// `host:port`.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// An absolute HTTP address on this node.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far. Fails if there was one too many, or too few.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let script = self.script();
        assert!(
            script.unscripted.is_empty(),
            "not expected: {:?}",
            script.unscripted
        );
        assert!(
            script.steps.is_empty(),
            "never asked for: {:?}",
            script.steps
        );
        script.seen.clone()
    }

    /// The requests so far, while the script goes on.
    pub(crate) fn peek(&self) -> Vec<Seen> {
        self.script().seen.clone()
    }

    /// The request lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// Waits until this many connections have ended.
    pub(crate) async fn ended(&self, count: usize) {
        let mut ended = self.ended.clone();
        ended
            .wait_for(|seen| *seen >= count)
            .await
            .expect("the node runs");
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script
            .lock()
            .expect("no test panics while it holds the script")
    }
}

/// A port where nobody listens.
pub(crate) async fn dead_authority() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
        .to_string()
}

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn reset(&self);
}

impl Wire for TcpStream {
    fn reset(&self) {
        self.set_zero_linger().expect("an open socket");
    }
}

impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset(&self) {
        self.get_ref().0.reset();
    }
}

async fn serve(mut stream: impl Wire, connection: usize, script: &Mutex<Script>) {
    while let Some((line, headers)) = read_head(&mut stream).await {
        let (acts, index) = {
            let mut script = script
                .lock()
                .expect("no test panics while it holds the script");
            let Some(acts) = script.steps.pop_front() else {
                script.unscripted.push(line);
                return;
            };
            script.seen.push(Seen {
                line,
                headers,
                body: Vec::new(),
                connection,
            });
            (acts, script.seen.len() - 1)
        };
        for act in acts {
            if !perform(act, &mut stream, index, script).await {
                return;
            }
        }
    }
}

/// Whether the connection goes on.
async fn perform(act: Act, stream: &mut impl Wire, index: usize, script: &Mutex<Script>) -> bool {
    let length = |script: &Mutex<Script>| {
        let script = script
            .lock()
            .expect("no test panics while it holds the script");
        let seen = script.seen.get(index).expect("requests are only added");
        seen.header("content-length")
            .expect("a request with a body tells its length")
            .parse::<usize>()
            .expect("a number")
    };
    let answer = |status: u16, kind: &str, body: &str| {
        format!(
            "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let text = match act {
        Act::Continue => "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
        Act::Body => return read_into(stream, length(script), index, script).await,
        Act::Part(bytes) => return read_into(stream, bytes, index, script).await,
        Act::UntilEnd => return read_into(stream, usize::MAX, index, script).await,
        Act::Json(body) => answer(200, "application/json", body),
        Act::Fe(body) => answer(200, "text/html", body),
        Act::Status(status, body) => answer(status, "text/html; charset=UTF-8", body),
        Act::Redirect(location) => format!(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        ),
        Act::Raw(text) => text.to_owned(),
        Act::Close => return false,
        Act::Reset => {
            stream.reset();
            return false;
        }
    };
    let closes = text.starts_with("HTTP/1.1 307");
    stream.write_all(text.as_bytes()).await.is_ok() && stream.flush().await.is_ok() && !closes
}

async fn read_into(
    stream: &mut impl Wire,
    bytes: usize,
    index: usize,
    script: &Mutex<Script>,
) -> bool {
    let mut left = bytes;
    let mut buffer = [0; 4096];
    while left > 0 {
        let room = left.min(buffer.len());
        let chunk = buffer
            .get_mut(..room)
            .expect("room is at most the buffer's length");
        let Ok(read @ 1..) = stream.read(chunk).await else {
            return false;
        };
        left -= read;
        let mut script = script
            .lock()
            .expect("no test panics while it holds the script");
        let seen = script.seen.get_mut(index).expect("requests are only added");
        seen.body.extend_from_slice(
            buffer
                .get(..read)
                .expect("read is at most the buffer's length"),
        );
    }
    true
}

async fn read_head(stream: &mut impl Wire) -> Option<(String, Vec<(String, String)>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("heads are UTF-8");
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').expect("a header has a colon");
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Some((line, lines.map(header).collect()))
}
