//! One row for each arm of the table.

mod refusals;

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
fn everything_an_answer_tells() {
    let body = r#"{"TxnId":1003,"Label":"l1","Status":"Success","Message":"OK","NumberTotalRows":5,"NumberLoadedRows":3,
        "NumberFilteredRows":1,"NumberUnselectedRows":1,"LoadBytes":120,"LoadTimeMs":45,
        "ErrorURL":"http://b:8040/api/_load_error_log?file=e","RejectedRecordPath":"10.0.0.7:/be/rejected/e"}"#;
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

    assert_eq!(
        answer.rejected_record_path.as_deref(),
        Some("10.0.0.7:/be/rejected/e")
    );

    // A load that was committed together with others counts no rows; its label is in RequestId.
    let merged = r#"{"TxnId":7,"Label":"merge_commit_1","Status":"Success","Message":"","RequestId":"l1","LoadBytes":15,
        "LoadTimeMs":12,"PendingTimeMs":1,"WaitPlanTimeMs":1,"WriteDataTimeMs":3,"WaitFinishTimeMs":5,"LeftMergeTimeMs":2}"#;
    let answer = classify(StreamLoad, 200, merged.as_bytes());
    assert_eq!((answer.verdict, answer.class), (Done, Class::Accepted));
    assert_eq!(answer.rows, RowCounts::default());

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
