//! Equality of rows and records: JSON values, members in any order, integers digit by digit, decimals
//! by value and scale, floating point by the double.

use starrocks_kafka_connect::data::Decimal;
use starrocks_kafka_connect::json::Json;
use std::collections::HashMap;

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
