//! Sets of one byte per character, from a table of what Java has for each byte.

use std::borrow::Cow;

const TABLE: &str = include_str!("single_byte.tsv");

/// The character of each byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SingleByte {
    chars: Box<[char; 256]>,
    is_like_ascii: bool,
}

impl SingleByte {
    /// The set of this name, which is in lower case.
    pub(super) fn named(name: &str) -> Option<Self> {
        let rows = TABLE.lines().filter_map(|line| line.split_once('\t'));
        let is_it = |names: &str| names.split(' ').any(|known| known == name);
        let (_, units) = rows.into_iter().find(|(names, _)| is_it(names))?;
        let is_like_ascii = units.len() == 128 * 4;
        let first = if is_like_ascii { 128 } else { 0 };
        let mut chars = Box::new([char::REPLACEMENT_CHARACTER; 256]);
        for byte in 0..=u8::MAX {
            let at = usize::from(byte);
            chars[at] = match at.checked_sub(first) {
                None => char::from(byte),
                Some(row) => u32::from_str_radix(units.get(row * 4..row * 4 + 4)?, 16)
                    .ok()
                    .and_then(char::from_u32)?,
            };
        }
        Some(Self {
            chars,
            is_like_ascii,
        })
    }

    pub(super) fn decode<'b>(&self, bytes: &'b [u8]) -> Cow<'b, str> {
        match std::str::from_utf8(bytes) {
            Ok(text) if self.is_like_ascii && text.is_ascii() => Cow::Borrowed(text),
            _ => bytes
                .iter()
                .map(|&byte| self.chars[usize::from(byte)])
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_is_a_set_and_every_name_is_one_sets() {
        let mut seen = HashSet::new();
        let mut rows = 0;
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let (names, units) = line.split_once('\t').expect("names and units");
            assert!([512, 1024].contains(&units.len()), "{names}");
            for name in names.split(' ') {
                assert!(SingleByte::named(name).is_some(), "{name}");
                assert!(seen.insert(name), "{name} stands there twice");
            }
            rows += 1;
        }
        assert_eq!(rows, 69);
        assert_eq!(SingleByte::named("#"), None);
        assert_eq!(SingleByte::named(""), None);
    }
}
