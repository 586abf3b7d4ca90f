//! Records that are given up: what `errors.*` says of them, and what is written to the topic of dead letters.
//!
//! A dead letter is part of the Kafka transaction that decides the round which passes over its record, so that readers with
//! `read_committed` see each once.

use starrocks_kafka_connect::error::Stage;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::encode::RecordError;
use crate::kafka::{RawRecord, TopicPartition};

/// Bytes of dead letters that a round holds before it is sealed: they are in memory, and are written while the Kafka
/// transaction is open.
pub const DEAD_LETTER_BYTES_MAX: usize = 4 << 20;

/// `errors.*`, but for what is tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorSettings {
    /// `errors.tolerance`.
    pub tolerance: Tolerance,
    /// `errors.log.enable`, with `errors.log.include.messages`.
    pub log: ErrorLog,
    /// `errors.deadletterqueue.*`; `None` where no topic is named.
    pub dead_letters: Option<DeadLetterSettings>,
}

/// `errors.tolerance`: what a record that cannot be loaded does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tolerance {
    /// It ends the task, which stops before it.
    #[default]
    None,
    /// It is passed over.
    All,
}

/// `errors.log.enable` and `errors.log.include.messages`: whether each record that is passed over is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorLog {
    /// Only how many there are.
    #[default]
    Off,
    /// Stage, class and cause.
    On,
    /// Topic, partition, offset and timestamp, too. Keys and values never are.
    WithRecord,
}

/// `errors.deadletterqueue.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterSettings {
    /// `topic.name`.
    pub topic: Arc<str>,
    /// `topic.replication.factor`, with which the topic is created where it does not exist; −1 is the broker's default.
    pub replication_factor: i16,
    /// `context.headers.enable`: whether headers say what went wrong, and where.
    pub has_context_headers: bool,
}

/// A record as it is written to the topic of dead letters: bytes as they were read, and headers that may say why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The topic of dead letters.
    pub topic: Arc<str>,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's value.
    pub value: Option<Vec<u8>>,
    /// The record's timestamp, in milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
    /// The record's headers, and those of the context behind them.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The record, as `topic-partition at offset n`, for messages.
    pub origin: String,
}

/// Where and why a record was given up, as `__connect.errors.*` tell it.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'f> {
    /// The connector's name.
    pub connector: &'f str,
    /// The task's number.
    pub task: u32,
    /// What is wrong.
    pub error: &'f RecordError,
    /// The full name of the Java class that was at work: a converter, a transform, or the sink.
    pub executing: &'f str,
}

impl DeadLetter {
    /// The dead letter of a record.
    #[must_use]
    pub fn new(
        settings: &DeadLetterSettings,
        record: &RawRecord<'_>,
        failure: &Failure<'_>,
    ) -> Self {
        let own = record.headers.list().into_iter();
        let mut headers: Vec<_> = own
            .map(|(name, value)| (name.into_owned(), value.map(<[u8]>::to_vec)))
            .collect();
        if settings.has_context_headers {
            headers.extend(context(record, failure));
        }
        Self {
            topic: Arc::clone(&settings.topic),
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            timestamp_ms: record.timestamp_ms,
            headers,
            origin: format!(
                "{}-{} at offset {}",
                record.topic, record.partition, record.offset
            ),
        }
    }

    /// About how many bytes it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.len() + length(value) + 64)
            .sum();
        length(&self.key) + length(&self.value) + headers + 256
    }
}

/// The headers that Kafka Connect's `DeadLetterQueueReporter` appends, in its order.
fn context(
    record: &RawRecord<'_>,
    failure: &Failure<'_>,
) -> impl Iterator<Item = (String, Option<Vec<u8>>)> {
    let error = failure.error;
    [
        ("topic", record.topic.to_owned()),
        ("partition", record.partition.to_string()),
        ("offset", record.offset.to_string()),
        ("connector.name", failure.connector.to_owned()),
        ("task.id", failure.task.to_string()),
        ("stage", error.stage.name().to_owned()),
        ("class.name", failure.executing.to_owned()),
        ("exception.class.name", error.class.to_owned()),
        ("exception.message", error.message.clone()),
        // The first line of Java's; there are no frames to tell.
        (
            "exception.stacktrace",
            format!("{}: {}\n", error.class, error.message),
        ),
    ]
    .into_iter()
    .map(|(name, text)| (format!("__connect.errors.{name}"), Some(text.into_bytes())))
}

/// How often errors of one kind are logged in a window, before they are only counted.
const LOGGED_IN_WINDOW: u64 = 10;
const WINDOW: Duration = Duration::from_secs(60);

/// Which errors are taken for the same.
type Kind = (Stage, &'static str, String);

/// Tells of records that are passed over, at a bounded rate.
#[derive(Debug, Default)]
pub struct ErrorReports {
    kinds: HashMap<Kind, Reported>,
    /// The last record of each partition that was told of.
    told: HashMap<TopicPartition, i64>,
}

#[derive(Debug)]
struct Reported {
    window_began: Instant,
    in_window: u64,
}

impl ErrorReports {
    /// Whether a record is passed over for the first time: where a round is begun again, it is once more. Records are met
    /// in the order of their offsets.
    pub fn is_new(&mut self, partition: &TopicPartition, offset: i64) -> bool {
        match self.told.get_mut(partition) {
            Some(last) if *last >= offset => false,
            Some(last) => {
                *last = offset;
                true
            }
            None => {
                self.told.insert(partition.clone(), offset);
                true
            }
        }
    }

    /// Forgets what was passed over: what is read next may have been read before, by others.
    pub fn forget(&mut self) {
        self.told.clear();
    }

    /// Logs that a record is passed over: one by one as far as `log` says so and the rate allows, else now and then how many.
    pub fn passed_over(
        &mut self,
        log: ErrorLog,
        record: &RawRecord<'_>,
        failure: &Failure<'_>,
        now: Instant,
    ) {
        let error = failure.error;
        let kind = (error.stage, error.class, failure.executing.to_owned());
        let reported = self.kinds.entry(kind).or_insert(Reported {
            window_began: now,
            in_window: 0,
        });
        let is_over = now.duration_since(reported.window_began) >= WINDOW;
        let suppressed = if is_over {
            let shown = reported.in_window.min(shown_in_window(log));
            let suppressed = reported.in_window - shown;
            (reported.window_began, reported.in_window) = (now, 0);
            suppressed
        } else {
            0
        };
        reported.in_window += 1;
        if reported.in_window > shown_in_window(log) {
            return;
        }
        say(log, record, failure, suppressed);
    }
}

/// How many of one kind are told in a window.
const fn shown_in_window(log: ErrorLog) -> u64 {
    match log {
        ErrorLog::Off => 1,
        ErrorLog::On | ErrorLog::WithRecord => LOGGED_IN_WINDOW,
    }
}

/// In Kafka Connect's words, with the cause behind them.
fn say(log: ErrorLog, record: &RawRecord<'_>, failure: &Failure<'_>, suppressed: u64) {
    let &Failure {
        connector,
        task,
        error,
        executing,
    } = failure;
    let more = match suppressed {
        0 => String::new(),
        count => format!(" ({count} more like it were not logged in the last minute)"),
    };
    let cause = format!("{}: {}", error.class, error.message);
    let stage = error.stage;
    match log {
        ErrorLog::Off => tracing::warn!(
            "records are passed over (errors.tolerance=all), the last one {}-{} at offset {}: {cause}{more}",
            record.topic,
            record.partition,
            record.offset
        ),
        ErrorLog::On => tracing::error!(
            "Error encountered in task {connector}-{task}. Executing stage '{stage}' with class '{executing}'. {cause}{more}"
        ),
        ErrorLog::WithRecord => {
            let timestamp = record
                .timestamp_ms
                .map_or(String::new(), |ms| format!(", timestamp={ms}"));
            tracing::error!(
                "Error encountered in task {connector}-{task}. Executing stage '{stage}' with class '{executing}', where \
                 consumed record is {{topic='{}', partition={}, offset={}{timestamp}}}. {cause}{more}",
                record.topic,
                record.partition,
                record.offset
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> RecordError {
        RecordError {
            stage: Stage::ValueConverter,
            class: "org.apache.kafka.connect.errors.DataException",
            message: "no JSON".to_owned(),
        }
    }

    #[test]
    fn a_dead_letter_is_the_record_and_says_why_where_asked() {
        let headers = vec![
            ("h".to_owned(), None),
            ("h".to_owned(), Some(b"x".to_vec())),
        ];
        let record = RawRecord {
            topic: "orders",
            partition: 3,
            offset: 42,
            timestamp_ms: Some(1_700_000_000_123),
            key: Some(b"k"),
            value: None,
            headers: &headers,
        };
        let error = error();
        let failure = Failure {
            connector: "c",
            task: 1,
            error: &error,
            executing: "org.apache.kafka.connect.json.JsonConverter",
        };
        let mut settings = DeadLetterSettings {
            topic: "dead".into(),
            replication_factor: 1,
            has_context_headers: false,
        };
        let plain = DeadLetter::new(&settings, &record, &failure);
        assert_eq!((&*plain.topic, &plain.headers), ("dead", &headers));
        assert_eq!((plain.key, plain.value), (Some(b"k".to_vec()), None));
        settings.has_context_headers = true;
        let told = DeadLetter::new(&settings, &record, &failure);
        assert_eq!(told.headers[..2], headers);
        let context: Vec<_> = told.headers[2..]
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_deref().unwrap_or_default());
                format!("{name}={value}")
            })
            .collect();
        insta::assert_snapshot!(context.join("\n"), @r"
        __connect.errors.topic=orders
        __connect.errors.partition=3
        __connect.errors.offset=42
        __connect.errors.connector.name=c
        __connect.errors.task.id=1
        __connect.errors.stage=VALUE_CONVERTER
        __connect.errors.class.name=org.apache.kafka.connect.json.JsonConverter
        __connect.errors.exception.class.name=org.apache.kafka.connect.errors.DataException
        __connect.errors.exception.message=no JSON
        __connect.errors.exception.stacktrace=org.apache.kafka.connect.errors.DataException: no JSON
        ");
    }
}
