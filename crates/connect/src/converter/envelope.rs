//! The object of `schema` and `payload` that a message is with `schemas.enable=true`.

use super::schema::{SchemaCache, SchemaSource};
use crate::data::Schema;
use crate::error::DataError;
use crate::json::{Dialect, Json, JsonError, Parser};
use std::sync::Arc;

/// What is in it.
pub(super) struct Envelope<'k> {
    pub(super) schema: Option<Arc<Schema>>,
    pub(super) payload: Json<'k>,
}

/// The members seen so far.
#[derive(Default)]
struct Members<'k> {
    schema: Option<SchemaSource<'k>>,
    payload: Option<Json<'k>>,
    has_others: bool,
}

impl<'k> Envelope<'k> {
    pub(super) fn read(text: &'k str, schemas: &mut SchemaCache) -> Result<Self, DataError> {
        let mut parser = Parser::new(text, Dialect::Kafka);
        let is_blank = parser.peek().is_none();
        let members = if is_blank {
            None
        } else {
            let members = members(&mut parser, schemas).map_err(|error| no_json(&error))?;
            parser.end().map_err(|error| no_json(&error))?;
            members
        };
        let Some(Members {
            schema: Some(schema),
            payload: Some(payload),
            has_others: false,
        }) = members
        else {
            return Err(DataError::data(
                "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may \
                 not contain additional fields. If you are trying to deserialize plain JSON data, set \
                 schemas.enable=false in your converter configuration.",
            ));
        };
        Ok(Self {
            schema: schemas.resolve(schema)?,
            payload,
        })
    }
}

/// The members of the object that the text is, `None` where it is another value.
fn members<'k>(
    parser: &mut Parser<'k>,
    schemas: &SchemaCache,
) -> Result<Option<Members<'k>>, JsonError> {
    if !parser.eat(b'{') {
        parser.value(0)?;
        return Ok(None);
    }
    let mut members = Members::default();
    if parser.eat(b'}') {
        return Ok(Some(members));
    }
    loop {
        let name = parser.name()?;
        match name.as_ref() {
            "schema" => members.schema = Some(schema(parser, schemas)?),
            "payload" => members.payload = Some(parser.value(1)?),
            _ => {
                parser.value(1)?;
                members.has_others = true;
            }
        }
        if !parser.eat(b',') {
            break;
        }
    }
    if parser.eat(b'}') {
        Ok(Some(members))
    } else {
        parser.expected("',' or '}'")
    }
}

fn schema<'k>(
    parser: &mut Parser<'k>,
    schemas: &SchemaCache,
) -> Result<SchemaSource<'k>, JsonError> {
    parser.peek();
    // The text of an object ends where it ends: what begins with a known one begins with that schema.
    if let Some((length, schema)) = schemas.last_used(parser.rest()) {
        parser.skip(length);
        return Ok(SchemaSource::Known(schema));
    }
    let start = parser.position();
    let json = parser.value(1)?;
    Ok(SchemaSource::Read {
        text: parser.since(start),
        json,
    })
}

/// A message that is no JSON, in Kafka's words.
pub(super) fn no_json(error: &JsonError) -> DataError {
    DataError::data(format!(
        "Converting byte[] to Kafka Connect data failed due to serialization error: {error}"
    ))
}
