//! One task: a member of the consumer group that turns what it is assigned into visible rows.
//!
//! The thread of the task runs a [`Session`]: from joining the group until it stops, fails, or must join
//! anew. It polls and encodes; what waits for StarRocks runs on the async runtime, and while the thread
//! waits for that it goes on polling, so that the group never takes it for dead. A rebalance is an event
//! that is looked at only between two rounds: the group waits until then.

mod announce;
mod columns;
mod errors;
mod fill;
mod finish;
mod give_up;
mod position;
mod recover;
mod refusals;
mod schemas;
mod wait;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::batch::{Batches, Limits};
use crate::clock::Clock;
use crate::dead_letters::{ErrorReports, ErrorSettings};
use crate::encode::{Encoder, TableId};
use crate::kafka::{Kafka, KafkaError, KafkaErrorKind, TopicPartition};
use crate::ledger::Ledger;
use crate::load::OpenLoads;
use crate::load_properties::LoadProperties;
use crate::metadata::{Attempt, Epoch};
use crate::remembered::Remembered;
use crate::round::Round;
use crate::schemas::Registries;
use crate::settings::DeliveryGuarantee;
use crate::status::TaskStatus;
use crate::step::{Probe, Step};
use crate::warehouse::{Interface, Warehouse};

use self::finish::Committing;
use self::give_up::Again;
use self::position::names;
use self::refusals::Refusals;
use self::schemas::Schemas;

/// What a task needs to know of its connector.
#[derive(Clone)]
pub struct TaskSettings {
    /// The connector's name.
    pub connector: Arc<str>,
    /// The guarantee of this session.
    pub guarantee: DeliveryGuarantee,
    /// `bufferflush.maxbytes`.
    pub flush_bytes_max: u64,
    /// `bufferflush.intervalms`.
    pub flush_interval: Duration,
    /// Its number among the connector's tasks, from 0.
    pub task: u32,
    /// `errors.*`.
    pub errors: ErrorSettings,
    /// `starrocks.bisect.max.loads`.
    pub bisect_loads_max: u32,
    /// How long a table that takes nothing is left alone before it is tried again, where errors are tolerated.
    pub refused_table_pause: Duration,
    /// `sink.maxretries`; `None` is for ever.
    pub retries_max: Option<u32>,
    /// `starrocks.progress.timeout.ms`.
    pub progress_timeout: Duration,
    /// `starrocks.unavailable.timeout.ms`; `None` is for ever.
    pub unavailable_timeout: Option<Duration>,
    /// The Stream Load headers of every table's loads.
    pub loads: Arc<LoadProperties>,
    /// Seconds after which StarRocks ends a transaction that was begun and not prepared.
    pub begin_timeout_s: u32,
    /// How long a rebalance may wait for a round before the task leaves the group instead.
    pub release_patience: Duration,
}

/// Asks a task to stop. Clones ask the same task.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Mutex<Option<Instant>>>);

impl Stop {
    /// Asks the task to bring its round to an end and stop; at `deadline` it stops wherever it is.
    pub fn request(&self, deadline: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(deadline);
    }

    fn deadline(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the task was asked to stop.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.deadline().is_some()
    }
}

/// What joining the group anew is called where it is shown as being tried again.
pub const JOIN: &str = "join the group";

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// As asked. Every row that was read is settled, or, with a note, left to the next holder's recovery.
    Stopped {
        /// What was left behind, for the log.
        left: Option<String>,
    },
    /// The task must join the group anew; nothing is lost.
    Rejoin(String),
    /// Trying again changes nothing.
    Failed(String),
    /// Kafka transactions are not to be had here.
    NoTransactions(String),
}

/// Why the thread leaves what it is doing.
#[derive(Debug)]
enum Halt {
    End(SessionEnd),
    /// A decided round was aborted in StarRocks: recover again, in this membership.
    Recover(String),
    /// Something came between, and nothing is open: look again at what there is to do.
    Disturbed,
}

type Turn<T = ()> = Result<T, Halt>;

fn failed(reason: impl Into<String>) -> Halt {
    Halt::End(SessionEnd::Failed(reason.into()))
}

fn rejoin(reason: impl Into<String>) -> Halt {
    Halt::End(SessionEnd::Rejoin(reason.into()))
}

#[derive(Debug)]
enum GroupEvent {
    Assigned(Vec<TopicPartition>),
    Revoked(Vec<TopicPartition>),
    Lost(Vec<TopicPartition>),
}

impl GroupEvent {
    /// Whether the group waits until it was looked at.
    fn is_waited_for(&self) -> bool {
        match self {
            Self::Assigned(_) => false,
            Self::Revoked(_) | Self::Lost(_) => true,
        }
    }
}

/// A round that takes records, with the transactions that carry its rows.
struct Filling {
    round: Round,
    loads: OpenLoads,
    started_at: Instant,
    /// Its plan may not grow by another table.
    must_seal: bool,
}

/// Everything a session is given.
pub struct Context<'t> {
    /// What the connector's configuration says.
    pub settings: TaskSettings,
    /// StarRocks.
    pub warehouse: Warehouse,
    /// Turns records into rows.
    pub encoder: &'t mut Encoder,
    /// What tells the schemas that records were written with.
    pub registries: Registries,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws epochs.
    pub chance: &'t mut dyn FnMut() -> u64,
    /// What was stored, from one session to the next.
    pub remembered: Remembered,
    /// The task's face.
    pub status: Arc<TaskStatus>,
    /// Asks to stop.
    pub stop: Stop,
    /// Told of each step.
    pub probe: Arc<dyn Probe>,
}

/// One stay of a task in its group.
pub struct Session<'t, K: Kafka> {
    kafka: &'t mut K,
    task: Context<'t>,
    epoch: Epoch,
    /// The last attempt that has ended, as stored beside the offsets. Only the next one may be open.
    ended: u64,
    owned: Vec<TopicPartition>,
    /// `None` until recovery is through.
    ledger: Option<Ledger>,
    /// The partitions that are read, and where each round continues.
    positions: BTreeMap<TopicPartition, i64>,
    /// Where the owed part of each partition ends; empty unless a replay is under way.
    replay: BTreeMap<TopicPartition, fill::Replay>,
    filling: Option<Filling>,
    batches: Batches,
    batch: Option<(K::Batch, usize)>,
    error_reports: ErrorReports,
    /// Tables of which it was said that their columns cannot be read.
    without_columns: BTreeSet<TableId>,
    /// What StarRocks is known to refuse.
    refusals: Refusals,
    committing: Option<Committing>,
    events: VecDeque<GroupEvent>,
    /// What waits for a Schema Registry.
    schemas: Schemas,
    /// Where partitions ended when they were last read through.
    ends: BTreeMap<TopicPartition, i64>,
    /// Partitions that cannot be read where they stand, and where the broker would have gone on.
    out_of_range: BTreeMap<TopicPartition, i64>,
    /// The last that turned out to be readable after all, and where.
    false_alarm: Option<(TopicPartition, i64)>,
    /// Since when the group waits for one of the events.
    events_since: Option<Instant>,
    is_paused: bool,
    has_joined: bool,
    /// Rises whenever reading starts elsewhere: records fetched before are then dropped.
    restarts: u64,
    again: Again,
    settle_at: Option<Instant>,
    /// What the thread is busy with since when, for the message about a lack of progress.
    stage: (&'static str, Instant),
    give_up_at: Option<Instant>,
}

impl<'t, K: Kafka> Session<'t, K> {
    /// A session of a member that has not been assigned anything yet.
    pub fn new(kafka: &'t mut K, task: Context<'t>) -> Self {
        let now = task.clock.now();
        let epoch = Epoch((task.chance)());
        Self {
            kafka,
            task,
            epoch,
            ended: 0,
            owned: Vec::new(),
            ledger: None,
            positions: BTreeMap::new(),
            replay: BTreeMap::new(),
            filling: None,
            batches: Batches::new(),
            batch: None,
            error_reports: ErrorReports::default(),
            without_columns: BTreeSet::new(),
            refusals: Refusals::default(),
            committing: None,
            events: VecDeque::new(),
            schemas: Schemas::default(),
            ends: BTreeMap::new(),
            out_of_range: BTreeMap::new(),
            false_alarm: None,
            events_since: None,
            is_paused: false,
            has_joined: false,
            restarts: 0,
            again: Again::default(),
            settle_at: None,
            stage: ("starting", now),
            give_up_at: None,
        }
    }

    /// Runs until the session ends.
    pub fn run(mut self) -> SessionEnd {
        let end = loop {
            match self.join().and_then(|()| self.turn()) {
                Ok(()) | Err(Halt::Disturbed) => {}
                Err(Halt::Recover(reason)) => {
                    tracing::warn!("{reason}; its rows are loaded again");
                    if let Err(Halt::End(end)) = self.recover_again() {
                        break end;
                    }
                }
                Err(Halt::End(end)) => break end,
            }
        };
        self.forget_schemas();
        self.wind_up(&end);
        end
    }

    /// What the guarantee rests on must be to be had before anything is read.
    fn join(&mut self) -> Turn {
        if self.has_joined || self.task.stop.requested() {
            return Ok(());
        }
        let exactly_once = self.task.settings.guarantee == DeliveryGuarantee::ExactlyOnce;
        let interface = self.find_interface(exactly_once)?;
        self.task.warehouse.set_interface(interface);
        self.batches.limit(Limits::of(interface));
        if exactly_once {
            self.enter("waiting for Kafka");
            let because = KafkaError {
                kind: KafkaErrorKind::Transient,
                message: "the session begins".to_owned(),
            };
            self.renew_producer(&because)?;
        }
        self.ensure_dead_letter_topic()?;
        self.has_joined = true;
        Ok(())
    }

    fn find_interface(&mut self, exactly_once: bool) -> Turn<Interface> {
        if self.task.settings.loads.needs_stream_load() {
            return Ok(Interface::StreamLoad);
        }
        self.enter("waiting for StarRocks");
        let warehouse = self.task.warehouse.clone();
        match self.wait(async move { warehouse.find_interface().await })? {
            Ok(Interface::StreamLoad) if exactly_once => {
                Err(Halt::End(SessionEnd::NoTransactions(
                    "this StarRocks has no transaction interface, which came with version 2.4"
                        .to_owned(),
                )))
            }
            Ok(interface) => Ok(interface),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    fn turn(&mut self) -> Turn {
        self.cover_ends();
        if self.task.stop.requested() {
            self.enter("stopping");
            let restarts = self.restarts;
            self.finish()?;
            let again = self.restarts != restarts;
            let left = again.then(|| {
                "the last round could not be loaded; it is when the connector starts again"
                    .to_owned()
            });
            return Err(Halt::End(SessionEnd::Stopped { left }));
        }
        if let Some(event) = self.events.pop_front() {
            return self.group_event(event);
        }
        if !self.out_of_range.is_empty() {
            return self.regain();
        }
        self.collect_commit()?;
        if self.round_is_due() {
            self.end_round()?;
        }
        self.settle_if_due()?;
        self.enter("reading");
        self.read()
    }

    fn group_event(&mut self, event: GroupEvent) -> Turn {
        match event {
            GroupEvent::Assigned(owned) => {
                self.enter("joining");
                if let Err(halt) = self.finish() {
                    return Err(self.later(GroupEvent::Assigned(owned), halt));
                }
                tracing::info!(partitions = owned.len(), "assigned: {}", names(&owned));
                self.owned = owned;
                self.recover()?;
                self.task.status.succeeded(self.now(), JOIN);
                Ok(())
            }
            GroupEvent::Revoked(partitions) => {
                self.enter("giving partitions back");
                if let Err(halt) = self.finish() {
                    return Err(self.later(GroupEvent::Revoked(partitions), halt));
                }
                tracing::info!(
                    partitions = partitions.len(),
                    "revoked: {}",
                    names(&partitions)
                );
                self.let_go(&partitions);
                Ok(())
            }
            GroupEvent::Lost(partitions) => {
                self.enter("giving up lost partitions");
                tracing::warn!(
                    partitions = partitions.len(),
                    "lost: {}. The group did not hear of this member for session.timeout.ms, or it did not poll for \
                     max.poll.interval.ms. What was not decided is loaded by the next holder",
                    names(&partitions)
                );
                self.abandon_round()?;
                if let Err(Halt::End(end)) = self.await_visible() {
                    return Err(Halt::End(end));
                }
                self.let_go(&partitions);
                Ok(())
            }
        }
    }

    /// What must be done first came between: the event is looked at again after it.
    fn later(&mut self, event: GroupEvent, halt: Halt) -> Halt {
        self.events.push_front(event);
        halt
    }

    /// After this the group may give the partitions to another member: nothing of them may be open.
    fn let_go(&mut self, partitions: &[TopicPartition]) {
        self.epoch = Epoch((self.task.chance)());
        self.forget_reading();
        self.owned.retain(|owned| !partitions.contains(owned));
        self.out_of_range.clear();
        self.kafka.release(partitions);
        let waits = self.events.iter().any(GroupEvent::is_waited_for);
        self.events_since = waits.then(|| self.now());
    }

    /// Nothing is read until the next recovery.
    fn forget_reading(&mut self) {
        self.ledger = None;
        self.batch = None;
        self.filling = None;
        self.batches.clear();
        self.positions.clear();
        self.replay.clear();
        self.ends.clear();
        self.refusals.searches.clear();
        self.error_reports.forget();
        self.forget_schemas();
        self.settle_at = None;
        self.pause();
    }

    /// Leaves nothing behind where that is quickly done; recovery does the rest.
    fn wind_up(&mut self, end: &SessionEnd) {
        if matches!(end, SessionEnd::Stopped { .. }) {
            return;
        }
        self.give_up_at = Some(self.now() + WIND_UP);
        self.events.clear();
        self.events_since = None;
        let mut wound_up = self.abandon_round().and_then(|()| self.await_visible());
        if matches!(end, SessionEnd::Failed(_)) {
            // Nobody knows when it starts again: until then no plan may age into doubt.
            wound_up = wound_up.and_then(|()| self.settle());
        }
        if wound_up.is_err() {
            tracing::debug!(
                "what this session left open is rolled back or forward by the next holder"
            );
        }
    }

    fn attempt(&self) -> Attempt {
        Attempt {
            epoch: self.epoch,
            round: self.ended,
        }
    }

    fn now(&self) -> Instant {
        self.task.clock.now()
    }

    fn enter(&mut self, stage: &'static str) {
        if self.stage.0 != stage {
            self.stage = (stage, self.now());
        }
    }

    fn reached(&self, step: Step) {
        tracing::trace!(%step, "reached");
        self.task.probe.reached(step);
    }

    fn refused(&self, error: KafkaError) -> Halt {
        Halt::End(match error.kind {
            KafkaErrorKind::Transient => SessionEnd::Rejoin(error.message),
            KafkaErrorKind::Permanent => SessionEnd::Failed(error.message),
            KafkaErrorKind::TransactionsUnavailable => SessionEnd::NoTransactions(error.message),
        })
    }
}

/// How long a session that ends by an error cleans up behind itself.
const WIND_UP: Duration = Duration::from_secs(5);
