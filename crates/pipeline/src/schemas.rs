//! The Schema Registries of a connector, asked until they answer.

use std::sync::Arc;

use starrocks_kafka_connect::converter::Role;
use starrocks_kafka_connect::registry::RegisteredSchema;

use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::encode::SchemaQuestion;
use crate::registry::{RegistryClient, RegistryError};
use crate::status::TaskStatus;

/// What a registry says in the end.
#[derive(Debug)]
pub enum Answer {
    /// The schema.
    Schema(Arc<RegisteredSchema>),
    /// There is none; why.
    Denied(String),
    /// It answers nothing that we ask; why, and what to do.
    Refused(String),
}

/// The registries of a connector's converters, where these have one. Clones share what was answered.
#[derive(Clone, Debug, Default)]
pub struct RegistryClients {
    /// Of keys.
    pub key: Option<RegistryClient>,
    /// Of values.
    pub value: Option<RegistryClient>,
}

/// Where one task asks for schemas, and shows that it does.
#[derive(Clone)]
pub struct Registries {
    clients: RegistryClients,
    clock: Arc<dyn Clock>,
    status: Arc<TaskStatus>,
}

impl Registries {
    /// Those of a task.
    #[must_use]
    pub fn new(clients: RegistryClients, clock: Arc<dyn Clock>, status: Arc<TaskStatus>) -> Self {
        Self {
            clients,
            clock,
            status,
        }
    }

    /// Asks for as long as there is no answer, and shows that it does.
    pub async fn answer(&self, question: &SchemaQuestion) -> Answer {
        let client = match question.role {
            Role::Key => &self.clients.key,
            Role::Value => &self.clients.value,
        };
        let Some(client) = client else {
            return Answer::Refused(format!(
                "{}.converter.schema.registry.url is not set",
                question.role.name()
            ));
        };
        let what = what(question);
        let mut backoff = Backoff::new();
        loop {
            let because = match client.schema(&question.request).await {
                Ok(schema) => {
                    self.status.succeeded(self.clock.now(), &what);
                    return Answer::Schema(schema);
                }
                Err(RegistryError::Denied(reason)) => {
                    self.status.succeeded(self.clock.now(), &what);
                    return Answer::Denied(reason);
                }
                Err(RegistryError::Refused(reason)) => {
                    self.status.forget(&what);
                    return Answer::Refused(reason);
                }
                Err(RegistryError::Unavailable(because)) => because,
            };
            self.status
                .try_again(self.clock.now(), &what, &because, false);
            backoff.wait().await;
        }
    }

    /// Nobody waits for this answer any more.
    pub(crate) fn forget(&self, question: &SchemaQuestion) {
        self.status.forget(&what(question));
    }
}

fn what(question: &SchemaQuestion) -> String {
    format!("read {} from the Schema Registry", question.request)
}
