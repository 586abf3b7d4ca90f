//! Combined schemas: `allOf`, `anyOf`, `oneOf`, lists of types, and schemas whose keywords say several things.

use super::super::document::Place;
use super::super::kind::{self, Criterion, Kind, Part, invalid};
use super::super::node::Becomes;
use super::{Connecting, Made, Property, Wanted, unsupported};
use crate::data::{Field, Schema};
use crate::error::DataError;
use std::collections::HashSet;

const ONE_OF: &str = "io.confluent.connect.json.OneOf";
/// Combined schemas in one another.
const DEPTH_MAX: usize = 200;

impl<'s> Connecting<'s, '_> {
    /// Every part at once: the properties of all objects, or what one of the parts says.
    pub(super) fn all_of(&mut self, place: &Place<'s>, parts: &[Part<'s>], wanted: Wanted) -> Made {
        let mut found = AllOf::default();
        self.collect(place, parts, &mut found, 0)?;
        if !found.properties.is_empty() {
            let (mut schema, becomes) = self.structure(found.properties)?;
            schema.optional = wanted.optional;
            return Ok(self.add(schema, becomes));
        }
        let typed = found.typed.iter().find(|(_, kind)| match kind {
            Kind::Number { .. } => true,
            Kind::String => found.constant.is_some(),
            _ => false,
        });
        let chosen = found
            .combined
            .as_ref()
            .or(typed)
            .or(found.constant.as_ref())
            .or(found.enumeration.as_ref())
            .or(found.typed.first())
            .or(found.other.first());
        match chosen.cloned() {
            // A part has no annotations of its own; a schema of its own has.
            Some((Some(own), kind)) => self.made(&own, &kind, wanted),
            Some((None, kind)) => {
                let bare = place.bare();
                self.made(&bare, &kind, wanted)
            }
            None => Err(unsupported("CombinedSchema")),
        }
    }

    /// Sorts the parts of `allOf`, those inside them as well.
    fn collect(
        &mut self,
        place: &Place<'s>,
        parts: &[Part<'s>],
        found: &mut AllOf<'s>,
        depth: usize,
    ) -> Result<(), DataError> {
        if depth > DEPTH_MAX {
            return Err(DataError::data("allOf leads back to itself"));
        }
        for part in parts {
            self.count()?;
            let (own, mut at, mut kind) = match part {
                Part::Keywords(kind) => (None, place.clone(), (**kind).clone()),
                Part::Schema(json) => {
                    let own = self.documents.child(place, json);
                    let kind = kind::of(&own, self.dialect)?;
                    (Some(own.clone()), own, kind)
                }
            };
            let mut own = own;
            let mut followed = HashSet::new();
            while let Kind::Reference(reference) = kind {
                at = self.documents.follow(&at, reference)?;
                if !followed.insert(at.identity()) {
                    return Err(invalid("$ref leads back to itself"));
                }
                kind = kind::of(&at, self.dialect)?;
                own = Some(at.clone());
            }
            match &kind {
                Kind::Object(object) if !object.properties.is_empty() => {
                    for property in self.properties(&at, object) {
                        found.add(property);
                    }
                }
                Kind::Combined(Criterion::All, inner) => {
                    self.collect(&at, inner, found, depth + 1)?;
                }
                Kind::Combined(Criterion::Any, _) => found.combined = Some((own, kind)),
                Kind::Const(_) => found.constant = Some((own, kind)),
                Kind::Enum(_) => found.enumeration = Some((own, kind)),
                Kind::Number { .. } | Kind::String | Kind::Boolean | Kind::Array(_) => {
                    found.typed.push((own, kind));
                }
                _ => found.other.push((own, kind)),
            }
        }
        Ok(())
    }

    /// One of the parts: the other one of two where one is null, else a struct with a field for each.
    pub(super) fn any_of(&mut self, place: &Place<'s>, parts: &[Part<'s>], wanted: Wanted) -> Made {
        let mut members = Vec::with_capacity(parts.len());
        let mut nulls = 0;
        for part in parts {
            let member = match part {
                Part::Keywords(kind) if matches!(**kind, Kind::Null) => None,
                Part::Keywords(kind) => Some((place.clone(), Some((**kind).clone()))),
                Part::Schema(json) => {
                    let own = self.documents.child(place, json);
                    let is_null = matches!(kind::of(&own, self.dialect)?, Kind::Null);
                    (!is_null).then_some((own, None))
                }
            };
            match member {
                Some(member) => members.push(member),
                None => nulls += 1,
            }
        }
        let optional = Wanted {
            optional: true,
            ..wanted
        };
        match (members.as_slice(), nulls, parts.len()) {
            ([(own, kind)], 0, 1) if self.options.flatten_singleton_unions => {
                return self.member(own, kind.as_ref(), wanted);
            }
            ([(own, kind)], 1, 2) => return self.member(own, kind.as_ref(), optional),
            ([], 1, 1) if self.options.flatten_singleton_unions => {
                return Err(unsupported("NullSchema"));
            }
            ([], 2, 2) => {
                return Err(DataError::schema(
                    "fieldSchema for a union of nulls cannot be null.",
                ));
            }
            _ => {}
        }
        let mut name = ONE_OF.to_owned();
        let generalized = self.options.generalized_sum_types;
        if generalized {
            name = format!("connect_union_{}", self.unions);
            self.unions += 1;
        }
        let (mut fields, mut made) = (Vec::with_capacity(members.len()), Vec::new());
        for (number, (own, kind)) in members.iter().enumerate() {
            let wanted = Wanted {
                optional: true,
                version: None,
            };
            let node = self.member(own, kind.as_ref(), wanted)?;
            let field = if generalized {
                format!("connect_union_field_{number}")
            } else {
                format!("{ONE_OF}.field.{number}")
            };
            fields.push(Field {
                name: field.into(),
                schema: self.schema_of(node),
            });
            made.push(node);
        }
        let mut schema = Schema::structure(fields)?.named(&name);
        schema.optional = nulls > 0;
        if generalized {
            let parameter = "org.apache.kafka.connect.data.Union".to_owned();
            schema.parameters.insert(parameter, name);
        }
        self.described(place, schema, Becomes::Union(made), wanted)
    }

    fn member(&mut self, own: &Place<'s>, kind: Option<&Kind<'s>>, wanted: Wanted) -> Made {
        match kind {
            Some(kind) => self.made(&own.bare(), kind, wanted),
            None => self.schema(own, wanted),
        }
    }
}

/// What one part is, with its place where it is a schema of its own.
type Sorted<'s> = (Option<Place<'s>>, Kind<'s>);

/// The parts of `allOf`, sorted by what counts.
#[derive(Default)]
struct AllOf<'s> {
    properties: Vec<Property<'s>>,
    combined: Option<Sorted<'s>>,
    constant: Option<Sorted<'s>>,
    enumeration: Option<Sorted<'s>>,
    typed: Vec<Sorted<'s>>,
    other: Vec<Sorted<'s>>,
}

impl<'s> AllOf<'s> {
    /// Of a name that comes again, the last counts, in the place of the first.
    fn add(&mut self, property: Property<'s>) {
        match self
            .properties
            .iter_mut()
            .find(|known| known.name == property.name)
        {
            Some(known) => *known = property,
            None => self.properties.push(property),
        }
    }
}
