//! The licences of everything that is built into the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::archive::Archive;
use super::read;
use crate::workspace;

/// How deep below a crate's folder a licence may lie: that of a C library which it brings stands in the library's
/// own folder.
const DEPTH_MAX: usize = 3;

/// Names that files of licences begin with, in lower case.
const NAMES: &[&str] = &["license", "licence", "copying", "notice", "unlicense"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// `None` for an ordinary one, else `dev` or `build`.
    kind: Option<String>,
}

/// Adds `licences/` with the texts of each crate's licences, and a list of them all.
pub(super) fn add(
    archive: &mut Archive,
    root: &Path,
    target: &str,
    is_static: bool,
) -> Result<(), String> {
    let packages = shipped(root, target)?;
    let mut list = String::from(
        "The program contains these libraries. Where a folder of the library's name stands beside this file, it \
         holds the texts of its licences.\n\n",
    );
    list.push_str("The Rust standard library: MIT OR Apache-2.0\n");
    if is_static {
        // No package of Cargo's: they are the system's, and so are their texts.
        list.push_str(
            "The GNU C library: LGPL-2.1-or-later. Who hands this archive on owes its text, and the means to link the program \
             anew: the sources of this release, and `cargo xtask dist --linking static`.\n\
             The GCC runtime library: GPL-3.0-or-later WITH GCC-exception-3.1\n",
        );
    }
    for package in &packages {
        let Package {
            name,
            version,
            license,
            manifest_path,
            ..
        } = package;
        let licence = license.as_deref().unwrap_or("see its folder");
        writeln!(list, "{name} {version}: {licence}").map_err(|e| e.to_string())?;
        let folder = manifest_path.parent().unwrap_or(Path::new("."));
        for text in texts(folder, 0)? {
            let below = text.strip_prefix(folder).unwrap_or(&text);
            let to = format!("licences/{name}-{version}/{}", below.display());
            archive.file(&to, &read(&text)?)?;
        }
    }
    archive.file("licences/LIBRARIES.txt", list.as_bytes())
}

/// The packages of others that are built into the worker for this target. What only builds or tests it is not, but a
/// build script may bring the sources of a C library: those count.
fn shipped(root: &Path, target: &str) -> Result<Vec<Package>, String> {
    let output = super::output_of(
        workspace::cargo()
            .args(["metadata", "--locked", "--format-version", "1"])
            .args(["--filter-platform", target])
            .current_dir(root),
    )?;
    let metadata: Metadata = serde_json::from_slice(&output)
        .map_err(|e| format!("cargo metadata answers what we do not understand: {e}"))?;
    let nodes: BTreeMap<&str, &Node> = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| (&*node.id, node))
        .collect();
    let name_of: BTreeMap<&str, &str> = metadata
        .packages
        .iter()
        .map(|package| (&*package.id, &*package.name))
        .collect();
    let is_shipped = |dependency: &&Dependency| {
        let brings_sources = name_of
            .get(&*dependency.pkg)
            .is_some_and(|name| name.ends_with("-src"));
        dependency
            .dep_kinds
            .iter()
            .any(|kind| match kind.kind.as_deref() {
                None => true,
                Some("build") => brings_sources,
                Some(_) => false,
            })
    };
    let worker = metadata
        .packages
        .iter()
        .find(|package| package.name == "starrocks-kafka-worker")
        .ok_or("the workspace has no worker")?;
    let (mut found, mut open) = (BTreeSet::new(), vec![&*worker.id]);
    while let Some(id) = open.pop() {
        if found.insert(id)
            && let Some(node) = nodes.get(id)
        {
            open.extend(node.deps.iter().filter(is_shipped).map(|one| &*one.pkg));
        }
    }
    let found: BTreeSet<String> = found.into_iter().map(str::to_owned).collect();
    let mut packages = metadata.packages;
    packages.retain(|package| package.source.is_some() && found.contains(&package.id));
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(packages)
}

/// The files of a crate that hold licences.
fn texts(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().to_lowercase();
        if path.is_dir() {
            if depth < DEPTH_MAX {
                found.extend(texts(&path, depth + 1)?);
            }
        } else if NAMES.iter().any(|known| name.starts_with(known)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
