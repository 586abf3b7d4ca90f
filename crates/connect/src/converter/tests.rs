use super::*;
use crate::charset::Charset;
use crate::config::Given;
use crate::data::{Decimal, SchemaType};
use crate::error::ErrorClass;
use std::sync::Arc;

fn given(pairs: &[(&str, &str)]) -> Given {
    pairs
        .iter()
        .map(|&(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

fn config(class: &str, settings: &[(&str, &str)]) -> ConverterConfig {
    ConverterConfig {
        property: "value.converter".to_owned(),
        class: class.to_owned(),
        settings: given(settings),
    }
}

fn json(settings: &[(&str, &str)]) -> PlainConverter {
    PlainConverter::new(&config(
        "org.apache.kafka.connect.json.JsonConverter",
        settings,
    ))
    .expect("valid")
}

#[test]
fn levels_of_configuration_do_not_mix() {
    let worker = given(&[
        ("value.converter", " JsonConverter "),
        ("value.converter.schemas.enable", "false"),
        ("key.converter", "StringConverter"),
    ]);
    let select = |connector: &[(&str, &str)], property| {
        ConverterConfig::select(property, &given(connector), &worker)
            .map(|config| (config.class, config.settings))
    };
    let expect = |class: &str, settings: &[(&str, &str)]| Some((class.to_owned(), given(settings)));
    let connector = [
        ("value.converter.schemas.enable", "true"),
        ("value.converters", "x"),
    ];
    assert_eq!(
        select(&connector, "value.converter"),
        expect("JsonConverter", &[("schemas.enable", "false")])
    );
    let connector = [
        ("value.converter", "JsonConverter"),
        ("value.converter.a.b", "c"),
    ];
    assert_eq!(
        select(&connector, "value.converter"),
        expect("JsonConverter", &[("a.b", "c")])
    );
    assert_eq!(select(&[], "key.converter"), expect("StringConverter", &[]));
    assert_eq!(select(&[], "header.converter"), None);
}

#[test]
fn classes_are_known_by_full_and_short_names() {
    fn check(name: &str, expect: Result<ConverterClass, &str>) {
        match (ConverterClass::resolve("value.converter", name), expect) {
            (Ok(class), Ok(expect)) => assert_eq!(class, expect, "{name}"),
            (Err(problem), Err(part)) => {
                assert_eq!(problem.name, "value.converter");
                assert!(problem.message.contains(part), "{name}: {problem}");
            }
            (got, expect) => panic!("{name}: {got:?} instead of {expect:?}"),
        }
    }
    check(
        "org.apache.kafka.connect.storage.StringConverter",
        Ok(ConverterClass::Plain(PlainClass::String)),
    );
    check(
        "StringConverter",
        Ok(ConverterClass::Plain(PlainClass::String)),
    );
    check("String", Ok(ConverterClass::Plain(PlainClass::String)));
    check(
        "org.apache.kafka.connect.json.JsonConverter",
        Ok(ConverterClass::Plain(PlainClass::Json)),
    );
    check(
        "com.starrocks.connector.kafka.json.JsonConverter",
        Ok(ConverterClass::Plain(PlainClass::Json)),
    );
    check(
        "ByteArray",
        Ok(ConverterClass::Plain(PlainClass::ByteArray)),
    );
    check(
        "LongConverter",
        Ok(ConverterClass::Plain(PlainClass::Number(
            NumberConverter::Long,
        ))),
    );
    check(
        "io.confluent.connect.avro.AvroConverter",
        Ok(ConverterClass::Registry(RegistryClass::Avro)),
    );
    check(
        "Protobuf",
        Ok(ConverterClass::Registry(RegistryClass::Protobuf)),
    );
    check(
        "JsonSchema",
        Ok(ConverterClass::Registry(RegistryClass::JsonSchema)),
    );
    check(
        "jsonconverter",
        Err("Class jsonconverter could not be found. Known converters: org.apache."),
    );
    check("java.lang.String", Err("could not be found"));
    check("", Err("could not be found"));
    for name in [
        "SimpleHeaderConverter",
        "Simple",
        "org.apache.kafka.connect.storage.SimpleHeaderConverter",
    ] {
        check(name, Err("converts headers, not keys and values"));
    }
    check("SimpleHeader", Err("could not be found"));
}

#[test]
fn classes_of_headers_are_known_by_full_and_short_names() {
    fn check(name: &str, expect: Result<HeaderClass, &str>) {
        match (HeaderClass::resolve(HEADER_CONVERTER, name), expect) {
            (Ok(class), Ok(expect)) => assert_eq!(class, expect, "{name}"),
            (Err(problem), Err(part)) => {
                assert_eq!(problem.name, HEADER_CONVERTER);
                assert!(problem.message.contains(part), "{name}: {problem}");
            }
            (got, expect) => panic!("{name}: {got:?} instead of {expect:?}"),
        }
    }
    for name in [
        "org.apache.kafka.connect.storage.SimpleHeaderConverter",
        "SimpleHeaderConverter",
        "Simple",
    ] {
        check(name, Ok(HeaderClass::Simple));
    }
    for name in [
        "org.apache.kafka.connect.json.JsonConverter",
        "JsonConverter",
        "Json",
    ] {
        check(name, Ok(HeaderClass::Converter(PlainClass::Json)));
    }
    check(
        "Boolean",
        Ok(HeaderClass::Converter(PlainClass::Number(
            NumberConverter::Boolean,
        ))),
    );
    check(
        "SimpleHeader",
        Err("could not be found. Known header converters: org.apache."),
    );
    check(
        "no.such.Class",
        Err("Class no.such.Class could not be found"),
    );
    check(
        "Avro",
        Err("AvroConverter converts keys and values, not headers. Known"),
    );
}

#[test]
fn headers_are_read_by_connects_default_where_none_is_named() {
    let class = |connector: &[(&str, &str)], worker: &[(&str, &str)]| {
        let config = ConverterConfig::select_header(&given(connector), &given(worker));
        assert_eq!(config.property, HEADER_CONVERTER);
        (config.class, config.settings.len())
    };
    let simple = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
    let setting = ("header.converter.schemas.enable", "false");
    assert_eq!(class(&[], &[]), (simple.to_owned(), 0));
    assert_eq!(class(&[setting], &[setting]), (simple.to_owned(), 0));
    assert_eq!(
        class(&[], &[(HEADER_CONVERTER, "Json"), setting]),
        ("Json".to_owned(), 1)
    );
    assert_eq!(
        class(
            &[(HEADER_CONVERTER, "Json")],
            &[(HEADER_CONVERTER, "String"), setting]
        ),
        ("Json".to_owned(), 0)
    );
}

fn header_converter(class: &str, settings: &[(&str, &str)]) -> HeaderConverter {
    HeaderConverter::new(&ConverterConfig {
        property: HEADER_CONVERTER.to_owned(),
        class: class.to_owned(),
        settings: given(settings),
    })
    .expect("valid")
}

#[test]
fn simple_headers_are_always_read() {
    let mut simple = header_converter("Simple", &[("schemas.enable", "x")]);
    assert!(simple.is_infallible());
    let mut check = |bytes: Option<&'static [u8]>, expect: Value<'static>| {
        assert_eq!(
            simple.convert("h", bytes).expect("infallible").value,
            expect,
            "{bytes:?}"
        );
    };
    check(None, Value::Null);
    check(Some(b"null"), Value::Null);
    check(Some(b""), Value::String("".into()));
    check(Some(b"12"), Value::Int8(12));
    check(Some(b"a\xff"), Value::String("a\u{fffd}".into()));
    let deep: &'static [u8] = Box::leak(vec![b'['; 2000].into_boxed_slice());
    check(Some(deep), Value::Bytes(deep.into()));
    let schema = simple.convert("h", Some(deep)).expect("infallible").schema;
    assert_eq!(
        *schema.expect("bytes have a schema"),
        Schema::new(SchemaType::Bytes)
    );
}

#[test]
fn headers_that_cannot_be_read_are_told_by_name() {
    let mut json = header_converter("Json", &[("schemas.enable", "false")]);
    assert!(!json.is_infallible());
    assert_eq!(
        json.convert("h", Some(b"[1]")).expect("JSON").value,
        Value::Array(vec![Value::Int64(1)])
    );
    let error = json.convert("trace", Some(b"{")).expect_err("no JSON");
    assert_eq!(error.class, ErrorClass::Data);
    assert!(
        error
            .message
            .starts_with("header 'trace': Converting byte[]"),
        "{error}"
    );
    assert!(header_converter("String", &[]).is_infallible());
    assert!(!header_converter("Integer", &[]).is_infallible());
    let problems = HeaderConverter::new(&ConverterConfig {
        property: HEADER_CONVERTER.to_owned(),
        class: "Json".to_owned(),
        settings: given(&[("schemas.enable", "maybe")]),
    });
    assert_eq!(
        problems.expect_err("refused")[0].name,
        "header.converter.schemas.enable"
    );
}

#[test]
fn keys_of_maps_are_equal_as_in_java() {
    use crate::data::MapEntries;
    fn check(first: Value<'static>, second: Value<'static>, expect: usize) {
        let mut entries = MapEntries::default();
        let told = format!("{first:?} {second:?}");
        entries.insert(first.clone(), Value::Int8(1));
        entries.insert(second, Value::Int8(2));
        let entries = entries.into_entries();
        assert_eq!(entries.len(), expect, "{told}");
        if expect == 1 {
            assert_eq!(entries[0], (first, Value::Int8(2)), "{told}");
        }
    }
    let entry = |k, v| (Value::Int8(k), Value::Int8(v));
    check(Value::Int8(1), Value::Int8(1), 1);
    check(Value::Int8(1), Value::Int16(1), 2);
    check(Value::Float32(0.0), Value::Float32(-0.0), 2);
    check(Value::Date(1), Value::Timestamp(86_400_000), 1);
    check(Value::Time(5), Value::Timestamp(5), 1);
    check(
        Value::Bytes(b"a".as_slice().into()),
        Value::Bytes(b"a".as_slice().into()),
        2,
    );
    check(
        Value::Array(vec![Value::Int8(1)]),
        Value::Array(vec![Value::Int8(1)]),
        1,
    );
    check(
        Value::Map(vec![entry(1, 2), entry(3, 4)]),
        Value::Map(vec![entry(3, 4), entry(1, 2)]),
        1,
    );
    check(
        Value::Map(vec![entry(1, 2)]),
        Value::Map(vec![entry(1, 3)]),
        2,
    );
    check(Value::String("[".into()), Value::Array(vec![]), 2);
    check(Value::Bytes(b"".into()), Value::Bytes(b"".into()), 1);
    check(Value::Null, Value::Null, 1);
}

#[test]
fn settings_are_refused_by_their_full_name() {
    fn check(class: &str, settings: &[(&str, &str)], expect: &[&str]) {
        let problems = Converter::new(&config(class, settings)).expect_err("refused");
        let messages: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(messages, expect);
    }
    check(
        "JsonConverter",
        &[("schemas.cache.size", "x"), ("decimal.format", "TEXT")],
        &[
            "Invalid value x for configuration value.converter.schemas.cache.size: Not a number of type INT",
            "Invalid value TEXT for configuration value.converter.decimal.format: String must be one of (case insensitive): NUMERIC, BASE64",
        ],
    );
    check(
        "StringConverter",
        &[("converter.encoding", "utf-99")],
        &[
            "Invalid value utf-99 for configuration value.converter.converter.encoding: Unsupported encoding utf-99; use UTF-8, ISO-8859-1 or UTF-16, say",
        ],
    );
    assert!(Converter::new(&config("StringConverter", &[("converter.encoding", "")])).is_err());
}

#[test]
fn charsets_decode_as_java_does() {
    fn check(name: &str, bytes: &[u8], expect: &str) {
        let charset = Charset::named(name).expect("a character set");
        assert_eq!(charset.decode(bytes), expect, "{name} {bytes:x?}");
    }
    check("UTF-8", "ä€😀".as_bytes(), "ä€😀");
    check("utf8", b"a\xffb", "a\u{fffd}b");
    check("UTF-8", b"\xef\xbb\xbfa", "\u{feff}a");
    check("UTF-8", b"\xe4\xb8", "\u{fffd}");
    check("UTF-8", b"\xe4\xb8x\xc3", "\u{fffd}x\u{fffd}");
    check("UTF-8", b"\xed\xa0\x80x", "\u{fffd}x");
    check("UTF-8", b"\xed\xa0x", "\u{fffd}x");
    check("UTF-8", b"\xed\xbf", "\u{fffd}");
    check("UTF-8", b"\xc0\x80", "\u{fffd}\u{fffd}");
    check(
        "UTF-8",
        b"\xf0\x80\x80\x80",
        "\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
    );
    check("UTF-8", b"\xf0\x9f\x98x", "\u{fffd}x");
    check("US-ASCII", b"a\xe4", "a\u{fffd}");
    check("ISO8859_1", b"\xe4\x80", "ä\u{80}");
    check("UTF-16", b"\xff\xfea\0", "a");
    check("UTF-16", b"\xfe\xff\0a", "a");
    check("UTF-16", b"\0a\xd8\0", "a\u{fffd}");
    check("UTF-16LE", b"a\0b", "a\u{fffd}");
    check("UTF-16BE", b"\xd8\x3d\xde\0", "😀");
    // Half of a pair takes what follows with it.
    check("UTF-16BE", b"\xd8\x3d\0a\0b", "\u{fffd}b");
    check("UTF-16BE", b"\xd8\x3d\0", "\u{fffd}");
    check("UTF-16BE", b"\xde\0\0a", "\u{fffd}a");
    check("UTF-16BE", b"\0a\xff\xfe\xfe\xff", "a\u{fffe}\u{feff}");
    check("UTF-32", b"\xff\xfe\0\0a\0\0\0b", "a\u{fffd}");
    check("UTF-32", b"\0\x01\xf6\0\0\0\xd8\0\0\x11\0\0", "😀?\u{fffd}");
    check("UTF_32LE", b"a\0\0\0", "a");
    check("Cp1252", b"\x80\x81a", "€\u{fffd}a");
    check("ISO-8859-9", b"\x80\xfe", "\u{80}ş");
    check("Cp037", b"\xc8\x85\x93\x93\x96\x15", "Hello\n");
    check("IBM850", b"\x84", "ä");
    check("SJIS", b"\x81\x60\x5c", "\u{301c}\\");
    check("MS932", b"\x81\x60", "\u{ff5e}");
    check("EUC-JP", b"\xa1\xc1", "\u{301c}");
    check("GB2312", b"\xa1\xaa\xc4\xe3", "\u{2015}你");
    check("GBK", b"\xa1\xaa", "\u{2014}");
    check("Big5", b"\xa7A\xa2B", "你\u{ff3c}");
    check("Shift_JIS", b"\x93\xfa", "日");
    check("KOI8-R", b"\xc1", "а");
    for name in ["", "utf-99", " utf-8", "replacement", "macintosh", "nope"] {
        assert_eq!(Charset::named(name), None, "{name}");
    }
}

#[test]
fn bytes_and_texts_are_borrowed() {
    let mut converter = PlainConverter::new(&config("StringConverter", &[])).expect("valid");
    let text = converter.convert(Some(b"abc")).expect("infallible");
    assert!(matches!(text.value, Value::String(Cow::Borrowed("abc"))));
    assert!(converter.is_infallible());
    let mut converter = PlainConverter::new(&config("ByteArrayConverter", &[])).expect("valid");
    let bytes = converter.convert(Some(b"\xff")).expect("infallible");
    assert!(matches!(bytes.value, Value::Bytes(Cow::Borrowed(b"\xff"))));
    let mut converter = json(&[("schemas.enable", "false")]);
    let text = converter.convert(Some(b"\"abc\"")).expect("JSON");
    assert!(matches!(text.value, Value::String(Cow::Borrowed("abc"))));
    assert!(!converter.is_infallible());
}

#[test]
fn integers_beyond_64_bits_are_kept_or_refused() {
    let mut schemaless = json(&[("schemas.enable", "false")]);
    let value = schemaless
        .convert(Some(b"18446744073709551617"))
        .expect("JSON")
        .value;
    assert_eq!(
        value,
        Value::Decimal(Decimal::parse("18446744073709551617").expect("a number"))
    );

    let mut enveloped = json(&[]);
    let mut check = |kind: &str, number: &str, expect: Option<Value<'static>>| {
        let text = format!("{{\"schema\":{{\"type\":\"{kind}\"}},\"payload\":{number}}}");
        match (enveloped.convert(Some(text.as_bytes())), expect) {
            (Ok(found), Some(value)) => assert_eq!(found.value, value, "{kind} {number}"),
            (Err(error), None) => {
                assert_eq!(error.class, ErrorClass::Data);
                assert!(error.message.contains("does not fit 64 bits"), "{error}");
                assert!(error.message.len() < 200, "{error}");
            }
            (got, expect) => panic!("{kind} {number}: {got:?} instead of {expect:?}"),
        }
    };
    check("int64", "9223372036854775807", Some(Value::Int64(i64::MAX)));
    check("int64", "9223372036854775808", None);
    check("int64", "-1e30", None);
    check("int32", "1e400", None);
    check("int32", &"9".repeat(1000), None);
    check("int8", "300", Some(Value::Int8(44)));
    check("int16", "1e3", Some(Value::Int16(1000)));
    check(
        "double",
        "18446744073709551616",
        Some(Value::Float64(18_446_744_073_709_551_616.0)),
    );
}

#[test]
fn schemas_are_read_once() {
    let mut converter = json(&[("schemas.cache.size", "2")]);
    let mut schema = |schema: &str, payload: &str| -> Arc<Schema> {
        let text = format!("{{\"payload\":{payload},\"schema\": {schema} }}");
        converter
            .convert(Some(text.as_bytes()))
            .expect("an envelope")
            .schema
            .expect("a schema")
    };
    let int = schema("{\"type\":\"int32\"}", "1");
    assert!(Arc::ptr_eq(&int, &schema("{\"type\":\"int32\"}", "2")));
    let text = schema("{\"type\":\"string\"}", "\"a\"");
    assert_eq!(*text.kind(), SchemaType::String);
    assert!(
        Arc::ptr_eq(&int, &schema("{\"type\":\"int32\"}", "3")),
        "two fit"
    );
    schema("{\"type\":\"boolean\"}", "true");
    assert!(
        Arc::ptr_eq(&int, &schema("{\"type\":\"int32\"}", "3")),
        "it was used later"
    );
    assert!(
        !Arc::ptr_eq(&text, &schema("{\"type\":\"string\"}", "\"b\"")),
        "it was dropped"
    );
}

#[test]
fn without_a_cache_schemas_are_read_all_the_same() {
    let mut converter = json(&[("schemas.cache.size", "0")]);
    let text = b"{\"schema\":{\"type\":\"int32\"},\"payload\":1}";
    for _ in 0..2 {
        assert_eq!(
            converter.convert(Some(text)).expect("an envelope").value,
            Value::Int32(1)
        );
    }
}

#[test]
fn maps_take_the_last_value_of_a_key() {
    let text = br#"{"schema":{"type":"map","keys":{"type":"int32"},"values":{"type":"int32"}},"payload":[[1,1],[2,2],[1,3]]}"#;
    let value = json(&[]).convert(Some(text)).expect("a map").value;
    let entry = |k, v| (Value::Int32(k), Value::Int32(v));
    assert_eq!(value, Value::Map(vec![entry(1, 3), entry(2, 2)]));
}

#[test]
fn a_name_that_occurs_twice_in_the_envelope_counts_as_its_last() {
    let text = br#"{"schema":null,"payload":1,"payload":"x","schema":{"type":"string"}}"#;
    let value = json(&[]).convert(Some(text)).expect("an envelope").value;
    assert_eq!(value, Value::String("x".into()));
}

/// What becomes of an envelope: its value, or Java's exception and a part of the message.
fn check_envelope(schema: &str, payload: &str, expect: Result<Value<'static>, (ErrorClass, &str)>) {
    let text = format!("{{\"schema\":{schema},\"payload\":{payload}}}");
    match (json(&[]).convert(Some(text.as_bytes())), expect) {
        (Ok(found), Ok(value)) => assert_eq!(found.value, value, "{text}"),
        (Err(error), Err((class, part))) => {
            assert_eq!(error.class, class, "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
            assert!(!error.message.contains('\n'), "{text}: {error}");
        }
        (got, expect) => panic!("{text}: {got:?} instead of {expect:?}"),
    }
}

#[test]
fn base64_is_read_as_jackson_reads_it() {
    fn check(text: &str, expect: Option<&'static [u8]>) {
        let expect = expect
            .map(|bytes| Value::Bytes(bytes.into()))
            .ok_or((ErrorClass::Data, "no Base64"));
        check_envelope("{\"type\":\"bytes\"}", &format!("\"{text}\""), expect);
    }
    check("", Some(b""));
    check("YWJj", Some(b"abc"));
    check("YQ==", Some(b"a"));
    check("A9==", Some(b"\x03"));
    check("YQ==YWI=YWJj", Some(b"aababc"));
    check(" YWJj\\r\\n YQ==\\u0001", Some(b"abca"));
    check("YW Jj", None);
    check("YQ", None);
    check("YQ=", None);
    check("YQ= =", None);
    check("YQ===", None);
    check("YW-_", None);
    check("ä===", None);
    check("!!", None);
}

#[test]
fn schemas_that_are_none_are_told_as_java_tells_them() {
    use ErrorClass::{ClassCast, Data, SchemaBuilder};
    let check = |schema: &str, class, part| check_envelope(schema, "1", Err((class, part)));
    check("{}", Data, "'type' field");
    check("5", Data, "'type' field");
    check("{\"type\":\"a\\nb\"}", Data, "Unknown schema type: a\\nb");
    let int = "{\"type\":\"int32\"}";
    check("{\"type\":\"array\"}", Data, "element type");
    check("{\"type\":\"array\",\"items\":null}", Data, "element type");
    let map = |keys: &str, values: &str| {
        format!("{{\"type\":\"map\",\"keys\":{keys},\"values\":{values}}}")
    };
    check("{\"type\":\"map\",\"values\":null}", Data, "the key type");
    check("{\"type\":\"map\",\"keys\":{}}", Data, "the value type");
    check(&map("null", int), SchemaBuilder, "keySchema cannot be null");
    check(
        &map(int, "null"),
        SchemaBuilder,
        "valueSchema cannot be null",
    );
    check(&map("null", "{}"), Data, "'type' field");
    let structure = |fields: &str| format!("{{\"type\":\"struct\",\"fields\":[{fields}]}}");
    let field = |name: &str| format!("{{\"type\":\"int32\",\"field\":{name}}}");
    check(&structure("[]"), Data, "name not specified");
    check(&structure(&field("5")), Data, "name not specified");
    let (a, none) = (field("\"a\""), field("\"\""));
    check(&structure(&none), SchemaBuilder, "empty name");
    check(
        &structure(&format!("{a},{a},5")),
        SchemaBuilder,
        "duplication a",
    );
    check(
        &structure(&format!("{none},5")),
        SchemaBuilder,
        "empty name",
    );
    check(&structure(&format!("5,{none}")), Data, "name not specified");
    let default = |rest: &str| format!("{{\"type\":\"struct\",\"fields\":[],\"default\":{rest}}}");
    check(&default("{}"), SchemaBuilder, "a struct cannot have one");
    check(&default("5"), Data, "Structs should be encoded");
    let logical = "\"name\":\"org.apache.kafka.connect.data.Date\"";
    check(
        &default(&format!("5,{logical}")),
        ClassCast,
        "cast to STRUCT",
    );
    let odd = format!("{{\"type\":\"array\",\"items\":{int},\"field\":\"a\",{logical}}}");
    check_envelope(
        &structure(&odd),
        "{\"a\":5}",
        Err((ClassCast, "cast to ARRAY")),
    );
    // Outside of structs nobody looks.
    check_envelope(&odd, "5", Ok(Value::Date(5)));
}

#[test]
fn versions_keep_their_low_bits() {
    fn check(version: &str, expect: Option<i32>) {
        let text =
            format!("{{\"schema\":{{\"type\":\"int8\",\"version\":{version}}},\"payload\":1}}");
        let read = json(&[])
            .convert(Some(text.as_bytes()))
            .map(|read| read.schema);
        let schema = read.expect("an envelope").expect("a schema");
        assert_eq!(schema.version, expect, "{version}");
    }
    check("1", Some(1));
    check("2147483648", Some(i32::MIN));
    check("100000000000000000000", Some(1_661_992_960));
    check("-100000000000000000000", Some(-1_661_992_960));
    check("1.0", None);
    check("\"1\"", None);
    check("null", None);
}

#[test]
fn decimals_whose_exponent_is_too_great_go_by_way_of_a_double() {
    let check = |number, expect| {
        let schema = "{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\"}";
        check_envelope(schema, number, expect);
    };
    let decimal = |text| Ok(Value::Decimal(Decimal::parse(text).expect("a number")));
    check("1.50", decimal("1.50"));
    check("1e2147483647", decimal("1e2147483647"));
    check("0e99999999999", decimal("0.0"));
    check("-1e-2147483648", decimal("0.0"));
    check("1e2147483648", Err((ErrorClass::NumberFormat, "exponent")));
}

#[test]
fn nesting_takes_no_more_stack_than_there_is() {
    let mut converter = json(&[]);
    let mut check = |schema: [&str; 2], payload: [&str; 2], depth: usize, expect: Option<&str>| {
        let nested = |[before, after]: [&str; 2], inner: &str| {
            format!("{}{inner}{}", before.repeat(depth), after.repeat(depth))
        };
        let schema = nested(schema, "{\"type\":\"int8\"}");
        let payload = nested(payload, "1");
        let text = format!("{{\"schema\":{schema},\"payload\":{payload}}}");
        let found = converter.convert(Some(text.as_bytes()));
        let found = found.err().map(|error| error.message).unwrap_or_default();
        assert!(found.contains(expect.unwrap_or_default()), "{found}");
        assert_eq!(found.is_empty(), expect.is_none(), "{found}");
    };
    let too_deep = Some("More than 500 schemas");
    let array = ["{\"type\":\"array\",\"items\":", "}"];
    let map = [
        "{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"values\":",
        "}",
    ];
    for (schema, payload) in [(array, ["[", "]"]), (map, ["{\"a\":", "}"])] {
        check(schema, payload, 500, None);
        check(schema, payload, 501, too_deep);
        check(schema, payload, 2000, Some("deeper than 1000"));
    }
    // A field's schema stands in the field, so that arrays stand between these structs.
    let field = [
        "{\"type\":\"struct\",\"fields\":[{\"field\":\"a\",\"type\":\"array\",\"items\":",
        "}]}",
    ];
    check(field, ["{\"a\":[", "]}"], 250, None);
    check(field, ["{\"a\":[", "]}"], 251, too_deep);
    let deep = format!("{}1{}", "[".repeat(999), "]".repeat(999));
    let text = format!("{{\"schema\":null,\"payload\":{deep}}}");
    assert!(converter.convert(Some(text.as_bytes())).is_ok());
    let text = format!("{{\"schema\":null,\"payload\":[{deep}]}}");
    assert!(converter.convert(Some(text.as_bytes())).is_err());
}
