//! How rows travel: held back, asked for, refused, broken off.

use std::time::Duration;

use starrocks_kafka_starrocks::{Compressor, LoadHeaders, RowCounts};

use crate::node::Act::{Body, Close, Continue, Fe, Json, Part, Redirect, Reset, UntilEnd};
use crate::node::{Act, Node};
use crate::{LIMIT, client, config, expect_error, json_headers, rows, transaction};

const OK: &str = r#"{"Status":"OK","Message":"","Label":"l1","TxnId":9032,"LoadBytes":15}"#;

/// A front end that names the back end for one load, and the client.
async fn one_load(
    back_end: impl IntoIterator<Item = Act>,
) -> (Node, Node, starrocks_kafka_starrocks::Client) {
    let (fe, be) = (Node::start().await, Node::start().await);
    fe.on([Redirect(be.url("/api/transaction/load"))]);
    be.on(back_end);
    let mut config = config(&fe.authority());
    config.continue_timeout = LIMIT;
    let client = starrocks_kafka_starrocks::Client::new(config).expect("a valid configuration");
    (fe, be, client)
}

#[tokio::test]
async fn a_front_end_is_asked_without_rows_and_the_back_end_gets_them() {
    let (fe, be, client) = one_load([Continue, Body, Json(OK)]).await;
    let body = rows(&["[{\"id\":1}", ",{\"id\":2}", "]"]);
    let loaded = client
        .load(&transaction("l1"), &json_headers(), body, LIMIT)
        .await
        .expect("the load is taken");
    assert_eq!(loaded.load_bytes, Some(15));

    let (asked, sent) = (fe.seen().remove(0), be.seen().remove(0));
    assert_eq!(asked.line, "PUT /api/transaction/load");
    assert_eq!(sent.line, "PUT /api/transaction/load");
    assert_eq!(asked.header("content-length"), Some("0"));
    assert_eq!(asked.body, b"");
    assert_eq!(sent.header("content-length"), Some("19"));
    assert_eq!(sent.body, b"[{\"id\":1},{\"id\":2}]");
    for seen in [&asked, &sent] {
        for (name, value) in [
            ("expect", "100-continue"),
            // loader:s3cr3t-p4ss
            ("authorization", "Basic bG9hZGVyOnMzY3IzdC1wNHNz"),
            ("db", "shop"),
            ("table", "orders"),
            ("label", "l1"),
            ("format", "json"),
            ("strip_outer_array", "true"),
            ("ignore_json_size", "true"),
        ] {
            assert_eq!(seen.header(name), Some(value), "{name}");
        }
        assert_eq!(seen.header("transfer-encoding"), None);
    }
}

#[tokio::test]
async fn a_back_end_that_refuses_gets_no_rows() {
    let (_fe, be, client) = one_load([
        Json(r#"{"Status":"TXN_NOT_EXISTS","Message":"Transaction with label l1 not exists"}"#),
        UntilEnd,
    ])
    .await;
    let result = client
        .load(&transaction("l1"), &json_headers(), rows(&["[1]"]), LIMIT)
        .await;
    expect_error(
        result,
        "Transient TransactionGone: StarRocks load of label l1, table `shop`.`orders` at http://127.0.0.1:",
        &["Transaction with label l1 not exists"],
    );
    // Half a request must not become another one's beginning.
    be.ended(1).await;
    assert_eq!(be.seen().remove(0).body, b"");
}

#[tokio::test]
async fn rows_go_on_when_nobody_asks_for_them() {
    let (fe, be) = (Node::start().await, Node::start().await);
    fe.on([Redirect(be.url("/api/transaction/load"))]);
    be.on([Body, Json(OK)]);
    let mut config = config(&fe.authority());
    config.continue_timeout = Duration::from_millis(20);
    let client = starrocks_kafka_starrocks::Client::new(config).expect("a valid configuration");
    client
        .load(&transaction("l1"), &json_headers(), rows(&["[1]"]), LIMIT)
        .await
        .expect("the load is taken");
    assert_eq!(be.seen().remove(0).body, b"[1]");
}

#[tokio::test]
async fn a_load_that_broke_before_its_rows_left_may_be_repeated() {
    for end in [Close, Reset] {
        let (_fe, _be, client) = one_load([end]).await;
        let result = client
            .load(&transaction("l1"), &json_headers(), rows(&["[1]"]), LIMIT)
            .await;
        expect_error(result, "NotSent NoAnswer: ", &["no complete answer"]);
    }
    let fe = Node::start().await;
    fe.on([Close]);
    let result = client(&fe.authority())
        .load(&transaction("l1"), &json_headers(), rows(&["[1]"]), LIMIT)
        .await;
    expect_error(result, "NotSent NoAnswer: ", &["no complete answer"]);
}

#[tokio::test]
async fn a_load_that_broke_after_rows_left_is_in_doubt() {
    let truncated = Act::Raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"Status\":\"OK\"");
    for end in [
        vec![Continue, Part(1), Reset],
        vec![Continue, Body, Close],
        vec![Continue, Body, truncated, Close],
    ] {
        let (_fe, _be, client) = one_load(end).await;
        let result = client
            .load(&transaction("l1"), &json_headers(), rows(&["[1]"]), LIMIT)
            .await;
        expect_error(
            result,
            "UnknownAsk NoAnswer: ",
            &["at http://127.0.0.1:", "no complete answer"],
        );
    }
}

#[tokio::test]
async fn a_success_before_the_rows_is_no_success() {
    let (_fe, _be, client) = one_load([Json(OK), UntilEnd]).await;
    let result = client
        .load(&transaction("l1"), &json_headers(), rows(&["[1]"]), LIMIT)
        .await;
    expect_error(
        result,
        "UnknownAsk Unreadable: ",
        &["it reported success before all rows were sent"],
    );

    let fe = Node::start().await;
    fe.on([Fe(OK)]);
    let result = crate::client(&fe.authority())
        .load(&transaction("l1"), &json_headers(), rows(&["[1]"]), LIMIT)
        .await;
    expect_error(
        result,
        "Permanent Routing: ",
        &["it answered the load itself", "starrocks.http.url"],
    );
}

#[tokio::test]
async fn an_abandoned_load_breaks_off_in_the_middle() {
    let (fe, be) = (Node::start().await, Node::start().await);
    fe.on([Redirect(be.url("/api/transaction/load"))]);
    be.on([Continue, Part(1), UntilEnd]);
    let client = client(&fe.authority());
    // Larger than what the sockets hold, so that it cannot be gone before anybody reads.
    let body = bytes::Bytes::from(vec![b' '; 64 * 1024 * 1024]);
    let (transaction, headers) = (transaction("l1"), json_headers());
    let load = client.load(&transaction, &headers, body.clone().into(), LIMIT);
    tokio::select! {
        result = load => panic!("nobody answered, but: {result:?}"),
        () = async {
            // Abandon it once the first byte has arrived.
            while be_bytes(&be) == 0 {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    be.ended(1).await;
    assert!(be_bytes(&be) < body.len(), "the rest must not follow");
}

fn be_bytes(be: &Node) -> usize {
    be.peek().first().map_or(0, |seen| seen.body.len())
}

#[tokio::test]
async fn the_time_limit_of_a_call_counts_from_its_beginning() {
    let (_fe, _be, client) = one_load([Continue, Body, UntilEnd]).await;
    let result = client
        .load(
            &transaction("l1"),
            &json_headers(),
            rows(&["[1]"]),
            Duration::from_secs(2),
        )
        .await;
    expect_error(
        result,
        "UnknownAsk NoAnswer: ",
        &["no answer within the time limit"],
    );
}

#[tokio::test]
async fn plain_stream_load() {
    let (fe, be) = (Node::start().await, Node::start().await);
    fe.on([Redirect(be.url("/api/shop/orders/_stream_load?x=1"))]);
    be.on([
        Continue,
        Body,
        Json(
            r#"{"TxnId":7,"Label":"l1","Status":"Publish Timeout","Message":"x","NumberTotalRows":2,"NumberLoadedRows":1,
                "NumberFilteredRows":1,"NumberUnselectedRows":0,"ErrorURL":"http://be/api/_load_error_log?file=e"}"#,
        ),
    ]);
    let client = client(&fe.authority());
    let loaded = client
        .stream_load(
            &transaction("l1"),
            &json_headers(),
            900,
            rows(&["[1,2]"]),
            LIMIT,
        )
        .await
        .expect("late is done");
    assert!(loaded.late && !loaded.already);
    assert_eq!(
        loaded.rows,
        RowCounts {
            total: 2,
            loaded: 1,
            filtered: 1,
            unselected: 0
        }
    );
    assert_eq!(
        loaded.error_url.as_deref(),
        Some("http://be/api/_load_error_log?file=e")
    );
    let (asked, sent) = (fe.seen().remove(0), be.seen().remove(0));
    assert_eq!(asked.line, "PUT /api/shop/orders/_stream_load");
    assert_eq!(sent.line, "PUT /api/shop/orders/_stream_load?x=1");
    assert_eq!(sent.header("label"), Some("l1"));
    assert_eq!(sent.header("timeout"), Some("900"));
    assert_eq!(sent.header("db"), None);
    assert_eq!(sent.body, b"[1,2]");

    let (fe, be) = (Node::start().await, Node::start().await);
    fe.on([Redirect(be.url("/api/shop/orders/_stream_load"))]);
    be.on([
        Json(
            r#"{"Status":"Label Already Exists","ExistingJobStatus":"FINISHED","Message":"used"}"#,
        ),
        UntilEnd,
    ]);
    let again = crate::client(&fe.authority())
        .stream_load(
            &transaction("l1"),
            &json_headers(),
            900,
            rows(&["[1,2]"]),
            LIMIT,
        )
        .await
        .expect("the label says that it is loaded");
    assert!(again.already);
}

#[tokio::test]
async fn compressed_rows_travel_under_the_name_that_starrocks_has_for_them() {
    for (properties, headers) in [
        (
            &[("compression", "lz4_frame")][..],
            [("format", Some("json")), ("compression", Some("lz4_frame"))],
        ),
        (
            &[("Content-Encoding", "zstd")],
            [("format", Some("json")), ("compression", Some("zstd"))],
        ),
        (
            &[("format", "csv"), ("compression", "lz4_frame")],
            [("format", Some("lz4")), ("compression", None)],
        ),
    ] {
        let load_headers = LoadHeaders::from_properties(properties.iter().copied());
        let load_headers = load_headers.expect("valid properties");
        let mut compressor = Compressor::new(load_headers.compression()).expect("memory");
        let (_fe, be, client) = one_load([Continue, Body, Json(OK)]).await;
        let rows = bytes::Bytes::from("{\"id\":1},".repeat(1000));
        let body = compressor.compress(rows.clone()).expect("memory");
        assert!(body.len() < rows.len());
        client
            .load(
                &transaction("l1"),
                &load_headers,
                body.clone().into(),
                LIMIT,
            )
            .await
            .expect("the load is taken");
        let sent = be.seen().remove(0);
        for (name, value) in headers {
            assert_eq!(sent.header(name), value, "{name} with {properties:?}");
        }
        assert_eq!(sent.header("content-encoding"), None);
        let length = body.len().to_string();
        assert_eq!(sent.header("content-length"), Some(&*length));
        assert_eq!(sent.body, body);
    }
}
