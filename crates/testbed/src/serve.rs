//! From a request on a socket to its answer, with the scripted faults in between.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Frame, Incoming};
use tokio::sync::watch;

use crate::cluster::Cluster;
use crate::faults::Action;
use crate::fe::Route;
use crate::journal::{Hop, Node, Outcome};
use crate::reply::{HTML, Reply};
use crate::request::{Call, Head};

/// The connection ends without a (whole) answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
pub(crate) struct Cut;

pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// What every answer says of its server.
pub(crate) const SERVER: &str = concat!(
    "starrocks-testbed/",
    env!("CARGO_PKG_VERSION"),
    " (a stand-in for testing; not StarRocks)"
);

/// Tells the connection's owner to end it with RST.
#[derive(Debug, Default)]
pub(crate) struct ConnectionEnd {
    pub(crate) reset: AtomicBool,
}

impl ConnectionEnd {
    fn reset(&self) -> Cut {
        self.reset.store(true, Ordering::SeqCst);
        Cut
    }
}

/// One request and what is known of it while it is served.
struct Exchange {
    cluster: Arc<Cluster>,
    node: Node,
    head: Head,
    body: Incoming,
    seq: u64,
    body_bytes: u64,
    /// Where a fault cuts the body.
    cut_after: Option<u64>,
    end: Arc<ConnectionEnd>,
}

/// Marks the call as cut in the journal unless it was answered, also when the client goes away and this is dropped.
struct Entry {
    cluster: Arc<Cluster>,
    seq: u64,
    ended: bool,
}

impl Entry {
    fn answered(&mut self, reply: &Reply) {
        self.ended = true;
        let outcome = Outcome::Answered {
            status: reply.status,
            word: reply.word(),
        };
        self.cluster.journal.ended(self.seq, outcome);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            self.cluster.journal.ended(self.seq, Outcome::Cut);
        }
    }
}

pub(crate) async fn handle(
    cluster: Arc<Cluster>,
    node: Node,
    end: Arc<ConnectionEnd>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    cluster.totals.requests.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    let mut head = Head::read(&parts);
    cluster.complete(&mut head);
    let route = match node {
        Node::Fe(fe) => cluster.fe_route(fe, &head),
        Node::Be(_) => Ok(Route::Here),
    };
    let hop = if matches!(route, Ok(Route::To(_))) {
        Hop::Redirect
    } else {
        Hop::Serve
    };
    let struck = cluster.faults.strike(node, hop, &head);
    let seq = cluster.journal.arrived(node, hop, &head);
    let mut entry = Entry {
        cluster: Arc::clone(&cluster),
        seq,
        ended: false,
    };
    let (action, released) = struck.unzip();
    let cut_after = match &action {
        Some(Action::ResetMidBody { after }) => Some(*after),
        _ => None,
    };
    let mut exchange = Exchange {
        cluster,
        node,
        head,
        body,
        seq,
        body_bytes: 0,
        cut_after,
        end,
    };
    let early = match &action {
        Some(action) => exchange.before(action, released.clone()).await?,
        None => None,
    };
    let reply = match (early, route) {
        (Some(reply), _) => reply,
        (None, Ok(Route::To(location))) => Reply::redirect(&location),
        (None, _) => exchange.work(action.as_ref()).await?,
    };
    let reply = match &action {
        Some(action) => exchange.after(action, released, reply).await?,
        None => reply,
    };
    entry.answered(&reply);
    Ok(response(reply, action.as_ref()))
}

/// Waits until a held call is released.
pub(crate) async fn until_released(released: Option<watch::Receiver<bool>>) {
    if let Some(mut released) = released {
        // A sender that is gone was dropped with its rule: nothing holds the call any more.
        let _gone = released.wait_for(|r| *r).await;
    }
}

impl Exchange {
    /// What a fault does before the work; an answer takes the work's place.
    async fn before(
        &mut self,
        action: &Action,
        released: Option<watch::Receiver<bool>>,
    ) -> Result<Option<Reply>, Cut> {
        let json = |body: &str| match self.node {
            Node::Fe(_) => Reply::new(200, HTML, body.to_owned()),
            Node::Be(_) => Reply::new(200, "application/json", body.to_owned()),
        };
        Ok(match action {
            Action::ResetBeforeEffect => return Err(self.end.reset()),
            Action::Unauthorized if matches!(self.node, Node::Fe(_)) => {
                Some(Reply::denied("Access denied"))
            }
            _ if matches!(self.node, Node::Fe(_)) && action.refusal(&self.head.db).is_some() => {
                action
                    .refusal(&self.head.db)
                    .map(|(_, message)| Reply::fe_failed(&message))
            }
            Action::ResetMidBody { .. } if !self.takes_rows() => return Err(self.end.reset()),
            Action::EarlyReply(body) => Some(json(body).closing()),
            Action::Redirect(base) => Some(Reply::redirect(&format!(
                "{}{}",
                base.trim_end_matches('/'),
                self.head.path_and_query
            ))),
            Action::Answer(body) => {
                let reply = json(body);
                self.drain().await?;
                Some(reply)
            }
            Action::Status { code, body } => {
                self.drain().await?;
                Some(Reply::new(*code, HTML, body.clone()))
            }
            Action::Html => {
                self.drain().await?;
                Some(Reply::new(
                    200,
                    HTML,
                    "<html><head><title>503</title></head><body><h1>Service is busy</h1></body></html>",
                ))
            }
            Action::Delay(duration) => {
                tokio::time::sleep(*duration).await;
                None
            }
            Action::Hold => {
                until_released(released).await;
                None
            }
            _ => None,
        })
    }

    /// What a fault does to the answer of work that is done.
    async fn after(
        &self,
        action: &Action,
        released: Option<watch::Receiver<bool>>,
        reply: Reply,
    ) -> Result<Reply, Cut> {
        match action {
            Action::DropAnswerAfterEffect => Err(Cut),
            Action::ResetAfterEffect => Err(self.end.reset()),
            Action::AnswerAfterEffect(body) => Ok(Reply {
                status: 200,
                body: Bytes::from(body.clone()),
                ..reply
            }),
            Action::HoldAnswer => {
                until_released(released).await;
                Ok(reply)
            }
            Action::LabelExistsAsPlainFail => Ok(plain_fail(&self.head, reply)),
            _ => Ok(reply),
        }
    }

    /// Whether the body holds rows that are taken in as they come.
    fn takes_rows(&self) -> bool {
        matches!(
            (self.node, self.head.call),
            (Node::Be(_), Call::Load | Call::StreamLoad)
        )
    }

    async fn work(&mut self, action: Option<&Action>) -> Result<Reply, Cut> {
        let (cluster, head, action) = (
            Arc::clone(&self.cluster),
            self.head.clone(),
            action.cloned(),
        );
        match self.node {
            Node::Be(be) if head.call == Call::Load => {
                let start = move || cluster.load_start(be, &head, action.as_ref());
                let mut loading = match blocking(start).await? {
                    Ok(loading) => loading,
                    Err(failure) => return Ok(crate::be::failed(&failure, &self.head.label)),
                };
                self.rows(|bytes| loading.push(bytes)).await?;
                blocking(move || loading.finish()).await
            }
            Node::Be(be) if head.call == Call::StreamLoad => {
                let (at_start, at_end) = (action.clone(), action);
                let start = move || cluster.stream_load_start(be, &head, at_start.as_ref());
                let mut loading = match blocking(start).await? {
                    Ok(loading) => loading,
                    Err(reply) => return Ok(*reply),
                };
                self.rows(|bytes| loading.push(bytes)).await?;
                blocking(move || loading.finish(at_end.as_ref())).await
            }
            Node::Be(be) => {
                self.drain().await?;
                blocking(move || cluster.be_serve(be, &head, action.as_ref())).await
            }
            // An FE's refusal leaves the body unread, as StarRocks' does.
            Node::Fe(fe)
                if matches!(
                    head.call,
                    Call::StreamLoad | Call::Begin | Call::Load | Call::Prepare
                ) =>
            {
                blocking(move || cluster.fe_serve(fe, &head, &[], action.as_ref())).await
            }
            Node::Fe(fe) => {
                let body = self.drain().await?;
                blocking(move || cluster.fe_serve(fe, &head, &body, action.as_ref())).await
            }
        }
    }

    /// Reads the body to its end.
    async fn drain(&mut self) -> Result<Vec<u8>, Cut> {
        let keep = self.head.call == Call::Testbed;
        let mut body = Vec::new();
        self.each_chunk(None, |bytes| {
            if keep {
                body.extend_from_slice(bytes);
            }
        })
        .await?;
        Ok(body)
    }

    /// Takes in the body's rows, up to where a fault cuts it.
    async fn rows(&mut self, take: impl FnMut(&[u8])) -> Result<(), Cut> {
        let cut = self.cut_after;
        self.each_chunk(cut, take).await
    }

    async fn each_chunk(
        &mut self,
        cut: Option<u64>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), Cut> {
        if cut == Some(0) {
            return Err(self.end.reset());
        }
        while let Some(frame) = self.body.frame().await {
            // The client went away or broke off: nothing can be answered.
            let frame = frame.map_err(|_| Cut)?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let left = cut.map_or(usize::MAX, |cut| {
                usize::try_from(cut - self.body_bytes).unwrap_or(usize::MAX)
            });
            let taken = &data[..data.len().min(left)];
            self.body_bytes += taken.len() as u64;
            self.cluster
                .totals
                .body_bytes
                .fetch_add(taken.len() as u64, Ordering::Relaxed);
            take(taken);
            self.cluster.journal.read(self.seq, self.body_bytes);
            if data.len() >= left {
                return Err(self.end.reset());
            }
        }
        Ok(())
    }
}

/// Work that reads or writes files. It goes on to its end when the client is gone, as StarRocks' would.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Cut> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Cut)
}

fn plain_fail(head: &Head, reply: Reply) -> Reply {
    let taken = ["LABEL_ALREADY_EXISTS", "Label Already Exists"].contains(&reply.word().as_str());
    if !taken {
        return reply;
    }
    let message = format!("Label [{}] has already been used.", head.label);
    Reply::be(
        &serde_json::json!({"TxnId": -1, "Label": head.label, "Status": "Fail", "Message": message}),
    )
}

/// A body that ends too soon: its bytes, then an error that closes the connection.
struct Cutting(Option<Bytes>);

impl http_body::Body for Cutting {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(part) => Ok(Frame::data(part)),
            None => Err(io::Error::other(Cut)),
        }))
    }
}

fn response(reply: Reply, action: Option<&Action>) -> Response<Body> {
    let never = |e: Infallible| match e {};
    let length = reply.body.len();
    let body = match action {
        Some(Action::CutAnswer { after }) => {
            Cutting(Some(reply.body.slice(..length.min(*after)))).boxed()
        }
        _ => Full::new(reply.body).map_err(never).boxed(),
    };
    let mut response = Response::builder()
        .status(reply.status)
        .header("server", SERVER)
        .header("content-length", length);
    if !reply.content_type.is_empty() {
        response = response.header("content-type", reply.content_type);
    }
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response
        .body(body)
        .unwrap_or_else(|_| Response::new(Full::new(Bytes::new()).map_err(never).boxed()))
}
