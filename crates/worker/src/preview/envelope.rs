//! Records with their schemas, as Kafka's JsonConverter writes them with `schemas.enable=true`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use starrocks_kafka_connect::data::{Record, Schema, SchemaAndValue, SchemaType, Value};

/// The record as an object of JSON.
pub(super) fn write(record: &Record<'_>) -> Box<RawValue> {
    let headers = list('[', ']', &record.headers, |(name, value)| {
        format!("[{},{}]", text(name), enveloped(value))
    });
    let timestamp = record
        .timestamp_ms
        .map_or_else(|| "null".to_owned(), |ms| ms.to_string());
    let json = format!(
        "{{\"topic\":{},\"partition\":{},\"timestamp\":{timestamp},\"key\":{},\"value\":{},\"headers\":{headers}}}",
        text(&record.topic),
        record.partition,
        enveloped(&record.key),
        enveloped(&record.value),
    );
    RawValue::from_string(json).expect("the text was put together as JSON")
}

fn enveloped(converted: &SchemaAndValue<'_>) -> String {
    let schema = converted.schema.as_deref();
    format!(
        "{{\"schema\":{},\"payload\":{}}}",
        schema.map_or_else(|| "null".to_owned(), |schema| schema_json(schema, None)),
        payload(schema, &converted.value)
    )
}

fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list<T>(
    open: char,
    close: char,
    items: impl IntoIterator<Item = T>,
    each: impl FnMut(T) -> String,
) -> String {
    let items: Vec<String> = items.into_iter().map(each).collect();
    format!("{open}{}{close}", items.join(","))
}

fn schema_json(schema: &Schema, field: Option<&str>) -> String {
    let mut members: BTreeMap<&str, String> = BTreeMap::new();
    let type_name = match schema.kind() {
        SchemaType::Float32 => "float".to_owned(),
        SchemaType::Float64 => "double".to_owned(),
        kind => kind.name().to_lowercase(),
    };
    members.insert("type", text(&type_name));
    members.insert("optional", schema.optional.to_string());
    match schema.kind() {
        SchemaType::Array(element) => {
            members.insert("items", inner_json(element.as_deref()));
        }
        SchemaType::Map(key, element) => {
            members.insert("keys", inner_json(key.as_deref()));
            members.insert("values", inner_json(element.as_deref()));
        }
        SchemaType::Struct(fields) => {
            let fields = list('[', ']', fields, |field| {
                schema_json(&field.schema, Some(&field.name))
            });
            members.insert("fields", fields);
        }
        _ => {}
    }
    if let Some(name) = schema.name() {
        members.insert("name", text(name));
    }
    if let Some(version) = schema.version {
        members.insert("version", version.to_string());
    }
    if let Some(doc) = &schema.doc {
        members.insert("doc", text(doc));
    }
    if !schema.parameters.is_empty() {
        let parameters = list('{', '}', &schema.parameters, |(name, value)| {
            format!("{}:{}", text(name), text(value))
        });
        members.insert("parameters", parameters);
    }
    if let Some(default) = &schema.default {
        members.insert("default", payload(Some(schema), default));
    }
    if let Some(field) = field {
        members.insert("field", text(field));
    }
    list('{', '}', members, |(name, json)| {
        format!("{}:{json}", text(name))
    })
}

fn inner_json(schema: Option<&Schema>) -> String {
    schema.map_or_else(|| "null".to_owned(), |schema| schema_json(schema, None))
}

fn payload(schema: Option<&Schema>, value: &Value<'_>) -> String {
    match (schema.map(Schema::kind), value) {
        (_, Value::Null) => match schema.and_then(|schema| schema.default.as_ref()) {
            Some(default) => payload(schema, default),
            None => "null".to_owned(),
        },
        (_, Value::Boolean(truth)) => truth.to_string(),
        (_, Value::Int8(number)) => number.to_string(),
        (_, Value::Int16(number)) => number.to_string(),
        (_, Value::Int32(number) | Value::Date(number) | Value::Time(number)) => number.to_string(),
        (_, Value::Int64(number) | Value::Timestamp(number)) => number.to_string(),
        (_, Value::Float32(number)) => float((*number).into(), number),
        (_, Value::Float64(number)) => float(*number, number),
        (None, Value::Decimal(number)) => number.to_string(),
        (Some(_), Value::Decimal(number)) => bytes(&number.unscaled.to_signed_bytes_be()),
        (_, Value::String(value)) => text(value),
        (_, Value::Bytes(value)) => bytes(value),
        (Some(SchemaType::Array(element)), Value::Array(values)) => {
            list('[', ']', values, |value| payload(element.as_deref(), value))
        }
        (_, Value::Array(values)) => list('[', ']', values, |value| payload(None, value)),
        (Some(SchemaType::Map(key, element)), Value::Map(entries)) => map(
            entries,
            key.as_deref(),
            element.as_deref(),
            key.as_ref()
                .is_none_or(|key| matches!(key.kind(), SchemaType::String)),
        ),
        (_, Value::Map(entries)) => {
            let are_texts = entries
                .iter()
                .all(|(key, _)| matches!(key, Value::String(_)));
            map(entries, None, None, are_texts)
        }
        (_, Value::Struct(structure)) => {
            let fields = structure.schema().fields().iter().zip(structure.values());
            list('{', '}', fields, |(field, value)| {
                format!(
                    "{}:{}",
                    text(&field.name),
                    payload(Some(&field.schema), value)
                )
            })
        }
    }
}

fn float(wide: f64, number: &impl std::fmt::Debug) -> String {
    if wide.is_finite() {
        return format!("{number:?}");
    }
    let name = if wide.is_nan() {
        "NaN"
    } else if wide > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    text(name)
}

fn bytes(bytes: &[u8]) -> String {
    text(&STANDARD.encode(bytes))
}

fn map(
    entries: &[(Value<'_>, Value<'_>)],
    key: Option<&Schema>,
    element: Option<&Schema>,
    is_object: bool,
) -> String {
    let pair = |(k, v): &(Value<'_>, Value<'_>)| (payload(key, k), payload(element, v));
    if is_object {
        return list('{', '}', entries.iter().map(pair), |(k, v)| {
            // A key that is null is called so.
            let name = if k == "null" { "\"null\"" } else { k.as_str() };
            format!("{name}:{v}")
        });
    }
    list('[', ']', entries.iter().map(pair), |(k, v)| {
        format!("[{k},{v}]")
    })
}
