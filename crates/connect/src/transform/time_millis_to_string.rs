//! StarRocks' `TimeMillisToStringTransform`: times of the day as texts.

use super::fields::{self, LastSchema};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{LogicalType, Record, Schema, SchemaAndValue, SchemaType, Struct, Value};
use crate::error::DataError;
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
        let config = DEF.parse(settings)?;
        let fields = config.string("fields").unwrap_or_default().split(',');
        let fields = fields.map(str::trim).filter(|field| !field.is_empty());
        Ok(Self {
            fields: fields.map(str::to_owned).collect(),
            has_millis: config.string("format") == Some("HH:mm:ss.SSS"),
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
            Value::Int8(number) => return owned(number.to_string()),
            Value::Int16(number) => return owned(number.to_string()),
            Value::Decimal(number) => return owned(number.to_string()),
            Value::Boolean(truth) => return owned(truth.to_string()),
            other => return other,
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

/// The time of the day, negative before the epoch: the remainder in Java's sense.
fn of_day(millis: i64) -> i32 {
    i32::try_from(millis % MILLIS_OF_A_DAY).unwrap_or_default()
}

fn owned<'k>(text: String) -> Value<'k> {
    Value::String(Cow::Owned(text))
}
