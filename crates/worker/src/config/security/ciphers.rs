//! `ssl.cipher.suites`: from Java's names to OpenSSL's.

/// Java's name of a TLS 1.2 suite, and OpenSSL's.
const SUITES: &[(&str, &str)] = &[
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        "ECDHE-ECDSA-AES256-SHA384",
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        "ECDHE-ECDSA-AES128-SHA256",
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "ECDHE-ECDSA-AES256-SHA",
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "ECDHE-ECDSA-AES128-SHA",
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
        "ECDHE-RSA-AES256-SHA384",
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "ECDHE-RSA-AES128-SHA256",
    ),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"),
    (
        "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
        "DHE-RSA-AES256-GCM-SHA384",
    ),
    (
        "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        "DHE-RSA-AES128-GCM-SHA256",
    ),
    (
        "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "DHE-RSA-CHACHA20-POLY1305",
    ),
    (
        "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
        "DHE-RSA-AES256-SHA256",
    ),
    (
        "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
        "DHE-RSA-AES128-SHA256",
    ),
    ("TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
    ("TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256"),
    ("TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"),
    ("TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
];

/// The suites of TLS 1.3, which librdkafka always offers.
const TLS_13: &[&str] = &[
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_CHACHA20_POLY1305_SHA256",
];

/// OpenSSL's list; `None` where only suites of TLS 1.3 are named. librdkafka's own notation is taken too.
///
/// # Errors
/// A suite that is not known.
pub(super) fn translate(list: &str) -> Result<Option<String>, String> {
    let mut suites = Vec::new();
    for name in list.split([',', ':']).map(str::trim) {
        if name.is_empty() || TLS_13.contains(&name) {
            continue;
        }
        let known = SUITES
            .iter()
            .find(|(java, openssl)| [*java, *openssl].contains(&name));
        let Some((_, openssl)) = known else {
            return Err(format!(
                "has the suite {name}, which has no counterpart here; leave it out of the list"
            ));
        };
        suites.push(*openssl);
    }
    Ok((!suites.is_empty()).then(|| suites.join(":")))
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::producer::BaseProducer;

    use super::*;

    #[test]
    fn suites_are_translated() {
        let check = |list: &str, expect: Result<Option<&str>, &str>| {
            let got = translate(list);
            match (&got, expect) {
                (Ok(got), Ok(expect)) => assert_eq!(got.as_deref(), expect, "{list}"),
                (Err(got), Err(expect)) => assert!(got.contains(expect), "{got}"),
                _ => panic!("{list}: {got:?}"),
            }
        };
        check("", Ok(None));
        check("TLS_AES_256_GCM_SHA384", Ok(None));
        check(
            "TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,ECDHE-ECDSA-AES128-SHA",
            Ok(Some("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA")),
        );
        check("SSL_RSA_WITH_RC4_128_MD5", Err("SSL_RSA_WITH_RC4_128_MD5"));
    }

    #[test]
    fn openssl_knows_every_suite() {
        for (java, openssl) in SUITES {
            let mut config = ClientConfig::new();
            config
                .set("security.protocol", "ssl")
                .set("ssl.cipher.suites", *openssl);
            config
                .create::<BaseProducer>()
                .unwrap_or_else(|error| panic!("{java}: {error}"));
        }
    }
}
