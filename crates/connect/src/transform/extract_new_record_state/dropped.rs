//! `drop.fields.*`: a header lists fields to leave out.

use super::super::Side;
use super::super::replace_field::ReplaceField;
use crate::config::{Config, ConfigKey, Kind};
use crate::data::{Record, Schema, SchemaType, Value};
use crate::error::{DataError, ErrorClass};

const HEADER: &str = "drop.fields.header.name";
const FROM_KEY: &str = "drop.fields.from.key";
const COMPATIBLE: &str = "drop.fields.keep.schema.compatible";

pub(super) const KEYS: &[ConfigKey] = &[
    ConfigKey::new(HEADER, Kind::String)
        .default("")
        .doc("The header that lists fields to leave out."),
    ConfigKey::new(FROM_KEY, Kind::Boolean)
        .default("false")
        .doc("Whether they are left out of the key, too."),
    ConfigKey::new(COMPATIBLE, Kind::Boolean)
        .default("true")
        .doc("Whether only optional ones are left out."),
];

#[derive(Clone, Debug)]
pub(super) struct DropFields {
    header: String,
    from_key: bool,
    only_optional: bool,
    /// What was left out of the last key.
    key: Option<(Vec<String>, ReplaceField)>,
}

impl DropFields {
    /// Of a configuration with [`KEYS`]; the header's name as it is written. `None` where there is none.
    pub(super) fn new(config: &Config, header: Option<&String>) -> Option<Self> {
        let header = header.filter(|name| !name.trim().is_empty())?;
        Some(Self {
            header: header.clone(),
            from_key: config.boolean(FROM_KEY) == Some(true),
            only_optional: config.boolean(COMPATIBLE) == Some(true),
            key: None,
        })
    }

    /// The names that the record's header lists, none where it has no such header. Copied: they are looked up in the schemas
    /// kept, and few records have them.
    pub(super) fn names(&self, record: &Record<'_>) -> Result<Vec<String>, DataError> {
        let mut headers = record.headers.iter();
        let found = headers.find(|(name, _)| *name == self.header);
        let listed = match found.map(|(_, header)| &header.value) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(listed)) => listed,
            Some(other) => {
                let message = format!(
                    "the header {} is no list of fields but a {}",
                    self.header,
                    other.java_class()
                );
                return Err(DataError::of(ErrorClass::ClassCast, message));
            }
        };
        let texts = listed.iter().filter_map(|one| match one {
            Value::String(text) => Some(&**text),
            _ => None,
        });
        Ok(if self.only_optional {
            texts.map(str::to_owned).collect()
        } else {
            // Debezium hands them on as a setting, a list with commas between.
            let names = texts.flat_map(|text| text.split(','));
            names.map(|name| name.trim().to_owned()).collect()
        })
    }

    /// Whether a field may go where it is listed.
    pub(super) fn may_drop(&self, schema: &Schema) -> bool {
        schema.optional || !self.only_optional
    }

    /// Leaves fields out of the key, where that is wanted.
    pub(super) fn drop_from_key(
        &mut self,
        record: &mut Record<'_>,
        names: &[String],
    ) -> Result<(), DataError> {
        if !self.from_key || record.key.value.is_null() {
            return Ok(());
        }
        let dropped = if self.only_optional {
            let schema = record.key.schema.as_deref().ok_or_else(|| {
                let message =
                    format!("the key has no schema that tells which fields {FROM_KEY} may drop");
                DataError::of(ErrorClass::NullPointer, message)
            })?;
            let SchemaType::Struct(fields) = schema.kind() else {
                return Err(DataError::data("Cannot list fields on non-struct type"));
            };
            let optional = fields.iter().filter(|field| field.schema.optional);
            let listed = optional.filter(|field| names.iter().any(|name| **name == *field.name));
            listed.map(|field| field.name.to_string()).collect()
        } else {
            names.to_vec()
        };
        if dropped.is_empty() {
            return Ok(());
        }
        let last = self.key.take().filter(|(last, _)| *last == dropped);
        let (_, transform) = self.key.insert(last.unwrap_or_else(|| {
            let transform = ReplaceField::excluding(Side::Key, dropped.clone());
            (dropped, transform)
        }));
        transform.apply(record)
    }
}
