//! The headers `jsonpaths` and `json_root`, and bodies that are read by them.

use serde_json::value::RawValue;

use crate::nested::Members;
use crate::parse_json::{self, Fields, Values};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// A path into a JSON value: `$`, `$.a.b`, `$.a[0]`, `$."a.b"`, `$['a']`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath(Vec<Step>);

impl JsonPath {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let invalid = || format!("Invalid json path: {text}");
        let unknown = |what: &str| {
            format!("this StarRocks stand-in does not know {what} in the json path {text}")
        };
        let mut rest = text.trim().strip_prefix('$').ok_or_else(invalid)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let end = after.find(']').ok_or_else(invalid)?;
                let inner = after[..end].trim();
                rest = &after[end + 1..];
                let quoted = ['\'', '"']
                    .iter()
                    .find_map(|q| inner.strip_prefix(*q)?.strip_suffix(*q));
                steps.push(match (quoted, inner.parse()) {
                    (Some(key), _) => Step::Key(key.to_owned()),
                    (None, Ok(index)) => Step::Index(index),
                    (None, Err(_)) => return Err(unknown(&format!("`[{inner}]`"))),
                });
                continue;
            }
            let after = rest.strip_prefix('.').ok_or_else(invalid)?;
            if after.starts_with(['.', '*']) {
                return Err(unknown("`..` and `.*`"));
            }
            let (key, left) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(invalid)?,
                None => after.split_at(after.find(['.', '[']).unwrap_or(after.len())),
            };
            if key.is_empty() {
                return Err(invalid());
            }
            steps.push(Step::Key(key.to_owned()));
            rest = left;
        }
        Ok(Self(steps))
    }

    /// Reads `["$.a", …]`.
    pub(crate) fn read_list(header: &str) -> Result<Vec<Self>, String> {
        let paths: Vec<String> = serde_json::from_str(header)
            .map_err(|_| format!("Invalid json path: expected an array of texts, not {header}"))?;
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// The value there; `None` where there is none.
    pub(crate) fn find<'de>(&self, value: &'de RawValue) -> Option<&'de RawValue> {
        self.0.iter().try_fold(value, |value, step| match step {
            Step::Key(key) => Members::of(value.get())?.get(key),
            Step::Index(at) => serde_json::from_str::<Vec<&RawValue>>(value.get())
                .ok()?
                .get(*at)
                .copied(),
        })
    }
}

/// How rows stand in a JSON body.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct JsonShape {
    pub(crate) strip_outer_array: bool,
    pub(crate) root: Option<JsonPath>,
    /// One for each field, in their order.
    pub(crate) paths: Option<Vec<JsonPath>>,
}

impl JsonShape {
    /// Calls `row` with the values of each row of `body`. An error concerns the whole body.
    pub(crate) fn each_row<'de>(
        &self,
        body: &'de [u8],
        fields: &Fields<'_>,
        mut row: impl FnMut(&Values<'de>),
    ) -> Result<(), String> {
        if self.root.is_none() && self.paths.is_none() {
            return parse_json::each_row(body, self.strip_outer_array, fields, row);
        }
        let text = std::str::from_utf8(body).map_err(|e| {
            format!("Failed to parse json as document stream. error: UTF8_ERROR: {e}")
        })?;
        for value in self.rows(text)? {
            let object = Members::of(value.get()).ok_or_else(|| {
                format!(
                    "Failed to iterate document stream as object. value: {}",
                    parse_json::head(value.get())
                )
            })?;
            let values = match &self.paths {
                // A field behind the last path has no value.
                Some(paths) => (0..fields.len())
                    .map(|at| paths.get(at).and_then(|path| path.find(value)))
                    .collect(),
                None => fields.names().map(|name| object.get(name)).collect(),
            };
            row(&values);
        }
        Ok(())
    }

    /// The rows of a body, each as its JSON.
    fn rows<'de>(&self, text: &'de str) -> Result<Vec<&'de RawValue>, String> {
        let array = text.trim_start().starts_with('[');
        let documents: Vec<&RawValue> = if array {
            if self.root.is_none() && !self.strip_outer_array {
                return Err(parse_json::is_array(text));
            }
            serde_json::from_str(text)
                .map_err(|e| format!("Failed to parse json as array. error: {e}"))?
        } else {
            if self.root.is_none() && self.strip_outer_array {
                return Err(parse_json::is_no_array(text));
            }
            serde_json::Deserializer::from_str(text)
                .into_iter()
                .collect::<Result<_, _>>()
                .map_err(|e| format!("Failed to iterate document stream as object. error: {e}"))?
        };
        let Some(root) = &self.root else {
            return Ok(documents);
        };
        let mut rows = Vec::new();
        for document in documents {
            let value = root.find(document).ok_or_else(|| {
                format!(
                    "Failed to find the json_root in {}",
                    parse_json::head(document.get())
                )
            })?;
            match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
                Ok(parts) if self.strip_outer_array => rows.extend(parts),
                Ok(_) => return Err(parse_json::is_array(value.get())),
                Err(_) => rows.push(value),
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonPath, JsonShape};
    use crate::parse_json::Fields;

    fn check(strip_outer_array: bool, root: &str, paths: &str, body: &str, expect: &str) {
        let shape = JsonShape {
            strip_outer_array,
            root: (!root.is_empty()).then(|| JsonPath::read(root).expect("the root is a path")),
            paths: (!paths.is_empty())
                .then(|| JsonPath::read_list(paths).expect("the paths are paths")),
        };
        let mut rows = Vec::new();
        let done = shape.each_row(body.as_bytes(), &Fields::new(["a", "b"]), |values| {
            let shown: Vec<_> = values.iter().map(|v| v.map_or("-", |v| v.get())).collect();
            rows.push(shown.join(" "));
        });
        let got = done.map_or_else(|e| format!("! {e}"), |()| rows.join("; "));
        assert!(
            got == expect
                || (expect.ends_with('…') && got.starts_with(expect.trim_end_matches('…'))),
            "{body} by {root} {paths}: {got}"
        );
    }

    #[test]
    fn rows_are_found_by_root_and_paths() {
        let paths = r#"["$.x[1].\"y.z\"", "$"]"#;
        check(
            false,
            "",
            paths,
            r#"{"x":[0,{"y.z":7}]} {"x":[]}"#,
            r#"7 {"x":[0,{"y.z":7}]}; - {"x":[]}"#,
        );
        check(
            true,
            "",
            r#"["$['b']"]"#,
            r#"[{"b":1},{"b":null}]"#,
            "1 -; null -",
        );
        check(
            false,
            "$.r",
            "",
            r#"{"r":{"a":1,"b":[2]}}{"r":{"b":3,"b":4}}"#,
            "1 [2]; - 3",
        );
        check(
            true,
            "$.r",
            "",
            r#"{"r":[{"a":1},{"a":2}]}{"r":{"a":3}}"#,
            "1 -; 2 -; 3 -",
        );
        check(
            true,
            "$.r",
            r#"["$.c","$.a"]"#,
            r#"[{"r":[{"a":1,"c":2}]}]"#,
            "2 1",
        );
        check(
            false,
            "$.r",
            "",
            r#"{"r":[{}]}"#,
            "! The value is array type…",
        );
        check(
            false,
            "$.r",
            "",
            r#"{"s":1}"#,
            "! Failed to find the json_root…",
        );
        check(
            false,
            "$.r",
            "",
            r#"{"r":1}"#,
            "! Failed to iterate document stream as object…",
        );
        check(false, "", paths, "[{}]", "! The value is array type…");
        check(true, "", paths, "{}", "! the value should be array type…");
        check(
            true,
            "",
            paths,
            "[1]",
            "! Failed to iterate document stream…",
        );
        check(
            false,
            "",
            paths,
            "{",
            "! Failed to iterate document stream…",
        );
    }

    #[test]
    fn paths_that_are_none_are_refused() {
        let rows = [
            ("a", "Invalid json path: a"),
            ("$.", "Invalid json path: $."),
            ("$a", "Invalid json path: $a"),
            ("$.a[", "Invalid json path"),
            ("$.a[*]", "does not know `[*]`"),
            ("$..a", "does not know `..`"),
        ];
        for (path, expect) in rows {
            let message = JsonPath::read(path).expect_err(path);
            assert!(message.contains(expect), "{path}: {message}");
        }
        assert!(JsonPath::read_list("$.a").is_err_and(|m| m.contains("array of texts")));
    }
}
