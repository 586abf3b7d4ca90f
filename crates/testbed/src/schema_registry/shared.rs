//! What all servers of a registry share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::faults::Faults;
use super::journal::Journal;
use super::store::Store;

/// Who may ask. Where both lists are empty, everybody may.
#[derive(Clone, Default)]
pub struct Access {
    /// Names and passwords for basic authentication.
    pub users: Vec<(String, String)>,
    /// Bearer tokens.
    pub tokens: Vec<String>,
}

impl Access {
    /// One user.
    #[must_use]
    pub fn user(name: &str, password: &str) -> Self {
        Self {
            users: vec![(name.to_owned(), password.to_owned())],
            tokens: Vec::new(),
        }
    }

    /// One bearer token.
    #[must_use]
    pub fn token(token: &str) -> Self {
        Self {
            users: Vec::new(),
            tokens: vec![token.to_owned()],
        }
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.users.iter().map(|(name, _)| name).collect();
        f.debug_struct("Access")
            .field("users", &names)
            .field("tokens", &self.tokens.len())
            .finish()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    store: Mutex<Store>,
    access: Mutex<Access>,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    /// Whether GUIDs are told and looked for, as since 8.0.
    pub(crate) guids: bool,
}

impl Shared {
    pub(crate) fn new(access: Access, guids: bool) -> Self {
        Self {
            access: Mutex::new(access),
            guids,
            ..Self::default()
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn access(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
