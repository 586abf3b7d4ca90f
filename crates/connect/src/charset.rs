//! Character sets by Java's names, decoded as Java decodes: what is malformed becomes U+FFFD.

mod single_byte;

use single_byte::SingleByte;
use std::borrow::Cow;

/// A character set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    Ascii,
    Latin1,
    /// By its byte order mark, else big-endian.
    Utf16,
    Utf16Be,
    Utf16Le,
    /// By its byte order mark, else big-endian.
    Utf32,
    Utf32Be,
    Utf32Le,
    SingleByte(SingleByte),
    /// A set of the Encoding Standard, and characters of it that are others in Java. The standard knows some
    /// more than Java's set of the name does; these are kept, where Java makes them U+FFFD.
    MultiByte(&'static encoding_rs::Encoding, &'static [(char, char)]),
}

/// Java 17's names, in lower case.
const NAMES: &[(&[&str], Charset)] = &[
    (&["utf-8", "utf8", "unicode-1-1-utf-8"], Charset::Utf8),
    (
        &[
            "us-ascii",
            "ascii",
            "iso646-us",
            "iso_646.irv:1991",
            "iso_646.irv:1983",
            "iso-ir-6",
            "ansi_x3.4-1968",
            "ansi_x3.4-1986",
            "646",
            "us",
            "cp367",
            "ibm367",
            "ascii7",
            "csascii",
            "default",
        ],
        Charset::Ascii,
    ),
    (
        &[
            "iso-8859-1",
            "iso8859-1",
            "iso8859_1",
            "iso_8859-1",
            "iso_8859-1:1987",
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
        &[
            "utf-16be",
            "utf_16be",
            "unicodebigunmarked",
            "x-utf-16be",
            "iso-10646-ucs-2",
        ],
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
    (&["utf-32", "utf32", "utf_32"], Charset::Utf32),
    (&["utf-32be", "utf_32be", "x-utf-32be"], Charset::Utf32Be),
    (&["utf-32le", "utf_32le", "x-utf-32le"], Charset::Utf32Le),
    (
        &["big5", "csbig5"],
        Charset::MultiByte(encoding_rs::BIG5, BIG5),
    ),
    (
        &["big5-hkscs", "big5hk", "big5_hkscs", "big5hkscs"],
        Charset::MultiByte(encoding_rs::BIG5, BIG5),
    ),
    (
        &[
            "euc-jp",
            "cseucpkdfmtjapanese",
            "x-euc-jp",
            "eucjis",
            "extended_unix_code_packed_format_for_japanese",
            "euc_jp",
            "eucjp",
            "x-eucjp",
        ],
        Charset::MultiByte(encoding_rs::EUC_JP, JIS),
    ),
    (
        &[
            "euc-kr",
            "ksc5601-1987",
            "cseuckr",
            "ksc5601_1987",
            "ksc5601",
            "5601",
            "euc_kr",
            "ksc_5601",
            "ks_c_5601-1987",
            "euckr",
        ],
        Charset::MultiByte(encoding_rs::EUC_KR, &[]),
    ),
    (
        &["gb18030", "gb18030-2022"],
        Charset::MultiByte(encoding_rs::GB18030, &[]),
    ),
    (
        &["gbk", "cp936", "windows-936"],
        Charset::MultiByte(encoding_rs::GBK, &[]),
    ),
    (
        &[
            "gb2312",
            "euc-cn",
            "x-euc-cn",
            "euccn",
            "euc_cn",
            "gb2312-80",
            "gb2312-1980",
        ],
        Charset::MultiByte(
            encoding_rs::GBK,
            &[('\u{b7}', '\u{30fb}'), ('\u{2014}', '\u{2015}')],
        ),
    ),
    (
        &[
            "shift_jis",
            "x-sjis",
            "sjis",
            "shift-jis",
            "ms_kanji",
            "csshiftjis",
        ],
        Charset::MultiByte(encoding_rs::SHIFT_JIS, JIS),
    ),
    (
        &["windows-31j", "ms932", "windows-932", "cswindows31j"],
        Charset::MultiByte(encoding_rs::SHIFT_JIS, &[]),
    ),
    (
        &[
            "iso-2022-jp",
            "csjisencoding",
            "iso2022jp",
            "jis_encoding",
            "jis",
            "csiso2022jp",
        ],
        Charset::MultiByte(encoding_rs::ISO_2022_JP, JIS),
    ),
];

/// Seven signs that JIS X 0208 has in two readings: Microsoft's, which the Encoding Standard took, and that
/// of Java.
const JIS: &[(char, char)] = &[
    ('\u{2015}', '\u{2014}'),
    ('\u{ff5e}', '\u{301c}'),
    ('\u{2225}', '\u{2016}'),
    ('\u{ff0d}', '\u{2212}'),
    ('\u{ffe0}', '\u{a2}'),
    ('\u{ffe1}', '\u{a3}'),
    ('\u{ffe2}', '\u{ac}'),
];

/// Signs that the Encoding Standard reads as Microsoft does. The kana, the Cyrillic letters and the numbers in
/// circles of rows C6 to C8, which each vendor put where it liked, are left as the standard has them.
const BIG5: &[(char, char)] = &[
    ('\u{2027}', '\u{2022}'),
    ('\u{fe51}', '\u{ff64}'),
    ('\u{2574}', '\u{ff3f}'),
    ('\u{af}', '\u{203e}'),
    ('\u{ff5e}', '\u{223c}'),
    ('\u{2295}', '\u{2641}'),
    ('\u{2299}', '\u{2609}'),
    ('\u{ff0f}', '\u{2571}'),
    ('\u{ff3c}', '\u{2572}'),
    ('\u{2215}', '\u{ff0f}'),
    ('\u{fe68}', '\u{ff3c}'),
    ('\u{ffe5}', '\u{a5}'),
    ('\u{ffe0}', '\u{a2}'),
    ('\u{ffe1}', '\u{a3}'),
];

impl Charset {
    /// The set of this name in any case, `None` where there is none.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let known = NAMES
            .iter()
            .find(|(names, _)| names.contains(&name.as_str()));
        match known {
            Some((_, charset)) => Some(charset.clone()),
            None => SingleByte::named(&name).map(Self::SingleByte),
        }
    }

    pub(crate) fn decode<'b>(&self, bytes: &'b [u8]) -> Cow<'b, str> {
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
            Self::Utf32 => match bytes {
                [0, 0, 0xFE, 0xFF, rest @ ..] => utf32(rest, u32::from_be_bytes),
                [0xFF, 0xFE, 0, 0, rest @ ..] => utf32(rest, u32::from_le_bytes),
                _ => utf32(bytes, u32::from_be_bytes),
            },
            Self::Utf32Be => utf32(bytes, u32::from_be_bytes),
            Self::Utf32Le => utf32(bytes, u32::from_le_bytes),
            Self::SingleByte(set) => set.decode(bytes),
            Self::MultiByte(encoding, others) => {
                let text = encoding.decode_without_bom_handling(bytes).0;
                let is_other = |c| others.iter().find(|(standard, _)| *standard == c);
                if others.is_empty() || !text.contains(|c| is_other(c).is_some()) {
                    return text;
                }
                text.chars()
                    .map(|c| is_other(c).map_or(c, |(_, java)| *java))
                    .collect()
            }
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
/// of the other half with it.
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
            Some(Ok(c)) => c,
            Some(Err(_)) | None => char::REPLACEMENT_CHARACTER,
        });
    }
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    Cow::Owned(text)
}

/// As Java, which lets halves of surrogate pairs pass, and writes each as `?`.
fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Cow<'_, str> {
    let (codes, odd) = bytes.as_chunks::<4>();
    let text = codes.iter().map(|&code| match unit(code) {
        0xD800..0xE000 => '?',
        code => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    });
    let odd = (!odd.is_empty()).then_some(char::REPLACEMENT_CHARACTER);
    text.chain(odd).collect()
}
