//! Offsets stored, and dead letters written, in Kafka transactions, by a producer that exists for nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka_sys as sys;
use rdkafka_sys::RDKafkaRespErr;
use starrocks_kafka_pipeline::dead_letters::DeadLetter;
use starrocks_kafka_pipeline::kafka::{Decision, KafkaError, KafkaErrorKind, OffsetAndMetadata};
use starrocks_kafka_pipeline::step::{Probe, Step};

use super::callbacks::Context;
use super::dead_letters;
use super::failure::Failure;
use super::native::{GroupMetadata, Instance, check_error, millis};
use super::offsets::list_of;
use crate::oauth::Tokens;

/// How long one step of a transaction may take; the broker aborts it after `transaction.timeout.ms`.
const STEP_LIMIT: Duration = Duration::from_secs(10);
/// How long one call may wait for a new producer to be ready; the next call goes on waiting. It is ready once
/// the broker has ended what the one before it left open.
const INIT_LIMIT: Duration = Duration::from_secs(3);
/// The first version of TxnOffsetCommit that names generation and member (KIP-447, Kafka 2.5). Older brokers
/// take the offsets of a member that was expelled.
const FENCING_VERSION: i16 = 3;

/// The producer's side of the client.
pub(super) struct Transactions {
    name: String,
    properties: BTreeMap<String, String>,
    tokens: Option<Tokens>,
    producer: Option<Producer>,
    /// Made, and not ready yet. Nothing of ours was sent since.
    starting: Option<(Instance, Arc<Context>)>,
    probe: Option<Arc<dyn Probe>>,
}

struct Producer {
    instance: Instance,
    context: Arc<Context>,
    /// Something of an earlier transaction may still be on its way, or librdkafka is in no state to go on:
    /// replaced before the next transaction.
    spent: bool,
}

impl Transactions {
    pub(super) fn new(
        name: &str,
        properties: BTreeMap<String, String>,
        tokens: Option<Tokens>,
        probe: Option<Arc<dyn Probe>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            properties,
            tokens,
            producer: None,
            starting: None,
            probe,
        }
    }

    /// A new producer of the same transactional id; the broker ends what is open and fences what is late.
    pub(super) fn replace(&mut self) -> Result<(), KafkaError> {
        // Its queues go with it, so that it cannot send what it has not sent yet.
        self.producer = None;
        let (instance, context) = match self.starting.take() {
            Some(starting) => starting,
            None => {
                let context = Context::new(&self.name, self.tokens.clone());
                let kind = sys::rd_kafka_type_t::RD_KAFKA_PRODUCER;
                let instance = Instance::new(kind, &self.properties, Arc::clone(&context))?;
                (instance, context)
            }
        };
        // SAFETY: the client lives.
        let ready = check_error(unsafe {
            sys::rd_kafka_init_transactions(instance.as_ptr(), millis(INIT_LIMIT))
        });
        let Err(failure) = ready else {
            self.producer = Some(Producer {
                instance,
                context,
                spent: false,
            });
            return Ok(());
        };
        let error = self.explain_start(&failure, &instance, &context);
        if failure.code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT
            && instance.fatal().is_none()
        {
            self.starting = Some((instance, context));
        }
        Err(error)
    }

    fn explain_start(
        &self,
        failure: &Failure,
        instance: &Instance,
        context: &Context,
    ) -> KafkaError {
        let brokers = self
            .properties
            .get("bootstrap.servers")
            .map_or("", String::as_str);
        let doing = format!("the transactional producer is not ready, Kafka at {brokers}");
        let fatal = instance.fatal();
        let mut error = fatal
            .as_ref()
            .unwrap_or(failure)
            .explain_transactional(&doing);
        // What went wrong with connections is told only to who asks.
        context.serve(instance);
        let trouble = context.connection_trouble();
        if error.kind == KafkaErrorKind::Transient && !trouble.is_empty() {
            let trouble = Failure::new(RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT, trouble);
            error.message = trouble.explain(&doing).message;
        }
        error
    }

    /// Lets the producer tell its errors; librdkafka keeps what nobody asks for.
    pub(super) fn serve(&self) {
        if let Some(producer) = &self.producer {
            producer.context.serve(&producer.instance);
        }
    }

    /// Stores offsets and writes dead letters in one transaction in the name of `member`.
    pub(super) fn decide(
        &mut self,
        member: Option<&GroupMetadata>,
        offsets: &[OffsetAndMetadata],
        dead_letters: &[DeadLetter],
    ) -> Decision {
        let Some(member) = member else {
            return Decision::Refused(KafkaError {
                kind: KafkaErrorKind::Transient,
                message: "this task is no member of its consumer group at the moment".to_owned(),
            });
        };
        if offsets.is_empty() {
            return Decision::Committed;
        }
        if self.producer.as_ref().is_none_or(|producer| producer.spent)
            && let Err(error) = self.replace()
        {
            // Nothing of this decision was sent, and the one before it has been answered.
            return Decision::Refused(error);
        }
        let Some(producer) = &mut self.producer else {
            unreachable!("it was there or has just been made")
        };
        producer.spent = true;
        match producer.attempt(member, offsets, dead_letters, self.probe.as_deref()) {
            Attempt::Committed => {
                // A second copy of a request could be swept into the next transaction.
                producer.spent = producer.context.sent.any_twice();
                Decision::Committed
            }
            Attempt::Refused(error) => Decision::Refused(error),
            Attempt::NotAborted(error) => match self.replace() {
                Ok(()) => Decision::Refused(error),
                Err(_) => Decision::Unclear(error),
            },
            Attempt::Unclear(error) => Decision::Unclear(error),
        }
    }
}

enum Attempt {
    Committed,
    /// The broker has answered that it will not be.
    Refused(KafkaError),
    /// It was never asked to commit, but has not answered the abort either.
    NotAborted(KafkaError),
    /// It was asked to commit, and has not answered.
    Unclear(KafkaError),
}

impl Producer {
    fn attempt(
        &self,
        member: &GroupMetadata,
        offsets: &[OffsetAndMetadata],
        dead_letters: &[DeadLetter],
        probe: Option<&dyn Probe>,
    ) -> Attempt {
        let native = self.instance.as_ptr();
        let sent = &self.context.sent;
        sent.reset();
        // SAFETY: the client lives. This sends nothing.
        if let Err(failure) = check_error(unsafe { sys::rd_kafka_begin_transaction(native) }) {
            return Attempt::Refused(self.explain(&failure));
        }
        if !dead_letters.is_empty()
            && let Err(failure) = dead_letters::write(&self.instance, &self.context, dead_letters)
        {
            return self.abort(&failure, dead_letters::explain(&failure, dead_letters));
        }
        let list = list_of(offsets);
        // SAFETY: the client lives; the list and the metadata are copied.
        let stored = check_error(unsafe {
            sys::rd_kafka_send_offsets_to_transaction(
                native,
                list.as_ptr(),
                member.as_ptr(),
                millis(STEP_LIMIT),
            )
        });
        if let Err(failure) = stored {
            return self.abort(&failure, self.explain(&failure));
        }
        let version = sent.txn_offset_commit_version.load(Ordering::SeqCst);
        if version < FENCING_VERSION {
            let text = format!(
                "the group's coordinator knows TxnOffsetCommit only up to version {version}"
            );
            let code = RDKafkaRespErr::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
            let failure = Failure::new(code, text);
            return self.abort(&failure, self.explain(&failure));
        }
        if let Some(probe) = probe {
            probe.reached(Step::PlanSent);
        }
        // SAFETY: the client lives.
        match check_error(unsafe { sys::rd_kafka_commit_transaction(native, millis(STEP_LIMIT)) }) {
            Ok(()) => Attempt::Committed,
            // Failed before the broker was asked.
            Err(failure) if failure.requires_abort && sent.end_txn.load(Ordering::SeqCst) == 0 => {
                self.abort(&failure, self.explain(&failure))
            }
            Err(failure) => Attempt::Unclear(self.explain(&failure)),
        }
    }

    /// Ends a transaction whose commit was never asked for, because of `failure`, which `error` tells.
    fn abort(&self, failure: &Failure, error: KafkaError) -> Attempt {
        if failure.is_fenced() || self.instance.fatal().is_some_and(|fatal| fatal.is_fenced()) {
            // Who has fenced us has ended our transaction.
            return Attempt::Refused(error);
        }
        // SAFETY: the client lives.
        match check_error(unsafe {
            sys::rd_kafka_abort_transaction(self.instance.as_ptr(), millis(STEP_LIMIT))
        }) {
            Ok(()) => Attempt::Refused(error),
            Err(_) => Attempt::NotAborted(error),
        }
    }

    fn explain(&self, failure: &Failure) -> KafkaError {
        // The fatal error is the cause; what came after it only says that there was one.
        let fatal = self.instance.fatal();
        fatal
            .as_ref()
            .unwrap_or(failure)
            .explain_transactional("cannot store offsets in a Kafka transaction")
    }
}
