//! `sink.properties.*`: the headers of a load.

mod columns;
mod delimiter;

use std::collections::BTreeMap;

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

/// One property of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadProperty<'a> {
    /// Its whole name, as the user writes it: for messages.
    pub property: String,
    /// The name of the header; the same in any case.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
}

impl LoadProperty<'_> {
    /// Whether it takes the place of another one that holds for more tables: both are about the same header, or about two of
    /// which StarRocks takes one only.
    pub fn replaces(&self, other: &LoadProperty<'_>) -> bool {
        let names = [self, other].map(|one| one.name.trim().to_ascii_lowercase());
        let [own, theirs] = &names;
        own == theirs
            || EITHER
                .iter()
                .any(|pair| names.iter().all(|name| pair.contains(&&**name)))
    }
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
    has_envelope: bool,
    merges_commits: bool,
    headers: HeaderMap,
    stream_load_only: Vec<String>,
}

/// How properties are called that hold for all tables.
const PREFIX: &str = "sink.properties.";

/// Headers that the connector must set itself, or that make a request something else than one load of a transaction.
const OURS: [&str; 13] = [
    "label",
    "db",
    "table",
    "authorization",
    "expect",
    "transaction_type",
    "source_type",
    "prepared_timeout",
    "host",
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
];

/// Headers that the transaction interface does not read (`transaction_stream_load.cpp`), or that (merge commit) ask for
/// another transaction than ours.
const STREAM_LOAD_ONLY: [&str; 6] = [
    "enclose",
    "escape",
    "trim_space",
    "log_rejected_record_num",
    "envelope",
    "enable_merge_commit",
];

/// Headers that are true or false. The transaction interface compares some of them with `true` letter by letter.
const BOOLEANS: [&str; 8] = [
    "strict_mode",
    "partial_update",
    "negative",
    "trim_space",
    "strip_outer_array",
    "ignore_json_size",
    "enable_merge_commit",
    "merge_commit_async",
];

/// Headers of which StarRocks takes one only.
const EITHER: [[&str; 2]; 2] = [
    ["compression", "content-encoding"],
    ["partitions", "temporary_partitions"],
];

/// Headers that begin reads as well as load.
const AT_BEGIN: [&str; 2] = ["warehouse", "idle_transaction_timeout"];

const COLUMN_SEPARATOR: &str = "column_separator";
const ROW_DELIMITER: &str = "row_delimiter";
const STRIP_OUTER_ARRAY: &str = "strip_outer_array";
const IGNORE_JSON_SIZE: &str = "ignore_json_size";

/// Longest timeout that StarRocks takes.
const TIMEOUT_S_MAX: u32 = 259_200;

impl LoadHeaders {
    /// Reads the properties that hold for all tables, given without the prefix `sink.properties.`.
    ///
    /// # Errors
    /// As [`LoadHeaders::read`].
    pub fn from_properties<'a>(
        properties: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<LoadHeaders, Vec<ConfigError>> {
        LoadHeaders::read(properties.into_iter().map(|(name, value)| LoadProperty {
            property: format!("{PREFIX}{name}"),
            name,
            value,
        }))
    }

    /// Reads the properties of one kind of loads.
    ///
    /// # Errors
    /// All problems at once: names that the connector sets itself, values that cannot be, that would lose rows or answer before
    /// rows are durable, names and values that no HTTP header can hold, a name twice, properties that contradict each
    /// other.
    pub fn read<'a>(
        properties: impl IntoIterator<Item = LoadProperty<'a>>,
    ) -> Result<LoadHeaders, Vec<ConfigError>> {
        let mut built = LoadHeaders {
            format: LoadFormat::default(),
            compression: Compression::default(),
            timeout_s: None,
            column_separator: Delimiter::standard(b'\t'),
            row_delimiter: Delimiter::standard(b'\n'),
            columns: Vec::new(),
            has_envelope: false,
            merges_commits: false,
            headers: HeaderMap::new(),
            stream_load_only: Vec::new(),
        };
        let mut errors = Vec::new();
        let mut seen = Seen::default();
        for LoadProperty {
            property,
            name,
            value,
        } in properties
        {
            let name = name.trim().to_ascii_lowercase();
            let result = seen
                .add(&name, &property)
                .and_then(|()| built.set(&name, value, &property));
            if let Err(message) = result {
                errors.push(ConfigError::new(property, message));
            }
        }
        if errors.is_empty() {
            errors.extend(built.complete(&seen).err());
        }
        if errors.is_empty() {
            Ok(built)
        } else {
            Err(errors)
        }
    }

    fn set(&mut self, name: &str, value: &str, property: &str) -> Result<(), String> {
        if OURS.contains(&name) || name.starts_with("channel_") {
            return Err("is set by the connector itself; remove it".to_owned());
        }
        let mut trimmed = value.trim();
        if BOOLEANS.contains(&name) {
            trimmed = ["true", "false"]
                .into_iter()
                .find(|word| trimmed.eq_ignore_ascii_case(word))
                .unwrap_or(trimmed);
        }
        if name == "format" {
            self.format = match trimmed.to_ascii_lowercase().as_str() {
                "json" => LoadFormat::Json,
                "csv" => LoadFormat::Csv,
                _ => return Err(format!("`{value}` is not allowed; write `json` or `csv`")),
            };
            return Ok(());
        }
        // An empty header is none to StarRocks, whose default then holds. Blanks may be a separator.
        let is_separator = matches!(name, COLUMN_SEPARATOR | ROW_DELIMITER);
        if value.is_empty() || (trimmed.is_empty() && !is_separator) {
            return Ok(());
        }
        match name {
            "compression" | "content-encoding" => {
                self.compression = Compression::parse(trimmed)?;
                return Ok(());
            }
            "timeout" => {
                self.timeout_s = Some(timeout_s(trimmed)?);
                return Ok(());
            }
            COLUMN_SEPARATOR => {
                self.column_separator = self.delimiter(COLUMN_SEPARATOR, value)?;
                return Ok(());
            }
            ROW_DELIMITER => {
                self.row_delimiter = self.delimiter(ROW_DELIMITER, value)?;
                return Ok(());
            }
            "columns" => self.columns = columns::source_fields(trimmed),
            "envelope" => self.has_envelope = true,
            "enable_merge_commit" => self.merges_commits = trimmed == "true",
            _ => check(name, trimmed)?,
        }
        if STREAM_LOAD_ONLY.contains(&name) && !is_default(name, trimmed) {
            self.stream_load_only.push(property.to_owned());
        }
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| "is not a name that HTTP allows".to_owned())?;
        let value = HeaderValue::from_bytes(trimmed.as_bytes()).map_err(|_| {
            "has a line break or another control character, which a header cannot hold".to_owned()
        })?;
        self.headers.insert(header, value);
        Ok(())
    }

    fn delimiter(&mut self, name: &'static str, text: &str) -> Result<Delimiter, String> {
        let delimiter = Delimiter::parse(text)?;
        self.headers.insert(name, delimiter.header(text)?);
        Ok(delimiter)
    }

    /// What depends on several properties together.
    fn complete(&mut self, seen: &Seen) -> Result<(), ConfigError> {
        match self.format {
            LoadFormat::Json => self.complete_json(seen)?,
            LoadFormat::Csv if self.column_separator == self.row_delimiter => {
                return Err(seen.error(
                    &[ROW_DELIMITER, COLUMN_SEPARATOR],
                    "column_separator and row_delimiter are the same: nobody could tell fields from rows",
                ));
            }
            LoadFormat::Csv => {}
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
        // Written out, for an answer that came before rows are durable must never pass for a load.
        let waits = self.merges_commits.then_some("false");
        for (name, value) in [
            ("format", Some(format)),
            ("compression", compression),
            ("merge_commit_async", waits),
        ] {
            if let Some(value) = value {
                self.headers.insert(name, HeaderValue::from_static(value));
            }
        }
        Ok(())
    }

    fn complete_json(&mut self, seen: &Seen) -> Result<(), ConfigError> {
        let is_true = |value: &HeaderValue| value == "true";
        let array = self.headers.get(STRIP_OUTER_ARRAY).map(is_true);
        if self.has_envelope {
            if array == Some(true) {
                return Err(seen.error(
                    &[STRIP_OUTER_ARRAY],
                    "is not possible with envelope, which StarRocks reads from no array; remove it",
                ));
            }
            self.headers.remove(STRIP_OUTER_ARRAY);
        } else {
            if array == Some(false) {
                return Err(seen.error(
                    &[STRIP_OUTER_ARRAY],
                    "must be `true`, for rows are sent as JSON arrays; remove it",
                ));
            }
            self.headers
                .insert(STRIP_OUTER_ARRAY, HeaderValue::from_static("true"));
        }
        if self.headers.get(IGNORE_JSON_SIZE).map(is_true) == Some(false) {
            return Err(seen.error(
                &[IGNORE_JSON_SIZE],
                "must be `true`, for StarRocks adds up all bodies of a transaction; remove it",
            ));
        }
        self.headers
            .insert(IGNORE_JSON_SIZE, HeaderValue::from_static("true"));
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

    /// Whether the properties say themselves what the columns are made of: then a field need not go to the column of its name.
    pub fn maps_fields(&self) -> bool {
        ["columns", "jsonpaths", "json_root"]
            .iter()
            .any(|name| self.headers.contains_key(*name))
    }

    /// The same headers with the fields of a row named, in their order: what is added to the table meanwhile then shifts
    /// nothing. Names that no header can hold leave the headers as they are.
    #[must_use]
    pub fn with_columns(&self, names: &[String]) -> LoadHeaders {
        let mut headers = self.clone();
        if let Ok(value) = HeaderValue::from_bytes(columns::property(names).as_bytes()) {
            headers.headers.insert("columns", value);
            headers.columns = names.to_vec();
        }
        headers
    }

    /// The same headers for rows that have these columns only: rows that are there keep what they have in the others.
    #[must_use]
    pub fn partial_update(&self, names: &[String]) -> LoadHeaders {
        let mut headers = self.with_columns(names);
        let yes = HeaderValue::from_static("true");
        headers.headers.insert("partial_update", yes);
        headers
    }

    /// The `timeout` property in seconds: a lower bound for the timeout that begin and Stream Load are given.
    pub fn timeout_s(&self) -> Option<u32> {
        self.timeout_s
    }

    /// Whether the rows of a JSON body are one array; else they are objects, each followed by a line feed.
    pub fn is_array(&self) -> bool {
        self.format == LoadFormat::Json && !self.has_envelope
    }

    /// What StarRocks takes for quotes and escapes in CSV: the characters of `enclose` and `escape`.
    pub fn quotes(&self) -> Vec<u8> {
        let header = |name| self.headers.get(name).map(HeaderValue::as_bytes);
        ["enclose", "escape"]
            .into_iter()
            .filter_map(header)
            .flatten()
            .copied()
            .collect()
    }

    /// Whether StarRocks is to commit these loads together with others (`enable_merge_commit`). The label of such a load is not
    /// that of its transaction: it cannot be asked for by it.
    pub fn merges_commits(&self) -> bool {
        self.merges_commits
    }

    /// The properties, by their whole names, that only plain Stream Load honours; with one of them there can be no
    /// exactly-once delivery.
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

/// The headers that properties were given for.
#[derive(Debug, Default)]
struct Seen(BTreeMap<String, String>);

impl Seen {
    fn add(&mut self, name: &str, property: &str) -> Result<(), String> {
        let both = EITHER.iter().find(|pair| pair.contains(&name));
        let other = both.and_then(|pair| pair.iter().find(|one| **one != name));
        let earlier = [Some(&name), other]
            .into_iter()
            .flatten()
            .find_map(|name| self.0.get(*name));
        match earlier {
            Some(earlier) if earlier.eq_ignore_ascii_case(property) => {
                Err("stands there twice; upper and lower case are the same".to_owned())
            }
            Some(earlier) => Err(format!("cannot stand beside {earlier}; remove one of them")),
            None => {
                self.0.insert(name.to_owned(), property.to_owned());
                Ok(())
            }
        }
    }

    /// An error about the first of these headers that was given.
    fn error(&self, names: &[&str], message: &str) -> ConfigError {
        let given = names.iter().find_map(|name| self.0.get(*name));
        ConfigError::new(given.cloned().unwrap_or_default(), message)
    }
}

fn timeout_s(text: &str) -> Result<u32, String> {
    text.parse::<u32>()
        .ok()
        .filter(|seconds| (1..=TIMEOUT_S_MAX).contains(seconds))
        .ok_or_else(|| format!("`{text}` is not a number of seconds from 1 to {TIMEOUT_S_MAX}"))
}

/// Whether a property that only plain Stream Load reads says what holds without it.
fn is_default(name: &str, value: &str) -> bool {
    match name {
        "log_rejected_record_num" => value == "0",
        "trim_space" | "enable_merge_commit" => value == "false",
        _ => false,
    }
}

/// Values that StarRocks would take and that nobody can want here.
fn check(name: &str, value: &str) -> Result<(), String> {
    match name {
        "skip_header" if value != "0" => Err(
            "would leave out the first rows of every load: records of Kafka have no header line; remove it"
                .to_owned(),
        ),
        "merge_commit_async" if value == "true" => Err(
            "answers before rows are durable, and their offsets would be committed all the same; remove it"
                .to_owned(),
        ),
        "enclose" | "escape" if value.len() != 1 => Err(format!(
            "`{value}` is not one character of ASCII, and StarRocks takes one only"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
