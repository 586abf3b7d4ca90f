//! Values of ARRAY, MAP and STRUCT columns, as the text that StarRocks prints for them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::coerce::{self, Source};
use crate::column_type::ColumnType;
use crate::decimal::double;
use crate::json_text::quoted;
use crate::parse_json;
use crate::rows::{Cell, Rows};

/// The members of an object in their order, values as they were sent.
pub(crate) struct Members<'de>(pub(crate) Vec<(Cow<'de, str>, &'de RawValue)>);

impl<'de> Members<'de> {
    /// Of an object; `None` where the JSON is another thing.
    pub(crate) fn of(json: &'de str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// Of equal keys the first counts.
    pub(crate) fn get(&self, name: &str) -> Option<&'de RawValue> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'k>(#[serde(borrow)] Cow<'k, str>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// The printed text of a nested value. The outermost shape must be right; what does not fit within is NULL, in strict mode
/// too.
pub(crate) fn text(name: &str, ty: &ColumnType, source: &Source<'_>) -> Result<String, String> {
    let shape = match ty {
        ColumnType::Array(_) => "array",
        ColumnType::Map(..) => "map",
        _ => "struct",
    };
    let json = match source {
        Source::Nested(json) => json,
        _ => "",
    };
    let mut out = String::new();
    push_nested(ty, json, &mut out)
        .map(|()| out)
        .ok_or_else(|| format!("Failed to parse value as {shape}, column={name}"))
}

fn push_nested(ty: &ColumnType, json: &str, out: &mut String) -> Option<()> {
    match ty {
        ColumnType::Array(item) => {
            let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            out.push('[');
            for (at, value) in items.into_iter().enumerate() {
                separate(at, out);
                push(item, Some(value), out);
            }
            out.push(']');
        }
        ColumnType::Map(key, value) => {
            out.push('{');
            for (at, (name, member)) in Members::of(json)?.0.into_iter().enumerate() {
                separate(at, out);
                push_scalar(key, &Source::Text(name), out);
                out.push(':');
                push(value, Some(member), out);
            }
            out.push('}');
        }
        ColumnType::Struct(fields) => {
            let members = Members::of(json)?;
            out.push('{');
            for (at, (name, field)) in fields.iter().enumerate() {
                separate(at, out);
                out.push_str(&quoted(name));
                out.push(':');
                push(field, members.get(name), out);
            }
            out.push('}');
        }
        _ => return None,
    }
    Some(())
}

fn separate(at: usize, out: &mut String) {
    if at > 0 {
        out.push(',');
    }
}

fn push(ty: &ColumnType, value: Option<&RawValue>, out: &mut String) {
    let Ok(source) = parse_json::source(value) else {
        return out.push_str("null");
    };
    if !ty.is_nested() {
        return push_scalar(ty, &source, out);
    }
    let start = out.len();
    let fits = match source {
        Source::Nested(json) => push_nested(ty, json, out),
        _ => None,
    };
    if fits.is_none() {
        out.truncate(start);
        out.push_str("null");
    }
}

fn push_scalar(ty: &ColumnType, source: &Source<'_>, out: &mut String) {
    let mut rows = Rows::new(1);
    match coerce::convert("", ty, source, &mut rows).unwrap_or(Cell::Null) {
        Cell::Null => out.push_str("null"),
        Cell::Int(value) => out.push_str(&value.to_string()),
        Cell::Real(value) => out.push_str(&double(value)),
        Cell::Text { start, len } | Cell::Blob { start, len } => {
            let text = String::from_utf8_lossy(rows.bytes(start, len));
            match ty {
                ColumnType::LargeInt | ColumnType::Decimal { .. } | ColumnType::Json => {
                    out.push_str(&text)
                }
                _ => out.push_str(&quoted(&text)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::coerce::Source;
    use crate::column_type::ColumnType as T;

    #[test]
    fn nested_values_are_printed_or_null_within() {
        let boxed = |ty: &T| Box::new(ty.clone());
        let ints = T::Array(Box::new(T::TinyInt));
        let map = T::Map(Box::new(T::Int), boxed(&ints));
        let decimal = T::Decimal {
            precision: 5,
            scale: 2,
        };
        let row = T::Struct(vec![
            ("a".to_owned(), T::Varchar(3)),
            ("d".to_owned(), T::Array(Box::new(T::DateTime))),
            ("n".to_owned(), decimal),
            ("j".to_owned(), T::Json),
            ("b".to_owned(), T::Boolean),
        ]);
        let good = [
            (
                &ints,
                "[ 1, \"2\", 300, null, \"x\", [1], 1.9]",
                "[1,2,null,null,null,null,1]",
            ),
            (&ints, "[]", "[]"),
            (
                &map,
                "{\"1\":[1], \"2\": 7, \"x\":null}",
                "{1:[1],2:null,null:null}",
            ),
            (
                &row,
                "{\"b\":true,\"d\":[\"2024-01-02T03:04:05\"],\"a\":\"q\\\"\",\"n\":1.005,\"j\":{\"k\":[1,2.0]},\"z\":1}",
                "{\"a\":\"q\\\"\",\"d\":[\"2024-01-02 03:04:05\"],\"n\":1.01,\"j\":{\"k\": [1, 2]},\"b\":1}",
            ),
            (
                &row,
                "{\"a\":\"long\",\"d\":{}}",
                "{\"a\":null,\"d\":null,\"n\":null,\"j\":null,\"b\":null}",
            ),
        ];
        for (ty, json, expect) in good {
            assert_eq!(
                text("c", ty, &Source::Nested(json)).as_deref(),
                Ok(expect),
                "{json} as {ty}"
            );
        }
        let bad = [
            (&ints, "{}", "array"),
            (&map, "[]", "map"),
            (&row, "[]", "struct"),
        ];
        for (ty, json, shape) in bad {
            let expect = format!("Failed to parse value as {shape}, column=c");
            assert_eq!(text("c", ty, &Source::Nested(json)), Err(expect.clone()));
            assert_eq!(text("c", ty, &Source::Text("[1]".into())), Err(expect));
        }
    }
}
