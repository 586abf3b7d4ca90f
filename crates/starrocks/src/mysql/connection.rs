//! One connection: login, a statement, its answer. Knows MySQL's protocol; nothing of tables, nor of other addresses.
//!
//! The protocol is that of MySQL 4.1 and later, in the clear; packets are read and written by `mysql_common`.

use std::time::Duration;

use bytes::BytesMut;
use mysql_common::auth::plugins::mysql_native_password::scramble_native;
use mysql_common::constants::CapabilityFlags;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{AuthPlugin, AuthSwitchRequest, HandshakePacket, HandshakeResponse};
use mysql_common::proto::MySerialize as _;
use mysql_common::proto::codec::PacketCodec;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::MysqlAddress;

/// More of an answer than this is not read. A column takes some hundred bytes, a STRUCT of many fields some thousand.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// What every answer begins with that is no rows.
const OK: u8 = 0;
const ERROR: u8 = 0xff;
const END: u8 = 0xfe;
/// Instead of a value's length: NULL. Instead of a number of columns: the server wants a file.
const NULL: u8 = 0xfb;

/// Commands (`enum_server_command`).
const QUIT: u8 = 1;
const QUERY: u8 = 3;

/// The one way of passwords that StarRocks has by itself.
const NATIVE_PASSWORD: AuthPlugin<'static> = AuthPlugin::MysqlNativePassword;

/// Values of a row as texts.
pub(super) type Row = Vec<Option<String>>;

/// Why a connection did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It could not be made, or ended, or what came is none of MySQL's protocol.
    Broken(String),
    /// The server refused.
    Refused(Refused),
}

/// The server's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: u16,
    /// Five characters, or none.
    pub(super) state: String,
    /// In one line.
    pub(super) message: String,
}

fn broken(what: impl Into<String>) -> Fault {
    Fault::Broken(what.into())
}

fn unreadable(what: &str) -> Fault {
    broken(format!("what came is not MySQL's protocol: {what}"))
}

/// A connection that is logged in.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    codec: PacketCodec,
    /// Bytes that came and were not looked at.
    input: BytesMut,
}

impl Connection {
    /// Connects within `connect_timeout` and logs in.
    pub(super) async fn open(
        address: &MysqlAddress,
        user: &str,
        password: &str,
        connect_timeout: Duration,
    ) -> Result<Self, Fault> {
        let connecting = TcpStream::connect((address.host.as_str(), address.port));
        let stream = match timeout(connect_timeout, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(broken(error.to_string())),
            Err(_) => {
                let limit_ms = connect_timeout.as_millis();
                return Err(broken(format!("no connection within {limit_ms} ms")));
            }
        };
        // Small packets that wait for an answer each.
        stream
            .set_nodelay(true)
            .map_err(|error| broken(error.to_string()))?;
        let mut codec = PacketCodec::default();
        codec.max_allowed_packet = ANSWER_BYTES_MAX;
        let mut connection = Self {
            stream,
            codec,
            input: BytesMut::new(),
        };
        connection.log_in(user, password).await?;
        Ok(connection)
    }

    async fn log_in(&mut self, user: &str, password: &str) -> Result<(), Fault> {
        let greeting = self.read().await?;
        if greeting.first() == Some(&ERROR) {
            return Err(refused(&greeting));
        }
        let greeting: HandshakePacket<'_> = ParseBuf(&greeting)
            .parse(())
            .map_err(|error| unreadable(&error.to_string()))?;
        let theirs = greeting.capabilities();
        if greeting.protocol_version() != 10
            || !theirs.contains(CapabilityFlags::CLIENT_PROTOCOL_41)
        {
            return Err(unreadable("the greeting is of another version"));
        }
        let ours = CapabilityFlags::CLIENT_LONG_PASSWORD
            | CapabilityFlags::CLIENT_PROTOCOL_41
            | CapabilityFlags::CLIENT_SECURE_CONNECTION
            | CapabilityFlags::CLIENT_PLUGIN_AUTH;
        let response = HandshakeResponse::new(
            Some(proof(&greeting.nonce(), password)),
            (8, 0, 0),
            Some(user.as_bytes()),
            None::<&[u8]>,
            Some(NATIVE_PASSWORD),
            ours & theirs,
            None,
            u32::try_from(ANSWER_BYTES_MAX).unwrap_or(u32::MAX),
        );
        let mut packet = Vec::new();
        response.serialize(&mut packet);
        self.write(&packet).await?;
        let mut answer = self.read().await?;
        if answer.first() == Some(&END) {
            self.switch(&answer, password).await?;
            answer = self.read().await?;
        }
        match answer.first() {
            Some(&OK) => Ok(()),
            Some(&ERROR) => Err(refused(&answer)),
            _ => Err(unreadable("the answer to the login")),
        }
    }

    /// Proves the password in the way the server asks for, where it is one that shows it to nobody.
    async fn switch(&mut self, request: &[u8], password: &str) -> Result<(), Fault> {
        let request: AuthSwitchRequest<'_> = ParseBuf(request)
            .parse(())
            .map_err(|error| unreadable(&error.to_string()))?;
        let plugin = request.auth_plugin();
        if plugin != NATIVE_PASSWORD {
            let plugin = String::from_utf8_lossy(plugin.as_bytes());
            return Err(Fault::Refused(Refused {
                code: LOGIN_UNKNOWN,
                state: String::new(),
                message: format!(
                    "a login by {plugin} is asked for, and only mysql_native_password is known here"
                ),
            }));
        }
        self.write(&proof(request.plugin_data(), password)).await
    }

    /// Runs a statement; of one that answers no rows there are none.
    pub(super) async fn query(&mut self, sql: &str) -> Result<Vec<Row>, Fault> {
        self.codec.reset_seq_id();
        self.write(&[&[QUERY], sql.as_bytes()].concat()).await?;
        let head = self.read().await?;
        let columns = match head.first() {
            Some(&OK) => return Ok(Vec::new()),
            Some(&ERROR) => return Err(refused(&head)),
            Some(&NULL) => return Err(unreadable("the server asks for a file")),
            _ => ParseBuf(&head).checked_eat_lenenc_int(),
        };
        let columns = columns.ok_or_else(|| unreadable("the number of columns"))?;
        for _ in 0..columns {
            self.read().await?;
        }
        if !is_end(&self.read().await?) {
            return Err(unreadable("the end of the columns"));
        }
        let (mut rows, mut bytes) = (Vec::new(), 0_usize);
        loop {
            let packet = self.read().await?;
            if is_end(&packet) {
                return Ok(rows);
            }
            if packet.first() == Some(&ERROR) {
                return Err(refused(&packet));
            }
            bytes = bytes.saturating_add(packet.len());
            if bytes > ANSWER_BYTES_MAX {
                return Err(unreadable("the answer does not end"));
            }
            rows.push(row(&packet, columns).ok_or_else(|| unreadable("a row"))?);
        }
    }

    /// Says that nothing more is asked. Whether the server still hears it does not matter.
    pub(super) async fn quit(mut self) {
        self.codec.reset_seq_id();
        if let Err(fault) = self.write(&[QUIT]).await {
            tracing::debug!(?fault, "a MySQL connection ended before it was left");
        }
    }

    async fn write(&mut self, mut payload: &[u8]) -> Result<(), Fault> {
        let mut out = BytesMut::new();
        self.codec
            .encode(&mut payload, &mut out)
            .map_err(|error| broken(error.to_string()))?;
        let written = self.stream.write_all(&out).await;
        written.map_err(|error| broken(error.to_string()))
    }

    /// The next packet.
    async fn read(&mut self) -> Result<Vec<u8>, Fault> {
        let mut packet = Vec::new();
        loop {
            match self.codec.decode(&mut self.input, &mut packet) {
                Ok(true) => return Ok(packet),
                Ok(false) => {}
                Err(error) => return Err(unreadable(&error.to_string())),
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) => return Err(broken("the connection was closed")),
                Ok(_) => {}
                Err(error) => return Err(broken(error.to_string())),
            }
        }
    }
}

/// MySQL's number for a way of logging in that the client does not have (`CR_AUTH_PLUGIN_CANNOT_LOAD`).
pub(super) const LOGIN_UNKNOWN: u16 = 2059;

/// What shows that the password is known. None is needed for an empty one.
fn proof(nonce: &[u8], password: &str) -> Vec<u8> {
    let nonce = &nonce[..nonce.len().min(20)];
    scramble_native(nonce, password.as_bytes()).map_or_else(Vec::new, Vec::from)
}

/// The end of columns or rows; a row that begins with the same byte is longer.
fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&END) && packet.len() < 9
}

fn row(packet: &[u8], columns: u64) -> Option<Row> {
    let mut rest = ParseBuf(packet);
    let mut values = Vec::new();
    for _ in 0..columns {
        if rest.0.first() == Some(&NULL) {
            rest.skip(1);
            values.push(None);
        } else {
            let value = rest.checked_eat_lenenc_str()?;
            values.push(Some(String::from_utf8_lossy(value).into_owned()));
        }
    }
    Some(values)
}

/// An error packet. Before the login it may come without a state.
fn refused(packet: &[u8]) -> Fault {
    let (Some(code), Some(rest)) = (packet.get(1..3), packet.get(3..)) else {
        return unreadable("an error that is cut off");
    };
    let (state, message) = match rest.strip_prefix(b"#").and_then(|s| s.split_at_checked(5)) {
        Some((state, message)) => (state, message),
        None => (&[][..], rest),
    };
    let message = String::from_utf8_lossy(message);
    Fault::Refused(Refused {
        code: u16::from_le_bytes([code[0], code[1]]),
        state: String::from_utf8_lossy(state).into_owned(),
        message: message.split_whitespace().collect::<Vec<_>>().join(" "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_with_and_without_a_state() {
        fn check(packet: &[u8], expect: Result<(u16, &str, &str), &str>) {
            let seen = match refused(packet) {
                Fault::Refused(r) => Ok((r.code, r.state, r.message)),
                Fault::Broken(what) => Err(what),
            };
            let expect = expect
                .map(|(code, state, text)| (code, state.to_owned(), text.to_owned()))
                .map_err(|what| format!("what came is not MySQL's protocol: {what}"));
            assert_eq!(seen, expect, "{packet:?}");
        }
        check(b"\xff\x28\x0442000\nno", Ok((1064, "", "42000 no")));
        check(b"\xff\x28\x04#42000a\n b", Ok((1064, "42000", "a b")));
        check(b"\xff\x28\x04#4", Ok((1064, "", "#4")));
        check(b"\xff\x28\x04", Ok((1064, "", "")));
        check(b"\xff\x28", Err("an error that is cut off"));
    }

    #[test]
    fn rows_are_read_or_refused() {
        fn check(packet: &[u8], columns: u64, expect: Option<&[Option<&str>]>) {
            let expect = expect.map(|row| row.iter().map(|v| v.map(str::to_owned)).collect());
            assert_eq!(row(packet, columns), expect, "{packet:?}");
        }
        check(b"\x02ab\xfb\x00", 3, Some(&[Some("ab"), None, Some("")]));
        check(b"\xfc\x01\x00x", 1, Some(&[Some("x")]));
        check(b"", 0, Some(&[]));
        for cut in [
            &b"\x02a"[..],
            b"",
            b"\xfe\x01",
            b"\xfe\xff\xff\xff\xff\xff\xff\xff\xffa",
        ] {
            check(cut, 1, None);
        }
    }
}
