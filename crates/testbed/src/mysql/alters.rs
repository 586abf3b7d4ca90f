//! ALTER TABLE as a call that tests wait for, and make go wrong.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;

use crate::cluster::Cluster;
use crate::ddl::{self, Statement};
use crate::faults::Action;
use crate::journal::{Hop, Node, Outcome};
use crate::request::{Call, Head};
use crate::serve::until_released;
use crate::sql::Session;

use super::answers::Answer;

/// How a connection is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Without a word.
    Closed,
    /// With RST.
    Reset,
}

/// A statement that is a call. One that is dropped without an answer was cut.
pub(super) struct Alter {
    cluster: Arc<Cluster>,
    seq: u64,
    action: Option<Action>,
    released: Option<watch::Receiver<bool>>,
    outcome: Outcome,
}

impl Drop for Alter {
    fn drop(&mut self) {
        self.cluster.journal.ended(self.seq, self.outcome.clone());
    }
}

impl Alter {
    /// The call, if the statement is one.
    pub(super) fn begun(cluster: &Arc<Cluster>, session: &Session, sql: &str) -> Option<Self> {
        let Ok(Statement::AlterTable { db, name, .. }) =
            ddl::parse(sql, session.database.as_deref())
        else {
            return None;
        };
        let head = Head::of_statement(Call::Alter, &db, &name);
        // The MySQL port is the first FE's.
        let (node, hop) = (Node::Fe(0), Hop::Serve);
        let (action, released) = cluster.faults.strike(node, hop, &head).unzip();
        Some(Self {
            cluster: Arc::clone(cluster),
            seq: cluster.journal.arrived(node, hop, &head),
            action,
            released,
            outcome: Outcome::Cut,
        })
    }

    /// Whether the table's columns are to change later.
    pub(super) fn is_slow(&self) -> bool {
        self.action == Some(Action::SlowAlter)
    }

    /// What a fault does before the statement is run.
    pub(super) async fn before(&mut self) -> Option<End> {
        match &self.action {
            Some(Action::ResetBeforeEffect) => return Some(End::Reset),
            Some(Action::Delay(duration)) => tokio::time::sleep(*duration).await,
            Some(Action::Hold) => until_released(self.released.take()).await,
            _ => {}
        }
        None
    }

    /// What a fault does to the answer of a statement that was run.
    pub(super) async fn after(&mut self, answer: &Answer) -> Option<End> {
        match &self.action {
            Some(Action::DropAnswerAfterEffect) => return Some(End::Closed),
            Some(Action::ResetAfterEffect) => return Some(End::Reset),
            Some(Action::HoldAnswer) => until_released(self.released.take()).await,
            _ => {}
        }
        let status = match answer {
            Answer::Error(error) => error.code,
            _ => 0,
        };
        self.outcome = Outcome::Answered {
            status,
            word: String::new(),
        };
        None
    }
}

/// The error that ends a connection on purpose.
pub(super) fn ended() -> io::Error {
    io::Error::other("a fault ended the connection")
}
