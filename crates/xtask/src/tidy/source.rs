//! Source files, with comments and texts blanked out where only code counts.

use std::fs;
use std::path::Path;

/// A source file.
pub(super) struct Source {
    /// From the workspace's folder, with `/`.
    pub(super) path: String,
    /// As it stands.
    pub(super) text: String,
    /// The same lines with blanks in place of comments and of what literals hold.
    code: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: blank(text),
        }
    }

    /// The lines of code with their numbers, from 1.
    pub(super) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    /// A place in the file that an editor opens.
    pub(super) fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

/// Where our Rust files are. Not all of `fuzz`, which has a build of its own in it.
const FOLDERS: [&str; 3] = ["crates", "fuzz/src", "fuzz/fuzz_targets"];

/// Every Rust file below [`FOLDERS`].
pub(super) fn load(root: &Path) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    let mut folders: Vec<_> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        let unreadable = |e| format!("{}: {e}", folder.display());
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text =
                    fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                let below = path.strip_prefix(root).expect("found below the root");
                sources.push(Source::new(
                    &below.to_string_lossy().replace('\\', "/"),
                    &text,
                ));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// Blanks comments and the inside of string and character literals; line breaks stay.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kept, length) = if rest.starts_with("//") {
            (0, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (0, block_comment(rest))
        } else if let Some(length) = literal(rest, out.chars().next_back()) {
            (0, length)
        } else {
            (first.len_utf8(), first.len_utf8())
        };
        out.push_str(&rest[..kept]);
        out.extend(
            rest[kept..length]
                .chars()
                .map(|c| if c == '\n' { '\n' } else { ' ' }),
        );
        rest = &rest[length..];
    }
    out
}

/// The length of the block comment that `text` begins with; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let here = &text.as_bytes()[at..];
        if here.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if here.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of the literal that `text` begins with, if it begins with one.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    let in_a_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let raw = ["r", "br", "cr"]
        .iter()
        .filter(|_| !in_a_name)
        .find_map(|prefix| {
            let after = text.strip_prefix(prefix)?;
            let hashes = after.bytes().take_while(|b| *b == b'#').count();
            after[hashes..]
                .starts_with('"')
                .then_some((prefix.len(), hashes))
        });
    if let Some((prefix, hashes)) = raw {
        let close = format!("\"{}", "#".repeat(hashes));
        let open = prefix + hashes + 1;
        return Some(
            text[open..]
                .find(&close)
                .map_or(text.len(), |at| open + at + close.len()),
        );
    }
    if let Some(after) = text.strip_prefix('"') {
        return Some(1 + closing(after, '"'));
    }
    // A quote opens a character only where a closing one follows; otherwise it names a lifetime.
    let after = text.strip_prefix('\'')?;
    let mut chars = after.chars();
    match (chars.next()?, chars.next()?) {
        ('\\', _) => Some(1 + closing(after, '\'')),
        (only, '\'') => Some(only.len_utf8() + 2),
        _ => None,
    }
}

/// Where in `text` the literal closed by `quote` ends, behind the quote.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        let check = |text: &str, expect: &str| assert_eq!(blank(text), expect, "{text}");
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check("f(\"x\\\"y\") g", "f(      ) g");
        check("r#\"a\"b\"# c", "         c");
        check("for\"x\"", "for   ");
        check("'\\'' 'x' 'é' &'a str", "             &'a str");
        check("\"a\nb\" c", "  \n   c");
        check("br\"\\\" c", "      c");
        check("\"not closed", "           ");
    }
}
