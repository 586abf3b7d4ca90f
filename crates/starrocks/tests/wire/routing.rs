//! Who is asked: rotation of front ends, redirects, the memory of the coordinator, the address map.

use starrocks_kafka_starrocks::{BeAddressMap, Client, RowCounts};

use crate::node::Act::{Body, Close, Continue, Fe, Json, Raw, Redirect};
use crate::node::{Node, dead_authority};
use crate::{LIMIT, client, config, expect_error, json_headers, rows, transaction};

const OK: &str = r#"{"Status":"OK","Message":"","Label":"l1","TxnId":9032}"#;
const PREPARED: &str = r#"{"Status":"OK","Message":"","Label":"l1","TxnId":9032,"NumberTotalRows":3,"NumberLoadedRows":3,
    "NumberFilteredRows":0,"NumberUnselectedRows":0,"LoadBytes":360}"#;

#[tokio::test]
async fn a_whole_transaction() {
    let (fe, be) = (Node::start().await, Node::start().await);
    fe.on([Redirect(be.url("/api/transaction/begin"))])
        .on([Fe(OK)]);
    be.on([Json(OK)])
        .on([Continue, Body, Json(OK)])
        .on([Continue, Body, Json(OK)])
        .on([Json(PREPARED)]);
    let (client, t, headers) = (client(&fe.authority()), transaction("l1"), json_headers());

    let begun = client.begin(&t, &headers, 700, LIMIT).await.expect("begin");
    assert_eq!(begun.transaction_id, Some(9032));
    client
        .load(&t, &headers, rows(&["[1,2]"]), LIMIT)
        .await
        .expect("first load");
    client
        .clone()
        .load(&t, &headers, rows(&["[3]"]), LIMIT)
        .await
        .expect("second load, by a clone");
    let prepared = client
        .prepare(&t, Some(3600), LIMIT)
        .await
        .expect("prepare");
    assert_eq!(
        prepared.rows,
        RowCounts {
            total: 3,
            loaded: 3,
            ..RowCounts::default()
        }
    );
    assert_eq!(prepared.load_bytes, Some(360));
    let committed = client.commit(&t, LIMIT).await.expect("commit");
    assert!(!committed.already && !committed.late);

    // After begin, loads and prepare go straight to the coordinator; the end goes through the front end.
    assert_eq!(
        fe.lines(),
        [
            "POST /api/transaction/begin",
            "POST /api/transaction/commit"
        ]
    );
    let at_be = be.seen();
    let lines: Vec<_> = at_be.iter().map(|seen| seen.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "POST /api/transaction/begin",
            "PUT /api/transaction/load",
            "PUT /api/transaction/load",
            "POST /api/transaction/prepare"
        ]
    );
    assert!(
        at_be.iter().all(|seen| seen.connection == 0),
        "connections are kept"
    );
    assert_eq!(
        fe.seen()
            .first()
            .and_then(|seen| seen.header("timeout").map(str::to_owned))
            .as_deref(),
        Some("700")
    );
    assert_eq!(
        fe.seen()
            .last()
            .and_then(|seen| seen.header("timeout").map(str::to_owned))
            .as_deref(),
        Some("45")
    );
    assert_eq!(
        at_be
            .last()
            .and_then(|seen| seen.header("prepared_timeout")),
        Some("3600")
    );
    let load_headers: Vec<_> = at_be
        .iter()
        .filter(|seen| seen.line.ends_with("load"))
        .map(|seen| {
            seen.headers
                .iter()
                .filter(|(name, _)| name != "content-length")
                .cloned()
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        load_headers.first(),
        load_headers.last(),
        "headers must not drift within a transaction"
    );
}

#[tokio::test]
async fn the_coordinator_is_forgotten_with_its_transaction() {
    let (fe, be) = (Node::start().await, Node::start().await);
    fe.on([Redirect(be.url("/api/transaction/begin"))])
        .on([Fe(r#"{"Status":"OK","Message":"","Label":"l1"}"#)])
        .on([Fe(r#"{"Status":"FAILED","Message":"Can't find the transaction with db [shop] and label[l1]"}"#)]);
    be.on([Json(OK)]);
    let (client, t) = (client(&fe.authority()), transaction("l1"));
    client
        .begin(&t, &json_headers(), 700, LIMIT)
        .await
        .expect("begin");
    client.rollback(&t, LIMIT).await.expect("rollback");
    let result = client
        .load(&t, &json_headers(), rows(&["[1]"]), LIMIT)
        .await;
    expect_error(
        result,
        "Transient TransactionGone: ",
        &["Can't find the transaction"],
    );
    assert_eq!(fe.lines().len(), 3);
}

#[tokio::test]
async fn a_coordinator_that_is_gone_is_reported_with_the_front_end_that_names_it() {
    let (fe, be) = (Node::start().await, Node::start().await);
    let authority = be.authority();
    let location = be.url("/api/transaction/load");
    fe.on([Redirect(be.url("/api/transaction/begin"))])
        .on([Redirect(location)]);
    be.on([
        Raw(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 15\r\n\r\n{\"Status\":\"OK\"}",
        ),
        Close,
    ]);
    let (client, t) = (client(&fe.authority()), transaction("l1"));
    client
        .begin(&t, &json_headers(), 700, LIMIT)
        .await
        .expect("begin");
    be.ended(1).await;
    drop(be);
    // The listener is gone once the runtime has dropped its task.
    while tokio::net::TcpStream::connect(&authority).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let result = client
        .load(&t, &json_headers(), rows(&["[1]"]), LIMIT)
        .await;
    let names = format!(
        "http://{} names the node {authority} to which no connection can be made",
        fe.authority()
    );
    let map = format!("starrocks.be.address.map={authority}=HOST:PORT");
    expect_error(result, "NotSent Unreachable: ", &[&names, "refused", &map]);
    assert_eq!(fe.lines().len(), 2, "the front end was asked again");
}

#[tokio::test]
async fn a_follower_passes_on_to_the_leader() {
    let (follower, leader, be) = (
        Node::start().await,
        Node::start().await,
        Node::start().await,
    );
    // Whether or not the leader is configured, it gets no rows.
    for frontends in [
        follower.authority(),
        format!("{},{}", follower.authority(), leader.authority()),
    ] {
        follower.on([Redirect(leader.url("/api/transaction/load"))]);
        leader.on([Redirect(be.url("/api/transaction/load"))]);
        be.on([Continue, Body, Json(OK)]);
        client(&frontends)
            .load(&transaction("l1"), &json_headers(), rows(&["[1]"]), LIMIT)
            .await
            .expect("load");
    }
    assert!(
        leader
            .seen()
            .iter()
            .all(|seen| seen.body.is_empty() && seen.header("authorization").is_some())
    );
    let lengths: Vec<_> = leader
        .seen()
        .iter()
        .map(|seen| seen.header("content-length").map(str::to_owned))
        .collect();
    assert_eq!(lengths, [Some("3".to_owned()), Some("0".to_owned())]);
    assert!(be.seen().iter().all(|seen| seen.body == b"[1]"));
}

#[tokio::test]
async fn redirects_have_an_end() {
    let fe = Node::start().await;
    for _ in 0..4 {
        fe.on([Redirect(fe.url("/api/transaction/begin"))]);
    }
    let result = client(&fe.authority())
        .begin(&transaction("l1"), &json_headers(), 700, LIMIT)
        .await;
    expect_error(result, "Transient Routing: ", &["more than 3 redirects"]);
    assert_eq!(fe.lines().len(), 4);

    fe.on([Redirect("/api/transaction/begin".to_owned())]);
    let result = client(&fe.authority())
        .begin(&transaction("l1"), &json_headers(), 700, LIMIT)
        .await;
    expect_error(
        result,
        "Transient Routing: ",
        &["a redirect to `/api/transaction/begin`, which is not an HTTP address"],
    );
}

#[tokio::test]
async fn the_next_front_end_is_asked_when_one_cannot_be_reached() {
    let (dead, fe) = (dead_authority().await, Node::start().await);
    fe.on([Fe(r#"{"state":"VISIBLE","status":"OK"}"#)])
        .on([Fe(r#"{"state":"VISIBLE","status":"OK"}"#)]);
    let client = client(&format!("{dead},{}", fe.authority()));
    for _ in 0..2 {
        client
            .label_state("shop", &transaction("l1").label, LIMIT)
            .await
            .expect("the second front end answers");
    }
    assert_eq!(fe.lines().len(), 2);
}

#[tokio::test]
async fn a_front_end_that_broke_off_is_asked_last_next_time() {
    let (first, second) = (Node::start().await, Node::start().await);
    first.on([Close]);
    second.on([Fe(r#"{"Status":"OK","Message":""}"#)]);
    let client = client(&format!("{},{}", first.authority(), second.authority()));
    // The first may have heard it: nobody else is asked by itself.
    expect_error(
        client.commit(&transaction("l1"), LIMIT).await,
        "UnknownAsk NoAnswer: ",
        &["no complete answer"],
    );
    assert!(second.peek().is_empty());
    client
        .commit(&transaction("l1"), LIMIT)
        .await
        .expect("the second front end answers");
    assert_eq!((first.lines().len(), second.lines().len()), (1, 1));
}

#[tokio::test]
async fn no_front_end_can_be_reached() {
    let (a, b) = (dead_authority().await, dead_authority().await);
    let client = client(&format!("{a},{b}"));
    let (t, headers) = (transaction("l1"), json_headers());
    expect_error(
        client.begin(&t, &headers, 700, LIMIT).await,
        "NotSent Unreachable: StarRocks begin of label l1, table `shop`.`orders`: no front end can be reached: http://",
        &[&a, &b, "refused", "starrocks.http.url"],
    );
    expect_error(client.commit(&t, LIMIT).await, "NotSent Unreachable: ", &[]);
    let error = client
        .label_state("shop", &t.label, LIMIT)
        .await
        .expect_err("nobody answers");
    assert!(error.is_unavailable());
}

#[tokio::test]
async fn back_ends_are_found_by_the_address_map() {
    let (fe, be) = (Node::start().await, Node::start().await);
    for map in [
        format!("be1.cluster:8040={}", be.authority()),
        format!("*={}", be.authority()),
    ] {
        fe.on([Redirect(
            "http://be1.cluster:8040/api/transaction/begin".to_owned(),
        )]);
        be.on([Json(OK)]);
        let mut config = config(&fe.authority());
        config.be_address_map = BeAddressMap::parse(&map).expect("a valid map");
        let client = Client::new(config).expect("a valid configuration");
        client
            .begin(&transaction("l1"), &json_headers(), 700, LIMIT)
            .await
            .expect("begin");
    }
    assert!(
        be.seen()
            .iter()
            .all(|seen| seen.header("host") == Some(be.authority().as_str()))
    );

    let dead = dead_authority().await;
    fe.on([Redirect(
        "http://be1.cluster:8040/api/transaction/begin".to_owned(),
    )]);
    let mut config = config(&fe.authority());
    config.be_address_map = BeAddressMap::parse(&format!("*={dead}")).expect("a valid map");
    let result = Client::new(config)
        .expect("a valid configuration")
        .begin(&transaction("l1"), &json_headers(), 700, LIMIT)
        .await;
    let reached = format!(
        "names the node be1.cluster:8040, reached as {dead}, to which no connection can be made"
    );
    expect_error(
        result,
        "NotSent Unreachable: ",
        &[&reached, "starrocks.be.address.map=be1.cluster:8040="],
    );
}
