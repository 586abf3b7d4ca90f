//! Records as a preview reads them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use starrocks_kafka_pipeline::kafka::RawRecord;

/// A line that holds no record.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no record: {0}")]
pub struct LineError(String);

/// The bytes of a key, value or header, in Base64; null is Kafka's null.
type Base64 = Option<String>;

/// A line of the file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    topic: String,
    #[serde(default)]
    partition: i32,
    #[serde(default)]
    offset: i64,
    timestamp: Option<i64>,
    timestamp_type: Option<TimestampType>,
    key: Base64,
    value: Base64,
    #[serde(default)]
    headers: Vec<(String, Base64)>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
enum TimestampType {
    CreateTime,
    LogAppendTime,
    #[serde(rename = "NoTimestampType")]
    None,
}

/// A record as a broker would deliver it.
pub(super) struct PreviewRecord {
    pub(super) topic: String,
    partition: i32,
    offset: i64,
    timestamp_ms: Option<i64>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl PreviewRecord {
    pub(super) fn parse(line: &str) -> Result<Self, LineError> {
        let written: Written =
            serde_json::from_str(line).map_err(|error| LineError(error.to_string()))?;
        let bytes = |what: &str, text: Base64| match text.map(|text| STANDARD.decode(text)) {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(bytes)),
            Some(Err(error)) => Err(LineError(format!(
                "{what} is to be Base64 or null: {error}"
            ))),
        };
        let has_none = written.timestamp_type == Some(TimestampType::None);
        let headers = written.headers.into_iter().map(|(name, value)| {
            let value = bytes(&format!("the value of header {name}"), value)?;
            Ok((name, value))
        });
        Ok(Self {
            topic: written.topic,
            partition: written.partition,
            offset: written.offset,
            // Kafka says -1 where there is none.
            timestamp_ms: written.timestamp.filter(|ms| !has_none && *ms != -1),
            key: bytes("key", written.key)?,
            value: bytes("value", written.value)?,
            headers: headers.collect::<Result<_, LineError>>()?,
        })
    }

    pub(super) fn raw(&self) -> RawRecord<'_> {
        RawRecord {
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &self.headers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_nothing() {
        let record = PreviewRecord::parse(r#"{"topic":"t"}"#).expect("a record");
        assert_eq!((record.partition, record.offset), (0, 0));
        assert_eq!((record.timestamp_ms, &record.key), (None, &None));
        assert!(record.value.is_none() && record.headers.is_empty());
    }

    #[test]
    fn timestamps_are_where_there_are_some() {
        let check = |ms: i64, kind: &str, expect: Option<i64>| {
            let line = format!(r#"{{"topic":"t","timestamp":{ms},"timestampType":"{kind}"}}"#);
            let record = PreviewRecord::parse(&line).expect("a record");
            assert_eq!(record.timestamp_ms, expect, "{line}");
        };
        check(0, "CreateTime", Some(0));
        check(7, "LogAppendTime", Some(7));
        check(7, "NoTimestampType", None);
        check(-1, "CreateTime", None);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let check = |line: &str, expect: &str| {
            let error = PreviewRecord::parse(line).err().expect(line);
            assert!(error.to_string().contains(expect), "{line}: {error}");
        };
        check("x", "no record: expected value");
        check("{}", "missing field `topic`");
        check(
            r#"{"topic":"t","value":"*"}"#,
            "value is to be Base64 or null",
        );
        check(
            r#"{"topic":"t","headers":[["h","*"]]}"#,
            "the value of header h is to be Base64",
        );
        check(r#"{"topic":"t","vaule":"YQ=="}"#, "unknown field `vaule`");
        check(
            r#"{"topic":"t","timestampType":"createtime"}"#,
            "unknown variant `createtime`",
        );
    }
}
