//! `HoistField`: the key or value becomes the only field of a struct or a map.

use super::Side;
use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Field, Record, Schema, SchemaAndValue, Struct, Value, validate};
use crate::error::DataError;
use std::borrow::Cow;
use std::sync::Arc;

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[ConfigKey::new("field", Kind::String).doc("The name of the field.")]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct HoistField {
    side: Side,
    field: Arc<str>,
    /// The schema of the last record, and what became of it: records of one schema mostly come one after the other.
    last: Option<(Arc<Schema>, Arc<Schema>)>,
}

impl HoistField {
    pub(super) fn new(side: Side, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        Ok(Self {
            side,
            field: config.string("field").unwrap_or_default().into(),
            last: None,
        })
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<(), DataError> {
        let data = self.side.of(record);
        let value = std::mem::replace(&mut data.value, Value::Null);
        *data = match data.schema.take() {
            Some(schema) => {
                let outer = self.outer(&schema)?;
                // What a transform in front of this one made of it may not be what its schema says.
                validate(&self.field, &schema, &value)?;
                let value = Value::Struct(Struct::new(Arc::clone(&outer), vec![value]));
                SchemaAndValue::new(outer, value)
            }
            None => {
                // Copied for each record, which may outlive the transform.
                let name = Value::String(Cow::Owned(self.field.to_string()));
                SchemaAndValue::schemaless(Value::Map(vec![(name, value)]))
            }
        };
        Ok(())
    }

    fn outer(&mut self, inner: &Arc<Schema>) -> Result<Arc<Schema>, DataError> {
        if let Some((last, outer)) = &self.last
            && Arc::ptr_eq(last, inner)
        {
            return Ok(Arc::clone(outer));
        }
        let field = Field {
            name: Arc::clone(&self.field),
            schema: Arc::clone(inner),
        };
        let outer = Arc::new(Schema::structure(vec![field])?);
        self.last = Some((Arc::clone(inner), Arc::clone(&outer)));
        Ok(outer)
    }
}
