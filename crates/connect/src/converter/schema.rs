//! Schemas as messages write them, each read once.

use super::payload;
use crate::data::{Field, Schema, SchemaType, validate};
use crate::error::DataError;
use crate::json::{Json, Number};
use std::collections::HashMap;
use std::sync::Arc;

/// A schema as it stands in a message.
pub(super) enum SchemaSource<'k> {
    /// The one used last.
    Known(Arc<Schema>),
    /// Another, with its text.
    Read { text: &'k str, json: Json<'k> },
}

/// Schemas by the text they were read from. Of too many, the one unused for longest is dropped.
#[derive(Debug)]
pub(super) struct SchemaCache {
    capacity: usize,
    replace_null_with_default: bool,
    uses: u64,
    by_text: HashMap<Arc<str>, Entry>,
    last: Option<(Arc<str>, Arc<Schema>)>,
}

#[derive(Debug)]
struct Entry {
    schema: Arc<Schema>,
    used: u64,
}

impl SchemaCache {
    pub(super) fn new(capacity: usize, replace_null_with_default: bool) -> Self {
        Self {
            capacity,
            replace_null_with_default,
            uses: 0,
            by_text: HashMap::new(),
            last: None,
        }
    }

    /// The schema used last, and how long its text is, where `text` begins with it.
    pub(super) fn last_used(&self, text: &str) -> Option<(usize, Arc<Schema>)> {
        let (known, schema) = self.last.as_ref()?;
        text.starts_with(known.as_ref())
            .then(|| (known.len(), schema.clone()))
    }

    /// The schema, `None` where it is `null`.
    pub(super) fn resolve(
        &mut self,
        source: SchemaSource<'_>,
    ) -> Result<Option<Arc<Schema>>, DataError> {
        let (text, json) = match source {
            SchemaSource::Known(schema) => return Ok(Some(schema)),
            SchemaSource::Read {
                json: Json::Null, ..
            } => return Ok(None),
            SchemaSource::Read { text, json } => (text, json),
        };
        self.uses += 1;
        if let Some((text, entry)) = self.by_text.get_key_value(text) {
            let (text, schema) = (text.clone(), entry.schema.clone());
            self.by_text.insert(
                text.clone(),
                Entry {
                    schema: schema.clone(),
                    used: self.uses,
                },
            );
            self.last = Some((text, schema.clone()));
            return Ok(Some(schema));
        }
        let schema = Arc::new(read(&json, self.replace_null_with_default)?);
        if self.capacity > 0 {
            if self.by_text.len() >= self.capacity {
                let oldest = self.by_text.iter().min_by_key(|(_, entry)| entry.used);
                if let Some(oldest) = oldest.map(|(text, _)| text.clone()) {
                    self.by_text.remove(&oldest);
                }
            }
            let text: Arc<str> = text.into();
            self.by_text.insert(
                text.clone(),
                Entry {
                    schema: schema.clone(),
                    used: self.uses,
                },
            );
            self.last = Some((text, schema.clone()));
        }
        Ok(Some(schema))
    }
}

/// Java's `JsonConverter.asConnectSchema`.
pub(super) fn read(json: &Json<'_>, replace_null_with_default: bool) -> Result<Schema, DataError> {
    let inner = |name: &str, missing: &str| match json.get(name) {
        None | Some(Json::Null) => Err(DataError::data(missing)),
        Some(json) => read(json, replace_null_with_default).map(Arc::new),
    };
    let type_name = json
        .get("type")
        .and_then(Json::as_str)
        .ok_or_else(|| DataError::data("Schema must contain 'type' field"))?;
    let mut schema = match type_name {
        "boolean" => Schema::new(SchemaType::Boolean),
        "int8" => Schema::new(SchemaType::Int8),
        "int16" => Schema::new(SchemaType::Int16),
        "int32" => Schema::new(SchemaType::Int32),
        "int64" => Schema::new(SchemaType::Int64),
        "float" => Schema::new(SchemaType::Float32),
        "double" => Schema::new(SchemaType::Float64),
        "bytes" => Schema::new(SchemaType::Bytes),
        "string" => Schema::new(SchemaType::String),
        "array" => Schema::new(SchemaType::Array(Some(inner(
            "items",
            "Array schema did not specify the element type",
        )?))),
        "map" => Schema::new(SchemaType::Map(
            Some(inner("keys", "Map schema did not specify the key type")?),
            Some(inner(
                "values",
                "Map schema did not specify the value type",
            )?),
        )),
        "struct" => Schema::structure(fields(json, replace_null_with_default)?)?,
        other => return Err(DataError::data(format!("Unknown schema type: {other}"))),
    };
    schema.optional = matches!(json.get("optional"), Some(Json::Boolean(true)));
    if let Some(name) = json.get("name").and_then(Json::as_str) {
        schema = schema.named(name);
    }
    if let Some(Json::Number(version)) = json.get("version") {
        schema.version = version_number(*version);
    }
    schema.doc = json.get("doc").and_then(Json::as_str).map(str::to_owned);
    parameters(&mut schema, json)?;
    default(&mut schema, json, replace_null_with_default)?;
    Ok(schema)
}

fn fields(json: &Json<'_>, replace_null_with_default: bool) -> Result<Vec<Field>, DataError> {
    let Some(Json::Array(fields)) = json.get("fields") else {
        return Err(DataError::data(
            "Struct schema's \"fields\" argument is not an array.",
        ));
    };
    fields
        .iter()
        .map(|field| {
            let name = field.get("field").and_then(Json::as_str).ok_or_else(|| {
                DataError::data("Struct schema's field name not specified properly")
            })?;
            let schema = Arc::new(read(field, replace_null_with_default)?);
            Ok(Field {
                name: name.into(),
                schema,
            })
        })
        .collect()
}

/// Java's `intValue` of an integral number: its low 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "Java keeps the low bits")]
fn version_number(version: Number<'_>) -> Option<i32> {
    version.as_i64().map(|number| number as i32)
}

fn parameters(schema: &mut Schema, json: &Json<'_>) -> Result<(), DataError> {
    if let Some(Json::Object(parameters)) = json.get("parameters") {
        for (name, value) in parameters {
            let value = value
                .as_str()
                .ok_or_else(|| DataError::data("Schema parameters must have string values."))?;
            schema.parameters.insert(name.to_string(), value.to_owned());
        }
    }
    Ok(())
}

fn default(
    schema: &mut Schema,
    json: &Json<'_>,
    replace_null_with_default: bool,
) -> Result<(), DataError> {
    let Some(json) = json.get("default") else {
        return Ok(());
    };
    if !matches!(json, Json::Null) && matches!(schema.kind(), SchemaType::Struct(_)) {
        // Java compares the schema that is being built with the struct's, and finds them different.
        return Err(DataError::schema(
            "Invalid default value: a struct cannot have one",
        ));
    }
    let target = Arc::new(schema.clone());
    let value = payload::with_schema(&target, json.clone(), replace_null_with_default)?;
    validate("default", schema, &value)
        .map_err(|error| DataError::schema(format!("Invalid default value: {error}")))?;
    schema.default = (!value.is_null()).then(|| value.into_owned());
    Ok(())
}
