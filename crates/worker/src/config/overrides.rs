//! Which client properties a connector may override: the worker's policy.

use starrocks_kafka_connect::class_name;
use starrocks_kafka_connect::config::{ConfigProblem, Given};

/// The property of the worker.
pub(super) const PROPERTY: &str = "connector.client.config.override.policy";
/// Its list, for the policy `Allowlist`.
pub(super) const ALLOWLIST: &str = "connector.client.config.override.allowlist";
/// The prefixes of a connector's overrides.
pub(super) const PREFIXES: &[&str] = &[
    "consumer.override.",
    "producer.override.",
    "admin.override.",
];

/// What connectors may override.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum OverridePolicy {
    /// Everything.
    #[default]
    All,
    /// Nothing.
    None,
    /// Who they are to Kafka.
    Principal,
    /// What is listed.
    Allowlist(Vec<String>),
}

impl OverridePolicy {
    /// The policy of this name.
    ///
    /// # Errors
    /// An unknown one.
    pub(super) fn parse(text: &str, allowlist: &[String]) -> Result<Self, ConfigProblem> {
        let is = |name: &str| {
            let full = format!(
                "org.apache.kafka.connect.connector.policy.{name}ConnectorClientConfigOverridePolicy"
            );
            class_name::denotes(text, &full, "ConnectorClientConfigOverridePolicy")
        };
        if is("All") {
            Ok(Self::All)
        } else if is("None") {
            Ok(Self::None)
        } else if is("Principal") {
            Ok(Self::Principal)
        } else if is("Allowlist") {
            Ok(Self::Allowlist(allowlist.to_vec()))
        } else {
            let reason = "Known policies are All, None, Principal and Allowlist";
            Err(ConfigProblem::invalid(PROPERTY, text, reason))
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::All => "All",
            Self::None => "None",
            Self::Principal => "Principal",
            Self::Allowlist(_) => "Allowlist",
        }
    }

    fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Principal => {
                ["sasl.jaas.config", "sasl.mechanism", "security.protocol"].contains(&name)
            }
            Self::Allowlist(list) => list.iter().any(|one| one == name),
        }
    }

    /// The overrides that are not allowed, in Connect's words.
    pub(super) fn refusals(&self, connector: &Given) -> Vec<ConfigProblem> {
        let overrides = connector.keys().filter_map(|full| {
            let name = PREFIXES
                .iter()
                .find_map(|prefix| full.strip_prefix(prefix))?;
            (!self.allows(name)).then_some((full, name))
        });
        overrides
            .map(|(full, name)| {
                let policy = self.name();
                let message = format!(
                    "The '{policy}' policy does not allow '{name}' to be overridden in the connector configuration."
                );
                ConfigProblem::about(full, message)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_connects() {
        let check = |policy: &str, name: &str, expect: bool| {
            let policy = OverridePolicy::parse(policy, &["fetch.min.bytes".to_owned()])
                .expect("a known policy");
            let given: Given = [(format!("consumer.override.{name}"), "x".to_owned())].into();
            assert_eq!(
                policy.refusals(&given).is_empty(),
                expect,
                "{policy:?} {name}"
            );
        };
        check("All", "group.id", true);
        check("None", "group.id", false);
        check("Principal", "group.id", false);
        check(
            "PrincipalConnectorClientConfigOverridePolicy",
            "sasl.jaas.config",
            true,
        );
        check("Allowlist", "fetch.min.bytes", true);
        check("Allowlist", "group.id", false);
        check(
            "org.apache.kafka.connect.connector.policy.AllConnectorClientConfigOverridePolicy",
            "group.id",
            true,
        );
    }

    #[test]
    fn refusals_are_in_connects_words() {
        let given: Given = [("consumer.override.group.id".to_owned(), "g".to_owned())].into();
        let refusals = OverridePolicy::None.refusals(&given);
        assert_eq!(
            refusals[0].to_string(),
            "The 'None' policy does not allow 'group.id' to be overridden in the connector configuration."
        );
        assert!(OverridePolicy::parse("Some", &[]).is_err());
    }
}
