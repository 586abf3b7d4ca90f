//! Protobuf: the `.proto` file of a record, and the wire format.

use std::fmt::Write as _;

use super::datum::{Datum, Kind, NAMESPACE, Record, mismatch};
use super::frame::write_varint;

/// Ways in which a value stands on the wire.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;

/// The `.proto` file: the record's message first, so that its path is `[0]`, then those that it uses.
pub(super) fn schema(record: &'static Record) -> String {
    let mut declarations = Vec::new();
    declare(Kind::Record(record), &mut declarations);
    let mut text = format!("syntax = \"proto3\";\npackage {NAMESPACE};\n");
    let mut at = 0;
    while at < declarations.len() {
        text.push('\n');
        match declarations[at] {
            Kind::Record(record) => message(record, &mut declarations, &mut text),
            Kind::Enum(name, symbols) => enumeration(name, symbols, &mut text),
            _ => {}
        }
        at += 1;
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _always_ok = writeln!(text, "{line}");
}

/// Notes what needs a declaration of its own and has none yet.
fn declare(kind: Kind, declarations: &mut Vec<Kind>) {
    if matches!(kind, Kind::Record(_) | Kind::Enum(..)) && !declarations.contains(&kind) {
        declarations.push(kind);
    }
}

fn message(record: &'static Record, declarations: &mut Vec<Kind>, text: &mut String) {
    line(text, format_args!("message {} {{", record.name));
    for (number, field) in (1..).zip(record.fields) {
        let declared = match field.kind {
            Kind::Optional(kind) => format!("optional {}", name(*kind, declarations)),
            Kind::List(kind) => format!("repeated {}", name(*kind, declarations)),
            Kind::Map(kind) => format!("map<string, {}>", name(*kind, declarations)),
            kind => name(kind, declarations).to_owned(),
        };
        line(
            text,
            format_args!("  {declared} {} = {number};", field.name),
        );
    }
    line(text, format_args!("}}"));
}

fn enumeration(name: &str, symbols: &[&str], text: &mut String) {
    line(text, format_args!("enum {name} {{"));
    for (number, symbol) in symbols.iter().enumerate() {
        line(text, format_args!("  {symbol} = {number};"));
    }
    line(text, format_args!("}}"));
}

fn name(kind: Kind, declarations: &mut Vec<Kind>) -> &'static str {
    declare(kind, declarations);
    match kind {
        Kind::Bool => "bool",
        Kind::Int => "int32",
        Kind::Long => "int64",
        Kind::Double => "double",
        Kind::Text => "string",
        Kind::Enum(name, _) | Kind::Record(&Record { name, .. }) => name,
        Kind::Optional(_) | Kind::List(_) | Kind::Map(_) => {
            panic!("Protobuf has no {kind:?} in another one")
        }
    }
}

pub(super) fn write_record(record: &'static Record, datum: &Datum, out: &mut Vec<u8>) {
    for (number, (field, value)) in (1..).zip(datum.fields(record)) {
        match (field.kind, value) {
            (Kind::Optional(_), Datum::Null) => {}
            (Kind::Optional(kind), value) => write(number, *kind, value, out),
            (Kind::List(kind), Datum::List(list)) => write_list(number, *kind, list, out),
            (Kind::Map(kind), Datum::Map(entries)) => {
                for (key, value) in entries {
                    let mut entry = Vec::new();
                    write_bytes(1, key.as_bytes(), &mut entry);
                    write(2, *kind, value, &mut entry);
                    write_bytes(number, &entry, out);
                }
            }
            // What has its type's default is not written where its presence is not told.
            (_, value) if is_default(value) => {}
            (kind, value) => write(number, kind, value, out),
        }
    }
}

/// Numbers stand together in one field, everything else in a field each.
fn write_list(number: u64, kind: Kind, list: &[Datum], out: &mut Vec<u8>) {
    let packed = matches!(
        kind,
        Kind::Bool | Kind::Int | Kind::Long | Kind::Double | Kind::Enum(..)
    );
    if packed && !list.is_empty() {
        let mut bytes = Vec::new();
        list.iter()
            .for_each(|value| write_scalar(kind, value, &mut bytes));
        write_bytes(number, &bytes, out);
    } else {
        list.iter()
            .for_each(|value| write(number, kind, value, out));
    }
}

fn is_default(datum: &Datum) -> bool {
    match datum {
        Datum::Bool(value) => !value,
        Datum::Int(value) => *value == 0,
        Datum::Long(value) => *value == 0,
        // Minus zero is not the default.
        Datum::Double(value) => value.to_bits() == 0,
        Datum::Text(text) => text.is_empty(),
        Datum::Symbol(number) => *number == 0,
        _ => false,
    }
}

fn write_tag(number: u64, wire: u64, out: &mut Vec<u8>) {
    write_varint(number << 3 | wire, out);
}

fn write_bytes(number: u64, bytes: &[u8], out: &mut Vec<u8>) {
    write_tag(number, LENGTH_DELIMITED, out);
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn write(number: u64, kind: Kind, datum: &Datum, out: &mut Vec<u8>) {
    match (kind, datum) {
        (Kind::Text, Datum::Text(text)) => write_bytes(number, text.as_bytes(), out),
        (Kind::Record(record), datum) => {
            let mut message = Vec::new();
            write_record(record, datum, &mut message);
            write_bytes(number, &message, out);
        }
        (Kind::Double, datum) => {
            write_tag(number, FIXED_64, out);
            write_scalar(kind, datum, out);
        }
        (kind, datum) => {
            write_tag(number, VARINT, out);
            write_scalar(kind, datum, out);
        }
    }
}

fn write_scalar(kind: Kind, datum: &Datum, out: &mut Vec<u8>) {
    match (kind, datum) {
        (Kind::Bool, Datum::Bool(value)) => write_varint(u64::from(*value), out),
        (Kind::Int, Datum::Int(value)) => write_varint(i64::from(*value).cast_unsigned(), out),
        (Kind::Long, Datum::Long(value)) => write_varint(value.cast_unsigned(), out),
        (Kind::Enum(..), Datum::Symbol(number)) => write_varint(u64::from(*number), out),
        (Kind::Double, Datum::Double(value)) => out.extend_from_slice(&value.to_le_bytes()),
        (kind, datum) => mismatch(kind, datum),
    }
}
