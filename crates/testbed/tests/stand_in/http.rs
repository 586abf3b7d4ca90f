//! The smallest HTTP client that shows what is on the socket: no pool, no redirects, no retries.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use serde_json::Value;
use starrocks_kafka_testbed::{Call, Hop, Node, StandIn};

/// An answer as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether `100 Continue` came first.
    pub(crate) continued: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a key of the JSON body as text, without quotes; empty where it is missing.
    pub(crate) fn get(&self, key: &str) -> String {
        match self.json().get(key) {
            Some(Value::String(s)) => s.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    pub(crate) fn word(&self) -> String {
        self.get("Status")
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
        .user("root", "")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn headers(self, headers: &[(&str, &str)]) -> Self {
        headers
            .iter()
            .fold(self, |ask, (name, value)| ask.header(name, value))
    }

    pub(crate) fn user(self, name: &str, password: &str) -> Self {
        let token = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        self.header("Authorization", &format!("Basic {token}"))
    }

    pub(crate) fn anonymous(mut self) -> Self {
        self.headers.retain(|(n, _)| n != "Authorization");
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn head(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: stand-in\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || self.method != "GET" {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// Sends it on a connection of its own.
    pub(crate) fn send(&self, to: SocketAddr) -> io::Result<Answer> {
        let mut stream = connect(to)?;
        stream.write_all(&self.head())?;
        // What breaks off while writing may still have an answer to read.
        let written = stream.write_all(&self.body);
        match read_answer(&mut stream) {
            Ok(answer) => Ok(answer),
            Err(error) => Err(written.err().unwrap_or(error)),
        }
    }

    /// Sends all but the last `hold_back` bytes of the body and hands out the connection.
    pub(crate) fn send_part(&self, to: SocketAddr, hold_back: usize) -> io::Result<TcpStream> {
        let mut stream = connect(to)?;
        stream.write_all(&self.head())?;
        stream.write_all(&self.body[..self.body.len() - hold_back])?;
        Ok(stream)
    }

    /// Sends it and follows redirects, as a client of StarRocks does.
    pub(crate) fn follow(&self, to: SocketAddr) -> io::Result<Answer> {
        let mut to = to;
        let mut ask = self.clone();
        for _ in 0..3 {
            let answer = ask.send(to)?;
            if answer.status != 307 {
                return Ok(answer);
            }
            let location = answer
                .header("location")
                .expect("a redirect has a Location")
                .to_owned();
            let rest = location
                .strip_prefix("http://")
                .expect("the Location is absolute and plain http");
            let (host, path) = rest.split_once('/').expect("the Location has a path");
            to = host.parse().expect("the Location names an address");
            ask.path = format!("/{path}");
        }
        Err(io::Error::other("too many redirects"))
    }
}

pub(crate) fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

fn read_until_blank_line(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        // Unlike `read` it goes on after a signal, such as that of a child process which another test waited for.
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

pub(crate) fn read_answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut head = read_until_blank_line(stream)?;
    let continued = head.starts_with("HTTP/1.1 100");
    if continued {
        head = read_until_blank_line(stream)?;
    }
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|l| l.split(' ').nth(1))
        .and_then(|s| s.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|l| l.split_once(": "))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.and_then(|(_, v)| v.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body)?;
    Ok(Answer {
        status: status.ok_or_else(|| io::Error::other(head.clone()))?,
        headers,
        body,
        continued,
    })
}

/// A call of the transaction interface, sent to the first FE and followed.
pub(crate) fn transaction(
    at: &StandIn,
    op: &str,
    label: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    transaction_ask(op, label)
        .headers(headers)
        .body(body)
        .follow(at.addr(Node::Fe(0)))
}

pub(crate) fn transaction_ask(op: &str, label: &str) -> Ask {
    let method = if op == "load" { "PUT" } else { "POST" };
    Ask::new(method, &format!("/api/transaction/{op}")).headers(&[
        ("db", "d"),
        ("table", "t"),
        ("label", label),
        ("Expect", "100-continue"),
    ])
}

pub(crate) const JSON: &[(&str, &str)] = &[
    ("format", "json"),
    ("strip_outer_array", "true"),
    ("ignore_json_size", "true"),
    ("strict_mode", "true"),
];

/// The state that the first FE tells of a label.
pub(crate) fn state(at: &StandIn, label: &str) -> String {
    let ask = Ask::new("GET", &format!("/api/d/get_load_state?label={label}"));
    ask.follow(at.addr(Node::Fe(0)))
        .expect("the FE answers")
        .get("state")
}

/// A stand-in with the table `d.t (id INT NOT NULL, name VARCHAR(8))`.
pub(crate) fn stand_in(options: starrocks_kafka_testbed::StandInOptions) -> StandIn {
    let at = StandIn::start(options).expect("the stand-in starts");
    at.sql("CREATE DATABASE IF NOT EXISTS d; CREATE TABLE IF NOT EXISTS d.t (id INT NOT NULL, name VARCHAR(8)) DUPLICATE KEY (id)")
        .expect("the table is made");
    at
}

/// Begins, loads and prepares one body.
pub(crate) fn prepared(at: &StandIn, label: &str, body: &str) {
    for (op, headers, body) in [
        ("begin", &[][..], ""),
        ("load", JSON, body),
        ("prepare", &[], ""),
    ] {
        let answer = transaction(at, op, label, headers, body).expect("it answers");
        assert_eq!(answer.word(), "OK", "{op}: {}", answer.text());
    }
}

/// Waits until the n-th load took in this many bytes of its body.
pub(crate) fn wait_for_bytes(at: &StandIn, nth: usize, bytes: usize) {
    let bytes = u64::try_from(bytes).expect("a body is short");
    at.wait_until("the bytes of a load", Duration::from_secs(10), |all| {
        let mut loads = all
            .iter()
            .filter(|r| r.call == Call::Load && r.hop == Hop::Serve);
        loads.nth(nth - 1).is_some_and(|r| r.body_bytes >= bytes)
    })
    .expect("the bytes arrive");
}
