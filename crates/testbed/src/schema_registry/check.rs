//! Whether a text is a schema, and its compact form: two texts that differ in blanks only are one schema.

use serde_json::Value;

use super::schema::SchemaType;

/// Types that Avro has without declarations.
const PRIMITIVES: [&str; 8] = [
    "null", "boolean", "int", "long", "float", "double", "bytes", "string",
];

/// The form in which a schema is kept, or why it is none. `names` are the full names that referenced schemas declare.
pub(crate) fn kept_form(
    schema_type: SchemaType,
    text: &str,
    names: &mut Vec<String>,
) -> Result<String, String> {
    match schema_type {
        SchemaType::Avro => {
            // A name alone is a schema too, with and without quotes.
            if PRIMITIVES.contains(&text.trim()) {
                return Ok(format!("\"{}\"", text.trim()));
            }
            let schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            avro(&schema, "", names)?;
            Ok(compact(text))
        }
        SchemaType::Json => match serde_json::from_str(text).map_err(|error| error.to_string())? {
            Value::Object(_) | Value::Bool(_) => Ok(compact(text)),
            _ => Err("a JSON Schema is an object, true or false".to_owned()),
        },
        SchemaType::Protobuf => {
            protobuf(text)?;
            Ok(text.to_owned())
        }
    }
}

/// JSON without the blanks between its tokens.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in json.chars() {
        if quoted || !c.is_ascii_whitespace() {
            out.push(c);
        }
        if escaped {
            escaped = false;
        } else if quoted && c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        }
    }
    out
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

/// Checks kinds and names: every name that is used was declared before.
fn avro(schema: &Value, namespace: &str, names: &mut Vec<String>) -> Result<(), String> {
    match schema {
        Value::String(name) => {
            let known = PRIMITIVES.contains(&name.as_str())
                || names.contains(&full_name(name, namespace))
                || names.contains(name);
            if known {
                Ok(())
            } else {
                Err(format!("no type is called '{name}'"))
            }
        }
        Value::Array(branches) => branches
            .iter()
            .try_for_each(|branch| avro(branch, namespace, names)),
        Value::Object(object) => {
            let Some(kind) = object.get("type") else {
                return Err("an object has no 'type'".to_owned());
            };
            let word = kind.as_str().unwrap_or_default();
            let part = |name: &str| {
                object
                    .get(name)
                    .ok_or_else(|| format!("{word} has no '{name}'"))
            };
            match word {
                "array" => avro(part("items")?, namespace, names),
                "map" => avro(part("values")?, namespace, names),
                "record" | "error" | "enum" | "fixed" => {
                    let name = part("name")?.as_str().ok_or("'name' is not a text")?;
                    let own = object
                        .get("namespace")
                        .and_then(Value::as_str)
                        .unwrap_or(namespace);
                    let full = full_name(name, own);
                    let own = full
                        .rsplit_once('.')
                        .map_or("", |(namespace, _)| namespace)
                        .to_owned();
                    if names.contains(&full) {
                        return Err(format!("'{full}' is declared twice"));
                    }
                    names.push(full);
                    named(word, &part, &own, names)
                }
                _ => avro(kind, namespace, names),
            }
        }
        _ => Err(format!("{schema} is no schema")),
    }
}

fn named<'s>(
    word: &str,
    part: &impl Fn(&str) -> Result<&'s Value, String>,
    namespace: &str,
    names: &mut Vec<String>,
) -> Result<(), String> {
    let list = |name: &str| {
        part(name)?
            .as_array()
            .ok_or_else(|| format!("'{name}' is not a list"))
    };
    match word {
        "enum" => list("symbols").map(drop),
        "fixed" => part("size")?
            .as_u64()
            .map(drop)
            .ok_or_else(|| "'size' is not a number".to_owned()),
        _ => list("fields")?.iter().try_for_each(|field| {
            let name = field.get("name").and_then(Value::as_str);
            let name = name.ok_or("a field has no 'name'")?;
            let of = field
                .get("type")
                .ok_or_else(|| format!("field '{name}' has no 'type'"))?;
            avro(of, namespace, names)
        }),
    }
}

/// Only the outside is looked at: a declaration with its braces in pairs.
fn protobuf(text: &str) -> Result<(), String> {
    let declares = ["message", "enum", "import", "syntax", "edition"];
    if !declares.iter().any(|word| text.contains(word)) {
        return Err("no Protobuf declaration".to_owned());
    }
    let mut depth = 0_i64;
    for c in text.chars() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth < 0 {
            break;
        }
    }
    if depth == 0 {
        Ok(())
    } else {
        Err("braces that do not match".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_told_from_other_texts() {
        let check = |schema_type: SchemaType, text: &str, expect: Result<&str, &str>| {
            let mut names = vec!["n.Known".to_owned()];
            let form = kept_form(schema_type, text, &mut names);
            match expect {
                Ok(kept) => assert_eq!(form.as_deref(), Ok(kept), "{text}"),
                Err(why) => assert!(
                    form.as_ref().is_err_and(|error| error.contains(why)),
                    "{text}: {form:?}"
                ),
            }
        };
        let avro = SchemaType::Avro;
        check(avro, "string", Ok(r#""string""#));
        check(
            avro,
            r#" { "type" : "string" } "#,
            Ok(r#"{"type":"string"}"#),
        );
        check(avro, r#"["null", "n.Known"]"#, Ok(r#"["null","n.Known"]"#));
        check(
            avro,
            r#"["null", "Unknown"]"#,
            Err("no type is called 'Unknown'"),
        );
        check(
            avro,
            r#"{"type":"record","name":"R","namespace":"n","doc":"a \" b","fields":[{"name":"a","type":["null","R","Known"]}]}"#,
            Ok(
                r#"{"type":"record","name":"R","namespace":"n","doc":"a \" b","fields":[{"name":"a","type":["null","R","Known"]}]}"#,
            ),
        );
        check(
            avro,
            r#"{"type":"record","name":"R"}"#,
            Err("record has no 'fields'"),
        );
        check(
            avro,
            r#"{"type":"record","name":"R","fields":[{"name":"a"}]}"#,
            Err("field 'a' has no 'type'"),
        );
        check(avro, r#"{"type":"array"}"#, Err("array has no 'items'"));
        check(
            avro,
            r#"{"type":"fixed","name":"F"}"#,
            Err("fixed has no 'size'"),
        );
        check(
            avro,
            r#"[{"type":"enum","name":"E","symbols":[]},{"type":"enum","name":"E","symbols":[]}]"#,
            Err("declared twice"),
        );
        check(avro, "{", Err("EOF"));
        check(avro, "7", Err("7 is no schema"));
        check(SchemaType::Json, "{ }", Ok("{}"));
        check(SchemaType::Json, "true", Ok("true"));
        check(SchemaType::Json, "[]", Err("an object, true or false"));
        check(SchemaType::Protobuf, "message M { }", Ok("message M { }"));
        check(SchemaType::Protobuf, "message M {", Err("braces"));
        check(SchemaType::Protobuf, "{}", Err("no Protobuf"));
    }
}
