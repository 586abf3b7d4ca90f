//! Regular expressions in Java's syntax, over whole texts.

use fancy_regex::Regex;

/// An expression that the whole of a text has to match, as Java's `Matcher.matches()` has it.
#[derive(Clone, Debug)]
pub struct JavaRegex {
    java: String,
    whole: Regex,
}

impl JavaRegex {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(java: &str) -> Result<Self, String> {
        let translated = translate(java)?;
        // Alone first, so that a message points into what the user wrote.
        Regex::new(&translated).map_err(|e| e.to_string())?;
        let whole = Regex::new(&format!(r"\A(?:{translated})\z")).map_err(|e| e.to_string())?;
        Ok(Self {
            java: java.to_owned(),
            whole,
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
}

/// Java's quotation `\Q…\E` and its POSIX classes, which fancy-regex does not know.
fn translate(java: &str) -> Result<String, String> {
    let mut out = String::with_capacity(java.len());
    let mut rest = java;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        if let Some(quoted) = escape.strip_prefix(r"\Q") {
            let (literal, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            out.push_str(&fancy_regex::escape(literal));
            rest = after;
        } else if let Some((class, after)) = posix_class(escape) {
            out.push_str(class);
            rest = after;
        } else {
            let length = 1 + escape[1..].chars().next().map_or(0, char::len_utf8);
            if length == 1 {
                return Err("it ends within an escape".to_owned());
            }
            out.push_str(&escape[..length]);
            rest = &escape[length..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Java's `\p{Alpha}` and its like: of ASCII alone, as topic names are.
fn posix_class(escape: &str) -> Option<(&'static str, &str)> {
    const CLASSES: &[(&str, &str)] = &[
        ("Lower", "[a-z]"),
        ("Upper", "[A-Z]"),
        ("Alpha", "[A-Za-z]"),
        ("Digit", "[0-9]"),
        ("Alnum", "[A-Za-z0-9]"),
        ("XDigit", "[0-9A-Fa-f]"),
    ];
    let (name, after) = escape.strip_prefix(r"\p{")?.split_once('}')?;
    let (_, class) = CLASSES.iter().find(|(known, _)| *known == name)?;
    Some((class, after))
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
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let check = |java: &str| assert!(JavaRegex::compile(java).is_err(), "{java}");
        check("a(");
        check("[a");
        check("*");
        check("a\\");
    }
}
