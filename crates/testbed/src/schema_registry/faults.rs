//! Scripted faults of a registry: which requests go wrong, the how-many-th, and how.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::refusal::Refusal;

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The connection is reset (RST) instead of an answer.
    Reset,
    /// The request waits this long, then is served.
    Delay(Duration),
    /// The request waits until [`Fault::release`], then is served.
    Hold,
    /// An error of the interface.
    Error {
        /// HTTP status.
        status: u16,
        /// `error_code`.
        code: u32,
        /// `message`.
        message: String,
    },
    /// This answer, whatever was asked.
    Answer {
        /// HTTP status.
        status: u16,
        /// Media type.
        content_type: &'static str,
        /// Body.
        body: String,
    },
    /// The right answer, whose body ends after so many bytes although more are promised.
    CutBody {
        /// Bytes.
        after: usize,
    },
    /// The right answer, in small pieces.
    Trickle {
        /// Bytes in a piece, at least 1.
        bytes: usize,
        /// Between two pieces.
        pause: Duration,
    },
}

impl Trouble {
    /// The schema is not known (404, 40403), as a follower says that lags behind.
    #[must_use]
    pub fn unknown_schema() -> Self {
        Refusal::no_schema("of a follower that lags").into()
    }

    /// No or wrong credentials (401).
    #[must_use]
    pub fn unauthorized() -> Self {
        Refusal::unauthorized().into()
    }

    /// The registry's own store cannot be read (500, 50001).
    #[must_use]
    pub fn store_failed() -> Self {
        Refusal::new(500, 50001, "the store cannot be read").into()
    }

    /// Too many requests (429), as Confluent Cloud says.
    #[must_use]
    pub fn too_many_requests() -> Self {
        Refusal::new(429, 42901, "too many requests").into()
    }

    /// A proxy's page of HTML instead of JSON.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::Answer {
            status,
            content_type: "text/html",
            body:
                "<html><head><title>503</title></head><body><h1>Service is busy</h1></body></html>"
                    .to_owned(),
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Error {
            status: refusal.status,
            code: refusal.code,
            message: refusal.message,
        }
    }
}

/// Whether a request's path is the one that is asked for, or one below it. Both as they stand in a URL.
pub(crate) fn below(path: &str, asked: &str) -> bool {
    let asked = asked.trim_end_matches('/');
    path.strip_prefix(asked)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[derive(Debug)]
struct Rule {
    id: u64,
    path: String,
    method: Option<&'static str>,
    node: Option<usize>,
    /// Numbers of the matching requests, from 1, at which it fires.
    from: u64,
    until: u64,
    trouble: Trouble,
    matched: u64,
    fired: u64,
    released: watch::Sender<bool>,
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

/// The faults of a registry.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    board: Arc<Board>,
}

impl Faults {
    /// A fault for requests of this path and those below it (`/schemas/ids/7`, `/subjects`; `/` is every path), encoded as in a
    /// URL. [`FaultScript::act`] puts it in force.
    pub fn on(&self, path: &str) -> FaultScript {
        let (released, _) = watch::channel(false);
        FaultScript {
            board: Arc::clone(&self.board),
            rule: Rule {
                id: 0,
                path: path.to_owned(),
                method: None,
                node: None,
                from: 1,
                until: u64::MAX,
                trouble: Trouble::Reset,
                matched: 0,
                fired: 0,
                released,
            },
        }
    }

    /// Takes back every fault and releases every request that is held.
    pub fn clear(&self) {
        for rule in self.board.lock().1.drain(..) {
            rule.released.send_replace(true);
        }
    }

    /// The trouble for a request that arrived, and what it waits for if it is to be held. Every rule that matches counts the
    /// request; the first that fires acts.
    pub(crate) fn strike(
        &self,
        node: usize,
        method: &str,
        path: &str,
    ) -> Option<(Trouble, watch::Receiver<bool>)> {
        let mut struck = None;
        for rule in &mut self.board.lock().1 {
            let matches = below(path, &rule.path)
                && rule.method.is_none_or(|m| m == method)
                && rule.node.is_none_or(|n| n == node);
            if matches {
                rule.matched += 1;
                if struck.is_none() && (rule.from..=rule.until).contains(&rule.matched) {
                    rule.fired += 1;
                    struck = Some((rule.trouble.clone(), rule.released.subscribe()));
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
    /// Only the n-th matching request, from 1, counted from `act`.
    pub fn nth(mut self, n: u64) -> Self {
        (self.rule.from, self.rule.until) = (n, n);
        self
    }

    /// Only the first n matching requests.
    pub fn first(mut self, n: u64) -> Self {
        (self.rule.from, self.rule.until) = (1, n);
        self
    }

    /// From the n-th matching request on.
    pub fn from(mut self, n: u64) -> Self {
        (self.rule.from, self.rule.until) = (n, u64::MAX);
        self
    }

    /// Only this method.
    pub fn method(mut self, method: &'static str) -> Self {
        self.rule.method = Some(method);
        self
    }

    /// Only this server, by its number.
    pub fn at(mut self, node: usize) -> Self {
        self.rule.node = Some(node);
        self
    }

    /// Puts the fault in force.
    pub fn act(mut self, trouble: Trouble) -> Fault {
        self.rule.trouble = trouble;
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
        let rules = self.board.lock();
        let rule = rules.1.iter().find(|rule| rule.id == self.id);
        rule.map(look).unwrap_or_default()
    }

    /// How often it struck.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.with(|rule| rule.fired)
    }

    /// Lets every request go on that it holds, now and later.
    pub fn release(&self) {
        self.with(|rule| {
            rule.released.send_replace(true);
        });
    }

    /// Takes the fault back and releases what it holds.
    pub fn remove(&self) {
        self.release();
        self.board.lock().1.retain(|rule| rule.id != self.id);
    }
}
