//! The properties that say how rows are made: change events, time zones, bytes, defaults, columns of metadata.

use jiff::tz::TimeZone;
use starrocks_kafka_connect::config::{
    Config, ConfigKey, ConfigProblem, ConfigValue, Importance, Kind, Validator,
};

use super::MYSQL_URL;
use crate::encode::{
    BinaryFormat, CdcSettings, MetadataColumns, NullDefault, RowFormat, RowFormats, RowSettings,
    RowStyle, SchemaEvolution, Tombstones, Truncate, Unavailable, WithoutPrimaryKey,
};

/// How rows are made.
pub const KEYS: &[ConfigKey] = &[
    ConfigKey::new(CDC_FORMAT, Kind::String)
        .default("none")
        .one_of(&["none", "debezium"])
        .group(CDC)
        .doc(
            "`debezium`: values are change events of Debezium (JSON with schemas or without, Avro, Protobuf), and no transform is \
             needed. `c`, `u` and `r` become the row that is there afterwards, `d` deletes it, a changed primary key does both. \
             Schema changes, transactions and heartbeats are passed over. Rows are JSON.",
        ),
    ConfigKey::new(TOMBSTONES, Kind::String)
        .default("skip")
        .one_of(&["skip", "delete"])
        .group(CDC)
        .importance(Importance::Low)
        .doc(
            "What a record with a key and without a value means under `starrocks.cdc.format`: `skip`, for Debezium writes it behind the \
             deletion; `delete`, the row of that key is deleted.",
        ),
    ConfigKey::new(TRUNCATE, Kind::String)
        .default("fail")
        .one_of(&["fail", "skip"])
        .group(CDC)
        .importance(Importance::Low)
        .doc(
            "What becomes of the event that says that the source table was emptied, which no load can do: `fail`, it is an error; \
             `skip`, it is passed over and the rows stay.",
        ),
    ConfigKey::new(UNAVAILABLE, Kind::String)
        .default("partial")
        .one_of(&["partial", "fail"])
        .group(CDC)
        .doc(
            "What becomes of an update that does not tell a column, for it was not changed and not logged (PostgreSQL's TOAST): \
             `partial`, the column keeps its value (partial update: rows with other columns end the round, so let the source log all \
             of them where that is the rule, not the exception); `fail`, it is an error.",
        ),
    ConfigKey::new(PLACEHOLDER, Kind::String)
        .default("__debezium_unavailable_value")
        .non_empty()
        .group(CDC)
        .importance(Importance::Low)
        .doc("What stands in the place of such a value: Debezium's `unavailable.value.placeholder`."),
    ConfigKey::new(WITHOUT_PRIMARY_KEY, Kind::String)
        .default("fail")
        .one_of(&["fail", "drop-deletes"])
        .group(CDC)
        .importance(Importance::Low)
        .doc(
            "What becomes of change events for a table that is known to be no Primary Key table: `fail`, they are errors; \
             `drop-deletes`, each version of a row is one more row, and deletions are passed over. StarRocks before 3.x does not tell.",
        ),
    ConfigKey::new(EVOLUTION, Kind::String)
        .default("none")
        .one_of(&["none", "fail", ADD_COLUMNS])
        .group(VALUES)
        .doc(
            "What becomes of fields that their table has no column for: `none`, StarRocks leaves them out, which is said once where \
             records have schemas; `fail`, their record is an error; `add-columns`, the table gets them, of the type that the record's schema \
             says (by `starrocks.mysql.url`; needs ALTER). Rows are JSON; tables whose load properties name `columns` or `jsonpaths` are left alone.",
        ),
    ConfigKey::new(NULL_DEFAULT, Kind::String)
        .optional()
        .one_of(&["apply", "keep"])
        .group(VALUES)
        .doc(
            "What is written for null in a field whose schema has a default: `apply`, the default, as StarRocks' Java connector does; \
             `keep`, null, which also turns off `replace.null.with.default` of a JsonConverter of values that does not set it. Where it is \
             not set: `keep` with `starrocks.cdc.format`, else `apply`.",
        ),
    ConfigKey::new(TIME_ZONE, Kind::String)
        .default("UTC")
        .validator(Validator::Custom {
            allowed: "a time zone of the IANA database, `Europe/Berlin` say, or an offset as `+08:00`",
            check: check_time_zone,
        })
        .group(VALUES)
        .doc(
            "What clocks show that tell moments (Kafka's `Timestamp`, Debezium's `ZonedTimestamp`) in columns of dates, times and \
             texts. Local times (Debezium's `Timestamp`, `MicroTimestamp`, `NanoTimestamp`) and dates stay as they are.",
        ),
    ConfigKey::new(BINARY_FORMAT, Kind::String)
        .default("base64")
        .one_of(&["base64", "hex", "utf8"])
        .group(VALUES)
        .doc(
            "How bytes are written: `base64`, `hex`, or `utf8`, where bytes that are no text are an error. For a VARBINARY column \
             write `sink.properties.columns` with `from_base64`: see the guide on change data capture.",
        ),
    ConfigKey::new(MetadataColumns::PROPERTY, Kind::String)
        .default("")
        .validator(Validator::Custom {
            allowed: MetadataColumns::ALLOWED,
            check: check_metadata,
        })
        .group(VALUES)
        .doc(
            "Columns that say where a row comes from: `topic:column,partition:column,offset:column,timestamp:column,headers:column,\
             header.<name>:column`. The timestamp is a date or text where the column is one, else milliseconds; `headers` is an \
             object. They take the place of fields of the same names. Rows are JSON.",
        ),
];

const CDC: &str = "Change data capture";
const VALUES: &str = "Values";

const CDC_FORMAT: &str = "starrocks.cdc.format";
const TOMBSTONES: &str = "starrocks.cdc.tombstones";
const TRUNCATE: &str = "starrocks.cdc.truncate";
const UNAVAILABLE: &str = "starrocks.cdc.unavailable";
const PLACEHOLDER: &str = "starrocks.cdc.unavailable.placeholder";
const WITHOUT_PRIMARY_KEY: &str = "starrocks.cdc.without.primary.key";
const EVOLUTION: &str = "starrocks.schema.evolution";
const ADD_COLUMNS: &str = "add-columns";
const NULL_DEFAULT: &str = "starrocks.null.default";
const TIME_ZONE: &str = "starrocks.time.zone";
const BINARY_FORMAT: &str = "starrocks.binary.format";

/// Those that mean something beside `starrocks.cdc.format` only.
const OF_CDC: &[&str] = &[
    TOMBSTONES,
    TRUNCATE,
    UNAVAILABLE,
    PLACEHOLDER,
    WITHOUT_PRIMARY_KEY,
];

/// Reads the properties.
///
/// # Errors
/// Rows in CSV, which have no place for what is asked for.
pub(super) fn parse(
    config: &Config,
    formats: RowFormats,
) -> Result<RowSettings, Vec<ConfigProblem>> {
    let is = |name: &str, word: &str| config.string(name) == Some(word);
    let cdc = is(CDC_FORMAT, "debezium").then(|| CdcSettings {
        tombstones: if is(TOMBSTONES, "delete") {
            Tombstones::Delete
        } else {
            Tombstones::Skip
        },
        truncate: if is(TRUNCATE, "skip") {
            Truncate::Skip
        } else {
            Truncate::Fail
        },
        unavailable: if is(UNAVAILABLE, "fail") {
            Unavailable::Fail
        } else {
            Unavailable::Partial
        },
        placeholder: config.string(PLACEHOLDER).unwrap_or_default().to_owned(),
        without_primary_key: if is(WITHOUT_PRIMARY_KEY, "drop-deletes") {
            WithoutPrimaryKey::DropDeletes
        } else {
            WithoutPrimaryKey::Fail
        },
    });
    let keeps_null = is(NULL_DEFAULT, "keep") || (cdc.is_some() && !is(NULL_DEFAULT, "apply"));
    let style = RowStyle {
        binary: match config.string(BINARY_FORMAT) {
            Some("hex") => BinaryFormat::Hex,
            Some("utf8") => BinaryFormat::Utf8,
            _ => BinaryFormat::Base64,
        },
        null_default: if keeps_null {
            NullDefault::Keep
        } else {
            NullDefault::Apply
        },
        time_zone: config
            .string(TIME_ZONE)
            .and_then(|name| time_zone(name).ok())
            .unwrap_or(TimeZone::UTC),
    };
    // What is wrong with them was said when they were checked.
    let metadata = config
        .string(MetadataColumns::PROPERTY)
        .and_then(|text| MetadataColumns::parse(text).ok())
        .unwrap_or_default();
    let settings = RowSettings {
        formats,
        style,
        cdc,
        metadata,
        evolution: match config.string(EVOLUTION) {
            Some("fail") => SchemaEvolution::Fail,
            Some(ADD_COLUMNS) => SchemaEvolution::AddColumns,
            _ => SchemaEvolution::None,
        },
    };
    let mut problems = in_csv(&settings);
    if is(EVOLUTION, ADD_COLUMNS) && is(MYSQL_URL, "") {
        problems.push(ConfigProblem::about(
            EVOLUTION,
            format!(
                "{EVOLUTION}={ADD_COLUMNS} needs {MYSQL_URL}=<FE host>:9030, for columns are added by SQL"
            ),
        ));
    }
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(problems)
    }
}

/// What rows in CSV have no place for.
fn in_csv(settings: &RowSettings) -> Vec<ConfigProblem> {
    let formats = &settings.formats;
    let mut all = std::iter::once(&formats.default).chain(formats.tables.values());
    if !all.any(|format| matches!(format, RowFormat::Csv(_))) {
        return Vec::new();
    }
    let asked = [
        (CDC_FORMAT, settings.cdc.is_some()),
        (
            MetadataColumns::PROPERTY,
            settings.metadata != MetadataColumns::default(),
        ),
        (EVOLUTION, settings.evolution != SchemaEvolution::None),
    ];
    let problem = |(name, _)| {
        ConfigProblem::about(
            name,
            format!("{name} needs rows in JSON: remove sink.properties.format=csv, or {name}"),
        )
    };
    let asked = asked.into_iter().filter(|(_, is_asked)| *is_asked);
    asked.map(problem).collect()
}

/// The properties that were given and mean nothing.
pub(super) fn without_effect<'g>(
    settings: &RowSettings,
    given: impl Fn(&str) -> bool + 'g,
) -> impl Iterator<Item = &'static str> + 'g {
    let is_cdc = settings.cdc.is_some();
    let of_cdc = OF_CDC.iter().copied();
    of_cdc.filter(move |name| !is_cdc && given(name))
}

fn check_time_zone(value: &ConfigValue) -> Result<(), String> {
    match value {
        ConfigValue::String(name) => time_zone(name).map(drop),
        _ => Ok(()),
    }
}

/// A zone by its name, or by its offset from UTC.
fn time_zone(name: &str) -> Result<TimeZone, String> {
    if name.eq_ignore_ascii_case("UTC") || name.eq_ignore_ascii_case("Z") {
        return Ok(TimeZone::UTC);
    }
    if name.starts_with(['+', '-']) {
        // A zone that has this offset and no name.
        return TimeZone::posix(&posix(name)?).map_err(|error| error.to_string());
    }
    TimeZone::get(name).map_err(|error| error.to_string())
}

/// An offset `+HH:MM` as the name of a zone in POSIX, whose signs are the other way round.
fn posix(offset: &str) -> Result<String, String> {
    let (sign, digits) = match offset.split_at(1) {
        ("+", digits) => ('-', digits),
        (_, digits) => ('+', digits),
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "00"));
    let number = |text: &str, most: u8| {
        let is_short = matches!(text.len(), 1 | 2);
        let number = text.parse::<u8>().ok().filter(|n| is_short && *n <= most);
        number.ok_or_else(|| format!("'{offset}' is no offset ±HH:MM"))
    };
    let (hours, minutes) = (number(hours, 14)?, number(minutes, 59)?);
    Ok(format!("<local>{sign}{hours:02}:{minutes:02}"))
}

fn check_metadata(value: &ConfigValue) -> Result<(), String> {
    match value {
        ConfigValue::String(text) => MetadataColumns::parse(text).map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn zones_have_names_or_offsets() {
        let check = |name: &str, expect: Option<i32>| {
            let moment = Timestamp::from_second(1_700_000_000).expect("in 2023");
            let offset = time_zone(name).map(|zone| zone.to_offset(moment).seconds());
            assert_eq!(offset.as_ref().ok().copied(), expect, "{name}: {offset:?}");
        };
        check("UTC", Some(0));
        check("Europe/Berlin", Some(3_600));
        check("Asia/Shanghai", Some(28_800));
        check("America/St_Johns", Some(-12_600));
        check("+08:00", Some(28_800));
        check("-03:30", Some(-12_600));
        check("+8", Some(28_800));
        check("+25:00", None);
        check("+", None);
        check("Mars/Olympus", None);
        check("", None);
    }
}
