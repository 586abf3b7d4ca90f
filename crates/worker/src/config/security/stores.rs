//! Key stores and trust stores as Java's clients have them, read and handed over as PEM: PEM in a file or in
//! the property itself, JKS, PKCS12 of old and new `keytool`s.
//!
//! The rules of what may be said beside what are those of `DefaultSslEngineFactory`. As with a JDK's
//! `keystore.type.compat`, JKS and PKCS12 stand in for each other; a PEM file is not taken for one of them.

use std::fs;

use p12_keystore::{Certificate, Pkcs12Archive};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Decode as _;

use super::contents::{Chain, Entries};
use super::merged::{Merged, Wrong};
use super::{jks, pem};

/// Who the client is, in PEM.
pub(in super::super) struct Identity {
    pub(in super::super) certificates: String,
    pub(in super::super) key: String,
    /// Of a key that librdkafka opens.
    pub(in super::super) key_password: Option<String>,
}

/// The names of one store's properties.
struct Names {
    what: &'static str,
    kind: &'static str,
    location: &'static str,
    password: &'static str,
}

const TRUST: Names = Names {
    what: "trust store",
    kind: "ssl.truststore.type",
    location: "ssl.truststore.location",
    password: "ssl.truststore.password",
};
const TRUST_CERTIFICATES: &str = "ssl.truststore.certificates";

const KEY: Names = Names {
    what: "key store",
    kind: "ssl.keystore.type",
    location: "ssl.keystore.location",
    password: "ssl.keystore.password",
};
const KEY_ITSELF: &str = "ssl.keystore.key";
const KEY_CERTIFICATES: &str = "ssl.keystore.certificate.chain";
const KEY_PASSWORD: &str = "ssl.key.password";

/// The certificates to trust, as PEM; `None` where the platform's are meant.
pub(in super::super) fn trust(given: &Merged<'_>) -> Result<Option<String>, Wrong> {
    let store = Store::named(given, &TRUST, &[TRUST_CERTIFICATES])?;
    let certificates = match (store, given.get(TRUST_CERTIFICATES)) {
        (None, None) => return Ok(None),
        (None, Some(text)) => {
            certificates_of(text).map_err(|what| given.wrong(TRUST_CERTIFICATES, &what))?
        }
        (Some(store), _) => {
            let refuse = |what: &str| given.wrong_file(TRUST.location, &store.path, what);
            if store.is_pem {
                let text = String::from_utf8_lossy(&store.bytes);
                certificates_of(&text).map_err(|what| refuse(&what))?
            } else {
                let mut entries = store
                    .open(given.get(TRUST.password), None)
                    .map_err(|what| refuse(&what))?;
                // Java trusts the certificates of key entries too.
                for chain in entries.chains {
                    entries
                        .trusted
                        .extend(chain.certificates.into_iter().next());
                }
                if entries.trusted.is_empty() {
                    return Err(refuse("has no certificate to trust"));
                }
                entries.trusted
            }
        }
    };
    Ok(Some(write(&certificates)))
}

/// The client's key and certificates; `None` where it has none.
pub(in super::super) fn identity(given: &Merged<'_>) -> Result<Option<Identity>, Wrong> {
    let store = Store::named(given, &KEY, &[KEY_ITSELF, KEY_CERTIFICATES])?;
    let Some(store) = store else {
        return inline_identity(given);
    };
    let refuse = |what: &str| given.wrong_file(KEY.location, &store.path, what);
    if store.is_pem {
        let text = String::from_utf8_lossy(&store.bytes);
        let certificates = certificates_of(&text).map_err(|what| refuse(&what))?;
        let (key, key_password) = key_of(&text, given).map_err(|what| refuse(&what))?;
        return Ok(Some(Identity {
            certificates: write(&certificates),
            key,
            key_password,
        }));
    }
    let entries = store
        .open(given.get(KEY.password), given.get(KEY_PASSWORD))
        .map_err(|what| refuse(&what))?;
    let Some(chain) = entries.chains.into_iter().next() else {
        return Err(refuse("has no private key, only certificates"));
    };
    let key = chain.key.map_err(|what| refuse(&what))?;
    Ok(Some(Identity {
        certificates: write(&chain.certificates),
        key: pem::write("PRIVATE KEY", &key),
        key_password: None,
    }))
}

/// Key and certificates that stand in the properties themselves.
fn inline_identity(given: &Merged<'_>) -> Result<Option<Identity>, Wrong> {
    let (key, chain) = match (given.get(KEY_ITSELF), given.get(KEY_CERTIFICATES)) {
        (None, None) => return Ok(None),
        (Some(key), Some(chain)) => (key, chain),
        (Some(_), None) => {
            return Err(given.missing(KEY_CERTIFICATES, "ssl.keystore.key is set, and needs it"));
        }
        (None, Some(_)) => {
            return Err(given.missing(
                KEY_ITSELF,
                "ssl.keystore.certificate.chain is set, and needs it",
            ));
        }
    };
    let certificates =
        certificates_of(chain).map_err(|what| given.wrong(KEY_CERTIFICATES, &what))?;
    let (key, key_password) = key_of(key, given).map_err(|what| given.wrong(KEY_ITSELF, &what))?;
    Ok(Some(Identity {
        certificates: write(&certificates),
        key,
        key_password,
    }))
}

/// A store's file, read.
struct Store {
    path: String,
    bytes: Vec<u8>,
    is_pem: bool,
}

impl Store {
    /// The store that the properties name, `None` where they name none. `inline` are the properties that hold
    /// PEM themselves.
    fn named(
        given: &Merged<'_>,
        names: &Names,
        inline: &[&'static str],
    ) -> Result<Option<Self>, Wrong> {
        let kind = given.get(names.kind).unwrap_or("JKS").to_ascii_uppercase();
        if !["JKS", "PKCS12", "PEM"].contains(&kind.as_str()) {
            let what = "is not supported; known are JKS, PKCS12 and PEM: convert the store with keytool \
                        -importkeystore -deststoretype PKCS12";
            return Err(given.wrong(names.kind, what));
        }
        let set_inline = inline.iter().find(|name| given.get(name).is_some());
        if let Some(name) = set_inline
            && kind != "PEM"
        {
            let what = format!(
                "can be given only for PEM: set {}=PEM",
                given.full(names.kind)
            );
            return Err(given.wrong(name, &what));
        }
        let Some(path) = given.get(names.location) else {
            if given.get(names.password).is_some() && set_inline.is_none() {
                let what = format!("is set, but no {}", given.full(names.location));
                return Err(given.missing(names.location, &what));
            }
            return Ok(None);
        };
        if let Some(name) = set_inline {
            let what = format!(
                "is set beside {}; leave one of them out",
                given.full(names.location)
            );
            return Err(given.wrong(name, &what));
        }
        let refuse = |what: &str| given.wrong_file(names.location, path, what);
        let bytes = fs::read(path).map_err(|error| refuse(&format!("cannot be read: {error}")))?;
        let is_pem = kind == "PEM";
        let content = Content::of(&bytes);
        if let Err(what) = content.suits(is_pem, names.what, &given.full(names.kind)) {
            return Err(refuse(&what));
        }
        if is_pem && given.get(names.password).is_some() {
            let what = format!(
                "cannot be given with PEM; the password of a PEM key is {}",
                given.full(KEY_PASSWORD)
            );
            return Err(given.wrong(names.password, &what));
        }
        if !is_pem && names.what == KEY.what && given.get(names.password).is_none() {
            return Err(given.missing(names.password, "a key store of type JKS or PKCS12 needs it"));
        }
        Ok(Some(Self {
            path: path.to_owned(),
            bytes,
            is_pem,
        }))
    }

    fn open(&self, password: Option<&str>, key_password: Option<&str>) -> Result<Entries, String> {
        match Content::of(&self.bytes) {
            Content::Jks => jks::read(&self.bytes, password, key_password),
            _ => pkcs12(&self.bytes, password.unwrap_or_default()),
        }
    }
}

/// What a file is, by its beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Jks,
    Jceks,
    Pem,
    /// A DER sequence: PKCS12, or a bare certificate.
    Der,
    Other,
}

impl Content {
    fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(&jks::MAGIC) {
            Self::Jks
        } else if bytes.starts_with(&jks::MAGIC_JCEKS) {
            Self::Jceks
        } else if bytes.windows(11).any(|window| window == b"-----BEGIN ") {
            Self::Pem
        } else if bytes.first() == Some(&0x30) {
            Self::Der
        } else {
            Self::Other
        }
    }

    /// Whether it is what was said of it. `what` is the kind of store, `kind` the property that tells its type.
    fn suits(self, is_pem: bool, what: &str, kind: &str) -> Result<(), String> {
        match (self, is_pem) {
            (Self::Pem, true) | (Self::Jks | Self::Der, false) => Ok(()),
            (Self::Pem, false) => Err(format!("is a PEM file: set {kind}=PEM")),
            (Self::Jks, true) => Err(format!("is a JKS file: set {kind}=JKS")),
            (Self::Der, true) => Err(format!(
                "is no PEM file; where it is a PKCS12 store, set {kind}=PKCS12"
            )),
            (Self::Jceks, _) => Err(
                "is a JCEKS store, which is not supported: convert it with keytool -importkeystore \
                 -deststoretype PKCS12"
                    .to_owned(),
            ),
            (Self::Other, _) => Err(format!("is no {what}: neither JKS nor PKCS12 nor PEM")),
        }
    }
}

fn pkcs12(bytes: &[u8], password: &str) -> Result<Entries, String> {
    use p12_keystore::error::Error;
    let archive = Pkcs12Archive::from_pkcs12(bytes, password).map_err(|error| match error {
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => {
            "is not opened by this password".to_owned()
        }
        Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm => format!(
            "is encrypted in a way that is not known ({error}); convert it with keytool -importkeystore \
             -deststoretype PKCS12"
        ),
        error => format!("is no PKCS12 store, or is damaged ({error})"),
    })?;
    let der = |certificate: &Certificate| certificate.as_der().to_vec();
    let mut entries = Entries::default();
    for key in &archive.keys {
        let own = archive.certs.iter().find(|one| {
            let id = key.local_key_id.as_ref().map(AsRef::as_ref);
            one.local_key_id.as_ref().map(AsRef::as_ref) == id
        });
        let Some(own) = own else { continue };
        let mut chain = vec![&own.cert];
        while let Some(last) = chain.last()
            && last.issuer() != last.subject()
            && let Some(issuer) = archive
                .certs
                .iter()
                .find(|one| one.cert.subject() == last.issuer() && !chain.contains(&&one.cert))
        {
            chain.push(&issuer.cert);
        }
        entries.chains.push(Chain {
            key: Ok(key.key.as_der().to_vec()),
            certificates: chain.into_iter().map(der).collect(),
        });
    }
    // `keytool` marks what is to be trusted. What has neither a mark nor a key was made by another program,
    // for nothing but to be trusted.
    let marked = archive.certs.iter().any(|one| one.trusted);
    let trusted = archive
        .certs
        .iter()
        .filter(|one| one.trusted || (!marked && archive.keys.is_empty()));
    entries.trusted = trusted.map(|one| der(&one.cert)).collect();
    Ok(entries)
}

/// The certificates of a PEM text.
fn certificates_of(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let found: Vec<Vec<u8>> = pem::blocks(text)?
        .into_iter()
        .filter(|block| block.label.ends_with("CERTIFICATE"))
        .map(|block| block.der)
        .collect();
    if found.is_empty() {
        return Err("has no PEM block -----BEGIN CERTIFICATE-----".to_owned());
    }
    if found.iter().any(|der| Certificate::from_der(der).is_err()) {
        return Err("has a certificate that is damaged".to_owned());
    }
    Ok(found)
}

/// The private key of a PEM text, opened where we can; else with the password that librdkafka opens it with.
fn key_of(text: &str, given: &Merged<'_>) -> Result<(String, Option<String>), String> {
    let block = pem::blocks(text)?
        .into_iter()
        .find(|block| block.label.ends_with("PRIVATE KEY"))
        .ok_or("has no PEM block -----BEGIN PRIVATE KEY-----")?;
    if block.label != "ENCRYPTED PRIVATE KEY" {
        return Ok((pem::write(&block.label, &block.der), None));
    }
    let name = given.full(KEY_PASSWORD);
    let password = given
        .get(KEY_PASSWORD)
        .ok_or_else(|| format!("has a key that is encrypted: set {name}"))?;
    let encrypted = EncryptedPrivateKeyInfoRef::from_der(&block.der);
    let Ok(encrypted) = encrypted else {
        // Encrypted as in the days before PKCS#5 v2; OpenSSL knows more of these.
        return Ok((
            pem::write(&block.label, &block.der),
            Some(password.to_owned()),
        ));
    };
    let opened = encrypted
        .decrypt(password)
        .map_err(|_| format!("has a key that is not opened by {name}"))?;
    Ok((pem::write("PRIVATE KEY", opened.as_bytes()), None))
}

fn write(certificates: &[Vec<u8>]) -> String {
    certificates
        .iter()
        .map(|der| pem::write("CERTIFICATE", der))
        .collect()
}

/// The certificate authorities of the platform, as PEM; `None` where there are none.
///
/// librdkafka's OpenSSL is built with it, and does not know where a system keeps them.
pub(super) fn platform() -> Option<String> {
    let found = rustls_native_certs::load_native_certs();
    let certificates: Vec<Vec<u8>> = found
        .certs
        .iter()
        .map(|certificate| certificate.as_ref().to_vec())
        .collect();
    (!certificates.is_empty()).then(|| write(&certificates))
}
