//! What a registry keeps: schemas by id, and the versions of subjects, each context by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::schema::{Guid, NewSchema};
use super::subject::{DEFAULT_CONTEXT, Subject};

/// A version of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) version: i32,
    pub(crate) id: i32,
    /// Soft-deleted: found only by those who ask for deleted ones.
    pub(crate) deleted: bool,
}

/// Whether soft-deleted versions are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    Hidden,
    Shown,
    Only,
}

impl Deleted {
    fn shows(self, version: &Version) -> bool {
        match self {
            Self::Hidden => !version.deleted,
            Self::Shown => true,
            Self::Only => version.deleted,
        }
    }
}

/// Which version of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Latest,
    Number(i32),
}

/// A schema with its places.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) guid: Guid,
    pub(crate) schema: NewSchema,
}

/// A schema where it was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) subject: Subject,
    pub(crate) version: Version,
    pub(crate) kept: Arc<Kept>,
}

impl Found {
    /// The schema with its places, as the interface tells a version of a subject.
    pub(crate) fn tell(&self, guids: bool) -> Value {
        let mut answer = Map::new();
        answer.insert("subject".to_owned(), self.subject.to_string().into());
        answer.insert("version".to_owned(), self.version.version.into());
        answer.insert("id".to_owned(), self.version.id.into());
        if guids {
            answer.insert("guid".to_owned(), self.kept.guid.to_string().into());
        }
        self.kept.schema.tell(&mut answer);
        if self.version.deleted {
            answer.insert("deleted".to_owned(), true.into());
        }
        Value::Object(answer)
    }
}

#[derive(Debug, Default)]
struct Context {
    schemas: BTreeMap<i32, Arc<Kept>>,
    subjects: BTreeMap<String, Vec<Version>>,
    /// The highest id ever given: ids are not given twice.
    last_id: i32,
}

/// Levels or modes: one for all, and those of subjects.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) global: String,
    pub(crate) own: BTreeMap<Subject, String>,
}

impl Setting {
    fn new(global: &str) -> Self {
        Self {
            global: global.to_owned(),
            own: BTreeMap::new(),
        }
    }

    /// What holds for a subject.
    pub(crate) fn of(&self, subject: &Subject) -> &str {
        self.own.get(subject).unwrap_or(&self.global)
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    contexts: BTreeMap<String, Context>,
    /// Compatibility levels.
    pub(crate) levels: Setting,
    /// Whether schemas may be registered.
    pub(crate) modes: Setting,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            contexts: BTreeMap::new(),
            levels: Setting::new("NONE"),
            modes: Setting::new("READWRITE"),
        }
    }
}

impl Store {
    fn context(&self, subject: &Subject) -> Option<&Context> {
        self.contexts.get(&subject.context)
    }

    /// The contexts by name; the default one is always there.
    pub(crate) fn contexts(&self) -> Vec<String> {
        let mut names: Vec<String> = self.contexts.keys().cloned().collect();
        if !self.contexts.contains_key(DEFAULT_CONTEXT) {
            names.insert(0, DEFAULT_CONTEXT.to_owned());
        }
        names
    }

    /// The subjects that have a version which is looked at.
    pub(crate) fn subjects(&self, deleted: Deleted) -> Vec<Subject> {
        let mut found = Vec::new();
        for (context, kept) in &self.contexts {
            for (name, versions) in &kept.subjects {
                let shown = match deleted {
                    // A subject is deleted when all its versions are.
                    Deleted::Only => versions.iter().all(|version| version.deleted),
                    _ => versions.iter().any(|version| deleted.shows(version)),
                };
                if shown {
                    found.push(Subject {
                        context: context.clone(),
                        name: name.clone(),
                    });
                }
            }
        }
        found
    }

    fn all_versions(&self, subject: &Subject) -> &[Version] {
        self.context(subject)
            .and_then(|context| context.subjects.get(&subject.name))
            .map_or(&[], Vec::as_slice)
    }

    /// The versions of a subject that are looked at, in their order.
    pub(crate) fn versions(
        &self,
        subject: &Subject,
        deleted: Deleted,
    ) -> Result<Vec<Version>, Refusal> {
        let all = self.all_versions(subject);
        let found: Vec<Version> = all.iter().copied().filter(|v| deleted.shows(v)).collect();
        if found.is_empty() {
            return Err(Refusal::no_subject(subject));
        }
        Ok(found)
    }

    /// One version of a subject.
    pub(crate) fn version(
        &self,
        subject: &Subject,
        which: Which,
        deleted: Deleted,
    ) -> Result<Found, Refusal> {
        let versions = self.versions(subject, deleted)?;
        let version = match which {
            Which::Latest => versions.last().copied(),
            Which::Number(number) => versions.iter().copied().find(|v| v.version == number),
        };
        let shown = match which {
            Which::Latest => -1,
            Which::Number(number) => number,
        };
        version
            .and_then(|version| self.found(subject, version))
            .ok_or_else(|| Refusal::no_version(shown))
    }

    fn found(&self, subject: &Subject, version: Version) -> Option<Found> {
        let kept = self.context(subject)?.schemas.get(&version.id)?;
        Some(Found {
            subject: subject.clone(),
            version,
            kept: Arc::clone(kept),
        })
    }

    /// Every version of every subject, by subject.
    pub(crate) fn all(&self, deleted: Deleted) -> Vec<Found> {
        self.subjects(Deleted::Shown)
            .iter()
            .flat_map(|subject| {
                let versions = self.versions(subject, deleted).unwrap_or_default();
                versions
                    .into_iter()
                    .filter_map(|version| self.found(subject, version))
            })
            .collect()
    }

    /// The version of the subject that is this schema.
    pub(crate) fn lookup(
        &self,
        subject: &Subject,
        schema: &NewSchema,
        deleted: Deleted,
    ) -> Result<Found, Refusal> {
        let guid = schema.guid();
        let versions = self.versions(subject, deleted)?;
        versions
            .into_iter()
            .rev()
            .filter_map(|version| self.found(subject, version))
            .find(|found| found.kept.guid == guid)
            .ok_or_else(|| Refusal::no_schema(""))
    }

    /// The schema of an id. A subject says in which context; one that names none is looked for in all, where the default
    /// context does not have the id under it.
    pub(crate) fn by_id(
        &self,
        id: i32,
        subject: Option<&Subject>,
        qualified: bool,
    ) -> Option<Found> {
        let asked = subject.map_or(DEFAULT_CONTEXT, |subject| subject.context.as_str());
        let name = subject
            .map(|subject| subject.name.as_str())
            .filter(|name| !name.is_empty());
        let places = self.places(asked, id);
        let by_name = |places: Vec<Found>| {
            places
                .into_iter()
                .find(|found| Some(found.subject.name.as_str()) == name)
        };
        let first = places.first().cloned();
        if name.is_none() {
            return first;
        }
        by_name(places)
            .or_else(|| {
                let others = self
                    .contexts
                    .keys()
                    .filter(|context| !qualified && *context != asked);
                others
                    .into_iter()
                    .find_map(|context| by_name(self.places(context, id)))
            })
            .or(first)
    }

    /// Where an id of a context stands, soft-deleted versions last.
    pub(crate) fn places(&self, context: &str, id: i32) -> Vec<Found> {
        let Some(kept) = self.contexts.get(context) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, versions) in &kept.subjects {
            let subject = Subject {
                context: context.to_owned(),
                name: name.clone(),
            };
            let of_id = versions.iter().filter(|version| version.id == id);
            found.extend(of_id.filter_map(|version| self.found(&subject, *version)));
        }
        found.sort_by_key(|place| place.version.deleted);
        found
    }

    /// The schema of a GUID.
    pub(crate) fn by_guid(&self, guid: Guid) -> Option<Arc<Kept>> {
        let mut all = self
            .contexts
            .values()
            .flat_map(|context| context.schemas.values());
        all.find(|kept| kept.guid == guid).cloned()
    }

    /// The highest id of a context.
    pub(crate) fn last_id(&self, context: &str) -> i32 {
        self.contexts
            .get(context)
            .map_or(0, |context| context.last_id)
    }

    /// Registers a schema: what a subject has already keeps its version, what its context has already keeps its id.
    pub(crate) fn register(&mut self, subject: &Subject, schema: NewSchema) -> Found {
        if let Ok(found) = self.lookup(subject, &schema, Deleted::Hidden) {
            return found;
        }
        let guid = schema.guid();
        let context = self.contexts.entry(subject.context.clone()).or_default();
        let known = context.schemas.iter().find(|(_, kept)| kept.guid == guid);
        let id = known.map_or(context.last_id + 1, |(id, _)| *id);
        let last = context
            .subjects
            .get(&subject.name)
            .and_then(|versions| versions.last());
        let version = last.map_or(1, |last| last.version + 1);
        self.put(subject, version, id, schema)
    }

    /// Puts a schema under a version and an id that somebody else chose, in place of what was there.
    pub(crate) fn put(
        &mut self,
        subject: &Subject,
        version: i32,
        id: i32,
        schema: NewSchema,
    ) -> Found {
        let guid = schema.guid();
        let context = self.contexts.entry(subject.context.clone()).or_default();
        context.last_id = context.last_id.max(id);
        let kept = Arc::new(Kept { guid, schema });
        context.schemas.insert(id, Arc::clone(&kept));
        let versions = context.subjects.entry(subject.name.clone()).or_default();
        versions.retain(|there| there.version != version);
        let version = Version {
            version,
            id,
            deleted: false,
        };
        versions.push(version);
        versions.sort_by_key(|there| there.version);
        Found {
            subject: subject.clone(),
            version,
            kept,
        }
    }

    /// The ids of the schemas that refer to a version of a subject.
    pub(crate) fn referenced_by(&self, subject: &Subject, version: i32) -> Vec<i32> {
        let mut ids = Vec::new();
        for (name, context) in &self.contexts {
            for (id, kept) in &context.schemas {
                let refers = kept.schema.references.iter().any(|reference| {
                    reference.version == version
                        && Subject::read(&reference.subject, name) == *subject
                });
                if refers && name == &subject.context {
                    ids.push(*id);
                }
            }
        }
        ids
    }

    /// Deletes the versions that `these` names; the permanent way removes what was soft-deleted before.
    pub(crate) fn delete(&mut self, subject: &Subject, these: &[i32], permanent: bool) {
        let Some(context) = self.contexts.get_mut(&subject.context) else {
            return;
        };
        let Some(versions) = context.subjects.get_mut(&subject.name) else {
            return;
        };
        if permanent {
            versions.retain(|version| !these.contains(&version.version));
            if versions.is_empty() {
                context.subjects.remove(&subject.name);
            }
            let subjects = &context.subjects;
            context
                .schemas
                .retain(|id, _| subjects.values().flatten().any(|version| version.id == *id));
        } else {
            for version in versions.iter_mut().filter(|v| these.contains(&v.version)) {
                version.deleted = true;
            }
        }
    }
}
