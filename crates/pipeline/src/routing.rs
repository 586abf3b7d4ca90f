//! Which table a topic's records go to.

use starrocks_kafka_connect::config::{ConfigProblem, ConfigValue};
use std::collections::HashMap;
use std::sync::Arc;

/// A table that rows go to, as an index into the connector's list of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

/// The property that maps topics to tables.
pub const TOPIC2TABLE_MAP: &str = "starrocks.topic2table.map";

/// Topics that go to a table of another name: `topic:table,…`. Topics outside the map go to the table of
/// their own name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicMap {
    tables: HashMap<Arc<str>, Arc<str>>,
}

impl TopicMap {
    /// Reads the map. Blanks around names do not count, nor do commas and colons at the end; of nothing but
    /// commas it is empty, as in Java.
    ///
    /// # Errors
    /// A pair that is none, a table's name that StarRocks' connector refuses, a topic that stands there
    /// twice. (Of a malformed pair the Java connector makes a map that is switched off, in silence.)
    pub fn parse(text: &str) -> Result<Self, ConfigProblem> {
        Self::read(text).map_err(|reason| ConfigProblem::invalid(TOPIC2TABLE_MAP, text, &reason))
    }

    /// The rule of [`parse`](Self::parse) for a table of properties.
    ///
    /// # Errors
    /// The reason, without name and value.
    pub fn check(value: &ConfigValue) -> Result<(), String> {
        match value {
            ConfigValue::String(text) => Self::read(text).map(drop),
            _ => Ok(()),
        }
    }

    /// The table that records of this topic go to.
    #[must_use]
    pub fn table_of<'t>(&'t self, topic: &'t str) -> &'t str {
        self.tables.get(topic).map_or(topic, |table| &**table)
    }

    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("String must be non-empty".to_owned());
        }
        let mut map = Self::default();
        let pairs = text.trim_end_matches(',');
        if pairs.is_empty() {
            return Ok(map);
        }
        for pair in pairs.split(',') {
            let malformed = || {
                format!(
                    "'{pair}' is no pair; write topic:table, several of them with commas between"
                )
            };
            let (topic, table) = pair
                .trim_end_matches(':')
                .split_once(':')
                .ok_or_else(malformed)?;
            let (topic, table) = (trim(topic), trim(table));
            if topic.is_empty() || table.is_empty() || table.contains(':') {
                return Err(malformed());
            }
            if !is_table_name(table) {
                return Err(format!(
                    "'{table}' is no table name; use ASCII letters, digits, '_' and '$', and begin with a \
                     letter or '_'"
                ));
            }
            if map.tables.insert(topic.into(), table.into()).is_some() {
                return Err(format!("topic '{topic}' stands there twice"));
            }
        }
        Ok(map)
    }
}

/// Java's `String.trim`: what is not above a space goes, and no other blanks.
fn trim(name: &str) -> &str {
    name.trim_matches(|c| c <= ' ')
}

/// As the Java connector has it, up to three names with dots between; a name may also be one letter.
fn is_table_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'))
    };
    name.split('.').count() <= 3 && name.split('.').all(is_part)
}

/// Tables by topic; gives each table a number when it is first met.
#[derive(Debug)]
pub struct Routing {
    map: TopicMap,
    names: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, TableId>,
    by_topic: HashMap<Arc<str>, TableId>,
    /// The topic asked for last: polls bring records of one topic in a row.
    last: Option<(Arc<str>, TableId)>,
}

impl Routing {
    /// Routing by a map.
    #[must_use]
    pub fn new(map: TopicMap) -> Self {
        Self {
            map,
            names: Vec::new(),
            by_name: HashMap::new(),
            by_topic: HashMap::new(),
            last: None,
        }
    }

    /// The table that records of this topic go to.
    ///
    /// # Panics
    /// With 2³² tables.
    pub fn table_of(&mut self, topic: &str) -> TableId {
        if let Some((last, table)) = &self.last
            && last.as_ref() == topic
        {
            return *table;
        }
        let (topic, table) = match self.by_topic.get_key_value(topic) {
            Some((topic, table)) => (topic.clone(), *table),
            None => self.intern(topic),
        };
        self.last = Some((topic, table));
        table
    }

    fn intern(&mut self, topic: &str) -> (Arc<str>, TableId) {
        let topic: Arc<str> = topic.into();
        let name = self.map.tables.get(&topic).unwrap_or(&topic).clone();
        let table = self.table(&name);
        self.by_topic.insert(topic.clone(), table);
        (topic, table)
    }

    /// The table of this name, whatever topics go to it.
    ///
    /// # Panics
    /// With 2³² tables.
    pub fn table(&mut self, name: &Arc<str>) -> TableId {
        if let Some(table) = self.by_name.get(name) {
            return *table;
        }
        let table = TableId(u32::try_from(self.names.len()).expect("tables are fewer than 2^32"));
        self.names.push(Arc::clone(name));
        self.by_name.insert(Arc::clone(name), table);
        table
    }

    /// The name of a table that [`table_of`](Self::table_of) gave.
    ///
    /// # Panics
    /// For a number that it did not give.
    #[must_use]
    pub fn table_name(&self, table: TableId) -> &Arc<str> {
        &self.names[table.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read_as_users_write_them() {
        fn check(text: &str, expect: Result<&[(&str, &str)], &str>) {
            match (TopicMap::parse(text), expect) {
                (Ok(map), Ok(pairs)) => {
                    let pairs = pairs.iter().map(|&(a, b)| (a.into(), b.into())).collect();
                    assert_eq!(map.tables, pairs, "{text}");
                }
                (Err(problem), Err(reason)) => {
                    assert!(problem.message.contains(reason), "{text}: {problem}");
                }
                (got, expect) => panic!("{text}: {got:?} instead of {expect:?}"),
            }
        }
        check("a:t", Ok(&[("a", "t")]));
        check(" a : t1 , b : t2 ", Ok(&[("a", "t1"), ("b", "t2")]));
        check("a:t1,", Ok(&[("a", "t1")]));
        check("a:t1::,,", Ok(&[("a", "t1")]));
        check(
            "srv.shop.orders:orders,x-y_z:_t$1",
            Ok(&[("srv.shop.orders", "orders"), ("x-y_z", "_t$1")]),
        );
        check("a:t1,b:t1", Ok(&[("a", "t1"), ("b", "t1")]));
        check("a:db.t1", Ok(&[("a", "db.t1")]));
        check("\ta\u{1}:t1\n", Ok(&[("a", "t1")]));
        check(",,", Ok(&[]));
        check("", Err("String must be non-empty"));
        for text in [
            " ",
            " ,",
            ",a:t1",
            ":",
            "a",
            ":t1",
            "a:",
            "a:t1:x",
            "a:t1,,b:t2",
            "a:t1,b",
            "a : ",
            "a;t1",
            "a:t1;b:t2",
            "a:t1\nb:t2",
        ] {
            check(text, Err("is no "));
        }
        check("a:t1,a:t1", Err("topic 'a' stands there twice"));
        for table in [
            "t1\u{a0}",
            "t-1",
            "1x",
            "ä1",
            "a1.b1.c1.d1",
            "t1.",
            ".t1",
            "a b",
        ] {
            check(&format!("a:{table}"), Err("is no table name"));
        }
    }

    #[test]
    fn the_rule_for_tables_of_properties_is_the_same() {
        assert!(TopicMap::check(&ConfigValue::Null).is_ok());
        assert!(TopicMap::check(&ConfigValue::String("a:t".to_owned())).is_ok());
        assert!(TopicMap::check(&ConfigValue::String("a".to_owned())).is_err());
    }

    #[test]
    fn tables_are_numbered_as_they_are_met() {
        let map = TopicMap::parse("a:t1,b:t1,c:d").expect("a map");
        let mut routing = Routing::new(map);
        let topics = ["a", "d", "c", "b", "A", "a"];
        let ids: Vec<u32> = topics
            .iter()
            .map(|topic| routing.table_of(topic).0)
            .collect();
        assert_eq!(ids, [0, 1, 1, 0, 2, 0]);
        let names: Vec<&str> = (0..3)
            .map(|id| routing.table_name(TableId(id)).as_ref())
            .collect();
        assert_eq!(names, ["t1", "d", "A"]);
    }
}
