//! What the converters with a Schema Registry have in common: finding a record's schema, and keeping what it means.

pub(super) mod client;
pub(super) mod format;
mod framing;
mod rules;
pub(super) mod settings;
mod subject;

use super::avro::Avro;
use super::json_schema::JsonSchema;
use super::protobuf::Protobuf;
use super::{ConvertError, ConverterConfig, Input, RegistryClass, Role};
use crate::config::{Config, ConfigProblem};
use crate::data::{SchemaAndValue, Value};
use crate::error::DataError;
use crate::registry::{RegisteredSchema, SchemaFormat, SchemaId, SchemaRequest, Wanted};
use format::{Format, MessageIndexes, Schemas};
use framing::{Framed, IdSource, about};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use subject::SubjectStrategy;

/// A converter that reads the schemas of its records from a Schema Registry.
#[derive(Debug)]
pub struct RegistryConverter(Readers);

#[derive(Debug)]
enum Readers {
    Avro(Reader<Avro>),
    Protobuf(Reader<Protobuf>),
    JsonSchema(Reader<JsonSchema>),
}

impl RegistryConverter {
    pub(super) fn new(
        class: RegistryClass,
        config: &ConverterConfig,
    ) -> Result<Self, Vec<ConfigProblem>> {
        Ok(Self(match class {
            RegistryClass::Avro => Readers::Avro(Reader::new(config)?),
            RegistryClass::Protobuf => Readers::Protobuf(Reader::new(config)?),
            RegistryClass::JsonSchema => Readers::JsonSchema(Reader::new(config)?),
        }))
    }

    pub(super) fn convert<'k>(
        &mut self,
        input: &Input<'_, 'k>,
    ) -> Result<SchemaAndValue<'k>, ConvertError> {
        match &mut self.0 {
            Readers::Avro(reader) => reader.convert(input),
            Readers::Protobuf(reader) => reader.convert(input),
            Readers::JsonSchema(reader) => reader.convert(input),
        }
    }

    /// Takes the answer to a request that [`convert`](Self::convert) asked for.
    pub(super) fn learn(&mut self, request: SchemaRequest, schema: Arc<RegisteredSchema>) {
        match &mut self.0 {
            Readers::Avro(reader) => reader.learn(request, schema),
            Readers::Protobuf(reader) => reader.learn(request, schema),
            Readers::JsonSchema(reader) => reader.learn(request, schema),
        }
    }
}

/// What makes a plan the one for a record.
#[derive(Debug, PartialEq, Eq)]
struct PlanKey {
    id: SchemaId,
    indexes: MessageIndexes,
    topic: String,
}

#[derive(Debug)]
struct Planned<P> {
    key: PlanKey,
    plan: Result<P, DataError>,
}

/// A converter of one format.
#[derive(Debug)]
struct Reader<F: Format> {
    format: F,
    role: Role,
    ids: IdSource,
    strategy: SubjectStrategy,
    reader: Option<Wanted>,
    schemas: HashMap<SchemaRequest, Arc<RegisteredSchema>>,
    plans: Vec<Planned<F::Plan>>,
    /// Where the plans of an id stand.
    places: HashMap<SchemaId, Vec<usize>>,
    /// Where the plan of the last record stands: records of one schema mostly come one after the other.
    last: usize,
}

impl<F: Format> Reader<F> {
    fn new(config: &ConverterConfig) -> Result<Self, Vec<ConfigProblem>> {
        let full_names = |problems: Vec<ConfigProblem>| -> Vec<ConfigProblem> {
            problems
                .iter()
                .map(|problem| config.full_name(problem))
                .collect()
        };
        let settings = F::DEF.parse(&config.settings).map_err(full_names)?;
        client::check(&settings).map_err(|problem| full_names(vec![problem]))?;
        let role = config.role();
        Ok(Self {
            format: F::new(&settings).map_err(full_names)?,
            role,
            ids: IdSource::new(role, &settings).map_err(full_names)?,
            strategy: SubjectStrategy::new(role, &settings),
            reader: reader(&settings).map_err(|problem| full_names(vec![problem]))?,
            schemas: HashMap::new(),
            plans: Vec::new(),
            places: HashMap::new(),
            last: 0,
        })
    }

    fn convert<'k>(&mut self, input: &Input<'_, 'k>) -> Result<SchemaAndValue<'k>, ConvertError> {
        let Some(bytes) = input.bytes else {
            return Ok(SchemaAndValue::schemaless(Value::Null));
        };
        let header = || input.headers.last(self.role.schema_id_header());
        let with_indexes = F::FORMAT == SchemaFormat::Protobuf;
        let framed = self.ids.read(bytes, with_indexes, header)?;
        let place = match self.find(&framed, input.topic) {
            Some(place) => place,
            None => self.make(&framed, input.topic)?,
        };
        self.last = place;
        let told = |error: &DataError| about(framed.id, error);
        let plan = self.plans[place].plan.as_ref().map_err(told)?;
        F::decode(plan, framed.payload).map_err(|error| told(&error).into())
    }

    fn learn(&mut self, request: SchemaRequest, schema: Arc<RegisteredSchema>) {
        self.schemas.insert(request, schema);
    }

    fn find(&self, framed: &Framed<'_>, topic: &str) -> Option<usize> {
        // Compared one by one: mostly there are none, and comparing no memory costs a record of ten fields a tenth of its time where
        // `memcmp` loads by a mask from an address that is none.
        let is_at = |indexes: &MessageIndexes| indexes.iter().eq(&framed.indexes);
        let is_it = |place: &usize| {
            self.plans.get(*place).is_some_and(|Planned { key, .. }| {
                key.id == framed.id && is_at(&key.indexes) && key.topic == topic
            })
        };
        if is_it(&self.last) {
            return Some(self.last);
        }
        self.places
            .get(&framed.id)?
            .iter()
            .copied()
            .find(|place| is_it(place))
    }

    /// Makes the plan of records like this one, once its schemas are known.
    fn make(&mut self, framed: &Framed<'_>, topic: &str) -> Result<usize, ConvertError> {
        let subject = self.strategy.of_topic(topic, self.role);
        let writer = self.schema(SchemaRequest {
            subject,
            wanted: match framed.id {
                SchemaId::Id(id) => Wanted::Id(id),
                SchemaId::Guid(guid) => Wanted::Guid(guid.to_string()),
            },
        })?;
        let plan = match self.subject_and_version(&writer, framed, topic) {
            Err(error) => Err(error),
            Ok((subject, version)) => {
                let reader = match self.reader.clone() {
                    Some(wanted) => Some(self.schema(SchemaRequest {
                        subject: Some(subject.clone()),
                        wanted,
                    })?),
                    None => None,
                };
                self.plan(&writer, reader.as_deref(), &subject, version, framed)
            }
        };
        let key = PlanKey {
            id: framed.id,
            indexes: framed.indexes.clone(),
            topic: topic.to_owned(),
        };
        let place = self.plans.len();
        self.plans.push(Planned { key, plan });
        self.places.entry(framed.id).or_default().push(place);
        Ok(place)
    }

    fn schema(&self, request: SchemaRequest) -> Result<Arc<RegisteredSchema>, ConvertError> {
        match self.schemas.get(&request) {
            Some(schema) => Ok(Arc::clone(schema)),
            None => Err(ConvertError::NeedsSchema(Box::new(request))),
        }
    }

    fn subject_and_version(
        &self,
        writer: &RegisteredSchema,
        framed: &Framed<'_>,
        topic: &str,
    ) -> Result<(String, Option<i32>), DataError> {
        usable::<F>(writer)?;
        let record = match self.strategy {
            SubjectStrategy::Topic => None,
            _ => F::record_name(writer, &framed.indexes),
        };
        let subject = self
            .strategy
            .of_record(topic, self.role, record.as_deref())?;
        let version = version(writer, &subject)?;
        Ok((subject, version))
    }

    fn plan(
        &self,
        writer: &RegisteredSchema,
        reader: Option<&RegisteredSchema>,
        subject: &str,
        version_of_writer: Option<i32>,
        framed: &Framed<'_>,
    ) -> Result<F::Plan, DataError> {
        let version = match reader {
            Some(reader) => {
                usable::<F>(reader)?;
                rules::check_migration(writer, reader)?;
                version(reader, subject)?
            }
            None => version_of_writer,
        };
        let schemas = Schemas {
            writer,
            reader,
            version,
        };
        self.format.plan(&schemas, &framed.indexes)
    }
}

/// Whether a schema is one that this format reads, and reads to the end.
fn usable<F: Format>(schema: &RegisteredSchema) -> Result<(), DataError> {
    if schema.format != F::FORMAT {
        return Err(DataError::of(
            F::BAD_SCHEMA,
            format!(
                "It is a schema of type {}, and this converter reads {}",
                schema.format.name(),
                F::FORMAT.name()
            ),
        ));
    }
    if let Some(problem) = &schema.reference_problem {
        return Err(DataError::of(F::BAD_SCHEMA, problem.as_str()));
    }
    rules::check(schema)
}

/// The version of a schema under a subject, where that is known.
fn version(schema: &RegisteredSchema, subject: &str) -> Result<Option<i32>, DataError> {
    let Some(registrations) = &schema.registrations else {
        return Ok(None);
    };
    let version = registrations
        .iter()
        .find(|(registered, _)| registered == subject)
        .map(|(_, version)| *version);
    version.map(Some).ok_or_else(|| {
        let known: Vec<&str> = registrations
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        DataError::data(format!(
            "It is not registered under the record's subject, {subject}, but under {}",
            known.join(", ")
        ))
    })
}

/// The schema that records are to be read as.
fn reader(settings: &Config) -> Result<Option<Wanted>, ConfigProblem> {
    const METADATA: &str = "use.latest.with.metadata";
    let pairs = settings.list(METADATA);
    if pairs.is_empty() {
        let latest = settings.boolean("use.latest.version") == Some(true);
        return Ok(latest.then_some(Wanted::Latest));
    }
    let mut metadata = BTreeMap::new();
    for pair in pairs {
        let (key, value) = pair
            .split_once(['=', ':'])
            .ok_or_else(|| ConfigProblem::invalid(METADATA, pair, "It is no pair key=value"))?;
        metadata.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Ok(Some(Wanted::LatestWithMetadata(metadata)))
}

/// The property that names the registry, which every such converter must have.
pub const REGISTRY_URL: &str = "schema.registry.url";
