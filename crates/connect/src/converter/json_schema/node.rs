//! What is to be made of JSON, one node for each schema.

use crate::data::Schema;
use std::sync::Arc;

/// The place of a node in [`Nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) usize);

/// The nodes of a schema. One may lead to itself, where a schema contains itself.
#[derive(Debug, Default)]
pub(super) struct Nodes(pub(super) Vec<Node>);

impl std::ops::Index<NodeId> for Nodes {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.0[id.0]
    }
}

/// A schema, and what becomes of its values.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) schema: Arc<Schema>,
    pub(super) becomes: Becomes,
}

/// What a value becomes.
#[derive(Clone, Debug)]
pub(super) enum Becomes {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Boolean,
    String,
    Bytes,
    Decimal,
    Date,
    Time,
    Timestamp,
    /// A struct of two fields that holds anything.
    Variant,
    Array(NodeId),
    /// Names to values.
    Map(NodeId),
    /// An array of objects with a key and a value.
    Entries(NodeId, NodeId),
    Struct(Fields),
    /// A struct of a union's members.
    Union(Vec<NodeId>),
}

/// The nodes of a struct's fields, in the order of its schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(pub(super) Vec<NodeId>);
