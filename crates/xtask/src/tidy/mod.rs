//! The laws of the house that no compiler checks.

mod layers;
mod lints;
mod names;
mod size;
mod source;
mod words;

use std::fmt;
use std::path::Path;

use crate::workspace;
use source::Source;

/// A law that is broken, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// A path from the workspace's folder, with a line where there is one; or a crate.
    place: String,
    /// What is wrong, and what to do.
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Checks every law and prints what is broken.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let sources = source::load(root)?;
    let mut findings = layers::check(&workspace::packages(root)?);
    findings.extend(lints::check(root));
    findings.extend(size::stale_exceptions(&sources));
    for source in &sources {
        findings.extend(names::check(source));
        findings.extend(size::check(source));
        findings.extend(words::check(source));
    }
    findings.sort();
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files, nothing to say", sources.len());
            Ok(())
        }
        n => Err(format!("{n} broken laws, see above")),
    }
}
