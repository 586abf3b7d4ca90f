//! JSON that is a row as it stands: one scan that copies nothing and allocates nothing.
//!
//! The scan is strict where the general way is lenient, and it knows less: an object at the top, no name
//! twice in an object, numbers whose value every reader sees alike. Of everything else it says that it is
//! not its own; it never says that something is wrong.

use super::plain_text::end_of_plain_text;

/// Deeper objects and arrays go the general way.
const DEPTH_MAX: usize = 64;
/// Up to as many names in an object are compared when they come; more are sorted when it ends.
const NAMES_COMPARED_MAX: usize = 64;
/// Digits of one number; more may be too many for Jackson.
const DIGITS_MAX: usize = 1000;
/// Characters and decimal exponent of a number with a fraction or exponent, so that it is surely finite:
/// 10^(40 + 250) is below the greatest double.
const FLOAT_LENGTH_MAX: usize = 40;
const EXPONENT_MAX: u32 = 250;

/// Finds out what may pass. It keeps its memory from one record to the next.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// Names of the objects that are open, the outermost first.
    names: Vec<Name>,
    open: Vec<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Name {
    hash: u64,
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, Debug)]
enum Open {
    Array,
    Object {
        /// Where its names begin.
        first: usize,
        /// One bit for each name so far, by its hash: a name whose bit is not set is new.
        bits: u64,
    },
}

impl Scanner {
    /// The bytes without the blanks around them, where they are an object that may pass as it is.
    pub(super) fn scan<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        std::str::from_utf8(bytes).ok()?;
        self.names.clear();
        self.open.clear();
        let mut cursor = Cursor { bytes, at: 0 };
        if cursor.peek()? != b'{' {
            return None;
        }
        let start = cursor.at;
        self.object(&mut cursor)?;
        let end = cursor.at;
        match cursor.peek() {
            None => Some(&bytes[start..end]),
            Some(_) => None,
        }
    }

    /// The object at the cursor, with all that is in it.
    fn object(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        // Each turn reads one value: the first turn the object itself.
        loop {
            match cursor.peek()? {
                b'{' => {
                    cursor.at += 1;
                    self.open(Open::Object {
                        first: self.names.len(),
                        bits: 0,
                    })?;
                    if cursor.peek()? != b'}' {
                        self.name(cursor)?;
                        continue;
                    }
                    cursor.at += 1;
                    self.open.pop();
                }
                b'[' => {
                    cursor.at += 1;
                    self.open(Open::Array)?;
                    if cursor.peek()? != b']' {
                        continue;
                    }
                    cursor.at += 1;
                    self.open.pop();
                }
                b'"' => {
                    cursor.string()?;
                }
                b'-' | b'0'..=b'9' => cursor.number()?,
                b't' => cursor.word(b"true")?,
                b'f' => cursor.word(b"false")?,
                b'n' => cursor.word(b"null")?,
                _ => return None,
            }
            // A value ended: what it stands in goes on, or ends with it.
            loop {
                let Some(open) = self.open.last() else {
                    return Some(());
                };
                match (*open, cursor.peek()?) {
                    (Open::Array, b',') => {
                        cursor.at += 1;
                        break;
                    }
                    (Open::Object { .. }, b',') => {
                        cursor.at += 1;
                        if cursor.peek()? != b'"' {
                            return None;
                        }
                        self.name(cursor)?;
                        break;
                    }
                    (Open::Array, b']') => {}
                    (Open::Object { first, .. }, b'}') => self.close(first)?,
                    _ => return None,
                }
                cursor.at += 1;
                self.open.pop();
            }
        }
    }

    fn open(&mut self, open: Open) -> Option<()> {
        if self.open.len() >= DEPTH_MAX {
            return None;
        }
        self.open.push(open);
        Some(())
    }

    /// A name and the colon after it. One with an escape is not ours: it may equal another.
    fn name(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        if cursor.peek()? != b'"' {
            return None;
        }
        let start = cursor.at + 1;
        if cursor.string()? {
            return None;
        }
        let end = cursor.at - 1;
        let bytes = cursor.bytes;
        let hash = hash(&bytes[start..end]);
        let Some(Open::Object { first, bits }) = self.open.last_mut() else {
            return None;
        };
        let bit = 1 << (hash >> 58);
        let so_far = &self.names[*first..];
        if *bits & bit != 0
            && so_far.len() < NAMES_COMPARED_MAX
            && so_far
                .iter()
                .any(|name| name.hash == hash && bytes[name.start..name.end] == bytes[start..end])
        {
            return None;
        }
        *bits |= bit;
        self.names.push(Name { hash, start, end });
        if cursor.peek()? != b':' {
            return None;
        }
        cursor.at += 1;
        Some(())
    }

    /// Forgets the names of an object; with many of them this is where they are compared.
    fn close(&mut self, first: usize) -> Option<()> {
        let names = &mut self.names[first..];
        if names.len() > NAMES_COMPARED_MAX {
            names.sort_unstable_by_key(|name| name.hash);
            // Equal hashes are equal names, or so rare that the general way may decide.
            if names.windows(2).any(|pair| pair[0].hash == pair[1].hash) {
                return None;
            }
        }
        self.names.truncate(first);
        Some(())
    }
}

struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Cursor<'_> {
    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes over blanks; gives the byte after them.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                other => return Some(other),
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes[self.at..]
            .starts_with(word)
            .then(|| self.at += word.len())
    }

    /// From the opening quote past the closing one; whether there are escapes.
    #[inline]
    fn string(&mut self) -> Option<bool> {
        self.at += 1;
        let mut has_escape = false;
        loop {
            self.at = end_of_plain_text(self.bytes, self.at);
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Some(has_escape);
                }
                b'\\' => {
                    has_escape = true;
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    #[cold]
    fn escape(&mut self) -> Option<()> {
        self.at += 1;
        match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.at += 1;
                Some(())
            }
            b'u' => match self.hex4()? {
                0xD800..0xDC00 => {
                    self.word(b"\\")?;
                    (self.byte()? == b'u').then_some(())?;
                    (0xDC00..0xE000).contains(&self.hex4()?).then_some(())
                }
                0xDC00..0xE000 => None,
                _ => Some(()),
            },
            _ => None,
        }
    }

    /// Four digits after the `u` at the cursor.
    fn hex4(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at + 1..self.at + 5)?;
        self.at += 5;
        digits.iter().try_fold(0, |number, &digit| {
            Some(number * 16 + char::from(digit).to_digit(16)?)
        })
    }

    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        (self.at > start).then_some(self.at - start)
    }

    /// A number whose value no reader changes. Integers of any size are such, but for `-0`, whose sign
    /// Java drops (that of `-0.0` too), and for leading zeros, which only Jackson accepts.
    #[inline]
    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let is_negative = self.byte()? == b'-';
        self.at += usize::from(is_negative);
        let first = self.byte()?;
        let whole = self.digits()?;
        if first == b'0' && whole > 1 {
            return None;
        }
        match self.byte() {
            Some(b'.' | b'e' | b'E') => {
                self.fraction(start)?;
                let minus_zero =
                    is_negative && first == b'0' && is_zero(&self.bytes[start..self.at]);
                (!minus_zero).then_some(())
            }
            _ if is_negative && first == b'0' => None,
            _ if whole > DIGITS_MAX => None,
            _ => Some(()),
        }
    }

    fn fraction(&mut self, start: usize) -> Option<()> {
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            let first = self.at;
            self.digits()?;
            let exponent = std::str::from_utf8(&self.bytes[first..self.at]).ok()?;
            if exponent.parse::<u32>().ok()? > EXPONENT_MAX {
                return None;
            }
        }
        (self.at - start <= FLOAT_LENGTH_MAX).then_some(())
    }
}

/// Whether the digits before an exponent are all zero.
fn is_zero(number: &[u8]) -> bool {
    let mut digits = number
        .iter()
        .take_while(|byte| !matches!(byte, b'e' | b'E'));
    !digits.any(|byte| matches!(byte, b'1'..=b'9'))
}

/// A hash of a name, of its length and its first and last bytes. Names that differ may have the same;
/// they are compared then.
#[inline]
fn hash(name: &[u8]) -> u64 {
    const K: u64 = 0x9E37_79B9_7F4A_7C15;
    let wide = |bytes: Option<&[u8; 8]>| bytes.map(|bytes| u64::from_le_bytes(*bytes));
    let narrow = |bytes: Option<&[u8; 4]>| bytes.map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
    let (first, last) = match wide(name.first_chunk()).zip(wide(name.last_chunk())) {
        Some(both) => both,
        None => match narrow(name.first_chunk()).zip(narrow(name.last_chunk())) {
            Some(both) => both,
            None => (
                name.iter()
                    .fold(0, |number, &byte| number << 8 | u64::from(byte)),
                0,
            ),
        },
    };
    let mixed = (first ^ (name.len() as u64).wrapping_mul(K)).wrapping_mul(K);
    (mixed ^ mixed >> 32 ^ last).wrapping_mul(K)
}

#[cfg(test)]
mod tests;
