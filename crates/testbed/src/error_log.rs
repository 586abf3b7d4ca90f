//! Where a load's rejected rows can be read.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::evaluate::Evaluated;
use crate::reply::{Reply, TEXT};
use crate::request::Head;

/// What a load wrote of its rejected rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Logs {
    /// URL of the reasons.
    pub(crate) error_url: Option<String>,
    /// `host:path` of the rows themselves, where the load asked for them.
    pub(crate) rejected_path: Option<String>,
}

impl Logs {
    pub(crate) fn put_into(&self, body: &mut Value) {
        let keys = [
            ("ErrorURL", &self.error_url),
            ("RejectedRecordPath", &self.rejected_path),
        ];
        for (key, value) in keys {
            if let Some(value) = value {
                body[key] = json!(value);
            }
        }
    }
}

impl Cluster {
    /// Writes down what was rejected.
    pub(crate) fn keep_logs(&self, be: usize, evaluated: &Evaluated) -> Logs {
        let number = self.totals.next_file.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:x}_{number:x}", self.clock.now_ms());
        let error_log = format!("error_log_{id}");
        let error_url = self.write(be, &error_log, &evaluated.log).map(|_| {
            format!(
                "http://{}/api/_load_error_log?file={error_log}",
                self.be_hosts[be]
            )
        });
        let host = self.be_hosts[be].split(':').next().unwrap_or_default();
        let rejected_path = self
            .write(be, &format!("rejected_record_{id}"), &evaluated.rejected)
            .map(|path| format!("{host}:{}", path.display()));
        Logs {
            error_url,
            rejected_path,
        }
    }

    /// The file with these lines; none where there are no lines.
    fn write(&self, be: usize, name: &str, lines: &[String]) -> Option<PathBuf> {
        if lines.is_empty() {
            return None;
        }
        let dir = self.dir.join(format!("be{be}"));
        let path = dir.join(name);
        let written = std::fs::create_dir_all(&dir)
            .and_then(|()| std::fs::write(&path, lines.join("\n") + "\n"));
        match written {
            Ok(()) => Some(path),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "rejected rows could not be written down");
                None
            }
        }
    }

    /// `/api/_load_error_log`.
    pub(crate) fn error_log(&self, be: usize, head: &Head) -> Reply {
        let name = head.parameter("file").unwrap_or_default();
        let own = name.starts_with("error_log_")
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let path = self.dir.join(format!("be{be}")).join(name);
        match std::fs::read(path) {
            Ok(log) if own => Reply::new(200, TEXT, log),
            _ => Reply::new(404, TEXT, format!("file not exist: {name}")),
        }
    }
}
