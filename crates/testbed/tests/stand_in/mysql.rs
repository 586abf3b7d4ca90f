//! The MySQL port, asked by the real client and by bytes.

mod alter;

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use starrocks_kafka_testbed::{Grant, Node, StandIn, StandInOptions, User, mysql_client_or_skip};

use crate::http::connect;

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
