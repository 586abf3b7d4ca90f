//! Logins at servers that are scripted byte by byte.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{LIMIT, PASSWORD, client_of, shown, told};

/// What the server says, one packet after each of the client's; the first without being asked.
type Script = &'static [&'static [u8]];

/// `HandshakeV10` with protocol 4.1, passwords of their own way, plugins, and challenge `01234567` + `890123456789`.
const GREETING: &[u8] = b"\x0a8.0.33\0\x01\0\0\x0001234567\0\x00\x82\x2d\x02\x00\x08\x00\x15\0\0\0\0\0\0\0\0\0\0890123456789\0caching_sha2_password\0";
const OK: &[u8] = b"\0\0\0\x02\0\0\0";
const TO_NATIVE: &[u8] = b"\xfemysql_native_password\0abcdefghijklmnopqrst\0";
const TO_CLEAR: &[u8] = b"\xfemysql_clear_password\0";
const BUSY: &[u8] = b"\xff\x10\x04Too many connections";
const NOTHING_MORE: Script = &[];

/// A packet with its number.
async fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.ok()?;
    let len = u32::from_le_bytes([head[0], head[1], head[2], 0]);
    let mut payload = vec![0; usize::try_from(len).expect("it fits")];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[3], payload))
}

/// Serves one connection until the client has sent something after the last packet, and closes it, or at once where there is none;
/// answers what the client sent.
async fn serve(listener: TcpListener, script: Script) -> Vec<Vec<u8>> {
    let (mut stream, _) = listener.accept().await.expect("somebody comes");
    let mut sent = Vec::new();
    for (at, payload) in script.iter().enumerate() {
        let mut number = 0;
        if at > 0 {
            let Some((theirs, packet)) = packet(&mut stream).await else {
                return sent;
            };
            sent.push(packet);
            number = theirs + 1;
        }
        let len = u32::try_from(payload.len()).expect("it is short");
        let [a, b, c, _] = len.to_le_bytes();
        let whole = [&[a, b, c, number], *payload].concat();
        stream.write_all(&whole).await.expect("it is sent");
    }
    if script.is_empty() {
        return sent;
    }
    sent.extend(packet(&mut stream).await.map(|(_, packet)| packet));
    sent
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("it has an address");
    (listener, addr)
}

/// What the client sends, and what it makes of the server.
async fn ask(script: Script) -> (Vec<Vec<u8>>, String) {
    let (listener, addr) = listener().await;
    let server = tokio::spawn(serve(listener, script));
    let client = client_of(&[addr], "loader", PASSWORD);
    let told = match client.describe_table("d", "t", LIMIT).await {
        Ok(table) => shown(&table),
        Err(error) => told(&error, &[addr]),
    };
    (server.await.expect("it serves"), told)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[tokio::test]
async fn the_password_is_proved_for_the_challenge_at_hand() {
    let (sent, _) = ask(&[GREETING, OK]).await;
    let name = b"loader\0\x14";
    let at = sent[0]
        .windows(name.len())
        .position(|w| w == name)
        .expect("name and proof are there")
        + name.len();
    assert_eq!(hex(&sent[0][at..at + 20]), FOR_GREETING);
    assert_eq!(&sent[0][at + 20..], b"mysql_native_password\0");
    assert_eq!(sent[1][0], 3, "then it asks");
    let (sent, _) = ask(&[GREETING, TO_NATIVE, OK]).await;
    assert_eq!(hex(&sent[1]), FOR_SWITCH);
    assert_eq!(sent[2][0], 3, "then it asks");
}

/// `SHA1(password) XOR SHA1(challenge + SHA1(SHA1(password)))`, made by Python's hashlib.
const FOR_GREETING: &str = "0759199a94af6201da4c9f37b8d5034f6f0af74a";
const FOR_SWITCH: &str = "460ae9d8656eeec327fc83bc8cd49fa035767118";

#[tokio::test]
async fn servers_that_do_not_let_us_in() {
    let check = async |script: Script, packets: usize, expect: &str| {
        let (sent, told) = ask(script).await;
        assert!(told.starts_with(expect), "`{told}` is not `{expect}`");
        assert_eq!(sent.len(), packets, "{told}");
    };
    // The password is not sent in the clear.
    let clear = "AccessDenied: StarRocks describing d.t at <0>: a login by mysql_clear_password is asked for, and only \
                 mysql_native_password is known here (CREATE or ALTER USER 'loader' IDENTIFIED WITH mysql_native_password";
    check(&[GREETING, TO_CLEAR], 1, clear).await;
    let unreachable = |what: &str| {
        format!(
            "Unreachable: StarRocks describing d.t: no front end can be asked by MySQL's protocol: <0>: {what}"
        )
    };
    let foreign = |what: &str| unreachable(&format!("what came is not MySQL's protocol: {what}"));
    check(
        &[BUSY],
        0,
        &unreachable("error 1040: Too many connections ("),
    )
    .await;
    check(&[b"\x0a5"], 0, &foreign("")).await;
    check(&[b"\x09x"], 0, &foreign("")).await;
    check(&[GREETING, b"\x01"], 1, &foreign("the answer to the login")).await;
    check(
        &[GREETING, OK, b"\xfb/etc/passwd"],
        2,
        &foreign("the server asks for a file"),
    )
    .await;
    check(NOTHING_MORE, 0, &unreachable("the connection was closed (")).await;
}

#[tokio::test]
async fn a_busy_front_end_is_followed_by_the_next() {
    let ((busy, first), (denying, second)) = (listener().await, listener().await);
    let busy = tokio::spawn(serve(busy, &[BUSY]));
    const DENIED: &[u8] = b"\xff\x15\x04#28000Access denied for user 'loader'";
    let denying = tokio::spawn(serve(denying, &[GREETING, DENIED]));
    let client = client_of(&[first, second], "loader", PASSWORD);
    let error = client
        .describe_table("d", "t", LIMIT)
        .await
        .expect_err("nobody lets us in");
    assert_eq!(
        told(&error, &[first, second]),
        "AccessDenied: StarRocks describing d.t at <1>: Access denied for user 'loader' (check starrocks.username and \
         starrocks.password)"
    );
    for server in [busy, denying] {
        server.await.expect("it serves");
    }
}

#[tokio::test]
async fn a_silent_server_has_only_its_part_of_the_time() {
    // Such as an HTTP port, which waits for the client to speak.
    let (_silent, addr) = listener().await;
    let client = client_of(&[addr], "loader", PASSWORD);
    let error = client
        .describe_table("d", "t", Duration::from_millis(50))
        .await
        .expect_err("nobody answers");
    let told = told(&error, &[addr]);
    let expect = "TimedOut: StarRocks describing d.t: no answer within 50 ms; tried <0>: it did not answer in time (are the front ends \
                  overloaded, or does starrocks.mysql.url name other ports than their MySQL ports?)";
    assert_eq!(told, expect);
}
