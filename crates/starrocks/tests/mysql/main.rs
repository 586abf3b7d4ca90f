//! The client by MySQL's protocol against the stand-in, and its login against scripted servers.

mod login;

use std::net::SocketAddr;
use std::time::Duration;

use starrocks_kafka_starrocks::{
    MysqlAddress, MysqlClient, MysqlError, Refusal, Secret, TableDescription,
};
use starrocks_kafka_testbed::{Action, Call, Grant, Node, StandIn, StandInOptions, User};

/// Long enough for a loaded machine; no test waits for it.
const LIMIT: Duration = Duration::from_secs(60);
/// What no text may show.
const PASSWORD: &str = "s3cr3t-p4ss";

fn stand_in() -> StandIn {
    let at = StandIn::start(StandInOptions::default()).expect("the stand-in starts");
    at.set_user(User::with_all("loader", PASSWORD));
    let (db, table) = ("d".to_owned(), "orders".to_owned());
    at.set_user(User {
        name: "inserter".to_owned(),
        password: String::new(),
        grants: vec![Grant::Insert { db, table }],
    });
    at.sql(
        "CREATE DATABASE d;
         CREATE TABLE d.orders (id BIGINT, amount DECIMAL(9,2) NOT NULL DEFAULT '0', paid BOOLEAN, big LARGEINT,
             at DATETIME DEFAULT CURRENT_TIMESTAMP, note VARCHAR(64) DEFAULT '', days ARRAY<DATETIME>,
             deep MAP<INT,STRUCT<a INT>>) PRIMARY KEY (id);
         CREATE TABLE d.events (k INT NOT NULL, v JSON) DUPLICATE KEY (k);
         CREATE TABLE d.plain (k INT)",
    )
    .expect("the tables are made");
    at
}

fn addr(at: &StandIn) -> SocketAddr {
    at.mysql_addr().expect("the stand-in has a MySQL port")
}

fn client_of(addresses: &[SocketAddr], user: &str, password: &str) -> MysqlClient {
    let list: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
    let addresses = MysqlAddress::parse_list(&list.join(",")).expect("the addresses are right");
    MysqlClient::new(addresses, user, Secret::new(password), LIMIT)
}

fn client(at: &StandIn) -> MysqlClient {
    client_of(&[addr(at)], "loader", PASSWORD)
}

/// The model, then each column: name, type, `?` where it may be NULL, `key`.
fn shown(table: &TableDescription) -> String {
    let columns = table.columns.iter().map(|c| {
        let null = if c.is_nullable == Some(true) { "?" } else { "" };
        let key = if c.is_key == Some(true) { " key" } else { "" };
        format!("{} {}{null}{key}", c.name, c.column_type)
    });
    let columns: Vec<_> = columns.collect();
    format!("{:?}: {}", table.model, columns.join(", "))
}

async fn described(client: &MysqlClient, table: &str) -> String {
    match client.describe_table("d", table, LIMIT).await {
        Ok(table) => shown(&table),
        Err(error) => told(&error, &[]),
    }
}

/// The error's kind and text, without these addresses. It is one line, and does not show the password.
fn told(error: &MysqlError, addresses: &[SocketAddr]) -> String {
    let debug = format!("{error:?}");
    let kind = debug.split(' ').next().unwrap_or_default();
    let mut text = format!("{kind}: {error}");
    assert!(
        !text.contains(PASSWORD) && !debug.contains(PASSWORD),
        "the password is shown"
    );
    assert!(!text.contains('\n'), "more than one line: {text}");
    for (number, address) in addresses.iter().enumerate() {
        text = text.replace(&address.to_string(), &format!("<{number}>"));
    }
    text
}

#[tokio::test]
async fn tables_are_described_as_starrocks_tells_them() {
    let at = stand_in();
    let rows = [
        (
            "orders",
            "Some(PrimaryKey): id bigint(20) key, amount decimal(9, 2), paid tinyint(1)?, big bigint(20) unsigned?, \
             at datetime?, note varchar(64)?, days array<datetime>?, deep map<int(11),struct<a int(11)>>?",
        ),
        ("events", "Some(DuplicateKey): k int(11) key, v json?"),
        ("plain", "Some(DuplicateKey): k int(11)?"),
    ];
    for (table, expect) in rows {
        assert_eq!(described(&client(&at), table).await, expect, "{table}");
    }
    // Any right on the table will do, and an empty password.
    let inserter = client_of(&[addr(&at)], "inserter", "");
    assert_eq!(described(&inserter, "orders").await, rows[0].1);
}

#[tokio::test]
async fn columns_are_added_whatever_their_names_are() {
    let at = stand_in();
    let client = client(&at);
    let columns = [("od`d 'n\\ame", "VARCHAR(9)"), ("days", "ARRAY<DATETIME>")];
    client
        .add_columns("d", "plain", &columns, LIMIT)
        .await
        .expect("they are added");
    assert_eq!(
        described(&client, "plain").await,
        "Some(DuplicateKey): k int(11)?, od`d 'n\\ame varchar(9)?, days array<datetime>?"
    );
    client
        .add_columns("d", "plain", &[], LIMIT)
        .await
        .expect("there is nothing to do");
    assert_eq!(at.calls().len(), 1);
}

#[tokio::test]
async fn refusals_tell_what_happened_where_and_what_to_do() {
    let at = stand_in();
    let here = addr(&at);
    let check =
        async |user: &str, password: &str, database: &str, table: &str, add: &str, expect: &str| {
            let client = client_of(&[here], user, password);
            let done = if add.is_empty() {
                let described = client.describe_table(database, table, LIMIT).await;
                described.map(|table| shown(&table))
            } else {
                let columns = [(add, "INT")];
                let added = client.add_columns(database, table, &columns, LIMIT).await;
                added.map(|()| "added".to_owned())
            };
            let seen = match done {
                Ok(done) => done,
                Err(error) => told(&error, &[here]),
            };
            assert_eq!(seen, expect, "{user} {database}.{table} {add}");
        };
    check(
        "loader",
        "wrong",
        "d",
        "orders",
        "",
        "AccessDenied: StarRocks describing d.orders at <0>: Access denied for user 'loader'@'127.0.0.1' (using password: YES) \
         (check starrocks.username and starrocks.password)",
    )
    .await;
    check(
        "nobody",
        "",
        "d",
        "orders",
        "x",
        "AccessDenied: StarRocks ALTER TABLE d.orders at <0>: Access denied for user 'nobody'@'127.0.0.1' (using password: NO) \
         (check starrocks.username and starrocks.password)",
    )
    .await;
    check(
        "inserter",
        "",
        "d",
        "orders",
        "x",
        "AccessDenied: StarRocks ALTER TABLE d.orders at <0>: Access denied; you need (at least one of) the ALTER privilege(s) on \
         TABLE orders for this operation. User: 'inserter'@'%' (GRANT ALTER ON TABLE d.orders TO USER 'inserter')",
    )
    .await;
    check(
        "inserter",
        "",
        "d",
        "events",
        "",
        "AccessDenied: StarRocks describing d.events at <0>: Access denied; you need (at least one of) the ANY privilege(s) on \
         TABLE events for this operation. User: 'inserter'@'%' (GRANT INSERT ON TABLE d.events TO USER 'inserter')",
    )
    .await;
    let unknown = "(create it, or correct the names of database and table)";
    for (database, table, add, message) in [
        ("d", "none", "", "Unknown table 'd.none'"),
        ("none", "t", "", "Unknown database 'none'"),
        ("d", "none", "x", "Unknown table 'd.none'"),
        ("none", "t", "x", "Unknown database 'none'"),
    ] {
        let action = if add.is_empty() {
            "describing"
        } else {
            "ALTER TABLE"
        };
        let expect = format!(
            "UnknownTable: StarRocks {action} {database}.{table} at <0>: {message} {unknown}"
        );
        check("loader", PASSWORD, database, table, add, &expect).await;
    }
    check(
        "loader",
        PASSWORD,
        "d",
        "orders",
        "ID",
        "Refused: StarRocks ALTER TABLE d.orders at <0>: error 1064 (42000): Can not add column which already exists in base table: ID",
    )
    .await;
}

#[tokio::test]
async fn the_next_address_is_asked_where_one_is_dead() {
    let (dead, at) = (stand_in(), stand_in());
    let addresses = [addr(&dead), addr(&at)];
    dead.away(Node::Fe(0)).expect("it goes");
    let client = client_of(&addresses, "loader", PASSWORD);
    let plain = "Some(DuplicateKey): k int(11)?";
    assert_eq!(described(&client, "plain").await, plain);
    let columns = [("x", "INT")];
    let fresh = client_of(&addresses, "loader", PASSWORD);
    fresh
        .add_columns("d", "plain", &columns, LIMIT)
        .await
        .expect("the second address does it");
    // The good one is remembered, and comes first also when the other is back.
    dead.back_at(Node::Fe(0)).expect("it is back");
    let with_x = "Some(DuplicateKey): k int(11)?, x int(11)?";
    assert_eq!(described(&client, "plain").await, with_x);
    for one in [&dead, &at] {
        one.away(Node::Fe(0)).expect("it goes");
    }
    let error = client
        .add_columns("d", "plain", &columns, LIMIT)
        .await
        .expect_err("nobody is there");
    let told = told(&error, &addresses);
    let expect = "Unreachable: StarRocks ALTER TABLE d.plain: no front end can be asked by MySQL's protocol: <1>: ";
    assert!(told.starts_with(expect), "{told}");
    for part in ["; <0>: ", "(starrocks.mysql.url must name the MySQL ports"] {
        assert!(told.contains(part), "{told}");
    }
}

#[tokio::test]
async fn a_slow_change_shows_later_and_lets_no_other_begin() {
    let at = stand_in();
    let client = client(&at);
    at.faults().on(Call::Alter).first(1).act(Action::SlowAlter);
    let add = async |name| {
        client
            .add_columns("d", "plain", &[(name, "INT")], LIMIT)
            .await
    };
    add("x").await.expect("it is begun");
    let before = "Some(DuplicateKey): k int(11)?";
    assert_eq!(described(&client, "plain").await, before);
    let refusal = |result: Result<(), MysqlError>| match result {
        Err(MysqlError::Refused { refusal, .. }) => Some(refusal),
        _ => None,
    };
    assert_eq!(
        refusal(add("y").await),
        Some(Refusal::SchemaChangeInProgress)
    );
    assert_eq!(at.finish_alters().expect("it ends"), 1);
    let after = "Some(DuplicateKey): k int(11)?, x int(11)?";
    assert_eq!(described(&client, "plain").await, after);
    assert_eq!(refusal(add("X").await), Some(Refusal::ColumnExists));
    add("y").await.expect("it is added");
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_not_repeated() {
    // Were the second address asked, its column would be there.
    let (at, other) = (stand_in(), stand_in());
    let addresses = [addr(&at), addr(&other)];
    for (action, cause) in [
        (Action::DropAnswerAfterEffect, "the connection was closed"),
        (Action::ResetAfterEffect, "Connection reset by peer"),
        (Action::ResetBeforeEffect, "Connection reset by peer"),
    ] {
        let fault = at.faults().on(Call::Alter).act(action);
        let client = client_of(&addresses, "loader", PASSWORD);
        let error = client
            .add_columns("d", "plain", &[("x", "INT")], LIMIT)
            .await
            .expect_err("the answer is lost");
        let told = told(&error, &addresses);
        let expect = format!("OutcomeUnknown: StarRocks ALTER TABLE d.plain at <0>: {cause}");
        assert!(told.starts_with(&expect), "{told}");
        fault.remove();
        at.sql("DROP TABLE d.plain; CREATE TABLE d.plain (k INT)")
            .expect("it is as before");
    }
    assert_eq!((at.calls().len(), other.calls().len()), (3, 0));
}

#[tokio::test]
async fn a_change_that_takes_too_long_may_have_been_done() {
    let at = stand_in();
    at.faults().on(Call::Alter).act(Action::HoldAnswer);
    let asking = client(&at);
    let asking = tokio::spawn(async move {
        asking
            .add_columns("d", "plain", &[("x", "INT")], LIMIT)
            .await
    });
    let at = tokio::task::spawn_blocking(move || {
        at.wait_for(Call::Alter, 1, LIMIT).expect("it is asked");
        at
    });
    let at = at.await.expect("it arrives");
    // The client's clock alone: nobody waits.
    tokio::time::pause();
    tokio::time::advance(LIMIT).await;
    let error = asking
        .await
        .expect("it ends")
        .expect_err("it took too long");
    assert_eq!(
        told(&error, &[addr(&at)]),
        "OutcomeUnknown: StarRocks ALTER TABLE d.plain at <0>: 60000 ms were over before the answer came; it may have been done \
         (look at the table's columns before it is asked again)"
    );
    at.faults().clear();
}
