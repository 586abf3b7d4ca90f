//! Java's `.properties` files, as `java.util.Properties.load` reads them.
//!
//! Two things differ, both as users expect: the bytes are UTF-8 (where they are not valid UTF-8 the
//! whole file is read as ISO-8859-1, which is what Java always does), and a UTF-8 byte order mark at
//! the start is skipped, where Java would make it part of the first key.

use std::collections::HashMap;

/// One property, with the place it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The key, escapes resolved.
    pub key: String,
    /// The value, escapes resolved, trailing blanks kept.
    pub value: String,
    /// The line on which the property begins, from 1.
    pub line: usize,
}

/// The properties of one file, in the order of the file.
///
/// Of several properties with the same key the last one counts; the others are kept apart, so that a
/// message can name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    entries: Vec<Property>,
    overridden: Vec<Property>,
    index: HashMap<String, usize>,
}

/// Why a file is no properties file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct PropertiesError {
    /// The line on which the faulty property begins, from 1.
    pub line: usize,
    /// What is wrong with it. Never contains the value: it may be a password.
    pub message: String,
}

impl Properties {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// A `\u` escape that four hexadecimal digits do not follow, or that denotes one half of a
    /// surrogate pair. Everything else is a property of some sort, as in Java.
    pub fn parse(bytes: &[u8]) -> Result<Self, PropertiesError> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse_text(text),
            Err(_) => Self::parse_text(&bytes.iter().map(|&b| char::from(b)).collect::<String>()),
        }
    }

    fn parse_text(text: &str) -> Result<Self, PropertiesError> {
        let mut lines = LogicalLines::new(text);
        let mut read = Vec::new();
        while let Some((line, content)) = lines.next_line() {
            let (key, value) = split(&content);
            let unescape = |part: &str, what: &str| {
                unescape(part).map_err(|fault| PropertiesError {
                    line,
                    message: format!("{fault} in the {what}"),
                })
            };
            let key = unescape(key, "key")?;
            let value = unescape(value, &format!("value of '{key}'"))?;
            read.push(Property { key, value, line });
        }
        Ok(read.into_iter().collect())
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.property(key).map(|property| property.value.as_str())
    }

    /// The property with this key.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<&Property> {
        self.index.get(key).map(|&at| &self.entries[at])
    }

    /// The line on which the property with this key begins.
    #[must_use]
    pub fn line(&self, key: &str) -> Option<usize> {
        self.property(key).map(|property| property.line)
    }

    /// The properties that count, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Property> {
        self.entries.iter()
    }

    /// Properties that a later one of the same key took the place of, in the order of the file.
    #[must_use]
    pub fn overridden(&self) -> &[Property] {
        &self.overridden
    }

    /// How many properties count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<Property> for Properties {
    fn from_iter<I: IntoIterator<Item = Property>>(properties: I) -> Self {
        let read: Vec<Property> = properties.into_iter().collect();
        let mut last = HashMap::new();
        for (at, property) in read.iter().enumerate() {
            last.insert(property.key.clone(), at);
        }
        let mut kept = Self::default();
        for (at, property) in read.into_iter().enumerate() {
            if last.get(&property.key) == Some(&at) {
                kept.index.insert(property.key.clone(), kept.entries.len());
                kept.entries.push(property);
            } else {
                kept.overridden.push(property);
            }
        }
        kept
    }
}

impl<'a> IntoIterator for &'a Properties {
    type Item = &'a Property;
    type IntoIter = std::slice::Iter<'a, Property>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

/// Natural lines put together to logical ones: blank lines and comments left out, continuations
/// joined, escapes still in place.
struct LogicalLines<'t> {
    rest: &'t str,
    number: usize,
}

impl<'t> LogicalLines<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            rest: text,
            number: 0,
        }
    }

    /// The next natural line without its end, which is `\n`, `\r` or `\r\n`.
    fn natural(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest
            .strip_prefix("\r\n")
            .or_else(|| rest.strip_prefix(['\n', '\r']))
            .unwrap_or(rest);
        Some(line)
    }

    fn next_line(&mut self) -> Option<(usize, String)> {
        loop {
            let line = self.natural()?.trim_start_matches(is_blank);
            if line.is_empty() || line.starts_with(['#', '!']) {
                continue;
            }
            let number = self.number;
            let mut content = line.to_owned();
            // An odd number of backslashes at the end: the last one is the continuation.
            while content.bytes().rev().take_while(|&b| b == b'\\').count() % 2 == 1 {
                content.pop();
                match self.natural() {
                    Some(next) => content.push_str(next.trim_start_matches(is_blank)),
                    None => break,
                }
            }
            // What a continuation leaves empty is no property, as in Java.
            if !content.is_empty() {
                return Some((number, content));
            }
        }
    }
}

/// Cuts a logical line at the first `=`, `:` or blank that is not escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line
        .find(|c: char| {
            let ends = !escaped && (matches!(c, '=' | ':') || is_blank(c));
            escaped = c == '\\' && !escaped;
            ends
        })
        .unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(is_blank))
}

/// Resolves escapes; the error says which escape is malformed.
fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let mut chars = rest[at + 1..].chars();
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let (c, after) = unicode(chars.as_str())?;
                out.push(c);
                rest = after;
                continue;
            }
            Some(c) => out.push(c),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    Ok(out)
}

/// The character of a `\uXXXX` escape whose digits begin `text`, and what comes after; two escapes
/// where it is a surrogate pair.
fn unicode(text: &str) -> Result<(char, &str), String> {
    let (first, after) = hex4(text)?;
    if let Some(c) = char::from_u32(first) {
        return Ok((c, after));
    }
    let lone = || format!("\\u{first:04x} is one half of a surrogate pair without its other half");
    let (second, after) = after
        .strip_prefix("\\u")
        .map(hex4)
        .transpose()?
        .ok_or_else(lone)?;
    if first >= 0xDC00 || !(0xDC00..0xE000).contains(&second) {
        return Err(lone());
    }
    let c = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    char::from_u32(c).map(|c| (c, after)).ok_or_else(lone)
}

fn hex4(text: &str) -> Result<(u32, &str), String> {
    let malformed = || "malformed \\u escape (four hexadecimal digits must follow \\u)".to_owned();
    let digits = text.get(..4).ok_or_else(malformed)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(malformed());
    }
    let number = u32::from_str_radix(digits, 16).map_err(|_| malformed())?;
    Ok((number, &text[4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(bytes: &[u8]) -> Vec<(String, String, usize)> {
        Properties::parse(bytes)
            .expect("well-formed")
            .iter()
            .map(|p| (p.key.clone(), p.value.clone(), p.line))
            .collect()
    }

    #[test]
    fn reads_as_java_does() {
        fn check(text: &str, expect: &[(&str, &str, usize)]) {
            let expect: Vec<_> = expect
                .iter()
                .map(|&(k, v, l)| (k.to_owned(), v.to_owned(), l))
                .collect();
            assert_eq!(pairs(text.as_bytes()), expect, "{text:?}");
        }
        check("", &[]);
        check("a=b", &[("a", "b", 1)]);
        check("a:b", &[("a", "b", 1)]);
        check("a b", &[("a", "b", 1)]);
        check("a\tb\u{c}", &[("a", "b\u{c}", 1)]);
        check("  a  =  b  ", &[("a", "b  ", 1)]);
        check("a = = b", &[("a", "= b", 1)]);
        check("a==b", &[("a", "=b", 1)]);
        check("a : = b", &[("a", "= b", 1)]);
        check("a", &[("a", "", 1)]);
        check("=b", &[("", "b", 1)]);
        check("# c\n! d\n   # e\n\n \t\na=1", &[("a", "1", 6)]);
        check("a=1#not a comment", &[("a", "1#not a comment", 1)]);
        check(
            "a=1\rb=2\r\nc=3\n\rd=4",
            &[("a", "1", 1), ("b", "2", 2), ("c", "3", 3), ("d", "4", 5)],
        );
        check(
            "a=1,\\\n   2,\\\n\t3\nb=4",
            &[("a", "1,2,3", 1), ("b", "4", 4)],
        );
        check("a=1\\\r\n 2", &[("a", "12", 1)]);
        check("a=1\\\\\nb=2", &[("a", "1\\", 1), ("b", "2", 2)]);
        check("a=1\\\\\\\nb=2", &[("a", "1\\b=2", 1)]);
        check("a=1\\\n# goes on", &[("a", "1# goes on", 1)]);
        check("a=1\\\n\nb=2", &[("a", "1", 1), ("b", "2", 3)]);
        check("# c \\\na=1", &[("a", "1", 2)]);
        check("a=1\\", &[("a", "1", 1)]);
        check("\\\na=1", &[("a", "1", 1)]);
        check("\\\n", &[]);
        check("a\\ b\\=c\\:d=e", &[("a b=c:d", "e", 1)]);
        check("a\\\\=b", &[("a\\", "b", 1)]);
        check("\\#a=b", &[("#a", "b", 1)]);
        check("a=\\t\\n\\r\\f\\q\\\\\\\"", &[("a", "\t\n\r\u{c}q\\\"", 1)]);
        check("a=\\ b", &[("a", " b", 1)]);
        check("a=C:\\temp", &[("a", "C:\temp", 1)]);
        check("a=\\u00e4\\u20AC\\uD83D\\uDE00", &[("a", "ä€😀", 1)]);
        check("\\u0061=x", &[("a", "x", 1)]);
        check("a=ä€😀", &[("a", "ä€😀", 1)]);
        check("\u{feff}# comment\na=1", &[("a", "1", 2)]);
        check("a=1\u{a0}", &[("a", "1\u{a0}", 1)]);
    }

    #[test]
    fn the_last_of_a_key_counts_and_the_others_are_told() {
        let read = Properties::parse(b"a=1\nb=2\na=3\n\na=4").expect("well-formed");
        assert_eq!((read.get("a"), read.line("a")), (Some("4"), Some(5)));
        assert_eq!(
            read.iter().map(|p| p.key.as_str()).collect::<Vec<_>>(),
            ["b", "a"]
        );
        assert_eq!(
            read.overridden().iter().map(|p| p.line).collect::<Vec<_>>(),
            [1, 3]
        );
        assert_eq!(
            (read.len(), read.is_empty(), read.get("c")),
            (2, false, None)
        );
    }

    #[test]
    fn a_file_that_is_no_utf8_is_iso_8859_1() {
        assert_eq!(
            pairs(b"a=\xe4\nb=\xc3\xa4"),
            [
                ("a".to_owned(), "ä".to_owned(), 1),
                ("b".to_owned(), "Ã¤".to_owned(), 2)
            ]
        );
        assert_eq!(pairs(b"b=\xc3\xa4"), [("b".to_owned(), "ä".to_owned(), 1)]);
    }

    #[test]
    fn malformed_escapes_are_told_with_their_line() {
        fn check(text: &str, line: usize, message: &str) {
            let error = Properties::parse(text.as_bytes()).expect_err("malformed");
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.message.contains(message), "{text:?}: {error}");
        }
        check("a=1\nb=\\u12", 2, "malformed \\u escape");
        check("\\uzzzz=1", 1, "in the key");
        check("a=\\u+123", 1, "in the value of 'a'");
        check("a=x\\\n\\\n\\u00€", 1, "malformed");
        check("a=\\ud83d", 1, "one half");
        check("a=\\ud83dx", 1, "one half");
        check("a=\\ude00\\ud83d", 1, "one half");
        check("a=\\ud83d\\u0041", 1, "one half");
        check("a=\\ud83d\\u00", 1, "malformed");
        let secret = Properties::parse(b"password=s3cret\\u").expect_err("malformed");
        assert!(!secret.to_string().contains("s3cret"));
    }
}
