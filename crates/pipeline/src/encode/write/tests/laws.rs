//! Rows of any sequence of events leave a table as its source is.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

/// What a source does to its table.
#[derive(Clone, Debug)]
enum Deed {
    /// The row is there with these values, by `c` or `r`, or by `u` where it was there.
    Put(i64, Option<i64>, String),
    /// A number changes, and the text, which is large, is not logged.
    PutWithoutText(i64, i64),
    /// The row has another key.
    Move(i64, i64),
    Delete(i64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let id = 0..5_i64;
    prop_oneof![
        (id.clone(), any::<Option<i64>>(), "[a-c\"ä]{0,3}")
            .prop_map(|(id, n, text)| Deed::Put(id, n, text)),
        (id.clone(), any::<i64>()).prop_map(|(id, n)| Deed::PutWithoutText(id, n)),
        (id.clone(), id.clone()).prop_map(|(from, to)| Deed::Move(from, to)),
        id.prop_map(Deed::Delete),
    ]
}

type Table = BTreeMap<i64, Json>;

/// The event that Debezium writes of it; `None` where there is no such row, or one too many.
fn event(source: &mut Table, deed: &Deed) -> Option<Json> {
    let row = |id: i64, n: &Json, text: &Json| json!({"id": id, "n": n, "text": text});
    match deed {
        Deed::Put(id, n, text) => {
            let after = row(*id, &json!(n), &json!(text));
            let before = source.insert(*id, after.clone());
            let op = if before.is_some() { "u" } else { "c" };
            Some(json!({"before": before, "after": after, "op": op}))
        }
        Deed::PutWithoutText(id, n) => {
            let before = source.get(id)?.clone();
            source.insert(*id, row(*id, &json!(n), &before["text"]));
            let after = row(*id, &json!(n), &json!("__debezium_unavailable_value"));
            Some(json!({"before": null, "after": after, "op": "u"}))
        }
        Deed::Move(from, to) => {
            if from == to || source.contains_key(to) {
                return None;
            }
            let before = source.remove(from)?;
            let after = row(*to, &before["n"], &before["text"]);
            source.insert(*to, after.clone());
            Some(json!({"before": before, "after": after, "op": "u"}))
        }
        Deed::Delete(id) => {
            let before = source.remove(id)?;
            Some(json!({"before": before, "after": null, "op": "d"}))
        }
    }
}

/// What StarRocks does with a row of a Primary Key table; in a partial update those columns alone.
fn load(table: &mut Table, row: &Json, part: Option<&[String]>) -> Result<(), TestCaseError> {
    let id = row["id"].as_i64().expect("each row has its key");
    let null = || json!({"id": id, "n": null, "text": null});
    let names: Vec<_> = row.as_object().expect("an object").keys().collect();
    match (row.get("__op").and_then(Json::as_i64), part) {
        (Some(0), None) => {
            let mut whole = null();
            for name in ["n", "text"] {
                whole[name] = row[name].clone();
            }
            table.insert(id, whole);
        }
        (Some(1), None) => drop(table.remove(&id)),
        (None, Some(part)) => {
            prop_assert!(
                names.iter().all(|name| part.contains(name)),
                "{row} {part:?}"
            );
            let kept = table.entry(id).or_insert_with(null);
            for name in part {
                kept[name] = row[name].clone();
            }
        }
        other => prop_assert!(false, "{row} cannot be loaded: {other:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_as_its_source(deeds in prop::collection::vec(deed(), 1..30)) {
        let mut rig = Rig::new(cdc(debezium()), false)
            .column("id", "BIGINT")
            .column("n", "BIGINT")
            .column("text", "VARCHAR");
        let (mut source, mut table) = (Table::new(), Table::new());
        for deed in &deeds {
            let Some(event) = event(&mut source, deed) else { continue };
            let row = if event["after"].is_null() { &event["before"] } else { &event["after"] };
            let key = json!({"id": row["id"]}).to_string();
            let event = event.to_string();
            let mut rows = rig.rows(Some(&key), Some(&event));
            if rows.starts_with("NeedsRound") {
                rig.encoder.begin_round();
                rows = rig.rows(Some(&key), Some(&event));
            }
            let part = match rig.encoder.load_columns(TableId(0)) {
                LoadColumns::Part(columns) => Some(columns),
                _ => None,
            };
            for row in rows.lines() {
                let row: Json = serde_json::from_str(row)
                    .map_err(|error| TestCaseError::fail(format!("{event}: {rows}: {error}")))?;
                load(&mut table, &row, part.as_deref())?;
            }
            prop_assert_eq!(&table, &source, "after {}: {}", event, rows);
        }
    }
}
