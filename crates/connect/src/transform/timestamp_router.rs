//! `TimestampRouter`: topics that tell when their records were.

use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::Record;
use crate::error::{DataError, ErrorClass};
use crate::java_date_format::JavaDateFormat;
use std::borrow::Cow;

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("topic.format", Kind::String)
            .default("${topic}-${timestamp}")
            .doc(
                "The new topic; `${topic}` is the old one, `${timestamp}` the record's timestamp.",
            ),
        ConfigKey::new("timestamp.format", Kind::String)
            .default("yyyyMMdd")
            .doc("How the timestamp is written, a pattern of Java's `SimpleDateFormat`, in UTC."),
    ]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct TimestampRouter {
    topic_format: String,
    /// A pattern that means nothing fails each record, as in Java.
    timestamp_format: Result<JavaDateFormat, String>,
}

impl TimestampRouter {
    pub(super) fn new(settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let text = |name| config.string(name).unwrap_or_default();
        Ok(Self {
            topic_format: text("topic.format").to_owned(),
            timestamp_format: JavaDateFormat::new(text("timestamp.format")),
        })
    }

    pub(super) fn apply(&self, record: &mut Record<'_>) -> Result<(), DataError> {
        let millis = record.timestamp_ms.ok_or_else(|| {
            DataError::data(format!(
                "Timestamp missing on record: {}-{} at offset {}",
                record.topic, record.partition, record.offset
            ))
        })?;
        let format = self.timestamp_format.as_ref().map_err(|reason| {
            let message = format!("timestamp.format: {reason}");
            DataError::of(ErrorClass::IllegalArgument, message)
        })?;
        let topic = self.topic_format.replace("${topic}", &record.topic);
        // Made for each record: its timestamp is its own.
        record.topic = Cow::Owned(topic.replace("${timestamp}", &format.format(millis)));
        Ok(())
    }
}
