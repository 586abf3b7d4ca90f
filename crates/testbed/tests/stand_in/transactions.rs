//! The transaction interface over real sockets.

use crate::http::{JSON, prepared, stand_in, state, transaction};
use starrocks_kafka_testbed::{StandInOptions, TxnState};

#[test]
fn rows_are_visible_only_after_commit() {
    let at = stand_in(StandInOptions::default());
    prepared(&at, "one", r#"[{"id":1,"name":"a"},{"id":2}]"#);
    assert_eq!(state(&at, "one"), "PREPARED");
    assert_eq!(
        at.sql("SELECT count(*) FROM d.t")
            .expect("it counts")
            .number(),
        Some(0)
    );
    let answer = transaction(&at, "commit", "one", &[], "").expect("it answers");
    assert_eq!(
        (answer.word(), answer.get("Message")),
        ("OK".into(), String::new())
    );
    assert_eq!(state(&at, "one"), "VISIBLE");
    assert_eq!(
        at.sql("SELECT * FROM d.t ORDER BY id")
            .expect("it reads")
            .lines(),
        ["1\ta", "2\tNULL"]
    );
    assert!(at.transactions_in(TxnState::Prepared).is_empty());
    let again = transaction(&at, "commit", "one", &[], "").expect("it answers");
    assert_eq!(again.word(), "OK");
    assert!(
        again.get("Message").contains("has already committed"),
        "{}",
        again.text()
    );
    let load = transaction(&at, "load", "one", JSON, "[]").expect("it answers");
    assert_eq!(load.word(), "TXN_NOT_EXISTS");
}
