//! `errors.*`: what becomes of records that cannot be loaded.

use starrocks_kafka_connect::config::{Config, ConfigProblem, Given};
use starrocks_kafka_pipeline::dead_letters::{
    DeadLetterSettings, ErrorLog, ErrorSettings, Tolerance,
};

use super::problem::Notice;
use super::subscription::Subscription;

const TOPIC: &str = "errors.deadletterqueue.topic.name";
const REPLICATION_FACTOR: &str = "errors.deadletterqueue.topic.replication.factor";
const CONTEXT_HEADERS: &str = "errors.deadletterqueue.context.headers.enable";
const TOLERANCE: &str = "errors.tolerance";

/// Reads the properties.
///
/// # Errors
/// A topic of dead letters that is read by the connector itself: each of them would be one again.
pub(super) fn parse(
    config: &Config,
    subscription: Option<&Subscription>,
) -> Result<ErrorSettings, ConfigProblem> {
    let tolerance = match config.string(TOLERANCE) {
        Some("all") => Tolerance::All,
        _ => Tolerance::None,
    };
    let is_on = |name: &str| config.boolean(name).unwrap_or_default();
    let log = match (
        is_on("errors.log.enable"),
        is_on("errors.log.include.messages"),
    ) {
        (false, _) => ErrorLog::Off,
        (true, false) => ErrorLog::On,
        (true, true) => ErrorLog::WithRecord,
    };
    let topic = config.string(TOPIC).unwrap_or_default();
    if subscription.is_some_and(|subscription| subscription.covers(topic)) {
        return Err(ConfigProblem::invalid(
            TOPIC,
            topic,
            "this connector reads the topic itself; its dead letters must go to another",
        ));
    }
    let replication_factor = config.integer(REPLICATION_FACTOR);
    let dead_letters = DeadLetterSettings {
        topic: topic.into(),
        replication_factor: replication_factor
            .and_then(|factor| i16::try_from(factor).ok())
            .unwrap_or(-1),
        has_context_headers: is_on(CONTEXT_HEADERS),
    };
    Ok(ErrorSettings {
        tolerance,
        log,
        dead_letters: (!topic.is_empty()).then_some(dead_letters),
    })
}

/// What was set and changes nothing.
pub(super) fn say(settings: &ErrorSettings, given: &Given, notices: &mut Vec<Notice>) {
    let mut of_no_effect = |name: &str, why: &str| {
        if given.contains_key(name) {
            notices.push(Notice::no_effect(name, why));
        }
    };
    if settings.tolerance == Tolerance::None {
        let why = "with errors.tolerance=none the task stops before the record, which is loaded when its cause is mended";
        for name in [TOPIC, "errors.log.enable", "errors.log.include.messages"] {
            of_no_effect(name, why);
        }
    }
    if settings.tolerance == Tolerance::None || settings.dead_letters.is_none() {
        for name in [REPLICATION_FACTOR, CONTEXT_HEADERS] {
            of_no_effect(name, "there are no dead letters");
        }
    }
}
