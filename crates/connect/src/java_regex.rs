//! Regular expressions in Java's syntax, as `java.util.regex.Pattern` of Java 17 has it without flags.

use crate::error::{DataError, ErrorClass};
use fancy_regex::{Captures, Regex};
use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

/// An expression as Java's `Pattern` compiles it.
#[derive(Clone, Debug)]
pub struct JavaRegex {
    java: String,
    /// The expression, for `Matcher.find()`. Boxed, like the other, for those who hold one are small without it.
    part: Box<Regex>,
    /// The same for the whole of a text, for `Matcher.matches()`.
    whole: Box<Regex>,
}

impl JavaRegex {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(java: &str) -> Result<Self, String> {
        let translated = translate(java)?;
        // Alone first, so that a message points into what the user wrote.
        let part = Regex::new(&translated).map_err(|e| e.to_string())?;
        let whole = Regex::new(&format!(r"\A(?:{translated})\z")).map_err(|e| e.to_string())?;
        Ok(Self {
            java: java.to_owned(),
            part: Box::new(part),
            whole: Box::new(whole),
        })
    }

    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.java
    }

    /// Whether the whole of `text` matches. A match that needs too many attempts is none.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text).unwrap_or(false)
    }

    /// `Matcher.replaceFirst`: the first part of `text` that matches becomes `replacement`, in which `$1` and `${name}` are
    /// groups and a backslash takes the next character's meaning away.
    ///
    /// # Errors
    /// A replacement that names a group that is not there, or that ends too early.
    pub fn replace_first<'t>(
        &self,
        text: &'t str,
        replacement: &str,
    ) -> Result<Cow<'t, str>, DataError> {
        let Ok(Some(captures)) = self.part.captures(text) else {
            return Ok(Cow::Borrowed(text));
        };
        let Some(found) = captures.get(0) else {
            return Ok(Cow::Borrowed(text));
        };
        let mut out = text[..found.start()].to_owned();
        self.expand(&captures, replacement, &mut out)?;
        out.push_str(&text[found.end()..]);
        Ok(Cow::Owned(out))
    }

    /// Appends a replacement with its groups filled in, as `Matcher.appendExpandedReplacement` has it.
    fn expand(
        &self,
        captures: &Captures<'_, str>,
        replacement: &str,
        out: &mut String,
    ) -> Result<(), DataError> {
        let mut rest = replacement.chars().peekable();
        while let Some(c) = rest.next() {
            let end = "character to be escaped is missing";
            match c {
                '\\' => out.push(rest.next().ok_or_else(|| illegal(end))?),
                '$' => out.push_str(match rest.peek() {
                    None => {
                        return Err(illegal("Illegal group reference: group index is missing"));
                    }
                    Some('{') => self.named_group(captures, &mut rest)?,
                    Some(digit) if digit.is_ascii_digit() => numbered_group(captures, &mut rest)?,
                    Some(_) => return Err(illegal("Illegal group reference")),
                }),
                c => out.push(c),
            }
        }
        Ok(())
    }

    /// `{name}`; nothing where the group took no part in the match.
    fn named_group<'t>(
        &self,
        captures: &Captures<'t, str>,
        rest: &mut Peekable<Chars<'_>>,
    ) -> Result<&'t str, DataError> {
        rest.next();
        let mut name = String::new();
        while let Some(c) = rest.next_if(char::is_ascii_alphanumeric) {
            name.push(c);
        }
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            let message = format!("capturing group name {{{name}}} starts with digit character");
            return Err(illegal(message));
        }
        if name.is_empty() || rest.next() != Some('}') {
            return Err(illegal("named capturing group is missing trailing '}'"));
        }
        if !self.part.capture_names().any(|known| known == Some(&name)) {
            return Err(illegal(format!("No group with name {{{name}}}")));
        }
        Ok(captures.name(&name).map_or("", |group| group.as_str()))
    }
}

fn illegal(message: impl Into<String>) -> DataError {
    DataError::of(ErrorClass::IllegalArgument, message)
}

/// The number of a group: as many digits as there is a group for, one at least.
fn numbered_group<'t>(
    captures: &Captures<'t, str>,
    rest: &mut Peekable<Chars<'_>>,
) -> Result<&'t str, DataError> {
    let mut number = 0;
    let mut is_first = true;
    while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
        let longer = number * 10 + digit as usize;
        if !is_first && longer >= captures.len() {
            break;
        }
        number = longer;
        is_first = false;
        rest.next();
    }
    if number >= captures.len() {
        let message = format!("No group {number}");
        return Err(DataError::of(ErrorClass::IndexOutOfBounds, message));
    }
    Ok(captures.get(number).map_or("", |group| group.as_str()))
}

/// Java's quotation `\Q…\E` and its POSIX classes, which fancy-regex does not know, and `\d`, `\w`, `\s`, which are of ASCII
/// alone in Java. A brace that repeats nothing is an error there, no text.
fn translate(java: &str) -> Result<String, String> {
    let mut out = String::with_capacity(java.len());
    let mut rest = java;
    let mut class_depth = 0_usize;
    while let Some(at) = rest.find(['\\', '{', '[', ']']) {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        if !escape.starts_with('\\') {
            match escape.as_bytes()[0] {
                b'{' if class_depth == 0 => check_repetition(escape)?,
                b'[' => class_depth += 1,
                b']' => class_depth = class_depth.saturating_sub(1),
                _ => {}
            }
            out.push_str(&escape[..1]);
            rest = &escape[1..];
            continue;
        }
        if let Some(quoted) = escape.strip_prefix(r"\Q") {
            let (literal, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            out.push_str(&fancy_regex::escape(literal));
            rest = after;
        } else if let Some((class, after)) = short_class(escape).or_else(|| posix_class(escape)) {
            out.push_str(class);
            rest = after;
        } else {
            let mut length = 1 + escape[1..].chars().next().map_or(0, char::len_utf8);
            if length == 1 {
                return Err("it ends within an escape".to_owned());
            }
            if escape[length..].starts_with('{')
                && matches!(&escape[1..length], "p" | "P" | "x" | "N")
            {
                length = escape.find('}').map_or(escape.len(), |end| end + 1);
            }
            out.push_str(&escape[..length]);
            rest = &escape[length..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// What begins with a brace must be `{n}`, `{n,}` or `{n,m}`.
fn check_repetition(text: &str) -> Result<(), String> {
    let bounds = text[1..].split_once('}').map(|(bounds, _)| bounds);
    let bounds = bounds.ok_or("unclosed counted closure")?;
    let (least, most) = bounds.split_once(',').unwrap_or((bounds, bounds));
    let number = |text: &str| text.parse::<u32>().map_err(|_| "illegal repetition");
    let least = number(least)?;
    if !most.is_empty() && number(most)? < least {
        return Err("illegal repetition range".to_owned());
    }
    Ok(())
}

/// `\d` and its like.
fn short_class(escape: &str) -> Option<(&'static str, &str)> {
    const CLASSES: &[(&str, &str)] = &[
        (r"\d", "[0-9]"),
        (r"\D", "[^0-9]"),
        (r"\w", "[A-Za-z0-9_]"),
        (r"\W", "[^A-Za-z0-9_]"),
        (r"\s", r"[ \t\n\x0B\f\r]"),
        (r"\S", r"[^ \t\n\x0B\f\r]"),
    ];
    let mut classes = CLASSES.iter();
    classes.find_map(|(name, class)| Some((*class, escape.strip_prefix(name)?)))
}

/// Java's `\p{Alpha}` and its like, and their opposites.
fn posix_class(escape: &str) -> Option<(&'static str, &str)> {
    const CLASSES: &[(&str, &str, &str)] = &[
        ("Lower", "[a-z]", "[^a-z]"),
        ("Upper", "[A-Z]", "[^A-Z]"),
        ("ASCII", r"[\x00-\x7F]", r"[^\x00-\x7F]"),
        ("Alpha", "[A-Za-z]", "[^A-Za-z]"),
        ("Digit", "[0-9]", "[^0-9]"),
        ("Alnum", "[A-Za-z0-9]", "[^A-Za-z0-9]"),
        ("Punct", "[!-/:-@\\[-`{-~]", "[^!-/:-@\\[-`{-~]"),
        ("Graph", "[!-~]", "[^!-~]"),
        ("Print", "[ -~]", "[^ -~]"),
        ("Blank", r"[ \t]", r"[^ \t]"),
        ("Cntrl", r"[\x00-\x1F\x7F]", r"[^\x00-\x1F\x7F]"),
        ("XDigit", "[0-9A-Fa-f]", "[^0-9A-Fa-f]"),
        ("Space", r"[ \t\n\x0B\f\r]", r"[^ \t\n\x0B\f\r]"),
    ];
    let (is_in, named) = match escape.strip_prefix(r"\p{") {
        Some(named) => (true, named),
        None => (false, escape.strip_prefix(r"\P{")?),
    };
    let (name, after) = named.split_once('}')?;
    let (_, within, without) = CLASSES.iter().find(|(known, ..)| *known == name)?;
    Some((if is_in { within } else { without }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javas_syntax_matches_the_whole_text() {
        let check = |java: &str, text: &str, expect: bool| {
            let pattern = JavaRegex::compile(java).expect(java);
            assert_eq!(pattern.matches(text), expect, "{java} {text}");
        };
        check("orders", "orders", true);
        check("orders", "orders2", false);
        check("a|ab", "ab", true);
        check("a|ab", "abc", false);
        check(r"db\.(?!tmp_).*", "db.orders", true);
        check(r"db\.(?!tmp_).*", "db.tmp_orders", false);
        check(r"\Qdb.x\E.*", "db.x1", true);
        check(r"\Qdb.x\E.*", "dbyx1", false);
        check(r"\Qdb.x", "db.x", true);
        check(r"\p{Alpha}+", "abc", true);
        check(r"[\p{Lower}\p{Digit}]+", "abc1", true);
        check(r"[\p{Lower}\p{Digit}]+", "Abc1", false);
        check(r"[a-z&&[^b]]+", "acd", true);
        check(r"[a-z&&[^b]]+", "abd", false);
        check("(?i)ORDERS", "orders", true);
        check(r"a++b", "aab", true);
        check(r"(.)\1", "aa", true);
        check(r"\d\w[\s\d]\S", "1a 2", true);
        check(r"\d", "٣", false);
        check(r"\w", "ä", false);
        check(r"[^\w]", "ä", true);
        check(r"\P{Alpha}\p{Punct}+", "1!-/:@[`{~", true);
        check(r"\p{L}+", "äb", true);
        check(r"\u0041\x42\x{43}", "ABC", true);
        check(r"a{2}b{1,}[{]c{0,1}\{", "aab{{", true);
    }

    #[test]
    fn the_first_match_is_replaced() {
        let check = |java: &str, text: &str, replacement: &str, expect: &str| {
            let pattern = JavaRegex::compile(java).expect(java);
            let replaced = pattern.replace_first(text, replacement);
            let replaced = replaced.unwrap_or_else(|error| {
                Cow::Owned(format!("{:?}: {}", error.class, error.message))
            });
            assert_eq!(replaced, expect, "{java} {text} {replacement}");
        };
        check("b+", "abbc", "X", "aXc");
        check("x", "abc", "X", "abc");
        check("a|ab", "ab", "X", "Xb");
        check("(a)(b)?", "a", "[$2$1$0]", "[aa]");
        check("(a)(b)", "ab", "$12", "a2");
        check("(?<n1>a)(b)", "ab", "${n1}-$2", "a-b");
        check("a", "a", r"\$1\\\x", r"$1\x");
        check("ä", "öäü", "ß", "ößü");
        let missing = "IllegalArgument: named capturing group is missing trailing '}'";
        check("a", "a", "$2", "IndexOutOfBounds: No group 2");
        check(
            "a",
            "a",
            "$",
            "IllegalArgument: Illegal group reference: group index is missing",
        );
        check("a", "a", "$x", "IllegalArgument: Illegal group reference");
        check("a", "a", "${x}", "IllegalArgument: No group with name {x}");
        check("a", "a", "${}", missing);
        check("a", "a", "${x", missing);
        check("a", "a", "${x-}", missing);
        check(
            "a",
            "a",
            "${1x}",
            "IllegalArgument: capturing group name {1x} starts with digit character",
        );
        check(
            "a",
            "a",
            "\\",
            "IllegalArgument: character to be escaped is missing",
        );
        check("a", "b", "$2", "b");
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let check = |java: &str| assert!(JavaRegex::compile(java).is_err(), "{java}");
        check("a(");
        check("[a");
        check("*");
        check("a\\");
        check("a{2,1}");
        check("a{,1}");
        check("{a}");
        check("a{1");
    }
}
