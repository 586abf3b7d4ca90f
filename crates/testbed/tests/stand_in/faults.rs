//! Scripted faults, as a client sees them on its socket and as the transaction sees them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::thread;
use std::time::Duration;

use starrocks_kafka_testbed::{Action, Call, Hop, Node, Outcome, StandInOptions, TxnState};

use crate::http::{
    JSON, prepared, read_answer, stand_in, state, transaction, transaction_ask, wait_for_bytes,
};

const LONG: Duration = Duration::from_secs(10);
const ROWS: &str = r#"[{"id":1,"name":"a"}]"#;

/// How a call of a script went.
#[derive(Debug, PartialEq)]
enum Seen {
    Answer(u16, String),
    Reset,
    Closed,
}

fn seen(answer: std::io::Result<crate::http::Answer>) -> Seen {
    match answer {
        Ok(answer) if answer.body.starts_with(b"{") => Seen::Answer(answer.status, answer.word()),
        Ok(answer) => Seen::Answer(answer.status, String::new()),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Seen::Closed,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            ) =>
        {
            Seen::Reset
        }
        Err(error) => panic!("{error}"),
    }
}

fn ok(word: &str) -> Seen {
    Seen::Answer(200, word.to_owned())
}

/// Runs begin, load, prepare, commit until the call with the fault; looks at what the client sees and at the state then.
fn check(call: Call, action: Action, expect: Seen, end_state: &str) {
    let at = stand_in(StandInOptions::default());
    let fault = at.faults().on(call).nth(1).table("t").act(action.clone());
    let steps = [
        (Call::Begin, "begin"),
        (Call::Load, "load"),
        (Call::Prepare, "prepare"),
        (Call::Commit, "commit"),
    ];
    for (step, op) in steps {
        let (headers, body) = if step == Call::Load {
            (JSON, ROWS)
        } else {
            (&[][..], "")
        };
        let got = seen(transaction(&at, op, "label", headers, body));
        if step == call {
            assert_eq!(got, expect, "{call} with {action:?}");
            break;
        }
        assert_eq!(got, ok("OK"), "{op} before {call} with {action:?}");
    }
    assert_eq!(fault.hits(), 1, "{call} with {action:?}");
    at.wait_until_ended(call, 1, LONG).expect("the call ends");
    assert_eq!(state(&at, "label"), end_state, "{call} with {action:?}");
}

#[test]
fn each_action_does_to_a_call_what_it_says() {
    use Action as A;
    let html = || Seen::Answer(200, String::new());
    let json = || r#"{"Status":"WHATEVER"}"#.to_owned();
    let status = || A::Status {
        code: 500,
        body: "broken".to_owned(),
    };
    let rows: [(Call, A, Seen, &str); 38] = [
        (Call::Begin, A::ResetBeforeEffect, Seen::Reset, "UNKNOWN"),
        (Call::Load, A::ResetBeforeEffect, Seen::Reset, "PREPARE"),
        (Call::Prepare, A::ResetBeforeEffect, Seen::Reset, "PREPARE"),
        (Call::Commit, A::ResetBeforeEffect, Seen::Reset, "PREPARED"),
        (
            Call::Begin,
            A::DropAnswerAfterEffect,
            Seen::Closed,
            "PREPARE",
        ),
        (
            Call::Load,
            A::DropAnswerAfterEffect,
            Seen::Closed,
            "PREPARE",
        ),
        (
            Call::Prepare,
            A::DropAnswerAfterEffect,
            Seen::Closed,
            "PREPARED",
        ),
        (
            Call::Commit,
            A::DropAnswerAfterEffect,
            Seen::Closed,
            "VISIBLE",
        ),
        (Call::Commit, A::ResetAfterEffect, Seen::Reset, "VISIBLE"),
        (
            Call::Prepare,
            A::CutAnswer { after: 10 },
            Seen::Closed,
            "PREPARED",
        ),
        (
            Call::Load,
            A::ResetMidBody { after: 5 },
            Seen::Reset,
            "PREPARE",
        ),
        (
            Call::Load,
            A::ResetMidBody { after: 0 },
            Seen::Reset,
            "PREPARE",
        ),
        (Call::Load, A::EarlyReply(json()), ok("WHATEVER"), "PREPARE"),
        (Call::Begin, A::Answer(json()), ok("WHATEVER"), "UNKNOWN"),
        (Call::Commit, A::Answer(json()), ok("WHATEVER"), "PREPARED"),
        (
            Call::Commit,
            A::AnswerAfterEffect(json()),
            ok("WHATEVER"),
            "VISIBLE",
        ),
        (
            Call::Begin,
            status(),
            Seen::Answer(500, String::new()),
            "UNKNOWN",
        ),
        (
            Call::Load,
            status(),
            Seen::Answer(500, String::new()),
            "PREPARE",
        ),
        (
            Call::Commit,
            status(),
            Seen::Answer(500, String::new()),
            "PREPARED",
        ),
        (Call::Prepare, A::Html, html(), "PREPARE"),
        (Call::Commit, A::Html, html(), "PREPARED"),
        (
            Call::Commit,
            A::Delay(Duration::from_millis(20)),
            ok("OK"),
            "VISIBLE",
        ),
        (Call::Commit, A::PublishTimeout, ok("FAILED"), "COMMITTED"),
        (
            Call::Begin,
            A::TooManyVersions,
            ok("SERVICE_UNAVAILABLE"),
            "UNKNOWN",
        ),
        (
            Call::Load,
            A::TooManyVersions,
            ok("SERVICE_UNAVAILABLE"),
            "ABORTED",
        ),
        (
            Call::Prepare,
            A::TooManyVersions,
            ok("SERVICE_UNAVAILABLE"),
            "ABORTED",
        ),
        (Call::Commit, A::TooManyVersions, ok("FAILED"), "PREPARED"),
        (
            Call::Begin,
            A::RunningTxnLimit,
            ok("ANALYSIS_ERROR"),
            "UNKNOWN",
        ),
        (
            Call::Load,
            A::MemoryLimit,
            ok("MEM_LIMIT_EXCEEDED"),
            "ABORTED",
        ),
        (
            Call::Prepare,
            A::MemoryLimit,
            ok("MEM_LIMIT_EXCEEDED"),
            "ABORTED",
        ),
        (
            Call::Begin,
            A::Unauthorized,
            ok("NOT_AUTHORIZED"),
            "UNKNOWN",
        ),
        (Call::Load, A::Unauthorized, ok("NOT_AUTHORIZED"), "PREPARE"),
        (
            Call::Commit,
            A::Unauthorized,
            Seen::Answer(401, String::new()),
            "PREPARED",
        ),
        (Call::Begin, A::LabelExistsAsPlainFail, ok("OK"), "PREPARE"),
        (Call::Load, A::ResetAfterEffect, Seen::Reset, "PREPARE"),
        (
            Call::Begin,
            A::CutAnswer { after: 0 },
            Seen::Closed,
            "PREPARE",
        ),
        (Call::Prepare, A::Answer(json()), ok("WHATEVER"), "PREPARE"),
        (Call::Load, A::Html, html(), "PREPARE"),
    ];
    for (call, action, expect, end_state) in rows {
        check(call, action, expect, end_state);
    }
}

#[test]
fn a_held_call_waits_for_the_test() {
    for (action, while_held) in [
        (Action::Hold, TxnState::Prepared),
        (Action::HoldAnswer, TxnState::Visible),
    ] {
        let at = stand_in(StandInOptions::default());
        prepared(&at, "held", ROWS);
        let held = at.faults().on(Call::Commit).label("el").act(action);
        thread::scope(|scope| {
            let commit = scope.spawn(|| {
                transaction(&at, "commit", "held", &[], "")
                    .expect("it answers")
                    .word()
            });
            let arrived = at
                .wait_for(Call::Commit, 1, LONG)
                .expect("the commit arrives");
            assert_eq!(
                (
                    arrived.label.as_str(),
                    arrived.table.as_str(),
                    &arrived.outcome
                ),
                ("held", "t", &Outcome::Pending)
            );
            at.wait_for_state("d", "held", while_held, LONG)
                .expect("the work is done or not");
            assert!(!commit.is_finished(), "the answer is held");
            held.release();
            assert_eq!(commit.join().expect("the client ends"), "OK");
        });
        assert_eq!(state(&at, "held"), "VISIBLE");
    }
}

#[test]
fn rules_count_only_what_they_match() {
    let at = stand_in(StandInOptions::default());
    at.sql("CREATE TABLE d.u (id INT)").expect("it is made");
    let second_of_u = at
        .faults()
        .on(Call::Begin)
        .table("u")
        .nth(2)
        .act(Action::Html);
    let elsewhere = at
        .faults()
        .on(Call::Begin)
        .at(Node::Be(1))
        .act(Action::Html);
    let other_db = at.faults().on(Call::Begin).db("other").act(Action::Html);
    let from_third = at
        .faults()
        .on(Call::Begin)
        .table("t")
        .from(3)
        .act(Action::Answer(r#"{"Status":"BUSY"}"#.into()));
    let mut words = Vec::new();
    for (number, table) in ["t", "u", "t", "u", "u", "t", "t"].iter().enumerate() {
        let answer = transaction(&at, "begin", &format!("l{number}"), &[("table", table)], "");
        words.push(match seen(answer) {
            Seen::Answer(_, word) => word,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(words, ["OK", "OK", "OK", "", "OK", "BUSY", "BUSY"]);
    assert_eq!(
        [&second_of_u, &elsewhere, &other_db, &from_third].map(|f| f.hits()),
        [1, 0, 0, 2]
    );
    from_third.remove();
    assert_eq!(
        transaction(&at, "begin", "l9", &[], "")
            .expect("it answers")
            .word(),
        "OK"
    );
}

#[test]
fn redirects_can_be_sent_astray() {
    let at = stand_in(StandInOptions::default());
    // To a port that nobody listens on: the BE is dead.
    at.away(Node::Be(0)).expect("it goes");
    let dead = format!("http://{}", at.addr(Node::Be(0)));
    at.faults()
        .on(Call::Begin)
        .on_redirect()
        .act(Action::Redirect(dead.clone()));
    let answer = transaction_ask("begin", "x")
        .send(at.addr(Node::Fe(0)))
        .expect("it answers");
    assert_eq!(
        answer.header("location"),
        Some(format!("{dead}/api/transaction/begin").as_str())
    );
    let refused = transaction(&at, "begin", "x", &[], "").expect_err("the BE is dead");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(at.calls().iter().all(|c| c.hop == Hop::Redirect));
}

#[test]
fn an_fe_that_would_redirect_can_refuse() {
    let at = stand_in(StandInOptions::default());
    let fe = at.addr(Node::Fe(0));
    let on = || at.faults().on(Call::Begin).on_redirect().nth(1);
    on().act(Action::Unauthorized);
    assert_eq!(
        transaction_ask("begin", "x")
            .send(fe)
            .expect("it answers")
            .status,
        401
    );
    at.faults().clear();
    on().act(Action::RunningTxnLimit);
    let answer = transaction_ask("begin", "x").send(fe).expect("it answers");
    assert_eq!(answer.word(), "FAILED");
    assert!(
        answer.get("Message").contains("larger than limit 1000"),
        "{}",
        answer.text()
    );
    assert_eq!(
        transaction_ask("begin", "x")
            .send(fe)
            .expect("it answers")
            .status,
        307
    );
}

/// An early answer comes before the body was asked for: no `100 Continue`, and the body is not read.
#[test]
fn an_early_reply_comes_without_the_body() {
    let at = stand_in(StandInOptions::default());
    let be = at.addr(Node::Be(0));
    assert_eq!(
        transaction(&at, "begin", "early", &[], "")
            .expect("it answers")
            .word(),
        "OK"
    );
    at.faults()
        .on(Call::Load)
        .nth(1)
        .act(Action::EarlyReply(r#"{"Status":"INTERNAL_ERROR"}"#.into()));
    let body = vec![b' '; 1 << 20];
    let ask = transaction_ask("load", "early")
        .headers(JSON)
        .body(body.clone());
    let mut open = ask.send_part(be, body.len()).expect("the head is sent");
    let answer = read_answer(&mut open).expect("it answers");
    assert_eq!(
        (answer.word().as_str(), answer.continued),
        ("INTERNAL_ERROR", false)
    );
    assert_eq!(answer.header("connection"), Some("close"));
    // The second load is asked to go on.
    let mut open = ask.send_part(be, body.len()).expect("the head is sent");
    let mut go_on = [0; 25];
    open.read_exact(&mut go_on).expect("it answers");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    open.write_all(&body).expect("the body is taken");
    assert_eq!(
        read_answer(&mut open).expect("it answers").get("LoadBytes"),
        body.len().to_string()
    );
}

#[test]
fn a_body_that_is_reset_leaves_its_bytes() {
    let at = stand_in(StandInOptions::default());
    let headers: &[(&str, &str)] = &[("format", "json"), ("ignore_json_size", "true")];
    assert_eq!(
        transaction(&at, "begin", "cut", &[], "")
            .expect("it answers")
            .word(),
        "OK"
    );
    at.faults()
        .on(Call::Load)
        .first(1)
        .act(Action::ResetMidBody { after: 8 });
    let body = "{\"id\":1}{\"id\":2}";
    assert_eq!(
        seen(transaction(&at, "load", "cut", headers, body)),
        Seen::Reset
    );
    wait_for_bytes(&at, 1, 8);
    at.wait_until_ended(Call::Load, 1, LONG)
        .expect("the load ends");
    assert_eq!(
        transaction(&at, "load", "cut", headers, body)
            .expect("it answers")
            .word(),
        "OK"
    );
    assert_eq!(
        transaction(&at, "commit", "cut", &[], "")
            .expect("it answers")
            .word(),
        "OK"
    );
    let doubled = at
        .sql("SELECT id, count(*) FROM d.t GROUP BY id")
        .expect("it counts")
        .lines();
    assert_eq!(doubled, ["1\t2", "2\t1"]);
}
