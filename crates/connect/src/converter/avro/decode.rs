//! Reads Avro's binary encoding along the nodes of a schema, as `org.apache.avro.io.BinaryDecoder` does.

use super::logical;
use super::node::{Extent, Node, NodeId, Nodes, ResolvedRecord, Whole, Wider};
use crate::charset;
use crate::data::{MapEntries, Struct, Value};
use crate::error::DataError;
use std::borrow::Cow;
use std::sync::Arc;

/// Records, arrays and maps in one another. Java knows no limit and fails with a stack overflow. So many fit on a stack
/// of 2 MB, that of a thread, in a build without optimisation.
const DEPTH_MAX: usize = 256;
/// Values that take no bytes, empty records say, may be as many as a record has bytes, and this many more:
/// else a few bytes could ask for any amount of memory.
const FREE_VALUES: usize = 1000;

/// A record's bytes that are being read.
pub(super) struct Reader<'p, 'k> {
    nodes: &'p Nodes,
    rest: &'k [u8],
    depth: usize,
    free_values: usize,
}

type Read<'k> = Result<Value<'k>, DataError>;

impl<'p, 'k> Reader<'p, 'k> {
    pub(super) const fn new(nodes: &'p Nodes, bytes: &'k [u8]) -> Self {
        Self {
            nodes,
            rest: bytes,
            depth: 0,
            free_values: bytes.len() + FREE_VALUES,
        }
    }

    /// What was not read.
    pub(super) const fn rest(&self) -> &'k [u8] {
        self.rest
    }

    /// Reads the next value.
    ///
    /// # Errors
    /// Bytes that were not written with the schema.
    pub(super) fn value(&mut self, id: NodeId) -> Read<'k> {
        let mut value = Value::Null;
        self.read(id, &mut value)?;
        Ok(value)
    }

    /// Reads the next value to where it is to stand: what is handed up by value is copied at every step, which costs a record of
    /// numbers as much again as reading it.
    fn read(&mut self, id: NodeId, value: &mut Value<'k>) -> Result<(), DataError> {
        let nodes = self.nodes;
        let mut node = &nodes[id];
        // In a loop, for a call of its own would take stack.
        while let Node::Union(branches) = node {
            node = &nodes[self.branch(branches)?];
        }
        match node {
            Node::Null => {
                self.free()?;
                *value = Value::Null;
            }
            Node::Boolean => *value = Value::Boolean(self.byte()? == 1),
            #[expect(clippy::cast_possible_truncation, reason = "as Java cuts it")]
            Node::Int8 => *value = Value::Int8(self.int()? as i8),
            #[expect(clippy::cast_possible_truncation, reason = "as Java cuts it")]
            Node::Int16 => *value = Value::Int16(self.int()? as i16),
            Node::Int32 => *value = Value::Int32(self.int()?),
            Node::Int64 => *value = Value::Int64(self.long()?),
            Node::Float32 => *value = Value::Float32(f32::from_le_bytes(self.array_of()?)),
            Node::Float64 => *value = Value::Float64(f64::from_le_bytes(self.array_of()?)),
            Node::Date => *value = Value::Date(self.int()?),
            Node::Time => *value = logical::time(self.int()?)?,
            Node::Timestamp => *value = Value::Timestamp(self.long()?),
            Node::String | Node::Text => *value = Value::String(self.text()?),
            Node::Bytes(Extent::Fixed(0), conversion) => {
                self.free()?;
                *value = logical::bytes(conversion, &[])?;
            }
            Node::Bytes(extent, conversion) => {
                *value = logical::bytes(conversion, self.bytes(*extent)?)?;
            }
            Node::Widened(from, to) => *value = self.widened(*from, *to)?,
            Node::WidenedFloat => {
                let number = f32::from_le_bytes(self.array_of()?);
                *value = Value::Float64(number.into());
            }
            Node::Enum(symbols) => *value = self.symbol(symbols)?,
            _ => *value = self.nested(node)?,
        }
        Ok(())
    }

    fn branch(&mut self, branches: &[NodeId]) -> Result<NodeId, DataError> {
        let branch = self.long()?;
        let node = usize::try_from(branch).ok().and_then(|at| branches.get(at));
        node.copied().ok_or_else(|| {
            let count = branches.len();
            DataError::data(format!("Branch {branch} of a union of {count}"))
        })
    }

    /// A value that took no bytes. A null of a union has had the byte of its branch.
    fn free(&mut self) -> Result<(), DataError> {
        let left = self.free_values.checked_sub(1);
        self.free_values =
            left.ok_or_else(|| DataError::data("It has too many values that take no bytes"))?;
        Ok(())
    }

    fn nested(&mut self, node: &'p Node) -> Read<'k> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(DataError::data(format!(
                "Its values stand in one another more than {DEPTH_MAX} deep"
            )));
        }
        let value = match node {
            Node::Record { schema, fields } => {
                if fields.is_empty() {
                    self.free()?;
                }
                let mut values = Vec::with_capacity(fields.len());
                for field in fields {
                    self.push(*field, &mut values)?;
                }
                Value::Struct(Struct::new(Arc::clone(schema), values))
            }
            Node::Array(item) => self.array(*item)?,
            Node::Map(value) => self.map(*value)?,
            Node::Entries {
                entries,
                key_is_first,
            } => self.entries(*entries, *key_is_first)?,
            Node::Resolved(record) => self.resolved(record)?,
            Node::Skipped(fields) => {
                if fields.is_empty() {
                    self.free()?;
                }
                for field in fields {
                    self.value(*field)?;
                }
                Value::Null
            }
            Node::Member {
                schema,
                field,
                value,
            } => {
                let value = self.value(*value)?;
                let mut values = vec![Value::Null; schema.fields().len()];
                values[*field] = value;
                Value::Struct(Struct::new(Arc::clone(schema), values))
            }
            Node::ByLength(members) => {
                let length = usize::try_from(peek_long(self.rest)?).ok();
                let fits = |of: &Option<usize>| of.is_none() || *of == length;
                match members.iter().find(|(of, _)| fits(of)) {
                    Some((_, node)) => self.value(*node)?,
                    None => return Err(no_member()),
                }
            }
            Node::Wrong(node, error) => {
                self.value(*node)?;
                return Err((**error).clone());
            }
            _ => unreachable!("value() reads them"),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn widened(&mut self, from: Whole, to: Wider) -> Read<'k> {
        let number = match from {
            Whole::Int => self.int()?.into(),
            Whole::Long => self.long()?,
        };
        Ok(match to {
            Wider::Long => Value::Int64(number),
            #[expect(
                clippy::cast_precision_loss,
                reason = "as Avro's schema resolution has it"
            )]
            Wider::Float => Value::Float32(number as f32),
            #[expect(
                clippy::cast_precision_loss,
                reason = "as Avro's schema resolution has it"
            )]
            Wider::Double => Value::Float64(number as f64),
        })
    }

    fn symbol(&mut self, symbols: &[Option<Box<str>>]) -> Read<'k> {
        let number = self.int()?;
        let symbol = usize::try_from(number).ok().and_then(|at| symbols.get(at));
        match symbol {
            // Allocated for each: a value borrows from the record's bytes, where only the symbol's number stands.
            Some(Some(symbol)) => Ok(Value::String(Cow::Owned(symbol.to_string()))),
            Some(None) => Err(DataError::data(format!(
                "Symbol {number} of an enum is not known to the schema it is read as, which has no default"
            ))),
            None => Err(DataError::data(format!(
                "Symbol {number} of an enum of {}",
                symbols.len()
            ))),
        }
    }

    fn resolved(&mut self, record: &ResolvedRecord) -> Read<'k> {
        let mut values = vec![Value::Null; record.schema.fields().len()];
        for (field, node) in &record.steps {
            match field {
                Some(field) => self.read(*node, &mut values[*field])?,
                None => drop(self.value(*node)?),
            }
        }
        if record.steps.is_empty() {
            self.free()?;
        }
        for (field, default) in &record.defaults {
            values[*field] = default.clone();
        }
        Ok(Value::Struct(Struct::new(
            Arc::clone(&record.schema),
            values,
        )))
    }

    /// Reads the next value behind others.
    fn push(&mut self, id: NodeId, values: &mut Vec<Value<'k>>) -> Result<(), DataError> {
        values.push(Value::Null);
        match values.last_mut() {
            Some(value) => self.read(id, value),
            None => unreachable!("one was pushed"),
        }
    }

    fn array(&mut self, item: NodeId) -> Read<'k> {
        let mut values = Vec::new();
        self.blocks(|reader| reader.push(item, &mut values))?;
        Ok(Value::Array(values))
    }

    fn map(&mut self, item: NodeId) -> Read<'k> {
        let mut entries = MapEntries::default();
        self.blocks(|reader| {
            let key = Value::String(reader.text()?);
            entries.insert(key, reader.value(item)?);
            Ok(())
        })?;
        Ok(Value::Map(entries.into_entries()))
    }

    fn entries(&mut self, item: NodeId, key_is_first: bool) -> Read<'k> {
        let mut entries = MapEntries::default();
        let Node::Skipped(fields) = &self.nodes[item] else {
            unreachable!("an entry has two fields")
        };
        self.blocks(|reader| {
            let first = reader.value(fields[0])?;
            let second = reader.value(fields[1])?;
            let (key, value) = if key_is_first {
                (first, second)
            } else {
                (second, first)
            };
            entries.insert(key, value);
            Ok(())
        })?;
        Ok(Value::Map(entries.into_entries()))
    }

    /// Reads blocks of items up to the empty one. A negative count is followed by the block's bytes.
    fn blocks(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                self.long()?;
                count = count.checked_neg().ok_or_else(|| length_of(count))?;
            }
            // Items that take bytes end with the bytes, whatever the count says; those that take none, with [`Self::free`].
            for _ in 0..count {
                each(self)?;
            }
        }
    }

    fn byte(&mut self) -> Result<u8, DataError> {
        let (byte, rest) = self.rest.split_first().ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn array_of<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn bytes(&mut self, extent: Extent) -> Result<&'k [u8], DataError> {
        let length = match extent {
            Extent::Fixed(length) => length,
            Extent::Counted => {
                let length = self.long()?;
                usize::try_from(length).map_err(|_| length_of(length))?
            }
        };
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(|| {
            let left = self.rest.len();
            DataError::data(format!(
                "{length} bytes are announced, and {left} are there"
            ))
        })?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<Cow<'k, str>, DataError> {
        Ok(charset::utf8(self.bytes(Extent::Counted)?))
    }

    fn int(&mut self) -> Result<i32, DataError> {
        if let [byte @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(i32::from(byte >> 1) ^ -i32::from(byte & 1));
        }
        let mut number = 0_u32;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            // The bits of a fifth byte that are too many do not count, in Java as here.
            number |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
            }
        }
        Err(DataError::data("An int has more than 5 bytes"))
    }

    fn long(&mut self) -> Result<i64, DataError> {
        if let [byte @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(i64::from(byte >> 1) ^ -i64::from(byte & 1));
        }
        let (number, length) = long(self.rest)?;
        self.rest = &self.rest[length..];
        Ok(number)
    }
}

fn peek_long(bytes: &[u8]) -> Result<i64, DataError> {
    long(bytes).map(|(number, _)| number)
}

/// A `long`, and how many bytes it has.
fn long(bytes: &[u8]) -> Result<(i64, usize), DataError> {
    let mut number = 0_u64;
    for (at, shift) in (0..70).step_by(7).enumerate() {
        let byte = *bytes.get(at).ok_or_else(cut_off)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let number = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
            return Ok((number, at + 1));
        }
    }
    Err(DataError::data("A long has more than 10 bytes"))
}

fn cut_off() -> DataError {
    DataError::data("The bytes end in the middle of the record")
}

fn length_of(length: i64) -> DataError {
    DataError::data(format!("A length is {length}"))
}

pub(super) fn no_member() -> DataError {
    DataError::data("Did not find matching union field for data")
}
