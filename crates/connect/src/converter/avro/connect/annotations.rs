//! What Connect's own annotations say of a type.

use super::super::defaults;
use super::super::schema::Type;
use super::{AVRO, Connecting, Place, name_of};
use crate::data::Schema;
use crate::error::{DataError, ErrorClass};
use serde_json::Value as Json;

impl Connecting<'_> {
    /// Adds what Connect's annotations and the place say: documentation, version, parameters, default, name.
    pub(super) fn describe(
        &self,
        of: &Type,
        mut schema: Schema,
        place: Place<'_>,
    ) -> Result<Schema, DataError> {
        self.document(of, &mut schema, place.doc);
        set_version(of, &mut schema, place.version)?;
        if self.options.connect_metadata {
            add_parameters(of, &mut schema)?;
        }
        let of_avro = of.properties().iter();
        for (name, value) in of_avro.filter(|(name, _)| name.starts_with("avro")) {
            schema
                .parameters
                .insert(name.clone(), as_java_prints(value));
        }
        self.set_default(of, &mut schema, place.default)?;
        if let Some(name) = name_of(of)? {
            let is_annotated = of.properties().contains_key("connect.name");
            match schema.name() {
                // A record or fixed has a name of its own, which its logical type takes the place of.
                Some(_) if !is_annotated => {}
                Some(implied) if implied != name => {
                    return Err(DataError::data(format!(
                        "Mismatched names: it is called {implied} by its logical type, and {name} by connect.name"
                    )));
                }
                Some(_) => {}
                None => schema = schema.named(&name),
            }
        }
        schema.optional |= place.optional;
        Ok(schema)
    }

    fn document(&self, of: &Type, schema: &mut Schema, doc_of_field: Option<&str>) {
        let of_connect = of.text("connect.doc");
        let doc = if self.options.discard_docs {
            if let Some(doc) = of.doc.as_ref().filter(|_| self.options.connect_metadata) {
                let parameters = &mut schema.parameters;
                parameters.insert("connect.record.doc".to_owned(), doc.clone());
            }
            doc_of_field.or(of.doc.as_deref()).or(of_connect)
        } else {
            of_connect.filter(|_| self.options.connect_metadata)
        };
        schema.doc = doc.map(str::to_owned);
    }

    /// Sets the default of the field, else that of `connect.default`. One that does not fit is passed over, as in
    /// Java, where that is only logged.
    fn set_default(
        &self,
        of: &Type,
        schema: &mut Schema,
        of_field: Option<&Json>,
    ) -> Result<(), DataError> {
        let annotated = of.properties().get("connect.default");
        let of_field = of_field.filter(|json| defaults::is_one(self.types, of, json));
        let found = match (of_field, annotated) {
            (None, None) => return Ok(()),
            (Some(json), _) => {
                let options = self.options;
                if !options.discard_docs && options.connect_metadata && annotated.is_none() {
                    let parameter = format!("{AVRO}.field.default");
                    schema.parameters.insert(parameter, "true".to_owned());
                }
                defaults::of_field(self.types, of, schema, json)
            }
            (None, Some(json)) => defaults::annotated(self.types, self.options, of, schema, json),
        };
        match found {
            Ok(value) => schema.default = value,
            Err(error) if matches!(error.class, ErrorClass::Data | ErrorClass::SchemaBuilder) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// A number as Java's `intValue` gives it.
pub(super) fn low_32_bits(json: &Json) -> Option<i32> {
    let number = json.as_number()?;
    match number.as_i64() {
        #[expect(clippy::cast_possible_truncation, reason = "as Java cuts it")]
        Some(whole) => Some(whole as i32),
        #[expect(clippy::cast_possible_truncation, reason = "as Java cuts it")]
        None => number.as_f64().map(|number| number as i32),
    }
}

fn set_version(of: &Type, schema: &mut Schema, registered: Option<i32>) -> Result<(), DataError> {
    let version = match of.properties().get("connect.version") {
        Some(json) => Some(
            low_32_bits(json)
                .ok_or_else(|| DataError::data(format!("connect.version is no number: {json}")))?,
        ),
        None => registered,
    };
    let Some(version) = version.filter(|version| *version >= 0) else {
        return Ok(());
    };
    match schema.version {
        Some(implied) if implied != version => Err(DataError::data(format!(
            "Mismatched versions: it has version {implied} by its logical type, and version {version} by connect.version or \
             in the registry"
        ))),
        _ => {
            schema.version = Some(version);
            Ok(())
        }
    }
}

fn add_parameters(of: &Type, schema: &mut Schema) -> Result<(), DataError> {
    let Some(json) = of.properties().get("connect.parameters") else {
        return Ok(());
    };
    let object = json
        .as_object()
        .ok_or_else(|| DataError::data(format!("connect.parameters is no object: {json}")))?;
    for (name, value) in object {
        let text = value.as_str().ok_or_else(|| {
            DataError::data(format!(
                "The parameter {name} in connect.parameters is no text: {value}"
            ))
        })?;
        schema.parameters.insert(name.clone(), text.to_owned());
    }
    Ok(())
}

/// As Java prints what JSON became: texts bare, lists and maps in its own way.
fn as_java_prints(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(as_java_prints).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(members) => {
            let members = members.iter();
            let members: Vec<_> = members
                .map(|(name, value)| format!("{name}={}", as_java_prints(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}
