use super::*;

/// What passes of a text: `None`, or all but the blanks around it.
fn check(text: &str, passes: bool) {
    let found = Scanner::default().scan(text.as_bytes());
    let expect = passes.then(|| text.trim().as_bytes());
    assert_eq!(found, expect, "{text}");
}

#[test]
fn ordinary_objects_pass() {
    for text in [
        "{}",
        " \t\r\n{ } \n",
        r#"{"a":1}"#,
        r#"{"a":1,"b":"x","c":true,"d":false,"e":null,"f":[1,-2.5,"y",[],{}],"g":{"a":{"a":1}}}"#,
        r#" { "a" : [ { "a" : 1 } , { "a" : 2 } ] , "b" : [ ] } "#,
        r#"{"a":"ä€😀 \" \\ \/ \b\f\n\r\t \u00e4 \ud83d\ude00"}"#,
        r#"{"a":0,"b":-1,"c":0.0,"d":-0.05e1,"e":1e2,"f":1.5E+20,"g":1e-250,"h":123456789012345678901234567890}"#,
        r#"{"":1}"#,
    ] {
        check(text, true);
    }
    check(
        &format!("{{\"a\":{}1{}}}", "[".repeat(63), "]".repeat(63)),
        true,
    );
    check(&format!("{{\"a\":{}}}", "1".repeat(1000)), true);
}

#[test]
fn everything_else_is_left_to_the_general_way() {
    for text in [
        "",
        " ",
        "null",
        "1",
        "\"x\"",
        "[1]",
        "\u{feff}{}",
        "{}{}",
        "{} x",
        "{",
        "{]",
        "[}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1 2]}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":tru}",
        "{\"a\":NaN}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":01}",
        "{\"a\":-0}",
        "{\"a\":-0.0}",
        "{\"a\":-0.00e5}",
        "{\"a\":-0E1}",
        "{\"a\":-01}",
        "{\"a\":1e251}",
        "{\"a\":1e99999999999}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\ud83d\"}",
        "{\"a\":\"\\ude00\"}",
        "{\"a\":\"\\ud83d\\u0041\"}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"\\u0061\":1}",
        "{\"a\":1,\"a\":2}",
        "{\"x\":{\"a\":1,\"b\":2,\"a\":3}}",
        "{\"x\":[{\"long name\":1,\"long name\":2}]}",
        "{\"a\":1}\0",
    ] {
        check(text, false);
    }
    check(
        &format!("{{\"a\":{}1{}}}", "[".repeat(64), "]".repeat(64)),
        false,
    );
    check(&format!("{{\"a\":{}}}", "1".repeat(1001)), false);
    check(&format!("{{\"a\":0.{}}}", "1".repeat(40)), false);
    assert_eq!(Scanner::default().scan(b"{\"a\":\"\xe4\"}"), None);
    assert_eq!(Scanner::default().scan(b"{\"a\":\"\xed\xa0\x80\"}"), None);
}

#[test]
fn names_are_compared_in_objects_of_every_size() {
    for count in [2, 3, 63, 64, 65, 66, 200, 1000] {
        let object = |last: usize| {
            let names = (0..count - 1)
                .chain([last])
                .map(|n| format!("\"name{n}\":{n}"));
            format!("{{{}}}", names.collect::<Vec<_>>().join(","))
        };
        check(&object(count), true);
        check(&object(0), false);
        check(&object(count - 2), false);
        check(&object(count / 2 - 1), false);
    }
}

#[test]
fn a_scan_leaves_nothing_to_the_next() {
    let mut scanner = Scanner::default();
    assert!(scanner.scan(br#"{"a":{"b":[{"c":1"#).is_none());
    assert!(scanner.scan(br#"{"a":1,"b":2,"c":3}"#).is_some());
    assert!(scanner.scan(br#"{"a":1,"b":2,"a":3}"#).is_none());
    assert!(scanner.scan(br#"{"c":1}"#).is_some());
}
