//! From a JSON Schema to Connect's schema, and to the nodes that its values are read along.

mod combined;

use super::Options;
use super::decode;
use super::dialect::Dialect;
use super::document::{Documents, Identity, Place};
use super::kind::{self, Criterion, Items, Kind, Object, invalid};
use super::node::{Becomes, Fields, Node, NodeId, Nodes};
use super::variant;
use crate::data::{Field, LogicalType, Schema, SchemaType, validate};
use crate::error::{DataError, ErrorClass};
use crate::json::Json;
use std::collections::HashMap;
use std::sync::Arc;

/// Schemas in one another. Java knows no limit and fails with a stack overflow.
const DEPTH_MAX: usize = 200;
/// What is referred to in several places becomes a schema in each of them; few lines may become millions.
const SCHEMAS_MAX: usize = 300_000;

/// Makes the schemas and nodes of one document.
pub(super) struct Connecting<'s, 'o> {
    documents: &'o Documents<'s>,
    dialect: Dialect,
    options: &'o Options,
    pub(super) nodes: Nodes,
    /// References that are being followed, and the node that each will be.
    open: HashMap<Identity, Open>,
    depth: usize,
    made: usize,
    /// How many unions have been given a number.
    unions: usize,
}

/// A schema that is being made: the nodes of the places inside it that are the schema again.
#[derive(Default)]
struct Open(Vec<NodeId>);

/// What the place says in which a schema stands.
#[derive(Clone, Copy, Default)]
struct Wanted {
    optional: bool,
    version: Option<i32>,
}

type Made = Result<NodeId, DataError>;

impl<'s, 'o> Connecting<'s, 'o> {
    pub(super) fn new(documents: &'o Documents<'s>, options: &'o Options) -> Self {
        Self {
            documents,
            dialect: documents.dialect(),
            options,
            nodes: Nodes::default(),
            open: HashMap::new(),
            depth: 0,
            made: 0,
            unions: 0,
        }
    }

    /// The node of the whole schema.
    ///
    /// # Errors
    /// A schema that is none, or has no meaning in Connect.
    pub(super) fn root(&mut self, version: Option<i32>) -> Made {
        let wanted = Wanted {
            optional: false,
            version,
        };
        self.schema(&self.documents.root(), wanted)
    }

    fn schema(&mut self, place: &Place<'s>, wanted: Wanted) -> Made {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(DataError::data(format!(
                "Its schemas stand in one another more than {DEPTH_MAX} deep"
            )));
        }
        self.count()?;
        let identity = place.identity();
        if self.open.contains_key(&identity) {
            self.depth -= 1;
            return Ok(self.cycle(identity, place, wanted));
        }
        self.open.insert(identity, Open::default());
        let made = kind::of(place, self.dialect).and_then(|kind| self.made(place, &kind, wanted));
        let open = self.open.remove(&identity).unwrap_or_default();
        self.depth -= 1;
        let made = made?;
        for inner in open.0 {
            self.resolve(inner, made);
        }
        Ok(made)
    }

    /// Counts a schema in each of the places that lead to it.
    fn count(&mut self) -> Result<(), DataError> {
        self.made += 1;
        if self.made > SCHEMAS_MAX {
            return Err(DataError::data(format!(
                "Written out, it has more than {SCHEMAS_MAX} schemas"
            )));
        }
        Ok(())
    }

    /// A schema inside itself. Its node is filled in when the outer one is ready; its schema, which is a tree, has
    /// an empty struct in that place.
    fn cycle(&mut self, identity: Identity, place: &Place<'s>, wanted: Wanted) -> NodeId {
        let mut schema = Schema::new(SchemaType::Struct(Vec::new()));
        if let Some(title) = place.get("title").and_then(Json::as_str) {
            schema = schema.named(title);
        }
        schema.optional = wanted.optional;
        let made = self.add(schema, Becomes::Struct(Fields::default()));
        if let Some(open) = self.open.get_mut(&identity) {
            open.0.push(made);
        }
        made
    }

    /// The node of a cycle becomes what the outer one is.
    fn resolve(&mut self, inner: NodeId, outer: NodeId) {
        let Node { schema, becomes } = &self.nodes[outer];
        let becomes = becomes.clone();
        let mut schema = (**schema).clone();
        schema.optional = self.nodes[inner].schema.optional;
        self.nodes.0[inner.0] = Node {
            schema: Arc::new(schema),
            becomes,
        };
    }

    fn add(&mut self, schema: Schema, becomes: Becomes) -> NodeId {
        self.nodes.0.push(Node {
            schema: Arc::new(schema),
            becomes,
        });
        NodeId(self.nodes.0.len() - 1)
    }

    fn made(&mut self, place: &Place<'s>, kind: &Kind<'s>, wanted: Wanted) -> Made {
        let described = |this: &mut Self, schema: Schema, becomes: Becomes| {
            this.described(place, schema, becomes, wanted)
        };
        match kind {
            Kind::Reference(reference) => {
                let target = self.documents.follow(place, reference)?;
                self.schema(&target, wanted)
            }
            Kind::Combined(Criterion::All, parts) => self.all_of(place, parts, wanted),
            Kind::Combined(Criterion::Any, parts) => self.any_of(place, parts, wanted),
            Kind::Empty => described(self, variant::schema(), Becomes::Variant),
            Kind::False => Err(unsupported("FalseSchema")),
            Kind::Null => Err(unsupported("NullSchema")),
            Kind::Unsupported(keyword) => Err(unsupported(keyword)),
            Kind::Boolean => described(self, Schema::new(SchemaType::Boolean), Becomes::Boolean),
            Kind::Number { is_integer } => {
                let (kind, becomes) = number(place, *is_integer)?;
                described(self, Schema::new(kind), becomes)
            }
            Kind::String => match connect_type(place)? {
                Some("bytes") => described(self, Schema::new(SchemaType::Bytes), Becomes::Bytes),
                _ => described(self, Schema::new(SchemaType::String), Becomes::String),
            },
            Kind::Enum(values) => {
                let schema = self.enumeration(place, values.iter());
                described(self, schema, Becomes::String)
            }
            Kind::Const(value) => {
                let schema = self.enumeration(place, std::iter::once(*value));
                described(self, schema, Becomes::String)
            }
            Kind::Array(items) => {
                let (schema, becomes) = self.array(place, items)?;
                described(self, schema, becomes)
            }
            Kind::Object(object) => {
                if connect_type(place)? == Some("map") {
                    let (schema, becomes) = self.map(place, object)?;
                    return described(self, schema, becomes);
                }
                let properties = self.properties(place, object);
                let (schema, becomes) = self.structure(properties)?;
                described(self, schema, becomes)
            }
        }
    }

    /// Adds title, version, documentation, parameters and default.
    fn described(
        &mut self,
        place: &Place<'s>,
        mut schema: Schema,
        becomes: Becomes,
        wanted: Wanted,
    ) -> Made {
        if let (None, Some(title)) = (schema.name(), place.get("title").and_then(Json::as_str)) {
            schema = schema.named(title);
        }
        let version = match place.get("connect.version") {
            Some(Json::Number(number)) => number.as_i64().and_then(|n| i32::try_from(n).ok()),
            _ => wanted.version,
        };
        schema.version = version;
        let doc = place.get("description").and_then(Json::as_str);
        schema.doc = doc.map(str::to_owned);
        if let Some(Json::Object(members)) = place.get("connect.parameters") {
            for (name, value) in members {
                if let Some(text) = value.as_str() {
                    schema
                        .parameters
                        .insert(name.clone().into_owned(), text.to_owned());
                }
            }
        }
        let becomes = logical(&schema).unwrap_or(becomes);
        let node = self.add(schema, becomes);
        if let Some(json) = place.get("default") {
            let default = decode::default(&self.nodes, node, json)?;
            let schema = &self.nodes[node].schema;
            if let crate::data::Value::Struct(_) = default {
                return Err(bad_default("Struct schemas do not match."));
            }
            validate("value", schema, &default).map_err(|error| bad_default(&error.message))?;
            self.change(node, |schema| schema.default = Some(default));
        }
        if wanted.optional {
            self.change(node, |schema| schema.optional = true);
        }
        Ok(node)
    }

    fn change(&mut self, node: NodeId, change: impl FnOnce(&mut Schema)) {
        change(Arc::make_mut(&mut self.nodes.0[node.0].schema));
    }

    fn enumeration<'v>(
        &self,
        place: &Place<'s>,
        values: impl Iterator<Item = &'v Json<'v>>,
    ) -> Schema {
        let mut schema = Schema::new(SchemaType::String);
        let generalized = self.options.generalized_sum_types;
        let prefix = if generalized {
            "org.apache.kafka.connect.data.Enum"
        } else {
            "io.confluent.connect.json.Enum"
        };
        let title = place
            .get("title")
            .and_then(Json::as_str)
            .unwrap_or_default();
        let parameters = &mut schema.parameters;
        parameters.insert(prefix.to_owned(), title.to_owned());
        for (number, value) in values.enumerate() {
            let symbol = symbol(value);
            let text = if generalized {
                number.to_string()
            } else {
                symbol.clone()
            };
            parameters.insert(format!("{prefix}.{symbol}"), text);
        }
        schema
    }

    fn array(
        &mut self,
        place: &Place<'s>,
        items: &Items<'s>,
    ) -> Result<(Schema, Becomes), DataError> {
        let items = match items {
            Items::All(items) => items,
            Items::Tuple if self.dialect.is_modern() => {
                return Err(invalid("items is a list"));
            }
            Items::Tuple | Items::Any => {
                return Err(DataError::data(
                    "Array schema did not specify the items type",
                ));
            }
        };
        let items = self.documents.child(place, items);
        if connect_type(place)? == Some("map")
            && let Kind::Object(entry) = kind::of(&items, self.dialect)?
        {
            let mut part = |name: &str| {
                let found = entry.properties.iter().find(|(known, _)| *known == name);
                let (_, json) = found.ok_or_else(|| {
                    DataError::schema(format!("{name} of a map's entry cannot be null."))
                })?;
                let place = self.documents.child(&items, json);
                self.schema(&place, Wanted::default())
            };
            let (key, value) = (part("key")?, part("value")?);
            let schema = SchemaType::Map(Some(self.schema_of(key)), Some(self.schema_of(value)));
            let is_text = matches!(self.nodes[key].schema.kind(), SchemaType::String);
            let becomes = if is_text {
                Becomes::Map(value)
            } else {
                Becomes::Entries(key, value)
            };
            return Ok((Schema::new(schema), becomes));
        }
        let items = self.schema(&items, Wanted::default())?;
        let schema = SchemaType::Array(Some(self.schema_of(items)));
        Ok((Schema::new(schema), Becomes::Array(items)))
    }

    fn map(
        &mut self,
        place: &Place<'s>,
        object: &Object<'s>,
    ) -> Result<(Schema, Becomes), DataError> {
        let values = object
            .additional
            .ok_or_else(|| DataError::schema("valueSchema cannot be null."))?;
        let values = self.documents.child(place, values);
        let values = self.schema(&values, Wanted::default())?;
        let key = Schema::of(SchemaType::String);
        let schema = SchemaType::Map(Some(key), Some(self.schema_of(values)));
        Ok((Schema::new(schema), Becomes::Map(values)))
    }

    fn schema_of(&self, node: NodeId) -> Arc<Schema> {
        Arc::clone(&self.nodes[node].schema)
    }

    /// An object's properties with their places.
    fn properties(&self, place: &Place<'s>, object: &Object<'s>) -> Vec<Property<'s>> {
        let properties = object.properties.iter();
        properties
            .map(|(name, json)| Property {
                name,
                place: self.documents.child(place, json),
                is_required: object.required.contains(name),
            })
            .collect()
    }

    /// A struct of properties, in the order of `connect.index`, else of the text.
    fn structure(&mut self, properties: Vec<Property<'s>>) -> Result<(Schema, Becomes), DataError> {
        let mut sorted: Vec<(i64, Property<'s>)> = Vec::with_capacity(properties.len());
        for (at, property) in (0..).zip(properties) {
            let index = match property.place.json().get("connect.index") {
                Some(Json::Number(number)) => number.as_i64(),
                _ => None,
            };
            sorted.push((index.unwrap_or(at), property));
        }
        sorted.sort_by_key(|(index, _)| *index);
        let (mut fields, mut made) = (Vec::with_capacity(sorted.len()), Fields::default());
        for (_, property) in sorted {
            let optional = self.options.optional_for_nonrequired && !property.is_required;
            let wanted = Wanted {
                optional,
                version: None,
            };
            let node = self.schema(&property.place, wanted)?;
            fields.push(Field {
                name: property.name.into(),
                schema: self.schema_of(node),
            });
            made.0.push(node);
        }
        Ok((Schema::structure(fields)?, Becomes::Struct(made)))
    }
}

/// A property of an object.
#[derive(Clone)]
struct Property<'s> {
    name: &'s str,
    place: Place<'s>,
    is_required: bool,
}

fn connect_type<'s>(place: &Place<'s>) -> Result<Option<&'s str>, DataError> {
    match place.get("connect.type") {
        None => Ok(None),
        Some(Json::String(name)) => Ok(Some(name)),
        Some(other) => Err(DataError::of(
            ErrorClass::ClassCast,
            format!("connect.type is no text but {}", kind::name_of(other)),
        )),
    }
}

fn number(place: &Place<'_>, is_integer: bool) -> Result<(SchemaType, Becomes), DataError> {
    Ok(match connect_type(place)? {
        None if is_integer => (SchemaType::Int64, Becomes::Int64),
        None => (SchemaType::Float64, Becomes::Float64),
        Some("int8") => (SchemaType::Int8, Becomes::Int8),
        Some("int16") => (SchemaType::Int16, Becomes::Int16),
        Some("int32") => (SchemaType::Int32, Becomes::Int32),
        Some("int64") => (SchemaType::Int64, Becomes::Int64),
        Some("float32") => (SchemaType::Float32, Becomes::Float32),
        Some("float64") => (SchemaType::Float64, Becomes::Float64),
        Some("bytes") => (SchemaType::Bytes, Becomes::Bytes),
        Some(other) => {
            return Err(DataError::of(
                ErrorClass::IllegalArgument,
                format!("Unsupported connect.type {other} on a number"),
            ));
        }
    })
}

/// What the logical type of a schema makes of its values, whatever its kind.
fn logical(schema: &Schema) -> Option<Becomes> {
    Some(match schema.logical()? {
        LogicalType::Decimal => Becomes::Decimal,
        LogicalType::Date => Becomes::Date,
        LogicalType::Time => Becomes::Time,
        LogicalType::Timestamp => Becomes::Timestamp,
    })
}

/// A value of an enum as Java tells it.
fn symbol(value: &Json<'_>) -> String {
    match value {
        Json::Null => "<NULL>".to_owned(),
        Json::Boolean(truth) => truth.to_string(),
        Json::Number(number) => number.text().to_owned(),
        Json::String(text) => text.clone().into_owned(),
        other => decode::as_text(other),
    }
}

fn unsupported(what: &str) -> DataError {
    DataError::data(format!("Unsupported schema type {what}"))
}

fn bad_default(problem: &str) -> DataError {
    DataError::schema(format!("Invalid default value: {problem}"))
}
