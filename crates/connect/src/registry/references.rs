//! Which schemas a schema refers to, one question after the other.

use super::{ReferencedSchema, RegisteredSchema};
use std::collections::HashSet;
use std::fmt;
use std::vec;

/// More than a schema can mean to refer to.
const REFERENCES_MAX: usize = 10_000;

/// What a schema says of another that it refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// By what it is referred to.
    pub name: String,
    /// Its subject.
    pub subject: String,
    /// Its version there; -1 is the latest.
    pub version: i32,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            subject,
            version,
        } = self;
        write!(f, "{name} (subject {subject}, version {version})")
    }
}

/// A schema whose references are being collected: those it names, those that they name, and so on, each
/// before what refers to it. Of a name that comes again, the first counts.
#[derive(Debug)]
pub struct References {
    schema: RegisteredSchema,
    /// What is on the way, the schema itself at the bottom.
    open: Vec<Open>,
    names: HashSet<String>,
    asked: Option<Reference>,
}

#[derive(Debug)]
struct Open {
    /// `None` is the schema itself.
    reference: Option<Reference>,
    text: String,
    references: vec::IntoIter<Reference>,
}

impl References {
    /// Of a schema that refers to these.
    #[must_use]
    pub fn of(schema: RegisteredSchema, references: Vec<Reference>) -> Self {
        let root = Open {
            reference: None,
            text: String::new(),
            references: references.into_iter(),
        };
        Self {
            schema,
            open: vec![root],
            names: HashSet::new(),
            asked: None,
        }
    }

    /// The next one to ask the registry for, which is to be told by [`tell`](Self::tell); `None` when all are known.
    pub fn ask(&mut self) -> Option<&Reference> {
        while let Some(top) = self.open.last_mut() {
            let Some(reference) = top.references.next() else {
                let Open {
                    reference, text, ..
                } = self.open.pop()?;
                if let Some(Reference { name, .. }) = reference {
                    self.schema.references.push(ReferencedSchema { name, text });
                }
                continue;
            };
            let is_open = self.open.iter().any(|open| {
                open.reference.as_ref().is_some_and(|open| {
                    open.subject == reference.subject && open.version == reference.version
                })
            });
            if is_open {
                self.note(format!(
                    "{reference} refers to itself, by what it refers to"
                ));
                continue;
            }
            if self.names.len() >= REFERENCES_MAX {
                self.note(format!("It refers to more than {REFERENCES_MAX} schemas"));
                return None;
            }
            if self.names.insert(reference.name.clone()) {
                return Some(self.asked.insert(reference));
            }
        }
        None
    }

    /// Tells what was asked for: a text, and what that refers to; or that the registry has no such schema.
    pub fn tell(&mut self, answer: Option<(String, Vec<Reference>)>) {
        let Some(reference) = self.asked.take() else {
            return;
        };
        match answer {
            Some((text, references)) => self.open.push(Open {
                reference: Some(reference),
                text,
                references: references.into_iter(),
            }),
            None => self.note(format!(
                "It refers to {reference}, which the registry does not have"
            )),
        }
    }

    /// The schema, with what it refers to.
    #[must_use]
    pub fn into_schema(self) -> RegisteredSchema {
        self.schema
    }

    fn note(&mut self, problem: String) {
        self.schema.reference_problem.get_or_insert(problem);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::SchemaFormat;

    fn reference(text: &str) -> Reference {
        let (name, version) = text.split_once('@').unwrap_or((text, "1"));
        Reference {
            name: name.to_owned(),
            subject: format!("s-{name}"),
            version: version.parse().expect("a version"),
        }
    }

    fn list(names: &str) -> Vec<Reference> {
        names.split_whitespace().map(reference).collect()
    }

    /// `held` are pairs of a name and what it refers to.
    fn resolve(first: &str, held: &[(&str, &str)]) -> (String, Option<String>) {
        let schema = RegisteredSchema {
            format: SchemaFormat::Avro,
            text: String::new(),
            references: Vec::new(),
            reference_problem: None,
            read_rules: Vec::new(),
            registrations: None,
        };
        let mut references = References::of(schema, list(first));
        while let Some(asked) = references.ask() {
            let name = asked.name.clone();
            let found = held.iter().find(|(held, _)| *held == name);
            references.tell(found.map(|(name, refers)| (name.to_uppercase(), list(refers))));
        }
        let schema = references.into_schema();
        let texts: Vec<_> = schema.references.iter().map(|r| r.text.as_str()).collect();
        (texts.join(" "), schema.reference_problem)
    }

    #[test]
    fn each_stands_before_what_refers_to_it() {
        let check = |first: &str, held: &[(&str, &str)], expect: &str| {
            assert_eq!(resolve(first, held), (expect.to_owned(), None), "{first}");
        };
        check("", &[], "");
        check("a", &[("a", "b"), ("b", "c"), ("c", "")], "C B A");
        check("a b", &[("a", "c"), ("b", "c"), ("c", "")], "C A B");
        check("a a@2", &[("a", "")], "A");
    }

    #[test]
    fn what_is_missing_or_in_a_circle_is_told() {
        let check = |first: &str, held: &[(&str, &str)], expect: &str| {
            let problem = resolve(first, held).1.expect(expect);
            assert_eq!(problem, expect);
        };
        check(
            "a",
            &[("a", "b")],
            "It refers to b (subject s-b, version 1), which the registry does not have",
        );
        check(
            "a",
            &[("a", "b"), ("b", "a")],
            "a (subject s-a, version 1) refers to itself, by what it refers to",
        );
    }
}
