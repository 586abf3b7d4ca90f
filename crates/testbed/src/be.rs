//! The backend: contexts by label, bodies, and the ends of what was not prepared.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::cluster::{Cluster, Failure, PreparedLoad};
use crate::context::Context;
use crate::error_log::Logs;
use crate::evaluate::{Tally, evaluate};
use crate::faults::Action;
use crate::headers::LoadHeaders;
use crate::plan::LoadPlan;
use crate::reply::{Reply, TEXT};
use crate::request::{Call, Head};
use crate::spec::LoadSpec;
use crate::store::Staged;
use crate::txns::Begin;

/// A failure as the transaction interface of a BE answers it.
pub(crate) fn failed(failure: &Failure, label: &str) -> Reply {
    let mut body = json!({"Status": failure.status});
    if failure.status == "TXN_IN_PROCESSING" {
        body["Label"] = json!(label);
    }
    if let Some(held) = failure.held {
        body["ExistingJobStatus"] = json!(if held.is_final()
            || held == crate::txns::TxnState::Committed
        {
            "FINISHED"
        } else {
            "RUNNING"
        });
    }
    body["Message"] = json!(failure.message);
    if let Some((_, logs)) = failure.seen.as_deref() {
        logs.put_into(&mut body);
    }
    Reply::be(&body)
}

/// Seconds of a header, within what StarRocks takes.
pub(crate) fn seconds(head: &Head, name: &str) -> Result<Option<u64>, Failure> {
    let Some(text) = head.header(name) else {
        return Ok(None);
    };
    let invalid = |message: String| Failure::new("INVALID_ARGUMENT", message);
    let seconds: u64 = text
        .trim()
        .parse()
        .map_err(|_| invalid("Invalid timeout format".to_owned()))?;
    if !(1..=259_200).contains(&seconds) {
        return Err(invalid(
            "Invalid timeout. Timeout should between 1 and 259200 seconds".to_owned(),
        ));
    }
    Ok(Some(seconds * 1000))
}

/// Row numbers of a load.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) rows: Tally,
    pub(crate) bytes: u64,
}

impl Counts {
    /// The keys that Stream Load, prepare and commit answers share.
    pub(crate) fn put_into(self, body: &mut Value) {
        let rows = self.rows;
        let numbers = [
            ("NumberTotalRows", rows.total),
            ("NumberLoadedRows", rows.loaded()),
            ("NumberFilteredRows", rows.filtered),
            ("NumberUnselectedRows", rows.unselected),
            ("LoadBytes", self.bytes),
            ("LoadTimeMs", 1),
            ("StreamLoadPlanTimeMs", 0),
        ];
        for (name, number) in numbers {
            body[name] = json!(number);
        }
    }
}

/// Bodies that passed the checks.
pub(crate) struct Checked {
    /// `None` where rows are not kept.
    pub(crate) load: Option<(PreparedLoad, Staged)>,
    pub(crate) logs: Logs,
}

impl Cluster {
    /// What BE `be` does for every call but those with rows in the body.
    pub(crate) fn be_serve(&self, be: usize, head: &Head, action: Option<&Action>) -> Reply {
        if head.call == Call::ErrorLog {
            return self.error_log(be, head);
        }
        let step = match head.call {
            Call::Begin => self.be_begin(be, head, action),
            Call::Prepare | Call::Commit => self.be_finish(be, head, action),
            Call::Rollback => self.be_rollback(be, head),
            _ => return Reply::new(404, TEXT, "Not Found"),
        };
        step.unwrap_or_else(|failure| failed(&failure, &head.label))
    }

    /// The checks that come before every call of the interface.
    pub(crate) fn be_access(
        &self,
        head: &Head,
        action: Option<&Action>,
    ) -> Result<(String, String), Failure> {
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
        if head.header("transaction_type").is_some() {
            let message =
                "Multi-statement transaction requests can only be sent to FE nodes, not BE nodes";
            return Err(Failure::new("INVALID_ARGUMENT", message));
        }
        if head.label.is_empty() {
            return Err(Failure::new("INVALID_ARGUMENT", "Invalid label "));
        }
        Ok(basic)
    }

    fn be_begin(&self, be: usize, head: &Head, action: Option<&Action>) -> Result<Reply, Failure> {
        let basic = self.be_access(head, action)?;
        if let Some((status, message)) = action.and_then(|a| a.refusal(&head.db)) {
            return Err(Failure::new(status, message));
        }
        if self.meta().contexts[be].contains_key(&head.label) {
            let body =
                json!({"Status": "LABEL_ALREADY_EXISTS", "ExistingJobStatus": "", "Message": ""});
            return Ok(Reply::be(&body));
        }
        let default = |d: std::time::Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX / 4);
        let timeout_ms = seconds(head, "timeout")?.unwrap_or(default(self.options.default_timeout));
        let idle_ms = seconds(head, "idle_transaction_timeout")?;
        let ask = Begin {
            db: &head.db,
            table: &head.table,
            label: &head.label,
            timeout_ms,
            prepared_timeout_ms: default(self.options.default_prepared_timeout),
            coordinator: be,
        };
        let txn = self.begin(&basic, ask)?;
        let now = self.clock.now_ms();
        let context = Context {
            db: head.db.clone(),
            table: head.table.clone(),
            txn,
            begun_ms: now,
            active_ms: now,
            timeout_ms,
            idle_ms,
            ..Context::default()
        };
        self.meta().contexts[be].insert(head.label.clone(), context);
        Ok(Reply::be(
            &json!({"Status": "OK", "Message": "", "Label": head.label, "TxnId": txn, "BeginTxnTimeMs": 0}),
        ))
    }

    fn be_rollback(&self, be: usize, head: &Head) -> Result<Reply, Failure> {
        self.be_access(head, None)?;
        let context = {
            let mut meta = self.meta();
            let contexts = &mut meta.contexts[be];
            enter(contexts, head)?;
            contexts.remove(&head.label)
        };
        if let Some(context) = context {
            self.abort(context.txn, "transaction is aborted by user.")?;
        }
        Ok(Reply::be(
            &json!({"Status": "OK", "Message": "", "Label": head.label}),
        ))
    }

    /// Prepare, or commit of what was never prepared: both end the context.
    fn be_finish(&self, be: usize, head: &Head, action: Option<&Action>) -> Result<Reply, Failure> {
        self.be_access(head, action)?;
        let prepared_timeout = seconds(head, "prepared_timeout")?;
        let (txn, db, table, headers, bodies, mut counts) = {
            let mut meta = self.meta();
            let context = enter(&mut meta.contexts[be], head)?;
            context.busy = true;
            let counts = Counts {
                rows: Tally::all_loaded(context.counted_rows),
                bytes: context.load_bytes,
            };
            let (db, table) = (context.db.clone(), context.table.clone());
            (
                context.txn,
                db,
                table,
                context.headers.clone(),
                context.take_bodies(),
                counts,
            )
        };
        let publish = action != Some(&Action::PublishTimeout);
        let forced = action.and_then(|a| a.refusal(&head.db));
        let ended = (|| {
            let headers = headers.ok_or_else(|| {
                Failure::new(
                    "INTERNAL_ERROR",
                    format!(
                        "transaction {txn} hasn't send any data yet, label {}",
                        head.label
                    ),
                )
            })?;
            if let Some((status, message)) = forced {
                return Err(Failure::new(status, message));
            }
            let Checked { load, logs } = self.checked(be, (&db, &table), headers, bodies)?;
            match &load {
                Some((load, _)) => counts.rows = load.evaluated.tally,
                None => self.count_unkept(counts),
            }
            match head.call {
                Call::Prepare => self.prepare(txn, prepared_timeout, load)?,
                _ => self.commit_at_once(txn, load, publish)?,
            }
            Ok(logs)
        })();
        // Unless the BE was restarted meanwhile and the label begun anew.
        self.meta().contexts[be]
            .retain(|label, context| *label != head.label || context.txn != txn);
        let logs = match ended {
            Ok(logs) => logs,
            Err(failure) => {
                self.abort(txn, &failure.message)?;
                return Err(failure);
            }
        };
        if head.call == Call::Commit && !publish {
            return Err(Failure::new("PUBLISH_TIMEOUT", "publish timeout"));
        }
        let mut body = json!({"Status": "OK", "Message": "", "Label": head.label, "TxnId": txn});
        counts.put_into(&mut body);
        body["ReceivedDataTimeMs"] = json!(0);
        body["WriteDataTimeMs"] = json!(0);
        body["CommitAndPublishTimeMs"] = json!(0);
        logs.put_into(&mut body);
        Ok(Reply::be(&body))
    }

    /// Rows that are not kept are good as they are.
    pub(crate) fn count_unkept(&self, counts: Counts) {
        self.totals
            .rows
            .fetch_add(counts.rows.total, Ordering::Relaxed);
    }

    /// The rows of the bodies, checked. `None` where rows are not kept.
    pub(crate) fn checked(
        &self,
        be: usize,
        (db, table): (&str, &str),
        headers: LoadHeaders,
        units: Vec<Vec<u8>>,
    ) -> Result<Checked, Failure> {
        let Some(table) = self.table(db, table)? else {
            return Ok(Checked {
                load: None,
                logs: Logs::default(),
            });
        };
        let wrong = |m: String| Failure::new("INTERNAL_ERROR", m);
        let spec = LoadSpec::read(&headers).map_err(wrong)?;
        let plan = LoadPlan::new(&spec, &table).map_err(wrong)?;
        let evaluated = evaluate(
            &table,
            &spec,
            &plan,
            &units,
            self.limits(self.clock.now_ms()),
        )
        .map_err(|m| Failure::new("DATA_QUALITY_ERROR", m))?;
        let logs = self.keep_logs(be, &evaluated);
        let refused = |status, message| Failure {
            seen: Some(Box::new((evaluated.tally, logs.clone()))),
            ..Failure::new(status, message)
        };
        if evaluated.tally.too_many_filtered(spec.max_filter_ratio) {
            return Err(refused("INTERNAL_ERROR", "too many filtered rows"));
        }
        if evaluated.rows.len() == 0 {
            return Err(refused(
                "ANALYSIS_ERROR",
                "No rows were imported from upstream",
            ));
        }
        self.totals
            .rows
            .fetch_add(evaluated.rows.len() as u64, Ordering::Relaxed);
        let load = PreparedLoad {
            table,
            spec,
            plan,
            evaluated,
        };
        Ok(Checked {
            load: Some((load, Staged { headers, units })),
            logs,
        })
    }
}

pub(crate) fn json_too_big(size: u64, max: u64) -> String {
    format!(
        "The size of this batch exceed the max size [{max}]  of json type data  data [ {size} ]. Set ignore_json_size to skip the check, although it may lead huge memory consuming."
    )
}

pub(crate) fn not_exists(label: &str) -> Failure {
    Failure::new(
        "TXN_NOT_EXISTS",
        format!("Transaction with label {label} not exists"),
    )
}

/// The label's context if the request may work on it.
pub(crate) fn enter<'c>(
    contexts: &'c mut std::collections::HashMap<String, Context>,
    head: &Head,
) -> Result<&'c mut Context, Failure> {
    let context = contexts
        .get_mut(&head.label)
        .ok_or_else(|| not_exists(&head.label))?;
    if context.db != head.db {
        let message = format!(
            "Request database {} not equal transaction database {}",
            head.db, context.db
        );
        return Err(Failure::new("INVALID_ARGUMENT", message));
    }
    if !head.table.is_empty() && context.table != head.table {
        let message = format!(
            "Request table {} not equal transaction table {}",
            head.table, context.table
        );
        return Err(Failure::new("INVALID_ARGUMENT", message));
    }
    if context.busy {
        return Err(Failure::new(
            "TXN_IN_PROCESSING",
            "Transaction is in processing",
        ));
    }
    Ok(context)
}
