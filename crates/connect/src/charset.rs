//! Character sets by Java's names, decoded as Java decodes: what is malformed becomes U+FFFD.

use std::borrow::Cow;

/// A character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    Ascii,
    Latin1,
    /// By its byte order mark, else big-endian.
    Utf16,
    Utf16Be,
    Utf16Le,
    /// A set of the Encoding Standard whose label is Java's name.
    Legacy(&'static encoding_rs::Encoding),
}

/// Java's names of sets that we decode ourselves, in lower case.
const NAMES: &[(&[&str], Charset)] = &[
    (&["utf-8", "utf8", "unicode-1-1-utf-8"], Charset::Utf8),
    (
        &[
            "us-ascii",
            "ascii",
            "iso646-us",
            "iso_646.irv:1991",
            "ansi_x3.4-1968",
            "646",
            "cp367",
            "ibm367",
            "ascii7",
        ],
        Charset::Ascii,
    ),
    (
        &[
            "iso-8859-1",
            "iso8859-1",
            "iso8859_1",
            "iso_8859-1",
            "iso_8859_1",
            "8859_1",
            "latin1",
            "l1",
            "cp819",
            "ibm819",
            "ibm-819",
            "819",
            "iso-ir-100",
            "csisolatin1",
        ],
        Charset::Latin1,
    ),
    (
        &["utf-16", "utf16", "utf_16", "unicode", "unicodebig"],
        Charset::Utf16,
    ),
    (
        &["utf-16be", "utf_16be", "unicodebigunmarked", "x-utf-16be"],
        Charset::Utf16Be,
    ),
    (
        &[
            "utf-16le",
            "utf_16le",
            "unicodelittleunmarked",
            "x-utf-16le",
        ],
        Charset::Utf16Le,
    ),
];

impl Charset {
    /// The set of this name in any case, `None` where there is none.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if let Some((_, charset)) = NAMES
            .iter()
            .find(|(names, _)| names.contains(&name.as_str()))
        {
            return Some(*charset);
        }
        // The Encoding Standard trims labels and maps some to a "replacement" that decodes nothing.
        let is_label = !name.is_empty() && name.trim() == name;
        encoding_rs::Encoding::for_label_no_replacement(name.as_bytes())
            .filter(|_| is_label)
            .map(Self::Legacy)
    }

    pub(crate) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Utf8 => utf8(bytes),
            Self::Ascii => match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => bytes
                    .iter()
                    .map(|&b| {
                        if b.is_ascii() {
                            char::from(b)
                        } else {
                            char::REPLACEMENT_CHARACTER
                        }
                    })
                    .collect(),
            },
            Self::Latin1 => match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => bytes.iter().map(|&b| char::from(b)).collect(),
            },
            Self::Utf16 => match bytes {
                [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
                [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
                _ => utf16(bytes, u16::from_be_bytes),
            },
            Self::Utf16Be => utf16(bytes, u16::from_be_bytes),
            Self::Utf16Le => utf16(bytes, u16::from_le_bytes),
            Self::Legacy(encoding) => encoding.decode_without_bom_handling(bytes).0,
        }
    }
}

/// As Java: each malformed sequence is one U+FFFD, an encoded half of a surrogate pair among them,
/// whole or cut short, each byte of which the standard library counts.
pub(crate) fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    let first_fault = match std::str::from_utf8(bytes) {
        Ok(text) => return Cow::Borrowed(text),
        Err(fault) => fault.valid_up_to(),
    };
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    let mut valid = first_fault;
    loop {
        text.push_str(&String::from_utf8_lossy(&rest[..valid]));
        rest = &rest[valid..];
        let malformed = match rest {
            [] => return Cow::Owned(text),
            [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] => 3,
            [0xED, 0xA0..=0xBF, ..] => 2,
            _ => rest
                .utf8_chunks()
                .next()
                .map_or(rest.len(), |chunk| chunk.invalid().len()),
        };
        text.push(char::REPLACEMENT_CHARACTER);
        rest = &rest[malformed..];
        valid = match std::str::from_utf8(rest) {
            Ok(all) => all.len(),
            Err(fault) => fault.valid_up_to(),
        };
    }
}

/// As Java: each malformed sequence is one U+FFFD. Half of a surrogate pair takes what stands in the place
/// of the other half with it, and a mark of the other byte order is malformed.
pub(crate) fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'_, str> {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first_chunk::<2>() {
        let first = unit(*first);
        rest = after;
        let is_high = (0xD800..0xDC00).contains(&first);
        let decoded = if is_high {
            let Some((second, after)) = after.split_first_chunk::<2>() else {
                rest = &[];
                text.push(char::REPLACEMENT_CHARACTER);
                break;
            };
            rest = after;
            char::decode_utf16([first, unit(*second)]).next()
        } else {
            char::decode_utf16([first]).next()
        };
        text.push(match decoded {
            Some(Ok('\u{FFFE}') | Err(_)) | None => char::REPLACEMENT_CHARACTER,
            Some(Ok(c)) => c,
        });
    }
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    Cow::Owned(text)
}
