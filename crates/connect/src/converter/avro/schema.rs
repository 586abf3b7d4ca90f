//! Avro's schemas as a tree of types, read as `org.apache.avro.Schema.Parser` reads them.
//!
//! Names may have letters and digits of every script; defaults are not checked against their types. What Avro does not
//! know is kept ([`Type::properties`]): Connect's own annotations stand there.

use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The place of a type in [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TypeId(usize);

/// What a type is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(TypeId),
    Map(TypeId),
    Union(Vec<TypeId>),
    Record(Name, Vec<Field>),
    Enum(Name, Symbols),
    Fixed(Name, usize),
}

/// The symbols of an enum.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Symbols {
    pub(super) names: Vec<String>,
    /// What a reader takes for symbols that it does not know.
    pub(super) default: Option<String>,
}

/// The name of a record, an enum or a fixed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) namespace: Option<String>,
    pub(super) simple: String,
}

impl Name {
    /// A name that stands where `enclosing` is the namespace; one with dots brings its own.
    fn new(text: &str, enclosing: Option<&str>) -> Self {
        let (namespace, simple) = match text.rsplit_once('.') {
            Some((namespace, simple)) => (Some(namespace), simple),
            None => (enclosing, text),
        };
        Self {
            namespace: namespace
                .filter(|namespace| !namespace.is_empty())
                .map(str::to_owned),
            simple: simple.to_owned(),
        }
    }

    /// The name with its namespace.
    pub(super) fn full(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}.{}", self.simple),
            None => self.simple.clone(),
        }
    }
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) doc: Option<String>,
    /// Null is a default, too.
    pub(super) default: Option<Json>,
    pub(super) of: TypeId,
}

/// A type with what is said about it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Type {
    pub(super) kind: Kind,
    pub(super) doc: Option<String>,
    aliases: Vec<String>,
    properties: BTreeMap<String, Json>,
}

impl Type {
    /// Everything that Avro does not know, `logicalType` among it.
    pub(super) const fn properties(&self) -> &BTreeMap<String, Json> {
        &self.properties
    }

    /// A property that is a text; one that is something else counts as none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name)?.as_str()
    }

    /// The name of a record, an enum or a fixed.
    pub(super) const fn name(&self) -> Option<&Name> {
        match &self.kind {
            Kind::Record(name, _) | Kind::Enum(name, _) | Kind::Fixed(name, _) => Some(name),
            _ => None,
        }
    }

    /// Whether it has this logical type, in any case of letters.
    pub(super) fn is_logical(&self, logical: &str) -> bool {
        self.text("logicalType")
            .is_some_and(|text| text.eq_ignore_ascii_case(logical))
    }

    /// Whether a full name is the type's own or one of its aliases.
    pub(super) fn is_called(&self, name: &Name) -> bool {
        let Some(own) = self.name() else { return false };
        own == name
            || self
                .aliases
                .iter()
                .any(|alias| Name::new(alias, own.namespace.as_deref()) == *name)
    }
}

/// The types of a schema.
#[derive(Debug)]
pub(super) struct Types {
    types: Vec<Type>,
    root: TypeId,
}

impl std::ops::Index<TypeId> for Types {
    type Output = Type;

    fn index(&self, id: TypeId) -> &Type {
        &self.types[id.0]
    }
}

impl Types {
    /// Reads a schema, and before it those whose names it uses.
    ///
    /// # Errors
    /// What is wrong with one of them, in words.
    pub(super) fn parse<'t>(
        text: &str,
        references: impl Iterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self, String> {
        let mut parser = Parser::default();
        for (name, text) in references {
            parser
                .schema(text)
                .map_err(|problem| format!("The schema {name} that it refers to: {problem}"))?;
        }
        let root = parser.schema(text)?;
        Ok(Self {
            types: parser.types,
            root,
        })
    }

    /// The type that is the schema.
    pub(super) const fn root(&self) -> TypeId {
        self.root
    }
}

#[derive(Default)]
struct Parser {
    types: Vec<Type>,
    names: HashMap<Name, TypeId>,
}

/// What Avro itself knows of a type, and what therefore is none of its properties.
const RESERVED: [&str; 10] = [
    "doc",
    "fields",
    "items",
    "name",
    "namespace",
    "size",
    "symbols",
    "values",
    "type",
    "aliases",
];

impl Parser {
    fn schema(&mut self, text: &str) -> Result<TypeId, String> {
        let json = match serde_json::from_str(text) {
            Ok(json) => json,
            // A name, or a primitive, may stand there without quotes.
            Err(_) if !text.trim().is_empty() && text.trim().bytes().all(is_of_name) => {
                Json::String(text.trim().to_owned())
            }
            Err(error) => return Err(format!("The schema is no JSON: {error}")),
        };
        self.read(&json, None)
    }

    fn add(&mut self, kind: Kind) -> TypeId {
        self.types.push(Type {
            kind,
            doc: None,
            aliases: Vec::new(),
            properties: BTreeMap::new(),
        });
        TypeId(self.types.len() - 1)
    }

    fn read(&mut self, json: &Json, space: Option<&str>) -> Result<TypeId, String> {
        match json {
            Json::String(name) => match primitive(name) {
                Some(kind) => Ok(self.add(kind)),
                None => self.named(name, space),
            },
            Json::Object(object) => self.object(object, space),
            Json::Array(branches) => self.union(branches, space),
            other => Err(format!("{other} is no type")),
        }
    }

    fn named(&self, name: &str, space: Option<&str>) -> Result<TypeId, String> {
        let qualified = Name::new(name, space);
        let plain = Name::new(&qualified.simple, None);
        let found = self
            .names
            .get(&qualified)
            .or_else(|| self.names.get(&plain));
        found
            .copied()
            .ok_or_else(|| format!("There is no type named {name}"))
    }

    fn union(&mut self, branches: &[Json], space: Option<&str>) -> Result<TypeId, String> {
        let (mut ids, mut seen) = (Vec::with_capacity(branches.len()), HashSet::new());
        for branch in branches {
            let id = self.read(branch, space)?;
            let branch = &self.types[id.0];
            if matches!(branch.kind, Kind::Union(_)) {
                return Err("A union stands directly in a union".to_owned());
            }
            let name = kind_name(branch);
            if !seen.insert(name.clone()) {
                return Err(format!("A union has {name} twice"));
            }
            ids.push(id);
        }
        Ok(self.add(Kind::Union(ids)))
    }

    fn object(
        &mut self,
        object: &Map<String, Json>,
        space: Option<&str>,
    ) -> Result<TypeId, String> {
        let Some(name) = object.get("type").and_then(Json::as_str) else {
            return Err(format!("It has no \"type\": {}", shortened(object)));
        };
        let id = match name {
            "record" | "error" => self.record(object, space)?,
            "enum" => {
                let name = self.declare(object, space)?;
                let symbols = symbols(object)?;
                self.declared(name, |name| Kind::Enum(name, symbols))?
            }
            "fixed" => {
                let name = self.declare(object, space)?;
                let size = object.get("size").and_then(Json::as_u64);
                let size = size.and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or_else(|| format!("{} has no size", name.full()))?;
                self.declared(name, |name| Kind::Fixed(name, size))?
            }
            "array" => {
                let items = object.get("items").ok_or("An array has no \"items\"")?;
                let items = self.read(items, space)?;
                self.add(Kind::Array(items))
            }
            "map" => {
                let values = object.get("values").ok_or("A map has no \"values\"")?;
                let values = self.read(values, space)?;
                self.add(Kind::Map(values))
            }
            name => match primitive(name) {
                Some(kind) => self.add(kind),
                // What is said beside the name is nothing to the type.
                None => return self.named(name, space),
            },
        };
        self.describe(id, object);
        Ok(id)
    }

    /// Takes over doc, aliases and properties.
    fn describe(&mut self, id: TypeId, object: &Map<String, Json>) {
        let of = &mut self.types[id.0];
        if of.name().is_some() {
            of.doc = text_of(object, "doc");
            of.aliases = texts_of(object, "aliases");
        }
        let is_enum = matches!(of.kind, Kind::Enum(..));
        let kept = object.iter().filter(|(name, _)| {
            !(RESERVED.contains(&name.as_str()) || is_enum && *name == "default")
        });
        of.properties = kept
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
    }

    /// The name of a type that is being declared.
    fn declare(&self, object: &Map<String, Json>, space: Option<&str>) -> Result<Name, String> {
        let own = object.get("namespace").and_then(Json::as_str);
        let text = object
            .get("name")
            .and_then(Json::as_str)
            .ok_or_else(|| format!("It has no \"name\": {}", shortened(object)))?;
        let name = Name::new(text, own.or(space));
        check_name(&name.simple)?;
        if primitive(&name.full()).is_some() {
            return Err(format!("{} is the name of a primitive type", name.full()));
        }
        if self.names.contains_key(&name) {
            return Err(format!("{} is declared twice", name.full()));
        }
        Ok(name)
    }

    fn declared(&mut self, name: Name, kind: impl FnOnce(Name) -> Kind) -> Result<TypeId, String> {
        let id = self.add(kind(name.clone()));
        self.names.insert(name, id);
        Ok(id)
    }

    fn record(
        &mut self,
        object: &Map<String, Json>,
        space: Option<&str>,
    ) -> Result<TypeId, String> {
        let name = self.declare(object, space)?;
        let list = object.get("fields").and_then(Json::as_array);
        let list = list.ok_or_else(|| format!("{} has no \"fields\"", name.full()))?;
        // Its own fields may name it.
        let id = self.declared(name.clone(), |name| Kind::Record(name, Vec::new()))?;
        let (mut fields, mut seen) = (Vec::with_capacity(list.len()), HashSet::new());
        for json in list {
            let field = self.field(json, &name)?;
            if !seen.insert(field.name.clone()) {
                return Err(format!(
                    "{} has the field {} twice",
                    name.full(),
                    field.name
                ));
            }
            fields.push(field);
        }
        self.types[id.0].kind = Kind::Record(name, fields);
        Ok(id)
    }

    fn field(&mut self, json: &Json, record: &Name) -> Result<Field, String> {
        let wrong = |what: &str| format!("A field of {} {what}", record.full());
        let object = json.as_object().ok_or_else(|| wrong("is no object"))?;
        let name = object.get("name").and_then(Json::as_str);
        let name = name.ok_or_else(|| wrong("has no \"name\""))?;
        check_name(name)?;
        let of = object.get("type").ok_or_else(|| wrong("has no \"type\""))?;
        Ok(Field {
            name: name.to_owned(),
            aliases: texts_of(object, "aliases"),
            doc: text_of(object, "doc"),
            default: object.get("default").cloned(),
            of: self.read(of, record.namespace.as_deref())?,
        })
    }
}

fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        _ => return None,
    })
}

/// What a type is called in a union, which tells branches apart: its full name, or the name of its kind.
pub(super) fn kind_name(of: &Type) -> String {
    let name = match &of.kind {
        Kind::Null => "null",
        Kind::Boolean => "boolean",
        Kind::Int => "int",
        Kind::Long => "long",
        Kind::Float => "float",
        Kind::Double => "double",
        Kind::Bytes => "bytes",
        Kind::String => "string",
        Kind::Array(_) => "array",
        Kind::Map(_) => "map",
        Kind::Union(_) => "union",
        Kind::Record(name, _) | Kind::Enum(name, _) | Kind::Fixed(name, _) => return name.full(),
    };
    name.to_owned()
}

fn symbols(object: &Map<String, Json>) -> Result<Symbols, String> {
    let list = object.get("symbols").and_then(Json::as_array);
    let list = list.ok_or("An enum has no \"symbols\"")?;
    let (mut names, mut seen) = (Vec::with_capacity(list.len()), HashSet::new());
    for symbol in list {
        let symbol = symbol.as_str().ok_or("A symbol of an enum is no text")?;
        check_name(symbol)?;
        if !seen.insert(symbol) {
            return Err(format!("An enum has the symbol {symbol} twice"));
        }
        names.push(symbol.to_owned());
    }
    let default = text_of(object, "default");
    if let Some(default) = default.as_ref().filter(|it| !names.contains(it)) {
        return Err(format!("The default {default} is no symbol of its enum"));
    }
    Ok(Symbols { names, default })
}

fn text_of(object: &Map<String, Json>, name: &str) -> Option<String> {
    object.get(name).and_then(Json::as_str).map(str::to_owned)
}

fn texts_of(object: &Map<String, Json>, name: &str) -> Vec<String> {
    let list = object.get(name).and_then(Json::as_array);
    let texts = list.into_iter().flatten().filter_map(Json::as_str);
    texts.map(str::to_owned).collect()
}

fn check_name(name: &str) -> Result<(), String> {
    let mut letters = name.chars();
    let is_first = |letter: char| letter.is_alphabetic() || letter == '_';
    let is_other = |letter: char| letter.is_alphanumeric() || letter == '_';
    match letters.next() {
        None => Err("A name is empty".to_owned()),
        Some(first) if is_first(first) && letters.all(is_other) => Ok(()),
        Some(_) => Err(format!(
            "{name:?} is no name: letters, digits and _ make names"
        )),
    }
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.'
}

/// The beginning of a schema, for messages.
fn shortened(object: &Map<String, Json>) -> String {
    let text = Json::Object(object.clone()).to_string();
    super::super::payload::shortened(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Types, String> {
        Types::parse(text, std::iter::empty())
    }

    #[test]
    fn names_live_in_their_namespaces() {
        let check = |text: &str, expect: &[&str]| {
            let types = parse(text).expect(text);
            let names: Vec<_> = types
                .types
                .iter()
                .filter_map(Type::name)
                .map(Name::full)
                .collect();
            assert_eq!(names, expect, "{text}");
        };
        check(r#"{"type":"record","name":"A","fields":[]}"#, &["A"]);
        check(
            r#"{"type":"record","name":"x.A","namespace":"y","fields":[]}"#,
            &["x.A"],
        );
        check(
            r#"{"type":"record","name":".A","namespace":"y","fields":[]}"#,
            &["A"],
        );
        check(
            r#"{"type":"record","name":"A","namespace":"y","fields":[{"name":"f","type":{"type":"fixed","name":"F","size":1}},
                {"name":"g","type":["null","F","y.A"]}]}"#,
            &["y.A", "y.F"],
        );
        // A name without a namespace is found everywhere.
        check(
            r#"{"type":"record","name":"A","fields":[{"name":"b","type":{"type":"record","name":"n.B","fields":[
                {"name":"a","type":["null","A"]}]}}]}"#,
            &["A", "n.B"],
        );
    }

    #[test]
    fn what_is_no_schema_says_why() {
        let check = |text: &str, expect: &str| {
            let problem = parse(text).expect_err(text);
            assert!(problem.contains(expect), "{text}: {problem}");
        };
        check("", "no JSON");
        check("{", "no JSON");
        check("5", "is no type");
        check(r#""Nope""#, "There is no type named Nope");
        check("{}", "no \"type\"");
        check(r#"{"type":{"type":"int"}}"#, "no \"type\"");
        check(r#"{"type":"record","fields":[]}"#, "no \"name\"");
        check(r#"{"type":"record","name":"A"}"#, "no \"fields\"");
        check(
            r#"{"type":"record","name":"a-b","fields":[]}"#,
            "is no name",
        );
        check(
            r#"{"type":"record","name":"","fields":[]}"#,
            "name is empty",
        );
        check(
            r#"{"type":"record","name":"A","fields":[{"name":"f"}]}"#,
            "no \"type\"",
        );
        check(
            r#"{"type":"record","name":"A","fields":[{"name":"f","type":"int"},{"name":"f","type":"int"}]}"#,
            "twice",
        );
        check(r#"["int","int"]"#, "int twice");
        check(r#"["int",["string"]]"#, "directly in a union");
        check(r#"{"type":"fixed","name":"F"}"#, "no size");
        check(r#"{"type":"fixed","name":"F","size":-1}"#, "no size");
        check(r#"{"type":"enum","name":"E","symbols":["A","A"]}"#, "twice");
        check(
            r#"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#,
            "no symbol",
        );
        check(
            r#"[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":2}]"#,
            "declared twice",
        );
        check(
            &format!(
                "{}\"int\"{}",
                r#"{"type":"array","items":"#.repeat(500),
                "}".repeat(500)
            ),
            "no JSON",
        );
    }

    #[test]
    fn references_come_first() {
        let types = Types::parse(
            r#"["null","geo.Address"]"#,
            [(
                "geo.Address",
                r#"{"type":"record","name":"geo.Address","fields":[]}"#,
            )]
            .into_iter(),
        )
        .expect("both parse");
        assert!(matches!(types[types.root()].kind, Kind::Union(_)));
        let problem = Types::parse("\"int\"", [("geo.Address", "{")].into_iter());
        let problem = problem.expect_err("the reference does not parse");
        assert!(
            problem.starts_with("The schema geo.Address that it refers to: "),
            "{problem}"
        );
    }
}
