//! The headers of a load: which are read, what they mean, which are refused.

use crate::schema::{Column, ColumnDefault, Model, Table};

/// Which way a load came; they read different headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interface {
    StreamLoad,
    Transaction,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Format {
    Json {
        strip_outer_array: bool,
    },
    Csv {
        column_separator: Vec<u8>,
        row_delimiter: Vec<u8>,
    },
}

/// What the headers of one load ask for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LoadSpec {
    pub(crate) format: Format,
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) strict: bool,
    pub(crate) max_filter_ratio: f64,
    pub(crate) ignore_json_size: bool,
    pub(crate) partial_update: bool,
    pub(crate) merge_condition: Option<String>,
}

/// Headers that StarRocks reads on both interfaces and whose meaning the stand-in does not have.
const REFUSED: [&str; 9] = [
    "where",
    "jsonpaths",
    "json_root",
    "partitions",
    "temporary_partitions",
    "compression",
    "content-encoding",
    "envelope",
    "enable_merge_commit",
];

/// Headers that only Stream Load reads (the transaction interface does not look at them) and that are refused there.
const REFUSED_STREAM_LOAD: [&str; 5] = [
    "skip_header",
    "trim_space",
    "enclose",
    "escape",
    "log_rejected_record_num",
];

/// Headers that make two loads of one transaction differ. `max_filter_ratio` is taken from the first load only.
const PLANNED: [&str; 15] = [
    "format",
    "columns",
    "where",
    "column_separator",
    "row_delimiter",
    "partitions",
    "negative",
    "strict_mode",
    "timezone",
    "jsonpaths",
    "json_root",
    "strip_outer_array",
    "partial_update",
    "partial_update_mode",
    "merge_condition",
];

/// The headers that decide how a load is planned, in a fixed order: what a transaction compares its loads by, and what it
/// takes to read the body again.
pub(crate) fn planned_headers<'h>(
    header: impl Fn(&str) -> Option<&'h str>,
) -> Vec<(String, String)> {
    let mut planned = Vec::new();
    for name in PLANNED
        .iter()
        .chain(&["max_filter_ratio", "ignore_json_size"])
    {
        if let Some(value) = header(name) {
            planned.push(((*name).to_owned(), value.to_owned()));
        }
    }
    planned
}

/// Whether two loads ask for the same plan.
pub(crate) fn same_plan(one: &[(String, String)], other: &[(String, String)]) -> bool {
    let planned = |list: &[(String, String)]| -> Vec<(String, String)> {
        list.iter()
            .filter(|(name, _)| PLANNED.contains(&name.as_str()))
            .cloned()
            .collect()
    };
    planned(one) == planned(other)
}

impl LoadSpec {
    /// Reads the headers. The error is StarRocks' message, or one that names what the stand-in does not have.
    pub(crate) fn read<'h>(
        interface: Interface,
        header: impl Fn(&str) -> Option<&'h str>,
    ) -> Result<Self, String> {
        let only_stream_load = match interface {
            Interface::StreamLoad => &REFUSED_STREAM_LOAD[..],
            Interface::Transaction => &[],
        };
        for name in REFUSED.iter().chain(only_stream_load) {
            if header(name).is_some_and(|v| !matches!(v, "" | "false" | "0")) {
                return Err(format!(
                    "this StarRocks stand-in does not know the load header `{name}`"
                ));
            }
        }
        if header("negative").is_some_and(|v| v == "true") {
            return Err(
                "this StarRocks stand-in does not know the load header `negative`".to_owned(),
            );
        }
        let format = match header("format")
            .unwrap_or("csv")
            .to_ascii_lowercase()
            .as_str()
        {
            "json" => Format::Json {
                strip_outer_array: flag(header("strip_outer_array"), "strip_outer_array")?,
            },
            "csv" => Format::Csv {
                column_separator: delimiter(
                    header("column_separator").unwrap_or("\\t"),
                    "column_separator",
                )?,
                row_delimiter: delimiter(
                    header("row_delimiter").unwrap_or("\\n"),
                    "row_delimiter",
                )?,
            },
            other @ ("gzip" | "bzip2" | "lz4" | "deflate" | "zstd") => {
                return Err(format!(
                    "this StarRocks stand-in does not know the load header `format` with the value {other}"
                ));
            }
            other => return Err(format!("unknown data format, format={other}")),
        };
        let partial_update = header("partial_update") == Some("true");
        if partial_update
            && header("partial_update_mode").is_some_and(|m| !matches!(m, "row" | "auto"))
        {
            return Err("this StarRocks stand-in does not know the load header `partial_update_mode` beyond `row`".to_owned());
        }
        Ok(Self {
            format,
            columns: header("columns").map(column_list).transpose()?,
            strict: flag(header("strict_mode"), "strict_mode")?,
            max_filter_ratio: header("max_filter_ratio")
                .map_or(0.0, |v| v.trim().parse().unwrap_or(0.0)),
            ignore_json_size: flag(header("ignore_json_size"), "ignore_json_size")?,
            partial_update,
            merge_condition: header("merge_condition").map(str::to_owned),
        })
    }
}

fn flag(value: Option<&str>, name: &str) -> Result<bool, String> {
    match value.map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(format!(
            "Invalid {name} format. Must be bool type, but it is {other}"
        )),
    }
}

/// Plain names, with or without backticks.
fn column_list(value: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for part in value.split(',') {
        let part = part.trim();
        let name = part
            .strip_prefix('`')
            .and_then(|p| p.strip_suffix('`'))
            .unwrap_or(part);
        let plain = !name.is_empty()
            && (name.len() < part.len() || name.chars().all(|c| c.is_alphanumeric() || c == '_'));
        if !plain {
            return Err(format!(
                "this StarRocks stand-in knows only plain names in the load header `columns`, not `{part}`"
            ));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// A separator: text, `\n` `\r` `\t`, or hexadecimal as `\x01` and `\\x0D0A`.
fn delimiter(value: &str, name: &str) -> Result<Vec<u8>, String> {
    let bytes = match value {
        "\\n" => b"\n".to_vec(),
        "\\r\\n" => b"\r\n".to_vec(),
        "\\t" => b"\t".to_vec(),
        _ => match value.trim_start_matches('\\').strip_prefix(['x', 'X']) {
            Some(hex) if value.starts_with('\\') => {
                let digit = |at: usize| {
                    hex.get(at..at + 2)
                        .and_then(|h| u8::from_str_radix(h, 16).ok())
                };
                (0..hex.len())
                    .step_by(2)
                    .map(digit)
                    .collect::<Option<Vec<u8>>>()
                    .ok_or_else(|| format!("Invalid delimiter '{value}' in {name}"))?
            }
            _ => value.as_bytes().to_vec(),
        },
    };
    if bytes.is_empty() || bytes.len() > 50 {
        return Err(format!("the {name} must have 1 to 50 bytes"));
    }
    Ok(bytes)
}

/// Where a source field goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Column,
    /// The `__op` of a Primary Key table.
    Op,
    /// A name that is no column: read and dropped.
    Nowhere,
}

/// Where a column's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    Field(usize),
    Default(String),
    Now,
    Null,
}

/// A load's headers laid onto its table.
#[derive(Debug, Clone)]
pub(crate) struct LoadPlan {
    pub(crate) fields: Vec<(String, Target)>,
    /// One per column of the table.
    pub(crate) origins: Vec<Origin>,
    /// The field with `__op`, if the table has one.
    pub(crate) op: Option<usize>,
}

impl LoadPlan {
    pub(crate) fn new(spec: &LoadSpec, table: &Table) -> Result<Self, String> {
        if (spec.partial_update || spec.merge_condition.is_some()) && table.model != Model::Primary
        {
            return Err("Only primary key table support partial update".to_owned());
        }
        if let Some(name) = &spec.merge_condition {
            let known = table.column_index(name).is_some_and(|i| !table.is_key(i));
            if !known || spec.columns.as_ref().is_some_and(|c| !c.contains(name)) {
                return Err(format!(
                    "merge_condition column {name} is not a loaded column outside the primary key"
                ));
            }
        }
        let names: Vec<String> = match &spec.columns {
            Some(names) => names.clone(),
            None if spec.partial_update => {
                return Err("Partial update needs the header columns".to_owned());
            }
            None => table.columns.iter().map(|c| c.name.clone()).collect(),
        };
        let primary = table.model == Model::Primary;
        let mut fields: Vec<(String, Target)> = names
            .into_iter()
            .map(|name| {
                let target = match table.column_index(&name) {
                    Some(_) => Target::Column,
                    None if primary && name == "__op" => Target::Op,
                    None => Target::Nowhere,
                };
                (name, target)
            })
            .collect();
        // StarRocks adds the source field by itself for JSON, where fields have names.
        let json = matches!(spec.format, Format::Json { .. });
        if primary && json && !fields.iter().any(|(_, target)| *target == Target::Op) {
            fields.push(("__op".to_owned(), Target::Op));
        }
        let origins = table
            .columns
            .iter()
            .map(|c| origin(c, &fields, spec))
            .collect::<Result<_, _>>()?;
        let op = fields.iter().position(|(_, target)| *target == Target::Op);
        Ok(Self {
            fields,
            origins,
            op,
        })
    }
}

fn origin(column: &Column, fields: &[(String, Target)], spec: &LoadSpec) -> Result<Origin, String> {
    if let Some(at) = fields.iter().position(|(name, _)| *name == column.name) {
        return Ok(Origin::Field(at));
    }
    match &column.default {
        Some(ColumnDefault::Text(text)) => Ok(Origin::Default(text.clone())),
        Some(ColumnDefault::CurrentTimestamp) => Ok(Origin::Now),
        None if column.nullable => Ok(Origin::Null),
        None if spec.partial_update => Err(format!(
            "this StarRocks stand-in knows partial_update only where every NOT NULL column without default is loaded; `{}` is not",
            column.name
        )),
        None => Err(format!(
            "Column has no default value. column: {}",
            column.name
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Interface, LoadSpec, delimiter};

    fn read(interface: Interface, headers: &[(&str, &'static str)]) -> Result<LoadSpec, String> {
        LoadSpec::read(interface, |name| {
            headers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
        })
    }

    #[test]
    fn headers_are_read_or_refused_by_name() {
        use Interface::{StreamLoad, Transaction};
        let json = read(
            Transaction,
            &[
                ("format", "JSON"),
                ("strip_outer_array", "true"),
                ("columns", "a, `b c`"),
            ],
        )
        .expect("the headers are right");
        assert_eq!(
            json.format,
            Format::Json {
                strip_outer_array: true
            }
        );
        assert_eq!(json.columns, Some(vec!["a".to_owned(), "b c".to_owned()]));
        let refused = [
            (Transaction, ("where", "a > 1"), "`where`"),
            (Transaction, ("jsonpaths", "[\"$.a\"]"), "`jsonpaths`"),
            (Transaction, ("columns", "a, b = c + 1"), "`b = c + 1`"),
            (
                Transaction,
                ("format", "xml"),
                "unknown data format, format=xml",
            ),
            (Transaction, ("format", "lz4"), "lz4"),
            (Transaction, ("strict_mode", "maybe"), "strict_mode"),
            (StreamLoad, ("enclose", "\""), "`enclose`"),
        ];
        for (interface, header, names) in refused {
            let message = read(interface, &[header]).expect_err(header.0);
            assert!(message.contains(names), "{header:?}: {message}");
        }
        // The transaction interface does not look at these, so it cannot refuse them.
        assert!(read(Transaction, &[("enclose", "\""), ("skip_header", "1")]).is_ok());
    }

    #[test]
    fn delimiters() {
        let rows = [
            ("\\x01", Some(&b"\x01"[..])),
            ("\\\\x0D0A", Some(b"\r\n")),
            ("\\t", Some(b"\t")),
            ("||", Some(b"||")),
            ("x", Some(b"x")),
            ("\\xZZ", None),
        ];
        for (text, expect) in rows {
            assert_eq!(
                delimiter(text, "column_separator").ok().as_deref(),
                expect,
                "{text}"
            );
        }
    }
}
