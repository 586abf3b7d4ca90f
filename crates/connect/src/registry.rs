//! What a Schema Registry holds, as converters ask for it and are told it. Asking is somebody else's: a
//! converter that lacks a schema says so with a [`SchemaRequest`].

mod references;

pub use references::{Reference, References};

use std::collections::BTreeMap;
use std::fmt;

/// A schema's globally unique id, as schema ids of version 1 carry it (Confluent Platform 8.0 and later).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid(pub [u8; 16]);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What names the schema that a record was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaId {
    /// The registry's number. Java's are signed; those below 0 exist nowhere.
    Id(i32),
    /// A GUID.
    Guid(Guid),
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "schema id {id}"),
            Self::Guid(guid) => write!(f, "schema GUID {guid}"),
        }
    }
}

/// Which schema is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// That of this id, whatever its subject.
    Id(i32),
    /// That of this GUID, in its text form.
    Guid(String),
    /// The latest version of the subject (`use.latest.version`).
    Latest,
    /// The latest version of the subject that has this metadata (`use.latest.with.metadata`).
    LatestWithMetadata(BTreeMap<String, String>),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "schema id {id}"),
            Self::Guid(guid) => write!(f, "schema GUID {guid}"),
            Self::Latest => f.write_str("the latest version"),
            Self::LatestWithMetadata(metadata) => {
                f.write_str("the latest version with metadata")?;
                metadata
                    .iter()
                    .try_for_each(|(key, value)| write!(f, " {key}={value}"))
            }
        }
    }
}

/// A question to a Schema Registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaRequest {
    /// The subject that the record's topic, or its schema, gives. It selects the context where ids are looked
    /// for, and is what [`Wanted::Latest`] is the latest version of; `None` where only the schema tells it.
    pub subject: Option<String>,
    /// Which schema.
    pub wanted: Wanted,
}

impl fmt::Display for SchemaRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.wanted)?;
        match &self.subject {
            Some(subject) => write!(f, " of subject {subject}"),
            None => Ok(()),
        }
    }
}

/// The format of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaFormat {
    /// Apache Avro, also where the registry names no format.
    Avro,
    /// Protocol Buffers.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl SchemaFormat {
    /// The registry's `schemaType`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }

    /// That of a registry's `schemaType`.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Avro, Self::Protobuf, Self::Json]
            .into_iter()
            .find(|format| format.name() == name)
    }
}

/// A schema that another one refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferencedSchema {
    /// By what it is referred to: a full name (Avro), a path of `import` (Protobuf), an address of `$ref` (JSON
    /// Schema).
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What a rule is to do, where that matters to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// It changes the data: without it a reader sees what was not meant, ciphertext say.
    Transform,
    /// It refuses data.
    Condition,
    /// It makes data of one version data of another. It counts only where records are read as another version than the one
    /// they were written with.
    Migration,
}

/// A rule that a schema asks its readers to apply (`ruleSet`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRule {
    /// Its name.
    pub name: String,
    /// What runs it, `ENCRYPT` say.
    pub rule_type: String,
    /// What it is to do.
    pub kind: RuleKind,
    /// Whether it stands among the `encodingRules`, which change the record's bytes.
    pub is_encoding: bool,
    /// Its `onFailure`.
    pub on_failure: Option<String>,
}

/// A schema as a registry holds it, with everything that it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredSchema {
    /// Its format.
    pub format: SchemaFormat,
    /// Its text.
    pub text: String,
    /// What it refers to, each before those that refer to it, no name twice.
    pub references: Vec<ReferencedSchema>,
    /// Why not all of what it refers to stands there, in words; such a schema means nothing.
    pub reference_problem: Option<String>,
    /// The rules that are enabled for readers: those of mode `READ` or `WRITEREAD`, the encoding rules, and those that migrate.
    pub read_rules: Vec<ReadRule>,
    /// The subjects that it is registered under, each with its version, where all of them are known. A record
    /// whose subject is not among them fails, as in Java. A registry is not asked for them: it would be
    /// a request more for each schema, and fail the records of topics that were copied under other names.
    pub registrations: Option<Vec<(String, i32)>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_reads_as_java_writes_it() {
        let bytes = [
            0x97, 0x93, 0xd3, 0xe3, 0x61, 0xd0, 0xef, 0x29, 0x04, 0x33, 0xbc, 0x40, 0xeb, 0xbe,
            0xd4, 0xad,
        ];
        assert_eq!(
            Guid(bytes).to_string(),
            "9793d3e3-61d0-ef29-0433-bc40ebbed4ad"
        );
    }

    #[test]
    fn requests_say_what_is_asked() {
        let check = |subject: Option<&str>, wanted, expect: &str| {
            let request = SchemaRequest {
                subject: subject.map(str::to_owned),
                wanted,
            };
            assert_eq!(request.to_string(), expect);
        };
        check(
            Some("t-value"),
            Wanted::Id(7),
            "schema id 7 of subject t-value",
        );
        check(None, Wanted::Guid("x".to_owned()), "schema GUID x");
        check(Some("s"), Wanted::Latest, "the latest version of subject s");
        let metadata = [("stage".to_owned(), "prod".to_owned())].into();
        check(
            Some("s"),
            Wanted::LatestWithMetadata(metadata),
            "the latest version with metadata stage=prod of subject s",
        );
    }
}
