//! What a registry's answers mean.

use serde::Deserialize;
use starrocks_kafka_connect::registry::{Reference, RegisteredSchema, SchemaFormat};

use super::RegistryError;
use super::rule_set::RuleSet;
use super::transport::{Failure, Reply};

/// How much of what is no answer is shown.
const SHOWN_CHARS: usize = 120;

/// What came of a request.
#[derive(Debug)]
pub(super) enum Answered {
    Document(Document),
    Error(RegistryError),
}

/// A schema as the registry's JSON has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    /// Where it stands; registries before Confluent's 8.0 do not tell it of an id.
    subject: Option<String>,
    schema: String,
    schema_type: Option<String>,
    #[serde(default)]
    references: Option<Vec<WrittenReference>>,
    rule_set: Option<RuleSet>,
}

#[derive(Clone, Debug, Deserialize)]
struct WrittenReference {
    name: String,
    subject: String,
    version: i32,
}

/// The body of an error.
#[derive(Debug, Deserialize)]
struct Problem {
    error_code: Option<u32>,
    message: Option<String>,
}

impl Document {
    /// The schema, and what it refers to directly. `asked` is the subject that was asked for, which counts where the answer
    /// names none.
    ///
    /// # Errors
    /// A format that nobody knows.
    pub(super) fn into_schema(
        self,
        asked: Option<&str>,
    ) -> Result<(RegisteredSchema, Vec<Reference>), RegistryError> {
        let kind = self.schema_type.as_deref().unwrap_or("AVRO");
        let format = SchemaFormat::of(kind).ok_or_else(|| {
            RegistryError::Denied(format!("its schemaType is {kind}, which is not known"))
        })?;
        let schema = RegisteredSchema {
            format,
            text: self.schema,
            references: Vec::new(),
            reference_problem: None,
            read_rules: self
                .rule_set
                .map_or_else(Vec::new, RuleSet::into_read_rules),
            registrations: None,
        };
        let subject = self.subject.as_deref().or(asked);
        Ok((schema, references(self.references, subject)))
    }

    /// The text, and what it refers to, of the subject that was asked for.
    pub(super) fn into_text(self, asked: &str) -> (String, Vec<Reference>) {
        let subject = self.subject.as_deref().unwrap_or(asked);
        let references = references(self.references, Some(subject));
        (self.schema, references)
    }
}

/// What a schema of this subject refers to. A subject that names no context is in that of the schema.
fn references(written: Option<Vec<WrittenReference>>, parent: Option<&str>) -> Vec<Reference> {
    let context = parent.and_then(context).unwrap_or_default();
    let written = written.unwrap_or_default().into_iter();
    let reference = |written: WrittenReference| Reference {
        name: written.name,
        subject: match self::context(&written.subject) {
            Some(_) => written.subject,
            None => format!("{context}{}", written.subject),
        },
        version: written.version,
    };
    written.map(reference).collect()
}

/// `:.context:` of a subject that begins with one.
fn context(subject: &str) -> Option<&str> {
    let name = subject.strip_prefix(":.")?;
    let end = name.find(':')?;
    subject.get(..":.".len() + end + ":".len())
}

/// Reads what an address answered. `url` is named in everything that is said.
pub(super) fn read(url: &str, answer: Result<Reply, Failure>) -> Answered {
    let reply = match answer {
        Ok(reply) => reply,
        Err(Failure::Passing(cause)) => {
            return Answered::Error(RegistryError::Unavailable(format!("{url}: {cause}")));
        }
        Err(Failure::Certificate(cause)) => {
            return Answered::Error(RegistryError::Refused(format!(
                "the Schema Registry {url} cannot be asked: {cause}; schema.registry.ssl.truststore.location names the authorities to \
                 trust, schema.registry.ssl.keystore.location the client's own certificate"
            )));
        }
        Err(Failure::Lasting(cause)) => {
            return Answered::Error(RegistryError::Refused(format!(
                "the Schema Registry {url} cannot be asked: {cause}"
            )));
        }
    };
    if (200..300).contains(&reply.status) {
        return match serde_json::from_slice(&reply.body) {
            Ok(document) => Answered::Document(document),
            Err(_) => Answered::Error(no_registry(url, &reply)),
        };
    }
    Answered::Error(error(url, &reply))
}

fn error(url: &str, reply: &Reply) -> RegistryError {
    let problem: Option<Problem> = serde_json::from_slice(&reply.body).ok();
    let code = problem.as_ref().and_then(|problem| problem.error_code);
    let message = problem.and_then(|problem| problem.message);
    let status = reply.status;
    match (status, code) {
        (404, Some(40400..=40499)) => {
            let message = message.unwrap_or_default();
            RegistryError::Denied(format!(
                "the Schema Registry {url} does not have it: {message}"
            ))
        }
        (401 | 403, _) => {
            let message = message.map_or_else(String::new, |message| format!(" ({message})"));
            RegistryError::Refused(format!(
                "the Schema Registry {url} refuses the login, {status}{message}: basic.auth.credentials.source=USER_INFO and \
                 basic.auth.user.info=<name>:<password>, or bearer.auth.credentials.source=STATIC_TOKEN and bearer.auth.token, \
                 must be those of the registry, not of the brokers, and allow to read the subject"
            ))
        }
        (408 | 429 | 500..=599, _) => {
            let message = message.unwrap_or_else(|| shown(&reply.body));
            RegistryError::Unavailable(format!("{url}: it answers {status}: {message}"))
        }
        (300..=399, _) => {
            let to = reply.location.as_deref().unwrap_or("another place");
            RegistryError::Refused(format!(
                "{url} sends us to {to} ({status}); set schema.registry.url to the registry's own address"
            ))
        }
        // A code of three digits is that of a path which the registry, or another service, does not have.
        _ if code.is_some_and(|code| code != 404) => {
            let message = message.unwrap_or_default();
            RegistryError::Refused(format!(
                "the Schema Registry {url} refuses the request, {status}: {message}"
            ))
        }
        _ => no_registry(url, reply),
    }
}

/// Something answers that is no registry.
fn no_registry(url: &str, reply: &Reply) -> RegistryError {
    let Reply {
        status,
        media_type,
        body,
        ..
    } = reply;
    let kind = if media_type.is_empty() {
        "no media type"
    } else {
        media_type
    };
    RegistryError::Refused(format!(
        "{url} does not answer as a Schema Registry does, but {status} with {kind}: {}; schema.registry.url must have the \
         registry's address, with its path where it has one (Apicurio: /apis/ccompat/v7)",
        shown(body)
    ))
}

/// The beginning of a body, on one line.
fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * SHOWN_CHARS)]);
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(SHOWN_CHARS).collect();
    format!("{line:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_begin_subjects() {
        let check = |subject: &str, expect: Option<&str>| assert_eq!(context(subject), expect);
        check("orders-value", None);
        check(":.staging:orders-value", Some(":.staging:"));
        check(":.:orders-value", Some(":.:"));
        check(":.staging", None);
        check("a:.b:c", None);
    }
}
