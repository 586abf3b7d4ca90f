//! The MySQL port of an FE: connections of `mysql`, JDBC, Python and the like.
//!
//! The protocol is MySQL's of 4.1 and later, with `mysql_native_password` and without TLS. What was looked at instead of
//! writing it is in ADR 008.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::net::TcpStream;

use crate::cluster::Cluster;
use crate::sql::{Ran, Session, SqlError, run_one, statements};

mod alters;
mod answers;
mod client;
mod handshake;
mod packets;
mod prepared;

use alters::{Alter, End, ended};
use answers::{Answer, Rows};
pub use client::mysql_client_or_skip;
use packets::Packets;
use prepared::Prepared;

/// Commands (`enum_server_command`).
const QUIT: u8 = 1;
const INIT_DB: u8 = 2;
const QUERY: u8 = 3;
const FIELD_LIST: u8 = 4;
const STATISTICS: u8 = 9;
const PING: u8 = 14;
const STATEMENT_PREPARE: u8 = 22;
const STATEMENT_EXECUTE: u8 = 23;
const STATEMENT_LONG_DATA: u8 = 24;
const STATEMENT_CLOSE: u8 = 25;
const STATEMENT_RESET: u8 = 26;
const SET_OPTION: u8 = 27;
const RESET_CONNECTION: u8 = 31;

static CONNECTIONS: AtomicU32 = AtomicU32::new(1);

/// Serves a connection to its end.
pub(crate) async fn serve(cluster: Arc<Cluster>, stream: TcpStream) {
    let id = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let mut connection = Connection {
        cluster,
        packets: Packets::new(stream),
        session: Session::default(),
        prepared: Prepared::default(),
        id,
    };
    match connection.run().await {
        Ok(()) => {}
        // A client that goes without a word is nothing to be told of.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        Err(error) => tracing::debug!(%error, id, "a MySQL connection ended early"),
    }
}

struct Connection {
    cluster: Arc<Cluster>,
    packets: Packets<TcpStream>,
    session: Session,
    prepared: Prepared,
    id: u32,
}

impl Connection {
    async fn run(&mut self) -> io::Result<()> {
        let cluster = Arc::clone(&self.cluster);
        let users = |user: &str| {
            let meta = cluster.meta();
            let known = meta.users.iter().find(|u| u.name == user);
            known.map(|u| (u.password.clone(), u.grants.clone()))
        };
        let Some(login) = handshake::run(&mut self.packets, self.id, users).await? else {
            return Ok(());
        };
        self.session = Session::new(&login.user, self.id, Some(login.grants));
        let entered = match login.database {
            Some(db) => self.enter(db).await?,
            None => Answer::Ok { changed: 0 },
        };
        self.packets.answer(&entered, false).await?;
        if matches!(entered, Answer::Error(_)) {
            return Ok(());
        }
        loop {
            let command = self.packets.command().await?;
            let Some((code, rest)) = command.split_first() else {
                return Ok(());
            };
            if let Some(answer) = self.command(*code, rest).await? {
                self.packets.answer(&answer, false).await?;
            }
            if *code == QUIT {
                return Ok(());
            }
        }
    }

    /// Does a command; answers what is still to be told, if anything.
    async fn command(&mut self, code: u8, rest: &[u8]) -> io::Result<Option<Answer>> {
        let text = || String::from_utf8_lossy(rest).into_owned();
        Ok(Some(match code {
            QUIT => return Ok(None),
            QUERY => {
                self.query(text(), Rows::Text).await?;
                return Ok(None);
            }
            INIT_DB => self.enter(text()).await?,
            PING => Answer::Ok { changed: 0 },
            RESET_CONNECTION => {
                self.session.reset();
                self.prepared = Prepared::default();
                Answer::Ok { changed: 0 }
            }
            SET_OPTION => Answer::End,
            STATISTICS => Answer::Text("a stand-in, not StarRocks".to_owned()),
            // Deprecated; clients ask it to complete names, and do without.
            FIELD_LIST => Answer::Error(SqlError::coded(
                1047,
                "the stand-in does not know COM_FIELD_LIST",
            )),
            STATEMENT_PREPARE => match self.prepared.prepare(text()) {
                Ok((number, parameters)) => Answer::Prepared { number, parameters },
                Err(error) => Answer::Error(error),
            },
            STATEMENT_EXECUTE => match self.prepared.text(rest) {
                Ok(text) => {
                    self.query(text, Rows::Binary).await?;
                    return Ok(None);
                }
                Err(error) => Answer::Error(error),
            },
            STATEMENT_LONG_DATA => {
                self.prepared.add_long(rest);
                return Ok(None);
            }
            STATEMENT_CLOSE => {
                self.prepared.close(rest);
                return Ok(None);
            }
            STATEMENT_RESET => {
                self.prepared.reset(rest);
                Answer::Ok { changed: 0 }
            }
            other => Answer::Error(SqlError::coded(
                1047,
                format!("the stand-in does not know the command {other}"),
            )),
        }))
    }

    /// Runs the statements of a text, each with an answer of its own; the first that fails ends it.
    async fn query(&mut self, text: String, rows: Rows) -> io::Result<()> {
        let mut parts: Vec<String> = statements(&text).into_iter().map(str::to_owned).collect();
        if parts.is_empty() {
            parts.push(String::new());
        }
        let last = parts.len() - 1;
        for (at, sql) in parts.into_iter().enumerate() {
            let mut alter = Alter::begun(&self.cluster, &self.session, &sql);
            if let Some(alter) = &mut alter {
                let end = alter.before().await;
                self.end(end)?;
            }
            self.session.alters_slowly = alter.as_ref().is_some_and(Alter::is_slow);
            let done = self
                .work(move |store, session| run_one(store, session, &sql))
                .await?;
            let answer = match done {
                Ok(Ran { result, .. }) if result.columns.is_empty() => Answer::Ok {
                    changed: result.changed,
                },
                Ok(ran) => Answer::Rows(ran, rows),
                Err(error) => Answer::Error(error),
            };
            if let Some(alter) = &mut alter {
                let end = alter.after(&answer).await;
                self.end(end)?;
            }
            let failed = matches!(answer, Answer::Error(_));
            self.packets.answer(&answer, at < last && !failed).await?;
            if failed {
                break;
            }
        }
        Ok(())
    }

    /// Ends the connection where a fault says so.
    fn end(&self, end: Option<End>) -> io::Result<()> {
        match end {
            None => return Ok(()),
            Some(End::Closed) => {}
            Some(End::Reset) => self.packets.stream().set_zero_linger()?,
        }
        Err(ended())
    }

    /// `USE`.
    async fn enter(&mut self, db: String) -> io::Result<Answer> {
        let entered = self
            .work(move |store, session| session.enter(store, &db))
            .await?;
        Ok(match entered {
            Ok(()) => Answer::Ok { changed: 0 },
            Err(error) => Answer::Error(error),
        })
    }

    /// Works on the tables, on a thread that may wait.
    async fn work<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut crate::store::Store, &mut Session) -> T + Send + 'static,
    ) -> io::Result<T> {
        let cluster = Arc::clone(&self.cluster);
        let mut session = self.session.clone();
        let (session, done) = tokio::task::spawn_blocking(move || {
            let done = cluster.with_session(&mut session, work);
            (session, done)
        })
        .await
        .map_err(io::Error::other)?;
        self.session = session;
        Ok(done)
    }
}
