//! Protobuf's wire format: tags, numbers and counted bytes, as Java's `CodedInputStream` reads them.

use crate::error::DataError;

/// Groups in one another, as in Java.
const DEPTH_MAX: usize = 100;

/// How a value stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Varint,
    Fixed64,
    Counted,
    GroupStart,
    GroupEnd,
    Fixed32,
}

/// Bytes that are being read.
pub(super) struct Input<'k>(pub(super) &'k [u8]);

impl<'k> Input<'k> {
    pub(super) fn varint(&mut self) -> Result<u64, DataError> {
        if let [byte @ 0..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok(u64::from(*byte));
        }
        let mut number = 0_u64;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or_else(cut_off)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DataError::data("A number has more than 10 bytes"))
    }

    pub(super) fn tag(&mut self) -> Result<(u32, Wire), DataError> {
        #[expect(clippy::cast_possible_truncation, reason = "as Java cuts it")]
        let tag = self.varint()? as u32;
        let wire = match tag & 7 {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Counted,
            3 => Wire::GroupStart,
            4 => Wire::GroupEnd,
            5 => Wire::Fixed32,
            other => {
                return Err(DataError::data(format!(
                    "A tag has the wire type {other}, which does not exist"
                )));
            }
        };
        match tag >> 3 {
            0 => Err(DataError::data(
                "Protocol message contained an invalid tag (zero).",
            )),
            number => Ok((number, wire)),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(super) fn counted(&mut self) -> Result<&'k [u8], DataError> {
        let length = self.varint()?;
        let left = self.0.len();
        let split = usize::try_from(length)
            .ok()
            .and_then(|length| self.0.split_at_checked(length));
        let (bytes, rest) = split.ok_or_else(|| {
            DataError::data(format!(
                "{length} bytes are announced, and {left} are there"
            ))
        })?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Passes over a field that nobody knows.
    pub(super) fn skip(&mut self, number: u32, wire: Wire, depth: usize) -> Result<(), DataError> {
        match wire {
            Wire::Varint => drop(self.varint()?),
            Wire::Fixed64 => drop(self.array::<8>()?),
            Wire::Fixed32 => drop(self.array::<4>()?),
            Wire::Counted => drop(self.counted()?),
            Wire::GroupEnd => return Err(unbalanced()),
            Wire::GroupStart => {
                if depth >= DEPTH_MAX {
                    return Err(DataError::data(format!(
                        "Groups stand in one another more than {DEPTH_MAX} deep"
                    )));
                }
                loop {
                    if self.0.is_empty() {
                        return Err(unbalanced());
                    }
                    let (inner, wire) = self.tag()?;
                    if wire == Wire::GroupEnd {
                        return if inner == number {
                            Ok(())
                        } else {
                            Err(unbalanced())
                        };
                    }
                    self.skip(inner, wire, depth + 1)?;
                }
            }
        }
        Ok(())
    }
}

fn unbalanced() -> DataError {
    DataError::data("Protocol message end-group tag did not match expected tag.")
}

fn cut_off() -> DataError {
    DataError::data("The bytes end in the middle of a field")
}
