//! Refusals with the codes of Confluent's registry. The words are this stand-in's own, as is the right of every server.

use serde_json::{Value, json};

/// A request that is answered with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) status: u16,
    /// `error_code`: the status, with two digits behind it where it has several reasons.
    pub(crate) code: u32,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn body(&self) -> Value {
        json!({"error_code": self.code, "message": self.message})
    }

    pub(crate) fn no_such_path() -> Self {
        Self::new(404, 404, "HTTP 404 Not Found")
    }

    pub(crate) fn no_such_method() -> Self {
        Self::new(405, 405, "HTTP 405 Method Not Allowed")
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, 401, "Unauthorized")
    }

    pub(crate) fn bad_request(why: impl std::fmt::Display) -> Self {
        Self::new(400, 400, format!("the request's body: {why}"))
    }

    pub(crate) fn no_subject(subject: impl std::fmt::Display) -> Self {
        Self::new(404, 40401, format!("Subject '{subject}' not found."))
    }

    pub(crate) fn no_version(version: impl std::fmt::Display) -> Self {
        Self::new(404, 40402, format!("Version {version} not found."))
    }

    pub(crate) fn no_schema(what: impl std::fmt::Display) -> Self {
        Self::new(404, 40403, format!("Schema {what} not found"))
    }

    pub(crate) fn subject_deleted(subject: impl std::fmt::Display) -> Self {
        let message = format!("Subject '{subject}' is soft-deleted; permanent=true removes it");
        Self::new(404, 40404, message)
    }

    pub(crate) fn subject_not_deleted(subject: impl std::fmt::Display) -> Self {
        let message = format!("Subject '{subject}' must be soft-deleted before permanent=true");
        Self::new(404, 40405, message)
    }

    pub(crate) fn version_deleted(
        subject: impl std::fmt::Display,
        version: impl std::fmt::Display,
    ) -> Self {
        let message = format!(
            "Version {version} of subject '{subject}' is soft-deleted; permanent=true removes it"
        );
        Self::new(404, 40406, message)
    }

    pub(crate) fn version_not_deleted(
        subject: impl std::fmt::Display,
        version: impl std::fmt::Display,
    ) -> Self {
        let message = format!(
            "Version {version} of subject '{subject}' must be soft-deleted before permanent=true"
        );
        Self::new(404, 40407, message)
    }

    pub(crate) fn no_level(subject: impl std::fmt::Display) -> Self {
        let message = format!("Subject '{subject}' has no compatibility level of its own");
        Self::new(404, 40408, message)
    }

    pub(crate) fn no_mode(subject: impl std::fmt::Display) -> Self {
        let message = format!("Subject '{subject}' has no mode of its own");
        Self::new(404, 40409, message)
    }

    pub(crate) fn incompatible(why: impl std::fmt::Display) -> Self {
        let message = format!("the schema is not compatible with an earlier one: {why}");
        Self::new(409, 409, message)
    }

    pub(crate) fn invalid_schema(why: impl std::fmt::Display) -> Self {
        Self::new(422, 42201, format!("Invalid schema: {why}"))
    }

    pub(crate) fn invalid_version(version: impl std::fmt::Display) -> Self {
        let message = format!("'{version}' is no version: a positive number, or latest");
        Self::new(422, 42202, message)
    }

    pub(crate) fn invalid_level(level: impl std::fmt::Display) -> Self {
        Self::new(422, 42203, format!("'{level}' is no compatibility level"))
    }

    pub(crate) fn invalid_mode(mode: impl std::fmt::Display) -> Self {
        Self::new(422, 42204, format!("'{mode}' is no mode"))
    }

    pub(crate) fn not_in_this_mode(why: impl std::fmt::Display) -> Self {
        Self::new(422, 42205, why.to_string())
    }

    pub(crate) fn referenced(by: &[i32]) -> Self {
        let message = format!("the schema is referenced by the schemas {by:?}");
        Self::new(422, 42206, message)
    }

    pub(crate) fn invalid_subject(subject: impl std::fmt::Display) -> Self {
        Self::new(422, 42208, format!("'{subject}' is no subject"))
    }
}
