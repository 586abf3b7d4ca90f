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

#[test]
fn schemas_refer_to_others() {
    let at = registry();
    let none = Value::Null;
    let user = r#"{"type":"record","name":"U","fields":[{"name":"r","type":"n.R"}]}"#;
    let refers = |subject: &str, version: i32| json!({"schema": user, "references": [{"name": "n.R", "subject": subject, "version": version}]});
    at.register("r", NewSchema::new(SchemaType::Avro, RECORD))
        .expect("a schema");
    let registered = at
        .register(
            "u",
            NewSchema::new(SchemaType::Avro, user).referring_to("n.R", "r", 1),
        )
        .expect("its reference is there");
    assert_eq!((registered.id, registered.version), (2, 1));
    let (_, answer) = ask(&at, "GET", "/schemas/ids/2", &none);
    assert_eq!(
        answer["references"],
        json!([{"name": "n.R", "subject": "r", "version": 1}])
    );
    check(
        &at,
        &[
            (
                "POST",
                "/subjects/v/versions",
                json!({"schema": user}),
                json!(42201),
            ),
            ("POST", "/subjects/v/versions", refers("r", 2), json!(42201)),
            ("POST", "/subjects/v/versions", refers("x", 1), json!(42201)),
            (
                "GET",
                "/subjects/r/versions/1/referencedby",
                none.clone(),
                json!([2]),
            ),
            (
                "GET",
                "/subjects/u/versions/1/referencedby",
                none.clone(),
                json!([]),
            ),
            (
                "DELETE",
                "/subjects/r/versions/1",
                none.clone(),
                json!(42206),
            ),
            ("DELETE", "/subjects/r", none.clone(), json!(42206)),
            ("DELETE", "/subjects/u", none.clone(), json!([1])),
            (
                "DELETE",
                "/subjects/u?permanent=true",
                none.clone(),
                json!([1]),
            ),
            ("DELETE", "/subjects/r", none, json!([1])),
        ],
    );
    // The reference is looked for beside the schema, in its context.
    let error = at.register(
        ":.c:u",
        NewSchema::new(SchemaType::Avro, user).referring_to("n.R", "r", 1),
    );
    assert_eq!(
        error
            .expect_err("there is no r in this context")
            .to_string(),
        "Invalid schema: no reference 'n.R': version 1 of subject ':.c:r' is not there (error code 42201)"
    );
}

#[test]
fn versions_are_deleted_in_two_steps() {
    let at = registry();
    let none = Value::Null;
    for text in ["int", "long"] {
        at.register("a", NewSchema::new(SchemaType::Avro, text))
            .expect("a schema");
    }
    let get = |path: &'static str, expect: Value| ("GET", path, none.clone(), expect);
    let delete = |path: &'static str, expect: Value| ("DELETE", path, none.clone(), expect);
    check(
        &at,
        &[
            delete("/subjects/a/versions/1?permanent=true", json!(40407)),
            delete("/subjects/a/versions/1", json!(1)),
            delete("/subjects/a/versions/1", json!(40406)),
            get("/subjects/a/versions", json!([2])),
            get("/subjects/a/versions?deleted=true", json!([1, 2])),
            get("/subjects/a/versions?deletedOnly=true", json!([1])),
            get("/subjects/a/versions/1", json!(40402)),
            get("/schemas/ids/1/schema", json!("int")),
            get("/schemas/ids/1/versions", json!([])),
            get(
                "/schemas/ids/1/versions?deleted=true",
                json!([{"subject": "a", "version": 1}]),
            ),
            (
                "POST",
                "/subjects/a",
                json!({"schema": "int"}),
                json!(40403),
            ),
            delete("/subjects/a/versions/1?permanent=true", json!(1)),
            get("/schemas/ids/1", json!(40403)),
            get("/subjects/a/versions?deleted=true", json!([2])),
            delete("/subjects/a?permanent=true", json!(40405)),
            delete("/subjects/a/versions/latest", json!(2)),
            delete("/subjects/a", json!(40404)),
            get("/subjects", json!([])),
            get("/subjects?deleted=true", json!(["a"])),
            get("/subjects?deletedOnly=true", json!(["a"])),
            get("/subjects/a/versions", json!(40401)),
            delete("/subjects/a?permanent=true", json!([2])),
            get("/subjects?deleted=true", json!([])),
            delete("/subjects/a", json!(40401)),
        ],
    );
    let (_, deleted) = ask(&at, "GET", "/subjects?deleted=true", &none);
    assert_eq!(deleted, json!([]));
    assert_eq!(
        at.register("a", NewSchema::new(SchemaType::Avro, "int"))
            .expect("a schema")
            .id,
        3
    );
    assert_eq!((at.delete("a"), at.delete("a")), (1, 0));
    let (_, version) = ask(&at, "GET", "/subjects/a/versions/1?deleted=true", &none);
    assert_eq!(
        (&version["id"], &version["deleted"]),
        (&json!(3), &json!(true))
    );
    let again = at
        .register("a", NewSchema::new(SchemaType::Avro, "int"))
        .expect("a schema");
    assert_eq!(
        (again.id, again.version),
        (3, 2),
        "another version of the same id"
    );
}

#[test]
fn contexts_have_ids_of_their_own() {
    let at = registry();
    let none = Value::Null;
    let of = |text: &str| NewSchema::new(SchemaType::Avro, text);
    for (subject, text, id) in [
        ("a", "int", 1),
        (":.c:a", "long", 1),
        (":.c:b", "string", 2),
        (":.:z", "null", 2),
    ] {
        assert_eq!(
            at.register(subject, of(text)).expect("a schema").id,
            id,
            "{subject}"
        );
    }
    let get = |path: &'static str, expect: &str| ("GET", path, none.clone(), json!(expect));
    check(
        &at,
        &[
            get("/schemas/ids/1/schema", "int"),
            get("/schemas/ids/1/schema?subject=a", "int"),
            get("/schemas/ids/1/schema?subject=:.c:a", "long"),
            get("/schemas/ids/1/schema?subject=:.c:", "long"),
            get("/schemas/ids/2/schema?subject=z", "null"),
            get("/schemas/ids/2/schema?subject=b", "string"),
            get("/schemas/ids/2/schema?subject=nobody", "null"),
            get("/contexts/.c/schemas/ids/2/schema", "string"),
            get("/contexts/:.c:/subjects/a/versions/1/schema", "long"),
            (
                "GET",
                "/schemas/ids/2?subject=:.d:a",
                none.clone(),
                json!(40403),
            ),
            (
                "GET",
                "/subjects",
                none.clone(),
                json!(["a", "z", ":.c:a", ":.c:b"]),
            ),
            (
                "GET",
                "/subjects?subjectPrefix=:.c:",
                none.clone(),
                json!([":.c:a", ":.c:b"]),
            ),
            (
                "GET",
                "/subjects?subjectPrefix=:*:a",
                none.clone(),
                json!(["a", ":.c:a"]),
            ),
            (
                "GET",
                "/subjects?subjectPrefix=a",
                none.clone(),
                json!(["a"]),
            ),
            (
                "GET",
                "/subjects?offset=1&limit=2",
                none.clone(),
                json!(["z", ":.c:a"]),
            ),
            (
                "GET",
                "/contexts/.c/subjects",
                none.clone(),
                json!([":.c:a", ":.c:b"]),
            ),
            ("GET", "/contexts", none.clone(), json!([".", ".c"])),
        ],
    );
    let (_, all) = ask(&at, "GET", "/schemas?subjectPrefix=:.c:", &none);
    assert_eq!(all.as_array().map(Vec::len), Some(2));
}

#[test]
fn levels_modes_and_metadata_are_kept() {
    let at = registry();
    let none = Value::Null;
    let metadata = json!({"properties": {"owner": "me"}});
    let rules = json!({"domainRules": [{"name": "r", "kind": "TRANSFORM", "mode": "READ", "type": "ENCRYPT"}]});
    let with = json!({"schema": "int", "metadata": metadata, "ruleSet": rules});
    let (_, first) = ask(
        &at,
        "POST",
        "/subjects/a/versions",
        &json!({"schema": "int"}),
    );
    let (_, second) = ask(&at, "POST", "/subjects/a/versions", &with);
    assert_eq!(
        (&first["id"], &second["id"]),
        (&json!(1), &json!(2)),
        "another schema for its rules"
    );
    let (_, told) = ask(&at, "GET", "/schemas/ids/2", &none);
    assert_eq!((&told["metadata"], &told["ruleSet"]), (&metadata, &rules));
    let (_, found) = ask(&at, "GET", "/subjects/a/metadata?key=owner&value=me", &none);
    assert_eq!(found["version"], 2);
    let put = |path: &'static str, body: Value, expect: Value| ("PUT", path, body, expect);
    let get = |path: &'static str, expect: Value| ("GET", path, none.clone(), expect);
    let full = json!({"compatibility": "FULL"});
    let import = json!({"mode": "IMPORT"});
    check(
        &at,
        &[
            get("/subjects/a/metadata?key=owner&value=you", json!(40403)),
            get("/config", json!({"compatibilityLevel": "NONE"})),
            get("/config/a", json!(40408)),
            get(
                "/config/a?defaultToGlobal=true",
                json!({"compatibilityLevel": "NONE"}),
            ),
            put("/config/a", full.clone(), full.clone()),
            put("/config/a", json!({"compatibility": "SOME"}), json!(42203)),
            get("/config/a", json!({"compatibilityLevel": "FULL"})),
            put("/config", full.clone(), full),
            get("/config", json!({"compatibilityLevel": "FULL"})),
            (
                "DELETE",
                "/config/a",
                none.clone(),
                json!({"compatibilityLevel": "FULL"}),
            ),
            ("DELETE", "/config/a", none.clone(), json!(40401)),
            (
                "DELETE",
                "/config",
                none.clone(),
                json!({"compatibilityLevel": "FULL"}),
            ),
            get("/mode", json!({"mode": "READWRITE"})),
            get("/mode/a", json!(40409)),
            put(
                "/mode/a",
                json!({"mode": "READONLY"}),
                json!({"mode": "READONLY"}),
            ),
            (
                "POST",
                "/subjects/a/versions",
                json!({"schema": "long"}),
                json!(42205),
            ),
            put("/mode/a", json!({"mode": "?"}), json!(42204)),
            put("/mode/a", import.clone(), import),
        ],
    );
    let chosen = json!({"schema": "long", "id": 70, "version": 9});
    let (_, put) = ask(&at, "POST", "/subjects/a/versions", &chosen);
    assert_eq!((&put["id"], &put["version"]), (&json!(70), &json!(9)));
    let (latest, schema) = at.latest("a").expect("it has versions");
    assert_eq!((latest.id, schema.schema.as_str()), (70, "\"long\""));
}

#[test]
fn a_registry_before_8_0_tells_no_guids() {
    let at = SchemaRegistry::start(Options {
        guids: false,
        ..Options::default()
    })
    .expect("it starts");
    let guid = at
        .register("a", NewSchema::new(SchemaType::Json, "{}"))
        .expect("a schema")
        .guid;
    let none = Value::Null;
    check(
        &at,
        &[
            (
                "GET",
                "/schemas/ids/1",
                none.clone(),
                json!({"schemaType": "JSON", "schema": "{}"}),
            ),
            (
                "GET",
                "/subjects/a/versions/1",
                none.clone(),
                json!({"subject": "a", "version": 1, "id": 1, "schemaType": "JSON", "schema": "{}"}),
            ),
            (
                "POST",
                "/subjects/a/versions",
                json!({"schema": "{ }", "schemaType": "JSON"}),
                json!({"id": 1}),
            ),
            ("GET", &format!("/schemas/guids/{guid}"), none, json!(404)),
        ],
    );
}

#[test]
fn a_level_refuses_what_does_not_follow() {
    let at = registry();
    let with = |fields: Value| {
        let text = json!({"type": "record", "name": "R", "fields": fields}).to_string();
        json!({"schema": text})
    };
    let field = json!({"name": "a", "type": "int"});
    let (none, short) = (Value::Null, with(json!([])));
    let (long, text) = (
        with(json!([field])),
        json!({"schema": "{}", "schemaType": "JSON"}),
    );
    let test = |path: &'static str, schema: &Value, fits: bool| {
        ("POST", path, schema.clone(), json!({"is_compatible": fits}))
    };
    let (put, follow) = (
        json!({"compatibility": "BACKWARD"}),
        "/compatibility/subjects/a/versions",
    );
    let (status, _) = ask(&at, "POST", "/subjects/a/versions", &short);
    assert_eq!(status, 200);
    check(
        &at,
        &[
            test("/compatibility/subjects/a/versions", &long, true),
            ("PUT", "/config", put.clone(), put),
            test("/compatibility/subjects/a/versions", &long, false),
            test("/compatibility/subjects/a/versions/1", &long, false),
            test("/compatibility/subjects/a/versions/latest", &short, true),
            test("/compatibility/subjects/b/versions", &long, true),
            test("/compatibility/subjects/a/versions", &text, false),
            (
                "POST",
                "/compatibility/subjects/a/versions/2",
                long.clone(),
                json!(40402),
            ),
            (
                "POST",
                "/compatibility/subjects/a/versions/2",
                json!({"schema": "?"}),
                json!(42201),
            ),
            (
                "GET",
                "/compatibility/subjects/a/versions/1",
                none,
                json!(404),
            ),
            ("POST", "/subjects/a/versions", long.clone(), json!(409)),
        ],
    );
    let (_, verbose) = ask(&at, "POST", &format!("{follow}?verbose=true"), &long);
    assert_eq!(
        verbose["messages"],
        json!(["the new schema cannot read the old one's data: field a is new and has no default"])
    );
    let (status, _) = ask(&at, "POST", "/subjects/a/versions", &short);
    assert_eq!(status, 200, "what is there already may stay");
}
