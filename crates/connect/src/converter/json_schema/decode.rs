//! Makes values of JSON along the nodes of a schema.
//!
//! As in Java, scalars are read by accessors that never fail: a text where a number is asked for is 0, a number where a text is asked
//! for is null. Only what Java checks is checked, and integers beyond 64 bits, which Java would wrap in silence.

use super::super::payload;
use super::node::{Becomes, Fields, Node, NodeId, Nodes};
use super::variant;
use crate::data::{LogicalType, MapEntries, Schema, SchemaType, Struct, Value, validate};
use crate::error::{DataError, ErrorClass};
use crate::json::{Json, Number};
use std::borrow::Cow;
use std::sync::Arc;

type Read<'k> = Result<Value<'k>, DataError>;

/// Reads values of one schema.
#[derive(Clone, Copy)]
pub(super) struct Reader<'p> {
    nodes: &'p Nodes,
    /// Whether a struct stands around what is read: Java checks the structs in it, and not the outermost.
    is_inside: bool,
}

/// Reads a whole record.
///
/// # Errors
/// What does not fit the schema, as far as Java looks at it.
pub(super) fn read<'k>(nodes: &Nodes, root: NodeId, json: Json<'k>) -> Read<'k> {
    let reader = Reader {
        nodes,
        is_inside: false,
    };
    reader.value(root, json)
}

/// Reads a default, which is data like any other.
///
/// # Errors
/// As [`read`].
pub(super) fn default(nodes: &Nodes, node: NodeId, json: &Json<'_>) -> Read<'static> {
    read(nodes, node, json.clone()).map(Value::into_owned)
}

impl Reader<'_> {
    fn value<'k>(self, id: NodeId, json: Json<'k>) -> Read<'k> {
        let node = &self.nodes[id];
        if matches!(json, Json::Null) {
            return null(&node.schema);
        }
        let number = match &json {
            Json::Number(number) => Some(*number),
            _ => None,
        };
        let whole = || payload::integer(node.schema.kind(), number);
        Ok(match &node.becomes {
            #[expect(clippy::cast_possible_truncation, reason = "as Java cuts it")]
            Becomes::Int8 => Value::Int8(whole_number(number, whole)? as i8),
            #[expect(clippy::cast_possible_truncation, reason = "as Java cuts it")]
            Becomes::Int16 => Value::Int16(whole_number(number, whole)? as i16),
            #[expect(clippy::cast_possible_truncation, reason = "as Java cuts it")]
            Becomes::Int32 => Value::Int32(whole_number(number, whole)? as i32),
            Becomes::Int64 => Value::Int64(whole_number(number, whole)?),
            Becomes::Float32 => Value::Float32(number.map_or(0.0, float)),
            Becomes::Float64 => Value::Float64(number.map_or(0.0, double)),
            Becomes::Boolean => Value::Boolean(matches!(json, Json::Boolean(true))),
            Becomes::String => match json {
                Json::String(text) => Value::String(text),
                _ => Value::Null,
            },
            Becomes::Bytes => return bytes(&json),
            Becomes::Decimal => return decimal(&node.schema, &json),
            Becomes::Date => {
                return payload::logical_value(LogicalType::Date, &node.schema, &json);
            }
            Becomes::Time => {
                return payload::logical_value(LogicalType::Time, &node.schema, &json);
            }
            Becomes::Timestamp => {
                return payload::logical_value(LogicalType::Timestamp, &node.schema, &json);
            }
            _ => return self.nested(node, json),
        })
    }

    fn nested<'k>(self, node: &Node, json: Json<'k>) -> Read<'k> {
        match &node.becomes {
            Becomes::Array(items) => self.array(*items, json),
            Becomes::Map(values) => self.map(*values, json),
            Becomes::Entries(key, value) => self.entries(*key, *value, json),
            Becomes::Struct(fields) => self.structure(&node.schema, fields, json),
            Becomes::Union(members) => self.union(&node.schema, members, json),
            Becomes::Variant => {
                let (metadata, value) = variant::encode(&json)?;
                let values = [metadata, value].map(|bytes| Value::Bytes(Cow::Owned(bytes)));
                let variant = Struct::new(Arc::clone(&node.schema), values.into());
                Ok(Value::Struct(variant))
            }
            _ => unreachable!("value() reads them"),
        }
    }

    /// Java goes over the elements of whatever stands there: an object's are its values, a scalar has none.
    fn array<'k>(self, items: NodeId, json: Json<'k>) -> Read<'k> {
        let mut values = Vec::new();
        match json {
            Json::Array(elements) => {
                values.reserve_exact(elements.len());
                for json in elements {
                    values.push(self.value(items, json)?);
                }
            }
            Json::Object(members) => {
                for (_, json) in members {
                    values.push(self.value(items, json)?);
                }
            }
            _ => {}
        }
        Ok(Value::Array(values))
    }

    fn map<'k>(self, values: NodeId, json: Json<'k>) -> Read<'k> {
        let found = json.node_type();
        let Json::Object(members) = json else {
            return Err(DataError::data(format!(
                "Maps with string fields should be encoded as JSON objects, but found {found}"
            )));
        };
        let mut entries = Vec::with_capacity(members.len());
        for (name, json) in members {
            entries.push((Value::String(name), self.value(values, json)?));
        }
        Ok(Value::Map(entries))
    }

    fn entries<'k>(self, key: NodeId, value: NodeId, json: Json<'k>) -> Read<'k> {
        let found = json.node_type();
        let Json::Array(list) = json else {
            return Err(DataError::data(format!(
                "Maps with non-string fields should be encoded as JSON array of objects, but found {found}"
            )));
        };
        let mut entries = MapEntries::default();
        for entry in list {
            let found = entry.node_type();
            let Json::Object(mut members) = entry else {
                return Err(DataError::data(format!(
                    "Found invalid map entry instead of object: {found}"
                )));
            };
            if members.len() != 2 {
                return Err(DataError::data(format!(
                    "Found invalid map entry, expected length 2 but found :{}",
                    members.len()
                )));
            }
            let mut read = |node: NodeId, name: &str| match take(&mut members, &mut 0, name) {
                Some(json) => self.value(node, json),
                None => null(&self.nodes[node].schema),
            };
            entries.insert(read(key, "key")?, read(value, "value")?);
        }
        Ok(Value::Map(entries.into_entries()))
    }

    fn structure<'k>(self, schema: &Arc<Schema>, fields: &Fields, json: Json<'k>) -> Read<'k> {
        let found = json.node_type();
        let Json::Object(mut members) = json else {
            return Err(DataError::data(format!(
                "Structs should be encoded as JSON objects, but found {found}"
            )));
        };
        let inside = Self {
            is_inside: true,
            ..self
        };
        let mut values = Vec::with_capacity(fields.0.len());
        let mut next = 0;
        for (field, node) in schema.fields().iter().zip(&fields.0) {
            let value = match take(&mut members, &mut next, &field.name) {
                Some(json) => inside.value(*node, json)?,
                None => self.nodes[*node]
                    .schema
                    .default
                    .clone()
                    .unwrap_or(Value::Null),
            };
            let has_default = self.nodes[*node].schema.default.is_some();
            if !value.is_null() || (self.is_inside && !has_default) {
                self.check(&field.name, *node, &value)?;
            }
            values.push(value);
        }
        Ok(Value::Struct(Struct::new(Arc::clone(schema), values)))
    }

    /// The first member that takes such a value, else the struct that has most of its names.
    fn union<'k>(self, schema: &Arc<Schema>, members: &[NodeId], json: Json<'k>) -> Read<'k> {
        let simple = members
            .iter()
            .position(|member| takes(&self.nodes[*member], &json));
        let chosen = simple.or_else(|| {
            let scores = members
                .iter()
                .map(|member| self.shared_names(*member, &json));
            let best = scores.enumerate().filter(|(_, score)| *score > 0);
            // Of equal ones, the first.
            best.rev_max()
        });
        let Some(at) = chosen else {
            return Err(DataError::data(
                "Did not find matching oneof field for data",
            ));
        };
        let inside = Self {
            is_inside: true,
            ..self
        };
        let value = inside.value(members[at], json)?;
        let field = &schema.fields()[at];
        self.check(&field.name, members[at], &value)?;
        let mut values = vec![Value::Null; members.len()];
        values[at] = value;
        Ok(Value::Struct(Struct::new(Arc::clone(schema), values)))
    }

    /// What Java's `Struct.put` may refuse: null, and the name of a logical type on what is none. Everything else was made by the
    /// schema.
    fn check(self, name: &str, id: NodeId, value: &Value<'_>) -> Result<(), DataError> {
        let node = &self.nodes[id];
        match (&node.becomes, value) {
            (Becomes::Array(items), Value::Array(values)) => values
                .iter()
                .try_for_each(|value| self.check(name, *items, value)),
            (Becomes::Map(values), Value::Map(entries)) => entries
                .iter()
                .try_for_each(|(_, value)| self.check(name, *values, value)),
            (Becomes::Entries(key, element), Value::Map(entries)) => {
                entries.iter().try_for_each(|(k, value)| {
                    self.check(name, *key, k)?;
                    self.check(name, *element, value)
                })
            }
            (_, Value::Struct(_)) => Ok(()),
            (_, value) => validate(name, &node.schema, value),
        }
    }

    /// How many names of a struct's fields an object has, those inside it as well.
    fn shared_names(self, node: NodeId, json: &Json<'_>) -> usize {
        let node = &self.nodes[node];
        let (Becomes::Struct(fields), Json::Object(members)) = (&node.becomes, json) else {
            return 0;
        };
        // The JSON ends it: it is never nested deeper than its parser allows.
        let named = node.schema.fields().iter().zip(&fields.0);
        let mut shared = 0;
        for (field, inner) in named {
            let member = members.iter().find(|(name, _)| *name == *field.name);
            if let Some((_, json)) = member {
                shared += 1 + self.shared_names(*inner, json);
            }
        }
        shared
    }
}

/// The greatest of scores, the first of those that are equal.
trait FirstOfGreatest: Iterator<Item = (usize, usize)> + Sized {
    fn rev_max(self) -> Option<usize> {
        let greatest = self.fold(
            None,
            |best: Option<(usize, usize)>, (at, score)| match best {
                Some((_, known)) if known >= score => best,
                _ => Some((at, score)),
            },
        );
        greatest.map(|(at, _)| at)
    }
}

impl<I: Iterator<Item = (usize, usize)>> FirstOfGreatest for I {}

/// What null becomes.
fn null<'k>(schema: &Schema) -> Read<'k> {
    match &schema.default {
        Some(default) => Ok(default.clone()),
        None if schema.optional => Ok(Value::Null),
        None => Err(DataError::data(format!(
            "Invalid null value for required {} field",
            schema.kind().name()
        ))),
    }
}

/// Whether a union's member takes a value by its type alone.
fn takes(node: &Node, json: &Json<'_>) -> bool {
    match node.schema.kind() {
        SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 | SchemaType::Int64 => {
            matches!(json, Json::Number(number) if number.is_integral())
        }
        SchemaType::Float32 | SchemaType::Float64 => matches!(json, Json::Number(_)),
        SchemaType::Boolean => matches!(json, Json::Boolean(_)),
        SchemaType::String => matches!(json, Json::String(_)),
        SchemaType::Array(_) => matches!(json, Json::Array(_)),
        SchemaType::Map(..) => matches!(json, Json::Object(_) | Json::Array(_)),
        SchemaType::Bytes | SchemaType::Struct(_) => false,
    }
}

/// The member of this name. Members mostly stand in the order of the fields.
fn take<'k>(
    members: &mut [(Cow<'k, str>, Json<'k>)],
    next: &mut usize,
    name: &str,
) -> Option<Json<'k>> {
    let is_it = |member: &(Cow<'_, str>, Json<'_>)| member.0 == *name;
    let at = match members.get(*next) {
        Some(member) if is_it(member) => *next,
        _ => members.iter().position(is_it)?,
    };
    *next = at + 1;
    Some(std::mem::replace(&mut members[at].1, Json::Null))
}

/// A whole number, cut off behind the point. What is no finite number is the nearest there is, as Java's casts have it.
fn whole_number(
    number: Option<Number<'_>>,
    whole: impl FnOnce() -> Result<i64, DataError>,
) -> Result<i64, DataError> {
    match number {
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction")]
        Some(number) if !number.is_finite() => Ok(double(number) as i64),
        _ => whole(),
    }
}

/// A number; those without digits have their names.
fn double(number: Number<'_>) -> f64 {
    if number.is_finite() {
        return number.to_f64();
    }
    match number.text().as_bytes() {
        [b'N', ..] => f64::NAN,
        [b'-', ..] => f64::NEG_INFINITY,
        _ => f64::INFINITY,
    }
}

fn float(number: Number<'_>) -> f32 {
    if number.is_finite() {
        return number.to_f32();
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "neither NaN nor infinities change"
    )]
    let float = double(number) as f32;
    float
}

/// Texts are Base64. Everything else is a number in Java, and then none of the schema's values.
fn bytes<'k>(json: &Json<'k>) -> Read<'k> {
    match json {
        Json::String(text) => match payload::base64(text) {
            Some(bytes) => Ok(Value::Bytes(Cow::Owned(bytes))),
            None => Err(DataError::data("Invalid bytes field: it is no Base64")),
        },
        other => Err(DataError::data(format!(
            "Invalid Java object for schema with type BYTES: it is {}",
            other.node_type()
        ))),
    }
}

fn decimal<'k>(schema: &Schema, json: &Json<'k>) -> Read<'k> {
    match json {
        Json::Number(number) if !number.is_finite() => Err(DataError::of(
            ErrorClass::NumberFormat,
            format!("{} is no decimal", number.text()),
        )),
        json => payload::logical_value(LogicalType::Decimal, schema, json),
    }
}

/// A value as Java's text of it.
pub(super) fn as_text(json: &Json<'_>) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Boolean(truth) => truth.to_string(),
        Json::Number(number) => number.text().to_owned(),
        Json::String(text) => format!("\"{text}\""),
        Json::Array(values) => {
            let values: Vec<_> = values.iter().map(as_text).collect();
            format!("[{}]", values.join(","))
        }
        Json::Object(members) => {
            let members = members.iter();
            let members: Vec<_> = members
                .map(|(name, value)| format!("\"{name}\":{}", as_text(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
    }
}
