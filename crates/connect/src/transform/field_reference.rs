//! `add.fields` and `add.headers` of Debezium's `ExtractNewRecordState`: `[struct.]field[:new name]`.

use super::envelope::{AFTER, BEFORE, Envelope, OP};
use super::fields;
use crate::data::{Schema, Struct, Value};
use crate::error::{DataError, ErrorClass};
use std::sync::Arc;

const SOURCE: &str = "source";
const TRANSACTION: &str = "transaction";

/// Fields of the envelope itself; of those without a struct, the others are of its source.
const OF_ENVELOPE: [&str; 8] = [
    OP,
    "ts_ms",
    "ts_us",
    "ts_ns",
    BEFORE,
    AFTER,
    SOURCE,
    TRANSACTION,
];
/// Fields of the envelope's transaction.
const OF_TRANSACTION: [&str; 3] = ["id", "total_order", "data_collection_order"];

/// A field of an envelope, and what it is called elsewhere.
#[derive(Clone, Debug)]
pub(super) struct FieldReference {
    /// `None` for a field of the envelope itself.
    structure: Option<String>,
    field: String,
    pub(super) new_name: String,
}

impl FieldReference {
    /// Reads a reference; `prefix` stands in front of the new name.
    ///
    /// # Errors
    /// More than one new name.
    pub(super) fn parse(prefix: &str, text: &str) -> Result<Self, String> {
        // As `String.split` has it, which gives no empty text at the end.
        let mut parts = text.trim_end_matches(':').split(':');
        let name = parts.next().unwrap_or_default();
        let new_name = parts.next();
        if parts.next().is_some() {
            return Err(format!("Unexpected field name: {text}"));
        }
        let mut path = name.trim_end_matches('.').split('.');
        let first = path.next().unwrap_or_default();
        let (structure, field, own_name) = match path.next() {
            Some(field) => (Some(first), field, format!("{first}_{field}")),
            None => (structure_of(first), first, first.to_owned()),
        };
        Ok(Self {
            structure: structure.map(str::to_owned),
            field: field.to_owned(),
            new_name: format!("{prefix}{}", new_name.unwrap_or(&own_name)),
        })
    }

    /// Whether it is what happened to the row.
    pub(super) fn is_op(&self) -> bool {
        self.structure.is_none() && self.field == OP
    }

    /// The field's schema, with null as a value; `None` where the envelope has no such field.
    ///
    /// # Errors
    /// The envelope has no such struct.
    pub(super) fn schema(&self, envelope: &Schema) -> Result<Option<Arc<Schema>>, DataError> {
        let schema = match &self.structure {
            None => envelope,
            Some(name) => {
                let at = fields::place(envelope, name).ok_or_else(|| {
                    let message = format!("the envelope has no field {name}");
                    DataError::of(ErrorClass::NullPointer, message)
                })?;
                &envelope.fields()[at].schema
            }
        };
        let found = fields::place(schema, &self.field).map(|at| {
            let own = &schema.fields()[at].schema;
            let mut copy = (**own).clone();
            copy.optional = true;
            copy.default = None;
            Arc::new(copy)
        });
        Ok(found)
    }

    /// The field's value.
    ///
    /// # Errors
    /// A struct: its schema is another one than that of the field that it would be put into.
    pub(super) fn value<'k>(&self, envelope: &Envelope<'k>) -> Result<Value<'k>, DataError> {
        let value = match &self.structure {
            None => envelope.field(&self.field).map(|(_, value)| value),
            Some(name) => match envelope.field(name) {
                Some((_, Value::Struct(structure))) => of_struct(structure, &self.field),
                _ => None,
            },
        };
        match value {
            Some(Value::Struct(_)) => Err(DataError::data("Struct schemas do not match.")),
            // Copied: a field of the envelope may be added more than once.
            Some(value) => Ok(value.clone()),
            None => Ok(Value::Null),
        }
    }
}

fn structure_of(field: &str) -> Option<&'static str> {
    if OF_ENVELOPE.contains(&field) {
        None
    } else if OF_TRANSACTION.contains(&field) {
        Some(TRANSACTION)
    } else {
        Some(SOURCE)
    }
}

fn of_struct<'s, 'k>(structure: &'s Struct<'k>, name: &str) -> Option<&'s Value<'k>> {
    let at = fields::place(structure.schema(), name)?;
    structure.values().get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart_as_by_debezium() {
        let check = |text: &str, expect: Result<(Option<&str>, &str, &str), &str>| {
            let parsed = FieldReference::parse("__", text);
            let shown = parsed.as_ref().map(|reference| {
                let structure = reference.structure.as_deref();
                (structure, &*reference.field, &*reference.new_name)
            });
            assert_eq!(shown.map_err(String::as_str), expect, "{text}");
        };
        check("op", Ok((None, "op", "__op")));
        check("table", Ok((Some("source"), "table", "__table")));
        check("id", Ok((Some("transaction"), "id", "__id")));
        check(
            "source.ts_ms",
            Ok((Some("source"), "ts_ms", "__source_ts_ms")),
        );
        check("source.table:TBL", Ok((Some("source"), "table", "__TBL")));
        check(
            "source.table.x",
            Ok((Some("source"), "table", "__source_table")),
        );
        check("op:", Ok((None, "op", "__op")));
        check(":x", Ok((Some("source"), "", "__x")));
        check("op:a:b", Err("Unexpected field name: op:a:b"));
    }
}
