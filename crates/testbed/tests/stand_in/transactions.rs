//! The transaction interface: states, labels, bodies.

use starrocks_kafka_testbed::{StandIn, StandInOptions, TxnState};

use crate::http::{JSON, prepared, stand_in, state, transaction};

/// Rows in `d.t`.
pub(crate) fn count(at: &StandIn) -> Option<i64> {
    at.sql("SELECT count(*) FROM d.t")
        .expect("it counts")
        .number()
}

#[test]
fn rows_are_visible_only_after_commit() {
    let at = stand_in(StandInOptions::default());
    prepared(&at, "one", r#"[{"id":1,"name":"a"},{"id":2}]"#);
    assert_eq!(state(&at, "one"), "PREPARED");
    assert_eq!(count(&at), Some(0));
    let answer = transaction(&at, "commit", "one", &[], "").expect("it answers");
    assert_eq!(
        (answer.word(), answer.get("Message")),
        ("OK".into(), String::new())
    );
    assert_eq!(state(&at, "one"), "VISIBLE");
    assert_eq!(
        at.sql("SELECT * FROM d.t ORDER BY id")
            .expect("it reads")
            .lines(),
        ["1\ta", "2\tNULL"]
    );
    assert!(at.transactions_in(TxnState::Prepared).is_empty());
}

/// One step of a script: call, its load headers and body, what must be answered.
struct Step {
    op: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    word: &'static str,
    message: &'static str,
}

const fn step(op: &'static str, word: &'static str, message: &'static str) -> Step {
    Step {
        op,
        headers: &[],
        body: "",
        word,
        message,
    }
}

const fn load(
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    word: &'static str,
    message: &'static str,
) -> Step {
    Step {
        op: "load",
        headers,
        body,
        word,
        message,
    }
}

const BEGIN: Step = step("begin", "OK", "");
const ONE_ROW: Step = load(JSON, r#"[{"id":1}]"#, "OK", "");
const LAX: &[(&str, &str)] = &[
    ("format", "json"),
    ("strip_outer_array", "true"),
    ("ignore_json_size", "true"),
];
const SIZED: &[(&str, &str)] = &[("format", "json"), ("strip_outer_array", "true")];
pub(crate) const NDJSON: &[(&str, &str)] = &[("format", "json"), ("ignore_json_size", "true")];
pub(crate) const CSV: &[(&str, &str)] = &[
    ("format", "csv"),
    ("column_separator", "\\x01"),
    ("row_delimiter", "|"),
];
const RATIO: &[(&str, &str)] = &[
    ("format", "json"),
    ("strip_outer_array", "true"),
    ("ignore_json_size", "true"),
    ("max_filter_ratio", "0.5"),
];

/// Runs the steps under one label and looks at the label's state and the table at the end.
fn check(what: &str, steps: &[Step], end_state: &str, rows: i64) {
    let at = stand_in(StandInOptions {
        max_json_bytes: 40,
        ..StandInOptions::default()
    });
    for (number, step) in steps.iter().enumerate() {
        let answer =
            transaction(&at, step.op, "label", step.headers, step.body).expect("it answers");
        let shown = format!("{what}, step {number} {}: {}", step.op, answer.text());
        assert_eq!(
            (answer.status, answer.word().as_str()),
            (200, step.word),
            "{shown}"
        );
        assert!(answer.get("Message").contains(step.message), "{shown}");
    }
    assert_eq!(state(&at, "label"), end_state, "{what}");
    assert_eq!(count(&at), Some(rows), "{what}");
}

#[test]
fn each_call_answers_by_the_state_it_finds() {
    let prepare = || step("prepare", "OK", "");
    let commit = || step("commit", "OK", "");
    let rollback = || step("rollback", "OK", "");
    check(
        "a repeated commit",
        &[
            BEGIN,
            ONE_ROW,
            prepare(),
            commit(),
            step("commit", "OK", "has already committed"),
        ],
        "VISIBLE",
        1,
    );
    check(
        "a commit without prepare",
        &[
            BEGIN,
            ONE_ROW,
            commit(),
            step("commit", "OK", "has already"),
        ],
        "VISIBLE",
        1,
    );
    check(
        "a second prepare",
        &[
            BEGIN,
            ONE_ROW,
            prepare(),
            step("prepare", "TXN_NOT_EXISTS", "not exists"),
        ],
        "PREPARED",
        0,
    );
    check(
        "a load after prepare",
        &[
            BEGIN,
            ONE_ROW,
            prepare(),
            load(JSON, "[]", "TXN_NOT_EXISTS", "not exists"),
        ],
        "PREPARED",
        0,
    );
    check(
        "a rollback before prepare",
        &[
            BEGIN,
            ONE_ROW,
            rollback(),
            step("rollback", "OK", "has already aborted"),
        ],
        "ABORTED",
        0,
    );
    check(
        "a rollback after prepare",
        &[BEGIN, ONE_ROW, prepare(), rollback()],
        "ABORTED",
        0,
    );
    check(
        "a commit after rollback",
        &[
            BEGIN,
            ONE_ROW,
            rollback(),
            step("commit", "FAILED", "Can not commit ABORTED transaction"),
        ],
        "ABORTED",
        0,
    );
    check(
        "a rollback after commit",
        &[
            BEGIN,
            ONE_ROW,
            prepare(),
            commit(),
            step("rollback", "FAILED", "Can not abort VISIBLE transaction"),
        ],
        "VISIBLE",
        1,
    );
    check(
        "a prepare without rows",
        &[
            BEGIN,
            step("prepare", "INTERNAL_ERROR", "hasn't send any data yet"),
        ],
        "ABORTED",
        0,
    );
    check(
        "no rows in the body",
        &[
            BEGIN,
            load(JSON, "[]", "OK", ""),
            step("prepare", "ANALYSIS_ERROR", "No rows were imported"),
        ],
        "ABORTED",
        0,
    );
    check(
        "a label that was aborted",
        &[BEGIN, rollback(), BEGIN, ONE_ROW, prepare(), commit()],
        "VISIBLE",
        1,
    );
    check(
        "a label that is open on the BE",
        &[BEGIN, step("begin", "LABEL_ALREADY_EXISTS", ""), ONE_ROW],
        "PREPARE",
        0,
    );
    check(
        "a label that was used",
        &[
            BEGIN,
            ONE_ROW,
            prepare(),
            commit(),
            step(
                "begin",
                "LABEL_ALREADY_EXISTS",
                "Label [label] has already been used",
            ),
        ],
        "VISIBLE",
        1,
    );
    check(
        "nothing was begun",
        &[step("commit", "FAILED", "No transaction found")],
        "UNKNOWN",
        0,
    );
    check(
        "nothing was begun",
        &[step("rollback", "FAILED", "No transaction found")],
        "UNKNOWN",
        0,
    );
    check(
        "nothing was begun",
        &[step("prepare", "FAILED", "Can't find the transaction")],
        "UNKNOWN",
        0,
    );
    check(
        "nothing was begun",
        &[load(JSON, "[]", "FAILED", "Can't find the transaction")],
        "UNKNOWN",
        0,
    );
    check(
        "an operation that is none",
        &[step(
            "finish",
            "FAILED",
            "Unknown transaction operation: finish",
        )],
        "UNKNOWN",
        0,
    );
}

#[test]
fn bodies_of_several_loads_are_one_transaction() {
    let prepare = || step("prepare", "OK", "");
    let commit = || step("commit", "OK", "");
    let two = load(JSON, r#"[{"id":1},{"id":2}]"#, "OK", "");
    check(
        "two loads",
        &[BEGIN, ONE_ROW, two, prepare(), commit()],
        "VISIBLE",
        3,
    );
    check(
        "other headers",
        &[
            BEGIN,
            ONE_ROW,
            load(LAX, "[]", "INTERNAL_ERROR", "load request not equal last."),
            step("commit", "FAILED", "ABORTED"),
        ],
        "ABORTED",
        0,
    );
    check(
        "objects one after the other",
        &[
            BEGIN,
            load(NDJSON, "{\"id\":1}\n{\"id\":2}{\"id\":3}", "OK", ""),
            commit(),
        ],
        "VISIBLE",
        3,
    );
    check(
        "CSV runs over the borders of bodies",
        &[
            BEGIN,
            load(CSV, "1\x01a|2\x01", "OK", ""),
            load(CSV, "b|3\x01c", "OK", ""),
            commit(),
        ],
        "VISIBLE",
        3,
    );
    check(
        "JSON is limited over all loads",
        &[
            BEGIN,
            load(SIZED, r#"[{"id":1,"name":"abc"}]"#, "OK", ""),
            load(
                SIZED,
                r#"[{"id":1,"name":"abc"}]"#,
                "INVALID_ARGUMENT",
                "exceed the max size [40]",
            ),
        ],
        "ABORTED",
        0,
    );
    check(
        "broken JSON fails at prepare, not before",
        &[
            BEGIN,
            load(JSON, r#"[{"id":1}"#, "OK", ""),
            step(
                "prepare",
                "DATA_QUALITY_ERROR",
                "Failed to parse json as array",
            ),
        ],
        "ABORTED",
        0,
    );
    check(
        "filtered rows fail at prepare",
        &[
            BEGIN,
            load(JSON, r#"[{"id":1},{"id":"x"}]"#, "OK", ""),
            step("prepare", "INTERNAL_ERROR", "too many filtered rows"),
        ],
        "ABORTED",
        0,
    );
    check(
        "half of the rows may be filtered",
        &[
            BEGIN,
            load(RATIO, r#"[{"id":1},{"name":"no id"}]"#, "OK", ""),
            prepare(),
            commit(),
        ],
        "VISIBLE",
        1,
    );
    check(
        "what is not known is refused by name",
        &[
            BEGIN,
            load(
                &[("partitions", "p1")],
                "1\n",
                "INVALID_ARGUMENT",
                "`partitions`",
            ),
        ],
        "ABORTED",
        0,
    );
}

#[test]
fn answers_have_the_keys_of_the_protocol() {
    let at = stand_in(StandInOptions::default());
    let keys = |op: &str, headers: &[(&str, &str)], body: &str| -> Vec<String> {
        let answer = transaction(&at, op, "label", headers, body)
            .expect("it answers")
            .json();
        answer
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(
        keys("begin", &[], ""),
        ["Status", "Message", "Label", "TxnId", "BeginTxnTimeMs"]
    );
    let load = [
        "Status",
        "Message",
        "Label",
        "TxnId",
        "LoadBytes",
        "StreamLoadPlanTimeMs",
        "ReceivedDataTimeMs",
    ];
    assert_eq!(keys("load", JSON, r#"[{"id":1}]"#), load);
    let prepare = "Status Message Label TxnId NumberTotalRows NumberLoadedRows NumberFilteredRows NumberUnselectedRows LoadBytes \
                   LoadTimeMs StreamLoadPlanTimeMs ReceivedDataTimeMs WriteDataTimeMs CommitAndPublishTimeMs";
    assert_eq!(
        keys("prepare", &[], ""),
        prepare.split_whitespace().collect::<Vec<_>>()
    );
    assert_eq!(
        keys("commit", &[], ""),
        ["Status", "Message", "TxnId", "Label"]
    );
    assert_eq!(
        keys("begin", &[], ""),
        ["Status", "ExistingJobStatus", "Message"]
    );
    let counts = at.counters();
    assert_eq!((counts.rows, counts.commits), (1, 1));
}
