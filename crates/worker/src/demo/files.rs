//! The files of the demo: those that a user of the real thing writes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::orders;
use crate::cli::DemoFormat;

/// Begins every file of the demo, behind its comment sign: what bears it may be written over.
const MARK: &str = "Written by `starrocks-kafka demo`:";

/// A file of the demo.
pub(super) struct DemoFile {
    pub(super) path: PathBuf,
    /// What it is, in a few words.
    pub(super) about: &'static str,
    pub(super) text: String,
}

/// Where the files are.
enum Folder {
    /// Gone with the demo.
    Temporary(TempDir),
    /// The user's.
    Kept(PathBuf),
}

/// The files of the demo, written.
pub(super) struct DemoFiles {
    folder: Folder,
    pub(super) table: DemoFile,
    pub(super) worker: DemoFile,
    pub(super) connector: DemoFile,
}

/// What the files name.
#[derive(Clone, Copy)]
pub(super) struct Servers<'s> {
    pub(super) bootstrap_servers: &'s str,
    pub(super) http_url: &'s str,
    /// Where the format has schemas.
    pub(super) registry_url: Option<&'s str>,
}

impl DemoFiles {
    /// Writes them into `folder`, which is made where it is missing, or into a temporary one.
    pub(super) fn write(
        folder: Option<&Path>,
        format: DemoFormat,
        servers: Servers<'_>,
    ) -> io::Result<Self> {
        let folder = match folder {
            Some(path) => Folder::Kept(path.to_owned()),
            None => Folder::Temporary(
                tempfile::Builder::new()
                    .prefix("starrocks-kafka-demo-")
                    .tempdir()?,
            ),
        };
        let at = folder.path();
        fs::create_dir_all(at).map_err(|error| about(at, &error))?;
        let file = |name: &str, about, text| DemoFile {
            path: at.join(name),
            about,
            text,
        };
        let table = file("orders.sql", "the table", table());
        let worker = file("worker.properties", "the worker", worker(format, servers));
        let connector = connector(format, servers.http_url);
        let connector = file("orders.properties", "the connector", connector);
        // All are looked at before the first is written: none or all.
        for file in [&table, &worker, &connector] {
            file.check_place()?;
        }
        for file in [&table, &worker, &connector] {
            fs::write(&file.path, &file.text).map_err(|error| about(&file.path, &error))?;
        }
        Ok(Self {
            folder,
            table,
            worker,
            connector,
        })
    }

    /// Every file, in the order in which a user needs them.
    pub(super) fn all(&self) -> [&DemoFile; 3] {
        [&self.table, &self.worker, &self.connector]
    }

    /// Where they stay, if they do.
    pub(super) fn kept(&self) -> Option<&Path> {
        match &self.folder {
            Folder::Kept(path) => Some(path),
            Folder::Temporary(_) => None,
        }
    }

    /// Removes the files, where they are not to stay.
    pub(super) fn clean(self) -> io::Result<()> {
        match self.folder {
            Folder::Kept(_) => Ok(()),
            Folder::Temporary(folder) => folder.close(),
        }
    }
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

impl DemoFile {
    /// The file's name without its folder.
    pub(super) fn name(&self) -> String {
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// Whether nothing of somebody else's is in its place.
    fn check_place(&self) -> io::Result<()> {
        match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(about(&self.path, &error)),
            Ok(there) => {
                let first = there
                    .split(|byte| *byte == b'\n')
                    .next()
                    .unwrap_or_default();
                if String::from_utf8_lossy(first).contains(MARK) {
                    return Ok(());
                }
                let message = format!(
                    "{} is there already and is not the demo's: name another folder",
                    self.path.display()
                );
                Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
            }
        }
    }
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn table() -> String {
    format!(
        "-- {MARK} the table that the rows go to.\nCREATE DATABASE shop;\n{}",
        orders::TABLE
    )
}

fn worker(format: DemoFormat, servers: Servers<'_>) -> String {
    format!(
        "# {MARK} the worker, as for Kafka Connect.
bootstrap.servers={}
key.converter=org.apache.kafka.connect.storage.StringConverter
{}",
        servers.bootstrap_servers,
        value_converter(format, servers.registry_url)
    )
}

/// The properties that say how values are read.
fn value_converter(format: DemoFormat, registry_url: Option<&str>) -> String {
    let (class, property) = match format {
        DemoFormat::Json => (
            "org.apache.kafka.connect.json.JsonConverter",
            Some(("schemas.enable", "false")),
        ),
        DemoFormat::Csv => ("org.apache.kafka.connect.storage.StringConverter", None),
        DemoFormat::Avro => ("io.confluent.connect.avro.AvroConverter", None),
        DemoFormat::Protobuf => ("io.confluent.connect.protobuf.ProtobufConverter", None),
        DemoFormat::JsonSchema => ("io.confluent.connect.json.JsonSchemaConverter", None),
    };
    let url = registry_url.map(|url| ("schema.registry.url", url));
    let mut text = format!("value.converter={class}\n");
    for (name, value) in property.into_iter().chain(url) {
        text.push_str(&format!("value.converter.{name}={value}\n"));
    }
    text
}

fn connector(format: DemoFormat, http_url: &str) -> String {
    let csv = match format {
        DemoFormat::Csv => format!(
            "# Each message is a row: its text goes to StarRocks as it is.
sink.properties.format=csv
sink.properties.column_separator={}
",
            orders::SEPARATOR
        ),
        _ => String::new(),
    };
    format!(
        "# {MARK} the connector, as for StarRocks' own one.
name={NAME}
connector.class=com.starrocks.connector.kafka.StarRocksSinkConnector
tasks.max=1
topics={TOPIC}
starrocks.http.url={http_url}
starrocks.database.name=shop
starrocks.username=root
starrocks.password=
{csv}sink.properties.strict_mode=true
# Rows are loaded every second; without this line every five minutes, or 90 MiB.
bufferflush.intervalms=1000
# Exactly-once delivery rests on offsets in Kafka transactions, which the embedded Kafka does not keep.
# With a real Kafka leave this line out: then each row comes once, also when the process is killed.
starrocks.delivery.guarantee=at-least-once
"
    )
}

/// The connector's name; its consumer group is `connect-` and this.
pub(super) const NAME: &str = "orders";
/// The topic, and so the table.
pub(super) const TOPIC: &str = "orders";

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    const SERVERS: Servers<'_> = Servers {
        bootstrap_servers: "127.0.0.1:9092",
        http_url: "127.0.0.1:8030",
        registry_url: None,
    };

    fn has_schemas(format: DemoFormat) -> bool {
        !matches!(format, DemoFormat::Json | DemoFormat::Csv)
    }

    fn write(folder: &Path) -> io::Result<DemoFiles> {
        DemoFiles::write(Some(folder), DemoFormat::Json, SERVERS)
    }

    #[test]
    fn the_files_are_a_worker_and_its_connector() {
        for format in DemoFormat::value_variants() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let inner = folder.path().join("a/b");
            let servers = Servers {
                registry_url: Some("http://127.0.0.1:8081").filter(|_| has_schemas(*format)),
                ..SERVERS
            };
            let files = DemoFiles::write(Some(&inner), *format, servers);
            let files = files.expect("a folder that can be made");
            let connectors = [files.connector.path.clone()];
            let plan = crate::config::load_standalone(&files.worker.path, &connectors)
                .expect("the files are right");
            let connector = &plan.connectors[0];
            assert_eq!((connector.name.as_str(), connector.tasks_max), (NAME, 1));
            let told: Vec<_> = plan
                .worker
                .notices
                .iter()
                .chain(&connector.notices)
                .collect();
            assert!(told.iter().all(|notice| !notice.warning), "{told:?}");
            files.clean().expect("nothing to do");
            assert!(
                inner.join("orders.sql").exists(),
                "a folder that was named is kept"
            );
        }
    }

    #[test]
    fn each_format_has_its_converter() {
        let check = |format: DemoFormat, expect: &str| {
            let url = Some("http://127.0.0.1:8081");
            let registry_url = url.filter(|_| has_schemas(format));
            assert_eq!(value_converter(format, registry_url), expect);
        };
        check(
            DemoFormat::Json,
            "value.converter=org.apache.kafka.connect.json.JsonConverter\nvalue.converter.schemas.enable=false\n",
        );
        check(
            DemoFormat::Csv,
            "value.converter=org.apache.kafka.connect.storage.StringConverter\n",
        );
        check(
            DemoFormat::Avro,
            "value.converter=io.confluent.connect.avro.AvroConverter\n\
             value.converter.schema.registry.url=http://127.0.0.1:8081\n",
        );
        check(
            DemoFormat::Protobuf,
            "value.converter=io.confluent.connect.protobuf.ProtobufConverter\n\
             value.converter.schema.registry.url=http://127.0.0.1:8081\n",
        );
        check(
            DemoFormat::JsonSchema,
            "value.converter=io.confluent.connect.json.JsonSchemaConverter\n\
             value.converter.schema.registry.url=http://127.0.0.1:8081\n",
        );
    }

    #[test]
    fn only_the_demos_own_files_are_written_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path()).expect("an empty folder");
        write(folder.path()).expect("the demo's own files");
        let mine = folder.path().join("worker.properties");
        fs::write(&mine, "mine=1").expect("a file");
        fs::remove_file(folder.path().join("orders.sql")).expect("a file");
        let error = write(folder.path())
            .err()
            .expect("somebody else's file")
            .to_string();
        assert_eq!(
            error,
            format!(
                "{} is there already and is not the demo's: name another folder",
                mine.display()
            )
        );
        assert_eq!(fs::read(&mine).expect("a file"), b"mine=1");
        assert!(!folder.path().join("orders.sql").exists(), "none or all");
    }

    #[test]
    fn a_temporary_folder_is_gone_afterwards() {
        let files = DemoFiles::write(None, DemoFormat::Json, SERVERS).expect("a temporary folder");
        let folder = files.worker.path.parent().expect("a folder").to_owned();
        assert!(folder.exists());
        files.clean().expect("the folder is ours");
        assert!(!folder.exists());
    }
}
