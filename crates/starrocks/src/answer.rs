//! What an answer of StarRocks means, as values.

use std::fmt;

/// The requests that this client makes; the meaning of an answer depends on which one it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// `POST /api/transaction/begin`.
    Begin,
    /// `PUT /api/transaction/load`.
    Load,
    /// `POST /api/transaction/prepare`.
    Prepare,
    /// `POST /api/transaction/commit`.
    Commit,
    /// `POST /api/transaction/rollback`.
    Rollback,
    /// `POST /api/{db}/{table}/_cancel`, answered by the front end alone.
    Cancel,
    /// `PUT /api/{db}/{table}/_stream_load`: begin, load and commit in one request.
    StreamLoad,
    /// `GET /api/{db}/get_load_state`.
    LabelState,
    /// `GET /api/{db}/{table}/_schema`.
    TableSchema,
    /// A begin without headers, which shows whether the transaction interface is there.
    Probe,
    /// `PUT /api/{db}/{table}/_stream_load` to the front end alone, without rows: asks for the right to insert.
    InsertProbe,
    /// `GET` of the error log that an answer named.
    ErrorLog,
}

impl Call {
    /// Whether the call may change something in StarRocks, so that a lost answer leaves a doubt.
    pub fn has_effect(self) -> bool {
        match self {
            Call::Begin
            | Call::Load
            | Call::Prepare
            | Call::Commit
            | Call::Rollback
            | Call::Cancel
            | Call::StreamLoad => true,
            Call::LabelState
            | Call::TableSchema
            | Call::Probe
            | Call::InsertProbe
            | Call::ErrorLog => false,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Call::Begin => "begin",
            Call::Load => "load",
            Call::Prepare => "prepare",
            Call::Commit => "commit",
            Call::Rollback => "rollback",
            Call::Cancel => "cancel",
            Call::StreamLoad => "stream load",
            Call::LabelState => "get_load_state",
            Call::TableSchema => "_schema",
            Call::Probe => "probe of the transaction interface",
            Call::InsertProbe => "check of the right to insert",
            Call::ErrorLog => "error log",
        })
    }
}

/// What the caller may conclude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The call did what it says.
    Done,
    /// An earlier call had done it already.
    AlreadyDone,
    /// Nothing that can have an effect left this machine: the same call may be repeated.
    NotSent,
    /// Refused, without effect; time may heal it. Except for [`Class::Busy`], a refused load or prepare has ended its
    /// transaction: roll back and load again under another label.
    Transient,
    /// Refused, without effect; repeating it unchanged gives the same answer.
    Permanent,
    /// Nobody can tell from here: ask for the label's state before anything else.
    UnknownAsk,
}

impl Verdict {
    /// [`Verdict::Done`] or [`Verdict::AlreadyDone`].
    pub fn is_done(self) -> bool {
        matches!(self, Verdict::Done | Verdict::AlreadyDone)
    }
}

/// Why: the class of the answer, by StarRocks' status words and message texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Accepted.
    Accepted,
    /// Committed, but not yet visible to queries: StarRocks is behind with publishing.
    CommittedLate,
    /// The label belongs to a transaction that StarRocks remembers.
    LabelTaken,
    /// Rows were refused: the error log tells which.
    DataQuality,
    /// Database, table, column or load property does not fit.
    Schema,
    /// User, password or privilege.
    Auth,
    /// A tablet has too many versions: commit less often.
    TooManyVersions,
    /// Too many transactions are open in the database or on a back end.
    TransactionLimit,
    /// A lock of the front end was not to be had in time.
    LockTimeout,
    /// Another request on the same transaction is at work: repeat the call after a short wait.
    Busy,
    /// StarRocks has no such transaction, or the back end has lost it.
    TransactionGone,
    /// The transaction is aborted.
    TransactionAborted,
    /// The transaction is committed or being committed, and cannot be taken back.
    AlreadyCommitted,
    /// Memory, threads or concurrency ran out.
    Overload,
    /// No back end, no leader, or a redirect that leads nowhere.
    Routing,
    /// Tablet writers or replicas failed.
    Replica,
    /// A body was larger than StarRocks takes.
    Size,
    /// The load had no rows.
    EmptyLoad,
    /// The request was not what StarRocks expects; a defect of this client or of the load properties.
    BadRequest,
    /// This StarRocks does not have the interface.
    Unsupported,
    /// Quota, safe mode or loads switched off.
    Quota,
    /// StarRocks itself lost an answer between its nodes.
    LostAnswer,
    /// HTTP 5xx.
    ServerError,
    /// An answer that is not what StarRocks writes.
    Unreadable,
    /// No connection could be made.
    Unreachable,
    /// The connection broke or the time ran out before the answer was complete.
    NoAnswer,
    /// A redirect was refused by the rules of `starrocks.http.redirect`.
    RedirectRefused,
    /// A text that the table does not list.
    Other,
}

/// The numbers of rows in the answer to prepare and to Stream Load; 0 where StarRocks does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows read.
    pub total: u64,
    /// Rows loaded.
    pub loaded: u64,
    /// Rows refused, within `max_filter_ratio`.
    pub filtered: u64,
    /// Rows that a `where` property left out.
    pub unselected: u64,
}

/// The state of the latest transaction of a label, as `get_load_state` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadState {
    /// Never begun, or finished and forgotten.
    Unknown,
    /// Begun, not prepared.
    Prepare,
    /// Durable, waiting for commit or rollback.
    Prepared,
    /// Committed; its rows become visible soon.
    Committed,
    /// Committed and visible to queries.
    Visible,
    /// Ended without effect.
    Aborted,
}

impl LoadState {
    /// Reads StarRocks' word; upper and lower case are the same.
    pub fn from_word(word: &str) -> Option<LoadState> {
        const WORDS: [(&str, LoadState); 6] = [
            ("UNKNOWN", LoadState::Unknown),
            ("PREPARE", LoadState::Prepare),
            ("PREPARED", LoadState::Prepared),
            ("COMMITTED", LoadState::Committed),
            ("VISIBLE", LoadState::Visible),
            ("ABORTED", LoadState::Aborted),
        ];
        WORDS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word.trim()))
            .map(|(_, state)| *state)
    }
}

impl fmt::Display for LoadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LoadState::Unknown => "UNKNOWN",
            LoadState::Prepare => "PREPARE",
            LoadState::Prepared => "PREPARED",
            LoadState::Committed => "COMMITTED",
            LoadState::Visible => "VISIBLE",
            LoadState::Aborted => "ABORTED",
        })
    }
}

/// One answer, read and judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the caller may conclude.
    pub verdict: Verdict,
    /// Why.
    pub class: Class,
    /// StarRocks' status word as it came, empty where there was none.
    pub status: String,
    /// StarRocks' message without Java's exception names; for an unreadable answer its first characters.
    pub message: String,
    /// Where the refused rows are listed.
    pub error_url: Option<String>,
    /// Where all refused rows are kept, `host:path` of a back end: with `log_rejected_record_num` only.
    pub rejected_record_path: Option<String>,
    /// Row counts, where told.
    pub rows: RowCounts,
    /// StarRocks' number of the transaction, where told.
    pub transaction_id: Option<i64>,
    /// Bytes that the back end counts for this call or transaction, where told.
    pub load_bytes: Option<u64>,
    /// What `get_load_state` says.
    pub state: Option<LoadState>,
    /// Why the transaction was aborted, where `get_load_state` tells.
    pub reason: Option<String>,
}
