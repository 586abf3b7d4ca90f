//! Where a record says which schema it was written with: in front of its bytes, in a header, or nowhere.
//!
//! The forms of Confluent's serializers: `00` and a number of four bytes, or `01` and a GUID of sixteen, big-endian, in
//! front of the payload; the same in a header, where the record's bytes are the payload alone. For Protobuf, the
//! indexes of the message in its schema follow the id, wherever that stands.

use super::super::Role;
use super::format::MessageIndexes;
use crate::config::{Config, ConfigProblem};
use crate::error::{DataError, ErrorClass};
use crate::registry::{Guid, SchemaId};

const ID_DESERIALIZERS: &str = "io.confluent.kafka.serializers.schema.id.";

/// Where the id of a schema is looked for (`*.schema.id.deserializer`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IdSource {
    /// In the header where there is one, else in front of the bytes.
    HeaderOrPrefix,
    /// In front of the bytes.
    Prefix,
    /// In the configuration; `None` where it does not say, and every record fails.
    Config(Option<(SchemaId, MessageIndexes)>),
}

/// A record's bytes, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Framed<'k> {
    pub(super) id: SchemaId,
    pub(super) indexes: MessageIndexes,
    pub(super) payload: &'k [u8],
}

impl IdSource {
    /// As the settings of a converter say.
    pub(super) fn new(role: Role, settings: &Config) -> Result<Self, Vec<ConfigProblem>> {
        let name = format!("{}.schema.id.deserializer", role.name());
        let class = settings.string(&name).unwrap_or_default();
        match class.strip_prefix(ID_DESERIALIZERS) {
            Some("PrefixSchemaIdDeserializer") => Ok(Self::Prefix),
            Some("ConfigSchemaIdDeserializer") => of_config(settings).map(Self::Config),
            _ => Ok(Self::HeaderOrPrefix),
        }
    }

    /// Takes the bytes of a record apart. `header` gives the value of the last header of a name; `with_indexes`
    /// says that message indexes follow the id.
    pub(super) fn read<'k, 'h>(
        &self,
        bytes: &'k [u8],
        with_indexes: bool,
        header: impl FnOnce() -> Option<&'h [u8]>,
    ) -> Result<Framed<'k>, DataError> {
        match self {
            Self::Prefix => read_prefix(bytes, with_indexes),
            Self::HeaderOrPrefix => match header() {
                None => read_prefix(bytes, with_indexes),
                Some(header) => {
                    let Framed { id, indexes, .. } =
                        read_prefix(header, with_indexes).map_err(|error| in_header(&error))?;
                    Ok(Framed {
                        id,
                        indexes,
                        payload: bytes,
                    })
                }
            }
            .map_err(|error| DataError::data(error.message)),
            Self::Config(Some((id, indexes))) => Ok(Framed {
                id: *id,
                // Cloned for each record, where the message is not the first.
                indexes: indexes.clone(),
                payload: bytes,
            }),
            Self::Config(None) => Err(DataError::data(
                "The schema id is to come from the configuration, and neither use.schema.id nor use.schema.guid is set",
            )),
        }
    }
}

fn in_header(error: &DataError) -> DataError {
    DataError::data(format!("In the header of the schema id: {}", error.message))
}

fn of_config(settings: &Config) -> Result<Option<(SchemaId, MessageIndexes)>, Vec<ConfigProblem>> {
    let mut problems = Vec::new();
    let guid = settings.string("use.schema.guid").map(|text| {
        guid_of(text).ok_or_else(|| {
            ConfigProblem::invalid(
                "use.schema.guid",
                text,
                "It is no GUID, 8-4-4-4-12 hexadecimal digits",
            )
        })
    });
    let guid = guid.transpose().unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    let mut indexes = Vec::new();
    for text in settings.list("use.message.indexes") {
        match text.parse() {
            Ok(index) => indexes.push(index),
            Err(_) => problems.push(ConfigProblem::invalid(
                "use.message.indexes",
                text,
                "It is no whole number",
            )),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if indexes == [0] {
        indexes.clear();
    }
    let id = settings
        .integer("use.schema.id")
        .and_then(|id| i32::try_from(id).ok())
        .filter(|id| *id >= 0)
        .map(SchemaId::Id);
    Ok(id.or(guid.map(SchemaId::Guid)).map(|id| (id, indexes)))
}

fn guid_of(text: &str) -> Option<Guid> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let dashes: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    // Numbers may have a sign, digits have none.
    let are_digits = digits.iter().all(u8::is_ascii_hexdigit);
    if !are_digits || digits.len() != 32 || dashes != [8, 13, 18, 23] {
        return None;
    }
    let mut guid = [0; 16];
    for (byte, pair) in guid.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(Guid(guid))
}

fn read_prefix(bytes: &[u8], with_indexes: bool) -> Result<Framed<'_>, DataError> {
    let (magic, rest) = bytes
        .split_first()
        .ok_or_else(|| DataError::data("There is not a single byte, and so no schema id"))?;
    let (id, rest) = match magic {
        0 => {
            let (id, rest) = rest.split_first_chunk().ok_or_else(|| cut_off(4, rest))?;
            (SchemaId::Id(i32::from_be_bytes(*id)), rest)
        }
        1 => {
            let (guid, rest) = rest.split_first_chunk().ok_or_else(|| cut_off(16, rest))?;
            (SchemaId::Guid(Guid(*guid)), rest)
        }
        other => {
            return Err(DataError::of(
                ErrorClass::IllegalArgument,
                format!(
                    "Unknown magic byte! The first byte is {other:#04x}, where data with a schema id in front begins with 0x00 \
                     or 0x01: it was not written by a serializer of Schema Registry"
                ),
            ));
        }
    };
    let (indexes, payload) = if with_indexes {
        read_indexes(rest).map_err(|error| about(id, &error))?
    } else {
        (Vec::new(), rest)
    };
    Ok(Framed {
        id,
        indexes,
        payload,
    })
}

/// An error of a record whose schema's id is known.
pub(super) fn about(id: SchemaId, error: &DataError) -> DataError {
    DataError::of(error.class, format!("{id}: {}", error.message))
}

fn cut_off(expected: usize, rest: &[u8]) -> DataError {
    DataError::data(format!(
        "The schema id is cut off: {} bytes of {expected} are there",
        rest.len()
    ))
}

/// As many as they say, each a zigzag varint. A count of 0 stands for the first message.
fn read_indexes(mut bytes: &[u8]) -> Result<(MessageIndexes, &[u8]), DataError> {
    let count = zigzag(&mut bytes)?;
    // Each takes a byte at least: more than that are not there, and no memory is set aside for them.
    let count = usize::try_from(count)
        .ok()
        .filter(|count| *count <= bytes.len())
        .ok_or_else(|| {
            DataError::data(format!(
                "There cannot be {count} message indexes: {} bytes follow",
                bytes.len()
            ))
        })?;
    let mut indexes = Vec::with_capacity(count);
    for _ in 0..count {
        indexes.push(zigzag(&mut bytes)?);
    }
    if indexes == [0] {
        indexes.clear();
    }
    Ok((indexes, bytes))
}

fn zigzag(bytes: &mut &[u8]) -> Result<i32, DataError> {
    let mut number = 0_u32;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes
            .split_first()
            .ok_or_else(|| DataError::data("The message indexes are cut off"))?;
        *bytes = rest;
        number |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    Err(DataError::data(
        "A message index has more than 5 bytes, which no number of 32 bits has",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'k>(
        source: &IdSource,
        bytes: &'k [u8],
        header: Option<&[u8]>,
    ) -> Result<(SchemaId, MessageIndexes, &'k [u8]), String> {
        let framed = source.read(bytes, true, || header);
        framed
            .map(|framed| (framed.id, framed.indexes, framed.payload))
            .map_err(|error| error.message)
    }

    #[test]
    fn ids_stand_in_front_or_in_a_header() {
        let check =
            |source: &IdSource, bytes: &[u8], header: Option<&[u8]>, id: i32, payload: &[u8]| {
                let found = read(source, bytes, header);
                assert_eq!(
                    found,
                    Ok((SchemaId::Id(id), vec![], payload)),
                    "{bytes:?} {header:?}"
                );
            };
        let both = IdSource::HeaderOrPrefix;
        check(&both, b"\0\0\0\0\x07\0x", None, 7, b"x");
        check(&both, b"\0\xff\xff\xff\xff\0", None, -1, b"");
        check(&both, b"x", Some(b"\0\0\0\0\x07\0"), 7, b"x");
        check(
            &IdSource::Prefix,
            b"\0\0\0\0\x07\0x",
            Some(b"\0\0\0\0\x09\0"),
            7,
            b"x",
        );
        let config = IdSource::Config(Some((SchemaId::Id(3), vec![])));
        check(&config, b"\0x", None, 3, b"\0x");
        let guid = *b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10";
        let bytes = [b"\x01".as_slice(), &guid, b"\0x"].concat();
        assert_eq!(
            read(&both, &bytes, None),
            Ok((SchemaId::Guid(Guid(guid)), vec![], b"x".as_slice()))
        );
    }

    #[test]
    fn messages_are_told_by_their_indexes() {
        let check = |bytes: &[u8], expect: &[i32]| {
            let bytes = [b"\0\0\0\0\x01", bytes].concat();
            let (_, indexes, payload) = read(&IdSource::Prefix, &bytes, None).expect("indexes");
            assert_eq!(
                (indexes.as_slice(), payload),
                (expect, b"x".as_slice()),
                "{bytes:?}"
            );
        };
        check(b"\0x", &[]);
        check(b"\x02\0x", &[]);
        check(b"\x02\x02x", &[1]);
        check(b"\x04\x02\0x", &[1, 0]);
        check(b"\x02\x01x", &[-1]);
        check(b"\x02\x80\x02x", &[128]);
    }

    #[test]
    fn what_is_no_frame_says_why() {
        let check = |bytes: &[u8], expect: &str| {
            let error = read(&IdSource::Prefix, bytes, None).expect_err(expect);
            assert!(error.contains(expect), "{bytes:?}: {error}");
        };
        check(b"", "not a single byte");
        check(b"{", "The first byte is 0x7b");
        check(b"\0\0\0", "cut off: 2 bytes of 4");
        check(b"\x01\0\0", "cut off: 2 bytes of 16");
        check(b"\0\0\0\0\x01", "message indexes are cut off");
        check(b"\0\0\0\0\x01\x01", "There cannot be -1 message indexes");
        check(
            b"\0\0\0\0\x01\xfe\xff\xff\xff\x0f",
            "There cannot be 2147483647 message indexes",
        );
        check(b"\0\0\0\0\x01\xff\xff\xff\xff\xff\x01", "more than 5 bytes");
        let header = read(&IdSource::HeaderOrPrefix, b"x", Some(b"\x07")).expect_err("no id");
        assert!(header.starts_with("In the header of the schema id: Unknown magic byte!"));
    }

    #[test]
    fn guids_are_read_as_they_are_written() {
        let text = "9793d3e3-61d0-ef29-0433-bc40ebbed4ad";
        assert_eq!(guid_of(text).expect("a GUID").to_string(), text);
        for no_guid in [
            "",
            "9793d3e361d0ef290433bc40ebbed4ad",
            "9793d3e3-61d0-ef29-0433-bc40ebbed4ax",
            "+793d3e3-61d0-ef29-0433-bc40ebbed4ad",
        ] {
            assert_eq!(guid_of(no_guid), None, "{no_guid}");
        }
    }
}
