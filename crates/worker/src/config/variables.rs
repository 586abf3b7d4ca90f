//! `${provider:path:key}`: values that stand elsewhere, as Kafka's `ConfigTransformer` puts them in.
//!
//! Names are never resolved, and what was put in is not looked at again. A variable of a provider that is
//! not declared, and a key that its provider does not have, stay as they stand; that is said, for it is
//! nearly always a mistake. What a provider gave is taken for a secret: messages show the variable.

use std::collections::BTreeMap;

use starrocks_kafka_connect::config::{ConfigProblem, Given};

use super::problem::Notice;
use super::providers::{Found, Providers, Variable};

/// Properties with their variables' values. It has no `Debug`, for these are secrets.
pub(super) struct Resolved {
    pub(super) given: Given,
    /// What is wrong with variables.
    pub(super) problems: Vec<ConfigProblem>,
    pub(super) notices: Vec<Notice>,
    hidden: BTreeMap<String, Hidden>,
}

/// A value that a provider gave a part of.
struct Hidden {
    /// What is shown in its place.
    shown: String,
    /// The whole value, and what the provider gave.
    secrets: Vec<String>,
}

/// Puts the values in the place of the variables.
pub(super) fn resolve(given: &Given, providers: &Providers) -> Resolved {
    let mut resolved = Resolved {
        given: given.clone(),
        problems: Vec::new(),
        notices: Vec::new(),
        hidden: BTreeMap::new(),
    };
    for (name, text) in given {
        // Connect reads these raw.
        if name != "plugin.path" && !name.starts_with("config.providers") {
            resolved.property(name, text, providers);
        }
    }
    resolved
}

impl Resolved {
    fn property(&mut self, name: &str, text: &str, providers: &Providers) {
        let mut value = String::with_capacity(text.len());
        let mut secrets = Vec::new();
        let mut rest = text;
        while let Some((before, variable, after)) = next(rest) {
            value.push_str(before);
            rest = after;
            match providers.get(&variable) {
                Found::Value(found) => {
                    value.push_str(&found);
                    secrets.push(found);
                }
                Found::Nothing(why) => {
                    value.push_str(variable.text);
                    let provider = variable.provider;
                    self.notices.push(Notice::warning(format!(
                        "{name}: the variable ${{{provider}:…}} stays as it stands, for {why}."
                    )));
                }
                Found::Refused(why) => {
                    let reason = format!("{why}.");
                    self.problems
                        .push(ConfigProblem::invalid(name, variable.text, &reason));
                }
            }
        }
        if secrets.is_empty() {
            return;
        }
        value.push_str(rest);
        let is_one = next(text).is_some_and(|(before, variable, after)| {
            before.trim().is_empty() && after.trim().is_empty() && variable.text == text.trim()
        });
        secrets.push(value.trim().to_owned());
        let hidden = Hidden {
            shown: if is_one {
                text.trim().to_owned()
            } else {
                "[hidden]".to_owned()
            },
            secrets,
        };
        self.hidden.insert(name.to_owned(), hidden);
        self.given.insert(name.to_owned(), value);
    }

    /// Takes out of messages what providers gave, and says what is wrong with variables in the place of what is
    /// wrong with the values of the same properties.
    pub(super) fn finish(self, problems: &mut Vec<ConfigProblem>, notices: &mut Vec<Notice>) {
        problems.retain(|problem| !self.problems.iter().any(|own| own.name == problem.name));
        for problem in problems.iter_mut() {
            self.hide(problem);
        }
        for notice in notices.iter_mut() {
            for hidden in self.hidden.values() {
                notice.message = hidden.masked(&notice.message, false);
            }
        }
        problems.extend(self.problems);
        notices.extend(self.notices);
    }

    fn hide(&self, problem: &mut ConfigProblem) {
        if let Some(hidden) = self.hidden.get(&problem.name)
            && let Some(value) = problem.value.take()
        {
            let begin = format!("Invalid value {value} for");
            let shown = &hidden.shown;
            if let Some(after) = problem.message.strip_prefix(&begin) {
                problem.message = format!("Invalid value {shown} for{after}");
            }
            problem.value = Some(shown.clone());
        }
        for (name, hidden) in &self.hidden {
            problem.message = hidden.masked(&problem.message, *name == problem.name);
        }
    }
}

impl Hidden {
    /// A message without what the provider gave; where it is about that property, without the parts of a list or of
    /// an entry of a login module either.
    fn masked(&self, message: &str, with_parts: bool) -> String {
        /// Shorter ones are a part of every message, and no secret.
        const SECRET_CHARS: usize = 4;
        let separators = |c: char| c.is_whitespace() || ",;=\"'".contains(c);
        let parts = self
            .secrets
            .iter()
            .flat_map(|secret| {
                let parts = secret.split(separators).filter(|_| with_parts);
                std::iter::once(secret.as_str()).chain(parts)
            })
            .map(str::trim)
            .filter(|part| part.len() >= SECRET_CHARS);
        let mut longest_first: Vec<&str> = parts.collect();
        longest_first.sort_by_key(|part| std::cmp::Reverse(part.len()));
        longest_first
            .into_iter()
            .fold(message.to_owned(), |message, part| {
                message.replace(part, "[hidden]")
            })
    }
}

/// The first variable of a text, and what is around it: Kafka's `\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`.
fn next(text: &str) -> Option<(&str, Variable<'_>, &str)> {
    let mut from = 0;
    loop {
        let begin = from + text.get(from..)?.find("${")?;
        let inside = text.get(begin + 2..)?;
        let (inside, after) = inside.split_once('}')?;
        let Some((provider, rest)) = inside.split_once(':') else {
            from = begin + 2;
            continue;
        };
        let (path, key) = rest.split_once(':').unwrap_or(("", rest));
        let end = text.len() - after.len();
        let variable = Variable {
            text: text.get(begin..end)?,
            provider,
            path,
            key,
        };
        return Some((text.get(..begin)?, variable, after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_as_kafka_s_pattern_does() {
        let check = |text: &str, expect: &[(&str, &str, &str)]| {
            let mut rest = text;
            let mut found = Vec::new();
            while let Some((_, variable, after)) = next(rest) {
                found.push((variable.provider, variable.path, variable.key));
                rest = after;
            }
            assert_eq!(found, expect, "{text}");
        };
        check("plain", &[]);
        check("${topic}-${timestamp}", &[]);
        check("${env:NAME}", &[("env", "", "NAME")]);
        check(
            "${file:/a/b.properties:key}",
            &[("file", "/a/b.properties", "key")],
        );
        check(
            "a${env:X}b${dir:/d:f}c",
            &[("env", "", "X"), ("dir", "/d", "f")],
        );
        check("${file:/a:b:c}", &[("file", "/a", "b:c")]);
        check("${a}${env:X}", &[("env", "", "X")]);
        check("${a ${env:X}", &[("a ${env", "", "X")]);
        check("${env:X", &[]);
        check("$env:X}", &[]);
        check("${:}", &[("", "", "")]);
    }
}
