//! The interface: which path and method does what.

use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::refusal::Refusal;
use super::registering::{lookup, register, test_compatibility};
use super::schema::Guid;
use super::shared::Shared;
use super::store::{Deleted, Found, Store, Which};
use super::subject::{DEFAULT_CONTEXT, Subject};
use crate::request::decoded;

/// Levels of compatibility.
const LEVELS: [&str; 7] = [
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
];

/// Modes.
const MODES: [&str; 5] = [
    "READWRITE",
    "READONLY",
    "READONLY_OVERRIDE",
    "IMPORT",
    "FORWARD",
];

/// A version in a path: a positive number, `latest` or `-1`.
pub(crate) fn which(text: &str) -> Result<Which, Refusal> {
    match text {
        "latest" | "-1" => Ok(Which::Latest),
        _ => match text.parse() {
            Ok(number) if number > 0 => Ok(Which::Number(number)),
            _ => Err(Refusal::invalid_version(text)),
        },
    }
}

/// The answer's body.
pub(crate) fn answer(shared: &Shared, ask: &Ask<'_>) -> Result<String, Refusal> {
    let segments: Vec<String> = ask
        .path
        .split('/')
        .filter(|s| !s.is_empty())
        .map(decoded)
        .collect();
    let mut segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let mut context = DEFAULT_CONTEXT;
    // Every path may stand below the context that it is about.
    if let ["contexts", name, ..] = segments[..] {
        context = name.trim_matches(':');
        segments.drain(..2);
    }
    match segments.first().copied() {
        None => Ok("{}".to_owned()),
        Some("schemas") => schemas(shared, ask, context, &segments[1..]),
        Some("subjects") => subjects(shared, ask, context, &segments[1..]),
        Some("compatibility") => match (ask.method, &segments[1..]) {
            ("POST", ["subjects", subject, "versions"]) => {
                test_compatibility(shared, ask, &read_subject(subject, context)?, None)
            }
            ("POST", ["subjects", subject, "versions", version]) => test_compatibility(
                shared,
                ask,
                &read_subject(subject, context)?,
                Some(which(version)?),
            ),
            _ => Err(Refusal::no_such_path()),
        },
        Some("config") => config(shared, ask, context, &segments[1..]),
        Some("mode") => mode(shared, ask, context, &segments[1..]),
        Some("contexts") if ask.method == "GET" => Ok(json!(shared.store().contexts()).to_string()),
        Some(_) => Err(Refusal::no_such_path()),
    }
}

fn read_subject(text: &str, context: &str) -> Result<Subject, Refusal> {
    let subject = Subject::read(text, context);
    if subject.name.is_empty() || text.chars().any(char::is_control) {
        return Err(Refusal::invalid_subject(text));
    }
    Ok(subject)
}

fn schemas(
    shared: &Shared,
    ask: &Ask<'_>,
    context: &str,
    segments: &[&str],
) -> Result<String, Refusal> {
    let store = shared.store();
    match (ask.method, segments) {
        ("GET", []) => {
            let prefix = ask.parameter("subjectPrefix").unwrap_or(":*:");
            let all = store.all(ask.deleted());
            let latest = |found: &Found| {
                let latest = store.version(&found.subject, Which::Latest, ask.deleted());
                latest.is_ok_and(|latest| latest.version == found.version)
            };
            let told = all
                .iter()
                .filter(|found| begins(&found.subject, prefix))
                .filter(|found| !ask.is("latestOnly") || latest(found))
                .map(|found| found.tell(shared.guids));
            Ok(Value::Array(ask.part(told.collect())).to_string())
        }
        ("GET", ["types"]) => Ok(json!(["JSON", "PROTOBUF", "AVRO"]).to_string()),
        ("GET", ["ids", id, rest @ ..]) => {
            let id: i32 = id.parse().map_err(|_| Refusal::no_such_path())?;
            by_id(shared, &store, ask, context, id, rest)
        }
        ("GET", ["guids", guid]) if shared.guids => {
            let found = guid.parse().ok().and_then(|guid: Guid| store.by_guid(guid));
            let kept = found.ok_or_else(|| Refusal::no_schema(guid))?;
            let mut answer = Map::new();
            answer.insert("guid".to_owned(), kept.guid.to_string().into());
            kept.schema.tell(&mut answer);
            Ok(Value::Object(answer).to_string())
        }
        ("GET", _) => Err(Refusal::no_such_path()),
        _ => Err(Refusal::no_such_method()),
    }
}

fn by_id(
    shared: &Shared,
    store: &Store,
    ask: &Ask<'_>,
    context: &str,
    id: i32,
    rest: &[&str],
) -> Result<String, Refusal> {
    let subject = ask.parameter("subject").filter(|text| !text.is_empty());
    let qualified = subject.is_some_and(Subject::is_qualified) || context != DEFAULT_CONTEXT;
    let place = Subject::read(subject.unwrap_or_default(), context);
    let found = store.by_id(id, Some(&place), qualified);
    let found = found.ok_or_else(|| Refusal::no_schema(id))?;
    let places = || {
        let mut places = store.places(&found.subject.context, id);
        places.retain(|place| !place.version.deleted || ask.deleted() == Deleted::Shown);
        if !place.name.is_empty() {
            places.retain(|there| there.subject.name == place.name);
        }
        ask.part(places)
    };
    match rest {
        [] => {
            let mut answer = Map::new();
            if shared.guids {
                answer.insert("subject".to_owned(), found.subject.to_string().into());
                answer.insert("version".to_owned(), found.version.version.into());
                answer.insert("guid".to_owned(), found.kept.guid.to_string().into());
            }
            found.kept.schema.tell(&mut answer);
            if ask.is("fetchMaxId") {
                answer.insert(
                    "maxId".to_owned(),
                    store.last_id(&found.subject.context).into(),
                );
            }
            Ok(Value::Object(answer).to_string())
        }
        ["schema"] => Ok(found.kept.schema.schema.clone()),
        ["subjects"] => {
            let mut names: Vec<String> = places()
                .iter()
                .map(|place| place.subject.to_string())
                .collect();
            names.dedup();
            Ok(json!(names).to_string())
        }
        ["versions"] => {
            let told = places().into_iter().map(|place| {
                json!({"subject": place.subject.to_string(), "version": place.version.version})
            });
            Ok(Value::Array(told.collect()).to_string())
        }
        _ => Err(Refusal::no_such_path()),
    }
}

/// Whether a subject begins as asked; `:*:` stands for every context.
fn begins(subject: &Subject, prefix: &str) -> bool {
    match prefix.strip_prefix(":*:") {
        Some(name) => subject.name.starts_with(name),
        None => {
            let prefix = Subject::read(prefix, DEFAULT_CONTEXT);
            subject.context == prefix.context && subject.name.starts_with(&prefix.name)
        }
    }
}

fn subjects(
    shared: &Shared,
    ask: &Ask<'_>,
    context: &str,
    segments: &[&str],
) -> Result<String, Refusal> {
    let [subject, rest @ ..] = segments else {
        if ask.method != "GET" {
            return Err(Refusal::no_such_method());
        }
        let of_context = format!(":{context}:");
        let all = if context == DEFAULT_CONTEXT {
            ":*:"
        } else {
            &of_context
        };
        let prefix = ask.parameter("subjectPrefix").unwrap_or(all);
        let all = shared.store().subjects(ask.deleted());
        let names = all
            .iter()
            .filter(|subject| begins(subject, prefix))
            .map(ToString::to_string);
        return Ok(json!(ask.part(names.collect())).to_string());
    };
    let subject = read_subject(subject, context)?;
    match (ask.method, rest) {
        ("POST", []) => lookup(shared, ask, &subject),
        ("POST", ["versions"]) => register(shared, ask, &subject),
        ("DELETE", []) => delete_subject(&mut shared.store(), ask, &subject),
        ("DELETE", ["versions", version]) => {
            delete_version(&mut shared.store(), ask, &subject, which(version)?)
        }
        ("GET", ["versions"]) => {
            let versions = shared.store().versions(&subject, ask.deleted())?;
            let numbers: Vec<i32> = versions.iter().map(|version| version.version).collect();
            Ok(json!(ask.part(numbers)).to_string())
        }
        ("GET", ["versions", version, rest @ ..]) => {
            let store = shared.store();
            let found = store.version(&subject, which(version)?, ask.deleted())?;
            match rest {
                [] => Ok(found.tell(shared.guids).to_string()),
                ["schema"] => Ok(found.kept.schema.schema.clone()),
                ["referencedby"] => {
                    Ok(json!(store.referenced_by(&subject, found.version.version)).to_string())
                }
                _ => Err(Refusal::no_such_path()),
            }
        }
        ("GET", ["metadata"]) => by_metadata(shared, ask, &subject),
        ("GET" | "POST" | "DELETE", _) => Err(Refusal::no_such_path()),
        _ => Err(Refusal::no_such_method()),
    }
}

/// The latest version whose metadata has the asked properties.
fn by_metadata(shared: &Shared, ask: &Ask<'_>, subject: &Subject) -> Result<String, Refusal> {
    let values = |name: &'static str| {
        let found = ask.query.iter().filter(move |(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    };
    let store = shared.store();
    let versions = store.versions(subject, ask.deleted())?;
    for version in versions.iter().rev() {
        let found = store.version(subject, Which::Number(version.version), ask.deleted())?;
        let properties = found
            .kept
            .schema
            .metadata
            .as_ref()
            .map(|metadata| &metadata["properties"]);
        let has = |(key, value): (&str, &str)| properties.is_some_and(|p| p[key] == value);
        if values("key").zip(values("value")).all(has) {
            return Ok(found.tell(shared.guids).to_string());
        }
    }
    Err(Refusal::no_schema("with this metadata"))
}

fn refuse_referenced(store: &Store, subject: &Subject, versions: &[i32]) -> Result<(), Refusal> {
    for version in versions {
        let by = store.referenced_by(subject, *version);
        if !by.is_empty() {
            return Err(Refusal::referenced(&by));
        }
    }
    Ok(())
}

fn delete_subject(store: &mut Store, ask: &Ask<'_>, subject: &Subject) -> Result<String, Refusal> {
    let permanent = ask.is("permanent");
    let all = store.versions(subject, Deleted::Shown)?;
    let alive: Vec<i32> = all
        .iter()
        .filter(|v| !v.deleted)
        .map(|v| v.version)
        .collect();
    if permanent && !alive.is_empty() {
        return Err(Refusal::subject_not_deleted(subject));
    }
    if !permanent && alive.is_empty() {
        return Err(Refusal::subject_deleted(subject));
    }
    let these = if permanent {
        all.iter().map(|v| v.version).collect()
    } else {
        alive
    };
    refuse_referenced(store, subject, &these)?;
    store.delete(subject, &these, permanent);
    Ok(json!(these).to_string())
}

fn delete_version(
    store: &mut Store,
    ask: &Ask<'_>,
    subject: &Subject,
    which: Which,
) -> Result<String, Refusal> {
    let permanent = ask.is("permanent");
    let found = store.version(subject, which, Deleted::Shown)?.version;
    match (permanent, found.deleted) {
        (true, false) => return Err(Refusal::version_not_deleted(subject, found.version)),
        (false, true) => return Err(Refusal::version_deleted(subject, found.version)),
        _ => {}
    }
    refuse_referenced(store, subject, &[found.version])?;
    store.delete(subject, &[found.version], permanent);
    Ok(found.version.to_string())
}

fn config(
    shared: &Shared,
    ask: &Ask<'_>,
    context: &str,
    segments: &[&str],
) -> Result<String, Refusal> {
    let mut store = shared.store();
    let subject = match segments {
        [] => None,
        [subject] => Some(Subject::read(subject, context)),
        _ => return Err(Refusal::no_such_path()),
    };
    let levels = &mut store.levels;
    let tell = |level: &str| Ok(json!({"compatibilityLevel": level}).to_string());
    match (ask.method, subject) {
        ("GET", None) => tell(&levels.global),
        ("GET", Some(subject)) => match levels.own.get(&subject) {
            Some(level) => tell(level),
            None if ask.is("defaultToGlobal") => tell(&levels.global),
            None => Err(Refusal::no_level(subject)),
        },
        ("PUT", subject) => {
            let wanted: Value = ask.read()?;
            let level = wanted["compatibility"]
                .as_str()
                .unwrap_or_default()
                .to_uppercase();
            if !LEVELS.contains(&level.as_str()) {
                return Err(Refusal::invalid_level(level));
            }
            match subject {
                Some(subject) => drop(levels.own.insert(subject, level)),
                None => levels.global = level,
            }
            Ok(wanted.to_string())
        }
        ("DELETE", None) => tell(&std::mem::replace(&mut levels.global, "NONE".to_owned())),
        ("DELETE", Some(subject)) => match levels.own.remove(&subject) {
            Some(level) => tell(&level),
            None => Err(Refusal::no_subject(subject)),
        },
        _ => Err(Refusal::no_such_method()),
    }
}

fn mode(
    shared: &Shared,
    ask: &Ask<'_>,
    context: &str,
    segments: &[&str],
) -> Result<String, Refusal> {
    let mut store = shared.store();
    let subject = match segments {
        [] => None,
        [subject] => Some(Subject::read(subject, context)),
        _ => return Err(Refusal::no_such_path()),
    };
    let modes = &mut store.modes;
    let tell = |mode: &str| Ok(json!({"mode": mode}).to_string());
    match (ask.method, subject) {
        ("GET", None) => tell(&modes.global),
        ("GET", Some(subject)) => match modes.own.get(&subject) {
            Some(mode) => tell(mode),
            None if ask.is("defaultToGlobal") => tell(&modes.global),
            None => Err(Refusal::no_mode(subject)),
        },
        ("PUT", subject) => {
            let wanted: Value = ask.read()?;
            let mode = wanted["mode"].as_str().unwrap_or_default().to_uppercase();
            if !MODES.contains(&mode.as_str()) {
                return Err(Refusal::invalid_mode(mode));
            }
            let told = tell(&mode);
            match subject {
                Some(subject) => drop(modes.own.insert(subject, mode)),
                None => modes.global = mode,
            }
            told
        }
        ("DELETE", Some(subject)) => match modes.own.remove(&subject) {
            Some(mode) => tell(&mode),
            None => Err(Refusal::no_subject(subject)),
        },
        _ => Err(Refusal::no_such_method()),
    }
}
