//! Transforms and predicates as the reference lists them.

use super::{
    by_logical_table_router, cast, drop_headers, extract_field, extract_new_record_state, flatten,
    header_from, hoist_field, insert_field, insert_header, mask_field, predicate, regex_router,
    replace_field, set_schema_metadata, time_millis_to_string, timestamp_converter,
    timestamp_router, value_to_key,
};
use crate::config::ConfigDef;

/// A class of transforms or predicates.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Its full name; `$Key` or `$Value` follows where there are both.
    pub class: &'static str,
    /// Whether it is `$Key` or `$Value`.
    pub has_sides: bool,
    /// What it does, in a sentence.
    pub does: &'static str,
    /// Its settings.
    pub settings: ConfigDef,
}

const NO_SETTINGS: ConfigDef = ConfigDef::new(&[], &[]);

const fn described(class: &'static str, does: &'static str, settings: ConfigDef) -> Described {
    Described {
        class,
        has_sides: false,
        does,
        settings,
    }
}

const fn sided(class: &'static str, does: &'static str, settings: ConfigDef) -> Described {
    Described {
        has_sides: true,
        ..described(class, does, settings)
    }
}

/// The transforms.
pub const TRANSFORMS: &[Described] = &[
    sided(
        "org.apache.kafka.connect.transforms.Cast",
        "Fields, or the whole key or value, become another type, by Java's casts.",
        cast::DEF,
    ),
    described(
        "org.apache.kafka.connect.transforms.DropHeaders",
        "Headers of some names are left out.",
        drop_headers::DEF,
    ),
    sided(
        "org.apache.kafka.connect.transforms.ExtractField",
        "The key or value becomes one of its fields.",
        extract_field::DEF,
    ),
    described(
        "org.apache.kafka.connect.transforms.Filter",
        "Records are dropped; a predicate says which.",
        NO_SETTINGS,
    ),
    sided(
        "org.apache.kafka.connect.transforms.Flatten",
        "Structs and maps within one another become fields of one, whose names tell the way.",
        flatten::DEF,
    ),
    sided(
        "org.apache.kafka.connect.transforms.HeaderFrom",
        "Fields become headers, and stay or do not.",
        header_from::DEF,
    ),
    sided(
        "org.apache.kafka.connect.transforms.HoistField",
        "The key or value becomes the only field of a struct or a map.",
        hoist_field::DEF,
    ),
    sided(
        "org.apache.kafka.connect.transforms.InsertField",
        "Where a record comes from, and a text that is the same for all, as fields.",
        insert_field::DEF,
    ),
    described(
        "org.apache.kafka.connect.transforms.InsertHeader",
        "Every record gets one header more, the same for all.",
        insert_header::DEF,
    ),
    sided(
        "org.apache.kafka.connect.transforms.MaskField",
        "Fields become nothing of their type, or a text that stands in for all.",
        mask_field::DEF,
    ),
    described(
        "org.apache.kafka.connect.transforms.RegexRouter",
        "Another topic for records of topics whose whole name matches.",
        regex_router::DEF,
    ),
    sided(
        "org.apache.kafka.connect.transforms.ReplaceField",
        "Fields are left out, or get other names.",
        replace_field::DEF,
    ),
    sided(
        "org.apache.kafka.connect.transforms.SetSchemaMetadata",
        "The schema gets another name or version.",
        set_schema_metadata::DEF,
    ),
    sided(
        "org.apache.kafka.connect.transforms.TimestampConverter",
        "A field, or the whole key or value, becomes a time of another form.",
        timestamp_converter::DEF,
    ),
    described(
        "org.apache.kafka.connect.transforms.TimestampRouter",
        "Another topic, which has the record's time in its name.",
        timestamp_router::DEF,
    ),
    described(
        "org.apache.kafka.connect.transforms.ValueToKey",
        "The key becomes a struct or map of fields of the value.",
        value_to_key::DEF,
    ),
    described(
        "io.debezium.transforms.ExtractNewRecordState",
        "The row takes the place of the change event that it came in.",
        extract_new_record_state::DEF,
    ),
    described(
        "io.debezium.transforms.ByLogicalTableRouter",
        "Topics of shards become one, and keys tell which shard a row is of. Also `io.debezium.transforms.ToLogicalTopicRouter`.",
        by_logical_table_router::DEF,
    ),
    described(
        "com.starrocks.connector.kafka.transforms.AddOpFieldForDebeziumRecord",
        "The row in a change event gets `__op`, by which StarRocks upserts or deletes. It stands before `ExtractNewRecordState`.",
        NO_SETTINGS,
    ),
    described(
        "com.starrocks.connector.kafka.transforms.TimeMillisToStringTransform",
        "Times of day become texts. Where the column is one of texts, they do without it.",
        time_millis_to_string::DEF,
    ),
];

/// The predicates.
pub const PREDICATES: &[Described] = &[
    described(
        "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
        "Records that have a header of the name.",
        predicate::HEADER,
    ),
    described(
        "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
        "Records without a value.",
        NO_SETTINGS,
    ),
    described(
        "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        "Records of topics whose whole name matches.",
        predicate::PATTERN,
    ),
];

#[cfg(test)]
mod tests {
    use super::super::class;
    use super::*;

    /// A class that is not listed would have no reference.
    #[test]
    fn every_class_is_listed_and_known() {
        let listed: Vec<String> = TRANSFORMS
            .iter()
            .flat_map(|described| {
                let sides: &[&str] = if described.has_sides {
                    &["$Key", "$Value"]
                } else {
                    &[""]
                };
                sides
                    .iter()
                    .map(|side| format!("{}{side}", described.class))
            })
            .collect();
        // Its other name stands beside the first.
        let known = class::all().filter(|name| !name.ends_with(".ToLogicalTopicRouter"));
        let known: Vec<String> = known.collect();
        let sorted = |mut names: Vec<String>| {
            names.sort_unstable();
            names
        };
        assert_eq!(sorted(listed), sorted(known));
    }
}
