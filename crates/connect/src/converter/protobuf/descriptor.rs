//! What descriptors say, beyond what they are.

use super::decode;
use super::node::Kind;
use crate::data::{Schema, Value};
use prost_reflect::{
    FieldDescriptor, Kind as ProtoKind, MessageDescriptor, OneofDescriptor, Syntax,
    Value as ProtoValue,
};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) fn is_proto2(field: &FieldDescriptor) -> bool {
    field.parent_file().syntax() == Syntax::Proto2
}

/// Whether a oneof only stands for proto3's `optional`.
pub(super) fn is_synthetic(oneof: &OneofDescriptor) -> bool {
    oneof.is_synthetic()
}

/// The entry of a map: a map's own, or a message that is named and made like one.
pub(super) fn entry_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let ProtoKind::Message(message) = field.kind() else {
        return None;
    };
    if field.is_map() {
        return Some(message);
    }
    let names: Vec<String> = message
        .fields()
        .map(|field| field.name().to_owned())
        .collect();
    let looks_like_one = field.is_list()
        && message.name().ends_with("Entry")
        && names.len() == 2
        && ["key", "value"]
            .iter()
            .all(|name| names.iter().any(|own| own == name));
    looks_like_one.then_some(message)
}

/// The name of a map's schema: that of its entry as a field would be called.
pub(super) fn map_name(entry: &str) -> String {
    let stem = entry.strip_suffix("Entry").unwrap_or(entry);
    let mut name = String::with_capacity(stem.len() + 4);
    for (at, letter) in stem.char_indices() {
        if letter.is_ascii_uppercase() {
            if at > 0 {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        } else {
            name.push(letter);
        }
    }
    name
}

/// The field of a message that only wraps a scalar.
pub(super) fn wrapped(message: &MessageDescriptor) -> Option<FieldDescriptor> {
    let name = message.full_name().strip_prefix("google.protobuf.")?;
    const WRAPPERS: &[&str] = &[
        "DoubleValue",
        "FloatValue",
        "Int64Value",
        "UInt64Value",
        "Int32Value",
        "UInt32Value",
        "BoolValue",
        "StringValue",
        "BytesValue",
    ];
    let field = WRAPPERS
        .contains(&name)
        .then(|| message.get_field(1))
        .flatten();
    field.filter(|field| !matches!(field.kind(), ProtoKind::Message(_) | ProtoKind::Enum(_)))
}

/// The default that a field declares, else that of its type.
pub(super) fn declared_default(field: &FieldDescriptor, kind: &Kind) -> Value<'static> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the schema says that it is narrow"
    )]
    let value = match (kind, field.default_value()) {
        (Kind::Enum(of), ProtoValue::EnumNumber(number)) => {
            return decode::symbol(of, number).map_or(Value::Null, Value::into_owned);
        }
        (Kind::Int8, ProtoValue::I32(number)) => Value::Int8(number as i8),
        (Kind::Int16, ProtoValue::I32(number)) => Value::Int16(number as i16),
        (_, ProtoValue::I32(number)) => Value::Int32(number),
        (_, ProtoValue::I64(number)) => Value::Int64(number),
        (_, ProtoValue::U32(number)) => Value::Int64(number.into()),
        (_, ProtoValue::U64(number)) => Value::Int64(number.cast_signed()),
        (_, ProtoValue::F32(number)) => Value::Float32(number),
        (_, ProtoValue::F64(number)) => Value::Float64(number),
        (_, ProtoValue::Bool(truth)) => Value::Boolean(truth),
        // Empty ones are copied for each record without any memory.
        (_, ProtoValue::String(text)) if text.is_empty() => Value::String(Cow::Borrowed("")),
        (_, ProtoValue::String(text)) => Value::String(Cow::Owned(text)),
        (_, ProtoValue::Bytes(bytes)) if bytes.is_empty() => Value::Bytes(Cow::Borrowed(b"")),
        (_, ProtoValue::Bytes(bytes)) => Value::Bytes(Cow::Owned(bytes.to_vec())),
        _ => Value::Null,
    };
    value
}

pub(super) fn decimal_schema(field: &FieldDescriptor) -> Schema {
    let parameters = meta(field);
    let number = |name: &str| {
        parameters
            .get(name)
            .and_then(|text| text.parse::<i32>().ok())
    };
    let mut schema = Schema::decimal(number("scale").unwrap_or(0));
    if let Some(precision) = number("precision") {
        let parameter = "connect.decimal.precision".to_owned();
        schema.parameters.insert(parameter, precision.to_string());
    }
    schema
}

/// The parameters that Confluent's option `field_meta` gives a field.
pub(super) fn meta(field: &FieldDescriptor) -> BTreeMap<String, String> {
    const FIELD_META: &str = "confluent.field_meta";
    let options = field.options();
    let Some(extension) = field.parent_pool().get_extension_by_name(FIELD_META) else {
        return BTreeMap::new();
    };
    if !options.has_extension(&extension) {
        return BTreeMap::new();
    }
    let meta = options.get_extension(&extension);
    let parameters = meta
        .as_message()
        .and_then(|meta| meta.get_field_by_name("params"));
    let parameters = parameters.as_deref().and_then(ProtoValue::as_map);
    let pairs = parameters.into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.as_str()?.to_owned())))
        .collect()
}
