//! `column_separator` and `row_delimiter`, read as StarRocks reads them.

use http::HeaderValue;

/// The longest separator that StarRocks takes, in bytes (documentation of STREAM LOAD).
const BYTES_MAX: usize = 50;

/// A separator of CSV: the bytes that stand in a body, and the text that tells StarRocks so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delimiter {
    bytes: Box<[u8]>,
}

impl Delimiter {
    /// StarRocks' default, which needs no header.
    pub(super) fn standard(byte: u8) -> Delimiter {
        Delimiter {
            bytes: Box::new([byte]),
        }
    }

    /// Reads a property. Bytes may be written as hexadecimal digits behind `\x` or `0x` (`Delimiter.convertDelimiter` of the
    /// front end; StarRocks' Kafka connector knows `\x` alone), upper and lower case being the same; behind `\\x` as well,
    /// for the backslash is doubled in many examples. Any other text stands for itself.
    ///
    /// # Errors
    /// Digits that are none, or half a pair of them, as StarRocks' connector refuses them; a text that is too long.
    pub(super) fn parse(text: &str) -> Result<Delimiter, String> {
        let delimited = match hex_digits(text) {
            Some(digits) => of_hex(digits).map_err(|reason| {
                format!("`{text}` is not a separator: {reason}; write it as it is, or `\\x` and two hexadecimal digits for each byte")
            })?,
            None => text.to_owned(),
        };
        if delimited.len() > BYTES_MAX {
            return Err(format!(
                "has {} bytes, and StarRocks takes {BYTES_MAX} at most",
                delimited.len()
            ));
        }
        Ok(Delimiter {
            bytes: delimited.into_bytes().into_boxed_slice(),
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The header that means these bytes: `text` as it was written, where a header can hold it, else hexadecimal digits.
    ///
    /// # Errors
    /// Control characters beside characters beyond ASCII, which StarRocks does not read from digits.
    pub(super) fn header(&self, text: &str) -> Result<HeaderValue, String> {
        let is_doubled = text.starts_with(r"\\") && hex_digits(text).is_some();
        let needs_hex =
            is_doubled || text.chars().any(char::is_control) || text.trim().len() != text.len();
        let written = if !needs_hex {
            text.to_owned()
        } else if self.bytes.is_ascii() {
            let digits: String = self
                .bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!("\\x{digits}")
        } else {
            return Err(
                "has blanks at an end or control characters beside others that are not ASCII, which StarRocks cannot be told"
                    .to_owned(),
            );
        };
        HeaderValue::from_bytes(written.as_bytes())
            .map_err(|_| "has a character that a header cannot hold".to_owned())
    }
}

fn hex_digits(text: &str) -> Option<&str> {
    [r"\\x", r"\\X", r"\x", r"\X", "0x", "0X"]
        .into_iter()
        .find_map(|prefix| text.strip_prefix(prefix))
}

fn of_hex(digits: &str) -> Result<String, &'static str> {
    if digits.is_empty() {
        return Err("there are no digits");
    }
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("not every character is a hexadecimal digit");
    }
    if !digits.len().is_multiple_of(2) {
        return Err("the number of digits is odd");
    }
    let pairs = digits.as_bytes().chunks_exact(2);
    Ok(pairs
        .filter_map(|pair| {
            let byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
            // The front end widens a Java byte to a character, sign and all: from 80 on it is one of U+FF80 to U+FFFF.
            char::from_u32(if byte.is_ascii() {
                byte.into()
            } else {
                0xff00 | u32::from(byte)
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_as_starrocks_reads_them() {
        fn check(text: &str, bytes: &[u8], header: &str) {
            let delimiter = Delimiter::parse(text).expect(text);
            assert_eq!(delimiter.bytes(), bytes, "{text}");
            let sent = delimiter.header(text).expect(text);
            assert_eq!(sent.as_bytes(), header.as_bytes(), "{text}");
        }
        check(",", b",", ",");
        check("||", b"||", "||");
        check("abc", b"abc", "abc");
        check("\\n", b"\\n", "\\n");
        check("\\", b"\\", "\\");
        check("x01", b"x01", "x01");
        check("\n", b"\n", "\\x0a");
        check("\t", b"\t", "\\x09");
        check(" ", b" ", "\\x20");
        check("|\r\n", b"|\r\n", "\\x7c0d0a");
        check("\\x01", b"\x01", "\\x01");
        check("\\X0102", b"\x01\x02", "\\X0102");
        check("\\x0d0A", b"\r\n", "\\x0d0A");
        check("0x01", b"\x01", "0x01");
        check("0X7c", b"|", "0X7c");
        check("\\\\x01", b"\x01", "\\x01");
        check("\\\\X0D0A", b"\r\n", "\\x0d0a");
        check("¦", "¦".as_bytes(), "¦");
        // What the front end makes of a byte that is not ASCII.
        check("\\xE2", "\u{ffe2}".as_bytes(), "\\xE2");
    }

    #[test]
    fn what_is_no_separator_is_refused() {
        fn check(text: &str, expect: &str) {
            let refused = Delimiter::parse(text).and_then(|delimiter| delimiter.header(text));
            let message = refused.expect_err(text);
            assert!(message.contains(expect), "{text}: {message}");
        }
        check("\\x", "there are no digits");
        check("\\x1", "the number of digits is odd");
        check("\\xzz", "not every character is a hexadecimal digit");
        check("0x1", "the number of digits is odd");
        check("\\\\x0g", "not every character is a hexadecimal digit");
        check("\\x01 ", "not every character is a hexadecimal digit");
        check(
            &"x".repeat(51),
            "has 51 bytes, and StarRocks takes 50 at most",
        );
        check("¦\n", "StarRocks cannot be told");
    }
}
