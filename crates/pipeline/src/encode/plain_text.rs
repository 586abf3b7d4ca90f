//! Where a text needs escapes to stand in JSON, and where one that stands there has some.

/// Where the next quote, backslash or control character stands, at or after `at`; eight bytes are looked at at a time.
#[inline]
pub(super) fn end_of_plain_text(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let plain = plain_bytes(u64::from_le_bytes(*chunk));
        if plain < 8 {
            return at + plain;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return at;
    }
    at + plain_bytes(end_of_text(rest))
}

/// How many bytes of eight stand before the first that is a quote, a backslash or a control character. In each of the three
/// words the top bit of a byte is set where it is one. A borrow can only set bits behind the first true one, which is the one
/// that counts.
#[inline]
const fn plain_bytes(word: u64) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    let quotes = zeros(word ^ (ONES * b'"' as u64));
    let backslashes = zeros(word ^ (ONES * b'\\' as u64));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    ((quotes | backslashes | controls) & TOPS).trailing_zeros() as usize / 8
}

/// One to seven bytes as eight. Some are put in their place twice; behind the last are zeros, which are control characters,
/// so that the end is found where nothing else is.
#[inline]
fn end_of_text(rest: &[u8]) -> u64 {
    let length = rest.len();
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | u64::from(last) << (8 * (length - 4));
    }
    let at = |index: usize| u64::from(rest[index]) << (8 * index);
    at(0) | at(length / 2) | at(length - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_controls_are_found_at_every_place() {
        for length in 0..40 {
            for stop in ['"', '\\', '\n', '\u{1f}', '\0'] {
                for filler in ['a', ' ', '!', '#', '[', ']', 'ä', '\u{7f}', '\u{80}'] {
                    let text: String = std::iter::repeat_n(filler, length)
                        .chain([stop, '"', 'z'])
                        .collect();
                    let expect = filler.len_utf8() * length;
                    assert_eq!(end_of_plain_text(text.as_bytes(), 0), expect, "{text:?}");
                }
            }
        }
        assert_eq!(end_of_plain_text(b"abcdefghijk", 2), 11);
    }
}
