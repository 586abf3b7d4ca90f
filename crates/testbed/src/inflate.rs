//! Compressed bodies.

use std::io::{self, Read};

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Bzip2,
    Lz4Frame,
    Zstd,
    Deflate,
}

impl Compression {
    /// As `compression` and `Content-Encoding` name it.
    pub(crate) fn of_header(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "gzip" => Self::Gzip,
            "bzip2" => Self::Bzip2,
            "lz4_frame" => Self::Lz4Frame,
            "zstd" => Self::Zstd,
            "deflate" => Self::Deflate,
            _ => return None,
        })
    }

    /// As `format` names it, where the body is CSV.
    pub(crate) fn of_csv_format(name: &str) -> Option<Self> {
        Some(match name {
            "lz4" => Self::Lz4Frame,
            "lz4_frame" => return None,
            other => Self::of_header(other)?,
        })
    }

    /// The body that was compressed; frames may follow one another. No more than `limit` bytes are made of it.
    pub(crate) fn inflate(self, body: &[u8], limit: u64) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let done = match self {
            // zlib finds out itself which of the two heads there is (`GzipStreamCompression` in StarRocks).
            Self::Gzip if body.first() == Some(&0x78) => {
                self::read(flate2::read::ZlibDecoder::new(body), &mut out, limit)
            }
            Self::Gzip => self::read(flate2::read::MultiGzDecoder::new(body), &mut out, limit),
            Self::Deflate => self::read(flate2::read::ZlibDecoder::new(body), &mut out, limit),
            Self::Bzip2 => self::read(bzip2::read::MultiBzDecoder::new(body), &mut out, limit),
            Self::Zstd => zstd::stream::read::Decoder::with_buffer(body)
                .and_then(|decoder| self::read(decoder, &mut out, limit)),
            Self::Lz4Frame => lz4_frames(body, &mut out, limit),
        };
        done.map_err(|error| format!("Failed to decompress the body as {self:?}: {error}"))?;
        if out.len() as u64 > limit {
            return Err(format!(
                "this StarRocks stand-in makes at most {limit} bytes of one compressed body"
            ));
        }
        Ok(out)
    }
}

/// Reads to the end, or to one byte more than `limit`.
fn read(decoder: impl Read, out: &mut Vec<u8>, limit: u64) -> io::Result<()> {
    let left = (limit + 1).saturating_sub(out.len() as u64);
    decoder.take(left).read_to_end(out).map(drop)
}

fn lz4_frames(body: &[u8], out: &mut Vec<u8>, limit: u64) -> io::Result<()> {
    let mut decoder = lz4_flex::frame::FrameDecoder::new(body);
    // The decoder stops at the end of each frame.
    while !decoder.get_ref().is_empty() && out.len() as u64 <= limit {
        self::read(&mut decoder, out, limit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::Compression;

    fn compressed(compression: Compression, text: &[u8]) -> Vec<u8> {
        match compression {
            Compression::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text).and_then(|()| encoder.finish())
            }
            Compression::Deflate => {
                let mut encoder =
                    flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text).and_then(|()| encoder.finish())
            }
            Compression::Bzip2 => {
                let mut encoder =
                    bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                encoder.write_all(text).and_then(|()| encoder.finish())
            }
            Compression::Zstd => zstd::stream::encode_all(text, 1),
            Compression::Lz4Frame => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(text).expect("memory takes it");
                Ok(encoder.finish().expect("memory takes it"))
            }
        }
        .expect("memory takes it")
    }

    #[test]
    fn bodies_are_inflated_up_to_a_limit() {
        use Compression as C;
        let text = "a line\n".repeat(5_000);
        for compression in [C::Gzip, C::Deflate, C::Bzip2, C::Zstd, C::Lz4Frame] {
            let body = compressed(compression, text.as_bytes());
            let limit = text.len() as u64;
            assert_eq!(
                compression.inflate(&body, limit).as_deref(),
                Ok(text.as_bytes()),
                "{compression:?}"
            );
            let twice = [body.as_slice(), &body].concat();
            if compression != C::Deflate {
                let both = compression.inflate(&twice, limit * 2).map(|out| out.len());
                assert_eq!(both, Ok(text.len() * 2), "two frames of {compression:?}");
            }
            let bomb = compression
                .inflate(&body, limit - 1)
                .expect_err("one byte too many");
            assert!(
                bomb.contains("at most 34999 bytes"),
                "{compression:?}: {bomb}"
            );
            let half = compression.inflate(&body[..body.len() / 2], limit);
            let half = half.expect_err("half of a frame");
            assert!(
                half.contains("Failed to decompress"),
                "{compression:?}: {half}"
            );
            let plain = compression
                .inflate(b"{\"a\":1}", limit)
                .expect_err("not compressed");
            assert!(
                plain.contains("Failed to decompress"),
                "{compression:?}: {plain}"
            );
        }
        let zlib = compressed(C::Deflate, b"x");
        assert_eq!(C::Gzip.inflate(&zlib, 9).as_deref(), Ok(&b"x"[..]));
    }
}
