//! Plain Stream Load on a BE: one request is one transaction.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::be::{Checked, Counts, json_too_big, seconds};
use crate::cluster::{Cluster, Failure};
use crate::error_log::Logs;
use crate::evaluate::{Tally, count_unkept};
use crate::faults::Action;
use crate::headers::{Interface, LoadHeaders};
use crate::plan::LoadPlan;
use crate::reply::Reply;
use crate::request::Head;
use crate::spec::LoadSpec;
use crate::txns::{Begin, TxnState};

/// A Stream Load whose body is coming in. Dropped before its end, its transaction is aborted and the label is free again.
#[derive(Debug)]
pub(crate) struct StreamLoading {
    cluster: Arc<Cluster>,
    be: usize,
    db: String,
    table: String,
    label: String,
    /// What the client called its request, where its transaction has another label: a merge commit.
    request: Option<String>,
    txn: i64,
    headers: LoadHeaders,
    body: Vec<u8>,
    bytes: u64,
    ended: bool,
}

/// A merge commit, as the headers ask for it: the label is then the server's, and the client's one names its request only. Here
/// each request is alone in its transaction, as it is in StarRocks when no other comes within the interval.
fn merge_commit(head: &Head) -> Result<bool, Failure> {
    let is = |name: &str, word: &str| {
        head.header(name)
            .is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    if !is("enable_merge_commit", "true") {
        return Ok(false);
    }
    let invalid = |message: String| Failure::new("INVALID_ARGUMENT", message);
    if is("merge_commit_async", "true") {
        let message = "this StarRocks stand-in does not know `merge_commit_async`";
        return Err(invalid(message.to_owned()));
    }
    for name in ["merge_commit_interval_ms", "merge_commit_parallel"] {
        let number = head.header(name).and_then(|text| text.trim().parse().ok());
        if number.is_none_or(|number: u32| number == 0) {
            return Err(invalid(format!("{name} must be set to a number above 0")));
        }
    }
    Ok(true)
}

/// The answer of a merge commit, which counts no rows.
fn merged(request: &str, mut body: serde_json::Value) -> serde_json::Value {
    if let Some(answer) = body.as_object_mut() {
        answer.retain(|name, _| !name.starts_with("Number") && !name.ends_with("TimeMs"));
    }
    body["RequestId"] = json!(request);
    for name in [
        "LoadTimeMs",
        "ReadDataTimeMs",
        "PendingTimeMs",
        "WaitPlanTimeMs",
        "WriteDataTimeMs",
        "WaitFinishTimeMs",
        "LeftMergeTimeMs",
    ] {
        body[name] = json!(0);
    }
    body
}

/// The answer of a Stream Load.
fn result(
    txn: i64,
    label: &str,
    status: &str,
    held: Option<TxnState>,
    message: &str,
    counts: Counts,
) -> serde_json::Value {
    let mut body = json!({"TxnId": txn, "Label": label, "Status": status});
    if let Some(held) = held {
        let word = if matches!(held, TxnState::Committed | TxnState::Visible) {
            "FINISHED"
        } else {
            "RUNNING"
        };
        body["ExistingJobStatus"] = json!(word);
    }
    body["Message"] = json!(message);
    counts.put_into(&mut body);
    for name in [
        "BeginTxnTimeMs",
        "ReadDataTimeMs",
        "WriteDataTimeMs",
        "CommitAndPublishTimeMs",
    ] {
        body[name] = json!(0);
    }
    body
}

fn refused(txn: i64, label: &str, failure: &Failure, counts: Counts) -> Reply {
    let status = if failure.held.is_some() {
        "Label Already Exists"
    } else {
        "Fail"
    };
    let mut body = result(txn, label, status, failure.held, &failure.message, counts);
    if let Some((_, logs)) = failure.seen.as_deref() {
        logs.put_into(&mut body);
    }
    Reply::be(&body)
}

impl Cluster {
    /// The header phase: checks and begin. The error is the answer.
    pub(crate) fn stream_load_start(
        self: &Arc<Self>,
        be: usize,
        head: &Head,
        action: Option<&Action>,
    ) -> Result<StreamLoading, Box<Reply>> {
        let number = self
            .totals
            .next_file
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let named = head.header("label").map(str::to_owned);
        let own = |kind: &str| format!("{kind}-{:x}-{number:x}", self.clock.now_ms());
        let is_merged = merge_commit(head);
        let (label, request) = match &is_merged {
            Ok(true) => (own("merge_commit"), Some(named.unwrap_or_default())),
            _ => (named.unwrap_or_else(|| own("stand-in")), None),
        };
        let refuse = |txn: i64, failure: Failure| {
            Box::new(refused(txn, &label, &failure, Counts::default()))
        };
        is_merged.map_err(|f| refuse(-1, f))?;
        let txn = self
            .stream_load_begin(be, head, &label, action)
            .map_err(|f| refuse(-1, f))?;
        let loading = StreamLoading {
            cluster: Arc::clone(self),
            be,
            db: head.db.clone(),
            table: head.table.clone(),
            label: label.clone(),
            request,
            txn,
            headers: LoadHeaders::read(Interface::StreamLoad, |name| head.header(name)),
            body: Vec::new(),
            bytes: 0,
            ended: false,
        };
        // What is read after begin rolls back when it is wrong; so does `loading` when it is dropped here.
        let spec = LoadSpec::read(&loading.headers)
            .map_err(|m| refuse(txn, Failure::new("INVALID_ARGUMENT", m)))?;
        let table = self
            .table(&head.db, &head.table)
            .map_err(|f| refuse(txn, f))?;
        if let Some(table) = table {
            LoadPlan::new(&spec, &table)
                .map_err(|m| refuse(txn, Failure::new("ANALYSIS_ERROR", m)))?;
        }
        Ok(loading)
    }

    fn stream_load_begin(
        &self,
        be: usize,
        head: &Head,
        label: &str,
        action: Option<&Action>,
    ) -> Result<i64, Failure> {
        let Some(basic) = head.basic() else {
            return Err(Failure::new(
                "INTERNAL_ERROR",
                "no valid Basic authorization",
            ));
        };
        if action == Some(&Action::Unauthorized) {
            return Err(Failure::new(
                "NOT_AUTHORIZED",
                format!("Access denied for {}@127.0.0.1", basic.0),
            ));
        }
        if let Some((status, message)) = action.and_then(|a| a.refusal(&head.db)) {
            return Err(Failure::new(status, message));
        }
        let max = self.options.max_json_bytes;
        let json = head
            .header("format")
            .is_some_and(|f| f.eq_ignore_ascii_case("json"));
        let ignore = head
            .header("ignore_json_size")
            .is_some_and(|v| v.eq_ignore_ascii_case("true"));
        if let Some(length) = head
            .content_length()
            .filter(|length| json && !ignore && *length > max)
        {
            return Err(Failure::new("INVALID_ARGUMENT", json_too_big(length, max)));
        }
        let default = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX / 4);
        let ask = Begin {
            db: &head.db,
            table: &head.table,
            label,
            timeout_ms: seconds(head, "timeout")?.unwrap_or(default(self.options.default_timeout)),
            prepared_timeout_ms: default(self.options.default_prepared_timeout),
            coordinator: be,
        };
        self.begin(&basic, ask)
    }
}

impl StreamLoading {
    /// Bytes of the body as they come.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if self.cluster.options.count_only.is_none_or(|c| c.rows) {
            self.body.extend_from_slice(bytes);
        }
    }

    /// The body came in whole: check and commit.
    pub(crate) fn finish(mut self, action: Option<&Action>) -> Reply {
        let mut counts = Counts {
            bytes: self.bytes,
            ..Counts::default()
        };
        let publish = action != Some(&Action::PublishTimeout);
        let ended = self.commit(&mut counts, publish);
        self.ended = true;
        match ended {
            Ok(logs) => {
                let (status, message) = if publish {
                    ("Success", "OK")
                } else {
                    ("Publish Timeout", "publish timeout")
                };
                let mut body = result(self.txn, &self.label, status, None, message, counts);
                logs.put_into(&mut body);
                if let Some(request) = &self.request {
                    body = merged(request, body);
                }
                Reply::be(&body)
            }
            Err(failure) => {
                counts.rows = failure
                    .seen
                    .as_ref()
                    .map_or_else(Tally::default, |seen| seen.0);
                match self.cluster.abort(self.txn, &failure.message) {
                    Ok(_) => refused(self.txn, &self.label, &failure, counts),
                    Err(error) => refused(self.txn, &self.label, &error.into(), counts),
                }
            }
        }
    }

    fn commit(&mut self, counts: &mut Counts, publish: bool) -> Result<Logs, Failure> {
        let body = std::mem::take(&mut self.body);
        if self.cluster.options.count_only.is_some() {
            if let Ok(spec) = LoadSpec::read(&self.headers) {
                let limits = self.cluster.limits(self.cluster.clock.now_ms());
                counts.rows = Tally::all_loaded(count_unkept(&spec, &body, limits));
            }
            self.cluster.count_unkept(*counts);
            self.cluster.commit_at_once(self.txn, None, publish)?;
            return Ok(Logs::default());
        }
        let headers = std::mem::take(&mut self.headers);
        let place = (self.db.as_str(), self.table.as_str());
        let Checked { load, logs } = self.cluster.checked(self.be, place, headers, vec![body])?;
        if let Some((load, _)) = &load {
            counts.rows = load.evaluated.tally;
        }
        self.cluster.commit_at_once(self.txn, load, publish)?;
        Ok(logs)
    }
}

impl Drop for StreamLoading {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (cluster, txn) = (Arc::clone(&self.cluster), self.txn);
        let abort = move || {
            if let Err(error) = cluster.abort(
                txn,
                "the connection was closed before the body was complete",
            ) {
                tracing::warn!(%error, "a Stream Load could not be aborted");
            }
        };
        // Aborting writes to a file, and dropping may happen where nothing may block.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(abort)),
            Err(_) => abort(),
        }
    }
}
