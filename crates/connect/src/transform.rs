//! Kafka Connect's transforms: what a connector's `transforms` and `predicates` make of a record between converters and rows.

mod chain;
mod class;
mod drop_headers;
mod extract_field;
mod field_path;
mod fields;
mod header_from;
mod hoist_field;
mod insert_field;
mod insert_header;
mod predicate;
mod regex_router;
mod replace_field;
mod set_schema_metadata;
mod value_to_key;

pub use chain::TransformChain;

use crate::config::{ConfigProblem, Given};
use crate::data::{Record, SchemaAndValue};
use crate::error::DataError;
use class::Class;
use drop_headers::DropHeaders;
use extract_field::ExtractField;
use header_from::HeaderFrom;
use hoist_field::HoistField;
use insert_field::InsertField;
use insert_header::InsertHeader;
use regex_router::RegexRouter;
use replace_field::ReplaceField;
use set_schema_metadata::SetSchemaMetadata;
use value_to_key::ValueToKey;

/// Whose side of a record a transform is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Key,
    Value,
}

impl Side {
    const fn of<'r, 'k>(self, record: &'r mut Record<'k>) -> &'r mut SchemaAndValue<'k> {
        match self {
            Self::Key => &mut record.key,
            Self::Value => &mut record.value,
        }
    }
}

/// A transform as it is configured.
#[derive(Clone, Debug)]
enum Transform {
    DropHeaders(DropHeaders),
    ExtractField(ExtractField),
    Filter,
    HeaderFrom(HeaderFrom),
    HoistField(HoistField),
    InsertField(InsertField),
    InsertHeader(InsertHeader),
    RegexRouter(RegexRouter),
    ReplaceField(ReplaceField),
    SetSchemaMetadata(SetSchemaMetadata),
    ValueToKey(ValueToKey),
}

impl Transform {
    /// Of settings whose prefix is taken off.
    fn new(class: Class, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        Ok(match class {
            Class::DropHeaders => Self::DropHeaders(DropHeaders::new(settings)?),
            Class::ExtractField(side) => Self::ExtractField(ExtractField::new(side, settings)?),
            Class::Filter => Self::Filter,
            Class::HeaderFrom(side) => Self::HeaderFrom(HeaderFrom::new(side, settings)?),
            Class::HoistField(side) => Self::HoistField(HoistField::new(side, settings)?),
            Class::InsertField(side) => Self::InsertField(InsertField::new(side, settings)?),
            Class::InsertHeader => Self::InsertHeader(InsertHeader::new(settings)?),
            Class::RegexRouter => Self::RegexRouter(RegexRouter::new(settings)?),
            Class::ReplaceField(side) => Self::ReplaceField(ReplaceField::new(side, settings)?),
            Class::SetSchemaMetadata(side) => {
                Self::SetSchemaMetadata(SetSchemaMetadata::new(side, settings)?)
            }
            Class::ValueToKey => Self::ValueToKey(ValueToKey::new(settings)?),
        })
    }

    /// Whether it may give records another topic.
    const fn changes_topics(&self) -> bool {
        matches!(self, Self::RegexRouter(_))
    }

    /// Transforms a record; whether it is kept.
    fn apply(&mut self, record: &mut Record<'_>) -> Result<bool, DataError> {
        match self {
            Self::DropHeaders(transform) => transform.apply(record),
            Self::ExtractField(transform) => transform.apply(record)?,
            Self::Filter => return Ok(false),
            Self::HeaderFrom(transform) => transform.apply(record)?,
            Self::HoistField(transform) => transform.apply(record)?,
            Self::InsertField(transform) => transform.apply(record)?,
            Self::InsertHeader(transform) => transform.apply(record),
            Self::RegexRouter(transform) => transform.apply(record)?,
            Self::ReplaceField(transform) => transform.apply(record)?,
            Self::SetSchemaMetadata(transform) => transform.apply(record)?,
            Self::ValueToKey(transform) => transform.apply(record)?,
        }
        Ok(true)
    }
}
