use std::path::{Path, PathBuf};

use p12_keystore::{Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm};
use rdkafka::ClientConfig;
use rdkafka::producer::BaseProducer;
use starrocks_kafka_testbed::broker::secured::{Authority, Certified, keytool};
use starrocks_kafka_testbed::broker::{self};
use tempfile::TempDir;

use super::*;

const STORE_PASSWORD: &str = "store-secret";
const KEY_PASSWORD: &str = "key-secret";
const USER: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"hunter2\";";

/// What these properties mean, one line each; PEM by what it has. Never a secret.
fn meaning(pairs: &[(&str, &str)]) -> String {
    let given = given(pairs);
    let (security, wrong) = resolve(&given);
    if !wrong.is_empty() {
        let lines = wrong.iter().map(|wrong| {
            let missing = if wrong.is_missing { "(missing) " } else { "" };
            let text = format!("{missing}{}", wrong.problem);
            for secret in ["hunter2", STORE_PASSWORD, KEY_PASSWORD] {
                assert!(!text.contains(secret), "{text}");
            }
            text
        });
        return lines.collect::<Vec<_>>().join("\n");
    }
    let mut lines: Vec<String> = security
        .properties
        .iter()
        .map(|(name, value)| match name.strip_suffix(".pem") {
            Some(_) => {
                let labels = pem::blocks(value).expect("it is PEM").into_iter();
                let labels: Vec<_> = labels.map(|block| block.label).collect();
                format!("{name}={}", labels.join(","))
            }
            None => format!("{name}={value}"),
        })
        .collect();
    if let Some(tokens) = &security.tokens {
        lines.push(format!("{tokens:?} {:?}", tokens.extensions));
    }
    let config: ClientConfig = security.properties.into_iter().collect();
    config
        .create::<BaseProducer>()
        .unwrap_or_else(|error| panic!("librdkafka refuses it: {error}"));
    lines.join("\n")
}

fn given<'p>(pairs: &[(&str, &str)]) -> Merged<'p> {
    let said = pairs.iter().map(|(name, value)| {
        let known = super::super::security_table::SECURITY.iter();
        let known = known
            .map(|property| property.key.name)
            .find(|known| known == name);
        let full = format!("consumer.{name}");
        let value = (*value).to_owned();
        (
            known.expect("a property of the table"),
            Said { full, value },
        )
    });
    Merged {
        said: said.collect(),
        prefix: "consumer.",
    }
}

fn check(pairs: &[(&str, &str)], expect: &str) {
    assert_eq!(meaning(pairs), expect, "{pairs:?}");
}

fn check_has(pairs: &[(&str, &str)], expect: &str) {
    let got = meaning(pairs);
    assert!(got.contains(expect), "{pairs:?}: {got}");
}

#[test]
fn this_librdkafka_has_what_is_promised() {
    let features = ClientConfig::new()
        .create_native_config()
        .expect("an empty configuration")
        .get("builtin.features")
        .expect("librdkafka tells its features");
    let has = |feature: &str| features.split(',').any(|one| one.trim() == feature);
    for promised in ["ssl", "sasl_plain", "sasl_scram", "sasl_oauthbearer"] {
        assert!(has(promised), "{promised}: {features}");
    }
    // What is refused by name, or done by ourselves, because it is not there.
    for absent in ["sasl_gssapi", "oidc"] {
        assert!(!has(absent), "{absent}: {features}");
    }
}

#[test]
fn plain_clients_have_nothing_to_secure() {
    check(&[], "");
    check(&[("security.protocol", "PLAINTEXT")], "");
    // As in Java, what the protocol does not use is not looked at.
    check(
        &[
            ("sasl.mechanism", "GSSAPI"),
            ("ssl.truststore.location", "/nowhere"),
        ],
        "",
    );
}

#[test]
fn logins_are_read_from_their_modules() {
    let sasl = ("security.protocol", "sasl_plaintext");
    let scram = USER.replace("plain.PlainLoginModule", "scram.ScramLoginModule");
    check(
        &[
            sasl,
            ("sasl.mechanism", "PLAIN"),
            ("sasl.jaas.config", USER),
        ],
        "sasl.mechanism=PLAIN\nsasl.password=hunter2\nsasl.username=u\nsecurity.protocol=sasl_plaintext",
    );
    check(
        &[
            sasl,
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.jaas.config", &scram),
        ],
        "sasl.mechanism=SCRAM-SHA-512\nsasl.password=hunter2\nsasl.username=u\nsecurity.protocol=sasl_plaintext",
    );
    let token = scram.replace("required", "required tokenauth=true");
    let oauth = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;";
    for (pairs, expect) in [
        (
            &[("sasl.jaas.config", USER)][..],
            "(missing) Missing configuration consumer.sasl.mechanism: Java's default GSSAPI (Kerberos) is not supported; set \
             PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.",
        ),
        (
            &[("sasl.mechanism", "GSSAPI")],
            "Invalid value GSSAPI for configuration consumer.sasl.mechanism: it is not supported (Kerberos); use \
             SCRAM-SHA-512, OAUTHBEARER or a client certificate.",
        ),
        (
            &[("sasl.mechanism", "AWS_MSK_IAM")],
            "let the MSK cluster take SASL/SCRAM",
        ),
        (
            &[("sasl.mechanism", "plain")],
            "known are PLAIN, SCRAM-SHA-256",
        ),
        (
            &[("sasl.mechanism", "PLAIN")],
            "(missing) Missing configuration consumer.sasl.jaas.config: sasl.mechanism=PLAIN needs it.",
        ),
        (
            &[
                ("sasl.mechanism", "PLAIN"),
                ("sasl.jaas.config", "a.B required password=\"hunter2\""),
            ],
            "Invalid value [hidden] for configuration consumer.sasl.jaas.config: JAAS config entry not terminated by \
             semi-colon.",
        ),
        (
            &[("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", oauth)],
            "Invalid value [hidden] for configuration consumer.sasl.jaas.config: the login module of sasl.mechanism=PLAIN is \
             org.apache.kafka.common.security.plain.PlainLoginModule.",
        ),
        (
            &[
                ("sasl.mechanism", "PLAIN"),
                ("sasl.jaas.config", &USER.replace("password", "passwort")),
            ],
            "it has no option password",
        ),
        (
            &[
                ("sasl.mechanism", "SCRAM-SHA-256"),
                ("sasl.jaas.config", &token),
            ],
            "delegation tokens (tokenauth) are not supported",
        ),
    ] {
        let mut all = vec![sasl];
        all.extend(pairs);
        check_has(&all, expect);
    }
}

#[test]
fn tokens_are_asked_for_as_old_and_new_java_clients_do() {
    let base = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "OAUTHBEARER"),
    ];
    let url = ("sasl.oauthbearer.token.endpoint.url", "https://idp/token");
    let old = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId='id' \
               clientSecret='hunter2' scope='kafka' extension_logicalCluster='lkc-1' extension_identityPoolId='pool-2';";
    let tokens = |more: &[(&str, &str)]| {
        let mut all = base.to_vec();
        all.extend(more);
        let (security, wrong) = resolve(&given(&all));
        assert!(wrong.is_empty(), "{wrong:?}");
        let tokens = security.tokens.expect("OAUTHBEARER");
        let TokenSettings {
            client_id,
            client_secret,
            scope,
            extensions,
            ..
        } = tokens;
        format!(
            "{client_id} {} {scope} {extensions:?}",
            client_secret.reveal()
        )
    };
    let expect = "id hunter2 kafka {\"identityPoolId\": \"pool-2\", \"logicalCluster\": \"lkc-1\"}";
    assert_eq!(tokens(&[url, ("sasl.jaas.config", old)]), expect);
    for handler in OAUTH_HANDLERS {
        let handler = ("sasl.login.callback.handler.class", *handler);
        assert_eq!(tokens(&[url, handler, ("sasl.jaas.config", old)]), expect);
    }
    let new = [
        url,
        ("sasl.oauthbearer.client.credentials.client.id", "id"),
        (
            "sasl.oauthbearer.client.credentials.client.secret",
            "hunter2",
        ),
        ("sasl.oauthbearer.scope", "kafka"),
    ];
    assert_eq!(tokens(&new), "id hunter2 kafka {}");
    let file = ("sasl.oauthbearer.token.endpoint.url", "file:///run/token");
    assert_eq!(tokens(&[file]), "   {}");

    let refused = |more: &[(&str, &str)], expect: &str| {
        let mut all = base.to_vec();
        all.extend(more);
        check_has(&all, expect);
    };
    refused(
        &[("sasl.jaas.config", old)],
        "(missing) Missing configuration consumer.sasl.oauthbearer.token.endpoint.url",
    );
    refused(
        &[("sasl.oauthbearer.token.endpoint.url", "idp/token")],
        "no URL that begins with https://",
    );
    refused(
        &[url],
        "it has no option clientId, and sasl.oauthbearer.client.credentials.client.id is not set either",
    );
    refused(&new[..2], "it has no option clientSecret");
    refused(
        &[
            url,
            ("sasl.jaas.config", old),
            ("sasl.login.callback.handler.class", "com.example.Login"),
        ],
        "Invalid value com.example.Login for configuration consumer.sasl.login.callback.handler.class: it is not known",
    );
    let keyed = old.replace("clientId", "ssl.keystore.location=x clientId");
    refused(
        &[url, ("sasl.jaas.config", &keyed)],
        "its option ssl.keystore.location is not supported",
    );
    let trusting = old.replace("clientId", "ssl.truststore.location='/nowhere/x' clientId");
    refused(
        &[url, ("sasl.jaas.config", &trusting)],
        "Invalid value /nowhere/x for configuration consumer.sasl.jaas.config, option ssl.truststore.location: the file cannot \
         be read",
    );
}

#[test]
fn protocols_and_suites_that_cannot_be_are_refused() {
    let ssl = ("security.protocol", "SSL");
    check_has(
        &[ssl, ("ssl.enabled.protocols", "TLSv1.3")],
        "Invalid value TLSv1.3 for configuration consumer.ssl.enabled.protocols: it leaves out TLSv1.2",
    );
    check_has(
        &[ssl, ("ssl.cipher.suites", "TLS_NULL_WITH_NULL_NULL")],
        "has no counterpart here",
    );
    let pem = Authority::new("a").pem().replace('\n', " ");
    let trust = [
        ssl,
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.certificates", pem.as_str()),
    ];
    let with = |more: &[(&'static str, &'static str)]| [&trust[..], more].concat();
    check(
        &with(&[
            ("ssl.enabled.protocols", "TLSv1.2,TLSv1.1"),
            ("ssl.endpoint.identification.algorithm", ""),
        ]),
        "security.protocol=ssl\nssl.ca.pem=CERTIFICATE\nssl.endpoint.identification.algorithm=none",
    );
    check(
        &with(&[("ssl.cipher.suites", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")]),
        "security.protocol=ssl\nssl.ca.pem=CERTIFICATE\nssl.cipher.suites=ECDHE-RSA-AES128-GCM-SHA256\n\
         ssl.endpoint.identification.algorithm=https",
    );
}

/// A folder with stores of one client's key and of its authority, made by `keytool` where Java has the format.
struct Stores {
    folder: TempDir,
    authority: Authority,
    client: Certified,
}

impl Stores {
    /// `None` where there is no `keytool`, which was said.
    fn make() -> Option<Self> {
        if !broker::may_start_or_skip() {
            return None;
        }
        let stores = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            authority: Authority::new("store authority"),
            client: Authority::new("client authority").client("store-client"),
        };
        stores.write("ca.pem", stores.authority.pem().as_bytes());
        for (name, kind, legacy) in TRUST_STORES {
            let mut arguments = vec![
                "-importcert",
                "-noprompt",
                "-alias",
                "ca",
                "-storepass",
                STORE_PASSWORD,
            ];
            let (ca, store) = (stores.path("ca.pem"), stores.path(name));
            arguments.extend([
                "-file",
                text(&ca),
                "-keystore",
                text(&store),
                "-storetype",
                kind,
            ]);
            if *legacy {
                arguments.push("-J-Dkeystore.pkcs12.legacy");
            }
            keytool(&arguments).expect("keytool makes a store");
        }
        stores.key_stores();
        Some(stores)
    }

    fn key_stores(&self) {
        let mut store = KeyStore::new();
        let certificate =
            Certificate::from_der(&self.client.certificate_der).expect("a certificate");
        let key = p12_keystore::PrivateKey::from_der(&self.client.key_der).expect("a key");
        let chain = p12_keystore::PrivateKeyChain::new("id", key, [certificate]);
        store.add_entry("client", KeyStoreEntry::PrivateKeyChain(chain));
        let bytes = store
            .writer(STORE_PASSWORD)
            .encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256)
            .mac_algorithm(MacAlgorithm::HmacSha256)
            .write()
            .expect("a store");
        self.write("source.p12", &bytes);
        let from = self.path("source.p12");
        for (name, kind, legacy) in KEY_STORES {
            let to = self.path(name);
            // Only JKS has a password of its own for a key.
            let key_password = if *kind == "JKS" {
                KEY_PASSWORD
            } else {
                STORE_PASSWORD
            };
            let mut arguments = vec!["-importkeystore", "-noprompt", "-srckeystore", text(&from)];
            arguments.extend(["-srcstoretype", "PKCS12", "-srcstorepass", STORE_PASSWORD]);
            arguments.extend(["-destkeystore", text(&to), "-deststoretype", kind]);
            arguments.extend(["-deststorepass", STORE_PASSWORD, "-srcalias", "client"]);
            arguments.extend(["-srckeypass", STORE_PASSWORD, "-destkeypass", key_password]);
            if *legacy {
                arguments.push("-J-Dkeystore.pkcs12.legacy");
            }
            keytool(&arguments).expect("keytool converts a store");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("the temporary folder takes files");
    }
}

fn text(path: &Path) -> &str {
    path.to_str()
        .expect("temporary folders have names in UTF-8")
}

/// File, type, and whether with the encryption of a `keytool` before JDK 8u301 and 11.0.12: RC2 and 3DES.
const TRUST_STORES: &[(&str, &str, bool)] = &[
    ("trust.jks", "JKS", false),
    ("trust.p12", "PKCS12", false),
    ("trust-old.p12", "PKCS12", true),
];
const KEY_STORES: &[(&str, &str, bool)] = &[
    ("key.jks", "JKS", false),
    ("key.p12", "PKCS12", false),
    ("key-old.p12", "PKCS12", true),
    ("key.jceks", "JCEKS", false),
];

#[test]
fn stores_of_keytool_are_read() {
    let Some(stores) = Stores::make() else { return };
    // Else the old encryption would not be tested: pbeWithSHAAnd40BitRC2-CBC.
    let rc2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 1, 6];
    for (name, legacy) in [("trust.p12", false), ("trust-old.p12", true)] {
        let bytes = std::fs::read(stores.path(name)).expect("it was made");
        let is_old = bytes.windows(rc2.len()).any(|window| window == rc2);
        assert_eq!(is_old, legacy, "{name}");
    }
    let authority = pem::blocks(stores.authority.pem()).expect("it is PEM");
    for (name, kind, _) in TRUST_STORES {
        // As with Java, JKS and PKCS12 stand in for each other.
        for kind in [kind, "jks", "PKCS12"] {
            let path = stores.path(name);
            let pairs = [
                ("security.protocol", "SSL"),
                ("ssl.truststore.type", kind),
                ("ssl.truststore.location", text(&path)),
                ("ssl.truststore.password", STORE_PASSWORD),
            ];
            let (security, wrong) = resolve(&given(&pairs));
            assert!(wrong.is_empty(), "{name} {kind}: {wrong:?}");
            let read = pem::blocks(&security.properties["ssl.ca.pem"]).expect("it is PEM");
            assert!(read == authority, "{name} {kind}");
        }
    }
    for (name, kind, _) in KEY_STORES.iter().filter(|(_, kind, _)| *kind != "JCEKS") {
        let path = stores.path(name);
        let mut pairs = vec![
            ("security.protocol", "SSL"),
            ("ssl.truststore.type", "PEM"),
            ("ssl.truststore.certificates", stores.authority.pem()),
            ("ssl.keystore.type", kind),
            ("ssl.keystore.location", text(&path)),
            ("ssl.keystore.password", STORE_PASSWORD),
        ];
        if *kind == "JKS" {
            pairs.push(("ssl.key.password", KEY_PASSWORD));
        }
        let (security, wrong) = resolve(&given(&pairs));
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
        let block = |property: &str| {
            let mut read = pem::blocks(&security.properties[property]).expect("it is PEM");
            read.remove(0).der
        };
        assert!(block("ssl.key.pem") == stores.client.key_der, "{name}");
        assert!(
            block("ssl.certificate.pem") == stores.client.certificate_der,
            "{name}"
        );
        // And librdkafka takes key and certificate for a pair.
        meaning(&pairs);
    }
}

#[test]
fn stores_that_are_not_what_is_said_are_refused() {
    let Some(stores) = Stores::make() else { return };
    stores.write("client.pem", stores.client.store().as_bytes());
    stores.write("note.txt", b"no store at all");
    stores.write(
        "cut.jks",
        &std::fs::read(stores.path("trust.jks")).expect("it was made")[..200],
    );
    let refused = |what: &str, file: &str, more: &[(&str, &str)], expect: &str| {
        let path = stores.path(file);
        let location = format!("ssl.{what}store.location");
        let mut pairs = vec![("security.protocol", "SSL"), (&location, text(&path))];
        pairs.extend(more);
        check_has(&pairs, expect);
    };
    let trust = ("ssl.truststore.password", STORE_PASSWORD);
    let key = ("ssl.keystore.password", STORE_PASSWORD);
    refused(
        "trust",
        "trust.jks",
        &[("ssl.truststore.password", "hunter2")],
        "trust.jks for configuration consumer.ssl.truststore.location: the file is not opened by this password, or is damaged.",
    );
    for store in ["trust.p12", "trust-old.p12"] {
        refused(
            "trust",
            store,
            &[("ssl.truststore.password", "hunter2")],
            "the file is not opened by this password.",
        );
    }
    refused("trust", "cut.jks", &[], "the file is cut off or damaged");
    refused(
        "trust",
        "nowhere.jks",
        &[trust],
        "the file cannot be read: No such file",
    );
    refused(
        "trust",
        "ca.pem",
        &[],
        "the file is a PEM file: set consumer.ssl.truststore.type=PEM",
    );
    refused(
        "trust",
        "trust.jks",
        &[("ssl.truststore.type", "PEM")],
        "the file is a JKS file: set consumer.ssl.truststore.type=JKS",
    );
    refused(
        "trust",
        "trust.p12",
        &[("ssl.truststore.type", "PEM")],
        "set consumer.ssl.truststore.type=PKCS12",
    );
    refused(
        "trust",
        "note.txt",
        &[trust],
        "neither JKS nor PKCS12 nor PEM",
    );
    refused(
        "trust",
        "trust.jks",
        &[("ssl.truststore.type", "BCFKS")],
        "known are JKS, PKCS12 and PEM",
    );
    refused(
        "trust",
        "ca.pem",
        &[("ssl.truststore.type", "PEM"), trust],
        "Invalid value [hidden] for configuration consumer.ssl.truststore.password: it cannot be given with PEM",
    );
    refused(
        "key",
        "key.jks",
        &[],
        "(missing) Missing configuration consumer.ssl.keystore.password: a key store of type JKS or PKCS12 needs it.",
    );
    refused(
        "key",
        "key.jks",
        &[key],
        "has a key that is not opened by this password: set ssl.key.password",
    );
    refused(
        "key",
        "key.jks",
        &[key, ("ssl.key.password", "hunter2")],
        "has a key that is not opened",
    );
    refused(
        "key",
        "key.jceks",
        &[key],
        "is a JCEKS store, which is not supported",
    );
    refused(
        "key",
        "trust.jks",
        &[key],
        "the file has no private key, only certificates",
    );
    refused(
        "key",
        "ca.pem",
        &[("ssl.keystore.type", "PEM")],
        "the file has no PEM block -----BEGIN PRIVATE KEY-----",
    );
}

/// A key that OpenSSL 3's `openssl pkcs8 -topk8` and Java encrypt: PBES2.
#[test]
fn encrypted_keys_are_opened_by_their_password() {
    let client = Authority::new("a").client("c");
    let plain = pkcs8::PrivateKeyInfoRef::try_from(client.key_der.as_slice()).expect("PKCS#8");
    let scheme = pkcs8::pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(
        2_048,
        b"saltsalt",
        [7; 16],
    );
    let encrypted = plain
        .encrypt_with_params(scheme.expect("fair parameters"), KEY_PASSWORD)
        .expect("it can be encrypted");
    let key = pem::write("ENCRYPTED PRIVATE KEY", encrypted.as_bytes());
    let authority = Authority::new("b");
    let mut pairs = vec![
        ("security.protocol", "SSL"),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.certificates", authority.pem()),
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.key", &key),
        ("ssl.keystore.certificate.chain", &client.certificate_pem),
    ];
    check_has(
        &pairs,
        "Invalid value [hidden] for configuration consumer.ssl.keystore.key: it has a key that is encrypted",
    );
    pairs.push(("ssl.key.password", "hunter2"));
    check_has(
        &pairs,
        "it has a key that is not opened by consumer.ssl.key.password",
    );
    pairs.pop();
    pairs.push(("ssl.key.password", KEY_PASSWORD));
    check(
        &pairs,
        "security.protocol=ssl\nssl.ca.pem=CERTIFICATE\nssl.certificate.pem=CERTIFICATE\n\
         ssl.endpoint.identification.algorithm=https\nssl.key.pem=PRIVATE KEY",
    );
    pairs.truncate(5);
    check_has(
        &pairs,
        "(missing) Missing configuration consumer.ssl.keystore.certificate.chain",
    );
    pairs[3] = ("ssl.keystore.type", "JKS");
    check_has(
        &pairs,
        "can be given only for PEM: set consumer.ssl.keystore.type=PEM",
    );
}
