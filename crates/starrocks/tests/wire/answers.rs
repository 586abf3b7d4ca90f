//! What calls make of answers. The table of all texts is tested where it stands.

use std::time::Duration;

use starrocks_kafka_starrocks::{LoadHeaders, LoadState, TransactionRef};

use crate::node::Act::{Close, Fe, Json, Redirect, Status, UntilEnd};
use crate::node::Node;
use crate::{LIMIT, client, expect_error, json_headers, transaction};

/// Callers run calls in tasks of a runtime with several threads.
#[test]
fn every_future_is_send() {
    fn check<T: Send>(future: T) {
        drop(future);
    }
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let (client, t, headers) = (client("localhost:1"), transaction("l"), json_headers());
    shared(&client);
    check(client.begin(&t, &headers, 1, LIMIT));
    check(client.load(&t, &headers, crate::rows(&[]), LIMIT));
    check(client.prepare(&t, None, LIMIT));
    check(client.commit(&t, LIMIT));
    check(client.rollback(&t, LIMIT));
    check(client.cancel(&t, LIMIT));
    check(client.label_state("d", &t.label, LIMIT));
    check(client.stream_load(&t, &headers, 1, crate::rows(&[]), LIMIT));
    check(client.error_log("", 1, LIMIT));
    check(client.transaction_interface_available(LIMIT));
    check(client.table_columns("d", "t", LIMIT));
    check(client.check_access("d", "t", LIMIT));
}

#[tokio::test]
async fn a_refused_user_is_told_what_to_check() {
    let fe = Node::start().await;
    let denied =
        r#"{"status":"FAILED","code":"1","msg":"Access denied for loader@10.0.0.9","message":"x"}"#;
    fe.on([Status(401, denied)]);
    let result = client(&fe.authority())
        .begin(&transaction("l1"), &json_headers(), 700, LIMIT)
        .await;
    expect_error(
        result,
        "Permanent Auth: StarRocks begin of label l1, table `shop`.`orders` at http://127.0.0.1:",
        &["Access denied for loader@10.0.0.9 (check starrocks.username and starrocks.password"],
    );
}

#[tokio::test]
async fn foreign_answers() {
    let fe = Node::start().await;
    let client = client(&fe.authority());
    fe.on([Status(
        502,
        "<html><body><h1>502 Bad Gateway</h1></body></html>",
    )]);
    expect_error(
        client.commit(&transaction("l1"), LIMIT).await,
        "UnknownAsk ServerError: ",
        &["502 Bad Gateway"],
    );
    fe.on([Status(200, "<html>Welcome to nginx!</html>")]);
    expect_error(
        client.commit(&transaction("l1"), LIMIT).await,
        "UnknownAsk Unreadable: ",
        &[
            "Welcome to nginx!",
            "does starrocks.http.url name the HTTP port",
        ],
    );
    fe.on([Status(404, "")]);
    let state = client
        .label_state("shop", &transaction("l1").label, LIMIT)
        .await;
    expect_error(
        state,
        "Transient Routing: ",
        &["HTTP 404 with an empty body", "8030"],
    );
}

#[tokio::test]
async fn refused_rows_come_with_their_error_log() {
    let (fe, be) = (Node::start().await, Node::start().await);
    fe.on([Redirect(be.url("/api/transaction/prepare"))]);
    be.on([Json(
        r#"{"Status":"INTERNAL_ERROR","Message":"too many filtered rows","ErrorURL":"http://be:8040/api/_load_error_log?file=e"}"#,
    )]);
    let error = client(&fe.authority())
        .prepare(&transaction("l1"), None, LIMIT)
        .await
        .expect_err("refused");
    assert_eq!(
        error.error_url.as_deref(),
        Some("http://be:8040/api/_load_error_log?file=e")
    );
    expect_error::<()>(
        Err(error),
        "Permanent DataQuality: ",
        &["too many filtered rows"],
    );
    assert_eq!(be.seen().remove(0).header("prepared_timeout"), None);
}

#[tokio::test]
async fn commits_and_rollbacks_that_had_been_done() {
    let fe = Node::start().await;
    let client = client(&fe.authority());
    let t = transaction("l1");
    fe.on([Fe(
        r#"{"Status":"OK","Message":"Transaction 3 has already committed, label is l1"}"#,
    )]);
    assert!(client.commit(&t, LIMIT).await.expect("committed").already);
    fe.on([Fe(
        r#"{"Status":"OK","Message":"Transaction 3 has already aborted, label is l1"}"#,
    )]);
    assert!(
        client
            .rollback(&t, LIMIT)
            .await
            .expect("rolled back")
            .already
    );
    fe.on([Fe(r#"{"Status":"FAILED","Message":"class com.starrocks.common.StarRocksException: publish timeout: 20000"}"#)]);
    expect_error(
        client.commit(&t, LIMIT).await,
        "UnknownAsk CommittedLate: ",
        &[": publish timeout: 20000"],
    );
    fe.on([Fe(
        r#"{"Status":"FAILED","Message":"Can not abort VISIBLE transaction 3"}"#,
    )]);
    expect_error(
        client.rollback(&t, LIMIT).await,
        "Permanent AlreadyCommitted: ",
        &[],
    );
}

#[tokio::test]
async fn states_of_labels() {
    let fe = Node::start().await;
    let client = client(&fe.authority());
    let label = transaction("l-1_x").label;
    for (word, state) in [
        ("UNKNOWN", LoadState::Unknown),
        ("PREPARE", LoadState::Prepare),
        ("PREPARED", LoadState::Prepared),
        ("COMMITTED", LoadState::Committed),
        ("VISIBLE", LoadState::Visible),
        ("ABORTED", LoadState::Aborted),
    ] {
        let body = format!(
            r#"{{"state":"{word}","reason":"","status":"OK","code":"0","msg":"Success","message":"OK"}}"#
        );
        fe.on([Fe(Box::leak(body.into_boxed_str()))]);
        let seen = client
            .label_state("my db", &label, LIMIT)
            .await
            .expect("a state");
        assert_eq!((seen.state, seen.reason), (state, None));
    }
    fe.on([Fe(
        r#"{"state":"ABORTED","reason":"timeout by txn manager","status":"OK"}"#,
    )]);
    let seen = client
        .label_state("my db", &label, LIMIT)
        .await
        .expect("a state");
    assert_eq!(seen.reason.as_deref(), Some("timeout by txn manager"));
    fe.on([Fe(
        r#"{"status":"FAILED","code":"1","msg":"unknown database, database=my db","message":"x"}"#,
    )]);
    let result = client.label_state("my db", &label, LIMIT).await;
    expect_error(result, "Permanent Schema: ", &["starrocks.database.name"]);
    let seen = fe.seen();
    assert!(
        seen.iter()
            .all(|seen| seen.line == "GET /api/my%20db/get_load_state?label=l-1_x")
    );
    assert!(
        seen.iter()
            .all(|seen| seen.header("expect").is_none() && seen.header("content-length").is_none())
    );
}

#[tokio::test]
async fn cancel_tries_both_forms_of_its_route() {
    let fe = Node::start().await;
    let client = client(&fe.authority());
    let t = transaction("l1");
    fe.on([Fe(
        r#"{"status":"OK","code":"0","msg":"Success","message":"OK"}"#,
    )]);
    assert!(!client.cancel(&t, LIMIT).await.expect("cancelled").already);
    fe.on([Fe(
        r#"{"status":"FAILED","code":"1","msg":"no load job has label orders"}"#,
    )])
    .on([Fe(
        r#"{"status":"OK","code":"0","msg":"Success","message":"OK"}"#,
    )]);
    client
        .cancel(&t, LIMIT)
        .await
        .expect("cancelled by the older form");
    fe.on([Fe(
        r#"{"status":"FAILED","msg":"No transaction found by label l1"}"#,
    )])
    .on([Fe(r#"{"status":"FAILED","msg":"no label given"}"#)]);
    expect_error(
        client.cancel(&t, LIMIT).await,
        "UnknownAsk TransactionGone: ",
        &["No transaction found"],
    );
    fe.on([Fe(
        r#"{"status":"FAILED","msg":"transaction 3 state is VISIBLE, could not abort"}"#,
    )]);
    expect_error(
        client.cancel(&t, LIMIT).await,
        "Permanent AlreadyCommitted: ",
        &[],
    );
    let (new, old) = (
        "POST /api/shop/orders/_cancel?label=l1",
        "POST /api/shop/l1/_cancel",
    );
    assert_eq!(fe.lines(), [new, new, old, new, old, new]);
}

#[tokio::test]
async fn lost_answers_are_in_doubt_where_the_call_has_an_effect() {
    // Either the connection ends or the time does.
    for (act, limit) in [(Close, LIMIT), (UntilEnd, Duration::from_secs(2))] {
        let fe = Node::start().await;
        for _ in 0..6 {
            fe.on([act.clone()]);
        }
        let client = client(&fe.authority());
        let (t, headers) = (transaction("l1"), json_headers());
        let (begin, prepare, commit, rollback, cancel, state) = tokio::join!(
            client.begin(&t, &headers, 700, limit),
            client.prepare(&t, None, limit),
            client.commit(&t, limit),
            client.rollback(&t, limit),
            client.cancel(&t, limit),
            client.label_state("shop", &t.label, limit),
        );
        let doubt = "UnknownAsk NoAnswer: StarRocks ";
        expect_error(
            begin,
            doubt,
            &["begin of label l1", " at http://127.0.0.1:"],
        );
        expect_error(prepare, doubt, &["prepare of label l1"]);
        expect_error(commit, doubt, &["commit of label l1"]);
        expect_error(rollback, doubt, &["rollback of label l1"]);
        expect_error(cancel, doubt, &["cancel of label l1"]);
        expect_error(
            state,
            "Transient NoAnswer: ",
            &["get_load_state of label l1, database `shop`"],
        );
        assert_eq!(fe.lines().len(), 6, "nothing is repeated");
    }
}

#[tokio::test]
async fn names_that_no_header_holds_are_refused() {
    let client = client("localhost:1");
    let t = TransactionRef {
        table: "a\nb".to_owned(),
        ..transaction("l1")
    };
    expect_error(
        client.commit(&t, LIMIT).await,
        "Permanent BadRequest: ",
        &["the table \"a\\nb\" has a character"],
    );
}

#[tokio::test]
async fn begin_takes_the_warehouse_and_names_in_utf_8() {
    let (fe, be) = (Node::start().await, Node::start().await);
    fe.on([Redirect(be.url("/api/transaction/begin"))]);
    be.on([Json(r#"{"Status":"OK","Message":""}"#)]);
    let headers =
        LoadHeaders::from_properties([("warehouse", "wh1"), ("columns", "a,b")]).expect("valid");
    let t = TransactionRef {
        table: "größe".to_owned(),
        ..transaction("l1")
    };
    client(&fe.authority())
        .begin(&t, &headers, 700, LIMIT)
        .await
        .expect("begin");
    let seen = be.seen().remove(0);
    assert_eq!(seen.header("warehouse"), Some("wh1"));
    assert_eq!(seen.header("table"), Some("größe"));
    assert_eq!(seen.header("columns"), None);
    assert_eq!(seen.header("expect"), Some("100-continue"));
    assert_eq!(seen.header("content-length"), Some("0"));
}
