//! Bodies become checked rows, counts and the lines of the error log.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::coerce::{self, Source};
use crate::column_type::ColumnType;
use crate::csv::{self, Field};
use crate::dates::Moment;
use crate::inflate::Compression;
use crate::parse_json::{self, Fields, Values, count_rows};
use crate::plan::{LoadPlan, Op, Origin};
use crate::rows::{Cell, Rows};
use crate::schema::{Column, Table};
use crate::spec::{Format, LoadSpec};

/// Lines that an error log keeps, about what StarRocks keeps.
const LOG_LINES: usize = 50;

/// Rows of a load by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) total: u64,
    /// Rows that did not pass the checks.
    pub(crate) filtered: u64,
    /// Rows that `where` did not select.
    pub(crate) unselected: u64,
}

impl Tally {
    /// Rows that nobody looked at.
    pub(crate) fn all_loaded(total: u64) -> Self {
        Self {
            total,
            ..Self::default()
        }
    }

    pub(crate) fn loaded(self) -> u64 {
        self.total - self.filtered - self.unselected
    }

    /// Whether more rows were filtered than `max_filter_ratio` allows.
    pub(crate) fn too_many_filtered(self, max_filter_ratio: f64) -> bool {
        let selected = self.total - self.unselected;
        selected > 0 && self.filtered as f64 / selected as f64 > max_filter_ratio
    }
}

/// What a load's bodies hold.
#[derive(Debug, Default)]
pub(crate) struct Evaluated {
    pub(crate) rows: Rows,
    pub(crate) tally: Tally,
    /// Lines of the error log.
    pub(crate) log: Vec<String>,
    /// The rows that were filtered, as far as the load asked for them.
    pub(crate) rejected: Vec<String>,
}

/// What evaluating does not read from headers and table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For `CURRENT_TIMESTAMP`.
    pub(crate) now_ms: u64,
    /// Bytes that one compressed body may become.
    pub(crate) inflated_bytes: u64,
}

/// Evaluates the bodies in order. An error fails the whole load, whatever the ratio.
pub(crate) fn evaluate(
    table: &Table,
    spec: &LoadSpec,
    plan: &LoadPlan,
    units: &[Vec<u8>],
    limits: Limits,
) -> Result<Evaluated, String> {
    let now = Moment::from_millis(limits.now_ms).date_time();
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
    let mut units = units
        .iter()
        .map(|unit| inflated(unit, spec.compression, limits.inflated_bytes));
    match &spec.format {
        Format::Json(shape) => {
            let fields = Fields::new(plan.fields.iter().map(|(name, _)| name.as_str()));
            for unit in units {
                shape.each_row(&unit?, &fields, |values| work.json_row(values))?;
            }
        }
        Format::Csv(format) => {
            // CSV bytes are one stream: a body that does not end with the delimiter runs into the next.
            let mut all = units.next().transpose()?.unwrap_or_default();
            for unit in units {
                all.to_mut().extend_from_slice(&unit?);
            }
            csv::each_row(&all, format, |line, fields| work.csv_row(line, fields));
        }
    }
    Ok(work.out)
}

fn inflated(
    unit: &[u8],
    compression: Option<Compression>,
    limit: u64,
) -> Result<Cow<'_, [u8]>, String> {
    match compression {
        Some(compression) => compression.inflate(unit, limit).map(Cow::Owned),
        None => Ok(Cow::Borrowed(unit)),
    }
}

/// Rows of a body that is not kept, of JSON counted by their brackets; of one that cannot be read there are none.
pub(crate) fn count_unkept(spec: &LoadSpec, body: &[u8], limits: Limits) -> u64 {
    let Ok(body) = inflated(body, spec.compression, limits.inflated_bytes) else {
        return 0;
    };
    match &spec.format {
        Format::Json(shape) => count_rows(&body, shape.strip_outer_array),
        Format::Csv(format) => {
            let mut rows = 0;
            csv::each_row(&body, format, |_, _| rows += 1);
            rows
        }
    }
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
                None if *op == Some(Op::Field(at)) => Ok(Source::Number("0")),
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

    fn csv_row(&mut self, line: &[u8], values: &[Field<'_>]) {
        let shown = || String::from_utf8_lossy(line).into_owned();
        if std::str::from_utf8(line).is_err() {
            return self.filter("Invalid UTF-8 row", shown());
        }
        let expect = self.plan.fields.len();
        if values.len() != expect {
            let reason = format!(
                "Value count does not match column count. Expect {expect}, but got {}",
                values.len()
            );
            return self.filter(&reason, shown());
        }
        self.row(
            |at| {
                Ok(values[at].as_deref().map_or(Source::Null, |value| {
                    Source::Text(String::from_utf8_lossy(value))
                }))
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
        let (delete, refusal) = match self.cells(source) {
            Ok(done) => done,
            Err(reason) => {
                self.out.rows.take_back(start);
                return self.filter(&reason, shown());
            }
        };
        let rows = &self.out.rows;
        let selected = self.plan.selection.as_ref().is_none_or(|selection| {
            selection.holds(self.table, rows, rows.since(start)) == Some(true)
        });
        if !selected {
            self.out.rows.take_back(start);
            self.out.tally.total += 1;
            self.out.tally.unselected += 1;
        } else if let Some(reason) = refusal {
            self.out.rows.take_back(start);
            self.filter(&reason, shown());
        } else {
            self.out.tally.total += 1;
            self.out.rows.finish(delete);
        }
    }

    /// Pushes the cells; answers whether the row is a delete, and why the table refuses it, if it does.
    fn cells<'v>(
        &mut self,
        source: impl Fn(usize) -> Result<Source<'v>, String>,
    ) -> Result<(bool, Option<String>), String> {
        let zone = self.spec.zone_seconds.unwrap_or(0);
        let delete = match &self.plan.op {
            None => false,
            Some(Op::Field(at)) => is_delete(&source(*at)?, self.spec)?,
            Some(Op::Derived(value)) => is_delete(&value.value(&source, zone)?, self.spec)?,
        };
        let mut refusal = None;
        for (column, origin) in self.table.columns.iter().zip(&self.plan.origins) {
            let text = |text: &str| Source::Text(Cow::Owned(text.to_owned()));
            let cell = match origin {
                Origin::Field(at) => self.field(column, &source(*at)?, self.spec.strict)?,
                // Strict mode looks at fields only.
                Origin::Derived(value) => {
                    let value = value.value(&source, zone)?;
                    self.text_field(column, &value, false)?
                }
                Origin::Default(default) => {
                    coerce::cell(column, &text(default), true, &mut self.out.rows)?
                }
                Origin::Now => coerce::cell(column, &text(&self.now), true, &mut self.out.rows)?,
                Origin::Null => Cell::Null,
            };
            refusal = refusal.or_else(|| coerce::sink_refusal(column, cell));
            self.out.rows.push(cell);
        }
        Ok((delete, refusal))
    }

    /// The cell of a field as it was sent.
    fn field(
        &mut self,
        column: &Column,
        source: &Source<'_>,
        strict: bool,
    ) -> Result<Cell, String> {
        match self.spec.format {
            Format::Csv(_) => self.text_field(column, source, strict),
            Format::Json(_) => coerce::cell(column, source, strict, &mut self.out.rows),
        }
    }

    /// The cell of a text. What is nested is read as JSON from it.
    fn text_field(
        &mut self,
        column: &Column,
        source: &Source<'_>,
        strict: bool,
    ) -> Result<Cell, String> {
        let rows = &mut self.out.rows;
        if let Source::Text(text) = source
            && (column.ty.is_nested() || column.ty == ColumnType::Json)
            && let Ok(json) = serde_json::from_str::<&RawValue>(text)
        {
            return coerce::cell(column, &parse_json::source(Some(json))?, strict, rows);
        }
        coerce::cell(column, source, strict, rows)
    }

    fn filter(&mut self, reason: &str, row: String) {
        self.out.tally.total += 1;
        self.out.tally.filtered += 1;
        if self.out.log.len() < LOG_LINES {
            self.out.log.push(format!("Error: {reason}. Row: {row}"));
        }
        if self
            .spec
            .log_rejected
            .is_some_and(|most| self.out.rejected.len() < most)
        {
            self.out.rejected.push(row);
        }
    }
}

/// Reads `__op`: 0 upsert, 1 delete, as number or numeric text. A missing key in JSON is an upsert; `null` is not.
fn is_delete(source: &Source<'_>, spec: &LoadSpec) -> Result<bool, String> {
    let null = || "NULL value in non-nullable column '__op'".to_owned();
    let text = match source {
        Source::Number(text) => *text,
        Source::Text(text) => text.trim(),
        Source::Null => return Err(null()),
        _ => {
            return Err("Unsupported value type. Numeric type is required. column=__op".to_owned());
        }
    };
    match text.parse::<f64>() {
        Ok(0.0) => Ok(false),
        Ok(1.0) => Ok(true),
        _ if spec.strict => Err(format!(
            "Failed to parse string value as integer. column=__op, value={text}"
        )),
        _ => Err(null()),
    }
}
