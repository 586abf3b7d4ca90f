//! `avro.use.logical.type.converters`: Avro's own classes for logical types, which Connect's converter then does not know.
//! Java fails for every value of these types, and so does this converter.

use super::schema::{Kind, Type};
use crate::error::DataError;

/// Why values of a type cannot be read with the option on; `None` where they can.
pub(super) fn refusal(of: &Type) -> Option<DataError> {
    let logical = of.text("logicalType")?;
    let is_known = match (&of.kind, logical) {
        (Kind::Int, "date" | "time-millis") => true,
        (
            Kind::Long,
            "time-micros"
            | "timestamp-millis"
            | "timestamp-micros"
            | "local-timestamp-millis"
            | "local-timestamp-micros",
        ) => true,
        (Kind::String, "uuid") => true,
        (Kind::Bytes | Kind::Fixed(..), "decimal") => is_decimal(of),
        _ => false,
    };
    is_known.then(|| {
        DataError::data(format!(
            "With avro.use.logical.type.converters=true, a value of the logical type {logical} is one of a class that \
             Connect does not take; set it to false"
        ))
    })
}

/// Whether Avro takes a type for a decimal: it looks at its precision and scale.
fn is_decimal(of: &Type) -> bool {
    let number = |name: &str| {
        of.properties()
            .get(name)
            .and_then(serde_json::Value::as_i64)
    };
    let Some(precision) = number("precision") else {
        return false;
    };
    let scale = number("scale").unwrap_or(0);
    precision > 0 && (0..=precision).contains(&scale)
}
