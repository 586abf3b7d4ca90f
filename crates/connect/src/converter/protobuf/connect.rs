//! From a message's descriptor to Connect's schema, and to the nodes that its bytes are read along.

use super::Options;
use super::decode;
use super::node::{
    Cardinality, Entry, Enum, Field, Kind, Message, MessageId, Messages, Oneof, SMALL_NUMBER_MAX,
};
use crate::data::{Field as SchemaField, LogicalType, Schema, SchemaType, Struct, Value};
use crate::error::{DataError, ErrorClass};
use prost_reflect::{
    EnumDescriptor, FieldDescriptor, Kind as ProtoKind, MessageDescriptor, OneofDescriptor, Syntax,
    Value as ProtoValue,
};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Messages in one another. Java knows no limit and fails with a stack overflow.
const DEPTH_MAX: usize = 200;
/// A message that is used in several places becomes a schema in each of them; few lines may become millions.
const MESSAGES_MAX: usize = 100_000;

const PREFIX: &str = "io.confluent.connect.protobuf";

/// What a schema became.
pub(super) enum Root {
    /// A struct.
    Message(MessageId),
    /// A scalar, of a message that only wraps it.
    Wrapper(Arc<Schema>, Kind),
}

/// Makes the schemas and nodes of one file.
pub(super) struct Connecting<'o> {
    options: &'o Options,
    pub(super) messages: Messages,
    /// Messages whose schema is being made, and where their node stands.
    open: HashMap<String, MessageId>,
    /// The number of the first field of each message type.
    first_tags: HashMap<String, u32>,
    made: usize,
}

/// What a field's schema is made of.
struct Made {
    schema: Schema,
    kind: Kind,
}

impl<'o> Connecting<'o> {
    pub(super) fn new(options: &'o Options) -> Self {
        Self {
            options,
            messages: Messages::default(),
            open: HashMap::new(),
            first_tags: HashMap::new(),
            made: 0,
        }
    }

    /// The schema of a record.
    ///
    /// # Errors
    /// Messages that have no meaning in Connect.
    pub(super) fn root(
        &mut self,
        message: &MessageDescriptor,
        version: Option<i32>,
    ) -> Result<Root, DataError> {
        if let Some(field) = wrapped(message).filter(|_| self.options.wrappers_are_scalars()) {
            let Made { mut schema, kind } = self.scalar(&field)?;
            schema.parameters.clear();
            schema.version = version;
            schema.optional = false;
            return Ok(Root::Wrapper(Arc::new(schema), kind));
        }
        let id = self.message(message)?;
        let schema = Arc::make_mut(&mut self.messages.0[id.0].schema);
        schema.version = version;
        schema.optional = false;
        Ok(Root::Message(id))
    }

    /// The node of a message. A message that contains itself is one node.
    fn message(&mut self, message: &MessageDescriptor) -> Result<MessageId, DataError> {
        if let Some(open) = self.open.get(message.full_name()) {
            return Ok(*open);
        }
        self.made += 1;
        if self.made > MESSAGES_MAX {
            return Err(DataError::data(format!(
                "Written out, it has more than {MESSAGES_MAX} messages"
            )));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(DataError::data(format!(
                "Its messages stand in one another more than {DEPTH_MAX} deep"
            )));
        }
        let id = MessageId(self.messages.0.len());
        let empty = self.named(
            Schema::new(SchemaType::Struct(Vec::new())),
            message.name(),
            message.full_name(),
        );
        self.messages.0.push(Message {
            name: message.full_name().to_owned(),
            schema: Arc::new(empty.optional()),
            fields: Vec::new(),
            small_numbers: Vec::new(),
            great_numbers: Vec::new(),
            initial: Vec::new(),
            absent_errors: Vec::new(),
            oneofs: Vec::new(),
            required: Vec::new(),
            maps: 0,
        });
        self.open.insert(message.full_name().to_owned(), id);
        let built = self.build(message);
        self.open.remove(message.full_name());
        self.messages.0[id.0] = built?;
        Ok(id)
    }

    fn build(&mut self, message: &MessageDescriptor) -> Result<Message, DataError> {
        let mut building = Building::default();
        let real = message.oneofs().filter(|oneof| !is_synthetic(oneof));
        for (number, oneof) in real.enumerate() {
            self.oneof(message, &oneof, number, &mut building)?;
        }
        for field in message.fields() {
            let is_member = field
                .containing_oneof()
                .is_some_and(|oneof| !is_synthetic(&oneof));
            if !is_member {
                let slot = building.fields.len();
                self.field(&field, slot, None, &mut building)?;
            }
        }
        let schema = Schema::structure(building.fields)?;
        let schema = self
            .named(schema, message.name(), message.full_name())
            .optional();
        let mut small_numbers = Vec::new();
        let mut great_numbers = Vec::new();
        for (at, number) in building.numbers.iter().enumerate() {
            match u16::try_from(at + 1) {
                Ok(place) if *number <= SMALL_NUMBER_MAX => {
                    let index = *number as usize;
                    if small_numbers.len() <= index {
                        small_numbers.resize(index + 1, 0);
                    }
                    small_numbers[index] = place;
                }
                _ => great_numbers.push((*number, at)),
            }
        }
        great_numbers.sort_unstable();
        Ok(Message {
            name: message.full_name().to_owned(),
            schema: Arc::new(schema),
            fields: building.nodes,
            small_numbers,
            great_numbers,
            initial: building.initial,
            absent_errors: building.absent_errors,
            oneofs: building.oneofs,
            required: building.required,
            maps: building.maps,
        })
    }

    /// A oneof: a struct of its members, or its members side by side.
    fn oneof(
        &mut self,
        message: &MessageDescriptor,
        oneof: &OneofDescriptor,
        number: usize,
        building: &mut Building,
    ) -> Result<(), DataError> {
        let index = building.oneofs.len();
        building.oneofs.push(Oneof {
            union: None,
            slots: Vec::new(),
        });
        if self.options.flatten_unions {
            for field in oneof.fields() {
                let slot = building.fields.len();
                building.oneofs[index].slots.push(slot);
                self.field(&field, slot, Some(index), building)?;
            }
            return Ok(());
        }
        let mut members = Building::default();
        for field in oneof.fields() {
            let slot = members.fields.len();
            self.field(&field, slot, Some(index), &mut members)?;
        }
        let mut schema = Schema::structure(members.fields)?.optional();
        let name = oneof.name();
        if self.options.generalized_sum_types {
            let parameter = "org.apache.kafka.connect.data.Union".to_owned();
            schema.parameters.insert(parameter, name.to_owned());
            schema = schema.named(name);
        } else if self.options.enhanced_support {
            schema = schema.named(&format!("{PREFIX}.Union.{}.{name}", message.full_name()));
        } else {
            schema = schema.named(&format!("{PREFIX}.Union.{name}"));
        }
        let field = if self.options.index_for_unions {
            format!("{name}_{number}")
        } else {
            name.to_owned()
        };
        let schema = Arc::new(schema);
        let slot = building.fields.len();
        building.oneofs[index].union = Some((slot, Arc::clone(&schema)));
        building.fields.push(SchemaField {
            name: field.into(),
            schema,
        });
        building.initial.push(Value::Null);
        building.nodes.extend(members.nodes);
        building.numbers.extend(members.numbers);
        Ok(())
    }

    fn field(
        &mut self,
        field: &FieldDescriptor,
        slot: usize,
        oneof: Option<usize>,
        building: &mut Building,
    ) -> Result<(), DataError> {
        let (made, cardinality) = if let Some(entry) = entry_of(field) {
            let nth = building.maps;
            building.maps += 1;
            (self.map(&entry)?, Cardinality::Map(nth))
        } else if field.is_list() {
            let Made { mut schema, kind } = self.value(field)?;
            schema.optional = true;
            self.add_first_tag(field, &mut schema);
            let element = SchemaType::Array(Some(Arc::new(schema)));
            let schema = Schema::new(element).optional();
            (Made { schema, kind }, Cardinality::Many)
        } else {
            (self.value(field)?, Cardinality::One)
        };
        let Made { mut schema, kind } = made;
        let tag = format!("{PREFIX}.Tag");
        schema.parameters.insert(tag, field.number().to_string());
        if let (ProtoKind::Message(message), false) = (field.kind(), field.is_list()) {
            let name = message.full_name().to_owned();
            self.first_tags.entry(name).or_insert(field.number());
        }
        let absent = if oneof.is_some() {
            Ok(Value::Null)
        } else {
            self.absent(field, &schema, &kind, cardinality)
        };
        if field.cardinality() == prost_reflect::Cardinality::Required {
            building.required.push(building.nodes.len());
        }
        building.initial.push(match absent {
            Ok(value) => value,
            Err(error) => {
                building.absent_errors.push((slot, error));
                Value::Null
            }
        });
        building.fields.push(SchemaField {
            name: field.name().into(),
            schema: Arc::new(schema),
        });
        building.numbers.push(field.number());
        building.nodes.push(Field {
            name: field.name().to_owned(),
            slot,
            oneof,
            cardinality,
            kind,
        });
        Ok(())
    }

    /// In Java a message has one schema, which keeps the tag of the field that it was made for; so an element of a list, which
    /// has no tag of its own, shows that.
    fn add_first_tag(&self, field: &FieldDescriptor, schema: &mut Schema) {
        let ProtoKind::Message(message) = field.kind() else {
            return;
        };
        let is_struct = matches!(schema.kind(), SchemaType::Struct(_));
        if let Some(tag) = self
            .first_tags
            .get(message.full_name())
            .filter(|_| is_struct)
        {
            let parameter = format!("{PREFIX}.Tag");
            schema.parameters.insert(parameter, tag.to_string());
        }
    }

    /// What a field is that is not there.
    fn absent(
        &self,
        field: &FieldDescriptor,
        schema: &Schema,
        kind: &Kind,
        cardinality: Cardinality,
    ) -> Result<Value<'static>, DataError> {
        match cardinality {
            Cardinality::Many => return Ok(Value::Array(Vec::new())),
            Cardinality::Map(_) => return Ok(Value::Map(Vec::new())),
            Cardinality::One => {}
        }
        if self.options.struct_for_nulls {
            return self.generated(field, schema, kind);
        }
        let is_proto2 = is_proto2(field);
        let has_presence = field.supports_presence();
        if matches!(field.kind(), ProtoKind::Message(_))
            || (has_presence && (!is_proto2 || self.options.optional_for_proto2))
        {
            return Ok(Value::Null);
        }
        Ok(declared_default(field, kind))
    }

    /// What stands for an absent value with `generate.struct.for.nulls`.
    fn generated(
        &self,
        field: &FieldDescriptor,
        schema: &Schema,
        kind: &Kind,
    ) -> Result<Value<'static>, DataError> {
        match kind {
            Kind::Message(id) => {
                let Message {
                    name,
                    schema: made,
                    initial,
                    absent_errors,
                    ..
                } = &self.messages[*id];
                if let Some((_, error)) = absent_errors.first() {
                    return Err(error.clone());
                }
                if self.open.contains_key(name) {
                    return Err(DataError::data(format!(
                        "generate.struct.for.nulls makes {name} in {name}, without an end"
                    )));
                }
                let mut own = (**made).clone();
                own.optional = schema.optional;
                Ok(Value::Struct(Struct::new(Arc::new(own), initial.clone())))
            }
            Kind::Wrapper(inner) => Ok(decode::default_of(inner)),
            Kind::Timestamp => Ok(Value::Timestamp(0)),
            Kind::TimeOfDay => Ok(Value::Time(0)),
            Kind::Date => Err(DataError::of(
                ErrorClass::IllegalArgument,
                format!("{} is not there, and an empty date is none", field.name()),
            )),
            Kind::Decimal => Err(DataError::of(
                ErrorClass::NumberFormat,
                format!(
                    "{} is not there, and an empty decimal is none",
                    field.name()
                ),
            )),
            kind => Ok(declared_default(field, kind)),
        }
    }

    fn map(&mut self, entry: &MessageDescriptor) -> Result<Made, DataError> {
        let field = |name: &str| {
            let field = entry.get_field_by_name(name);
            field.ok_or_else(|| DataError::data(format!("{} has no {name}", entry.full_name())))
        };
        let (key_field, value_field) = (field("key")?, field("value")?);
        let mut part = |field: &FieldDescriptor| {
            let Made { mut schema, kind } = self.value(field)?;
            let tag = format!("{PREFIX}.Tag");
            schema.parameters.insert(tag, field.number().to_string());
            Ok::<_, DataError>((Arc::new(schema), kind))
        };
        let (key_schema, key) = part(&key_field)?;
        let (value_schema, value) = part(&value_field)?;
        let absent_value = match &value {
            Kind::Message(id) => Value::Struct(Struct::new(
                Arc::clone(&self.messages[*id].schema),
                self.messages[*id].initial.clone(),
            )),
            Kind::Wrapper(inner) => decode::default_of(inner),
            Kind::Timestamp => Value::Timestamp(0),
            Kind::TimeOfDay => Value::Time(0),
            kind => declared_default(&value_field, kind),
        };
        let kind = Kind::Entry(Box::new(Entry {
            absent_key: declared_default(&key_field, &key),
            absent_value,
            key,
            value,
        }));
        let schema = Schema::new(SchemaType::Map(Some(key_schema), Some(value_schema)));
        let simple = map_name(entry.name());
        let full = entry.full_name().strip_suffix(entry.name());
        let full = format!("{}{simple}", full.unwrap_or_default());
        let schema = self.named(schema, &simple, &full).optional();
        Ok(Made { schema, kind })
    }

    /// One value of a field, without its tag.
    fn value(&mut self, field: &FieldDescriptor) -> Result<Made, DataError> {
        let ProtoKind::Message(message) = field.kind() else {
            return self.scalar(field);
        };
        if field.is_group() {
            return Err(DataError::data(format!(
                "Unknown Connect schema type: {} is a group",
                field.full_name()
            )));
        }
        let logical = |logical: LogicalType, kind: Kind| {
            let schema = Schema::of_logical_type(logical).optional();
            Ok(Made { schema, kind })
        };
        match message.full_name() {
            "google.protobuf.Timestamp" => return logical(LogicalType::Timestamp, Kind::Timestamp),
            "google.type.Date" => return logical(LogicalType::Date, Kind::Date),
            "google.type.TimeOfDay" => return logical(LogicalType::Time, Kind::TimeOfDay),
            "confluent.type.Decimal" => {
                let schema = decimal_schema(field).optional();
                return Ok(Made {
                    schema,
                    kind: Kind::Decimal,
                });
            }
            _ => {}
        }
        if let Some(inner) = wrapped(&message).filter(|_| self.options.wrappers_are_scalars()) {
            let Made { mut schema, kind } = self.scalar(&inner)?;
            schema.parameters.clear();
            return Ok(Made {
                schema: schema.optional(),
                kind: Kind::Wrapper(Box::new(kind)),
            });
        }
        let id = self.message(&message)?;
        Ok(Made {
            schema: (*self.messages[id].schema).clone(),
            kind: Kind::Message(id),
        })
    }

    fn scalar(&self, field: &FieldDescriptor) -> Result<Made, DataError> {
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
            ProtoKind::Enum(of) => self.enumeration(&of),
            ProtoKind::Message(message) => {
                return Err(DataError::data(format!(
                    "Unknown Connect schema type of {}",
                    message.full_name()
                )));
            }
        };
        let mut schema = schema;
        schema.optional = self.is_optional(field);
        Ok(Made { schema, kind })
    }

    /// Whether null is a value of a scalar.
    fn is_optional(&self, field: &FieldDescriptor) -> bool {
        if matches!(field.kind(), ProtoKind::Enum(_)) {
            return true;
        }
        if self.options.optional_for_nullables {
            let is_declared = is_proto2(field)
                || field
                    .containing_oneof()
                    .is_some_and(|one| is_synthetic(&one));
            let is_required = field.cardinality() == prost_reflect::Cardinality::Required;
            return field.is_list() || (is_declared && !is_required && field.supports_presence());
        }
        !self.options.wrapper_for_nullables || field.is_list()
    }

    fn enumeration(&self, of: &EnumDescriptor) -> (Schema, Kind) {
        let kind = if self.options.int_for_enums {
            SchemaType::Int32
        } else {
            SchemaType::String
        };
        let mut schema = self.named(Schema::new(kind), of.name(), of.full_name());
        let prefix = if self.options.generalized_sum_types {
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
            as_number: self.options.int_for_enums,
        };
        (schema, Kind::Enum(node))
    }

    fn named(&self, schema: Schema, simple: &str, full: &str) -> Schema {
        schema.named(if self.options.enhanced_support {
            full
        } else {
            simple
        })
    }
}

/// A message that is being made.
#[derive(Default)]
struct Building {
    fields: Vec<SchemaField>,
    nodes: Vec<Field>,
    numbers: Vec<u32>,
    initial: Vec<Value<'static>>,
    absent_errors: Vec<(usize, DataError)>,
    oneofs: Vec<Oneof>,
    required: Vec<usize>,
    maps: usize,
}

fn is_proto2(field: &FieldDescriptor) -> bool {
    field.parent_file().syntax() == Syntax::Proto2
}

/// Whether a oneof only stands for proto3's `optional`.
fn is_synthetic(oneof: &OneofDescriptor) -> bool {
    oneof.is_synthetic()
}

/// The entry of a map: a map's own, or a message that is named and made like one.
fn entry_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
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
fn map_name(entry: &str) -> String {
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
fn wrapped(message: &MessageDescriptor) -> Option<FieldDescriptor> {
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
fn declared_default(field: &FieldDescriptor, kind: &Kind) -> Value<'static> {
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

fn decimal_schema(field: &FieldDescriptor) -> Schema {
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
fn meta(field: &FieldDescriptor) -> BTreeMap<String, String> {
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
