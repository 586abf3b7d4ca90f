//! Statements that are read, and those that are refused.

use super::{Statement, parse};

#[test]
fn columns_keys_and_layout_are_read() {
    let sql = "CREATE TABLE IF NOT EXISTS `demo`.orders (
        id BIGINT NOT NULL COMMENT 'the order''s number',
        amount DECIMAL(20, 4) DEFAULT \"1.5\", -- money
        at DATETIME DEFAULT CURRENT_TIMESTAMP,
        note STRING NULL DEFAULT NULL,
        deep MAP<INT, ARRAY<STRUCT<a INT, b: DECIMAL(5,2)>>>
    ) ENGINE=OLAP PRIMARY KEY (id) COMMENT 'c' PARTITION BY RANGE(id) (START ('1') END ('9') EVERY (2))
    DISTRIBUTED BY HASH(id) BUCKETS 3 ORDER BY (id) PROPERTIES ('replication_num' = '1');";
    let Statement::CreateTable {
        table,
        if_not_exists,
    } = parse(sql, None).expect("the statement is right")
    else {
        panic!("not read as CREATE TABLE");
    };
    assert!(if_not_exists);
    let shown: Vec<_> = table
        .columns
        .iter()
        .map(|c| format!("{} {} {} {:?}", c.name, c.ty, c.nullable, c.default))
        .collect();
    assert_eq!(
        shown,
        [
            "id bigint false None",
            "amount decimal(20,4) true Some(Text(\"1.5\"))",
            "at datetime true Some(CurrentTimestamp)",
            "note varchar(65533) true None",
            "deep map<int,array<struct<a int, b decimal(5,2)>>> true None"
        ]
    );
    assert_eq!(table.keys, ["id"]);
    assert_eq!(table.columns[0].comment, "the order's number");
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let refused = [
        ("CREATE TABLE d.t (a BITMAP)", "type BITMAP"),
        ("CREATE TABLE d.t (a ARRAY)", "type ARRAY"),
        ("CREATE TABLE d.t (a LIST<INT>)", "type LIST"),
        ("CREATE TABLE d.t (a ARRAY<INT)", "`>`"),
        ("CREATE TABLE d.t (a MAP<JSON,INT>)", "key of a map"),
        (
            "CREATE TABLE d.t (a STRUCT<b INT, B INT>)",
            "two fields `B`",
        ),
        (
            "CREATE TABLE d.t (a ARRAY<INT>) PRIMARY KEY (a)",
            "primary key",
        ),
        ("CREATE TABLE d.t (a INT AUTO_INCREMENT)", "AUTO_INCREMENT"),
        ("CREATE TABLE d.t (a INT SUM)", "SUM"),
        ("CREATE TABLE d.t (a INT) UNIQUE KEY (a)", "UNIQUE KEY"),
        ("CREATE TABLE d.t (a INT) ENGINE=mysql", "ENGINE=mysql"),
        ("CREATE TABLE d.t (a INT) SPLIT IN TWO", "SPLIT"),
        ("CREATE TABLE d.t (a DECIMAL(39,1))", "DECIMAL(39,1)"),
        ("CREATE TABLE d.t (a INT, A INT)", "Duplicate column"),
        ("CREATE TABLE d.t (a INT, b INT) PRIMARY KEY (b)", "`b`"),
        ("CREATE TABLE d.t (a INT DEFAULT (uuid()))", "DEFAULT"),
        ("CREATE TABLE t (a INT)", "No database selected"),
        ("CREATE VIEW v AS SELECT 1", "CREATE VIEW"),
        ("CREATE TABLE d.t (a INT AFTER b)", "`AFTER`"),
        ("ALTER TABLE d.t RENAME u", "ALTER TABLE"),
        ("ALTER SYSTEM ADD BACKEND 'x'", "ALTER SYSTEM"),
        ("CREATE TABLE d.t (a CHAR(0))", "length 0"),
    ];
    for (sql, names) in refused {
        let message = parse(sql, None).expect_err(sql).to_string();
        assert!(message.contains(names), "{sql}: {message}");
    }
}
