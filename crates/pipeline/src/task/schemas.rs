//! Partitions that wait for a Schema Registry to tell what their next record was written with.
//!
//! A registry mostly answers at once, and the thread waits for it. Where it does not, only the partitions
//! whose records need the answer stop being read; the others go on, and so do the task's rounds.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use tokio::task::AbortHandle;

use super::{Session, Turn, wait};
use crate::encode::{RecordError, SchemaQuestion};
use crate::kafka::{Kafka, RawRecord, TopicPartition};
use crate::schemas::Answer;

/// How long everything waits for one answer before only what needs it does.
const TOGETHER: Duration = Duration::from_secs(1);

/// What is asked, and who waits for it.
#[derive(Default)]
pub(super) struct Schemas {
    asked: BTreeMap<SchemaQuestion, Asked>,
    waiting: BTreeMap<TopicPartition, Waiting>,
}

struct Asked {
    answer: Receiver<Answer>,
    task: AbortHandle,
}

struct Waiting {
    /// The offset of the record that it waits at.
    offset: i64,
    question: SchemaQuestion,
}

impl Schemas {
    /// Whether this partition is not read for now.
    pub(super) fn holds(&self, partition: &TopicPartition) -> bool {
        self.waiting.contains_key(partition)
    }

    /// Whether this record stands behind one that waits.
    pub(super) fn holds_record(&self, record: &RawRecord<'_>) -> bool {
        self.waiting.keys().any(|partition| {
            partition.partition == record.partition && &*partition.topic == record.topic
        })
    }
}

impl Drop for Schemas {
    fn drop(&mut self) {
        for asked in self.asked.values() {
            asked.task.abort();
        }
    }
}

/// What became of a record that needs a schema.
pub(super) enum Told {
    /// It can be encoded now.
    Known,
    /// Its partition waits; the record comes again.
    NotYet,
    /// It can never be encoded.
    Denied(RecordError),
    /// The registry refuses us, whatever we ask for.
    Refused(String),
}

impl<K: Kafka> Session<'_, K> {
    /// Finds out what a record was written with, or lets its partition wait.
    pub(super) fn learn_schema(
        &mut self,
        record: &RawRecord<'_>,
        question: SchemaQuestion,
    ) -> Turn<Told> {
        if !self.schemas.asked.contains_key(&question) {
            self.enter("asking the Schema Registry");
            let registries = self.task.registries.clone();
            let asked = question.clone();
            let (answer, task) = self.start(async move { registries.answer(&asked).await });
            match self.wait_for_at_most(&answer, TOGETHER)? {
                Some(answer) => {
                    self.enter("reading");
                    return Ok(self.told(question, answer));
                }
                None => {
                    let asked = Asked { answer, task };
                    self.schemas.asked.insert(question.clone(), asked);
                }
            }
            self.enter("reading");
        }
        let partition = TopicPartition::new(record.topic, record.partition);
        tracing::debug!(
            "{partition} waits at offset {} for {}",
            record.offset,
            question.request
        );
        self.kafka.pause(std::slice::from_ref(&partition));
        self.ends.remove(&partition);
        let waiting = Waiting {
            offset: record.offset,
            question,
        };
        self.schemas.waiting.insert(partition, waiting);
        Ok(Told::NotYet)
    }

    fn told(&mut self, question: SchemaQuestion, answer: Answer) -> Told {
        match answer {
            Answer::Schema(schema) => {
                self.task.encoder.learn(question, schema);
                Told::Known
            }
            Answer::Denied(reason) => Told::Denied(question.denied(&reason)),
            Answer::Refused(reason) => Told::Refused(reason),
        }
    }

    /// Reads again what waited for answers that have come. One that is no schema comes to light when the record asks
    /// again.
    pub(super) fn collect_schemas(&mut self) -> Turn {
        if self.schemas.asked.is_empty() {
            return Ok(());
        }
        let mut answered = Vec::new();
        for (question, asked) in &self.schemas.asked {
            match asked.answer.try_recv() {
                Ok(answer) => answered.push((question.clone(), answer)),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Err(wait::panicked()),
            }
        }
        for (question, answer) in answered {
            self.schemas.asked.remove(&question);
            let places = self.let_go_of(&question);
            self.told(question, answer);
            self.kafka
                .start(&places)
                .map_err(|error| self.refused(error))?;
        }
        Ok(())
    }

    fn let_go_of(&mut self, question: &SchemaQuestion) -> Vec<(TopicPartition, i64)> {
        let waiting = self
            .schemas
            .waiting
            .extract_if(.., |_, waiting| waiting.question == *question);
        waiting
            .map(|(partition, waiting)| (partition, waiting.offset))
            .collect()
    }

    /// Nothing waits any more: reading starts elsewhere, or not at all.
    pub(super) fn forget_schemas(&mut self) {
        let forgotten = std::mem::take(&mut self.schemas);
        for (question, asked) in &forgotten.asked {
            asked.task.abort();
            self.task.registries.forget(question);
        }
    }
}
