//! No module called after nothing: a helper lives with its first user.

use super::{Finding, Source};

/// Names that say nothing of what is inside.
const SAYS_NOTHING: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

/// Folders, files and inline modules with a name that says nothing.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let message = |name: &str| {
        format!(
            "`{name}` says nothing of what is inside: name its job, or move it to its first user"
        )
    };
    let parts = source
        .path
        .split('/')
        .map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let in_path = parts
        .filter(|part| SAYS_NOTHING.contains(part))
        .map(|part| Finding {
            place: source.path.clone(),
            message: message(part),
        });
    let inline = source.code_lines().filter_map(|(number, line)| {
        let (_, after) = line.split_once("mod ")?;
        let name = after.trim_end_matches(';').split([' ', '{']).next()?;
        SAYS_NOTHING.contains(&name).then(|| Finding {
            place: source.place(number),
            message: message(name),
        })
    });
    in_path.chain(inline).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_says_nothing_is_found() {
        let check = |path: &str, text: &str, expect: usize| {
            let found = check(&Source::new(path, text));
            assert_eq!(found.len(), expect, "{path}: {found:?}");
        };
        check("crates/worker/src/util.rs", "", 1);
        check("crates/worker/src/common/clock.rs", "", 1);
        check("crates/worker/src/clock.rs", "", 0);
        check("crates/worker/src/utility.rs", "", 0);
        check("crates/worker/src/lib.rs", "pub mod helpers;\n", 1);
        check("crates/worker/src/lib.rs", "mod misc {\n}\n", 1);
        check(
            "crates/worker/src/lib.rs",
            "// mod misc {\nmod miscible;\n",
            0,
        );
    }
}
