//! Where the parts of a schema stand, and what `$ref` leads to.

use super::address::{resolve, split_fragment, unescape};
use super::dialect::Dialect;
use crate::error::{DataError, ErrorClass};
use crate::json::Json;
use std::collections::HashMap;
use std::sync::Arc;

/// A schema in its document.
#[derive(Clone, Debug)]
pub(super) struct Place<'s> {
    json: &'s Json<'s>,
    /// What stands beside the `$ref` that led here and, before draft 6, takes the place of what stands here.
    beside: Option<&'s Json<'s>>,
    /// Whether it is a part of a schema, and annotations are those of the whole.
    is_bare: bool,
    /// What addresses are relative to.
    base: Arc<str>,
}

/// What tells two places apart.
pub(super) type Identity = (usize, usize);

impl<'s> Place<'s> {
    pub(super) fn json(&self) -> &'s Json<'s> {
        self.json
    }

    /// A keyword's value.
    pub(super) fn get(&self, keyword: &str) -> Option<&'s Json<'s>> {
        if self.is_bare && is_annotation(keyword) {
            return None;
        }
        let beside = self
            .beside
            .filter(|_| keyword != "$ref")
            .and_then(|beside| beside.get(keyword));
        beside.or_else(|| self.json.get(keyword))
    }

    /// The same with its types alone: nothing is said about it beside its keywords.
    pub(super) fn bare(&self) -> Self {
        Self {
            is_bare: true,
            ..self.clone()
        }
    }

    pub(super) fn identity(&self) -> Identity {
        let address = |json: &Json<'_>| std::ptr::from_ref(json).addr();
        (address(self.json), self.beside.map_or(0, address))
    }
}

/// All documents of a schema: its own, and those that it refers to.
#[derive(Debug)]
pub(super) struct Documents<'s> {
    dialect: Dialect,
    root: &'s Json<'s>,
    /// Documents, and what has an address of its own in them.
    by_address: HashMap<String, Place<'s>>,
}

impl<'s> Documents<'s> {
    /// `references` are the other documents, each with the address that it is referred to by.
    pub(super) fn new(
        dialect: Dialect,
        root: &'s Json<'s>,
        references: impl IntoIterator<Item = (&'s str, &'s Json<'s>)>,
    ) -> Self {
        let mut documents = Self {
            dialect,
            root,
            by_address: HashMap::new(),
        };
        documents.add("", root);
        for (name, json) in references {
            documents.add(name, json);
        }
        documents
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The schema itself.
    pub(super) fn root(&self) -> Place<'s> {
        self.at(self.root, &"".into())
    }

    /// What stands inside a place.
    pub(super) fn child(&self, parent: &Place<'s>, json: &'s Json<'s>) -> Place<'s> {
        self.at(json, &parent.base)
    }

    fn at(&self, json: &'s Json<'s>, outer_base: &Arc<str>) -> Place<'s> {
        let base = match self.id(json) {
            Some(id) => split_fragment(&resolve(outer_base, id)).0.into(),
            None => outer_base.clone(),
        };
        Place {
            json,
            beside: None,
            is_bare: false,
            base,
        }
    }

    fn id(&self, json: &'s Json<'s>) -> Option<&'s str> {
        // Beside `$ref`, the older dialects see nothing else.
        if !self.dialect.is_modern() && json.get("$ref").is_some() {
            return None;
        }
        json.get(self.dialect.id_keyword())?.as_str()
    }

    /// Takes up a document, with what has an address in it. Of an address that is there twice, the first counts.
    fn add(&mut self, address: &str, json: &'s Json<'s>) {
        let base: Arc<str> = split_fragment(address).0.into();
        let place = self.at(json, &base);
        self.insert(base.to_string(), &place);
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            if let Some(id) = self.id(place.json) {
                // Its base is its own address already, but for a fragment.
                self.insert(resolve(&place.base, id), &place);
            }
            for keyword in self.dialect.anchors() {
                if let Some(anchor) = place.json.get(keyword).and_then(Json::as_str) {
                    self.insert(format!("{}#{anchor}", place.base), &place);
                }
            }
            match place.json {
                Json::Object(members) => {
                    let inner = members.iter().rev().filter(|(name, _)| !is_data(name));
                    open.extend(inner.map(|(_, json)| self.at(json, &place.base)));
                }
                Json::Array(values) => {
                    open.extend(values.iter().rev().map(|json| self.at(json, &place.base)));
                }
                _ => {}
            }
        }
    }

    fn insert(&mut self, address: String, place: &Place<'s>) {
        let address = match address.strip_suffix('#') {
            Some(whole) => whole.to_owned(),
            None => address,
        };
        self.by_address
            .entry(address)
            .or_insert_with(|| place.clone());
    }

    /// What `reference`, the `$ref` of a place, leads to.
    ///
    /// # Errors
    /// It leads nowhere.
    pub(super) fn follow(&self, from: &Place<'s>, reference: &str) -> Result<Place<'s>, DataError> {
        let absolute = resolve(&from.base, reference);
        let found = self
            .find(&absolute)
            // The registry's names of references need not be relative to anything.
            .or_else(|| self.find(reference));
        let Some(mut place) = found else {
            return Err(DataError::of(
                ErrorClass::IllegalArgument,
                format!(
                    "$ref {reference} leads nowhere: neither the schema nor one of its references is or has {absolute}, and \
                     nothing is fetched from elsewhere"
                ),
            ));
        };
        if self.dialect == Dialect::Draft4 {
            place.beside = Some(from.json);
        }
        Ok(place)
    }

    fn find(&self, address: &str) -> Option<Place<'s>> {
        if let Some(place) = self.by_address.get(address.trim_end_matches('#')) {
            return Some(place.clone());
        }
        let (document, fragment) = split_fragment(address);
        let fragment = unescape(fragment);
        let pointer = fragment.strip_prefix('/')?;
        let mut place = self.by_address.get(document)?.clone();
        for name in pointer.split('/') {
            let name = name.replace("~1", "/").replace("~0", "~");
            let json = match place.json {
                Json::Array(values) => values.get(name.parse::<usize>().ok()?)?,
                json => json.get(&name)?,
            };
            place = self.child(&place, json);
        }
        Some(place)
    }
}

/// Keywords that say something about a schema as a whole.
fn is_annotation(keyword: &str) -> bool {
    matches!(keyword, "title" | "description" | "default") || keyword.starts_with("connect.")
}

/// Keywords whose values are data, whatever is in them.
fn is_data(keyword: &str) -> bool {
    matches!(keyword, "enum" | "const" | "default" | "examples")
}
