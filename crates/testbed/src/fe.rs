//! The frontend: who is asked, who is sent where, and the transactions it ends itself.

use std::time::Duration;

use http::{Method, Version};
use serde_json::json;

use crate::cluster::{Cluster, Failure};
use crate::faults::Action;
use crate::reply::{HTML, Reply};
use crate::request::{Call, Head};
use crate::txns::{Txn, TxnState};

/// Where an FE sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// To this absolute URL.
    To(String),
    /// Nowhere: it does the work.
    Here,
}

impl Cluster {
    /// Whether FE `fe` sends the request on. The error is its refusal.
    pub(crate) fn fe_route(&self, fe: usize, head: &Head) -> Result<Route, Reply> {
        match head.call {
            Call::Begin | Call::Load | Call::Prepare | Call::Commit | Call::Rollback => {
                self.route_transaction(fe, head)
            }
            Call::StreamLoad => self.route_stream_load(head),
            Call::State => Ok(self.to_leader(fe, head).unwrap_or(Route::Here)),
            Call::Cancel => {
                self.authenticate(head.basic().as_ref())
                    .map_err(|m| Reply::denied(&m))?;
                Ok(self.to_leader(fe, head).unwrap_or(Route::Here))
            }
            _ => Ok(Route::Here),
        }
    }

    fn to_leader(&self, fe: usize, head: &Head) -> Option<Route> {
        let leader = self.meta().leader;
        (leader != fe).then(|| {
            Route::To(format!(
                "http://{}{}",
                self.fe_hosts[leader], head.path_and_query
            ))
        })
    }

    pub(crate) fn to_be(&self, be: usize, head: &Head) -> Route {
        Route::To(format!(
            "http://{}{}",
            self.be_hosts[be], head.path_and_query
        ))
    }

    fn route_stream_load(&self, head: &Head) -> Result<Route, Reply> {
        let basic = head.basic();
        self.authenticate(basic.as_ref())
            .map_err(|m| Reply::denied(&m))?;
        if head.version == Version::HTTP_11 && !head.expects_continue() {
            let message =
                "class com.starrocks.common.DdlException: There is no 100-continue header";
            return Err(Reply::fe(&json!({"Status": "FAILED", "Message": message})).closing());
        }
        let insert = basic.map_or(Ok(()), |b| self.may_insert(&b, &head.db, &head.table));
        insert.map_err(|m| Reply::denied(&m))?;
        Ok(self.to_be(self.choose_be(None), head))
    }

    fn route_transaction(&self, fe: usize, head: &Head) -> Result<Route, Reply> {
        if !self.options.transaction_interface {
            return Err(Reply::fe(
                &json!({"status": "FAILED", "msg": "Not implemented"}),
            ));
        }
        let basic = head.basic();
        self.authenticate(basic.as_ref())
            .map_err(|m| Reply::denied(&m))?;
        if let Some(route) = self.to_leader(fe, head) {
            return Ok(route);
        }
        if head.db.is_empty() {
            return Err(Reply::fe_failed("No database selected."));
        }
        if head.label.is_empty() {
            return Err(Reply::fe_failed("Empty label."));
        }
        for name in [
            "channel_id",
            "channel_num",
            "transaction_type",
            "source_type",
        ] {
            if head.header(name).is_some() {
                return Err(Reply::fe_failed(&format!(
                    "this StarRocks stand-in does not know the header `{name}`"
                )));
            }
        }
        if matches!(head.call, Call::Begin | Call::Load) {
            if head.header("table").is_none_or(str::is_empty) {
                return Err(Reply::fe_failed("No table selected."));
            }
            let insert = basic.map_or(Ok(()), |b| self.may_insert(&b, &head.db, &head.table));
            insert.map_err(|m| Reply::denied(&m))?;
        }
        self.route_by_state(head)
    }

    fn route_by_state(&self, head: &Head) -> Result<Route, Reply> {
        let txn = self.meta().txns.by_label(&head.db, &head.label).cloned();
        let cached = || {
            self.meta()
                .label_be
                .get(&(head.db.clone(), head.label.clone()))
                .copied()
        };
        match head.call {
            Call::Begin => Ok(self.to_be(self.choose_be(Some((&head.db, &head.label))), head)),
            Call::Load | Call::Prepare => match cached().or(txn.map(|t| t.coordinator)) {
                Some(be) => Ok(self.to_be(be, head)),
                None => Err(Reply::fe_failed(&format!(
                    "Can't find the transaction with db [{}] and label[{}], it may be not begun or finished long ago",
                    head.db, head.label
                ))),
            },
            _ => match txn {
                Some(txn) if txn.state == TxnState::Prepare => {
                    Ok(self.to_be(txn.coordinator, head))
                }
                Some(_) => Ok(Route::Here),
                None => Err(Reply::fe_failed(&format!(
                    "No transaction found by label {}",
                    head.label
                ))),
            },
        }
    }

    /// What FE `fe` does itself. Runs to its end whether or not the client waits.
    pub(crate) fn fe_serve(
        &self,
        fe: usize,
        head: &Head,
        body: &[u8],
        action: Option<&Action>,
    ) -> Reply {
        match self.fe_route(fe, head) {
            Err(refusal) => return refusal,
            // Since the call was looked at the state changed: it is for another server now.
            Ok(Route::To(location)) => return Reply::redirect(&location),
            Ok(Route::Here) => {}
        }
        match head.call {
            Call::Commit => self.fe_commit(head, action),
            Call::Rollback => self.fe_rollback(head),
            Call::State => self.fe_state(head),
            Call::Cancel => self.fe_cancel(head),
            Call::Schema => self.fe_schema(head),
            Call::Testbed => self.testbed(head, body),
            _ if head.path.starts_with("/api/transaction/")
                && matches!(head.method, Method::POST | Method::PUT) =>
            {
                let op = head.path.rsplit('/').next().unwrap_or_default();
                Reply::fe_failed(&format!("Unknown transaction operation: {op}"))
            }
            _ => Reply::new(404, HTML, "Not Found"),
        }
    }

    fn fe_commit(&self, head: &Head, action: Option<&Action>) -> Reply {
        let seconds = match head.header("timeout").map(str::parse::<u64>) {
            None => 20,
            Some(Ok(seconds)) => seconds,
            Some(Err(_)) => return Reply::fe_failed("Invalid timeout format"),
        };
        let Some(id) = self
            .meta()
            .txns
            .by_label(&head.db, &head.label)
            .map(|t| t.id)
        else {
            return Reply::fe_failed(&format!("No transaction found by label {}", head.label));
        };
        let _working = self.working(id);
        let Some(txn) = self.meta().txns.get(id).cloned() else {
            return Reply::fe_failed(&format!("No transaction found by label {}", head.label));
        };
        let publish = action != Some(&Action::PublishTimeout);
        match txn.state {
            TxnState::Prepared => match self.commit_prepared(txn, publish) {
                Ok(()) if publish => Reply::fe_ok("", id, &head.label),
                Ok(()) => Reply::fe_failed(&format!(
                    "publish timeout: {}",
                    Duration::from_secs(seconds).as_millis()
                )),
                Err(Failure { message, .. }) => Reply::fe_failed(&message),
            },
            TxnState::Committed | TxnState::Visible => Reply::fe_ok(
                &format!(
                    "Transaction {id} has already committed, label is {}",
                    head.label
                ),
                id,
                &head.label,
            ),
            TxnState::Aborted => Reply::fe_failed(&format!(
                "Can not commit ABORTED transaction {id}, label is {}",
                head.label
            )),
            TxnState::Prepare => Reply::fe_failed(&format!(
                "Can not commit PREPARE transaction {id} here, label is {}",
                head.label
            )),
        }
    }

    fn fe_rollback(&self, head: &Head) -> Reply {
        let Some(txn) = self.meta().txns.by_label(&head.db, &head.label).cloned() else {
            return Reply::fe_failed(&format!("No transaction found by label {}", head.label));
        };
        let already = |txn: &Txn| match txn.state {
            TxnState::Aborted => Reply::fe_ok(
                &format!(
                    "Transaction {} has already aborted, label is {}",
                    txn.id, txn.label
                ),
                txn.id,
                &txn.label,
            ),
            state => Reply::fe_failed(&format!(
                "Can not abort {state} transaction {}, label is {}",
                txn.id, txn.label
            )),
        };
        if txn.state != TxnState::Prepared {
            return already(&txn);
        }
        match self.abort(txn.id, "User Aborted") {
            Ok(true) => Reply::fe_ok("", txn.id, &txn.label),
            Ok(false) => self
                .meta()
                .txns
                .get(txn.id)
                .map_or_else(|| already(&txn), already),
            Err(error) => Reply::fe_failed(&error.to_string()),
        }
    }

    fn fe_state(&self, head: &Head) -> Reply {
        if head.label.is_empty() {
            return Reply::fe_generic(200, "Empty label.");
        }
        let meta = self.meta();
        if self.options.count_only.is_none() && !meta.catalogue.contains_key(&head.db) {
            drop(meta);
            return Reply::fe_generic(200, &format!("unknown database, database={}", head.db));
        }
        let txn = meta.txns.by_label(&head.db, &head.label);
        let state = txn.map_or_else(|| "UNKNOWN".to_owned(), |t| t.state.to_string());
        let reason = txn.map(|t| t.reason.clone()).unwrap_or_default();
        Reply::fe(
            &json!({"state": state, "reason": reason, "status": "OK", "code": "0", "msg": "Success", "message": "OK"}),
        )
    }

    fn fe_cancel(&self, head: &Head) -> Reply {
        let Some(txn) = self.meta().txns.by_label(&head.db, &head.label).cloned() else {
            return Reply::fe_generic(
                200,
                &format!("label {} not found in database {}", head.label, head.db),
            );
        };
        match self.abort(txn.id, "user cancel") {
            Ok(true) => {
                Reply::fe(&json!({"status": "OK", "code": "0", "msg": "Success", "message": "OK"}))
            }
            Ok(false) => {
                let state = self.meta().txns.get(txn.id).map_or(txn.state, |t| t.state);
                Reply::fe_generic(
                    200,
                    &format!("transaction {} state is {state}, could not abort", txn.id),
                )
            }
            Err(error) => Reply::fe_generic(200, &error.to_string()),
        }
    }

    /// What the stand-in answers and StarRocks does not have.
    fn testbed(&self, head: &Head, body: &[u8]) -> Reply {
        match (head.method.as_str(), head.path.as_str()) {
            ("POST", "/testbed/sql") => match self.sql(&String::from_utf8_lossy(body)) {
                Ok(result) => Reply::be(&json!(result)),
                Err(error) => Reply {
                    status: 400,
                    ..Reply::be(&json!({"error": error.to_string()}))
                },
            },
            ("GET", "/testbed/transactions") => {
                let all: Vec<Txn> = self.meta().txns.all().cloned().collect();
                Reply::be(&json!(all))
            }
            ("GET", "/testbed/counters") => Reply::be(&json!(self.counters())),
            _ => Reply::new(404, HTML, "Not Found"),
        }
    }
}
