//! Where a text needs escapes to stand in JSON, and where one that stands there has some.

/// Where the next quote, backslash or control character stands, at or after `at`. Eight bytes at a time:
/// in each of them the top bit is set where one of the three is. A borrow can only set bits behind the
/// first true one, which is the one that counts.
#[inline]
pub(super) fn end_of_plain_text(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let is = |byte: u8| {
            let zeros = word ^ (ONES * u64::from(byte));
            zeros.wrapping_sub(ONES) & !zeros
        };
        let is_control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (is(b'"') | is(b'\\') | is_control) & TOPS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        at += 1;
    }
    at
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
