//! The Schema Registry stand-in: requests and their answers.

use serde_json::{Value, json};
use starrocks_kafka_testbed::schema_registry::{NewSchema, Options, SchemaRegistry, SchemaType};

use crate::http::Ask;

pub(crate) fn registry() -> SchemaRegistry {
    SchemaRegistry::start(Options::default()).expect("the registry starts")
}

/// One request; the answer's status and body.
fn ask(at: &SchemaRegistry, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let ask =
        Ask::new(method, path).header("Content-Type", "application/vnd.schemaregistry.v1+json");
    let ask = if body.is_null() {
        ask
    } else {
        ask.body(body.to_string())
    };
    let answer = ask.send(at.address(0)).expect("it answers");
    assert_eq!(
        answer.header("content-type"),
        Some("application/vnd.schemaregistry.v1+json"),
        "{method} {path}"
    );
    (answer.status, answer.json())
}

/// Requests one after the other, each with what its answer must be. Of an error the code stands for the body.
fn check(at: &SchemaRegistry, rows: &[(&str, &str, Value, Value)]) {
    for (method, path, body, expect) in rows {
        let (status, answer) = ask(at, method, path, body);
        let told = if status == 200 {
            answer
        } else {
            let code = answer["error_code"].as_u64().expect("an error has a code");
            assert_eq!(
                u64::from(status),
                if code > 999 { code / 100 } else { code },
                "{answer}"
            );
            assert!(
                answer["message"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{answer}"
            );
            json!(code)
        };
        assert_eq!(told, *expect, "{method} {path} {body}");
    }
}

const RECORD: &str =
    r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"int"}]}"#;

/// A GUID that only depends on what the schema is.
const RECORD_GUID: &str = "e8c7c0ea-b4ba-53c0-a1a6-f5b78765a8eb";

#[test]
fn schemas_get_ids_and_versions() {
    let at = registry();
    let spaced = RECORD.replace(':', " : ");
    let guid = at
        .register("probe", NewSchema::new(SchemaType::Avro, RECORD))
        .expect("a schema")
        .guid;
    let guid = guid.to_string();
    assert_eq!(guid, RECORD_GUID);
    let at = registry();
    let first = json!({"id": 1, "version": 1, "guid": guid, "schema": RECORD});
    let string = json!({"schemaType": "JSON", "schema": r#"{"type":"string"}"#});
    let version = json!({"subject": "a", "version": 1, "id": 1, "guid": guid, "schema": RECORD});
    let none = Value::Null;
    check(
        &at,
        &[
            ("GET", "/subjects", none.clone(), json!([])),
            ("GET", "/subjects/a/versions", none.clone(), json!(40401)),
            (
                "POST",
                "/subjects/a/versions",
                json!({"schema": RECORD}),
                first.clone(),
            ),
            (
                "POST",
                "/subjects/a/versions",
                json!({"schema": spaced}),
                first.clone(),
            ),
            (
                "POST",
                "/subjects/b%2Fc/versions",
                json!({"schema": RECORD, "schemaType": "AVRO", "references": null}),
                first,
            ),
            (
                "POST",
                "/subjects/a",
                json!({"schema": RECORD}),
                version.clone(),
            ),
            (
                "POST",
                "/subjects/a",
                json!({"schema": "string"}),
                json!(40403),
            ),
            (
                "POST",
                "/subjects/x",
                json!({"schema": RECORD}),
                json!(40401),
            ),
            ("GET", "/subjects", none.clone(), json!(["a", "b/c"])),
            (
                "GET",
                "/subjects?subjectPrefix=b",
                none.clone(),
                json!(["b/c"]),
            ),
            ("GET", "/subjects/a/versions", none.clone(), json!([1])),
            (
                "GET",
                "/subjects/a/versions/1",
                none.clone(),
                version.clone(),
            ),
            (
                "GET",
                "/subjects/a/versions/latest",
                none.clone(),
                version.clone(),
            ),
            ("GET", "/subjects/a/versions/-1", none.clone(), version),
            ("GET", "/subjects/a/versions/2", none.clone(), json!(40402)),
            ("GET", "/subjects/a/versions/0", none.clone(), json!(42202)),
            ("GET", "/subjects/a/versions/x", none.clone(), json!(42202)),
            (
                "GET",
                "/subjects/a/versions/1/schema",
                none.clone(),
                serde_json::from_str(RECORD).expect("JSON"),
            ),
            (
                "GET",
                "/schemas/ids/1",
                none.clone(),
                json!({"subject": "a", "version": 1, "guid": guid, "schema": RECORD}),
            ),
            (
                "GET",
                "/schemas/ids/1?subject=b%2Fc&fetchMaxId=true",
                none.clone(),
                json!({"subject": "b/c", "version": 1, "guid": guid, "schema": RECORD, "maxId": 1}),
            ),
            (
                "GET",
                "/schemas/ids/1/subjects",
                none.clone(),
                json!(["a", "b/c"]),
            ),
            (
                "GET",
                "/schemas/ids/1/versions",
                none.clone(),
                json!([{"subject": "a", "version": 1}, {"subject": "b/c", "version": 1}]),
            ),
            (
                "GET",
                "/schemas/ids/1/schema",
                none.clone(),
                serde_json::from_str(RECORD).expect("JSON"),
            ),
            ("GET", "/schemas/ids/2", none.clone(), json!(40403)),
            ("GET", "/schemas/ids/x", none.clone(), json!(404)),
            (
                "GET",
                &format!("/schemas/guids/{guid}"),
                none.clone(),
                json!({"guid": guid, "schema": RECORD}),
            ),
            (
                "GET",
                "/schemas/guids/00000000-0000-0000-0000-000000000000",
                none.clone(),
                json!(40403),
            ),
            (
                "GET",
                "/schemas/types",
                none.clone(),
                json!(["JSON", "PROTOBUF", "AVRO"]),
            ),
            (
                "POST",
                "/subjects/a/versions",
                json!({"schema": "{"}),
                json!(42201),
            ),
            (
                "POST",
                "/subjects/a/versions",
                json!({"schema": ""}),
                json!(42201),
            ),
            (
                "POST",
                "/subjects/a/versions",
                json!({"schema": RECORD, "schemaType": "XML"}),
                json!(42201),
            ),
            ("POST", "/subjects/a/versions", json!([]), json!(400)),
            (
                "POST",
                "/subjects/a/versions",
                json!({"schema": RECORD, "id": 9}),
                json!(42205),
            ),
            (
                "POST",
                "/subjects/:.c:/versions",
                json!({"schema": RECORD}),
                json!(42208),
            ),
            ("GET", "/nothing", none.clone(), json!(404)),
            ("PATCH", "/subjects/a", none.clone(), json!(405)),
            ("GET", "/", none, json!({})),
        ],
    );
    let (status, answer) = ask(&at, "POST", "/subjects/a/versions", &string);
    assert_eq!(
        (status, &answer["id"], &answer["version"]),
        (200, &json!(2), &json!(2))
    );
    assert_eq!(answer["schemaType"], "JSON");
}
