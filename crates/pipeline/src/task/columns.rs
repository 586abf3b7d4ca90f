//! What a session asks of StarRocks' tables before it writes rows for them.

use std::sync::Arc;

use super::{Session, Turn};
use crate::encode::{NewColumn, TableId};
use crate::kafka::Kafka;

impl<K: Kafka> Session<'_, K> {
    /// Asks StarRocks for a table's columns: for rows in CSV whose order nothing else tells, and for fields that are written
    /// for their columns.
    pub(super) fn learn_columns(&mut self, table: TableId) -> Turn {
        let name = Arc::clone(self.task.encoder.table_name(table));
        let warehouse = self.task.warehouse.clone();
        self.enter("asking for the columns of a table");
        let with_details = self.task.encoder.asks_for_details();
        let description =
            self.wait(async move { warehouse.describe(&name, with_details).await })?;
        let description = description.map_err(|error| error.to_string());
        if let Err(reason) = &description
            && self.task.encoder.lacks_types(table)
            && self.without_columns.insert(table)
        {
            let name = self.task.encoder.table_name(table);
            self.task.warehouse.report(format!(
                "the columns of table {name} cannot be read: dates, times and the like are written as the numbers that StarRocks' \
                 Java connector sends, and fields without a column go unseen. Grant SELECT on the table ({reason})"
            ));
        }
        self.task.encoder.set_columns(table, description);
        self.enter("reading");
        Ok(())
    }

    /// Adds columns to a table for fields that it has none for, and waits until it has them.
    pub(super) fn add_columns(&mut self, table: TableId, columns: Box<[NewColumn]>) -> Turn {
        let name = Arc::clone(self.task.encoder.table_name(table));
        let shown: Vec<_> = columns
            .iter()
            .map(|column| format!("{} {}", column.name, column.column_type))
            .collect();
        let warehouse = self.task.warehouse.clone();
        self.enter("adding columns to a table");
        let added = {
            let name = Arc::clone(&name);
            self.wait(async move { warehouse.add_columns(&name, &columns).await })?
        };
        let shown = shown.join(", ");
        match added {
            Ok(description) => {
                let what = format!("table {name} has got columns: {shown}");
                tracing::info!("{what}");
                self.task.status.incident(self.now(), what);
                self.task.encoder.set_columns(table, Ok(description));
            }
            Err(error) => {
                self.task
                    .warehouse
                    .report(format!("table {name} cannot get columns {shown}: {error}"));
                self.task.encoder.deny_columns(table, error.to_string());
            }
        }
        self.enter("reading");
        Ok(())
    }

    /// Says what was seen in records.
    pub(super) fn tell_observations(&mut self) {
        for what in self.task.encoder.take_observations() {
            self.task.warehouse.report(what);
        }
    }
}
