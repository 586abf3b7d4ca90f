//! A load's headers laid onto its table: which field goes where, and what columns get that no field has.

use crate::schema::{Column, ColumnDefault, Model, Table};
use crate::spec::{Format, LoadSpec};

/// Where a source field goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Column,
    /// The `__op` of a Primary Key table.
    Op,
    /// A name that is no column: read and dropped.
    Nowhere,
}

/// Where a column's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    Field(usize),
    Default(String),
    Now,
    Null,
}

/// A load's headers laid onto its table.
#[derive(Debug, Clone)]
pub(crate) struct LoadPlan {
    pub(crate) fields: Vec<(String, Target)>,
    /// One per column of the table.
    pub(crate) origins: Vec<Origin>,
    /// The field with `__op`, if the table has one.
    pub(crate) op: Option<usize>,
}

impl LoadPlan {
    pub(crate) fn new(spec: &LoadSpec, table: &Table) -> Result<Self, String> {
        if (spec.partial_update || spec.merge_condition.is_some()) && table.model != Model::Primary
        {
            return Err("Only primary key table support partial update".to_owned());
        }
        if let Some(name) = &spec.merge_condition {
            let known = table.column_index(name).is_some_and(|i| !table.is_key(i));
            if !known || spec.columns.as_ref().is_some_and(|c| !c.contains(name)) {
                return Err(format!(
                    "merge_condition column {name} is not a loaded column outside the primary key"
                ));
            }
        }
        let names: Vec<String> = match &spec.columns {
            Some(names) => names.clone(),
            None if spec.partial_update => {
                return Err("Partial update needs the header columns".to_owned());
            }
            None => table.columns.iter().map(|c| c.name.clone()).collect(),
        };
        let primary = table.model == Model::Primary;
        let mut fields: Vec<(String, Target)> = names
            .into_iter()
            .map(|name| {
                let target = match table.column_index(&name) {
                    Some(_) => Target::Column,
                    None if primary && name == "__op" => Target::Op,
                    None => Target::Nowhere,
                };
                (name, target)
            })
            .collect();
        // StarRocks adds the source field by itself for JSON, where fields have names.
        let json = matches!(spec.format, Format::Json { .. });
        if primary && json && !fields.iter().any(|(_, target)| *target == Target::Op) {
            fields.push(("__op".to_owned(), Target::Op));
        }
        let origins = table
            .columns
            .iter()
            .map(|c| origin(c, &fields, spec))
            .collect::<Result<_, _>>()?;
        let op = fields.iter().position(|(_, target)| *target == Target::Op);
        Ok(Self {
            fields,
            origins,
            op,
        })
    }
}

fn origin(column: &Column, fields: &[(String, Target)], spec: &LoadSpec) -> Result<Origin, String> {
    if let Some(at) = fields.iter().position(|(name, _)| *name == column.name) {
        return Ok(Origin::Field(at));
    }
    match &column.default {
        Some(ColumnDefault::Text(text)) => Ok(Origin::Default(text.clone())),
        Some(ColumnDefault::CurrentTimestamp) => Ok(Origin::Now),
        None if column.nullable => Ok(Origin::Null),
        None if spec.partial_update => Err(format!(
            "this StarRocks stand-in knows partial_update only where every NOT NULL column without default is loaded; `{}` is not",
            column.name
        )),
        None => Err(format!(
            "Column has no default value. column: {}",
            column.name
        )),
    }
}
