//! CSV bodies: rows of fields, plain or enclosed.

use std::borrow::Cow;

use crate::spec::CsvFormat;

/// A field; `None` is `\N`.
pub(crate) type Field<'b> = Option<Cow<'b, [u8]>>;

/// Calls `row` with each row as it was sent and with its fields. Blank rows are none.
pub(crate) fn each_row<'b>(
    bytes: &'b [u8],
    format: &CsvFormat,
    mut row: impl FnMut(&'b [u8], &[Field<'b>]),
) {
    let mut reader = Reader {
        bytes,
        at: 0,
        format,
    };
    let mut fields = Vec::new();
    let mut header = format.skip_header;
    while reader.at < bytes.len() {
        fields.clear();
        let start = reader.at;
        let end = reader.row(&mut fields);
        if header > 0 {
            header -= 1;
        } else if end > start {
            row(&bytes[start..end], &fields);
        }
    }
}

struct Reader<'b, 'f> {
    bytes: &'b [u8],
    at: usize,
    format: &'f CsvFormat,
}

/// What a field ended with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Field,
    Row,
}

impl<'b> Reader<'b, '_> {
    /// Reads the fields of one row; answers where its text ends.
    fn row(&mut self, fields: &mut Vec<Field<'b>>) -> usize {
        loop {
            let (field, end, text_end) = self.field();
            fields.push(field);
            if end == End::Row {
                return text_end;
            }
        }
    }

    /// The separator or delimiter that stands here, with its length. The end of the body ends a row too.
    fn end_here(&self) -> Option<(End, usize)> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return Some((End::Row, 0));
        }
        let (separator, delimiter) = (&self.format.column_separator, &self.format.row_delimiter);
        if rest.starts_with(delimiter) {
            Some((End::Row, delimiter.len()))
        } else if rest.starts_with(separator) {
            Some((End::Field, separator.len()))
        } else {
            None
        }
    }

    /// One field, what it ended with, and where its text ended.
    fn field(&mut self) -> (Field<'b>, End, usize) {
        let mut start = self.at;
        if self.format.trim_space {
            let blanks = self.bytes[start..].iter().take_while(|b| **b == b' ');
            start += blanks.count();
        }
        let enclosed =
            self.format.enclose.is_some() && self.bytes.get(start).copied() == self.format.enclose;
        let mut value = None;
        if enclosed {
            self.at = start + 1;
            value = Some(self.enclosed());
        } else {
            self.at = start;
        }
        let plain = self.at;
        // Where an escape made the value differ from what was sent, it is put together here.
        let mut made: Option<Vec<u8>> = None;
        let (end, len) = loop {
            if let Some(end) = self.end_here() {
                break end;
            }
            if Some(self.bytes[self.at]) == self.format.escape && self.at + 1 < self.bytes.len() {
                let made = made.get_or_insert_with(|| self.bytes[plain..self.at].to_vec());
                made.push(self.bytes[self.at + 1]);
                self.at += 2;
                continue;
            }
            if let Some(made) = &mut made {
                made.push(self.bytes[self.at]);
            }
            self.at += 1;
        };
        let text_end = self.at;
        self.at += len;
        let sent = self.trimmed(&self.bytes[plain..text_end]);
        let rest = match made {
            Some(made) => Cow::Owned(self.trimmed(&made).to_vec()),
            None => Cow::Borrowed(sent),
        };
        let field = match value {
            Some(mut value) => {
                // What follows the closing byte belongs to the value.
                if !rest.is_empty() {
                    value.to_mut().extend_from_slice(&rest);
                }
                Some(value)
            }
            None => (sent != b"\\N").then_some(rest),
        };
        (field, end, text_end)
    }

    fn trimmed<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        if !self.format.trim_space {
            return text;
        }
        let kept = text.iter().rposition(|b| *b != b' ').map_or(0, |at| at + 1);
        &text[..kept]
    }

    /// The value up to the closing byte, which is passed. A doubled one is the byte itself.
    fn enclosed(&mut self) -> Cow<'b, [u8]> {
        let start = self.at;
        let mut made: Option<Vec<u8>> = None;
        while let Some(byte) = self.bytes.get(self.at).copied() {
            let next = self.bytes.get(self.at + 1).copied();
            let kept = if Some(byte) == self.format.escape && next.is_some() {
                next
            } else if Some(byte) == self.format.enclose {
                if next != self.format.enclose {
                    let value = &self.bytes[start..self.at];
                    self.at += 1;
                    return made.map_or(Cow::Borrowed(value), Cow::Owned);
                }
                next
            } else {
                if let Some(made) = &mut made {
                    made.push(byte);
                }
                self.at += 1;
                continue;
            };
            let made = made.get_or_insert_with(|| self.bytes[start..self.at].to_vec());
            made.extend(kept);
            self.at += 2;
        }
        made.map_or(Cow::Borrowed(&self.bytes[start..]), Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::each_row;
    use crate::spec::CsvFormat;

    /// Fields are shown between bars, NULL as a hash, rows between semicolons.
    fn check(format: &CsvFormat, body: &str, expect: &str) {
        let mut rows = Vec::new();
        each_row(body.as_bytes(), format, |_, fields| {
            let shown: Vec<_> = fields
                .iter()
                .map(|f| match f {
                    Some(f) => String::from_utf8_lossy(f).into_owned(),
                    None => "#".to_owned(),
                })
                .collect();
            rows.push(shown.join("|"));
        });
        assert_eq!(rows.join(";"), expect, "{body:?} as {format:?}");
    }

    #[test]
    fn rows_and_fields_are_found() {
        let plain = CsvFormat {
            column_separator: b",".to_vec(),
            row_delimiter: b"\n".to_vec(),
            enclose: None,
            escape: None,
            skip_header: 0,
            trim_space: false,
        };
        check(&plain, "a,b\n\nc,\\N\n,", "a|b;c|#;|");
        check(&plain, "\"a\",\\b", "\"a\"|\\b");
        check(&plain, "", "");
        let long = CsvFormat {
            column_separator: b"||".to_vec(),
            row_delimiter: b"\r\n".to_vec(),
            ..plain.clone()
        };
        check(&long, "a||b|c\r\nd\n||\r\n", "a|b|c;d\n|");
        let quoted = CsvFormat {
            enclose: Some(b'"'),
            ..plain.clone()
        };
        check(
            &quoted,
            "\"a,\n\"\"b\",\"\",\\N\nc\"d,e",
            "a,\n\"b||#;c\"d|e",
        );
        check(&quoted, "\"\\N\",\"open,\n", "\\N|open,\n");
        check(&quoted, "\"a\"b,c", "ab|c");
        let escaped = CsvFormat {
            escape: Some(b'\\'),
            ..quoted.clone()
        };
        check(&escaped, "a\\,b,\"c\\\"d\\\\\",\\N,\\", "a,b|c\"d\\|#|\\");
        let trimmed = CsvFormat {
            trim_space: true,
            ..quoted
        };
        check(&trimmed, "  a b , \" c \" , \\N , \n", "a b| c |#|");
        let headed = CsvFormat {
            skip_header: 2,
            ..plain
        };
        check(&headed, "h\n\na\nb\n", "a;b");
        check(&headed, "h", "");
    }
}
