//! Where a redirect leads. Pure.

use http::Uri;

use crate::address_map::BeAddressMap;
use crate::config::{ClientConfig, RedirectPolicy};
use crate::frontend::{Frontend, Scheme};

/// The next node to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Where it is reached from here.
    pub(crate) address: Frontend,
    /// `host:port` as StarRocks named it.
    pub(crate) named: String,
    /// Path and query to ask for.
    pub(crate) path_and_query: String,
    /// Whether it is one of the configured front ends, which never takes rows.
    pub(crate) is_frontend: bool,
}

/// Why a redirect is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RedirectError {
    /// `Location` is missing or not an absolute HTTP address.
    Unusable(String),
    /// From HTTPS to plain HTTP, and not allowed.
    Insecure(String),
}

/// Follows `location`, as `from` answered it.
pub(crate) fn resolve(
    from: &Frontend,
    location: Option<&str>,
    config: &ClientConfig,
) -> Result<Target, RedirectError> {
    let location = location
        .ok_or_else(|| RedirectError::Unusable("a redirect without Location".to_owned()))?;
    let unusable = || {
        RedirectError::Unusable(format!(
            "a redirect to `{}`, which is not an HTTP address",
            shown(location)
        ))
    };
    let uri: Uri = location.trim().parse().map_err(|_| unusable())?;
    let named = address_of(&uri).ok_or_else(unusable)?;
    let path_and_query = uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let is_frontend = config
        .frontends
        .iter()
        .any(|known| known.host == named.host && known.port == named.port);
    let address = reach(from, &named, &config.be_address_map, is_frontend);
    let in_clear = from.scheme == Scheme::Https && address.scheme == Scheme::Http;
    if in_clear && config.redirect == RedirectPolicy::Refuse {
        return Err(RedirectError::Insecure(format!(
            "the front end was asked by HTTPS and redirects to {address}, where user name, password and rows would cross \
             the network in clear"
        )));
    }
    Ok(Target {
        address,
        named: named.authority(),
        path_and_query,
        is_frontend,
    })
}

/// Where the node that StarRocks calls `named` is reached: as mapped; a loopback address from a node that is not on
/// this machine is that node's own host.
pub(crate) fn reach(
    from: &Frontend,
    named: &Frontend,
    map: &BeAddressMap,
    is_frontend: bool,
) -> Frontend {
    if let Some(mapped) = map.lookup(&named.host, named.port, is_frontend) {
        return mapped.clone();
    }
    if named.is_loopback() && !from.is_loopback() {
        return Frontend {
            host: from.host.clone(),
            ..named.clone()
        };
    }
    named.clone()
}

/// Scheme, host and port of an absolute address; user names in it are dropped.
pub(crate) fn address_of(uri: &Uri) -> Option<Frontend> {
    let (scheme, default_port) = match uri.scheme_str()? {
        word if word.eq_ignore_ascii_case("http") => (Scheme::Http, 80),
        word if word.eq_ignore_ascii_case("https") => (Scheme::Https, 443),
        _ => return None,
    };
    let host = uri
        .host()?
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_ascii_lowercase();
    if host.is_empty() {
        return None;
    }
    Some(Frontend {
        scheme,
        host,
        port: uri.port_u16().unwrap_or(default_port),
    })
}

/// A location for a message: without what might be a password, and not endless.
fn shown(location: &str) -> String {
    let tail = location.rsplit_once('@').map_or(location, |(_, tail)| tail);
    tail.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn check(frontends: &str, map: &str, policy: RedirectPolicy, location: &str, expect: &str) {
        let frontends = Frontend::parse_list(frontends).expect("valid front ends");
        let from = frontends.first().expect("at least one").clone();
        let mut config = ClientConfig::new(frontends, "u", Secret::default());
        config.be_address_map = BeAddressMap::parse(map).expect("a valid map");
        config.redirect = policy;
        let seen = match resolve(&from, Some(location), &config) {
            Ok(target) => {
                let kind = if target.is_frontend { " fe" } else { "" };
                format!(
                    "{}{} as {}{kind}",
                    target.address, target.path_and_query, target.named
                )
            }
            Err(RedirectError::Insecure(text)) => format!("insecure: {text}"),
            Err(RedirectError::Unusable(text)) => format!("unusable: {text}"),
        };
        assert_eq!(seen, expect);
    }

    #[test]
    fn redirects() {
        use RedirectPolicy::{Allow, Refuse};
        let load = "http://be1:8040/api/transaction/load?x=1";
        check(
            "fe:8030",
            "",
            Refuse,
            load,
            "http://be1:8040/api/transaction/load?x=1 as be1:8040",
        );
        check(
            "fe:8030",
            "be1:8040=h:1",
            Refuse,
            load,
            "http://h:1/api/transaction/load?x=1 as be1:8040",
        );
        check(
            "fe:8030",
            "*=https://h:1",
            Refuse,
            load,
            "https://h:1/api/transaction/load?x=1 as be1:8040",
        );
        check(
            "fe:8030,fe2:8030",
            "*=h:1",
            Refuse,
            "http://fe2:8030/a",
            "http://fe2:8030/a as fe2:8030 fe",
        );
        check(
            "fe:8030",
            "",
            Refuse,
            "http://127.0.0.1:8040/a",
            "http://fe:8040/a as 127.0.0.1:8040",
        );
        check(
            "fe:8030",
            "",
            Refuse,
            "http://[::1]:8040/a",
            "http://fe:8040/a as [::1]:8040",
        );
        check(
            "fe:8030",
            "127.0.0.1:8040=127.0.0.1:9",
            Refuse,
            "http://127.0.0.1:8040/a",
            "http://127.0.0.1:9/a as 127.0.0.1:8040",
        );
        check(
            "localhost:8030",
            "",
            Refuse,
            "http://127.0.0.1:8040/a",
            "http://127.0.0.1:8040/a as 127.0.0.1:8040",
        );
        check(
            "fe:8030",
            "",
            Refuse,
            "http://be1/a",
            "http://be1:80/a as be1:80",
        );
        check(
            "fe:8030",
            "",
            Refuse,
            "http://u:p@BE1:8040",
            "http://be1:8040/ as be1:8040",
        );
        check(
            "https://fe:8443",
            "",
            Allow,
            "http://be1:8040/a",
            "http://be1:8040/a as be1:8040",
        );
        check(
            "https://fe:8443",
            "",
            Refuse,
            "https://be1:8040/a",
            "https://be1:8040/a as be1:8040",
        );
        check(
            "https://fe:8443",
            "be1:8040=https://be1:8443",
            Refuse,
            "http://be1:8040/a",
            "https://be1:8443/a as be1:8040",
        );
        check(
            "https://fe:8443",
            "",
            Refuse,
            "http://be1:8040/a",
            "insecure: the front end was asked by HTTPS and redirects to http://be1:8040, where user name, password and \
             rows would cross the network in clear",
        );
        check(
            "fe:8030",
            "",
            Refuse,
            "/api/x",
            "unusable: a redirect to `/api/x`, which is not an HTTP address",
        );
        check(
            "fe:8030",
            "",
            Refuse,
            "ftp://h/x",
            "unusable: a redirect to `ftp://h/x`, which is not an HTTP address",
        );
    }
}
