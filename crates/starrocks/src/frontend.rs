//! Addresses: the front ends of `starrocks.http.url`, and the parts that every address has.

use std::fmt;
use std::net::IpAddr;

use crate::error::ConfigError;

/// How an address is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        })
    }
}

/// Where a node of StarRocks listens. `Display` gives `scheme://host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Frontend {
    /// Plain or TLS.
    pub scheme: Scheme,
    /// Name or address in lower case; an IPv6 address without brackets.
    pub host: String,
    /// The HTTP port.
    pub port: u16,
}

impl Frontend {
    /// The property.
    pub const PROPERTY: &'static str = "starrocks.http.url";

    /// Reads `host:port,host:port`. Each may begin with `http://` or `https://`; an IPv6 address stands in brackets; blanks
    /// around an address, a slash at its end and an address that stands there twice do no harm.
    ///
    /// # Errors
    /// An address without host or port, with another scheme, a path or a user name; none at all.
    pub fn parse_list(text: &str) -> Result<Vec<Frontend>, ConfigError> {
        let mut frontends = Vec::new();
        for part in text.split(',').map(str::trim) {
            if part.is_empty() && text.trim().is_empty() {
                break;
            }
            let frontend = parse_address(part).map_err(|message| {
                ConfigError::new(
                    Frontend::PROPERTY,
                    format!("`{}`: {message}", hide_user(part)),
                )
            })?;
            if frontends
                .iter()
                .any(|known: &Frontend| known.host == frontend.host && known.port == frontend.port)
            {
                // It is asked as it was named first: a copied line must not keep a connector from starting.
                continue;
            }
            frontends.push(frontend);
        }
        if frontends.is_empty() {
            return Err(ConfigError::new(
                Frontend::PROPERTY,
                "is empty; write the HTTP addresses of the front ends, as in `fe1:8030,fe2:8030`",
            ));
        }
        Ok(frontends)
    }

    /// Host and port, with brackets around an IPv6 address.
    pub(crate) fn authority(&self) -> String {
        authority(&self.host, self.port)
    }

    /// Whether the host is this machine as seen from itself.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self
                .host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Frontend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority())
    }
}

/// Host and port, with brackets around an IPv6 address.
pub(crate) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// A user might write a password into the address: it is not repeated.
pub(crate) fn hide_user(part: &str) -> String {
    match part.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => part.to_owned(),
    }
}

/// Reads `[scheme://]host:port[/]`.
pub(crate) fn parse_address(text: &str) -> Result<Frontend, String> {
    let (scheme, rest) = match text.split_once("://") {
        None => (Scheme::Http, text),
        Some((word, rest)) if word.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
        Some((word, rest)) if word.eq_ignore_ascii_case("https") => (Scheme::Https, rest),
        Some((word, _)) => {
            return Err(format!(
                "`{word}` is not a known scheme; write `http` or `https`"
            ));
        }
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = parse_host_port(rest)?;
    Ok(Frontend { scheme, host, port })
}

/// Reads `host:port` or `[IPv6]:port` of an HTTP port.
pub(crate) fn parse_host_port(text: &str) -> Result<(String, u16), String> {
    parse_host_port_as(text, 8030)
}

/// Reads `host:port` or `[IPv6]:port`; what is wrong is answered with `usual_port` as an example.
pub(crate) fn parse_host_port_as(text: &str, usual_port: u16) -> Result<(String, u16), String> {
    let shape = format!("write `host:port`, an IPv6 address as `[::1]:{usual_port}`");
    if text.contains('@') {
        return Err(
            "a user name does not belong here; use starrocks.username and starrocks.password"
                .to_owned(),
        );
    }
    if text.contains(['/', '?', '#']) {
        return Err(format!("a path does not belong here; {shape}"));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, port) = inner
                .split_once("]:")
                .ok_or_else(|| format!("the port is missing; {shape}"))?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(format!("`{host}` is not an IPv6 address; {shape}"));
            }
            (host, port)
        }
        None => {
            let (host, port) = text
                .rsplit_once(':')
                .ok_or_else(|| format!("the port is missing; {shape}"))?;
            if host.contains(':') {
                return Err(format!("an IPv6 address stands in brackets; {shape}"));
            }
            (host, port)
        }
    };
    let host_ok = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    if host.is_empty() || !host.chars().all(host_ok) {
        return Err(format!("`{host}` is not a host name; {shape}"));
    }
    match port.parse::<u16>() {
        Ok(port) if port > 0 => Ok((host.to_ascii_lowercase(), port)),
        _ => Err(format!("`{port}` is not a port between 1 and 65535")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_front_ends() {
        fn check(text: &str, expect: &str) {
            let seen = match Frontend::parse_list(text) {
                Ok(list) => list
                    .iter()
                    .map(Frontend::to_string)
                    .collect::<Vec<_>>()
                    .join(" "),
                Err(error) => error.to_string(),
            };
            assert!(
                if expect.starts_with("http") {
                    seen == expect
                } else {
                    seen.contains(expect)
                },
                "`{text}` gave `{seen}`, not `{expect}`"
            );
        }
        check("fe1:8030", "http://fe1:8030");
        check(" FE1:8030 , fe2:8031 ", "http://fe1:8030 http://fe2:8031");
        check(
            "https://fe1:8443/,fe2:8030",
            "https://fe1:8443 http://fe2:8030",
        );
        check("HTTP://192.168.0.1:8030", "http://192.168.0.1:8030");
        check(
            "[::1]:8030,http://[fe80::2]:8030",
            "http://[::1]:8030 http://[fe80::2]:8030",
        );
        check(
            "fe1:8030,http://fe1:8030,fe2:8030",
            "http://fe1:8030 http://fe2:8030",
        );
        check("", "starrocks.http.url: is empty");
        check("  ", "is empty");
        check("fe1", "`fe1`: the port is missing; write `host:port`");
        check("fe1:8030,", "the port is missing");
        check("fe1:0", "`0` is not a port between 1 and 65535");
        check("fe1:80x", "`80x` is not a port");
        check(":8030", "`` is not a host name");
        check("fe 1:8030", "`fe 1` is not a host name");
        check("::1:8030", "an IPv6 address stands in brackets");
        check("[fe1]:8030", "`fe1` is not an IPv6 address");
        check("[::1]", "the port is missing");
        check("ftp://fe1:8030", "`ftp` is not a known scheme");
        check("fe1:8030/api", "a path does not belong here");
        check(
            "jdbc:mysql://fe1:9030",
            "`jdbc:mysql` is not a known scheme",
        );
        check(
            "http://root:pw@fe1:8030",
            "`…@fe1:8030`: a user name does not belong here",
        );
    }

    #[test]
    fn loopback_hosts() {
        for (text, expect) in [
            ("localhost:1", true),
            ("127.0.0.1:1", true),
            ("127.8.0.1:1", true),
            ("[::1]:1", true),
            ("10.0.0.1:1", false),
            ("localhost.example:1", false),
        ] {
            assert_eq!(
                parse_address(text).expect("a valid address").is_loopback(),
                expect,
                "{text}"
            );
        }
    }
}
