//! What holds of all records: formats agree on rows, and any bytes are a row or an error.

use proptest::prelude::*;
use starrocks_kafka_testbed::produce::{Format, Frame, Orders, Shape};

use crate::{FORMATS, Reader};

const ORDERS: [Orders; 4] = [
    Orders::first(Shape::Flat),
    Orders::second(Shape::Flat),
    Orders::first(Shape::Nested),
    Orders::second(Shape::Nested),
];

fn reader(format: Format, orders: Orders) -> Reader {
    let schema = format.schema(orders.record());
    Reader::new(format, &schema.expect("a format with schemas").schema)
}

fn record(format: Format, orders: Orders, number: u64) -> Vec<u8> {
    let mut value = Vec::new();
    Frame::Id(7).write(format, &mut value);
    format.write(orders.record(), &orders.datum(number), &mut value);
    value
}

/// A row whose maps and numbers may be written in any way.
fn parsed(row: &str) -> serde_json::Value {
    serde_json::from_str(row).unwrap_or_else(|error| panic!("{error}: {row}"))
}

#[test]
fn formats_agree_on_the_rows_of_the_same_orders() {
    for orders in ORDERS {
        let mut readers = FORMATS.map(|(format, ..)| (format, reader(format, orders)));
        for number in 0..300 {
            let mut plain = Vec::new();
            Format::Json.write(orders.record(), &orders.datum(number), &mut plain);
            let expect: serde_json::Value = serde_json::from_slice(&plain).expect("JSON");
            for (format, reader) in &mut readers {
                let row = reader.row(&record(*format, orders, number));
                let row = row.expect("a good record");
                assert_eq!(parsed(&row), expect, "{format:?} {orders:?} {number}");
            }
        }
    }
}

/// A record with some of its bytes changed, taken out, put in, or cut off.
fn damaged(format: Format, orders: Orders) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    (0..50_u64, prop::collection::vec(change, 0..6)).prop_map(move |(number, changes)| {
        let mut bytes = record(format, orders, number);
        for (at, byte, how) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}

/// A row of good JSON, or an error in one line.
fn check(reader: &mut Reader, bytes: &[u8]) {
    match reader.row(bytes) {
        // A value that is null is no row.
        Ok(row) if row.is_empty() => {}
        Ok(row) => drop(parsed(&row)),
        Err(error) => assert!(!error.is_empty() && !error.contains('\n'), "{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn damaged_avro_is_a_row_or_an_error(bytes in damaged(Format::Avro, ORDERS[2])) {
        check(&mut reader(Format::Avro, ORDERS[2]), &bytes);
    }

    #[test]
    fn damaged_protobuf_is_a_row_or_an_error(bytes in damaged(Format::Protobuf, ORDERS[2])) {
        check(&mut reader(Format::Protobuf, ORDERS[2]), &bytes);
    }

    #[test]
    fn damaged_json_is_a_row_or_an_error(bytes in damaged(Format::JsonSchema, ORDERS[2])) {
        check(&mut reader(Format::JsonSchema, ORDERS[2]), &bytes);
    }

    #[test]
    fn any_bytes_behind_an_id_are_a_row_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (format, ..) in FORMATS {
            let mut value = Vec::new();
            Frame::Id(7).write(format, &mut value);
            value.extend_from_slice(&bytes);
            check(&mut reader(format, ORDERS[2]), &value);
        }
    }
}
