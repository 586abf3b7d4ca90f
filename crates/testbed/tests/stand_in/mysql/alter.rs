//! ALTER TABLE … ADD COLUMN by the MySQL port, and what loads and questions make of it.

use std::time::Duration;

use starrocks_kafka_testbed::{Action, Call, Grant, Node, Outcome, StandIn, StandInOptions, User};

use super::{Wire, stand_in};
use crate::http::{Ask, JSON, transaction};

fn check(wire: &mut Wire, sql: &str, expect: &str) {
    assert_eq!(wire.ask(sql), expect, "{sql}");
}

/// The columns of `d.p` as `information_schema` and the FE's HTTP tell them, which are the same.
fn columns(at: &StandIn, wire: &mut Wire) -> String {
    let told = wire.ask(
        "SELECT COLUMN_NAME FROM information_schema.columns WHERE TABLE_SCHEMA = 'd' AND TABLE_NAME = 'p' ORDER BY ORDINAL_POSITION",
    );
    let path = "/api/v2/catalogs/default_catalog/databases/d/tables/p/schema";
    let answer = Ask::new("GET", path)
        .send(at.addr(Node::Fe(0)))
        .expect("it answers");
    let json = answer.json();
    let by_http = json["result"]["columns"].as_array().expect("columns");
    let names: Vec<_> = by_http.iter().filter_map(|c| c["name"].as_str()).collect();
    assert_eq!(told, names.join("\n"));
    names.join(" ")
}

#[test]
fn columns_are_added_to_a_table_with_rows() {
    let at = stand_in();
    let wire = &mut Wire::login(&at);
    check(
        wire,
        "CREATE TABLE d.p (id INT, v STRING) PRIMARY KEY (id) DISTRIBUTED BY HASH(id)",
        "ok",
    );
    check(wire, "INSERT INTO d.p VALUES (1, 'a'), (2, 'b')", "ok");
    check(
        wire,
        "ALTER TABLE d.p ADD COLUMN n BIGINT NOT NULL DEFAULT \"7\" COMMENT 'n' AFTER id",
        "ok",
    );
    check(wire, "USE d", "ok");
    check(
        wire,
        "ALTER TABLE p ADD COLUMN (b BOOLEAN DEFAULT 'true', l ARRAY<DATETIME>)",
        "ok",
    );
    check(
        wire,
        "SELECT * FROM p",
        "1\t7\ta\t1\tNULL\n2\t7\tb\t1\tNULL",
    );
    check(
        wire,
        "DESC p",
        "id\tint\tNO\ttrue\tNULL\t\nn\tbigint\tNO\tfalse\t7\t\nv\tvarchar(65533)\tYES\tfalse\tNULL\t\n\
         b\tboolean\tYES\tfalse\ttrue\t\nl\tarray<datetime>\tYES\tfalse\tNULL\t",
    );
    assert_eq!(columns(&at, wire), "id n v b l");
    // Loads by names take the new columns or leave them out; those by positions need all of them.
    let load = |body: &str, headers: &[(&str, &str)]| {
        let ask = Ask::new("PUT", "/api/d/p/_stream_load").headers(headers);
        let answer = ask.header("Expect", "100-continue").body(body);
        answer
            .follow(at.addr(Node::Fe(0)))
            .expect("it answers")
            .word()
    };
    let rows =
        r#"[{"id":3,"v":"c","l":["2024-01-02 03:04:05"],"n":9,"b":false},{"id":4,"v":"d","n":1}]"#;
    assert_eq!(load(rows, JSON), "Success");
    let csv = &[("column_separator", ",")];
    assert_eq!(load("5,e", csv), "Fail");
    assert_eq!(load("5,8,e,0,\\N", csv), "Success");
    assert_eq!(load("6,f", &[csv[0], ("columns", "id,v")]), "Success");
    check(
        wire,
        "SELECT * FROM p WHERE id > 2 ORDER BY id",
        "3\t9\tc\t0\t[\"2024-01-02 03:04:05\"]\n4\t1\td\tNULL\tNULL\n5\t8\te\t0\tNULL\n6\t7\tf\t1\tNULL",
    );
}

#[test]
fn a_load_that_was_prepared_before_gets_the_defaults() {
    let at = stand_in();
    at.sql("DROP TABLE d.t; CREATE TABLE d.t (id INT NOT NULL)")
        .expect("the table is made");
    crate::http::prepared(&at, "before", r#"[{"id":1}]"#);
    at.sql("ALTER TABLE d.t ADD COLUMN v VARCHAR(9) DEFAULT 'x'")
        .expect("it is altered");
    let word = |op| {
        let answer = transaction(&at, op, "before", &[], "");
        answer.expect("it answers").word()
    };
    assert_eq!(word("commit"), "OK");
    let rows = at.sql("SELECT * FROM d.t").expect("it answers");
    assert_eq!(rows.lines(), ["1\tx"]);
}

#[test]
fn who_may_alter_and_what_is_refused() {
    let at = stand_in();
    let table = |name: &str| ("d".to_owned(), name.to_owned());
    let ((db, t), (_, other)) = (table("t"), table("other"));
    at.set_user(User {
        name: "loader".to_owned(),
        password: String::new(),
        grants: vec![
            Grant::Alter {
                db: db.clone(),
                table: t,
            },
            Grant::Insert { db, table: other },
        ],
    });
    let denied = |what: &str, user: &str| {
        format!(
            "! 5203 Access denied; you need (at least one of) the {what} for this operation. User: '{user}'@'%'"
        )
    };
    let wire = &mut Wire::login_as(&at, "loader");
    check(wire, "ALTER TABLE d.t ADD COLUMN x INT", "ok");
    let no_alter = denied("ALTER privilege(s) on TABLE other", "loader");
    let rows = [
        ("ALTER TABLE d.other ADD COLUMN x INT", no_alter.as_str()),
        // A statement that is wrong in itself is refused before rights are looked at.
        (
            "ALTER TABLE d.other ADD COLUMN x INT NOT NULL",
            "! 1364 Field 'x' is not null but doesn't have a default value",
        ),
        (
            "ALTER TABLE d.none ADD COLUMN x INT",
            "! 1146 Unknown table 'd.none'",
        ),
        (
            "ALTER TABLE none.t ADD COLUMN x INT",
            "! 1049 Unknown database 'none'",
        ),
        (
            "ALTER TABLE t ADD COLUMN x INT",
            "! 1046 No database selected",
        ),
        (
            "ALTER TABLE d.t ADD COLUMN X INT",
            "! 1064 Can not add column which already exists in base table: X",
        ),
        // Any right lets a user know of a table.
        ("SHOW COLUMNS FROM d.other", "id\tint\tYES\tfalse\tNULL\t"),
        (
            "SELECT TABLE_NAME FROM information_schema.tables_config ORDER BY 1",
            "other\nt",
        ),
    ];
    for (sql, expect) in rows {
        check(wire, sql, expect);
    }
    let reader = &mut Wire::login_as(&at, "reader");
    let unknown = denied("ANY privilege(s) on TABLE other", "reader");
    let rows = [
        (
            "ALTER TABLE d.t ADD COLUMN y INT",
            denied("ALTER privilege(s) on TABLE t", "reader"),
        ),
        ("DESC d.other", unknown.clone()),
        ("SHOW CREATE TABLE d.other", unknown),
        (
            "SELECT DISTINCT TABLE_NAME FROM information_schema.columns",
            "t".to_owned(),
        ),
    ];
    for (sql, expect) in rows {
        check(reader, sql, &expect);
    }
    let all = "SELECT TABLE_NAME FROM information_schema.tables ORDER BY 1";
    check(&mut Wire::login(&at), all, "other\nt");
}

#[test]
fn an_alter_that_takes_its_time_lets_no_other_begin() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = || StandInOptions {
        data_dir: Some(dir.path().to_owned()),
        ..StandInOptions::default()
    };
    let at = StandIn::start(options()).expect("the stand-in starts");
    at.sql("CREATE DATABASE d; CREATE TABLE d.p (id INT); CREATE TABLE d.q (id INT)")
        .expect("the tables are made");
    at.faults()
        .on(Call::Alter)
        .table("p")
        .first(2)
        .act(Action::SlowAlter);
    let wire = &mut Wire::login(&at);
    check(wire, "ALTER TABLE d.p ADD COLUMN x INT", "ok");
    assert_eq!(columns(&at, wire), "id");
    for _ in 0..2 {
        let refused = wire.ask("ALTER TABLE d.p ADD COLUMN y INT");
        let expect =
            "! 1064 A schema change operation is in progress on the table \"p\". Please wait";
        assert!(refused.starts_with(expect), "{refused}");
    }
    check(wire, "ALTER TABLE d.q ADD COLUMN y INT", "ok");
    assert_eq!(at.finish_alters().expect("it finishes"), 1);
    assert_eq!(columns(&at, wire), "id x");
    check(wire, "ALTER TABLE d.p ADD COLUMN y INT", "ok");
    assert_eq!(columns(&at, wire), "id x y");
    // The daemons finish what nobody finished, and so does the next start.
    at.faults().on(Call::Alter).act(Action::SlowAlter);
    check(wire, "ALTER TABLE d.p ADD COLUMN z INT DEFAULT '1'", "ok");
    at.advance(Duration::ZERO).expect("the daemons come by");
    assert_eq!(columns(&at, wire), "id x y z");
    check(wire, "ALTER TABLE d.p ADD COLUMN w INT", "ok");
    check(wire, "ALTER TABLE d.q ADD COLUMN w INT", "ok");
    check(wire, "DROP TABLE d.q", "ok");
    assert_eq!(columns(&at, wire), "id x y z");
    at.stop().expect("it stops");
    let at = StandIn::start(options()).expect("the stand-in starts again");
    assert_eq!(columns(&at, &mut Wire::login(&at)), "id x y z w");
    assert_eq!(at.finish_alters().expect("it finishes"), 0);
}

#[test]
fn an_alter_can_go_wrong_before_and_after_its_effect() {
    let at = stand_in();
    let column = |name: &str| format!("ALTER TABLE d.t ADD COLUMN {name} INT");
    let altered = |name: &str| at.sql(&format!("SELECT {name} FROM d.t")).is_ok();
    let rows = [
        (Action::ResetBeforeEffect, "before", false),
        (Action::DropAnswerAfterEffect, "dropped", true),
        (Action::ResetAfterEffect, "reset", true),
    ];
    for (action, name, done) in rows {
        let fault = at.faults().on(Call::Alter).act(action);
        let mut wire = Wire::login(&at);
        wire.command(3, &column(name));
        assert!(wire.read().is_err(), "{name}: no answer comes");
        assert_eq!(altered(name), done, "{name}");
        fault.remove();
    }
    let held = at.faults().on(Call::Alter).act(Action::Hold);
    let mut wire = Wire::login(&at);
    wire.command(3, &column("held"));
    at.wait_for(Call::Alter, 4, Duration::from_secs(30))
        .expect("it arrives");
    assert!(!altered("held"));
    held.release();
    assert_eq!(wire.answer()[0][0], 0);
    assert!(altered("held"));
    let ends: Vec<_> = at
        .calls()
        .into_iter()
        .map(|c| (c.call, c.table, c.outcome))
        .collect();
    let alter = |outcome| (Call::Alter, "t".to_owned(), outcome);
    let ok = Outcome::Answered {
        status: 0,
        word: String::new(),
    };
    assert_eq!(
        ends,
        [
            alter(Outcome::Cut),
            alter(Outcome::Cut),
            alter(Outcome::Cut),
            alter(ok)
        ]
    );
}
