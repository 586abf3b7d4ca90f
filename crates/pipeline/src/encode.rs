//! From a raw record to a row: what stands between Kafka's bytes and a table's batch.

/// A table that rows go to, as an index into the connector's list of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

/// Where rows are written: the open batch of each table.
pub trait Rows {
    /// Appends one row to `table`'s batch. `write` appends the row's bytes and nothing else: framing
    /// (brackets, commas, delimiters) is the batch's own. Where `write` fails, nothing remains of it.
    ///
    /// # Errors
    /// What `write` returned.
    fn append<E>(
        &mut self,
        table: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E>;
}
