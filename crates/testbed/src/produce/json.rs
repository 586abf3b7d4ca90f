//! JSON, and the JSON Schema that Confluent's serializer would derive for it.

use serde_json::{Map, Value, json};

use super::datum::{Datum, Kind, Record, mismatch};

/// The schema, of draft 7.
pub(super) fn schema(record: &'static Record) -> String {
    let mut schema = Map::new();
    let draft = "http://json-schema.org/draft-07/schema#";
    schema.insert("$schema".to_owned(), draft.into());
    if let Value::Object(members) = told(Kind::Record(record)) {
        schema.extend(members);
    }
    Value::Object(schema).to_string()
}

/// A type, with the words by which Connect's converter tells numbers apart.
fn told(kind: Kind) -> Value {
    match kind {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Int => json!({"type": "integer", "connect.type": "int32"}),
        Kind::Long => json!({"type": "integer", "connect.type": "int64"}),
        Kind::Double => json!({"type": "number", "connect.type": "float64"}),
        Kind::Text => json!({"type": "string"}),
        Kind::Enum(name, symbols) => json!({"type": "string", "title": name, "enum": symbols}),
        Kind::Optional(kind) => json!({"oneOf": [{"type": "null"}, told(*kind)]}),
        Kind::List(kind) => json!({"type": "array", "items": told(*kind)}),
        Kind::Map(kind) => {
            json!({"type": "object", "connect.type": "map", "additionalProperties": told(*kind)})
        }
        Kind::Record(record) => {
            let (mut properties, mut required) = (Map::new(), Vec::new());
            for (index, field) in record.fields.iter().enumerate() {
                let mut property = told(field.kind);
                if let Value::Object(members) = &mut property {
                    members.insert("connect.index".to_owned(), index.into());
                    if let Some(default) = field.default {
                        let default = serde_json::from_str(default);
                        members.insert("default".to_owned(), default.expect("a default is JSON"));
                    }
                }
                if field.default.is_none() && !matches!(field.kind, Kind::Optional(_)) {
                    required.push(field.name);
                }
                properties.insert(field.name.to_owned(), property);
            }
            json!({"type": "object", "title": record.name, "additionalProperties": false,
                   "properties": properties, "required": required})
        }
    }
}

pub(super) fn write_record(record: &'static Record, datum: &Datum, out: &mut Vec<u8>) {
    let mut before = b'{';
    for (field, value) in datum.fields(record) {
        out.push(before);
        before = b',';
        write_text(field.name, out);
        out.push(b':');
        write(field.kind, value, out);
    }
    if before == b'{' {
        out.push(before);
    }
    out.push(b'}');
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // A Vec takes all bytes.
    let _always_ok = serde_json::to_writer(out, text);
}

fn write(kind: Kind, datum: &Datum, out: &mut Vec<u8>) {
    match (kind, datum) {
        (Kind::Bool, Datum::Bool(value)) => out.extend_from_slice(value.to_string().as_bytes()),
        (Kind::Int, Datum::Int(value)) => out.extend_from_slice(value.to_string().as_bytes()),
        (Kind::Long, Datum::Long(value)) => out.extend_from_slice(value.to_string().as_bytes()),
        (Kind::Double, Datum::Double(value)) => {
            let _always_ok = serde_json::to_writer(out, value);
        }
        (Kind::Text, Datum::Text(text)) => write_text(text, out),
        (Kind::Enum(_, symbols), Datum::Symbol(number)) => {
            write_text(symbols[usize::from(*number)], out);
        }
        (Kind::Optional(_), Datum::Null) => out.extend_from_slice(b"null"),
        (Kind::Optional(kind), datum) => write(*kind, datum, out),
        (Kind::List(kind), Datum::List(list)) => {
            out.push(b'[');
            for (at, datum) in list.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(*kind, datum, out);
            }
            out.push(b']');
        }
        (Kind::Map(kind), Datum::Map(entries)) => {
            out.push(b'{');
            for (at, (key, datum)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write(*kind, datum, out);
            }
            out.push(b'}');
        }
        (Kind::Record(record), datum) => write_record(record, datum, out),
        (kind, datum) => mismatch(kind, datum),
    }
}
