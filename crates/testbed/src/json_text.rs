//! JSON as text: what a CHAR takes of it, and how StarRocks prints the JSON type.

use crate::decimal::double;

/// A part of JSON text.
enum Part<'a> {
    /// A string with its quotes.
    Text(&'a str),
    Number(&'a str),
    /// A bracket, colon, comma, or letter of a literal.
    Mark(char),
}

/// Calls `part` with each part of valid JSON, blanks between them left out.
fn each_part<'a>(json: &'a str, mut part: impl FnMut(Part<'a>)) {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'"' => {
                while let Some(byte) = bytes.get(at) {
                    at += if *byte == b'\\' { 2 } else { 1 };
                    if *byte == b'"' {
                        break;
                    }
                }
                at = at.min(bytes.len());
                part(Part::Text(&json[start..at]));
            }
            b'-' | b'0'..=b'9' => {
                let more = |b: &&u8| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                at += bytes[at..].iter().take_while(more).count();
                part(Part::Number(&json[start..at]));
            }
            b' ' | b'\t' | b'\n' | b'\r' => {}
            mark => part(Part::Mark(char::from(*mark))),
        }
    }
}

/// JSON without the blanks between its parts, everything else as it was sent.
pub(crate) fn minified(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    each_part(json, |part| match part {
        Part::Text(text) | Part::Number(text) => out.push_str(text),
        Part::Mark(mark) => out.push(mark),
    });
    out
}

/// JSON as StarRocks prints a value of the type: one line, a blank after colons and commas, numbers and texts in their
/// shortest form.
pub(crate) fn printed(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    each_part(json, |part| match part {
        Part::Text(text) => match serde_json::from_str::<String>(text) {
            Ok(unescaped) => out.push_str(&quoted(&unescaped)),
            Err(_) => out.push_str(text),
        },
        Part::Number(text) => out.push_str(&number(text)),
        Part::Mark(mark) => {
            out.push(mark);
            if matches!(mark, ':' | ',') {
                out.push(' ');
            }
        }
    });
    out
}

/// Text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whole numbers of 64 bits keep their digits, others are doubles.
fn number(text: &str) -> String {
    if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
        return text.to_owned();
    }
    text.parse().map_or_else(|_| text.to_owned(), double)
}

#[cfg(test)]
mod tests {
    use super::{minified, printed};

    #[test]
    fn blanks_are_put_where_starrocks_has_them() {
        let rows = [
            (
                "{ \"a b\" : [1, 2.50,1e400] ,\n\"c\":{}}",
                "{\"a b\":[1,2.50,1e400],\"c\":{}}",
                "{\"a b\": [1, 2.5, inf], \"c\": {}}",
            ),
            ("\"x\\u00e4\\\"\\/\"", "\"x\\u00e4\\\"\\/\"", "\"xä\\\"/\""),
            (
                "18446744073709551615",
                "18446744073709551615",
                "18446744073709551615",
            ),
            ("1e300", "1e300", "1e+300"),
            (" true ", "true", "true"),
            ("[null,-0.0]", "[null,-0.0]", "[null, -0]"),
        ];
        for (json, small, wide) in rows {
            assert_eq!(minified(json), small, "{json}");
            assert_eq!(printed(json), wide, "{json}");
        }
    }
}
