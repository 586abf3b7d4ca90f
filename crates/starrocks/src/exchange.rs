//! One call from the front end to the node that answers it: rotation, redirects, the memory of coordinators.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::time::Instant;

use crate::address_map::BeAddressMap;
use crate::answer::{Answer, Call, Class, Verdict};
use crate::classify::classify;
use crate::config::ClientConfig;
use crate::coordinators::Coordinators;
use crate::error::{CallError, ConfigError};
use crate::frontend::Frontend;
use crate::hint::{Subject, hint};
use crate::label::Label;
use crate::redirect::{RedirectError, Target, resolve};
use crate::rotation::Rotation;
use crate::transport::{Failure, Hop, Reply, Transport};

/// A follower, the leader, the back end: more is a circle.
const REDIRECTS_MAX: usize = 3;
/// Longer answers than this are not StarRocks'.
pub(crate) const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A call, ready to be sent to whoever answers it.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) call: Call,
    pub(crate) method: Method,
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    /// The rows; no front end gets them.
    pub(crate) parts: Vec<Bytes>,
    pub(crate) database: &'a str,
    /// Empty where the call is about no table.
    pub(crate) table: &'a str,
    pub(crate) label: Option<&'a Label>,
    pub(crate) deadline: Instant,
}

impl Ask<'_> {
    /// What the call is about, for messages.
    pub(crate) fn subject(&self) -> String {
        let place = match (self.database, self.table) {
            ("", _) => String::new(),
            (database, "") => format!("database `{database}`"),
            (database, table) => format!("table `{database}`.`{table}`"),
        };
        match self.label {
            Some(label) if place.is_empty() => format!("label {label}"),
            Some(label) => format!("label {label}, {place}"),
            None => place,
        }
    }

    fn has_rows(&self) -> bool {
        self.parts.iter().any(|part| !part.is_empty())
    }

    /// Calls that a coordinator answers, and that may go there without asking a front end.
    fn goes_to_coordinator(&self) -> bool {
        matches!(self.call, Call::Load | Call::Prepare)
    }
}

/// An answer and who gave it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) reply: Reply,
    pub(crate) from: Frontend,
    /// Whether `from` was offered the rows.
    pub(crate) at_back_end: bool,
}

/// What all clones of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ClientConfig,
    transport: Transport,
    rotation: Mutex<Rotation>,
    coordinators: Mutex<Coordinators>,
    warned_in_clear: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is valid between any two statements, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(config: ClientConfig) -> Result<Shared, ConfigError> {
        if config.frontends.is_empty() {
            return Err(ConfigError::new(Frontend::PROPERTY, "names no front end"));
        }
        Ok(Shared {
            transport: Transport::new(&config)?,
            rotation: Mutex::new(Rotation::new(config.frontends.len())),
            coordinators: Mutex::new(Coordinators::default()),
            warned_in_clear: AtomicBool::new(false),
            config,
        })
    }

    /// Sends a call and judges the answer: `Ok` is done or already done.
    pub(crate) async fn call(&self, ask: Ask<'_>) -> Result<Answer, CallError> {
        let started = Instant::now();
        let result = match self.exchange(&ask).await {
            Ok(exchange) => self.judge(&ask, &exchange),
            Err(error) => Err(error),
        };
        self.note_outcome(&ask, &result);
        let verdict = result
            .as_ref()
            .map_or_else(|error| error.verdict, |answer| answer.verdict);
        let class = result
            .as_ref()
            .map_or_else(|error| error.class, |answer| answer.class);
        tracing::debug!(
            call = %ask.call, about = ask.subject(), ?verdict, ?class,
            elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "StarRocks call"
        );
        result
    }

    /// Finds the node that answers, and its answer, whatever it says.
    pub(crate) async fn exchange(&self, ask: &Ask<'_>) -> Result<Exchange, CallError> {
        let mut exchange = match self.ask_coordinator(ask).await? {
            Some(exchange) => exchange,
            None => self.ask_frontends(ask).await?,
        };
        let mut redirects = 0;
        while exchange.reply.is_redirect() {
            redirects += 1;
            if redirects > REDIRECTS_MAX {
                let message = format!(
                    "more than {REDIRECTS_MAX} redirects, the last from {}",
                    exchange.from
                );
                return Err(self.refusal(ask, Class::Routing, message, &exchange.from));
            }
            exchange = self.follow(ask, exchange).await?;
        }
        Ok(exchange)
    }

    /// Goes straight to the back end that is known to coordinate the transaction.
    async fn ask_coordinator(&self, ask: &Ask<'_>) -> Result<Option<Exchange>, CallError> {
        let known = ask.label.filter(|_| ask.goes_to_coordinator());
        let Some((label, address)) =
            known.and_then(|label| Some((label, lock(&self.coordinators).get(label)?)))
        else {
            return Ok(None);
        };
        match self.send(ask, &address, &ask.path_and_query, true).await {
            Ok(reply) => Ok(Some(Exchange {
                reply,
                from: address,
                at_back_end: true,
            })),
            // Nothing was sent; perhaps a front end knows more.
            Err(Failure::Unreachable(_)) => {
                lock(&self.coordinators).forget(label);
                Ok(None)
            }
            Err(Failure::Broken {
                cause,
                rows_started,
            }) => Err(broken(ask, &address, &cause, rows_started)),
        }
    }

    /// Asks the front ends in turn, the next one only where no connection could be made.
    pub(crate) async fn ask_frontends(&self, ask: &Ask<'_>) -> Result<Exchange, CallError> {
        let order = lock(&self.rotation).order(Instant::now());
        let mut causes = Vec::new();
        for index in order {
            let Some(frontend) = self.config.frontends.get(index) else {
                continue;
            };
            let result = self.send(ask, frontend, &ask.path_and_query, false).await;
            match &result {
                Ok(reply) if reply.status < 500 => lock(&self.rotation).answered(index),
                _ => lock(&self.rotation).failed(index, Instant::now()),
            }
            match result {
                Ok(reply) => {
                    return Ok(Exchange {
                        reply,
                        from: frontend.clone(),
                        at_back_end: false,
                    });
                }
                Err(Failure::Unreachable(cause)) => causes.push(format!("{frontend}: {cause}")),
                Err(Failure::Broken {
                    cause,
                    rows_started,
                }) => return Err(broken(ask, frontend, &cause, rows_started)),
            }
        }
        let message = format!("no front end can be reached: {}", causes.join("; "));
        Err(CallError {
            subject: ask.subject(),
            hint: Some("check starrocks.http.url, and that the front ends run and can be reached from here".into()),
            ..CallError::new(ask.call, Verdict::NotSent, Class::Unreachable, message)
        })
    }

    async fn follow(&self, ask: &Ask<'_>, exchange: Exchange) -> Result<Exchange, CallError> {
        let from = exchange.from;
        let target = match resolve(&from, exchange.reply.location.as_deref(), &self.config) {
            Ok(target) => target,
            Err(RedirectError::Unusable(message)) => {
                return Err(self.refusal(ask, Class::Routing, message, &from));
            }
            Err(RedirectError::Insecure(message)) => {
                return Err(CallError {
                    hint: Some(
                        "name an HTTPS address for it in starrocks.be.address.map, or set starrocks.http.redirect=allow".into(),
                    ),
                    ..self.refusal(ask, Class::RedirectRefused, message, &from)
                });
            }
        };
        self.warn_in_clear(&from, &target);
        let at_back_end = !target.is_frontend;
        match self
            .send(ask, &target.address, &target.path_and_query, at_back_end)
            .await
        {
            Ok(reply) => {
                let answered = at_back_end && !reply.is_redirect();
                if let Some(label) = ask
                    .label
                    .filter(|_| answered && matches!(ask.call, Call::Begin | Call::Load))
                {
                    lock(&self.coordinators).remember(label, target.address.clone());
                }
                Ok(Exchange {
                    reply,
                    from: target.address,
                    at_back_end,
                })
            }
            Err(Failure::Unreachable(cause)) => Err(unreachable_node(ask, &from, &target, &cause)),
            Err(Failure::Broken {
                cause,
                rows_started,
            }) => Err(broken(ask, &target.address, &cause, rows_started)),
        }
    }

    async fn send(
        &self,
        ask: &Ask<'_>,
        address: &Frontend,
        path_and_query: &str,
        rows: bool,
    ) -> Result<Reply, Failure> {
        self.transport
            .send(Hop {
                method: ask.method.clone(),
                address,
                path_and_query,
                headers: ask.headers.clone(),
                parts: if rows { ask.parts.clone() } else { Vec::new() },
                answer_bytes_max: ANSWER_BYTES_MAX,
                deadline: ask.deadline,
            })
            .await
    }

    /// Reads at most `bytes_max` from one node, without redirects.
    pub(crate) async fn fetch(
        &self,
        address: &Frontend,
        path_and_query: &str,
        bytes_max: usize,
        deadline: Instant,
    ) -> Result<Reply, Failure> {
        let headers = HeaderMap::new();
        let hop = Hop {
            method: Method::GET,
            address,
            path_and_query,
            headers,
            parts: Vec::new(),
            answer_bytes_max: bytes_max,
            deadline,
        };
        self.transport.send(hop).await
    }

    /// The front end that calls go to first.
    pub(crate) fn preferred_frontend(&self) -> &Frontend {
        let first = lock(&self.rotation)
            .order(Instant::now())
            .first()
            .copied()
            .unwrap_or(0);
        self.config
            .frontends
            .get(first)
            .expect("a client has at least one front end")
    }

    pub(crate) fn judge(&self, ask: &Ask<'_>, exchange: &Exchange) -> Result<Answer, CallError> {
        let answer = classify(ask.call, exchange.reply.status, &exchange.reply.body);
        // Rows that nobody took are not loaded, whatever the answer says.
        if answer.verdict == Verdict::Done
            && ask.has_rows()
            && !(exchange.at_back_end && exchange.reply.rows_sent)
        {
            return Err(rows_not_taken(ask, exchange));
        }
        if answer.verdict.is_done() {
            return Ok(answer);
        }
        let about = Subject {
            user: &self.config.user,
            database: ask.database,
            table: ask.table,
        };
        Err(CallError {
            subject: ask.subject(),
            host: Some(exchange.from.to_string().into()),
            hint: hint(ask.call, answer.class, &answer.message, about).map(String::into_boxed_str),
            error_url: answer.error_url.map(String::into_boxed_str),
            rejected_record_path: answer.rejected_record_path.map(String::into_boxed_str),
            ..CallError::new(ask.call, answer.verdict, answer.class, answer.message)
        })
    }

    /// A call that ended on the way: nothing has taken effect.
    fn refusal(&self, ask: &Ask<'_>, class: Class, message: String, from: &Frontend) -> CallError {
        let verdict = if class == Class::RedirectRefused {
            Verdict::Permanent
        } else {
            Verdict::Transient
        };
        CallError {
            subject: ask.subject(),
            host: Some(from.to_string().into()),
            ..CallError::new(ask.call, verdict, class, message)
        }
    }

    fn note_outcome(&self, ask: &Ask<'_>, result: &Result<Answer, CallError>) {
        let Some(label) = ask.label else { return };
        let ended = match result {
            Ok(_) => matches!(ask.call, Call::Commit | Call::Rollback | Call::Cancel),
            Err(error) => matches!(
                error.class,
                Class::TransactionGone | Class::TransactionAborted
            ),
        };
        if ended {
            lock(&self.coordinators).forget(label);
        }
    }

    fn warn_in_clear(&self, from: &Frontend, target: &Target) {
        use crate::frontend::Scheme::{Http, Https};
        let in_clear = from.scheme == Https && target.address.scheme == Http;
        if in_clear && !self.warned_in_clear.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "user name, password and rows cross the network in clear to {}, as starrocks.http.redirect=allow permits",
                target.address
            );
        }
    }
}

fn unreachable_node(ask: &Ask<'_>, from: &Frontend, target: &Target, cause: &str) -> CallError {
    let reached = target.address.authority();
    let via = if reached == target.named {
        String::new()
    } else {
        format!(", reached as {reached},")
    };
    let message = format!(
        "{from} names the node {}{via} to which no connection can be made: {cause}",
        target.named
    );
    CallError {
        subject: ask.subject(),
        host: Some(target.address.to_string().into()),
        hint: Some(map_it(&target.named)),
        ..CallError::new(ask.call, Verdict::NotSent, Class::Unreachable, message)
    }
}

/// The way out where an address that StarRocks named cannot be reached.
pub(crate) fn map_it(named: &str) -> Box<str> {
    let property = BeAddressMap::PROPERTY;
    format!("if this address is not reachable from here, map it: {property}={named}=HOST:PORT")
        .into()
}

fn broken(ask: &Ask<'_>, at: &Frontend, cause: &str, rows_started: bool) -> CallError {
    // A load whose rows stayed here has loaded nothing; any other call may have been heard.
    let verdict = if ask.has_rows() && !rows_started {
        Verdict::NotSent
    } else if ask.call.has_effect() {
        Verdict::UnknownAsk
    } else {
        Verdict::Transient
    };
    CallError {
        subject: ask.subject(),
        host: Some(at.to_string().into()),
        ..CallError::new(
            ask.call,
            verdict,
            Class::NoAnswer,
            format!("no complete answer: {cause}"),
        )
    }
}

fn rows_not_taken(ask: &Ask<'_>, exchange: &Exchange) -> CallError {
    let (verdict, class, message, hint) = if exchange.at_back_end {
        (
            Verdict::UnknownAsk,
            Class::Unreadable,
            "it reported success before all rows were sent",
            None,
        )
    } else {
        (
            Verdict::Permanent,
            Class::Routing,
            "it answered the load itself instead of naming a back end for the rows",
            Some("starrocks.http.url must name front ends (HTTP port 8030 unless configured), not back ends, nor a proxy that follows redirects".into()),
        )
    };
    CallError {
        subject: ask.subject(),
        host: Some(exchange.from.to_string().into()),
        hint,
        ..CallError::new(ask.call, verdict, class, message)
    }
}
