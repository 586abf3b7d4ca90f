//! The broker's jars: resolved by Maven once, remembered in the build's own folder.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::BrokerError;

/// Names Kafka's version and what it needs at run time.
const POM: &str = include_str!("../../broker/pom.xml");

/// The folder that remembers the class path; defaults to `test-broker` in Cargo's target folder.
const CACHE_VARIABLE: &str = "STARROCKS_KAFKA_BROKER_CACHE";

/// The Java launcher: `$JAVA_HOME/bin/java`, else the one on `PATH`.
pub(super) fn java() -> PathBuf {
    match env::var_os("JAVA_HOME") {
        Some(home) if !home.is_empty() => Path::new(&home).join("bin/java"),
        _ => PathBuf::from("java"),
    }
}

/// Whether a broker can be started here.
pub(super) fn available() -> Result<(), String> {
    if !runs(&java()) {
        return Err(
            "no Java found: install a JRE 11 or later (Debian: openjdk-17-jre-headless)".to_owned(),
        );
    }
    if cached_class_path(&cache_folder()).is_none() && !runs(Path::new("mvn")) {
        return Err(
            "no Maven found to fetch the broker's jars: install it (Debian: maven)".to_owned(),
        );
    }
    Ok(())
}

fn runs(program: &Path) -> bool {
    Command::new(program)
        .arg("-version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The class path, resolved by Maven unless an earlier test process has done so.
pub(super) fn class_path() -> Result<String, BrokerError> {
    let folder = cache_folder();
    if let Some(class_path) = cached_class_path(&folder) {
        return Ok(class_path);
    }
    fs::create_dir_all(&folder).map_err(|error| BrokerError::io("create", &folder, &error))?;
    // Test processes run at the same time: the first one resolves, the others wait here.
    let lock_path = folder.join("lock");
    let lock =
        File::create(&lock_path).map_err(|error| BrokerError::io("create", &lock_path, &error))?;
    lock.lock()
        .map_err(|error| BrokerError::io("lock", &lock_path, &error))?;
    if let Some(class_path) = cached_class_path(&folder) {
        return Ok(class_path);
    }
    resolve(&folder)?;
    cached_class_path(&folder).ok_or_else(|| {
        BrokerError::new(format!(
            "Maven left no usable class path in {}",
            folder.display()
        ))
    })
}

fn resolve(folder: &Path) -> Result<(), BrokerError> {
    let pom = folder.join("pom.xml");
    let fresh = folder.join("classpath.new");
    fs::write(&pom, POM).map_err(|error| BrokerError::io("write", &pom, &error))?;
    let output = Command::new("mvn")
        .args(["--batch-mode", "--quiet", "dependency:build-classpath"])
        .arg(format!("-Dmdep.outputFile={}", fresh.display()))
        .arg("--file")
        .arg(&pom)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| BrokerError::new(format!("cannot run mvn: {error}")))?;
    if !output.status.success() {
        return Err(BrokerError::new(format!(
            "Maven cannot resolve {}: {}{}",
            pom.display(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )));
    }
    let class_path = folder.join("classpath");
    fs::rename(&fresh, &class_path).map_err(|error| BrokerError::io("write", &class_path, &error))
}

/// What was resolved for this very `pom.xml`, as long as all the jars are still there.
fn cached_class_path(folder: &Path) -> Option<String> {
    if fs::read_to_string(folder.join("pom.xml")).ok()? != POM {
        return None;
    }
    let class_path = fs::read_to_string(folder.join("classpath")).ok()?;
    let class_path = class_path.trim();
    let complete =
        !class_path.is_empty() && class_path.split(':').all(|jar| Path::new(jar).is_file());
    complete.then(|| class_path.to_owned())
}

fn cache_folder() -> PathBuf {
    if let Some(folder) = env::var_os(CACHE_VARIABLE) {
        return PathBuf::from(folder);
    }
    let program = env::current_exe().unwrap_or_default();
    // Cargo marks its target folder with this file.
    let target = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    target
        .map_or_else(env::temp_dir, Path::to_path_buf)
        .join("test-broker")
}
