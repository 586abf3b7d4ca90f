//! Scripted faults: which call goes wrong, the how-many-th, and how.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::journal::{Hop, Node};
use crate::request::{Call, Head};

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// The connection is reset (RST) before anything happened.
    ResetBeforeEffect,
    /// The connection is reset when this many bytes of the body were read. What was read stays in the transaction's buffer.
    ResetMidBody {
        /// Bytes.
        after: u64,
    },
    /// The work is done, then the connection is closed without an answer.
    DropAnswerAfterEffect,
    /// The work is done, then the connection is reset.
    ResetAfterEffect,
    /// The work is done; the answer's body ends after this many bytes.
    CutAnswer {
        /// Bytes.
        after: usize,
    },
    /// This JSON is answered before the body is read; nothing is done.
    EarlyReply(String),
    /// The body is read, this is answered, nothing is done.
    Status {
        /// HTTP status.
        code: u16,
        /// Body.
        body: String,
    },
    /// The body is read, this JSON is answered with status 200, nothing is done.
    Answer(String),
    /// The work is done, but this JSON is answered.
    AnswerAfterEffect(String),
    /// A 307 to this base (`http://host:port`), path and query kept.
    Redirect(String),
    /// The call waits this long, then goes on.
    Delay(Duration),
    /// The call waits until [`Fault::release`], then goes on.
    Hold,
    /// The work is done, the answer waits until [`Fault::release`].
    HoldAnswer,
    /// A commit is decided but not published in time: the transaction stays COMMITTED until
    /// [`publish`](crate::StandIn::publish) or the next sweep.
    PublishTimeout,
    /// An ALTER TABLE is begun but not done at once, as where StarRocks lacks fast schema evolution: the table stays as it is, and
    /// takes no other ALTER, until [`finish_alters`](crate::StandIn::finish_alters) or the next sweep.
    SlowAlter,
    /// A taken label is answered as plain `Fail` with "Label … has already been used" only, as some 3.3 and 3.4 versions do.
    LabelExistsAsPlainFail,
    /// "Too many versions": a load, prepare or BE commit fails and its transaction is aborted.
    TooManyVersions,
    /// "current running txns on db … larger than limit".
    RunningTxnLimit,
    /// "Memory of process exceed limit": a load, prepare or BE commit fails and its transaction is aborted.
    MemoryLimit,
    /// Access denied: 401 by an FE, a failure in a 200 by a BE.
    Unauthorized,
    /// A page of HTML with status 200, as a proxy would send.
    Html,
}

impl Action {
    /// Actions that end a call as a failure of the cluster, as (BE status word, message).
    pub(crate) fn refusal(&self, db: &str) -> Option<(&'static str, String)> {
        Some(match self {
            Self::TooManyVersions => (
                "SERVICE_UNAVAILABLE",
                "Too many versions. tablet_id: 10010, version_count: 1001, limit: 1000, replica_state: 0".to_owned(),
            ),
            Self::RunningTxnLimit => {
                ("ANALYSIS_ERROR", format!("current running txns on db {db} is 1000, larger than limit 1000"))
            }
            Self::MemoryLimit => {
                ("MEM_LIMIT_EXCEEDED", "Memory of process exceed limit. Used: 8589934592, Limit: 8589934592.".to_owned())
            }
            _ => return None,
        })
    }
}

#[derive(Debug)]
struct Rule {
    id: u64,
    call: Call,
    hop: Hop,
    node: Option<Node>,
    db: Option<String>,
    table: Option<String>,
    label: Option<String>,
    /// Numbers of the matching calls, from 1, at which it fires.
    from: u64,
    until: u64,
    action: Action,
    matched: u64,
    fired: u64,
    released: watch::Sender<bool>,
}

impl Rule {
    fn matches(&self, node: Node, hop: Hop, head: &Head) -> bool {
        let same = |asked: &Option<String>, is: &str| asked.as_ref().is_none_or(|a| a == is);
        self.call == head.call
            && self.hop == hop
            && self.node.is_none_or(|n| n == node)
            && same(&self.db, &head.db)
            && same(&self.table, &head.table)
            && self
                .label
                .as_ref()
                .is_none_or(|part| head.label.contains(part.as_str()))
    }
}

#[derive(Debug, Default)]
struct Board {
    rules: Mutex<(u64, Vec<Rule>)>,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, (u64, Vec<Rule>)> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The faults of a stand-in.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    board: Arc<Board>,
}

impl Faults {
    /// A fault for calls of this kind where the work is done (not where a server only redirects). Say which calls and what,
    /// then [`FaultScript::act`] puts it in force.
    pub fn on(&self, call: Call) -> FaultScript {
        let (released, _) = watch::channel(false);
        let rule = Rule {
            id: 0,
            call,
            hop: Hop::Serve,
            node: None,
            db: None,
            table: None,
            label: None,
            from: 1,
            until: u64::MAX,
            action: Action::Html,
            matched: 0,
            fired: 0,
            released,
        };
        FaultScript {
            board: Arc::clone(&self.board),
            rule,
        }
    }

    /// Takes back every fault and releases every call that is held.
    pub fn clear(&self) {
        for rule in self.board.lock().1.drain(..) {
            rule.released.send_replace(true);
        }
    }

    /// The action for a call that arrived, and what it waits for if it is to be held. Every rule that matches counts the
    /// call; the first that fires acts.
    pub(crate) fn strike(
        &self,
        node: Node,
        hop: Hop,
        head: &Head,
    ) -> Option<(Action, watch::Receiver<bool>)> {
        let mut struck = None;
        for rule in &mut self.board.lock().1 {
            if rule.matches(node, hop, head) {
                rule.matched += 1;
                if struck.is_none() && (rule.from..=rule.until).contains(&rule.matched) {
                    rule.fired += 1;
                    struck = Some((rule.action.clone(), rule.released.subscribe()));
                }
            }
        }
        struck
    }
}

/// A fault that is being described.
#[derive(Debug)]
#[must_use = "a fault is in force only after `act`"]
pub struct FaultScript {
    board: Arc<Board>,
    rule: Rule,
}

impl FaultScript {
    /// Only the n-th matching call, from 1, counted from `act`.
    pub fn nth(mut self, n: u64) -> Self {
        (self.rule.from, self.rule.until) = (n, n);
        self
    }

    /// Only the first n matching calls.
    pub fn first(mut self, n: u64) -> Self {
        (self.rule.from, self.rule.until) = (1, n);
        self
    }

    /// From the n-th matching call on.
    pub fn from(mut self, n: u64) -> Self {
        (self.rule.from, self.rule.until) = (n, u64::MAX);
        self
    }

    /// Only this database.
    pub fn db(mut self, db: &str) -> Self {
        self.rule.db = Some(db.to_owned());
        self
    }

    /// Only this table. Where a call does not name its table, the label's is taken.
    pub fn table(mut self, table: &str) -> Self {
        self.rule.table = Some(table.to_owned());
        self
    }

    /// Only labels that contain this text.
    pub fn label(mut self, part: &str) -> Self {
        self.rule.label = Some(part.to_owned());
        self
    }

    /// Only this server.
    pub fn at(mut self, node: Node) -> Self {
        self.rule.node = Some(node);
        self
    }

    /// The hop at which a server only redirects, instead of the one where the work is done.
    pub fn on_redirect(mut self) -> Self {
        self.rule.hop = Hop::Redirect;
        self
    }

    /// Puts the fault in force.
    pub fn act(mut self, action: Action) -> Fault {
        self.rule.action = action;
        let mut rules = self.board.lock();
        rules.0 += 1;
        let id = rules.0;
        self.rule.id = id;
        rules.1.push(self.rule);
        drop(rules);
        Fault {
            board: self.board,
            id,
        }
    }
}

/// A fault in force. It stays so when this is dropped.
#[derive(Debug, Clone)]
pub struct Fault {
    board: Arc<Board>,
    id: u64,
}

impl Fault {
    fn with<T: Default>(&self, look: impl FnOnce(&Rule) -> T) -> T {
        self.board
            .lock()
            .1
            .iter()
            .find(|r| r.id == self.id)
            .map(look)
            .unwrap_or_default()
    }

    /// How often it struck.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.with(|rule| rule.fired)
    }

    /// Lets every call go on that it holds, now and later.
    pub fn release(&self) {
        self.with(|rule| {
            rule.released.send_replace(true);
        });
    }

    /// Takes the fault back and releases what it holds.
    pub fn remove(&self) {
        self.release();
        self.board.lock().1.retain(|r| r.id != self.id);
    }
}
