//! From Avro's types to Connect's schemas, with everything that Connect's own annotations say.

mod annotations;

use super::Options;
use super::schema::{Field as AvroField, Kind, Name, Symbols, Type, TypeId, Types};
use crate::data::{Field, LogicalType, Schema, SchemaType, UnnamedTime};
use crate::error::DataError;
use annotations::low_32_bits;
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Types in one another. Java knows no limit and fails with a stack overflow.
const DEPTH_MAX: usize = 200;
/// A type that is named in several places becomes a schema in each of them; few lines may become millions.
const SCHEMAS_MAX: usize = 300_000;

const AVRO: &str = "io.confluent.connect.avro";
const VARIANT: &str = "org.apache.kafka.connect.data.Variant";
/// Java's own default precision, which it does not write down.
const PRECISION_DEFAULT: i64 = 64;

/// Connect's schema of a type, and of the records in it.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) root: Arc<Schema>,
    /// The schemas of records. Where a record contains itself, its schema has an empty struct in that place, of the
    /// record's name, for a schema is a tree: this is the whole one.
    pub(super) records: HashMap<TypeId, Arc<Schema>>,
}

/// Converts types, one schema at a time.
struct Connecting<'t> {
    types: &'t Types,
    options: &'t Options,
    entries_are_maps: bool,
    /// Records whose schema is being made.
    open: Vec<TypeId>,
    records: HashMap<TypeId, Arc<Schema>>,
    depth: usize,
    made: usize,
    unions: usize,
}

/// What the place says in which a type stands.
#[derive(Clone, Copy, Default)]
struct Place<'p> {
    optional: bool,
    /// The default and documentation of a record's field.
    default: Option<&'p Json>,
    doc: Option<&'p str>,
    /// The version in the registry, of the schema as a whole.
    version: Option<i32>,
}

/// Converts the root of `types`.
///
/// # Errors
/// Types that have no meaning in Connect, and annotations that contradict themselves.
pub(super) fn connect(
    types: &Types,
    options: &Options,
    version: Option<i32>,
) -> Result<Connected, DataError> {
    let place = Place {
        version,
        ..Place::default()
    };
    Connecting::new(types, options, true).root(place)
}

/// The same, with entries of maps as the records that they are.
///
/// # Errors
/// As [`connect`].
pub(super) fn connect_with_entries_as_records(
    types: &Types,
    options: &Options,
) -> Result<Connected, DataError> {
    Connecting::new(types, options, false).root(Place::default())
}

impl<'t> Connecting<'t> {
    fn new(types: &'t Types, options: &'t Options, entries_are_maps: bool) -> Self {
        Self {
            types,
            options,
            entries_are_maps,
            open: Vec::new(),
            records: HashMap::new(),
            depth: 0,
            made: 0,
            unions: 0,
        }
    }

    fn root(mut self, place: Place<'_>) -> Result<Connected, DataError> {
        Ok(Connected {
            root: self.schema(self.types.root(), place)?,
            records: self.records,
        })
    }

    /// Java's `toConnectSchemaWithCycles`: a record that is open is not made again.
    fn or_cycle(&mut self, id: TypeId, place: Place<'_>) -> Result<Arc<Schema>, DataError> {
        if !self.open.contains(&id) {
            return self.schema(id, place);
        }
        let mut cycle = Schema::new(SchemaType::Struct(Vec::new()));
        if let Some(name) = name_of(&self.types[id])? {
            cycle = cycle.named(&name);
        }
        cycle.optional = place.optional;
        Ok(Arc::new(cycle))
    }

    fn schema(&mut self, id: TypeId, place: Place<'_>) -> Result<Arc<Schema>, DataError> {
        self.depth += 1;
        self.made += 1;
        if self.depth > DEPTH_MAX {
            return Err(DataError::data(format!(
                "Its types stand in one another more than {DEPTH_MAX} deep"
            )));
        }
        if self.made > SCHEMAS_MAX {
            return Err(DataError::data(format!(
                "Written out, it has more than {SCHEMAS_MAX} types"
            )));
        }
        let types = self.types;
        let of = &types[id];
        let schema = match &of.kind {
            Kind::Union(branches) => self.union(of, branches, place)?,
            Kind::Record(_, fields) => {
                self.open.push(id);
                let schema = self.record(of, fields)?;
                self.open.pop();
                Arc::new(self.describe(of, schema, place)?)
            }
            _ => {
                let schema = self.simple(of)?;
                Arc::new(self.describe(of, schema, place)?)
            }
        };
        if matches!(of.kind, Kind::Record(..)) {
            self.records.insert(id, Arc::clone(&schema));
        }
        self.depth -= 1;
        Ok(schema)
    }

    fn simple(&mut self, of: &Type) -> Result<Schema, DataError> {
        let kind = match &of.kind {
            Kind::Null => {
                return Err(DataError::data(
                    "Standalone null schemas are not supported by this converter",
                ));
            }
            Kind::Boolean => SchemaType::Boolean,
            Kind::Int => return int(of),
            Kind::Long if of.is_logical("timestamp-millis") => {
                return Ok(Schema::of_logical_type(LogicalType::Timestamp));
            }
            Kind::Long => {
                let schema = Schema::new(SchemaType::Int64);
                return Ok(match unnamed_time(of) {
                    Some(time) => schema.of_unnamed_time(time),
                    None => schema,
                });
            }
            Kind::Float => SchemaType::Float32,
            Kind::Double => SchemaType::Float64,
            Kind::String => SchemaType::String,
            Kind::Bytes => return bytes(of),
            Kind::Fixed(_, size) => {
                let mut schema = bytes(of)?;
                let parameters = &mut schema.parameters;
                parameters.insert("connect.fixed.size".to_owned(), size.to_string());
                return Ok(schema);
            }
            Kind::Enum(name, symbols) => return Ok(self.enumeration(of, name, symbols)),
            Kind::Array(items) => return self.array(*items),
            Kind::Map(values) => {
                let values = self.or_cycle(*values, Place::default())?;
                SchemaType::Map(Some(Schema::of(SchemaType::String)), Some(values))
            }
            Kind::Union(_) | Kind::Record(..) => unreachable!("they are told apart before"),
        };
        Ok(Schema::new(kind))
    }

    fn array(&mut self, items: TypeId) -> Result<Schema, DataError> {
        let types = self.types;
        let entry = entry_of(types, items).filter(|_| self.entries_are_maps);
        let Some(entry) = entry else {
            let items = self.or_cycle(items, Place::default())?;
            return Ok(Schema::new(SchemaType::Array(Some(items))));
        };
        let [key, value] = entry?;
        // Java starts anew here and does not see that a record contains itself: the depth ends it.
        let open = std::mem::take(&mut self.open);
        let key = self.schema(key, Place::default())?;
        let value = self.schema(value, Place::default())?;
        self.open = open;
        Ok(Schema::new(SchemaType::Map(Some(key), Some(value))))
    }

    fn record(&mut self, of: &Type, fields: &[AvroField]) -> Result<Schema, DataError> {
        let with_docs = !self.options.discard_docs && self.options.connect_metadata;
        let mut parameters = std::collections::BTreeMap::new();
        let mut made = Vec::with_capacity(fields.len());
        if let Some(doc) = of.doc.as_ref().filter(|_| with_docs) {
            parameters.insert(format!("{AVRO}.record.doc"), doc.clone());
        }
        for field in fields {
            if let Some(doc) = field.doc.as_ref().filter(|_| with_docs) {
                parameters.insert(format!("{AVRO}.field.doc.{}", field.name), doc.clone());
            }
            let place = Place {
                default: field.default.as_ref(),
                doc: field.doc.as_deref(),
                ..Place::default()
            };
            made.push(Field {
                name: field.name.as_str().into(),
                schema: self.schema(field.of, place)?,
            });
        }
        let mut schema = Schema::structure(made)?;
        if is_variant(of, fields) {
            schema = schema.named(VARIANT);
            schema.version = Some(1);
        }
        schema.parameters = parameters;
        Ok(schema)
    }

    fn enumeration(&self, of: &Type, name: &Name, symbols: &Symbols) -> Schema {
        let options = self.options;
        let mut schema = Schema::new(SchemaType::String);
        let parameters = &mut schema.parameters;
        if let Some(doc) = of.doc.as_ref().filter(|_| options.connect_metadata) {
            let parameter = if options.discard_docs {
                "connect.enum.doc".to_owned()
            } else {
                format!("{AVRO}.enum.doc.{}", name.simple)
            };
            parameters.insert(parameter, doc.clone());
        }
        if let Some(default) = &symbols.default
            && options.connect_metadata
            && !options.discard_docs
        {
            let parameter = format!("{AVRO}.enum.default.{}", name.simple);
            parameters.insert(parameter, default.clone());
        }
        let prefix = if options.generalized_sum_types {
            "org.apache.kafka.connect.data.Enum".to_owned()
        } else {
            format!("{AVRO}.Enum")
        };
        for (number, symbol) in symbols.names.iter().enumerate() {
            let value = if options.generalized_sum_types {
                number.to_string()
            } else {
                symbol.clone()
            };
            parameters.insert(format!("{prefix}.{symbol}"), value);
        }
        parameters.insert(prefix, name.full());
        schema
    }

    fn union(
        &mut self,
        of: &Type,
        branches: &[TypeId],
        place: Place<'_>,
    ) -> Result<Arc<Schema>, DataError> {
        let types = self.types;
        let is_null = |id: &&TypeId| types[**id].kind == Kind::Null;
        let of_doc = Place {
            doc: place.doc,
            ..Place::default()
        };
        if let [only] = branches
            && self.options.flatten_singleton_unions
        {
            return self.or_cycle(*only, of_doc);
        }
        if let [_, _] = branches
            && branches.iter().any(|id| is_null(&id))
            && let Some(member) = branches.iter().find(|id| !is_null(id))
        {
            let place = Place {
                optional: true,
                ..of_doc
            };
            return self.or_cycle(*member, place);
        }
        let mut name = format!("{AVRO}.Union");
        if self.options.generalized_sum_types {
            name = format!("connect_union_{}", self.unions);
            self.unions += 1;
        }
        let (mut fields, mut names) = (Vec::with_capacity(branches.len()), HashSet::new());
        let mut optional = false;
        for (number, branch) in branches.iter().enumerate() {
            if is_null(&branch) {
                optional = true;
                continue;
            }
            let field = member_name(&types[*branch], number, self.options);
            if !names.insert(field.clone()) {
                return Err(DataError::data(format!(
                    "Multiple union schemas map to the Connect union field name {field}"
                )));
            }
            let place = Place {
                optional: true,
                ..Place::default()
            };
            fields.push(Field {
                name: field.into(),
                schema: self.or_cycle(*branch, place)?,
            });
        }
        let mut schema = Schema::structure(fields)?.named(&name);
        schema.optional = optional;
        if self.options.generalized_sum_types {
            let parameter = "org.apache.kafka.connect.data.Union".to_owned();
            schema.parameters.insert(parameter, name);
        }
        Ok(Arc::new(self.describe(of, schema, place)?))
    }
}

fn int(of: &Type) -> Result<Schema, DataError> {
    if of.text("logicalType").is_some() {
        return Ok(if of.is_logical("date") {
            Schema::of_logical_type(LogicalType::Date)
        } else if of.is_logical("time-millis") {
            Schema::of_logical_type(LogicalType::Time)
        } else {
            Schema::new(SchemaType::Int32)
        });
    }
    Ok(Schema::new(match of.text("connect.type") {
        None => SchemaType::Int32,
        Some("int8") => SchemaType::Int8,
        Some("int16") => SchemaType::Int16,
        Some(other) => {
            return Err(DataError::data(format!(
                "An int has connect.type {other}; int8 and int16 are known"
            )));
        }
    }))
}

fn bytes(of: &Type) -> Result<Schema, DataError> {
    if !of.is_logical("decimal") {
        return Ok(Schema::new(SchemaType::Bytes));
    }
    let scale = of.properties().get("scale").and_then(low_32_bits);
    let mut schema = Schema::decimal(scale.unwrap_or(0));
    if let Some(precision) = of.properties().get("precision") {
        let precision = low_32_bits(precision).ok_or_else(|| {
            DataError::data(format!(
                "The precision of a decimal is no number: {precision}"
            ))
        })?;
        if i64::from(precision) != PRECISION_DEFAULT {
            let parameter = "connect.decimal.precision".to_owned();
            schema.parameters.insert(parameter, precision.to_string());
        }
    }
    Ok(schema)
}

/// The name in Connect; what Connect's own serializer calls its nameless records has none.
fn name_of(of: &Type) -> Result<Option<String>, DataError> {
    let name = match of.properties().get("connect.name") {
        Some(Json::String(name)) => Some(name.clone()),
        Some(other) => {
            return Err(DataError::data(format!("connect.name is no text: {other}")));
        }
        None => of.name().map(Name::full),
    };
    let nameless = format!("{AVRO}.ConnectDefault");
    Ok(name.filter(|name| !name.starts_with(&nameless)))
}

/// What a branch's field is called in the struct of a union.
pub(super) fn member_name(of: &Type, number: usize, options: &Options) -> String {
    if options.generalized_sum_types {
        return format!("connect_union_field_{number}");
    }
    match of.name() {
        Some(name) if options.enhanced_support => name.full(),
        Some(name) => name.simple.clone(),
        None => super::schema::kind_name(of),
    }
}

/// Key and value, where an array's items are entries of a map with keys that are no texts.
pub(super) fn entry_of(types: &Types, items: TypeId) -> Option<Result<[TypeId; 2], DataError>> {
    let of = &types[items];
    let Kind::Record(name, fields) = &of.kind else {
        return None;
    };
    let is_named = name.namespace.as_deref() == Some(AVRO) && name.simple == "MapEntry";
    if !is_named && of.text("connect.internal.type") != Some("MapEntry") {
        return None;
    }
    let find = |wanted: &str| {
        fields
            .iter()
            .find(|field| field.name == wanted)
            .map(|f| f.of)
    };
    Some(match (find("key"), find("value")) {
        (Some(key), Some(value)) if fields.len() == 2 => Ok([key, value]),
        _ => Err(DataError::data(format!(
            "{} is an entry of a map and must have the fields key and value, and no others",
            name.full()
        ))),
    })
}

/// Whether a record is a Variant: its two fields are bytes, and its logical type says so.
fn is_variant(of: &Type, fields: &[AvroField]) -> bool {
    of.is_logical("variant")
        && fields.len() == 2
        && ["metadata", "value"]
            .iter()
            .all(|name| fields.iter().any(|field| field.name == *name))
}

/// The time that a long tells, where Connect takes it for a number. Fact: Avro's specification, logical types.
fn unnamed_time(of: &Type) -> Option<UnnamedTime> {
    Some(match of.text("logicalType")? {
        "timestamp-micros" => UnnamedTime::Instant(1_000_000),
        "timestamp-nanos" => UnnamedTime::Instant(1_000_000_000),
        "local-timestamp-millis" => UnnamedTime::Local(1_000),
        "local-timestamp-micros" => UnnamedTime::Local(1_000_000),
        "local-timestamp-nanos" => UnnamedTime::Local(1_000_000_000),
        "time-micros" => UnnamedTime::SinceMidnight(1_000_000),
        _ => return None,
    })
}
