//! Avro: the schema's JSON, and the binary encoding.

use serde_json::{Map, Value, json};

use super::datum::{Datum, Kind, NAMESPACE, Record, mismatch};
use super::frame::write_zigzag;

/// The schema as the registry keeps it.
pub(super) fn schema(record: &'static Record) -> String {
    let fields = fields(record, &mut vec![record.name]);
    json!({"type": "record", "name": record.name, "namespace": NAMESPACE, "fields": fields})
        .to_string()
}

fn fields(record: &'static Record, declared: &mut Vec<&'static str>) -> Vec<Value> {
    let mut fields = Vec::new();
    for field in record.fields {
        let mut members = Map::new();
        members.insert("name".to_owned(), field.name.into());
        members.insert("type".to_owned(), told(field.kind, declared));
        let null = matches!(field.kind, Kind::Optional(_)).then_some("null");
        if let Some(default) = field.default.or(null) {
            let default = serde_json::from_str(default);
            members.insert("default".to_owned(), default.expect("a default is JSON"));
        }
        fields.push(Value::Object(members));
    }
    fields
}

/// A type; what was declared before is told by its name.
fn told(kind: Kind, declared: &mut Vec<&'static str>) -> Value {
    match kind {
        Kind::Bool => json!("boolean"),
        Kind::Int => json!("int"),
        Kind::Long => json!("long"),
        Kind::Double => json!("double"),
        Kind::Text => json!("string"),
        Kind::Optional(kind) => json!(["null", told(*kind, declared)]),
        Kind::List(kind) => json!({"type": "array", "items": told(*kind, declared)}),
        Kind::Map(kind) => json!({"type": "map", "values": told(*kind, declared)}),
        Kind::Enum(name, _) | Kind::Record(&Record { name, .. }) if declared.contains(&name) => {
            json!(name)
        }
        Kind::Enum(name, symbols) => {
            declared.push(name);
            json!({"type": "enum", "name": name, "symbols": symbols})
        }
        Kind::Record(record) => {
            declared.push(record.name);
            json!({"type": "record", "name": record.name, "fields": fields(record, declared)})
        }
    }
}

pub(super) fn write_record(record: &'static Record, datum: &Datum, out: &mut Vec<u8>) {
    for (field, value) in datum.fields(record) {
        write(field.kind, value, out);
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    write_zigzag(i64::try_from(length).unwrap_or(i64::MAX), out);
}

fn write(kind: Kind, datum: &Datum, out: &mut Vec<u8>) {
    match (kind, datum) {
        (Kind::Bool, Datum::Bool(value)) => out.push(u8::from(*value)),
        (Kind::Int, Datum::Int(value)) => write_zigzag(i64::from(*value), out),
        (Kind::Long, Datum::Long(value)) => write_zigzag(*value, out),
        (Kind::Double, Datum::Double(value)) => out.extend_from_slice(&value.to_le_bytes()),
        (Kind::Text, Datum::Text(text)) => write_text(text, out),
        (Kind::Enum(..), Datum::Symbol(number)) => write_zigzag(i64::from(*number), out),
        // The number of the union's branch.
        (Kind::Optional(_), Datum::Null) => write_zigzag(0, out),
        (Kind::Optional(kind), datum) => {
            write_zigzag(1, out);
            write(*kind, datum, out);
        }
        // One block of all, where there are any, and the empty one that ends them.
        (Kind::List(kind), Datum::List(list)) => {
            if !list.is_empty() {
                write_length(list.len(), out);
                list.iter().for_each(|datum| write(*kind, datum, out));
            }
            write_length(0, out);
        }
        (Kind::Map(kind), Datum::Map(entries)) => {
            if !entries.is_empty() {
                write_length(entries.len(), out);
                for (key, datum) in entries {
                    write_text(key, out);
                    write(*kind, datum, out);
                }
            }
            write_length(0, out);
        }
        (Kind::Record(record), datum) => write_record(record, datum, out),
        (kind, datum) => mismatch(kind, datum),
    }
}
