//! The drafts of JSON Schema, as Confluent's two libraries read them.

use crate::json::Json;

/// A draft. Modern ones are read by another library than the rest in Java, which knows other rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dialect {
    Draft4,
    Draft6,
    Draft7,
    Draft201909,
    Draft202012,
}

/// A group of keywords that mean a type where the schema names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Array,
    Object,
    Number,
    String,
}

impl Dialect {
    /// That which a schema names; draft 7 where it names none, or an unknown one.
    pub(super) fn of(schema: &Json<'_>, ignores_modern: bool) -> Self {
        let name = schema.get("$schema").and_then(Json::as_str).unwrap_or("");
        let is = |draft: &str| name.contains(draft);
        if is("draft-04") {
            Self::Draft4
        } else if is("draft-06") {
            Self::Draft6
        } else if is("2019-09") && !ignores_modern {
            Self::Draft201909
        } else if is("2020-12") && !ignores_modern {
            Self::Draft202012
        } else {
            Self::Draft7
        }
    }

    pub(super) fn is_modern(self) -> bool {
        self >= Self::Draft201909
    }

    pub(super) const fn id_keyword(self) -> &'static str {
        match self {
            Self::Draft4 => "id",
            _ => "$id",
        }
    }

    /// The keywords that give a schema a name to be referred to by.
    pub(super) const fn anchors(self) -> &'static [&'static str] {
        match self {
            Self::Draft201909 => &["$anchor"],
            Self::Draft202012 => &["$anchor", "$dynamicAnchor"],
            _ => &[],
        }
    }

    /// The keywords that lead elsewhere.
    pub(super) const fn references(self) -> &'static [&'static str] {
        match self {
            Self::Draft201909 => &["$ref", "$recursiveRef"],
            Self::Draft202012 => &["$ref", "$dynamicRef"],
            _ => &["$ref"],
        }
    }

    /// The keywords of a group.
    pub(super) fn keywords(self, group: Group) -> impl Iterator<Item = &'static str> {
        let (always, from_6, modern): (&[_], &[_], &[_]) = match group {
            Group::Array => (
                &[
                    "items",
                    "additionalItems",
                    "minItems",
                    "maxItems",
                    "uniqueItems",
                ],
                &["contains"],
                &[
                    "prefixItems",
                    "unevaluatedItems",
                    "minContains",
                    "maxContains",
                ],
            ),
            Group::Object => (
                &[
                    "properties",
                    "required",
                    "minProperties",
                    "maxProperties",
                    "dependencies",
                    "patternProperties",
                    "additionalProperties",
                ],
                &["propertyNames"],
                &[
                    "dependentRequired",
                    "dependentSchemas",
                    "unevaluatedProperties",
                ],
            ),
            Group::Number => (
                &[
                    "minimum",
                    "maximum",
                    "exclusiveMinimum",
                    "exclusiveMaximum",
                    "multipleOf",
                ],
                &[],
                &[],
            ),
            Group::String => (&["minLength", "maxLength", "pattern", "format"], &[], &[]),
        };
        let from_6 = if self >= Self::Draft6 { from_6 } else { &[] };
        let modern = if self.is_modern() { modern } else { &[] };
        always.iter().chain(from_6).chain(modern).copied()
    }
}
