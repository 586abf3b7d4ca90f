use super::*;

fn even(value: &ConfigValue) -> Result<(), String> {
    match value.integer() {
        Some(number) if number % 2 == 0 => Ok(()),
        _ => Err("Value must be even".to_owned()),
    }
}

static KEYS: &[ConfigKey] = &[
    ConfigKey::new("name", Kind::String)
        .validator(Validator::NonEmptyWithoutControls)
        .importance(Importance::High)
        .doc("The name."),
    ConfigKey::new("tasks.max", Kind::Int)
        .default("1")
        .at_least(1)
        .doc("How many tasks."),
    ConfigKey::new("bufferflush.maxbytes", Kind::Long)
        .default("94371840")
        .between(67_108_864, 10_737_418_240),
    ConfigKey::new("factor", Kind::Short).default("3"),
    ConfigKey::new("ratio", Kind::Double)
        .default("0.5")
        .between(0, 1),
    ConfigKey::new("enable", Kind::Boolean).default("true"),
    ConfigKey::new("topics", Kind::List).default(""),
    ConfigKey::new("hosts", Kind::List)
        .default("a:1")
        .non_empty(),
    ConfigKey::new("tolerance", Kind::String)
        .default("none")
        .one_of(&["none", "all"]),
    ConfigKey::new("level", Kind::String)
        .default("INFO")
        .one_of_ignore_case(&["INFO", "DEBUG"]),
    ConfigKey::new("user", Kind::String)
        .default("root")
        .non_empty()
        .aliases(&["login"])
        .group("Access"),
    ConfigKey::new("password", Kind::Password)
        .optional()
        .non_empty()
        .group("Access")
        .doc("Kept a|b\nsecret."),
    ConfigKey::new("converter", Kind::Class).optional(),
    ConfigKey::new("even", Kind::Int)
        .default("2")
        .validator(Validator::Custom {
            allowed: "even",
            check: even,
        }),
];
static DEF: ConfigDef = ConfigDef::new(&[KEYS], &["sink.properties."]);

fn given(pairs: &[(&str, &str)]) -> Given {
    pairs
        .iter()
        .map(|&(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

/// The messages that `pairs` give beside a valid name.
fn check(pairs: &[(&str, &str)], expect: &[&str]) {
    let mut all = given(&[("name", "n")]);
    all.extend(given(pairs));
    let (_, problems) = DEF.validate(&all);
    let messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(messages, expect, "{pairs:?}");
}

#[test]
fn texts_are_refused_in_kafkas_words() {
    check(&[], &[]);
    check(&[("tasks.max", " 2 ")], &[]);
    check(&[("tasks.max", "+2")], &[]);
    check(
        &[("tasks.max", "0")],
        &["Invalid value 0 for configuration tasks.max: Value must be at least 1"],
    );
    check(
        &[("tasks.max", "")],
        &["Invalid value  for configuration tasks.max: Not a number of type INT"],
    );
    check(
        &[("tasks.max", "x")],
        &["Invalid value x for configuration tasks.max: Not a number of type INT"],
    );
    check(
        &[("tasks.max", "2147483648")],
        &["Invalid value 2147483648 for configuration tasks.max: Not a number of type INT"],
    );
    check(&[("bufferflush.maxbytes", "67108864")], &[]);
    check(
        &[("bufferflush.maxbytes", "67108863")],
        &[
            "Invalid value 67108863 for configuration bufferflush.maxbytes: Value must be at least 67108864",
        ],
    );
    check(
        &[("bufferflush.maxbytes", "10737418241")],
        &[
            "Invalid value 10737418241 for configuration bufferflush.maxbytes: Value must be no more than 10737418240",
        ],
    );
    check(
        &[("bufferflush.maxbytes", "1.5")],
        &["Invalid value 1.5 for configuration bufferflush.maxbytes: Not a number of type LONG"],
    );
    check(
        &[("factor", "99999")],
        &["Invalid value 99999 for configuration factor: Not a number of type SHORT"],
    );
    check(
        &[("ratio", "1.5")],
        &["Invalid value 1.5 for configuration ratio: Value must be no more than 1"],
    );
    check(
        &[("ratio", "NaN")],
        &["Invalid value NaN for configuration ratio: Value must be at least 0"],
    );
    check(&[("enable", "TRUE")], &[]);
    check(
        &[("enable", "yes")],
        &["Invalid value yes for configuration enable: Expected value to be either true or false"],
    );
    check(
        &[("hosts", " ")],
        &["Invalid value [] for configuration hosts: Empty list"],
    );
    check(&[("hosts", "a,,b")], &[]);
    check(
        &[("tolerance", "ALL")],
        &["Invalid value ALL for configuration tolerance: String must be one of: none, all"],
    );
    check(&[("level", "debug")], &[]);
    check(
        &[("level", "x")],
        &[
            "Invalid value x for configuration level: String must be one of (case insensitive): INFO, DEBUG",
        ],
    );
    check(
        &[("tasks.max", "1\n2")],
        &["Invalid value 1\\n2 for configuration tasks.max: Not a number of type INT"],
    );
    check(
        &[("user", "")],
        &["Invalid value  for configuration user: String must be non-empty"],
    );
    check(
        &[("name", " ")],
        &["Invalid value  for configuration name: String may not be empty"],
    );
    check(
        &[("name", "a\u{7}b\u{1b}c")],
        &[
            "Invalid value a\u{7}b\u{1b}c for configuration name: String may not contain control sequences but had the following ASCII chars: 7, 27",
        ],
    );
    check(
        &[("password", "")],
        &["Invalid value [hidden] for configuration password: String must be non-empty"],
    );
    check(
        &[("even", "3")],
        &["Invalid value 3 for configuration even: Value must be even"],
    );
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_table() {
    let problems = DEF
        .parse(&given(&[("even", "1"), ("tasks.max", "0")]))
        .expect_err("three are wrong");
    let names: Vec<&str> = problems
        .iter()
        .map(|problem| problem.name.as_str())
        .collect();
    assert_eq!(names, ["name", "tasks.max", "even"]);
    assert_eq!(
        problems[0].message,
        "Missing required configuration \"name\" which has no default value."
    );
    assert_eq!(
        (problems[0].value.as_deref(), problems[1].value.as_deref()),
        (None, Some("0"))
    );
}

#[test]
fn values_are_trimmed_and_defaults_fill_in() {
    let config = DEF
        .parse(&given(&[
            ("name", " n "),
            ("topics", " a , b,,a "),
            ("password", " p w "),
        ]))
        .expect("valid");
    assert_eq!(config.string("name"), Some("n"));
    assert_eq!(config.list("topics"), ["a", "b", "", "a"]);
    assert_eq!(config.list("hosts"), ["a:1"]);
    assert_eq!(
        (config.integer("tasks.max"), config.integer("factor")),
        (Some(1), Some(3))
    );
    assert_eq!(
        (config.boolean("enable"), config.double("ratio")),
        (Some(true), Some(0.5))
    );
    assert_eq!(
        (config.string("converter"), config.get("none")),
        (None, None)
    );
    let password = config.password("password").expect("given");
    assert_eq!(password.reveal(), "p w");
    assert_eq!(format!("{password} {password:?}"), "[hidden] [hidden]");
    assert!(!format!("{config:?}").contains("p w"));
    assert_eq!(config.iter().count(), KEYS.len());
}

#[test]
fn every_default_in_a_table_satisfies_its_own_rule() {
    for key in DEF.keys() {
        if let DefaultValue::Text(text) = key.default {
            assert!(key.check(key.name, text).is_ok(), "{}", key.name);
        }
    }
}

#[test]
fn aliases_stand_for_their_key() {
    let config = DEF
        .parse(&given(&[("name", "n"), ("login", "u")]))
        .expect("valid");
    assert_eq!(config.string("user"), Some("u"));
    check(
        &[("login", "")],
        &["Invalid value  for configuration login: String must be non-empty"],
    );
    check(&[("login", "u"), ("user", "u")], &[]);
    check(
        &[("login", "u"), ("user", "v")],
        &["login is another name of user, and both are set, differently."],
    );
}

#[test]
fn unknown_names_are_told_with_the_nearest_known() {
    fn check(name: &str, nearest: Option<&str>, is_typo: bool) {
        let found = DEF.unknown(&given(&[(name, "1")]));
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(
            (found[0].nearest.as_deref(), found[0].is_typo),
            (nearest, is_typo),
            "{name}"
        );
    }
    check("topic", Some("topics"), true);
    check("task.max", Some("tasks.max"), true);
    check("taskx.mxa", Some("tasks.max"), true);
    check("bufferflush.max.byte", Some("bufferflush.maxbytes"), true);
    check("buffer.flush.maxbyte.s", Some("bufferflush.maxbytes"), true);
    check(
        "bufferflush.maximal.bytes",
        Some("bufferflush.maxbytes"),
        false,
    );
    check(
        "sink.propertis.format",
        Some("sink.properties.format"),
        true,
    );
    check(
        "sink.property.format",
        Some("sink.properties.format"),
        false,
    );
    check("foo", None, false);
    check("x", None, false);
    assert!(
        DEF.unknown(&given(&[
            ("sink.properties.x", "1"),
            ("login", "u"),
            ("user", "u")
        ]))
        .is_empty()
    );
    assert_eq!(
        DEF.unknown(&given(&[("topic", "1")]))[0].to_string(),
        "Unknown configuration topic; did you mean topics?"
    );
}

#[test]
fn the_reference_has_a_row_per_key_under_its_group() {
    let page = DEF.to_markdown();
    assert!(page.starts_with("## Common\n\n| property | type | default | allowed | meaning |\n|---|---|---|---|---|\n| `name` | string | required | not empty, no control characters | The name. |\n"), "{page}");
    assert!(page.contains("\n\n## Access\n\n"), "{page}");
    assert!(
        page.contains("| `password` | password | none | not empty | Kept a\\|b secret. |\n"),
        "{page}"
    );
    assert!(
        page.contains("| `user` | string | `root` | not empty |  Also accepted as `login`. |\n"),
        "{page}"
    );
    assert!(
        page.contains("| `topics` | list | empty |  |  |\n"),
        "{page}"
    );
    assert!(
        page.contains("| `bufferflush.maxbytes` | long | `94371840` | 67108864 … 10737418240 |"),
        "{page}"
    );
    assert_eq!(page.matches("\n| `").count(), KEYS.len());
}

#[test]
fn names_of_secrets_are_known() {
    for name in [
        "consumer.sasl.jaas.config",
        "ssl.keystore.password",
        "basic.auth.user.info",
        "x.client.SECRET",
    ] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in ["topics", "ssl.keystore.location", "sasl.mechanism"] {
        assert!(!is_secret_name(name), "{name}");
    }
}
