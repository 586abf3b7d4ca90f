//! The open batch of each table: rows in the form in which StarRocks takes them, cut into chunks.
//!
//! A chunk is one load request. Chunks leave as they fill, so that memory does not grow with
//! `bufferflush.maxbytes`.

use std::sync::Arc;

use bytes::Bytes;
use starrocks_kafka_starrocks::{LoadFormat, LoadHeaders};

use crate::encode::{Rows, TableId};
use crate::warehouse::Interface;

/// How much is collected before a chunk is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one table after which its chunk is handed over.
    pub chunk_bytes: usize,
    /// Bytes of all tables together after which the largest chunk is handed over.
    pub filling_bytes: usize,
}

impl Limits {
    /// A chunk of a transaction is one request among many, and small for the sake of memory. By plain Stream Load each chunk
    /// is a commit of its own, and a tablet's versions are few; StarRocks holds a JSON body of it in memory.
    #[must_use]
    pub const fn of(interface: Interface) -> Self {
        match interface {
            Interface::Transactions => Self {
                chunk_bytes: 4 << 20,
                filling_bytes: 8 << 20,
            },
            Interface::StreamLoad => Self {
                chunk_bytes: 32 << 20,
                filling_bytes: 48 << 20,
            },
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(Interface::default())
    }
}

/// Room that a chunk begins with; it grows by doubling from there.
const CHUNK_BYTES_FIRST: usize = 64 << 10;

/// Rows of one table, framed and frozen: the body of one load request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The request's body.
    pub body: Bytes,
    /// How many rows are in it.
    pub rows: u64,
}

/// What stands around the rows of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// The body is one JSON array.
    #[default]
    JsonArray,
    /// Each row is followed by these bytes, the last one of a body, too: StarRocks reads the loads of a transaction as
    /// one text.
    Ended(Arc<[u8]>),
}

impl Framing {
    /// The framing that StarRocks expects behind these headers.
    #[must_use]
    pub fn of(headers: &LoadHeaders) -> Self {
        match headers.format() {
            LoadFormat::Json if headers.is_array() => Self::JsonArray,
            LoadFormat::Json => Self::Ended(Arc::new([b'\n'])),
            LoadFormat::Csv => Self::Ended(headers.row_delimiter().into()),
        }
    }

    fn before_row(&self, bytes: &mut Vec<u8>, is_first: bool) {
        if *self == Self::JsonArray {
            bytes.push(if is_first { b'[' } else { b',' });
        }
    }

    fn after_row(&self, bytes: &mut Vec<u8>) {
        if let Self::Ended(delimiter) = self {
            bytes.extend_from_slice(delimiter);
        }
    }

    fn at_end(&self, bytes: &mut Vec<u8>) {
        if *self == Self::JsonArray {
            bytes.push(b']');
        }
    }
}

#[derive(Debug, Default)]
struct Open {
    bytes: Vec<u8>,
    rows: u64,
    framing: Framing,
}

/// The open chunk of each table.
#[derive(Debug, Default)]
pub struct Batches {
    tables: Vec<Open>,
    filling_bytes: usize,
    /// Row bytes taken since the last [`clear`](Self::clear): what `bufferflush.maxbytes` counts.
    taken_bytes: u64,
    full: Option<TableId>,
    limits: Limits,
}

impl Batches {
    /// Nothing is open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how much is collected; as for transactions where it is not set.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Sets what stands around the rows of `table`; a JSON array where it is not set. Holds until it is set anew.
    ///
    /// # Panics
    /// Where the table's chunk is open with another framing.
    pub fn frame(&mut self, table: TableId, framing: Framing) {
        let open = self.open(table);
        assert!(
            open.rows == 0 || open.framing == framing,
            "a body has one framing"
        );
        open.framing = framing;
    }

    /// The table whose chunk must be handed over before the next row.
    #[must_use]
    pub fn full(&self) -> Option<TableId> {
        self.full
    }

    /// Bytes of all rows since the last [`clear`](Self::clear), handed over or not.
    #[must_use]
    pub fn taken_bytes(&self) -> u64 {
        self.taken_bytes
    }

    /// Closes the chunk of `table`; `None` where it has no rows.
    pub fn take(&mut self, table: TableId) -> Option<Chunk> {
        let open = self
            .tables
            .get_mut(table.0 as usize)
            .filter(|open| open.rows > 0)?;
        let mut bytes = std::mem::take(&mut open.bytes);
        let rows = std::mem::take(&mut open.rows);
        self.filling_bytes -= bytes.len();
        open.framing.at_end(&mut bytes);
        self.full = None;
        Some(Chunk {
            body: Bytes::from(bytes),
            rows,
        })
    }

    /// Closes the chunk of every table that has rows.
    pub fn take_all(&mut self) -> Vec<(TableId, Chunk)> {
        let ids = (0..)
            .map(TableId)
            .take(self.tables.len())
            .collect::<Vec<_>>();
        ids.into_iter()
            .filter_map(|table| Some((table, self.take(table)?)))
            .collect()
    }

    /// Forgets every row and begins to count anew.
    pub fn clear(&mut self) {
        for open in &mut self.tables {
            (open.bytes, open.rows) = (Vec::new(), 0);
        }
        (self.filling_bytes, self.taken_bytes, self.full) = (0, 0, None);
    }

    fn open(&mut self, table: TableId) -> &mut Open {
        let index = table.0 as usize;
        if self.tables.len() <= index {
            self.tables.resize_with(index + 1, Open::default);
        }
        &mut self.tables[index]
    }

    fn largest(&self) -> Option<TableId> {
        let largest = self
            .tables
            .iter()
            .zip(0..)
            .max_by_key(|(open, _)| open.bytes.len());
        largest.map(|(_, index)| TableId(index))
    }
}

impl Rows for Batches {
    fn append<E>(
        &mut self,
        table: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let open = self.open(table);
        let before = open.bytes.len();
        if open.bytes.capacity() == 0 {
            open.bytes.reserve(CHUNK_BYTES_FIRST);
        }
        open.framing.before_row(&mut open.bytes, open.rows == 0);
        if let Err(error) = write(&mut open.bytes) {
            open.bytes.truncate(before);
            return Err(error);
        }
        open.framing.after_row(&mut open.bytes);
        open.rows += 1;
        let (grown, now) = (open.bytes.len() - before, open.bytes.len());
        self.filling_bytes += grown;
        self.taken_bytes += grown as u64;
        if now >= self.limits.chunk_bytes {
            self.full = Some(table);
        } else if self.filling_bytes >= self.limits.filling_bytes {
            self.full = self.largest();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(batches: &mut Batches, table: u32, text: &str) {
        let write = |bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(text.as_bytes());
            Ok::<(), ()>(())
        };
        batches
            .append(TableId(table), write)
            .expect("writing does not fail");
    }

    #[test]
    fn rows_of_a_chunk_are_one_json_array() {
        let mut batches = Batches::new();
        row(&mut batches, 2, r#"{"a":1}"#);
        row(&mut batches, 0, "1");
        row(&mut batches, 2, r#"{"a":2}"#);
        let failed = batches.append(TableId(2), |bytes| {
            bytes.extend_from_slice(b"half");
            Err("refused")
        });
        assert_eq!(failed, Err("refused"));
        let chunks = batches.take_all();
        let texts: Vec<_> = chunks
            .iter()
            .map(|(id, c)| (id.0, &c.body[..], c.rows))
            .collect();
        assert_eq!(
            texts,
            [(0, &b"[1]"[..], 1), (2, &br#"[{"a":1},{"a":2}]"#[..], 2)]
        );
        assert_eq!(batches.take(TableId(2)), None);
    }

    #[test]
    fn rows_of_csv_each_have_their_end() {
        let properties = [("format", "csv"), ("row_delimiter", "\\x0d0a")];
        let headers = LoadHeaders::from_properties(properties).expect("valid properties");
        let mut batches = Batches::new();
        batches.frame(TableId(1), Framing::of(&headers));
        let body = |batches: &mut Batches, table| batches.take(TableId(table)).map(|c| c.body);
        for _ in 0..2 {
            row(&mut batches, 0, "{}");
            row(&mut batches, 1, "1,a");
            let failed = batches.append(TableId(1), |bytes| {
                bytes.extend_from_slice(b"half");
                Err("refused")
            });
            assert_eq!(failed, Err("refused"));
            row(&mut batches, 1, "");
            row(&mut batches, 1, "2,b");
            assert_eq!(batches.taken_bytes(), 15);
            assert_eq!(body(&mut batches, 0), Some(Bytes::from_static(b"[{}]")));
            let expect = Bytes::from_static(b"1,a\r\n\r\n2,b\r\n");
            assert_eq!(body(&mut batches, 1), Some(expect));
            assert_eq!(body(&mut batches, 1), None);
            // What frames a table's rows is not forgotten with them.
            batches.clear();
        }
    }

    #[test]
    fn rows_with_an_envelope_are_no_array() {
        let properties = [("envelope", "debezium")];
        let headers = LoadHeaders::from_properties(properties).expect("a valid property");
        let mut batches = Batches::new();
        batches.frame(TableId(0), Framing::of(&headers));
        row(&mut batches, 0, r#"{"op":"c"}"#);
        row(&mut batches, 0, r#"{"op":"d"}"#);
        let body = batches.take(TableId(0)).map(|chunk| chunk.body);
        let expect = Bytes::from_static(b"{\"op\":\"c\"}\n{\"op\":\"d\"}\n");
        assert_eq!(body, Some(expect));
    }

    #[test]
    fn a_failed_first_row_leaves_nothing() {
        let mut batches = Batches::new();
        assert_eq!(batches.append(TableId(0), |_| Err(1)), Err(1));
        assert_eq!(batches.take_all(), []);
        row(&mut batches, 0, "7");
        assert_eq!(
            batches.take(TableId(0)).map(|c| c.body),
            Some(Bytes::from_static(b"[7]"))
        );
    }

    #[test]
    fn a_chunk_is_full_by_itself_or_because_all_are() {
        let mut batches = Batches::new();
        let limits = Limits {
            chunk_bytes: 4000,
            filling_bytes: 8000,
        };
        batches.limit(limits);
        row(&mut batches, 0, &"x".repeat(limits.chunk_bytes));
        assert_eq!(batches.full(), Some(TableId(0)));
        batches.clear();
        let part = "x".repeat(limits.filling_bytes / 4);
        for table in 0..3 {
            row(&mut batches, table, &part);
            assert_eq!(batches.full(), None);
        }
        row(&mut batches, 1, &"y".repeat(limits.filling_bytes / 5));
        row(&mut batches, 3, &part);
        assert_eq!(batches.full(), Some(TableId(1)));
        batches.take(TableId(1));
        assert_eq!(batches.full(), None);
        assert!(batches.taken_bytes() > limits.filling_bytes as u64);
    }
}
