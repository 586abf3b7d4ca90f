//! The StarRocks stand-in as a process of its own that keeps nothing and counts.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::failure::Failure;

/// A request to it is answered at once.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// What it has counted.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) body_bytes: u64,
    pub(crate) rows: u64,
    pub(crate) commits: u64,
}

/// A running stand-in. Dropping it ends it.
pub(crate) struct StandIn {
    process: Child,
    address: String,
}

impl StandIn {
    /// Starts the program on free ports and waits until it serves.
    pub(crate) fn start(program: &Path) -> Result<Self, Failure> {
        let process = Command::new(program)
            .args(["serve", "--count-only", "--count-rows"])
            .args(["--http", "127.0.0.1:0", "--be", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Failure::to(format!("run {}", program.display())))?;
        let mut this = Self {
            process,
            address: String::new(),
        };
        let output = this.process.stdout.take();
        for line in output.into_iter().flat_map(|o| BufReader::new(o).lines()) {
            let line = line?;
            if let Some(address) = line.strip_prefix("FE 0 http://") {
                address.clone_into(&mut this.address);
            }
            if line == "ready" && !this.address.is_empty() {
                return Ok(this);
            }
        }
        Err(Failure::new("the StarRocks stand-in ended while starting"))
    }

    /// `host:port` of its frontend.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn counters(&self) -> Result<Counters, Failure> {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(&self.address)?;
            stream.set_read_timeout(Some(ANSWER_LIMIT))?;
            let address = &self.address;
            write!(
                stream,
                "GET /testbed/counters HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = ask().map_err(Failure::to("ask the StarRocks stand-in"))?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).map_err(Failure::to("read the stand-in's counters"))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // It may have ended already; it keeps nothing.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
