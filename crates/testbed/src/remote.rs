//! SQL on a stand-in from outside: one that runs, by HTTP, or the directory of one that does not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::sql::{Session, SqlError, SqlResult, run};
use crate::store::Store;

/// Runs SQL in the data directory of a stand-in that is not running.
///
/// # Errors
/// Where a statement is refused, or a running stand-in has the directory.
pub fn sql_in(dir: &Path, sql: &str) -> Result<SqlResult, SqlError> {
    let mut store = Store::open(dir).map_err(|error| {
        SqlError::new(format!(
            "{}: {error}; if a stand-in runs on it, ask that one with --http",
            dir.display()
        ))
    })?;
    run(&mut store, &mut Session::default(), sql)
}

/// Runs SQL on a running stand-in, by the address (`host:port`) of one of its FEs.
///
/// # Errors
/// Where a statement is refused, or nothing answers there.
pub fn sql_at(addr: &str, sql: &str) -> Result<SqlResult, SqlError> {
    let (status, body) = post(addr, sql)
        .map_err(|e| SqlError::new(format!("no stand-in answers at {addr}: {e}")))?;
    let not_ours = || SqlError::new(format!("what answers at {addr} is not a stand-in"));
    if status == 200 {
        return serde_json::from_slice(&body).map_err(|_| not_ours());
    }
    let error: serde_json::Value = serde_json::from_slice(&body).map_err(|_| not_ours())?;
    Err(SqlError::new(
        error["error"].as_str().ok_or_else(not_ours)?.to_owned(),
    ))
}

/// One request on a connection of its own, which the server is asked to close.
fn post(addr: &str, body: &str) -> std::io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(300)))?;
    let head = format!(
        "POST /testbed/sql HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let malformed = || std::io::Error::other("the answer is not HTTP");
    let end = answer
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .ok_or_else(malformed)?;
    let head = std::str::from_utf8(&answer[..end]).map_err(|_| malformed())?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .ok_or_else(malformed)?;
    Ok((status, answer.split_off(end + 4)))
}
