//! What an FE answers before anybody sees a row: redirects, rights, headers.

use std::time::Duration;

use starrocks_kafka_testbed::{Call, Grant, Hop, Node, StandInOptions, User};

use crate::http::{Ask, JSON, prepared, stand_in, state, transaction, transaction_ask};

fn free(ports: usize) -> Vec<std::net::SocketAddr> {
    vec![std::net::SocketAddr::from(([127, 0, 0, 1], 0)); ports]
}

#[test]
fn an_fe_sends_loads_to_a_be_and_closes() {
    let at = stand_in(StandInOptions {
        be: free(2),
        ..StandInOptions::default()
    });
    let ask = Ask::new("PUT", "/api/d/t/_stream_load?a=b").header("Expect", "100-continue");
    let mut seen = Vec::new();
    for _ in 0..2 {
        let answer = ask.send(at.addr(Node::Fe(0))).expect("it answers");
        assert_eq!(
            (answer.status, answer.body.len(), answer.continued),
            (307, 0, false)
        );
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(
            answer
                .header("server")
                .is_some_and(|s| s.contains("not StarRocks")),
            "{answer:?}"
        );
        seen.push(
            answer
                .header("location")
                .expect("it has a Location")
                .to_owned(),
        );
    }
    seen.sort();
    let mut expect: Vec<_> = (0..2)
        .map(|n| format!("http://{}/api/d/t/_stream_load?a=b", at.addr(Node::Be(n))))
        .collect();
    expect.sort();
    assert_eq!(seen, expect, "the BEs take turns");
}

#[test]
fn a_transaction_stays_with_its_be() {
    let at = stand_in(StandInOptions {
        be: free(2),
        ..StandInOptions::default()
    });
    for label in ["one", "two", "three"] {
        prepared(&at, label, r#"[{"id":1}]"#);
        assert_eq!(
            transaction(&at, "commit", label, &[], "")
                .expect("it answers")
                .word(),
            "OK"
        );
        let nodes: Vec<_> = at
            .calls()
            .iter()
            .filter(|c| c.label == label && c.hop == Hop::Serve)
            .map(|c| c.node)
            .collect();
        assert_eq!(nodes[..3], [nodes[0]; 3], "begin, load and prepare");
        assert_eq!(
            nodes[3],
            Node::Fe(0),
            "a prepared transaction is committed by the FE"
        );
    }
    let coordinators: Vec<_> = at.transactions().iter().map(|t| t.coordinator).collect();
    assert_eq!(coordinators, [0, 1, 0]);
}

#[test]
fn the_redirect_names_the_be_as_it_is_registered() {
    for (registered, expect) in [
        ("be-1.internal", None),
        ("be-1.internal:9999", Some("http://be-1.internal:9999/")),
    ] {
        let at = stand_in(StandInOptions {
            be_registered: vec![registered.to_owned()],
            ..StandInOptions::default()
        });
        let answer = transaction_ask("begin", "x")
            .send(at.addr(Node::Fe(0)))
            .expect("it answers");
        let expect = expect.map_or_else(
            || format!("http://be-1.internal:{}/", at.addr(Node::Be(0)).port()),
            str::to_owned,
        );
        let location = answer.header("location").expect("it has a Location");
        assert_eq!(location, format!("{expect}api/transaction/begin"));
    }
}

#[test]
fn stream_load_wants_expect_on_the_fe_only() {
    let at = stand_in(StandInOptions::default());
    let ask = Ask::new("PUT", "/api/d/t/_stream_load");
    let answer = ask.send(at.addr(Node::Fe(0))).expect("it answers");
    assert_eq!((answer.status, answer.word().as_str()), (200, "FAILED"));
    assert!(
        answer
            .get("Message")
            .contains("There is no 100-continue header")
    );
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=UTF-8")
    );
    let answer = ask
        .body("1\ta\n")
        .send(at.addr(Node::Be(0)))
        .expect("it answers");
    assert_eq!(answer.word(), "Success", "{}", answer.text());
}

#[test]
fn followers_send_to_the_leader() {
    let at = stand_in(StandInOptions {
        fe: free(2),
        ..StandInOptions::default()
    });
    let (first, second) = (at.addr(Node::Fe(0)), at.addr(Node::Fe(1)));
    let to_leader = |ask: Ask, follower, leader| {
        let answer = ask.send(follower).expect("it answers");
        let location = answer.header("location").unwrap_or_default().to_owned();
        assert!(
            answer.status == 307 && location.starts_with(&format!("http://{leader}/api/")),
            "{answer:?}"
        );
    };
    for op in ["begin", "load", "prepare", "commit", "rollback"] {
        to_leader(transaction_ask(op, "x"), second, first);
    }
    to_leader(
        Ask::new("GET", "/api/d/get_load_state?label=x"),
        second,
        first,
    );
    to_leader(Ask::new("POST", "/api/d/t/_cancel?label=x"), second, first);
    // Over three hops: follower, leader, BE.
    let begun = transaction_ask("begin", "x")
        .follow(second)
        .expect("it answers");
    assert_eq!(begun.word(), "OK");
    at.lead(1);
    to_leader(transaction_ask("prepare", "x"), first, second);
    // The new leader does not remember the BE but knows the transaction.
    assert_eq!(
        transaction(&at, "load", "x", JSON, r#"[{"id":1}]"#)
            .expect("it answers")
            .word(),
        "OK"
    );
    assert_eq!(
        transaction(&at, "prepare", "x", &[], "")
            .expect("it answers")
            .word(),
        "OK"
    );
    at.lead(0);
    assert_eq!(
        transaction(&at, "commit", "x", &[], "")
            .expect("it answers")
            .word(),
        "OK"
    );
    assert_eq!(state(&at, "x"), "VISIBLE");
}

#[test]
fn who_may_not_is_told_in_the_words_of_the_server() {
    let at = stand_in(StandInOptions::default());
    at.sql("CREATE TABLE d.u (id INT)").expect("it is made");
    let insert = Grant::Insert {
        db: "d".to_owned(),
        table: "t".to_owned(),
    };
    at.set_user(User {
        name: "loader".to_owned(),
        password: "secret".to_owned(),
        grants: vec![insert],
    });
    let (fe, be) = (at.addr(Node::Fe(0)), at.addr(Node::Be(0)));
    let stream = |table: &str| {
        Ask::new("PUT", &format!("/api/d/{table}/_stream_load")).header("Expect", "100-continue")
    };
    let begin =
        |table: &str| transaction_ask("begin", &format!("l-{table}")).header("table", table);
    let schema = Ask::new("GET", "/api/d/t/_schema");
    // Ask, user, server, HTTP status, `Status` word.
    let denied = [
        (stream("t"), "loader:wrong", fe, 401, ""),
        (stream("t"), "", fe, 401, ""),
        (stream("u"), "loader:secret", fe, 401, ""),
        (stream("t"), "loader:secret", fe, 307, ""),
        (begin("t"), "nobody:", fe, 401, ""),
        (begin("u"), "loader:secret", fe, 401, ""),
        (stream("t").body("1\ta\n"), "loader:wrong", be, 200, "Fail"),
        (stream("t").body("1\ta\n"), "", be, 200, "Fail"),
        (stream("u").body("1\n"), "loader:secret", be, 200, "Fail"),
        (begin("t"), "", be, 200, "INTERNAL_ERROR"),
        (begin("u"), "loader:secret", be, 200, "NOT_AUTHORIZED"),
        (begin("t"), "loader:secret", be, 200, "OK"),
        (schema.clone(), "loader:secret", fe, 401, ""),
        (schema, "root:", fe, 200, ""),
    ];
    for (ask, user, to, status, word) in denied {
        let ask = match user.split_once(':') {
            Some((name, password)) => ask.user(name, password),
            None => ask.anonymous(),
        };
        let answer = ask.send(to).expect("it answers");
        let shown = format!("{ask:?} as {user:?}: {answer:?}");
        assert_eq!(answer.status, status, "{shown}");
        if status == 401 {
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Basic realm=\"\""),
                "{shown}"
            );
            assert!(
                answer.get("msg").contains("Access denied") && answer.get("status") == "FAILED",
                "{shown}"
            );
        }
        if status == 200 && !word.is_empty() {
            assert_eq!(answer.word(), word, "{shown}");
        }
    }
}

#[test]
fn an_old_version_does_not_know_the_interface() {
    let at = stand_in(StandInOptions {
        transaction_interface: false,
        ..StandInOptions::default()
    });
    let probe = Ask::new("POST", "/api/transaction/begin")
        .send(at.addr(Node::Fe(0)))
        .expect("it answers");
    assert_eq!(
        (probe.status, probe.text().as_str()),
        (200, r#"{"status":"FAILED","msg":"Not implemented"}"#)
    );
    let at = stand_in(StandInOptions::default());
    let probe = Ask::new("POST", "/api/transaction/begin")
        .send(at.addr(Node::Fe(0)))
        .expect("it answers");
    assert!(
        probe.get("Message").contains("No database selected."),
        "{}",
        probe.text()
    );
}

#[test]
fn schema_and_state_of_what_is_not_there() {
    let at = stand_in(StandInOptions::default());
    at.sql("CREATE TABLE d.s (id BIGINT, p DECIMAL(12,3) COMMENT 'price', v VARCHAR(9), w DATETIME) PRIMARY KEY (id)")
        .expect("it is made");
    let fe = at.addr(Node::Fe(0));
    let get = |path: &str| Ask::new("GET", path).send(fe).expect("it answers");
    let schema = get("/api/d/s/_schema");
    let expect = r#"{"status":200,"properties":[{"name":"id","type":"BIGINT","comment":""},{"name":"p","type":"DECIMAL64","comment":"price","precision":"12","scale":"3"},{"name":"v","type":"VARCHAR","comment":""},{"name":"w","type":"DATETIME","comment":""}]}"#;
    assert_eq!(schema.text(), expect);
    for (path, exception) in [
        ("/api/d/x/_schema", "Table [x] does not exists"),
        ("/api/x/s/_schema", "Database [x] does not exists"),
    ] {
        let answer = get(path);
        assert_eq!(
            (answer.status, answer.get("exception").as_str()),
            (404, exception)
        );
    }
    let answer = get("/api/x/get_load_state?label=l");
    assert_eq!(
        (answer.get("status").as_str(), answer.get("msg").as_str()),
        ("FAILED", "unknown database, database=x")
    );
    assert_eq!(answer.get("state"), "");
    let answer = get("/api/d/get_load_state?label=l");
    assert_eq!(
        answer.text(),
        r#"{"state":"UNKNOWN","reason":"","status":"OK","code":"0","msg":"Success","message":"OK"}"#
    );
    let on_be = Ask::new("GET", "/api/d/get_load_state?label=l")
        .send(at.addr(Node::Be(0)))
        .expect("it answers");
    assert_eq!(on_be.status, 404);
}

#[test]
fn the_second_schema_interface_tells_more() {
    let ddl = "CREATE TABLE d.s (id BIGINT, v VARCHAR(9) NOT NULL DEFAULT 'x', w DATETIME DEFAULT CURRENT_TIMESTAMP, \
               p DECIMAL(12,3)) PRIMARY KEY (id)";
    for (schema_v2, known) in [(true, true), (false, false)] {
        let at = stand_in(StandInOptions {
            schema_v2,
            ..StandInOptions::default()
        });
        at.sql(ddl).expect("it is made");
        let get = |db: &str, table: &str| {
            let path =
                format!("/api/v2/catalogs/default_catalog/databases/{db}/tables/{table}/schema");
            Ask::new("GET", &path)
                .send(at.addr(Node::Fe(0)))
                .expect("it answers")
        };
        let answer = get("d", "s");
        if !known {
            assert_eq!(answer.status, 404);
            continue;
        }
        let result = &answer.json()["result"];
        assert_eq!(
            (answer.get("code").as_str(), result["keysType"].as_str()),
            ("0", Some("PRIMARY_KEYS"))
        );
        let columns = result["columns"].as_array().expect("columns are told");
        let shown = |key: &str| {
            columns
                .iter()
                .map(|c| c[key].to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let expect = [
            ("name", r#""id" "v" "w" "p""#),
            (
                "primitiveType",
                r#""BIGINT" "VARCHAR" "DATETIME" "DECIMAL64""#,
            ),
            ("isKey", "true false false false"),
            ("isAllowNull", "false false true true"),
            ("columnSize", "null 9 null 12"),
            ("scale", "0 0 0 3"),
            ("defaultValueType", r#""NULL" "CONST" "CONST" "NULL""#),
            ("defaultValue", r#"null "x" null null"#),
            ("defaultExpr", r#"null null "now()" null"#),
        ];
        for (key, expect) in expect {
            assert_eq!(shown(key), expect, "{key}");
        }
        for (db, table, message) in [
            ("x", "s", "Unknown database 'x'"),
            ("d", "x", "Unknown table 'x'"),
        ] {
            let answer = get(db, table);
            assert_eq!(
                (
                    answer.status,
                    answer.get("code").as_str(),
                    answer.get("message").as_str()
                ),
                (404, "404", message)
            );
        }
    }
}

#[test]
fn the_journal_tells_calls_in_order() {
    let at = stand_in(StandInOptions::default());
    prepared(&at, "one", r#"[{"id":1}]"#);
    let shown: Vec<_> = at
        .calls()
        .iter()
        .filter(|c| c.hop == Hop::Serve)
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        shown,
        [
            "#1 BE 0 begin d.t one -> 200 OK",
            "#3 BE 0 load d.t one -> 200 OK",
            "#5 BE 0 prepare d.t one -> 200 OK"
        ]
    );
    let missing = at
        .wait_for(Call::Commit, 1, Duration::from_millis(10))
        .expect_err("nobody commits");
    assert!(
        missing
            .to_string()
            .contains("call number 1 of commit did not come"),
        "{missing}"
    );
}
