//! Where a record was read from, in columns of its row: `starrocks.metadata.columns`.

use std::borrow::Cow;

use starrocks_kafka_connect::data::SchemaAndValue;
use starrocks_kafka_connect::error::DataError;

use super::calendar::Moment;
use super::column_kind::ColumnKind;
use super::json_row;
use super::settings::RowStyle;
use crate::kafka::RawRecord;

/// The headers of a record as their converter reads them.
pub(super) type Headers<'k> = [(Cow<'k, str>, SchemaAndValue<'k>)];

/// What of a record goes into which column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataColumns(Vec<(Source, String)>);

/// What a record has beside key and value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// The topic that it was read from, whatever transforms made of it.
    Topic,
    Partition,
    Offset,
    /// Milliseconds since the epoch; a date or a text where the column is one.
    Timestamp,
    /// All headers as an object.
    Headers,
    /// The last header of this name.
    Header(String),
}

impl MetadataColumns {
    /// The name of the property.
    pub const PROPERTY: &'static str = "starrocks.metadata.columns";
    /// What it may be.
    pub const ALLOWED: &'static str = "`topic:column,partition:column,offset:column,timestamp:column,headers:column,\
                                       header.<name>:column`, each at most once, any of them left out";

    /// Reads the property: pairs `source:column`, with commas between them.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut columns: Vec<(Source, String)> = Vec::new();
        for pair in text
            .split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
        {
            // A header may have a colon in its name, a column none.
            let (source, column) = pair
                .rsplit_once(':')
                .map(|(source, column)| (source.trim(), column.trim()))
                .filter(|(source, column)| !source.is_empty() && !column.is_empty())
                .ok_or_else(|| format!("'{pair}' is no pair source:column"))?;
            let source = match source {
                "topic" => Source::Topic,
                "partition" => Source::Partition,
                "offset" => Source::Offset,
                "timestamp" => Source::Timestamp,
                "headers" => Source::Headers,
                other => match other.strip_prefix("header.") {
                    Some(name) if !name.is_empty() => Source::Header(name.to_owned()),
                    _ => return Err(format!("a record has no '{other}'")),
                },
            };
            if columns
                .iter()
                .any(|(known, name)| *known == source || *name == column)
            {
                return Err(format!(
                    "'{pair}' names a source or a column for the second time"
                ));
            }
            columns.push((source, column.to_owned()));
        }
        Ok(Self(columns))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether headers are among them, which are not read otherwise.
    pub(super) fn has_headers(&self) -> bool {
        let is_header =
            |(source, _): &(Source, String)| matches!(source, Source::Headers | Source::Header(_));
        self.0.iter().any(is_header)
    }

    /// The columns.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, column)| column.as_str())
    }

    /// The column of the timestamp, whose type says how it is written.
    pub(super) fn timestamp_column(&self) -> Option<&str> {
        let (_, column) = self
            .0
            .iter()
            .find(|(source, _)| *source == Source::Timestamp)?;
        Some(column)
    }

    /// Appends them as members of an object, with commas between them.
    ///
    /// # Errors
    /// A header that cannot be written.
    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        record: &RawRecord<'_>,
        headers: &Headers<'_>,
        timestamp_kind: Option<&ColumnKind>,
        style: &RowStyle,
    ) -> Result<(), DataError> {
        let mut number = itoa::Buffer::new();
        for (at, (source, column)) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            json_row::text(out, column);
            out.push(b':');
            match source {
                Source::Topic => json_row::text(out, record.topic),
                Source::Partition => {
                    out.extend_from_slice(number.format(record.partition).as_bytes());
                }
                Source::Offset => out.extend_from_slice(number.format(record.offset).as_bytes()),
                Source::Timestamp => {
                    write_timestamp(out, record.timestamp_ms, timestamp_kind, style)?;
                }
                Source::Headers => write_headers(out, headers, style)?,
                Source::Header(name) => {
                    match headers.iter().rev().find(|(header, _)| header == name) {
                        Some((_, value)) => {
                            json_row::write(out, value.schema.as_deref(), &value.value, style)?;
                        }
                        None => out.extend_from_slice(b"null"),
                    }
                }
            }
        }
        Ok(())
    }
}

fn write_timestamp(
    out: &mut Vec<u8>,
    timestamp_ms: Option<i64>,
    kind: Option<&ColumnKind>,
    style: &RowStyle,
) -> Result<(), DataError> {
    let Some(timestamp_ms) = timestamp_ms else {
        out.extend_from_slice(b"null");
        return Ok(());
    };
    let has_time = match kind {
        Some(ColumnKind::Date) => false,
        Some(ColumnKind::DateTime | ColumnKind::Text) => true,
        _ => {
            out.extend_from_slice(itoa::Buffer::new().format(timestamp_ms).as_bytes());
            return Ok(());
        }
    };
    let moment = Moment::since_epoch(timestamp_ms, 1_000);
    let written = moment.map(|moment| moment.in_zone(&style.time_zone).write(out, has_time));
    match written {
        Some(Ok(())) => Ok(()),
        _ => Err(DataError::data(format!(
            "the record's timestamp {timestamp_ms} is of no year that StarRocks has"
        ))),
    }
}

/// All headers as one object; of those of one name the last.
fn write_headers(
    out: &mut Vec<u8>,
    headers: &Headers<'_>,
    style: &RowStyle,
) -> Result<(), DataError> {
    out.push(b'{');
    let mut is_first = true;
    for (at, (name, value)) in headers.iter().enumerate() {
        if headers[at + 1..].iter().any(|(later, _)| later == name) {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        json_row::text(out, name);
        out.push(b':');
        json_row::write(out, value.schema.as_deref(), &value.value, style)?;
    }
    out.push(b'}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_others_refused() {
        let check = |text: &str, expect: Result<usize, &str>| {
            let parsed = MetadataColumns::parse(text).map(|columns| columns.0.len());
            assert_eq!(parsed, expect.map_err(str::to_owned), "{text}");
        };
        check("", Ok(0));
        check("topic:_topic, partition:_partition,offset:_offset", Ok(3));
        check("timestamp:ts,headers:h,header.a:b:c", Ok(3));
        check("topic", Err("'topic' is no pair source:column"));
        check("topic:", Err("'topic:' is no pair source:column"));
        check("key:k", Err("a record has no 'key'"));
        check("header.:k", Err("a record has no 'header.'"));
        check(
            "topic:a,topic:b",
            Err("'topic:b' names a source or a column for the second time"),
        );
        check(
            "topic:a,offset:a",
            Err("'offset:a' names a source or a column for the second time"),
        );
    }
}
