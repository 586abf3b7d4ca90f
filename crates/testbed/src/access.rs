//! Who may do what.

use crate::cluster::Cluster;
use crate::options::Grant;

impl Cluster {
    /// The user's rights if name and password are right.
    fn grants(&self, basic: &(String, String)) -> Option<Vec<Grant>> {
        let meta = self.meta();
        meta.users
            .iter()
            .find(|u| u.name == basic.0 && u.password == basic.1)
            .map(|u| u.grants.clone())
    }

    /// The message of a refusal.
    pub(crate) fn authenticate(&self, basic: Option<&(String, String)>) -> Result<(), String> {
        match basic {
            Some(basic) if self.grants(basic).is_some() => Ok(()),
            Some((user, _)) => Err(format!("Access denied for {user}@127.0.0.1")),
            None => Err("Access denied for default_user@127.0.0.1".to_owned()),
        }
    }

    fn may(&self, basic: &(String, String), granted: impl Fn(&Grant) -> bool) -> bool {
        self.grants(basic)
            .is_some_and(|grants| grants.iter().any(|g| *g == Grant::All || granted(g)))
    }

    pub(crate) fn may_insert(
        &self,
        basic: &(String, String),
        db: &str,
        table: &str,
    ) -> Result<(), String> {
        let granted =
            |g: &Grant| matches!(g, Grant::Insert { db: d, table: t } if d == db && t == table);
        if self.may(basic, granted) {
            return Ok(());
        }
        Err(format!(
            "Access denied; you need (at least one of) the INSERT privilege(s) on TABLE {table} for this operation. User: {}",
            basic.0
        ))
    }

    pub(crate) fn may_select(
        &self,
        basic: &(String, String),
        db: &str,
        table: &str,
    ) -> Result<(), String> {
        let granted =
            |g: &Grant| matches!(g, Grant::Select { db: d, table: t } if d == db && t == table);
        if self.may(basic, granted) {
            return Ok(());
        }
        Err(format!(
            "Access denied; you need (at least one of) the SELECT privilege(s) on TABLE {table} for this operation. User: {}",
            basic.0
        ))
    }
}
