//! Unions that are structs: which member a value becomes.

use super::super::connect::member_name;
use super::super::decode::no_member;
use super::super::node::{Extent, Node, NodeId};
use super::super::schema::{Kind, TypeId};
use super::{Pair, Wiring};
use crate::data::{Schema, SchemaType};
use crate::error::DataError;
use std::sync::Arc;

impl Wiring<'_> {
    /// One member of a union that is a struct.
    pub(super) fn member(
        &mut self,
        pair: Pair,
        branches: &[TypeId],
        schema: &Arc<Schema>,
    ) -> NodeId {
        let of = &self.reader[pair.reader];
        let extent = match of.kind {
            Kind::Bytes => Extent::Counted,
            Kind::Fixed(_, size) => Extent::Fixed(size),
            _ => {
                let found = self.member_of(pair.reader, branches, schema);
                return self.put(pair, found, schema);
            }
        };
        // Java looks at the class and the length of what it has read.
        let members: Vec<TypeId> = self.members(branches);
        let mut fits = Vec::new();
        for (field, member) in members.iter().enumerate() {
            let made = &schema.fields()[field].schema;
            if !matches!(made.kind(), SchemaType::Bytes) {
                continue;
            }
            let is_fixed =
                made.name().is_some() && made.parameters.contains_key("connect.fixed.size");
            let length = match (is_fixed, extent) {
                (false, _) => None,
                (true, Extent::Counted) => match self.reader[*member].kind {
                    Kind::Fixed(_, size) => Some(size),
                    _ => continue,
                },
                (true, Extent::Fixed(_)) => {
                    let name = member_name(of, field, self.options);
                    if name != self.name_to_put(made, field) {
                        continue;
                    }
                    None
                }
            };
            fits.push((length, field));
            if length.is_none() {
                break;
            }
        }
        match fits.as_slice() {
            [] => self.put(pair, Err(no_member()), schema),
            [(None, field)] => {
                let found = self.checked(*field, schema);
                self.put(pair, found, schema)
            }
            _ => {
                let nodes = fits.into_iter().map(|(length, field)| {
                    let found = self.checked(field, schema);
                    (length, self.put(pair, found, schema))
                });
                let nodes = nodes.collect();
                self.nodes.add(Node::ByLength(nodes))
            }
        }
    }

    fn members(&self, branches: &[TypeId]) -> Vec<TypeId> {
        let members = branches.iter().copied();
        members
            .filter(|id| !Self::is_null(self.reader, *id))
            .collect()
    }

    /// Which field of a union's struct takes a value: the first whose schema takes values of its class.
    fn member_of(
        &self,
        reader: TypeId,
        branches: &[TypeId],
        schema: &Arc<Schema>,
    ) -> Result<usize, DataError> {
        let members = self.members(branches);
        let of = &self.reader[reader];
        let own = members
            .iter()
            .position(|id| *id == reader)
            .ok_or_else(no_member)?;
        let made = &schema.fields()[own].schema;
        let field = match &of.kind {
            Kind::Record(..) => {
                let takes = |field: &crate::data::Field| {
                    field.schema == *made
                        || (field.schema.name().is_some() && Arc::ptr_eq(&field.schema, made))
                };
                schema.fields().iter().position(takes).unwrap_or(own)
            }
            // Numbers of 8 and 16 bits, and maps that stand there as arrays, are classes that Java does not look for.
            Kind::Int if !matches!(made.kind(), SchemaType::Int32) => return Err(no_member()),
            Kind::Array(_) if !matches!(made.kind(), SchemaType::Array(_)) => {
                return Err(no_member());
            }
            _ => own,
        };
        self.checked(field, schema)
    }

    /// Java puts a value under a name that it makes anew from the member's schema, which must be the field's.
    fn checked(&self, field: usize, schema: &Schema) -> Result<usize, DataError> {
        let name = self.name_to_put(&schema.fields()[field].schema, field);
        let found = schema
            .fields()
            .iter()
            .position(|other| *other.name == *name);
        match found {
            Some(found) if found == field => Ok(field),
            Some(_) => Err(DataError::data(format!(
                "A value of member {field} of a union does not fit {name}"
            ))),
            None => Err(DataError::data(format!("{name} is not a valid field name"))),
        }
    }

    fn name_to_put(&self, schema: &Schema, field: usize) -> String {
        if self.options.generalized_sum_types {
            return format!("connect_union_field_{field}");
        }
        let has = |parameter: &str| schema.parameters.contains_key(parameter);
        let is_named = match schema.kind() {
            SchemaType::Struct(_) => true,
            SchemaType::String => {
                has("io.confluent.connect.avro.Enum") || has("org.apache.kafka.connect.data.Enum")
            }
            SchemaType::Bytes => schema.name().is_some() && has("connect.fixed.size"),
            _ => false,
        };
        let name = schema.name().unwrap_or_default();
        match schema.kind() {
            _ if is_named && self.options.enhanced_support => name.to_owned(),
            _ if is_named => name.rsplit('.').next().unwrap_or_default().to_owned(),
            SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 => "int".to_owned(),
            SchemaType::Int64 => "long".to_owned(),
            SchemaType::Float32 => "float".to_owned(),
            SchemaType::Float64 => "double".to_owned(),
            other => other.name().to_lowercase(),
        }
    }

    /// A value as a member of a union's struct.
    fn put(&mut self, pair: Pair, field: Result<usize, DataError>, schema: &Arc<Schema>) -> NodeId {
        match field {
            Ok(field) => {
                let value = self.resolve(pair, &schema.fields()[field].schema);
                self.nodes.add(Node::Member {
                    schema: Arc::clone(schema),
                    field,
                    value,
                })
            }
            Err(error) => {
                let skipped = self.skipped(pair.writer);
                self.nodes.add(Node::Wrong(skipped, Box::new(error)))
            }
        }
    }
}
