use super::*;

fn shown(properties: &[(&str, &str)]) -> String {
    match LoadHeaders::from_properties(properties.iter().copied()) {
        Ok(headers) => {
            let mut lines: Vec<_> = headers
                .for_load()
                .iter()
                .map(|(name, value)| {
                    format!("{name}={}", String::from_utf8_lossy(value.as_bytes()))
                })
                .collect();
            lines.sort();
            if let Some(seconds) = headers.timeout_s() {
                lines.push(format!("[timeout {seconds}]"));
            }
            if !headers.stream_load_only().is_empty() {
                lines.push(format!(
                    "[stream load {}]",
                    headers.stream_load_only().join(" ")
                ));
            }
            lines.join("; ")
        }
        Err(errors) => errors
            .iter()
            .map(ConfigError::to_string)
            .collect::<Vec<_>>()
            .join("; "),
    }
}

#[test]
fn headers_of_properties() {
    fn check(properties: &[(&str, &str)], expect: &str) {
        assert_eq!(shown(properties), expect, "{properties:?}");
    }
    const JSON: &str = "format=json; ignore_json_size=true; strip_outer_array=true";
    check(&[], JSON);
    check(&[("format", "Json"), ("strip_outer_array", "TRUE")], JSON);
    check(&[("Format", "CSV")], "format=csv");
    check(
        &[("format", "csv"), ("column_separator", "\\x01")],
        "column_separator=\\x01; format=csv",
    );
    check(
        &[("format", "csv"), ("column_separator", "\t")],
        "column_separator=\\x09; format=csv",
    );
    check(
        &[("format", "csv"), ("row_delimiter", "|\r\n")],
        "format=csv; row_delimiter=\\x7c0d0a",
    );
    check(
        &[("format", "csv"), ("column_separator", " ")],
        "column_separator=\\x20; format=csv",
    );
    check(
        &[("format", "csv"), ("column_separator", ""), ("columns", "")],
        "format=csv",
    );
    check(
        &[("column_separator", "\\\\x01")],
        &format!("column_separator=\\x01; {JSON}"),
    );
    const ARRAYS: &str = "ignore_json_size=true; strip_outer_array=true";
    for name in ["compression", "Content-Encoding"] {
        check(
            &[(name, "LZ4_frame")],
            &format!("compression=lz4_frame; format=json; {ARRAYS}"),
        );
        check(
            &[(name, "zstd")],
            &format!("compression=zstd; format=json; {ARRAYS}"),
        );
        check(&[("format", "csv"), (name, "lz4_frame")], "format=lz4");
        check(&[("format", "csv"), (name, "ZSTD")], "format=zstd");
        check(&[("format", "csv"), (name, "")], "format=csv");
    }
    check(
        &[("columns", "id, größe")],
        &format!("columns=id, größe; {JSON}"),
    );
    check(
        &[("strict_mode", " true ")],
        "format=json; ignore_json_size=true; strict_mode=true; strip_outer_array=true",
    );
    check(
        &[("made_up", "1")],
        "format=json; ignore_json_size=true; made_up=1; strip_outer_array=true",
    );
    check(&[("timeout", "900")], &format!("{JSON}; [timeout 900]"));
    check(
        &[("enable_merge_commit", "TRUE")],
        "enable_merge_commit=true; format=json; ignore_json_size=true; merge_commit_async=false; strip_outer_array=true; \
         [stream load sink.properties.enable_merge_commit]",
    );
    check(
        &[("partial_update", "TRUE"), ("columns", " ")],
        "format=json; ignore_json_size=true; partial_update=true; strip_outer_array=true",
    );
    check(
        &[("envelope", "debezium")],
        "envelope=debezium; format=json; ignore_json_size=true; [stream load sink.properties.envelope]",
    );
    check(
        &[("envelope", "debezium"), ("strip_outer_array", "False")],
        "envelope=debezium; format=json; ignore_json_size=true; [stream load sink.properties.envelope]",
    );
}

/// Every header of StarRocks' documentation of STREAM LOAD, with what becomes of it as a property.
#[test]
fn every_documented_header() {
    enum Becomes {
        /// A header of every load, the value as it was written.
        Passed,
        /// The same, and it cannot be had exactly once.
        StreamLoad,
        /// Read here, and sent as these headers.
        Read(&'static str),
        /// Refused, with this.
        Refused(&'static str),
    }
    use Becomes::{Passed, Read, Refused, StreamLoad};
    const OURS: Becomes = Refused("is set by the connector itself; remove it");
    const JSON: &str = "format=json; ignore_json_size=true; strip_outer_array=true";
    let table = [
        ("label", "x", OURS),
        ("format", "json", Read(JSON)),
        ("format", "csv", Read("format=csv")),
        ("format", "gzip", Refused("write `json` or `csv`")),
        ("columns", "id,c=a+1", Passed),
        ("where", "id > 1", Passed),
        ("column_separator", "\\x01", Passed),
        ("row_delimiter", "|", Passed),
        ("skip_header", "0", Passed),
        (
            "skip_header",
            "1",
            Refused("would leave out the first rows of every load"),
        ),
        ("trim_space", "true", StreamLoad),
        ("trim_space", "false", Passed),
        ("enclose", "\"", StreamLoad),
        ("enclose", "''", Refused("is not one character")),
        ("escape", "\\", StreamLoad),
        ("partitions", "p1,p2", Passed),
        ("temporary_partitions", "p1", Passed),
        ("negative", "true", Passed),
        ("max_filter_ratio", "0.1", Passed),
        (
            "timeout",
            "900",
            Read("format=json; ignore_json_size=true; strip_outer_array=true; [timeout 900]"),
        ),
        ("strict_mode", "true", Passed),
        ("timezone", "Europe/Berlin", Passed),
        ("load_mem_limit", "1000000", Passed),
        ("exec_mem_limit", "1000000", Passed),
        ("strip_outer_array", "true", Read(JSON)),
        (
            "strip_outer_array",
            "false",
            Refused("rows are sent as JSON arrays"),
        ),
        ("jsonpaths", "[\"$.a\",\"$.b.c\"]", Passed),
        ("json_root", "$.payload", Passed),
        ("ignore_json_size", "true", Read(JSON)),
        (
            "ignore_json_size",
            "false",
            Refused("adds up all bodies of a transaction"),
        ),
        ("compression", "zstd", Passed),
        (
            "compression",
            "bzip2",
            Refused("write `lz4_frame` or `zstd`"),
        ),
        (
            "content-encoding",
            "lz4_frame",
            Read(
                "compression=lz4_frame; format=json; ignore_json_size=true; strip_outer_array=true",
            ),
        ),
        ("transmission_compression_type", "lz4", Passed),
        ("partial_update", "true", Passed),
        ("partial_update_mode", "column", Passed),
        ("merge_condition", "version", Passed),
        ("load_dop", "2", Passed),
        ("log_rejected_record_num", "-1", StreamLoad),
        ("log_rejected_record_num", "0", Passed),
        ("warehouse", "w1", Passed),
        ("enable_merge_commit", "true", StreamLoad),
        ("enable_merge_commit", "false", Passed),
        ("merge_commit_interval_ms", "100", Passed),
        ("merge_commit_parallel", "2", Passed),
        ("merge_commit_async", "false", Passed),
        (
            "merge_commit_async",
            "true",
            Refused("answers before rows are durable"),
        ),
        ("idle_transaction_timeout", "60", Passed),
        ("prepared_timeout", "60", OURS),
        ("transaction_type", "multi", OURS),
        ("channel_num", "2", OURS),
        ("source_type", "bypass_write", OURS),
    ];
    for (name, value, becomes) in table {
        let seen = shown(&[(name, value)]);
        let passed = || {
            let mut headers: Vec<_> = JSON.split("; ").map(str::to_owned).collect();
            headers.push(format!("{name}={value}"));
            headers.sort();
            headers.join("; ")
        };
        match becomes {
            Passed => assert_eq!(seen, passed()),
            StreamLoad => {
                let forces = format!("[stream load sink.properties.{name}]");
                assert!(seen.ends_with(&forces), "{seen}");
                assert!(seen.contains(&format!("{name}={value}; ")), "{seen}");
            }
            Read(headers) => assert_eq!(seen, headers, "{name}={value}"),
            Refused(why) => {
                let start = format!("sink.properties.{name}: ");
                assert!(seen.starts_with(&start) && seen.contains(why), "{seen}");
            }
        }
    }
}

#[test]
fn refused_properties() {
    fn check(properties: &[(&str, &str)], expect: &str) {
        assert_eq!(shown(properties), expect, "{properties:?}");
    }
    for name in [
        "label",
        "db",
        "TABLE",
        "Authorization",
        "Expect",
        "transaction_type",
        "channel_id",
        "Content-Length",
    ] {
        check(
            &[(name, "x")],
            &format!("sink.properties.{name}: is set by the connector itself; remove it"),
        );
    }
    check(
        &[("format", "avro")],
        "sink.properties.format: `avro` is not allowed; write `json` or `csv`",
    );
    check(
        &[("timeout", "0")],
        "sink.properties.timeout: `0` is not a number of seconds from 1 to 259200",
    );
    check(
        &[("timeout", "259201")],
        "sink.properties.timeout: `259201` is not a number of seconds from 1 to 259200",
    );
    check(
        &[("strip_outer_array", "false")],
        "sink.properties.strip_outer_array: must be `true`, for rows are sent as JSON arrays; remove it",
    );
    check(
        &[("strip_outer_array", "true"), ("envelope", "debezium")],
        "sink.properties.strip_outer_array: is not possible with envelope, which StarRocks reads from no array; remove it",
    );
    check(
        &[("Compression", "gzip")],
        "sink.properties.Compression: `gzip` is not supported; write `lz4_frame` or `zstd`, or remove it",
    );
    check(
        &[("compression", "zstd"), ("Content-Encoding", "zstd")],
        "sink.properties.Content-Encoding: cannot stand beside sink.properties.compression; remove one of them",
    );
    check(
        &[("temporary_partitions", "a"), ("partitions", "b")],
        "sink.properties.partitions: cannot stand beside sink.properties.temporary_partitions; remove one of them",
    );
    check(
        &[("where", "a\nb"), ("label", "x")],
        "sink.properties.where: has a line break or another control character, which a header cannot hold; \
         sink.properties.label: is set by the connector itself; remove it",
    );
    check(
        &[("column_separator", "\\x0"), ("row_delimiter", "0x")],
        "sink.properties.column_separator: `\\x0` is not a separator: the number of digits is odd; write it as it is, \
         or `\\x` and two hexadecimal digits for each byte; sink.properties.row_delimiter: `0x` is not a separator: there \
         are no digits; write it as it is, or `\\x` and two hexadecimal digits for each byte",
    );
    check(
        &[("format", "csv"), ("column_separator", "\\x0a")],
        "sink.properties.column_separator: column_separator and row_delimiter are the same: nobody could tell fields from rows",
    );
    check(
        &[("a b", "x")],
        "sink.properties.a b: is not a name that HTTP allows",
    );
    check(
        &[("where", "a"), ("WHERE", "b")],
        "sink.properties.WHERE: stands there twice; upper and lower case are the same",
    );
}

#[test]
fn what_writing_rows_needs_to_know() {
    let plain = LoadHeaders::default();
    assert_eq!(plain.column_separator(), b"\t");
    assert_eq!(plain.row_delimiter(), b"\n");
    assert!(plain.columns().is_empty());
    let headers = LoadHeaders::from_properties([
        ("format", "csv"),
        ("Column_Separator", "\\x01"),
        ("row_delimiter", "\r\n"),
        ("columns", " `id`, tmp, day = date(tmp)"),
    ])
    .expect("valid properties");
    assert_eq!(headers.format(), LoadFormat::Csv);
    assert_eq!(headers.column_separator(), b"\x01");
    assert_eq!(headers.row_delimiter(), b"\r\n");
    assert_eq!(headers.columns(), ["id", "tmp"]);
    assert!(!headers.is_array() && plain.is_array());
    assert!(headers.quotes().is_empty());
    let quoted = [("enclose", "\""), ("escape", "\\"), ("format", "csv")];
    let quoted = LoadHeaders::from_properties(quoted).expect("valid properties");
    assert_eq!(quoted.quotes(), b"\"\\");
    let merged = LoadHeaders::from_properties([("enable_merge_commit", "True")]);
    assert!(merged.expect("a valid property").merges_commits() && !plain.merges_commits());
    let lines = LoadHeaders::from_properties([("envelope", "debezium")]);
    assert!(!lines.expect("a valid property").is_array());
}

#[test]
fn a_property_of_a_table_takes_the_place_of_the_one_for_all() {
    fn check(own: &str, theirs: &str, expect: bool) {
        let property = |name| LoadProperty {
            property: format!("p.{name}"),
            name,
            value: "",
        };
        let replaces = property(own).replaces(&property(theirs));
        assert_eq!(replaces, expect, "{own} {theirs}");
    }
    check("columns", "columns", true);
    check("Columns", " COLUMNS", true);
    check("columns", "column", false);
    check("content-encoding", "compression", true);
    check("partitions", "temporary_partitions", true);
    check("partitions", "compression", false);
}

#[test]
fn begin_takes_the_warehouse_along() {
    let headers = LoadHeaders::from_properties([
        ("warehouse", "w"),
        ("columns", "a"),
        ("idle_transaction_timeout", "60"),
    ])
    .expect("valid properties");
    let names: Vec<_> = headers
        .for_begin()
        .map(|(name, value)| format!("{name}={}", value.to_str().expect("ASCII")))
        .collect();
    assert_eq!(names, ["warehouse=w", "idle_transaction_timeout=60"]);
}
