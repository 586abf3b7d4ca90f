//! Addresses of the MySQL ports of front ends.

use std::fmt;

use crate::error::ConfigError;
use crate::frontend::{authority, hide_user, parse_host_port_as};

/// The MySQL port of a front end (StarRocks' `query_port`). `Display` gives `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MysqlAddress {
    /// Name or address in lower case; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl MysqlAddress {
    /// The property.
    pub const PROPERTY: &'static str = "starrocks.mysql.url";

    /// The port where none is written: StarRocks' default of `query_port`.
    pub const DEFAULT_PORT: u16 = 9030;

    /// Reads `host:port,host:port`. An IPv6 address stands in brackets; a port that is left out is
    /// [`DEFAULT_PORT`](Self::DEFAULT_PORT). The list, and each address, may begin with `jdbc:mysql://`, as the Java
    /// connector has it; blanks around an address, a slash at its end and an address that stands there twice do no harm.
    ///
    /// # Errors
    /// An address without a host, with another scheme, a database, parameters or a user name; none at all.
    pub fn parse_list(text: &str) -> Result<Vec<MysqlAddress>, ConfigError> {
        let mut addresses = Vec::new();
        for part in text.split(',').map(str::trim) {
            if part.is_empty() && text.trim().is_empty() {
                break;
            }
            let address = parse(part).map_err(|message| {
                let shown = hide_user(part);
                ConfigError::new(MysqlAddress::PROPERTY, format!("`{shown}`: {message}"))
            })?;
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(ConfigError::new(
                MysqlAddress::PROPERTY,
                "is empty; write the MySQL addresses of the front ends, as in `fe1:9030,fe2:9030`",
            ));
        }
        Ok(addresses)
    }
}

impl fmt::Display for MysqlAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&authority(&self.host, self.port))
    }
}

fn parse(text: &str) -> Result<MysqlAddress, String> {
    const JDBC: &str = "jdbc:mysql";
    let rest = match text.split_once("://") {
        None => text,
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(JDBC) => rest,
        Some((scheme, _)) => {
            return Err(format!(
                "`{scheme}` is not a known scheme; write `host:port` or `{JDBC}://host:port`"
            ));
        }
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let has_port = match rest.rsplit_once(']') {
        Some((_, behind)) => behind.starts_with(':'),
        None => rest.contains(':'),
    };
    let usual = MysqlAddress::DEFAULT_PORT;
    let (host, port) = if has_port || rest.contains(['@', '/', '?', '#']) {
        parse_host_port_as(rest, usual)?
    } else {
        parse_host_port_as(&format!("{rest}:{usual}"), usual)?
    };
    Ok(MysqlAddress { host, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_addresses() {
        /// The addresses, or `!` and a part of what it is refused with.
        fn check(text: &str, expect: &str) {
            let seen = match MysqlAddress::parse_list(text) {
                Ok(list) => {
                    let shown: Vec<_> = list.iter().map(MysqlAddress::to_string).collect();
                    shown.join(" ")
                }
                Err(error) => format!("!{error}"),
            };
            let right = match expect.strip_prefix("! ") {
                Some(part) => seen.starts_with("!starrocks.mysql.url: ") && seen.contains(part),
                None => seen == expect,
            };
            assert!(right, "`{text}` gave `{seen}`, not `{expect}`");
        }
        check("fe1:9030", "fe1:9030");
        check(" FE1:9030 , fe2:9031/,fe1:9030", "fe1:9030 fe2:9031");
        check("fe1, [::1], 10.0.0.1", "fe1:9030 [::1]:9030 10.0.0.1:9030");
        check("[fe80::2]:1,[::1]:2", "[fe80::2]:1 [::1]:2");
        check("jdbc:mysql://fe1:9030", "fe1:9030");
        check("JDBC:mysql://fe1,fe2:9031/", "fe1:9030 fe2:9031");
        check("jdbc:mysql://fe1:1, jdbc:mysql://[::1]:2", "fe1:1 [::1]:2");
        check("", "! is empty; write the MySQL addresses");
        check("fe1:9030,", "! `` is not a host name");
        check("fe1:", "! `` is not a port");
        check("fe1:70000", "! `70000` is not a port between 1 and 65535");
        check(
            "::1",
            "! an IPv6 address stands in brackets; write `host:port`, an IPv6 address as `[::1]:9030`",
        );
        check("[::1", "! port");
        check(
            "http://fe1:8030",
            "! `http` is not a known scheme; write `host:port` or `jdbc:mysql://host:port`",
        );
        check(
            "jdbc:mysql://fe1:9030/db?useSSL=true",
            "! a path does not belong here",
        );
        check(
            "root:secret@fe1:9030",
            "! `…@fe1:9030`: a user name does not belong here",
        );
        check(
            "root:secret@fe1",
            "! `…@fe1`: a user name does not belong here",
        );
    }
}
