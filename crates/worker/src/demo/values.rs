//! The orders as values of records, in the format that was asked for.

use std::io;

use starrocks_kafka_testbed::produce::{Format, Producer};
use starrocks_kafka_testbed::schema_registry::{
    NewSchema, Options, RegistryError, SchemaRegistry, SchemaType,
};

use serde_json::Value;

use super::orders::{Order, RECORD};
use crate::cli::DemoFormat;

/// Characters in a line of a schema that is shown.
const LINE: usize = 100;

/// The subject of the values' schema.
const SUBJECT: &str = "orders-value";

/// The format's name where it has schemas.
fn with_schema(format: DemoFormat) -> Option<Format> {
    match format {
        DemoFormat::Json | DemoFormat::Csv => None,
        DemoFormat::Avro => Some(Format::Avro),
        DemoFormat::Protobuf => Some(Format::Protobuf),
        DemoFormat::JsonSchema => Some(Format::JsonSchema),
    }
}

/// A Schema Registry that knows the orders' schema.
pub(super) struct Registry {
    registry: SchemaRegistry,
    producer: Producer,
}

impl Registry {
    /// Starts one where the format needs it.
    pub(super) fn start(format: DemoFormat) -> Result<Option<Self>, RegistryError> {
        let Some(format) = with_schema(format) else {
            return Ok(None);
        };
        let registry = SchemaRegistry::start(Options::default())?;
        let producer = Producer::register(&registry, SUBJECT, format, &RECORD)?;
        Ok(Some(Self { registry, producer }))
    }

    pub(super) fn url(&self) -> String {
        self.registry.url()
    }

    /// What the schema is called, and its text.
    pub(super) fn schema(&self) -> Option<(String, String)> {
        let (registered, schema) = self.registry.latest(SUBJECT)?;
        let name = format!(
            "{SUBJECT}, version {}, id {}",
            registered.version, registered.id
        );
        Some((name, readable(&schema)))
    }
}

/// A schema for people: JSON on several lines.
fn readable(schema: &NewSchema) -> String {
    let json = match schema.schema_type {
        SchemaType::Protobuf => None,
        SchemaType::Avro | SchemaType::Json => serde_json::from_str(&schema.schema).ok(),
    };
    let Some(json) = json else {
        return schema.schema.clone();
    };
    let mut out = String::new();
    write_readable(&json, "", &mut out);
    out
}

/// What has no place in a line is broken into its members.
fn write_readable(json: &Value, indent: &str, out: &mut String) {
    let line = json.to_string();
    let members: Vec<(String, &Value)> = match json {
        _ if indent.len() + line.len() <= LINE => Vec::new(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (format!("{}: ", Value::from(name.as_str())), value))
                .collect()
        }
        Value::Array(items) => items.iter().map(|item| (String::new(), item)).collect(),
        _ => Vec::new(),
    };
    if members.is_empty() {
        out.push_str(&line);
        return;
    }
    let (open, close) = if json.is_object() {
        ('{', '}')
    } else {
        ('[', ']')
    };
    let inner = format!("{indent}  ");
    out.push(open);
    for (at, (name, value)) in members.iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&inner);
        out.push_str(name);
        write_readable(value, &inner, out);
    }
    out.push('\n');
    out.push_str(indent);
    out.push(close);
}

/// Writes orders.
#[derive(Clone, Copy)]
pub(super) enum Values {
    Json,
    Csv,
    WithSchema(Producer),
}

impl Values {
    pub(super) fn new(format: DemoFormat, registry: Option<&Registry>) -> Self {
        match (format, registry) {
            (_, Some(registry)) => Self::WithSchema(registry.producer),
            (DemoFormat::Csv, None) => Self::Csv,
            (_, None) => Self::Json,
        }
    }

    /// Puts an order in place of what `out` held.
    pub(super) fn write(self, id: u64, out: &mut Vec<u8>) -> io::Result<()> {
        let order = Order::of(id);
        out.clear();
        match self {
            Self::Json => order.write_json(out),
            Self::Csv => order.write_csv(out),
            Self::WithSchema(producer) => {
                producer.write(&order.datum(), out);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_shown_in_lines() {
        let check = |json: &str, expect: &str| {
            let mut out = String::new();
            let json = serde_json::from_str(json).expect("it is JSON");
            write_readable(&json, "", &mut out);
            assert_eq!(out, expect);
        };
        let long = "x".repeat(LINE);
        check(r#"{"a": [1, 2]}"#, r#"{"a":[1,2]}"#);
        check(
            &format!(r#"{{"a": 1, "b": ["{long}", [2]]}}"#),
            &format!("{{\n  \"a\": 1,\n  \"b\": [\n    \"{long}\",\n    [2]\n  ]\n}}"),
        );
    }

    #[test]
    fn values_begin_as_their_format_does() {
        let check = |format: DemoFormat, begins: &[u8], schema: &str| {
            let registry = Registry::start(format).expect("it starts");
            let values = Values::new(format, registry.as_ref());
            let mut out = b"what stood there".to_vec();
            values.write(1, &mut out).expect("memory takes text");
            assert!(out.starts_with(begins), "{format:?}: {out:?}");
            let told = registry.and_then(|registry| registry.schema());
            let told = told
                .map(|(name, text)| format!("{name}\n{text}"))
                .unwrap_or_default();
            assert!(told.starts_with(schema), "{told}");
            assert_eq!(told.is_empty(), schema.is_empty());
        };
        check(DemoFormat::Json, br#"{"id":1,"customer""#, "");
        check(DemoFormat::Csv, b"1|Fatima Haddad|", "");
        let name = "orders-value, version 1, id 1\n";
        let avro = format!("{name}{{\n  \"");
        check(DemoFormat::Avro, b"\0\0\0\0\x01\x02\x1aFatima", &avro);
        let protobuf = format!("{name}syntax = \"proto3\";\npackage shop;\n\nmessage Order {{\n");
        check(
            DemoFormat::Protobuf,
            b"\0\0\0\0\x01\0\x08\x01\x12\x0dFatima",
            &protobuf,
        );
        check(DemoFormat::JsonSchema, b"\0\0\0\0\x01{\"id\":1,", &avro);
    }
}
