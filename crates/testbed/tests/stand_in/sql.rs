//! SQL as people and clients write it: names, variables, `information_schema`.

use starrocks_kafka_testbed::{StandIn, StandInOptions};

fn stand_in() -> StandIn {
    let at = StandIn::start(StandInOptions::default()).expect("the stand-in starts");
    at.sql(
        "CREATE DATABASE d; CREATE DATABASE e; USE d;
         CREATE TABLE t (id BIGINT NOT NULL, name VARCHAR(8) DEFAULT 'x' COMMENT 'who') PRIMARY KEY (id);
         CREATE TABLE `e`.t (id INT, at DATETIME DEFAULT CURRENT_TIMESTAMP, m MAP<INT,STRING>, b BOOLEAN, n DECIMAL(9,2));
         INSERT INTO t (id, name) VALUES (1, 'a'), (2, \"it's\"); INSERT INTO e.t (id) VALUES (7)",
    )
    .expect("the tables are made");
    at
}

/// What the last of the statements answers, columns of a row joined by tabs, rows by semicolons; or what it is refused with.
fn check(at: &StandIn, sql: &str, expect: &str) {
    let got = match at.sql(sql) {
        Ok(result) => result.lines().join("; "),
        Err(error) => format!("! {error}"),
    };
    assert_eq!(got, expect, "{sql}");
}

#[test]
fn tables_are_found_in_the_database_that_is_used() {
    let at = stand_in();
    let rows = [
        ("SELECT * FROM t", "! No database selected"),
        ("USE d; SELECT * FROM t", "1\ta; 2\tit's"),
        ("USE e; SELECT id FROM t # all", "7"),
        (
            "USE d; SELECT x.name, t.id FROM t AS x, e.t WHERE x.id = 1",
            "a\t7",
        ),
        (
            "USE d; SELECT a.id FROM t a JOIN t b ON a.id = b.id WHERE b.name = \"a\"",
            "1",
        ),
        (
            "USE d; SELECT id FROM (SELECT id FROM t WHERE id > 1) AS u",
            "2",
        ),
        (
            "USE d; SELECT id FROM t WHERE id IN (SELECT max(id) FROM t)",
            "2",
        ),
        (
            "USE d; WITH u AS (SELECT id FROM t) SELECT sum(id) FROM u",
            "3",
        ),
        ("SELECT count(*) FROM default_catalog.d.t", "2"),
        ("SELECT name FROM `d`.`t` WHERE name = 'it\\'s'", "it's"),
        (
            "USE d; UPDATE t SET name = 'b' WHERE id = 1; SELECT name FROM t WHERE id = 1",
            "b",
        ),
        (
            "USE d; DELETE FROM t WHERE id = 2; SELECT count(*) FROM t",
            "1",
        ),
        ("USE d; SELECT * FROM none", "! Unknown table 'd.none'"),
        ("SELECT * FROM none.t", "! Unknown database 'none'"),
        ("USE none", "! Unknown database 'none'"),
        ("USE e; SHOW TABLES; ", "t"),
        ("USE e; TRUNCATE TABLE t; SELECT count(*) FROM t", "0"),
        ("SHOW TABLES", "! No database selected"),
        ("USE e; DROP TABLE t; SHOW TABLES", ""),
    ];
    for (sql, expect) in rows {
        check(&at, sql, expect);
    }
}

#[test]
fn what_clients_ask_at_connect_is_answered() {
    let at = stand_in();
    let rows = [
        ("select database()", "NULL"),
        ("USE d; SELECT DATABASE(), 1 + @@autocommit", "d\t2"),
        ("select @@session.transaction_read_only", "0"),
        (
            "SET NAMES utf8 COLLATE utf8_general_ci; SELECT @@character_set_client",
            "utf8",
        ),
        (
            "SET autocommit = 0, @x = 'y'; SELECT @@global.autocommit, @x, @none",
            "0\ty\tNULL",
        ),
        ("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", ""),
        (
            "SET autocommit = 1, NAMES utf8, sql_mode = 'X'; SELECT @@character_set_results, @@sql_mode",
            "utf8\tX",
        ),
        ("SELECT LOCATE('b', 'äb'), LOCATE('x', 'a')", "2\t0"),
        (
            "SET sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')",
            "",
        ),
        (
            "SHOW VARIABLES LIKE 'lower_case%'",
            "lower_case_table_names\t0",
        ),
        (
            "SHOW SESSION VARIABLES WHERE Variable_name = 'wait_timeout'",
            "wait_timeout\t28800",
        ),
        ("SHOW WARNINGS LIMIT 10", ""),
        ("/*!40101 SET NAMES utf8 */", ""),
        ("START TRANSACTION; COMMIT", ""),
        ("SELECT 'a;b' /* c; d */ # it's\n; -- e; f", "a;b"),
        ("SELECT 'a", "! a text that begins with ' has no end"),
        ("select @@none", "! Unknown system variable 'none'"),
        (
            "SET PASSWORD = 'x'",
            "! the stand-in does not know SET PASSWORD",
        ),
        ("SHOW GRANTS", "! the stand-in does not know SHOW GRANTS"),
    ];
    for (sql, expect) in rows {
        check(&at, sql, expect);
    }
    let named = at
        .sql("SELECT @@version_comment, VERSION() LIMIT 1")
        .expect("it answers");
    assert_eq!(named.columns, ["@@version_comment", "VERSION()"]);
    assert!(named.lines()[0].contains("not StarRocks"), "{named}");
}

#[test]
fn the_catalogue_can_be_shown() {
    let at = stand_in();
    let rows = [
        ("SHOW DATABASES", "d; e; information_schema"),
        ("SHOW SCHEMAS LIKE 'info%'", "information_schema"),
        ("SHOW FULL TABLES FROM e", "t\tBASE TABLE"),
        ("SHOW TABLES FROM d LIKE 'x%'", ""),
        (
            "USE d; DESC t",
            "id\tbigint\tNO\ttrue\tNULL\t; name\tvarchar(8)\tYES\tfalse\tx\t",
        ),
        (
            "SHOW COLUMNS FROM t FROM d LIKE 'na%'",
            "name\tvarchar(8)\tYES\tfalse\tx\t",
        ),
        (
            "SHOW FULL COLUMNS FROM d.t LIKE 'name'",
            "name\tvarchar(8)\t\tYES\tfalse\tx\t\t\twho",
        ),
        ("SHOW CREATE DATABASE d", "d\tCREATE DATABASE `d`"),
        ("DROP DATABASE e; SHOW DATABASES", "d; information_schema"),
        (
            "SELECT table_schema, table_name FROM information_schema.tables",
            "d\tt",
        ),
    ];
    for (sql, expect) in rows {
        check(&at, sql, expect);
    }
}

#[test]
fn information_schema_tells_a_tables_columns() {
    let at = stand_in();
    let columns = "SELECT column_name, ordinal_position, data_type, column_type, is_nullable, column_key, column_default \
                   FROM information_schema.columns WHERE table_schema = 'e' AND table_name = 't' ORDER BY ordinal_position";
    check(
        &at,
        columns,
        "id\t1\tint\tint(11)\tYES\t\tNULL; at\t2\tdatetime\tdatetime\tYES\t\tCURRENT_TIMESTAMP; \
         m\t3\tmap\tmap<int(11),varchar(65533)>\tYES\t\tNULL; b\t4\ttinyint\ttinyint(1)\tYES\t\tNULL; \
         n\t5\tdecimal\tdecimal(9, 2)\tYES\t\tNULL",
    );
    let rows = [
        (
            "SELECT COLUMN_KEY, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH, COLUMN_COMMENT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'd'",
            "PRI\tNO\tNULL\t; \tYES\t8\twho",
        ),
        (
            "SELECT table_model, primary_key FROM information_schema.tables_config WHERE table_schema = 'd'",
            "PRIMARY_KEYS\t`id`",
        ),
        (
            "USE information_schema; SELECT schema_name FROM schemata",
            "d; e; information_schema",
        ),
        (
            "DELETE FROM information_schema.tables",
            "! information_schema can only be read",
        ),
        (
            "DROP DATABASE information_schema",
            "! Unknown database 'information_schema'",
        ),
        (
            "CREATE DATABASE information_schema",
            "! this stand-in cannot have a database named 'information_schema'",
        ),
    ];
    for (sql, expect) in rows {
        check(&at, sql, expect);
    }
}
