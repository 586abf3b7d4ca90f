//! Who connects: the server's greeting, the client's answer, its password.

use std::io;

use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::options::Grant;
use crate::sql::{SqlError, VERSION};

use super::answers::{Answer, UTF8MB4};
use super::packets::Packets;

/// The only way of passwords here.
const NATIVE_PASSWORD: &str = "mysql_native_password";

// Capabilities (`CLIENT_…` in MySQL's protocol).
const LONG_PASSWORD: u32 = 1;
const LONG_FLAG: u32 = 1 << 2;
const CONNECT_WITH_DB: u32 = 1 << 3;
const PROTOCOL_41: u32 = 1 << 9;
const TRANSACTIONS: u32 = 1 << 13;
const SECURE_CONNECTION: u32 = 1 << 15;
const MULTI_STATEMENTS: u32 = 1 << 16;
const MULTI_RESULTS: u32 = 1 << 17;
const PLUGIN_AUTH: u32 = 1 << 19;
const PLUGIN_AUTH_LENENC: u32 = 1 << 21;

const OURS: u32 = LONG_PASSWORD
    | LONG_FLAG
    | CONNECT_WITH_DB
    | PROTOCOL_41
    | TRANSACTIONS
    | SECURE_CONNECTION
    | MULTI_STATEMENTS
    | MULTI_RESULTS
    | PLUGIN_AUTH
    | PLUGIN_AUTH_LENENC;

/// Bytes that the client mixes into its password.
const CHALLENGE_LEN: usize = 20;

/// Who is in.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) grants: Vec<Grant>,
    pub(super) database: Option<String>,
}

/// Lets in who knows the password, and leaves the answer to that to the caller. A refusal is answered here.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    packets: &mut Packets<S>,
    id: u32,
    users: impl Fn(&str) -> Option<(String, Vec<Grant>)>,
) -> io::Result<Option<Login>> {
    // Printable, as some clients take a zero for the end.
    let challenge: [u8; CHALLENGE_LEN] = std::array::from_fn(|_| fastrand::u8(b'0'..=b'z'));
    packets.write(&greeting(id, &challenge));
    packets.flush().await?;
    let Some(mut answer) = Response::read(&packets.read().await?) else {
        let error = SqlError::coded(
            1043,
            "Bad handshake: the stand-in speaks MySQL's protocol of 4.1 and later, without TLS",
        );
        packets.answer(&Answer::Error(error), false).await?;
        return Ok(None);
    };
    if answer
        .plugin
        .as_deref()
        .is_some_and(|p| p != NATIVE_PASSWORD)
    {
        let mut switch = vec![0xfe];
        switch.extend_from_slice(NATIVE_PASSWORD.as_bytes());
        switch.push(0);
        switch.extend_from_slice(&challenge);
        switch.push(0);
        packets.write(&switch);
        packets.flush().await?;
        answer.proof = packets.read().await?;
    }
    match users(&answer.user).filter(|(password, _)| proves(&answer.proof, password, &challenge)) {
        Some((_, grants)) => Ok(Some(Login {
            user: answer.user,
            grants,
            database: answer.database,
        })),
        None => {
            let with = if answer.proof.is_empty() { "NO" } else { "YES" };
            let message = format!(
                "Access denied for user '{}'@'127.0.0.1' (using password: {with})",
                answer.user
            );
            packets
                .answer(&Answer::Error(SqlError::coded(1045, message)), false)
                .await?;
            Ok(None)
        }
    }
}

/// `HandshakeV10`.
fn greeting(id: u32, challenge: &[u8; CHALLENGE_LEN]) -> Vec<u8> {
    let mut out = vec![10];
    out.extend_from_slice(VERSION.as_bytes());
    out.push(0);
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&challenge[..8]);
    out.push(0);
    let [a, b, c, d] = OURS.to_le_bytes();
    out.extend_from_slice(&[a, b, UTF8MB4]);
    // Autocommit.
    out.extend_from_slice(&[2, 0]);
    out.extend_from_slice(&[c, d, CHALLENGE_LEN as u8 + 1]);
    out.extend_from_slice(&[0; 10]);
    out.extend_from_slice(&challenge[8..]);
    out.push(0);
    out.extend_from_slice(NATIVE_PASSWORD.as_bytes());
    out.push(0);
    out
}

/// `HandshakeResponse41`, as far as it matters.
#[derive(Debug, PartialEq, Eq)]
struct Response {
    user: String,
    proof: Vec<u8>,
    database: Option<String>,
    plugin: Option<String>,
}

impl Response {
    /// `None` where it is too short or not of this protocol.
    fn read(payload: &[u8]) -> Option<Self> {
        let flags = u32::from_le_bytes(payload.get(..4)?.try_into().ok()?);
        if flags & PROTOCOL_41 == 0 {
            return None;
        }
        // Flags, longest packet, character set, nothing.
        let mut rest = payload.get(4 + 4 + 1 + 23..)?;
        let user = text(&mut rest)?;
        let proof = if flags & (PLUGIN_AUTH_LENENC | SECURE_CONNECTION) == 0 {
            text(&mut rest)?.into_bytes()
        } else {
            let (len, after) = rest.split_first()?;
            // A proof is 20 bytes long, so its length never takes more than the one byte.
            let (proof, after) = after.split_at_checked(usize::from(*len))?;
            rest = after;
            proof.to_vec()
        };
        let mut given = |flag: u32| (flags & flag != 0).then(|| text(&mut rest)).flatten();
        let database = given(CONNECT_WITH_DB).filter(|db| !db.is_empty());
        let plugin = given(PLUGIN_AUTH);
        Some(Self {
            user,
            proof,
            database,
            plugin,
        })
    }
}

/// Text up to a zero.
fn text(rest: &mut &[u8]) -> Option<String> {
    let end = rest.iter().position(|b| *b == 0)?;
    let text = String::from_utf8_lossy(&rest[..end]).into_owned();
    *rest = &rest[end + 1..];
    Some(text)
}

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Whether the proof is `SHA1(password) XOR SHA1(challenge + SHA1(SHA1(password)))`; no password has an empty one.
fn proves(proof: &[u8], password: &str, challenge: &[u8]) -> bool {
    if password.is_empty() {
        return proof.is_empty();
    }
    let once = sha1(&[password.as_bytes()]);
    let mixed = sha1(&[challenge, &sha1(&[&once])]);
    let expect: Vec<u8> = once.iter().zip(mixed).map(|(a, b)| a ^ b).collect();
    proof == expect
}

#[cfg(test)]
mod tests {
    use super::{Response, proves};

    #[test]
    fn a_proof_is_of_the_password_and_the_challenge() {
        let challenge = b"01234567890123456789";
        let proof: Vec<u8> = (0..40)
            .step_by(2)
            .map(|at| u8::from_str_radix(&PROOF[at..at + 2], 16).expect("it is hexadecimal"))
            .collect();
        assert!(proves(&proof, "secret", challenge));
        assert!(!proves(&proof, "other", challenge));
        assert!(!proves(&proof, "secret", b"11234567890123456789"));
        assert!(!proves(&[], "secret", challenge));
        assert!(proves(&[], "", challenge));
        assert!(!proves(&proof, "", challenge));
    }

    const PROOF: &str = "7abe1a8776b59e931059451f81e596a60dbbf7a8";

    #[test]
    fn what_is_too_short_is_no_response() {
        let mut whole = 0x0008_8208_u32.to_le_bytes().to_vec();
        whole.extend_from_slice(&[0; 28]);
        whole.extend_from_slice(b"me\0\x02xydb\0mysql_native_password\0");
        let read = Response::read(&whole).expect("it is whole");
        let expect = Response {
            user: "me".to_owned(),
            proof: b"xy".to_vec(),
            database: Some("db".to_owned()),
            plugin: Some("mysql_native_password".to_owned()),
        };
        assert_eq!(read, expect);
        for len in 0..37 {
            assert_eq!(Response::read(&whole[..len]), None, "{len}");
        }
        whole[1] = 0;
        assert_eq!(Response::read(&whole), None, "not of protocol 4.1");
    }
}
