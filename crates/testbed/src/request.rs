//! What a request asks for: the call, whom it concerns, who asks.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Version};

/// A call of the load interfaces, or of the stand-in's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// `/api/transaction/begin`.
    Begin,
    /// `/api/transaction/load`.
    Load,
    /// `/api/transaction/prepare`.
    Prepare,
    /// `/api/transaction/commit`.
    Commit,
    /// `/api/transaction/rollback`.
    Rollback,
    /// `/api/{db}/{table}/_stream_load`.
    StreamLoad,
    /// `/api/{db}/get_load_state`.
    State,
    /// `/api/{db}/{table}/_cancel`.
    Cancel,
    /// `/api/{db}/{table}/_schema`, or `/api/v2/catalogs/…/schema`.
    Schema,
    /// `ALTER TABLE` by the MySQL port. Of the faults it knows those that reset, drop, delay or hold, and
    /// [`SlowAlter`](crate::Action::SlowAlter).
    Alter,
    /// `/api/_load_error_log`.
    ErrorLog,
    /// `/testbed/…`, which StarRocks does not have.
    Testbed,
    /// Anything else.
    Other,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Begin => "begin",
            Self::Load => "load",
            Self::Prepare => "prepare",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
            Self::StreamLoad => "_stream_load",
            Self::State => "get_load_state",
            Self::Cancel => "_cancel",
            Self::Schema => "_schema",
            Self::Alter => "ALTER TABLE",
            Self::ErrorLog => "_load_error_log",
            Self::Testbed => "testbed",
            Self::Other => "other",
        })
    }
}

/// A request without its body.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) call: Call,
    pub(crate) method: Method,
    pub(crate) version: Version,
    pub(crate) path: String,
    pub(crate) path_and_query: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// Database, table and label, from the path or the headers, by call; empty where not given.
    pub(crate) db: String,
    pub(crate) table: String,
    pub(crate) label: String,
}

impl Head {
    pub(crate) fn read(parts: &http::request::Parts) -> Self {
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().map(pairs).unwrap_or_default();
        let path_and_query = parts
            .uri
            .path_and_query()
            .map_or_else(|| path.clone(), ToString::to_string);
        let mut head = Self {
            call: Call::Other,
            method: parts.method.clone(),
            version: parts.version,
            path,
            path_and_query,
            query,
            headers: parts.headers.clone(),
            db: String::new(),
            table: String::new(),
            label: String::new(),
        };
        head.classify();
        head
    }

    /// A statement of the MySQL port, which has a table and nothing else that a request by HTTP has.
    pub(crate) fn of_statement(call: Call, db: &str, table: &str) -> Self {
        Self {
            call,
            method: Method::default(),
            version: Version::default(),
            path: String::new(),
            path_and_query: String::new(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            db: db.to_owned(),
            table: table.to_owned(),
            label: String::new(),
        }
    }

    fn classify(&mut self) {
        let path = self.path.clone();
        let segments: Vec<String> = path.trim_matches('/').split('/').map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let write = self.method == Method::POST || self.method == Method::PUT;
        let from_headers = |head: &mut Self, call| {
            head.call = call;
            head.db = head.header("db").unwrap_or_default().to_owned();
            head.table = head.header("table").unwrap_or_default().to_owned();
            head.label = head.header("label").unwrap_or_default().to_owned();
        };
        match segments.as_slice() {
            ["api", "transaction", op] if write => {
                let call = match *op {
                    "begin" => Call::Begin,
                    "load" => Call::Load,
                    "prepare" => Call::Prepare,
                    "commit" => Call::Commit,
                    "rollback" => Call::Rollback,
                    _ => Call::Other,
                };
                from_headers(self, call);
            }
            ["api", db, table, "_stream_load"] if self.method == Method::PUT => {
                from_headers(self, Call::StreamLoad);
                (self.db, self.table) = ((*db).to_owned(), (*table).to_owned());
            }
            ["api", db, "get_load_state"] if self.method == Method::GET => {
                self.call = Call::State;
                self.db = (*db).to_owned();
                self.label = self.parameter("label").unwrap_or_default().to_owned();
            }
            ["api", db, third, "_cancel"] if self.method == Method::POST => {
                self.call = Call::Cancel;
                (self.db, self.table) = ((*db).to_owned(), (*third).to_owned());
                self.label = self.parameter("label").unwrap_or(third).to_owned();
            }
            ["api", db, table, "_schema"] if self.method == Method::GET => {
                self.call = Call::Schema;
                (self.db, self.table) = ((*db).to_owned(), (*table).to_owned());
            }
            [
                "api",
                "v2",
                "catalogs",
                _,
                "databases",
                db,
                "tables",
                table,
                "schema",
            ] if self.method == Method::GET => {
                self.call = Call::Schema;
                (self.db, self.table) = ((*db).to_owned(), (*table).to_owned());
            }
            ["api", "_load_error_log"] if self.method == Method::GET => self.call = Call::ErrorLog,
            ["testbed", ..] => self.call = Call::Testbed,
            _ => {}
        }
    }

    /// A header's text; `None` where it is missing or not text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.headers.get(name)?.as_bytes()).ok()
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// User and password of HTTP Basic; `None` where missing or not readable.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    pub(crate) fn expects_continue(&self) -> bool {
        self.header("expect")
            .is_some_and(|v| v.eq_ignore_ascii_case("100-continue"))
    }

    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }
}

pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|p| !p.is_empty())
        .map(|p| {
            let (name, value) = p.split_once('=').unwrap_or((p, ""));
            (decoded(name), decoded(&value.replace('+', " ")))
        })
        .collect()
}

/// Text with `%xx` decoded; what is not well formed stays as it is.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
