//! Questions that change nothing.

use starrocks_kafka_starrocks::{BeAddressMap, Client, Column};

use crate::node::Act::{Close, Fe, Json, Redirect, Status};
use crate::node::{Node, dead_authority};
use crate::{LIMIT, client, config, expect_error};

const SCHEMA: &str = r#"{"status":200,"properties":[{"name":"id","type":"INT","comment":""},
    {"name":"d","type":"DECIMAL64","precision":"10","scale":"2","comment":""}]}"#;

fn columns() -> Vec<Column> {
    let column = |name: &str, primitive_type: &str, precision, scale| Column {
        precision,
        scale,
        ..Column::new(name, primitive_type)
    };
    vec![
        column("id", "INT", None, None),
        column("d", "DECIMAL64", Some(10), Some(2)),
    ]
}

#[tokio::test]
async fn whether_there_is_a_transaction_interface() {
    let fe = Node::start().await;
    let client = client(&fe.authority());
    fe.on([Fe(r#"{"Status":"FAILED","Message":"class com.starrocks.common.StarRocksException: No database selected."}"#)]);
    assert!(
        client
            .transaction_interface_available(LIMIT)
            .await
            .expect("an answer")
    );
    fe.on([Fe(
        r#"{"Status":"FAILED","Message":"whatever it complains about"}"#,
    )]);
    assert!(
        client
            .transaction_interface_available(LIMIT)
            .await
            .expect("an answer")
    );
    fe.on([Fe(r#"{"status":"FAILED","msg":"Not implemented"}"#)]);
    assert!(
        !client
            .transaction_interface_available(LIMIT)
            .await
            .expect("an answer")
    );
    fe.on([Status(401, "")]);
    expect_error(
        client.transaction_interface_available(LIMIT).await,
        "Permanent Auth: ",
        &["starrocks.password"],
    );
    fe.on([Fe("<html>")]);
    expect_error(
        client.transaction_interface_available(LIMIT).await,
        "Transient Unreadable: ",
        &[],
    );
    for seen in fe.seen() {
        assert_eq!(seen.line, "POST /api/transaction/begin");
        assert!(seen.header("db").is_none() && seen.header("label").is_none());
    }
}

#[tokio::test]
async fn columns_of_a_table() {
    let fe = Node::start().await;
    let client = client(&fe.authority());
    fe.on([Fe(SCHEMA)]);
    assert_eq!(
        client
            .table_columns("shop", "größe", LIMIT)
            .await
            .expect("columns"),
        columns()
    );
    fe.on([Status(
        404,
        r#"{"status":404,"exception":"Table [orders] does not exists"}"#,
    )]);
    let result = client.table_columns("shop", "orders", LIMIT).await;
    expect_error(
        result,
        "Permanent Schema: StarRocks _schema of table `shop`.`orders` at http://",
        &["Table [orders] does not exists (create the table `shop`.`orders`, or"],
    );
    assert_eq!(
        fe.lines(),
        [
            "GET /api/shop/gr%C3%B6%C3%9Fe/_schema",
            "GET /api/shop/orders/_schema"
        ]
    );
}

#[tokio::test]
async fn the_start_up_check_asks_for_what_loading_needs() {
    let fe = Node::start().await;
    let client = client(&fe.authority());
    let named = || Redirect("http://never-asked:8040/api/shop/orders/_stream_load".to_owned());
    let denied = r#"{"status":"FAILED","code":"1","msg":"Access denied; you need (at least one of) the X privilege(s)"}"#;

    fe.on([Fe(SCHEMA)]).on([named()]);
    let access = client
        .check_access("shop", "orders", LIMIT)
        .await
        .expect("all is well");
    assert_eq!(access.columns, Some(columns()));
    assert!(access.columns_denied.is_none());
    let probe = fe.seen().remove(1);
    assert_eq!(probe.line, "PUT /api/shop/orders/_stream_load");
    assert_eq!(probe.header("content-length"), Some("0"));
    assert_eq!(probe.header("expect"), Some("100-continue"));

    fe.on([Status(401, denied)]).on([named()]);
    let access = client
        .check_access("shop", "orders", LIMIT)
        .await
        .expect("loading needs no SELECT");
    assert_eq!(access.columns, None);
    let reason = access
        .columns_denied
        .expect("the reason is told")
        .to_string();
    assert!(
        reason.contains("GRANT SELECT ON TABLE shop.orders TO USER 'loader'"),
        "{reason}"
    );

    fe.on([Fe(SCHEMA)]).on([Status(401, denied)]);
    let result = client.check_access("shop", "orders", LIMIT).await;
    expect_error(
        result,
        "Permanent Auth: ",
        &["GRANT INSERT ON TABLE shop.orders TO USER 'loader'"],
    );

    let wrong = r#"{"status":"FAILED","code":"1","msg":"Access denied for loader@10.0.0.9"}"#;
    fe.on([Status(401, wrong)]).on([Status(401, wrong)]);
    let result = client.check_access("shop", "orders", LIMIT).await;
    expect_error(
        result,
        "Permanent Auth: ",
        &["check starrocks.username and starrocks.password"],
    );

    fe.on([Status(
        404,
        r#"{"status":404,"exception":"Database [shop] does not exists"}"#,
    )]);
    let result = client.check_access("shop", "orders", LIMIT).await;
    expect_error(
        result,
        "Permanent Schema: ",
        &["create the database `shop`, or correct starrocks.database.name"],
    );

    fe.on([Fe(SCHEMA)])
        .on([Fe(r#"{"Status":"FAILED","Message":"No backend alive."}"#)]);
    let result = client.check_access("shop", "orders", LIMIT).await;
    expect_error(result, "Transient Routing: ", &["No backend alive."]);
    fe.seen();

    let dead = crate::client(&dead_authority().await);
    expect_error(
        dead.check_access("shop", "orders", LIMIT).await,
        "NotSent Unreachable: ",
        &["starrocks.http.url"],
    );
}

#[tokio::test]
async fn error_logs_are_read_by_the_mapped_address_and_not_without_end() {
    let (fe, be) = (Node::start().await, Node::start().await);
    let mut config = config(&fe.authority());
    config.be_address_map =
        BeAddressMap::parse(&format!("be:8040={}", be.authority())).expect("a valid map");
    let client = Client::new(config).expect("a valid configuration");
    let url = "http://be:8040/api/_load_error_log?file=error_log_1_2";
    let log = "Error: NULL value in non-nullable column 'c'. Row: {}\n";
    be.on([Json(log)]).on([Json(log)]);
    assert_eq!(
        client.error_log(url, 1000, LIMIT).await.expect("the log"),
        log
    );
    assert_eq!(
        client
            .error_log(url, 10, LIMIT)
            .await
            .expect("its beginning"),
        "Error: NUL"
    );
    be.on([Status(404, "gone")]);
    expect_error(
        client.error_log(url, 10, LIMIT).await,
        "Transient Other: StarRocks error log at ",
        &["HTTP 404: gone"],
    );
    be.on([Close]);
    expect_error(
        client.error_log(url, 10, LIMIT).await,
        "Transient NoAnswer: ",
        &[],
    );
    assert!(
        be.lines()
            .iter()
            .all(|line| line == "GET /api/_load_error_log?file=error_log_1_2")
    );

    for other in [
        "http://elsewhere/collect?x=1",
        "/api/_load_error_log?file=x",
        "",
        "ftp://be/api/_load_error_log?x",
    ] {
        expect_error(
            client.error_log(other, 10, LIMIT).await,
            "Permanent BadRequest: ",
            &["is not the address of an error log"],
        );
    }
    let dead = dead_authority().await;
    let result = client
        .error_log(
            &format!("http://{dead}/api/_load_error_log?file=x"),
            10,
            LIMIT,
        )
        .await;
    expect_error(
        result,
        "NotSent Unreachable: ",
        &[&format!("starrocks.be.address.map={dead}=")],
    );
}
