//! The one table that decides what an answer of StarRocks means.
//!
//! Three steps, each a table: the status word and the text give the class; class and call give the verdict; what StarRocks
//! calls a success is checked for those that are none. A text that stands nowhere is [`Class::Other`], and where the call
//! may have had an effect, nothing is concluded from it: [`Verdict::UnknownAsk`].
//!
//! Sources of words and texts: StarRocks' `TransactionLoadAction`, `TransactionWithoutChannelHandler`,
//! `transaction_stream_load.cpp`, `stream_load.cpp`, `DatabaseTransactionMgr`, and `ErrorUtils` of its load SDK.

use crate::answer::{Answer, Call, Class, LoadState, Verdict};
use crate::response::{Fields, excerpt};

/// Parts of messages, in lower case, with their class. The first that occurs decides, so the special stands before the
/// general: "memory of process exceed limit" is no matter of body size.
const TEXTS: &[(&str, Class)] = &[
    // An answer lost inside StarRocks comes first: whatever else the text says, nobody knows.
    ("transaction status unknown", Class::LostAnswer),
    ("call frontend service failed", Class::LostAnswer),
    ("publish timeout", Class::CommittedLate),
    // A label of somebody else, or of our own lost call.
    ("has already been used", Class::LabelTaken),
    ("label already exists", Class::LabelTaken),
    // The first cause of an abort says more than the abort.
    ("too many filtered rows", Class::DataQuality),
    (
        "abnormal data more than max filter rate",
        Class::DataQuality,
    ),
    ("failed to parse json", Class::DataQuality),
    ("failed to iterate document", Class::DataQuality),
    (
        "the value should be array type with strip_outer_array",
        Class::DataQuality,
    ),
    (
        "the value is array type in json document stream",
        Class::DataQuality,
    ),
    (
        "value count does not match column count",
        Class::DataQuality,
    ),
    ("invalid utf-8 row", Class::DataQuality),
    ("null value in non-nullable column", Class::DataQuality),
    ("out of partition ranges", Class::DataQuality),
    ("primary key size exceed the limit", Class::DataQuality),
    ("too many versions", Class::TooManyVersions),
    ("current running txns on db", Class::TransactionLimit),
    ("txn num per be exceeds limit", Class::TransactionLimit),
    ("database read lock timeout", Class::LockTimeout),
    ("database write lock timeout", Class::LockTimeout),
    ("exceed http cuncurrent limit", Class::Overload),
    ("exceed http concurrent limit", Class::Overload),
    ("memory of process exceed limit", Class::Overload),
    ("memory exceed limit", Class::Overload),
    ("mem_limit_exceeded", Class::Overload),
    ("memory limit", Class::Overload),
    ("shutting down", Class::Overload),
    ("sr_eagain", Class::Overload),
    ("beyond the json payload limit", Class::Size),
    ("exceed the max size", Class::Size),
    (
        "increase the limit by setting streaming_load_max_mb",
        Class::Size,
    ),
    (
        "receive body don't equal with body bytes",
        Class::LostAnswer,
    ),
    ("data size exceeds quota", Class::Quota),
    ("exceeds quota", Class::Quota),
    ("safe mode", Class::Quota),
    ("recovery mode", Class::Quota),
    ("disable_load_job", Class::Quota),
    ("hasn't send any data yet", Class::EmptyLoad),
    ("no rows were imported", Class::EmptyLoad),
    ("all partitions have no load data", Class::EmptyLoad),
    ("access denied", Class::Auth),
    ("no valid basic authorization", Class::Auth),
    ("load request not equal last", Class::BadRequest),
    ("not equal transaction table", Class::BadRequest),
    ("not equal transaction db", Class::BadRequest),
    ("no 100-continue header", Class::BadRequest),
    ("empty label", Class::BadRequest),
    ("invalid label", Class::BadRequest),
    ("no database selected", Class::BadRequest),
    ("no table selected", Class::BadRequest),
    ("invalid timeout", Class::BadRequest),
    ("label format error", Class::Schema),
    ("unknown table", Class::Schema),
    ("unknown database", Class::Schema),
    ("column has no default value", Class::Schema),
    ("mapping column is not in table", Class::Schema),
    ("unknown data format", Class::Schema),
    ("only primary key table support", Class::Schema),
    ("can not be specified", Class::Schema),
    ("not implemented", Class::Unsupported),
    ("unknown transaction operation", Class::Unsupported),
    ("unsupported operation", Class::Unsupported),
    ("multi-statement transaction requests", Class::Unsupported),
    (
        "can not abort committed transaction",
        Class::AlreadyCommitted,
    ),
    ("can not abort visible transaction", Class::AlreadyCommitted),
    ("is already committing", Class::AlreadyCommitted),
    ("is committed, could not abort", Class::AlreadyCommitted),
    ("is visible, could not abort", Class::AlreadyCommitted),
    (
        "can not commit aborted transaction",
        Class::TransactionAborted,
    ),
    ("timeout by txn manager", Class::TransactionAborted),
    ("transaction is aborted", Class::TransactionAborted),
    ("has already aborted", Class::TransactionAborted),
    ("is aborted, could not abort", Class::TransactionAborted),
    ("runtime state is cancelled", Class::TransactionAborted),
    ("has already been cancelled", Class::TransactionAborted),
    ("coordinate be is down", Class::TransactionAborted),
    ("transaction is in processing", Class::Busy),
    ("no transaction found", Class::TransactionGone),
    ("can't find the transaction", Class::TransactionGone),
    ("transaction not exist", Class::TransactionGone),
    ("failed to get transaction", Class::TransactionGone),
    ("stream load task", Class::TransactionGone),
    ("no backend alive", Class::Routing),
    ("current fe is not master", Class::Routing),
    ("has no backend", Class::Routing),
    ("can't find node id", Class::Routing),
    ("tablet writer", Class::Replica),
    ("close index channel failed", Class::Replica),
    ("reached timeout", Class::Replica),
    ("has few replicas", Class::Replica),
    ("] does not exist", Class::Schema),
];

/// Status words (thrift's names on the back end, Stream Load's own, the front end's) with their class, for texts that do
/// not say more. `FAILED`, `Fail`, `INTERNAL_ERROR` and `ANALYSIS_ERROR` stand for anything and are not here.
const STATUS_WORDS: &[(&str, Class)] = &[
    ("OK", Class::Accepted),
    ("Success", Class::Accepted),
    ("Publish Timeout", Class::CommittedLate),
    ("PUBLISH_TIMEOUT", Class::CommittedLate),
    ("Label Already Exists", Class::LabelTaken),
    ("LABEL_ALREADY_EXISTS", Class::LabelTaken),
    ("TXN_NOT_EXISTS", Class::TransactionGone),
    ("TXN_IN_PROCESSING", Class::Busy),
    ("ABORTED", Class::TransactionAborted),
    ("CANCELLED", Class::TransactionAborted),
    ("DATA_QUALITY_ERROR", Class::DataQuality),
    ("NOT_AUTHORIZED", Class::Auth),
    ("INVALID_ARGUMENT", Class::BadRequest),
    ("MEM_LIMIT_EXCEEDED", Class::Overload),
    ("RESOURCE_BUSY", Class::Overload),
    ("SERVICE_UNAVAILABLE", Class::Overload),
    ("SR_EAGAIN", Class::Overload),
    ("TIMEOUT", Class::LostAnswer),
    ("THRIFT_RPC_ERROR", Class::LostAnswer),
    ("NOT_IMPLEMENTED_ERROR", Class::Unsupported),
];

/// Judges an answer. Pure: the same call, HTTP status and body always give the same answer.
pub fn classify(call: Call, http_status: u16, body: &[u8]) -> Answer {
    let fields = Fields::read(body);
    let (class, status) = class_of(call, http_status, fields.as_ref());
    let mut verdict = verdict_of(call, class);
    let known = fields.unwrap_or_default();
    let mut answer = Answer {
        verdict,
        class,
        status,
        message: known.message(),
        error_url: known.error_url(),
        rejected_record_path: known.text("rejectedrecordpath"),
        rows: known.rows(),
        transaction_id: known.integer("txnid").filter(|id| *id >= 0),
        load_bytes: known
            .integer("loadbytes")
            .and_then(|n| u64::try_from(n).ok()),
        state: state_of(&known),
        reason: known.text("reason"),
    };
    if answer.message.is_empty() && !verdict.is_done() {
        answer.message = describe(http_status, &answer.status, body);
    }
    if class == Class::Accepted && answer.message.to_ascii_lowercase().contains("has already") {
        verdict = Verdict::AlreadyDone;
    }
    // As a status word, late is certain. As the text of a failure (the front end's commit) it is not: the state tells.
    let late = answer
        .status
        .replace('_', " ")
        .eq_ignore_ascii_case("Publish Timeout");
    if class == Class::CommittedLate && late && matches!(call, Call::Commit | Call::StreamLoad) {
        verdict = Verdict::Done;
    }
    // A label that finished is our own load, for labels name what they load.
    let finished = known
        .text("existingjobstatus")
        .is_some_and(|word| word.eq_ignore_ascii_case("FINISHED"));
    if class == Class::LabelTaken && call == Call::StreamLoad && finished {
        verdict = Verdict::AlreadyDone;
    }
    answer.verdict = verdict;
    answer
}

fn class_of(call: Call, http_status: u16, fields: Option<&Fields>) -> (Class, String) {
    let status = fields
        .and_then(|fields| fields.text("status"))
        .unwrap_or_default();
    let message = fields
        .map(Fields::message)
        .unwrap_or_default()
        .to_lowercase();
    let class = match http_status {
        401 | 403 if call == Call::TableSchema && message.contains("olap") => Class::Schema,
        401 | 403 => Class::Auth,
        408 | 429 => Class::Overload,
        200..=299 => match fields {
            None => Class::Unreadable,
            Some(fields) => class_of_status(call, &status, &message, fields),
        },
        // The front end answers `_schema` with real HTTP codes.
        400..=499 => by_text(&message).unwrap_or(Class::Routing),
        500..=599 => Class::ServerError,
        _ => Class::Routing,
    };
    (class, status)
}

fn class_of_status(call: Call, status: &str, message: &str, fields: &Fields) -> Class {
    if call == Call::TableSchema {
        let has_columns = fields
            .value("properties")
            .is_some_and(serde_json::Value::is_array);
        return if has_columns {
            Class::Accepted
        } else {
            by_text(message).unwrap_or(Class::Unreadable)
        };
    }
    if status.is_empty() {
        return by_text(message).unwrap_or(Class::Unreadable);
    }
    let word = STATUS_WORDS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(status))
        .map(|(_, class)| *class);
    match word {
        // With several channels StarRocks says OK although nothing was committed (StreamLoadTask).
        Some(Class::Accepted) if is_false_success(message) => Class::Other,
        Some(Class::Accepted) if call == Call::LabelState && state_of(fields).is_none() => {
            Class::Unreadable
        }
        Some(
            certain @ (Class::Accepted | Class::CommittedLate | Class::LabelTaken | Class::Busy),
        ) => certain,
        // A lost answer stays lost, and a lost transaction lost, whatever the text makes of it.
        Some(certain @ (Class::LostAnswer | Class::TransactionGone)) => certain,
        Some(general) => by_text(message).unwrap_or(general),
        None => by_text(message).unwrap_or(Class::Other),
    }
}

fn state_of(fields: &Fields) -> Option<LoadState> {
    LoadState::from_word(&fields.text("state")?)
}

fn by_text(message: &str) -> Option<Class> {
    TEXTS
        .iter()
        .find(|(part, _)| message.contains(part))
        .map(|(_, class)| *class)
}

fn is_false_success(message: &str) -> bool {
    message.contains("is not prepared, can not commit")
        || message.contains("could not be committed because")
}

/// Class and call give the verdict.
fn verdict_of(call: Call, class: Class) -> Verdict {
    use Call::{Begin, Cancel, Commit, Load, Prepare, Rollback, StreamLoad};
    use Verdict::{Done, NotSent, Permanent, Transient, UnknownAsk};
    // Asking changes nothing: a question without a usable answer may be asked again.
    let unclear = if call.has_effect() {
        UnknownAsk
    } else {
        Transient
    };
    match (class, call) {
        (Class::Accepted, _) => Done,
        (Class::CommittedLate | Class::LabelTaken, _) => unclear,

        (
            Class::DataQuality
            | Class::Schema
            | Class::Auth
            | Class::Size
            | Class::EmptyLoad
            | Class::BadRequest
            | Class::Unsupported
            | Class::RedirectRefused,
            _,
        ) => Permanent,

        (
            Class::TooManyVersions
            | Class::TransactionLimit
            | Class::Overload
            | Class::Quota
            | Class::Busy,
            _,
        ) => Transient,
        (Class::Replica, Commit | Rollback | Cancel) => unclear,
        (Class::Replica, _) => Transient,
        // The commit of a prepared transaction may be repeated; a load that could not be planned has ended the transaction.
        (Class::LockTimeout, Commit | Load) => Transient,
        (Class::LockTimeout, _) => unclear,
        // The front end turned the call away; whether it had turned away the one before, too, only the state tells.
        (Class::Routing, Begin | Load | Prepare | StreamLoad) => Transient,
        (Class::Routing, _) => unclear,

        // A load into nothing has loaded nothing. After a lost answer to prepare, the back end knows the label no more
        // although the transaction is prepared, so every other call has to ask.
        (Class::TransactionGone, Load) => Transient,
        (Class::TransactionGone, _) => unclear,
        (Class::TransactionAborted, Load | Prepare | StreamLoad) => Transient,
        (Class::TransactionAborted, Commit) => Permanent,
        (Class::TransactionAborted, _) => unclear,
        (Class::AlreadyCommitted, Rollback | Cancel) => Permanent,
        (Class::AlreadyCommitted, _) => unclear,

        (Class::Unreachable, _) => NotSent,
        (
            Class::LostAnswer
            | Class::ServerError
            | Class::Unreadable
            | Class::NoAnswer
            | Class::Other,
            _,
        ) => unclear,
    }
}

/// What to say of an answer that has no message.
fn describe(http_status: u16, status: &str, body: &[u8]) -> String {
    let excerpt = excerpt(body);
    match (status.is_empty(), excerpt.is_empty()) {
        (false, _) if http_status == 200 => format!("{status}, without a message"),
        (_, true) => format!("HTTP {http_status} with an empty body"),
        (_, false) => format!("HTTP {http_status}, not an answer of StarRocks: {excerpt}"),
    }
}

#[cfg(test)]
mod tests;
