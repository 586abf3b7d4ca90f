//! The sink's own properties, parsed once: after this, nothing reads texts.
//!
//! One table gives names, defaults, bounds and the reference page. Properties that Connect itself reads
//! (`name`, `topics`, converters, …) are the worker's.

mod rows;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use starrocks_kafka_connect::config::{
    Config, ConfigDef, ConfigKey, ConfigProblem, Given, Importance, Kind, Validator,
};
use starrocks_kafka_starrocks as starrocks;
use starrocks_kafka_starrocks::{
    BeAddressMap, ClientConfig, Frontend, LoadHeaders, MysqlAddress, RedirectPolicy,
};

use crate::encode::RowSettings;
use crate::load_properties::LoadProperties;
use crate::recovery::InDoubt;
use crate::routing::{self, TopicMap};

/// How a connector loads.
#[derive(Clone, Debug)]
pub struct SinkSettings {
    /// Which StarRocks, as whom, and how it is reached.
    pub client: ClientConfig,
    /// `starrocks.mysql.url`: FEs by the MySQL protocol; none where it is not set.
    pub mysql: Vec<MysqlAddress>,
    /// `starrocks.database.name`.
    pub database: String,
    /// `starrocks.topic2table.map`.
    pub topics: TopicMap,
    /// `sink.properties.*` and `sink.table.<table>.properties.*`.
    pub loads: Arc<LoadProperties>,
    /// How rows are made.
    pub rows: RowSettings,
    /// `bufferflush.maxbytes`: a round is sealed when its rows have as many bytes.
    pub flush_bytes: u64,
    /// `bufferflush.intervalms`: a round is sealed this long after its first row.
    pub flush_interval: Duration,
    /// `sink.maxretries`: how often a round that StarRocks refused is repeated; `None` for ever.
    pub max_retries: Option<u32>,
    /// `starrocks.delivery.guarantee`; `None` where it is left to what Kafka and StarRocks can do.
    pub delivery_guarantee: Option<DeliveryGuarantee>,
    /// `starrocks.in.doubt`.
    pub in_doubt: InDoubt,
    /// `starrocks.bisect.max.loads`: how many loads may look for the bad rows of one round.
    pub bisect_loads_max: u32,
    /// `starrocks.progress.timeout.ms`: a task whose records wait this long without progress fails.
    pub progress_timeout: Duration,
    /// `starrocks.unavailable.timeout.ms`: a task fails when StarRocks is away this long; `None` never.
    pub unavailable_timeout: Option<Duration>,
    /// Properties that were set and mean nothing without another.
    idle: Vec<&'static str>,
}

/// What is promised of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryGuarantee {
    /// Its rows are in the table once.
    ExactlyOnce,
    /// Its rows are in the table at least once; after a failure perhaps again.
    AtLeastOnce,
}

impl DeliveryGuarantee {
    /// The name in properties and in the status.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExactlyOnce => EXACTLY_ONCE,
            Self::AtLeastOnce => AT_LEAST_ONCE,
        }
    }
}

const EXACTLY_ONCE: &str = "exactly-once";
const AT_LEAST_ONCE: &str = "at-least-once";

pub use rows::KEYS as ROW_KEYS;

/// Prefixes under which every name is the sink's.
pub const PREFIXES: &[&str] = &["sink.properties.", "sink.table."];

/// The sink's properties.
pub const KEYS: &[ConfigKey] = &[
    ConfigKey::new(HTTP_URL, Kind::String)
        .group(STARROCKS)
        .importance(Importance::High)
        .doc(
            "HTTP addresses of the front ends (FE), `host:port,host:port`; each may begin with `http://` or `https://`. \
             They are asked in turn, those that fail rest for a while.",
        ),
    ConfigKey::new(DATABASE, Kind::String)
        .non_empty()
        .group(STARROCKS)
        .importance(Importance::High)
        .doc("The database that all tables are in."),
    ConfigKey::new(USERNAME, Kind::String)
        .non_empty()
        .aliases(&["starrocks.user"])
        .group(STARROCKS)
        .importance(Importance::High)
        .doc("The user that loads; needs INSERT on the tables."),
    ConfigKey::new(PASSWORD, Kind::Password)
        .group(STARROCKS)
        .importance(Importance::High)
        .doc("The user's password; may be empty, but must be there. Never logged."),
    ConfigKey::new(TOPIC_TO_TABLE, Kind::String)
        .optional()
        .validator(Validator::Custom {
            allowed: "`topic:table,topic:table`",
            check: TopicMap::check,
        })
        .group(STARROCKS)
        .doc("Tables that are not called as their topics. Topics not named go to the table of their name."),
    ConfigKey::new(CONNECT_TIMEOUT_MS, Kind::Long)
        .default("1000")
        .between(100, 60_000)
        .group(STARROCKS)
        .doc("Longest time to make one connection, in milliseconds."),
    ConfigKey::new(BE_ADDRESS_MAP, Kind::String)
        .default("")
        .group(STARROCKS)
        .doc(
            "`host:port=host:port,…`: how back ends (BE) are reached from here, where that differs from the address \
             they registered themselves with; `*` on the left stands for all others, `https://` may begin the right.",
        ),
    ConfigKey::new(HTTP_REDIRECT, Kind::String)
        .default("refuse")
        .one_of(&["refuse", "allow"])
        .group(STARROCKS)
        .doc(
            "What happens when an FE asked by HTTPS names a BE by plain HTTP: `refuse`, or `allow`, which sends user, \
             password and rows over the network in clear.",
        ),
    ConfigKey::new(CA_LOCATION, Kind::String)
        .default("")
        .group(STARROCKS)
        .doc("PEM file with the certificate authorities to trust for HTTPS, in place of the system's."),
    ConfigKey::new(MYSQL_URL, Kind::String)
        .default("")
        .group(STARROCKS)
        .doc(
            "FEs by the MySQL protocol, `fe1:9030,fe2:9030`, with the same user and password. Where it is set, StarRocks is asked for tables by \
             SQL, which tells more of them than HTTP does: elements of arrays, fields of structs, and which columns take NULL. \
             The connection is in the clear.",
        ),
    ConfigKey::new(FLUSH_BYTES, Kind::Long)
        .default("94371840")
        .between(67_108_864, 10_737_418_240)
        .group(LOADING)
        .importance(Importance::High)
        .doc("A round is loaded when its rows have as many bytes. Rows stream to StarRocks meanwhile: this is no memory."),
    ConfigKey::new(FLUSH_INTERVAL_MS, Kind::Long)
        .default("300000")
        .between(1_000, 3_600_000)
        .group(LOADING)
        .importance(Importance::High)
        .doc("A round is loaded this long after it began, in milliseconds: how old a row is at most when it is seen."),
    ConfigKey::new(FORMAT, Kind::String)
        .default("json")
        .one_of_ignore_case(&["json", "csv"])
        .group(LOADING)
        .doc(
            "How rows are written. In `csv`, texts are sent as they are; the fields of structs and maps stand in the order of \
             `sink.properties.columns`, else of the table's columns. Other `sink.properties.*` are sent as headers of \
             the load: see StarRocks' documentation of STREAM LOAD. `sink.table.<table>.properties.*` are those of one \
             table, in place of those of the same name for all.",
        ),
    ConfigKey::new(MAX_RETRIES, Kind::Long)
        .default("3")
        .at_least(-1)
        .group(LOADING)
        .doc("How often a round that StarRocks answered and refused is repeated; -1 for ever. Not being reachable does not count."),
    ConfigKey::new(GUARANTEE, Kind::String)
        .optional()
        .one_of(&[EXACTLY_ONCE, AT_LEAST_ONCE])
        .group(DELIVERY)
        .doc("Where it is not set: exactly once where Kafka (2.5 or later) and StarRocks can, else at least once, which is said."),
    ConfigKey::new(IN_DOUBT, Kind::String)
        .default("fail")
        .one_of(&["fail", "replay", "skip"])
        .group(DELIVERY)
        .doc(
            "What happens with a decided round that StarRocks knows nothing of any more: `fail` says what to check, \
             `replay` loads it (again), `skip` takes it as loaded.",
        ),
    ConfigKey::new(BISECT_MAX_LOADS, Kind::Int)
        .default("64")
        .at_least(1)
        .group(DELIVERY)
        .doc(
            "With `errors.tolerance=all`: how many loads may look for the rows of one round that StarRocks refuses, before the task \
             fails with what was found. A bad row among n takes about log2(n) loads.",
        ),
    ConfigKey::new(PROGRESS_TIMEOUT_MS, Kind::Long)
        .default("600000")
        .at_least(1_000)
        .group(DELIVERY)
        .doc("A task fails whose records wait this long without any progress, in milliseconds."),
    ConfigKey::new(UNAVAILABLE_TIMEOUT_MS, Kind::Long)
        .default("0")
        .at_least(0)
        .group(DELIVERY)
        .doc("A task fails when StarRocks cannot be reached for as long, in milliseconds; 0: it waits for ever."),
];

const DEF: ConfigDef = ConfigDef::new(&[KEYS, ROW_KEYS], PREFIXES);

const STARROCKS: &str = "StarRocks";
const LOADING: &str = "Loading";
const DELIVERY: &str = "Delivery";

const HTTP_URL: &str = Frontend::PROPERTY;
const DATABASE: &str = "starrocks.database.name";
const USERNAME: &str = "starrocks.username";
const PASSWORD: &str = "starrocks.password";
const TOPIC_TO_TABLE: &str = routing::TOPIC2TABLE_MAP;
const CONNECT_TIMEOUT_MS: &str = "connect.timeoutms";
const BE_ADDRESS_MAP: &str = BeAddressMap::PROPERTY;
const HTTP_REDIRECT: &str = RedirectPolicy::PROPERTY;
const CA_LOCATION: &str = "starrocks.ssl.ca.location";
const MYSQL_URL: &str = MysqlAddress::PROPERTY;
const FLUSH_BYTES: &str = "bufferflush.maxbytes";
const FLUSH_INTERVAL_MS: &str = "bufferflush.intervalms";
const FORMAT: &str = "sink.properties.format";
const MAX_RETRIES: &str = "sink.maxretries";
const GUARANTEE: &str = "starrocks.delivery.guarantee";
const IN_DOUBT: &str = "starrocks.in.doubt";
const BISECT_MAX_LOADS: &str = "starrocks.bisect.max.loads";
const PROGRESS_TIMEOUT_MS: &str = "starrocks.progress.timeout.ms";
const UNAVAILABLE_TIMEOUT_MS: &str = "starrocks.unavailable.timeout.ms";

impl SinkSettings {
    /// Reads a connector's properties; those that are not the sink's are left alone.
    ///
    /// # Errors
    /// Everything that is wrong, at once: what is missing, what cannot be read, what is out of bounds, and what
    /// is not yet supported.
    pub fn parse(given: &Given) -> Result<Self, Vec<ConfigProblem>> {
        let (config, problems) = DEF.validate(given);
        let mut found = Found {
            config: &config,
            problems,
        };
        let client = found.client();
        let mysql = found.mysql();
        let loads = found.loads(given);
        let (Some(client), Some(loads), []) = (client, loads, &found.problems[..]) else {
            return Err(found.problems);
        };
        let topics = config
            .string(TOPIC_TO_TABLE)
            .map(TopicMap::parse)
            .transpose();
        let topics = topics.map_err(|problem| vec![problem])?.unwrap_or_default();
        let rows = rows::parse(&config, loads.row_formats())?;
        Ok(Self {
            idle: rows::without_effect(&rows, |name| given.contains_key(name)).collect(),
            rows,
            client,
            mysql,
            loads: Arc::new(loads),
            database: text(&config, DATABASE),
            topics,
            flush_bytes: number(&config, FLUSH_BYTES),
            flush_interval: Duration::from_millis(number(&config, FLUSH_INTERVAL_MS)),
            max_retries: config
                .integer(MAX_RETRIES)
                .filter(|retries| *retries >= 0)
                .map(|retries| u32::try_from(retries).unwrap_or(u32::MAX)),
            delivery_guarantee: config.string(GUARANTEE).map(|word| match word {
                EXACTLY_ONCE => DeliveryGuarantee::ExactlyOnce,
                _ => DeliveryGuarantee::AtLeastOnce,
            }),
            in_doubt: match config.string(IN_DOUBT) {
                Some("replay") => InDoubt::Replay,
                Some("skip") => InDoubt::Skip,
                _ => InDoubt::Fail,
            },
            bisect_loads_max: u32::try_from(number(&config, BISECT_MAX_LOADS)).unwrap_or(u32::MAX),
            progress_timeout: Duration::from_millis(number(&config, PROGRESS_TIMEOUT_MS)),
            unavailable_timeout: match number(&config, UNAVAILABLE_TIMEOUT_MS) {
                0 => None,
                ms => Some(Duration::from_millis(ms)),
            },
        })
    }
}

impl SinkSettings {
    /// The headers of a table's loads.
    #[must_use]
    pub fn load_headers(&self, table: &str) -> &LoadHeaders {
        self.loads.of(table)
    }

    /// What is likely to be a mistake, or is given up without having been asked. `topics` are those that are read, where they
    /// are known.
    #[must_use]
    pub fn warnings(&self, topics: Option<&[String]>) -> Vec<String> {
        let mut warnings = Vec::new();
        let forcing = self.loads.stream_load_only();
        if self.delivery_guarantee.is_none() && !forcing.is_empty() {
            warnings.push(format!(
                "rows are loaded at least once: {} {} honoured by plain Stream Load only. With {GUARANTEE}={AT_LEAST_ONCE} \
                 written out, this is not said again",
                forcing.join(", "),
                if forcing.len() == 1 { "is" } else { "are" },
            ));
        }
        warnings.extend(self.loads.doubtful().map(str::to_owned));
        warnings.extend(
            self.idle
                .iter()
                .map(|name| format!("{name} has no effect without starrocks.cdc.format=debezium")),
        );
        if let Some(topics) = topics {
            let is_loaded = |table: &str| {
                topics
                    .iter()
                    .any(|topic| self.topics.table_of(topic) == table)
            };
            let idle = self.loads.tables().filter(|table| !is_loaded(table));
            warnings.extend(idle.map(|table| {
                format!(
                    "sink.table.{table}.properties.* have no effect: no topic goes to table {table}; upper and lower case \
                     are different"
                )
            }));
        }
        warnings
    }

    /// The guarantee that tasks begin with: the one that was asked for, else the best that the load properties allow.
    #[must_use]
    pub fn first_guarantee(&self) -> DeliveryGuarantee {
        let best = if self.loads.needs_stream_load() {
            DeliveryGuarantee::AtLeastOnce
        } else {
            DeliveryGuarantee::ExactlyOnce
        };
        self.delivery_guarantee.unwrap_or(best)
    }
}

/// Values that were read, and what is wrong with others.
struct Found<'c> {
    config: &'c Config,
    problems: Vec<ConfigProblem>,
}

impl Found<'_> {
    /// The value of a parser of the StarRocks client; its error becomes a problem.
    fn or_problem<T>(&mut self, parsed: Result<T, starrocks::ConfigError>) -> Option<T> {
        parsed.map_err(|e| self.problems.push(problem(&e))).ok()
    }

    fn client(&mut self) -> Option<ClientConfig> {
        let config = self.config;
        // Where it is missing, that is said already.
        let frontends = config.string(HTTP_URL).map(Frontend::parse_list);
        let frontends = frontends.and_then(|parsed| self.or_problem(parsed));
        let map = self.or_problem(BeAddressMap::parse(
            config.string(BE_ADDRESS_MAP).unwrap_or_default(),
        ));
        let password = config
            .password(PASSWORD)
            .map(|secret| starrocks::Secret::new(secret.reveal()))?;
        let mut client = ClientConfig::new(frontends?, text(config, USERNAME), password);
        client.connect_timeout =
            Duration::from_millis(config.integer(CONNECT_TIMEOUT_MS)?.try_into().ok()?);
        client.be_address_map = map?;
        client.redirect = match config.string(HTTP_REDIRECT)? {
            "allow" => RedirectPolicy::Allow,
            _ => RedirectPolicy::Refuse,
        };
        client.ca_file = config
            .string(CA_LOCATION)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        Some(client)
    }

    /// None where it is not set.
    fn mysql(&mut self) -> Vec<MysqlAddress> {
        match self.config.string(MYSQL_URL) {
            Some(text) if !text.trim().is_empty() => self
                .or_problem(MysqlAddress::parse_list(text))
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    fn loads(&mut self, given: &Given) -> Option<LoadProperties> {
        // The table has said already what is wrong with the format.
        let said = self.problems.iter().any(|problem| problem.name == FORMAT);
        let mut given = given.clone();
        given.retain(|name, _| !(said && name == FORMAT));
        let loads = LoadProperties::parse(&given)
            .map_err(|problems| self.problems.extend(problems))
            .ok()?;
        if self.config.string(GUARANTEE) == Some(EXACTLY_ONCE) {
            let refused = loads.stream_load_only().into_iter().map(|name| {
                let message = format!(
                    "{name} is honoured by plain Stream Load only, which loads rows at least once: remove it, or set \
                     {GUARANTEE}={AT_LEAST_ONCE}"
                );
                ConfigProblem::about(name, message)
            });
            self.problems.extend(refused);
        }
        Some(loads)
    }
}

fn problem(error: &starrocks::ConfigError) -> ConfigProblem {
    ConfigProblem::about(&error.property, error.to_string())
}

fn text(config: &Config, name: &str) -> String {
    config.string(name).unwrap_or_default().to_owned()
}

/// A number that the table bounds below by zero.
fn number(config: &Config, name: &str) -> u64 {
    config
        .integer(name)
        .and_then(|number| u64::try_from(number).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
