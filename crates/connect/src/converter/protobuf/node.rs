//! What is to be done with the bytes of messages, one node for each message.

use crate::data::{Schema, Value};
use crate::error::DataError;
use std::sync::Arc;

/// The place of a message in [`Messages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageId(pub(super) usize);

/// The messages of a schema. One may lead to itself, where a message contains itself.
#[derive(Debug, Default)]
pub(super) struct Messages(pub(super) Vec<Message>);

impl std::ops::Index<MessageId> for Messages {
    type Output = Message;

    fn index(&self, id: MessageId) -> &Message {
        &self.0[id.0]
    }
}

/// A message, and the struct that it becomes.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) name: String,
    pub(super) schema: Arc<Schema>,
    pub(super) fields: Vec<Field>,
    /// Where the field of a number stands in `fields`, for small numbers; one more than the index, 0 where there is none.
    pub(super) small_numbers: Vec<u16>,
    /// The same for greater numbers, sorted by them.
    pub(super) great_numbers: Vec<(u32, usize)>,
    /// The struct's values before anything is read.
    pub(super) initial: Vec<Value<'static>>,
    /// What an absent message or scalar is an error for.
    pub(super) absent_errors: Vec<(usize, DataError)>,
    pub(super) oneofs: Vec<Oneof>,
    /// Indexes of the fields that must be there.
    pub(super) required: Vec<usize>,
    /// How many fields are maps.
    pub(super) maps: usize,
}

/// The greatest number that is looked up directly.
pub(super) const SMALL_NUMBER_MAX: u32 = 255;

impl Message {
    /// The field of a number.
    pub(super) fn field(&self, number: u32) -> Option<usize> {
        if number <= SMALL_NUMBER_MAX {
            let at = *self.small_numbers.get(number as usize)?;
            return usize::from(at).checked_sub(1);
        }
        let at = self
            .great_numbers
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()?;
        Some(self.great_numbers[at].1)
    }
}

/// Fields of which one counts.
#[derive(Debug)]
pub(super) struct Oneof {
    /// Where its struct stands, with the struct's schema; `None` where the members stand by themselves.
    pub(super) union: Option<(usize, Arc<Schema>)>,
    /// Where the members stand that stand by themselves.
    pub(super) slots: Vec<usize>,
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// Where its value stands: in the struct, or in that of its oneof.
    pub(super) slot: usize,
    pub(super) oneof: Option<usize>,
    pub(super) cardinality: Cardinality,
    pub(super) kind: Kind,
}

/// How often a field comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cardinality {
    One,
    Many,
    /// Entries of the nth map of the message.
    Map(usize),
}

/// What a field holds.
#[derive(Debug)]
pub(super) enum Kind {
    Int8,
    Int16,
    Int32,
    Sint32,
    Sfixed32,
    Uint32,
    Fixed32,
    Int64,
    Sint64,
    Fixed64,
    Float,
    Double,
    Bool,
    /// Whether it has to be UTF-8.
    String {
        is_strict: bool,
    },
    Bytes,
    Enum(Enum),
    Message(MessageId),
    /// A message of one field, and what that holds.
    Wrapper(Box<Kind>),
    Timestamp,
    Date,
    TimeOfDay,
    Decimal,
    /// An entry of a map: key, value, and what they are where they are absent.
    Entry(Box<Entry>),
}

/// An entry of a map.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Kind,
    pub(super) value: Kind,
    pub(super) absent_key: Value<'static>,
    pub(super) absent_value: Value<'static>,
}

/// An enum.
#[derive(Debug)]
pub(super) struct Enum {
    pub(super) name: String,
    /// Symbols by number, sorted; of several with one number the first.
    pub(super) symbols: Vec<(i32, String)>,
    /// Other numbers count as not there.
    pub(super) is_closed: bool,
    /// The number is the value.
    pub(super) as_number: bool,
}
