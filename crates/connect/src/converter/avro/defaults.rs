//! Defaults: those of a record's fields, which are Avro's, and those of `connect.default`.
//!
//! Java reads them by different code, and so they take different values for good: `connect.default` is read by accessors that
//! never fail (a text for an int is 0), a field's default must be of its type.

use super::connect::member_name;
use super::schema::{Kind, Type, TypeId, Types};
use super::{Options, logical};
use crate::data::{Field, MapEntries, Schema, SchemaType, Struct, Value, validate};
use crate::error::DataError;
use serde_json::{Number, Value as Json};
use std::borrow::Cow;
use std::sync::Arc;

type Default = Result<Option<Value<'static>>, DataError>;

/// Whether the default of a field is one at all: Java takes one of another type for none.
pub(super) fn is_one(types: &Types, of: &Type, json: &Json) -> bool {
    match (&of.kind, json) {
        (Kind::Union(branches), json) => branches
            .first()
            .is_some_and(|first| is_one(types, &types[*first], json)),
        (_, Json::Null | Json::Bool(_)) => true,
        (Kind::Array(_), Json::Array(_)) => true,
        (Kind::Map(_) | Kind::Record(..), Json::Object(_)) => true,
        (_, Json::Array(_) | Json::Object(_)) => false,
        (kind, json) => scalar(kind, json).is_some(),
    }
}

/// The default of a field, checked against the schema of its type.
pub(super) fn of_field(types: &Types, of: &Type, schema: &Schema, json: &Json) -> Default {
    let value = by_type(types, of, schema, json)?;
    validated(schema, value)
}

/// The default that `connect.default` tells.
pub(super) fn annotated(
    types: &Types,
    options: &Options,
    of: &Type,
    schema: &Schema,
    json: &Json,
) -> Default {
    // Java has no object for a greater number, and takes it for no default.
    if json.as_number().is_some_and(is_beyond_64_bits) {
        return Ok(None);
    }
    let value = Annotated { types, options }.read(of, schema, json)?;
    validated(schema, value)
}

fn is_beyond_64_bits(number: &Number) -> bool {
    !number.is_f64() && number.as_i64().is_none()
}

fn validated(schema: &Schema, value: Value<'static>) -> Default {
    if !matches!(value, Value::Struct(_)) {
        validate("default", schema, &value)?;
    }
    Ok(Some(value).filter(|value| !value.is_null()))
}

/// The value that a missing field is read as: its default.
///
/// # Errors
/// A default that is not of the type.
pub(super) fn of_missing_field(
    types: &Types,
    of: TypeId,
    schema: &Schema,
    json: &Json,
) -> Result<Value<'static>, DataError> {
    by_type(types, &types[of], schema, json)
}

fn by_type(
    types: &Types,
    of: &Type,
    schema: &Schema,
    json: &Json,
) -> Result<Value<'static>, DataError> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    let value = match (&of.kind, json) {
        (Kind::Union(branches), _) => return by_branch(types, branches, schema, json),
        (Kind::Array(items), Json::Array(list)) => match schema.kind() {
            SchemaType::Array(Some(element)) => {
                let items = &types[*items];
                let values = list.iter().map(|json| by_type(types, items, element, json));
                Value::Array(values.collect::<Result<_, _>>()?)
            }
            _ => return Err(not_of(schema, json)),
        },
        (Kind::Map(values), Json::Object(members)) => {
            let SchemaType::Map(_, Some(element)) = schema.kind() else {
                return Err(not_of(schema, json));
            };
            let mut entries = MapEntries::default();
            for (name, json) in members {
                let value = by_type(types, &types[*values], element, json)?;
                entries.insert(Value::String(Cow::Owned(name.clone())), value);
            }
            Value::Map(entries.into_entries())
        }
        (Kind::Record(_, fields), Json::Object(members)) => {
            let value = |(field, made): (&super::schema::Field, &Field)| {
                let value = match (members.get(&field.name), &made.schema.default) {
                    (Some(json), _) => by_type(types, &types[field.of], &made.schema, json)?,
                    (None, Some(default)) => default.clone(),
                    (None, None) => Value::Null,
                };
                validate(&field.name, &made.schema, &value)?;
                Ok(value)
            };
            let values = fields.iter().zip(schema.fields()).map(value);
            structure(schema, values.collect::<Result<_, DataError>>()?)
        }
        (Kind::Boolean, Json::Bool(truth)) => Value::Boolean(*truth),
        (kind, json) => match scalar(kind, json) {
            Some(value) => narrowed(schema, value),
            None if schema.optional => return Ok(Value::Null),
            None => return Err(not_of(schema, json)),
        },
    };
    logical::convert(schema, value)
}

/// Of a union, a default is of the first branch.
fn by_branch(
    types: &Types,
    branches: &[TypeId],
    schema: &Schema,
    json: &Json,
) -> Result<Value<'static>, DataError> {
    let is_null = |id: &TypeId| types[*id].kind == Kind::Null;
    let members = branches.iter().filter(|id| !is_null(id));
    let Some(first) = branches.first().filter(|id| !is_null(id)) else {
        return Err(not_of(schema, json));
    };
    if members.count() == 1 && !is_union(schema) {
        return by_type(types, &types[*first], schema, json);
    }
    let Some(field) = schema.fields().first() else {
        return Err(not_of(schema, json));
    };
    let value = by_type(types, &types[*first], &field.schema, json)?;
    let mut values = vec![Value::Null; schema.fields().len()];
    values[0] = value;
    Ok(structure(schema, values))
}

pub(super) fn is_union(schema: &Schema) -> bool {
    schema.name() == Some("io.confluent.connect.avro.Union")
        || schema
            .parameters
            .contains_key("org.apache.kafka.connect.data.Union")
}

/// A struct as Java makes it for a default: of the schema that is not ready yet. A row that needs it fails
/// therefore, in Java and here.
fn structure(schema: &Schema, values: Vec<Value<'static>>) -> Value<'static> {
    Value::Struct(Struct::new(Arc::new(schema.clone()), values))
}

fn not_of(schema: &Schema, json: &Json) -> DataError {
    DataError::data(format!(
        "The default {json} is not of type {}",
        schema.kind().name()
    ))
}

/// A value as `JacksonUtils.toObject` gives it, in the widest form.
fn scalar(kind: &Kind, json: &Json) -> Option<Value<'static>> {
    Some(match (kind, json) {
        (Kind::Int, Json::Number(number)) => Value::Int32(i32::try_from(number.as_i64()?).ok()?),
        (Kind::Long, Json::Number(number)) => Value::Int64(number.as_i64()?),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a default of a float is rounded"
        )]
        (Kind::Float, Json::Number(number)) => Value::Float32(number.as_f64()? as f32),
        (Kind::Double, Json::Number(number)) => Value::Float64(number.as_f64()?),
        (Kind::String | Kind::Enum(..), Json::String(text)) => {
            Value::String(Cow::Owned(text.clone()))
        }
        (Kind::Bytes | Kind::Fixed(..), Json::String(text)) => {
            Value::Bytes(Cow::Owned(latin_1(text)))
        }
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "as Java cuts them")]
fn narrowed(schema: &Schema, value: Value<'static>) -> Value<'static> {
    match (schema.kind(), value) {
        (SchemaType::Int8, Value::Int32(number)) => Value::Int8(number as i8),
        (SchemaType::Int16, Value::Int32(number)) => Value::Int16(number as i16),
        (_, value) => value,
    }
}

/// Bytes as Avro tells them in JSON: each letter is one of them.
fn latin_1(text: &str) -> Vec<u8> {
    let byte = |letter: char| u8::try_from(u32::from(letter)).unwrap_or(b'?');
    text.chars().map(byte).collect()
}

/// Reads `connect.default` by the accessors of Jackson.
struct Annotated<'t> {
    types: &'t Types,
    options: &'t Options,
}

impl Annotated<'_> {
    fn read(&self, of: &Type, schema: &Schema, json: &Json) -> Result<Value<'static>, DataError> {
        let value = match &of.kind {
            Kind::Null => return Ok(Value::Null),
            Kind::Boolean => Value::Boolean(truth(json)),
            Kind::Int => narrowed(schema, Value::Int32(int(json))),
            Kind::Long => Value::Int64(long(json)),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a default of a float is rounded"
            )]
            Kind::Float => Value::Float32(json.as_f64().unwrap_or(0.0) as f32),
            Kind::Double => Value::Float64(json.as_f64().unwrap_or(0.0)),
            Kind::String | Kind::Enum(..) => Value::String(Cow::Owned(text(json))),
            Kind::Bytes | Kind::Fixed(..) => match json {
                Json::String(text) => Value::Bytes(Cow::Owned(latin_1(text))),
                _ => return Ok(Value::Null),
            },
            Kind::Array(items) => self.array(*items, schema, json)?,
            Kind::Map(values) => self.map(*values, schema, json)?,
            Kind::Record(_, fields) => self.record(fields, schema, json)?,
            Kind::Union(branches) => return self.union(branches, schema, json),
        };
        logical::convert(schema, value)
    }

    fn array(
        &self,
        items: TypeId,
        schema: &Schema,
        json: &Json,
    ) -> Result<Value<'static>, DataError> {
        match (json, schema.kind()) {
            (Json::Array(list), SchemaType::Array(Some(element))) => {
                let values = list
                    .iter()
                    .map(|json| self.read(&self.types[items], element, json));
                Ok(Value::Array(values.collect::<Result<_, _>>()?))
            }
            _ => Err(not_of(schema, json)),
        }
    }

    fn map(
        &self,
        values: TypeId,
        schema: &Schema,
        json: &Json,
    ) -> Result<Value<'static>, DataError> {
        let (Json::Object(members), SchemaType::Map(_, Some(element))) = (json, schema.kind())
        else {
            return Err(not_of(schema, json));
        };
        let mut entries = MapEntries::default();
        for (name, json) in members {
            let value = self.read(&self.types[values], element, json)?;
            entries.insert(Value::String(Cow::Owned(name.clone())), value);
        }
        Ok(Value::Map(entries.into_entries()))
    }

    fn record(
        &self,
        fields: &[super::schema::Field],
        schema: &Schema,
        json: &Json,
    ) -> Result<Value<'static>, DataError> {
        let members = json.as_object().ok_or_else(|| not_of(schema, json))?;
        let value = |(field, made): (&super::schema::Field, &Field)| {
            let value = match members.get(&field.name) {
                Some(json) => self.read(&self.types[field.of], &made.schema, json)?,
                None => Value::Null,
            };
            validate(&field.name, &made.schema, &value)?;
            Ok(value)
        };
        let values = fields.iter().zip(schema.fields()).map(value);
        Ok(structure(schema, values.collect::<Result<_, DataError>>()?))
    }

    fn union(
        &self,
        branches: &[TypeId],
        schema: &Schema,
        json: &Json,
    ) -> Result<Value<'static>, DataError> {
        let first = branches.first().map(|id| &self.types[*id]);
        let Some(first) = first.filter(|of| of.kind != Kind::Null) else {
            return Ok(Value::Null);
        };
        let name = member_name(first, 0, self.options);
        let field = schema.fields().iter().find(|field| *field.name == name);
        match field {
            Some(field) => self.read(first, &field.schema, json),
            None => Err(not_of(schema, json)),
        }
    }
}

fn truth(json: &Json) -> bool {
    match json {
        Json::Bool(truth) => *truth,
        Json::Number(number) => number.as_i64().is_some_and(|number| number != 0),
        Json::String(text) => text.trim() == "true",
        _ => false,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "as Java cuts it")]
fn int(json: &Json) -> i32 {
    match json.as_number() {
        Some(number) if number.is_f64() => number.as_f64().unwrap_or(0.0) as i32,
        Some(number) => number.as_i64().unwrap_or(0) as i32,
        None => 0,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "as Java cuts it")]
fn long(json: &Json) -> i64 {
    match json.as_number() {
        Some(number) if number.is_f64() => number.as_f64().unwrap_or(0.0) as i64,
        Some(number) => number.as_i64().unwrap_or(0),
        None => 0,
    }
}

fn text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Array(_) | Json::Object(_) => String::new(),
        other => other.to_string(),
    }
}
