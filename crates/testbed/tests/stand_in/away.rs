//! Servers that are not there for a while.

use std::io::{ErrorKind, Read as _};

use starrocks_kafka_testbed::{Node, StandIn, StandInOptions};

use crate::http::{connect, prepared, stand_in, state, transaction};

const ROWS: &str = r#"[{"id":1,"name":"a"}]"#;

fn refused(at: &StandIn, node: Node) {
    let error = connect(at.addr(node)).expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{node}");
}

#[test]
fn servers_go_away_and_come_back_on_their_ports() {
    let at = stand_in(StandInOptions::default());
    prepared(&at, "one", ROWS);
    let (fe, be) = (at.addr(Node::Fe(0)), at.addr(Node::Be(0)));
    let mut idle = connect(fe).expect("it listens");
    for _ in 0..3 {
        at.all_away().expect("they go");
        refused(&at, Node::Fe(0));
        refused(&at, Node::Be(0));
        at.back().expect("they come back");
        assert_eq!((at.addr(Node::Fe(0)), at.addr(Node::Be(0))), (fe, be));
        assert_eq!(state(&at, "one"), "PREPARED");
    }
    assert!(
        matches!(idle.read(&mut [0]), Ok(0) | Err(_)),
        "connections end with their server"
    );
    at.away(Node::Be(0)).expect("it goes");
    assert_eq!(
        transaction(&at, "commit", "one", &[], "")
            .expect("the FE needs no BE")
            .word(),
        "OK"
    );
    let begin = transaction(&at, "begin", "two", &[], "").expect_err("the BE is away");
    assert_eq!(begin.kind(), ErrorKind::ConnectionRefused);
    at.back_at(Node::Be(0)).expect("it comes back");
    assert_eq!(
        transaction(&at, "begin", "two", &[], "")
            .expect("it answers")
            .word(),
        "OK"
    );
}

#[test]
fn a_port_that_another_serves_is_refused() {
    let at = StandIn::start(StandInOptions::default()).expect("the stand-in starts");
    for taken in [at.addr(Node::Fe(0)), at.addr(Node::Be(0))] {
        let second = StandIn::start(StandInOptions {
            fe: vec![taken],
            ..StandInOptions::default()
        });
        let message = second.expect_err("the port is taken").to_string();
        assert!(message.contains(&taken.to_string()), "{message}");
    }
}
