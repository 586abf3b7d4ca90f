//! The MySQL port, asked by the real client and by bytes.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use std::time::Duration;

use starrocks_kafka_testbed::{
    Action, Call, Grant, Node, Outcome, StandIn, StandInOptions, User, mysql_client_or_skip,
};

use crate::http::{Ask, JSON, connect, transaction};

fn stand_in() -> StandIn {
    let at = StandIn::start(StandInOptions::default()).expect("the stand-in starts");
    at.set_user(User::with_all("admin", "secret word"));
    at.set_user(User {
        name: "reader".to_owned(),
        password: String::new(),
        grants: vec![Grant::Select {
            db: "d".to_owned(),
            table: "t".to_owned(),
        }],
    });
    at.sql(
        "CREATE DATABASE d; CREATE TABLE d.t (id INT, b BOOLEAN, de DECIMAL(9,2), at DATETIME, v VARCHAR(9), a ARRAY<INT>,
         vb VARBINARY); CREATE TABLE d.other (id INT);
         INSERT INTO d.t VALUES (1, true, '1.50', '2024-01-02 03:04:05', 'é', '[1,2]', x'00ff'), (2, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    .expect("the tables are made");
    at
}

fn addr(at: &StandIn) -> SocketAddr {
    at.mysql_addr()
        .expect("a library's stand-in has a MySQL port")
}

#[test]
fn the_mysql_client_makes_looks_at_and_drops_tables() {
    let at = stand_in();
    // What the client prints; an error begins with its number.
    let check = |arguments: &[&str], sql: &str, expect: &str| {
        let Some(mut client) = mysql_client_or_skip() else {
            return;
        };
        let port = addr(&at).port().to_string();
        let done = client
            .args(["-h127.0.0.1", "-P", &port])
            .args(arguments)
            .args(["-e", sql])
            .output()
            .expect("the client runs");
        let mut got = String::from_utf8_lossy(&done.stdout).into_owned();
        if !done.status.success() {
            let error = String::from_utf8_lossy(&done.stderr).into_owned();
            got.push_str(error.split("ERROR ").nth(1).unwrap_or(&error));
        }
        assert_eq!(got.trim_end(), expect, "{sql}");
    };
    let root: &[&str] = &["-uroot"];
    let quiet: &[&str] = &["-uroot", "-N"];
    check(
        root,
        "SELECT * FROM d.t LIMIT 1",
        "id\tb\tde\tat\tv\ta\tvb\n1\t1\t1.50\t2024-01-02 03:04:05\té\t[1,2]\t\\0\u{fffd}",
    );
    check(
        quiet,
        "SHOW DATABASES; USE d; SHOW TABLES; SELECT DATABASE()",
        "d\ninformation_schema\nother\nt\nd",
    );
    check(
        quiet,
        "CREATE DATABASE x; USE x; CREATE TABLE y (z INT NOT NULL) PRIMARY KEY (z); INSERT INTO y VALUES (3); SELECT z FROM y; \
         DESCRIBE y; TRUNCATE TABLE y; SELECT count(*) FROM y; DROP TABLE y; DROP DATABASE x",
        "3\nz\tint\tNO\ttrue\tNULL\t\n0",
    );
    check(
        root,
        "SELECT sum(id), max(v), NULL FROM d.t",
        "sum(id)\tmax(v)\tNULL\n3\té\tNULL",
    );
    check(
        root,
        "USE none",
        "1049 (42000) at line 1: Unknown database 'none'",
    );
    check(
        root,
        "SELECT * FROM t",
        "1046 (3D000) at line 1: No database selected",
    );
    check(
        root,
        "SELEC",
        "1064 (42000) at line 1: the stand-in does not know the statement `SELEC`",
    );
    check(&["-uroot", "-N", "d"], "SELECT count(*) FROM t", "2");
    check(
        &["-uroot", "none"],
        "SELECT 1",
        "1049 (42000): Unknown database 'none'",
    );
    check(&["-uadmin", "-psecret word", "-N"], "SELECT 1", "1");
    check(
        &["-uadmin", "-pwrong"],
        "SELECT 1",
        "1045 (28000): Access denied for user 'admin'@'127.0.0.1' (using password: YES)",
    );
    check(
        &["-unobody"],
        "SELECT 1",
        "1045 (28000): Access denied for user 'nobody'@'127.0.0.1' (using password: NO)",
    );
    check(&["-ureader", "-N"], "SELECT id FROM d.t", "1\n2");
    let denied = "Access denied; you need (at least one of) the";
    let may_not = |what: &str| {
        format!("5203 (HY000) at line 1: {denied} {what} for this operation. User: 'reader'@'%'")
    };
    check(
        &["-ureader"],
        "SELECT id FROM d.other",
        &may_not("SELECT privilege on TABLE other"),
    );
    check(
        &["-ureader"],
        "DROP TABLE d.t",
        &may_not("privileges for this statement"),
    );
}

/// The smallest client: packets as they are.
struct Wire {
    stream: TcpStream,
    number: u8,
}

impl Wire {
    fn login(at: &StandIn) -> Self {
        Self::login_as(at, "root")
    }

    /// As a user without a password.
    fn login_as(at: &StandIn, user: &str) -> Self {
        let stream = connect(addr(at)).expect("it listens");
        let mut wire = Self { stream, number: 0 };
        let greeting = wire.read().expect("it greets");
        assert_eq!(greeting[0], 10, "the protocol's version");
        // Protocol 4.1 with its way of passwords, another plugin than the server's, and none of the rest.
        let mut answer = 0x0008_8200_u32.to_le_bytes().to_vec();
        answer.extend_from_slice(&[0; 28]);
        answer.extend_from_slice(user.as_bytes());
        answer.extend_from_slice(b"\0\x00caching_sha2_password\0");
        wire.write(&answer);
        let switch = wire.read().expect("it answers");
        assert!(
            switch.starts_with(b"\xfemysql_native_password\0"),
            "{switch:?}"
        );
        wire.write(&[]);
        assert_eq!(wire.read().expect("it answers")[0], 0, "let in");
        wire
    }

    fn write(&mut self, payload: &[u8]) {
        let len = u32::try_from(payload.len())
            .expect("it is short")
            .to_le_bytes();
        let packet = [&len[..3], &[self.number], payload].concat();
        self.stream.write_all(&packet).expect("it is sent");
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head)?;
        self.number = head[3] + 1;
        let len = u32::from_le_bytes([head[0], head[1], head[2], 0]);
        let mut payload = vec![0; usize::try_from(len).expect("it fits")];
        self.stream.read_exact(&mut payload)?;
        Ok(payload)
    }

    fn command(&mut self, code: u8, text: &str) {
        self.number = 0;
        let mut payload = vec![code];
        payload.extend_from_slice(text.as_bytes());
        self.write(&payload);
    }

    /// What a query answers: `ok`, rows as lines of values joined by tabs, or `!`, the error's number and its text.
    fn ask(&mut self, sql: &str) -> String {
        self.command(3, sql);
        let packets = self.answer();
        match packets[0].as_slice() {
            [0, ..] => "ok".to_owned(),
            // Behind the number there are `#` and five bytes of state.
            [0xff, a, b, rest @ ..] => {
                let text = String::from_utf8_lossy(&rest[6..]).into_owned();
                format!("! {} {text}", u16::from_le_bytes([*a, *b]))
            }
            head => {
                let rows = &packets[usize::from(head[0]) + 2..packets.len() - 1];
                let lines = rows.iter().map(|row| values(row).join("\t"));
                lines.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// The packets of an answer to a query, up to the second end or to what is none of rows.
    fn answer(&mut self) -> Vec<Vec<u8>> {
        let mut packets = vec![self.read().expect("it answers")];
        if matches!(packets[0][0], 0 | 0xff) {
            return packets;
        }
        let mut ends = 0;
        while ends < 2 {
            let packet = self.read().expect("it answers");
            ends += usize::from(packet[0] == 0xfe && packet.len() == 5);
            packets.push(packet);
        }
        packets
    }
}

#[test]
fn columns_have_the_types_of_the_table() {
    let at = stand_in();
    let mut wire = Wire::login(&at);
    wire.command(3, "SELECT t.*, count(*), 1.5, 'x', b + 1 FROM d.t AS t");
    let packets = wire.answer();
    let columns = usize::from(packets[0][0]);
    // Behind the type there are two bytes of flags, one of decimals, two of nothing.
    let types: Vec<(u8, u8)> = packets[1..=columns]
        .iter()
        .map(|p| (p[p.len() - 6], p[p.len() - 3]))
        .collect();
    let expect = [
        (3, 0),
        (1, 0),
        (246, 2),
        (12, 0),
        (253, 0),
        (253, 0),
        (252, 0),
        (8, 0),
        (5, 31),
        (253, 0),
        (8, 0),
    ];
    assert_eq!(types, expect);
    wire.command(3, "SELECT v FROM d.t ORDER BY id");
    let rows = wire.answer();
    assert_eq!(rows[3..5], [b"\x02\xc3\xa9".to_vec(), b"\xfb".to_vec()]);
}

#[test]
fn several_statements_have_an_answer_each() {
    let at = stand_in();
    let mut wire = Wire::login(&at);
    wire.command(
        3,
        "USE d; DELETE FROM t WHERE id = 2; SELECT id FROM t; SELECT nothing; SELECT 1",
    );
    let more = |packet: &[u8]| packet[3] & 8 != 0;
    let used = wire.answer();
    assert!(used[0][0] == 0 && more(&used[0]), "{used:?}");
    let deleted = wire.answer();
    assert_eq!(deleted[0][1], 1, "rows that were changed");
    let rows = wire.answer();
    assert_eq!(rows[3], b"\x011");
    assert_eq!(rows[4][3] & 8, 8, "more follows");
    let failed = wire.answer();
    assert_eq!(
        &failed[0][..3],
        [0xff, 0x28, 0x04],
        "an error, 1064: {failed:?}"
    );
    // The one after the error is not run, and the connection goes on.
    wire.command(14, "");
    assert_eq!(wire.answer()[0][0], 0);
    wire.command(3, "SELECT DATABASE()");
    assert_eq!(wire.answer()[3], b"\x01d");
    wire.command(31, "");
    assert_eq!(wire.answer()[0][0], 0);
    wire.command(3, "SELECT DATABASE()");
    assert_eq!(wire.answer()[3], b"\xfb");
    wire.command(1, "");
    assert!(wire.read().is_err(), "the connection is closed");
}

#[test]
fn prepared_statements_answer_in_binary() {
    let at = stand_in();
    let mut wire = Wire::login(&at);
    wire.command(
        22,
        "SELECT t.*, id + 1, 0.5 FROM d.t WHERE id <= ? ORDER BY id DESC",
    );
    let prepared = wire.read().expect("it answers");
    assert_eq!(prepared, [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    for _ in 0..2 {
        wire.read().expect("a parameter, and the end of them");
    }
    // Statement 1, no cursor, once, no NULL, the type: a number of one byte, 2.
    wire.number = 0;
    wire.write(&[23, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 2]);
    let packets = wire.answer();
    assert_eq!(packets[0], [9]);
    let rows = &packets[11..packets.len() - 1];
    let nulls = [
        0,
        0b1111_1000,
        0b1,
        2,
        0,
        0,
        0,
        3,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0xe0,
        0x3f,
    ];
    assert_eq!(rows[0], nulls);
    let mut full = vec![0, 0, 0, 1, 0, 0, 0, 1];
    full.extend_from_slice(
        b"\x041.50\x0b\xe8\x07\x01\x02\x03\x04\x05\0\0\0\0\x02\xc3\xa9\x05[1,2]\x02\x00\xff",
    );
    full.extend_from_slice(&2_i64.to_le_bytes());
    full.extend_from_slice(&0.5_f64.to_le_bytes());
    assert_eq!(rows[1], full);
    wire.number = 0;
    wire.write(&[23, 9, 0, 0, 0, 0, 1, 0, 0, 0]);
    let refused = String::from_utf8_lossy(&wire.answer()[0]).into_owned();
    assert!(refused.contains("Unknown prepared statement"), "{refused}");
    // Closing has no answer.
    wire.command(25, "\x01\0\0\0");
    wire.command(14, "");
    assert_eq!(wire.answer()[0][0], 0);
}

#[test]
fn the_port_goes_and_comes_with_the_first_frontend() {
    let at = stand_in();
    let mut wire = Wire::login(&at);
    at.away(Node::Fe(0)).expect("it goes");
    assert!(wire.read().is_err(), "the connection is closed");
    assert!(connect(addr(&at)).is_err(), "new ones are refused");
    at.back_at(Node::Fe(0)).expect("it is back");
    Wire::login(&at);
    let none = StandIn::start(StandInOptions {
        mysql: None,
        ..StandInOptions::default()
    });
    assert_eq!(none.expect("the stand-in starts").mysql_addr(), None);
}

/// The values of a row, none of which is long.
fn values(mut row: &[u8]) -> Vec<String> {
    let mut values = Vec::new();
    while let Some((len, rest)) = row.split_first() {
        let (value, rest) = match len {
            0xfb => ("NULL".to_owned(), rest),
            len => {
                let (value, rest) = rest.split_at(usize::from(*len));
                (String::from_utf8_lossy(value).into_owned(), rest)
            }
        };
        values.push(value);
        row = rest;
    }
    values
}

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
