//! `columns`: which fields a row has, as the connector needs to know them to write CSV.

/// The source fields of a `columns` property in their order: plain names, in backquotes or not. Expressions
/// (`column = expression`) take no field of the row and are left out. What this cannot read is StarRocks' to refuse.
pub(super) fn source_fields(columns: &str) -> Vec<String> {
    entries(columns)
        .into_iter()
        .filter_map(|entry| field(entry.trim()))
        .collect()
}

/// The property that names these fields.
pub(super) fn property(names: &[String]) -> String {
    let quoted: Vec<_> = names
        .iter()
        .map(|name| format!("`{}`", name.replace('`', "``")))
        .collect();
    quoted.join(",")
}

/// Splits at commas that stand in no quotes and no parentheses.
fn entries(columns: &str) -> Vec<&str> {
    let (mut found, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_u32, None);
    for (at, c) in columns.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '`' | '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                found.extend(columns.get(start..at));
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    found.extend(columns.get(start..));
    found
}

fn field(entry: &str) -> Option<String> {
    if let Some(quoted) = entry.strip_prefix('`') {
        // A backquote inside of a name is doubled.
        let name = quoted.strip_suffix('`').filter(|name| {
            let singles = name.replace("``", "");
            !singles.contains('`')
        })?;
        return Some(name.replace("``", "`"));
    }
    (!entry.is_empty() && !entry.contains('=')).then(|| entry.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_fields_of_columns() {
        fn check(columns: &str, expect: &[&str]) {
            assert_eq!(source_fields(columns), expect, "{columns}");
        }
        check("", &[]);
        check("id", &["id"]);
        check("id, name ,\tage", &["id", "name", "age"]);
        check(
            "`id`,`order`, `a,b`, `a``b`",
            &["id", "order", "a,b", "a`b"],
        );
        check("id,tmp,day=date(tmp)", &["id", "tmp"]);
        check("id,c=concat('a,b', x),name", &["id", "name"]);
        check("id,c = if(x=1,(2),3),name,__op='delete'", &["id", "name"]);
        check("id,`c`=`a`+1,name", &["id", "name"]);
        check("id,__op", &["id", "__op"]);
        check("größe,id", &["größe", "id"]);
        check("id,,name,", &["id", "name"]);
    }

    #[test]
    fn fields_are_named_so_that_they_are_read_as_they_were() {
        let check = |names: &[&str], expect: &str| {
            let owned: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let property = property(&owned);
            assert_eq!(property, expect);
            assert_eq!(source_fields(&property), names);
        };
        check(&[], "");
        check(&["id", "größe"], "`id`,`größe`");
        check(&["a`b", "c,d"], "`a``b`,`c,d`");
    }
}
