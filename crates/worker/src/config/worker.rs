//! What a worker's file means.

use std::fmt;
use std::time::Duration;

use starrocks_kafka_connect::config::{Config, ConfigProblem, DefaultValue, Given};

use super::clients::{self, Client, Layer};
use super::converters;
use super::overrides::{self, OverridePolicy};
use super::problem::Notice;
use super::providers::Providers;
use super::purpose::Purpose;
use super::registry;
use super::security;
use super::unknown;
use super::variables;
use super::worker_keys::{DEF, without_effect};

/// What all connectors of a worker share. `Debug` leaves the properties out, for they may have secrets.
#[derive(Clone)]
pub struct WorkerConfig {
    /// `bootstrap.servers`.
    pub bootstrap_servers: String,
    /// `task.shutdown.graceful.timeout.ms`: how long all tasks together may take to finish.
    pub graceful_shutdown_timeout: Duration,
    /// What was accepted and has no effect, or is likely to be a mistake; to be said once.
    pub notices: Vec<Notice>,
    pub(super) given: Given,
    pub(super) override_policy: OverridePolicy,
    /// For the values of connectors.
    pub(super) providers: Providers,
    pub(super) consumer: Layer,
    pub(super) producer: Layer,
    /// What is wrong with the security of its clients, which connectors need not say again.
    pub(super) wrong_security: Vec<ConfigProblem>,
}

impl fmt::Debug for WorkerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerConfig")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .finish_non_exhaustive()
    }
}

impl WorkerConfig {
    /// Reads a worker's properties. Where something is wrong, defaults take its place, so that connectors can
    /// be checked all the same; the worker does not start with them.
    pub(super) fn check(given: &Given, purpose: Purpose) -> (Self, Vec<ConfigProblem>) {
        let (providers, undeclared) = Providers::read(given);
        let resolved = variables::resolve(given, &providers);
        let given = &resolved.given;
        let (config, mut problems) = DEF.validate(given);
        let mut notices = Vec::new();
        problems.extend(converters::check_worker(given));
        let allowlist = config.list(overrides::ALLOWLIST);
        let policy = OverridePolicy::parse(
            config.string(overrides::PROPERTY).unwrap_or("All"),
            allowlist,
        );
        let override_policy = policy.unwrap_or_else(|problem| {
            problems.push(problem);
            OverridePolicy::default()
        });

        let (consumer, found) = Client::Consumer.read("consumer.", given);
        problems.extend(found.problems);
        notices.extend(found.notices);
        let together = clients::check_together(&[&consumer], "consumer.");
        problems.extend(together);
        let (producer, found) = Client::Producer.read("producer.", given);
        problems.extend(found.problems);
        notices.extend(found.notices);
        let mut found_wrong = Vec::new();
        for (layer, prefix) in [(&consumer, "consumer."), (&producer, "producer.")] {
            let (_, wrong) = security::resolve(&clients::security(&[layer], prefix));
            // What is missing may stand in a connector's file.
            let wrong = wrong.into_iter().filter(|wrong| !wrong.is_missing);
            found_wrong.extend(wrong.map(|wrong| wrong.problem));
        }
        purpose.weigh_kafka(found_wrong.clone(), &mut problems, &mut notices);

        let of_no_effect = |name: &String| Some(Notice::no_effect(name, without_effect(name)?));
        notices.extend(given.keys().filter_map(of_no_effect));
        let known = |name: &str| {
            without_effect(name).is_some()
                || clients::is_about_security(name)
                || registry::is_about_registry(name)
        };
        unknown::check(&DEF, given, known, &mut problems, &mut notices);

        let mut worker = Self {
            bootstrap_servers: bootstrap_servers(&config),
            graceful_shutdown_timeout: graceful_shutdown_timeout(&config),
            notices,
            given: given.clone(),
            override_policy,
            providers,
            consumer,
            producer,
            wrong_security: found_wrong,
        };
        resolved.finish(&mut problems, &mut worker.notices);
        problems.extend(undeclared);
        (worker, problems)
    }
}

fn bootstrap_servers(config: &Config) -> String {
    let addresses: Vec<&str> = config
        .list("bootstrap.servers")
        .iter()
        .map(String::as_str)
        .filter(|one| !one.is_empty())
        .collect();
    addresses.join(",")
}

fn graceful_shutdown_timeout(config: &Config) -> Duration {
    const PROPERTY: &str = "task.shutdown.graceful.timeout.ms";
    let default = || match DEF.key(PROPERTY)?.default {
        DefaultValue::Text(text) => text.parse().ok(),
        DefaultValue::Required | DefaultValue::Null => None,
    };
    let ms = config.integer(PROPERTY).or_else(default);
    Duration::from_millis(ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default())
}
