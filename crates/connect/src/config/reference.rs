//! The reference page of a definition.

use super::{ConfigDef, ConfigKey, DefaultValue};
use std::fmt::Write as _;

/// One table per group, groups in the order in which they first occur.
pub(super) fn markdown(def: &ConfigDef) -> String {
    let mut groups: Vec<(&str, Vec<&ConfigKey>)> = Vec::new();
    for key in def.keys() {
        match groups.iter_mut().find(|(group, _)| *group == key.group) {
            Some((_, keys)) => keys.push(key),
            None => groups.push((key.group, vec![key])),
        }
    }
    let mut page = String::new();
    for (group, keys) in groups {
        if !page.is_empty() {
            page.push('\n');
        }
        let _ = write!(
            page,
            "## {group}\n\n| property | type | default | allowed | meaning |\n"
        );
        page.push_str("|---|---|---|---|---|\n");
        for key in keys {
            row(&mut page, key);
        }
    }
    page
}

fn row(page: &mut String, key: &ConfigKey) {
    let default = match key.default {
        DefaultValue::Required => "required".to_owned(),
        DefaultValue::Null => "none".to_owned(),
        DefaultValue::Text("") => "empty".to_owned(),
        DefaultValue::Text(text) => format!("`{text}`"),
    };
    let kind = key.kind.name().to_lowercase();
    let mut meaning = key.documentation.to_owned();
    if !key.aliases.is_empty() {
        let names: Vec<String> = key.aliases.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(meaning, " Also accepted as {}.", names.join(", "));
    }
    let cells = [
        format!("`{}`", key.name),
        kind,
        default,
        key.validator.allowed(),
        meaning,
    ];
    let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}
