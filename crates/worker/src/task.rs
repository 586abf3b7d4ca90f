//! A task's thread: one session in the group after the other, until it stops or fails.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use starrocks_kafka_pipeline::clock::Clock as _;
use starrocks_kafka_pipeline::encode::{Encoder, EncoderSettings};
use starrocks_kafka_pipeline::remembered::Remembered;
use starrocks_kafka_pipeline::schemas::{Registries, RegistryClients};
use starrocks_kafka_pipeline::settings::DeliveryGuarantee;
use starrocks_kafka_pipeline::status::{TaskState, TaskStatus};
use starrocks_kafka_pipeline::step::Probe;
use starrocks_kafka_pipeline::tables::Sql;
use starrocks_kafka_pipeline::task::{Context, JOIN, Session, SessionEnd, Stop, TaskSettings};
use starrocks_kafka_pipeline::warehouse::Warehouse;
use starrocks_kafka_starrocks::Client;
use tokio::runtime::Handle;

use crate::clock::SystemClock;
use crate::config::{ConnectorPlan, Subscription, TaskPlan};
use crate::kafka::{ClientSettings, Following, LibrdkafkaClient};

/// How long a session that must join anew waits: the first time, and at most.
const REJOIN_FIRST: Duration = Duration::from_secs(1);
const REJOIN_LONGEST: Duration = Duration::from_secs(30);
/// A session that lasted so long was a good one.
const REJOIN_RESET: Duration = Duration::from_secs(60);

/// How long leaving the group may take.
pub(crate) const LEAVE_LIMIT: Duration = Duration::from_secs(5);

/// The part of `max.poll.interval.ms` after which a rebalance no longer waits for a round.
const RELEASE_PART: u32 = 3;
const RELEASE_LONGEST: Duration = Duration::from_secs(60);

/// Seconds that a transaction may take beside filling: loading what waits, and preparing.
const BEGIN_TIMEOUT_EXTRA_S: u64 = 600;
/// The longest timeout that StarRocks takes.
const BEGIN_TIMEOUT_MAX_S: u64 = 259_200;

/// How long a table that takes nothing is left alone where errors are tolerated: each time it is tried costs a round.
const REFUSED_TABLE_PAUSE: Duration = Duration::from_secs(60);

/// Everything a task's thread is given.
pub struct TaskSpec {
    /// The connector.
    pub connector: Arc<ConnectorPlan>,
    /// Which of its tasks.
    pub plan: TaskPlan,
    /// How records become rows.
    pub encoder: EncoderSettings,
    /// What tells the schemas of records, shared by the connector's tasks.
    pub registries: RegistryClients,
    /// StarRocks, shared by the connector's tasks.
    pub client: Client,
    /// The same by SQL, where it is set.
    pub sql: Option<Sql>,
    /// Where requests run.
    pub runtime: Handle,
    /// Told of each step.
    pub probe: Arc<dyn Probe>,
    /// Asks it to stop.
    pub stop: Stop,
    /// What the connector's tasks have stored.
    pub remembered: Remembered,
    /// Its face.
    pub status: Arc<TaskStatus>,
}

/// Starts the thread of a task.
///
/// # Errors
/// The operating system has no thread for it.
pub fn spawn(spec: TaskSpec) -> std::io::Result<JoinHandle<()>> {
    let name = format!("{}-{}", spec.connector.name, spec.plan.index);
    std::thread::Builder::new().name(name).spawn(move || {
        let span = tracing::info_span!(
            "task",
            connector = &*spec.connector.name,
            task = spec.plan.index
        );
        let _entered = span.enter();
        let status = Arc::clone(&spec.status);
        let ended =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Task::new(spec).run()));
        status.forget_retries();
        let state = ended.unwrap_or_else(|_| {
            TaskState::Failed(
                "a defect of starrocks-kafka; the log has its place, please report it".to_owned(),
            )
        });
        if let TaskState::Failed(cause) = &state {
            tracing::error!("task FAILED: {cause}");
        }
        status.set_state(state);
    })
}

struct Task {
    spec: TaskSpec,
    guarantee: DeliveryGuarantee,
    /// At-least-once delivery was not asked for: why it is in force.
    fallen_back: bool,
}

impl Task {
    fn new(spec: TaskSpec) -> Self {
        let guarantee = spec.connector.sink.first_guarantee();
        Self {
            spec,
            guarantee,
            fallen_back: false,
        }
    }

    fn run(mut self) -> TaskState {
        let mut encoder = match Encoder::new(&self.spec.encoder) {
            Ok(encoder) => encoder,
            Err(problems) => {
                let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
                return TaskState::Failed(texts.join("; "));
            }
        };
        let mut rejoin_after = REJOIN_FIRST;
        loop {
            let began = Instant::now();
            self.spec.status.set_guarantee(self.guarantee.name());
            match self.session(&mut encoder) {
                SessionEnd::Stopped { left } => {
                    if let Some(left) = left {
                        tracing::warn!("{left}");
                    }
                    return TaskState::Stopped;
                }
                SessionEnd::Failed(cause) => return TaskState::Failed(cause),
                SessionEnd::NoTransactions(reason) => {
                    if let Some(state) = self.fall_back(&reason) {
                        return state;
                    }
                }
                SessionEnd::Rejoin(reason) => {
                    if began.elapsed() > REJOIN_RESET {
                        rejoin_after = REJOIN_FIRST;
                    }
                    tracing::debug!("joining the group anew: {reason}");
                    self.spec
                        .status
                        .try_again(SystemClock.now(), JOIN, &reason, false);
                    if !self.rest(spread(rejoin_after, draw())) {
                        return TaskState::Stopped;
                    }
                    rejoin_after = (rejoin_after * 2).min(REJOIN_LONGEST);
                }
            }
        }
    }

    /// Rows are loaded at least once where exactly once is not to be had and was not asked for.
    fn fall_back(&mut self, reason: &str) -> Option<TaskState> {
        if self.spec.connector.sink.delivery_guarantee.is_some() || self.fallen_back {
            return Some(TaskState::Failed(format!(
                "starrocks.delivery.guarantee=exactly-once cannot be kept: {reason}"
            )));
        }
        tracing::warn!(
            "rows are loaded at least once: {reason}. With starrocks.delivery.guarantee=at-least-once written out, this is \
             not said again"
        );
        self.guarantee = DeliveryGuarantee::AtLeastOnce;
        self.fallen_back = true;
        None
    }

    /// Whether the time passed without a request to stop.
    fn rest(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while Instant::now() < until {
            if self.spec.stop.requested() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }

    fn session(&mut self, encoder: &mut Encoder) -> SessionEnd {
        let settings = self.client_settings();
        let mut kafka = match LibrdkafkaClient::new(&settings) {
            Ok(kafka) => kafka,
            Err(error) => return SessionEnd::Failed(error.message),
        };
        let mut chance = draw;
        let context = Context {
            settings: self.task_settings(),
            warehouse: self.warehouse(),
            encoder,
            registries: Registries::new(
                self.spec.registries.clone(),
                Arc::new(SystemClock),
                Arc::clone(&self.spec.status),
            ),
            clock: Arc::new(SystemClock),
            chance: &mut chance,
            remembered: self.spec.remembered.clone(),
            status: Arc::clone(&self.spec.status),
            stop: self.spec.stop.clone(),
            probe: Arc::clone(&self.spec.probe),
        };
        self.spec.status.set_state(TaskState::Running);
        let end = Session::new(&mut kafka, context).run();
        if let Err(error) = kafka.close(LEAVE_LIMIT) {
            tracing::warn!(
                "could not leave the group; it notices after session.timeout.ms: {error}"
            );
        }
        end
    }

    fn client_settings(&self) -> ClientSettings {
        let connector = &self.spec.connector;
        let exactly_once = self.guarantee == DeliveryGuarantee::ExactlyOnce;
        ClientSettings {
            name: format!("{}-{}", connector.name, self.spec.plan.index),
            consumer: self.spec.plan.consumer_properties.clone(),
            producer: self.spec.plan.producer_properties.clone(),
            consumer_tokens: self.spec.plan.consumer_tokens.clone(),
            producer_tokens: self.spec.plan.producer_tokens.clone(),
            transactional_id: exactly_once
                .then(|| format!("starrocks-{}-{:016x}", connector.name, draw())),
            subscription: match &connector.subscription {
                Subscription::Topics(topics) => topics.clone(),
                Subscription::Pattern(_) => Vec::new(),
            },
            following: match &connector.subscription {
                Subscription::Topics(_) => None,
                Subscription::Pattern(pattern) => Some(Following::new(
                    pattern.clone(),
                    connector.topics_refresh_interval,
                )),
            },
            known_missing: self.spec.status.missing_topics(),
            probe: Some(Arc::clone(&self.spec.probe)),
        }
    }

    fn task_settings(&self) -> TaskSettings {
        let connector = &self.spec.connector;
        let sink = &connector.sink;
        let max_poll_interval = self
            .spec
            .plan
            .consumer_properties
            .get("max.poll.interval.ms")
            .and_then(|text| text.parse().ok())
            .map_or(Duration::from_secs(300), Duration::from_millis);
        let begin_timeout_s =
            (sink.flush_interval.as_secs() + BEGIN_TIMEOUT_EXTRA_S).min(BEGIN_TIMEOUT_MAX_S);
        TaskSettings {
            connector: Arc::from(&*connector.name),
            guarantee: self.guarantee,
            task: self.spec.plan.index,
            errors: connector.errors.clone(),
            flush_bytes_max: sink.flush_bytes,
            flush_interval: sink.flush_interval,
            refused_table_pause: REFUSED_TABLE_PAUSE,
            bisect_loads_max: sink.bisect_loads_max,
            retries_max: sink.max_retries,
            progress_timeout: sink.progress_timeout,
            unavailable_timeout: sink.unavailable_timeout,
            loads: Arc::clone(&sink.loads),
            begin_timeout_s: u32::try_from(begin_timeout_s).unwrap_or(u32::MAX),
            release_patience: (max_poll_interval / RELEASE_PART).min(RELEASE_LONGEST),
        }
    }

    fn warehouse(&self) -> Warehouse {
        let connector = &self.spec.connector;
        let warehouse = Warehouse::new(
            self.spec.client.clone(),
            Arc::from(&*connector.name),
            Arc::from(&*connector.sink.database),
            connector.sink.in_doubt,
            Arc::new(SystemClock),
            Arc::clone(&self.spec.status),
            self.spec.runtime.clone(),
        );
        match &self.spec.sql {
            Some(sql) => warehouse.with_sql(sql.clone()),
            None => warehouse,
        }
    }
}

/// Between half of a wait and all of it: members that left together must not come back together, each
/// disturbing the others again.
fn spread(wait: Duration, chance: u64) -> Duration {
    let half = wait / 2;
    let part = u32::try_from(chance % 1_000).unwrap_or(0);
    half + half * part / 1_000
}

/// A number that no other worker draws.
fn draw() -> u64 {
    getrandom::u64().expect("the operating system gives random numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_over_their_second_half() {
        let check = |chance, expect| {
            assert_eq!(
                spread(Duration::from_secs(10), chance),
                Duration::from_millis(expect)
            );
        };
        check(0, 5_000);
        check(500, 7_500);
        check(999, 9_995);
        check(1_000, 5_000);
        check(u64::MAX, 5_000 + 5 * (u64::MAX % 1_000));
    }
}
