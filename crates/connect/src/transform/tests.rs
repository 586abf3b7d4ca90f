//! Kafka's transforms, and StarRocks', each by what Java's class does: settings, a value, what becomes of it.

use super::*;
use crate::converter::{ConverterConfig, PlainConverter};
use crate::error::ErrorClass;
use std::borrow::Cow;

const KAFKA: &str = "org.apache.kafka.connect.transforms.";
const TIME_MILLIS: &str = "com.starrocks.connector.kafka.transforms.TimeMillisToStringTransform";

/// How a value is written: with its schema, or without.
#[derive(Clone, Copy)]
enum Form {
    Schema,
    Plain,
}
use Form::{Plain, Schema};

/// What becomes of the value.
enum Becomes<'e> {
    Value(&'e str),
    Error(ErrorClass),
    /// The settings are refused.
    Refused,
}
use Becomes::{Error, Refused};

fn given(settings: &[(&str, &str)]) -> Given {
    let settings = settings.iter();
    settings
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn read(form: Form, json: &str) -> SchemaAndValue<'_> {
    let is_schema = matches!(form, Schema).to_string();
    let config = ConverterConfig {
        property: "value.converter".to_owned(),
        class: "org.apache.kafka.connect.json.JsonConverter".to_owned(),
        settings: given(&[("schemas.enable", &is_schema)]),
    };
    let mut converter = PlainConverter::new(&config).expect("settings");
    converter.convert(Some(json.as_bytes())).expect(json)
}

fn made(class: &str, settings: &[(&str, &str)]) -> Result<Transform, Vec<ConfigProblem>> {
    let name = if class.contains('.') {
        class.to_owned()
    } else {
        format!("{KAFKA}{class}")
    };
    let class = class::resolve("transforms.x.type", &name).expect(class);
    Transform::new(class, &given(settings))
}

fn record<'k>(value: SchemaAndValue<'k>) -> Record<'k> {
    Record {
        topic: Cow::Borrowed("t"),
        partition: 0,
        offset: 0,
        timestamp_ms: None,
        key: SchemaAndValue::schemaless(crate::data::Value::Null),
        value,
        headers: Vec::new(),
    }
}

fn check(class: &str, settings: &[(&str, &str)], form: Form, value: &str, becomes: Becomes<'_>) {
    let mut transform = match (made(class, settings), &becomes) {
        (Ok(transform), Becomes::Value(_) | Error(_)) => transform,
        (Err(_), Refused) => return,
        (made, _) => panic!("{class} {settings:?}: {made:?}"),
    };
    let mut record = record(read(form, value));
    let applied = transform.apply(&mut record).map(|_| &record.value);
    match becomes {
        Becomes::Value(expect) => {
            assert_eq!(applied, Ok(&read(form, expect)), "{class} {settings:?}")
        }
        Error(class) => assert_eq!(applied.map_err(|error| error.class), Err(class), "{value}"),
        Refused => unreachable!("it returned"),
    }
}

/// A struct with a schema: its fields' schemas, its default aside, and its values.
fn row(fields: &[(&str, &str)], payload: &str) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, schema)| format!(r#"{{"field":"{name}",{schema}}}"#))
        .collect();
    format!(
        r#"{{"schema":{{"type":"struct","fields":[{}]}},"payload":{payload}}}"#,
        fields.join(",")
    )
}

const INT: &str = r#""type":"int32""#;
const TEXT: &str = r#""type":"string""#;
const DATE: &str = r#""type":"int32","name":"org.apache.kafka.connect.data.Date","version":1"#;
const DECIMAL: &str = r#""type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"0"}"#;

#[test]
fn lists_may_have_empty_elements() {
    let both = r#"{"a":1,"b":2}"#;
    check(
        "ValueToKey",
        &[("fields", "a,,b")],
        Plain,
        both,
        Becomes::Value(both),
    );
    check("ValueToKey", &[("fields", "")], Plain, both, Refused);
    let pairs = [("fields", "a,"), ("headers", "h,"), ("operation", "copy")];
    check(
        "HeaderFrom$Value",
        &pairs,
        Plain,
        both,
        Becomes::Value(both),
    );
    check(
        "DropHeaders",
        &[("headers", ",a")],
        Plain,
        both,
        Becomes::Value(both),
    );
}

#[test]
fn of_a_field_that_is_cast_twice_the_last_type_counts() {
    let settings = [("spec", "f:int8,f:int64")];
    check(
        "Cast$Value",
        &settings,
        Plain,
        r#"{"f":300}"#,
        Becomes::Value(r#"{"f":300}"#),
    );
}

#[test]
fn a_default_that_is_none_of_the_type_behind_a_cast_is_an_error() {
    let date = |default: &str| format!(r#"{{"schema":{{{DATE}{default}}},"payload":1}}"#);
    let settings = [("spec", "int32")];
    let with = date(",\"default\":3");
    check(
        "Cast$Value",
        &settings,
        Schema,
        &with,
        Error(ErrorClass::SchemaBuilder),
    );
    let mut transform = made("Cast$Value", &settings).expect("settings");
    let without = date("");
    assert!(transform.apply(&mut record(read(Schema, &without))).is_ok());
}

#[test]
fn numbers_are_masked_by_numbers_in_digits_of_all_scripts() {
    let check_text =
        |replacement: &str, field: &str, payload: &str, becomes: Result<&str, ErrorClass>| {
            let settings = [("fields", "f"), ("replacement", replacement)];
            let value = row(&[("f", field)], payload);
            let expect = becomes.map(|payload| row(&[("f", field)], payload));
            let becomes = match &expect {
                Ok(expect) => Becomes::Value(expect),
                Err(class) => Error(*class),
            };
            check("MaskField$Value", &settings, Schema, &value, becomes);
        };
    check_text("٣", INT, r#"{"f":1}"#, Ok(r#"{"f":3}"#));
    check_text("x", INT, r#"{"f":1}"#, Err(ErrorClass::Data));
    check_text("x", DECIMAL, r#"{"f":"AQ=="}"#, Err(ErrorClass::Data));
    check_text("٣", DECIMAL, r#"{"f":"AQ=="}"#, Ok(r#"{"f":"Aw=="}"#));
    let whole = [("fields", "f"), ("replacement", "1.5")];
    let number = r#"{"f":18446744073709551616}"#;
    check(
        "MaskField$Value",
        &whole,
        Plain,
        number,
        Error(ErrorClass::NumberFormat),
    );
}

#[test]
fn renames_look_for_values_as_java_does() {
    let class = "ReplaceField$Value";
    let ints = |names: &[&str], payload: &str| {
        let fields: Vec<(&str, &str)> = names.iter().map(|name| (*name, INT)).collect();
        row(&fields, payload)
    };
    // The name that another field would get is taken for that field.
    let only_a = ints(&["a"], r#"{"a":1}"#);
    check(
        class,
        &[("renames", "f:a")],
        Schema,
        &only_a,
        Error(ErrorClass::Data),
    );
    let both = ints(&["a", "f"], r#"{"a":1,"f":2}"#);
    check(
        class,
        &[("renames", "f:a")],
        Schema,
        &both,
        Error(ErrorClass::SchemaBuilder),
    );
    let settings = [("renames", "f:a"), ("exclude", "f")];
    let of_f = ints(&["a"], r#"{"a":2}"#);
    check(class, &settings, Schema, &both, Becomes::Value(&of_f));
    let mixed = row(&[("a", INT), ("f", TEXT)], r#"{"a":1,"f":"x"}"#);
    check(class, &settings, Schema, &mixed, Error(ErrorClass::Data));
    let swapped = ints(&["f", "a"], r#"{"f":1,"a":2}"#);
    check(
        class,
        &[("renames", "a:f,f:a")],
        Schema,
        &both,
        Becomes::Value(&swapped),
    );
    // Without a schema the last one in Java's order stays.
    let plain = r#"{"q":1,"b":2}"#;
    check(
        class,
        &[("renames", "q:z,b:z")],
        Plain,
        plain,
        Becomes::Value(r#"{"z":2}"#),
    );
    check(
        class,
        &[("renames", "q:b")],
        Plain,
        plain,
        Becomes::Value(r#"{"b":2}"#),
    );
}

#[test]
fn older_names_of_settings_do_not_count_beside_the_newer() {
    let settings = [("exclude", "a"), ("blacklist", "b")];
    let value = r#"{"a":1,"b":2}"#;
    check(
        "ReplaceField$Value",
        &settings,
        Plain,
        value,
        Becomes::Value(r#"{"b":2}"#),
    );
    check(
        "ReplaceField$Value",
        &settings[1..],
        Plain,
        value,
        Becomes::Value(r#"{"a":1}"#),
    );
}

#[test]
fn nothing_is_inserted_into_what_is_null() {
    let settings = [("static.field", "x"), ("static.value", "v")];
    let value = r#"{"a":1}"#;
    // The key is null.
    check(
        "InsertField$Key",
        &settings,
        Plain,
        value,
        Becomes::Value(value),
    );
    check(
        "InsertField$Value",
        &settings,
        Plain,
        value,
        Becomes::Value(r#"{"a":1,"x":"v"}"#),
    );
}

#[test]
fn a_field_to_convert_needs_a_struct_even_where_the_value_is_null() {
    let settings = [("field", "f"), ("target.type", "unix")];
    let null = r#"{"schema":{"type":"string","optional":true},"payload":null}"#;
    check(
        "TimestampConverter$Value",
        &settings,
        Schema,
        null,
        Error(ErrorClass::Data),
    );
}

#[test]
fn names_of_time_fields_are_split_as_java_does() {
    let check_fields = |fields: &str, payload: &str| {
        let settings = [("fields", fields), ("format", "HH:mm:ss.SSS")];
        let value = row(&[("f", INT), (" f", INT)], r#"{"f":1," f":2}"#);
        let mut transform = made(TIME_MILLIS, &settings).expect("settings");
        let mut record = record(read(Schema, &value));
        transform.apply(&mut record).expect(fields);
        assert_eq!(
            crate::java_text::of(&record.value.value),
            payload,
            "{fields:?}"
        );
    };
    check_fields("f", "Struct{f=00:00:00.001, f=2}");
    check_fields(" f", "Struct{f=1, f=00:00:00.002}");
    check_fields("x , f,,", "Struct{f=00:00:00.001, f=2}");
    check_fields("f ", "Struct{f=1, f=2}");
    check_fields(" ", "Struct{f=1, f=2}");
}

#[test]
fn what_is_no_time_becomes_the_text_that_java_makes_of_it() {
    let check_text = |schema: &str, payload: &str, expect: &str| {
        let value = row(&[("f", schema)], &format!(r#"{{"f":{payload}}}"#));
        let expect = row(&[("f", TEXT)], &format!(r#"{{"f":"{expect}"}}"#));
        check(
            TIME_MILLIS,
            &[("fields", "f")],
            Schema,
            &value,
            Becomes::Value(&expect),
        );
    };
    check_text(r#""type":"double""#, "1e21", "1.0E21");
    check_text(r#""type":"boolean""#, "true", "true");
    check_text(
        r#""type":"array","items":{"type":"int32"}"#,
        "[1,2]",
        "[1, 2]",
    );
    check_text(
        r#""type":"map","keys":{"type":"string"},"values":{"type":"string","optional":true}"#,
        r#"{"q":null,"b":"x"}"#,
        "{q=null, b=x}",
    );
}

#[test]
fn negate_is_a_truth() {
    let check_negate = |negate: &str, is_kept: Option<bool>| {
        let filter = format!("{KAFKA}Filter");
        let tombstones = format!("{KAFKA}predicates.RecordIsTombstone");
        let settings = given(&[
            ("transforms.x.type", &filter),
            ("transforms.x.predicate", "p"),
            ("transforms.x.negate", negate),
            ("predicates.p.type", &tombstones),
        ]);
        let aliases = [["x".to_owned()], ["p".to_owned()]];
        let chain = TransformChain::new(&aliases[0], &aliases[1], &settings);
        let kept = chain.map(|mut chain| chain.apply(&mut record(read(Plain, "1"))));
        assert_eq!(kept.ok(), is_kept.map(Ok), "{negate:?}");
    };
    check_negate("TRUE", Some(false));
    check_negate("false", Some(true));
    // It is valid, but not read as one.
    check_negate(" true ", Some(true));
    check_negate("yes", None);
    check_negate("", None);
}

#[test]
fn times_without_a_schema_are_none_of_connect_s_values() {
    let check_behind = |class: &str, settings: &[(&str, &str)]| {
        let times = [("field", "f"), ("target.type", "Timestamp")];
        let mut times = made("TimestampConverter$Value", &times).expect("settings");
        let mut behind = made(class, settings).expect("settings");
        let mut record = record(read(Plain, r#"{"f":1}"#));
        times.apply(&mut record).expect("a time");
        let applied = behind.apply(&mut record).map_err(|error| error.class);
        assert_eq!(applied, Err(ErrorClass::Data), "{class}");
    };
    check_behind("Cast$Value", &[("spec", "f:string")]);
    check_behind("Flatten$Value", &[]);
}

#[test]
fn casts_of_casts_find_no_time_under_its_name() {
    let settings = [("spec", "int32")];
    let date = format!(r#"{{"schema":{{{DATE}}},"payload":1}}"#);
    let mut cast = made("Cast$Value", &settings).expect("settings");
    let mut record = record(read(Schema, &date));
    assert_eq!(cast.apply(&mut record), Ok(true));
    let again = cast.apply(&mut record).map_err(|error| error.class);
    assert_eq!(again, Err(ErrorClass::ClassCast));
}

#[test]
fn null_is_not_hoisted_into_a_required_field_even_with_a_default() {
    let value = r#"{"schema":{"type":"string","default":"x"},"payload":null}"#;
    let mut hoist = made("HoistField$Value", &[("field", "f")]).expect("settings");
    let mut record = record(read(Schema, value));
    record.value.value = crate::data::Value::Null;
    let applied = hoist.apply(&mut record).map_err(|error| error.class);
    assert_eq!(applied, Err(ErrorClass::Data));
}
