//! What a schema is: the kinds that Confluent's converter tells apart, found as its libraries find them.
//!
//! A schema whose keywords say several things (a type and an `enum`, properties and `oneOf`) is all of these at once:
//! parts of a combined schema. A part has nothing of its own beside its keywords: title, default and Connect's annotations are
//! those of the whole.

use super::dialect::{Dialect, Group};
use super::document::Place;
use crate::error::{DataError, ErrorClass};
use crate::json::Json;

/// What a schema, or one part of it, is.
#[derive(Clone, Debug)]
pub(super) enum Kind<'s> {
    /// It says nothing: everything is valid.
    Empty,
    /// Nothing is valid.
    False,
    Null,
    Boolean,
    /// A number, which may have to be whole.
    Number {
        is_integer: bool,
    },
    String,
    Array(Items<'s>),
    Object(Object<'s>),
    Enum(&'s [Json<'s>]),
    Const(&'s Json<'s>),
    Combined(Criterion, Vec<Part<'s>>),
    /// `not`, or `if`.
    Unsupported(&'static str),
    /// `$ref`.
    Reference(&'s str),
}

/// What stands in an array.
#[derive(Clone, Debug)]
pub(super) enum Items<'s> {
    /// Anything.
    Any,
    /// Values of one schema.
    All(&'s Json<'s>),
    /// A schema for each place.
    Tuple,
}

/// An object's properties.
#[derive(Clone, Debug)]
pub(super) struct Object<'s> {
    pub(super) properties: Vec<(&'s str, &'s Json<'s>)>,
    pub(super) required: Vec<&'s str>,
    /// The schema of other properties, where there is one.
    pub(super) additional: Option<&'s Json<'s>>,
}

/// How the parts of a combined schema go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Criterion {
    /// All of them at once.
    All,
    /// One of them, or some.
    Any,
}

/// A part of a combined schema.
#[derive(Clone, Debug)]
pub(super) enum Part<'s> {
    /// A schema of its own.
    Schema(&'s Json<'s>),
    /// Some keywords of the schema that it is a part of.
    Keywords(Box<Kind<'s>>),
}

type Found<'s> = Result<Kind<'s>, DataError>;

/// What a schema is.
///
/// # Errors
/// A schema that is none.
pub(super) fn of<'s>(place: &Place<'s>, dialect: Dialect) -> Found<'s> {
    match place.json() {
        Json::Boolean(true) => return Ok(Kind::Empty),
        Json::Boolean(false) => return Ok(Kind::False),
        Json::Object(_) => {}
        other => {
            return Err(invalid(format!(
                "a schema is an object or a boolean, and not {}",
                name_of(other)
            )));
        }
    }
    for keyword in dialect.references() {
        if let Some(reference) = place.get(keyword) {
            let reference = reference
                .as_str()
                .ok_or_else(|| invalid(format!("{keyword} is no text")))?;
            return Ok(Kind::Reference(reference));
        }
    }
    let mut parts = combined(place)?;
    parts.extend(typed(place, dialect)?);
    let mut parts = parts.into_iter();
    Ok(match (parts.next(), parts.len()) {
        (None, _) => Kind::Empty,
        (Some(only), 0) => only,
        (Some(first), _) => {
            let all = std::iter::once(first).chain(parts);
            let all = all.map(|kind| Part::Keywords(Box::new(kind)));
            Kind::Combined(Criterion::All, all.collect())
        }
    })
}

/// What keywords say that are about values of every type.
fn combined<'s>(place: &Place<'s>) -> Result<Vec<Kind<'s>>, DataError> {
    let mut parts = Vec::new();
    if let Some(values) = place.get("enum") {
        let Json::Array(values) = values else {
            return Err(invalid("enum is no list"));
        };
        parts.push(Kind::Enum(values));
    }
    for (keyword, criterion) in [
        ("allOf", Criterion::All),
        ("anyOf", Criterion::Any),
        ("oneOf", Criterion::Any),
    ] {
        let Some(schemas) = place.get(keyword) else {
            continue;
        };
        let Json::Array(schemas) = schemas else {
            return Err(invalid(format!("{keyword} is no list")));
        };
        let schemas = schemas.iter().map(Part::Schema).collect();
        parts.push(Kind::Combined(criterion, schemas));
    }
    if place.get("not").is_some() {
        parts.push(Kind::Unsupported("not"));
    }
    if let Some(value) = place.get("const") {
        parts.push(Kind::Const(value));
    }
    if place.get("if").is_some() && (place.get("then").is_some() || place.get("else").is_some()) {
        parts.push(Kind::Unsupported("if"));
    }
    Ok(parts)
}

/// What `type` says, or, without it, keywords that are about values of one type.
fn typed<'s>(place: &Place<'s>, dialect: Dialect) -> Result<Vec<Kind<'s>>, DataError> {
    match place.get("type") {
        None => {
            let has = |group| {
                dialect
                    .keywords(group)
                    .any(|keyword| place.get(keyword).is_some())
            };
            let mut kinds = Vec::new();
            for (group, name) in [
                (Group::Array, "array"),
                (Group::Object, "object"),
                (Group::Number, "number"),
                (Group::String, "string"),
            ] {
                if has(group) {
                    kinds.push(named(place, name)?);
                }
            }
            Ok(kinds)
        }
        Some(Json::String(name)) => Ok(vec![named(place, name)?]),
        Some(Json::Array(names)) => {
            let mut kinds = Vec::with_capacity(names.len());
            for name in names {
                let name = name
                    .as_str()
                    .ok_or_else(|| invalid("type has what is no text"))?;
                kinds.push(named(place, name)?);
            }
            if let [_] = kinds.as_slice() {
                return Ok(kinds);
            }
            let parts = kinds.into_iter().map(|kind| Part::Keywords(Box::new(kind)));
            Ok(vec![Kind::Combined(Criterion::Any, parts.collect())])
        }
        Some(other) => Err(invalid(format!("type is {}", name_of(other)))),
    }
}

fn named<'s>(place: &Place<'s>, name: &str) -> Found<'s> {
    Ok(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "integer" => Kind::Number { is_integer: true },
        "number" => Kind::Number { is_integer: false },
        "string" => Kind::String,
        "array" => Kind::Array(match place.get("items") {
            None => Items::Any,
            Some(Json::Array(_)) => Items::Tuple,
            Some(items) => Items::All(items),
        }),
        "object" => Kind::Object(object(place)?),
        other => return Err(invalid(format!("there is no type {other}"))),
    })
}

fn object<'s>(place: &Place<'s>) -> Result<Object<'s>, DataError> {
    let properties = match place.get("properties") {
        None => Vec::new(),
        Some(Json::Object(members)) => {
            let members = members.iter();
            members.map(|(name, json)| (name.as_ref(), json)).collect()
        }
        Some(other) => {
            return Err(invalid(format!("properties is {}", name_of(other))));
        }
    };
    let required = match place.get("required") {
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    Ok(Object {
        properties,
        required,
        additional: place
            .get("additionalProperties")
            .filter(|json| matches!(json, Json::Object(_))),
    })
}

/// What Java's libraries refuse when they read a schema.
pub(super) fn invalid(problem: impl Into<String>) -> DataError {
    let problem: String = problem.into();
    DataError::of(
        ErrorClass::IllegalArgument,
        format!("Invalid JSON Schema: {problem}"),
    )
}

/// A value's type in Jackson's words.
pub(super) const fn name_of(json: &Json<'_>) -> &'static str {
    match json {
        Json::Null => "NULL",
        Json::Boolean(_) => "BOOLEAN",
        Json::Number(_) => "NUMBER",
        Json::String(_) => "STRING",
        Json::Array(_) => "ARRAY",
        Json::Object(_) => "OBJECT",
    }
}
