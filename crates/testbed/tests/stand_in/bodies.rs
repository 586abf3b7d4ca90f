//! Bodies that are compressed, CSV with what only Stream Load reads, and bodies of many chunks.

use std::io::Write as _;

use starrocks_kafka_testbed::{Node, StandIn, StandInOptions};

use crate::http::{Answer, Ask, connect, read_answer, stand_in, transaction_ask};

fn load(at: &StandIn, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let ask = Ask::new("PUT", "/api/d/t/_stream_load")
        .header("Expect", "100-continue")
        .headers(headers)
        .body(body);
    ask.follow(at.addr(Node::Fe(0))).expect("it answers")
}

/// One transaction with each body as a load; the answer of its commit.
fn in_transaction(at: &StandIn, label: &str, headers: &[(&str, &str)], bodies: &[&[u8]]) -> Answer {
    let call = |op: &str, headers: &[(&str, &str)], body: &[u8]| {
        let ask = transaction_ask(op, label).headers(headers).body(body);
        ask.follow(at.addr(Node::Fe(0))).expect("it answers")
    };
    assert_eq!(call("begin", &[], b"").word(), "OK");
    for body in bodies {
        let answer = call("load", headers, body);
        assert_eq!(answer.word(), "OK", "{}", answer.text());
    }
    call("commit", &[], b"")
}

/// The rows, and the table empty again.
fn taken(at: &StandIn) -> Vec<String> {
    let rows = at.sql("SELECT * FROM d.t ORDER BY id").expect("it reads");
    at.sql("TRUNCATE TABLE d.t").expect("it empties");
    rows.lines()
}

fn lz4(body: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(body).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(body, 1).expect("memory takes it")
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn bzip2(body: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(body).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[test]
fn compressed_bodies_are_read_by_both_interfaces() {
    let at = stand_in(StandInOptions::default());
    type Compress = fn(&[u8]) -> Vec<u8>;
    let ways: [(&str, &str, Compress); 5] = [
        ("lz4_frame", "lz4", lz4),
        ("zstd", "zstd", zstd),
        ("GZIP", "gzip", gzip),
        ("deflate", "deflate", zlib),
        ("bzip2", "bzip2", bzip2),
    ];
    for (number, (compression, csv, compress)) in ways.into_iter().enumerate() {
        for name in ["compression", "Content-Encoding"] {
            let json = [
                ("format", "json"),
                ("strip_outer_array", "true"),
                (name, compression),
            ];
            let answer = load(&at, &json, &compress(br#"[{"id":1,"name":"a"},{"id":2}]"#));
            assert_eq!(answer.word(), "Success", "{name}: {}", answer.text());
            assert_eq!(taken(&at), ["1\ta", "2\tNULL"], "{name}: {compression}");
            let label = format!("{name}-{number}");
            let (one, two) = (compress(br#"[{"id":1}]"#), compress(br#"[{"id":2}]"#));
            let answer = in_transaction(&at, &label, &json, &[&one, &two]);
            assert_eq!(answer.word(), "OK", "{name}: {}", answer.text());
            assert_eq!(taken(&at), ["1\tNULL", "2\tNULL"], "{name}: {compression}");
        }
        let format = [("format", csv), ("column_separator", ",")];
        let answer = load(&at, &format, &compress(b"1,a\n2,\\N\n"));
        assert_eq!(answer.word(), "Success", "{}", answer.text());
        assert_eq!(taken(&at), ["1\ta", "2\tNULL"], "{csv}");
        let (one, two) = (compress(b"1,a\n"), compress(b"2,b\n"));
        let answer = in_transaction(&at, &format!("csv-{csv}"), &format, &[&one, &two]);
        assert_eq!(answer.word(), "OK", "{}", answer.text());
        assert_eq!(taken(&at), ["1\ta", "2\tb"], "{csv}");
    }
}

#[test]
fn what_cannot_be_inflated_fails_the_load() {
    let at = stand_in(StandInOptions {
        max_inflated_bytes: 1000,
        ..StandInOptions::default()
    });
    let json = [("format", "json"), ("compression", "zstd")];
    let blanks = " ".repeat(1001);
    let refused: [(&[u8], &str); 3] = [
        (&zstd(blanks.as_bytes()), "at most 1000 bytes"),
        (br#"{"id":1}"#, "Failed to decompress"),
        (&lz4(br#"{"id":1}"#), "Failed to decompress"),
    ];
    for (body, message) in refused {
        let answer = load(&at, &json, body);
        assert_eq!(answer.word(), "Fail", "{}", answer.text());
        assert!(answer.get("Message").contains(message), "{}", answer.text());
    }
    let both = [
        ("format", "json"),
        ("compression", "zstd"),
        ("content-encoding", "zstd"),
    ];
    assert_eq!(load(&at, &both, b"").word(), "Fail");
    assert_eq!(load(&at, &[("compression", "zstd")], b"").word(), "Fail");
    assert_eq!(taken(&at), [""; 0]);
}

const QUOTED: [(&str, &str); 6] = [
    ("column_separator", ","),
    ("enclose", "\""),
    ("escape", "\\"),
    ("skip_header", "1"),
    ("trim_space", "true"),
    ("log_rejected_record_num", "1"),
];

#[test]
fn stream_load_reads_how_csv_is_written() {
    let at = stand_in(StandInOptions::default());
    let body = b"id,name\n 1 , \"a,\n\"\"b\" \n2,\"\\\"\"\n3,\\N\n4,\"\"\n";
    let answer = load(&at, &QUOTED, body);
    assert_eq!(answer.word(), "Success", "{}", answer.text());
    assert_eq!(answer.get("NumberTotalRows"), "4");
    assert_eq!(taken(&at), ["1\ta,\n\"b", "2\t\"", "3\tNULL", "4\t"]);
    let hidden = [("column_separator", "\\x01"), ("row_delimiter", "\\x02")];
    assert_eq!(
        load(&at, &hidden, b"1\x01a\n\x022\x01b\x02").word(),
        "Success"
    );
    assert_eq!(taken(&at), ["1\ta\n", "2\tb"]);
}

#[test]
fn a_transaction_does_not_look_at_how_csv_is_written() {
    let at = stand_in(StandInOptions::default());
    let answer = in_transaction(&at, "plain", &QUOTED, &[b"1,\"a\"\n2, \\\"\n"]);
    assert_eq!(answer.word(), "OK", "{}", answer.text());
    assert_eq!(answer.get("RejectedRecordPath"), "");
    assert_eq!(taken(&at), ["1\t\"a\"", "2\t \\\""]);
}

#[test]
fn rejected_rows_are_written_down_where_asked_for() {
    let at = stand_in(StandInOptions::default());
    let rejecting = |number: &str| {
        let headers = [
            ("column_separator", ","),
            ("max_filter_ratio", "1"),
            ("log_rejected_record_num", number),
        ];
        load(&at, &headers, b"x,a\ny,b\n3,c\n")
    };
    for (number, expect) in [("0", ""), ("1", "x,a\n"), ("-1", "x,a\ny,b\n")] {
        let answer = rejecting(number);
        assert_eq!(answer.get("NumberFilteredRows"), "2", "{}", answer.text());
        let path = answer.get("RejectedRecordPath");
        let written = path.split_once(':').map_or(String::new(), |(host, path)| {
            assert_eq!(host, "127.0.0.1");
            std::fs::read_to_string(path).expect("the file is there")
        });
        assert_eq!(written, expect, "{number}");
    }
}

#[test]
fn a_chunked_body_of_many_parts_is_one_load() {
    let at = stand_in(StandInOptions::default());
    let rows = 200_000;
    let mut stream = connect(at.addr(Node::Be(0))).expect("it listens");
    let head = "PUT /api/d/t/_stream_load HTTP/1.1\r\nHost: be\r\nAuthorization: Basic cm9vdDo=\r\n\
                column_separator: ,\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("it is sent");
    let body: String = (0..rows).map(|id| format!("{id},n{}\n", id % 10)).collect();
    // Parts that end within a row.
    for part in body.as_bytes().chunks(10_007) {
        let chunk = [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
        stream.write_all(&chunk).expect("it is sent");
    }
    stream.write_all(b"0\r\n\r\n").expect("it is sent");
    let answer = read_answer(&mut stream).expect("it answers");
    assert_eq!(answer.word(), "Success", "{}", answer.text());
    assert_eq!(answer.get("LoadBytes"), body.len().to_string());
    let sum = at
        .sql("SELECT sum(id) FROM d.t WHERE name = 'n' || (id % 10)")
        .expect("it reads");
    assert_eq!(sum.number(), Some(rows * (rows - 1) / 2));
}

#[test]
fn nested_types_and_json_keep_their_values_in_both_formats() {
    let at = StandIn::start(StandInOptions::default()).expect("the stand-in starts");
    at.sql(
        "CREATE DATABASE d; CREATE TABLE d.t (id INT, a ARRAY<VARCHAR(4)>, m MAP<INT, DOUBLE>, \
         s STRUCT<x INT, y ARRAY<BOOLEAN>>, j JSON)",
    )
    .expect("the table is made");
    let body = r#"{"id":1,"a":["x",null,"too long"],"m":{"7":1.50},"s":{"y":[true],"z":0},"j":{"k":[1,"é"]}}
        {"id":2,"a":[],"m":{},"s":{},"j":"text"}{"id":3}"#;
    let answer = load(
        &at,
        &[("format", "json"), ("strict_mode", "true")],
        body.as_bytes(),
    );
    assert_eq!(answer.word(), "Success", "{}", answer.text());
    let expect = [
        "1\t[\"x\",null,null]\t{7:1.5}\t{\"x\":null,\"y\":[1]}\t{\"k\": [1, \"é\"]}",
        "2\t[]\t{}\t{\"x\":null,\"y\":null}\t\"text\"",
        "3\tNULL\tNULL\tNULL\tNULL",
    ];
    assert_eq!(taken(&at), expect);
    let csv = "1|[\"x\",null]|{\"7\":1.5}|{\"x\":4}|{\"k\":1}\n2|1|{}|{}|plain\n";
    let headers = [
        ("column_separator", "|"),
        ("strict_mode", "true"),
        ("max_filter_ratio", "0.5"),
    ];
    let answer = load(&at, &headers, csv.as_bytes());
    assert_eq!(answer.get("NumberFilteredRows"), "1", "{}", answer.text());
    assert_eq!(
        taken(&at),
        ["1\t[\"x\",null]\t{7:1.5}\t{\"x\":4,\"y\":null}\t{\"k\": 1}"]
    );
}

#[test]
fn a_merge_commit_has_a_label_of_its_own() {
    let at = stand_in(StandInOptions::default());
    let headers = [
        ("format", "json"),
        ("label", "mine"),
        ("enable_merge_commit", "true"),
        ("merge_commit_interval_ms", "10"),
        ("merge_commit_parallel", "1"),
    ];
    // The same request twice is two loads: nothing tells that it was one.
    for _ in 0..2 {
        let answer = load(&at, &headers, br#"{"id":1,"name":"a"}"#);
        assert_eq!(answer.word(), "Success", "{}", answer.text());
        let answer: serde_json::Value = serde_json::from_str(&answer.text()).expect("JSON");
        assert_eq!(answer["RequestId"], "mine");
        let label = answer["Label"].as_str().expect("a label");
        assert!(label.starts_with("merge_commit-"), "{label}");
        assert!(answer.get("NumberLoadedRows").is_none());
    }
    assert_eq!(taken(&at), ["1\ta", "1\ta"]);
    let answer = load(&at, &headers[..4], b"{}");
    assert!(
        answer.text().contains("merge_commit_parallel"),
        "{}",
        answer.text()
    );
    let later = [&headers[..], &[("merge_commit_async", "true")]].concat();
    assert_eq!(load(&at, &later, b"{}").word(), "Fail");
}
