//! `${provider:key}`: values that a config provider would give. Providers are not built yet, so a
//! variable of a declared one is refused; one of an unknown provider is plain text, as in Connect.

use starrocks_kafka_connect::config::{ConfigProblem, Given};

/// The values that hold a variable of one of the `declared` providers.
pub(super) fn refusals(declared: &[String], given: &Given) -> Vec<ConfigProblem> {
    let used = |text: &str| {
        providers(text)
            .find(|name| declared.iter().any(|one| one == name))
            .map(str::to_owned)
    };
    given
        .iter()
        // Connect reads these two raw.
        .filter(|(name, _)| *name != "plugin.path" && !name.starts_with("config.providers"))
        .filter_map(|(name, text)| Some((name, used(text)?)))
        .map(|(name, provider)| {
            let what = format!("A value from the config provider {provider}, ${{{provider}:…}},");
            ConfigProblem::not_yet_supported(name, &what)
        })
        .collect()
}

/// Puts the refusals of variables in place of all else that is wrong with the same properties: their
/// values are not what stands there.
pub(super) fn supersede(problems: &mut Vec<ConfigProblem>, refusals: Vec<ConfigProblem>) {
    problems.retain(|problem| !refusals.iter().any(|refusal| refusal.name == problem.name));
    problems.extend(refusals);
}

/// The providers that the variables of a text name: `${provider:key}` or `${provider:path:key}`.
fn providers(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|after| {
        let (inside, _) = after.split_once('}')?;
        let (provider, _) = inside.split_once(':')?;
        Some(provider)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_of_declared_providers_are_refused() {
        let check = |name: &str, text: &str, expect: usize| {
            let given: Given = [(name.to_owned(), text.to_owned())].into();
            assert_eq!(
                refusals(&["file".to_owned(), "env".to_owned()], &given).len(),
                expect,
                "{text}"
            );
        };
        check(
            "starrocks.password",
            "${file:/run/secrets.properties:password}",
            1,
        );
        check("starrocks.password", "a${env:PASSWORD}b", 1);
        check("starrocks.password", "${vault:PASSWORD}", 0);
        check("starrocks.password", "${env}", 0);
        check("starrocks.password", "${env:PASSWORD", 0);
        check("starrocks.password", "$env:x}", 0);
        check("starrocks.password", "${vault:x}${env:y}", 1);
        check("plugin.path", "${env:PLUGINS}", 0);
        check("config.providers.env.param.x", "${env:PLUGINS}", 0);
    }
}
