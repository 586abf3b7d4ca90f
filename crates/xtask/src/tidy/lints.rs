//! The lint settings of the pure crates: a `clippy.toml` of a crate takes the place of the
//! workspace's, so what the workspace forbids has to be said there again, and must not get lost.

use std::fs;
use std::path::Path;

use super::Finding;

/// The crates whose answers depend on their arguments alone.
const PURE: &[&str] = &["connect", "pipeline", "starrocks"];

/// What is taken away from them, by the name that clippy knows it by.
const CLOCK_AND_CHANCE: &[&str] = &[
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "std::thread::sleep",
    "getrandom::fill",
    "fastrand::Rng::new",
];

/// What the pure crates' settings lack.
pub(super) fn check(root: &Path) -> Vec<Finding> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let everywhere = read("clippy.toml");
    PURE.iter()
        .flat_map(|name| {
            let path = format!("crates/{name}/clippy.toml");
            missing(&everywhere, &read(&path))
                .into_iter()
                .map(move |what| Finding {
                    place: path.clone(),
                    message: format!("does not forbid `{what}`: this crate is pure"),
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What `pure` does not forbid, though `everywhere` does or purity asks for it.
fn missing<'a>(everywhere: &'a str, pure: &str) -> Vec<&'a str> {
    let forbidden: Vec<&str> = paths(pure).collect();
    paths(everywhere)
        .chain(CLOCK_AND_CHANCE.iter().copied())
        .filter(|path| !forbidden.contains(path))
        .collect()
}

/// The methods that a `clippy.toml` forbids.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("{ path = \"")?.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pure_crate_does_not_forbid_is_found() {
        let toml = |paths: &[&str]| {
            paths
                .iter()
                .map(|path| format!("    {{ path = \"{path}\", reason = \"r\" }},\n"))
                .collect::<String>()
        };
        let everywhere = toml(&["a::unbounded"]);
        let all = [&["a::unbounded"], CLOCK_AND_CHANCE].concat();
        assert_eq!(missing(&everywhere, &toml(&all)), Vec::<&str>::new());
        assert_eq!(missing(&everywhere, &toml(&all[1..])), ["a::unbounded"]);
        assert_eq!(missing(&everywhere, &toml(&all[..1])), CLOCK_AND_CHANCE);
        assert_eq!(missing(&everywhere, "").len(), all.len());
    }
}
