//! What is left after restarts, after time, after too much.

use std::net::SocketAddr;
use std::time::Duration;

use starrocks_kafka_testbed::{
    Action, Call, ClockKind, CountOnly, Expected, Generator, Node, Shape, StandIn, StandInOptions,
    Traced, TxnState, exactly_once,
};

use crate::http::{Ask, JSON, prepared, stand_in, state, transaction};

const ROWS: &str = r#"[{"id":1,"name":"a"}]"#;

fn word(at: &StandIn, op: &str, label: &str) -> String {
    let (headers, body) = if op == "load" {
        (JSON, ROWS)
    } else {
        (&[][..], "")
    };
    transaction(at, op, label, headers, body)
        .expect("it answers")
        .word()
}

#[test]
fn a_be_restart_loses_what_was_not_prepared() {
    let at = stand_in(StandInOptions::default());
    prepared(&at, "prepared", ROWS);
    assert_eq!(
        (word(&at, "begin", "open"), word(&at, "load", "open")),
        ("OK".into(), "OK".into())
    );
    at.restart(Node::Be(0)).expect("the BE is back");
    assert_eq!(
        (state(&at, "open"), state(&at, "prepared")),
        ("PREPARE".into(), "PREPARED".into())
    );
    for op in ["load", "prepare", "commit", "rollback"] {
        assert_eq!(word(&at, op, "open"), "TXN_NOT_EXISTS", "{op}");
    }
    assert_eq!(word(&at, "begin", "open"), "LABEL_ALREADY_EXISTS");
    assert_eq!(word(&at, "commit", "prepared"), "OK");
    at.restart(Node::Fe(0)).expect("the FE is back");
    assert_eq!(
        (state(&at, "open"), state(&at, "prepared")),
        ("PREPARE".into(), "VISIBLE".into())
    );
}

#[test]
fn prepared_and_committed_survive_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = || StandInOptions {
        data_dir: Some(dir.path().to_owned()),
        ..StandInOptions::default()
    };
    let at = stand_in(options());
    at.sql("CREATE TABLE d.p (id INT, v DECIMAL(9, 2)) PRIMARY KEY (id)")
        .expect("it is made");
    for label in ["visible", "prepared", "rolled-back", "late"] {
        prepared(&at, label, ROWS);
    }
    assert_eq!(
        (
            word(&at, "commit", "visible"),
            word(&at, "rollback", "rolled-back")
        ),
        ("OK".into(), "OK".into())
    );
    at.faults().on(Call::Commit).act(Action::PublishTimeout);
    assert_eq!(word(&at, "commit", "late"), "FAILED");
    assert_eq!(
        (word(&at, "begin", "open"), word(&at, "load", "open")),
        ("OK".into(), "OK".into())
    );
    let second = StandIn::start(options()).expect_err("the directory is in use");
    assert!(second.to_string().contains("locked"), "{second}");
    let ids: Vec<i64> = at.transactions().iter().map(|t| t.id).collect();
    at.stop().expect("it stops");

    let at = stand_in(options());
    assert_eq!(
        at.transactions().iter().map(|t| t.id).collect::<Vec<_>>(),
        ids
    );
    let states = ["visible", "prepared", "rolled-back", "late", "open"].map(|l| state(&at, l));
    assert_eq!(
        states,
        ["VISIBLE", "PREPARED", "ABORTED", "VISIBLE", "PREPARE"]
    );
    let count = || {
        at.sql("SELECT count(*) FROM d.t")
            .expect("it counts")
            .number()
    };
    assert_eq!(count(), Some(2));
    assert_eq!(
        (
            word(&at, "commit", "prepared"),
            word(&at, "commit", "prepared")
        ),
        ("OK".into(), "OK".into())
    );
    assert_eq!(
        (
            word(&at, "prepare", "open"),
            word(&at, "commit", "rolled-back")
        ),
        ("TXN_NOT_EXISTS".into(), "FAILED".into())
    );
    assert_eq!(count(), Some(3));
    assert_eq!(
        at.sql("SHOW TABLES FROM d").expect("it shows").lines(),
        ["p", "t"]
    );
    let staged =
        "SELECT (SELECT count(*) FROM stand_in_staged) + (SELECT count(*) FROM stand_in_headers)";
    at.stop().expect("it stops");
    let memory = rusqlite::Connection::open(dir.path().join("stand-in.sqlite"))
        .expect("the memory is a file");
    let staged: i64 = memory
        .query_row(staged, [], |row| row.get(0))
        .expect("it counts");
    assert_eq!(staged, 0, "nothing is kept for what is finished");
}

#[test]
fn time_ends_what_nobody_ends() {
    let at = stand_in(StandInOptions {
        clock: ClockKind::Manual,
        ..StandInOptions::default()
    });
    let begin = |label: &str, headers: &[(&str, &str)]| {
        assert_eq!(
            transaction(&at, "begin", label, headers, "")
                .expect("it answers")
                .word(),
            "OK",
            "{label}"
        );
        assert_eq!(word(&at, "load", label), "OK");
    };
    begin("short", &[("timeout", "100")]);
    begin("default", &[]);
    begin(
        "idle",
        &[("timeout", "5000"), ("idle_transaction_timeout", "200")],
    );
    begin("hour", &[("timeout", "5000")]);
    let prepare = transaction(&at, "prepare", "hour", &[("prepared_timeout", "3600")], "")
        .expect("it answers");
    assert_eq!(prepare.word(), "OK");
    prepared(&at, "day", ROWS);
    let reason = |label: &str| {
        let txn = at
            .transactions()
            .into_iter()
            .find(|t| t.label == label)
            .expect("it is remembered");
        (txn.state, txn.reason)
    };
    let step = |seconds: u64, ended: &[(&str, &str)], open: &[&str]| {
        at.advance(Duration::from_secs(seconds))
            .expect("time passes");
        for (label, why) in ended {
            assert_eq!(
                reason(label),
                (TxnState::Aborted, (*why).to_owned()),
                "{label}"
            );
        }
        for label in open {
            assert_ne!(reason(label).0, TxnState::Aborted, "{label}");
        }
    };
    step(100, &[], &["short", "default", "idle", "hour", "day"]);
    step(
        1,
        &[("short", "timeout by txn manager")],
        &["default", "idle", "hour", "day"],
    );
    step(
        130,
        &[(
            "idle",
            "transaction is aborted by idle timeout 200 seconds.",
        )],
        &["default", "hour", "day"],
    );
    step(
        370,
        &[("default", "timeout by txn manager")],
        &["hour", "day"],
    );
    step(3000, &[("hour", "timeout by txn manager")], &["day"]);
    assert_eq!(word(&at, "load", "short"), "TXN_NOT_EXISTS");
    step(86_400, &[("day", "timeout by txn manager")], &[]);
    assert_eq!(word(&at, "commit", "day"), "FAILED");
    step(3 * 86_400, &[], &[]);
    let known: Vec<_> = at.transactions().iter().map(|t| t.label.clone()).collect();
    assert_eq!(known, ["day"], "the others are forgotten after three days");
}

#[test]
fn labels_are_forgotten_first_in_first_out() {
    let options = StandInOptions {
        label_keep_max_num: 2,
        clock: ClockKind::Manual,
        ..StandInOptions::default()
    };
    let at = stand_in(options);
    for label in ["a", "b", "c", "d"] {
        prepared(&at, label, ROWS);
        at.advance(Duration::from_secs(1)).expect("time passes");
    }
    for label in ["b", "a", "c"] {
        assert_eq!(word(&at, "commit", label), "OK");
        at.advance(Duration::from_secs(1)).expect("time passes");
    }
    let states = ["a", "b", "c", "d"].map(|l| state(&at, l));
    assert_eq!(states, ["UNKNOWN", "UNKNOWN", "VISIBLE", "PREPARED"]);
    // What is forgotten is loaded again: a duplicate, as in StarRocks.
    prepared(&at, "a", ROWS);
    assert_eq!(word(&at, "commit", "a"), "OK");
    assert_eq!(
        at.sql("SELECT count(*) FROM d.t")
            .expect("it counts")
            .number(),
        Some(4)
    );
    at.forget_finished().expect("it forgets");
    assert_eq!(
        ["a", "c", "d"].map(|l| state(&at, l)),
        ["UNKNOWN", "UNKNOWN", "PREPARED"]
    );
}

#[test]
fn running_transactions_are_limited() {
    let at = stand_in(StandInOptions {
        running_txns_per_db: 2,
        ..StandInOptions::default()
    });
    prepared(&at, "a", ROWS);
    assert_eq!(word(&at, "begin", "b"), "OK");
    let answer = transaction(&at, "begin", "c", &[], "").expect("it answers");
    assert_eq!(answer.word(), "ANALYSIS_ERROR");
    assert!(
        answer
            .get("Message")
            .starts_with("current running txns on db d is 2, larger than limit 2"),
        "{}",
        answer.text()
    );
    assert_eq!(
        (word(&at, "commit", "a"), word(&at, "begin", "c")),
        ("OK".into(), "OK".into())
    );
}

#[test]
fn counting_keeps_nothing_and_refuses_nothing() {
    for (rows, expect, in_all) in [(false, "0", 0), (true, "3", 6)] {
        let at = StandIn::start(StandInOptions {
            count_only: Some(CountOnly { rows }),
            ..StandInOptions::default()
        })
        .expect("the stand-in starts");
        assert_eq!(word(&at, "begin", "x"), "OK");
        for body in [r#"[{"id":{"a":"}{"}},{"no":"matter"}]"#, r#"[{"id":2}]"#] {
            assert_eq!(
                transaction(&at, "load", "x", JSON, body)
                    .expect("it answers")
                    .word(),
                "OK"
            );
        }
        let prepare = transaction(&at, "prepare", "x", &[], "").expect("it answers");
        assert_eq!(
            (prepare.word(), prepare.get("NumberLoadedRows")),
            ("OK".into(), expect.into())
        );
        assert_eq!(
            (word(&at, "commit", "x"), state(&at, "x")),
            ("OK".into(), "VISIBLE".into())
        );
        assert_eq!((at.counters().body_bytes, at.counters().commits), (45, 1));
        let stream = Ask::new("PUT", "/api/any/table/_stream_load")
            .headers(JSON)
            .header("Expect", "100-continue");
        let answer = stream
            .body(r#"[{},{},{}]"#)
            .follow(at.addr(Node::Fe(0)))
            .expect("it answers");
        assert_eq!(
            (answer.word(), answer.get("NumberTotalRows")),
            ("Success".into(), expect.into())
        );
        assert_eq!(at.counters().rows, in_all);
    }
}

/// A load of generated records, doubled and cut, as the oracle sees it.
#[test]
fn the_oracle_reads_the_table() {
    let at = StandIn::start(StandInOptions::default()).expect("the stand-in starts");
    at.sql(&format!(
        "CREATE DATABASE d; {}",
        Shape::Flat.table("d", "t")
    ))
    .expect("the table is made");
    let mut body = Vec::new();
    for partition in 0..2 {
        for record in Generator::new(1).records(Shape::Flat, partition, 2000) {
            body.extend_from_slice(&record.value);
        }
    }
    let headers: &[(&str, &str)] = &[
        ("format", "json"),
        ("strict_mode", "true"),
        ("Expect", "100-continue"),
    ];
    let load = Ask::new("PUT", "/api/d/t/_stream_load").headers(headers);
    let answer = load
        .clone()
        .body(body)
        .follow(at.addr(Node::Fe(0)))
        .expect("it answers");
    assert_eq!(
        (answer.word(), answer.get("NumberLoadedRows")),
        ("Success".into(), "4000".into()),
        "{}",
        answer.text()
    );
    let traced = Traced::new("d", "t", "part", "seq");
    let expected = [Expected::all("", 0, 2000), Expected::all("", 1, 2000)];
    let report = exactly_once(&at, &traced, &expected).expect("each record is there once");
    assert_eq!((report.rows, report.partitions), (4000, 2));
    let double = Generator::new(1).record(Shape::Flat, 1, 7).value;
    assert_eq!(
        load.body(double)
            .follow(at.addr(Node::Fe(0)))
            .expect("it answers")
            .word(),
        "Success"
    );
    at.sql("DELETE FROM d.t WHERE part = 0 AND seq IN (3, 4, 5, 1999)")
        .expect("rows go");
    let error = exactly_once(&at, &traced, &expected).expect_err("rows are missing and double");
    let told = "d.t does not hold each record once\n  -0: 4 missing (3..=5, 1999)\n  -1: 1 double (7 2 times)";
    assert_eq!(error.to_string(), told);
    let nested = Shape::Nested;
    at.sql(&nested.table("d", "n")).expect("the table is made");
    let body = Generator::new(2).record(nested, 0, 0).value;
    let answer = Ask::new("PUT", "/api/d/n/_stream_load")
        .headers(headers)
        .body(body)
        .follow(at.addr(Node::Fe(0)));
    assert_eq!(answer.expect("it answers").word(), "Success");
    exactly_once(
        &at,
        &Traced::new("d", "n", "part", "seq"),
        &[Expected::all("", 0, 1)],
    )
    .expect("it is there once");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let at = StandIn::start(StandInOptions::default()).expect("the stand-in starts");
    let taken: SocketAddr = at.addr(Node::Be(0));
    let error = StandIn::start(StandInOptions {
        fe: vec![taken],
        ..StandInOptions::default()
    })
    .expect_err("the port is taken");
    assert!(
        error
            .to_string()
            .starts_with(&format!("the stand-in cannot listen on {taken}: ")),
        "{error}"
    );
    let error = StandIn::start(StandInOptions {
        be: Vec::new(),
        ..StandInOptions::default()
    })
    .expect_err("there is no BE");
    assert!(error.to_string().contains("at least one"), "{error}");
}
