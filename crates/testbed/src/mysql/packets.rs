//! Packets: length, number, payload.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest payload of one packet; a longer one goes on in the next.
const LONGEST: usize = 0xff_ffff;

/// What a client may send at most, as `max_allowed_packet` says.
const MAX_COMMAND_BYTES: usize = 32 << 20;

/// A connection's packets. What is written is sent by [`flush`](Self::flush).
pub(super) struct Packets<S> {
    stream: S,
    number: u8,
    out: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Packets<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            number: 0,
            out: Vec::new(),
        }
    }

    /// What the packets go over.
    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// The next command, with which the numbers begin anew.
    pub(super) async fn command(&mut self) -> io::Result<Vec<u8>> {
        self.number = 0;
        self.read().await
    }

    /// The next payload.
    pub(super) async fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut payload = Vec::new();
        loop {
            let mut head = [0; 4];
            self.stream.read_exact(&mut head).await?;
            self.number = head[3].wrapping_add(1);
            let len = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
            let start = payload.len();
            if start + len > MAX_COMMAND_BYTES {
                return Err(io::Error::other(
                    "a packet is larger than max_allowed_packet",
                ));
            }
            payload.resize(start + len, 0);
            self.stream.read_exact(&mut payload[start..]).await?;
            if len < LONGEST {
                return Ok(payload);
            }
        }
    }

    pub(super) fn write(&mut self, payload: &[u8]) {
        let mut rest = payload;
        loop {
            let part = &rest[..rest.len().min(LONGEST)];
            let [a, b, c, ..] = u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes();
            self.out.extend_from_slice(&[a, b, c, self.number]);
            self.out.extend_from_slice(part);
            self.number = self.number.wrapping_add(1);
            rest = &rest[part.len()..];
            if part.len() < LONGEST {
                return;
            }
        }
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        self.stream.flush().await
    }

    /// Sends what is written where it has become much.
    pub(super) async fn flush_when_full(&mut self) -> io::Result<()> {
        if self.out.len() > 1 << 20 {
            self.flush().await?;
        }
        Ok(())
    }
}

/// A number of as many bytes as it needs.
pub(super) fn put_number(out: &mut Vec<u8>, number: u64) {
    let bytes = number.to_le_bytes();
    match number {
        0..=250 => out.push(bytes[0]),
        251..=0xffff => {
            out.push(0xfc);
            out.extend_from_slice(&bytes[..2]);
        }
        0x1_0000..=0xff_ffff => {
            out.push(0xfd);
            out.extend_from_slice(&bytes[..3]);
        }
        _ => {
            out.push(0xfe);
            out.extend_from_slice(&bytes);
        }
    }
}

/// Bytes behind their length.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Packets, put_number};

    #[test]
    fn long_payloads_take_several_packets() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        for (len, packets) in [
            (0, 1),
            (5, 1),
            (LONGEST - 1, 1),
            (LONGEST, 2),
            (LONGEST + 5, 2),
        ] {
            runtime.block_on(async {
                let (one, other) = tokio::io::duplex(2 * LONGEST + 100);
                let (mut one, mut other) = (Packets::new(one), Packets::new(other));
                let payload = vec![b'x'; len];
                one.write(&payload);
                assert_eq!(one.out.len(), len + 4 * packets, "{len}");
                one.flush().await.expect("memory takes it");
                assert!(
                    other.command().await.expect("memory gives it") == payload,
                    "{len}"
                );
                assert_eq!(usize::from(other.number), packets, "{len}");
            });
        }
    }

    #[test]
    fn numbers_take_the_bytes_they_need() {
        let rows: [(u64, &[u8]); 5] = [
            (250, &[250]),
            (251, &[0xfc, 251, 0]),
            (0x1_0000, &[0xfd, 0, 0, 1]),
            (0xff_ffff, &[0xfd, 255, 255, 255]),
            (0x100_0000, &[0xfe, 0, 0, 0, 1, 0, 0, 0, 0]),
        ];
        for (number, expect) in rows {
            let mut out = Vec::new();
            put_number(&mut out, number);
            assert_eq!(out, expect, "{number}");
        }
    }
}
