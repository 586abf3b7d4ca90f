//! Reads the bodies that StarRocks writes, before anybody judges them.

use serde_json::{Map, Value};

use crate::answer::RowCounts;

/// How much of an unreadable body is repeated in a message.
const EXCERPT_CHARS_MAX: usize = 200;

/// A JSON answer. Front end and back end spell the keys differently (`status`, `Status`), so they are kept in lower case;
/// of two spellings of one key the first that is not empty counts.
#[derive(Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body; `None` where it is not a JSON object.
    pub(crate) fn read(body: &[u8]) -> Option<Fields> {
        let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(body) else {
            return None;
        };
        let mut fields = Map::new();
        for (key, value) in members {
            let key = key.to_ascii_lowercase();
            let empty = fields
                .get(&key)
                .is_none_or(|known| matches!(known, Value::Null) || known == "");
            if empty {
                fields.insert(key, value);
            }
        }
        Some(Fields(fields))
    }

    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// A text, or a number as text; `None` where absent or empty.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        match self.0.get(key)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    pub(crate) fn integer(&self, key: &str) -> Option<i64> {
        match self.0.get(key)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn count(&self, key: &str) -> u64 {
        self.integer(key)
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(0)
    }

    pub(crate) fn rows(&self) -> RowCounts {
        RowCounts {
            total: self.count("numbertotalrows"),
            loaded: self.count("numberloadedrows"),
            filtered: self.count("numberfilteredrows"),
            unselected: self.count("numberunselectedrows"),
        }
    }

    /// The message without Java's exception names.
    pub(crate) fn message(&self) -> String {
        let text = ["msg", "message", "exception"]
            .iter()
            .find_map(|key| self.text(key))
            .unwrap_or_default();
        without_exception_names(&text).to_owned()
    }

    /// Where the refused rows are listed: a field of its own, or named inside the message or the reason.
    pub(crate) fn error_url(&self) -> Option<String> {
        ["errorurl", "trackingurl", "tracking_url"]
            .iter()
            .find_map(|key| self.text(key))
            .or_else(|| {
                ["msg", "message", "reason"]
                    .iter()
                    .find_map(|key| embedded_url(&self.text(key)?).map(str::to_owned))
            })
    }
}

/// Finds the address of an error log inside a text.
pub(crate) fn embedded_url(text: &str) -> Option<&str> {
    let marker = text.find("/api/_load_error_log?")?;
    let start = text.get(..marker)?.rfind("http")?;
    let url = text.get(start..)?;
    let end = url
        .find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | ')' | ']' | '}'));
    Some(url.get(..end.unwrap_or(url.len()))?.trim_end_matches('.'))
}

/// Cuts `class com.starrocks.common.StarRocksException: ` and the like from the beginning, as often as it stands there.
pub(crate) fn without_exception_names(text: &str) -> &str {
    let mut rest = text.trim();
    while let Some((head, tail)) = rest.split_once(':') {
        let name = head.trim().strip_prefix("class ").unwrap_or(head).trim();
        let qualified = name.contains('.') && name.split('.').all(is_java_identifier);
        let simple = is_java_identifier(name);
        let exception = name.ends_with("Exception") || name.ends_with("Error");
        if !(exception && (qualified || simple)) || tail.trim().is_empty() {
            break;
        }
        rest = tail.trim();
    }
    rest
}

fn is_java_identifier(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
}

/// The beginning of a body that is not JSON, on one line and without markup.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(16 * 1024)).unwrap_or_default());
    let mut plain = String::new();
    let mut in_tag = false;
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                plain.push(' ');
            }
            c if !in_tag => plain.push(if c.is_control() { ' ' } else { c }),
            _ => {}
        }
    }
    let words: Vec<_> = plain.split_whitespace().collect();
    let mut line: String = words.join(" ");
    if line.chars().count() > EXCERPT_CHARS_MAX {
        line = line.chars().take(EXCERPT_CHARS_MAX).chain(['…']).collect();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exception_names_are_cut() {
        for (text, expect) in [
            (
                "class com.starrocks.common.StarRocksException: no such label",
                "no such label",
            ),
            (
                "class com.starrocks.common.UserException: com.starrocks.common.DdlException: x: y",
                "x: y",
            ),
            ("StarRocksException: x", "x"),
            (
                "class com.starrocks.sql.analyzer.SemanticException: Getting analyzing error. Detail: x",
                "Getting analyzing error. Detail: x",
            ),
            (
                "unknown database, database=x",
                "unknown database, database=x",
            ),
            ("Value: 3", "Value: 3"),
            (
                "java.lang.NullPointerException:",
                "java.lang.NullPointerException:",
            ),
            ("Some Error: x", "Some Error: x"),
            ("", ""),
        ] {
            assert_eq!(without_exception_names(text), expect, "{text}");
        }
    }

    #[test]
    fn error_logs_inside_texts() {
        for (text, expect) in [
            (
                "abnormal data more than max filter rate, tracking_url: http://b:8040/api/_load_error_log?file=e_1_2, x",
                Some("http://b:8040/api/_load_error_log?file=e_1_2"),
            ),
            (
                "see http://b:8040/api/_load_error_log?file=e.",
                Some("http://b:8040/api/_load_error_log?file=e"),
            ),
            ("see https://x/y", None),
            ("", None),
        ] {
            assert_eq!(embedded_url(text), expect, "{text}");
        }
    }

    #[test]
    fn keys_in_any_case() {
        let fields = Fields::read(br#"{"STATUS":"","status":"OK","Msg":null,"msg":"m","NumberLoadedRows":"3","TxnId":-1}"#)
            .expect("a JSON object");
        assert_eq!(fields.text("status").as_deref(), Some("OK"));
        assert_eq!(fields.message(), "m");
        assert_eq!(fields.rows().loaded, 3);
        assert_eq!(fields.integer("txnid"), Some(-1));
        for body in [&b"[]"[..], b"", b"{\"a\":", b"\"x\"", b"{} x"] {
            assert!(Fields::read(body).is_none(), "{body:?}");
        }
    }

    #[test]
    fn excerpts_are_one_short_line() {
        assert_eq!(
            excerpt(b"<html><body>\n<h1>502  Bad</h1>\tGateway</body></html>"),
            "502 Bad Gateway"
        );
        assert_eq!(excerpt(b"\xff\x00"), "\u{fffd}");
        assert_eq!(
            excerpt("x".repeat(500).as_bytes()).chars().count(),
            EXCERPT_CHARS_MAX + 1
        );
    }
}
