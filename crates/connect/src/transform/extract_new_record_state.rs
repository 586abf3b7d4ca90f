//! Debezium's `ExtractNewRecordState`: the row takes the place of the envelope that it came in.
//!
//! Options of Debezium 1.8 to 3.7, in both spellings of what is done about deletes. Where versions differ 2.7 counts.

use super::envelope::{self, AFTER, BEFORE, Envelope};
use super::field_reference::FieldReference;
use super::fields;
use crate::config::{Config, ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Field, Record, Schema, SchemaAndValue, SchemaType, Struct, Value};
use crate::error::{DataError, ErrorClass};
use std::borrow::Cow;
use std::sync::Arc;

const DELETED: &str = "__deleted";
const DELETES: &str = "delete.handling.mode";
const BOTH: &str = "delete.tombstone.handling.mode";

const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("drop.tombstones", Kind::Boolean)
            .default("true")
            .doc("Whether records without a value are dropped."),
        ConfigKey::new(DELETES, Kind::String)
            .default("drop")
            .doc("What becomes of a delete: `drop`, `rewrite` (the old row, with `__deleted`), `none` (no value)."),
        ConfigKey::new(BOTH, Kind::String).default("").doc(
            "Takes the place of the two: `drop`, `tombstone`, `rewrite`, `rewrite-with-tombstone`, `delete-to-tombstone`.",
        ),
        ConfigKey::new("route.by.field", Kind::String)
            .default("")
            .doc("The field of the row that names the record's topic."),
        ConfigKey::new("add.fields", Kind::List)
            .default("")
            .doc("Fields of the envelope that the row gets too, `[struct.]field[:new name]`."),
        ConfigKey::new("add.headers", Kind::List)
            .default("")
            .doc("Fields of the envelope that the record gets as headers."),
        ConfigKey::new("drop.fields.header.name", Kind::String)
            .default("")
            .doc("The header that lists fields to leave out."),
        ConfigKey::new("drop.fields.from.key", Kind::Boolean)
            .default("false")
            .doc("Whether they are left out of the key, too."),
        ConfigKey::new("drop.fields.keep.schema.compatible", Kind::Boolean)
            .default("true")
            .doc("Whether only optional ones are left out."),
        fields::REPLACE_NULL,
    ]],
    &[],
);

/// What becomes of deletes and tombstones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Handling {
    tombstones: Tombstone,
    deletes: Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tombstone {
    Drop,
    Keep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delete {
    Drop,
    /// No value, though a schema.
    Empty,
    /// Neither value nor schema.
    Tombstone,
    Rewrite,
}

impl Handling {
    fn read(config: &Config) -> Result<Self, ConfigProblem> {
        let text = |name| config.string(name).unwrap_or_default();
        let both = text(BOTH);
        let drop = Tombstone::Drop;
        let (tombstones, deletes) = match &*both.to_ascii_lowercase() {
            "" => {
                let drops = config.boolean("drop.tombstones") == Some(true);
                let deletes = text(DELETES);
                let deletes = match &*deletes.to_ascii_lowercase() {
                    "drop" => Delete::Drop,
                    "rewrite" => Delete::Rewrite,
                    "none" => Delete::Empty,
                    _ => {
                        let reason = "Value must be one of drop, rewrite, none";
                        return Err(ConfigProblem::invalid(DELETES, deletes, reason));
                    }
                };
                (if drops { drop } else { Tombstone::Keep }, deletes)
            }
            "drop" => (drop, Delete::Drop),
            "tombstone" => (drop, Delete::Empty),
            "rewrite" => (drop, Delete::Rewrite),
            "rewrite-with-tombstone" => (Tombstone::Keep, Delete::Rewrite),
            "delete-to-tombstone" => (drop, Delete::Tombstone),
            _ => {
                let reason = "Value must be one of drop, tombstone, rewrite-with-tombstone, rewrite, delete-to-tombstone";
                return Err(ConfigProblem::invalid(BOTH, both, reason));
            }
        };
        Ok(Self {
            tombstones,
            deletes,
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct ExtractNewRecordState {
    handling: Handling,
    route_by: Option<String>,
    add_fields: Vec<FieldReference>,
    add_headers: Vec<FieldReference>,
    drop_header: Option<String>,
    drops_from_key: bool,
    keeps_compatible: bool,
    replaces_null: bool,
    /// The last ones used last: a topic has two images of a row, and few tables.
    rows: Vec<RowSchema>,
}

/// Schemas of rows that are kept.
const ROWS_KEPT: usize = 16;

/// What became of the schema of a row.
#[derive(Clone, Debug)]
struct RowSchema {
    row: Arc<Schema>,
    envelope: Arc<Schema>,
    made: Arc<Schema>,
    /// Which of the added fields the envelope has.
    added: Vec<usize>,
}

impl ExtractNewRecordState {
    pub(super) fn new(settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let handling = Handling::read(&config).map_err(|problem| vec![problem])?;
        // Prefixes count as they are written, blanks included.
        let prefix = |name: &str| settings.get(name).map_or("__", String::as_str);
        let references = |name: &str| {
            let prefix = prefix(&format!("{name}.prefix"));
            let texts = config.list(name).iter().filter(|text| !text.is_empty());
            let parsed = texts.map(|text| {
                FieldReference::parse(prefix, text)
                    .map_err(|reason| vec![ConfigProblem::invalid(name, text, &reason)])
            });
            parsed.collect::<Result<Vec<_>, _>>()
        };
        let set = |name| {
            let text = config.string(name).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let is_on = |name| config.boolean(name) == Some(true);
        Ok(Self {
            handling,
            route_by: set("route.by.field"),
            add_fields: references("add.fields")?,
            add_headers: references("add.headers")?,
            drop_header: set("drop.fields.header.name"),
            drops_from_key: is_on("drop.fields.from.key"),
            keeps_compatible: is_on("drop.fields.keep.schema.compatible"),
            replaces_null: is_on("replace.null.with.default"),
            rows: Vec::new(),
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
        let mut envelope = Envelope::take(&mut record.value)?;
        // What a schema lacks is found out before anything is done.
        if fields::place(&envelope.schema, AFTER).is_none() {
            return envelope.image(AFTER).map(|_| true);
        }
        if envelope.op()?.eq_ignore_ascii_case("t") {
            return Ok(false);
        }
        self.add_headers(record, &envelope)?;
        let added = self.added(&envelope)?;
        let (after_schema, after) = envelope.image(AFTER)?;
        if !after.is_null() {
            self.extract(record, &envelope, (&after_schema, after), added, "false")?;
            return Ok(true);
        }
        let before = match fields::place(&envelope.schema, BEFORE) {
            Some(_) => envelope.image(BEFORE)?,
            None => (Arc::clone(&after_schema), Value::Null),
        };
        self.delete(record, &envelope, after_schema, before, added)
    }

    /// The values of added fields, before the images are taken away.
    fn added<'k>(&self, envelope: &Envelope<'k>) -> Result<Vec<Value<'k>>, DataError> {
        let added = self.add_fields.iter();
        added.map(|reference| reference.value(envelope)).collect()
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

    /// What becomes of a row that is gone; nothing where there never was one.
    fn delete<'k>(
        &mut self,
        record: &mut Record<'k>,
        envelope: &Envelope<'k>,
        after_schema: Arc<Schema>,
        (before_schema, before): (Arc<Schema>, Value<'k>),
        added: Vec<Value<'k>>,
    ) -> Result<bool, DataError> {
        if before.is_null() {
            return Ok(false);
        }
        match self.handling.deletes {
            Delete::Drop => return Ok(false),
            Delete::Rewrite => {
                self.extract(record, envelope, (&before_schema, before), added, "true")?;
                return Ok(true);
            }
            Delete::Empty => record.value = SchemaAndValue::new(after_schema, Value::Null),
            Delete::Tombstone => record.value = SchemaAndValue::schemaless(Value::Null),
        }
        if let Value::Struct(before) = &before {
            self.route(record, before)?;
        }
        Ok(true)
    }

    /// The image of a row takes the record's place.
    fn extract<'k>(
        &mut self,
        record: &mut Record<'k>,
        envelope: &Envelope<'k>,
        (schema, image): (&Arc<Schema>, Value<'k>),
        added_values: Vec<Value<'k>>,
        deleted: &'static str,
    ) -> Result<(), DataError> {
        let row = fields::structure(image, "field extraction")?;
        self.route(record, &row)?;
        let (schema, row) = self.without_dropped(record, schema, row)?;
        let at = self.row_schema(&schema, &envelope.schema)?;
        let RowSchema { made, added, .. } = &self.rows[at];
        let rewrites = self.handling.deletes == Delete::Rewrite;
        let replaces = rewrites && self.replaces_null;
        let own = schema.fields().iter().zip(row.into_values());
        let mut values = Vec::with_capacity(made.fields().len());
        values.extend(own.map(|(field, value)| fields::or_default(value, &field.schema, replaces)));
        if rewrites {
            values.push(Value::String(Cow::Borrowed(deleted)));
        }
        let of_envelope = added_values.into_iter().enumerate();
        values.extend(of_envelope.filter_map(|(at, value)| added.contains(&at).then_some(value)));
        let value = Value::Struct(Struct::new(Arc::clone(made), values));
        record.value = SchemaAndValue::new(Arc::clone(made), value);
        Ok(())
    }

    /// Where what becomes of a row's schema is kept; made where it is not.
    fn row_schema(
        &mut self,
        row: &Arc<Schema>,
        envelope: &Arc<Schema>,
    ) -> Result<usize, DataError> {
        let is_it =
            |kept: &RowSchema| Arc::ptr_eq(&kept.row, row) && Arc::ptr_eq(&kept.envelope, envelope);
        if let Some(at) = self.rows.iter().rposition(is_it) {
            return Ok(at);
        }
        let mut all = row.fields().to_vec();
        if self.handling.deletes == Delete::Rewrite {
            all.push(fields::field(DELETED, Schema::optional_string()));
        }
        let mut added = Vec::new();
        for (at, reference) in self.add_fields.iter().enumerate() {
            if let Some(schema) = reference.schema(envelope)? {
                all.push(fields::field(&reference.new_name, schema));
                added.push(at);
            }
        }
        let made = RowSchema {
            row: Arc::clone(row),
            envelope: Arc::clone(envelope),
            made: Arc::new(row.with_fields(all)?),
            added,
        };
        if self.rows.len() == ROWS_KEPT {
            self.rows.remove(0);
        }
        self.rows.push(made);
        Ok(self.rows.len() - 1)
    }

    fn add_headers<'k>(
        &self,
        record: &mut Record<'k>,
        envelope: &Envelope<'k>,
    ) -> Result<(), DataError> {
        for reference in &self.add_headers {
            if let Some(schema) = reference.schema(&envelope.schema)? {
                let value = SchemaAndValue::new(schema, reference.value(envelope)?);
                // Copied for each record, which may outlive the transform.
                let name = Cow::Owned(reference.new_name.clone());
                record.headers.push((name, value));
            }
        }
        Ok(())
    }

    fn route(&self, record: &mut Record<'_>, row: &Struct<'_>) -> Result<(), DataError> {
        let Some(field) = &self.route_by else {
            return Ok(());
        };
        if let Some(topic) = envelope::text(row, field)?.filter(|topic| !topic.is_empty()) {
            record.topic = Cow::Owned(topic.to_owned());
        }
        Ok(())
    }

    /// The row without the fields that a header lists, and the key, too, where that is wanted.
    fn without_dropped<'k>(
        &self,
        record: &mut Record<'k>,
        schema: &Arc<Schema>,
        row: Struct<'k>,
    ) -> Result<(Arc<Schema>, Struct<'k>), DataError> {
        let Some(dropped) = self.dropped(record)? else {
            return Ok((Arc::clone(schema), row));
        };
        if self.drops_from_key
            && let (Some(key_schema), Value::Struct(_)) = (&record.key.schema, &record.key.value)
        {
            let key_schema = Arc::clone(key_schema);
            let key = std::mem::replace(&mut record.key.value, Value::Null);
            let key = fields::structure(key, "field extraction")?;
            let (key_schema, key) = self.without(&dropped, &key_schema, key)?;
            record.key = SchemaAndValue::new(key_schema, Value::Struct(key));
        }
        self.without(&dropped, schema, row)
    }

    /// The names in the header; `None` where the record has no such header.
    fn dropped(&self, record: &Record<'_>) -> Result<Option<Vec<String>>, DataError> {
        let Some(name) = &self.drop_header else {
            return Ok(None);
        };
        let mut headers = record.headers.iter().rev();
        let value = headers.find(|(other, _)| other == name);
        match value.map(|(_, header)| &header.value) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(names)) => Ok(Some(
                names
                    .iter()
                    .filter_map(|name| match name {
                        Value::String(name) => Some(name.to_string()),
                        _ => None,
                    })
                    .collect(),
            )),
            Some(other) => Err(DataError::of(
                ErrorClass::ClassCast,
                format!(
                    "the header {name} is no list of fields but a {}",
                    other.java_class()
                ),
            )),
        }
    }

    fn without<'k>(
        &self,
        dropped: &[String],
        schema: &Arc<Schema>,
        row: Struct<'k>,
    ) -> Result<(Arc<Schema>, Struct<'k>), DataError> {
        let is_kept = |field: &Field| {
            let may_go = field.schema.optional || !self.keeps_compatible;
            !(may_go && dropped.iter().any(|name| **name == *field.name))
        };
        let kept = schema.fields().iter().filter(|field| is_kept(field));
        let kept: Vec<Field> = kept.cloned().collect();
        if kept.len() == schema.fields().len() {
            return Ok((Arc::clone(schema), row));
        }
        let values = schema.fields().iter().zip(row.into_values());
        let values = values.filter(|(field, _)| is_kept(field));
        let values = values.map(|(_, value)| value).collect();
        let made = Arc::new(schema.with_fields(kept)?);
        Ok((Arc::clone(&made), Struct::new(made, values)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_say_what_becomes_of_deletes() {
        let check = |settings: &[(&str, &str)], expect: Result<(Tombstone, Delete), &str>| {
            let given: Given = settings
                .iter()
                .map(|&(name, text)| (name.to_owned(), text.to_owned()))
                .collect();
            let read = ExtractNewRecordState::new(&given);
            let shown = read
                .as_ref()
                .map(|transform| (transform.handling.tombstones, transform.handling.deletes));
            match (shown, expect) {
                (Ok(found), Ok(expect)) => assert_eq!(found, expect, "{settings:?}"),
                (Err(problems), Err(part)) => {
                    assert!(problems[0].message.contains(part), "{problems:?}");
                }
                (found, expect) => panic!("{settings:?}: {found:?}, not {expect:?}"),
            }
        };
        use Tombstone::{Drop, Keep};
        check(&[], Ok((Drop, Delete::Drop)));
        check(
            &[("drop.tombstones", "false"), (DELETES, "none")],
            Ok((Keep, Delete::Empty)),
        );
        check(&[(DELETES, "REWRITE")], Ok((Drop, Delete::Rewrite)));
        check(
            &[(BOTH, "rewrite-with-tombstone")],
            Ok((Keep, Delete::Rewrite)),
        );
        check(
            &[(BOTH, "delete-to-tombstone"), (DELETES, "none")],
            Ok((Drop, Delete::Tombstone)),
        );
        check(
            &[(BOTH, "tombstone"), ("drop.tombstones", "false")],
            Ok((Drop, Delete::Empty)),
        );
        check(&[(BOTH, "")], Ok((Drop, Delete::Drop)));
        check(&[(DELETES, "")], Err("must be one of drop, rewrite, none"));
        check(&[(BOTH, "x")], Err("must be one of drop, tombstone"));
        check(&[("drop.tombstones", "")], Err("drop.tombstones"));
        check(&[("add.fields", "op:a:b")], Err("Unexpected field name"));
    }
}
