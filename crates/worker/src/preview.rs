//! What a connector makes of records, without Kafka and without StarRocks: to try a configuration before it runs, and
//! to be held against what Java's classes make of the same records.
//!
//! Records and outcomes have the form of the recorded cases in `tests/vectors`, one JSON object a line.

mod envelope;
mod outcome;
mod record;
mod schemas;

use std::fs::File;
use std::io::{BufRead, BufReader, LineWriter, Write};
use std::path::{Path, PathBuf};

use starrocks_kafka_connect::config::Given;
use starrocks_kafka_connect::data::Record;
use starrocks_kafka_pipeline::encode::{
    Encoded, Encoder, Obstacle, RecordError, Rows, SchemaQuestion, TableId,
};
use starrocks_kafka_pipeline::kafka::RawRecord;

use crate::config::{self, ConnectorPlan, Notice, StartError};
use record::PreviewRecord;

pub use outcome::{ConfigFault, Fault, Outcome, Output};
pub use record::LineError;
pub use schemas::Schemas;

/// Makes outcomes of records.
#[derive(Debug)]
pub struct Preview {
    encoder: Encoder,
    schemas: Schemas,
    output: Output,
    /// What the configuration is warned about.
    pub notices: Vec<Notice>,
}

impl Preview {
    /// A connector as its file, and its worker's, describe it.
    ///
    /// # Errors
    /// Everything that is wrong with the files.
    pub fn load(
        connector: &Path,
        worker: Option<&Path>,
        output: Output,
    ) -> Result<Self, ConfigFault> {
        let plan = config::load_connector(connector, worker).map_err(|error| fault(&error))?;
        Ok(Self::new(plan, output))
    }

    /// A connector as its properties alone describe it, beside a worker that says nothing.
    ///
    /// # Errors
    /// Everything that is wrong with the properties.
    pub fn of_properties(given: &Given, output: Output) -> Result<Self, ConfigFault> {
        let plan = config::connector_alone(given).map_err(|problems| {
            let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
            ConfigFault::new(problems.iter(), texts.join("\n"))
        })?;
        Ok(Self::new(plan, output))
    }

    fn new(plan: ConnectorPlan, output: Output) -> Self {
        let encoder = Encoder::new(&plan.encoder);
        Self {
            encoder: encoder.expect("the converters of a plan were made once already"),
            schemas: Schemas::default(),
            output,
            notices: plan.notices,
        }
    }

    /// The same, with what a Schema Registry would hold.
    #[must_use]
    pub fn with_schemas(mut self, schemas: Schemas) -> Self {
        self.schemas = schemas;
        self
    }

    /// What becomes of the record that a line holds.
    ///
    /// # Errors
    /// The line holds no record.
    pub fn outcome(&mut self, line: &str) -> Result<Outcome, LineError> {
        let record = PreviewRecord::parse(line)?;
        let raw = record.raw();
        let converted = match self.convert(&raw) {
            Ok(Some(converted)) => converted,
            Ok(None) => return Ok(Outcome::Dropped { dropped: true }),
            Err(error) => return Ok(Outcome::failed(&error, None)),
        };
        let shown = (self.output == Output::Records).then(|| envelope::write(&converted));
        let topic = converted.topic.into_owned();
        // The row is made as a task makes it, by the fast way where there is one.
        let mut rows = OneRow::default();
        // Each is shown by itself, whatever the columns of the one before it.
        self.encoder.begin_round();
        let encoded = match self.encoder.encode(&raw, &mut rows) {
            Ok(Encoded::NeedsColumns(table)) => {
                let reason = "a preview does not ask StarRocks".to_owned();
                self.encoder.set_columns(table, Err(reason));
                self.encoder.encode(&raw, &mut rows)
            }
            encoded => encoded,
        };
        let table = match encoded {
            Ok(Encoded::Row(table)) => Some(table),
            Ok(Encoded::Blank(table)) => {
                // Java's connector sends it.
                rows.0 = Some(Vec::new());
                Some(table)
            }
            // Whether it is dropped, and its schemas, were asked for when it was converted.
            Ok(
                Encoded::Skipped
                | Encoded::Dropped
                | Encoded::NeedsColumns(_)
                | Encoded::NeedsRound(_)
                | Encoded::NeedsNewColumns(..)
                | Encoded::NeedsSchema(_),
            ) => Some(self.encoder.table_of(&topic)),
            Err(error) => return Ok(Outcome::failed(&error, shown)),
        };
        let table = table.map(|table| self.encoder.table_name(table).to_string());
        Ok(Outcome::row(table.unwrap_or_default(), rows.text(), shown))
    }

    fn convert<'k>(&mut self, raw: &RawRecord<'k>) -> Result<Option<Record<'k>>, RecordError> {
        loop {
            match self.encoder.convert(raw) {
                Ok(converted) => return Ok(converted),
                Err(Obstacle::Record(error)) => return Err(error),
                Err(Obstacle::NeedsSchema(question)) => self.learn(question)?,
            }
        }
    }

    fn learn(&mut self, question: SchemaQuestion) -> Result<(), RecordError> {
        let schema = self.schemas.answer(&question.request);
        let schema = schema.map_err(|reason| question.denied(&reason))?;
        self.encoder.learn(question, schema);
        Ok(())
    }
}

fn fault(error: &StartError) -> ConfigFault {
    let files = error.worker.iter().chain(&error.connectors);
    let problems = files.flat_map(|file| &file.problems);
    ConfigFault::new(problems.map(|located| &located.problem), error.to_string())
}

/// The row of one record, or the rows.
#[derive(Default)]
struct OneRow(Option<Vec<u8>>);

impl OneRow {
    fn text(self) -> Option<String> {
        self.0.map(|row| String::from_utf8_lossy(&row).into_owned())
    }
}

impl Rows for OneRow {
    fn append<E>(
        &mut self,
        _: TableId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut row = Vec::new();
        write(&mut row)?;
        match &mut self.0 {
            // A change of a key is two rows, a line each.
            Some(rows) => {
                rows.push(b'\n');
                rows.extend_from_slice(&row);
            }
            rows => *rows = Some(row),
        }
        Ok(())
    }
}

/// Where a preview's parts come from.
#[derive(Clone, Debug)]
pub struct Files {
    /// The connector's properties, or JSON.
    pub connector: PathBuf,
    /// The worker's properties.
    pub worker: Option<PathBuf>,
    /// What a schema registry would hold.
    pub schemas: Option<PathBuf>,
    /// The records, one a line; `-` is standard input.
    pub records: PathBuf,
}

/// Why a preview ended before all records were looked at.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The configuration is refused.
    #[error("the configuration is refused")]
    Refused(ConfigFault),
    /// A file that cannot be read, or does not hold what it should.
    #[error("{file}: {reason}")]
    File {
        /// The file, with the line where there is one.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The outcomes cannot be written.
    #[error("the outcomes cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

impl PreviewError {
    fn about(file: impl std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        Self::File {
            file: file.to_string(),
            reason: reason.to_string(),
        }
    }
}

/// Writes the outcome of every record of a file, one a line; records that fail do not end it.
///
/// # Errors
/// See [`PreviewError`]. A refused configuration was written as the only outcome.
pub fn run(files: &Files, output: Output, to: impl Write) -> Result<(), PreviewError> {
    let mut to = LineWriter::new(to);
    let schemas = match &files.schemas {
        Some(path) => {
            let shown = path.display();
            let text = std::fs::read(path).map_err(|error| PreviewError::about(&shown, error))?;
            Schemas::parse(&text).map_err(|error| PreviewError::about(&shown, error))?
        }
        None => Schemas::default(),
    };
    let mut preview = match Preview::load(&files.connector, files.worker.as_deref(), output) {
        Ok(preview) => preview.with_schemas(schemas),
        Err(fault) => {
            writeln!(to, "{fault}")?;
            return Err(PreviewError::Refused(fault));
        }
    };
    for notice in &preview.notices {
        notice.tell(None);
    }
    let shown = files.records.display();
    let records: Box<dyn BufRead> = if files.records == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file =
            File::open(&files.records).map_err(|error| PreviewError::about(&shown, error))?;
        Box::new(BufReader::new(file))
    };
    for (line, number) in records.lines().zip(1..) {
        let at = || format!("{shown}:{number}");
        let line = line.map_err(|error| PreviewError::about(at(), error))?;
        if line.trim().is_empty() {
            continue;
        }
        let outcome = preview
            .outcome(&line)
            .map_err(|error| PreviewError::about(at(), error))?;
        writeln!(to, "{outcome}")?;
    }
    Ok(())
}
