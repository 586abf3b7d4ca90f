//! Schemas that come in: registered, looked up, or tested.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::check::kept_form;
use super::compatibility::{Whole, objections};
use super::refusal::Refusal;
use super::schema::{NewSchema, SchemaReference, SchemaType};
use super::shared::Shared;
use super::store::{Deleted, Found, Store, Version, Which};
use super::subject::Subject;

/// A schema as it comes in a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Request {
    schema: Option<String>,
    schema_type: Option<String>,
    references: Option<Vec<SchemaReference>>,
    metadata: Option<Value>,
    rule_set: Option<Value>,
    id: Option<i32>,
    version: Option<i32>,
}

impl Request {
    /// The schema in the form in which it is kept.
    fn schema(&self, store: &Store, subject: &Subject) -> Result<NewSchema, Refusal> {
        let schema_type = match self.schema_type.as_deref().unwrap_or("AVRO") {
            "AVRO" | "" => SchemaType::Avro,
            "PROTOBUF" => SchemaType::Protobuf,
            "JSON" => SchemaType::Json,
            other => return Err(Refusal::invalid_schema(format_args!("no type '{other}'"))),
        };
        let text = self.schema.as_deref().unwrap_or_default();
        if text.trim().is_empty() {
            return Err(Refusal::invalid_schema("it is empty"));
        }
        let schema = NewSchema {
            schema_type,
            schema: text.to_owned(),
            references: self.references.clone().unwrap_or_default(),
            metadata: self.metadata.clone(),
            rule_set: self.rule_set.clone(),
        };
        complete(schema, store, subject)
    }
}

/// Brings a schema into the form in which it is kept: it is one, and what it refers to is there.
pub(crate) fn complete(
    mut schema: NewSchema,
    store: &Store,
    subject: &Subject,
) -> Result<NewSchema, Refusal> {
    let mut names = Vec::new();
    declared(
        &schema.references,
        store,
        subject,
        &mut Vec::new(),
        &mut names,
    )?;
    schema.schema = kept_form(schema.schema_type, &schema.schema, &mut names)
        .map_err(Refusal::invalid_schema)?;
    Ok(schema)
}

/// The version that a reference names; -1 is the latest.
fn which(reference: &SchemaReference) -> Which {
    match reference.version {
        -1 => Which::Latest,
        number => Which::Number(number),
    }
}

/// Checks that references are there, and collects the names that they declare, each schema's once.
fn declared(
    references: &[SchemaReference],
    store: &Store,
    subject: &Subject,
    seen: &mut Vec<String>,
    names: &mut Vec<String>,
) -> Result<(), Refusal> {
    for reference in references {
        let place = Subject::read(&reference.subject, &subject.context);
        let found = store
            .version(&place, which(reference), Deleted::Shown)
            .map_err(|_| {
                Refusal::invalid_schema(format_args!(
                    "no reference '{}': version {} of subject '{place}' is not there",
                    reference.name, reference.version
                ))
            })?;
        if seen.contains(&reference.name) {
            continue;
        }
        seen.push(reference.name.clone());
        let schema = &found.kept.schema;
        declared(&schema.references, store, &place, seen, names)?;
        // What is there was checked when it came.
        drop(kept_form(schema.schema_type, &schema.schema, names));
    }
    Ok(())
}

/// `POST /subjects/{subject}/versions`.
pub(crate) fn register(
    shared: &Shared,
    ask: &Ask<'_>,
    subject: &Subject,
) -> Result<String, Refusal> {
    let request: Request = ask.read()?;
    let mut store = shared.store();
    let schema = request.schema(&store, subject)?;
    let mode = store.modes.of(subject).to_owned();
    if mode.starts_with("READONLY") {
        let why = format!("subject '{subject}' is in mode {mode}");
        return Err(Refusal::not_in_this_mode(why));
    }
    let level = store.levels.of(subject).to_owned();
    let known = store.lookup(subject, &schema, Deleted::Hidden).is_ok();
    if mode != "IMPORT" && !known {
        let earlier = store.versions(subject, Deleted::Hidden);
        let why = compare(
            &store,
            subject,
            &level,
            &schema,
            &earlier.unwrap_or_default(),
        );
        if !why.is_empty() {
            return Err(Refusal::incompatible(why.join("; ")));
        }
    }
    let found = match request.id.filter(|id| *id > 0) {
        Some(_) if mode != "IMPORT" => {
            let why = format!("an id is chosen in mode IMPORT; subject '{subject}' is in {mode}");
            return Err(Refusal::not_in_this_mode(why));
        }
        Some(id) => {
            let last = store.versions(subject, Deleted::Shown).unwrap_or_default();
            let next = last.last().map_or(1, |last| last.version + 1);
            let version = request
                .version
                .filter(|version| *version > 0)
                .unwrap_or(next);
            store.put(subject, version, id, schema)
        }
        None => store.register(subject, schema),
    };
    if !shared.guids {
        return Ok(json!({"id": found.version.id}).to_string());
    }
    let mut answer = Map::new();
    answer.insert("id".to_owned(), found.version.id.into());
    answer.insert("version".to_owned(), found.version.version.into());
    answer.insert("guid".to_owned(), found.kept.guid.to_string().into());
    found.kept.schema.tell(&mut answer);
    Ok(Value::Object(answer).to_string())
}

/// `POST /subjects/{subject}`.
pub(crate) fn lookup(shared: &Shared, ask: &Ask<'_>, subject: &Subject) -> Result<String, Refusal> {
    let request: Request = ask.read()?;
    let store = shared.store();
    // An unknown subject is told before an invalid schema.
    store.versions(subject, ask.deleted())?;
    let schema = request.schema(&store, subject)?;
    let found = store.lookup(subject, &schema, ask.deleted())?;
    Ok(found.tell(shared.guids).to_string())
}

/// `POST /compatibility/subjects/{subject}/versions[/{version}]`.
pub(crate) fn test_compatibility(
    shared: &Shared,
    ask: &Ask<'_>,
    subject: &Subject,
    which: Option<Which>,
) -> Result<String, Refusal> {
    let request: Request = ask.read()?;
    let store = shared.store();
    let schema = request.schema(&store, subject)?;
    let level = store.levels.of(subject);
    let (level, earlier) = match which {
        // One version by itself is compared as if it were the latest.
        Some(which) => {
            let found = store.version(subject, which, Deleted::Hidden)?;
            (level.trim_end_matches("_TRANSITIVE"), vec![found.version])
        }
        None => (
            level,
            store.versions(subject, Deleted::Hidden).unwrap_or_default(),
        ),
    };
    let why = compare(&store, subject, level, &schema, &earlier);
    let mut answer = json!({"is_compatible": why.is_empty()});
    if ask.is("verbose") {
        answer["messages"] = json!(why);
    }
    Ok(answer.to_string())
}

/// What the level has against a schema that is to follow these versions.
fn compare(
    store: &Store,
    subject: &Subject,
    level: &str,
    schema: &NewSchema,
    earlier: &[Version],
) -> Vec<String> {
    let numbers = earlier.iter().map(|version| Which::Number(version.version));
    let found: Vec<Found> = numbers
        .filter_map(|number| store.version(subject, number, Deleted::Hidden).ok())
        .collect();
    let whole = |schema| {
        let mut referenced = Vec::new();
        texts(schema, store, subject, &mut Vec::new(), &mut referenced);
        Whole { schema, referenced }
    };
    let earlier: Vec<_> = found
        .iter()
        .map(|found| whole(&found.kept.schema))
        .collect();
    objections(level, &whole(schema), &earlier)
}

/// The texts of what a schema refers to, those first that others refer to.
fn texts(
    schema: &NewSchema,
    store: &Store,
    subject: &Subject,
    seen: &mut Vec<String>,
    out: &mut Vec<String>,
) {
    for reference in &schema.references {
        if seen.contains(&reference.name) {
            continue;
        }
        seen.push(reference.name.clone());
        let place = Subject::read(&reference.subject, &subject.context);
        if let Ok(found) = store.version(&place, which(reference), Deleted::Shown) {
            texts(&found.kept.schema, store, &place, seen, out);
            out.push(found.kept.schema.schema.clone());
        }
    }
}
