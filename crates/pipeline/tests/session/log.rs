//! What stands in a log and beside its offset.

/// The header of records that a chain drops.
pub(crate) const DROPPED: &str = "dropped";

/// What stands at one offset.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    /// A record with this value; `None` is a tombstone.
    Value(Option<Vec<u8>>),
    /// A record with a header: the table that a chain routes it to, or [`DROPPED`].
    Headed(String, Vec<u8>),
    /// A record that cannot be converted.
    Broken,
    /// A record whose row StarRocks refuses.
    Poison,
    /// Compacted away, or a transaction's marker.
    Gone,
}

impl Slot {
    /// The table that its row goes to, that of its topic having the topic's name; `None` where there is no row.
    pub(crate) fn table<'s>(&'s self, topic: &'s str) -> Option<&'s str> {
        match self {
            Self::Value(Some(_)) => Some(topic),
            Self::Headed(table, _) if table != DROPPED => Some(table),
            Self::Value(None) | Self::Headed(..) | Self::Broken | Self::Poison | Self::Gone => None,
        }
    }
}

/// What is stored for one partition.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) offset: i64,
    pub(crate) metadata: Vec<u8>,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.offset, self.text())
    }
}

impl Stored {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.metadata).into_owned()
    }
}

/// The value of a record that says where it stands.
pub(crate) fn row(topic: &str, partition: i32, offset: usize) -> Vec<u8> {
    format!(r#"{{"t":"{topic}","p":{partition},"o":{offset}}}"#).into_bytes()
}

/// The value of a record whose row has no place in its table: `p` may not be null.
pub(crate) fn poison(topic: &str, offset: usize) -> Vec<u8> {
    format!(r#"{{"t":"{topic}","p":null,"o":{offset}}}"#).into_bytes()
}
