//! The pages of `docs/reference`, written from the tables that parse.
//!
//! `cargo xtask docs` runs the test below and tells it to write; otherwise it compares.

use std::fmt::Write as _;
use std::path::Path;

use starrocks_kafka_connect::config::{ConfigKey, DefaultValue};
use starrocks_kafka_connect::converter::{SETTINGS, class_names};
use starrocks_kafka_connect::transform::reference;
use starrocks_kafka_pipeline::encode::type_mapping;

use super::client_table::{CONSUMER, ClientProperty, Effect, PRODUCER, SHARED, Values};
use super::security_table::SECURITY;
use super::{connector_keys, worker_keys};

const WRITTEN_BY: &str = "<!-- Written by `cargo xtask docs` from the tables that the program parses with. Do not edit. -->\n\n";

fn configuration() -> String {
    let mut page = format!("# Configuration\n\n{WRITTEN_BY}");
    page.push_str(
        "A worker has one file of properties; each connector has one more, as properties or as JSON. Texts are \
         trimmed. Everything that is wrong is said at once, before any connection is made; nothing is replaced in \
         silence. A name that is not known is said, and refused where at most two letters differ from a known one. Names that \
         begin as converters' settings or load properties do are not judged: the former are ignored where the converter does not \
         know them, the latter are sent to StarRocks as they are.\n\n\
         Properties of Kafka's clients are on [a page of their own](kafka-client-properties.md), and so are \
         [those of converters](converters.md).\n\n",
    );
    page.push_str(&connector_keys::DEF.to_markdown());
    page.push_str(
        "\nBesides, for a connector: `key.converter.*`, `value.converter.*` and `header.converter.*` (settings of the converters), `sink.properties.*` (headers of \
         the load) and `sink.table.<table>.properties.*` (those of one table's; see [the guide](../guides/stream-load-properties.md)), \
         `consumer.override.*` and `producer.override.*` (Kafka's clients).\n\n",
    );
    page.push_str(&worker_keys::DEF.to_markdown());
    page.push_str(
        "\nBesides, for a worker: `key.converter.*`, `value.converter.*`, `consumer.*`, `producer.*`.\n\n",
    );
    page.push_str("## Accepted without effect\n\nSaid once at the start where they are set.\n\n");
    page.push_str("| why | properties |\n|---|---|\n");
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for (name, why) in worker_keys::WITHOUT_EFFECT
        .iter()
        .chain(connector_keys::WITHOUT_EFFECT)
    {
        let name = format!("`{name}{}`", if name.ends_with('.') { "*" } else { "" });
        match reasons.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, names)) => names.push(name),
            None => reasons.push((why, vec![name])),
        }
    }
    for (why, names) in reasons {
        let _ = writeln!(page, "| {}. | {} |", capital(why), names.join(", "));
    }
    page
}

fn converters() -> String {
    let mut page = format!("# Converters\n\n{WRITTEN_BY}");
    page.push_str(
        "`key.converter` and `value.converter` name a class, in a connector's file or, for connectors that name none, in the \
         worker's. Its settings are written with the same prefix in the same file: `value.converter.schemas.enable=false`. As in \
         Kafka Connect, the settings of one file never go with the class of the other. The classes, which may also be called by \
         their last names, with or without `Converter`:\n\n",
    );
    for class in class_names() {
        let _ = writeln!(page, "- `{class}`");
    }
    page.push_str(
        "\nSettings of a converter that stand in no table are ignored. Those of serializers are among them. `request.header.<name>` \
         is sent to the registry as a header. How to use a registry is in [the guide](../guides/schema-registry.md).\n",
    );
    for settings in SETTINGS {
        let _ = write!(page, "\n{}", settings.to_markdown());
    }
    page
}

fn transforms() -> String {
    let mut page = format!("# Transforms and predicates\n\n{WRITTEN_BY}");
    page.push_str(
        "Records go through the transforms that a connector names, in their order, between converters and rows:\n\n\
         ```properties\n\
         transforms=drop,route\n\
         transforms.drop.type=org.apache.kafka.connect.transforms.ReplaceField$Value\n\
         transforms.drop.exclude=secret\n\
         transforms.route.type=org.apache.kafka.connect.transforms.RegexRouter\n\
         transforms.route.regex=shop\\\\.(.*)\n\
         transforms.route.replacement=$1\n\
         transforms.route.predicate=ours\n\
         predicates=ours\n\
         predicates.ours.type=org.apache.kafka.connect.transforms.predicates.TopicNameMatches\n\
         predicates.ours.pattern=shop\\\\..*\n\
         ```\n\n\
         `transforms.<alias>.predicate` names a predicate that a record must fulfil, `transforms.<alias>.negate=true` must not. Kafka's \
         classes may be called by their last names where these have no `$`. Those of change events: [CDC](../guides/cdc.md).\n",
    );
    for (title, classes) in [
        ("Transforms", reference::TRANSFORMS),
        ("Predicates", reference::PREDICATES),
    ] {
        let _ = writeln!(page, "\n## {title}");
        for described in classes {
            let last = described.class.rsplit('.').next().unwrap_or_default();
            let sides = if described.has_sides {
                "$Key`, `$Value"
            } else {
                ""
            };
            let (class, does) = (described.class, described.does);
            let _ = write!(page, "\n### {last}\n\n`{class}{sides}`. {does}\n");
            let settings = described.settings.to_markdown();
            // Its title is ours: these settings have no groups.
            if let Some((_, table)) = settings.split_once('\n') {
                page.push_str(table);
            }
        }
    }
    page
}

fn type_mapping() -> String {
    let mut page = format!("# Types\n\n{WRITTEN_BY}");
    page.push_str(
        "What is written for a field of each type, as the value stands in a row of JSON, and without quotes in one of CSV: the values of the table are what the program \
         makes of one value of the type. A field is written for the column of its name where the columns of the table can be read \
         (GRANT SELECT) and the load properties are without `columns`, `jsonpaths` and `json_root`; else as StarRocks' Java \
         connector writes it, which is said once where it matters. Elements of arrays, entries of maps and fields of structs are written \
         for their types where those are told, which needs `starrocks.mysql.url`. What \
         StarRocks makes of a value, and whether a column takes it, is in its own documentation of types and of loading JSON.\n\n",
    );
    page.push_str(&type_mapping::markdown());
    page.push_str(
        "\nMoments (`org.apache.kafka.connect.data.Timestamp`, Avro's `timestamp-*`, `ZonedTimestamp`) are shown by the clocks of \
         `starrocks.time.zone`, here UTC; dates and local times stay as they are. With `time.precision.mode=connect` Debezium calls local \
         times `Timestamp` as well: leave the zone at UTC then. Bytes are written as `starrocks.binary.format` says, here `base64`; null in a \
         field that has a default as `starrocks.null.default` says.\n\n\
         A VARBINARY column takes the bytes of the text that it is given. Give it those of the field by a column mapping, with which \
         fields are written as by Java's connector:\n\n\
         ```properties\n\
         sink.properties.columns=id,encoded,raw=from_base64(encoded)\n\
         ```\n",
    );
    page
}

fn kafka_client_properties() -> String {
    let mut page = format!("# Kafka client properties\n\n{WRITTEN_BY}");
    page.push_str(
        "Java's names go in, librdkafka's come out. Written as `consumer.<name>` or `producer.<name>` in the worker's \
         file, as `consumer.override.<name>` or `producer.override.<name>` in a connector's, which wins. Without a prefix \
         only `bootstrap.servers` counts.\n\n\
         The default is what is sent where nothing is said: Java's, or Kafka Connect's, unless the row says otherwise. \
         A property that stands in no row is refused.\n\n\
         The producer that decides rounds speaks to the same cluster as the consumer. Where no `producer.` or \
         `producer.override.` property is about TLS or SASL it takes the consumer's, and where none says \
         `bootstrap.servers` the consumer's brokers: a file that secures `consumer.*` alone is complete. The readers of \
         offsets and topics are made as the consumer is. `security.protocol`, `sasl.*` and `ssl.*` without a prefix \
         do not reach connectors, as in Kafka Connect; a warning says so where the consumer is left without them.\n",
    );
    for (title, table) in [
        ("Both", SHARED),
        ("TLS and SASL, of both", SECURITY),
        ("Consumer", CONSUMER),
        ("Producer", PRODUCER),
    ] {
        let _ = write!(
            page,
            "\n## {title}\n\n| Java | default | allowed | librdkafka | remarks |\n|---|---|---|---|---|\n"
        );
        for property in table {
            row(&mut page, property);
        }
    }
    page.push_str(
        "\nAlways set, whatever is said: `enable.auto.commit=false` and `enable.auto.offset.store=false` for consumers, \
         `partitioner=murmur2_random` (Java's) for producers.\n",
    );
    page
}

fn row(page: &mut String, property: &ClientProperty) {
    let ConfigKey {
        name,
        default,
        validator,
        documentation,
        ..
    } = property.key;
    let code = |text: &str| {
        format!(
            "`{}`",
            text.replace("org.apache.kafka.clients.consumer.", "")
        )
    };
    let (librdkafka, remarks) = match property.effect {
        Effect::Sets(ours, values) => (code(ours), [how(values).as_str(), documentation].join(" ")),
        Effect::Secures(becomes) => (becomes.to_owned(), documentation.to_owned()),
        Effect::None(why) => ("no effect".to_owned(), format!("{}.", capital(why))),
        Effect::Only([], way_out) => ("refused".to_owned(), format!("{}.", capital(way_out))),
        Effect::Only(allowed, way_out) => {
            let allowed: Vec<String> = allowed
                .iter()
                .map(|text| {
                    if text.is_empty() {
                        "empty".into()
                    } else {
                        code(text)
                    }
                })
                .collect();
            (
                format!("only {}", allowed.join(", ")),
                format!("{}.", capital(way_out)),
            )
        }
    };
    let default = match default {
        DefaultValue::Text(text) => code(text),
        DefaultValue::Null | DefaultValue::Required => String::new(),
    };
    let _ = writeln!(
        page,
        "| `{name}` | {default} | {} | {librdkafka} | {} |",
        validator.allowed(),
        remarks.trim()
    );
}

fn how(values: Values) -> String {
    match values {
        Values::Same | Values::Lower | Values::Assignors => String::new(),
        Values::Words(words) => {
            let words: Vec<String> = words
                .iter()
                .map(|(java, ours)| format!("`{java}` becomes `{ours}`."))
                .collect();
            words.join(" ")
        }
        Values::NegativeIsZero => "A negative number becomes 0.".to_owned(),
        Values::Kibibytes => "Divided by 1024.".to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[test]
fn pages_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let pages = [
        ("configuration.md", configuration()),
        ("converters.md", converters()),
        ("kafka-client-properties.md", kafka_client_properties()),
        ("transforms.md", transforms()),
        ("type-mapping.md", type_mapping()),
    ];
    let write = std::env::var_os("STARROCKS_KAFKA_WRITE_DOCS").is_some();
    for (name, page) in pages {
        let path = folder.join(name);
        if write {
            std::fs::create_dir_all(&folder).expect("docs/reference can be made");
            std::fs::write(&path, &page).expect("docs/reference can be written");
        }
        let stands = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stands == page,
            "docs/reference/{name} is stale: run `cargo xtask docs` and commit it"
        );
    }
}
