//! Loads of a transaction: the header phase, the body as it comes, its end.

use std::sync::Arc;

use serde_json::json;

use crate::be::{enter, failed, json_too_big, not_exists};
use crate::cluster::{Cluster, Failure};
use crate::context::Context;
use crate::evaluate::count_unkept;
use crate::faults::Action;
use crate::headers::{Interface, LoadHeaders};
use crate::plan::LoadPlan;
use crate::reply::Reply;
use crate::request::Head;
use crate::spec::{Format, LoadSpec};

impl Cluster {
    /// The header phase of a load: takes the label's mutex. Dropping what it answers gives the mutex back.
    pub(crate) fn load_start(
        self: &Arc<Self>,
        be: usize,
        head: &Head,
        action: Option<&Action>,
    ) -> Result<Loading, Failure> {
        self.be_access(head, action)?;
        let txn = {
            let mut meta = self.meta();
            let context = enter(&mut meta.contexts[be], head)?;
            context.busy = true;
            context.txn
        };
        let loading = Loading {
            cluster: Arc::clone(self),
            be,
            label: head.label.clone(),
            txn,
            counted: 0,
        };
        let planned = match action.and_then(|a| a.refusal(&head.db)) {
            Some((status, message)) => Err(Failure::new(status, message)),
            None => self.load_headers(be, head),
        };
        // A header that is refused rolls the whole transaction back.
        planned.map_err(|failure| loading.fail(failure))?;
        Ok(loading)
    }

    fn load_headers(&self, be: usize, head: &Head) -> Result<(), Failure> {
        let refused = |message: String| Failure::new("INVALID_ARGUMENT", message);
        let headers = LoadHeaders::read(Interface::Transaction, |name| head.header(name));
        let spec = LoadSpec::read(&headers).map_err(refused)?;
        if let Some(table) = self.table(&head.db, &head.table)? {
            LoadPlan::new(&spec, &table).map_err(|m| Failure::new("ANALYSIS_ERROR", m))?;
        }
        let max = self.options.max_json_bytes;
        let mut meta = self.meta();
        let Some(context) = meta.contexts[be].get_mut(&head.label) else {
            return Err(not_exists(&head.label));
        };
        match &context.headers {
            Some(first) if !first.same_plan(&headers) => {
                return Err(Failure::new(
                    "INTERNAL_ERROR",
                    "load request not equal last.",
                ));
            }
            Some(_) => {}
            None => context.headers = Some(headers),
        }
        if let (Format::Json(_), false, Some(length)) =
            (&spec.format, spec.ignore_json_size, head.content_length())
        {
            context.json_bytes += length;
            if context.json_bytes > max {
                return Err(refused(json_too_big(context.json_bytes, max)));
            }
        }
        Ok(())
    }
}

/// A load whose body is coming in. Holds the label's mutex.
#[derive(Debug)]
pub(crate) struct Loading {
    cluster: Arc<Cluster>,
    be: usize,
    label: String,
    txn: i64,
    counted: u64,
}

impl Loading {
    /// Rolls the transaction back and drops the context.
    fn fail(&self, failure: Failure) -> Failure {
        self.cluster.meta().contexts[self.be].remove(&self.label);
        match self.cluster.abort(self.txn, &failure.message) {
            Ok(_) => failure,
            Err(error) => error.into(),
        }
    }

    fn context<T>(&self, work: impl FnOnce(&mut Context) -> T) -> Option<T> {
        let mut meta = self.cluster.meta();
        // The BE may have been restarted meanwhile, and the label begun anew.
        meta.contexts[self.be]
            .get_mut(&self.label)
            .filter(|c| c.txn == self.txn)
            .map(work)
    }

    /// Bytes of the body as they come.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let keep = self.cluster.options.count_only.is_none();
        let rows = self.cluster.options.count_only.is_some_and(|c| c.rows);
        self.counted += bytes.len() as u64;
        if keep || rows {
            self.context(|c| c.partial.extend_from_slice(bytes));
        }
    }

    /// The body came in whole.
    pub(crate) fn finish(self) -> Reply {
        let count_only = self.cluster.options.count_only.is_some();
        let (bytes, now) = (self.counted, self.cluster.clock.now_ms());
        let limits = self.cluster.limits(now);
        let done = self.context(|c| {
            let body = std::mem::take(&mut c.partial);
            c.load_bytes += bytes;
            c.active_ms = now;
            if count_only {
                let spec = c.headers.as_ref().map(LoadSpec::read);
                if let Some(Ok(spec)) = spec {
                    c.counted_rows += count_unkept(&spec, &body, limits);
                }
            } else {
                c.units.push(body);
            }
        });
        if done.is_none() {
            return failed(&not_exists(&self.label), &self.label);
        }
        Reply::be(&json!({
            "Status": "OK", "Message": "", "Label": self.label, "TxnId": self.txn, "LoadBytes": bytes,
            "StreamLoadPlanTimeMs": 0, "ReceivedDataTimeMs": 0,
        }))
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.context(|c| c.busy = false);
    }
}
