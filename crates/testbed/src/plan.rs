//! A load's headers laid onto its table: which field goes where, and what columns get that no field has.

use crate::expression::{Expression, Item};
use crate::predicate::Predicate;
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
    /// Made of fields.
    Derived(Expression<usize>),
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
    /// Where a Primary Key table's `__op` comes from.
    pub(crate) op: Option<Op>,
    /// The rows that are selected; `None` are all.
    pub(crate) selection: Option<Predicate>,
}

/// Where `__op` comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    Field(usize),
    Derived(Expression<usize>),
}

impl LoadPlan {
    pub(crate) fn new(spec: &LoadSpec, table: &Table) -> Result<Self, String> {
        if (spec.partial_update || spec.merge_condition.is_some()) && table.model != Model::Primary
        {
            return Err("Only primary key table support partial update".to_owned());
        }
        let columns: Vec<Item> = match &spec.columns {
            Some(items) => items.clone(),
            None if spec.partial_update => {
                return Err("Partial update needs the header columns".to_owned());
            }
            None => Vec::new(),
        };
        if let Some(name) = &spec.merge_condition {
            let known = table.column_index(name).is_some_and(|i| !table.is_key(i));
            let loaded = spec.columns.is_none() || columns.iter().any(|c| c.name() == name);
            if !known || !loaded {
                return Err(format!(
                    "merge_condition column {name} is not a loaded column outside the primary key"
                ));
            }
        }
        let fields = source_fields(&columns, spec, table);
        let derived = derived_columns(&columns, &fields, spec, table)?;
        let origins = table
            .columns
            .iter()
            .map(|c| origin(c, &fields, &derived, spec))
            .collect::<Result<_, _>>()?;
        let op = match derived.iter().find(|(name, _)| *name == OP) {
            Some((_, value)) => Some(Op::Derived(value.clone())),
            None => fields
                .iter()
                .position(|(_, target)| *target == Target::Op)
                .map(Op::Field),
        };
        let selection = spec
            .selection
            .as_ref()
            .map(|header| Predicate::read(header, table))
            .transpose()?;
        Ok(Self {
            fields,
            origins,
            op,
            selection,
        })
    }

    /// The columns that the load gives values to.
    pub(crate) fn loaded<'t>(&self, table: &'t Table) -> Vec<&'t str> {
        let given = table.columns.iter().zip(&self.origins);
        given
            .filter(|(_, origin)| matches!(origin, Origin::Field(_) | Origin::Derived(_)))
            .map(|(column, _)| column.name.as_str())
            .collect()
    }
}

/// The field of a Primary Key table that says whether a row is deleted.
const OP: &str = "__op";

/// The fields of the source in their order. Where none is named they are the table's columns.
fn source_fields(columns: &[Item], spec: &LoadSpec, table: &Table) -> Vec<(String, Target)> {
    let named: Vec<&str> = columns
        .iter()
        .filter(|item| matches!(item, Item::Field(_)))
        .map(Item::name)
        .collect();
    let names = if named.is_empty() {
        table.columns.iter().map(|c| c.name.as_str()).collect()
    } else {
        named
    };
    let is_derived = |name: &str| {
        columns
            .iter()
            .any(|item| matches!(item, Item::Derived { column, .. } if column == name))
    };
    let primary = table.model == Model::Primary;
    let mut fields: Vec<(String, Target)> = names
        .into_iter()
        .map(|name| {
            let target = match table.column_index(name) {
                _ if is_derived(name) => Target::Nowhere,
                Some(_) => Target::Column,
                None if primary && name == OP => Target::Op,
                None => Target::Nowhere,
            };
            (name.to_owned(), target)
        })
        .collect();
    // StarRocks adds the source field by itself for JSON, where fields have names.
    let json = matches!(spec.format, Format::Json(_));
    let given = is_derived(OP) || fields.iter().any(|(_, target)| *target == Target::Op);
    if primary && json && !given {
        fields.push((OP.to_owned(), Target::Op));
    }
    fields
}

/// The columns that are made of fields, with what they are made by.
fn derived_columns(
    columns: &[Item],
    fields: &[(String, Target)],
    spec: &LoadSpec,
    table: &Table,
) -> Result<Vec<(String, Expression<usize>)>, String> {
    let mut derived = Vec::new();
    for item in columns {
        let Item::Derived { column, value } = item else {
            continue;
        };
        let op = column == OP && table.model == Model::Primary;
        if !op && table.column_index(column).is_none() {
            return Err(format!("Mapping column is not in table. column: {column}"));
        }
        if value.needs_zone() && spec.zone_seconds.is_none() {
            return Err(
                "this StarRocks stand-in knows no zone in the load header `timezone` but UTC, Asia/Shanghai and offsets as +08:00"
                    .to_owned(),
            );
        }
        let number = |name: &String| {
            let at = fields.iter().position(|(field, _)| field == name);
            at.ok_or_else(|| format!("unknown reference column, column={column}, reference={name}"))
        };
        let value = match value {
            // The words are known as constants only.
            Expression::Constant(word) if op && word == "upsert" => {
                Expression::Constant("0".to_owned())
            }
            Expression::Constant(word) if op && word == "delete" => {
                Expression::Constant("1".to_owned())
            }
            other => other.bind(&number)?,
        };
        derived.push((column.clone(), value));
    }
    Ok(derived)
}

fn origin(
    column: &Column,
    fields: &[(String, Target)],
    derived: &[(String, Expression<usize>)],
    spec: &LoadSpec,
) -> Result<Origin, String> {
    if let Some((_, value)) = derived.iter().find(|(name, _)| *name == column.name) {
        return Ok(Origin::Derived(value.clone()));
    }
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
