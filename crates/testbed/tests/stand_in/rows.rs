//! What a load makes of its rows: types, keys, deletes, filters, the error log.

use starrocks_kafka_testbed::{Node, StandIn, StandInOptions};

use crate::http::{Answer, Ask, JSON};

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

fn lines(at: &StandIn, sql: &str) -> Vec<String> {
    at.sql(sql).expect("it reads").lines()
}

const LAX: &[(&str, &str)] = &[("format", "json")];

#[test]
fn every_scalar_type_keeps_its_value() {
    let at = with_table(
        "CREATE TABLE d.t (b BOOLEAN, ti TINYINT, si SMALLINT, i INT, bi BIGINT, li LARGEINT, f FLOAT, d DOUBLE, \
         de DECIMAL(38, 10), da DATE, dt DATETIME, c CHAR(4), v VARCHAR(20), s STRING, j JSON, vb VARBINARY)",
    );
    let body = r#"{"b":true,"ti":-128,"si":32767,"i":2147483647,"bi":9223372036854775807,"li":170141183460469231731687303715884105727,
        "f":0.1,"d":1e300,"de":1234567890123456789012345678.0123456789,"da":"2024-02-29","dt":"2024-02-29T12:34:56.789",
        "c":"äö","v":"a\u0062c\n","s":"","j":{"k": [1, 2.50]},"vb":"raw"}{}"#;
    let answer = load(&at, LAX, body);
    assert_eq!(
        (answer.word(), answer.get("NumberLoadedRows")),
        ("Success".into(), "2".into()),
        "{}",
        answer.text()
    );
    let expect = "1\t-128\t32767\t2147483647\t9223372036854775807\t170141183460469231731687303715884105727\t0.1\t\
                  1e+300\t1234567890123456789012345678.0123456789\t2024-02-29\t2024-02-29 12:34:56.789000\täö\tabc\n\t\t\
                  {\"k\": [1, 2.5]}\t726177";
    let nulls = ["NULL"; 16].join("\t");
    assert_eq!(lines(&at, "SELECT * FROM d.t"), [expect, &nulls]);
}

/// Loads one body and looks at the answer and the table.
fn check(
    headers: &[(&str, &str)],
    body: &str,
    status: &str,
    counts: &str,
    rows: &[&str],
) -> Answer {
    let at = with_table(
        "CREATE TABLE d.t (id INT NOT NULL, n TINYINT, v VARCHAR(3), w INT NOT NULL DEFAULT '7') DUPLICATE KEY (id)",
    );
    let answer = load(&at, headers, body);
    assert_eq!(answer.word(), status, "{body}: {}", answer.text());
    let number = |name: &str| answer.get(&format!("Number{name}Rows"));
    let got = ["Total", "Loaded", "Filtered", "Unselected"]
        .map(number)
        .join(" ");
    assert_eq!(got, counts, "{body}: {}", answer.text());
    assert_eq!(lines(&at, "SELECT * FROM d.t"), rows, "{body}");
    answer
}

#[test]
fn strict_mode_and_ratio_decide_what_is_filtered() {
    let strict: &[(&str, &str)] = &[("format", "json"), ("strict_mode", "true")];
    let half: &[(&str, &str)] = &[
        ("format", "json"),
        ("strict_mode", "true"),
        ("max_filter_ratio", "0.5"),
    ];
    let good = r#"{"id":1,"n":1,"v":"a","w":1}"#;
    let bad = r#"{"id":2,"n":300,"v":"toolong","w":2}"#;
    let no_key = r#"{"n":3,"w":3}"#;
    check(
        LAX,
        &format!("{good}{bad}"),
        "Success",
        "2 2 0 0",
        &["1\t1\ta\t1", "2\tNULL\tNULL\t2"],
    );
    check(strict, &format!("{good}{bad}"), "Fail", "2 1 1 0", &[]);
    check(
        half,
        &format!("{good}{bad}"),
        "Success",
        "2 1 1 0",
        &["1\t1\ta\t1"],
    );
    check(
        half,
        &format!("{good}{bad}{no_key}"),
        "Fail",
        "3 1 2 0",
        &[],
    );
    check(LAX, no_key, "Fail", "1 0 1 0", &[]);
    // A key that is missing is NULL, not the column's default.
    check(LAX, r#"{"id":1}"#, "Fail", "1 0 1 0", &[]);
    check(
        &[("format", "json"), ("columns", "id,v")],
        r#"{"id":1,"v":"a","n":5}"#,
        "Success",
        "1 1 0 0",
        &["1\tNULL\ta\t7"],
    );
    check(
        &[("format", "json"), ("columns", "v")],
        r#"{"v":"a"}"#,
        "Fail",
        "0 0 0 0",
        &[],
    );
    check(LAX, "[]", "Fail", "0 0 0 0", &[]);
    check(LAX, "", "Fail", "0 0 0 0", &[]);
    check(LAX, r#"{"id":1,"w":1"#, "Fail", "0 0 0 0", &[]);
}

#[test]
fn csv_is_split_by_its_separators() {
    let plain: &[(&str, &str)] = &[];
    check(
        plain,
        "1\t2\ta\t3\n\n4\t\\N\t\t5\n",
        "Success",
        "2 2 0 0",
        &["1\t2\ta\t3", "4\tNULL\t\t5"],
    );
    check(plain, "1\t2\ta\t3", "Success", "1 1 0 0", &["1\t2\ta\t3"]);
    let own: &[(&str, &str)] = &[
        ("column_separator", "||"),
        ("row_delimiter", "\\x0D0A"),
        ("columns", "w,id,skipped"),
    ];
    check(
        own,
        "1||2||x\r\n3||4||y\r\n",
        "Success",
        "2 2 0 0",
        &["2\tNULL\tNULL\t1", "4\tNULL\tNULL\t3"],
    );
    let half: &[(&str, &str)] = &[("max_filter_ratio", "0.7")];
    let answer = check(
        half,
        "1\t2\n1\t2\ta\t3\nx\t2\ta\t3\n",
        "Success",
        "3 1 2 0",
        &["1\t2\ta\t3"],
    );
    assert!(
        answer.get("ErrorURL").starts_with("http://127.0.0.1:"),
        "{}",
        answer.text()
    );
}

#[test]
fn the_error_log_tells_the_row_and_the_reason() {
    let at = with_table("CREATE TABLE d.t (id INT NOT NULL, n TINYINT)");
    let body = r#"[{"id":1,"n":300},{"n":1},{"id":3,"n":3}]"#;
    let answer = load(&at, JSON, body);
    assert_eq!(
        (answer.word(), answer.get("Message")),
        ("Fail".into(), "too many filtered rows".into())
    );
    let url = answer.get("ErrorURL");
    let (host, path) = url
        .strip_prefix("http://")
        .and_then(|u| u.split_once('/'))
        .expect("it is a URL");
    assert_eq!(host, at.addr(Node::Be(0)).to_string());
    let get = |path: &str| {
        Ask::new("GET", path)
            .anonymous()
            .send(at.addr(Node::Be(0)))
            .expect("it answers")
    };
    assert_eq!(
        get(&format!("/{path}")).text(),
        "Error: Value is overflow. column=n, value=300. Row: {\"id\":1,\"n\":300}\n\
         Error: NULL value in non-nullable column 'id'. Row: {\"n\":1}\n"
    );
    at.restart(Node::Be(0)).expect("the BE is back");
    assert_eq!(
        get(&format!("/{path}")).status,
        200,
        "the log outlives the BE's end"
    );
    for file in ["error_log_0_0", "../stand-in.sqlite", ""] {
        assert_eq!(
            get(&format!("/api/_load_error_log?file={file}")).status,
            404,
            "{file}"
        );
    }
}

const PRIMARY: &str =
    "CREATE TABLE d.t (k INT, l VARCHAR(5), v INT, w INT DEFAULT '9') PRIMARY KEY (k, l)";

#[test]
fn primary_keys_upsert_and_delete_in_order() {
    let at = with_table(PRIMARY);
    let body = r#"[{"k":1,"l":"a","v":1},{"k":1,"l":"a","v":2},{"k":2,"l":"a","v":1,"__op":0},{"k":3,"l":"a","__op":"1"},
        {"k":4,"l":"a","v":1},{"k":4,"l":"a","__op":1},{"k":5,"l":"a","__op":1},{"k":5,"l":"a","v":5}]"#;
    let answer = load(&at, JSON, body);
    assert_eq!(
        (answer.word(), answer.get("NumberLoadedRows")),
        ("Success".into(), "8".into()),
        "{}",
        answer.text()
    );
    assert_eq!(
        lines(&at, "SELECT k, v FROM d.t ORDER BY k"),
        ["1\t2", "2\t1", "5\t5"]
    );
    let csv: &[(&str, &str)] = &[("column_separator", ","), ("columns", "k,l,v,__op")];
    assert_eq!(load(&at, csv, "1,a,0,1\n6,a,6,0\n").word(), "Success");
    assert_eq!(
        lines(&at, "SELECT k, v FROM d.t ORDER BY k"),
        ["2\t1", "5\t5", "6\t6"]
    );
    for op in ["null", "2", "true", "\"delete\""] {
        let answer = load(&at, JSON, &format!(r#"[{{"k":2,"l":"a","__op":{op}}}]"#));
        assert_eq!(answer.get("Message"), "too many filtered rows", "{op}");
    }
    assert_eq!(
        load(&at, JSON, r#"[{"k":null,"l":"a"}]"#).get("Message"),
        "too many filtered rows"
    );
}

#[test]
fn a_duplicate_key_table_has_no_operation() {
    let at = with_table("CREATE TABLE d.t (k INT) DUPLICATE KEY (k)");
    assert_eq!(
        load(&at, JSON, r#"[{"k":1},{"k":1,"__op":1}]"#).word(),
        "Success"
    );
    assert_eq!(lines(&at, "SELECT k FROM d.t"), ["1", "1"]);
    let partial: &[(&str, &str)] = &[
        ("format", "json"),
        ("partial_update", "true"),
        ("columns", "k"),
    ];
    let answer = load(&at, partial, r#"{"k":1}"#);
    assert_eq!(
        answer.get("Message"),
        "Only primary key table support partial update"
    );
}

#[test]
fn partial_and_conditional_updates() {
    let at = with_table(PRIMARY);
    assert_eq!(
        load(&at, JSON, r#"[{"k":1,"l":"a","v":5,"w":5}]"#).word(),
        "Success"
    );
    let partial: &[(&str, &str)] = &[
        ("format", "json"),
        ("partial_update", "true"),
        ("columns", "k,l,v"),
    ];
    assert_eq!(
        load(
            &at,
            partial,
            r#"{"k":1,"l":"a","v":6}{"k":2,"l":"a","v":1}"#
        )
        .word(),
        "Success"
    );
    assert_eq!(
        lines(&at, "SELECT k, v, w FROM d.t ORDER BY k"),
        ["1\t6\t5", "2\t1\t9"]
    );
    let newer: &[(&str, &str)] = &[("format", "json"), ("merge_condition", "v")];
    assert_eq!(
        load(
            &at,
            newer,
            r#"{"k":1,"l":"a","v":5,"w":0}{"k":2,"l":"a","v":2,"w":0}"#
        )
        .word(),
        "Success"
    );
    assert_eq!(
        lines(&at, "SELECT k, v, w FROM d.t ORDER BY k"),
        ["1\t6\t5", "2\t2\t0"]
    );
}

#[test]
fn tables_are_declared_shown_and_dropped() {
    let at = with_table(PRIMARY);
    assert_eq!(lines(&at, "SHOW DATABASES"), ["d", "information_schema"]);
    assert_eq!(lines(&at, "SHOW TABLES FROM d"), ["t"]);
    assert_eq!(
        lines(&at, "SHOW CREATE TABLE d.t"),
        [format!("t\t{PRIMARY}")]
    );
    let described = [
        "k\tint\tNO\ttrue\tNULL\t",
        "l\tvarchar(5)\tNO\ttrue\tNULL\t",
        "v\tint\tYES\tfalse\tNULL\t",
        "w\tint\tYES\tfalse\t9\t",
    ];
    assert_eq!(lines(&at, "DESC d.t"), described);
    assert_eq!(
        at.sql("INSERT INTO d.t (k, l) VALUES (1, 'a'), (2, 'b;')")
            .expect("it inserts")
            .changed,
        2
    );
    assert_eq!(lines(&at, "SELECT l, w FROM d.t WHERE k = 2"), ["b;\t9"]);
    assert_eq!(at.sql("TRUNCATE TABLE d.t").expect("it empties").changed, 2);
    let refused = [
        ("CREATE DATABASE d", "database exists"),
        ("CREATE DATABASE D", "differ in case"),
        ("CREATE DATABASE main", "cannot have a database named"),
        (PRIMARY, "already exists"),
        ("CREATE TABLE none.t (a INT)", "Unknown database 'none'"),
        ("DROP TABLE d.none", "Unknown table 'd.none'"),
        ("SELECT * FROM d.none", "Unknown table 'd.none'"),
        (
            "ALTER TABLE d.t DROP COLUMN x",
            "does not know ALTER TABLE … `DROP`",
        ),
    ];
    for (sql, message) in refused {
        let error = at.sql(sql).expect_err(sql).to_string();
        assert!(error.contains(message), "{sql}: {error}");
    }
    at.sql("DROP TABLE d.t; DROP TABLE IF EXISTS d.t; DROP DATABASE d; CREATE DATABASE d")
        .expect("they are dropped");
    assert_eq!(lines(&at, "SHOW TABLES FROM d"), [""; 0]);
}
