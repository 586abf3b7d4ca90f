//! Regular expressions in Java's syntax, as `java.util.regex.Pattern` of Java 17 has it without flags.

mod classes;
mod translate;

use crate::error::{DataError, ErrorClass};
use fancy_regex::{Captures, Regex};
use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;
use translate::translate;

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
        // The line ends what may be a comment.
        let end = if translated.contains("(?") && translated.contains('#') {
            "\n"
        } else {
            ""
        };
        let whole =
            Regex::new(&format!("\\A(?:{translated}{end})\\z")).map_err(|e| e.to_string())?;
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
        check(r"\h\H\v\V\R", "\u{A0}x\u{85}y\r\n", true);
        check(r"[^\h\v]+", "ab", true);
        check(r"\cA\0101\u00e4\uD83D\uDE00", "\u{1}Aä😀", true);
        check(r"a|\1", "a", true);
        check(r"[[:alpha:]]+", ":lap", true);
        check(r"[[:alpha:]]+", "t", false);
        check("(?x) a # b", "a", true);
        check("(?d)a(?U)\\w(?-U)", "aä", true);
        check(
            r"\p{javaLowerCase}\P{javaDigit}\p{InGreek}\p{block=Basic Latin}",
            "axαb",
            true,
        );
        check(
            "(?i)(?<n1>a)(?-i:b)(?:c)(?=d)(?>d)(?<=d)(?!e)(?<!e)",
            "Abcd",
            true,
        );
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
        check("(?<1>a)");
        check("(?<a_b>a)");
        check("(?<n>a)(?<n>b)");
        check("(?P<n>a)");
        check("(?#a)b");
        check(r"\N");
        check(r"\08");
    }
}
