//! Bodies become checked rows, counts and the lines of the error log.

use crate::coerce::{self, Source};
use crate::dates::Moment;
use crate::parse_json::{self, Fields, Values};
use crate::rows::{Cell, Rows};
use crate::schema::Table;
use crate::spec::{Format, LoadPlan, LoadSpec, Origin, Target};

/// Lines that an error log keeps, about what StarRocks keeps.
const LOG_LINES: usize = 50;

/// What a load's bodies hold.
#[derive(Debug, Default)]
pub(crate) struct Evaluated {
    pub(crate) rows: Rows,
    pub(crate) total: u64,
    pub(crate) filtered: u64,
    pub(crate) log: Vec<String>,
}

impl Evaluated {
    /// Whether more rows were filtered than `max_filter_ratio` allows.
    pub(crate) fn too_many_filtered(&self, max_filter_ratio: f64) -> bool {
        self.total > 0 && self.filtered as f64 / self.total as f64 > max_filter_ratio
    }
}

/// Evaluates the bodies in order. An error fails the whole load, whatever the ratio.
pub(crate) fn evaluate(
    table: &Table,
    spec: &LoadSpec,
    plan: &LoadPlan,
    units: &[Vec<u8>],
    now_ms: u64,
) -> Result<Evaluated, String> {
    let now = Moment::from_millis(now_ms).date_time();
    let out = Evaluated {
        rows: Rows::new(table.columns.len()),
        ..Evaluated::default()
    };
    let mut work = Work {
        table,
        spec,
        plan,
        now,
        out,
    };
    match &spec.format {
        Format::Json { strip_outer_array } => {
            let fields = Fields::new(plan.fields.iter().map(|(name, _)| name.as_str()));
            for unit in units {
                parse_json::each_row(unit, *strip_outer_array, &fields, |values| {
                    work.json_row(values)
                })?;
            }
        }
        Format::Csv {
            column_separator,
            row_delimiter,
        } => {
            // CSV bytes are one stream: a body that does not end with the delimiter runs into the next.
            let all = units.concat();
            for line in split(&all, row_delimiter) {
                if !line.is_empty() {
                    work.csv_row(line, column_separator);
                }
            }
        }
    }
    Ok(work.out)
}

struct Work<'a> {
    table: &'a Table,
    spec: &'a LoadSpec,
    plan: &'a LoadPlan,
    now: String,
    out: Evaluated,
}

impl Work<'_> {
    fn json_row(&mut self, values: &Values<'_>) {
        let LoadPlan { fields, op, .. } = self.plan;
        self.row(
            |at| match values[at] {
                // An object without `__op` is an upsert; one with `"__op":null` is not.
                None if Some(at) == *op => Ok(Source::Number("0")),
                value => parse_json::source(value),
            },
            || {
                let shown = fields.iter().zip(values).filter_map(|((name, _), value)| {
                    value.map(|v| format!("{}:{}", serde_json::Value::from(name.as_str()), v.get()))
                });
                format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
            },
        );
    }

    fn csv_row(&mut self, line: &[u8], separator: &[u8]) {
        let shown = || String::from_utf8_lossy(line).into_owned();
        let Ok(text) = std::str::from_utf8(line) else {
            return self.filter("Invalid UTF-8 row", shown());
        };
        let values: Vec<&[u8]> = split_all(line, separator);
        let expect = self.plan.fields.len();
        if values.len() != expect {
            let reason = format!(
                "Value count does not match column count. Expect {expect}, but got {}",
                values.len()
            );
            return self.filter(&reason, text.to_owned());
        }
        self.row(
            |at| match values[at] {
                b"\\N" => Ok(Source::Null),
                value => Ok(Source::Text(String::from_utf8_lossy(value))),
            },
            shown,
        );
    }

    /// One row, its fields from `source`, shown in the log by `shown`.
    fn row<'v>(
        &mut self,
        source: impl Fn(usize) -> Result<Source<'v>, String>,
        shown: impl Fn() -> String,
    ) {
        let start = self.out.rows.start();
        match self.cells(source) {
            Ok(delete) => {
                self.out.total += 1;
                self.out.rows.finish(delete);
            }
            Err(reason) => {
                self.out.rows.take_back(start);
                self.filter(&reason, shown());
            }
        }
    }

    /// Pushes the cells; answers whether the row is a delete.
    fn cells<'v>(
        &mut self,
        source: impl Fn(usize) -> Result<Source<'v>, String>,
    ) -> Result<bool, String> {
        let delete = self.plan.op.map_or(Ok(false), |at| {
            delete(&self.plan.fields[at], &source(at)?, self.spec)
        })?;
        for (column, origin) in self.table.columns.iter().zip(&self.plan.origins) {
            let rows = &mut self.out.rows;
            let cell = match origin {
                Origin::Field(at) => coerce::cell(column, &source(*at)?, self.spec.strict, rows)?,
                Origin::Default(text) => {
                    coerce::cell(column, &Source::Text(text.into()), true, rows)?
                }
                Origin::Now => {
                    coerce::cell(column, &Source::Text(self.now.as_str().into()), true, rows)?
                }
                Origin::Null => Cell::Null,
            };
            rows.push(cell);
        }
        Ok(delete)
    }

    fn filter(&mut self, reason: &str, row: String) {
        self.out.total += 1;
        self.out.filtered += 1;
        if self.out.log.len() < LOG_LINES {
            self.out.log.push(format!("Error: {reason}. Row: {row}"));
        }
    }
}

/// Reads `__op`: 0 upsert, 1 delete, as number or numeric text. A missing key in JSON is an upsert; `null` is not.
fn delete(
    (name, target): &(String, Target),
    source: &Source<'_>,
    spec: &LoadSpec,
) -> Result<bool, String> {
    debug_assert_eq!(*target, Target::Op, "only the operation field is asked");
    let text = match source {
        Source::Number(text) => *text,
        Source::Text(text) => text.trim(),
        Source::Null => return Err(format!("NULL value in non-nullable column '{name}'")),
        _ => {
            return Err(format!(
                "Unsupported value type. Numeric type is required. column={name}"
            ));
        }
    };
    match text.parse::<f64>() {
        Ok(0.0) => Ok(false),
        Ok(1.0) => Ok(true),
        _ if spec.strict => Err(format!(
            "Failed to parse string value as integer. column={name}, value={text}"
        )),
        _ => Err(format!("NULL value in non-nullable column '{name}'")),
    }
}

/// Parts between delimiters; what follows the last delimiter is a part too unless it is empty.
fn split<'a>(bytes: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = split_all(bytes, delimiter);
    if parts.last().is_some_and(|last| last.is_empty()) {
        parts.pop();
    }
    parts
}

fn split_all<'a>(bytes: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    if let [one] = delimiter {
        return bytes.split(|b| b == one).collect();
    }
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(delimiter.len()).position(|w| w == delimiter) {
        parts.push(&rest[..at]);
        rest = &rest[at + delimiter.len()..];
    }
    parts.push(rest);
    parts
}
