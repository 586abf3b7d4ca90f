//! Scalars and enums: their schemas, and how they are read.

use super::super::Options;
use super::super::descriptor::{is_proto2, is_synthetic, meta};
use super::super::node::{Enum, Kind};
use super::{Made, PREFIX, named};
use crate::data::{Schema, SchemaType};
use crate::error::DataError;
use prost_reflect::{Cardinality, EnumDescriptor, FieldDescriptor, Kind as ProtoKind, Syntax};
use std::collections::BTreeMap;

/// The schema of a scalar, and how it is read.
///
/// # Errors
/// What is none.
pub(super) fn scalar(options: &Options, field: &FieldDescriptor) -> Result<Made, DataError> {
    let typed = |kind: SchemaType, name: &str| {
        let mut schema = Schema::new(kind);
        let parameter = format!("{PREFIX}.Type");
        schema.parameters.insert(parameter, name.to_owned());
        schema
    };
    let is_strict = !is_proto2(field);
    let (schema, kind) = match field.kind() {
        ProtoKind::Int32 => match meta(field).get("connect.type").map(String::as_str) {
            Some("int8") => (Schema::new(SchemaType::Int8), Kind::Int8),
            Some("int16") => (Schema::new(SchemaType::Int16), Kind::Int16),
            _ => (Schema::new(SchemaType::Int32), Kind::Int32),
        },
        ProtoKind::Sint32 => (typed(SchemaType::Int32, "sint32"), Kind::Sint32),
        ProtoKind::Sfixed32 => (typed(SchemaType::Int32, "sfixed32"), Kind::Sfixed32),
        ProtoKind::Uint32 => (typed(SchemaType::Int64, "uint32"), Kind::Uint32),
        ProtoKind::Fixed32 => (typed(SchemaType::Int64, "fixed32"), Kind::Fixed32),
        ProtoKind::Int64 => (Schema::new(SchemaType::Int64), Kind::Int64),
        ProtoKind::Sint64 => (typed(SchemaType::Int64, "sint64"), Kind::Sint64),
        ProtoKind::Sfixed64 => (typed(SchemaType::Int64, "sfixed64"), Kind::Fixed64),
        ProtoKind::Uint64 => (typed(SchemaType::Int64, "uint64"), Kind::Int64),
        ProtoKind::Fixed64 => (typed(SchemaType::Int64, "fixed64"), Kind::Fixed64),
        ProtoKind::Float => (Schema::new(SchemaType::Float32), Kind::Float),
        ProtoKind::Double => (Schema::new(SchemaType::Float64), Kind::Double),
        ProtoKind::Bool => (Schema::new(SchemaType::Boolean), Kind::Bool),
        ProtoKind::String => (Schema::new(SchemaType::String), Kind::String { is_strict }),
        ProtoKind::Bytes => (Schema::new(SchemaType::Bytes), Kind::Bytes),
        ProtoKind::Enum(of) => enumeration(options, &of),
        ProtoKind::Message(message) => {
            return Err(DataError::data(format!(
                "Unknown Connect schema type of {}",
                message.full_name()
            )));
        }
    };
    let mut schema = schema;
    schema.optional = is_optional(options, field);
    Ok(Made { schema, kind })
}

/// Whether null is a value of a scalar.
fn is_optional(options: &Options, field: &FieldDescriptor) -> bool {
    if matches!(field.kind(), ProtoKind::Enum(_)) {
        return true;
    }
    if options.optional_for_nullables {
        let is_declared = is_proto2(field)
            || field
                .containing_oneof()
                .is_some_and(|one| is_synthetic(&one));
        let is_required = field.cardinality() == Cardinality::Required;
        return field.is_list() || (is_declared && !is_required && field.supports_presence());
    }
    !options.wrapper_for_nullables || field.is_list()
}

fn enumeration(options: &Options, of: &EnumDescriptor) -> (Schema, Kind) {
    let kind = if options.int_for_enums {
        SchemaType::Int32
    } else {
        SchemaType::String
    };
    let mut schema = named(options, Schema::new(kind), of.name(), of.full_name());
    let prefix = if options.generalized_sum_types {
        "org.apache.kafka.connect.data.Enum".to_owned()
    } else {
        format!("{PREFIX}.Enum")
    };
    let mut symbols = BTreeMap::new();
    for value in of.values() {
        let parameter = format!("{prefix}.{}", value.name());
        schema
            .parameters
            .insert(parameter, value.number().to_string());
        symbols
            .entry(value.number())
            .or_insert_with(|| value.name().to_owned());
    }
    schema.parameters.insert(prefix, of.name().to_owned());
    let node = Enum {
        name: of.name().to_owned(),
        symbols: symbols.into_iter().collect(),
        is_closed: of.parent_file().syntax() == Syntax::Proto2,
        as_number: options.int_for_enums,
    };
    (schema, Kind::Enum(node))
}
