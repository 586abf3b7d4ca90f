//! Log lines: one line an event, to standard error, with the connector, task, topic and partition it is
//! about.
//!
//! Fields of the spans around an event are flattened into its line; of two fields of one name the inner
//! one counts. Lines of librdkafka come with their own levels. Lines of other libraries are held at `info`
//! unless `trace` is asked for: what a connection pool does is not what a user asks about.

mod line;

use std::fmt;
use std::io::Write;
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::{LogFormat, LogLevel};
use line::{Fields, Line, Value};

/// Logging was started before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("logging was started before in this process")]
pub struct AlreadyStarted;

/// Starts writing log lines for the whole process.
///
/// # Errors
/// Where it was started before.
pub fn start(format: LogFormat, level: LogLevel) -> Result<(), AlreadyStarted> {
    let lines = Lines {
        format,
        clock: SystemTime::now,
        write: to_standard_error,
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter(level)))
        .try_init()
        .map_err(|_| AlreadyStarted)
}

/// Nobody is left to be told where standard error is closed.
fn to_standard_error(line: &str) {
    drop(std::io::stderr().lock().write_all(line.as_bytes()));
}

/// Our own lines and librdkafka's at the level asked for, those of other libraries at most at `info`.
fn filter(level: LogLevel) -> Targets {
    let (ours, others) = match level {
        LogLevel::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
        LogLevel::Warn => (LevelFilter::WARN, LevelFilter::WARN),
        LogLevel::Info => (LevelFilter::INFO, LevelFilter::INFO),
        LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::INFO),
        LogLevel::Trace => (LevelFilter::TRACE, LevelFilter::TRACE),
    };
    ["starrocks_kafka", "librdkafka"]
        .into_iter()
        .fold(Targets::new().with_default(others), |targets, target| {
            targets.with_target(target, ours)
        })
}

/// Writes each event as a line.
struct Lines<W> {
    format: LogFormat,
    clock: fn() -> SystemTime,
    write: W,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut Visitor {
            fields: &mut fields,
            message: &mut String::new(),
        });
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(&mut Visitor {
                fields,
                message: &mut String::new(),
            });
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.extend(of_span);
            }
        }
        let mut message = String::new();
        event.record(&mut Visitor {
            fields: &mut fields,
            message: &mut message,
        });
        let metadata = event.metadata();
        let line = Line {
            at: (self.clock)(),
            level: *metadata.level(),
            target: metadata.target(),
            message: &message,
            fields: &fields,
        };
        (self.write)(&match self.format {
            LogFormat::Text => line.text(),
            LogFormat::Json => line.json(),
        });
    }
}

/// Collects the fields of a span or event; `message` is kept apart.
struct Visitor<'f> {
    fields: &'f mut Fields,
    message: &'f mut String,
}

impl Visitor<'_> {
    fn set(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::Text(text)) => *self.message = text,
            (name, value) => self.fields.set(name, value),
        }
    }
}

impl Visit for Visitor<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Value::Float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::Integer(value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::Integer(value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Boolean(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, Value::Text(value.to_owned()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.set(field, Value::Text(value.to_string()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, Value::Text(format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn at() -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(1_763_807_711_042)
    }

    /// The lines that `events` writes.
    fn lines(format: LogFormat, level: LogLevel, events: impl FnOnce()) -> String {
        let written = Arc::new(Mutex::new(String::new()));
        let to = Arc::clone(&written);
        let write = move |line: &str| to.lock().expect("no test panics in between").push_str(line);
        let lines = Lines {
            format,
            clock: at,
            write,
        };
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter(level)));
        tracing::subscriber::with_default(subscriber, events);
        let written = written.lock().expect("no test panics in between");
        written.clone()
    }

    fn in_a_task() {
        let connector = tracing::info_span!(
            "connector",
            connector = "orders",
            partition = tracing::field::Empty
        );
        let _connector = connector.enter();
        connector.record("partition", 1);
        let _task = tracing::info_span!("task", task = 0).entered();
        tracing::warn!(
            topic = "t",
            partition = 3,
            lag_ms = 1.5,
            ready = true,
            "two\nlines of \"text\""
        );
        tracing::info!(cause = %"not a number: x=1", error = ?Some("a"), "refused");
    }

    #[test]
    fn spans_are_flattened_into_one_line_of_text() {
        insta::assert_snapshot!(lines(LogFormat::Text, LogLevel::Info, in_a_task), @r#"
        2025-11-22T10:35:11.042Z WARN  two\nlines of "text" connector=orders partition=3 task=0 topic=t lag_ms=1.5 ready=true
        2025-11-22T10:35:11.042Z INFO  refused connector=orders partition=1 task=0 cause="not a number: x=1" error="Some(\"a\")"
        "#);
    }

    #[test]
    fn spans_are_flattened_into_one_object_of_json() {
        let lines = lines(LogFormat::Json, LogLevel::Info, in_a_task);
        for line in lines.lines() {
            serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON");
        }
        insta::assert_snapshot!(lines, @r#"
        {"timestamp":"2025-11-22T10:35:11.042Z","level":"WARN","message":"two\nlines of \"text\"","connector":"orders","partition":3,"task":0,"topic":"t","lag_ms":1.5,"ready":true,"target":"starrocks_kafka_worker::telemetry::tests"}
        {"timestamp":"2025-11-22T10:35:11.042Z","level":"INFO","message":"refused","connector":"orders","partition":1,"task":0,"cause":"not a number: x=1","error":"Some(\"a\")","target":"starrocks_kafka_worker::telemetry::tests"}
        "#);
    }

    #[test]
    fn levels_hold_for_us_and_for_librdkafka() {
        let events = || {
            tracing::debug!(target: "starrocks_kafka_pipeline::task", "ours");
            tracing::debug!(target: "librdkafka", "librdkafka's");
            tracing::debug!(target: "hyper::client", "a library's");
            tracing::info!(target: "hyper::client", "a library's word");
        };
        let check = |level: LogLevel, expect: usize| {
            assert_eq!(
                lines(LogFormat::Text, level, events).lines().count(),
                expect,
                "{level:?}"
            );
        };
        check(LogLevel::Error, 0);
        check(LogLevel::Warn, 0);
        check(LogLevel::Info, 1);
        check(LogLevel::Debug, 3);
        check(LogLevel::Trace, 4);
    }
}
