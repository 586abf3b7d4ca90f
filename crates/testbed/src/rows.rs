//! Rows that passed a load's checks, in little memory.

/// One value of a row. Text and bytes lie in the arena of their [`Rows`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text { start: usize, len: usize },
    Blob { start: usize, len: usize },
}

/// Rows of one width; each is an upsert or, on a Primary Key table, a delete.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    width: usize,
    cells: Vec<Cell>,
    arena: Vec<u8>,
    deletes: Vec<bool>,
}

/// Where a row that is being built began, to take it back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowStart {
    cells: usize,
    arena: usize,
}

impl Rows {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            ..Self::default()
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.deletes.len()
    }

    pub(crate) fn start(&self) -> RowStart {
        RowStart {
            cells: self.cells.len(),
            arena: self.arena.len(),
        }
    }

    pub(crate) fn push(&mut self, cell: Cell) {
        self.cells.push(cell);
    }

    pub(crate) fn text(&mut self, text: &str) -> Cell {
        let start = self.arena.len();
        self.arena.extend_from_slice(text.as_bytes());
        Cell::Text {
            start,
            len: text.len(),
        }
    }

    pub(crate) fn blob(&mut self, bytes: &[u8]) -> Cell {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        Cell::Blob {
            start,
            len: bytes.len(),
        }
    }

    /// Ends the row whose cells were pushed.
    pub(crate) fn finish(&mut self, delete: bool) {
        self.deletes.push(delete);
        debug_assert_eq!(
            self.cells.len(),
            self.deletes.len() * self.width,
            "a row has one cell per column"
        );
    }

    /// The cells of the row that is being built.
    pub(crate) fn since(&self, start: RowStart) -> &[Cell] {
        &self.cells[start.cells..]
    }

    pub(crate) fn take_back(&mut self, start: RowStart) {
        self.cells.truncate(start.cells);
        self.arena.truncate(start.arena);
    }

    /// The rows as (delete, cells).
    pub(crate) fn iter(&self) -> impl Iterator<Item = (bool, &[Cell])> {
        self.deletes
            .iter()
            .copied()
            .zip(self.cells.chunks(self.width.max(1)))
    }

    pub(crate) fn bytes(&self, start: usize, len: usize) -> &[u8] {
        &self.arena[start..start + len]
    }
}
