//! Kafka Connect's transforms: what a connector's `transforms` and `predicates` make of a record between converters and rows.

mod add_op_field;
mod by_logical_table_router;
mod cast;
mod chain;
mod class;
mod drop_headers;
mod envelope;
mod extract_field;
mod extract_new_record_state;
mod field_path;
mod field_reference;
mod fields;
mod flatten;
mod header_from;
mod hoist_field;
mod insert_field;
mod insert_header;
mod mask_field;
mod predicate;
pub mod reference;
mod regex_router;
mod replace_field;
mod set_schema_metadata;
#[cfg(test)]
mod tests;
mod time_millis_to_string;
mod timestamp_converter;
mod timestamp_router;
mod value_to_key;

pub use chain::TransformChain;

use crate::config::{ConfigProblem, Given};
use crate::data::{Record, SchemaAndValue};
use crate::error::DataError;
use add_op_field::AddOpField;
use by_logical_table_router::ByLogicalTableRouter;
use cast::Cast;
use class::Class;
use drop_headers::DropHeaders;
use extract_field::ExtractField;
use extract_new_record_state::ExtractNewRecordState;
use flatten::Flatten;
use header_from::HeaderFrom;
use hoist_field::HoistField;
use insert_field::InsertField;
use insert_header::InsertHeader;
use mask_field::MaskField;
use regex_router::RegexRouter;
use replace_field::ReplaceField;
use set_schema_metadata::SetSchemaMetadata;
use time_millis_to_string::TimeMillisToString;
use timestamp_converter::TimestampConverter;
use timestamp_router::TimestampRouter;
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
    AddOpField(AddOpField),
    ByLogicalTableRouter(Box<ByLogicalTableRouter>),
    Cast(Cast),
    DropHeaders(DropHeaders),
    ExtractField(ExtractField),
    ExtractNewRecordState(Box<ExtractNewRecordState>),
    Filter,
    Flatten(Flatten),
    HeaderFrom(HeaderFrom),
    HoistField(HoistField),
    InsertField(InsertField),
    InsertHeader(InsertHeader),
    MaskField(MaskField),
    RegexRouter(RegexRouter),
    ReplaceField(ReplaceField),
    SetSchemaMetadata(SetSchemaMetadata),
    TimeMillisToString(TimeMillisToString),
    TimestampConverter(Box<TimestampConverter>),
    TimestampRouter(TimestampRouter),
    ValueToKey(ValueToKey),
}

impl Transform {
    /// Of settings whose prefix is taken off.
    fn new(class: Class, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        Ok(match class {
            Class::AddOpField => Self::AddOpField(AddOpField::default()),
            Class::ByLogicalTableRouter => {
                let transform = ByLogicalTableRouter::new(settings)?;
                Self::ByLogicalTableRouter(Box::new(transform))
            }
            Class::Cast(side) => Self::Cast(Cast::new(side, settings)?),
            Class::DropHeaders => Self::DropHeaders(DropHeaders::new(settings)?),
            Class::ExtractField(side) => Self::ExtractField(ExtractField::new(side, settings)?),
            Class::ExtractNewRecordState => {
                let transform = ExtractNewRecordState::new(settings)?;
                Self::ExtractNewRecordState(Box::new(transform))
            }
            Class::Filter => Self::Filter,
            Class::Flatten(side) => Self::Flatten(Flatten::new(side, settings)?),
            Class::HeaderFrom(side) => Self::HeaderFrom(HeaderFrom::new(side, settings)?),
            Class::HoistField(side) => Self::HoistField(HoistField::new(side, settings)?),
            Class::InsertField(side) => Self::InsertField(InsertField::new(side, settings)?),
            Class::InsertHeader => Self::InsertHeader(InsertHeader::new(settings)?),
            Class::MaskField(side) => Self::MaskField(MaskField::new(side, settings)?),
            Class::RegexRouter => Self::RegexRouter(RegexRouter::new(settings)?),
            Class::ReplaceField(side) => Self::ReplaceField(ReplaceField::new(side, settings)?),
            Class::SetSchemaMetadata(side) => {
                Self::SetSchemaMetadata(SetSchemaMetadata::new(side, settings)?)
            }
            Class::TimeMillisToString => {
                Self::TimeMillisToString(TimeMillisToString::new(settings)?)
            }
            Class::TimestampConverter(side) => {
                let transform = TimestampConverter::new(side, settings)?;
                Self::TimestampConverter(Box::new(transform))
            }
            Class::TimestampRouter => Self::TimestampRouter(TimestampRouter::new(settings)?),
            Class::ValueToKey => Self::ValueToKey(ValueToKey::new(settings)?),
        })
    }

    /// Whether it marks the rows in Debezium's envelopes for StarRocks.
    const fn adds_op(&self) -> bool {
        matches!(self, Self::AddOpField(_))
    }

    /// Whether it reads Debezium's events.
    const fn reads_envelopes(&self) -> bool {
        matches!(self, Self::AddOpField(_) | Self::ExtractNewRecordState(_))
    }

    /// Whether it may give records another topic.
    fn changes_topics(&self) -> bool {
        match self {
            Self::RegexRouter(_) | Self::ByLogicalTableRouter(_) | Self::TimestampRouter(_) => true,
            Self::ExtractNewRecordState(transform) => transform.changes_topics(),
            _ => false,
        }
    }

    /// Transforms a record; whether it is kept.
    fn apply(&mut self, record: &mut Record<'_>) -> Result<bool, DataError> {
        match self {
            Self::AddOpField(transform) => transform.apply(record),
            Self::ByLogicalTableRouter(transform) => transform.apply(record)?,
            Self::Cast(transform) => transform.apply(record)?,
            Self::DropHeaders(transform) => transform.apply(record),
            Self::ExtractField(transform) => transform.apply(record)?,
            Self::ExtractNewRecordState(transform) => return transform.apply(record),
            Self::Filter => return Ok(false),
            Self::Flatten(transform) => transform.apply(record)?,
            Self::HeaderFrom(transform) => transform.apply(record)?,
            Self::HoistField(transform) => transform.apply(record)?,
            Self::InsertField(transform) => transform.apply(record)?,
            Self::InsertHeader(transform) => transform.apply(record),
            Self::MaskField(transform) => transform.apply(record)?,
            Self::RegexRouter(transform) => transform.apply(record)?,
            Self::ReplaceField(transform) => transform.apply(record)?,
            Self::SetSchemaMetadata(transform) => transform.apply(record)?,
            Self::TimeMillisToString(transform) => transform.apply(record)?,
            Self::TimestampConverter(transform) => transform.apply(record)?,
            Self::TimestampRouter(transform) => transform.apply(record)?,
            Self::ValueToKey(transform) => transform.apply(record)?,
        }
        Ok(true)
    }
}
