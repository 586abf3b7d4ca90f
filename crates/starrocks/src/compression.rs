//! Compressed bodies: each is a frame of its own, so that StarRocks can take bodies apart and join them.

use std::fmt;
use std::io::{self, Write as _};

use bytes::Bytes;
use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Bodies are sent as they are. The default.
    #[default]
    None,
    /// LZ4 in its frame format. JSON bodies need StarRocks 3.2.7 or later.
    Lz4Frame,
    /// Zstandard. JSON bodies need StarRocks 3.2.7 or later.
    Zstd,
}

/// The fastest of Zstandard's ordinary levels: the processor is shared with encoding.
const ZSTD_LEVEL: i32 = 1;

/// Data of one block of an LZ4 frame; StarRocks' back end holds one of them at a time.
const LZ4_BLOCK: BlockSize = BlockSize::Max256KB;

impl Compression {
    /// Reads `compression` or `content-encoding`; upper and lower case are the same. StarRocks calls the same frames
    /// `lz4_frame` for JSON and `lz4` for CSV: here both names are good for both.
    ///
    /// # Errors
    /// Another algorithm, with those that work.
    pub(crate) fn parse(text: &str) -> Result<Compression, String> {
        match text.to_ascii_lowercase().as_str() {
            "" => Ok(Compression::None),
            "lz4_frame" | "lz4" => Ok(Compression::Lz4Frame),
            "zstd" => Ok(Compression::Zstd),
            _ => Err(format!(
                "`{text}` is not supported; write `lz4_frame` or `zstd`, or remove it"
            )),
        }
    }
}

/// Compresses bodies, one after the other, with memory that it keeps.
pub struct Compressor(Kind);

enum Kind {
    None,
    Lz4Frame(Box<FrameEncoder<Vec<u8>>>),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    /// A compressor for one load at a time.
    ///
    /// # Errors
    /// No memory for it.
    pub fn new(compression: Compression) -> io::Result<Compressor> {
        Ok(Compressor(match compression {
            Compression::None => Kind::None,
            Compression::Lz4Frame => {
                let frame = FrameInfo::new().block_size(LZ4_BLOCK);
                Kind::Lz4Frame(Box::new(FrameEncoder::with_frame_info(frame, Vec::new())))
            }
            Compression::Zstd => Kind::Zstd(zstd::bulk::Compressor::new(ZSTD_LEVEL)?),
        }))
    }

    /// Whether bodies come out as they are.
    pub fn is_none(&self) -> bool {
        matches!(self.0, Kind::None)
    }

    /// One body as one frame. Takes processor time: some milliseconds for a few megabytes.
    ///
    /// # Errors
    /// No memory.
    pub fn compress(&mut self, body: Bytes) -> io::Result<Bytes> {
        match &mut self.0 {
            Kind::None => Ok(body),
            Kind::Lz4Frame(encoder) => {
                encoder.write_all(&body)?;
                encoder.try_finish()?;
                Ok(std::mem::take(encoder.get_mut()).into())
            }
            Kind::Zstd(compressor) => {
                let mut frame = compressor.compress(&body)?;
                // It was given room for a body that does not shrink.
                frame.shrink_to_fit();
                Ok(frame.into())
            }
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::None => "Compressor(None)",
            Kind::Lz4Frame(_) => "Compressor(Lz4Frame)",
            Kind::Zstd(_) => "Compressor(Zstd)",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn plain(compression: Compression, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        match compression {
            Compression::None => text.extend_from_slice(bytes),
            Compression::Lz4Frame => {
                let mut decoder = lz4_flex::frame::FrameDecoder::new(bytes);
                decoder.read_to_end(&mut text).expect("LZ4 frames");
            }
            Compression::Zstd => {
                text = zstd::stream::decode_all(bytes).expect("Zstandard frames");
            }
        }
        text
    }

    #[test]
    fn each_body_is_a_frame_of_its_own() {
        let bodies: Vec<Bytes> = [1, 30_000, 3, 0, 200_000]
            .map(|rows| {
                (0..rows)
                    .map(|i| format!("{{\"id\":{i}}},"))
                    .collect::<String>()
                    .into()
            })
            .to_vec();
        for (compression, magic) in [
            (Compression::None, &b"{\"id\""[..]),
            (Compression::Lz4Frame, &[0x04, 0x22, 0x4d, 0x18]),
            (Compression::Zstd, &[0x28, 0xb5, 0x2f, 0xfd]),
        ] {
            let mut compressor = Compressor::new(compression).expect("memory");
            for body in bodies.iter().filter(|body| !body.is_empty()) {
                let frame = compressor.compress(body.clone()).expect("memory");
                assert!(frame.starts_with(magic), "{compression:?}");
                assert_eq!(plain(compression, &frame), body[..], "{compression:?}");
                let smaller = frame.len() < body.len() / 2;
                assert!(compressor.is_none() || body.len() < 1000 || smaller);
            }
        }
    }

    #[test]
    fn names_of_algorithms() {
        for (text, expect) in [
            ("", Ok(Compression::None)),
            ("lz4_frame", Ok(Compression::Lz4Frame)),
            ("LZ4_FRAME", Ok(Compression::Lz4Frame)),
            ("lz4", Ok(Compression::Lz4Frame)),
            ("Zstd", Ok(Compression::Zstd)),
            ("gzip", Err(())),
            ("bzip2", Err(())),
            ("deflate", Err(())),
            ("snappy", Err(())),
        ] {
            let parsed = Compression::parse(text);
            assert_eq!(parsed.clone().map_err(drop), expect, "{text}");
            if let Err(message) = parsed {
                assert!(message.contains("`lz4_frame` or `zstd`"), "{message}");
            }
        }
    }
}
