//! Paths to fields, as KIP-821 has them: a name alone (V1), or names with dots between, in backticks where a name has a dot
//! (V2).

use super::fields;
use crate::data::{Field, Schema, SchemaType, Struct, Value};
use crate::error::{DataError, ErrorClass};

const PURPOSE: &str = "nested field access";

/// A path. Without any step it is that of an empty text in V2, which leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldPath {
    steps: Vec<String>,
}

impl FieldPath {
    /// A name, dots included.
    pub(super) fn plain(name: &str) -> Self {
        Self {
            steps: vec![name.to_owned()],
        }
    }

    /// Names with dots between.
    ///
    /// # Errors
    /// A backtick that is not closed, in Connect's words.
    pub(super) fn nested(path: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = path;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix('`') {
                let begin = path.len() - rest.len();
                let (step, after) = closed(quoted).ok_or_else(|| {
                    let position = path[..begin].chars().count();
                    format!(
                        "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position \
                         {position} to escape it"
                    )
                })?;
                steps.push(step);
                rest = after;
            } else if let Some((step, after)) = rest.split_once('.') {
                steps.push(step.to_owned());
                rest = after;
            } else {
                steps.push(rest.to_owned());
                rest = "";
            }
        }
        if path.ends_with('.') {
            steps.push(String::new());
        }
        Ok(Self { steps })
    }

    fn split(&self) -> Result<(&String, &[String]), DataError> {
        self.steps.split_last().ok_or_else(|| {
            DataError::of(
                ErrorClass::IllegalArgument,
                "The path of the field is empty",
            )
        })
    }

    /// The value of a map that it leads to; null where it leads nowhere.
    pub(super) fn in_map<'k>(
        &self,
        mut entries: Vec<(Value<'k>, Value<'k>)>,
    ) -> Result<Value<'k>, DataError> {
        let (last, steps) = self.split()?;
        for step in steps {
            match take(&mut entries, step) {
                Value::Null => return Ok(Value::Null),
                inner => entries = fields::map(inner, PURPOSE)?,
            }
        }
        Ok(take(&mut entries, last))
    }

    /// The field of a struct's schema that it leads to.
    pub(super) fn field<'s>(&self, schema: &'s Schema) -> Result<Option<&'s Field>, DataError> {
        let (last, steps) = self.split()?;
        let mut schema = schema;
        for step in steps {
            match of_struct(schema, step)? {
                Some(field) => schema = &field.schema,
                None => return Ok(None),
            }
        }
        of_struct(schema, last)
    }

    /// The value of a struct that it leads to; null where a struct on the way is null.
    pub(super) fn in_struct<'k>(
        &self,
        mut structure: Struct<'k>,
        replaces_null: bool,
    ) -> Result<Value<'k>, DataError> {
        let (last, steps) = self.split()?;
        for step in steps {
            match take_field(structure, step, replaces_null) {
                Value::Null => return Ok(Value::Null),
                inner => structure = fields::structure(inner, PURPOSE)?,
            }
        }
        Ok(take_field(structure, last, replaces_null))
    }
}

/// What stands in front of the backtick that closes it, and what behind the dot after that. A backtick closes where a dot or
/// nothing follows; one behind a backslash stands for itself where a dot follows.
fn closed(quoted: &str) -> Option<(String, &str)> {
    let mut step = String::new();
    let mut start = 0;
    let mut from = 0;
    loop {
        let at = from + quoted[from..].find('`')?;
        let is_escaped = quoted[..at].ends_with('\\');
        let after = &quoted[at + 1..];
        match after.strip_prefix('.') {
            _ if after.is_empty() => {
                step.push_str(&quoted[start..at]);
                return (!is_escaped).then_some((step, ""));
            }
            None => {}
            Some(_) if is_escaped => {
                step.push_str(&quoted[start..at - 1]);
                step.push('`');
                start = at + 1;
            }
            Some(rest) => {
                step.push_str(&quoted[start..at]);
                return Some((step, rest));
            }
        }
        from = at + 1;
    }
}

fn take<'k>(entries: &mut Vec<(Value<'k>, Value<'k>)>, name: &str) -> Value<'k> {
    let at = entries
        .iter()
        .position(|(key, _)| fields::is_named(key, name));
    at.map_or(Value::Null, |at| entries.swap_remove(at).1)
}

fn of_struct<'s>(schema: &'s Schema, name: &str) -> Result<Option<&'s Field>, DataError> {
    match schema.kind() {
        SchemaType::Struct(fields) => Ok(fields.iter().find(|field| *field.name == *name)),
        _ => Err(DataError::data("Cannot look up fields on non-struct type")),
    }
}

fn take_field<'k>(structure: Struct<'k>, name: &str, replaces_null: bool) -> Value<'k> {
    let schema = structure.schema().clone();
    let Some(at) = fields::place(&schema, name) else {
        return Value::Null;
    };
    let value = structure.into_values().swap_remove(at);
    fields::or_default(value, &schema.fields()[at].schema, replaces_null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_as_in_connect() {
        let check = |path: &str, expect: &[&str]| {
            let found = FieldPath::nested(path).expect(path);
            assert_eq!(found.steps, expect, "{path}");
        };
        check("", &[]);
        check("a", &["a"]);
        check("a.b", &["a", "b"]);
        check("a..b", &["a", "", "b"]);
        check(".", &["", ""]);
        check("a.", &["a", ""]);
        check("`a.b`.c", &["a.b", "c"]);
        check("a.`b.c`", &["a", "b.c"]);
        check("`s`x`.y", &["s`x", "y"]);
        check("s`.x", &["s`", "x"]);
        check(r"`a\`.b`.c", &["a`.b", "c"]);
        check(r"\`a", &[r"\`a"]);
        check("`a`.", &["a", ""]);
    }

    #[test]
    fn backticks_that_are_open_are_refused() {
        let check = |path: &str, position: usize| {
            let error = FieldPath::nested(path).expect_err(path);
            let expect = format!(
                "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position {position} to escape it"
            );
            assert_eq!(error, expect);
        };
        check("`a`b", 0);
        check("`a", 0);
        check("ä.`b", 2);
        check(r"`a\`", 0);
        check("`", 0);
    }
}
