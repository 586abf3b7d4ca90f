//! Reads Protobuf's wire format along the nodes of a schema, as Java's `CodedInputStream` and `DynamicMessage` do.

use super::node::{Cardinality, Entry, Enum, Kind, Message, MessageId, Messages};
use super::types;
use super::wire::{Input, Wire};
use crate::charset;
use crate::data::{MapEntries, Struct, Value};
use crate::error::DataError;
use std::borrow::Cow;
use std::sync::Arc;

/// Messages in one another, as in Java.
const DEPTH_MAX: usize = 100;

/// Reads a record.
///
/// # Errors
/// Bytes that are no such message.
pub(super) fn read<'k>(
    messages: &Messages,
    root: MessageId,
    bytes: &'k [u8],
) -> Result<Value<'k>, DataError> {
    let reader = Reader { messages, depth: 0 };
    reader.message(root, bytes)
}

/// Reads the field of a wrapper that is the record.
///
/// # Errors
/// Bytes that are no such message.
pub(super) fn read_wrapper<'k>(kind: &Kind, bytes: &'k [u8]) -> Result<Value<'k>, DataError> {
    let reader = Reader {
        messages: &Messages(Vec::new()),
        depth: 0,
    };
    reader.wrapper(kind, bytes)
}

#[derive(Clone, Copy)]
struct Reader<'p> {
    messages: &'p Messages,
    depth: usize,
}

/// What has been read of a message.
struct Parts<'k> {
    values: Vec<Value<'k>>,
    maps: Vec<MapEntries<'k>>,
    /// The member of each oneof that came last, and its value.
    chosen: Vec<Option<(usize, Value<'k>)>>,
    /// Messages, which are read when all parts of them are there: a field that comes again is merged.
    inner: Vec<(usize, &'k [u8])>,
    /// What counts of each oneof.
    choices: Vec<Choice>,
    seen: Vec<usize>,
}

/// The member of a oneof that counts.
#[derive(Clone, Copy, Default)]
struct Choice {
    member: Option<usize>,
    /// Where its parts begin in [`Parts::inner`]; those of the oneof before it count no longer.
    since: usize,
}

impl Reader<'_> {
    fn deeper(self) -> Result<Self, DataError> {
        if self.depth >= DEPTH_MAX {
            return Err(DataError::data(format!(
                "Its messages stand in one another more than {DEPTH_MAX} deep"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    fn message<'k>(self, id: MessageId, bytes: &'k [u8]) -> Result<Value<'k>, DataError> {
        let message = &self.messages[id];
        let mut parts = Parts {
            values: message.initial.clone(),
            maps: Vec::new(),
            chosen: vec![None; message.oneofs.len()],
            inner: Vec::new(),
            choices: vec![Choice::default(); message.oneofs.len()],
            seen: Vec::new(),
        };
        parts.maps.resize_with(message.maps, MapEntries::default);
        let mut input = Input(bytes);
        while !input.0.is_empty() {
            let (number, wire) = input.tag()?;
            let field = message.field(number);
            let is_read = match field {
                Some(at) => self.field(message, at, wire, &mut input, &mut parts)?,
                None => false,
            };
            if !is_read {
                input.skip(number, wire, self.depth)?;
            }
        }
        self.finish(message, parts)
    }

    /// Whether the field was read; else it is unknown.
    fn field<'k>(
        self,
        message: &Message,
        at: usize,
        wire: Wire,
        input: &mut Input<'k>,
        parts: &mut Parts<'k>,
    ) -> Result<bool, DataError> {
        let field = &message.fields[at];
        let own = wire_of(&field.kind);
        if !message.required.is_empty() {
            parts.seen.push(at);
        }
        match field.cardinality {
            Cardinality::Many if wire == Wire::Counted && own != Wire::Counted => {
                let mut packed = Input(input.counted()?);
                while !packed.0.is_empty() {
                    if let Some(value) = scalar(&field.kind, &mut packed)? {
                        push(&mut parts.values[field.slot], value);
                    }
                }
            }
            _ if wire != own => {
                if !message.required.is_empty() {
                    parts.seen.pop();
                }
                return Ok(false);
            }
            Cardinality::Many => {
                if let Some(value) = self.value(&field.kind, input)? {
                    push(&mut parts.values[field.slot], value);
                }
            }
            Cardinality::Map(nth) => {
                if let Kind::Entry(entry) = &field.kind
                    && let Some((key, value)) = self.deeper()?.entry(entry, input.counted()?)?
                {
                    parts.maps[nth].insert(key, value);
                }
            }
            Cardinality::One if is_message(&field.kind) => {
                let bytes = input.counted()?;
                self.deeper()?;
                if let Some(oneof) = field.oneof {
                    parts.choose(message, oneof, at);
                }
                parts.inner.push((at, bytes));
            }
            Cardinality::One => {
                // A number that is no symbol of a closed enum is as good as absent.
                if let Some(value) = self.value(&field.kind, input)? {
                    parts.set(message, at, value);
                }
            }
        }
        Ok(true)
    }

    fn value<'k>(self, kind: &Kind, input: &mut Input<'k>) -> Result<Option<Value<'k>>, DataError> {
        if is_message(kind) {
            let bytes = input.counted()?;
            return self.deeper()?.whole(kind, bytes).map(Some);
        }
        scalar(kind, input)
    }

    /// A message with all its bytes.
    fn whole<'k>(self, kind: &Kind, bytes: &'k [u8]) -> Result<Value<'k>, DataError> {
        match kind {
            Kind::Message(id) => self.message(*id, bytes),
            Kind::Wrapper(kind) => self.wrapper(kind, bytes),
            Kind::Timestamp => types::timestamp(&Numbers::read(bytes, self.depth)?),
            Kind::Date => types::date(&Numbers::read(bytes, self.depth)?),
            Kind::TimeOfDay => types::time_of_day(&Numbers::read(bytes, self.depth)?),
            Kind::Decimal => {
                let numbers = Numbers::read(bytes, self.depth)?;
                types::decimal(&numbers)
            }
            _ => unreachable!("only messages are read whole"),
        }
    }

    fn wrapper<'k>(self, kind: &Kind, bytes: &'k [u8]) -> Result<Value<'k>, DataError> {
        let mut input = Input(bytes);
        let mut value = default_of(kind);
        while !input.0.is_empty() {
            let (number, wire) = input.tag()?;
            if number == 1 && wire == wire_of(kind) {
                if let Some(found) = scalar(kind, &mut input)? {
                    value = found;
                }
            } else {
                input.skip(number, wire, self.depth)?;
            }
        }
        Ok(value)
    }

    /// `None` where its value is no symbol of a closed enum: then there is no entry.
    fn entry<'k>(
        self,
        entry: &Entry,
        bytes: &'k [u8],
    ) -> Result<Option<(Value<'k>, Value<'k>)>, DataError> {
        let mut input = Input(bytes);
        let (mut key, mut value) = (None, None);
        let mut is_known = true;
        while !input.0.is_empty() {
            let (number, wire) = input.tag()?;
            match number {
                1 if wire == wire_of(&entry.key) => key = self.value(&entry.key, &mut input)?,
                2 if wire == wire_of(&entry.value) => {
                    value = self.value(&entry.value, &mut input)?;
                    is_known = value.is_some();
                }
                _ => input.skip(number, wire, self.depth)?,
            }
        }
        let key = key.unwrap_or_else(|| entry.absent_key.clone());
        let value = value.unwrap_or_else(|| entry.absent_value.clone());
        Ok(is_known.then_some((key, value)))
    }

    fn finish<'k>(self, message: &Message, mut parts: Parts<'k>) -> Result<Value<'k>, DataError> {
        let missing = message.required.iter().find(|at| !parts.seen.contains(at));
        if let Some(at) = missing {
            return Err(DataError::data(format!(
                "Message missing required fields: {} of {}",
                message.fields[*at].name, message.name
            )));
        }
        self.read_inner(message, &mut parts)?;
        for (slot, error) in &message.absent_errors {
            if parts.values[*slot].is_null() {
                return Err(error.clone());
            }
        }
        for (field, entries) in message
            .fields
            .iter()
            .filter_map(|field| match field.cardinality {
                Cardinality::Map(nth) => Some((field, nth)),
                _ => None,
            })
        {
            let map = std::mem::take(&mut parts.maps[entries]);
            parts.values[field.slot] = Value::Map(map.into_entries());
        }
        for (oneof, chosen) in message.oneofs.iter().zip(parts.chosen) {
            if let (Some((slot, schema)), Some((member, value))) = (&oneof.union, chosen) {
                let mut members = vec![Value::Null; schema.fields().len()];
                members[member] = value;
                check(schema, &members)?;
                parts.values[*slot] = Value::Struct(Struct::new(Arc::clone(schema), members));
            }
        }
        if self.depth > 0 {
            check(&message.schema, &parts.values)?;
        }
        let schema = Arc::clone(&message.schema);
        Ok(Value::Struct(Struct::new(schema, parts.values)))
    }

    /// Reads the messages of a message; those that came in parts are put together.
    fn read_inner<'k>(self, message: &Message, parts: &mut Parts<'k>) -> Result<(), DataError> {
        if parts.inner.is_empty() {
            return Ok(());
        }
        let inside = self.deeper()?;
        let inner = std::mem::take(&mut parts.inner).into_iter().enumerate();
        let counts = |(place, (at, _)): &(usize, (usize, &[u8]))| {
            let oneof = message.fields[*at].oneof;
            oneof.is_none_or(|oneof| parts.choices[oneof].since <= *place)
        };
        let inner = inner.filter(counts).map(|(_, part)| part);
        let mut inner: Vec<(usize, &'k [u8])> = inner.collect();
        inner.sort_by_key(|(at, _)| *at);
        for same in inner.chunk_by(|(a, _), (b, _)| a == b) {
            let at = same[0].0;
            let kind = &message.fields[at].kind;
            let value = match same {
                [(_, bytes)] => inside.whole(kind, bytes)?,
                several => {
                    let bytes: Vec<u8> = several
                        .iter()
                        .flat_map(|(_, bytes)| *bytes)
                        .copied()
                        .collect();
                    inside.whole(kind, &bytes)?.into_owned()
                }
            };
            parts.set(message, at, value);
        }
        Ok(())
    }
}

impl<'k> Parts<'k> {
    /// Of a oneof, this member counts now. It may come as often as there are bytes: nothing is searched for.
    fn choose(&mut self, message: &Message, oneof: usize, at: usize) {
        let choice = &mut self.choices[oneof];
        if choice.member != Some(at) {
            *choice = Choice {
                member: Some(at),
                since: self.inner.len(),
            };
        }
        self.chosen[oneof] = None;
        for slot in &message.oneofs[oneof].slots {
            self.values[*slot] = Value::Null;
        }
    }

    fn set(&mut self, message: &Message, at: usize, value: Value<'k>) {
        let field = &message.fields[at];
        match field.oneof {
            None => self.values[field.slot] = value,
            Some(oneof) => {
                self.choose(message, oneof, at);
                if message.oneofs[oneof].union.is_some() {
                    self.chosen[oneof] = Some((field.slot, value));
                } else {
                    self.values[field.slot] = value;
                }
            }
        }
    }
}

/// Java checks structs that stand in others, not the outermost.
fn check(schema: &crate::data::Schema, values: &[Value<'_>]) -> Result<(), DataError> {
    let mut fields = schema.fields().iter().zip(values);
    let missing = fields.find(|(field, value)| value.is_null() && !field.schema.optional);
    match missing {
        None => Ok(()),
        Some((field, _)) => Err(DataError::data(format!(
            "Invalid value: null used for required field: \"{}\", schema type: {}",
            field.name,
            field.schema.kind().name()
        ))),
    }
}

fn push<'k>(list: &mut Value<'k>, value: Value<'k>) {
    if let Value::Array(values) = list {
        values.push(value);
    }
}

/// Whether it is counted bytes that are a message.
const fn is_message(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Message(_)
            | Kind::Wrapper(_)
            | Kind::Timestamp
            | Kind::Date
            | Kind::TimeOfDay
            | Kind::Decimal
    )
}

const fn wire_of(kind: &Kind) -> Wire {
    match kind {
        Kind::Int8
        | Kind::Int16
        | Kind::Int32
        | Kind::Sint32
        | Kind::Uint32
        | Kind::Int64
        | Kind::Sint64
        | Kind::Bool
        | Kind::Enum(_) => Wire::Varint,
        Kind::Sfixed32 | Kind::Fixed32 | Kind::Float => Wire::Fixed32,
        Kind::Fixed64 | Kind::Double => Wire::Fixed64,
        _ => Wire::Counted,
    }
}

/// A scalar; `None` is a number that is no symbol of a closed enum.
#[expect(
    clippy::cast_possible_truncation,
    reason = "as Java cuts numbers that are too wide"
)]
fn scalar<'k>(kind: &Kind, input: &mut Input<'k>) -> Result<Option<Value<'k>>, DataError> {
    Ok(Some(match kind {
        Kind::Int8 => Value::Int8(input.varint()? as i8),
        Kind::Int16 => Value::Int16(input.varint()? as i16),
        Kind::Int32 => Value::Int32(input.varint()? as i32),
        Kind::Sint32 => {
            let number = input.varint()? as u32;
            Value::Int32((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
        }
        Kind::Sfixed32 => Value::Int32(i32::from_le_bytes(input.array()?)),
        Kind::Uint32 => Value::Int64(i64::from(input.varint()? as u32)),
        Kind::Fixed32 => Value::Int64(i64::from(u32::from_le_bytes(input.array()?))),
        Kind::Int64 => Value::Int64(input.varint()?.cast_signed()),
        Kind::Sint64 => {
            let number = input.varint()?;
            Value::Int64((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
        }
        Kind::Fixed64 => Value::Int64(i64::from_le_bytes(input.array()?)),
        Kind::Float => Value::Float32(f32::from_le_bytes(input.array()?)),
        Kind::Double => Value::Float64(f64::from_le_bytes(input.array()?)),
        Kind::Bool => Value::Boolean(input.varint()? != 0),
        Kind::String { is_strict } => Value::String(text(input.counted()?, *is_strict)?),
        Kind::Bytes => Value::Bytes(Cow::Borrowed(input.counted()?)),
        Kind::Enum(of) => return Ok(symbol(of, input.varint()? as i32)),
        _ => unreachable!("messages are read elsewhere"),
    }))
}

fn text(bytes: &[u8], is_strict: bool) -> Result<Cow<'_, str>, DataError> {
    if !is_strict {
        return Ok(charset::utf8(bytes));
    }
    let text = std::str::from_utf8(bytes).map(Cow::Borrowed);
    text.map_err(|_| DataError::data("Protocol message had invalid UTF-8."))
}

/// The symbol of a number.
pub(super) fn symbol<'k>(of: &Enum, number: i32) -> Option<Value<'k>> {
    let found = of
        .symbols
        .binary_search_by_key(&number, |(number, _)| *number);
    match (found, of.is_closed) {
        (Err(_), true) => None,
        _ if of.as_number => Some(Value::Int32(number)),
        // Allocated for each: a value borrows from the record's bytes, where only the symbol's number stands.
        (Ok(at), _) => Some(Value::String(Cow::Owned(of.symbols[at].1.clone()))),
        (Err(_), false) => {
            let text = format!("UNKNOWN_ENUM_VALUE_{}_{number}", of.name);
            Some(Value::String(Cow::Owned(text)))
        }
    }
}

/// What a scalar is that is not there.
pub(super) fn default_of(kind: &Kind) -> Value<'static> {
    match kind {
        Kind::Int8 => Value::Int8(0),
        Kind::Int16 => Value::Int16(0),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::Int32(0),
        Kind::Uint32 | Kind::Fixed32 | Kind::Int64 | Kind::Sint64 | Kind::Fixed64 => {
            Value::Int64(0)
        }
        Kind::Float => Value::Float32(0.0),
        Kind::Double => Value::Float64(0.0),
        Kind::Bool => Value::Boolean(false),
        Kind::String { .. } => Value::String(Cow::Borrowed("")),
        Kind::Bytes => Value::Bytes(Cow::Borrowed(b"")),
        _ => Value::Null,
    }
}

/// The fields of a small message of numbers and bytes, by their numbers up to 4.
#[derive(Debug, Default)]
pub(super) struct Numbers<'k> {
    pub(super) varints: [u64; 5],
    pub(super) bytes: &'k [u8],
}

impl<'k> Numbers<'k> {
    fn read(bytes: &'k [u8], depth: usize) -> Result<Self, DataError> {
        let mut numbers = Self::default();
        let mut input = Input(bytes);
        while !input.0.is_empty() {
            let (number, wire) = input.tag()?;
            match (number, wire) {
                (1..=4, Wire::Varint) => numbers.varints[number as usize] = input.varint()?,
                (1, Wire::Counted) => numbers.bytes = input.counted()?,
                _ => input.skip(number, wire, depth)?,
            }
        }
        Ok(numbers)
    }
}
