//! Numbers for people, as a table, and for programs, as one line of JSON.

use std::fmt::Write as _;
use std::fs;
use std::thread;

/// Columns that are as wide as what stands in them: the first to the left, the others to the right.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    left: usize,
}

impl Table {
    /// A table with these titles, the first `left` of whose columns are words.
    pub(crate) fn new(left: usize, titles: &[&str]) -> Self {
        Self {
            rows: vec![titles.iter().map(|title| (*title).to_owned()).collect()],
            left,
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table, each line ending with a line feed.
    pub(crate) fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                // Writing to a String cannot fail.
                let _always_ok = if column < self.left {
                    write!(line, "{gap}{cell:<width$}")
                } else {
                    write!(line, "{gap}{cell:>width$}")
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The processor's name and how many of them there are.
pub(crate) fn machine() -> (String, usize) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    (model_name(&info).unwrap_or("unknown").to_owned(), cores)
}

fn model_name(info: &str) -> Option<&str> {
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(": ").map(|(_, name)| name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(1, &["what", "n", "×"]);
        table.row(vec![
            "a reader".to_owned(),
            "12345".to_owned(),
            "1.0".to_owned(),
        ]);
        table.row(vec!["b".to_owned(), "7".to_owned()]);
        let expect = "what          n    ×\na reader  12345  1.0\nb             7\n";
        assert_eq!(table.render(), expect);
    }

    #[test]
    fn a_processor_has_a_name() {
        fn check(info: &str, expect: Option<&str>) {
            assert_eq!(model_name(info), expect);
        }
        check("processor\t: 0\nmodel name\t: AMD EPYC\n", Some("AMD EPYC"));
        check("", None);
    }
}
