//! A request as the interface reads it.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::store::Deleted;

/// A request.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    /// As it stood in the request.
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(String, String)],
    pub(crate) body: &'a [u8],
}

impl Ask<'_> {
    /// The value of a parameter in the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a parameter says `true`.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.parameter(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Which versions are looked at.
    pub(crate) fn deleted(&self) -> Deleted {
        if self.is("deletedOnly") {
            Deleted::Only
        } else if self.is("deleted") {
            Deleted::Shown
        } else {
            Deleted::Hidden
        }
    }

    /// Reads the body, which is an object of JSON.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let object: Map<String, Value> =
            serde_json::from_slice(self.body).map_err(Refusal::bad_request)?;
        serde_json::from_value(Value::Object(object)).map_err(Refusal::bad_request)
    }

    /// The part of a list that `offset` and `limit` ask for.
    pub(crate) fn part<T>(&self, list: Vec<T>) -> Vec<T> {
        let number = |name: &str| self.parameter(name).and_then(|text| text.parse().ok());
        let limit = number("limit")
            .filter(|limit| *limit > 0)
            .unwrap_or(usize::MAX);
        list.into_iter()
            .skip(number("offset").unwrap_or(0))
            .take(limit)
            .collect()
    }
}
