//! JSON bodies: one array of objects, or objects one after the other.
//!
//! Values stay the text that was sent, for a DECIMAL must not pass through a double and a number in a VARCHAR keeps its digits.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::coerce::Source;

/// The values of one row, by field number.
pub(crate) type Values<'de> = Vec<Option<&'de RawValue>>;

/// The names of the fields that are looked for.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    names: Vec<&'a str>,
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        Self {
            numbers: names.iter().copied().zip(0..).collect(),
            names,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().copied()
    }

    /// The number of a field. Objects mostly have their keys in one order, so a guess spares the hash.
    fn number(&self, key: &str, guess: usize) -> Option<usize> {
        match self.names.get(guess) {
            Some(name) if *name == key => Some(guess),
            _ => self.numbers.get(key).copied(),
        }
    }
}

/// Calls `row` with the values of each object of `body`. An error concerns the whole body.
pub(crate) fn each_row<'de>(
    body: &'de [u8],
    strip_outer_array: bool,
    fields: &Fields<'_>,
    mut row: impl FnMut(&Values<'de>),
) -> Result<(), String> {
    let text = std::str::from_utf8(body).map_err(|e| {
        format!(
            "Failed to parse json as {}. error: UTF8_ERROR: {e}",
            shape(strip_outer_array)
        )
    })?;
    let first = text.trim_start().as_bytes().first();
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut values: Values<'de> = vec![None; fields.names.len()];
    if strip_outer_array {
        if first != Some(&b'[') {
            return Err(is_no_array(text));
        }
        let seed = Rows {
            fields,
            values: &mut values,
            row: &mut row,
        };
        seed.deserialize(&mut reader)
            .and_then(|()| reader.end())
            .map_err(|e| format!("Failed to parse json as array. error: {e}"))
    } else {
        if first == Some(&b'[') {
            return Err(is_array(text));
        }
        while reader.end().is_err() {
            Row {
                fields,
                values: &mut values,
            }
            .deserialize(&mut reader)
            .map_err(|e| format!("Failed to iterate document stream as object. error: {e}"))?;
            row(&values);
        }
        Ok(())
    }
}

fn shape(strip_outer_array: bool) -> &'static str {
    if strip_outer_array {
        "array"
    } else {
        "document stream"
    }
}

pub(crate) fn is_no_array(text: &str) -> String {
    format!(
        "the value should be array type with strip_outer_array=true, value: {}",
        head(text)
    )
}

pub(crate) fn is_array(text: &str) -> String {
    format!(
        "The value is array type in json document stream, you can set strip_outer_array=true to parse each element of the array as individual rows, value: {}",
        head(text)
    )
}

pub(crate) fn head(text: &str) -> String {
    text.chars().take(64).collect()
}

struct Rows<'a, 'de, F> {
    fields: &'a Fields<'a>,
    values: &'a mut Values<'de>,
    row: &'a mut F,
}

impl<'de, F: FnMut(&Values<'de>)> DeserializeSeed<'de> for Rows<'_, 'de, F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&Values<'de>)> Visitor<'de> for Rows<'_, 'de, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq
            .next_element_seed(Row {
                fields: self.fields,
                values: self.values,
            })?
            .is_some()
        {
            (self.row)(self.values);
        }
        Ok(())
    }
}

struct Row<'a, 'de> {
    fields: &'a Fields<'a>,
    values: &'a mut Values<'de>,
}

impl<'de> DeserializeSeed<'de> for Row<'_, 'de> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.values.fill(None);
        let mut guess = 0;
        while let Some(field) = map.next_key_seed(Key(self.fields, guess))? {
            match field {
                // Of equal keys the first wins.
                Some(at) if self.values[at].is_none() => {
                    self.values[at] = Some(map.next_value()?);
                    guess = at + 1;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A key, with the number that it probably has.
struct Key<'a>(&'a Fields<'a>, usize);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.number(key, self.1))
    }
}

/// The value behind JSON text.
pub(crate) fn source(raw: Option<&RawValue>) -> Result<Source<'_>, String> {
    let Some(text) = raw.map(RawValue::get) else {
        return Ok(Source::Null);
    };
    Ok(match text.as_bytes().first() {
        Some(b'n') | None => Source::Null,
        Some(b't') => Source::Bool(true),
        Some(b'f') => Source::Bool(false),
        Some(b'"') if !text.contains('\\') => Source::Text(Cow::Borrowed(&text[1..text.len() - 1])),
        Some(b'"') => {
            let unescaped: String = serde_json::from_str(text)
                .map_err(|e| format!("Failed to parse string value: {e}"))?;
            Source::Text(Cow::Owned(unescaped))
        }
        Some(b'[' | b'{') => Source::Nested(text),
        Some(_) => Source::Number(text),
    })
}

/// Rows in a body of JSON objects, by depth of brackets alone: for counting without looking at values.
pub(crate) fn count_rows(body: &[u8], strip_outer_array: bool) -> u64 {
    let row_depth = u32::from(strip_outer_array);
    let (mut rows, mut depth, mut in_text, mut escaped) = (0, 0_u32, false, false);
    for byte in body {
        if in_text {
            in_text = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                rows += u64::from(depth == row_depth && *byte == b'{');
                depth += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::{Fields, count_rows, each_row, source};

    fn rows(body: &str, strip: bool) -> Result<Vec<String>, String> {
        let fields = Fields::new(["a", "b"]);
        let mut rows = Vec::new();
        each_row(body.as_bytes(), strip, &fields, |values| {
            let shown: Vec<_> = values.iter().map(|v| v.map_or("-", |v| v.get())).collect();
            rows.push(shown.join(" "));
        })?;
        assert_eq!(
            count_rows(body.as_bytes(), strip),
            rows.len() as u64,
            "{body}"
        );
        Ok(rows)
    }

    #[test]
    fn objects_are_found() {
        let good = [
            (
                r#"[{"a":1,"b":"x"},{"b":{"a":[2]}}]"#,
                true,
                vec!["1 \"x\"", "- {\"a\":[2]}"],
            ),
            (
                r#"{"a":1}{"a":2} {"c":"}{","a":3,"a":4}"#,
                false,
                vec!["1 -", "2 -", "3 -"],
            ),
            (
                "{\"a\":1.50}\n{\"a\":null}\n",
                false,
                vec!["1.50 -", "null -"],
            ),
            (r#"{"\u0061":1}"#, false, vec!["1 -"]),
            ("[]", true, vec![]),
            ("", false, vec![]),
        ];
        for (body, strip, expect) in good {
            assert_eq!(
                rows(body, strip),
                Ok(expect.into_iter().map(str::to_owned).collect()),
                "{body}"
            );
        }
        let bad = [
            (
                r#"{"a":1}"#,
                true,
                "should be array type with strip_outer_array=true, value: {\"a\":1}",
            ),
            ("[1]", true, "Failed to parse json as array"),
            (r#"[{"a":1}"#, true, "Failed to parse json as array"),
            (r#"[{"a":1}][]"#, true, "Failed to parse json as array"),
            (
                "[{}]",
                false,
                "The value is array type in json document stream",
            ),
            (
                r#"{"a":1},{"a":2}"#,
                false,
                "Failed to iterate document stream as object",
            ),
            ("{\"a\":\"\n\"}", false, "control character"),
        ];
        for (body, strip, message) in bad {
            let got = rows(body, strip).expect_err(body);
            assert!(got.contains(message), "{body}: {got}");
        }
    }

    #[test]
    fn text_is_unescaped() {
        let raw = serde_json::value::RawValue::from_string(r#""a\n\u00e4""#.to_owned())
            .expect("it is JSON");
        assert_eq!(format!("{:?}", source(Some(&raw))), "Ok(Text(\"a\\nä\"))");
    }
}
