//! `InsertHeader`: every record gets one header more, which is the same for all.

use crate::config::{ConfigDef, ConfigKey, ConfigProblem, Given, Kind};
use crate::data::{Record, SchemaAndValue};
use crate::values;
use std::borrow::Cow;

pub(super) const DEF: ConfigDef = ConfigDef::new(
    &[&[
        ConfigKey::new("header", Kind::String).doc("The name of the header."),
        ConfigKey::new("value.literal", Kind::String)
            .doc("Its value, as `SimpleHeaderConverter` reads it: `12` is a number."),
    ]],
    &[],
);

#[derive(Clone, Debug)]
pub(super) struct InsertHeader {
    name: String,
    value: SchemaAndValue<'static>,
}

impl InsertHeader {
    pub(super) fn new(settings: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let config = DEF.parse(settings)?;
        let text = config.string("value.literal").unwrap_or_default();
        let value = values::parse(text).map_err(|values::TooDeep| {
            let reason = "its arrays and maps stand in one another too deep";
            vec![ConfigProblem::invalid("value.literal", text, reason)]
        })?;
        Ok(Self {
            name: config.string("header").unwrap_or_default().to_owned(),
            value: value.into_owned(),
        })
    }

    pub(super) fn apply(&self, record: &mut Record<'_>) {
        // Copied for each record: a record has its headers for itself.
        let header = (Cow::Owned(self.name.clone()), self.value.clone());
        record.headers.push(header);
    }
}
