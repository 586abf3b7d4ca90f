//! Words that must not stand in code, or only in one place.

use super::{Finding, Source};

/// A word, where it may stand, and why nowhere else.
struct Rule {
    word: &'static str,
    allowed_below: &'static [&'static str],
    why: &'static str,
}

/// What clippy cannot say: the compiler's own words, by place.
const RULES: &[Rule] = &[
    Rule {
        word: "unsafe",
        allowed_below: &["crates/worker/src/kafka/"],
        why: "`unsafe` stands only behind the seam to librdkafka",
    },
    Rule {
        word: "unsafe_code",
        allowed_below: &["crates/worker/src/kafka/"],
        why: "`unsafe` stands only behind the seam to librdkafka",
    },
    Rule {
        word: "#[ignore",
        allowed_below: &[],
        why: "a test that is not run proves nothing: make it run or take it out",
    },
    Rule {
        word: "todo!",
        allowed_below: &[],
        why: "what is not built is refused by name",
    },
    Rule {
        word: "unimplemented!",
        allowed_below: &[],
        why: "what is not built is refused by name",
    },
    Rule {
        word: "#[allow",
        allowed_below: &[],
        why: "write `#[expect(lint, reason = \"…\")]`, which goes stale loudly",
    },
];

/// Every forbidden word outside comments and texts.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let rules = || RULES.iter().filter(|rule| !rule.allows(&source.path));
    source
        .code_lines()
        .flat_map(|(number, line)| {
            rules()
                .filter(move |rule| stands_in(rule.word, line))
                .map(move |rule| (number, rule))
        })
        .map(|(number, rule)| Finding {
            place: source.place(number),
            message: format!("`{}`: {}", rule.word, rule.why),
        })
        .collect()
}

impl Rule {
    fn allows(&self, path: &str) -> bool {
        self.allowed_below
            .iter()
            .any(|folder| path.starts_with(folder))
    }
}

/// Whether `word` stands in `line` as a word of its own.
fn stands_in(word: &str, line: &str) -> bool {
    let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part_of_a_name) && !after.is_some_and(part_of_a_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_out_of_place_is_found() {
        let check = |path: &str, text: &str, expect: usize| {
            let found = check(&Source::new(path, text));
            assert_eq!(found.len(), expect, "{path}: {text}: {found:?}");
        };
        check("crates/worker/src/lib.rs", "let x = unsafe { read(p) };", 1);
        check("crates/worker/src/lib.rs", "#![expect(unsafe_code)]", 1);
        check(
            "crates/worker/src/kafka/batch.rs",
            "let x = unsafe { read(p) };",
            0,
        );
        check("crates/worker/src/kafka.rs", "unsafe fn f() {}", 1);
        check(
            "crates/worker/src/lib.rs",
            "// unsafe, said of a guarantee",
            0,
        );
        check("crates/worker/src/lib.rs", "let s = \"unsafe\";", 0);
        check("crates/worker/src/lib.rs", "let is_unsafe = true;", 0);
        check("crates/worker/tests/all.rs", "#[ignore]\nfn f() {}", 1);
        check(
            "crates/worker/tests/all.rs",
            "#[ignore = \"slow\"]\nfn f() {}",
            1,
        );
        check(
            "crates/worker/tests/all.rs",
            "#[ignored_here]\nfn f() {}",
            0,
        );
        check("crates/worker/src/lib.rs", "todo!()", 1);
        check("crates/worker/src/lib.rs", "unimplemented!()", 1);
        check("crates/worker/src/lib.rs", "#[allow(dead_code)]", 1);
    }
}
