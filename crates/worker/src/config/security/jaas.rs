//! `sasl.jaas.config`, as Java's `JaasConfig` reads it: a login module's class, a control flag, and options,
//! ended by a semicolon. The words are those of `java.io.StreamTokenizer`, comments included.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// One entry. It has no `Debug`, for its options are credentials.
#[derive(Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Jaas {
    /// The login module's class.
    pub(super) module: String,
    /// Its options; of two with one name the last counts.
    pub(super) options: BTreeMap<String, String>,
}

impl Jaas {
    pub(in super::super) fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// Reads the one entry of a text.
    ///
    /// # Errors
    /// What is wrong, without any of the values.
    pub(in super::super) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Tokens(text.chars().peekable());
        let Some(first) = tokens.next() else {
            return Err("Login module not specified in JAAS config".to_owned());
        };
        let entry = Self::entry(&first, &mut tokens)?;
        if tokens.next().is_some() {
            return Err(
                "JAAS config property contains more than 1 login module, should be 1 module"
                    .to_owned(),
            );
        }
        Ok(entry)
    }

    fn entry(first: &Token, tokens: &mut Tokens<'_>) -> Result<Self, String> {
        let Token::Word(module) = first else {
            return Err("Login module not specified in JAAS config".to_owned());
        };
        let Some(Token::Word(flag)) = tokens.next() else {
            return Err("Login module control flag not specified in JAAS config".to_owned());
        };
        let known = ["REQUIRED", "REQUISITE", "SUFFICIENT", "OPTIONAL"];
        if !known.contains(&flag.to_ascii_uppercase().as_str()) {
            return Err(
                "Invalid login module control flag in JAAS config: after the class follows `required`, and options \
                 after that"
                    .to_owned(),
            );
        }
        let mut options = BTreeMap::new();
        loop {
            let key = match tokens.next() {
                Some(Token::Other(';')) => break,
                Some(Token::Word(key)) => key,
                Some(_) => {
                    return Err(
                        "JAAS config has something that is no option: options are name=\"value\", \
                                separated by blanks"
                            .to_owned(),
                    );
                }
                None => return Err("JAAS config entry not terminated by semi-colon".to_owned()),
            };
            let is_set = tokens.next() == Some(Token::Other('='));
            match tokens.next() {
                Some(Token::Word(value)) if is_set => _ = options.insert(key, value),
                // Not the key either: behind a quote that ends too early it is a part of a password.
                _ => {
                    return Err(
                        "Value not specified for an option in JAAS config: write it in double quotes, and a double \
                         quote or backslash within it behind a backslash"
                            .to_owned(),
                    );
                }
            }
        }
        Ok(Self {
            module: module.clone(),
            options,
        })
    }
}

#[derive(PartialEq, Eq)]
enum Token {
    /// A word or a quoted text.
    Word(String),
    /// A number without quotes, which Java does not take for a value.
    Number,
    Other(char),
}

struct Tokens<'t>(Peekable<Chars<'t>>);

fn begins_word(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | '$') || c >= '\u{a0}'
}

fn is_in_word(c: char) -> bool {
    begins_word(c) || c.is_ascii_digit() || matches!(c, '.' | '-')
}

impl Tokens<'_> {
    fn skip_line(&mut self) {
        for c in self.0.by_ref() {
            if matches!(c, '\n' | '\r') {
                break;
            }
        }
    }

    /// What follows a slash is a comment, whichever character it is.
    fn skip_comment(&mut self) {
        if self.0.peek() != Some(&'*') {
            return self.skip_line();
        }
        self.0.next();
        let mut last = ' ';
        for c in self.0.by_ref() {
            if (last, c) == ('*', '/') {
                break;
            }
            last = c;
        }
    }

    fn rest_of_word(&mut self, first: char) -> String {
        let mut word = String::from(first);
        while let Some(c) = self.0.next_if(|c| is_in_word(*c)) {
            word.push(c);
        }
        word
    }

    /// As Java's tokenizer: a quote that is not closed ends with its line.
    fn quoted(&mut self, quote: char) -> String {
        let mut text = String::new();
        while let Some(c) = self.0.next_if(|c| !matches!(c, '\n' | '\r')) {
            match c {
                c if c == quote => break,
                '\\' => text.extend(self.escaped()),
                c => text.push(c),
            }
        }
        text
    }

    fn escaped(&mut self) -> Option<char> {
        let c = self.0.next()?;
        let Some(mut code) = c.to_digit(8) else {
            return Some(match c {
                'a' => '\u{7}',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                c => c,
            });
        };
        // Three digits where the first is at most 3, else two.
        let more = if code <= 3 { 2 } else { 1 };
        for _ in 0..more {
            match self.0.peek().and_then(|c| c.to_digit(8)) {
                Some(digit) => {
                    self.0.next();
                    code = code * 8 + digit;
                }
                None => break,
            }
        }
        char::from_u32(code)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let c = self.0.next()?;
            return Some(match c {
                c if c <= ' ' => continue,
                '/' => {
                    self.skip_comment();
                    continue;
                }
                '"' | '\'' => Token::Word(self.quoted(c)),
                '.' | '0'..='9' => {
                    let _ = self.rest_of_word(c);
                    Token::Number
                }
                c if begins_word(c) => Token::Word(self.rest_of_word(c)),
                c => Token::Other(c),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match Jaas::parse(text) {
            Ok(jaas) => {
                let options = jaas.options.iter().map(|(k, v)| format!("{k}={v:?}"));
                let options: Vec<_> = options.collect();
                format!("{} {}", jaas.module, options.join(" "))
            }
            Err(message) => message,
        }
    }

    #[test]
    fn entries_are_read_as_java_does() {
        let check = |text: &str, expect: &str| assert_eq!(read(text), expect, "{text}");
        check(
            r#"a.b.Plain required username="u" password="p";"#,
            r#"a.b.Plain password="p" username="u""#,
        );
        check(
            "  a.B\n  Required\n  username='it''s'\n  ;",
            "Value not specified for an option in JAAS config: write it in double quotes, and a double quote or \
             backslash within it behind a backslash",
        );
        check(
            r#"a.B optional p="semi;colon = 'x' // no comment";"#,
            r#"a.B p="semi;colon = 'x' // no comment""#,
        );
        check(
            r#"a.B sufficient p="q\"b\\s\tt\101\0" ; // end"#,
            r#"a.B p="q\"b\\s\ttA\0""#,
        );
        check(
            "a.B requisite /* why */ p = word-1.x_$ ; # ",
            "JAAS config property contains more than 1 login module, should be 1 module",
        );
        check(
            "a.B requisite /* why */ p = word-1.x_$ ;",
            r#"a.B p="word-1.x_$""#,
        );
        check("a.B required;", "a.B ");
        check("a.B required p=\"1\" p=\"2\";", "a.B p=\"2\"");
        check(
            "a.B required p=\"\u{e4}\u{20ac}\";",
            "a.B p=\"\u{e4}\u{20ac}\"",
        );
        check("a.B required p='single';", "a.B p=\"single\"");
    }

    #[test]
    fn what_is_no_entry_is_said_without_its_values() {
        let check = |text: &str, expect: &str| {
            let got = read(text);
            assert!(got.contains(expect), "{text}: {got}");
            assert!(!got.contains("hunter2"), "{got}");
        };
        check("", "Login module not specified");
        check("\"\"", "control flag not specified");
        check("a.B", "control flag not specified");
        check("a.B p=\"hunter2\";", "Invalid login module control flag");
        check("a.B required p=\"hunter2\"", "not terminated by semi-colon");
        check("a.B required p=hunter2", "not terminated by semi-colon");
        check("a.B required p hunter2;", "Value not specified");
        check("a.B required p=;", "Value not specified");
        check("a.B required p=12345;", "double quotes");
        check("a.B required p=\"a\"hunter2\";", "Value not specified");
        check("a.B required ,p=\"hunter2\";", "no option");
        check(
            "a.B required p=\"x\"; a.C required;",
            "more than 1 login module",
        );
    }
}
