//! What is made of each kind of answer, and what a user reads of it.

use std::fmt::Write as _;
use std::time::Duration;

use starrocks_kafka_pipeline::registry::{RegistryClient, RegistrySettings};
use starrocks_kafka_testbed::schema_registry::{SchemaRegistry, Trouble};

use crate::{by_id, client, registry, settings, told};

fn answer(status: u16, content_type: &'static str, body: &str) -> Trouble {
    Trouble::Answer {
        status,
        content_type,
        body: body.to_owned(),
    }
}

fn error(status: u16, code: u32, message: &str) -> Trouble {
    Trouble::Error {
        status,
        code,
        message: message.to_owned(),
    }
}

#[tokio::test]
async fn users_read_what_is_wrong_and_what_to_do() {
    let json = "application/vnd.schemaregistry.v1+json";
    let unknown_format = r#"{"schemaType":"THRIFT","schema":"struct A {}"}"#;
    let troubles = [
        ("unknown id", Trouble::unknown_schema()),
        ("no login", Trouble::unauthorized()),
        (
            "no right",
            error(
                403,
                40301,
                "User is denied operation Read on Subject: orders-value",
            ),
        ),
        ("its store failed", Trouble::store_failed()),
        ("too many requests", Trouble::too_many_requests()),
        ("a proxy's page, 503", Trouble::html(503)),
        ("a page, 200", Trouble::html(200)),
        (
            "another service, 404",
            error(404, 404, "HTTP 404 Not Found"),
        ),
        (
            "another service, without a code",
            answer(404, "text/plain", "404 page not found"),
        ),
        ("nothing", answer(204, json, "")),
        (
            "JSON that is no schema",
            answer(200, json, r#"{"schemas":[]}"#),
        ),
        (
            "a format that nobody knows",
            answer(200, json, unknown_format),
        ),
        (
            "an error of the request",
            error(422, 42202, "The specified version is not valid."),
        ),
        ("reset", Trouble::Reset),
        ("cut", Trouble::CutBody { after: 5 }),
        ("redirect", answer(302, "text/html", "")),
    ];
    let mut all = String::new();
    for (name, trouble) in troubles {
        let at = registry(1);
        at.faults().on("/").act(trouble);
        let (word, text) = told(&at, &client(&at).schema(&by_id(7)).await);
        writeln!(all, "{name}: {word}\n    {text}").expect("a string takes it");
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn what_never_answers_is_given_up_in_time() {
    let at = registry(1);
    at.faults().on("/").act(Trouble::Hold);
    let short = Duration::from_millis(20);
    let settings = RegistrySettings {
        connect_timeout: short,
        read_timeout: short,
        ..settings(&at)
    };
    let client = RegistryClient::new(&settings).expect("settings");
    let told = told(&at, &client.schema(&by_id(7)).await);
    let expect = "{0}: no answer within 40 ms (http.connect.timeout.ms and http.read.timeout.ms)";
    assert_eq!(told, ("unavailable", expect.to_owned()));
}

#[tokio::test]
async fn a_place_where_nobody_listens_is_away() {
    let at = registry(1);
    at.away().expect("it goes");
    let (word, text) = told(&at, &client(&at).schema(&by_id(7)).await);
    assert_eq!(word, "unavailable");
    assert!(
        text.starts_with("{0}: ") && text.contains("refused"),
        "{text}"
    );
    at.back().expect("it comes back");
    let (word, _) = told(&at, &client(&at).schema(&by_id(7)).await);
    assert_eq!(word, "schema", "asking again helps");
}

#[tokio::test]
async fn rules_of_readers_are_told() {
    let at = registry(1);
    let with = |rules: &str| {
        let mut schema = crate::avro(r#""string""#);
        schema.rule_set = Some(serde_json::from_str(rules).expect("JSON"));
        schema
    };
    let rule = |more: &str| format!(r#"{{"name":"r","type":"ENCRYPT"{more}}}"#);
    let check = async |id: i32, rules: String, expect: &str| {
        at.put("ruled", id, id, with(&rules));
        let schema = client(&at).schema(&by_id(id)).await.expect("a schema");
        let shown: Vec<_> = schema
            .read_rules
            .iter()
            .map(|rule| format!("{} {:?} {}", rule.rule_type, rule.kind, rule.is_encoding))
            .collect();
        assert_eq!(shown.join(", "), expect, "{rules}");
    };
    let domain = |more: &str| format!(r#"{{"domainRules":[{}]}}"#, rule(more));
    check(
        20,
        domain(r#","kind":"TRANSFORM","mode":"WRITEREAD""#),
        "ENCRYPT Transform false",
    )
    .await;
    check(
        21,
        domain(r#","kind":"TRANSFORM","mode":"READ""#),
        "ENCRYPT Transform false",
    )
    .await;
    check(
        22,
        domain(r#","kind":"CONDITION","mode":"READ""#),
        "ENCRYPT Condition false",
    )
    .await;
    check(23, domain(r#","kind":"TRANSFORM","mode":"WRITE""#), "").await;
    check(24, domain(r#","mode":"READ","disabled":true"#), "").await;
    check(25, domain(""), "ENCRYPT Transform false").await;
    let encoding = format!(
        r#"{{"encodingRules":[{}]}}"#,
        rule(r#","mode":"WRITEREAD""#)
    );
    check(26, encoding, "ENCRYPT Transform true").await;
    let written = format!(r#"{{"encodingRules":[{}]}}"#, rule(r#","mode":"WRITE""#));
    check(28, written, "ENCRYPT Transform true").await;
    check(
        27,
        r#"{"migrationRules":[{"name":"m","type":"JSONATA"}]}"#.to_owned(),
        "JSONATA Migration false",
    )
    .await;
}

/// The stand-in's reply to everything is under the client's limit; a body without an end is not.
#[tokio::test]
async fn an_answer_without_measure_is_refused() {
    let at: SchemaRegistry = registry(1);
    let body = format!(r#"{{"schema":"{}"}}"#, "x".repeat(65 << 20));
    at.faults()
        .on("/")
        .act(answer(200, "application/json", &body));
    let told = told(&at, &client(&at).schema(&by_id(7)).await);
    let expect = "the Schema Registry {0} cannot be asked: the answer has more than 64 MiB";
    assert_eq!(told, ("refused", expect.to_owned()));
}
