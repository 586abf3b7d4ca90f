//! Answers before they are bytes on a socket.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// FE answers say `text/html` even when they are JSON.
pub(crate) const HTML: &str = "text/html; charset=UTF-8";
const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain";

impl Reply {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// JSON of an FE.
    pub(crate) fn fe(body: &Value) -> Self {
        Self::new(200, HTML, body.to_string())
    }

    /// JSON of a BE.
    pub(crate) fn be(body: &Value) -> Self {
        Self::new(200, JSON, body.to_string())
    }

    /// An FE's generic failure: small keys.
    pub(crate) fn fe_generic(status: u16, message: &str) -> Self {
        Self {
            status,
            ..Self::fe(
                &json!({"status": "FAILED", "code": "1", "msg": message, "message": message}),
            )
        }
    }

    pub(crate) fn fe_failed(message: &str) -> Self {
        Self::fe(
            &json!({"Status": "FAILED", "Message": format!("class com.starrocks.common.StarRocksException: {message}")}),
        )
    }

    pub(crate) fn fe_ok(message: &str, txn: i64, label: &str) -> Self {
        Self::fe(&json!({"Status": "OK", "Message": message, "TxnId": txn, "Label": label}))
    }

    pub(crate) fn denied(message: &str) -> Self {
        Self::fe_generic(401, message).with("www-authenticate", "Basic realm=\"\"")
    }

    /// FE load answers close the connection.
    pub(crate) fn redirect(location: &str) -> Self {
        Self::new(307, HTML, Bytes::new())
            .with("location", location)
            .closing()
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn closing(self) -> Self {
        self.with("connection", "close")
    }

    /// The status word in the body, or nothing: what the journal shows.
    pub(crate) fn word(&self) -> String {
        let object: Map<String, Value> = serde_json::from_slice(&self.body).unwrap_or_default();
        let word = object
            .get("Status")
            .or_else(|| object.get("state"))
            .or_else(|| object.get("status"));
        word.and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}
