//! What librdkafka says of connections and logins, in words that name the cause and the way out.

/// A cause that is known, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) cause: String,
    pub(super) hint: &'static str,
}

/// How a cause is made of librdkafka's text.
enum Cause {
    /// These words.
    Is(&'static str),
    /// These words, and what librdkafka says after `: ` behind the part that was recognised.
    With(&'static str),
}

/// Parts of librdkafka's texts (2.12), what they mean, and what to do. The first that is found counts.
const KNOWN: &[(&str, Cause, &str)] = &[
    (
        WANTS_TLS,
        Cause::Is(
            "the broker closed the connection at the first request: it seems to expect TLS at this port",
        ),
        "set security.protocol to SSL or SASL_SSL, with the prefix consumer., or take the port of a listener without TLS",
    ),
    (
        WANTS_SASL,
        Cause::Is(
            "the broker closed the connection at the first question: it seems to expect SASL at this port",
        ),
        "set security.protocol to SASL_PLAINTEXT or SASL_SSL, and sasl.mechanism and sasl.jaas.config, all with the prefix \
         consumer.",
    ),
    (
        NOT_TRUSTED,
        Cause::With("the broker's certificate is not trusted"),
        "set ssl.truststore.location to a store that has the authority that signed it",
    ),
    (
        EXPIRED,
        Cause::With("the broker's certificate is not valid today"),
        "have it renewed at the broker, or set this host's clock right",
    ),
    (
        OTHER_NAME,
        Cause::With("the broker's certificate is made for another name"),
        "write a name of the certificate in bootstrap.servers and in the brokers' advertised.listeners, or set \
         ssl.endpoint.identification.algorithm to nothing",
    ),
    (
        REFUSED,
        Cause::With("the broker's certificate is refused"),
        "check the broker's certificate and ssl.truststore.location",
    ),
    (
        "certificate verify failed",
        Cause::Is("the broker's certificate is not trusted"),
        "set ssl.truststore.location to a store that has the authority that signed it",
    ),
    (
        "wrong version number",
        Cause::Is("the broker does not speak TLS at this port"),
        TLS_TO_PLAIN,
    ),
    (
        "packet length too long",
        Cause::Is("the broker does not speak TLS at this port"),
        TLS_TO_PLAIN,
    ),
    (
        "connecting to a PLAINTEXT broker listener?",
        Cause::Is(
            "the broker ended the connection when TLS was begun: it does not seem to speak TLS at this port",
        ),
        TLS_TO_PLAIN,
    ),
    (
        "No matching issuer found",
        Cause::Is(
            "the broker does not know the authority of the client certificate, so none was sent",
        ),
        CLIENT_CERTIFICATE,
    ),
    (
        "certificate required",
        Cause::Is("the broker wants a client certificate"),
        "set ssl.keystore.location",
    ),
    (
        "client SSL authentication might be required",
        Cause::Is("the broker wants a client certificate"),
        "set ssl.keystore.location",
    ),
    (
        "alert bad certificate",
        Cause::Is("the broker refuses the client certificate, or its absence"),
        CLIENT_CERTIFICATE,
    ),
    (
        "alert unknown ca",
        Cause::Is("the broker does not trust the client certificate"),
        CLIENT_CERTIFICATE,
    ),
    (
        "alert certificate",
        Cause::Is("the broker refuses the client certificate"),
        CLIENT_CERTIFICATE,
    ),
    (
        "alert handshake failure",
        Cause::Is("the broker refuses every way of TLS that it was offered"),
        "check ssl.cipher.suites, and that the broker allows TLSv1.2 or TLSv1.3; where it wants a client certificate, set \
         ssl.keystore.location",
    ),
    (
        "alert protocol version",
        Cause::Is("the broker allows neither TLSv1.2 nor TLSv1.3"),
        "allow one of them in the broker's ssl.enabled.protocols",
    ),
    (
        "Failed to acquire SASL OAUTHBEARER token",
        Cause::With("no token for Kafka"),
        "",
    ),
    (
        "SASL OAUTHBEARER authentication failed",
        Cause::With("the broker refuses the token"),
        "check the token's audience, issuer and scope against what the broker expects, and the extensions of sasl.jaas.config",
    ),
    (
        "mechanism handshake failed",
        Cause::With("the broker does not know this SASL mechanism at this port"),
        "set sasl.mechanism to one that it supports",
    ),
    (
        "SASL authentication error",
        Cause::With("the broker refuses the login"),
        LOGIN,
    ),
    (
        "SASL SCRAM authentication failed",
        Cause::With("the broker refuses the login"),
        LOGIN,
    ),
    (
        "uthentication failed",
        Cause::With("the broker refuses the login"),
        LOGIN,
    ),
];

const TLS_TO_PLAIN: &str =
    "take the port of a listener with TLS, or set security.protocol to PLAINTEXT or SASL_PLAINTEXT";
const CLIENT_CERTIFICATE: &str = "check that the broker trusts the authority that signed the certificate of ssl.keystore.location";
const LOGIN: &str = "check username and password in sasl.jaas.config, and sasl.mechanism";

/// A connection closed within this time was never any good; librdkafka's own bound.
const HUNG_UP_MS: u32 = 2_000;

/// What [`hung_up`] says.
const WANTS_TLS: &str = "closed at once: TLS is wanted";
const WANTS_SASL: &str = "closed at once: SASL is wanted";

/// Begin the words for a certificate that failed OpenSSL's check; [`certificate_fault`] makes them.
const NOT_TRUSTED: &str = "certificate not trusted";
const EXPIRED: &str = "certificate not valid today";
const OTHER_NAME: &str = "certificate for another name";
const REFUSED: &str = "certificate refused";

/// Words for the outcome of OpenSSL's check of a certificate, `X509_V_ERR_…` of its `x509_vfy.h`.
pub(super) fn certificate_fault(code: i32, subject: &str, issuer: &str) -> String {
    match code {
        2 | 18..=21 | 24 | 27 => format!("{NOT_TRUSTED}: {subject}, signed by {issuer}"),
        9 => format!("{EXPIRED}: {subject} is not valid yet"),
        10 => format!("{EXPIRED}: {subject} has expired"),
        62 | 64 => format!("{OTHER_NAME}: {subject}"),
        code => format!("{REFUSED}: {subject}, error {code} of OpenSSL's check"),
    }
}

impl Trouble {
    /// What is known of a text of librdkafka's.
    pub(super) fn of(text: &str) -> Option<Self> {
        let (part, cause, hint) = KNOWN.iter().find(|(part, ..)| text.contains(part))?;
        let cause = match cause {
            Cause::Is(words) => (*words).to_owned(),
            Cause::With(words) => match rest(text, part) {
                "" => (*words).to_owned(),
                rest => format!("{words}: {rest}"),
            },
        };
        Some(Self { cause, hint })
    }
}

/// What it means that a broker that has never answered closes a connection as soon as it is made, in words that
/// [`Trouble::of`] knows. librdkafka (2.12) has guesses for that too, but not for a broker that closes in good order.
pub(super) fn hung_up(text: &str) -> Option<&'static str> {
    // librdkafka names a broker with its protocol, save where that is PLAINTEXT.
    let has_tls = text.contains("ssl://");
    let has_sasl = text.contains("sasl_");
    if !text.contains("Disconnected") || has_tls {
        return None;
    }
    if text.contains(" in state APIVERSION_QUERY") {
        return Some(WANTS_TLS);
    }
    let (_, after) = text.split_once("(after ")?;
    let (ms, _) = after.split_once("ms in state UP")?;
    let at_once = ms.parse::<u32>().is_ok_and(|ms| ms < HUNG_UP_MS);
    (at_once && !has_sasl && text.contains("/bootstrap: ")).then_some(WANTS_SASL)
}

/// What stands behind the first `: ` behind `part`, without the remark on how long it took.
fn rest<'t>(text: &'t str, part: &str) -> &'t str {
    let after = text.split_once(part).map_or("", |(_, after)| after);
    let rest = after.split_once(": ").map_or("", |(_, rest)| rest);
    let end = rest.find(" (after ").unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, cause: &str, hint: &str) {
        match Trouble::of(text) {
            Some(trouble) => {
                assert_eq!(trouble.cause, cause, "{text}");
                assert!(trouble.hint.contains(hint), "{text}: {}", trouble.hint);
            }
            None => assert_eq!("", cause, "{text}"),
        }
    }

    #[test]
    fn librdkafka_s_texts_are_told_with_their_way_out() {
        check(
            "sasl_ssl://b:9/bootstrap: SASL authentication error: Authentication failed: Invalid username or password \
             (after 313ms in state AUTH_REQ)",
            "the broker refuses the login: Authentication failed: Invalid username or password",
            "sasl.jaas.config",
        );
        check(
            "ssl://b:9/bootstrap: SSL handshake failed: error:0A00010B:SSL routines::wrong version number (after 2ms in state \
             SSL_HANDSHAKE)",
            "the broker does not speak TLS at this port",
            "PLAINTEXT",
        );
        check(
            "Failed to acquire SASL OAUTHBEARER token: http://idp/t: HTTP 401; check clientId",
            "no token for Kafka: http://idp/t: HTTP 401; check clientId",
            "",
        );
        check(
            "b:9/1: Connect to ipv4#127.0.0.1:9 failed: Connection refused",
            "",
            "",
        );
    }

    #[test]
    fn connections_that_are_closed_at_once_are_told() {
        let check = |text: &str, expect: Option<&str>| {
            let trouble = hung_up(text).and_then(|said| Trouble::of(&format!("1/1 down ({said})")));
            match (trouble, expect) {
                (Some(trouble), Some(expect)) => {
                    assert!(trouble.cause.contains(expect), "{text}: {trouble:?}");
                    assert!(trouble.hint.contains("consumer."), "{trouble:?}");
                }
                (trouble, expect) => assert_eq!(trouble.is_some(), expect.is_some(), "{text}"),
            }
        };
        let tls = "[thrd:b:9/bootstrap]: b:9/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after \
                   16ms in state APIVERSION_QUERY)";
        check(tls, Some("it seems to expect TLS"));
        check(
            &tls.replace("b:9/", "sasl_plaintext://b:9/"),
            Some("it seems to expect TLS"),
        );
        check(&tls.replace("b:9/", "ssl://b:9/"), None);
        let sasl = "b:9/bootstrap: Disconnected: closed (after 302ms in state UP, 1 identical error(s) suppressed)";
        check(sasl, Some("it seems to expect SASL"));
        check(&sasl.replace("b:9/", "sasl_plaintext://b:9/"), None);
        // Idle, stopped, or of another sort.
        check(
            "b:9/bootstrap: Disconnected (after 600017ms in state UP)",
            None,
        );
        check("b:9/1: Disconnected (after 3ms in state UP)", None);
        check(
            "b:9/1: Connect to ipv4#127.0.0.1:9 failed: Connection refused",
            None,
        );
    }

    #[test]
    fn certificates_are_told_with_their_names() {
        let of = |code| certificate_fault(code, "CN=b", "CN=ca");
        check(
            &of(20),
            "the broker's certificate is not trusted: CN=b, signed by CN=ca",
            "ssl.truststore.location",
        );
        check(
            &of(10),
            "the broker's certificate is not valid today: CN=b has expired",
            "renewed",
        );
        check(
            &of(64),
            "the broker's certificate is made for another name: CN=b",
            "advertised.listeners",
        );
        check(
            &of(23),
            "the broker's certificate is refused: CN=b, error 23 of OpenSSL's check",
            "ssl.truststore.location",
        );
    }
}
