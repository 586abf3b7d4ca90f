//! `sink.properties.*`: the headers of a load.

mod columns;
mod delimiter;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::compression::Compression;
use crate::error::ConfigError;

use self::delimiter::Delimiter;

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LoadFormat {
    /// One JSON array of objects a body. The default.
    #[default]
    Json,
    /// Lines of separated values, each ended by the row delimiter.
    Csv,
}

/// The headers of every load of a transaction, made once from the properties, so that they are the same for all of
/// them, as StarRocks demands.
///
/// What the user leaves out, or leaves empty, is StarRocks' default, except `format` (`json`) and what JSON arrays need:
/// `strip_outer_array` and `ignore_json_size` (the 100 MB limit counts all loads of a transaction together).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadHeaders {
    format: LoadFormat,
    compression: Compression,
    timeout_s: Option<u32>,
    column_separator: Delimiter,
    row_delimiter: Delimiter,
    columns: Vec<String>,
    headers: HeaderMap,
    stream_load_only: Vec<String>,
}

/// How properties are called in messages.
const PREFIX: &str = "sink.properties.";

/// Headers that the connector must set itself.
const OURS: [&str; 11] = [
    "label",
    "db",
    "table",
    "authorization",
    "expect",
    "transaction_type",
    "host",
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
];

/// Headers that the transaction interface does not read, or (merge commit) cannot do.
const STREAM_LOAD_ONLY: [&str; 6] = [
    "enclose",
    "escape",
    "skip_header",
    "trim_space",
    "log_rejected_record_num",
    "envelope",
];

/// Headers that begin reads as well as load.
const AT_BEGIN: [&str; 2] = ["warehouse", "idle_transaction_timeout"];

const COLUMN_SEPARATOR: HeaderName = HeaderName::from_static("column_separator");
const ROW_DELIMITER: HeaderName = HeaderName::from_static("row_delimiter");

/// Longest timeout that StarRocks takes.
const TIMEOUT_S_MAX: u32 = 259_200;

impl LoadHeaders {
    /// Reads the properties, given without the prefix `sink.properties.`; names are the same in any case.
    ///
    /// # Errors
    /// All problems at once: names that the connector sets itself or that are not supported yet, a `format`, `timeout`,
    /// `strip_outer_array`, `ignore_json_size` or separator that cannot be, names and values that no HTTP header can hold, a
    /// name twice.
    pub fn from_properties<'a>(
        properties: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<LoadHeaders, Vec<ConfigError>> {
        let mut built = LoadHeaders {
            format: LoadFormat::default(),
            compression: Compression::default(),
            timeout_s: None,
            column_separator: Delimiter::standard(b'\t'),
            row_delimiter: Delimiter::standard(b'\n'),
            columns: Vec::new(),
            headers: HeaderMap::new(),
            stream_load_only: Vec::new(),
        };
        let mut errors = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in properties {
            let name = name.trim().to_ascii_lowercase();
            let result = if seen.contains(&name) {
                Err("stands there twice; upper and lower case are the same".to_owned())
            } else if is_second_name(&name, &seen) {
                Err("compression and content-encoding mean the same; remove one of them".to_owned())
            } else {
                built.set(&name, value)
            };
            if let Err(message) = result {
                errors.push(ConfigError::new(format!("{PREFIX}{name}"), message));
            }
            seen.push(name);
        }
        if errors.is_empty() {
            errors.extend(built.complete().err());
        }
        if errors.is_empty() {
            Ok(built)
        } else {
            Err(errors)
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if OURS.contains(&name) || name.starts_with("channel_") {
            return Err("is set by the connector itself; remove it".to_owned());
        }
        let trimmed = value.trim();
        match name {
            "format" => {
                self.format = match trimmed.to_ascii_lowercase().as_str() {
                    "json" => LoadFormat::Json,
                    "csv" => LoadFormat::Csv,
                    _ => return Err(format!("`{value}` is not allowed; write `json` or `csv`")),
                };
                return Ok(());
            }
            "timeout" => {
                let seconds = trimmed
                    .parse::<u32>()
                    .ok()
                    .filter(|s| (1..=TIMEOUT_S_MAX).contains(s));
                self.timeout_s = Some(seconds.ok_or_else(|| {
                    format!("`{value}` is not a number of seconds from 1 to {TIMEOUT_S_MAX}")
                })?);
                return Ok(());
            }
            "strip_outer_array" | "ignore_json_size" if !trimmed.eq_ignore_ascii_case("true") => {
                return Err(format!(
                    "`{value}` is not allowed: rows are sent as JSON arrays, which need `true`; remove it"
                ));
            }
            "compression" | "content-encoding" => {
                self.compression = Compression::parse(trimmed)?;
                return Ok(());
            }
            // An empty separator is StarRocks' default, as an empty header is none.
            "column_separator" if !value.is_empty() => {
                self.column_separator = self.delimiter(COLUMN_SEPARATOR, value)?;
                return Ok(());
            }
            "row_delimiter" if !value.is_empty() => {
                self.row_delimiter = self.delimiter(ROW_DELIMITER, value)?;
                return Ok(());
            }
            "columns" => self.columns = columns::source_fields(trimmed),
            _ => {}
        }
        if is_stream_load_only(name, trimmed) {
            self.stream_load_only.push(name.to_owned());
        }
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| "is not a name that HTTP allows".to_owned())?;
        let value = HeaderValue::from_bytes(trimmed.as_bytes()).map_err(|_| {
            "has a line break or another control character, which a header cannot hold".to_owned()
        })?;
        if !value.is_empty() {
            self.headers.insert(header, value);
        }
        Ok(())
    }

    fn delimiter(&mut self, name: HeaderName, text: &str) -> Result<Delimiter, String> {
        let delimiter = Delimiter::parse(text)?;
        self.headers.insert(name, delimiter.header(text)?);
        Ok(delimiter)
    }

    /// What depends on several properties together.
    fn complete(&mut self) -> Result<(), ConfigError> {
        let is_csv = self.format == LoadFormat::Csv;
        if is_csv && self.column_separator == self.row_delimiter {
            return Err(ConfigError::new(
                format!("{PREFIX}row_delimiter"),
                "is the same as the column_separator: nobody could tell fields from rows",
            ));
        }
        // Compressed CSV is a format of its own, compressed JSON is not (`parse_stream_load_format` of the back end).
        let (format, compression) = match (self.format, self.compression) {
            (LoadFormat::Json, Compression::None) => ("json", None),
            (LoadFormat::Json, Compression::Lz4Frame) => ("json", Some("lz4_frame")),
            (LoadFormat::Json, Compression::Zstd) => ("json", Some("zstd")),
            (LoadFormat::Csv, Compression::None) => ("csv", None),
            (LoadFormat::Csv, Compression::Lz4Frame) => ("lz4", None),
            (LoadFormat::Csv, Compression::Zstd) => ("zstd", None),
        };
        let arrays = [("strip_outer_array", "true"), ("ignore_json_size", "true")];
        let headers = [("format", Some(format)), ("compression", compression)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .chain(arrays.into_iter().filter(|_| !is_csv));
        for (name, value) in headers {
            self.headers.insert(name, HeaderValue::from_static(value));
        }
        Ok(())
    }

    /// How rows are to be written.
    pub fn format(&self) -> LoadFormat {
        self.format
    }

    /// How bodies are to be compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// What stands between two fields of a CSV row: the bytes that `column_separator` means; a tabulator unless set.
    pub fn column_separator(&self) -> &[u8] {
        self.column_separator.bytes()
    }

    /// What ends each row of CSV, the last one of a body, too: the bytes that `row_delimiter` means; a line feed unless set.
    pub fn row_delimiter(&self) -> &[u8] {
        self.row_delimiter.bytes()
    }

    /// The fields that a row has, in their order, as `columns` names them; expressions are left out. None where the
    /// property is absent: a row then has the table's columns in the table's order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The `timeout` property in seconds: a lower bound for the timeout that begin and Stream Load are given.
    pub fn timeout_s(&self) -> Option<u32> {
        self.timeout_s
    }

    /// The properties that only plain Stream Load honours; with one of them there can be no exactly-once delivery.
    pub fn stream_load_only(&self) -> &[String] {
        &self.stream_load_only
    }

    /// The headers to send with each load.
    pub(crate) fn for_load(&self) -> &HeaderMap {
        &self.headers
    }

    /// Those of them that begin reads.
    pub(crate) fn for_begin(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        AT_BEGIN.into_iter().filter_map(|name| {
            let value = self.headers.get(name)?;
            Some((HeaderName::from_static(name), value.clone()))
        })
    }
}

impl Default for LoadHeaders {
    fn default() -> LoadHeaders {
        LoadHeaders::from_properties([]).expect("without a property nothing is wrong with one")
    }
}

/// StarRocks knows two names of one thing, and takes one of them only.
fn is_second_name(name: &str, seen: &[String]) -> bool {
    let other = match name {
        "compression" => "content-encoding",
        "content-encoding" => "compression",
        _ => return false,
    };
    seen.iter().any(|seen| seen == other)
}

fn is_stream_load_only(name: &str, value: &str) -> bool {
    match name {
        "enable_merge_commit" => value.eq_ignore_ascii_case("true"),
        _ => STREAM_LOAD_ONLY.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(properties: &[(&str, &str)]) -> String {
        match LoadHeaders::from_properties(properties.iter().copied()) {
            Ok(headers) => {
                let mut lines: Vec<_> = headers
                    .for_load()
                    .iter()
                    .map(|(name, value)| {
                        format!("{name}={}", String::from_utf8_lossy(value.as_bytes()))
                    })
                    .collect();
                lines.sort();
                if let Some(seconds) = headers.timeout_s() {
                    lines.push(format!("[timeout {seconds}]"));
                }
                if !headers.stream_load_only().is_empty() {
                    lines.push(format!(
                        "[stream load {}]",
                        headers.stream_load_only().join(" ")
                    ));
                }
                lines.join("; ")
            }
            Err(errors) => errors
                .iter()
                .map(ConfigError::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        }
    }

    #[test]
    fn headers_of_properties() {
        fn check(properties: &[(&str, &str)], expect: &str) {
            assert_eq!(shown(properties), expect, "{properties:?}");
        }
        const JSON: &str = "format=json; ignore_json_size=true; strip_outer_array=true";
        check(&[], JSON);
        check(&[("format", "Json"), ("strip_outer_array", "TRUE")], JSON);
        check(&[("Format", "CSV")], "format=csv");
        check(
            &[("format", "csv"), ("column_separator", "\\x01")],
            "column_separator=\\x01; format=csv",
        );
        check(
            &[("format", "csv"), ("column_separator", "\t")],
            "column_separator=\\x09; format=csv",
        );
        check(
            &[("format", "csv"), ("row_delimiter", "|\r\n")],
            "format=csv; row_delimiter=\\x7c0d0a",
        );
        check(
            &[("format", "csv"), ("column_separator", " ")],
            "column_separator=\\x20; format=csv",
        );
        check(
            &[("format", "csv"), ("column_separator", ""), ("columns", "")],
            "format=csv",
        );
        check(
            &[("column_separator", "\\\\x01")],
            &format!("column_separator=\\x01; {JSON}"),
        );
        const ARRAYS: &str = "ignore_json_size=true; strip_outer_array=true";
        for name in ["compression", "Content-Encoding"] {
            check(
                &[(name, "LZ4_frame")],
                &format!("compression=lz4_frame; format=json; {ARRAYS}"),
            );
            check(
                &[(name, "zstd")],
                &format!("compression=zstd; format=json; {ARRAYS}"),
            );
            check(&[("format", "csv"), (name, "lz4_frame")], "format=lz4");
            check(&[("format", "csv"), (name, "ZSTD")], "format=zstd");
            check(&[("format", "csv"), (name, "")], "format=csv");
        }
        check(
            &[("columns", "id, größe")],
            &format!("columns=id, größe; {JSON}"),
        );
        check(
            &[("strict_mode", " true ")],
            "format=json; ignore_json_size=true; strict_mode=true; strip_outer_array=true",
        );
        check(
            &[("made_up", "1")],
            "format=json; ignore_json_size=true; made_up=1; strip_outer_array=true",
        );
        check(&[("timeout", "900")], &format!("{JSON}; [timeout 900]"));
        check(
            &[("enable_merge_commit", "false")],
            &format!("enable_merge_commit=false; {JSON}"),
        );
        check(
            &[("enable_merge_commit", "true")],
            &format!("enable_merge_commit=true; {JSON}; [stream load enable_merge_commit]"),
        );
        check(
            &[("format", "csv"), ("enclose", "\""), ("trim_space", "true")],
            "enclose=\"; format=csv; trim_space=true; [stream load enclose trim_space]",
        );
        for name in [
            "skip_header",
            "escape",
            "log_rejected_record_num",
            "envelope",
        ] {
            assert!(
                shown(&[(name, "1")]).ends_with(&format!("[stream load {name}]")),
                "{name}"
            );
        }
    }

    #[test]
    fn refused_properties() {
        fn check(properties: &[(&str, &str)], expect: &str) {
            assert_eq!(shown(properties), expect, "{properties:?}");
        }
        for name in [
            "label",
            "db",
            "TABLE",
            "Authorization",
            "Expect",
            "transaction_type",
            "channel_id",
            "Content-Length",
        ] {
            check(
                &[(name, "x")],
                &format!(
                    "sink.properties.{}: is set by the connector itself; remove it",
                    name.to_ascii_lowercase()
                ),
            );
        }
        check(
            &[("format", "avro")],
            "sink.properties.format: `avro` is not allowed; write `json` or `csv`",
        );
        check(
            &[("timeout", "0")],
            "sink.properties.timeout: `0` is not a number of seconds from 1 to 259200",
        );
        check(
            &[("timeout", "259201")],
            "sink.properties.timeout: `259201` is not a number of seconds from 1 to 259200",
        );
        check(
            &[("strip_outer_array", "false")],
            "sink.properties.strip_outer_array: `false` is not allowed: rows are sent as JSON arrays, which need `true`; remove it",
        );
        check(
            &[("Compression", "gzip")],
            "sink.properties.compression: `gzip` is not supported; write `lz4_frame` or `zstd`, or remove it",
        );
        check(
            &[("compression", "zstd"), ("Content-Encoding", "zstd")],
            "sink.properties.content-encoding: compression and content-encoding mean the same; remove one of them",
        );
        check(
            &[("where", "a\nb"), ("label", "x")],
            "sink.properties.where: has a line break or another control character, which a header cannot hold; \
             sink.properties.label: is set by the connector itself; remove it",
        );
        check(
            &[("column_separator", "\\x0"), ("row_delimiter", "0x")],
            "sink.properties.column_separator: `\\x0` is not a separator: the number of digits is odd; write it as it is, \
             or `\\x` and two hexadecimal digits for each byte; sink.properties.row_delimiter: `0x` is not a separator: there \
             are no digits; write it as it is, or `\\x` and two hexadecimal digits for each byte",
        );
        check(
            &[("format", "csv"), ("column_separator", "\\x0a")],
            "sink.properties.row_delimiter: is the same as the column_separator: nobody could tell fields from rows",
        );
        check(
            &[("a b", "x")],
            "sink.properties.a b: is not a name that HTTP allows",
        );
        check(
            &[("where", "a"), ("WHERE", "b")],
            "sink.properties.where: stands there twice; upper and lower case are the same",
        );
    }

    #[test]
    fn what_writing_rows_needs_to_know() {
        let plain = LoadHeaders::default();
        assert_eq!(plain.column_separator(), b"\t");
        assert_eq!(plain.row_delimiter(), b"\n");
        assert!(plain.columns().is_empty());
        let headers = LoadHeaders::from_properties([
            ("format", "csv"),
            ("Column_Separator", "\\x01"),
            ("row_delimiter", "\r\n"),
            ("columns", " `id`, tmp, day = date(tmp)"),
        ])
        .expect("valid properties");
        assert_eq!(headers.format(), LoadFormat::Csv);
        assert_eq!(headers.column_separator(), b"\x01");
        assert_eq!(headers.row_delimiter(), b"\r\n");
        assert_eq!(headers.columns(), ["id", "tmp"]);
    }

    #[test]
    fn begin_takes_the_warehouse_along() {
        let headers = LoadHeaders::from_properties([
            ("warehouse", "w"),
            ("columns", "a"),
            ("idle_transaction_timeout", "60"),
        ])
        .expect("valid properties");
        let names: Vec<_> = headers
            .for_begin()
            .map(|(name, value)| format!("{name}={}", value.to_str().expect("ASCII")))
            .collect();
        assert_eq!(names, ["warehouse=w", "idle_transaction_timeout=60"]);
    }
}
