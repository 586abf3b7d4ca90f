//! Classes of characters that Java has and fancy-regex has not, or has as others.

/// `\d` and its like, those of letters alone where they are of ASCII.
pub(super) fn short(escape: &str, is_unicode: bool) -> Option<(&'static str, &str)> {
    const OF_ASCII: &[(&str, &str)] = &[
        (r"\d", "[0-9]"),
        (r"\D", "[^0-9]"),
        (r"\w", "[A-Za-z0-9_]"),
        (r"\W", "[^A-Za-z0-9_]"),
        (r"\s", r"[ \t\n\x0B\f\r]"),
        (r"\S", r"[^ \t\n\x0B\f\r]"),
    ];
    const ALL: &[(&str, &str)] = &[
        (
            r"\h",
            r"[ \t\u{A0}\u{1680}\u{180E}\u{2000}-\u{200A}\u{202F}\u{205F}\u{3000}]",
        ),
        (
            r"\H",
            r"[^ \t\u{A0}\u{1680}\u{180E}\u{2000}-\u{200A}\u{202F}\u{205F}\u{3000}]",
        ),
        (r"\v", r"[\n\x0B\f\r\u{85}\u{2028}\u{2029}]"),
        (r"\V", r"[^\n\x0B\f\r\u{85}\u{2028}\u{2029}]"),
    ];
    let of_ascii = OF_ASCII.iter().filter(|_| !is_unicode);
    let mut classes = of_ascii.chain(ALL);
    classes.find_map(|(name, class)| Some((*class, escape.strip_prefix(name)?)))
}

/// `\p{Alpha}`, `\p{javaLowerCase}`, `\p{InGreek}` and their like, and their opposites.
pub(super) fn named(escape: &str) -> Option<(String, &str)> {
    let (is_in, named) = match escape.strip_prefix(r"\p{") {
        Some(named) => (true, named),
        None => (false, escape.strip_prefix(r"\P{")?),
    };
    let (name, after) = named.split_once('}')?;
    let mut known = POSIX.iter().chain(JAVA);
    let class = match known.find(|(known, _)| *known == name) {
        Some((_, class)) => (*class).to_owned(),
        None => block(name)?,
    };
    let not = if is_in { "" } else { "^" };
    Some((format!("[{not}{class}]"), after))
}

const POSIX: &[(&str, &str)] = &[
    ("Lower", "a-z"),
    ("Upper", "A-Z"),
    ("ASCII", r"\x00-\x7F"),
    ("Alpha", "A-Za-z"),
    ("Digit", "0-9"),
    ("Alnum", "A-Za-z0-9"),
    ("Punct", "!-/:-@\\[-`{-~"),
    ("Graph", "!-~"),
    ("Print", " -~"),
    ("Blank", r" \t"),
    ("Cntrl", r"\x00-\x1F\x7F"),
    ("XDigit", "0-9A-Fa-f"),
    ("Space", r" \t\n\x0B\f\r"),
];

/// Those of the methods of `java.lang.Character`.
const JAVA: &[(&str, &str)] = &[
    ("javaLowerCase", r"\p{Lowercase}"),
    ("javaUpperCase", r"\p{Uppercase}"),
    ("javaTitleCase", r"\p{Lt}"),
    ("javaAlphabetic", r"\p{Alphabetic}"),
    ("javaLetter", r"\p{L}"),
    ("javaDigit", r"\p{Nd}"),
    ("javaLetterOrDigit", r"\p{L}\p{Nd}"),
    ("javaSpaceChar", r"\p{Z}"),
    (
        "javaWhitespace",
        r"\t-\r\x1C-\x20\u{1680}\u{2000}-\u{2006}\u{2008}-\u{200A}\u{2028}\u{2029}\u{205F}\u{3000}",
    ),
    ("javaISOControl", r"\x00-\x1F\x7F-\u{9F}"),
];

/// The greater ones of Unicode's blocks.
const BLOCKS: &[(&str, &str)] = &[
    ("BASICLATIN", r"\x00-\x7F"),
    ("LATIN1SUPPLEMENT", r"\u{80}-\u{FF}"),
    ("LATINEXTENDEDA", r"\u{100}-\u{17F}"),
    ("LATINEXTENDEDB", r"\u{180}-\u{24F}"),
    ("GREEK", r"\u{370}-\u{3FF}"),
    ("GREEKANDCOPTIC", r"\u{370}-\u{3FF}"),
    ("CYRILLIC", r"\u{400}-\u{4FF}"),
    ("HEBREW", r"\u{590}-\u{5FF}"),
    ("ARABIC", r"\u{600}-\u{6FF}"),
    ("THAI", r"\u{E00}-\u{E7F}"),
    ("HIRAGANA", r"\u{3040}-\u{309F}"),
    ("KATAKANA", r"\u{30A0}-\u{30FF}"),
    ("CJKUNIFIEDIDEOGRAPHS", r"\u{4E00}-\u{9FFF}"),
    ("HANGULSYLLABLES", r"\u{AC00}-\u{D7AF}"),
];

fn block(name: &str) -> Option<String> {
    let name = match name.split_once('=') {
        Some((property, name)) => {
            let is_block = ["block", "blk"]
                .iter()
                .any(|one| one.eq_ignore_ascii_case(property));
            is_block.then_some(name)?
        }
        None => name.strip_prefix("In")?,
    };
    let name = name.replace([' ', '-', '_'], "").to_ascii_uppercase();
    let found = BLOCKS.iter().find(|(known, _)| *known == name);
    found.map(|(_, class)| (*class).to_owned())
}
