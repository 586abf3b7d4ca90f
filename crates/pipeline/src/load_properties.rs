//! The load properties of each table: `sink.properties.*`, and over them `sink.table.<table>.properties.*`.

use std::collections::BTreeMap;
use std::sync::Arc;

use starrocks_kafka_connect::config::{ConfigProblem, Given};
use starrocks_kafka_starrocks as starrocks;
use starrocks_kafka_starrocks::{LoadFormat, LoadHeaders, LoadProperty};

use crate::encode::{CsvFormat, RowFormat, RowFormats};

/// How the loads of all tables are described.
const ALL: &str = "sink.properties.";
/// How those of one table are: `sink.table.<table>.properties.<header>`. A table may have dots in its name, a header has none.
const ONE: &str = "sink.table.";
const OF_ONE: &str = ".properties.";

/// The headers of every table's loads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadProperties {
    all: Arc<LoadHeaders>,
    tables: BTreeMap<String, Arc<LoadHeaders>>,
    doubtful: Vec<String>,
}

impl LoadProperties {
    /// The same headers for every table.
    #[must_use]
    pub fn for_all(headers: LoadHeaders) -> Self {
        Self {
            all: Arc::new(headers),
            ..Self::default()
        }
    }

    /// Reads a connector's properties; those of other prefixes are left alone.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse(given: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems = Vec::new();
        let of_all: Vec<_> = given
            .iter()
            .filter_map(|(property, value)| {
                let name = property.strip_prefix(ALL)?;
                Some(load_property(property, name, value))
            })
            .collect();
        let all = LoadHeaders::read(of_all.iter().cloned())
            .map_err(|errors| problems.extend(errors.iter().map(|error| problem(error, None))))
            .ok();
        let mut tables = BTreeMap::new();
        for (table, own) in of_tables(given, &mut problems) {
            let is_replaced =
                |theirs: &&LoadProperty<'_>| own.iter().any(|one| one.replaces(theirs));
            let inherited = of_all.iter().filter(|theirs| !is_replaced(theirs));
            match LoadHeaders::read(own.iter().chain(inherited).cloned()) {
                Ok(headers) => {
                    tables.insert(table.to_owned(), Arc::new(headers));
                }
                // What is wrong for all tables was said.
                Err(errors) => problems.extend(
                    errors
                        .iter()
                        .filter(|error| all.is_some() || error.property.starts_with(ONE))
                        .map(|error| problem(error, Some(table))),
                ),
            }
        }
        match all {
            Some(all) if problems.is_empty() => Ok(Self {
                all: Arc::new(all),
                tables,
                doubtful: given.iter().filter_map(lost_backslash).collect(),
            }),
            _ => Err(problems),
        }
    }

    /// The headers of a table's loads.
    #[must_use]
    pub fn of(&self, table: &str) -> &Arc<LoadHeaders> {
        self.tables.get(table).unwrap_or(&self.all)
    }

    /// The tables that have properties of their own.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// What is likely not to mean what it says, one line each.
    pub fn doubtful(&self) -> impl Iterator<Item = &str> {
        self.doubtful.iter().map(String::as_str)
    }

    /// The properties, by their whole names, that only plain Stream Load honours.
    #[must_use]
    pub fn stream_load_only(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for headers in std::iter::once(&self.all).chain(self.tables.values()) {
            for property in headers.stream_load_only() {
                if !found.contains(&property.as_str()) {
                    found.push(property.as_str());
                }
            }
        }
        found
    }

    /// Whether rows are brought by plain Stream Load, at least once, whatever else is possible: all of them, for a connector
    /// has one guarantee.
    #[must_use]
    pub fn needs_stream_load(&self) -> bool {
        !self.stream_load_only().is_empty()
    }

    /// How rows are written, by table.
    #[must_use]
    pub fn row_formats(&self) -> RowFormats {
        let of =
            |(table, headers): (&String, &Arc<LoadHeaders>)| (table.clone(), row_format(headers));
        RowFormats {
            default: row_format(&self.all),
            tables: self.tables.iter().map(of).collect(),
        }
    }
}

fn load_property<'a>(property: &str, name: &'a str, value: &'a str) -> LoadProperty<'a> {
    LoadProperty {
        property: property.to_owned(),
        name,
        value,
    }
}

/// A separator `x01`: in a file of properties `\x01` is that, for a backslash stands before another one there.
fn lost_backslash((property, value): (&String, &String)) -> Option<String> {
    let is_separator = (property.starts_with(ALL) || property.starts_with(ONE))
        && ["column_separator", "row_delimiter"]
            .iter()
            .any(|name| property.to_ascii_lowercase().ends_with(&format!(".{name}")));
    let digits = value.strip_prefix('x')?;
    let is_hex = digits.len() >= 2
        && digits.len().is_multiple_of(2)
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_separator && is_hex).then(|| {
        format!(
            "{property} is the text {value}, not a byte: in a file of properties a backslash is written twice, \\\\{value}"
        )
    })
}

/// The properties of single tables, by table.
fn of_tables<'g>(
    given: &'g Given,
    problems: &mut Vec<ConfigProblem>,
) -> BTreeMap<&'g str, Vec<LoadProperty<'g>>> {
    let mut tables: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (property, value) in given {
        let Some(rest) = property.strip_prefix(ONE) else {
            continue;
        };
        match rest.rsplit_once(OF_ONE) {
            Some((table, name)) if !table.is_empty() && !name.is_empty() => {
                let of_table = tables.entry(table).or_default();
                of_table.push(load_property(property, name, value));
            }
            _ => problems.push(ConfigProblem::about(
                property,
                format!("{property}: write sink.table.<table>.properties.<header>"),
            )),
        }
    }
    tables
}

/// A problem of all tables' loads, or of one table's.
fn problem(error: &starrocks::ConfigError, table: Option<&str>) -> ConfigProblem {
    let mut message = error.to_string();
    if let Some(table) = table
        && !error.property.starts_with(ONE)
    {
        message = format!("{message} (in the loads of table {table})");
    }
    // One line, whatever the value.
    let message = message.replace('\n', "\\n").replace('\r', "\\r");
    ConfigProblem::about(&error.property, message)
}

fn row_format(headers: &LoadHeaders) -> RowFormat {
    match headers.format() {
        LoadFormat::Json if headers.maps_fields() => RowFormat::MappedJson,
        LoadFormat::Json => RowFormat::Json,
        LoadFormat::Csv => RowFormat::Csv(CsvFormat {
            column_separator: headers.column_separator().to_vec(),
            row_delimiter: headers.row_delimiter().to_vec(),
            quotes: headers.quotes(),
            columns: (!headers.columns().is_empty()).then(|| headers.columns().to_vec()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use starrocks_kafka_starrocks::Compression;

    use super::*;

    fn given(properties: &[(&str, &str)]) -> Given {
        properties
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn a_table_has_its_own_properties_over_those_of_all() {
        let properties = LoadProperties::parse(&given(&[
            ("sink.properties.columns", "a,b"),
            ("sink.properties.Timeout", "900"),
            ("sink.properties.compression", "zstd"),
            ("sink.properties.enclose", "'"),
            ("sink.table.orders.properties.COLUMNS", "c"),
            ("sink.table.orders.properties.content-encoding", "lz4_frame"),
            ("sink.table.shop.orders.v2.properties.timeout", ""),
            ("sink.table.lines.properties.format", "CSV"),
            ("sink.table.lines.properties.escape", "/"),
            ("starrocks.username", "root"),
        ]))
        .expect("valid properties");
        let check = |table: &str, columns: &[&str], timeout_s, compression, format| {
            let headers = properties.of(table);
            assert_eq!(headers.columns(), columns, "{table}");
            assert_eq!(headers.timeout_s(), timeout_s, "{table}");
            assert_eq!(headers.compression(), compression, "{table}");
            assert_eq!(headers.format(), format, "{table}");
        };
        use Compression::{Lz4Frame, Zstd};
        use LoadFormat::{Csv, Json};
        check("other", &["a", "b"], Some(900), Zstd, Json);
        check("orders", &["c"], Some(900), Lz4Frame, Json);
        check("Orders", &["a", "b"], Some(900), Zstd, Json);
        check("shop.orders.v2", &["a", "b"], None, Zstd, Json);
        check("lines", &["a", "b"], Some(900), Zstd, Csv);
        let tables: Vec<_> = properties.tables().collect();
        assert_eq!(tables, ["lines", "orders", "shop.orders.v2"]);
        assert_eq!(
            properties.stream_load_only(),
            [
                "sink.properties.enclose",
                "sink.table.lines.properties.escape"
            ]
        );
        let formats = properties.row_formats();
        assert_eq!(formats.default, RowFormat::MappedJson);
        let RowFormat::Csv(csv) = &formats.tables["lines"] else {
            panic!("{formats:?}");
        };
        assert_eq!(csv.quotes, b"'/");
        assert_eq!(
            csv.columns.as_deref(),
            Some(&["a".to_owned(), "b".to_owned()][..])
        );
    }

    #[test]
    fn a_backslash_that_was_lost_is_noticed() {
        let check = |property: &str, value: &str, expect: bool| {
            let properties = LoadProperties::parse(&given(&[(property, value)]));
            let properties = properties.expect("a valid property");
            let doubtful: Vec<_> = properties.doubtful().collect();
            assert_eq!(!doubtful.is_empty(), expect, "{property}={value}");
            assert!(
                doubtful
                    .iter()
                    .all(|line| line.ends_with(r"written twice, \\x01"))
            );
        };
        check("sink.properties.column_separator", "x01", true);
        check("sink.properties.Row_Delimiter", "x01", true);
        check("sink.table.t.properties.column_separator", "x01", true);
        for value in ["\\x01", "x", "x0", "xyz", "||"] {
            check("sink.properties.column_separator", value, false);
        }
        check("sink.properties.where", "x01", false);
        check("starrocks.column_separator", "x01", false);
    }

    #[test]
    fn what_is_wrong_is_said_once_and_where() {
        fn check(properties: &[(&str, &str)], expect: &[&str]) {
            let problems = LoadProperties::parse(&given(properties)).expect_err("refused");
            let messages: Vec<_> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(messages, expect, "{properties:?}");
        }
        for property in [
            "sink.table.columns",
            "sink.table.t.columns",
            "sink.table.t.properties",
            "sink.table.t.properties.",
            "sink.table..properties.columns",
        ] {
            let message = format!("{property}: write sink.table.<table>.properties.<header>");
            check(&[(property, "x")], &[&message]);
        }
        check(
            &[
                ("sink.properties.timeout", "0"),
                ("sink.table.t.properties.format", ""),
                ("sink.table.t.properties.Label", "x"),
                ("sink.table.u.properties.columns", "x"),
            ],
            &[
                "sink.properties.timeout: `0` is not a number of seconds from 1 to 259200",
                "sink.table.t.properties.Label: is set by the connector itself; remove it",
                "sink.table.t.properties.format: `` is not allowed; write `json` or `csv`",
            ],
        );
        check(
            &[
                ("sink.table.t.properties.columns", "a"),
                ("sink.table.t.properties.Columns", "b"),
            ],
            &[
                "sink.table.t.properties.columns: stands there twice; upper and lower case are the same",
            ],
        );
        check(
            &[
                ("sink.properties.row_delimiter", "|\n"),
                ("sink.table.t.properties.column_separator", "\\x7c0a"),
                ("sink.table.t.properties.format", "csv"),
            ],
            &[
                "sink.properties.row_delimiter: column_separator and row_delimiter are the same: nobody could tell fields \
                 from rows (in the loads of table t)",
            ],
        );
        check(
            &[("sink.properties.column_separator", "\\x\n")],
            &[
                "sink.properties.column_separator: `\\x\\n` is not a separator: not every character is a hexadecimal digit; \
                 write it as it is, or `\\x` and two hexadecimal digits for each byte",
            ],
        );
    }
}
