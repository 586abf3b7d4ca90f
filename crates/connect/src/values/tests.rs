use super::*;
use crate::data::LogicalType;

/// What a text is: schema and value, in short.
fn describe(text: &str) -> String {
    match parse(text) {
        Ok(SchemaAndValue { schema, value }) => {
            format!("{} {}", schema_text(schema.as_deref()), value_text(&value))
        }
        Err(TooDeep) => "too deep".to_owned(),
    }
}

fn schema_text(schema: Option<&Schema>) -> String {
    let Some(schema) = schema else {
        return "-".to_owned();
    };
    assert!(!schema.optional && schema.default.is_none() && schema.doc.is_none());
    match (schema.logical(), schema.kind()) {
        (Some(LogicalType::Decimal), SchemaType::Bytes) => {
            format!("Decimal{}", schema.scale().expect("a decimal has a scale"))
        }
        (Some(logical), SchemaType::Int32 | SchemaType::Int64) => {
            assert_eq!(schema.version, Some(1));
            format!("{logical:?}")
        }
        (None, SchemaType::Array(element)) => format!("[{}]", schema_text(element.as_deref())),
        (None, SchemaType::Map(key, element)) => format!(
            "{{{}:{}}}",
            schema_text(key.as_deref()),
            schema_text(element.as_deref())
        ),
        (None, kind) => kind.name().to_owned(),
        (logical, kind) => panic!("{logical:?} of {kind:?}"),
    }
}

fn value_text(value: &Value<'_>) -> String {
    let list = |items: Vec<String>| items.join(",");
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Int8(number) => format!("{number}b"),
        Value::Int16(number) => format!("{number}s"),
        Value::Int32(number) => format!("{number}i"),
        Value::Int64(number) => format!("{number}l"),
        Value::Float32(number) => format!("{number:?}f"),
        Value::Float64(number) => format!("{number:?}d"),
        Value::Decimal(number) => format!("{}e{}", number.unscaled, -i64::from(number.scale)),
        Value::Date(days) => format!("day {days}"),
        Value::Time(millis) => format!("at {millis}"),
        Value::Timestamp(millis) => format!("ms {millis}"),
        Value::String(text) => format!("{text:?}"),
        Value::Array(values) => format!("[{}]", list(values.iter().map(value_text).collect())),
        Value::Map(entries) => {
            let entry =
                |(key, value): &(_, _)| format!("{}:{}", value_text(key), value_text(value));
            format!("{{{}}}", list(entries.iter().map(entry).collect()))
        }
        Value::Bytes(_) | Value::Struct(_) => panic!("no text is {value:?}"),
    }
}

fn check(text: &str, expect: &str) {
    assert_eq!(describe(text), expect, "{text:?}");
}

/// A text that is nothing else.
fn check_text(text: &str) {
    check(text, &format!("STRING {text:?}"));
}

#[test]
fn nothing_and_truth() {
    check("null", "- null");
    check(" null ", "- null");
    check_text("null,");
    check("true", "BOOLEAN true");
    check("\tfalse\n", "BOOLEAN false");
    check_text("true}");
    check_text("True");
    check_text("");
}

#[test]
fn numbers_take_the_smallest_type() {
    check("127", "INT8 127b");
    check("128", "INT16 128s");
    check("-129", "INT16 -129s");
    check("32768", "INT32 32768i");
    check("2147483648", "INT64 2147483648l");
    check("9223372036854775807", "INT64 9223372036854775807l");
    check("9223372036854775808", "Decimal0 9223372036854775808e0");
    check("-9223372036854775809", "Decimal0 -9223372036854775809e0");
    check("+5", "INT8 5b");
    check("0012", "INT8 12b");
    check("-0", "INT8 0b");
    check("1.", "INT8 1b");
    check_text(".5");
    check("-.5", "FLOAT32 -0.5f");
    check("1.0", "INT8 1b");
    check("-0.0", "INT8 0b");
    check("1e3", "INT16 1000s");
    check("1E-3", "FLOAT32 0.001f");
    check("1.5", "FLOAT32 1.5f");
    check("16777216.5", "FLOAT32 16777216.0f");
    check("16777217.0", "INT32 16777217i");
    check("0.1", "FLOAT32 0.1f");
    check("1e19", "FLOAT32 1e19f");
    check("3.5e38", "FLOAT64 3.5e38d");
    check("-1e39", "FLOAT64 -1e39d");
    check("1e400", "Decimal-400 1e400");
    check("1e-400", "FLOAT32 0.0f");
    check("-1e-400", "FLOAT32 -0.0f");
    check("1e999999999", "Decimal-999999999 1e999999999");
    check("1e-999999999", "FLOAT32 0.0f");
    check("0e-999999999", "INT8 0b");
    check("1e2147483647", "Decimal-2147483647 1e2147483647");
    check_text("1e2147483648");
    check_text("1.5e-2147483647");
    check("1e+00000000000000000005", "INT32 100000i");
    check("١٢", "INT8 12b");
    check("１.５", "FLOAT32 1.5f");
    check("1٣", "INT8 13b");
}

#[test]
fn texts_are_texts() {
    check_text("abc");
    check_text(" abc ");
    check_text("  ");
    check_text("\u{a0}");
    check_text("a,b");
    check_text("12abc");
    check_text("1 2");
    check_text("1_000");
    check_text("0x10");
    check_text("1L");
    check_text("--1");
    check_text("+-1");
    check_text("-");
    check_text("+");
    check_text("1..2");
    check_text("1.2.3");
    check_text("1e");
    check_text("NaN");
    check_text("Infinity");
    check_text("²");
    check_text("𝟏");
    check_text("\"12\"");
    check_text("\"2020-01-02\"");
    check_text("\\");
    check_text("a\\,b");
    check_text("ä€😀");
    check_text(":");
    check_text("a:1");
}

#[test]
fn what_follows_is_dropped() {
    check("12:30", "INT8 12b");
    check("1,000", "INT8 1b");
    check("10:30:00", "INT8 10b");
    check("[1]x", "[INT8] [1b]");
    check("{\"a\":1}x", "{STRING:INT8} {\"a\":1b}");
    check("[1][2]", "[INT8] [1b]");
    check("1\"2\"", "INT8 1b");
}

#[test]
fn dates_and_times_are_read_leniently() {
    check("2020-01-02", "Date day 18263");
    check(" 2020-01-02 ", "Date day 18263");
    check_text("2020-1-2");
    check("2020-1-2xx", "Date day 18263");
    check("20-1-2-abc", "Date day -712224");
    check("2020-13-45", "Date day 18672");
    check("2020-02-30", "Date day 18322");
    check("2020--1-02", "Date day 18202");
    check("0000-01-01", "Date day -719530");
    check("1582-10-04", "Date day -141428");
    check("1582-10-10", "Date day -141422");
    check("1582-10-15", "Date day -141427");
    check("1500-02-29", "Date day -171596");
    check("999999-1-1", "Date day 364522607");
    check("02E3-01-02", "Date day 10958");
    check("9E9-01-02x", "Date ms -5506391843763951616");
    check("2020- 1- 2", "Date day 18263");
    check("2020-١-2xx", "Date day 18263");
    check_text("2020-01 -02");
    check("20200102", "INT32 20200102i");
    check_text("2020-01-02x");
    check("03:04:05.678Z", "Time at 11045678");
    check("3: 4: 5. 678Z", "Time at 11045678");
    check("3:-4:05.678Zx", "Time at 10565678");
    check("3:-4:05.678Z", "INT8 3b");
    check("24:00:00.000Z", "Time at 86400000");
    check("24:00:00.001Z", "Time ms 86400001");
    check("99:99:99.999Z", "Time ms 362439999");
    check("03:04:05.678z", "INT8 3b");
    check("03:04:05Z", "INT8 3b");
    check("03\\:04\\:05.678Z", "Time at 11045678");
    check("2020-01-02T03:04:05.678Z", "Timestamp ms 1577934245678");
    check("2020-01-02T03\\:04\\:05.678Z", "Timestamp ms 1577934245678");
    check("2020-1-2T3:4:5.6Zxxxxxxx", "Timestamp ms 1577934245006");
    check("1500-03-01T00:00:00.000Z", "Timestamp ms -14825808000000");
    check_text("2020-01-02T03:04:05+01:00");
    check_text("2020-01-02T03:04:05.678");
}

#[test]
fn arrays_have_the_schema_that_their_elements_have_in_common() {
    check("[]", "[-] []");
    check("[ ]", "[-] []");
    check("[1,2,70000]", "[INT32] [1i,2i,70000i]");
    check("[1,3000000000,1.5]", "[FLOAT32] [1.0f,3000000000.0f,1.5f]");
    check("[16777217,0.5]", "[FLOAT32] [16777216.0f,0.5f]");
    check("[1,1e40]", "[FLOAT64] [1.0d,1e40d]");
    check("[1,1e400]", "[-] [1b,1e400]");
    check("[1,\"a\"]", "[-] [1b,\"a\"]");
    check("[\"a\",1,null]", "[-] [\"a\",1b,null]");
    check("[null]", "[-] [null]");
    check_text("[1,null]");
    check("[\"a\",\"b\",]", "[STRING] [\"a\",\"b\"]");
    check("[true,false]", "[BOOLEAN] [true,false]");
    check("[[1],[300]]", "[[INT16]] [[1b],[300s]]");
    check("[[],[1]]", "[[INT8]] [[],[1b]]");
    check("[{}]", "[{-:-}] [{}]");
    check("[1,\"2020-01-02\"]", "[Date] [day 1,day 18263]");
    check("[\"2020-01-02\",1]", "[Date] [day 18263,day 1]");
    check_text("[\"2020-01-02\",300000]");
    check("[300000,\"2020-01-02\"]", "[Date] [day 300000,day 18263]");
    check_text("[\"2020-01-02\",3000000000]");
    check_text("[\"2020-01-02\",0.5]");
    check(
        "[\"2020-01-02T03:04:05.678Z\",\"2020-01-02\"]",
        "[Timestamp] [ms 1577934245678,ms 1577923200000]",
    );
    check(
        "[\"03:04:05.678Z\",\"2020-01-02\"]",
        "[Date] [at 11045678,day 18263]",
    );
    check("[\"00:00:00.000Z\",\"1970-01-01\"]", "[Date] [day 0,day 0]");
    check("[\"1970-01-01\",\"00:00:00.000Z\"]", "[Time] [at 0,at 0]");
    check_text("[\"00:00:00.000Z\",-1]");
    check_text("[\"00:00:00.000Z\",86400000]");
    check("[03:04:05.678Z,5]", "[Time] [at 11045678,at 5]");
    check(
        "[99999999999999999999,1e400]",
        "[Decimal-400] [99999999999999999999e0,1e400]",
    );
    check(
        "[\"2020-1-2xx\",\"-2020-1-22\"]",
        "[Date] [day 18263,day -1457314]",
    );
}

#[test]
fn arrays_that_are_none_are_texts() {
    check_text("[");
    check_text("]");
    check_text("[1");
    check_text("[1,");
    check_text("[1,,2]");
    check_text("[,1]");
    check_text("[,]");
    check_text("[1 2]");
    check_text("[1}");
    check_text("[a]");
    check_text("[\"a]");
    check_text("[1:2]");
    check_text("[\"a\" \"b\"]");
}

#[test]
fn maps_have_schemas_for_keys_and_values() {
    check("{}", "{-:-} {}");
    check("{ }", "{-:-} {}");
    check(
        "{\"a\":1,\"b\":300}",
        "{STRING:INT16} {\"a\":1s,\"b\":300s}",
    );
    check("{1:2,1.5:3}", "{FLOAT32:INT8} {1.0f:2b,1.5f:3b}");
    check("{\"a\":1 \"b\":2}", "{STRING:INT8} {\"a\":1b,\"b\":2b}");
    check("{\"a\":1,}", "{STRING:INT8} {\"a\":1b}");
    check("{\"a\":null}", "{STRING:-} {\"a\":null}");
    check_text("{\"a\":null,\"b\":1}");
    check("{\"a\":1,\"b\":\"x\"}", "{STRING:-} {\"a\":1b,\"b\":\"x\"}");
    check("{\"a\":1,2:3}", "{-:-} {\"a\":1b,2b:3b}");
    check("{\"a\":1,\"a\":2}", "{STRING:INT8} {\"a\":2b}");
    check(
        "{16777216:1,16777217:2,0.5:3}",
        "{FLOAT32:INT8} {16777216.0f:2b,0.5f:3b}",
    );
    check(
        "{\"1970-01-01\":1,\"00:00:00.000Z\":2}",
        "{Time:INT8} {at 0:2b}",
    );
    check(
        "{\"a\":[1,{\"b\":true}]}",
        "{STRING:[-]} {\"a\":[1b,{\"b\":true}]}",
    );
    check("{[1]:2,[1]:3}", "{[INT8]:INT8} {[1b]:3b}");
    check("{true:false}", "{BOOLEAN:BOOLEAN} {true:false}");
    check("{\"d\":\"2020-01-02\"}", "{STRING:Date} {\"d\":day 18263}");
}

#[test]
fn maps_that_are_none_are_texts() {
    check_text("{");
    check_text("}");
    check_text("{\"a\"}");
    check_text("{\"a\":}");
    check_text("{\"a\":1");
    check_text("{\"a\":1,");
    check_text("{,\"a\":1}");
    check_text("{a:1}");
    check_text("{\"a\":b}");
    check_text("{\"a\"=1}");
    check_text("{null:1}");
    check_text("{:1}");
    check_text("{\"a\":1,,\"b\":2}");
    check_text("{\"a\"::1}");
}

#[test]
fn quotes_and_backslashes() {
    check("[\"a\\\"b\"]", "[STRING] [\"a\\\\\\\"b\"]");
    check("[\"a\\\\\"]", "[STRING] [\"a\\\\\\\\\"]");
    check("[\"\\\\\\\"\"]", "[STRING] [\"\\\\\\\\\\\\\\\"\"]");
    check("[\"a,b:c[d]{e}\"]", "[STRING] [\"a,b:c[d]{e}\"]");
    check("[\"  \"]", "[STRING] [\"\"]");
    check("[\" a \"]", "[STRING] [\" a \"]");
    check("[\" ,a\"]", "[STRING] [\",a\"]");
    check_text("[\"a\"b]");
    check("[\"a\\,b\"]", "[STRING] [\"a\\\\,b\"]");
    check_text("[\\\"a\\\"]");
}

#[test]
fn blanks() {
    check(" [1]", "[INT8] [1b]");
    check(" [1", "STRING \" \"");
    check("  {", "STRING \"  \"");
    check("\t[a]", "STRING \"\\t\"");
    check("[ 1 , 2 ]", "[INT8] [1b,2b]");
    check_text("[ [a],1]");
    check_text("{\"a\": [x]}");
    check_text("[\u{a0}1]");
    check("\u{0}[1]", "[INT8] [1b]");
}

#[test]
fn depth_has_a_limit_and_time_grows_with_the_text() {
    let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(DEPTH_MAX)).is_ok());
    for text in [
        nested(DEPTH_MAX + 1),
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "[ ".repeat(100_000),
    ] {
        assert_eq!(parse(&text), Err(TooDeep));
    }
    // Each level of these is tried twice by Java, so that they take it longer than the universe is old.
    let text = format!("{}x", "{\"a\": ".repeat(DEPTH_MAX));
    check_text(&text);
    let text = format!("{}x", "{\"a\": [ ".repeat(DEPTH_MAX / 2));
    check_text(&text);
}

#[test]
fn texts_are_borrowed_where_they_are_all_there_is() {
    let read = parse("some text").expect("flat");
    assert!(matches!(read.value, Value::String(Cow::Borrowed(_))));
}
