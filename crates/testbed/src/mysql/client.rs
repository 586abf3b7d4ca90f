//! The real `mysql` client, for tests that ask as people do.

use std::env;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::sync::Once;

/// Turns the skipping of tests that need the client into their failure when set to `1`.
const REQUIRE_VARIABLE: &str = "STARROCKS_KAFKA_REQUIRE_MYSQL";

/// The programs that are asked for, the first that is there wins.
const PROGRAMS: [&str; 2] = ["mysql", "mariadb"];

/// The command line client of MySQL or MariaDB, which reads no files of its user's; `None`, said on standard error, where
/// neither is installed.
///
/// # Panics
/// Where none is installed and `STARROCKS_KAFKA_REQUIRE_MYSQL=1`.
#[must_use]
pub fn mysql_client_or_skip() -> Option<Command> {
    let Some(program) = PROGRAMS.into_iter().find(|program| runs(program)) else {
        let required = env::var(REQUIRE_VARIABLE).is_ok_and(|value| value == "1");
        assert!(
            !required,
            "{REQUIRE_VARIABLE}=1, but neither `mysql` nor `mariadb` is installed"
        );
        static SAY: Once = Once::new();
        SAY.call_once(|| {
            // Not `eprintln!`: the test harness keeps that of tests that pass. Where standard error is closed nobody is
            // left to be told.
            drop(writeln!(
                io::stderr(),
                "SKIPPED, not tested: every test here that needs the mysql client (Debian: default-mysql-client)"
            ));
        });
        return None;
    };
    let mut command = Command::new(program);
    command.arg("--no-defaults").stdin(Stdio::null());
    Some(command)
}

fn runs(program: &str) -> bool {
    let asked = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}
