//! StarRocks' `AddOpFieldForDebeziumRecord`: the row in an envelope gets `__op`, by which StarRocks upserts or deletes.
//!
//! It stands in front of Debezium's `ExtractNewRecordState`, behind which nothing tells what happened. Snapshot reads get no
//! `__op`, as in Java: StarRocks takes that for an upsert.

use super::envelope::{self, AFTER, BEFORE, Envelope};
use super::fields::{self, LastSchema};
use crate::data::{Field, Record, Schema, SchemaAndValue, SchemaType, Struct, Value};
use crate::error::DataError;
use std::sync::Arc;

const OP_COLUMN: &str = "__op";
const UPSERT: i32 = 0;
const DELETE: i32 = 1;

#[derive(Clone, Debug, Default)]
pub(super) struct AddOpField {
    /// What became of the last schema, by the image that was changed.
    upserts: LastSchema,
    deletes: LastSchema,
}

impl AddOpField {
    pub(super) fn apply(&mut self, record: &mut Record<'_>) {
        let data = &record.value;
        if !envelope::is_envelope(data.schema.as_ref()) {
            return;
        }
        let Value::Struct(structure) = &data.value else {
            return;
        };
        let (image, op, last) = match op_of(structure) {
            Some("c" | "u") => (AFTER, UPSERT, &mut self.upserts),
            Some("d") => (BEFORE, DELETE, &mut self.deletes),
            _ => return,
        };
        let schema = Arc::clone(structure.schema());
        let Some(at) = fields::place(&schema, image) else {
            return;
        };
        if !matches!(structure.values()[at], Value::Struct(_)) {
            return;
        }
        // What Java's class cannot do it leaves as it is, whatever the reason.
        let Ok(made) = last.get(&schema, || with_op_field(&schema, at)) else {
            return;
        };
        let Ok(envelope) = Envelope::take(&mut record.value) else {
            return;
        };
        let value = Value::Struct(with_op(envelope, &made, at, op));
        record.value = SchemaAndValue::new(made, value);
    }
}

/// The schema of the envelope with the field in one of its images.
fn with_op_field(schema: &Schema, at: usize) -> Result<Schema, DataError> {
    let mut all: Vec<Field> = schema.fields().to_vec();
    let row = &schema.fields()[at].schema;
    let mut of_row = row.fields().to_vec();
    of_row.push(fields::field(OP_COLUMN, Schema::of(SchemaType::Int32)));
    all[at].schema = Arc::new(row.with_fields(of_row)?);
    schema.with_fields(all)
}

fn op_of<'s>(structure: &'s Struct<'_>) -> Option<&'s str> {
    envelope::text(structure, envelope::OP).ok().flatten()
}

fn with_op<'k>(envelope: Envelope<'k>, made: &Arc<Schema>, at: usize, op: i32) -> Struct<'k> {
    let Envelope { schema, mut values } = envelope;
    let image = std::mem::replace(&mut values[at], Value::Null);
    if let Value::Struct(row) = image {
        let row_schema = Arc::clone(&schema.fields()[at].schema);
        let own = row_schema.fields().iter().zip(row.into_values());
        let own = own.map(|(field, value)| fields::or_default(value, &field.schema, true));
        let row_values = own.chain([Value::Int32(op)]).collect();
        let made_row = Arc::clone(&made.fields()[at].schema);
        values[at] = Value::Struct(Struct::new(made_row, row_values));
    }
    Struct::new(Arc::clone(made), values)
}
