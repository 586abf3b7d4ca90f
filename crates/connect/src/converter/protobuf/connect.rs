//! From a message's descriptor to Connect's schema, and to the nodes that its bytes are read along.

mod scalars;

use super::Options;
use super::decode;
use super::descriptor::{
    decimal_schema, declared_default, entry_of, is_proto2, is_synthetic, map_name, wrapped,
};
use super::node::{
    Cardinality, Entry, Field, Kind, Message, MessageId, Messages, Oneof, SMALL_NUMBER_MAX,
};
use crate::data::{Field as SchemaField, LogicalType, Schema, SchemaType, Struct, Value};
use crate::error::{DataError, ErrorClass};
use prost_reflect::{FieldDescriptor, Kind as ProtoKind, MessageDescriptor, OneofDescriptor};
use scalars::scalar;
use std::collections::HashMap;
use std::sync::Arc;

/// Messages in one another. Java knows no limit and fails with a stack overflow.
const DEPTH_MAX: usize = 200;
/// A message that is used in several places becomes a schema in each of them, with all its fields; few lines may become
/// millions.
const FIELDS_MAX: usize = 300_000;

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
            let Made { mut schema, kind } = scalar(self.options, &field)?;
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
        // The message itself, for it may have none.
        self.made += 1 + message.fields().len();
        if self.made > FIELDS_MAX {
            return Err(DataError::data(format!(
                "Written out, it has more than {FIELDS_MAX} fields"
            )));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(DataError::data(format!(
                "Its messages stand in one another more than {DEPTH_MAX} deep"
            )));
        }
        let id = MessageId(self.messages.0.len());
        let empty = named(
            self.options,
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
        let schema = named(self.options, schema, message.name(), message.full_name()).optional();
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
        let schema = named(self.options, schema, &simple, &full).optional();
        Ok(Made { schema, kind })
    }

    /// One value of a field, without its tag.
    fn value(&mut self, field: &FieldDescriptor) -> Result<Made, DataError> {
        let ProtoKind::Message(message) = field.kind() else {
            return scalar(self.options, field);
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
            let Made { mut schema, kind } = scalar(self.options, &inner)?;
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
}

/// A schema under the name of what it is made of.
fn named(options: &Options, schema: Schema, simple: &str, full: &str) -> Schema {
    schema.named(if options.enhanced_support {
        full
    } else {
        simple
    })
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
