//! `starrocks-testbed`: the StarRocks stand-in as a program.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use starrocks_kafka_testbed::schema_registry::{Options, RegistryError, SchemaRegistry};
use starrocks_kafka_testbed::{
    CountOnly, Node, SqlError, StandIn, StandInError, StandInOptions, User, sql_at, sql_in,
};

/// A stand-in for StarRocks, for trying and testing loads. It is not StarRocks: it answers the HTTP load interfaces as
/// StarRocks does and keeps the rows in SQLite.
#[derive(Debug, Parser)]
#[command(name = "starrocks-testbed", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT (Ctrl-C).
    Serve(Serve),
    /// Run SQL: CREATE, DROP, TRUNCATE, SHOW and DESC as StarRocks writes them, SELECT as SQLite does.
    Sql(Sql),
}

#[derive(Debug, Args)]
struct Serve {
    /// Address of a frontend (StarRocks' http_port). Several make several frontends; the first leads.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8030")]
    http: Vec<SocketAddr>,
    /// Serve MySQL's protocol too (StarRocks' query_port), for `mysql -h127.0.0.1 -P9030 -uroot`.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:9030")]
    mysql: Option<SocketAddr>,
    /// Address of a backend (StarRocks' be_http_port). Several make several backends.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8040")]
    be: Vec<SocketAddr>,
    /// Name (host or host:port) that the backends are registered with, in their order; what the frontend's redirects say
    /// instead of the address.
    #[arg(long, value_name = "HOST")]
    be_registered: Vec<String>,
    /// Play a Schema Registry too, with Confluent's interface; its schemas are gone at the end.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:8081")]
    schema_registry: Option<SocketAddr>,
    /// Directory for tables and transactions. Without it they are gone at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A user and password, all rights. May be given several times.
    #[arg(long, value_name = "NAME:PASSWORD", default_value = "root:", value_parser = user)]
    user: Vec<User>,
    /// Keep no rows, accept any table, count the bytes: for measuring clients.
    #[arg(long)]
    count_only: bool,
    /// With --count-only, count JSON rows too.
    #[arg(long, requires = "count_only")]
    count_rows: bool,
}

#[derive(Debug, Args)]
struct Sql {
    #[command(flatten)]
    place: Place,
    /// Statements, separated by semicolons; the last one's result is shown.
    statements: String,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// Directory of a stand-in that is not running.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Frontend of a stand-in that is running, host:port.
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,
}

fn user(text: &str) -> Result<User, String> {
    let (name, password) = text.split_once(':').ok_or("expected NAME:PASSWORD")?;
    Ok(User::with_all(name, password))
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    StandIn(#[from] StandInError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Sql(#[from] SqlError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let done = match Cli::parse().command {
        Command::Serve(serve) => run(serve),
        Command::Sql(sql) => ask(&sql),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where stderr is gone too there is nobody left to tell.
            let _told = writeln!(io::stderr(), "starrocks-testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(serve: Serve) -> Result<(), Failure> {
    // Before anything is served, so that no signal is missed.
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let (frontends, backends) = (serve.http.len(), serve.be.len());
    let stand_in = StandIn::start(StandInOptions {
        data_dir: serve.data.clone(),
        fe: serve.http,
        mysql: serve.mysql,
        be: serve.be,
        be_registered: serve.be_registered,
        users: serve.user,
        count_only: serve.count_only.then_some(CountOnly {
            rows: serve.count_rows,
        }),
        ..StandInOptions::default()
    })?;
    let registry = serve.schema_registry.map(|address| {
        SchemaRegistry::start(Options {
            addresses: vec![address],
            ..Options::default()
        })
    });
    let registry = registry.transpose()?;
    let mut out = io::stdout();
    writeln!(
        out,
        "This is a stand-in for trying and testing loads; it is not StarRocks."
    )?;
    for node in (0..frontends)
        .map(Node::Fe)
        .chain((0..backends).map(Node::Be))
    {
        writeln!(out, "{node} http://{}", stand_in.addr(node))?;
    }
    if let Some(addr) = stand_in.mysql_addr() {
        writeln!(out, "mysql {addr}")?;
    }
    if let Some(registry) = &registry {
        writeln!(out, "schema registry {}", registry.url())?;
    }
    match &serve.data {
        Some(dir) => writeln!(out, "data {}", dir.display())?,
        None => writeln!(out, "data in a temporary directory, gone at the end")?,
    }
    writeln!(out, "ready")?;
    out.flush()?;
    let _first = signals.forever().next();
    let counters = stand_in.counters();
    stand_in.stop()?;
    writeln!(
        out,
        "stopped after {} requests, {} body bytes, {} rows, {} commits",
        counters.requests, counters.body_bytes, counters.rows, counters.commits
    )?;
    Ok(())
}

fn ask(sql: &Sql) -> Result<(), Failure> {
    let result = match (&sql.place.data, &sql.place.http) {
        (Some(dir), _) => sql_in(dir, &sql.statements)?,
        (None, Some(addr)) => sql_at(addr, &sql.statements)?,
        (None, None) => return Err(io::Error::other("say --data or --http").into()),
    };
    writeln!(io::stdout(), "{result}")?;
    Ok(())
}
