//! Kafka's own config providers: values from files, from folders, from the environment.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use fancy_regex::Regex;
use starrocks_kafka_connect::class_name;
use starrocks_kafka_connect::config::{ConfigProblem, Given};
use starrocks_kafka_connect::properties::Properties;

/// The property that declares them.
const DECLARED: &str = "config.providers";
const PACKAGE: &str = "org.apache.kafka.common.config.provider";
const ALLOWED_PATHS: &str = "allowed.paths";
const ALLOWED_NAMES: &str = "allowlist.pattern";

/// The providers of a worker, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Providers(BTreeMap<String, Provider>);

#[derive(Clone, Debug)]
enum Provider {
    /// Path: a properties file. Key: a property.
    File(AllowedPaths),
    /// Path: a folder. Key: a file in it.
    Directory(AllowedPaths),
    /// Key: a variable. `None`: every one is allowed.
    Environment(Option<Regex>),
    /// Declared wrongly, which was said.
    Unusable,
}

/// `None`: every path is.
#[derive(Clone, Debug)]
struct AllowedPaths {
    /// The property that names them.
    property: String,
    paths: Option<Vec<PathBuf>>,
}

/// A variable in a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variable<'v> {
    /// As it stands.
    pub(super) text: &'v str,
    pub(super) provider: &'v str,
    pub(super) path: &'v str,
    pub(super) key: &'v str,
}

/// What a provider has for a variable.
pub(super) enum Found {
    Value(String),
    /// Nothing, and Kafka leaves the variable as it stands: why.
    Nothing(String),
    /// It could not be asked: why.
    Refused(String),
}

impl Providers {
    /// Reads what a worker declares.
    pub(super) fn read(given: &Given) -> (Self, Vec<ConfigProblem>) {
        let mut providers = BTreeMap::new();
        let mut problems = Vec::new();
        let declared = given.get(DECLARED).map_or("", String::as_str);
        for name in declared
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let provider = Provider::read(name, given).unwrap_or_else(|problem| {
                problems.push(problem);
                Provider::Unusable
            });
            providers.insert(name.to_owned(), provider);
        }
        (Self(providers), problems)
    }

    /// What a variable stands for.
    pub(super) fn get(&self, variable: &Variable<'_>) -> Found {
        let Variable {
            path,
            key,
            provider,
            ..
        } = variable;
        match self.0.get(*provider) {
            None => Found::Nothing(format!(
                "no config provider {provider} is declared in {DECLARED}"
            )),
            Some(Provider::Unusable) => Found::Refused(format!(
                "the config provider {provider} is not declared rightly"
            )),
            Some(Provider::File(allowed)) => from_file(path, key, allowed),
            Some(Provider::Directory(allowed)) => from_folder(path, key, allowed),
            Some(Provider::Environment(allowed)) => from_environment(path, key, allowed.as_ref()),
        }
    }
}

impl Provider {
    fn read(name: &str, given: &Given) -> Result<Self, ConfigProblem> {
        let class_property = format!("{DECLARED}.{name}.class");
        let Some(class) = given.get(&class_property) else {
            return Err(ConfigProblem::missing(&class_property));
        };
        let is = |simple: &str| {
            class_name::denotes(
                class.trim(),
                &format!("{PACKAGE}.{simple}"),
                "ConfigProvider",
            )
        };
        let parameter = |key: &str| format!("{DECLARED}.{name}.param.{key}");
        let allowed = || AllowedPaths::read(parameter(ALLOWED_PATHS), given);
        if is("FileConfigProvider") {
            return Ok(Self::File(allowed()?));
        }
        if is("DirectoryConfigProvider") {
            return Ok(Self::Directory(allowed()?));
        }
        if is("EnvVarConfigProvider") {
            let property = parameter(ALLOWED_NAMES);
            let Some(pattern) = given.get(&property).map(|text| text.trim()) else {
                return Ok(Self::Environment(None));
            };
            let whole = Regex::new(&format!("^(?:{pattern})$"));
            return whole
                .map(|regex| Self::Environment(Some(regex)))
                .map_err(|error| {
                    ConfigProblem::invalid(&property, pattern, &format!("Invalid regex: {error}"))
                });
        }
        let reason = format!(
            "Known config providers are FileConfigProvider, DirectoryConfigProvider and EnvVarConfigProvider of {PACKAGE}; others \
             are Java classes, which cannot be loaded"
        );
        Err(ConfigProblem::invalid(
            &class_property,
            class.trim(),
            &reason,
        ))
    }
}

impl AllowedPaths {
    fn read(property: String, given: &Given) -> Result<Self, ConfigProblem> {
        let text = given.get(&property).map_or("", |text| text.trim());
        if text.is_empty() {
            return Ok(Self {
                property,
                paths: None,
            });
        }
        let mut paths = Vec::new();
        for one in text.split(',').map(str::trim) {
            let path = normalised(Path::new(one));
            let refuse = |what: &str| Err(ConfigProblem::invalid(&property, one, what));
            if !path.is_absolute() {
                return refuse("Path is not absolute");
            }
            if !path.exists() {
                return refuse("Path does not exist");
            }
            paths.push(path);
        }
        Ok(Self {
            property,
            paths: Some(paths),
        })
    }

    fn check(&self, path: &str) -> Result<PathBuf, String> {
        let path = normalised(Path::new(path));
        match &self.paths {
            Some(allowed) if !allowed.iter().any(|one| path.starts_with(one)) => Err(format!(
                "the path is not among those that {} allows",
                self.property
            )),
            _ => Ok(path),
        }
    }
}

/// Without `.` and `..`, by the names alone, as `java.nio.file.Path.normalize`.
fn normalised(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = whole.pop(),
            other => whole.push(other),
        }
    }
    whole
}

fn from_file(path: &str, key: &str, allowed: &AllowedPaths) -> Found {
    if path.is_empty() {
        return Found::Nothing(
            "it names no file; write ${provider:/path/of/file.properties:key}".to_owned(),
        );
    }
    let read = |path: PathBuf| {
        let bytes =
            std::fs::read(path).map_err(|error| format!("the file cannot be read: {error}"))?;
        Properties::parse(&bytes)
            .map_err(|error| format!("the file is no properties file: line {}", error.line))
    };
    match allowed.check(path).and_then(read) {
        Ok(properties) => match properties.get(key) {
            Some(value) => Found::Value(value.to_owned()),
            None => Found::Nothing(format!("the file {path} has no property {key}")),
        },
        Err(why) => Found::Refused(why),
    }
}

fn from_folder(path: &str, key: &str, allowed: &AllowedPaths) -> Found {
    if path.is_empty() {
        return Found::Nothing(
            "it names no folder; write ${provider:/path/of/folder:file}".to_owned(),
        );
    }
    let folder = match allowed.check(path) {
        Ok(folder) => folder,
        Err(why) => return Found::Refused(why),
    };
    if !folder.is_dir() {
        return Found::Refused("the folder cannot be read: it is none".to_owned());
    }
    let file = folder.join(key);
    // Only files right within the folder.
    if file.parent() != Some(&folder)
        || file.file_name().is_none_or(|name| name != key)
        || !file.is_file()
    {
        return Found::Nothing(format!("the folder {path} has no file {key}"));
    }
    match std::fs::read_to_string(&file) {
        Ok(text) => Found::Value(text),
        Err(error) => Found::Refused(format!("the file cannot be read: {error}")),
    }
}

fn from_environment(path: &str, key: &str, allowed: Option<&Regex>) -> Found {
    if !path.is_empty() {
        return Found::Refused(
            "it is a variable of the environment, which has no path; write ${provider:NAME}"
                .to_owned(),
        );
    }
    if allowed.is_some_and(|pattern| !pattern.is_match(key).unwrap_or(false)) {
        return Found::Refused(format!(
            "the name is not one that {ALLOWED_NAMES} of its provider allows"
        ));
    }
    match std::env::var(key) {
        Ok(value) => Found::Value(value),
        Err(std::env::VarError::NotPresent) => {
            Found::Nothing(format!("the environment has no variable {key}"))
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            Found::Refused("the variable's value is not UTF-8".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
