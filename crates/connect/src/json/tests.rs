use super::*;
use proptest::prelude::*;

/// The value in Rust's notation of serde_json, or the error's message.
fn check(text: &str, expect: Result<serde_json::Value, &str>) {
    match (Json::parse(text), expect) {
        (Ok(json), Ok(value)) => assert_eq!(to_serde(&json), value, "{text}"),
        (Err(error), Err(message)) => {
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
        (got, expect) => panic!("{text}: {got:?} instead of {expect:?}"),
    }
}

fn to_serde(json: &Json<'_>) -> serde_json::Value {
    match json {
        Json::Null => serde_json::Value::Null,
        Json::Boolean(truth) => (*truth).into(),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| number.to_f64().into(), Into::into),
        Json::String(text) => text.as_ref().into(),
        Json::Array(values) => values.iter().map(to_serde).collect(),
        Json::Object(members) => members
            .iter()
            .map(|(name, value)| (name.to_string(), to_serde(value)))
            .collect(),
    }
}

#[test]
fn reads_what_jackson_reads() {
    use serde_json::json;
    check("null", Ok(json!(null)));
    check(" true\t", Ok(json!(true)));
    check("false", Ok(json!(false)));
    check(
        "\r\n{ \"a\" : [ ] , \"b\":{ } }\n",
        Ok(json!({"a": [], "b": {}})),
    );
    check(
        "[1,-2,[[3]],{\"a\":[{}]}]",
        Ok(json!([1, -2, [[3]], {"a": [{}]}])),
    );
    check("{\"a\":1,\"b\":2,\"a\":3}", Ok(json!({"a": 3, "b": 2})));
    check(
        "{\"a\":1,\"\\u0061\":{\"a\":1,\"a\":2}}",
        Ok(json!({"a": {"a": 2}})),
    );
    check("007", Ok(json!(7)));
    check("-01", Ok(json!(-1)));
    check("-0", Ok(json!(0)));
    check("01.50", Ok(json!(1.5)));
    check("1e2", Ok(json!(100.0)));
    check("1E+2", Ok(json!(100.0)));
    check("1e-2", Ok(json!(0.01)));
    check(
        "\"\\u00e4\\u20AC\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        Ok(json!("ä€😀\"\\/\u{8}\u{c}\n\r\t")),
    );
    check("\"a\\nb\\nc\"", Ok(json!("a\nb\nc")));
    check("\"\\ud83d\"", Ok(json!("?")));
    check(
        "\"\\ud83dx\\ude00\\ud83d\\u0041\\ud83d\\ud83d\\ude00\"",
        Ok(json!("?x??A?😀")),
    );
    check("\"\u{7f}\u{2028}\"", Ok(json!("\u{7f}\u{2028}")));
}

#[test]
fn refuses_what_jackson_refuses_and_says_where() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "[1",
        "[1,",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "\"a",
        "\"\\",
    ] {
        assert!(Json::parse(text).is_err(), "{text}");
    }
    check("[1,]", Err("a value is expected at byte 3"));
    check("{\"a\":1,}", Err("a member's name"));
    check("{a:1}", Err("a member's name"));
    check("{'a':1}", Err("a member's name"));
    check("{\"a\" 1}", Err("':' is expected"));
    check("[1 2]", Err("',' or ']'"));
    check("[1}", Err("',' or ']'"));
    check("{\"a\":1]", Err("',' or '}'"));
    check("+1", Err("a value is expected at byte 0"));
    check(".5", Err("a value"));
    check("1.", Err("a digit"));
    check("1.e5", Err("a digit"));
    check("1e", Err("a digit"));
    check("-", Err("a digit"));
    check("NaN", Err("a value"));
    check("nul", Err("a value"));
    check("True", Err("a value"));
    check("nullx", Err("after the JSON value"));
    check("1x", Err("after the JSON value"));
    check("{}{}", Err("after the JSON value at byte 2"));
    check("/* c */ 1", Err("a value"));
    check("\"\n\"", Err("a control character"));
    check("\"\\x\"", Err("escape"));
    check("\"\\u12g4\"", Err("\\u escape"));
    check("\"\\ud83d\\uzzzz\"", Err("\\u escape"));
    check("\u{a0}1", Err("a value"));
    check("1\u{b}", Err("after the JSON value"));
    check(
        &format!("{}1{}", "[".repeat(1001), "]".repeat(1001)),
        Err("deeper than 1000"),
    );
    check(
        &format!("{}{}", "[".repeat(1001), "]".repeat(1001)),
        Err("deeper than 1000"),
    );
    check(&"1".repeat(1001), Err("1000 digits"));
    check(&format!("0.{}", "1".repeat(1000)), Err("1000 digits"));
}

#[test]
fn jacksons_limits_are_just_within() {
    assert!(Json::parse(&format!("{}1{}", "[".repeat(1000), "]".repeat(1000))).is_ok());
    assert!(Json::parse(&format!("-{}", "1".repeat(1000))).is_ok());
    assert!(Json::parse(&format!("{}1", "0".repeat(2000))).is_ok());
    assert!(Json::parse(&format!("{}.{}", "0".repeat(2000), "1".repeat(999))).is_ok());
}

#[test]
fn the_last_of_many_members_counts() {
    let members: Vec<String> = (0..40).map(|n| format!("\"{}\":{n}", n % 20)).collect();
    let text = format!("{{{}}}", members.join(","));
    let json = Json::parse(&text).expect("JSON");
    assert!(matches!(&json, Json::Object(members) if members.len() == 20));
    assert_eq!(json.get("7").map(to_serde), Some(27.into()));
    for more in [0, 20] {
        let more: String = (0..more).map(|n| format!(",\"{n}\":{n}")).collect();
        let text = format!("{{\"a\":1,\"b\":2,\"a\":3{more}}}");
        let json = Json::parse(&text).expect("JSON");
        let Json::Object(members) = json else {
            panic!("an object");
        };
        let first: Vec<_> = members
            .iter()
            .take(2)
            .map(|(n, v)| (n.as_ref(), to_serde(v)))
            .collect();
        assert_eq!(first, [("a", 3.into()), ("b", 2.into())], "{text}");
    }
    assert_eq!(json.get("40"), None);
}

#[test]
fn encodings_are_found() {
    fn check(bytes: &[u8], expect: Option<&str>) {
        assert_eq!(decode(bytes).ok().as_deref(), expect, "{bytes:x?}");
    }
    check(b"", Some(""));
    check(b"1", Some("1"));
    check(b"{}", Some("{}"));
    check("\u{feff}{}".as_bytes(), Some("{}"));
    check(b"\"\xe4\"", None);
    check(b"\0{\0}", Some("{}"));
    check(b"{\0}\0", Some("{}"));
    check(b"\xfe\xff\0{\0}", Some("{}"));
    check(b"\xff\xfe{\0}\0", Some("{}"));
    check(b"{\0}", Some("{\u{fffd}"));
    check(b"\0\"\xde\0\0\"", Some("\"\u{fffd}\""));
    check(b"\0\"\xff\xfe\0\"", Some("\"\u{fffe}\""));
    check(b"1\0", Some("1"));
    check(b"\xef\xbb\xbf", Some("\u{feff}"));
    check(b"\xff\xfe", None);
    check(b"\xff\xfe1", None);
    check(b"\xff\xfe1\0", Some("1"));
    check(b"\0\0\0{\0\0\0}", Some("{}"));
    check(b"{\0\0\0}\0\0\0", Some("{}"));
    check(b"\0\0\xfe\xff\0\0\0{\0\0\0}", Some("{}"));
    check(b"\xff\xfe\0\0{\0\0\0}\0\0\0", Some("{}"));
    check(b"{\0\0\0}\0\0", None);
    check(b"\0\0\xfe\xff\0\x11\0\0", None);
    check(b"\0\0\0\"\0\0\xd8\0\0\0\0\"", Some("\"\\ud800\""));
    // Invalid UTF-8 that Jackson reads all the same.
    check(b"\"\xc0\x80\"", Some("\"\\u0000\""));
    check(b"\"\xe0\x80\xaf\"", Some("\"\\u002f\""));
    check(
        b"\"\xed\xa0\xbd\xed\xb8\x80\xe4\xb8\x80\"",
        Some("\"\\ud83d\\ude00一\""),
    );
    check(b"\"\xed\xa0\xbdx\"", Some("\"\\ud83dx\""));
    check(b"\"\xf4\x90\x80\x80\"", Some("\"\\udc00\\udc00\""));
    check(b"\"\xf0\x80\x80\x80\"", Some("\"\\uffc0\\udc00\""));
    check(b"\"\\\\\xc0\x80\"", Some("\"\\\\\\u0000\""));
    check(b"\"\\\xc0\x80\"", None);
    // And what it does not.
    check(b"\"\xe2\x82\"", None);
    check(b"\"\xc3x\"", None);
    check(b"\"\x80\"", None);
    check(b"\"\xf8\x88\x80\x80\x80\"", None);
}

#[test]
fn zero_has_no_sign_and_what_is_nearly_zero_has_one() {
    fn check(text: &str, expect: f64) {
        let json = Json::parse(text).expect("JSON");
        let Json::Number(number) = json else {
            panic!("{text} is a number");
        };
        assert_eq!(number.to_f64().to_bits(), expect.to_bits(), "{text}");
        let is_negative = number.to_f32().is_sign_negative();
        assert_eq!(is_negative, expect.is_sign_negative(), "{text}");
    }
    check("-0", 0.0);
    check("-0.00", 0.0);
    check("-0.0e5", 0.0);
    check("-1e-400", -0.0);
    check("1e-400", 0.0);
    check("-1e-300", -1e-300);
}

/// Any JSON value, as serde_json writes it.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1000i64..1000).prop_map(Into::into),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(Into::into),
        "[a-c\"\\\\\n\u{0}ä😀]{0,4}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map("[a-c]{0,2}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
    .prop_map(|value: serde_json::Value| value.to_string())
}

/// A text with some characters put in, taken out or changed.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        0..3,
        prop::sample::select("[]{}:,\"a\\u01.eE+- tfn".chars().collect::<Vec<_>>()),
    );
    (json_text(), prop::collection::vec(edit, 0..3)).prop_map(|(text, edits)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (index, kind, c) in edits {
            let at = index.index(chars.len() + 1);
            match kind {
                0 => chars.insert(at, c),
                _ if at == chars.len() => {}
                1 => chars[at] = c,
                _ => drop(chars.remove(at)),
            }
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What serde_json, a strict reader, accepts, this one accepts, with the same value; what only
    /// this one accepts holds one of its liberties.
    #[test]
    fn agrees_with_a_strict_reader(text in mutated()) {
        // Minus zero has a sign to serde_json, and is a double even where it is integral.
        prop_assume!(!text.contains("-0"));
        match (serde_json::from_str::<serde_json::Value>(&text), Json::parse(&text)) {
            (Ok(strict), Ok(lenient)) => prop_assert!(same(&strict, &to_serde(&lenient)), "{strict} {lenient:?}"),
            (Ok(strict), Err(error)) => prop_assert!(false, "{strict} is refused: {error}"),
            (Err(error), Ok(lenient)) => {
                let is_liberty = ["leading zero", "invalid number", "surrogate", "number out of range", "unexpected end of hex escape"]
                    .iter()
                    .any(|liberty| error.to_string().contains(liberty));
                prop_assert!(is_liberty, "{lenient:?} is accepted, though {error}");
            }
            (Err(_), Err(_)) => {}
        }
    }
}

/// Equal, where integers beyond 64 signed bits are doubles, and doubles may differ in the last place
/// (serde_json does not round them all correctly).
fn same(strict: &serde_json::Value, lenient: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (strict, lenient) {
        (Value::Number(strict), Value::Number(lenient)) => {
            strict == lenient
                || strict.as_f64().zip(lenient.as_f64()).is_some_and(|(s, l)| {
                    // The last place of numbers next to zero is a large part of them.
                    let last_place = (s.abs() * 1e-15).max(4.0 * f64::from_bits(1));
                    (strict.is_f64() || strict.is_u64()) && (s - l).abs() <= last_place
                })
        }
        (Value::Array(strict), Value::Array(lenient)) => {
            strict.len() == lenient.len() && strict.iter().zip(lenient).all(|(s, l)| same(s, l))
        }
        (Value::Object(strict), Value::Object(lenient)) => {
            strict.len() == lenient.len()
                && strict
                    .iter()
                    .all(|(name, s)| lenient.get(name).is_some_and(|l| same(s, l)))
        }
        (strict, lenient) => strict == lenient,
    }
}
