//! What Confluent's serializers put before a record, or into its headers.

use super::Format;
use crate::schema_registry::Guid;

/// How a record tells its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// By the id in a registry: a zero byte, then four bytes.
    Id(i32),
    /// By the GUID: a byte of one, then sixteen bytes.
    Guid(Guid),
}

impl Frame {
    /// Appends it; with Protobuf also the path of the first message, as which the schemas of this module declare theirs.
    pub fn write(self, format: Format, out: &mut Vec<u8>) {
        self.write_to(out);
        if format == Format::Protobuf {
            write_indexes(&[0], out);
        }
    }

    /// The same as the value of the header `__key_schema_id` or `__value_schema_id`, where nothing stands before the record.
    #[must_use]
    pub fn header(self, format: Format) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(format, &mut out);
        out
    }

    /// Appends it without the path of a message.
    pub fn write_to(self, out: &mut Vec<u8>) {
        match self {
            Self::Id(id) => {
                out.push(0);
                out.extend_from_slice(&id.to_be_bytes());
            }
            Self::Guid(guid) => {
                out.push(1);
                out.extend_from_slice(&guid.0);
            }
        }
    }
}

/// Appends the path of a message in its schema: how many steps, and the number of the message at each. The path to the
/// first message is a single zero.
pub fn write_indexes(path: &[i32], out: &mut Vec<u8>) {
    if path == [0] {
        out.push(0);
        return;
    }
    write_zigzag(i64::try_from(path.len()).unwrap_or(i64::MAX), out);
    for step in path {
        write_zigzag(i64::from(*step), out);
    }
}

/// Appends a number as Avro, and Protobuf's `sint`, write it: small ones short, whatever their sign.
pub(super) fn write_zigzag(number: i64, out: &mut Vec<u8>) {
    write_varint(((number << 1) ^ (number >> 63)).cast_unsigned(), out);
}

/// Appends a number in groups of seven bits, the lowest first.
pub(super) fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_confluents() {
        let guid = Guid(std::array::from_fn(|at| at as u8));
        let check = |frame: Frame, format: Format, expect: &[u8]| {
            assert_eq!(frame.header(format), expect, "{frame:?} {format:?}");
        };
        check(Frame::Id(258), Format::Avro, &[0, 0, 0, 1, 2]);
        check(Frame::Id(258), Format::JsonSchema, &[0, 0, 0, 1, 2]);
        check(Frame::Id(258), Format::Protobuf, &[0, 0, 0, 1, 2, 0]);
        let bytes = [1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        check(Frame::Guid(guid), Format::Avro, &bytes);
    }

    #[test]
    fn paths_of_messages_are_zigzag() {
        let check = |path: &[i32], expect: &[u8]| {
            let mut out = Vec::new();
            write_indexes(path, &mut out);
            assert_eq!(out, expect, "{path:?}");
        };
        check(&[0], &[0]);
        check(&[1], &[2, 2]);
        check(&[0, 0], &[4, 0, 0]);
        check(&[2, 64], &[4, 4, 0x80, 1]);
        check(&[-1], &[2, 1]);
    }
}
