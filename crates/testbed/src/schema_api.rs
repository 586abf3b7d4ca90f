//! What an FE tells of a table's columns: `_schema`, and `/api/v2/…/schema` (`http/rest/v2/TableSchemaAction`).

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::column_type::ColumnType;
use crate::reply::{HTML, Reply};
use crate::request::Head;
use crate::schema::{Column, ColumnDefault, Table};

/// Which of the two is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    /// Each has its own words for what is not there.
    fn missing(self, one: String, two: String) -> Reply {
        let body = match self {
            Self::One => json!({"status": 404, "exception": one}),
            Self::Two => json!({"code": "404", "message": two}),
        };
        Reply {
            status: 404,
            ..Reply::fe(&body)
        }
    }
}

impl Cluster {
    /// Needs SELECT on the table.
    pub(crate) fn fe_schema(&self, head: &Head) -> Reply {
        let version = if head.path.starts_with("/api/v2/") {
            Version::Two
        } else {
            Version::One
        };
        if version == Version::Two && !self.options.schema_v2 {
            return Reply::new(404, HTML, "Not Found");
        }
        let basic = head.basic();
        if let Err(message) = self.authenticate(basic.as_ref()) {
            return Reply::denied(&message);
        }
        let select = basic.map_or(Ok(()), |b| self.may_select(&b, &head.db, &head.table));
        if let Err(message) = select {
            return Reply::denied(&message);
        }
        let meta = self.meta();
        let Some(tables) = meta.catalogue.get(&head.db) else {
            let name = &head.db;
            return version.missing(
                format!("Database [{name}] does not exists"),
                format!("Unknown database '{name}'"),
            );
        };
        match (tables.get(&head.table), version) {
            (Some(table), Version::One) => {
                let properties: Vec<Value> = table.columns.iter().map(property).collect();
                Reply::fe(&json!({"status": 200, "properties": properties}))
            }
            (Some(table), Version::Two) => {
                Reply::fe(&json!({"result": view(table), "code": "0", "message": "OK"}))
            }
            (None, _) => {
                let name = &head.table;
                version.missing(
                    format!("Table [{name}] does not exists"),
                    format!("Unknown table '{name}'"),
                )
            }
        }
    }
}

fn property(c: &Column) -> Value {
    let mut property = json!({"name": c.name, "type": c.ty.primitive_name(), "comment": c.comment});
    if let ColumnType::Decimal { precision, scale } = c.ty {
        property["precision"] = json!(precision.to_string());
        property["scale"] = json!(scale.to_string());
    }
    property
}

fn view(table: &Table) -> Value {
    let keys = table.model.keys_type();
    let columns: Vec<Value> = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, c)| column(c, at, table.is_key(at)))
        .collect();
    json!({"name": table.name, "tableType": "OLAP", "keysType": keys, "columns": columns})
}

fn column(c: &Column, unique_id: usize, key: bool) -> Value {
    let (precision, scale) = match &c.ty {
        ColumnType::Decimal { precision, scale } => (*precision, *scale),
        _ => (0, 0),
    };
    let mut view = json!({
        "name": c.name, "primitiveType": c.ty.primitive_name(), "primitiveTypeSize": c.ty.primitive_size(),
        "precision": precision, "scale": scale, "isKey": key, "isAllowNull": c.nullable, "isAutoIncrement": false,
        "comment": c.comment, "uniqueId": unique_id,
    });
    // What is null is left out, as Gson does.
    match &c.ty {
        ColumnType::Char(n) | ColumnType::Varchar(n) | ColumnType::Varbinary(n) => {
            view["columnSize"] = json!(n)
        }
        ColumnType::Decimal { precision, .. } => view["columnSize"] = json!(precision),
        _ => {}
    }
    match &c.default {
        None => view["defaultValueType"] = json!("NULL"),
        Some(ColumnDefault::Text(text)) => {
            view["defaultValueType"] = json!("CONST");
            view["defaultValue"] = json!(text);
        }
        Some(ColumnDefault::CurrentTimestamp) => {
            view["defaultValueType"] = json!("CONST");
            view["defaultExpr"] = json!("now()");
        }
    }
    view
}
