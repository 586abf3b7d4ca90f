//! Schemas from a file, in the place of a Schema Registry.

use std::sync::Arc;

use serde::Deserialize;
use starrocks_kafka_connect::registry::{
    Reference, References, RegisteredSchema, SchemaFormat, SchemaRequest, Wanted,
};
use starrocks_kafka_pipeline::registry::RuleSet;

/// What a registry holds of one schema, as the file writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    id: i32,
    guid: Option<String>,
    subject: String,
    version: i32,
    #[serde(default = "avro")]
    schema_type: String,
    schema: String,
    #[serde(default)]
    references: Vec<WrittenReference>,
    rule_set: Option<RuleSet>,
}

#[derive(Deserialize, PartialEq, Eq)]
struct WrittenReference {
    name: String,
    subject: String,
    version: i32,
}

fn avro() -> String {
    SchemaFormat::Avro.name().to_owned()
}

/// What a file says that a registry holds.
#[derive(Default)]
pub struct Schemas(Vec<Written>);

impl std::fmt::Debug for Schemas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} schemas", self.0.len())
    }
}

impl Schemas {
    /// Reads an array of schemas in JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text).map(Self)
    }

    /// What a registry with these schemas would answer.
    ///
    /// # Errors
    /// Why there is no such schema.
    pub(super) fn answer(&self, request: &SchemaRequest) -> Result<Arc<RegisteredSchema>, String> {
        let mut fitting = self.0.iter().filter(|written| match &request.wanted {
            Wanted::Id(id) => written.id == *id,
            Wanted::Guid(guid) => written.guid.as_ref() == Some(guid),
            Wanted::Latest => Some(&written.subject) == request.subject.as_ref(),
            // The file has no metadata.
            Wanted::LatestWithMetadata(_) => false,
        });
        let found = match request.wanted {
            Wanted::Latest => fitting.max_by_key(|written| written.version),
            _ => fitting.next(),
        };
        let found = found.ok_or("the schemas of this preview have no such one (--schemas)")?;
        let format = SchemaFormat::of(&found.schema_type)
            .ok_or_else(|| format!("schemaType {} is not known", found.schema_type))?;
        let same = |other: &&Written| {
            (&other.schema_type, &other.schema, &other.references)
                == (&found.schema_type, &found.schema, &found.references)
        };
        let registrations = self.0.iter().filter(same);
        let schema = RegisteredSchema {
            format,
            text: found.schema.clone(),
            references: Vec::new(),
            reference_problem: None,
            read_rules: found
                .rule_set
                .clone()
                .map_or_else(Vec::new, RuleSet::into_read_rules),
            registrations: Some(
                registrations
                    .map(|written| (written.subject.clone(), written.version))
                    .collect(),
            ),
        };
        let mut references = References::of(schema, found.references());
        while let Some(reference) = references.ask() {
            let referenced = self.0.iter().find(|written| {
                (&written.subject, written.version) == (&reference.subject, reference.version)
            });
            references
                .tell(referenced.map(|written| (written.schema.clone(), written.references())));
        }
        Ok(Arc::new(references.into_schema()))
    }
}

impl Written {
    fn references(&self) -> Vec<Reference> {
        let references = self.references.iter();
        references
            .map(|reference| Reference {
                name: reference.name.clone(),
                subject: reference.subject.clone(),
                version: reference.version,
            })
            .collect()
    }
}
