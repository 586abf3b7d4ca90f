//! `TimestampConverter`: times in one form become times in another.

use super::Side;
use super::fields::{self, LastSchema, REPLACE_NULL};
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{
    LogicalType, MapEntries, Record, Schema, SchemaAndValue, SchemaType, Struct, Value,
};
use crate::error::{DataError, ErrorClass};
use crate::java_date_format::JavaDateFormat;
use std::borrow::Cow;
use std::sync::Arc;

const PURPOSE: &str = "converting timestamp formats";
const DAY_MS: i64 = 86_400_000;

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("field", Kind::String)
            .default("")
            .doc("The field; the whole key or value where it is empty."),
        ConfigKey::new("target.type", Kind::String)
            .one_of(&["string", "unix", "Date", "Time", "Timestamp"])
            .doc("What it becomes."),
        ConfigKey::new("format", Kind::String)
            .default("")
            .doc("How texts are written and read, a pattern of Java's `SimpleDateFormat`, in UTC."),
        ConfigKey::new("unix.precision", Kind::String)
            .default("milliseconds")
            .one_of(&["nanoseconds", "microseconds", "milliseconds", "seconds"])
            .doc("What numbers count."),
        REPLACE_NULL,
    ]],
    &[],
);

/// A form of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Unix,
    Date,
    Time,
    Timestamp,
}

/// What Unix times count.
#[derive(Clone, Copy, Debug)]
enum Precision {
    Seconds,
    Milliseconds,
    /// So many in a millisecond.
    Finer(i64),
}

#[derive(Clone, Debug)]
pub(super) struct TimestampConverter {
    side: Side,
    field: String,
    target: Form,
    format: Option<JavaDateFormat>,
    pattern: String,
    precision: Precision,
    replaces_null: bool,
    last: LastSchema,
}

impl TimestampConverter {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let text = |name| config.string(name).unwrap_or_default();
        let target = match text("target.type") {
            "string" => Form::Text,
            "unix" => Form::Unix,
            "Date" => Form::Date,
            "Time" => Form::Time,
            _ => Form::Timestamp,
        };
        let pattern = text("format");
        if target == Form::Text && pattern.is_empty() {
            let message = "TimestampConverter requires format option to be specified when using string timestamps";
            return Err(vec![ConfigProblem::about("format", message)]);
        }
        let format = (!pattern.is_empty()).then(|| JavaDateFormat::new(pattern));
        let format = format.transpose().map_err(|reason| {
            let reason = format!(
                "TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: {reason}"
            );
            vec![ConfigProblem::invalid("format", pattern, &reason)]
        })?;
        Ok(Self {
            side,
            field: text("field").to_owned(),
            target,
            format,
            pattern: pattern.to_owned(),
            precision: match text("unix.precision") {
                "seconds" => Precision::Seconds,
                "microseconds" => Precision::Finer(1_000),
                "nanoseconds" => Precision::Finer(1_000_000),
                _ => Precision::Milliseconds,
            },
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
            last: LastSchema::default(),
        })
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        let data = self.side.of(record);
        let value = std::mem::replace(&mut data.value, Value::Null);
        *data = match data.schema.take() {
            None => SchemaAndValue::schemaless(self.without_schema(value)?),
            Some(schema) if self.field.is_empty() => {
                let form = form_of_schema(&schema)?;
                let made = Arc::new(self.schema(schema.optional));
                SchemaAndValue::new(made, self.convert(value, form)?)
            }
            Some(schema) => self.with_schema(&schema, value)?,
        };
        Ok(())
    }

    fn without_schema<'k>(&self, value: Value<'k>) -> Result<Value<'k>, DataError> {
        let convert = |value: Value<'k>| match &value {
            Value::Null => Ok(value),
            given => {
                let form = form_of_value(given)?;
                self.convert(value, form)
            }
        };
        if value.is_null() || self.field.is_empty() {
            return convert(value);
        }
        let mut entries = MapEntries::default();
        for (key, value) in fields::map(value, PURPOSE)? {
            entries.insert(key, value);
        }
        let mut entries = entries.into_entries();
        match entries
            .iter_mut()
            .find(|(key, _)| fields::is_named(key, &self.field))
        {
            Some((_, value)) => *value = convert(std::mem::replace(value, Value::Null))?,
            // A field that is not there becomes one, as in Java.
            None => entries.push((Value::String(Cow::Owned(self.field.clone())), Value::Null)),
        }
        Ok(Value::Map(entries))
    }

    fn with_schema<'k>(
        &mut self,
        schema: &Arc<Schema>,
        value: Value<'k>,
    ) -> Result<SchemaAndValue<'k>, DataError> {
        if !matches!(schema.kind(), SchemaType::Struct(_)) && value.is_null() {
            return Err(DataError::data("Cannot list fields on non-struct type"));
        }
        let mut last = std::mem::take(&mut self.last);
        let made = last.get(schema, || {
            let all = schema.fields().iter().map(|field| {
                if *field.name == *self.field {
                    let made = self.schema(field.schema.optional);
                    fields::field(&field.name, Arc::new(made))
                } else {
                    field.clone()
                }
            });
            let mut made = schema.with_fields(all.collect())?;
            made.optional = schema.optional;
            Ok(made)
        });
        self.last = last;
        let made = made?;
        if value.is_null() {
            return Ok(SchemaAndValue::new(made, value));
        }
        let row = fields::structure(value, PURPOSE)?;
        let row_schema = Arc::clone(row.schema());
        let values = row_schema.fields().iter().zip(row.into_values());
        let values = values.map(|(field, value)| {
            let value = fields::or_default(value, &field.schema, self.replaces_null);
            if *field.name == *self.field {
                let form = form_of_schema(&field.schema)?;
                self.convert(value, form)
            } else {
                Ok(value)
            }
        });
        let values = values.collect::<Result<_, _>>()?;
        let value = Value::Struct(Struct::new(Arc::clone(&made), values));
        Ok(SchemaAndValue::new(made, value))
    }

    /// What the target form's values are.
    fn schema(&self, is_optional: bool) -> Schema {
        let mut schema = match self.target {
            Form::Text => Schema::new(SchemaType::String),
            Form::Unix => Schema::new(SchemaType::Int64),
            Form::Date => Schema::of_logical_type(LogicalType::Date),
            Form::Time => Schema::of_logical_type(LogicalType::Time),
            Form::Timestamp => Schema::of_logical_type(LogicalType::Timestamp),
        };
        schema.optional = is_optional;
        schema
    }

    fn convert<'k>(&self, value: Value<'k>, form: Form) -> Result<Value<'k>, DataError> {
        if value.is_null() {
            return Ok(value);
        }
        let millis = self.millis(&value, form)?;
        Ok(match self.target {
            Form::Text => {
                let format = self.format.as_ref().ok_or_else(no_format)?;
                Value::String(Cow::Owned(format.format(millis)))
            }
            Form::Unix => Value::Int64(match self.precision {
                Precision::Seconds => millis / 1_000,
                Precision::Milliseconds => millis,
                Precision::Finer(of_milli) => millis.saturating_mul(of_milli),
            }),
            #[expect(clippy::cast_possible_truncation, reason = "as in Java")]
            Form::Date => Value::Date(millis.div_euclid(DAY_MS) as i32),
            #[expect(clippy::cast_possible_truncation, reason = "a day fits")]
            Form::Time => Value::Time(millis.rem_euclid(DAY_MS) as i32),
            Form::Timestamp => Value::Timestamp(millis),
        })
    }

    /// Milliseconds since the epoch.
    fn millis(&self, value: &Value<'_>, form: Form) -> Result<i64, DataError> {
        match (form, value) {
            (Form::Unix, Value::Int64(unix)) => Ok(match self.precision {
                Precision::Seconds => unix.saturating_mul(1_000),
                Precision::Milliseconds => *unix,
                Precision::Finer(of_milli) => unix / of_milli,
            }),
            (Form::Text, Value::String(text)) => {
                let format = self.format.as_ref().ok_or_else(no_format)?;
                format.parse(text).ok_or_else(|| {
                    DataError::data(format!(
                        "Could not parse timestamp: value ({text}) does not match pattern ({})",
                        self.pattern
                    ))
                })
            }
            (_, Value::Date(days)) => Ok(i64::from(*days) * DAY_MS),
            (_, Value::Time(millis)) => Ok(i64::from(*millis)),
            (_, Value::Timestamp(millis)) => Ok(*millis),
            (_, other) => Err(no_timestamp(other)),
        }
    }
}

fn no_format() -> DataError {
    let message = "a text is read and written by the option format, which is not set";
    DataError::of(ErrorClass::NullPointer, message)
}

fn no_timestamp(value: &Value<'_>) -> DataError {
    let class = value.java_class();
    DataError::data(format!(
        "TimestampConverter does not support class {class} objects as timestamps"
    ))
}

fn form_of_value(value: &Value<'_>) -> Result<Form, DataError> {
    match value {
        Value::Date(_) | Value::Time(_) | Value::Timestamp(_) => Ok(Form::Timestamp),
        Value::Int64(_) => Ok(Form::Unix),
        Value::String(_) => Ok(Form::Text),
        other => Err(no_timestamp(other)),
    }
}

fn form_of_schema(schema: &Schema) -> Result<Form, DataError> {
    match (schema.logical(), schema.kind()) {
        (Some(LogicalType::Timestamp), _) => Ok(Form::Timestamp),
        (Some(LogicalType::Date), _) => Ok(Form::Date),
        (Some(LogicalType::Time), _) => Ok(Form::Time),
        (_, SchemaType::Int64) => Ok(Form::Unix),
        (_, SchemaType::String) => Ok(Form::Text),
        (_, kind) => {
            let message = format!(
                "Schema {} does not correspond to a known timestamp type format",
                schema.name().unwrap_or_else(|| kind.name())
            );
            Err(DataError::of(ErrorClass::Connect, message))
        }
    }
}
