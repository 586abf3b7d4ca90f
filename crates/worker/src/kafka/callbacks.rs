//! What librdkafka calls back: rebalances, errors, log lines, requests sent. The callbacks only note it.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI16, AtomicPtr, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka_sys as sys;
use rdkafka_sys::RDKafkaRespErr;

use super::failure::Failure;
use super::handshake;
use super::native::{Instance, PartitionList, text};
use super::trouble::{Trouble, hung_up};
use crate::oauth::Tokens;

/// The name of our interceptors.
const INTERCEPTOR: &CStr = c"starrocks-kafka";

const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const SASL_AUTHENTICATE: i16 = 36;
const ADD_OFFSETS_TO_TXN: i16 = 25;
const END_TXN: i16 = 26;
const TXN_OFFSET_COMMIT: i16 = 28;

/// What a callback has noted for the client's thread.
pub(super) enum Signal {
    /// The group gives us partitions.
    Assign(PartitionList),
    /// The group wants partitions back, or has taken them already (`lost`).
    Revoke {
        partitions: PartitionList,
        lost: bool,
    },
    /// Something worth showing.
    Error(Failure),
}

/// How often the requests of a Kafka transaction were sent.
#[derive(Default)]
pub(super) struct RequestsSent {
    pub(super) add_offsets_to_txn: AtomicU32,
    pub(super) txn_offset_commit: AtomicU32,
    pub(super) end_txn: AtomicU32,
    /// The version of the last TxnOffsetCommit.
    pub(super) txn_offset_commit_version: AtomicI16,
}

impl RequestsSent {
    pub(super) fn reset(&self) {
        self.add_offsets_to_txn.store(0, Ordering::SeqCst);
        self.txn_offset_commit.store(0, Ordering::SeqCst);
        self.end_txn.store(0, Ordering::SeqCst);
    }

    /// Whether a copy of one of them may still be on its way.
    pub(super) fn any_twice(&self) -> bool {
        [
            &self.add_offsets_to_txn,
            &self.txn_offset_commit,
            &self.end_txn,
        ]
        .iter()
        .any(|count| count.load(Ordering::SeqCst) > 1)
    }

    fn note(&self, api_key: i16, api_version: i16) {
        let count = match api_key {
            ADD_OFFSETS_TO_TXN => &self.add_offsets_to_txn,
            END_TXN => &self.end_txn,
            TXN_OFFSET_COMMIT => {
                self.txn_offset_commit_version
                    .store(api_version, Ordering::SeqCst);
                &self.txn_offset_commit
            }
            _ => return,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// What the callbacks of one client share with it.
pub(super) struct Context {
    name: String,
    signals: Mutex<Vec<Signal>>,
    /// The last thing that went wrong with a connection: "all brokers are down" does not say why.
    connection: Mutex<String>,
    /// What was wrong with the last certificate that was refused, or not even sent.
    certificate: Mutex<Option<String>>,
    /// The first message that the producer could not deliver.
    undelivered: Mutex<Option<Failure>>,
    /// A broker has answered more than how to speak to it.
    answered: AtomicBool,
    /// Where tokens come from, where they are shown.
    pub(super) tokens: Option<Tokens>,
    /// The consumer's queue, to wake who waits on it. Set while the consumer lives.
    queue: AtomicPtr<sys::rd_kafka_queue_t>,
    closing: AtomicBool,
    pub(super) sent: RequestsSent,
}

impl Context {
    pub(super) fn new(name: &str, tokens: Option<Tokens>) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            signals: Mutex::default(),
            connection: Mutex::default(),
            certificate: Mutex::default(),
            undelivered: Mutex::default(),
            answered: AtomicBool::new(false),
            tokens,
            queue: AtomicPtr::new(ptr::null_mut()),
            closing: AtomicBool::new(false),
            sent: RequestsSent::default(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn take_signals(&self) -> Vec<Signal> {
        std::mem::take(&mut *self.signals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has a producer's callbacks called. What they note is its connections' trouble, which the consumer
    /// beside it has too and tells.
    pub(super) fn serve(&self, producer: &Instance) {
        // SAFETY: the client lives.
        unsafe { sys::rd_kafka_poll(producer.as_ptr(), 0) };
        self.take_signals();
    }

    pub(super) fn has_signals(&self) -> bool {
        !self
            .signals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// The last trouble with a connection, in words.
    pub(super) fn connection_trouble(&self) -> String {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note_connection(&self, mut trouble: String) {
        // A broker that has answered once is one that stops, not one that wants something else.
        if !self.answered.load(Ordering::SeqCst)
            && let Some(wants) = hung_up(&trouble)
        {
            wants.clone_into(&mut trouble);
        }
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *connection = trouble;
    }

    /// Keeps a line of librdkafka's log that says why connections fail.
    fn note_line(&self, facility: &str, line: &str) {
        match facility {
            "FAIL" => self.note_connection(line.to_owned()),
            "SSL" => self.note_certificate(Some(line.to_owned())),
            _ => {}
        }
    }

    /// Keeps what was wrong with a certificate for the error that is about to be told; `None`: the broker's is good.
    pub(super) fn note_certificate(&self, fault: Option<String>) {
        let mut certificate = self
            .certificate
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *certificate = fault;
    }

    /// What librdkafka says, with the fault of a certificate in the place of its guess.
    fn with_certificate(&self, reason: String) -> String {
        if !reason.contains("certificate") {
            return reason;
        }
        let certificate = self
            .certificate
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        certificate.clone().unwrap_or(reason)
    }

    /// Why the first message since the last call was not delivered, where one was not.
    pub(super) fn take_undelivered(&self) -> Option<Failure> {
        let mut undelivered = self
            .undelivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        undelivered.take()
    }

    /// Names the queue to wake, or none.
    pub(super) fn set_queue(&self, queue: *mut sys::rd_kafka_queue_t) {
        self.queue.store(queue, Ordering::SeqCst);
    }

    /// From now on a rebalance is carried out in its callback: nobody waits for it any more.
    pub(super) fn set_closing(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    fn note(&self, signal: Signal) {
        self.signals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(signal);
        let queue = self.queue.load(Ordering::SeqCst);
        if !queue.is_null() {
            // `rd_kafka_consume_batch_queue` would wait on until its time is over.
            // SAFETY: the queue lives as long as it stands here.
            unsafe { sys::rd_kafka_queue_yield(queue) };
        }
    }

    /// Sets the callbacks.
    ///
    /// # Safety
    /// `conf` is a valid configuration; this context outlives the client that is made with it.
    pub(super) unsafe fn install(
        &self,
        conf: *mut sys::rd_kafka_conf_t,
        kind: sys::rd_kafka_type_t,
    ) {
        let opaque = ptr::from_ref(self).cast_mut().cast::<c_void>();
        // SAFETY: the caller vouches for `conf` and for the life of the context.
        unsafe {
            sys::rd_kafka_conf_set_opaque(conf, opaque);
            sys::rd_kafka_conf_set_log_cb(conf, Some(on_log));
            sys::rd_kafka_conf_set_error_cb(conf, Some(on_error));
            sys::rd_kafka_conf_set_ssl_cert_verify_cb(conf, Some(handshake::on_certificate));
            if self.tokens.is_some() {
                sys::rd_kafka_conf_set_oauthbearer_token_refresh_cb(
                    conf,
                    Some(handshake::on_token_wanted),
                );
                sys::rd_kafka_conf_enable_sasl_queue(conf, 1);
            }
            if kind == sys::rd_kafka_type_t::RD_KAFKA_CONSUMER {
                sys::rd_kafka_conf_set_rebalance_cb(conf, Some(on_rebalance));
            } else {
                sys::rd_kafka_conf_set_dr_msg_cb(conf, Some(on_delivery));
            }
            sys::rd_kafka_conf_interceptor_add_on_new(
                conf,
                INTERCEPTOR.as_ptr(),
                Some(on_new),
                opaque,
            );
        }
    }
}

/// The context of a client.
///
/// # Safety
/// `opaque` is null or what [`Context::install`] has set, and the client lives.
pub(super) unsafe fn context<'c>(opaque: *const c_void) -> Option<&'c Context> {
    // SAFETY: the caller vouches for it.
    unsafe { opaque.cast::<Context>().as_ref() }
}

unsafe extern "C" fn on_delivery(
    _rk: *mut sys::rd_kafka_t,
    message: *const sys::rd_kafka_message_t,
    opaque: *mut c_void,
) {
    // SAFETY: librdkafka passes a living message and its opaque pointer.
    let (context, code) = unsafe { (context(opaque), (*message).err) };
    let Some(context) = context else {
        return;
    };
    if code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        let mut undelivered = context
            .undelivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the text of a code is static.
        undelivered.get_or_insert_with(|| {
            Failure::new(code, text(unsafe { sys::rd_kafka_err2str(code) }))
        });
    }
}

unsafe extern "C" fn on_rebalance(
    rk: *mut sys::rd_kafka_t,
    code: RDKafkaRespErr,
    partitions: *mut sys::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // SAFETY: librdkafka passes a living client, its opaque pointer and a valid list.
    unsafe {
        let Some(context) = context(opaque) else {
            return;
        };
        if context.closing.load(Ordering::SeqCst) {
            // The group is being left: librdkafka takes every assignment for the empty one and ignores the
            // rebalance protocol (`rd_kafka_cgrp_handle_assign_op`).
            sys::rd_kafka_assign(rk, ptr::null());
            return;
        }
        let list = PartitionList::copied(partitions);
        match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                context.note(Signal::Assign(list))
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                let lost = sys::rd_kafka_assignment_lost(rk) != 0;
                context.note(Signal::Revoke {
                    partitions: list,
                    lost,
                });
            }
            code => {
                sys::rd_kafka_assign(rk, ptr::null());
                context.note(Signal::Error(Failure::new(
                    code,
                    text(sys::rd_kafka_err2str(code)),
                )));
            }
        }
    }
}

unsafe extern "C" fn on_error(
    rk: *mut sys::rd_kafka_t,
    code: c_int,
    reason: *const c_char,
    opaque: *mut c_void,
) {
    use RDKafkaRespErr::*;
    // SAFETY: librdkafka passes its opaque pointer and a text.
    let Some(context) = (unsafe { context(opaque) }) else {
        return;
    };
    let reason = context.with_certificate(text(reason));
    // The codes that are told apart here; the callback's type is a plain number.
    let code = [
        RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
        RD_KAFKA_RESP_ERR__AUTHENTICATION,
        RD_KAFKA_RESP_ERR__SSL,
        RD_KAFKA_RESP_ERR__FATAL,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
    ]
    .into_iter()
    .find(|known| *known as c_int == code);
    let Some(code) = code else {
        // One connection, one request: librdkafka tries again, and the log has a line of it.
        context.note_connection(reason);
        return;
    };
    if matches!(
        code,
        RD_KAFKA_RESP_ERR__AUTHENTICATION | RD_KAFKA_RESP_ERR__SSL
    ) {
        context.note_connection(reason.clone());
    }
    let reason = match code {
        RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN => {
            let trouble = context.connection_trouble();
            if trouble.is_empty() {
                reason
            } else {
                format!("{reason} ({trouble})")
            }
        }
        RD_KAFKA_RESP_ERR__FATAL => {
            let mut fatal: [c_char; 512] = [0; 512];
            // SAFETY: the client lives and the buffer has the length named.
            unsafe { sys::rd_kafka_fatal_error(rk, fatal.as_mut_ptr(), fatal.len()) };
            text(fatal.as_ptr())
        }
        _ => reason,
    };
    context.note(Signal::Error(Failure::new(code, reason)));
}

unsafe extern "C" fn on_log(
    rk: *const sys::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    line: *const c_char,
) {
    // SAFETY: librdkafka passes null or a living client; its opaque pointer is the context.
    let context = unsafe {
        if rk.is_null() {
            None
        } else {
            context(sys::rd_kafka_opaque(rk))
        }
    };
    let client = context.map_or("", Context::name);
    let (facility, line) = (text(facility), text(line));
    if let Some(context) = context
        && (Trouble::of(&line).is_some() || hung_up(&line).is_some())
    {
        // A connection that the broker has closed is no error to librdkafka: only this line says why it may be.
        context.note_line(&facility, &line);
    }
    // Syslog's levels. librdkafka calls a lost connection an error; it is one of ours only when all are lost,
    // and then comes through the error callback. While a broker is away it says each request and connection
    // that fails, several a second: the task says once what it waits for. Where it goes back to the log's start, the
    // task says what is lost.
    match level {
        3..=6
            if matches!(
                &*facility,
                "FAIL" | "REQTMOUT" | "OFFSET" | "SSLCERTVRFY" | "SSL"
            ) =>
        {
            tracing::debug!(target: "librdkafka", client, facility, "{line}");
        }
        0..=2 => tracing::error!(target: "librdkafka", client, facility, "{line}"),
        3..=4 => tracing::warn!(target: "librdkafka", client, facility, "{line}"),
        5..=6 => tracing::info!(target: "librdkafka", client, facility, "{line}"),
        _ => tracing::debug!(target: "librdkafka", client, facility, "{line}"),
    }
}

unsafe extern "C" fn on_new(
    rk: *mut sys::rd_kafka_t,
    _conf: *const sys::rd_kafka_conf_t,
    opaque: *mut c_void,
    _complaint: *mut c_char,
    _complaint_size: usize,
) -> RDKafkaRespErr {
    // SAFETY: librdkafka passes the client that is being made and the opaque pointer set beside this function.
    unsafe {
        sys::rd_kafka_interceptor_add_on_response_received(
            rk,
            INTERCEPTOR.as_ptr(),
            Some(on_response_received),
            opaque,
        );
        if sys::rd_kafka_type(rk) == sys::rd_kafka_type_t::RD_KAFKA_CONSUMER {
            return RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
        }
        sys::rd_kafka_interceptor_add_on_request_sent(
            rk,
            INTERCEPTOR.as_ptr(),
            Some(on_request_sent),
            opaque,
        )
    }
}

unsafe extern "C" fn on_response_received(
    _rk: *mut sys::rd_kafka_t,
    _socket: c_int,
    _broker: *const c_char,
    _broker_id: i32,
    api_key: i16,
    _api_version: i16,
    _correlation_id: i32,
    _size: usize,
    _rtt: i64,
    error: RDKafkaRespErr,
    opaque: *mut c_void,
) -> RDKafkaRespErr {
    let is_greeting = [API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE].contains(&api_key);
    let is_answer = error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && !is_greeting;
    // SAFETY: librdkafka passes the opaque pointer set beside this function.
    if let Some(context) = unsafe { context(opaque) }
        && is_answer
    {
        context.answered.store(true, Ordering::SeqCst);
    }
    RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
}

unsafe extern "C" fn on_request_sent(
    _rk: *mut sys::rd_kafka_t,
    _socket: c_int,
    _broker: *const c_char,
    _broker_id: i32,
    api_key: i16,
    api_version: i16,
    _correlation_id: i32,
    _size: usize,
    opaque: *mut c_void,
) -> RDKafkaRespErr {
    // SAFETY: librdkafka passes the opaque pointer set beside this function.
    if let Some(context) = unsafe { context(opaque) } {
        context.sent.note(api_key, api_version);
    }
    RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
}
