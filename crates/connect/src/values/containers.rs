//! Arrays and maps while they are read.

use super::merge::{Merger, convert};
use super::tokens::Tokens;
use super::{Failure, Read};
use crate::data::{MapEntries, Schema, SchemaType, Value};
use std::sync::Arc;

enum Kind<'t> {
    Array(Vec<Value<'t>>, Merger),
    /// Entries so far with the mergers of keys and values, and a key whose value comes next.
    Map(
        MapEntries<'t>,
        [Merger; 2],
        Option<(Arc<Schema>, Value<'t>)>,
    ),
}

/// One that is being read.
pub(super) struct Open<'t> {
    /// Where to go back to if it is malformed.
    pub(super) start: usize,
    /// Where its opening bracket stands.
    pub(super) bracket: usize,
    kind: Kind<'t>,
}

impl<'t> Open<'t> {
    pub(super) const fn array(start: usize, bracket: usize) -> Self {
        let kind = Kind::Array(Vec::new(), Merger::new());
        Self {
            start,
            bracket,
            kind,
        }
    }

    pub(super) fn map(start: usize, bracket: usize) -> Self {
        let kind = Kind::Map(MapEntries::default(), [Merger::new(), Merger::new()], None);
        Self {
            start,
            bracket,
            kind,
        }
    }

    /// Whether a value comes next, or the end came.
    pub(super) fn needs_more(&self, tokens: &mut Tokens<'t>) -> Result<bool, Failure> {
        let end = match &self.kind {
            Kind::Array(..) => "]",
            Kind::Map(.., Some(_)) => return Ok(true),
            Kind::Map(..) => "}",
        };
        if !tokens.has_next() {
            return Err(Failure::Malformed);
        }
        if tokens.eat(end) {
            return Ok(false);
        }
        if tokens.eat(",") {
            return Err(Failure::Malformed);
        }
        Ok(true)
    }

    /// Takes a value, and the comma or colon behind it.
    pub(super) fn take(&mut self, read: Read<'t>, tokens: &mut Tokens<'t>) -> Result<(), Failure> {
        match &mut self.kind {
            Kind::Array(values, merger) => {
                merger.merge(read.as_ref().map(|(schema, _)| schema));
                values.push(read.map_or(Value::Null, |(_, value)| value));
                let mark = tokens.mark();
                if tokens.eat("]") {
                    tokens.rewind(mark);
                } else if !tokens.eat(",") {
                    return Err(Failure::Malformed);
                }
            }
            Kind::Map(entries, [keys, values], waiting) => match waiting.take() {
                None => {
                    let key = read.ok_or(Failure::Malformed)?;
                    if !tokens.eat(":") {
                        return Err(Failure::Malformed);
                    }
                    *waiting = Some(key);
                }
                Some((schema, key)) => {
                    keys.merge(Some(&schema));
                    values.merge(read.as_ref().map(|(schema, _)| schema));
                    entries.insert(key, read.map_or(Value::Null, |(_, value)| value));
                    tokens.eat(",");
                }
            },
        }
        Ok(())
    }

    /// The whole with its schema, all values made to be what their common schema says.
    pub(super) fn complete(&mut self) -> Result<(Arc<Schema>, Value<'t>), Failure> {
        let malformed = || Failure::Malformed;
        Ok(match &mut self.kind {
            Kind::Array(values, merger) => {
                let mut values = std::mem::take(values);
                let element = merger.common().cloned();
                if let Some(element) = &element {
                    for value in &mut values {
                        let taken = std::mem::replace(value, Value::Null);
                        *value = convert(element, taken).ok_or_else(malformed)?;
                    }
                }
                (Schema::of(SchemaType::Array(element)), Value::Array(values))
            }
            Kind::Map(entries, [keys, values], _) => {
                let key = keys.common().cloned();
                // Without a common schema of keys Java takes none for values either.
                let element = key.as_ref().and_then(|_| values.common()).cloned();
                let mut converted = MapEntries::default();
                for (mut name, mut value) in std::mem::take(entries).into_entries() {
                    if let Some(key) = &key {
                        name = convert(key, name).ok_or_else(malformed)?;
                    }
                    if let Some(element) = &element {
                        value = convert(element, value).ok_or_else(malformed)?;
                    }
                    converted.insert(name, value);
                }
                (
                    Schema::of(SchemaType::Map(key, element)),
                    Value::Map(converted.into_entries()),
                )
            }
        })
    }
}
