//! Refusals: what is for good, what passes, and what has ended.

use super::*;

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
