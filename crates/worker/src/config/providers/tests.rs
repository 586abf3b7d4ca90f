use std::fs;

use tempfile::TempDir;

use super::super::variables;
use super::*;

/// A folder with a properties file, a secret in a file of its own, and another folder beside it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("the temporary folder takes files");
    };
    write(
        "s.properties",
        "user=loader\npassword=hunter2\numlaut=\u{e4}\nempty=\n",
    );
    write("bad.properties", "password=\\uZZZZhunter2\n");
    fs::create_dir(folder.path().join("secrets")).expect("a new folder");
    write("secrets/password", "hunter2\n");
    folder
}

/// What becomes of `p=text`, and what is said, with the folder's name left out.
fn resolved(folder: &TempDir, declared: &str, text: &str) -> String {
    let root = folder.path().to_str().expect("UTF-8");
    let declared = declared.replace("DIR", root);
    let mut given: Given = declared
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let names: Vec<&str> = given
        .keys()
        .filter_map(|name| {
            name.strip_prefix("config.providers.")?
                .strip_suffix(".class")
        })
        .collect();
    given.insert("config.providers".to_owned(), names.join(","));
    given.insert("p".to_owned(), text.replace("DIR", root));
    let (providers, problems) = Providers::read(&given);
    let problems = problems.iter().map(ToString::to_string);
    let said: Vec<_> = problems.collect();
    if !said.is_empty() {
        return said.join("\n").replace(root, "DIR");
    }
    let found = variables::resolve(&given, &providers);
    let mut lines = vec![found.given["p"].clone()];
    lines.extend(found.problems.iter().map(ToString::to_string));
    lines.extend(found.notices.iter().map(ToString::to_string));
    lines.join("\n").replace(root, "DIR")
}

const FILE: &str =
    "config.providers.f.class=org.apache.kafka.common.config.provider.FileConfigProvider";
const FOLDER: &str =
    "config.providers.d.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider";
const ENVIRONMENT: &str = "config.providers.e.class=EnvVarConfigProvider";

#[test]
fn values_come_from_their_providers() {
    let folder = folder();
    let check = |declared: &str, text: &str, expect: &str| {
        assert_eq!(resolved(&folder, declared, text), expect, "{text}");
    };
    check(FILE, "${f:DIR/s.properties:password}", "hunter2");
    check(
        FILE,
        "<${f:DIR/s.properties:user}:${f:DIR/s.properties:umlaut}>",
        "<loader:\u{e4}>",
    );
    check(FILE, "a${f:DIR/s.properties:empty}b", "ab");
    check(FOLDER, "${d:DIR/secrets:password}", "hunter2\n");
    check(ENVIRONMENT, "${e:CARGO_PKG_NAME}", "starrocks-kafka-worker");
    let all = [FILE, FOLDER, ENVIRONMENT].join("\n");
    check(
        &all,
        "${f:DIR/s.properties:user}/${e:CARGO_PKG_NAME}",
        "loader/starrocks-kafka-worker",
    );
    let allowing = format!("{FILE}\nconfig.providers.f.param.allowed.paths=/,DIR/secrets");
    check(&allowing, "${f:DIR/s.properties:user}", "loader");
    let allowing = format!("{ENVIRONMENT}\nconfig.providers.e.param.allowlist.pattern=CARGO_.*");
    check(&allowing, "${e:CARGO_PKG_NAME}", "starrocks-kafka-worker");
}

#[test]
fn what_is_not_there_stays_and_is_said() {
    let folder = folder();
    let check = |declared: &str, variable: &str, why: &str| {
        let provider = &variable[2..3];
        let expect =
            format!("{variable}\np: the variable ${{{provider}:…}} stays as it stands, for {why}.");
        assert_eq!(resolved(&folder, declared, variable), expect);
    };
    check(
        FILE,
        "${v:secret/data:password}",
        "no config provider v is declared in config.providers",
    );
    check(
        FILE,
        "${f:DIR/s.properties:pasword}",
        "the file DIR/s.properties has no property pasword",
    );
    check(
        FOLDER,
        "${d:DIR/secrets:pasword}",
        "the folder DIR/secrets has no file pasword",
    );
    check(
        FOLDER,
        "${d:DIR:secrets/password}",
        "the folder DIR has no file secrets/password",
    );
    check(
        FOLDER,
        "${d:DIR/secrets:../s.properties}",
        "the folder DIR/secrets has no file ../s.properties",
    );
    check(
        ENVIRONMENT,
        "${e:NO_SUCH_VARIABLE}",
        "the environment has no variable NO_SUCH_VARIABLE",
    );
    check(
        FILE,
        "${f:password}",
        "it names no file; write ${provider:/path/of/file.properties:key}",
    );
    assert_eq!(
        resolved(&folder, FILE, "${topic}-${timestamp}"),
        "${topic}-${timestamp}"
    );
}

#[test]
fn what_cannot_or_may_not_be_read_is_refused() {
    let folder = folder();
    let check = |declared: &str, variable: &str, why: &str| {
        let got = resolved(&folder, declared, variable);
        let expect = format!("Invalid value {variable} for configuration p: {why}");
        assert!(got.contains(&expect), "{got}");
        assert!(!got.contains("hunter2"), "{got}");
    };
    check(
        FILE,
        "${f:DIR/nowhere:password}",
        "the file cannot be read: No such file",
    );
    check(
        FILE,
        "${f:DIR/bad.properties:password}",
        "the file is no properties file: line 1",
    );
    check(
        FOLDER,
        "${d:DIR/nowhere:password}",
        "the folder cannot be read",
    );
    let allowing = format!("{FILE}\nconfig.providers.f.param.allowed.paths=DIR/secrets");
    for path in [
        "DIR/s.properties",
        "DIR/secrets/../s.properties",
        "s.properties",
    ] {
        let variable = format!("${{f:{path}:password}}");
        check(
            &allowing,
            &variable,
            "the path is not among those that config.providers.f.param.allowed.paths allows.",
        );
    }
    let allowing = format!("{ENVIRONMENT}\nconfig.providers.e.param.allowlist.pattern=CARGO");
    check(
        &allowing,
        "${e:CARGO_PKG_NAME}",
        "the name is not one that allowlist.pattern of its provider allows.",
    );
    check(
        ENVIRONMENT,
        "${e:path:CARGO_PKG_NAME}",
        "it is a variable of the environment, which has no path",
    );
}

#[test]
fn declarations_that_are_wrong_are_refused() {
    let folder = folder();
    let check = |declared: &str, expect: &str| {
        let got = resolved(&folder, declared, "x");
        assert!(got.contains(expect), "{declared}: {got}");
    };
    check(
        "config.providers.v.class=com.example.VaultConfigProvider",
        "Invalid value com.example.VaultConfigProvider for configuration config.providers.v.class: Known config providers are",
    );
    check(
        &format!("{FILE}\nconfig.providers.f.param.allowed.paths=secrets"),
        "Path is not absolute",
    );
    check(
        &format!("{FILE}\nconfig.providers.f.param.allowed.paths=DIR/no"),
        "Path does not exist",
    );
    check(
        &format!("{ENVIRONMENT}\nconfig.providers.e.param.allowlist.pattern=("),
        "Invalid regex",
    );
    let given: Given = [("config.providers".to_owned(), "f".to_owned())].into();
    let (_, problems) = Providers::read(&given);
    assert_eq!(
        problems[0].to_string(),
        "Missing required configuration \"config.providers.f.class\" which has no default value."
    );
}
