//! One row for each arm of the table.

use super::*;
use crate::answer::Call::{
    Begin, Cancel, Commit, ErrorLog, InsertProbe, LabelState, Load, Prepare, Probe, Rollback,
    StreamLoad, TableSchema,
};
use crate::answer::RowCounts;
use crate::answer::Verdict::{AlreadyDone, Done, Permanent, Transient, UnknownAsk};

fn check(call: Call, http_status: u16, body: &str, verdict: Verdict, class: Class) {
    let answer = classify(call, http_status, body.as_bytes());
    assert_eq!(
        (answer.verdict, answer.class),
        (verdict, class),
        "{call} HTTP {http_status} {body}"
    );
    assert!(
        verdict.is_done() || !answer.message.is_empty(),
        "a refusal without words: {call} HTTP {http_status} {body}"
    );
}

/// As the back end writes it.
fn be(status: &str, message: &str) -> String {
    serde_json::json!({"TxnId": 1, "Label": "l", "Status": status, "Message": message}).to_string()
}

/// As the front end writes it.
fn fe(status: &str, message: &str) -> String {
    let message = format!("class com.starrocks.common.StarRocksException: {message}");
    serde_json::json!({"status": status, "code": "1", "msg": message, "message": message})
        .to_string()
}

#[test]
fn no_text_hides_another() {
    for (part, class) in TEXTS {
        assert_eq!(
            by_text(part),
            Some(*class),
            "an entry above `{part}` takes its answers"
        );
        assert_eq!(
            *part,
            part.to_lowercase(),
            "texts are compared in lower case"
        );
    }
}

#[test]
fn successes() {
    for call in [Begin, Load, Prepare, Commit, Rollback, Cancel] {
        check(call, 200, &be("OK", ""), Done, Class::Accepted);
        check(call, 200, &be("ok", ""), Done, Class::Accepted);
    }
    check(
        Cancel,
        200,
        r#"{"status":"OK","code":"0","msg":"Success","message":"OK"}"#,
        Done,
        Class::Accepted,
    );
    check(StreamLoad, 200, &be("Success", "OK"), Done, Class::Accepted);
    check(
        StreamLoad,
        200,
        &be("Publish Timeout", "x"),
        Done,
        Class::CommittedLate,
    );
    check(
        Commit,
        200,
        &be("PUBLISH_TIMEOUT", "x"),
        Done,
        Class::CommittedLate,
    );
    check(
        Commit,
        200,
        &be("OK", "Transaction 9 has already committed, label is l"),
        AlreadyDone,
        Class::Accepted,
    );
    check(
        Rollback,
        200,
        &be("OK", "Transaction 9 has already aborted, label is l"),
        AlreadyDone,
        Class::Accepted,
    );
    check(
        LabelState,
        200,
        r#"{"state":"VISIBLE","status":"OK","msg":"Success"}"#,
        Done,
        Class::Accepted,
    );
    check(
        TableSchema,
        200,
        r#"{"status":200,"properties":[]}"#,
        Done,
        Class::Accepted,
    );
}

#[test]
fn successes_that_are_none() {
    check(
        Commit,
        200,
        &be(
            "OK",
            "stream load task l state (LOADING) is not prepared, can not commit",
        ),
        UnknownAsk,
        Class::Other,
    );
    check(
        Commit,
        200,
        &be(
            "OK",
            "txn could not be committed because task state is: CANCELLED",
        ),
        UnknownAsk,
        Class::Other,
    );
    check(
        LabelState,
        200,
        r#"{"status":"OK"}"#,
        Transient,
        Class::Unreadable,
    );
    check(
        LabelState,
        200,
        r#"{"status":"OK","state":"SIDEWAYS"}"#,
        Transient,
        Class::Unreadable,
    );
    check(
        TableSchema,
        200,
        r#"{"status":200}"#,
        Transient,
        Class::Unreadable,
    );
    check(
        Prepare,
        200,
        &be("PUBLISH_TIMEOUT", "x"),
        UnknownAsk,
        Class::CommittedLate,
    );
    check(
        Commit,
        200,
        &fe("FAILED", "publish timeout: 20000"),
        UnknownAsk,
        Class::CommittedLate,
    );
}

#[test]
fn unreadable_answers() {
    for call in [Begin, Load, Prepare, Commit, Rollback, Cancel, StreamLoad] {
        for body in [
            "",
            "<html>Welcome</html>",
            "{\"Status\":\"OK\"",
            "[]",
            "{}",
            "OK",
        ] {
            check(call, 200, body, UnknownAsk, Class::Unreadable);
        }
        for status in [500, 502, 503, 504] {
            check(
                call,
                status,
                "<html>Bad Gateway</html>",
                UnknownAsk,
                Class::ServerError,
            );
            check(call, status, &be("OK", ""), UnknownAsk, Class::ServerError);
        }
        check(
            call,
            200,
            &be("FAILED", "something never heard of"),
            UnknownAsk,
            Class::Other,
        );
        check(
            call,
            200,
            &be("INTERNAL_ERROR", ""),
            UnknownAsk,
            Class::Other,
        );
        check(
            call,
            200,
            &be("ANALYSIS_ERROR", "something never heard of"),
            UnknownAsk,
            Class::Other,
        );
    }
    for call in [LabelState, TableSchema, Probe, InsertProbe, ErrorLog] {
        check(call, 200, "<html>", Transient, Class::Unreadable);
        check(call, 503, "", Transient, Class::ServerError);
    }
    check(
        LabelState,
        200,
        &fe("FAILED", "something never heard of"),
        Transient,
        Class::Other,
    );
}

#[test]
fn other_http_statuses() {
    check(
        Begin,
        401,
        &fe("FAILED", "Access denied for u@ip"),
        Permanent,
        Class::Auth,
    );
    check(Commit, 401, "", Permanent, Class::Auth);
    check(
        TableSchema,
        403,
        r#"{"status":403,"exception":"Access denied"}"#,
        Permanent,
        Class::Auth,
    );
    check(
        TableSchema,
        403,
        r#"{"status":403,"exception":"only support olap table"}"#,
        Permanent,
        Class::Schema,
    );
    check(
        TableSchema,
        404,
        r#"{"status":404,"exception":"Table [t] does not exists"}"#,
        Permanent,
        Class::Schema,
    );
    check(
        TableSchema,
        404,
        r#"{"status":404,"exception":"Database [d] does not exists"}"#,
        Permanent,
        Class::Schema,
    );
    check(
        Begin,
        404,
        "<html>404 Not Found</html>",
        Transient,
        Class::Routing,
    );
    check(Commit, 404, "", UnknownAsk, Class::Routing);
    check(LabelState, 404, "", Transient, Class::Routing);
    check(Load, 429, "", Transient, Class::Overload);
    check(Commit, 302, "", UnknownAsk, Class::Routing);
}

#[test]
fn labels() {
    check(
        Begin,
        200,
        &be("LABEL_ALREADY_EXISTS", "Label [l] has already been used."),
        UnknownAsk,
        Class::LabelTaken,
    );
    check(
        Begin,
        200,
        &be("LABEL_ALREADY_EXISTS", ""),
        UnknownAsk,
        Class::LabelTaken,
    );
    check(
        Begin,
        200,
        &fe(
            "FAILED",
            "Label [l] has already been used, relate to txn [3]",
        ),
        UnknownAsk,
        Class::LabelTaken,
    );
    let stream_load = |status: &str, job: &str| {
        format!(
            r#"{{"Status":"{status}","ExistingJobStatus":"{job}","Message":"Label [l] has already been used."}}"#
        )
    };
    check(
        StreamLoad,
        200,
        &stream_load("Label Already Exists", "FINISHED"),
        AlreadyDone,
        Class::LabelTaken,
    );
    check(
        StreamLoad,
        200,
        &stream_load("Label Already Exists", "RUNNING"),
        UnknownAsk,
        Class::LabelTaken,
    );
    check(
        StreamLoad,
        200,
        &stream_load("Label Already Exists", ""),
        UnknownAsk,
        Class::LabelTaken,
    );
    check(
        StreamLoad,
        200,
        &be("Fail", "Label [l] has already been used"),
        UnknownAsk,
        Class::LabelTaken,
    );
    check(
        Begin,
        200,
        &stream_load("LABEL_ALREADY_EXISTS", "FINISHED"),
        UnknownAsk,
        Class::LabelTaken,
    );
    check(
        Begin,
        200,
        &be(
            "INVALID_ARGUMENT",
            "Label format error. regex: ^[-\\w]{1,128}$",
        ),
        Permanent,
        Class::Schema,
    );
}

#[test]
fn lost_answers() {
    check(
        StreamLoad,
        200,
        &be(
            "Fail",
            "Transaction status unknown, you can retry with same label.",
        ),
        UnknownAsk,
        Class::LostAnswer,
    );
    check(
        Commit,
        200,
        &be("THRIFT_RPC_ERROR", "x"),
        UnknownAsk,
        Class::LostAnswer,
    );
    check(
        Prepare,
        200,
        &be("THRIFT_RPC_ERROR", "too many filtered rows"),
        UnknownAsk,
        Class::LostAnswer,
    );
    check(
        Prepare,
        200,
        &be("INTERNAL_ERROR", "call frontend service failed, address=x"),
        UnknownAsk,
        Class::LostAnswer,
    );
    check(
        Begin,
        200,
        &be("TIMEOUT", "x"),
        UnknownAsk,
        Class::LostAnswer,
    );
    check(
        Load,
        200,
        &be(
            "INTERNAL_ERROR",
            "receive body don't equal with body bytes, expected 3, got 1",
        ),
        UnknownAsk,
        Class::LostAnswer,
    );
}

#[test]
fn rows_and_tables() {
    for text in [
        "too many filtered rows",
        "abnormal data more than max filter rate, tracking_url: http://b:1/api/_load_error_log?file=e",
        "Failed to parse json as array. error: x",
        "Failed to iterate document stream as object. error: x",
        "the value should be array type with strip_outer_array=true, value: 1",
        "The value is array type in json document stream, you can set strip_outer_array=true",
        "NULL value in non-nullable column 'c'",
        "The row is out of partition ranges. Please add a new partition.",
        "primary key size exceed the limit",
    ] {
        check(
            Prepare,
            200,
            &be("INTERNAL_ERROR", text),
            Permanent,
            Class::DataQuality,
        );
        check(
            Load,
            200,
            &be("ABORTED", text),
            Permanent,
            Class::DataQuality,
        );
    }
    check(
        Prepare,
        200,
        &be("DATA_QUALITY_ERROR", "x"),
        Permanent,
        Class::DataQuality,
    );
    for text in [
        "unknown table, table=t",
        "unknown database, database=d",
        "Unknown table 't'",
        "Database[d] does not exist",
        "Column has no default value. column: c",
        "Mapping column is not in table. column: c",
        "unknown data format, format=avro",
        "Only primary key table support partial update",
        "generated column: c can not be specified",
    ] {
        check(
            Load,
            200,
            &be("ANALYSIS_ERROR", text),
            Permanent,
            Class::Schema,
        );
        check(Begin, 200, &fe("FAILED", text), Permanent, Class::Schema);
    }
    check(
        LabelState,
        200,
        &fe("FAILED", "unknown database, database=x"),
        Permanent,
        Class::Schema,
    );
}

#[test]
fn rights_and_requests() {
    check(
        Load,
        200,
        &be("Fail", "no valid Basic authorization"),
        Permanent,
        Class::Auth,
    );
    check(
        Begin,
        200,
        &be(
            "NOT_AUTHORIZED",
            "Access denied; you need the INSERT privilege",
        ),
        Permanent,
        Class::Auth,
    );
    check(
        Load,
        200,
        &be("INTERNAL_ERROR", "load request not equal last."),
        Permanent,
        Class::BadRequest,
    );
    check(
        Load,
        200,
        &be(
            "INVALID_ARGUMENT",
            "Request table a not equal transaction table b",
        ),
        Permanent,
        Class::BadRequest,
    );
    check(
        Load,
        200,
        &be("INVALID_ARGUMENT", "x"),
        Permanent,
        Class::BadRequest,
    );
    check(
        StreamLoad,
        200,
        &fe("FAILED", "There is no 100-continue header"),
        Permanent,
        Class::BadRequest,
    );
    check(
        Begin,
        200,
        &fe("FAILED", "Empty label."),
        Permanent,
        Class::BadRequest,
    );
    check(
        Probe,
        200,
        &fe("FAILED", "No database selected."),
        Permanent,
        Class::BadRequest,
    );
    check(
        Probe,
        200,
        r#"{"status":"FAILED","msg":"Not implemented"}"#,
        Permanent,
        Class::Unsupported,
    );
    check(
        Begin,
        200,
        &fe("FAILED", "Unknown transaction operation: x"),
        Permanent,
        Class::Unsupported,
    );
    check(
        Begin,
        200,
        &be("NOT_IMPLEMENTED_ERROR", "x"),
        Permanent,
        Class::Unsupported,
    );
    check(
        Prepare,
        200,
        &be("INTERNAL_ERROR", "transaction l hasn't send any data yet"),
        Permanent,
        Class::EmptyLoad,
    );
    check(
        StreamLoad,
        200,
        &be("Fail", "all partitions have no load data"),
        Permanent,
        Class::EmptyLoad,
    );
    check(
        StreamLoad,
        200,
        &be("Fail", "No rows were imported from upstream"),
        Permanent,
        Class::EmptyLoad,
    );
    check(
        Load,
        200,
        &be(
            "MEM_LIMIT_EXCEEDED",
            "payload size [1] of single write beyond the JSON payload limit [1]",
        ),
        Permanent,
        Class::Size,
    );
    check(
        StreamLoad,
        200,
        &be(
            "Fail",
            "The size of this batch exceed the max size [104857600]  of json type data  data [ 1 ].",
        ),
        Permanent,
        Class::Size,
    );
    check(
        StreamLoad,
        200,
        &be(
            "Fail",
            "body size 2 exceed limit: 1, x. You can increase the limit by setting streaming_load_max_mb in be.conf.",
        ),
        Permanent,
        Class::Size,
    );
}

#[test]
fn trouble_that_passes() {
    let rows = [
        (
            "INTERNAL_ERROR",
            "Too many versions. tablet_id: 1, version_count: 1001, limit: 1000",
            Class::TooManyVersions,
        ),
        (
            "FAILED",
            "current running txns on db 1 is 1000, larger than limit 1000",
            Class::TransactionLimit,
        ),
        (
            "FAILED",
            "streamload txn num per be exceeds limit",
            Class::TransactionLimit,
        ),
        (
            "Fail",
            "Stream Load exceed http cuncurrent limit 10, please try again later",
            Class::Overload,
        ),
        (
            "INTERNAL_ERROR",
            "Memory of process exceed limit. Used: 1, Limit: 1.",
            Class::Overload,
        ),
        ("MEM_LIMIT_EXCEEDED", "x", Class::Overload),
        ("RESOURCE_BUSY", "x", Class::Overload),
        (
            "SERVICE_UNAVAILABLE",
            "Service is shutting down, please retry later!",
            Class::Overload,
        ),
        ("SR_EAGAIN", "x", Class::Overload),
        (
            "FAILED",
            "Database[d] data size exceeds quota",
            Class::Quota,
        ),
        (
            "FAILED",
            "The cluster is under safe mode state",
            Class::Quota,
        ),
        (
            "TXN_IN_PROCESSING",
            "Transaction is in processing",
            Class::Busy,
        ),
    ];
    for (status, text, class) in rows {
        for call in [Begin, Load, Prepare, Commit, Rollback, StreamLoad] {
            check(call, 200, &be(status, text), Transient, class);
        }
    }
    for (text, class) in [
        ("tablet writer write failed, tablet_id=1", Class::Replica),
        ("close index channel failed", Class::Replica),
        ("[E1008]Reached timeout=60000ms @be", Class::Replica),
        ("tablet 1 has few replicas: 1", Class::Replica),
    ] {
        check(Prepare, 200, &be("INTERNAL_ERROR", text), Transient, class);
        check(Commit, 200, &be("INTERNAL_ERROR", text), UnknownAsk, class);
    }
}

#[test]
fn locks_and_routes() {
    let lock = be(
        "FAILED",
        "get database write lock timeout, database=d, timeoutMillis=20000",
    );
    for (call, verdict) in [
        (Commit, Transient),
        (Load, Transient),
        (Begin, UnknownAsk),
        (Prepare, UnknownAsk),
        (Rollback, UnknownAsk),
        (StreamLoad, UnknownAsk),
        (LabelState, Transient),
    ] {
        check(call, 200, &lock, verdict, Class::LockTimeout);
    }
    for text in [
        "No backend alive.",
        "current fe is not master",
        "transaction with op x label l has no backend",
        "Can't find node id 7",
    ] {
        for (call, verdict) in [
            (Begin, Transient),
            (Load, Transient),
            (Prepare, Transient),
            (StreamLoad, Transient),
            (Commit, UnknownAsk),
            (Rollback, UnknownAsk),
            (InsertProbe, Transient),
        ] {
            check(call, 200, &fe("FAILED", text), verdict, Class::Routing);
        }
    }
}

#[test]
fn transactions_that_ended() {
    for body in [
        be("TXN_NOT_EXISTS", "Transaction with label l not exists"),
        fe("FAILED", "No transaction found by label l"),
        fe(
            "FAILED",
            "Can't find the transaction with db [d] and label[l], x",
        ),
    ] {
        check(Load, 200, &body, Transient, Class::TransactionGone);
        for call in [Prepare, Commit, Rollback, Cancel] {
            check(call, 200, &body, UnknownAsk, Class::TransactionGone);
        }
    }
    for (status, text) in [
        ("ABORTED", "current transaction is aborted"),
        (
            "CANCELLED",
            "Cancelled because of runtime state is cancelled",
        ),
        ("ANALYSIS_ERROR", "timeout by txn manager"),
        ("INTERNAL_ERROR", "transaction is aborted by user."),
        ("INTERNAL_ERROR", "coordinate BE is down"),
        ("FAILED", "stream load task l has already been cancelled: x"),
    ] {
        for (call, verdict) in [
            (Load, Transient),
            (Prepare, Transient),
            (StreamLoad, Transient),
            (Commit, Permanent),
            (Rollback, UnknownAsk),
        ] {
            check(
                call,
                200,
                &be(status, text),
                verdict,
                Class::TransactionAborted,
            );
        }
    }
    check(
        Commit,
        200,
        &fe("FAILED", "Can not commit ABORTED transaction 3"),
        Permanent,
        Class::TransactionAborted,
    );
    for text in [
        "Can not abort VISIBLE transaction 3",
        "Can not abort COMMITTED transaction 3",
        "transaction 3 state is COMMITTED, could not abort",
    ] {
        check(
            Rollback,
            200,
            &fe("FAILED", text),
            Permanent,
            Class::AlreadyCommitted,
        );
        check(
            Cancel,
            200,
            &fe("FAILED", text),
            Permanent,
            Class::AlreadyCommitted,
        );
    }
    check(
        Commit,
        200,
        &fe("FAILED", "Transaction 3 is already committing"),
        UnknownAsk,
        Class::AlreadyCommitted,
    );
}

#[test]
fn everything_an_answer_tells() {
    let body = r#"{"TxnId":1003,"Label":"l1","Status":"Success","Message":"OK","NumberTotalRows":5,"NumberLoadedRows":3,
        "NumberFilteredRows":1,"NumberUnselectedRows":1,"LoadBytes":120,"LoadTimeMs":45,
        "ErrorURL":"http://b:8040/api/_load_error_log?file=e"}"#;
    let answer = classify(StreamLoad, 200, body.as_bytes());
    assert_eq!(
        answer.rows,
        RowCounts {
            total: 5,
            loaded: 3,
            filtered: 1,
            unselected: 1
        }
    );
    assert_eq!(answer.transaction_id, Some(1003));
    assert_eq!(answer.load_bytes, Some(120));
    assert_eq!(
        answer.error_url.as_deref(),
        Some("http://b:8040/api/_load_error_log?file=e")
    );

    let state = r#"{"state":"aborted","reason":"bad, tracking_url: http://b:1/api/_load_error_log?file=x","status":"OK"}"#;
    let answer = classify(LabelState, 200, state.as_bytes());
    assert_eq!(answer.state, Some(LoadState::Aborted));
    assert_eq!(
        answer.error_url.as_deref(),
        Some("http://b:1/api/_load_error_log?file=x")
    );
    assert!(
        answer
            .reason
            .is_some_and(|reason| reason.starts_with("bad"))
    );

    let failed = classify(Begin, 200, br#"{"TxnId":-1,"Status":"FAILED","Message":"class com.starrocks.common.UserException: x"}"#);
    assert_eq!(
        (failed.message.as_str(), failed.transaction_id),
        ("x", None)
    );
    assert_eq!(
        classify(Begin, 200, &[]).message,
        "HTTP 200 with an empty body"
    );
    assert_eq!(
        classify(Load, 200, br#"{"Status":"ABORTED"}"#).message,
        "ABORTED, without a message"
    );
    assert_eq!(
        classify(Load, 502, b"<html><h1>Bad Gateway</h1></html>").message,
        "HTTP 502, not an answer of StarRocks: Bad Gateway"
    );
}
