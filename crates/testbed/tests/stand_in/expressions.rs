//! What a load's headers make of its rows: `columns`, `jsonpaths`, `json_root`, `where`.

use starrocks_kafka_testbed::{Node, StandIn, StandInOptions};

use crate::http::{Answer, Ask, transaction};

const TABLE: &str = "CREATE TABLE d.t (id INT NOT NULL, name VARCHAR(8) DEFAULT 'none', at DATETIME, raw VARBINARY, doc JSON)";

fn with_table(ddl: &str) -> StandIn {
    let at = StandIn::start(StandInOptions::default()).expect("the stand-in starts");
    at.sql(&format!("CREATE DATABASE d; {ddl}"))
        .expect("the table is made");
    at
}

fn load(at: &StandIn, headers: &[(&str, &str)], body: &str) -> Answer {
    let ask = Ask::new("PUT", "/api/d/t/_stream_load")
        .header("Expect", "100-continue")
        .headers(headers)
        .body(body);
    ask.follow(at.addr(Node::Fe(0))).expect("it answers")
}

/// Loads one body; the counts and the rows, or the message of the refusal.
fn check(ddl: &str, headers: &[(&str, &str)], body: &str, expect: &str) {
    let at = with_table(ddl);
    let answer = load(&at, headers, body);
    let got = if answer.word() == "Success" {
        let number = |name: &str| answer.get(&format!("Number{name}Rows"));
        let counts = ["Total", "Loaded", "Filtered", "Unselected"]
            .map(number)
            .join(" ");
        let rows = at
            .sql("SELECT * FROM d.t ORDER BY 1")
            .expect("it reads")
            .lines();
        format!("{counts}: {}", rows.join("; ")).replace('\t', " ")
    } else {
        answer.get("Message")
    };
    assert_eq!(got, expect, "{headers:?} {body}");
}

const JSON: (&str, &str) = ("format", "json");
const COMMA: (&str, &str) = ("column_separator", ",");

#[test]
fn columns_are_renamed_and_made() {
    check(
        TABLE,
        &[
            JSON,
            (
                "columns",
                "key, seconds, bytes, id = key, at = from_unixtime(seconds), raw = from_base64(bytes), name = 'x'",
            ),
        ],
        r#"{"key":7,"seconds":1700000000,"bytes":"AP8="}{"key":"8","seconds":"never","bytes":null}"#,
        "2 2 0 0: 7 x 2023-11-14 22:13:20 00ff NULL; 8 x NULL NULL NULL",
    );
    check(
        TABLE,
        &[
            JSON,
            ("timezone", "+02:00"),
            ("columns", "id, s, at = from_unixtime(s), doc = s"),
        ],
        r#"{"id":1,"s":0}"#,
        "1 1 0 0: 1 none 1970-01-01 02:00:00 NULL 0",
    );
    check(
        TABLE,
        &[
            COMMA,
            (
                "columns",
                "day, id, at = str_to_date(day, '%d.%m.%Y'), doc = '{\"a\":[1]}'",
            ),
        ],
        "1.2.2024,5\n",
        "1 1 0 0: 5 none 2024-02-01 00:00:00 NULL {\"a\": [1]}",
    );
    // Without any field the table's columns are the fields, and what is made of them takes their place.
    check(
        "CREATE TABLE d.t (id INT, name VARCHAR(8))",
        &[COMMA, ("columns", "name = id")],
        "5,gone\n",
        "1 1 0 0: 5 5",
    );
    // Strict mode looks at fields only, NOT NULL at everything.
    check(
        TABLE,
        &[
            COMMA,
            ("strict_mode", "true"),
            ("max_filter_ratio", "0.5"),
            ("columns", "a, b, id = a, name = b"),
        ],
        "x,1\n2,far too long\n",
        "2 1 1 0: 2 NULL NULL NULL NULL",
    );
}

#[test]
fn what_columns_cannot_be_made_of_is_refused_by_name() {
    let unknown = |what: &str| {
        format!("this StarRocks stand-in does not know {what} in the load header `columns`")
    };
    let rows = [
        ("id, name = upper(id)", unknown("the function `upper`")),
        ("id, name = id + 1", unknown("the operator `+`")),
        (
            "id, other = id",
            "Mapping column is not in table. column: other".to_owned(),
        ),
        (
            "id, name = other",
            "unknown reference column, column=name, reference=other".to_owned(),
        ),
        ("name", "Column has no default value. column: id".to_owned()),
    ];
    for (columns, expect) in rows {
        check(TABLE, &[JSON, ("columns", columns)], r#"{"id":1}"#, &expect);
    }
    let zone = "this StarRocks stand-in knows no zone in the load header `timezone` but UTC, Asia/Shanghai and offsets as +08:00";
    let columns = ("columns", "id, at = from_unixtime(id)");
    check(
        TABLE,
        &[JSON, ("timezone", "Europe/Berlin"), columns],
        r#"{"id":1}"#,
        zone,
    );
}

#[test]
fn json_is_read_by_paths_from_a_root() {
    check(
        TABLE,
        &[
            JSON,
            ("jsonpaths", r#"["$.a.id", "$.names[1]", "$"]"#),
            ("columns", "id, name, doc"),
        ],
        r#"{"a":{"id":1},"names":["x","y"]}{"a":{"id":2}}"#,
        r#"2 2 0 0: 1 y NULL NULL {"a": {"id": 1}, "names": ["x", "y"]}; 2 NULL NULL NULL {"a": {"id": 2}}"#,
    );
    // Without `columns` the paths are the table's columns in their order.
    check(
        TABLE,
        &[JSON, ("jsonpaths", r#"["$.x"]"#)],
        r#"{"x":3,"name":"n"}"#,
        "1 1 0 0: 3 NULL NULL NULL NULL",
    );
    check(
        TABLE,
        &[
            JSON,
            ("strip_outer_array", "true"),
            ("json_root", "$.data.rows"),
        ],
        r#"{"data":{"rows":[{"id":1},{"id":2,"name":"b"}]}}"#,
        "2 2 0 0: 1 NULL NULL NULL NULL; 2 b NULL NULL NULL",
    );
    check(
        TABLE,
        &[JSON, ("jsonpaths", "$.a")],
        "{}",
        "Invalid json path: expected an array of texts, not $.a",
    );
    check(
        "CREATE TABLE d.t (id INT, v INT) PRIMARY KEY (id)",
        &[
            JSON,
            ("jsonpaths", r#"["$.k", "$.v", "$.d"]"#),
            ("columns", "id, v, __op"),
        ],
        r#"{"k":1,"v":1,"d":0}{"k":2,"v":2,"d":0}{"k":1,"v":1,"d":1}"#,
        "3 3 0 0: 2 2",
    );
    check(
        "CREATE TABLE d.t (id INT, v INT) PRIMARY KEY (id)",
        &[JSON, ("jsonpaths", r#"["$.k", "$.v"]"#)],
        r#"{"k":1,"v":1,"__op":1}"#,
        "1 1 0 0: 1 1",
    );
}

#[test]
fn rows_are_selected_before_the_table_refuses_any() {
    let body = "1,a\n2,b\n\\N,a\n4,c\n";
    let of = |predicate: &'static str| {
        [
            COMMA,
            ("columns", "id, name"),
            ("max_filter_ratio", "0.5"),
            ("where", predicate),
        ]
    };
    check(
        TABLE,
        &of("name = 'a' AND id < 3"),
        body,
        "4 1 0 3: 1 a NULL NULL NULL",
    );
    check(
        TABLE,
        &of("name <> 'b'"),
        body,
        "4 2 1 1: 1 a NULL NULL NULL; 4 c NULL NULL NULL",
    );
    check(
        TABLE,
        &of("name LIKE 'a%' OR id IN (4)"),
        body,
        "4 2 1 1: 1 a NULL NULL NULL; 4 c NULL NULL NULL",
    );
    // Of what is selected more than half is filtered.
    check(
        TABLE,
        &of("id IS NULL OR id = 100"),
        body,
        "too many filtered rows",
    );
    check(
        TABLE,
        &of("id = 100"),
        body,
        "No rows were imported from upstream",
    );
    check(
        TABLE,
        &of("other = 1"),
        body,
        "unknown column reference in where statement, reference=other",
    );
    check(
        TABLE,
        &of("length(name) > 1"),
        body,
        "this StarRocks stand-in does not know the function `length` in the load header `where`",
    );
}

#[test]
fn the_operation_of_a_primary_key_table_may_be_made() {
    let at = with_table("CREATE TABLE d.t (id INT, v INT NOT NULL DEFAULT '0') PRIMARY KEY (id)");
    let done = |columns: &str, body: &str| {
        let answer = load(&at, &[COMMA, ("columns", columns)], body);
        assert_eq!(answer.word(), "Success", "{columns}: {}", answer.text());
        at.sql("SELECT * FROM d.t ORDER BY id")
            .expect("it reads")
            .lines()
            .join("; ")
            .replace('\t', " ")
    };
    assert_eq!(done("id, v", "1,1\n2,2\n3,3\n"), "1 1; 2 2; 3 3");
    assert_eq!(done("id, __op = 'delete'", "1\n"), "2 2; 3 3");
    assert_eq!(done("id, v, tmp, __op = tmp", "2,0,1\n3,9,0\n"), "3 9");
    assert_eq!(done("id, v, __op = 'upsert'", "4,4\n"), "3 9; 4 4");
    let partial = [
        JSON,
        ("partial_update", "true"),
        ("partial_update_mode", "column"),
        ("columns", "k, id = k, v = '7'"),
    ];
    assert_eq!(load(&at, &partial, r#"{"k":3}"#).word(), "Success");
    let condition = [JSON, ("merge_condition", "v"), ("columns", "id, w, v = w")];
    assert_eq!(
        load(&at, &condition, r#"{"id":3,"w":6}{"id":4,"w":5}"#).word(),
        "Success"
    );
    assert_eq!(
        at.sql("SELECT v FROM d.t ORDER BY id")
            .expect("it reads")
            .lines(),
        ["7", "5"]
    );
}

#[test]
fn a_transaction_keeps_what_its_headers_ask_for() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let options = || StandInOptions {
        data_dir: Some(dir.path().to_owned()),
        ..StandInOptions::default()
    };
    let at = StandIn::start(options()).expect("the stand-in starts");
    at.sql(&format!("CREATE DATABASE d; {TABLE}"))
        .expect("the table is made");
    let headers = [
        JSON,
        ("columns", "k, id = k, name = 'x'"),
        ("where", "id > 1"),
    ];
    let call = |at: &StandIn, op: &str, headers: &[(&str, &str)], body: &str| {
        transaction(at, op, "l", headers, body).expect("it answers")
    };
    call(&at, "begin", &[], "");
    assert_eq!(
        call(&at, "load", &headers, r#"{"k":1}{"k":2}"#).word(),
        "OK"
    );
    let prepared = call(&at, "prepare", &[], "");
    let number = |name: &str| prepared.get(&format!("Number{name}Rows"));
    assert_eq!(
        ["Total", "Loaded", "Unselected"].map(number),
        ["2", "1", "1"],
        "{}",
        prepared.text()
    );
    at.stop().expect("it stops");
    let again = StandIn::start(options()).expect("the stand-in starts");
    assert_eq!(call(&again, "commit", &[], "").word(), "OK");
    assert_eq!(
        again
            .sql("SELECT id, name FROM d.t")
            .expect("it reads")
            .lines(),
        ["2\tx"]
    );
}
