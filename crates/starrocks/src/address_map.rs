//! `starrocks.be.address.map`: how the addresses that StarRocks names are reached from here.

use std::collections::HashMap;

use crate::error::ConfigError;
use crate::frontend::{Frontend, Scheme, parse_address, parse_host_port};

/// Maps the addresses under which back ends registered themselves to addresses that can be reached.
///
/// Written `host:port=host:port,…`. The right side may begin with `http://` or `https://` (without a scheme it is HTTP). `*` on
/// the left stands for every address not named, except the configured front ends. Nothing is mapped by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BeAddressMap {
    exact: HashMap<(String, u16), Frontend>,
    any: Option<Frontend>,
}

impl BeAddressMap {
    /// The property.
    pub const PROPERTY: &'static str = "starrocks.be.address.map";

    /// Reads the property; an empty text maps nothing.
    ///
    /// # Errors
    /// An entry that is not `host:port=host:port` or `*=host:port`, or a left side that stands there twice.
    pub fn parse(text: &str) -> Result<BeAddressMap, ConfigError> {
        let mut map = BeAddressMap::default();
        if text.trim().is_empty() {
            return Ok(map);
        }
        for entry in text.split(',').map(str::trim) {
            map.add(entry).map_err(|message| {
                ConfigError::new(BeAddressMap::PROPERTY, format!("`{entry}`: {message}"))
            })?;
        }
        Ok(map)
    }

    fn add(&mut self, entry: &str) -> Result<(), String> {
        let (left, right) = entry
            .split_once('=')
            .ok_or("write `registered-host:port=reachable-host:port`, or `*=host:port` for all")?;
        let target = parse_address(right.trim())?;
        let left = left.trim();
        let earlier = if left == "*" {
            self.any.replace(target)
        } else {
            let left = match left.split_once("://") {
                Some((word, rest)) if word.eq_ignore_ascii_case("http") => rest,
                _ => left,
            };
            self.exact.insert(parse_host_port(left)?, target)
        };
        if earlier.is_some() {
            Err(format!("`{left}` stands there twice"))
        } else {
            Ok(())
        }
    }

    /// Where to find the node that StarRocks calls `host:port`; `None` where it is not mapped.
    pub(crate) fn lookup(&self, host: &str, port: u16, is_frontend: bool) -> Option<&Frontend> {
        self.exact
            .get(&(host.to_ascii_lowercase(), port))
            .or(if is_frontend { None } else { self.any.as_ref() })
    }

    /// Whether a target is asked by HTTPS.
    pub(crate) fn uses_https(&self) -> bool {
        self.exact
            .values()
            .chain(&self.any)
            .any(|target| target.scheme == Scheme::Https)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_and_refuses() {
        fn check(text: &str, ask: (&str, u16, bool), expect: &str) {
            let seen = match BeAddressMap::parse(text) {
                Ok(map) => match map.lookup(ask.0, ask.1, ask.2) {
                    Some(target) => target.to_string(),
                    None => "unmapped".to_owned(),
                },
                Err(error) => error.to_string(),
            };
            assert!(
                seen == expect || (!expect.starts_with("http") && seen.contains(expect)),
                "`{text}` gave `{seen}`"
            );
        }
        let be1 = ("be1", 8040, false);
        check("", be1, "unmapped");
        check("be1:8040=localhost:18040", be1, "http://localhost:18040");
        check("BE1:8040 = https://proxy:443 ", be1, "https://proxy:443");
        check("http://be1:8040=localhost:1", be1, "http://localhost:1");
        check("be1:8041=localhost:18040", be1, "unmapped");
        check("*=proxy:80", be1, "http://proxy:80");
        check("*=proxy:80", ("fe2", 8030, true), "unmapped");
        check("*=proxy:80,fe2:8030=x:1", ("fe2", 8030, true), "http://x:1");
        check("*=proxy:80,be1:8040=x:1", be1, "http://x:1");
        check(
            "[fd00::1]:8040=[::1]:2",
            ("fd00::1", 8040, false),
            "http://[::1]:2",
        );
        check(
            "be1:8040",
            be1,
            "starrocks.be.address.map: `be1:8040`: write `registered-host:port=reachable-host:port`",
        );
        check("be1=x:1", be1, "`be1=x:1`: the port is missing");
        check("be1:8040=x", be1, "the port is missing");
        check(
            "be1:8040=x:1,be1:8040=y:1",
            be1,
            "`be1:8040` stands there twice",
        );
        check("*=x:1,*=y:1", be1, "`*` stands there twice");
        check("be1:8040=x:1,", be1, "``: write");
    }

    #[test]
    fn knows_whether_tls_is_needed() {
        for (text, expect) in [
            ("*=x:1", false),
            ("*=https://x:1", true),
            ("a:1=https://x:1,*=y:1", true),
        ] {
            assert_eq!(
                BeAddressMap::parse(text).expect("a valid map").uses_https(),
                expect,
                "{text}"
            );
        }
    }
}
