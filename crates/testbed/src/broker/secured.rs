//! What a secured broker and its clients need: an authority for certificates, stores made by Java's own
//! `keytool`, and an endpoint for tokens.

mod authority;
mod token_endpoint;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub use authority::{Authority, Certified};
pub use token_endpoint::{TokenEndpoint, TokenOptions};

use super::{BrokerError, jars};

/// Runs `keytool` beside the Java that runs the broker.
///
/// # Errors
/// What it says where it fails.
pub fn keytool(arguments: &[&str]) -> Result<(), BrokerError> {
    let java = jars::java();
    let program = match java.parent() {
        Some(folder) if folder != Path::new("") => folder.join("keytool"),
        _ => PathBuf::from("keytool"),
    };
    let output = Command::new(&program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| BrokerError::new(format!("cannot run {}: {error}", program.display())))?;
    if output.status.success() {
        return Ok(());
    }
    Err(BrokerError::new(format!(
        "keytool failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )))
}
