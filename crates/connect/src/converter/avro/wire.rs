//! From a writer's types, and those they are read as, to nodes: Avro's schema resolution, and the choice of members of unions
//! that Java makes by the classes of values.

mod member;

use super::connect::{Connected, entry_of};
use super::defaults;
use super::logical::Conversion;
use super::node::{Extent, Node, NodeId, Nodes, ResolvedRecord, Whole, Wider};
use super::schema::{Field, Kind, Type, TypeId, Types, kind_name};
use super::{Options, conversions};
use crate::data::{Schema, SchemaType, Value};
use crate::error::DataError;
use std::collections::HashMap;
use std::sync::Arc;

/// Pairs of the writer's and the reader's types may be many more than the types of either.
const NODES_MAX: usize = 1_000_000;

/// Makes the nodes of a schema.
pub(super) struct Wiring<'t> {
    pub(super) writer: &'t Types,
    pub(super) reader: &'t Types,
    pub(super) connected: &'t Connected,
    pub(super) options: &'t Options,
    pub(super) nodes: Nodes,
    /// Records whose node is being made: the writer's and the reader's type.
    open: HashMap<(TypeId, TypeId), NodeId>,
    /// The same, of what is skipped.
    open_skipped: HashMap<TypeId, NodeId>,
}

/// Both types of a value.
#[derive(Clone, Copy)]
struct Pair {
    writer: TypeId,
    reader: TypeId,
}

impl<'t> Wiring<'t> {
    pub(super) fn new(
        writer: &'t Types,
        reader: &'t Types,
        connected: &'t Connected,
        options: &'t Options,
    ) -> Self {
        Self {
            writer,
            reader,
            connected,
            options,
            nodes: Nodes::default(),
            open: HashMap::new(),
            open_skipped: HashMap::new(),
        }
    }

    /// The node of the whole schema.
    pub(super) fn root(&mut self) -> NodeId {
        let pair = Pair {
            writer: self.writer.root(),
            reader: self.reader.root(),
        };
        let schema = Arc::clone(&self.connected.root);
        self.node(pair, &schema)
    }

    fn is_null(types: &Types, id: TypeId) -> bool {
        types[id].kind == Kind::Null
    }

    fn node(&mut self, pair: Pair, schema: &Arc<Schema>) -> NodeId {
        let types = self.writer;
        if let Kind::Union(branches) = &types[pair.writer].kind {
            let nodes = branches.iter().map(|branch| {
                let pair = Pair {
                    writer: *branch,
                    ..pair
                };
                self.branch(pair, schema)
            });
            let nodes = nodes.collect();
            return self.nodes.add(Node::Union(nodes));
        }
        self.branch(pair, schema)
    }

    /// The node of what is no union for the writer, but may be one for the reader.
    fn branch(&mut self, pair: Pair, schema: &Arc<Schema>) -> NodeId {
        let types = self.reader;
        let Kind::Union(branches) = &types[pair.reader].kind else {
            return self.resolve(pair, schema);
        };
        let Some(reader) = self.matching(pair.writer, branches) else {
            return self.mismatch(pair);
        };
        if Self::is_null(types, reader) {
            return self.nodes.add(Node::Null);
        }
        let inner = Pair { reader, ..pair };
        let members = branches.iter().filter(|id| !Self::is_null(types, **id));
        let is_plain = match branches.len() {
            1 => self.options.flatten_singleton_unions,
            2 => members.count() == 1,
            _ => false,
        };
        if is_plain {
            return self.resolve(inner, schema);
        }
        self.member(inner, branches, schema)
    }

    /// Which of a reader's branches a writer's type is read as: the same one, else the first that it can become.
    fn matching(&self, writer: TypeId, branches: &[TypeId]) -> Option<TypeId> {
        let of = &self.writer[writer];
        let same = branches.iter().find(|id| {
            let reader = &self.reader[**id];
            kind_name(reader) == kind_name(of) && same_kind(&of.kind, &reader.kind)
        });
        let near = || {
            branches
                .iter()
                .find(|id| match (of.name(), self.reader[**id].name()) {
                    (Some(writer), Some(reader)) => {
                        same_kind(&of.kind, &self.reader[**id].kind)
                            && (writer.simple == reader.simple
                                || self.reader[**id].is_called(writer))
                    }
                    _ => false,
                })
        };
        let wider = || {
            branches
                .iter()
                .find(|id| widens(&of.kind, &self.reader[**id].kind))
        };
        same.or_else(near).or_else(wider).copied()
    }

    /// The node of two types of which none is a union.
    fn resolve(&mut self, pair: Pair, schema: &Arc<Schema>) -> NodeId {
        let (writer_types, reader_types) = (self.writer, self.reader);
        let (writer, reader) = (&writer_types[pair.writer], &reader_types[pair.reader]);
        if let Some(error) = self.refused(reader) {
            let skipped = self.skipped(pair.writer);
            return self.nodes.add(Node::Wrong(skipped, Box::new(error)));
        }
        if let (Kind::Record(_, written), Kind::Record(_, read)) = (&writer.kind, &reader.kind) {
            return self.record(pair, written, read, schema);
        }
        let node = match (&writer.kind, &reader.kind) {
            (Kind::Array(_), Kind::Array(read)) => return self.array(pair, *read, schema),
            (Kind::Map(written), Kind::Map(read)) => {
                let SchemaType::Map(_, Some(values)) = schema.kind() else {
                    return self.mismatch(pair);
                };
                let pair = Pair {
                    writer: *written,
                    reader: *read,
                };
                let item = self.node(pair, values);
                Node::Map(item)
            }
            (Kind::Enum(_, written), Kind::Enum(_, read)) => {
                let symbol = |symbol: &String| {
                    let known = read.names.contains(symbol).then_some(symbol);
                    known
                        .or(read.default.as_ref())
                        .map(|symbol| symbol.as_str().into())
                };
                Node::Enum(written.names.iter().map(symbol).collect())
            }
            _ => match self.scalar(writer, reader, schema) {
                Some(node) => node,
                None => return self.mismatch(pair),
            },
        };
        self.logical(node, schema)
    }

    /// What no value of a type can become, whatever stands there.
    fn refused(&self, reader: &Type) -> Option<DataError> {
        conversions::refusal(reader).filter(|_| self.options.logical_type_converters)
    }

    fn scalar(&self, writer: &Type, reader: &Type, schema: &Schema) -> Option<Node> {
        let conversion = || Conversion::of(schema);
        Some(match (&writer.kind, &reader.kind) {
            (Kind::Null, Kind::Null) => Node::Null,
            (Kind::Boolean, Kind::Boolean) => Node::Boolean,
            (Kind::Int, Kind::Int) => match (schema.kind(), conversion()) {
                (SchemaType::Int8, _) => Node::Int8,
                (SchemaType::Int16, _) => Node::Int16,
                (_, Conversion::Date) => Node::Date,
                (_, Conversion::Time) => Node::Time,
                _ => Node::Int32,
            },
            (Kind::Long, Kind::Long) => match conversion() {
                Conversion::Timestamp => Node::Timestamp,
                _ => Node::Int64,
            },
            (Kind::Int, Kind::Long) => match conversion() {
                Conversion::Timestamp => Node::Timestamp,
                _ => Node::Widened(Whole::Int, Wider::Long),
            },
            (Kind::Int, Kind::Float) => Node::Widened(Whole::Int, Wider::Float),
            (Kind::Int, Kind::Double) => Node::Widened(Whole::Int, Wider::Double),
            (Kind::Long, Kind::Float) => Node::Widened(Whole::Long, Wider::Float),
            (Kind::Long, Kind::Double) => Node::Widened(Whole::Long, Wider::Double),
            (Kind::Float, Kind::Float) => Node::Float32,
            (Kind::Float, Kind::Double) => Node::WidenedFloat,
            (Kind::Double, Kind::Double) => Node::Float64,
            (Kind::String, Kind::String) => Node::String,
            (Kind::Bytes, Kind::String) => Node::Text,
            (Kind::String | Kind::Bytes, Kind::Bytes) => Node::Bytes(Extent::Counted, conversion()),
            (Kind::Fixed(written, size), Kind::Fixed(read, of)) if size == of => {
                let is_it = written == read || reader.is_called(written);
                return is_it.then(|| Node::Bytes(Extent::Fixed(*size), conversion()));
            }
            _ => return None,
        })
    }

    /// A node whose schema has a logical type that its values cannot have.
    fn logical(&mut self, node: Node, schema: &Schema) -> NodeId {
        let fails = match Conversion::of(schema) {
            Conversion::Fails(error) if !matches!(node, Node::Null) => Some(error),
            _ => None,
        };
        let node = self.nodes.add(node);
        match fails {
            Some(error) => self.nodes.add(Node::Wrong(node, Box::new(error))),
            None => node,
        }
    }

    fn array(&mut self, pair: Pair, read: TypeId, schema: &Arc<Schema>) -> NodeId {
        let types = self.writer;
        let Kind::Array(written) = types[pair.writer].kind else {
            return self.mismatch(pair);
        };
        let node = match schema.kind() {
            SchemaType::Map(Some(key), Some(value)) => {
                if matches!(key.kind(), SchemaType::String) && !key.optional {
                    let skipped = self.skipped(pair.writer);
                    let error = DataError::data(
                        "Invalid type for MAP: a map of texts stands there as an array of entries",
                    );
                    return self.nodes.add(Node::Wrong(skipped, Box::new(error)));
                }
                match self.entry(written, read, key, value) {
                    Some(node) => node,
                    None => return self.mismatch(pair),
                }
            }
            SchemaType::Array(Some(element)) => {
                let pair = Pair {
                    writer: written,
                    reader: read,
                };
                let item = self.node(pair, element);
                Node::Array(item)
            }
            _ => return self.mismatch(pair),
        };
        self.logical(node, schema)
    }

    fn entry(
        &mut self,
        written: TypeId,
        read: TypeId,
        key: &Arc<Schema>,
        value: &Arc<Schema>,
    ) -> Option<Node> {
        let [read_key, read_value] = entry_of(self.reader, read)?.ok()?;
        let types = self.writer;
        let Kind::Record(_, fields) = &types[written].kind else {
            return None;
        };
        let [first, second] = fields.as_slice() else {
            return None;
        };
        let key_is_first = first.name == "key";
        let (of_key, of_value) = if key_is_first {
            (first.of, second.of)
        } else {
            (second.of, first.of)
        };
        let of_key = Pair {
            writer: of_key,
            reader: read_key,
        };
        let of_value = Pair {
            writer: of_value,
            reader: read_value,
        };
        let (key, value) = (self.node(of_key, key), self.node(of_value, value));
        let fields = if key_is_first {
            [key, value]
        } else {
            [value, key]
        };
        let item = self.nodes.add(Node::Skipped(fields.into()));
        Some(Node::Entries {
            entries: item,
            key_is_first,
        })
    }

    fn record(
        &mut self,
        pair: Pair,
        written: &[Field],
        read: &[Field],
        schema: &Arc<Schema>,
    ) -> NodeId {
        if let Some(node) = self.open.get(&(pair.writer, pair.reader)) {
            return *node;
        }
        if self.nodes.0.len() > NODES_MAX {
            let error = DataError::data(format!(
                "With the schema it is read as, it has more than {NODES_MAX} types"
            ));
            let skipped = self.skipped(pair.writer);
            return self.nodes.add(Node::Wrong(skipped, Box::new(error)));
        }
        // In a record that contains itself, only its outermost schema is whole.
        let schema = if schema.fields().len() == read.len() {
            Arc::clone(schema)
        } else {
            match self.connected.records.get(&pair.reader) {
                Some(whole) => Arc::clone(whole),
                None => return self.mismatch(pair),
            }
        };
        let node = self.nodes.add(Node::Null);
        self.open.insert((pair.writer, pair.reader), node);
        let made = self.fields(written, read, &schema);
        self.open.remove(&(pair.writer, pair.reader));
        let fails = match Conversion::of(&schema) {
            Conversion::Fails(error) => Some(error),
            _ => None,
        };
        match made {
            Ok(record) => {
                self.nodes.0[node.0] = record;
            }
            Err(error) => {
                let skipped = self.skipped(pair.writer);
                self.nodes.0[node.0] = Node::Wrong(skipped, Box::new(error));
            }
        }
        match fails {
            Some(error) => self.nodes.add(Node::Wrong(node, Box::new(error))),
            None => node,
        }
    }

    fn fields(
        &mut self,
        written: &[Field],
        read: &[Field],
        schema: &Arc<Schema>,
    ) -> Result<Node, DataError> {
        let mut steps = Vec::with_capacity(written.len());
        let mut taken = vec![false; read.len()];
        for field in written {
            let is_it = |other: &Field| other.name == field.name;
            let called = |other: &Field| other.aliases.contains(&field.name);
            let at = read.iter().position(is_it).or_else(|| {
                let at = read.iter().position(called)?;
                let has_own = written.iter().any(|other| other.name == read[at].name);
                (!has_own).then_some(at)
            });
            let step = match at {
                Some(at) => {
                    taken[at] = true;
                    let pair = Pair {
                        writer: field.of,
                        reader: read[at].of,
                    };
                    (Some(at), self.node(pair, &schema.fields()[at].schema))
                }
                None => (None, self.skipped(field.of)),
            };
            steps.push(step);
        }
        let in_order = steps.len() == read.len()
            && steps
                .iter()
                .enumerate()
                .all(|(at, (field, _))| *field == Some(at));
        if in_order {
            return Ok(Node::Record {
                schema: Arc::clone(schema),
                fields: steps.into_iter().map(|(_, node)| node).collect(),
            });
        }
        let mut filled: Vec<(usize, Value<'static>)> = Vec::new();
        for (at, field) in read.iter().enumerate().filter(|(at, _)| !taken[*at]) {
            let default = field.default.as_ref().ok_or_else(|| {
                DataError::data(format!(
                    "The field {} is missing, and the schema that the record is read as has no default for it",
                    field.name
                ))
            })?;
            let made = &schema.fields()[at].schema;
            let value = defaults::of_missing_field(self.reader, field.of, made, default)?;
            filled.push((at, value));
        }
        Ok(Node::Resolved(Box::new(ResolvedRecord {
            schema: Arc::clone(schema),
            steps: steps.into(),
            defaults: filled.into(),
        })))
    }

    /// What is read and dropped.
    fn skipped(&mut self, writer: TypeId) -> NodeId {
        let types = self.writer;
        let node = match &types[writer].kind {
            Kind::Null => Node::Null,
            Kind::Boolean => Node::Boolean,
            Kind::Int => Node::Int32,
            Kind::Long => Node::Int64,
            Kind::Float => Node::Float32,
            Kind::Double => Node::Float64,
            Kind::Bytes | Kind::String => Node::Bytes(Extent::Counted, Conversion::None),
            Kind::Fixed(_, size) => Node::Bytes(Extent::Fixed(*size), Conversion::None),
            Kind::Enum(..) => Node::Int32,
            Kind::Array(items) => Node::Array(self.skipped(*items)),
            Kind::Map(values) => Node::Map(self.skipped(*values)),
            Kind::Union(branches) => Node::Union(
                branches
                    .iter()
                    .map(|branch| self.skipped(*branch))
                    .collect(),
            ),
            Kind::Record(_, fields) => {
                if let Some(node) = self.open_skipped.get(&writer) {
                    return *node;
                }
                let node = self.nodes.add(Node::Null);
                // It stays there: what was skipped once is skipped in the same way again.
                self.open_skipped.insert(writer, node);
                let fields = fields.iter().map(|field| self.skipped(field.of)).collect();
                self.nodes.0[node.0] = Node::Skipped(fields);
                return node;
            }
        };
        self.nodes.add(node)
    }

    /// Types that have nothing to do with one another: an error, once such a value comes.
    fn mismatch(&mut self, pair: Pair) -> NodeId {
        let error = DataError::data(format!(
            "What was written as {} cannot be read as {}",
            kind_name(&self.writer[pair.writer]),
            kind_name(&self.reader[pair.reader])
        ));
        let skipped = self.skipped(pair.writer);
        self.nodes.add(Node::Wrong(skipped, Box::new(error)))
    }
}

fn same_kind(writer: &Kind, reader: &Kind) -> bool {
    std::mem::discriminant(writer) == std::mem::discriminant(reader)
}

/// Whether Avro reads one primitive as another one.
fn widens(writer: &Kind, reader: &Kind) -> bool {
    matches!(
        (writer, reader),
        (Kind::Int, Kind::Long | Kind::Float | Kind::Double)
            | (Kind::Long, Kind::Float | Kind::Double)
            | (Kind::Float, Kind::Double)
            | (Kind::String, Kind::Bytes)
            | (Kind::Bytes, Kind::String)
    )
}
