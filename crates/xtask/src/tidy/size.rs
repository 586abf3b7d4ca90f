//! Files stay short enough to be read at one sitting.

use super::{Finding, Source};

/// The most lines a source file has, its tests not counted.
const MOST_LINES: usize = 500;

/// Files that are longer, and why that is right.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// A file that is too long.
pub(super) fn check(source: &Source) -> Option<Finding> {
    if is_test(&source.path) || EXCEPTIONS.iter().any(|(path, _)| *path == source.path) {
        return None;
    }
    let lines = lines_without_tests(&source.text);
    (lines > MOST_LINES).then(|| Finding {
        place: source.path.clone(),
        message: format!(
            "has {lines} lines (tests not counted), at most {MOST_LINES}: split it by what its parts do"
        ),
    })
}

/// Exceptions whose file is gone or short again.
pub(super) fn stale_exceptions(sources: &[Source]) -> Vec<Finding> {
    stale(EXCEPTIONS, sources)
}

fn stale(exceptions: &[(&str, &str)], sources: &[Source]) -> Vec<Finding> {
    let needed = |path: &str| {
        sources
            .iter()
            .any(|s| s.path == path && lines_without_tests(&s.text) > MOST_LINES)
    };
    exceptions
        .iter()
        .filter(|(path, _)| !needed(path))
        .map(|(path, _)| Finding {
            place: (*path).to_owned(),
            message: "no longer needs its exception in crates/xtask/src/tidy/size.rs".to_owned(),
        })
        .collect()
}

/// Files that hold tests only.
fn is_test(path: &str) -> bool {
    path.split('/').any(|part| part == "tests") || path.ends_with("/tests.rs")
}

/// The lines before the inline test module, which by habit closes the file.
fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "))
        .unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(code: usize, tests: usize) -> String {
        let tests = match tests {
            0 => String::new(),
            n => format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    // t\n".repeat(n)),
        };
        "// c\n".repeat(code) + &tests
    }

    #[test]
    fn a_long_file_is_found() {
        let check = |path: &str, text: &str, expect: bool| {
            assert_eq!(check(&Source::new(path, text)).is_some(), expect, "{path}");
        };
        check("crates/a/src/lib.rs", &file(500, 0), false);
        check("crates/a/src/lib.rs", &file(501, 0), true);
        check("crates/a/src/lib.rs", &file(500, 300), false);
        check("crates/a/src/lib.rs", &file(501, 300), true);
        check("crates/a/tests/all.rs", &file(900, 0), false);
        check("crates/a/src/plan/tests.rs", &file(900, 0), false);
    }

    #[test]
    fn an_exception_nobody_needs_is_found() {
        let sources = [
            Source::new("long.rs", &file(501, 0)),
            Source::new("short.rs", &file(10, 0)),
        ];
        let exceptions = [
            ("long.rs", "a table"),
            ("short.rs", "a table"),
            ("gone.rs", "a table"),
        ];
        let places: Vec<_> = stale(&exceptions, &sources)
            .into_iter()
            .map(|f| f.place)
            .collect();
        assert_eq!(places, ["short.rs", "gone.rs"]);
    }
}
