//! Commits that are decided but not visible yet, and labels told as taken.

use std::time::Duration;

use starrocks_kafka_testbed::{Action, Call, Node, StandInOptions, TxnState};

use crate::http::{Ask, JSON, prepared, stand_in, state, transaction};

const ROWS: &str = r#"[{"id":1,"name":"a"}]"#;

#[test]
fn a_publish_that_is_late_comes() {
    let at = stand_in(StandInOptions::default());
    prepared(&at, "late", ROWS);
    at.faults()
        .on(Call::Commit)
        .first(1)
        .act(Action::PublishTimeout);
    let answer = transaction(&at, "commit", "late", &[("timeout", "7")], "").expect("it answers");
    assert!(
        answer.get("Message").ends_with("publish timeout: 7000"),
        "{}",
        answer.text()
    );
    let count = || {
        at.sql("SELECT count(*) FROM d.t")
            .expect("it counts")
            .number()
    };
    assert_eq!((state(&at, "late"), count()), ("COMMITTED".into(), Some(0)));
    assert!(
        transaction(&at, "commit", "late", &[], "")
            .expect("it answers")
            .get("Message")
            .contains("already committed")
    );
    assert_eq!(at.publish().expect("it publishes"), 1);
    assert_eq!((state(&at, "late"), count()), ("VISIBLE".into(), Some(1)));
    // The same from a BE, for a transaction that was never prepared, and for Stream Load.
    at.faults()
        .on(Call::Commit)
        .nth(1)
        .act(Action::PublishTimeout);
    for (op, headers) in [("begin", &[][..]), ("load", JSON)] {
        assert_eq!(
            transaction(&at, op, "be", headers, ROWS)
                .expect("it answers")
                .word(),
            "OK"
        );
    }
    assert_eq!(
        transaction(&at, "commit", "be", &[], "")
            .expect("it answers")
            .word(),
        "PUBLISH_TIMEOUT"
    );
    at.faults().on(Call::StreamLoad).act(Action::PublishTimeout);
    let stream = Ask::new("PUT", "/api/d/t/_stream_load")
        .headers(JSON)
        .header("label", "sl")
        .header("Expect", "100-continue");
    let answer = stream
        .clone()
        .body(ROWS)
        .follow(at.addr(Node::Fe(0)))
        .expect("it answers");
    assert_eq!(answer.word(), "Publish Timeout");
    assert_eq!(at.transactions_in(TxnState::Committed).len(), 2);
    at.advance(Duration::ZERO).expect("the daemons come by");
    assert_eq!(count(), Some(3));
    // A taken label, as it should be told and as some versions tell it.
    let again = |status: &str, existing: &str| {
        let answer = stream
            .clone()
            .body(ROWS)
            .follow(at.addr(Node::Fe(0)))
            .expect("it answers");
        assert_eq!(
            (
                answer.word().as_str(),
                answer.get("ExistingJobStatus").as_str()
            ),
            (status, existing)
        );
        assert!(
            answer
                .get("Message")
                .contains("Label [sl] has already been used"),
            "{}",
            answer.text()
        );
    };
    again("Label Already Exists", "FINISHED");
    at.faults().clear();
    at.faults()
        .on(Call::StreamLoad)
        .act(Action::LabelExistsAsPlainFail);
    again("Fail", "");
    assert_eq!(count(), Some(3));
}
