//! Kafka client properties: from layers of Java's names to librdkafka's.
//!
//! Each layer (`consumer.*` of the worker, `consumer.override.*` of a connector) is checked where it
//! stands, so that a message names the property as it was written; later layers win. What secures a client
//! is understood when all layers are known.

use std::collections::BTreeMap;
use std::time::Duration;

use starrocks_kafka_connect::config::{ConfigKey, ConfigProblem, ConfigValue, DefaultValue, Given};

use super::client_table::{CONSUMER, ClientProperty, Effect, PRODUCER, SHARED, Values, assignor};
use super::problem::Notice;
use super::security::{Merged, Said};
use super::security_table::{PROTOCOL, SECURITY};

/// Which of Kafka's clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    Consumer,
    Producer,
}

/// What one layer says, by Java's names, checked. It has no `Debug`, for it has passwords.
#[derive(Clone, Default)]
pub(super) struct Layer {
    prefix: String,
    values: BTreeMap<&'static str, String>,
}

/// What reading a layer found beside its values.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<ConfigProblem>,
    pub(super) notices: Vec<Notice>,
}

impl Client {
    /// The properties this client has.
    pub(super) fn table(self) -> impl Iterator<Item = &'static ClientProperty> {
        let own = match self {
            Self::Consumer => CONSUMER,
            Self::Producer => PRODUCER,
        };
        SHARED.iter().chain(SECURITY).chain(own)
    }

    fn property(self, name: &str) -> Option<&'static ClientProperty> {
        self.table().find(|property| property.key.name == name)
    }

    /// Checks the properties of `given` whose names begin with `prefix`.
    pub(super) fn read(self, prefix: &str, given: &Given) -> (Layer, Findings) {
        let mut layer = Layer {
            prefix: prefix.to_owned(),
            values: BTreeMap::new(),
        };
        let mut findings = Findings::default();
        let named = given
            .iter()
            .filter_map(|(full, text)| Some((full, full.strip_prefix(prefix)?, text)));
        for (full, name, text) in named {
            let Some(property) = self.property(name) else {
                findings.problems.push(self.unknown(prefix, full, name));
                continue;
            };
            match property.accept(full, text) {
                Ok(Some(value)) => {
                    findings.notices.extend(property.loses(full, &value));
                    layer.values.insert(property.key.name, value);
                }
                Ok(None) => findings.notices.extend(property.says(full)),
                Err(problem) => findings.problems.push(problem),
            }
        }
        (layer, findings)
    }

    fn unknown(self, prefix: &str, full: &str, name: &str) -> ConfigProblem {
        let nearest = self
            .table()
            .map(|property| property.key.name)
            .min_by_key(|known| strsim::osa_distance(known, name))
            .expect("the tables are not empty");
        let client = match self {
            Self::Consumer => "consumer",
            Self::Producer => "producer",
        };
        ConfigProblem::about(
            full,
            format!(
                "Unknown configuration {full}: Kafka's {client} has no property {name}; the nearest is {prefix}{nearest}."
            ),
        )
    }

    /// librdkafka's properties: defaults, then the layers, later ones winning.
    pub(super) fn translate(self, layers: &[&Layer]) -> BTreeMap<String, String> {
        let mut translated = BTreeMap::new();
        for property in self.table() {
            let Effect::Sets(name, values) = property.effect else {
                continue;
            };
            let said = layers
                .iter()
                .rev()
                .find_map(|layer| layer.values.get(property.key.name));
            let value = match (said, property.key.default) {
                (Some(said), _) => said.clone(),
                (None, DefaultValue::Text(default)) => default.to_owned(),
                (None, _) => continue,
            };
            translated.insert(name.to_owned(), values.write(&value));
        }
        if self == Self::Consumer {
            // What delivery rests on, and no user may change.
            translated.insert("enable.auto.commit".to_owned(), "false".to_owned());
            translated.insert("enable.auto.offset.store".to_owned(), "false".to_owned());
        } else {
            // Java's partitioner, so that dead letters of a key go where Java would send them.
            translated.insert("partitioner".to_owned(), "murmur2_random".to_owned());
        }
        translated
    }
}

impl Layer {
    /// A layer of one property, set by us.
    pub(super) fn of(name: &'static str, value: impl Into<String>) -> Self {
        Self {
            prefix: String::new(),
            values: [(name, value.into())].into(),
        }
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether it says anything of TLS or SASL.
    pub(super) fn is_about_security(&self) -> bool {
        self.values.keys().any(|name| is_about_security(name))
    }

    /// What the layer says of a property.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

impl ClientProperty {
    /// The value for librdkafka in Java's notation; `None` where there is none.
    fn accept(&self, full: &str, text: &str) -> Result<Option<String>, ConfigProblem> {
        match self.effect {
            Effect::Sets(..) | Effect::Secures(_) => {
                let value = self.key.check(full, text)?;
                Ok(Some(in_java(&value)))
            }
            Effect::None(_) => Ok(None),
            Effect::Only(allowed, way_out) => {
                let text = text.trim();
                if allowed.contains(&text) {
                    return Ok(None);
                }
                let shown = if text.is_empty() { "(empty)" } else { text };
                Err(ConfigProblem::invalid(full, shown, &format!("{way_out}.")))
            }
        }
    }

    /// Assignors of a list that librdkafka cannot take beside the first one.
    fn loses(&self, full: &str, value: &str) -> Option<Notice> {
        let Effect::Sets(_, Values::Assignors) = self.effect else {
            return None;
        };
        let kept = assignors(value);
        let lost: Vec<&str> = value
            .split(',')
            .filter(|name| {
                assignor(name).is_some_and(|(name, _)| !kept.split(',').any(|one| one == name))
            })
            .collect();
        (!lost.is_empty()).then(|| {
            let lost = lost.join(", ");
            Notice::warning(format!(
                "{full}: {lost} is left out, for librdkafka takes either eager or cooperative assignors; used is {kept}."
            ))
        })
    }

    fn says(&self, full: &str) -> Option<Notice> {
        match self.effect {
            Effect::None(why) => Some(Notice::no_effect(full, why)),
            Effect::Sets(..) | Effect::Secures(_) | Effect::Only(..) => None,
        }
    }
}

/// Whether a client's property is about TLS or SASL.
pub(super) fn is_about_security(name: &str) -> bool {
    name.starts_with("ssl.") || name.starts_with("sasl.") || name == PROTOCOL
}

/// What layers say of a client's security together. `prefix` is that of names that nobody wrote.
pub(super) fn security<'p>(layers: &[&Layer], prefix: &'p str) -> Merged<'p> {
    let mut said = BTreeMap::new();
    for layer in layers {
        let own = layer
            .values
            .iter()
            .filter(|(name, _)| is_about_security(name));
        said.extend(own.map(|(name, value)| {
            let full = format!("{}{name}", layer.prefix);
            (
                *name,
                Said {
                    full,
                    value: value.clone(),
                },
            )
        }));
    }
    Merged { said, prefix }
}

/// A checked value as Java writes it.
fn in_java(value: &ConfigValue) -> String {
    match value {
        ConfigValue::Boolean(truth) => truth.to_string(),
        ConfigValue::List(elements) => elements.join(","),
        ConfigValue::String(text) => text.clone(),
        ConfigValue::Password(secret) => secret.reveal().to_owned(),
        other => other
            .integer()
            .map(|number| number.to_string())
            .unwrap_or_default(),
    }
}

impl Values {
    /// A value in Java's notation, for librdkafka.
    fn write(self, value: &str) -> String {
        let number = || value.parse::<i64>().expect("the table checks numbers");
        match self {
            Self::Same => value.to_owned(),
            Self::Lower => value.to_ascii_lowercase(),
            Self::Words(words) => {
                let word = words.iter().find(|(java, _)| *java == value);
                word.map_or(value, |(_, ours)| ours).to_owned()
            }
            Self::NegativeIsZero => number().max(0).to_string(),
            Self::Kibibytes => (number() / 1024).to_string(),
            Self::Assignors => assignors(value),
        }
    }
}

/// librdkafka takes eager assignors or cooperative ones: those of the first one's kind.
fn assignors(list: &str) -> String {
    let known: Vec<_> = list
        .split(',')
        .filter_map(|name| assignor(name.trim()))
        .collect();
    let kind = known.first().map(|(_, cooperative)| *cooperative);
    let mut names: Vec<&str> = Vec::new();
    for (name, cooperative) in known {
        if Some(cooperative) == kind && !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(",")
}

/// How often a translated consumer asks for the topics there are.
pub(super) fn metadata_refresh_interval(consumer: &BTreeMap<String, String>) -> Duration {
    let ms = consumer
        .get("topic.metadata.refresh.interval.ms")
        .and_then(|text| text.parse().ok());
    Duration::from_millis(ms.expect("the table has a default"))
}

/// What must hold between the properties of a consumer that librdkafka or the group would refuse
/// otherwise. `prefix` and the layer say where a message points to.
pub(super) fn check_together(layers: &[&Layer], prefix: &str) -> Vec<ConfigProblem> {
    let number = |name: &str| {
        let said = layers.iter().rev().find_map(|layer| layer.get(name));
        let key = |property: &ClientProperty| property.key.name == name;
        let default = || match Client::Consumer.table().find(|property| key(property))?.key {
            ConfigKey {
                default: DefaultValue::Text(text),
                ..
            } => Some(text),
            _ => None,
        };
        said.or_else(default)
            .and_then(|text| text.parse::<i64>().ok())
            .unwrap_or_default()
    };
    let (session, heartbeat) = (
        number("session.timeout.ms"),
        number("heartbeat.interval.ms"),
    );
    let (poll, wait) = (number("max.poll.interval.ms"), number("fetch.max.wait.ms"));
    let request = number("request.timeout.ms");
    let mut problems = Vec::new();
    let mut refuse = |name: &str, value: i64, reason: String| {
        problems.push(ConfigProblem::invalid(
            &format!("{prefix}{name}"),
            &value.to_string(),
            &reason,
        ));
    };
    if heartbeat >= session {
        let reason = format!(
            "Heartbeat must be set lower than the session timeout, session.timeout.ms = {session}"
        );
        refuse("heartbeat.interval.ms", heartbeat, reason);
    }
    if poll < session {
        let reason = format!("Value must be at least session.timeout.ms = {session}");
        refuse("max.poll.interval.ms", poll, reason);
    }
    if wait >= request {
        let reason = format!("Value must be below request.timeout.ms = {request}");
        refuse("fetch.max.wait.ms", wait, reason);
    }
    problems
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::consumer::BaseConsumer;
    use rdkafka::producer::BaseProducer;
    use starrocks_kafka_connect::config::{Kind, Validator};

    use super::*;

    /// What librdkafka gets when `prefix.name=text` is written.
    fn translated(client: Client, name: &str, text: &str) -> ClientConfig {
        let given: Given = [(format!("p.{name}"), text.to_owned())].into();
        let (layer, found) = client.read("p.", &given);
        assert!(
            found.problems.is_empty(),
            "{name}={text}: {:?}",
            found.problems
        );
        client.translate(&[&layer]).into_iter().collect()
    }

    /// What our table allows, librdkafka must: otherwise it refuses later, in words the user does not know.
    #[test]
    fn librdkafka_takes_all_that_is_allowed() {
        for client in [Client::Consumer, Client::Producer] {
            for ClientProperty { key, effect } in client.table() {
                if !matches!(effect, Effect::Sets(..)) {
                    continue;
                }
                let samples: Vec<String> = match (key.validator, key.kind) {
                    (
                        Validator::Range {
                            min: Some(min),
                            max: Some(max),
                        },
                        _,
                    ) => vec![min.to_string(), max.to_string()],
                    (Validator::OneOf(words) | Validator::OneOfIgnoreCase(words), _) => {
                        words.iter().map(|word| (*word).to_owned()).collect()
                    }
                    (_, Kind::Boolean) => vec!["true".into(), "false".into()],
                    _ => Vec::new(),
                };
                for sample in samples {
                    let config = translated(client, key.name, &sample);
                    if let Err(e) = config.create_native_config() {
                        panic!("{}={sample}: {e}", key.name);
                    }
                }
            }
        }
    }

    #[test]
    fn librdkafka_starts_with_the_defaults() {
        let mut consumer: ClientConfig = Client::Consumer.translate(&[]).into_iter().collect();
        consumer.set("group.id", "g");
        consumer
            .create::<BaseConsumer>()
            .expect("a consumer needs no broker to start");
        let mut producer: ClientConfig = Client::Producer.translate(&[]).into_iter().collect();
        producer
            .set("transactional.id", "t")
            .set("transaction.timeout.ms", "10000");
        producer
            .create::<BaseProducer>()
            .expect("a producer needs no broker to start");
    }

    #[test]
    fn assignors_that_are_left_out_are_said() {
        let check = |list: &str, expect: &[&str]| {
            let given: Given = [(
                "c.partition.assignment.strategy".to_owned(),
                list.to_owned(),
            )]
            .into();
            let (_, found) = Client::Consumer.read("c.", &given);
            let said: Vec<_> = found.notices.iter().map(ToString::to_string).collect();
            assert_eq!(said, expect, "{list}");
        };
        check("range, roundrobin", &[]);
        check("range,range", &[]);
        check(
            "range, cooperative-sticky",
            &[
                "c.partition.assignment.strategy: cooperative-sticky is left out, for librdkafka takes either eager or \
               cooperative assignors; used is range.",
            ],
        );
    }

    #[test]
    fn names_stand_once() {
        for client in [Client::Consumer, Client::Producer] {
            let mut names: Vec<_> = client.table().map(|property| property.key.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{client:?}");
        }
    }

    #[test]
    fn properties_that_belong_together_are_checked_together() {
        let check = |pairs: &[(&str, &str)], expect: &str| {
            let given: Given = pairs
                .iter()
                .map(|(name, text)| (format!("c.{name}"), (*text).to_owned()))
                .collect();
            let (layer, _) = Client::Consumer.read("c.", &given);
            let problems: Vec<_> = check_together(&[&layer], "c.")
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(problems.join("\n"), expect);
        };
        check(&[], "");
        check(
            &[
                ("session.timeout.ms", "6000"),
                ("heartbeat.interval.ms", "5999"),
            ],
            "",
        );
        check(
            &[("session.timeout.ms", "3000")],
            "Invalid value 3000 for configuration c.heartbeat.interval.ms: Heartbeat must be set lower than the session \
             timeout, session.timeout.ms = 3000",
        );
        check(
            &[("max.poll.interval.ms", "40000")],
            "Invalid value 40000 for configuration c.max.poll.interval.ms: Value must be at least session.timeout.ms = 45000",
        );
        check(
            &[("fetch.max.wait.ms", "30000")],
            "Invalid value 30000 for configuration c.fetch.max.wait.ms: Value must be below request.timeout.ms = 30000",
        );
    }
}
