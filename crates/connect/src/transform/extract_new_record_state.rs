//! Debezium's `ExtractNewRecordState`: the row takes the place of the envelope that it came in.
//!
//! Options of Debezium 1.8 to 3.7, in both spellings of what is done about deletes. Where versions differ 2.7 counts.

mod dropped;
mod handling;
#[cfg(test)]
mod tests;

use super::envelope::{self, AFTER, BEFORE, Envelope};
use super::field_reference::FieldReference;
use super::fields;
use crate::config::{Config, ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Field, Record, Schema, SchemaAndValue, SchemaType, Struct, Value, validate};
use crate::error::{DataError, ErrorClass};
use dropped::DropFields;
use handling::{Delete, Handling, Tombstone};
use std::borrow::Cow;
use std::sync::Arc;

const DELETED: &str = "__deleted";

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[
        handling::KEYS,
        &[
            ConfigKey::new("route.by.field", Kind::String)
                .default("")
                .doc("The field of the row that names the record's topic."),
            ConfigKey::new("add.fields", Kind::List)
                .default("")
                .doc("Fields of the envelope that the row gets too, `[struct.]field[:new name]`."),
            ConfigKey::new("add.fields.prefix", Kind::String)
                .default("__")
                .doc("What stands in front of their names."),
            ConfigKey::new("add.headers", Kind::List)
                .default("")
                .doc("Fields of the envelope that the record gets as headers."),
            ConfigKey::new("add.headers.prefix", Kind::String)
                .default("__")
                .doc("What stands in front of their names."),
            fields::REPLACE_NULL,
        ],
        dropped::KEYS,
    ],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct ExtractNewRecordState {
    handling: Handling,
    route_by: Option<String>,
    add_fields: Vec<FieldReference>,
    add_headers: Vec<FieldReference>,
    drop_fields: Option<DropFields>,
    replaces_null: bool,
    /// The last ones made last: a topic has two images of a row, and few tables.
    rows: Vec<RowSchema>,
    heads: Vec<HeaderSchemas>,
}

/// Schemas that are kept of each kind.
const KEPT: usize = 16;

/// What became of the schema of a row.
#[derive(Clone, Debug)]
struct RowSchema {
    envelope: Arc<Schema>,
    /// Where the row stands in the envelope.
    at: usize,
    /// The names that a header lists.
    listed: Vec<String>,
    made: Arc<Schema>,
    /// Which of the row's own fields are left out.
    dropped: Vec<usize>,
    has_deleted: bool,
    /// Which references are added, behind all others.
    added: Vec<usize>,
    /// Whether null in a field of the row becomes its default.
    replaces_null: bool,
}

/// The schemas of the headers that an envelope's records get.
#[derive(Clone, Debug)]
struct HeaderSchemas {
    envelope: Arc<Schema>,
    /// One a reference; `None` where the envelope has no such field.
    schemas: Vec<Option<Arc<Schema>>>,
}

/// Where a row's field comes from.
#[derive(Clone, Copy)]
enum Origin {
    Row,
    Deleted,
    Reference(usize),
}

impl ExtractNewRecordState {
    pub(super) fn new(settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        // What stands in names counts as it is written, blanks included.
        let route_by = settings.get("route.by.field").cloned();
        let header = settings.get("drop.fields.header.name");
        Ok(Self {
            handling: Handling::read(&config),
            route_by: route_by.filter(|name| !name.is_empty()),
            add_fields: references(&config, settings, "add.fields")?,
            add_headers: references(&config, settings, "add.headers")?,
            drop_fields: DropFields::new(&config, header),
            replaces_null: config.boolean("replace.null.with.default") == Some(true),
            rows: Vec::new(),
            heads: Vec::new(),
        })
    }

    pub(super) const fn changes_topics(&self) -> bool {
        self.route_by.is_some()
    }

    pub(super) fn apply(&mut self, record: &mut Record<'_>) -> Result<bool, DataError> {
        if record.value.value.is_null() {
            if self.handling.tombstones == Tombstone::Drop {
                return Ok(false);
            }
            self.head_tombstone(record);
            return Ok(true);
        }
        if !envelope::is_envelope(record.value.schema.as_ref()) {
            return Ok(true);
        }
        if !self.add_headers.is_empty() && !matches!(record.value.value, Value::Struct(_)) {
            let message = "the value is no struct that add.headers could take fields from";
            return Err(DataError::of(ErrorClass::ClassCast, message));
        }
        let envelope = Envelope::take(&mut record.value)?;
        self.add_headers(record, &envelope)?;
        let after = envelope.place(AFTER)?;
        if !envelope.values[after].is_null() {
            self.extract(record, envelope, after, false)?;
            return Ok(true);
        }
        let before = envelope.place(BEFORE)?;
        // A table was truncated, a message was sent, or the row that is gone is not known.
        if envelope.values[before].is_null() {
            return Ok(false);
        }
        record.value = match self.handling.deletes {
            Delete::Drop => return Ok(false),
            Delete::Rewrite => {
                self.extract(record, envelope, before, true)?;
                return Ok(true);
            }
            Delete::Empty => {
                let schema = Arc::clone(&envelope.schema.fields()[after].schema);
                SchemaAndValue::new(schema, Value::Null)
            }
            Delete::Tombstone => SchemaAndValue::schemaless(Value::Null),
        };
        self.route(record, &envelope.values[before])?;
        self.drop_from_key(record)?;
        Ok(true)
    }

    /// Of what a tombstone's headers could tell Debezium tells that it is a delete.
    fn head_tombstone(&self, record: &mut Record<'_>) {
        for reference in self.add_headers.iter().filter(|one| one.is_op()) {
            let value = Value::String(Cow::Borrowed("d"));
            let value = SchemaAndValue::new(Schema::of(SchemaType::String), value);
            let name = Cow::Owned(reference.new_name.clone());
            record.headers.push((name, value));
        }
    }

    fn add_headers<'k>(
        &mut self,
        record: &mut Record<'k>,
        envelope: &Envelope<'k>,
    ) -> Result<(), DataError> {
        if self.add_headers.is_empty() {
            return Ok(());
        }
        let is_it = |kept: &HeaderSchemas| Arc::ptr_eq(&kept.envelope, &envelope.schema);
        let at = match self.heads.iter().rposition(is_it) {
            Some(at) => at,
            None => {
                let references = self.add_headers.iter();
                let schemas = references.map(|reference| reference.schema(&envelope.schema));
                let made = HeaderSchemas {
                    envelope: Arc::clone(&envelope.schema),
                    schemas: schemas.collect::<Result<_, _>>()?,
                };
                keep(&mut self.heads, made)
            }
        };
        for (reference, schema) in self.add_headers.iter().zip(&self.heads[at].schemas) {
            if let Some(schema) = schema {
                let value = SchemaAndValue::new(Arc::clone(schema), reference.value(envelope));
                // Copied for each record, which may outlive the transform.
                let name = Cow::Owned(reference.new_name.clone());
                record.headers.push((name, value));
            }
        }
        Ok(())
    }

    /// The row at a place of the envelope takes the record's place.
    fn extract<'k>(
        &mut self,
        record: &mut Record<'k>,
        mut envelope: Envelope<'k>,
        at: usize,
        is_delete: bool,
    ) -> Result<(), DataError> {
        self.route(record, &envelope.values[at])?;
        // Debezium looks it up, whatever it is.
        envelope.op()?;
        let listed = self.drop_from_key(record)?;
        let place = self.row_schema(&envelope.schema, at, is_delete, listed)?;
        let known = &self.rows[place];
        let added = self.added(known, &envelope)?;
        let row = fields::structure(envelope.take_value(at), "source field insertion")?;
        let of_row = envelope.schema.fields()[at].schema.fields().iter();
        let own = of_row.zip(row.into_values()).enumerate();
        let own = own.filter(|(at, _)| !known.dropped.contains(at));
        let mut values = Vec::with_capacity(known.made.fields().len());
        values.extend(own.map(|(_, (field, value))| {
            fields::or_default(value, &field.schema, known.replaces_null)
        }));
        if known.has_deleted {
            let deleted = if is_delete { "true" } else { "false" };
            values.push(Value::String(Cow::Borrowed(deleted)));
        }
        values.extend(added);
        let value = Value::Struct(Struct::new(Arc::clone(&known.made), values));
        record.value = SchemaAndValue::new(Arc::clone(&known.made), value);
        Ok(())
    }

    /// The values of added fields, before the row is taken away, of which they may be.
    fn added<'k>(
        &self,
        known: &RowSchema,
        envelope: &Envelope<'k>,
    ) -> Result<Vec<Value<'k>>, DataError> {
        let behind = known.made.fields().len() - known.added.len();
        let of_fields = known.added.iter().zip(&known.made.fields()[behind..]);
        let values = of_fields.map(|(at, field)| {
            let value = self.add_fields[*at].value(envelope);
            // What has schemas inside does not have those of the field that it would be put into.
            if matches!(value, Value::Struct(_) | Value::Map(_)) {
                validate(&field.name, &field.schema, &value)?;
            }
            Ok(value)
        });
        values.collect()
    }

    /// Where what becomes of a row's schema is kept; made where it is not.
    fn row_schema(
        &mut self,
        envelope: &Arc<Schema>,
        at: usize,
        is_delete: bool,
        listed: Vec<String>,
    ) -> Result<usize, DataError> {
        let is_it = |kept: &RowSchema| {
            Arc::ptr_eq(&kept.envelope, envelope) && kept.at == at && kept.listed == listed
        };
        if let Some(place) = self.rows.iter().rposition(is_it) {
            return Ok(place);
        }
        let row = &envelope.fields()[at].schema;
        let own = row.fields().iter().cloned();
        let mut all: Vec<(Field, Origin)> = own.map(|field| (field, Origin::Row)).collect();
        if self.handling.rewrites() {
            let field = fields::field(DELETED, Schema::optional_string());
            all.push((field, Origin::Deleted));
        }
        // Fields that are added to a delete's row come too late to be left out.
        let mut drops = is_delete && self.leave_out(&listed, &mut all);
        for (at, reference) in self.add_fields.iter().enumerate() {
            if let Some(schema) = reference.schema(envelope)? {
                let field = fields::field(&reference.new_name, schema);
                all.push((field, Origin::Reference(at)));
            }
        }
        // What occurs twice is refused, though it would be left out.
        let fields_of =
            |all: &[(Field, Origin)]| all.iter().map(|(field, _)| field.clone()).collect();
        row.with_fields(fields_of(&all))?;
        drops |= !is_delete && self.leave_out(&listed, &mut all);
        let made = Arc::new(row.with_fields(fields_of(&all))?);
        let is_left = |field: &Field| {
            let mut kept = all
                .iter()
                .filter(|(_, origin)| matches!(origin, Origin::Row));
            kept.any(|(one, _)| one.name == field.name)
        };
        let own = row.fields().iter().enumerate();
        let known = RowSchema {
            envelope: Arc::clone(envelope),
            at,
            listed,
            dropped: own
                .filter(|(_, field)| !is_left(field))
                .map(|(at, _)| at)
                .collect(),
            has_deleted: all
                .iter()
                .any(|(_, origin)| matches!(origin, Origin::Deleted)),
            added: all
                .iter()
                .filter_map(|(_, origin)| reference_of(*origin))
                .collect(),
            replaces_null: drops || self.handling.rewrites() && self.replaces_null,
            made,
        };
        Ok(keep(&mut self.rows, known))
    }

    /// Leaves out what a header lists; whether the row is made anew, by which null becomes the default.
    fn leave_out(&self, listed: &[String], all: &mut Vec<(Field, Origin)>) -> bool {
        let Some(drop_fields) = &self.drop_fields else {
            return false;
        };
        let before = all.len();
        all.retain(|(field, _)| {
            let is_listed = listed.iter().any(|name| **name == *field.name);
            !(is_listed && drop_fields.may_drop(&field.schema))
        });
        all.len() < before
    }

    fn route(&self, record: &mut Record<'_>, row: &Value<'_>) -> Result<(), DataError> {
        let Some(field) = &self.route_by else {
            return Ok(());
        };
        let Value::Struct(row) = row else {
            return Err(DataError::data(format!(
                "Only Struct objects supported for [topic routing], found: {}",
                row.java_class()
            )));
        };
        let topic = envelope::text(row, field)?;
        if let Some(topic) = topic.filter(|topic| !topic.trim().is_empty()) {
            record.topic = Cow::Owned(topic.to_owned());
        }
        Ok(())
    }

    /// Leaves fields out of the key, where that is wanted; the names that are listed.
    fn drop_from_key(&mut self, record: &mut Record<'_>) -> Result<Vec<String>, DataError> {
        let Some(drop_fields) = &mut self.drop_fields else {
            return Ok(Vec::new());
        };
        let listed = drop_fields.names(record)?;
        if !listed.is_empty() {
            drop_fields.drop_from_key(record, &listed)?;
        }
        Ok(listed)
    }
}

fn references(
    config: &Config,
    settings: &Given,
    name: &str,
) -> Result<Vec<FieldReference>, Vec<ConfigProblem>> {
    let prefix = settings.get(&format!("{name}.prefix"));
    let prefix = prefix.map_or("__", String::as_str);
    let texts = config.list(name).iter().filter(|text| !text.is_empty());
    let parsed = texts.map(|text| {
        FieldReference::parse(prefix, text)
            .map_err(|reason| vec![ConfigProblem::invalid(name, text, &reason)])
    });
    parsed.collect()
}

const fn reference_of(origin: Origin) -> Option<usize> {
    match origin {
        Origin::Reference(at) => Some(at),
        Origin::Row | Origin::Deleted => None,
    }
}

/// Keeps one in the place of the oldest; where it stands.
fn keep<T>(kept: &mut Vec<T>, one: T) -> usize {
    if kept.len() == KEPT {
        kept.remove(0);
    }
    kept.push(one);
    kept.len() - 1
}
