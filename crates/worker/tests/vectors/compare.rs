//! Equality of outcomes, of rows and of records: JSON values, members in any order, integers digit by digit, decimals
//! by value and scale, floating point by the double.

use starrocks_kafka_connect::data::Decimal;
use starrocks_kafka_connect::json::Json;
use std::collections::HashMap;

/// What we do otherwise than expected; `None` where nothing. Rows in CSV are compared byte by byte; a message is for
/// people; a record is compared where Java could write it.
pub(crate) fn difference(expect: &str, ours: &str, has_csv: bool) -> Option<String> {
    let (java, we) = (
        Json::parse(expect).expect("Java writes JSON"),
        Json::parse(ours).expect("we write JSON"),
    );
    let is_same = match (java.get("error"), we.get("error")) {
        (Some(java), Some(we)) => ["stage", "class"]
            .iter()
            .all(|part| java.get(part) == we.get(part)),
        (None, None) => {
            let has_decimals = has_decimals(&java);
            java.get("table") == we.get("table")
                && match (
                    java.get("row").and_then(Json::as_str),
                    we.get("row").and_then(Json::as_str),
                ) {
                    (Some(java), Some(we)) if !has_csv => same_text(java, we, has_decimals),
                    (java, we) => java == we,
                }
        }
        _ => false,
    };
    let same_record = match (java.get("record"), we.get("record")) {
        (Some(java_record), Some(we)) => same(java_record, we, has_decimals(&java)),
        (Some(_), None) => false,
        (None, _) => true,
    };
    (!is_same || !same_record).then(|| format!("Java: {expect}\n   we: {ours}"))
}

fn has_decimals(outcome: &Json<'_>) -> bool {
    let value = outcome
        .get("record")
        .and_then(|record| record.get("value"));
    value.is_some_and(|value| format!("{value:?}").contains("connect.data.Decimal"))
}

/// Compares two texts of JSON. With `has_decimals`, numbers with a fraction or exponent are decimals
/// and must have the same scale.
pub(crate) fn same_text(a: &str, b: &str, has_decimals: bool) -> bool {
    let a = Json::parse(a).expect("Java writes JSON");
    let b = Json::parse(b).expect("we write JSON");
    same(&a, &b, has_decimals)
}

fn same(a: &Json<'_>, b: &Json<'_>, has_decimals: bool) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => {
            if has_decimals || (a.is_integral() && b.is_integral()) {
                Decimal::parse(a.text()) == Decimal::parse(b.text())
            } else {
                a.is_integral() == b.is_integral() && a.to_f64() == b.to_f64()
            }
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, has_decimals))
        }
        (Json::Object(a), Json::Object(b)) => {
            let b: HashMap<&str, &Json<'_>> =
                b.iter().map(|(name, b)| (name.as_ref(), b)).collect();
            a.len() == b.len()
                && a.iter().all(|(name, a)| {
                    b.get(name.as_ref())
                        .is_some_and(|b| same(a, b, has_decimals))
                })
        }
        (a, b) => a == b,
    }
}

#[test]
fn equality_is_neither_too_strict_nor_too_loose() {
    fn check(a: &str, b: &str, has_decimals: bool, expect: bool) {
        assert_eq!(same_text(a, b, has_decimals), expect, "{a} {b}");
    }
    check(
        "{\"a\":1,\"b\":[1.0E2]}",
        "{\"b\":[100.0],\"a\":1}",
        false,
        true,
    );
    check("1.0", "1.00", false, true);
    check("1.0", "1.00", true, false);
    check("1E-7", "0.0000001", true, true);
    check("1", "1.0", false, false);
    check("18446744073709551616", "18446744073709551617", false, false);
    check("{\"a\":1}", "{\"a\":1,\"b\":null}", false, false);
    check("[1,2]", "[2,1]", false, false);
    check("null", "\"null\"", false, false);
}
