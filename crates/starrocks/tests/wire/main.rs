//! The client against scripted nodes: exact bytes on the wire, and what the client makes of them.

mod access;
mod answers;
mod node;
mod routing;
mod rows;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use starrocks_kafka_starrocks::{
    CallError, Client, ClientConfig, Frontend, Label, LoadBody, LoadHeaders, Secret, TransactionRef,
};

/// Long enough for a loaded machine; no test waits for it.
const LIMIT: Duration = Duration::from_secs(60);
/// What no text may show.
const PASSWORD: &str = "s3cr3t-p4ss";

fn config(frontends: &str) -> ClientConfig {
    let frontends = Frontend::parse_list(frontends).expect("valid front ends");
    ClientConfig::new(frontends, "loader", Secret::new(PASSWORD))
}

fn client(frontends: &str) -> Client {
    Client::new(config(frontends)).expect("a valid configuration")
}

fn transaction(label: &str) -> TransactionRef {
    TransactionRef {
        database: "shop".to_owned(),
        table: "orders".to_owned(),
        label: Label::new(label).expect("a valid label"),
    }
}

fn json_headers() -> LoadHeaders {
    LoadHeaders::from_properties([]).expect("no properties are valid")
}

fn rows(parts: &[&'static str]) -> LoadBody {
    parts
        .iter()
        .map(|part| Bytes::from_static(part.as_bytes()))
        .collect::<Vec<_>>()
        .into()
}

/// One line with the verdict, the class and the text for the user, which must not show the password.
fn told(error: &CallError) -> String {
    let text = format!("{:?} {:?}: {error}", error.verdict, error.class);
    assert!(
        !text.contains(PASSWORD) && !format!("{error:?}").contains(PASSWORD),
        "the password is shown"
    );
    assert!(!text.contains('\n'), "more than one line: {text}");
    text
}

/// Fails unless the error has this verdict and class, and its text these parts.
fn expect_error<T: std::fmt::Debug>(result: Result<T, CallError>, start: &str, parts: &[&str]) {
    let text = told(&result.expect_err("the call is refused"));
    assert!(
        text.starts_with(start),
        "`{text}` does not start with `{start}`"
    );
    for part in parts {
        assert!(text.contains(part), "`{text}` does not contain `{part}`");
    }
}
