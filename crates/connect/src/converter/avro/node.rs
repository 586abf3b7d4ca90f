//! What is to be done with the bytes of a schema, one node for each of its types.

use super::logical::Conversion;
use crate::data::{Schema, Value};
use crate::error::DataError;
use std::sync::Arc;

/// The place of a node in [`Nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) usize);

/// The nodes of a schema. One may lead to itself, where a record contains itself.
#[derive(Debug, Default)]
pub(super) struct Nodes(pub(super) Vec<Node>);

impl std::ops::Index<NodeId> for Nodes {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.0[id.0]
    }
}

impl Nodes {
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.0.push(node);
        NodeId(self.0.len() - 1)
    }
}

/// What is read of an `int` or a `long`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Int,
    Long,
}

/// How bytes stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Behind their length.
    Counted,
    /// As many as the schema says.
    Fixed(usize),
}

/// What a number is read as, where the reader's schema has a wider type than the writer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wider {
    Long,
    Float,
    Double,
}

/// What to do with the bytes that come next.
#[derive(Debug)]
pub(super) enum Node {
    /// No bytes.
    Null,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Date,
    Time,
    Timestamp,
    /// A number that becomes a wider one.
    Widened(Whole, Wider),
    /// A float that becomes a double.
    WidenedFloat,
    String,
    /// Bytes, or a text read as bytes.
    Bytes(Extent, Conversion),
    /// Bytes read as a text.
    Text,
    /// The symbols; `None` for one that the reader's schema does not have.
    Enum(Box<[Option<Box<str>>]>),
    /// The node of each item.
    Array(NodeId),
    /// Texts to values: the node of each value.
    Map(NodeId),
    /// An array of records of key and value, that is a map.
    Entries {
        /// The two fields, as [`Node::Skipped`] has them.
        entries: NodeId,
        key_is_first: bool,
    },
    /// A record whose fields stand in the order of its schema.
    Record {
        schema: Arc<Schema>,
        fields: Box<[NodeId]>,
    },
    /// A record that is read as another one.
    Resolved(Box<ResolvedRecord>),
    /// Fields that nobody needs.
    Skipped(Box<[NodeId]>),
    /// A union: the node of each branch.
    Union(Box<[NodeId]>),
    /// A value that is one member of a union's struct.
    Member {
        schema: Arc<Schema>,
        /// Which field.
        field: usize,
        value: NodeId,
    },
    /// Bytes whose length tells which member of a union they are; `None` fits all lengths.
    ByLength(Box<[(Option<usize>, NodeId)]>),
    /// Read, and then an error.
    Wrong(NodeId, Box<DataError>),
}

/// A record that is read as another one.
#[derive(Debug)]
pub(super) struct ResolvedRecord {
    pub(super) schema: Arc<Schema>,
    /// The writer's fields in their order: which of the reader's each is, or that it is none.
    pub(super) steps: Box<[(Option<usize>, NodeId)]>,
    /// The reader's other fields.
    pub(super) defaults: Box<[(usize, Value<'static>)]>,
}
