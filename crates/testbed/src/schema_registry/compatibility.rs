//! Whether a schema may follow others: checked for Avro, by the rules of schema resolution. Schemas of the other types may always.

use std::collections::HashMap;

use serde_json::Value;

use super::schema::{NewSchema, SchemaType};

/// A schema with the texts of those that it refers to.
pub(crate) struct Whole<'s> {
    pub(crate) schema: &'s NewSchema,
    pub(crate) referenced: Vec<String>,
}

/// Why the new schema may not follow the earlier ones at this level; nothing where it may. The earlier ones are in their order.
pub(crate) fn objections(level: &str, new: &Whole<'_>, earlier: &[Whole<'_>]) -> Vec<String> {
    let looked_at = if level.ends_with("_TRANSITIVE") {
        earlier
    } else {
        &earlier[earlier.len().saturating_sub(1)..]
    };
    let (backward, forward) = match level.trim_end_matches("_TRANSITIVE") {
        "BACKWARD" => (true, false),
        "FORWARD" => (false, true),
        "FULL" => (true, true),
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    for old in looked_at {
        if old.schema.schema_type != new.schema.schema_type {
            let (was, is) = (old.schema.schema_type, new.schema.schema_type);
            found.push(format!("the type was {was} and is {is}"));
            continue;
        }
        if new.schema.schema_type != SchemaType::Avro {
            continue;
        }
        if backward && let Err(why) = can_read(new, old) {
            found.push(format!(
                "the new schema cannot read the old one's data: {why}"
            ));
        }
        if forward && let Err(why) = can_read(old, new) {
            found.push(format!(
                "the old schema cannot read the new one's data: {why}"
            ));
        }
    }
    found
}

/// A named type where it is declared.
struct Declared {
    schema: Value,
    /// The namespace of names in it.
    namespace: String,
}

type Names = HashMap<String, Declared>;

fn can_read(reader: &Whole<'_>, writer: &Whole<'_>) -> Result<(), String> {
    let parse = |whole: &Whole<'_>| -> Result<(Value, Names), String> {
        let mut names = Names::new();
        let texts = whole.referenced.iter().chain([&whole.schema.schema]);
        let mut last = Value::Null;
        for text in texts {
            last = serde_json::from_str(text).map_err(|error| error.to_string())?;
            collect(&last, "", &mut names);
        }
        Ok((last, names))
    };
    let ((reader, reader_names), (writer, writer_names)) = (parse(reader)?, parse(writer)?);
    let resolution = Resolution {
        reader: &reader_names,
        writer: &writer_names,
    };
    resolution.check(Side::root(&reader), Side::root(&writer), &mut Vec::new())
}

/// The full name that a declaration in this namespace has, and the namespace of names in it.
fn full_name(schema: &Value, namespace: &str) -> (String, String) {
    let name = schema["name"].as_str().unwrap_or_default();
    let own = schema["namespace"].as_str().unwrap_or(namespace);
    let full = if name.contains('.') || own.is_empty() {
        name.to_owned()
    } else {
        format!("{own}.{name}")
    };
    let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace);
    (full.clone(), namespace.to_owned())
}

fn collect(schema: &Value, namespace: &str, names: &mut Names) {
    match schema {
        Value::Array(branches) => branches
            .iter()
            .for_each(|branch| collect(branch, namespace, names)),
        Value::Object(_) => match schema["type"].as_str() {
            Some("array") => collect(&schema["items"], namespace, names),
            Some("map") => collect(&schema["values"], namespace, names),
            Some("record" | "error" | "enum" | "fixed") => {
                let (full, namespace) = full_name(schema, namespace);
                let fields = schema["fields"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                fields
                    .iter()
                    .for_each(|field| collect(&field["type"], &namespace, names));
                let schema = schema.clone();
                names.insert(full, Declared { schema, namespace });
            }
            _ => collect(&schema["type"], namespace, names),
        },
        _ => {}
    }
}

/// A schema of one of the two sides, where its names are in a namespace.
#[derive(Clone, Copy)]
struct Side<'s> {
    schema: &'s Value,
    namespace: &'s str,
}

impl<'s> Side<'s> {
    const fn root(schema: &'s Value) -> Self {
        Self {
            schema,
            namespace: "",
        }
    }

    const fn part(self, schema: &'s Value) -> Self {
        Self { schema, ..self }
    }

    /// The declaration behind a name, `type` of an object that only wraps, and the type's word.
    fn resolved(self, names: &'s Names) -> (Self, &'s str) {
        match self.schema {
            Value::String(name) => {
                let qualified = format!("{}.{name}", self.namespace);
                match names.get(&qualified).or_else(|| names.get(name)) {
                    Some(declared) => Self {
                        schema: &declared.schema,
                        namespace: &declared.namespace,
                    }
                    .resolved_declaration(),
                    None => (self, name),
                }
            }
            Value::Array(_) => (self, "union"),
            Value::Object(object) => match object.get("type") {
                Some(Value::String(word))
                    if matches!(word.as_str(), "record" | "error" | "enum" | "fixed") =>
                {
                    let (full, _) = full_name(self.schema, self.namespace);
                    match names.get(&full) {
                        Some(declared) => Self {
                            schema: self.schema,
                            namespace: &declared.namespace,
                        }
                        .resolved_declaration(),
                        None => self.resolved_declaration(),
                    }
                }
                Some(Value::String(word)) if matches!(word.as_str(), "array" | "map") => {
                    (self, word)
                }
                Some(inner) => self.part(inner).resolved(names),
                None => (self, ""),
            },
            _ => (self, ""),
        }
    }

    fn resolved_declaration(self) -> (Self, &'s str) {
        (self, self.schema["type"].as_str().unwrap_or_default())
    }

    fn name(self) -> &'s str {
        let name = self.schema["name"].as_str().unwrap_or_default();
        name.rsplit('.').next().unwrap_or_default()
    }

    fn fields(self) -> &'s [Value] {
        self.schema["fields"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    fn aliases(schema: &'s Value) -> impl Iterator<Item = &'s str> {
        let aliases = schema["aliases"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        aliases.iter().filter_map(Value::as_str)
    }
}

struct Resolution<'n> {
    reader: &'n Names,
    writer: &'n Names,
}

impl<'n> Resolution<'n> {
    /// Whether the reader reads what the writer writes. `open` are the pairs of records that are being compared, for types
    /// that hold themselves.
    fn check(
        &self,
        reader: Side<'n>,
        writer: Side<'n>,
        open: &mut Vec<(*const Value, *const Value)>,
    ) -> Result<(), String> {
        let (reader, reads) = reader.resolved(self.reader);
        let (writer, writes) = writer.resolved(self.writer);
        if let Value::Array(branches) = writer.schema {
            return branches
                .iter()
                .try_for_each(|branch| self.check(reader, writer.part(branch), open));
        }
        if let Value::Array(branches) = reader.schema {
            let mut fits = branches
                .iter()
                .map(|branch| self.check(reader.part(branch), writer, open));
            return if fits.any(|fit| fit.is_ok()) {
                Ok(())
            } else {
                Err(format!("no branch of the union reads {writes}"))
            };
        }
        let promoted = match writes {
            "int" => ["long", "float", "double"].contains(&reads),
            "long" => ["float", "double"].contains(&reads),
            "float" => reads == "double",
            "string" => reads == "bytes",
            "bytes" => reads == "string",
            _ => false,
        };
        match reads {
            _ if promoted => Ok(()),
            _ if reads != writes => Err(format!("{reads} does not read {writes}")),
            "array" => self.check(
                reader.part(&reader.schema["items"]),
                writer.part(&writer.schema["items"]),
                open,
            ),
            "map" => self.check(
                reader.part(&reader.schema["values"]),
                writer.part(&writer.schema["values"]),
                open,
            ),
            "record" | "error" | "enum" | "fixed" => self.named(reads, reader, writer, open),
            _ => Ok(()),
        }
    }

    fn named(
        &self,
        word: &str,
        reader: Side<'n>,
        writer: Side<'n>,
        open: &mut Vec<(*const Value, *const Value)>,
    ) -> Result<(), String> {
        let alias = |alias: &str| alias.rsplit('.').next() == Some(writer.name());
        if reader.name() != writer.name() && !Side::aliases(reader.schema).any(alias) {
            return Err(format!("{word} {} is not {}", reader.name(), writer.name()));
        }
        match word {
            "fixed" if reader.schema["size"] != writer.schema["size"] => {
                Err(format!("the size of {} is another one", reader.name()))
            }
            "enum" if reader.schema.get("default").is_none() => {
                let symbols = |side: Side<'n>| {
                    side.schema["symbols"]
                        .as_array()
                        .map(Vec::as_slice)
                        .unwrap_or_default()
                };
                match symbols(writer)
                    .iter()
                    .find(|symbol| !symbols(reader).contains(symbol))
                {
                    Some(missing) => Err(format!("enum {} has no {missing}", reader.name())),
                    None => Ok(()),
                }
            }
            "record" | "error" => {
                let pair = (
                    std::ptr::from_ref(reader.schema),
                    std::ptr::from_ref(writer.schema),
                );
                if open.contains(&pair) {
                    return Ok(());
                }
                open.push(pair);
                let checked = self.fields(reader, writer, open);
                open.pop();
                checked
            }
            _ => Ok(()),
        }
    }

    fn fields(
        &self,
        reader: Side<'n>,
        writer: Side<'n>,
        open: &mut Vec<(*const Value, *const Value)>,
    ) -> Result<(), String> {
        for field in reader.fields() {
            let name = field["name"].as_str().unwrap_or_default();
            let found = writer.fields().iter().find(|written| {
                let written = written["name"].as_str().unwrap_or_default();
                written == name || Side::aliases(field).any(|alias| alias == written)
            });
            match found {
                Some(written) => self
                    .check(
                        reader.part(&field["type"]),
                        writer.part(&written["type"]),
                        open,
                    )
                    .map_err(|why| format!("field {name}: {why}"))?,
                None if field.get("default").is_some() => {}
                None => return Err(format!("field {name} is new and has no default")),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(level: &str, new: &str, earlier: &[&str]) -> Vec<String> {
        let schema = |text: &&str| NewSchema::new(SchemaType::Avro, *text);
        let (new, earlier) = (schema(&new), earlier.iter().map(schema).collect::<Vec<_>>());
        let whole = |schema| Whole {
            schema,
            referenced: Vec::new(),
        };
        objections(
            level,
            &whole(&new),
            &earlier.iter().map(whole).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn avro_follows_by_the_rules_of_resolution() {
        // Whether the first reads what the second wrote.
        let check = |reader: &str, writer: &str, expect: bool| {
            let refused = refused("BACKWARD", reader, &[writer]);
            assert_eq!(
                refused.is_empty(),
                expect,
                "{reader} of {writer}: {refused:?}"
            );
        };
        let record = |fields: &str| {
            format!(r#"{{"type":"record","name":"R","namespace":"n","fields":[{fields}]}}"#)
        };
        let a = r#"{"name":"a","type":"int"}"#;
        check(r#""long""#, r#""int""#, true);
        check(r#""int""#, r#""long""#, false);
        check(r#""bytes""#, r#""string""#, true);
        check(r#"{"type":"string","x":1}"#, r#""string""#, true);
        check(r#"["null","long"]"#, r#""int""#, true);
        check(r#"["null","string"]"#, r#""int""#, false);
        check(r#""int""#, r#"["null","int"]"#, false);
        check(r#"["null","int","string"]"#, r#"["null","int"]"#, true);
        check(
            r#"{"type":"array","items":"long"}"#,
            r#"{"type":"array","items":"int"}"#,
            true,
        );
        check(
            r#"{"type":"map","values":"int"}"#,
            r#"{"type":"map","values":"long"}"#,
            false,
        );
        check(
            r#"{"type":"fixed","name":"F","size":2}"#,
            r#"{"type":"fixed","name":"F","size":3}"#,
            false,
        );
        check(
            r#"{"type":"enum","name":"E","symbols":["A"]}"#,
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
            false,
        );
        check(
            r#"{"type":"enum","name":"E","symbols":["A"],"default":"A"}"#,
            r#"{"type":"enum","name":"E","symbols":["B"]}"#,
            true,
        );
        check(&record(""), &record(a), true);
        check(&record(a), &record(""), false);
        check(
            &record(r#"{"name":"a","type":"int","default":1}"#),
            &record(""),
            true,
        );
        check(
            &record(r#"{"name":"b","type":"int","aliases":["a"]}"#),
            &record(a),
            true,
        );
        check(
            &record(r#"{"name":"a","type":["null","n.R"]}"#),
            &record(r#"{"name":"a","type":["null","R"]}"#),
            true,
        );
        check(
            &record(r#"{"name":"a","type":["null","n.R"]}"#),
            &record(r#"{"name":"a","type":["null","R","int"]}"#),
            false,
        );
        check(&record(a).replace("\"R\"", "\"S\""), &record(a), false);
        check(
            &record(a).replace("\"R\"", r#""S","aliases":["n.R"]"#),
            &record(a),
            true,
        );
    }

    #[test]
    fn levels_say_who_reads_whom() {
        let (short, long) = (
            r#"{"type":"record","name":"R","fields":[]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        );
        let check = |level: &str, new: &str, earlier: &[&str], expect: usize| {
            assert_eq!(refused(level, new, earlier).len(), expect, "{level}");
        };
        check("NONE", long, &[short], 0);
        check("BACKWARD", long, &[], 0);
        check("BACKWARD", long, &[short], 1);
        check("BACKWARD", short, &[long], 0);
        check("FORWARD", long, &[short], 0);
        check("FORWARD", short, &[long], 1);
        check("FULL", short, &[long], 1);
        check("BACKWARD", long, &[short, long], 0);
        check("BACKWARD_TRANSITIVE", long, &[short, long], 1);
        check("FULL_TRANSITIVE", long, &[short, long, short], 2);
    }
}
