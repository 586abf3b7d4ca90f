use super::*;
use crate::encode::SchemaEvolution;
use starrocks_kafka_starrocks::LoadFormat;

/// The least that is needed, and `more`; an empty text takes a property away.
fn given(more: &[(&str, &str)]) -> Given {
    let least = [
        ("starrocks.http.url", "fe1:8030,fe2:8030"),
        ("starrocks.database.name", "db"),
        ("starrocks.username", "root"),
        ("starrocks.password", "secret"),
    ];
    let mut given: Given = least
        .iter()
        .chain(more)
        .map(|&(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    for (name, text) in more {
        if *text == "(absent)" {
            given.remove(*name);
        }
    }
    given
}

fn parse(more: &[(&str, &str)]) -> SinkSettings {
    SinkSettings::parse(&given(more)).expect("valid settings")
}

/// All messages that `more` gives, and nothing else.
fn refused(more: &[(&str, &str)], expect: &[&str]) {
    let problems = SinkSettings::parse(&given(more)).expect_err("to be refused");
    let messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(messages, expect, "{more:?}");
    assert!(
        !messages.concat().contains("secret"),
        "a password is shown: {messages:?}"
    );
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let settings = parse(&[]);
    let frontends: Vec<String> = settings
        .client
        .frontends
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(frontends, ["http://fe1:8030", "http://fe2:8030"]);
    assert_eq!(settings.client.user, "root");
    assert_eq!(settings.client.connect_timeout, Duration::from_secs(1));
    assert_eq!(settings.client.redirect, RedirectPolicy::Refuse);
    assert_eq!(settings.client.be_address_map, BeAddressMap::default());
    assert_eq!(settings.client.ca_file, None);
    assert_eq!(settings.database, "db");
    assert_eq!(settings.topics, TopicMap::default());
    assert_eq!(settings.load_headers("t").format(), LoadFormat::Json);
    assert_eq!(settings.flush_bytes, 94_371_840);
    assert_eq!(settings.flush_interval, Duration::from_secs(300));
    assert_eq!(settings.max_retries, Some(3));
    assert_eq!(settings.delivery_guarantee, None);
    assert_eq!(settings.in_doubt, InDoubt::Fail);
    assert_eq!(settings.progress_timeout, Duration::from_secs(600));
    assert_eq!(settings.unavailable_timeout, None);
}

#[test]
fn every_property_is_read() {
    let settings = parse(&[
        ("starrocks.username", "(absent)"),
        ("starrocks.user", "loader"),
        ("starrocks.http.url", "https://fe:8443"),
        ("starrocks.topic2table.map", "a:b"),
        ("connect.timeoutms", "60000"),
        ("starrocks.be.address.map", "*=be:8040"),
        ("starrocks.http.redirect", "allow"),
        ("starrocks.ssl.ca.location", "/etc/ca.pem"),
        ("sink.properties.format", "JSON"),
        ("sink.properties.timeout", "900"),
        ("bufferflush.maxbytes", "67108864"),
        ("bufferflush.intervalms", "1000"),
        ("sink.maxretries", "-1"),
        ("starrocks.delivery.guarantee", "at-least-once"),
        ("starrocks.in.doubt", "replay"),
        ("starrocks.progress.timeout.ms", "5000"),
        ("starrocks.unavailable.timeout.ms", "60000"),
    ]);
    assert_eq!(settings.client.user, "loader");
    assert_eq!(settings.client.frontends[0].to_string(), "https://fe:8443");
    assert_eq!(Some(settings.topics.clone()), TopicMap::parse("a:b").ok());
    assert_eq!(settings.client.connect_timeout, Duration::from_secs(60));
    assert_ne!(settings.client.be_address_map, BeAddressMap::default());
    assert_eq!(settings.client.redirect, RedirectPolicy::Allow);
    assert_eq!(settings.client.ca_file, Some(PathBuf::from("/etc/ca.pem")));
    assert_eq!(settings.load_headers("t").timeout_s(), Some(900));
    assert_eq!(settings.flush_bytes, 67_108_864);
    assert_eq!(settings.flush_interval, Duration::from_secs(1));
    assert_eq!(settings.max_retries, None);
    assert_eq!(
        settings.delivery_guarantee,
        Some(DeliveryGuarantee::AtLeastOnce)
    );
    assert_eq!(settings.in_doubt, InDoubt::Replay);
    assert_eq!(settings.progress_timeout, Duration::from_secs(5));
    assert_eq!(settings.unavailable_timeout, Some(Duration::from_secs(60)));
    assert_eq!(
        parse(&[("starrocks.in.doubt", "skip")]).in_doubt,
        InDoubt::Skip
    );
    let exactly = parse(&[("starrocks.delivery.guarantee", "exactly-once")]).delivery_guarantee;
    assert_eq!(exactly.map(DeliveryGuarantee::name), Some("exactly-once"));
    assert_eq!(parse(&[("starrocks.password", "")]).client.user, "root");
    // A LONG, as in Java.
    let retries = |text| parse(&[("sink.maxretries", text)]).max_retries;
    assert_eq!(retries("0"), Some(0));
    assert_eq!(retries("9223372036854775807"), Some(u32::MAX));
}

#[test]
fn passwords_are_trimmed_as_all_texts_and_not_shown() {
    let settings = parse(&[("starrocks.password", " pass word ")]);
    assert_eq!(
        settings.client.password,
        starrocks::Secret::new("pass word")
    );
    assert!(!format!("{settings:?}").contains("pass word"));
}

#[test]
fn what_is_missing_is_said_all_at_once() {
    let problems = SinkSettings::parse(&Given::new()).expect_err("everything is missing");
    let messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let missing = |name: &str| {
        format!("Missing required configuration \"{name}\" which has no default value.")
    };
    assert_eq!(
        messages,
        [
            missing("starrocks.http.url"),
            missing("starrocks.database.name"),
            missing("starrocks.username"),
            missing("starrocks.password"),
        ]
    );
}

#[test]
fn what_is_wrong_is_refused() {
    refused(
        &[
            ("bufferflush.maxbytes", "1000"),
            ("connect.timeoutms", "soon"),
        ],
        &[
            "Invalid value soon for configuration connect.timeoutms: Not a number of type LONG",
            "Invalid value 1000 for configuration bufferflush.maxbytes: Value must be at least 67108864",
        ],
    );
    refused(
        &[("bufferflush.intervalms", "3600001")],
        &[
            "Invalid value 3600001 for configuration bufferflush.intervalms: Value must be no more than 3600000",
        ],
    );
    refused(
        &[("sink.maxretries", "-2")],
        &["Invalid value -2 for configuration sink.maxretries: Value must be at least -1"],
    );
    refused(
        &[
            ("starrocks.http.url", "fe1"),
            ("starrocks.be.address.map", "be"),
        ],
        &[
            "starrocks.http.url: `fe1`: the port is missing; write `host:port`, an IPv6 address as `[::1]:8030`",
            "starrocks.be.address.map: `be`: write `registered-host:port=reachable-host:port`, or `*=host:port` for all",
        ],
    );
    refused(
        &[
            ("sink.properties.format", "avro"),
            ("sink.properties.label", "x"),
        ],
        &[
            "Invalid value avro for configuration sink.properties.format: String must be one of (case insensitive): json, csv",
            "sink.properties.label: is set by the connector itself; remove it",
        ],
    );
    refused(
        &[("starrocks.user", "other")],
        &["starrocks.user is another name of starrocks.username, and both are set, differently."],
    );
    refused(
        &[("starrocks.delivery.guarantee", "at-most-once")],
        &[
            "Invalid value at-most-once for configuration starrocks.delivery.guarantee: \
           String must be one of: exactly-once, at-least-once",
        ],
    );
}

#[test]
fn columns_are_added_by_sql_to_rows_in_json() {
    const ADD: (&str, &str) = ("starrocks.schema.evolution", "add-columns");
    refused(
        &[ADD],
        &[
            "starrocks.schema.evolution=add-columns needs starrocks.mysql.url=<FE host>:9030, for columns are added by SQL",
        ],
    );
    refused(
        &[
            ADD,
            ("starrocks.mysql.url", "fe:9030"),
            ("sink.properties.format", "csv"),
        ],
        &[
            "starrocks.schema.evolution needs rows in JSON: remove sink.properties.format=csv, or starrocks.schema.evolution",
        ],
    );
    let settings = parse(&[ADD, ("starrocks.mysql.url", "fe1:9030,fe2:9030")]);
    assert_eq!(settings.rows.evolution, SchemaEvolution::AddColumns);
    assert_eq!(settings.mysql.len(), 2);
}

#[test]
fn properties_of_plain_stream_load_and_guarantees() {
    const PROPERTY: (&str, &str) = ("sink.properties.enclose", "'");
    const GUARANTEE: &str = "starrocks.delivery.guarantee";
    let refusal = |name: &str| {
        format!(
            "{name} is honoured by plain Stream Load only, which loads rows at least once: remove it, or set \
             starrocks.delivery.guarantee=at-least-once"
        )
    };
    let of_table = ("sink.table.t.properties.enable_merge_commit", "true");
    refused(
        &[PROPERTY, of_table, (GUARANTEE, "exactly-once")],
        &[&refusal(PROPERTY.0), &refusal(of_table.0)],
    );

    let exactly = parse(&[(GUARANTEE, "exactly-once")]);
    assert_eq!(exactly.first_guarantee(), DeliveryGuarantee::ExactlyOnce);
    let unset = parse(&[]);
    assert_eq!(unset.first_guarantee(), DeliveryGuarantee::ExactlyOnce);
    assert!(unset.warnings(None).is_empty());

    let lost = parse(&[PROPERTY, of_table]);
    assert_eq!(lost.first_guarantee(), DeliveryGuarantee::AtLeastOnce);
    assert_eq!(
        lost.warnings(None),
        [
            "rows are loaded at least once: sink.properties.enclose, sink.table.t.properties.enable_merge_commit are honoured \
             by plain Stream Load only. With starrocks.delivery.guarantee=at-least-once written out, this is not said again"
        ]
    );
    let asked = parse(&[PROPERTY, (GUARANTEE, "at-least-once")]);
    assert_eq!(asked.first_guarantee(), DeliveryGuarantee::AtLeastOnce);
    assert!(asked.warnings(None).is_empty());
}

#[test]
fn properties_of_a_table_that_no_topic_goes_to_are_said() {
    let settings = parse(&[
        ("starrocks.topic2table.map", "a:t1,b:Orders"),
        ("sink.table.t1.properties.columns", "x"),
        ("sink.table.orders.properties.columns", "x"),
        ("sink.table.c.properties.columns", "x"),
    ]);
    let warnings = |topics: &[&str]| {
        let topics: Vec<_> = topics.iter().map(|&topic| topic.to_owned()).collect();
        settings.warnings(Some(&topics))
    };
    let idle = |table: &str| {
        format!(
            "sink.table.{table}.properties.* have no effect: no topic goes to table {table}; upper and lower case are \
             different"
        )
    };
    assert_eq!(warnings(&["a", "b", "c"]), [idle("orders")]);
    assert_eq!(warnings(&["orders"]), [idle("c"), idle("t1")]);
    // Which topics a pattern finds is known later.
    assert!(settings.warnings(None).is_empty());
}
