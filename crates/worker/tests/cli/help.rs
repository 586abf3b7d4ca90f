//! What the program says of itself.

use crate::program::run;

#[test]
fn its_version() {
    let ended = run(&["--version"], &[]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(ended.stdout, format!("starrocks-kafka {version}"));
}

#[cfg(feature = "demo")]
#[test]
fn its_help() {
    let ended = run(&["--help"], &[]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    insta::assert_snapshot!(ended.stdout, @r"
    Loads Kafka topics into StarRocks tables, continuously, each row once

    Usage: starrocks-kafka [OPTIONS] <COMMAND>

    Commands:
      standalone   Run the connectors of some files in this process
      preview      Show what a connector's configuration makes of records, without Kafka and StarRocks
      completions  Write the completions of a shell to standard output
      demo         Show records of a Kafka topic become rows of a StarRocks table, with nothing to
                   install
      help         Print this message or the help of the given subcommand(s)

    Options:
          --log-format <LOG_FORMAT>
              How log lines are written, to standard error

              Possible values:
              - text: A line of text an event
              - json: A JSON object an event

              [default: text]

          --log-level <LOG_LEVEL>
              The least severe lines that are written [default: info; of preview and demo: warn]

              [possible values: error, warn, info, debug, trace]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn the_help_of_standalone() {
    let ended = run(&["standalone", "--help"], &[]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    insta::assert_snapshot!(ended.stdout, @r"
    Run the connectors of some files in this process

    The files are those of Kafka Connect's bin/connect-standalone.sh. Ends by SIGTERM or SIGINT: what
    was read is loaded first, within the worker's task.shutdown.graceful.timeout.ms; a second signal
    ends at once, and loses nothing either.

    Usage: starrocks-kafka standalone [OPTIONS] <WORKER> [CONNECTORS]...

    Arguments:
      <WORKER>
              The worker's properties

      [CONNECTORS]...
              Connectors, as properties or JSON; told apart by content

    Options:
          --log-format <LOG_FORMAT>
              How log lines are written, to standard error

              Possible values:
              - text: A line of text an event
              - json: A JSON object an event

              [default: text]

          --log-level <LOG_LEVEL>
              The least severe lines that are written [default: info; of preview and demo: warn]

              [possible values: error, warn, info, debug, trace]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

/// Kafka Connect's code where arguments are missing; 2 and 3 are those of files.
#[test]
fn a_command_line_that_is_not_understood() {
    fn check(arguments: &[&str], expect: &str) {
        let ended = run(arguments, &[]);
        assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{arguments:?}");
        assert!(
            ended.stderr.contains(expect),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
    check(&[], "Usage: starrocks-kafka [OPTIONS] <COMMAND>");
    check(
        &["standalone"],
        "Usage: starrocks-kafka standalone <WORKER> [CONNECTORS]...",
    );
    check(&["standalon"], "'standalone'");
    check(&["nonsense"], "unrecognized subcommand 'nonsense'");
    check(
        &["--log-format", "xml", "standalone", "w"],
        "[possible values: text, json]",
    );
    check(
        &["standalone", "w", "--log-level", "loud"],
        "[possible values: error, warn, info, debug, trace]",
    );
}
