//! Tokens: brackets, braces, commas, colons and quotes that no backslash escapes, and what stands between.

/// Java's `String.trim`: all that is not above a space goes, control characters among it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// A cursor over tokens that can go back. One token may have been looked at and not taken.
#[derive(Debug)]
pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
    looked_at: Option<&'t str>,
}

impl<'t> Tokens<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            looked_at: None,
        }
    }

    /// How many bytes were read, a token that was only looked at among them.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// Where to go back to so that what comes comes again.
    pub(super) fn mark(&self) -> usize {
        self.at - self.looked_at.map_or(0, str::len)
    }

    pub(super) fn rewind(&mut self, mark: usize) {
        self.at = mark;
        self.looked_at = None;
    }

    pub(super) const fn has_next(&self) -> bool {
        self.looked_at.is_some() || self.at < self.text.len()
    }

    /// The next token; empty at the end.
    pub(super) fn next(&mut self) -> &'t str {
        match self.looked_at.take() {
            Some(token) => token,
            None => self.read(),
        }
    }

    /// The text of the next `count` tokens, where there are so many.
    pub(super) fn next_of(&mut self, count: usize) -> Option<&'t str> {
        let start = self.mark();
        for _ in 0..count {
            if !self.has_next() {
                self.rewind(start);
                return None;
            }
            self.next();
        }
        Some(&self.text[start..self.at])
    }

    /// Takes the next token that is not blank if it is this one. Blank ones before it are dropped in any
    /// case, and the last token is looked at even where it is blank.
    pub(super) fn eat(&mut self, expected: &str) -> bool {
        if !self.has_next() {
            return false;
        }
        let mut token = match self.looked_at {
            Some(token) => token,
            None => self.read(),
        };
        while trim(token).is_empty() && self.at < self.text.len() {
            token = self.read();
        }
        let eats = trim(token) == expected;
        self.looked_at = (!eats).then_some(token);
        eats
    }

    fn read(&mut self) -> &'t str {
        let start = self.at;
        let mut is_escaped = false;
        for &byte in &self.text.as_bytes()[start..] {
            match byte {
                b'\\' => is_escaped = !is_escaped,
                b':' | b',' | b'{' | b'}' | b'[' | b']' | b'"' if !is_escaped => {
                    if self.at == start {
                        self.at += 1;
                    }
                    return &self.text[start..self.at];
                }
                _ => is_escaped = false,
            }
            self.at += 1;
        }
        &self.text[start..self.at]
    }
}
