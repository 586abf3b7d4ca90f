//! Names of subjects, and the contexts that they are in.

use std::fmt;

/// The context of subjects that name none.
pub(crate) const DEFAULT_CONTEXT: &str = ".";

/// A subject in its context. As text it is `name`, or `:.context:name` outside of the default context.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject {
    pub(crate) context: String,
    pub(crate) name: String,
}

impl Subject {
    /// Reads a subject; one that names no context is in `context`.
    pub(crate) fn read(text: &str, context: &str) -> Self {
        let (context, name) = split(text).unwrap_or((context, text));
        Self {
            context: context.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Whether the text itself names a context other than the default one.
    pub(crate) fn is_qualified(text: &str) -> bool {
        split(text).is_some_and(|(context, _)| context != DEFAULT_CONTEXT)
    }
}

/// Context and name of `:.context:name`.
fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text
        .strip_prefix(':')
        .filter(|rest| rest.starts_with('.'))?;
    Some(rest.split_once(':').unwrap_or((rest, "")))
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.context == DEFAULT_CONTEXT {
            f.write_str(&self.name)
        } else {
            write!(f, ":{}:{}", self.context, self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_name_their_context_or_are_in_the_one_that_is_asked() {
        let check = |text: &str, context: &str, expect: (&str, &str, &str)| {
            let subject = Subject::read(text, context);
            let (context, name, shown) = expect;
            assert_eq!(
                (subject.context.as_str(), subject.name.as_str()),
                (context, name),
                "{text}"
            );
            assert_eq!(subject.to_string(), shown);
        };
        check("a-value", ".", (".", "a-value", "a-value"));
        check("a-value", ".c", (".c", "a-value", ":.c:a-value"));
        check(":.c:a-value", ".", (".c", "a-value", ":.c:a-value"));
        check(":.c:a-value", ".d", (".c", "a-value", ":.c:a-value"));
        check(":.:a:b", ".c", (".", "a:b", "a:b"));
        check(":.c:", ".", (".c", "", ":.c:"));
        check(":.c", ".", (".c", "", ":.c:"));
        check("c:a", ".", (".", "c:a", "c:a"));
        check(":c:a", ".", (".", ":c:a", ":c:a"));
    }
}
