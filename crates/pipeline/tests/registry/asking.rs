//! What is asked, of whom, and how often.

use std::sync::Arc;
use std::time::Duration;

use starrocks_kafka_connect::config::Secret;
use starrocks_kafka_connect::registry::Wanted;
use starrocks_kafka_pipeline::registry::{RegistryClient, RegistryError, RegistrySettings};
use starrocks_kafka_testbed::schema_registry::{Access, SchemaRegistry, Trouble};
use tokio::task::JoinHandle;

use crate::{asked, avro, by_id, client, registry, settings, told};

const PATIENCE: Duration = Duration::from_secs(30);

fn asked_nodes(at: &SchemaRegistry) -> Vec<usize> {
    at.requests().iter().map(|request| request.node).collect()
}

#[tokio::test]
async fn an_id_is_asked_for_once() {
    let at = registry(1);
    let client = client(&at);
    for _ in 0..3 {
        let schema = client.schema(&by_id(7)).await.expect("a schema");
        assert_eq!(schema.text, r#""string""#);
    }
    at.away().expect("it goes");
    client
        .schema(&by_id(7))
        .await
        .expect("what is known is known");
    assert_eq!(at.asked("/"), 1);
}

#[tokio::test]
async fn a_denial_is_not_asked_for_again_at_once() {
    let at = registry(1);
    let client = client(&at);
    for _ in 0..3 {
        let (word, text) = told(&at, &client.schema(&by_id(8)).await);
        assert_eq!(word, "denied");
        assert!(text.contains("Schema 8 not found"), "{text}");
    }
    // Once by the id alone, once within the subject's context.
    assert_eq!(at.asked("/schemas/ids/8"), 2);
}

/// Asks for schema 7 in the background.
fn ask(client: &RegistryClient) -> JoinHandle<Result<String, RegistryError>> {
    let client = client.clone();
    tokio::spawn(async move {
        let schema = client.schema(&by_id(7)).await?;
        Ok(schema.text.clone())
    })
}

/// Waits until the registry got a question for schema 7.
async fn until_asked(at: &Arc<SchemaRegistry>) {
    let at = Arc::clone(at);
    let wait = move || at.wait_for("/schemas/ids/7", 1, PATIENCE);
    let arrived = tokio::task::spawn_blocking(wait).await;
    arrived.expect("no panic").expect("it is asked");
}

#[tokio::test]
async fn a_question_on_its_way_is_not_asked_twice() {
    let at = Arc::new(registry(1));
    let held = at.faults().on("/").act(Trouble::Hold);
    let client = client(&at);
    let all: Vec<_> = (0..10).map(|_| ask(&client)).collect();
    until_asked(&at).await;
    held.release();
    for one in all {
        let text = one.await.expect("no panic");
        assert_eq!(text.as_deref(), Ok(r#""string""#));
    }
    assert_eq!(at.asked("/"), 1);
}

#[tokio::test]
async fn who_gives_up_leaves_the_turn_to_the_next() {
    let at = Arc::new(registry(1));
    let held = at.faults().on("/").first(1).act(Trouble::Hold);
    let client = client(&at);
    let gives_up = ask(&client);
    until_asked(&at).await;
    gives_up.abort();
    let schema = client.schema(&by_id(7)).await;
    schema.expect("the second question is served");
    held.release();
}

#[tokio::test]
async fn the_next_address_is_asked_where_one_is_away() {
    let at = registry(3);
    at.put("orders-value", 2, 8, avro(r#""int""#));
    at.put("orders-value", 3, 9, avro(r#""long""#));
    let client = client(&at);
    at.away_at(0).expect("it goes");
    at.faults().on("/").at(1).act(Trouble::store_failed());
    client.schema(&by_id(7)).await.expect("the third answers");
    assert_eq!(asked_nodes(&at), [1, 2]);
    client.schema(&by_id(8)).await.expect("the third answers");
    assert_eq!(
        asked_nodes(&at),
        [1, 2, 2],
        "who answered last is asked first"
    );
    at.away_at(2).expect("it goes");
    let (word, text) = told(&at, &client.schema(&by_id(9)).await);
    assert_eq!(word, "unavailable");
    let said: Vec<_> = text.split("; ").map(|reason| &reason[..5]).collect();
    assert_eq!(said, ["{2}: ", "{0}: ", "{1}: "], "{text}");
    at.back_at(0).expect("it is back");
    client.schema(&by_id(9)).await.expect("the first answers");
}

#[tokio::test]
async fn what_one_address_does_not_know_another_may() {
    let at = registry(2);
    let lags = at.faults().on("/schemas/ids/7").at(0);
    let lags = lags.act(Trouble::unknown_schema());
    client(&at)
        .schema(&by_id(7))
        .await
        .expect("the second has it");
    assert_eq!((lags.hits(), asked_nodes(&at)), (1, vec![0, 1]));
    let unknown = asked(None, Wanted::Id(8));
    let (word, _) = told(&at, &client(&at).schema(&unknown).await);
    assert_eq!((word, asked_nodes(&at)), ("denied", vec![0, 1, 0, 1]));
    at.away_at(0).expect("it goes");
    let (word, _) = told(&at, &client(&at).schema(&unknown).await);
    assert_eq!(word, "denied", "one that answers is enough");
}

#[tokio::test]
async fn each_kind_of_question_has_its_path() {
    let at = registry(1);
    let guid = at.latest("orders-value").expect("a version").0.guid;
    let mut staged = avro(r#""long""#);
    staged.metadata = Some(serde_json::json!({"properties": {"stage": "a b"}}));
    at.put("orders-value", 2, 8, staged);
    at.put(":.staging:orders-value", 1, 9, avro(r#""bytes""#));
    let check = async |subject, wanted: Wanted, expect: Result<&str, &str>| {
        let request = asked(subject, wanted);
        let answer = client(&at).schema(&request).await;
        let (word, text) = told(&at, &answer);
        let got = answer.as_ref().map_or(Err(word), |_| Ok(text.as_str()));
        assert_eq!(got, expect, "{request}: {text}");
    };
    let orders = Some("orders-value");
    check(None, Wanted::Id(7), Ok(r#""string""#)).await;
    check(orders, Wanted::Guid(guid.to_string()), Ok(r#""string""#)).await;
    check(orders, Wanted::Latest, Ok(r#""long""#)).await;
    check(Some("a/b c"), Wanted::Latest, Err("denied")).await;
    let stage =
        |value: &str| Wanted::LatestWithMetadata([("stage".to_owned(), value.to_owned())].into());
    check(orders, stage("a b"), Ok(r#""long""#)).await;
    check(orders, stage("c"), Err("denied")).await;
    // An id of another context than the default one is known by its subject only.
    check(None, Wanted::Id(9), Err("denied")).await;
    check(orders, Wanted::Id(9), Ok(r#""bytes""#)).await;
}

#[tokio::test]
async fn logins_and_headers_go_with_each_question() {
    let at = registry(1);
    let check = async |access: Access, authorization: Option<&str>, expect: &str| {
        at.set_access(access);
        let mut settings = settings(&at);
        settings.addresses[0].authorization = authorization.map(Secret::new);
        settings.headers = vec![("X-Tenant".to_owned(), Secret::new("blue"))];
        let client = RegistryClient::new(&settings).expect("settings");
        let (word, text) = told(&at, &client.schema(&by_id(7)).await);
        assert_eq!(word, expect, "{authorization:?}: {text}");
        let requests = at.requests();
        let last = requests.last().expect("a request");
        assert_eq!(last.header("x-tenant"), Some("blue"));
        assert_eq!(last.header("authorization"), authorization);
    };
    check(Access::default(), None, "schema").await;
    check(Access::user("u", "p:w"), Some("Basic dTpwOnc="), "schema").await;
    check(Access::user("u", "p:w"), Some("Basic dTpw"), "refused").await;
    check(Access::user("u", "p:w"), None, "refused").await;
    check(Access::token("t.t"), Some("Bearer t.t"), "schema").await;
}

#[test]
fn settings_that_cannot_be_sent_are_named() {
    let at = registry(1);
    let check = |name: &str, value: &str, expect: &str| {
        let settings = RegistrySettings {
            headers: vec![(name.to_owned(), Secret::new(value))],
            ..settings(&at)
        };
        assert_eq!(RegistryClient::new(&settings).expect_err(expect), expect);
    };
    check("a b", "c", "request.header.a b is no name of a header");
    check(
        "a",
        "b\nc",
        "a login or header has characters that cannot be sent",
    );
}
