//! The client of a Schema Registry that speaks Confluent's interface.
//!
//! One call is one try: whoever asks decides when to ask again, and shows that it does. What was answered is kept, and a question
//! that is on its way is not asked a second time, whoever asks it.

mod answer;
mod cache;
mod rule_set;
mod transport;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use starrocks_kafka_connect::config::Secret;
use starrocks_kafka_connect::registry::{
    Reference, References, RegisteredSchema, SchemaRequest, Wanted,
};

use answer::{Answered, Document};
use cache::{Cache, Life};
pub use rule_set::RuleSet;
use transport::Transport;

/// Where a registry is, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Its addresses, one at least. They are asked in turn; the one that answered last comes first.
    pub addresses: Vec<RegistryAddress>,
    /// Headers of every request, by name.
    pub headers: Vec<(String, Secret)>,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub read_timeout: Duration,
    /// TLS, for addresses with `https`.
    pub tls: RegistryTls,
}

/// One address of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryAddress {
    /// `http://host:port/path` or `https://…`, without credentials and without a slash at its end.
    pub url: String,
    /// The value of the header `Authorization`, where there is one.
    pub authorization: Option<Secret>,
}

/// How a registry's certificate is checked, and what it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryTls {
    /// The authorities to trust, in PEM; `None` for the system's.
    pub authorities: Option<String>,
    /// The client's certificates and its key, in PEM.
    pub identity: Option<(Secret, Secret)>,
    /// The certificate need not be that of the host.
    pub any_host: bool,
}

/// Why there is no schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryError {
    /// The registry says that there is none.
    Denied(String),
    /// It answers nothing that we ask, and asking again changes nothing: a login, a certificate, another service.
    Refused(String),
    /// It cannot be reached, or not now.
    Unavailable(String),
}

/// The client. Clones share connections and what was answered.
#[derive(Clone, Debug)]
pub struct RegistryClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    addresses: Vec<RegistryAddress>,
    transport: Transport,
    /// Which address is asked first.
    first: AtomicUsize,
    schemas: Cache<SchemaRequest, Arc<RegisteredSchema>>,
    referenced: Cache<(String, i32), Document>,
}

impl RegistryClient {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// Certificates or headers that are none, in words.
    pub fn new(settings: &RegistrySettings) -> Result<Self, String> {
        Ok(Self(Arc::new(Inner {
            addresses: settings.addresses.clone(),
            transport: Transport::new(settings)?,
            first: AtomicUsize::new(0),
            schemas: Cache::default(),
            referenced: Cache::default(),
        })))
    }

    /// The schema that a converter asks for, with everything that it refers to.
    ///
    /// # Errors
    /// Why there is none, now or at all.
    pub async fn schema(
        &self,
        request: &SchemaRequest,
    ) -> Result<Arc<RegisteredSchema>, RegistryError> {
        let life = |schema: &Arc<RegisteredSchema>| match request.wanted {
            _ if schema.reference_problem.is_some() => Life::Brief,
            Wanted::Id(_) | Wanted::Guid(_) => Life::Ever,
            Wanted::Latest | Wanted::LatestWithMetadata(_) => Life::Changing,
        };
        let fetch = async { self.0.fetch(request).await.map(Arc::new) };
        self.0.schemas.get(request, life, fetch).await
    }
}

impl Inner {
    async fn fetch(&self, request: &SchemaRequest) -> Result<RegisteredSchema, RegistryError> {
        let document = self.document(request).await?;
        let (schema, references) = document.into_schema(request.subject.as_deref())?;
        let mut references = References::of(schema, references);
        while let Some(reference) = references.ask().cloned() {
            match self.reference(&reference).await {
                Ok(found) => references.tell(Some(found)),
                Err(RegistryError::Denied(_)) => references.tell(None),
                Err(other) => return Err(other),
            }
        }
        Ok(references.into_schema())
    }

    async fn document(&self, request: &SchemaRequest) -> Result<Document, RegistryError> {
        let subject = request.subject.as_deref();
        let of = |path: &str| format!("/subjects/{}{path}", encoded(subject.unwrap_or_default()));
        match &request.wanted {
            Wanted::Id(id) => {
                let path = format!("/schemas/ids/{id}?fetchMaxId=false");
                let by_id = self.get(&path).await;
                let Some(subject) = subject else { return by_id };
                // Of a subject that one may not read, such as that which a copied topic would have, a schema is denied whose
                // id alone is answered. In another context than the default one, an id means something with its subject only.
                match by_id {
                    Err(RegistryError::Denied(_)) => {
                        let path = format!("{path}&subject={}", encoded(subject));
                        self.get(&path).await
                    }
                    other => other,
                }
            }
            Wanted::Guid(guid) => self.get(&format!("/schemas/guids/{guid}")).await,
            Wanted::Latest => self.get(&of("/versions/latest")).await,
            Wanted::LatestWithMetadata(metadata) => {
                let pairs: Vec<String> = metadata
                    .iter()
                    .map(|(key, value)| format!("key={}&value={}", encoded(key), encoded(value)))
                    .collect();
                self.get(&of(&format!("/metadata?{}", pairs.join("&"))))
                    .await
            }
        }
    }

    /// A schema that another one refers to. Those that were deleted still count.
    async fn reference(
        &self,
        reference: &Reference,
    ) -> Result<(String, Vec<Reference>), RegistryError> {
        let Reference {
            subject, version, ..
        } = reference;
        let path = format!(
            "/subjects/{}/versions/{version}?deleted=true",
            encoded(subject)
        );
        let key = (subject.clone(), *version);
        let life = if *version > 0 {
            Life::Ever
        } else {
            Life::Changing
        };
        let document = self.referenced.get(&key, |_| life, self.get(&path)).await?;
        Ok(document.into_text(subject))
    }

    /// Asks each address once, the last good one first. What one does not know, another may: they follow one another, and a
    /// schema may be younger than what the first has read.
    async fn get(&self, path: &str) -> Result<Document, RegistryError> {
        let count = self.addresses.len();
        let first = self.first.load(Ordering::Relaxed);
        let mut denied = None;
        let mut reasons = Vec::new();
        for turn in 0..count {
            let at = (first + turn) % count;
            let address = &self.addresses[at];
            match answer::read(&address.url, self.transport.get(address, path).await) {
                Answered::Document(document) => {
                    self.first.store(at, Ordering::Relaxed);
                    return Ok(document);
                }
                Answered::Error(RegistryError::Unavailable(reason)) => reasons.push(reason),
                Answered::Error(error @ RegistryError::Denied(_)) => {
                    denied.get_or_insert(error);
                }
                Answered::Error(error) => {
                    self.first.store(at, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Err(denied.unwrap_or_else(|| RegistryError::Unavailable(reasons.join("; "))))
    }
}

/// A text as a part of a path or a query.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(other >> 4)]));
                out.push(char::from(HEX[usize::from(other & 15)]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_one_part_of_a_path() {
        let check = |text: &str, expect: &str| assert_eq!(encoded(text), expect, "{text}");
        check("orders-value", "orders-value");
        check(":.ctx:a/b c", "%3A.ctx%3Aa%2Fb%20c");
        check("ü", "%C3%BC");
    }
}
