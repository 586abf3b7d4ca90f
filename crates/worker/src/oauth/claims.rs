//! What a token says of itself. Its signature is for the broker to check.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};
use serde_json::Value;

/// What is needed of a token's claims.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claims {
    /// Milliseconds since 1970.
    pub(super) expires_at_ms: i64,
    pub(super) principal: String,
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a token's claims.
///
/// # Errors
/// Why it is no token that Kafka takes, without any of it.
pub(super) fn read(token: &str, principal_claim: &str) -> Result<Claims, String> {
    let opaque = || {
        "the token is no JWT: Kafka needs one with the claims exp and sub; ask the issuer for a token of that form"
            .to_owned()
    };
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(opaque());
    };
    let payload = BASE64.decode(payload).map_err(|_| opaque())?;
    let claims: Value = serde_json::from_slice(&payload).map_err(|_| opaque())?;
    let seconds = claims
        .get("exp")
        .and_then(Value::as_f64)
        .ok_or("the token has no claim exp, so nobody knows when it expires")?;
    let principal = claims
        .get(principal_claim)
        .and_then(Value::as_str)
        .filter(|principal| !principal.trim().is_empty())
        .ok_or_else(|| {
            format!(
                "the token has no claim {principal_claim} to name the principal; sasl.oauthbearer.sub.claim.name says which \
                 one to take"
            )
        })?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "far beyond every date a number stays the greatest one"
    )]
    let expires_at_ms = (seconds * 1000.0) as i64;
    Ok(Claims {
        expires_at_ms,
        principal: principal.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64.encode(claims))
    }

    #[test]
    fn claims_are_read() {
        let check = |claims: &str, expect: Result<(i64, &str), &str>| {
            let got = read(&token(claims), "sub");
            match (got, expect) {
                (Ok(got), Ok(expect)) => {
                    assert_eq!((got.expires_at_ms, &*got.principal), expect, "{claims}");
                }
                (Err(got), Err(expect)) => assert!(got.contains(expect), "{claims}: {got}"),
                (got, _) => panic!("{claims}: {got:?}"),
            }
        };
        check(
            r#"{"exp":1700000000,"sub":"a"}"#,
            Ok((1_700_000_000_000, "a")),
        );
        check(
            r#"{"exp":1700000000.5,"sub":"a","scope":["x"]}"#,
            Ok((1_700_000_000_500, "a")),
        );
        check(r#"{"sub":"a"}"#, Err("exp"));
        check(r#"{"exp":"soon","sub":"a"}"#, Err("exp"));
        check(
            r#"{"exp":1,"azp":"a"}"#,
            Err("sasl.oauthbearer.sub.claim.name"),
        );
        check(r#"{"exp":1,"sub":" "}"#, Err("claim sub"));
        check("[]", Err("exp"));
        check("nothing", Err("no JWT"));
        let azp = read(&token(r#"{"exp":1,"azp":"a"}"#), "azp").expect("it names one");
        assert_eq!(azp.principal, "a");
        for opaque in ["", "abc", "a.b", "a.b.c.d", "a.!.c"] {
            assert!(
                read(opaque, "sub").expect_err("no JWT").contains("no JWT"),
                "{opaque}"
            );
        }
    }
}
