//! Schemas as messages write them, each read once.

use super::payload;
use crate::data::{Decimal, Field, FieldNames, Schema, SchemaType, Value, validate};
use crate::error::{DataError, ErrorClass};
use crate::json::{Json, Number};
use num_bigint::BigInt;
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
        let reader = Reader {
            replace_null_with_default: self.replace_null_with_default,
            depth: 0,
        };
        let schema = reader.read(&json)?;
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
#[derive(Clone, Copy)]
struct Reader {
    replace_null_with_default: bool,
    /// How many schemas the one stands in that is read now.
    depth: usize,
}

/// Schemas may stand this deep in one another: each level takes thread stack, here and wherever a value of
/// such a schema goes. JSON may be twice as deep.
const DEPTH_MAX: usize = 500;

impl Reader {
    /// Calls itself by way of [`kind`](Self::kind) before there is anything great on the stack.
    fn read(self, json: &Json<'_>) -> Result<Arc<Schema>, DataError> {
        let kind = self.kind(json)?;
        let schema = with_attributes(kind, json, self.replace_null_with_default)?;
        Ok(Arc::new(schema))
    }

    fn kind(self, json: &Json<'_>) -> Result<SchemaType, DataError> {
        let name = json.get("type").and_then(Json::as_str);
        Ok(match name {
            Some("boolean") => SchemaType::Boolean,
            Some("int8") => SchemaType::Int8,
            Some("int16") => SchemaType::Int16,
            Some("int32") => SchemaType::Int32,
            Some("int64") => SchemaType::Int64,
            Some("float") => SchemaType::Float32,
            Some("double") => SchemaType::Float64,
            Some("bytes") => SchemaType::Bytes,
            Some("string") => SchemaType::String,
            Some("array") => return self.array(json),
            Some("map") => return self.map(json),
            Some("struct") => return self.structure(json),
            other => return Err(no_type(other)),
        })
    }

    /// The schema inside another.
    fn inner(mut self, json: &Json<'_>) -> Result<Arc<Schema>, DataError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(too_deep());
        }
        self.read(json)
    }

    /// The schema inside another, `None` where it is `null`.
    fn nullable(self, json: &Json<'_>) -> Result<Option<Arc<Schema>>, DataError> {
        match json {
            Json::Null => Ok(None),
            json => self.inner(json).map(Some),
        }
    }

    fn array(self, json: &Json<'_>) -> Result<SchemaType, DataError> {
        let missing = || DataError::data("Array schema did not specify the element type");
        let element = json.get("items").ok_or_else(missing)?;
        let element = self.nullable(element)?.ok_or_else(missing)?;
        Ok(SchemaType::Array(Some(element)))
    }

    /// Java first looks whether both schemas are there, then reads them, then minds that one is null.
    fn map(self, json: &Json<'_>) -> Result<SchemaType, DataError> {
        let keys = member(json, "keys", "key")?;
        let values = member(json, "values", "value")?;
        let (keys, values) = (self.nullable(keys)?, self.nullable(values)?);
        match (&keys, &values) {
            (None, _) => Err(DataError::schema("keySchema cannot be null.")),
            (_, None) => Err(DataError::schema("valueSchema cannot be null.")),
            _ => Ok(SchemaType::Map(keys, values)),
        }
    }

    fn structure(self, json: &Json<'_>) -> Result<SchemaType, DataError> {
        let Some(Json::Array(members)) = json.get("fields") else {
            return Err(DataError::data(
                "Struct schema's \"fields\" argument is not an array.",
            ));
        };
        let mut names = FieldNames::default();
        let mut fields = Vec::with_capacity(members.len());
        for field in members {
            let name = field.get("field").and_then(Json::as_str).ok_or_else(|| {
                DataError::data("Struct schema's field name not specified properly")
            })?;
            let schema = self.inner(field)?;
            let name = name.into();
            names.add(&name)?;
            fields.push(Field { name, schema });
        }
        Ok(SchemaType::Struct(fields))
    }
}

fn no_type(name: Option<&str>) -> DataError {
    DataError::data(match name {
        None => "Schema must contain 'type' field".to_owned(),
        Some(name) => format!("Unknown schema type: {}", payload::shortened(name)),
    })
}

fn too_deep() -> DataError {
    DataError::data(format!(
        "More than {DEPTH_MAX} schemas stand in one another"
    ))
}

fn member<'j, 'k>(json: &'j Json<'k>, name: &str, what: &str) -> Result<&'j Json<'k>, DataError> {
    json.get(name)
        .ok_or_else(|| DataError::data(format!("Map schema did not specify the {what} type")))
}

fn with_attributes(
    kind: SchemaType,
    json: &Json<'_>,
    replace_null_with_default: bool,
) -> Result<Schema, DataError> {
    let mut schema = Schema::new(kind);
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

/// Java's `intValue` of an integral number: its low 32 bits.
fn version_number(version: Number<'_>) -> Option<i32> {
    let exact = Decimal::parse(version.text()).filter(|_| version.is_integral())?;
    let low_bits = u32::try_from(exact.unscaled & BigInt::from(u32::MAX)).ok()?;
    Some(low_bits.cast_signed())
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
    let target = Arc::new(schema.clone());
    let value = payload::with_schema(&target, json.clone(), replace_null_with_default)?;
    if matches!(value, Value::Struct(_)) {
        // Java compares the schema that is being built with the struct's, and finds them different.
        return Err(DataError::schema(
            "Invalid default value: a struct cannot have one",
        ));
    }
    validate("default", schema, &value).map_err(|error| match error.class {
        ErrorClass::Data => DataError::schema(format!("Invalid default value: {error}")),
        _ => error,
    })?;
    schema.default = (!value.is_null()).then(|| value.into_owned());
    Ok(())
}
