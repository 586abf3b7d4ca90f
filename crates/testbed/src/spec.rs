//! The headers of a load: which are read, what they mean, which are refused.

use crate::expression::Item;
use crate::headers::LoadHeaders;
use crate::inflate::Compression;
use crate::json_path::{JsonPath, JsonShape};

/// The format of a body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Format {
    Json(JsonShape),
    Csv(CsvFormat),
}

/// How CSV is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CsvFormat {
    pub(crate) column_separator: Vec<u8>,
    pub(crate) row_delimiter: Vec<u8>,
    pub(crate) enclose: Option<u8>,
    pub(crate) escape: Option<u8>,
    /// Rows at the start that are none.
    pub(crate) skip_header: usize,
    pub(crate) trim_space: bool,
}

/// What the headers of one load ask for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LoadSpec {
    pub(crate) format: Format,
    pub(crate) compression: Option<Compression>,
    pub(crate) columns: Option<Vec<Item>>,
    /// The header `where`.
    pub(crate) selection: Option<String>,
    /// Seconds that local time is ahead of UTC; `None` where the zone is not known.
    pub(crate) zone_seconds: Option<i64>,
    pub(crate) strict: bool,
    pub(crate) max_filter_ratio: f64,
    pub(crate) ignore_json_size: bool,
    pub(crate) partial_update: bool,
    pub(crate) merge_condition: Option<String>,
    /// Rejected rows that are written down; `None` where none were asked for.
    pub(crate) log_rejected: Option<usize>,
}

/// Headers that StarRocks reads and whose meaning the stand-in does not have.
const REFUSED: [&str; 3] = ["partitions", "temporary_partitions", "envelope"];

impl LoadSpec {
    /// Reads the headers. The error is StarRocks' message, or one that names what the stand-in does not have.
    pub(crate) fn read(headers: &LoadHeaders) -> Result<Self, String> {
        let header = |name: &str| headers.get(name);
        for name in REFUSED {
            if header(name).is_some_and(|v| !matches!(v, "" | "false" | "0")) {
                return Err(format!(
                    "this StarRocks stand-in does not know the load header `{name}`"
                ));
            }
        }
        if header("negative").is_some_and(|v| v == "true") {
            return Err(
                "this StarRocks stand-in does not know the load header `negative`".to_owned(),
            );
        }
        let (format, compression) = format(headers)?;
        Ok(Self {
            format,
            compression,
            columns: header("columns")
                .filter(given)
                .map(Item::list)
                .transpose()?,
            selection: header("where").filter(given).map(str::to_owned),
            zone_seconds: zone_seconds(header("timezone")),
            strict: flag(headers, "strict_mode")?,
            max_filter_ratio: header("max_filter_ratio")
                .map_or(0.0, |v| v.trim().parse().unwrap_or(0.0)),
            ignore_json_size: flag(headers, "ignore_json_size")?,
            // Any other `partial_update_mode` than these ends with the same rows or is not looked at.
            partial_update: header("partial_update") == Some("true"),
            merge_condition: header("merge_condition").map(str::to_owned),
            log_rejected: log_rejected(header("log_rejected_record_num"))?,
        })
    }
}

/// The format, and how the body is compressed: JSON says it by a header of its own, CSV by its format.
fn format(headers: &LoadHeaders) -> Result<(Format, Option<Compression>), String> {
    let name = headers.get("format").unwrap_or("csv").to_ascii_lowercase();
    let by_header = compression(headers)?;
    if name == "json" {
        let header = |name: &str| headers.get(name).filter(given);
        let shape = JsonShape {
            strip_outer_array: flag(headers, "strip_outer_array")?,
            root: header("json_root").map(JsonPath::read).transpose()?,
            paths: header("jsonpaths").map(JsonPath::read_list).transpose()?,
        };
        return Ok((Format::Json(shape), by_header));
    }
    let compression = Compression::of_csv_format(&name);
    if compression.is_none() && name != "csv" {
        return Err(format!("unknown data format, format={name}"));
    }
    if by_header.is_some() {
        return Err(
            "the headers `compression` and `Content-Encoding` are for JSON; compressed CSV is said by `format`".to_owned(),
        );
    }
    Ok((Format::Csv(CsvFormat::read(headers)?), compression))
}

fn compression(headers: &LoadHeaders) -> Result<Option<Compression>, String> {
    let name = match (headers.get("compression"), headers.get("content-encoding")) {
        (Some(_), Some(_)) => {
            return Err(
                "Can't set both compression and Content-Encoding at the same time".to_owned(),
            );
        }
        (None, None) => return Ok(None),
        (Some(name), None) | (None, Some(name)) => name.trim(),
    };
    match Compression::of_header(name) {
        None => Err(format!("Unsupported compression algorithm: {name}")),
        known => Ok(known),
    }
}

impl CsvFormat {
    fn read(headers: &LoadHeaders) -> Result<Self, String> {
        let separator =
            |name: &str, default: &str| delimiter(headers.get(name).unwrap_or(default), name);
        let byte = |name: &str| match headers.get(name).map(str::as_bytes) {
            None | Some([]) => Ok(None),
            Some([byte]) => Ok(Some(*byte)),
            Some(_) => Err(format!("the {name} of CSV must be one byte")),
        };
        let skip_header = match headers.get("skip_header").map(str::trim) {
            None => 0,
            Some(text) => text
                .parse()
                .map_err(|_| format!("Invalid csv load parameter: skip_header={text}"))?,
        };
        Ok(Self {
            column_separator: separator("column_separator", "\\t")?,
            row_delimiter: separator("row_delimiter", "\\n")?,
            enclose: byte("enclose")?,
            escape: byte("escape")?,
            skip_header,
            trim_space: flag(headers, "trim_space")?,
        })
    }
}

/// `-1` is all of them, `0` none.
fn log_rejected(value: Option<&str>) -> Result<Option<usize>, String> {
    let Some(text) = value.map(str::trim) else {
        return Ok(None);
    };
    match text.parse::<i64>() {
        Ok(0) => Ok(None),
        Ok(-1) => Ok(Some(usize::MAX)),
        Ok(number) if number > 0 => Ok(Some(usize::try_from(number).unwrap_or(usize::MAX))),
        _ => Err(format!("Invalid log_rejected_record_num: {text}")),
    }
}

fn flag(headers: &LoadHeaders, name: &str) -> Result<bool, String> {
    match headers.get(name).map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(format!(
            "Invalid {name} format. Must be bool type, but it is {other}"
        )),
    }
}

/// An empty header is none.
fn given(value: &&str) -> bool {
    !value.trim().is_empty()
}

/// `UTC` and its like, `+08:00`, and StarRocks' own default. The stand-in's default is UTC.
fn zone_seconds(value: Option<&str>) -> Option<i64> {
    let text = match value.map(str::trim) {
        None | Some("" | "UTC" | "GMT" | "Z" | "Etc/UTC") => return Some(0),
        Some("Asia/Shanghai" | "CST") => return Some(8 * 3600),
        Some(text) => text,
    };
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.strip_prefix(['+', '-'])?.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// A separator: text, `\n` `\r` `\t`, or hexadecimal as `\x01` and `\\x0D0A`.
fn delimiter(value: &str, name: &str) -> Result<Vec<u8>, String> {
    let bytes = match value {
        "\\n" => b"\n".to_vec(),
        "\\r\\n" => b"\r\n".to_vec(),
        "\\t" => b"\t".to_vec(),
        _ => match value.trim_start_matches('\\').strip_prefix(['x', 'X']) {
            Some(hex) if value.starts_with('\\') => {
                let digit = |at: usize| {
                    hex.get(at..at + 2)
                        .and_then(|h| u8::from_str_radix(h, 16).ok())
                };
                (0..hex.len())
                    .step_by(2)
                    .map(digit)
                    .collect::<Option<Vec<u8>>>()
                    .ok_or_else(|| format!("Invalid delimiter '{value}' in {name}"))?
            }
            _ => value.as_bytes().to_vec(),
        },
    };
    if bytes.is_empty() || bytes.len() > 50 {
        return Err(format!("the {name} must have 1 to 50 bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{CsvFormat, Format, LoadSpec, delimiter, zone_seconds};
    use crate::expression::Item;
    use crate::headers::{Interface, LoadHeaders};
    use crate::inflate::Compression;
    use crate::json_path::JsonShape;

    fn read(interface: Interface, headers: &[(&str, &'static str)]) -> Result<LoadSpec, String> {
        LoadSpec::read(&LoadHeaders::read(interface, |name| {
            headers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
        }))
    }

    #[test]
    fn headers_are_read_or_refused_by_name() {
        use Interface::{StreamLoad, Transaction};
        let json = read(
            Transaction,
            &[
                ("format", "JSON"),
                ("strip_outer_array", "true"),
                ("columns", "a, `b c`"),
                ("content-encoding", "LZ4_FRAME"),
            ],
        )
        .expect("the headers are right");
        assert_eq!(
            json.format,
            Format::Json(JsonShape {
                strip_outer_array: true,
                ..JsonShape::default()
            })
        );
        assert_eq!(json.compression, Some(Compression::Lz4Frame));
        let columns = ["a", "b c"].map(|name| Item::Field(name.to_owned()));
        assert_eq!(json.columns, Some(columns.to_vec()));
        let refused = [
            (Transaction, ("partitions", "p1"), "`partitions`"),
            (Transaction, ("columns", "a, b = c + 1"), "operator `+`"),
            (
                Transaction,
                ("format", "xml"),
                "unknown data format, format=xml",
            ),
            (Transaction, ("format", "lz4_frame"), "unknown data format"),
            (Transaction, ("compression", "gzip"), "are for JSON"),
            (Transaction, ("compression", "rar"), "algorithm: rar"),
            (Transaction, ("strict_mode", "maybe"), "strict_mode"),
            (StreamLoad, ("enclose", "''"), "enclose"),
            (StreamLoad, ("skip_header", "-1"), "skip_header=-1"),
            (StreamLoad, ("trim_space", "1"), "trim_space"),
            (StreamLoad, ("log_rejected_record_num", "-2"), "_num: -2"),
        ];
        for (interface, header, names) in refused {
            let message = read(interface, &[header]).expect_err(header.0);
            assert!(message.contains(names), "{header:?}: {message}");
        }
        let both = read(
            StreamLoad,
            &[
                ("format", "json"),
                ("compression", "zstd"),
                ("content-encoding", "zstd"),
            ],
        );
        assert!(both.is_err_and(|m| m.contains("both")));
    }

    #[test]
    fn only_stream_load_reads_what_is_only_csvs() {
        let headers = [
            ("format", "lz4"),
            ("enclose", "\""),
            ("escape", "\\"),
            ("skip_header", "2"),
            ("trim_space", "true"),
            ("log_rejected_record_num", "-1"),
        ];
        let spec = |interface| read(interface, &headers).expect("the headers are right");
        let plain = CsvFormat {
            column_separator: b"\t".to_vec(),
            row_delimiter: b"\n".to_vec(),
            enclose: None,
            escape: None,
            skip_header: 0,
            trim_space: false,
        };
        let (stream, transaction) = (spec(Interface::StreamLoad), spec(Interface::Transaction));
        assert_eq!(transaction.format, Format::Csv(plain.clone()));
        assert_eq!(transaction.log_rejected, None);
        let own = CsvFormat {
            enclose: Some(b'"'),
            escape: Some(b'\\'),
            skip_header: 2,
            trim_space: true,
            ..plain
        };
        assert_eq!(stream.format, Format::Csv(own));
        assert_eq!(stream.log_rejected, Some(usize::MAX));
        assert_eq!(stream.compression, Some(Compression::Lz4Frame));
    }

    #[test]
    fn delimiters() {
        let rows = [
            ("\\x01", Some(&b"\x01"[..])),
            ("\\\\x0D0A", Some(b"\r\n")),
            ("\\t", Some(b"\t")),
            ("||", Some(b"||")),
            ("x", Some(b"x")),
            ("\\xZZ", None),
        ];
        for (text, expect) in rows {
            assert_eq!(
                delimiter(text, "column_separator").ok().as_deref(),
                expect,
                "{text}"
            );
        }
    }

    #[test]
    fn zones_are_known_by_their_offset() {
        let rows = [
            (None, Some(0)),
            (Some("UTC"), Some(0)),
            (Some("+05:30"), Some(19_800)),
            (Some("-08:00"), Some(-28_800)),
            (Some("Asia/Shanghai"), Some(28_800)),
            (Some("Europe/Berlin"), None),
            (Some("+99:00"), None),
        ];
        for (zone, expect) in rows {
            assert_eq!(zone_seconds(zone), expect, "{zone:?}");
        }
    }
}
