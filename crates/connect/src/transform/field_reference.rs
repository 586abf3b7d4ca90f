//! `add.fields` and `add.headers` of Debezium's `ExtractNewRecordState`: `[struct.]field[:new name]`.

use super::envelope::{Envelope, OP};
use super::fields;
use crate::data::{Schema, SchemaType, Value};
use crate::error::{DataError, ErrorClass};
use std::sync::Arc;

const SOURCE: &str = "source";
const TRANSACTION: &str = "transaction";
/// Of MongoDB's envelopes.
const UPDATE: &str = "updateDescription";

/// Fields of the envelope itself.
const OF_ENVELOPE: [&str; 4] = [OP, "ts_ms", "ts_us", "ts_ns"];
/// Fields of the envelope's transaction.
const OF_TRANSACTION: [&str; 3] = ["id", "total_order", "data_collection_order"];

/// A field of an envelope, and what it is called elsewhere.
#[derive(Clone, Debug)]
pub(super) struct FieldReference {
    /// Where the field is looked for before the envelope itself; `None` for the envelope alone.
    structure: Option<String>,
    field: String,
    pub(super) new_name: String,
}

impl FieldReference {
    /// Reads a reference; `prefix` stands in front of the new name.
    ///
    /// # Errors
    /// No field, or more than one new name.
    pub(super) fn parse(prefix: &str, text: &str) -> Result<Self, String> {
        let refuse = || format!("Unexpected field name: {text}");
        let (name, new_name) = match split(text, ':')[..] {
            [name] => (name, None),
            [name, new_name] => (name, Some(new_name)),
            _ => return Err(refuse()),
        };
        // What stands deeper does not count.
        let (structure, field, own_name) = match split(name, '.')[..] {
            [] => return Err(refuse()),
            [field] => (structure_of(field), field, field.to_owned()),
            [structure, field, ..] => (Some(structure), field, format!("{structure}_{field}")),
        };
        Ok(Self {
            structure: structure.map(str::to_owned),
            field: field.to_owned(),
            new_name: format!("{prefix}{}", new_name.unwrap_or(&own_name)),
        })
    }

    /// Whether it is what happened to the row.
    pub(super) fn is_op(&self) -> bool {
        self.field == OP
    }

    /// The field's schema, with null as a value; `None` where the envelope has no such field.
    ///
    /// # Errors
    /// The envelope has no such struct.
    pub(super) fn schema(&self, envelope: &Schema) -> Result<Option<Arc<Schema>>, DataError> {
        let parent = match &self.structure {
            None => envelope,
            Some(name) => {
                let at = fields::place(envelope, name).ok_or_else(|| {
                    let message = format!("the envelope has no field {name}");
                    DataError::of(ErrorClass::NullPointer, message)
                })?;
                &envelope.fields()[at].schema
            }
        };
        if !matches!(parent.kind(), SchemaType::Struct(_)) {
            return Err(DataError::data("Cannot look up fields on non-struct type"));
        }
        let found = [parent, envelope].into_iter().find_map(|schema| {
            let at = fields::place(schema, &self.field)?;
            Some(Arc::new(basics(&schema.fields()[at].schema)))
        });
        Ok(found)
    }

    /// The field's value; null where the struct that should have it is null.
    pub(super) fn value<'k>(&self, envelope: &Envelope<'k>) -> Value<'k> {
        let of_struct = match &self.structure {
            None => None,
            Some(name) => match envelope.value(name) {
                Some(Value::Struct(structure)) => fields::place(structure.schema(), &self.field)
                    .and_then(|at| structure.values().get(at)),
                _ => return Value::Null,
            },
        };
        let value = of_struct.or_else(|| envelope.value(&self.field));
        // Copied: a field of the envelope may be added more than once. Texts mostly borrow from the payload.
        value.map_or(Value::Null, Value::clone)
    }
}

/// The parts of a text as `String.split` has them, which gives no empty ones at the end.
fn split(text: &str, separator: char) -> Vec<&str> {
    match text.trim_end_matches(separator) {
        "" if !text.is_empty() => Vec::new(),
        kept => kept.split(separator).collect(),
    }
}

/// Where a field is that is named alone.
fn structure_of(field: &str) -> Option<&'static str> {
    match field {
        _ if OF_ENVELOPE.contains(&field) => None,
        _ if OF_TRANSACTION.contains(&field) => Some(TRANSACTION),
        UPDATE => Some(UPDATE),
        _ => Some(SOURCE),
    }
}

/// What Connect copies of a schema: no default, and nothing of what is inside but of arrays.
fn basics(schema: &Schema) -> Schema {
    let mut copy = Schema::new(match schema.kind() {
        SchemaType::Struct(_) => SchemaType::Struct(Vec::new()),
        SchemaType::Map(..) => SchemaType::Map(None, None),
        other => other.clone(),
    });
    if let Some(name) = schema.name() {
        copy = copy.named(name);
    }
    copy.version = schema.version;
    copy.doc.clone_from(&schema.doc);
    copy.parameters.clone_from(&schema.parameters);
    copy.optional()
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
        check("ts_ns", Ok((None, "ts_ns", "__ts_ns")));
        check("table", Ok((Some("source"), "table", "__table")));
        check("before", Ok((Some("source"), "before", "__before")));
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
        check("op.", Ok((None, "op", "__op")));
        check(".op", Ok((Some(""), "op", "___op")));
        check(":x", Ok((Some("source"), "", "__x")));
        check("", Ok((Some("source"), "", "__")));
        check("op:a:b", Err("Unexpected field name: op:a:b"));
        check(":", Err("Unexpected field name: :"));
        check("..", Err("Unexpected field name: .."));
        check(".:x", Err("Unexpected field name: .:x"));
    }
}
