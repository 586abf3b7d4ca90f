//! StarRocks' `TimeMillisToStringTransform`: times of the day as texts.

use super::fields::{self, LastSchema};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{LogicalType, Record, Schema, SchemaAndValue, SchemaType, Struct, Value};
use crate::error::DataError;
use crate::java_text;
use std::borrow::Cow;

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("fields", Kind::String)
            .default("")
            .doc("The fields to change; all of Connect's `Time` where it is empty."),
        ConfigKey::new("format", Kind::String)
            .default("HH:mm:ss")
            .doc("`HH:mm:ss` or `HH:mm:ss.SSS`; anything else is the first one."),
    ]],
    &[],
);

const MILLIS_OF_A_DAY: i64 = 86_400_000;

#[derive(Clone, Debug)]
pub(super) struct TimeMillisToString {
    /// Empty: those of Connect's `Time`.
    fields: Vec<String>,
    has_millis: bool,
    last: LastSchema,
}

impl TimeMillisToString {
    pub(super) fn new(settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        DEF.parse(settings)?;
        // Both count as they are written.
        let text = |name| settings.get(name).map_or("", String::as_str);
        Ok(Self {
            fields: split(text("fields")),
            has_millis: text("format") == "HH:mm:ss.SSS",
            last: LastSchema::default(),
        })
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        let (Some(schema), Value::Struct(_)) = (&record.value.schema, &record.value.value) else {
            return Ok(());
        };
        let is_meant: Vec<bool> = schema
            .fields()
            .iter()
            .map(|field| self.is_meant(&field.name, &field.schema))
            .collect();
        if !is_meant.contains(&true) {
            return Ok(());
        }
        let made = self.last.get(schema, || {
            let all = schema.fields().iter().zip(&is_meant);
            let all = all.map(|(field, is_meant)| {
                let mut field = field.clone();
                if *is_meant {
                    let mut text = Schema::new(SchemaType::String);
                    text.optional = field.schema.optional;
                    field.schema = text.into();
                }
                field
            });
            schema.with_fields(all.collect())
        })?;
        let value = std::mem::replace(&mut record.value.value, Value::Null);
        let row = fields::structure(value, "times as texts")?;
        let row_schema = std::sync::Arc::clone(row.schema());
        let values = row
            .into_values()
            .into_iter()
            .enumerate()
            .map(|(at, value)| {
                let field = &row_schema.fields()[at];
                let value = fields::or_default(value, &field.schema, true);
                if is_meant[at] {
                    self.text(value)
                } else {
                    value
                }
            });
        let value = Value::Struct(Struct::new(made.clone(), values.collect()));
        record.value = SchemaAndValue::new(made, value);
        Ok(())
    }

    fn is_meant(&self, name: &str, schema: &Schema) -> bool {
        if self.fields.is_empty() {
            return schema.logical() == Some(LogicalType::Time);
        }
        self.fields.iter().any(|field| field == name)
    }

    fn text<'k>(&self, value: Value<'k>) -> Value<'k> {
        let millis = match value {
            Value::Null | Value::String(_) => return value,
            Value::Int32(millis) => millis,
            Value::Time(millis) => of_day(i64::from(millis)),
            // Cut off, as Java's class does it.
            #[expect(clippy::cast_possible_truncation, reason = "as in Java")]
            Value::Int64(millis) => millis as i32,
            Value::Timestamp(millis) => of_day(millis),
            Value::Date(days) => of_day(i64::from(days) * MILLIS_OF_A_DAY),
            other => return owned(java_text::of(&other)),
        };
        owned(self.format(millis))
    }

    /// As Java's class writes it, the smallest of all numbers, which has no opposite, too.
    fn format(&self, millis: i32) -> String {
        let sign = if millis < 0 { "-" } else { "" };
        let millis = millis.wrapping_abs();
        let (seconds, fraction) = (millis / 1_000, millis % 1_000);
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let clock = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
        if self.has_millis {
            format!("{clock}.{fraction:03}")
        } else {
            clock
        }
    }
}

/// The names of a list, apart at each comma with the blanks around it. As Java's `split` has it, those at the end that are empty
/// are none; the blanks in front of the first and behind the last one belong to them.
fn split(list: &str) -> Vec<String> {
    const BLANKS: [char; 6] = [' ', '\t', '\n', '\u{b}', '\u{c}', '\r'];
    if list.trim_matches(|c| c <= ' ').is_empty() {
        return Vec::new();
    }
    let parts: Vec<&str> = list.split(',').collect();
    let last = parts.len() - 1;
    let mut names = Vec::with_capacity(parts.len());
    for (at, part) in parts.into_iter().enumerate() {
        let part = if at > 0 {
            part.trim_start_matches(BLANKS)
        } else {
            part
        };
        let part = if at < last {
            part.trim_end_matches(BLANKS)
        } else {
            part
        };
        names.push(part.to_owned());
    }
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    names
}

/// The time of the day, negative before the epoch: the remainder in Java's sense.
fn of_day(millis: i64) -> i32 {
    i32::try_from(millis % MILLIS_OF_A_DAY).unwrap_or_default()
}

fn owned<'k>(text: String) -> Value<'k> {
    Value::String(Cow::Owned(text))
}
