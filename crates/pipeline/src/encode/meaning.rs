//! What a field's values are, by the name of its schema.

use starrocks_kafka_connect::data::{LogicalType, Schema, SchemaType, UnnamedTime};

const DEBEZIUM_TIME: &str = "io.debezium.time.";
pub(super) const VARIABLE_SCALE_DECIMAL: &str = "io.debezium.data.VariableScaleDecimal";
pub(super) const JSON: &str = "io.debezium.data.Json";
pub(super) const BITS: &str = "io.debezium.data.Bits";
pub(super) const ISO_DATE: &str = "io.debezium.time.IsoDate";

/// What a field's values are, where Java's way of writing them does not fit every column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A day, or a day and a time.
    Time(TimeOf),
    /// Units since midnight, so many in a second; it may be negative, and more than a day.
    SinceMidnight(i64),
    VariableScaleDecimal,
    Json,
    Bits,
    /// A map whose keys are no texts.
    Map,
}

/// What a moment is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeOf {
    /// Days since the epoch.
    Days,
    /// What a clock on a wall shows, as units since the epoch, so many in a second.
    Local(i64),
    /// A moment, as units since the epoch, so many in a second.
    Instant(i64),
    /// What a clock on a wall shows, in the form of ISO 8601.
    IsoLocal,
    /// A moment, in the form of ISO 8601.
    IsoInstant,
}

impl TimeOf {
    /// Whether a text is what tells it.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::IsoLocal | Self::IsoInstant)
    }
}

impl Meaning {
    /// Facts: Debezium's documentation of temporal types; `time.precision.mode=connect` is told by Kafka's own names, so that
    /// a local time is taken for a moment there.
    pub(super) fn of(schema: &Schema) -> Option<Self> {
        match schema.logical() {
            Some(LogicalType::Date) => return Some(Self::Time(TimeOf::Days)),
            Some(LogicalType::Timestamp) => return Some(Self::Time(TimeOf::Instant(1_000))),
            Some(LogicalType::Time) => return Some(Self::SinceMidnight(1_000)),
            Some(LogicalType::Decimal) => return None,
            None => {}
        }
        if let SchemaType::Map(Some(key), _) = schema.kind() {
            return (!matches!(key.kind(), SchemaType::String)).then_some(Self::Map);
        }
        match schema.unnamed_time() {
            Some(UnnamedTime::Instant(per_second)) => {
                return Some(Self::Time(TimeOf::Instant(per_second)));
            }
            Some(UnnamedTime::Local(per_second)) => {
                return Some(Self::Time(TimeOf::Local(per_second)));
            }
            Some(UnnamedTime::SinceMidnight(per_second)) => {
                return Some(Self::SinceMidnight(per_second));
            }
            None => {}
        }
        let meaning = Self::by_name(schema.name()?)?;
        let fits = match meaning {
            Self::Time(time_of) if time_of.is_text() => {
                matches!(schema.kind(), SchemaType::String)
            }
            Self::Time(_) | Self::SinceMidnight(_) => {
                matches!(schema.kind(), SchemaType::Int32 | SchemaType::Int64)
            }
            Self::Json => matches!(schema.kind(), SchemaType::String),
            Self::VariableScaleDecimal => matches!(schema.kind(), SchemaType::Struct(_)),
            Self::Bits => matches!(schema.kind(), SchemaType::Bytes),
            Self::Map => false,
        };
        fits.then_some(meaning)
    }

    fn by_name(name: &str) -> Option<Self> {
        let Some(of_time) = name.strip_prefix(DEBEZIUM_TIME) else {
            return match name {
                VARIABLE_SCALE_DECIMAL => Some(Self::VariableScaleDecimal),
                JSON => Some(Self::Json),
                BITS => Some(Self::Bits),
                _ => None,
            };
        };
        Some(match of_time {
            "Date" => Self::Time(TimeOf::Days),
            "Timestamp" => Self::Time(TimeOf::Local(1_000)),
            "MicroTimestamp" => Self::Time(TimeOf::Local(1_000_000)),
            "NanoTimestamp" => Self::Time(TimeOf::Local(1_000_000_000)),
            "ZonedTimestamp" => Self::Time(TimeOf::IsoInstant),
            "IsoTimestamp" | "IsoDate" => Self::Time(TimeOf::IsoLocal),
            "Time" => Self::SinceMidnight(1_000),
            "MicroTime" => Self::SinceMidnight(1_000_000),
            "NanoTime" => Self::SinceMidnight(1_000_000_000),
            _ => return None,
        })
    }
}
