//! A Schema Registry stand-in: Confluent's interface on real sockets, schemas in memory, faults on purpose.
//!
//! What it does as Confluent's registry does, and what not, is in `docs/adr/019-schema-registry-stand-in.md`. It shares no
//! code with the registry client and the converters of this project: they would share their misunderstandings.

mod api;
mod ask;
mod check;
mod compatibility;
mod faults;
mod journal;
mod refusal;
mod registering;
mod schema;
mod serve;
mod shared;
mod store;
mod subject;
#[cfg(feature = "secured")]
mod tls;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::net::{Port, Serve};
use registering::complete;
use shared::Shared;
use store::{Deleted, Which};
use subject::{DEFAULT_CONTEXT, Subject};

pub use faults::{Fault, FaultScript, Faults, Trouble};
pub use journal::{RequestRecord, WaitError};
pub use schema::{Guid, NewSchema, NoGuid, SchemaReference, SchemaType};
pub use shared::Access;
#[cfg(feature = "secured")]
pub use tls::ServerTls;

/// What a registry is started with. `Default` is one server on a free port of 127.0.0.1 without TLS that everybody may ask.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses, at least one; port 0 takes a free one. Several are servers of one registry: they know the same schemas.
    pub addresses: Vec<SocketAddr>,
    /// Who may ask.
    pub access: Access,
    /// `false`: a registry before 8.0, which tells no GUIDs, and of an id no subject and version. Default `true`.
    pub guids: bool,
    /// TLS, on every address; `None` is plain HTTP.
    #[cfg(feature = "secured")]
    pub tls: Option<ServerTls>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            access: Access::default(),
            guids: true,
            #[cfg(feature = "secured")]
            tls: None,
        }
    }
}

/// A registry could not start, or could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The options make no sense.
    #[error("the schema registry cannot start: {0}")]
    Options(String),
    /// A port could not be taken.
    #[error("the schema registry cannot listen on {address}: {source}")]
    Listen {
        /// Address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Its threads.
    #[error("the schema registry failed: {0}")]
    Io(#[from] io::Error),
    /// A schema is refused, as a request would be.
    #[error("{message} (error code {code})")]
    Refused {
        /// `error_code` of the interface.
        code: u32,
        /// Why.
        message: String,
    },
}

impl From<refusal::Refusal> for RegistryError {
    fn from(refusal: refusal::Refusal) -> Self {
        Self::Refused {
            code: refusal.code,
            message: refusal.message,
        }
    }
}

/// Where a schema stands in a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered {
    /// Its id, the number that stands before a record.
    pub id: i32,
    /// Its version in the subject.
    pub version: i32,
    /// Its GUID, which may stand in the id's place.
    pub guid: Guid,
}

/// A running registry. Dropping it stops it.
///
/// It runs on a thread of its own, so that it serves tests with and without a runtime.
#[derive(Debug)]
pub struct SchemaRegistry {
    shared: Arc<Shared>,
    ports: Vec<Port>,
    #[cfg(feature = "secured")]
    tls: Option<Arc<rustls::ServerConfig>>,
    /// Taken when it stops.
    runtime: Option<Runtime>,
}

/// What a port of the registry does with a connection.
struct OfRegistry {
    shared: Arc<Shared>,
    node: usize,
    #[cfg(feature = "secured")]
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Serve for OfRegistry {
    fn serve(&self, stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let shared = Arc::clone(&self.shared);
        #[cfg(feature = "secured")]
        if let Some(config) = self.tls.clone() {
            return Box::pin(tls::connection(config, stream, shared, self.node));
        }
        Box::pin(serve::connection(stream, shared, self.node))
    }
}

impl SchemaRegistry {
    /// Starts a registry without schemas.
    ///
    /// # Errors
    /// Where a port is taken, or the certificates are none.
    pub fn start(options: Options) -> Result<Self, RegistryError> {
        if options.addresses.is_empty() {
            return Err(RegistryError::Options("it needs an address".to_owned()));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("schema-registry")
            .enable_all()
            .build()?;
        let bind = |address: &SocketAddr| {
            let bound = Port::bind(*address, runtime.handle().clone());
            bound.map_err(|source| RegistryError::Listen {
                address: *address,
                source,
            })
        };
        let ports = options
            .addresses
            .iter()
            .map(bind)
            .collect::<Result<Vec<_>, _>>()?;
        #[cfg(feature = "secured")]
        let tls = options.tls.as_ref().map(ServerTls::config).transpose()?;
        let this = Self {
            shared: Arc::new(Shared::new(options.access, options.guids)),
            ports,
            #[cfg(feature = "secured")]
            tls,
            runtime: Some(runtime),
        };
        this.back()?;
        Ok(this)
    }

    /// The address of a server, by its number from 0.
    ///
    /// # Panics
    /// Where there is no server of this number; so do all methods that take one.
    #[must_use]
    pub fn address(&self, node: usize) -> SocketAddr {
        self.ports[node].addr()
    }

    /// The URLs of all servers with commas between them, as `schema.registry.url` takes them.
    #[must_use]
    pub fn url(&self) -> String {
        #[cfg(feature = "secured")]
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        #[cfg(not(feature = "secured"))]
        let scheme = "http";
        let urls: Vec<_> = self
            .ports
            .iter()
            .map(|port| format!("{scheme}://{}", port.addr()))
            .collect();
        urls.join(",")
    }

    /// Registers a schema, as `POST /subjects/{subject}/versions` does; `subject` may name a context (`:.context:name`).
    ///
    /// # Errors
    /// Where the text is no schema, or a reference is not there.
    pub fn register(&self, subject: &str, schema: NewSchema) -> Result<Registered, RegistryError> {
        let subject = Subject::read(subject, DEFAULT_CONTEXT);
        let mut store = self.shared.store();
        let schema = complete(schema, &store, &subject)?;
        Ok(registered(&store.register(&subject, schema)))
    }

    /// Puts a schema under an id and a version of one's choice, in place of what was there. Nothing is checked and the text is
    /// kept as it is, so that tests get broken schemas, cycles of references and schemas from recordings.
    pub fn put(&self, subject: &str, version: i32, id: i32, schema: NewSchema) -> Registered {
        let subject = Subject::read(subject, DEFAULT_CONTEXT);
        registered(&self.shared.store().put(&subject, version, id, schema))
    }

    /// Soft-deletes a subject with all its versions; answers how many there were. Their ids are known as before.
    pub fn delete(&self, subject: &str) -> usize {
        let subject = Subject::read(subject, DEFAULT_CONTEXT);
        let mut store = self.shared.store();
        let versions = store
            .versions(&subject, Deleted::Hidden)
            .unwrap_or_default();
        let numbers: Vec<i32> = versions.iter().map(|version| version.version).collect();
        store.delete(&subject, &numbers, false);
        numbers.len()
    }

    /// The latest version of a subject, if it has one.
    #[must_use]
    pub fn latest(&self, subject: &str) -> Option<(Registered, NewSchema)> {
        let subject = Subject::read(subject, DEFAULT_CONTEXT);
        let found = self
            .shared
            .store()
            .version(&subject, Which::Latest, Deleted::Hidden);
        let found = found.ok()?;
        Some((registered(&found), found.kept.schema.clone()))
    }

    /// The scripted faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Changes who may ask, from now on.
    pub fn set_access(&self, access: Access) {
        *self.shared.access() = access;
    }

    /// Every request so far (at most the last 10 000), in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.journal.all()
    }

    /// How many requests there were for a path or one below it, such as `/schemas/ids/7`, encoded as in a URL. `/` counts all.
    #[must_use]
    pub fn asked(&self, path: &str) -> usize {
        let all = self.shared.journal.all();
        all.iter()
            .filter(|record| faults::below(&record.path, path))
            .count()
    }

    /// How many requests there were since the start, also those that are no longer kept.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.shared.journal.total()
    }

    /// Waits until the n-th request (from 1, since the start) for a path or one below it arrived.
    ///
    /// # Errors
    /// When it did not within `timeout`; the message shows the last requests.
    pub fn wait_for(
        &self,
        path: &str,
        nth: usize,
        timeout: Duration,
    ) -> Result<RequestRecord, WaitError> {
        self.shared.journal.wait_for(path, nth, timeout)
    }

    /// Every server goes away: connections are closed, new ones refused. Schemas are kept, and so are the ports' numbers.
    ///
    /// # Errors
    /// Where a port could not be held.
    pub fn away(&self) -> Result<(), RegistryError> {
        (0..self.ports.len()).try_for_each(|node| self.away_at(node))
    }

    /// One server goes away.
    ///
    /// # Errors
    /// Where its port could not be held.
    pub fn away_at(&self, node: usize) -> Result<(), RegistryError> {
        let port = &self.ports[node];
        port.down().map_err(|source| RegistryError::Listen {
            address: port.addr(),
            source,
        })
    }

    /// Every server that was away is back, on the same port.
    ///
    /// # Errors
    /// Where one cannot listen.
    pub fn back(&self) -> Result<(), RegistryError> {
        (0..self.ports.len()).try_for_each(|node| self.back_at(node))
    }

    /// One server that was away is back, on the same port.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub fn back_at(&self, node: usize) -> Result<(), RegistryError> {
        let port = &self.ports[node];
        let service = OfRegistry {
            shared: Arc::clone(&self.shared),
            node,
            #[cfg(feature = "secured")]
            tls: self.tls.clone(),
        };
        port.up(service).map_err(|source| RegistryError::Listen {
            address: port.addr(),
            source,
        })
    }

    /// Stops it; its schemas are gone.
    pub fn stop(self) {
        drop(self);
    }
}

fn registered(found: &store::Found) -> Registered {
    Registered {
        id: found.version.id,
        version: found.version.version,
        guid: found.kept.guid,
    }
}

impl Drop for SchemaRegistry {
    fn drop(&mut self) {
        self.shared.faults.clear();
        if let Some(runtime) = self.runtime.take() {
            // Not `drop`, which must not be called where another runtime runs.
            runtime.shutdown_background();
        }
    }
}
