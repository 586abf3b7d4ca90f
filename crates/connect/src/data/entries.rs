//! Entries of maps, with what counts as the same key in Java.

use super::{Struct, Value};
use std::collections::HashMap;
use std::collections::hash_map;
use std::fmt::Write as _;

const DAY_MS: i64 = 86_400_000;

/// A map that is being made: of a key that comes again, the first key and the last value count.
#[derive(Debug, Default)]
pub struct MapEntries<'k> {
    entries: Vec<(Value<'k>, Value<'k>)>,
    places: HashMap<String, usize>,
}

impl<'k> MapEntries<'k> {
    /// Adds an entry, or gives the key that is there another value.
    pub fn insert(&mut self, key: Value<'k>, value: Value<'k>) {
        let Some(identity) = identity(&key) else {
            self.entries.push((key, value));
            return;
        };
        match self.places.entry(identity) {
            hash_map::Entry::Occupied(place) => self.entries[*place.get()].1 = value,
            hash_map::Entry::Vacant(place) => {
                place.insert(self.entries.len());
                self.entries.push((key, value));
            }
        }
    }

    /// The entries in the order in which their keys came first.
    #[must_use]
    pub fn into_entries(self) -> Vec<(Value<'k>, Value<'k>)> {
        self.entries
    }
}

/// A text that is equal for values that Java's `equals` takes for the same, `None` for those that equal
/// nothing, as arrays of bytes do.
fn identity(value: &Value<'_>) -> Option<String> {
    let mut text = String::new();
    write(value, false, &mut text)?;
    Some(text)
}

fn write(value: &Value<'_>, in_struct: bool, text: &mut String) -> Option<()> {
    match value {
        // Java has one class for all three.
        Value::Date(days) => write_debug(text, &Value::Timestamp(i64::from(*days) * DAY_MS)),
        Value::Time(millis) => write_debug(text, &Value::Timestamp(i64::from(*millis))),
        // Jackson has one array for all that are empty.
        Value::Bytes(bytes) if !in_struct && !bytes.is_empty() => return None,
        Value::Array(values) => {
            text.push('[');
            for value in values {
                write(value, false, text)?;
                text.push(',');
            }
            text.push(']');
        }
        Value::Map(entries) => {
            let mut sorted = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let mut entry = String::new();
                write(key, false, &mut entry)?;
                entry.push(':');
                write(value, false, &mut entry)?;
                sorted.push(entry);
            }
            sorted.sort_unstable();
            text.push('(');
            for entry in sorted {
                // Behind its length, and not as a quoted text: that would be twice as long with each map around it.
                write_display(text, &entry.len());
                text.push(':');
                text.push_str(&entry);
            }
            text.push(')');
        }
        Value::Struct(structure) => write_struct(structure, text)?,
        other => write_debug(text, other),
    }
    Some(())
}

/// Keys of one map have one schema.
fn write_struct(structure: &Struct<'_>, text: &mut String) -> Option<()> {
    text.push('{');
    for value in structure.values() {
        write(value, true, text)?;
        text.push(',');
    }
    text.push('}');
    Some(())
}

fn write_debug(text: &mut String, value: &impl std::fmt::Debug) {
    let Ok(()) = write!(text, "{value:?}") else {
        unreachable!("a String takes all texts")
    };
}

fn write_display(text: &mut String, value: &impl std::fmt::Display) {
    let Ok(()) = write!(text, "{value}") else {
        unreachable!("a String takes all texts")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: Value<'static>) -> Value<'static> {
        Value::Map(vec![(key, Value::Null)])
    }

    fn kept(keys: impl IntoIterator<Item = Value<'static>>) -> usize {
        let mut entries = MapEntries::default();
        for key in keys {
            entries.insert(key, Value::Null);
        }
        entries.into_entries().len()
    }

    #[test]
    fn maps_are_keys_by_their_entries_in_any_order() {
        let text = |text: &'static str| Value::String(text.into());
        let check = |a: &[Value<'static>], b: &[Value<'static>], expect: usize| {
            let map = |keys: &[Value<'static>]| {
                let entries = keys.iter().map(|key| (key.clone(), Value::Null));
                Value::Map(entries.collect())
            };
            assert_eq!(kept([map(a), map(b)]), expect, "{a:?} {b:?}");
        };
        check(&[text("a"), text("b")], &[text("b"), text("a")], 1);
        check(&[text("a"), text("b")], &[text("a"), text("c")], 2);
        check(&[text("a")], &[text("a"), text("b")], 2);
        check(&[], &[], 1);
        check(&[entry(text("a"))], &[entry(text("a"))], 1);
        check(&[entry(text("a"))], &[text("a")], 2);
    }

    #[test]
    fn maps_as_keys_of_maps_take_little_memory() {
        let mut key = Value::String("\"".into());
        for _ in 0..60 {
            key = entry(key);
        }
        let identity = identity(&key).expect("it has one");
        assert!(identity.len() < 2_000, "{}", identity.len());
    }
}
