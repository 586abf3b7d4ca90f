//! Schemas that refer to others.

use starrocks_kafka_testbed::schema_registry::SchemaRegistry;

use crate::{avro, by_id, client, registry};

/// Puts a schema of this id and subject that refers to these subjects' versions 1.
fn put(at: &SchemaRegistry, id: i32, subject: &str, refers_to: &[&str]) {
    let schema = refers_to.iter().fold(avro(subject), |schema, other| {
        schema.referring_to(&format!("example.{other}"), other, 1)
    });
    at.put(subject, 1, id, schema);
}

async fn check(at: &SchemaRegistry, id: i32, expect: &str, problem: Option<&str>) {
    let schema = client(at).schema(&by_id(id)).await.expect("a schema");
    let texts: Vec<_> = schema
        .references
        .iter()
        .map(|one| one.text.as_str())
        .collect();
    assert_eq!(texts.join(" "), expect);
    assert_eq!(schema.reference_problem.as_deref(), problem);
}

#[tokio::test]
async fn what_is_referred_to_comes_first_and_once() {
    let at = registry(1);
    put(&at, 10, "top", &["left", "right"]);
    put(&at, 11, "left", &["base"]);
    put(&at, 12, "right", &["base"]);
    put(&at, 13, "base", &[]);
    check(&at, 10, "base left right", None).await;
    assert_eq!(at.asked("/subjects/base"), 1);
    assert!(at.delete("base") == 1);
    check(&at, 10, "base left right", None).await;
}

#[tokio::test]
async fn what_names_no_context_is_in_that_of_the_schema() {
    let at = registry(1);
    put(&at, 10, ":.linked:orders-value", &["left", ":.other:right"]);
    put(&at, 11, ":.linked:left", &["base"]);
    put(&at, 12, ":.other:right", &["base"]);
    put(&at, 13, ":.linked:base", &[]);
    put(&at, 14, "left", &["base"]);
    // The registry finds the id by the subject's name; its answer says in which context.
    let of_linked = r":.linked:base :.linked:left :.other:right";
    check(&at, 10, of_linked, None).await;
}

#[tokio::test]
async fn what_is_missing_or_in_a_circle_is_told() {
    let at = registry(1);
    put(&at, 10, "top", &["missing"]);
    put(&at, 11, "a", &["b"]);
    put(&at, 12, "b", &["a"]);
    let missing = "It refers to example.missing (subject missing, version 1), which the registry does not have";
    check(&at, 10, "", Some(missing)).await;
    let circle = "example.b (subject b, version 1) refers to itself, by what it refers to";
    check(&at, 11, "a b", Some(circle)).await;
}
