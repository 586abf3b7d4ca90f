//! Listeners beside the plain one, with TLS and SASL, and the users that SCRAM knows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::BrokerError;

/// How clients speak at a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TLS.
    Ssl,
    /// SASL without TLS.
    SaslPlaintext,
    /// SASL within TLS.
    SaslSsl,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }
}

/// A listener beside the plain one, on a port of its own of 127.0.0.1.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Letters and digits; tells it from others.
    pub name: String,
    /// How clients speak there.
    pub protocol: Protocol,
    /// The broker's properties for it, without the prefix `listener.name.<name>.`.
    pub properties: BTreeMap<String, String>,
}

impl Listener {
    /// A listener without properties.
    #[must_use]
    pub fn new(name: &str, protocol: Protocol) -> Self {
        Self {
            name: name.to_owned(),
            protocol,
            properties: BTreeMap::new(),
        }
    }

    /// Sets one property.
    #[must_use]
    pub fn with(mut self, property: &str, value: impl ToString) -> Self {
        self.properties
            .insert(property.to_owned(), value.to_string());
        self
    }

    /// Shows clients this certificate.
    #[cfg(feature = "secured")]
    #[must_use]
    pub fn certificate(self, certified: &super::secured::Certified) -> Self {
        self.with("ssl.keystore.type", "PEM")
            .with("ssl.keystore.key", &certified.key_pem)
            .with("ssl.keystore.certificate.chain", &certified.certificate_pem)
    }

    /// Lets only clients in that show a certificate of this authority, given in PEM.
    #[must_use]
    pub fn client_authority(self, pem: &str) -> Self {
        self.with("ssl.client.auth", "required")
            .with("ssl.truststore.type", "PEM")
            .with("ssl.truststore.certificates", pem)
    }

    /// Lets clients in by these SASL mechanisms. The users of `PLAIN` are given; those of SCRAM are the
    /// broker's; `OAUTHBEARER` takes every token that is not signed, has the claims `sub` and `exp`, and
    /// has not expired.
    #[must_use]
    pub fn sasl(mut self, mechanisms: &[&str], plain_users: &[(&str, &str)]) -> Self {
        const SECURITY: &str = "org.apache.kafka.common.security";
        self = self.with("sasl.enabled.mechanisms", mechanisms.join(","));
        for mechanism in mechanisms {
            let module = match *mechanism {
                "PLAIN" => {
                    let users: String = plain_users
                        .iter()
                        .map(|(user, password)| format!(" user_{user}=\"{password}\""))
                        .collect();
                    format!("{SECURITY}.plain.PlainLoginModule required{users};")
                }
                "OAUTHBEARER" => {
                    format!("{SECURITY}.oauthbearer.OAuthBearerLoginModule required;")
                }
                _ => format!("{SECURITY}.scram.ScramLoginModule required;"),
            };
            let name = mechanism.to_lowercase();
            self = self.with(&format!("{name}.sasl.jaas.config"), module);
        }
        self
    }
}

/// The broker's properties for its listeners; `ports` are theirs in their order.
pub(super) fn properties(
    listeners: &[Listener],
    ports: &[u16],
    plain: u16,
    controller: u16,
) -> BTreeMap<String, String> {
    let mut clients = format!("PLAINTEXT://127.0.0.1:{plain}");
    let mut map = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
    let mut properties = BTreeMap::new();
    for (listener, port) in listeners.iter().zip(ports) {
        let (name, protocol) = (listener.name.to_uppercase(), listener.protocol.name());
        let _ = write!(clients, ",{name}://127.0.0.1:{port}");
        let _ = write!(map, ",{name}:{protocol}");
        let prefix = format!("listener.name.{}.", name.to_lowercase());
        for (property, value) in &listener.properties {
            properties.insert(format!("{prefix}{property}"), value.clone());
        }
    }
    let all = format!("{clients},CONTROLLER://127.0.0.1:{controller}");
    properties.insert("listeners".to_owned(), all);
    properties.insert("advertised.listeners".to_owned(), clients);
    properties.insert("listener.security.protocol.map".to_owned(), map);
    properties
}

/// Has Kafka's own tool write the first records of the cluster: the users that SCRAM knows. They cannot be
/// added to a running broker by its first client, which would have to be one of them.
pub(super) fn format(
    java: &Path,
    class_path: &str,
    cluster_id: &str,
    properties: &Path,
    users: &[(String, String)],
) -> Result<(), BrokerError> {
    let mut command = Command::new(java);
    command
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
        .args(["-cp", class_path, "kafka.tools.StorageTool", "format"])
        .args(["--cluster-id", cluster_id, "--config"])
        .arg(properties)
        .stdin(Stdio::null());
    for (user, password) in users {
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
            command.arg("--add-scram");
            command.arg(format!("{mechanism}=[name={user},password={password}]"));
        }
    }
    let output = command
        .output()
        .map_err(|error| BrokerError::new(format!("cannot run {}: {error}", java.display())))?;
    if output.status.success() {
        return Ok(());
    }
    Err(BrokerError::new(format!(
        "Kafka's StorageTool cannot format for {}: {}{}",
        properties.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )))
}

/// What a broker without users of its own is formatted with, without another Java.
pub(super) fn write_meta(data: &Path, cluster_id: &str) -> Result<(), BrokerError> {
    let path = data.join("meta.properties");
    let text = format!("version=1\ncluster.id={cluster_id}\nnode.id=1\n");
    fs::write(&path, text).map_err(|error| BrokerError::io("write", &path, &error))
}
