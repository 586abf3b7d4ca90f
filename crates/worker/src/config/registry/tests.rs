use super::*;

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
const URL: &str = "http://registry:8081";

fn converter(settings: &[(&str, &str)]) -> ConverterConfig {
    let settings = settings
        .iter()
        .map(|&(name, text)| (name.to_owned(), text.to_owned()));
    ConverterConfig {
        property: "value.converter".to_owned(),
        class: AVRO.to_owned(),
        settings: settings.collect(),
    }
}

fn read(settings: &[(&str, &str)]) -> RegistrySettings {
    let mut all = vec![(REGISTRY_URL, URL)];
    all.retain(|(name, _)| !settings.iter().any(|(given, _)| given == name));
    all.extend(settings);
    let found = super::settings(&converter(&all));
    found
        .expect("settings that are right")
        .expect("a converter with a registry")
}

#[test]
fn addresses_lose_their_logins() {
    let check = |urls: &str, expect: &[(&str, Option<&str>)]| {
        let settings = read(&[(REGISTRY_URL, urls)]);
        let found: Vec<_> = settings
            .addresses
            .iter()
            .map(|address| {
                (
                    address.url.as_str(),
                    address.authorization.as_ref().map(Secret::reveal),
                )
            })
            .collect();
        assert_eq!(found, expect, "{urls}");
    };
    check("http://a:8081", &[("http://a:8081", None)]);
    check(
        "http://a:8081/, https://b/path/",
        &[("http://a:8081", None), ("https://b/path", None)],
    );
    // ada:p@ss
    check(
        "https://ada:p%40ss@a",
        &[("https://a", Some("Basic YWRhOnBAc3M="))],
    );
    check("http://[::1]:8081", &[("http://[::1]:8081", None)]);
}

#[test]
fn logins_come_from_where_they_are_said_to() {
    let check = |settings: &[(&str, &str)], expect: Option<&str>| {
        let found = read(settings);
        let authorization = found.addresses[0].authorization.as_ref();
        assert_eq!(authorization.map(Secret::reveal), expect, "{settings:?}");
    };
    let jaas = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="ada" password="pw";"#;
    let ada = Some("Basic YWRhOnB3");
    check(&[], None);
    check(&[(BASIC, "USER_INFO"), (USER_INFO, "ada:pw")], ada);
    check(
        &[
            ("schema.registry.basic.auth.credentials.source", "USER_INFO"),
            ("schema.registry.basic.auth.user.info", "ada:pw"),
        ],
        ada,
    );
    check(&[(BASIC, "SASL_INHERIT"), ("sasl.jaas.config", jaas)], ada);
    check(&[(BASIC, "URL"), (USER_INFO, "ada:pw")], None);
    check(&[(BASIC, "NOPE")], None);
    check(
        &[(BEARER, "STATIC_TOKEN"), ("bearer.auth.token", "t")],
        Some("Bearer t"),
    );
}

#[test]
fn what_is_wrong_is_said_by_its_full_name_and_shows_no_secret() {
    let check = |settings: &[(&str, &str)], expect: &str| {
        let mut all = vec![(REGISTRY_URL, URL)];
        all.retain(|(name, _)| !settings.iter().any(|(given, _)| given == name));
        all.extend(settings);
        let problems = super::settings(&converter(&all)).expect_err(expect);
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(
            texts.iter().any(|text| text.contains(expect)),
            "{texts:?} {expect}"
        );
        assert!(!texts.join(" ").contains("geheim"), "{texts:?}");
    };
    check(
        &[(BASIC, "USER_INFO")],
        "Missing configuration value.converter.basic.auth.user.info: USER_INFO takes its login from there.",
    );
    check(
        &[(BASIC, "SASL_INHERIT")],
        "Missing configuration value.converter.sasl.jaas.config",
    );
    check(
        &[(BASIC, "SASL_INHERIT"), ("sasl.jaas.config", "x geheim")],
        "Invalid value [hidden] for configuration value.converter.sasl.jaas.config",
    );
    check(&[(BEARER, "OAUTHBEARER")], "STATIC_TOKEN is");
    check(
        &[(REGISTRY_URL, "registry:8081")],
        "it must begin with http:// or https://",
    );
    check(
        &[(REGISTRY_URL, "ftp://ada:geheim@registry")],
        "Invalid value ftp://[hidden]@registry for configuration value.converter.schema.registry.url",
    );
    check(&[(REGISTRY_URL, "http://")], "it is no address");
    check(
        &[("proxy.host", "p")],
        "not yet supported (configuration value.converter.proxy.host)",
    );
    check(
        &[("schema.registry.ssl.truststore.location", "/nowhere/ca.pem")],
        "value.converter.schema.registry.ssl.truststore.location",
    );
}

#[test]
fn headers_and_times_are_taken_over() {
    let found = read(&[
        ("bearer.auth.logical.cluster", "lsrc-1"),
        ("request.header.X-Tenant", "a"),
        ("http.read.timeout.ms", "500"),
        (HOST_CHECK, ""),
    ]);
    let headers: Vec<_> = found
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.reveal()))
        .collect();
    assert_eq!(
        headers,
        [("target-sr-cluster", "lsrc-1"), ("X-Tenant", "a")]
    );
    assert_eq!(found.connect_timeout, Duration::from_millis(60_000));
    assert_eq!(found.read_timeout, Duration::from_millis(500));
    assert!(found.tls.any_host);
}

#[test]
fn the_workers_registry_serves_converters_without_one() {
    let worker = |pairs: &[(&str, &str)]| -> Given {
        pairs
            .iter()
            .map(|&(name, text)| (name.to_owned(), text.to_owned()))
            .collect()
    };
    let check = |own: &[(&str, &str)],
                 given: &[(&str, &str)],
                 expect: &[(&str, &str)],
                 said: Option<&str>| {
        let mut config = converter(own);
        let notice = inherit(&mut config, &worker(given));
        assert_eq!(config.settings, worker(expect), "{own:?} {given:?}");
        let notice = notice.map(|notice| notice.to_string());
        assert_eq!(notice.is_some(), said.is_some(), "{notice:?}");
        if let (Some(notice), Some(said)) = (notice, said) {
            assert!(notice.contains(said), "{notice}");
        }
    };
    let of_converter = ("value.converter.schema.registry.url", "http://c");
    let of_worker = ("schema.registry.url", "http://w");
    check(&[], &[], &[], None);
    check(
        &[(REGISTRY_URL, URL)],
        &[of_converter, of_worker],
        &[(REGISTRY_URL, URL)],
        None,
    );
    check(
        &[],
        &[of_converter, of_worker],
        &[(REGISTRY_URL, "http://c")],
        Some("it takes the worker's value.converter.schema.registry.url"),
    );
    check(
        &[("use.latest.version", "true"), (USER_INFO, "own:x")],
        &[
            of_worker,
            (BASIC, "USER_INFO"),
            (USER_INFO, "w:x"),
            ("schema.registry.ssl.truststore.location", "/ca.pem"),
            ("value.converter.enhanced.avro.schema.support", "true"),
        ],
        &[
            ("use.latest.version", "true"),
            (REGISTRY_URL, "http://w"),
            (BASIC, "USER_INFO"),
            (USER_INFO, "own:x"),
            ("schema.registry.ssl.truststore.location", "/ca.pem"),
        ],
        Some("it takes the worker's schema.registry.url"),
    );
    // The login of SASL, where the registry's is to be the same.
    for (source, inherited) in [("SASL_INHERIT", true), ("URL", false)] {
        let url = (REGISTRY_URL, "http://w");
        let expect = [url, (BASIC, source), (JAAS, "x")];
        check(
            &[],
            &[of_worker, (BASIC, source), (JAAS, "x")],
            if inherited { &expect } else { &expect[..2] },
            Some("it takes the worker's schema.registry.url"),
        );
    }
}
