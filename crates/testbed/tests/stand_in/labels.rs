//! Labels: who holds them, what a broken connection leaves behind, how they are cancelled.

use std::io::Write as _;
use std::time::Duration;

use starrocks_kafka_testbed::{Call, Node, Outcome, StandInOptions};

use crate::http::{
    Ask, JSON, prepared, read_answer, stand_in, state, transaction, transaction_ask, wait_for_bytes,
};
use crate::transactions::{CSV, NDJSON, count};

#[test]
fn a_load_in_progress_holds_the_label() {
    let at = stand_in(StandInOptions::default());
    assert_eq!(
        transaction(&at, "begin", "slow", &[], "")
            .expect("it answers")
            .word(),
        "OK"
    );
    let body = r#"[{"id":1,"name":"a"}]"#;
    let mut open = transaction_ask("load", "slow")
        .headers(JSON)
        .body(body)
        .send_part(at.addr(Node::Be(0)), 5)
        .expect("it is sent");
    wait_for_bytes(&at, 1, body.len() - 5);
    for op in ["load", "prepare", "commit", "rollback"] {
        let headers = if op == "load" { JSON } else { &[] };
        let answer = transaction(&at, op, "slow", headers, "[]").expect("it answers");
        assert_eq!(
            (answer.word(), answer.get("Message")),
            (
                "TXN_IN_PROCESSING".into(),
                "Transaction is in processing".into()
            )
        );
    }
    let busy = transaction(&at, "prepare", "slow", &[], "").expect("it answers");
    assert_eq!(
        busy.text(),
        r#"{"Status":"TXN_IN_PROCESSING","Label":"slow","Message":"Transaction is in processing"}"#
    );
    open.write_all(&body.as_bytes()[body.len() - 5..])
        .expect("the rest is sent");
    let answer = read_answer(&mut open).expect("it answers");
    assert_eq!(answer.word(), "OK");
    assert_eq!(
        transaction(&at, "commit", "slow", &[], "")
            .expect("it answers")
            .get("NumberLoadedRows"),
        "1"
    );
}

/// What a broken connection left in the buffer goes in with the next load or prepare.
#[test]
fn bytes_of_a_load_that_broke_off_stay() {
    let cases = [
        // The cut falls between two objects: the first one is doubled by the repeat.
        (
            "json objects",
            NDJSON,
            "{\"id\":1}{\"id\":2}",
            8,
            "{\"id\":1}{\"id\":2}",
            Ok(3),
        ),
        (
            "json array",
            JSON,
            "[{\"id\":1}]",
            1,
            "[{\"id\":1}]",
            Err("DATA_QUALITY_ERROR"),
        ),
        ("csv", CSV, "1\x01a|2\x01b|", 4, "1\x01a|2\x01b|", Ok(3)),
    ];
    for (what, headers, first, hold_back, second, expect) in cases {
        let at = stand_in(StandInOptions::default());
        assert_eq!(
            transaction(&at, "begin", "cut", &[], "")
                .expect("it answers")
                .word(),
            "OK"
        );
        let open = transaction_ask("load", "cut")
            .headers(headers)
            .body(first)
            .send_part(at.addr(Node::Be(0)), hold_back);
        wait_for_bytes(&at, 1, first.len() - hold_back);
        drop(open.expect("it is sent"));
        let ended = at
            .wait_until_ended(Call::Load, 1, Duration::from_secs(10))
            .expect("the load ends");
        assert_eq!(ended.outcome, Outcome::Cut, "{what}");
        assert_eq!(
            transaction(&at, "load", "cut", headers, second)
                .expect("it answers")
                .word(),
            "OK",
            "{what}"
        );
        let answer = transaction(&at, "commit", "cut", &[], "").expect("it answers");
        match expect {
            Ok(rows) => assert_eq!(
                (answer.word(), count(&at)),
                ("OK".into(), Some(rows)),
                "{what}"
            ),
            Err(word) => assert_eq!(
                (answer.word().as_str(), count(&at)),
                (word, Some(0)),
                "{what}"
            ),
        }
    }
}

#[test]
fn labels_have_their_form_and_their_database() {
    let at = stand_in(StandInOptions::default());
    at.sql("CREATE DATABASE other; CREATE TABLE other.t (id INT)")
        .expect("it is made");
    let long = "a".repeat(129);
    for (label, word) in [
        ("a.b", "ANALYSIS_ERROR"),
        (long.as_str(), "ANALYSIS_ERROR"),
        ("ä", "ANALYSIS_ERROR"),
        ("a-b_C9", "OK"),
    ] {
        assert_eq!(
            transaction(&at, "begin", label, &[], "")
                .expect("it answers")
                .word(),
            word,
            "{label}"
        );
    }
    // Finished labels of another database do not count; the BE's map has the label alone.
    let elsewhere = [("db", "other")];
    assert_eq!(
        transaction(&at, "begin", "a-b_C9", &elsewhere, "")
            .expect("it answers")
            .word(),
        "LABEL_ALREADY_EXISTS"
    );
    assert_eq!(
        transaction(&at, "rollback", "a-b_C9", &[], "")
            .expect("it answers")
            .word(),
        "OK"
    );
    assert_eq!(
        transaction(&at, "begin", "a-b_C9", &elsewhere, "")
            .expect("it answers")
            .word(),
        "OK"
    );
    let unknown = [
        (
            [("db", "none")],
            "ANALYSIS_ERROR",
            "unknown database, database=none",
        ),
        (
            [("table", "none")],
            "ANALYSIS_ERROR",
            "unknown table \"d.none\"",
        ),
        (
            [("timeout", "0")],
            "INVALID_ARGUMENT",
            "Invalid timeout. Timeout should between",
        ),
        (
            [("timeout", "x")],
            "INVALID_ARGUMENT",
            "Invalid timeout format",
        ),
        ([("db", "")], "FAILED", "No database selected."),
        ([("label", "")], "FAILED", "Empty label."),
        (
            [("transaction_type", "multi")],
            "FAILED",
            "`transaction_type`",
        ),
    ];
    for (headers, word, message) in unknown {
        let answer = transaction(&at, "begin", "fresh", &headers, "").expect("it answers");
        assert_eq!(answer.word(), word, "{headers:?}");
        assert!(
            answer.get("Message").contains(message),
            "{headers:?}: {}",
            answer.text()
        );
    }
    let table = transaction(&at, "begin", "mine", &[], "").expect("it answers");
    assert_eq!(table.word(), "OK");
    let answer = transaction(&at, "load", "mine", &[("table", "other")], "1").expect("it answers");
    assert_eq!(answer.word(), "INVALID_ARGUMENT", "{}", answer.text());
    assert!(
        answer
            .get("Message")
            .contains("Request table other not equal transaction table t")
    );
}

#[test]
fn cancel_works_in_both_forms_and_without_the_be() {
    let at = stand_in(StandInOptions::default());
    let fe = at.addr(Node::Fe(0));
    let forms = [
        ("one", "/api/d/t/_cancel?label=one"),
        ("two", "/api/d/two/_cancel"),
    ];
    for (label, path) in forms {
        assert_eq!(
            transaction(&at, "begin", label, &[], "")
                .expect("it answers")
                .word(),
            "OK"
        );
        at.restart(Node::Be(0)).expect("the BE is back");
        let lost = transaction(&at, "rollback", label, &[], "").expect("it answers");
        assert_eq!(
            (lost.word(), state(&at, label)),
            ("TXN_NOT_EXISTS".into(), "PREPARE".into())
        );
        let answer = Ask::new("POST", path).send(fe).expect("it answers");
        assert_eq!(
            (answer.get("status"), state(&at, label)),
            ("OK".into(), "ABORTED".into()),
            "{path}"
        );
    }
    prepared(&at, "three", r#"[{"id":1}]"#);
    assert_eq!(
        transaction(&at, "commit", "three", &[], "")
            .expect("it answers")
            .word(),
        "OK"
    );
    for (label, message) in [
        ("three", "state is VISIBLE, could not abort"),
        ("none", "not found"),
    ] {
        let answer = Ask::new("POST", &format!("/api/d/t/_cancel?label={label}"))
            .send(fe)
            .expect("it answers");
        assert_eq!(answer.get("status"), "FAILED");
        assert!(answer.get("msg").contains(message), "{}", answer.text());
    }
}

#[test]
fn a_transaction_that_the_fe_aborted_cannot_be_prepared() {
    let at = stand_in(StandInOptions::default());
    for op in ["begin", "load"] {
        let headers = if op == "load" { JSON } else { &[] };
        assert_eq!(
            transaction(&at, op, "gone", headers, r#"[{"id":1}]"#)
                .expect("it answers")
                .word(),
            "OK"
        );
    }
    let cancel = Ask::new("POST", "/api/d/t/_cancel?label=gone")
        .send(at.addr(Node::Fe(0)))
        .expect("it answers");
    assert_eq!(cancel.get("status"), "OK");
    let answer = transaction(&at, "prepare", "gone", &[], "").expect("it answers");
    assert_eq!(answer.word(), "ANALYSIS_ERROR");
    assert!(
        answer.get("Message").contains("is already aborted"),
        "{}",
        answer.text()
    );
    assert_eq!(
        (state(&at, "gone"), count(&at)),
        ("ABORTED".into(), Some(0))
    );
}
