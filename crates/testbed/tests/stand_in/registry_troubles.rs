//! The Schema Registry stand-in in trouble, and what it tells of its requests.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use starrocks_kafka_testbed::schema_registry::{
    Access, NewSchema, Options, SchemaRegistry, SchemaType, Trouble,
};

use crate::http::{Answer, Ask};
use crate::registry::registry;

const PATIENCE: Duration = Duration::from_secs(30);

fn with_a_schema() -> SchemaRegistry {
    let at = registry();
    at.put("a", 1, 7, NewSchema::new(SchemaType::Avro, "\"string\""));
    at
}

fn by_id(at: &SchemaRegistry) -> std::io::Result<Answer> {
    Ask::new("GET", "/schemas/ids/7").send(at.address(0))
}

fn status(at: &SchemaRegistry) -> u16 {
    by_id(at).expect("it answers").status
}

#[test]
fn answers_go_wrong_as_often_as_is_said() {
    let at = with_a_schema();
    let check = |trouble: Trouble, expect: (u16, &str)| {
        let fault = at.faults().on("/schemas/ids").first(2).act(trouble);
        for _ in 0..2 {
            let answer = by_id(&at).expect("it answers");
            let code = if answer.text().starts_with('{') {
                answer.get("error_code")
            } else {
                answer.text()
            };
            assert_eq!((answer.status, &code[..expect.1.len()]), expect);
        }
        assert_eq!(status(&at), 200, "the third is served");
        assert_eq!(fault.hits(), 2);
        fault.remove();
    };
    check(Trouble::unknown_schema(), (404, "40403"));
    check(Trouble::unauthorized(), (401, "401"));
    check(Trouble::store_failed(), (500, "50001"));
    check(Trouble::too_many_requests(), (429, "42901"));
    check(Trouble::html(200), (200, "<html>"));
    check(Trouble::html(503), (503, "<html>"));
    assert_eq!(at.asked("/schemas/ids/7"), 18);
    assert_eq!(at.asked("/schemas/ids/70"), 0);
    assert_eq!(at.asked("/"), 18);
    let other = at.faults().on("/schemas/ids/70").act(Trouble::Reset);
    assert_eq!((status(&at), other.hits()), (200, 0));
}

#[test]
fn connections_break() {
    let at = with_a_schema();
    at.faults().on("/").nth(1).act(Trouble::Reset);
    at.faults()
        .on("/")
        .nth(2)
        .act(Trouble::CutBody { after: 5 });
    assert_eq!(
        by_id(&at).expect_err("it is reset").kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(
        by_id(&at).expect_err("it is cut").kind(),
        ErrorKind::UnexpectedEof
    );
    assert_eq!(status(&at), 200);
    let statuses: Vec<_> = at.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [None, Some(200), Some(200)]);
}

#[test]
fn answers_come_late_and_in_pieces() {
    let at = with_a_schema();
    let pause = Duration::from_millis(20);
    at.faults().on("/").nth(1).act(Trouble::Delay(pause));
    at.faults()
        .on("/")
        .nth(2)
        .act(Trouble::Trickle { bytes: 40, pause });
    for at_least in [pause, pause * 2] {
        let since = Instant::now();
        assert_eq!(by_id(&at).expect("it answers").get("schema"), "\"string\"");
        assert!(since.elapsed() >= at_least, "{:?}", since.elapsed());
    }
    let held = at.faults().on("/").act(Trouble::Hold);
    let mut stream = TcpStream::connect(at.address(0)).expect("it listens");
    stream
        .write_all(b"GET /schemas/ids/7?subject=a%20b HTTP/1.1\r\nHost: h\r\nX-Asked: by me\r\nConnection: close\r\n\r\n")
        .expect("it is sent");
    let request = at
        .wait_for("/schemas/ids/7", 3, PATIENCE)
        .expect("it arrives");
    assert_eq!(request.status, None);
    assert_eq!(
        (request.parameter("subject"), request.header("x-asked")),
        (Some("a b"), Some("by me"))
    );
    held.release();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let error = at
        .wait_for("/mode", 1, Duration::ZERO)
        .expect_err("nobody asked");
    assert!(
        error
            .to_string()
            .contains("#2 GET /schemas/ids/7?subject=a b -> 200"),
        "{error}"
    );
}

#[test]
fn it_goes_away_and_comes_back_on_its_port() {
    let free = registry().address(0);
    let options = Options {
        addresses: vec![(free.ip(), 0).into(), (free.ip(), 0).into()],
        ..Options::default()
    };
    let at = SchemaRegistry::start(options).expect("two servers");
    at.put("a", 1, 7, NewSchema::new(SchemaType::Avro, "\"string\""));
    let ask = |node: usize| Ask::new("GET", "/schemas/ids/7").send(at.address(node));
    let url = format!("http://{},http://{}", at.address(0), at.address(1));
    assert_eq!(at.url(), url);
    at.away_at(0).expect("it goes");
    assert_eq!(
        ask(0).expect_err("nobody listens").kind(),
        ErrorKind::ConnectionRefused
    );
    assert_eq!(ask(1).expect("the other one is there").status, 200);
    at.away().expect("both go");
    assert_eq!(
        ask(1).expect_err("nobody listens").kind(),
        ErrorKind::ConnectionRefused
    );
    at.back().expect("they come back");
    for node in [0, 1] {
        assert_eq!(ask(node).expect("it is back").status, 200);
    }
    let nodes: Vec<_> = at.requests().iter().map(|request| request.node).collect();
    assert_eq!(nodes, [1, 0, 1]);
    at.faults().on("/").at(1).act(Trouble::unauthorized());
    assert_eq!(
        [0, 1].map(|node| ask(node).expect("it answers").status),
        [200, 401]
    );
}

#[test]
fn those_who_may_ask_are_answered() {
    let at = with_a_schema();
    let check = |access: &Access, authorization: Option<&str>, expect: u16| {
        at.set_access(access.clone());
        let mut ask = Ask::new("GET", "/schemas/ids/7").anonymous();
        if let Some(value) = authorization {
            ask = ask.header("Authorization", value);
        }
        let answer = ask.send(at.address(0)).expect("it answers");
        assert_eq!(answer.status, expect, "{access:?} {authorization:?}");
        if expect == 401 {
            assert_eq!(answer.get("error_code"), "401");
            assert!(answer.header("www-authenticate").is_some());
        }
    };
    let (everybody, user, token) = (
        Access::default(),
        Access::user("u", "p:w"),
        Access::token("t.t"),
    );
    check(&everybody, None, 200);
    check(&everybody, Some("Basic nonsense"), 200);
    check(&user, None, 401);
    check(&user, Some("Basic dTpwOnc="), 200);
    check(&user, Some("Basic dTpw"), 401);
    check(&user, Some("Basic !"), 401);
    check(&user, Some("Bearer t.t"), 401);
    check(&token, Some("Bearer t.t"), 200);
    check(&token, Some("bearer t.t"), 200);
    check(&token, Some("Bearer t"), 401);
    check(&token, Some("nonsense"), 401);
}
