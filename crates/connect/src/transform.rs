//! Kafka Connect's transforms: what a connector's `transforms` and `predicates` make of a record between converters and rows.

mod chain;
mod class;
mod drop_headers;
mod hoist_field;
mod insert_header;
mod predicate;

pub use chain::TransformChain;

use crate::config::{ConfigProblem, Given};
use crate::data::{Record, SchemaAndValue};
use crate::error::DataError;
use class::Class;
use drop_headers::DropHeaders;
use hoist_field::HoistField;
use insert_header::InsertHeader;

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
    Filter,
    HoistField(HoistField),
    InsertHeader(InsertHeader),
}

impl Transform {
    /// Of settings whose prefix is taken off.
    fn new(class: Class, settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        Ok(match class {
            Class::DropHeaders => Self::DropHeaders(DropHeaders::new(settings)?),
            Class::Filter => Self::Filter,
            Class::HoistField(side) => Self::HoistField(HoistField::new(side, settings)?),
            Class::InsertHeader => Self::InsertHeader(InsertHeader::new(settings)?),
        })
    }

    /// Transforms a record; whether it is kept.
    fn apply(&mut self, record: &mut Record<'_>) -> Result<bool, DataError> {
        match self {
            Self::DropHeaders(transform) => transform.apply(record),
            Self::Filter => return Ok(false),
            Self::HoistField(transform) => transform.apply(record)?,
            Self::InsertHeader(transform) => transform.apply(record),
        }
        Ok(true)
    }
}
