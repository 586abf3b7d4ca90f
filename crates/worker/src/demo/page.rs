//! The demo's printed page: headings, and what stands below them.

use std::fmt::Display;
use std::io::{self, Write};

const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// Where the demo prints, and the only place that does.
pub(super) struct Page<'o> {
    out: &'o mut dyn Write,
    styled: bool,
}

impl<'o> Page<'o> {
    /// `styled`: headings stand out by a terminal's means.
    pub(super) fn new(out: &'o mut dyn Write, styled: bool) -> Self {
        Self { out, styled }
    }

    /// A heading, after a blank line.
    pub(super) fn heading(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out)?;
        self.title(text)
    }

    /// The first line.
    pub(super) fn title(&mut self, text: impl Display) -> io::Result<()> {
        if self.styled {
            writeln!(self.out, "{BOLD}{text}{PLAIN}")
        } else {
            writeln!(self.out, "{text}")
        }
    }

    /// Lines below a heading.
    pub(super) fn body(&mut self, text: impl Display) -> io::Result<()> {
        for line in text.to_string().lines() {
            if line.is_empty() {
                writeln!(self.out)?;
            } else {
                writeln!(self.out, "  {line}")?;
            }
        }
        // What comes next may take a while.
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_indented_and_headings_stand_out_on_a_terminal() {
        let check = |styled: bool, expect: &str| {
            let mut out = Vec::new();
            let mut page = Page::new(&mut out, styled);
            page.title("T").expect("memory takes text");
            page.heading(1).expect("memory takes text");
            page.body("a\n\nb").expect("memory takes text");
            assert_eq!(String::from_utf8_lossy(&out), expect);
        };
        check(false, "T\n\n1\n  a\n\n  b\n");
        check(true, "\x1b[1mT\x1b[0m\n\n\x1b[1m1\x1b[0m\n  a\n\n  b\n");
    }
}
