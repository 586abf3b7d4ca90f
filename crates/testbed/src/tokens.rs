//! The words of a StarRocks statement.

use std::ops::Range;

/// One token. Words keep their spelling; comparison of keywords ignores case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Number(String),
    Mark(char),
}

impl Token {
    /// The token as it is shown in messages.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Word(s) | Self::Number(s) => s.clone(),
            Self::Quoted(s) => format!("`{s}`"),
            Self::Text(s) => format!("'{s}'"),
            Self::Mark(c) => c.to_string(),
        }
    }
}

/// Splits a statement into tokens; comments are dropped.
pub(crate) fn tokens(sql: &str) -> Result<Vec<Token>, String> {
    Ok(spanned(sql)?.into_iter().map(|(token, _)| token).collect())
}

/// The tokens with where they stand.
pub(crate) fn spanned(sql: &str) -> Result<Vec<(Token, Range<usize>)>, String> {
    let mut out = Vec::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let start = sql.len() - rest.len();
        let mut push = |token: Token, rest: &str| out.push((token, start..sql.len() - rest.len()));
        if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if rest.starts_with("--") || c == '#' {
            rest = rest.find('\n').map_or("", |n| &rest[n..]);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment
                .find("*/")
                .ok_or("a comment that begins with /* has no end")?;
            rest = &comment[end + 2..];
        } else if matches!(c, '`' | '\'' | '"') {
            let (text, after) = quoted_text(rest, c)?;
            let token = if c == '`' {
                Token::Quoted(text)
            } else {
                Token::Text(text)
            };
            push(token, after);
            rest = after;
        } else if c.is_alphabetic() || c == '_' {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
                .unwrap_or(rest.len());
            push(Token::Word(rest[..end].to_owned()), &rest[end..]);
            rest = &rest[end..];
        } else if c.is_ascii_digit() {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '.'))
                .unwrap_or(rest.len());
            push(Token::Number(rest[..end].to_owned()), &rest[end..]);
            rest = &rest[end..];
        } else {
            push(Token::Mark(c), &rest[c.len_utf8()..]);
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(out)
}

/// Text between quotes at the start of `rest`, and what follows. A doubled quote is the quote itself; in strings a
/// backslash takes the next character as MySQL does.
fn quoted_text(rest: &str, quote: char) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                text.push(quote);
                chars.next();
                continue;
            }
            return Ok((text, &rest[at + 1..]));
        }
        if c == '\\' && quote != '`' {
            match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, '0')) => text.push('\0'),
                Some((_, other)) => text.push(other),
                None => break,
            }
        } else {
            text.push(c);
        }
    }
    Err(format!("a text that begins with {quote} has no end"))
}
