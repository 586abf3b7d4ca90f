//! Questions that change nothing: what is there, and may we use it.

use std::time::Duration;

use http::{HeaderMap, Method, Uri};
use serde_json::Value;
use tokio::time::Instant;

use crate::answer::{Call, Class, Verdict};
use crate::client::{Client, escape};
use crate::config::RedirectPolicy;
use crate::error::CallError;
use crate::exchange::{Ask, map_it};
use crate::frontend::Scheme;
use crate::redirect::{address_of, reach};
use crate::response::{Fields, excerpt};
use crate::transport::Failure;

/// A column of a table, as far as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name, in the case in which JSON keys must be written.
    pub name: String,
    /// The type: by `_schema` the primitive one (`INT`, `VARCHAR`, `DECIMAL64`, `INVALID_TYPE` for those that are none), by SQL the
    /// whole (`decimal(10,2)`, `array<date>`).
    pub column_type: String,
    /// Total digits of a decimal.
    pub precision: Option<u32>,
    /// Digits after the point of a decimal.
    pub scale: Option<u32>,
    /// Whether it takes NULL; `None` where that is not told.
    pub is_nullable: Option<bool>,
    /// Whether it is of the table's key; `None` where that is not told.
    pub is_key: Option<bool>,
}

impl Column {
    /// A column of which no more is told.
    #[must_use]
    pub fn new(name: impl Into<String>, column_type: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            column_type: column_type.into(),
            precision: None,
            scale: None,
            is_nullable: None,
            is_key: None,
        }
    }
}

/// How a table keeps rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableModel {
    /// One row for each primary key; rows can be deleted by loads.
    PrimaryKey,
    /// One row for each unique key.
    UniqueKey,
    /// One row for each key, of which the values are merged.
    AggregateKey,
    /// Every row that was loaded.
    DuplicateKey,
}

impl TableModel {
    /// By StarRocks' names, of which there are two for most: `PRIMARY_KEYS` by HTTP, `PRI_KEYS` in
    /// `information_schema.tables_config`.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "PRIMARY_KEYS" | "PRI_KEYS" => Some(Self::PrimaryKey),
            "UNIQUE_KEYS" | "UNQ_KEYS" => Some(Self::UniqueKey),
            "AGG_KEYS" => Some(Self::AggregateKey),
            "DUP_KEYS" => Some(Self::DuplicateKey),
            _ => None,
        }
    }
}

/// What StarRocks tells of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDescription {
    /// How it keeps rows; `None` where this StarRocks does not tell it.
    pub model: Option<TableModel>,
    /// Its columns in their order.
    pub columns: Vec<Column>,
}

impl TableDescription {
    /// Takes over what another one tells and this one does not.
    pub fn add(&mut self, details: Option<Self>) {
        let Some(details) = details else { return };
        self.model = self.model.or(details.model);
        for column in &mut self.columns {
            let mut others = details.columns.iter();
            if let Some(other) = others.find(|other| other.name == column.name) {
                column.is_nullable = column.is_nullable.or(other.is_nullable);
                column.is_key = column.is_key.or(other.is_key);
            }
        }
    }
}

/// What the start-up check found out about a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableAccess {
    /// The columns; `None` where the user lacks SELECT (loading needs only INSERT), with the reason in `columns_denied`.
    pub columns: Option<Vec<Column>>,
    /// Why the columns could not be read, worded for the user.
    pub columns_denied: Option<CallError>,
}

impl Client {
    /// Whether this StarRocks has the transaction interface (2.4 and later): a begin without headers is refused for its
    /// missing names where it exists, and as not implemented where it does not.
    ///
    /// # Errors
    /// No front end answers, or it refuses the user.
    pub async fn transaction_interface_available(
        &self,
        limit: Duration,
    ) -> Result<bool, CallError> {
        let ask = question(
            Call::Probe,
            Method::POST,
            "/api/transaction/begin".to_owned(),
            "",
            "",
            Instant::now() + limit,
        );
        match self.shared.call(ask).await {
            Ok(_) => Ok(true),
            Err(error) if error.class == Class::Unsupported => Ok(false),
            Err(error)
                if matches!(
                    error.class,
                    Class::BadRequest | Class::Schema | Class::Other
                ) =>
            {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// The columns of a table; needs SELECT.
    ///
    /// # Errors
    /// [`Class::Schema`] where database or table are missing, [`Class::Auth`] where the user is unknown or may not SELECT.
    pub async fn table_columns(
        &self,
        database: &str,
        table: &str,
        limit: Duration,
    ) -> Result<Vec<Column>, CallError> {
        let path = format!("/api/{}/{}/_schema", escape(database), escape(table));
        let ask = table_schema(path, database, table, limit);
        let exchange = self.shared.exchange(&ask).await?;
        self.shared.judge(&ask, &exchange)?;
        Ok(columns_of(&exchange.reply.body))
    }

    /// What this StarRocks tells of a table beyond [`Client::table_columns`], from 3.x on: its model, which columns take NULL,
    /// and which are its key (`/api/v2/…/schema`). `None` where it tells nothing; needs SELECT.
    ///
    /// # Errors
    /// No front end answers.
    pub async fn table_details(
        &self,
        database: &str,
        table: &str,
        limit: Duration,
    ) -> Result<Option<TableDescription>, CallError> {
        let (database_name, table_name) = (escape(database), escape(table));
        let path = format!(
            "/api/v2/catalogs/default_catalog/databases/{database_name}/tables/{table_name}/schema"
        );
        let ask = table_schema(path, database, table, limit);
        let exchange = self.shared.exchange(&ask).await?;
        // Whatever else it says, it tells nothing: an older StarRocks knows no such path.
        if exchange.reply.status != 200 {
            return Ok(None);
        }
        Ok(details_of(&exchange.reply.body))
    }

    /// Start-up check of one table: front end, user, password, database, table, INSERT, and SELECT for the columns. Changes
    /// nothing in StarRocks: the right to insert is asked for by a Stream Load that ends when the front end names a back end.
    ///
    /// # Errors
    /// The class tells what failed ([`Class::Unreachable`], [`Class::Auth`], [`Class::Schema`]), the hint what to do. A user
    /// without SELECT is no error.
    pub async fn check_access(
        &self,
        database: &str,
        table: &str,
        limit: Duration,
    ) -> Result<TableAccess, CallError> {
        let deadline = Instant::now() + limit;
        let columns = self.table_columns(database, table, limit).await;
        if let Err(error) = &columns {
            // A refused SELECT does not keep rows from being loaded; anything else does.
            if error.class != Class::Auth {
                return Err(error.clone());
            }
        }
        let path = format!("/api/{}/{}/_stream_load", escape(database), escape(table));
        let ask = question(
            Call::InsertProbe,
            Method::PUT,
            path,
            database,
            table,
            deadline,
        );
        let exchange = self.shared.ask_frontends(&ask).await?;
        if !exchange.reply.is_redirect() {
            self.shared.judge(&ask, &exchange)?;
        }
        Ok(match columns {
            Ok(columns) => TableAccess {
                columns: Some(columns),
                columns_denied: None,
            },
            Err(error) => TableAccess {
                columns: None,
                columns_denied: Some(error),
            },
        })
    }

    /// The first `max_bytes` of the error log that an answer named: lines `Error: <reason>. Row: <row>`. The address is mapped as
    /// that of a redirect is.
    ///
    /// # Errors
    /// Not an address of an error log, a back end that cannot be reached, a log that is gone.
    pub async fn error_log(
        &self,
        url: &str,
        max_bytes: usize,
        limit: Duration,
    ) -> Result<String, CallError> {
        let error = |verdict, class, message: String| {
            CallError::new(Call::ErrorLog, verdict, class, message)
        };
        let uri: Option<Uri> = url.trim().parse().ok();
        let named = uri
            .as_ref()
            .and_then(|uri| Some((address_of(uri)?, uri.path_and_query()?.as_str())));
        // User name and password go along, so only to where StarRocks keeps its error logs.
        let Some((named, path)) =
            named.filter(|(_, path)| path.starts_with("/api/_load_error_log?"))
        else {
            return Err(error(
                Verdict::Permanent,
                Class::BadRequest,
                format!("`{url}` is not the address of an error log"),
            ));
        };
        let from = self.shared.preferred_frontend();
        let config = &self.shared.config;
        let address = reach(from, &named, &config.be_address_map, false);
        let in_clear = from.scheme == Scheme::Https && address.scheme == Scheme::Http;
        if in_clear && config.redirect == RedirectPolicy::Refuse {
            let message =
                format!("it is kept at {address}, from where it would cross the network in clear");
            return Err(CallError {
                hint: Some(
                    format!("read it yourself: {url}; or set starrocks.http.redirect=allow").into(),
                ),
                ..error(Verdict::Permanent, Class::RedirectRefused, message)
            });
        }
        let host = Some(address.to_string().into());
        match self
            .shared
            .fetch(&address, path, max_bytes, Instant::now() + limit)
            .await
        {
            Ok(reply) if reply.status == 200 => {
                Ok(String::from_utf8_lossy(&reply.body).into_owned())
            }
            Ok(reply) => {
                let message = format!("HTTP {}: {}", reply.status, excerpt(&reply.body));
                Err(CallError {
                    host,
                    ..error(Verdict::Transient, Class::Other, message)
                })
            }
            Err(Failure::Unreachable(cause)) => Err(CallError {
                hint: Some(map_it(&named.authority())),
                host,
                ..error(
                    Verdict::NotSent,
                    Class::Unreachable,
                    format!("no connection can be made: {cause}"),
                )
            }),
            Err(Failure::Broken { cause, .. }) => Err(CallError {
                host,
                ..error(Verdict::Transient, Class::NoAnswer, cause)
            }),
        }
    }
}

fn question<'a>(
    call: Call,
    method: Method,
    path_and_query: String,
    database: &'a str,
    table: &'a str,
    deadline: Instant,
) -> Ask<'a> {
    Ask {
        call,
        method,
        path_and_query,
        headers: HeaderMap::new(),
        parts: Vec::new(),
        database,
        table,
        label: None,
        deadline,
    }
}

/// The question for what a table is.
fn table_schema<'a>(path: String, database: &'a str, table: &'a str, limit: Duration) -> Ask<'a> {
    question(
        Call::TableSchema,
        Method::GET,
        path,
        database,
        table,
        Instant::now() + limit,
    )
}

/// Decimal digits come as text or as numbers.
fn digits(property: &Value, key: &str) -> Option<u32> {
    match property.get(key)? {
        Value::Number(number) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// What an answer of the second version says.
fn details_of(body: &[u8]) -> Option<TableDescription> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let result = answer.get("result")?;
    let column = |view: &Value| {
        let name = view.get("name")?.as_str()?;
        let primitive_type = view.get("primitiveType")?.as_str()?.to_ascii_uppercase();
        let truth = |key: &str| view.get(key)?.as_bool();
        Some(Column {
            precision: digits(view, "precision"),
            scale: digits(view, "scale"),
            is_nullable: truth("isAllowNull"),
            is_key: truth("isKey"),
            ..Column::new(name, primitive_type)
        })
    };
    let keys_type = result.get("keysType").and_then(Value::as_str);
    let columns = result.get("columns").and_then(Value::as_array);
    Some(TableDescription {
        model: keys_type.and_then(TableModel::of),
        columns: columns.into_iter().flatten().filter_map(column).collect(),
    })
}

/// The columns of a `_schema` answer that was judged to be one.
fn columns_of(body: &[u8]) -> Vec<Column> {
    let Some(fields) = Fields::read(body) else {
        return Vec::new();
    };
    let Some(Value::Array(properties)) = fields.value("properties") else {
        return Vec::new();
    };
    let column = |property: &Value| {
        let name = property.get("name")?.as_str()?;
        let primitive_type = property.get("type")?.as_str()?.to_ascii_uppercase();
        Some(Column {
            precision: digits(property, "precision"),
            scale: digits(property, "scale"),
            ..Column::new(name, primitive_type)
        })
    };
    properties.iter().filter_map(column).collect()
}
