//! Listening ports that can go away and come back, and the connections on them.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::journal::Node;
use crate::mysql;
use crate::serve::{ConnectionEnd, handle};

/// What a port does with a connection.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Serves a connection until it ends.
    fn serve(&self, stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// What a port of StarRocks speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    Http(Node),
    Mysql,
}

/// A service of StarRocks.
pub(crate) struct OfCluster {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) service: Service,
}

impl Serve for OfCluster {
    fn serve(&self, stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let cluster = Arc::clone(&self.cluster);
        match self.service {
            Service::Http(node) => Box::pin(serve(stream, cluster, node)),
            Service::Mysql => Box::pin(mysql::serve(cluster, stream)),
        }
    }
}

/// A port of one server. While it is away its number stays taken, so that it can come back on it.
#[derive(Debug)]
pub(crate) struct Port {
    addr: SocketAddr,
    runtime: Handle,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Bound, but not listening: connections are refused.
    Away(TcpSocket),
    Listening {
        stop: oneshot::Sender<()>,
        stopped: mpsc::Receiver<()>,
    },
    /// Between the two, or after the end.
    Closed,
}

/// Whether a socket is given a number that another socket of ours has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    No,
    /// So that a second socket can hold the number before the first one lets it go.
    Yes,
}

fn bound(addr: SocketAddr, sharing: Sharing) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(sharing == Sharing::Yes)?;
    socket.bind(addr)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    Ok(socket)
}

impl Port {
    /// Takes the port; nobody is served yet.
    pub(crate) fn bind(addr: SocketAddr, runtime: Handle) -> io::Result<Self> {
        let socket = bound(addr, Sharing::No)?;
        Ok(Self {
            addr: socket.local_addr()?,
            runtime,
            state: Mutex::new(State::Away(socket)),
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens. Does nothing where it already does.
    pub(crate) fn up(&self, service: impl Serve) -> io::Result<()> {
        let mut state = self.lock();
        let socket = match std::mem::replace(&mut *state, State::Closed) {
            State::Away(socket) => socket,
            State::Closed => bound(self.addr, Sharing::No)?,
            listening @ State::Listening { .. } => {
                *state = listening;
                return Ok(());
            }
        };
        let _in_runtime = self.runtime.enter();
        let listener = socket.listen(1024)?;
        let (stop, stopping) = oneshot::channel();
        let (ended, stopped) = mpsc::sync_channel(0);
        self.runtime
            .spawn(accept(listener, service, stopping, ended));
        *state = State::Listening { stop, stopped };
        Ok(())
    }

    /// Closes the listener and every connection; returns when that is done. The port's number stays taken.
    pub(crate) fn down(&self) -> io::Result<()> {
        let mut state = self.lock();
        // Before the listener goes, or somebody else on this machine may be given the number in between.
        let holder = bound(self.addr, Sharing::Yes)?;
        if let State::Listening { stop, stopped } = std::mem::replace(&mut *state, State::Closed) {
            drop(stop);
            // An error says that the task is gone with its runtime, and so is its listener.
            let _ended = stopped.recv();
        }
        *state = State::Away(holder);
        Ok(())
    }
}

async fn accept(
    listener: TcpListener,
    service: impl Serve,
    mut stopping: oneshot::Receiver<()>,
    _ended: mpsc::SyncSender<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // Its sender is dropped to stop.
            _ = &mut stopping => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    no_delay(&stream);
                    connections.spawn(service.serve(stream));
                }
                // Out of file descriptors, say: let some connections end before the next try.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    // A process that is just being spawned holds a copy of every socket: only this ends the listening for the copies too.
    if let Err(error) = rustix::net::shutdown(&listener, rustix::net::Shutdown::Both) {
        tracing::debug!(%error, "a listener could not be shut down");
    }
    drop(listener);
    connections.shutdown().await;
}

fn no_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
}

async fn serve(stream: TcpStream, cluster: Arc<Cluster>, node: Node) {
    let end = Arc::new(ConnectionEnd::default());
    let service = {
        let end = Arc::clone(&end);
        service_fn(move |request| {
            Box::pin(handle(
                Arc::clone(&cluster),
                node,
                Arc::clone(&end),
                request,
            ))
        })
    };
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let ended = poll_fn(|cx| connection.poll_without_shutdown(cx)).await;
    if let Err(error) = &ended {
        tracing::debug!(%error, %node, "a connection ended early");
    }
    let stream = connection.into_parts().io.into_inner();
    if end.reset.load(Ordering::SeqCst)
        && let Err(error) = stream.set_zero_linger()
    {
        tracing::warn!(%error, "a connection could not be reset");
    }
}
