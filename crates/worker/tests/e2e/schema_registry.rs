//! Records with schemas of a Schema Registry: in Avro, in Protobuf and with JSON Schema.

use std::path::Path;
use std::time::Duration;

use starrocks_kafka_testbed::broker::Message;
use starrocks_kafka_testbed::produce::{
    Datum, Field, Format, Frame, Kind, Orders, Producer, Record, Shape,
};
use starrocks_kafka_testbed::schema_registry::{Access, Options, SchemaRegistry};
use starrocks_kafka_testbed::{StandInOptions, User};

use crate::process::Worker;
use crate::rig::Rig;

const FIRST: Orders = Orders::first(Shape::Flat);
const SECOND: Orders = Orders::second(Shape::Flat);

/// A key: what it is the key of.
static KEY: Record = Record {
    name: "Key",
    fields: &[Field::new("id", Kind::Long)],
};

const COLUMNS: &str = "id BIGINT NOT NULL, customer STRING, product STRING, quantity INT, price DOUBLE, paid BOOLEAN, \
     created BIGINT, status STRING, city STRING, note STRING, channel STRING";

const CONVERTERS: [(Format, &str); 3] = [
    (
        Format::JsonSchema,
        "io.confluent.connect.json.JsonSchemaConverter",
    ),
    (Format::Avro, "io.confluent.connect.avro.AvroConverter"),
    (
        Format::Protobuf,
        "io.confluent.connect.protobuf.ProtobufConverter",
    ),
];

fn registry() -> SchemaRegistry {
    SchemaRegistry::start(Options::default()).expect("a free port")
}

/// A topic whose records have schemas, and their producers.
struct Topic<'r> {
    rig: &'r Rig,
    name: String,
    key: Producer,
}

impl<'r> Topic<'r> {
    /// With a table of its name.
    fn new(rig: &'r Rig, registry: &SchemaRegistry, name: &str, db: &str, format: Format) -> Self {
        let ddl = format!(
            "CREATE TABLE {db}.`{name}` ({COLUMNS}) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)"
        );
        rig.standin.sql(&ddl).expect("a table that StarRocks takes");
        let key = Producer::register(registry, &format!("{name}-key"), format, &KEY);
        Self {
            rig,
            name: name.to_owned(),
            key: key.expect("a schema that the registry takes"),
        }
    }

    fn value(&self, registry: &SchemaRegistry, format: Format, orders: Orders) -> Producer {
        let subject = format!("{}-value", self.name);
        let producer = Producer::register(registry, &subject, format, orders.record());
        producer.expect("a schema that follows the one before")
    }

    /// Appends orders of these numbers.
    fn produce(
        &self,
        partition: i32,
        value: &Producer,
        orders: Orders,
        numbers: std::ops::Range<u64>,
    ) {
        let messages = numbers.map(|number| {
            let (mut key, mut bytes) = (Vec::new(), Vec::new());
            let id = Datum::Long(number.cast_signed());
            self.key.write(&Datum::Record(vec![id]), &mut key);
            value.write(&orders.datum(number), &mut bytes);
            Message::new(partition, bytes).with_key(key)
        });
        self.rig.broker().produce(&self.name, messages);
    }
}

/// A row as the stand-in shows it, of an order.
fn line(orders: Orders, number: u64) -> String {
    let Datum::Record(fields) = orders.datum(number) else {
        panic!("an order is a record")
    };
    let mut fields = fields;
    // What the first version does not have, StarRocks fills with its column's default: null.
    fields.resize(11, Datum::Null);
    let kinds = SECOND.record().fields;
    let texts = fields
        .iter()
        .zip(kinds)
        .map(|(datum, field)| match (datum, field.kind) {
            (Datum::Null, _) => "NULL".to_owned(),
            (Datum::Bool(truth), _) => u8::from(*truth).to_string(),
            (Datum::Int(number), _) => number.to_string(),
            (Datum::Long(number), _) => number.to_string(),
            (Datum::Double(number), _) => number.to_string(),
            (Datum::Text(text), _) => text.to_string(),
            (Datum::Symbol(number), Kind::Enum(_, symbols)) => {
                symbols[usize::from(*number)].to_owned()
            }
            other => panic!("no column is for {other:?}"),
        });
    texts.collect::<Vec<_>>().join("\t")
}

fn check_rows(rig: &Rig, table: &str, expect: &[String]) {
    let sql = format!("SELECT * FROM {table} ORDER BY id");
    let got = rig.standin.sql(&sql).expect("the table is there").lines();
    assert_eq!(got, expect);
}

/// The first example of the reference documentation, its hosts filled in.
fn example(url: &str, topic: &str, converter: &str) -> String {
    format!(
        "name=starrocks-kafka-connector\n\
         connector.class=com.starrocks.connector.kafka.StarRocksSinkConnector\n\
         topics={topic}\n\
         starrocks.http.url={url}\n\
         starrocks.username=root\n\
         starrocks.password=123456\n\
         starrocks.database.name=inventory\n\
         key.converter={converter}\n\
         value.converter={converter}\n"
    )
}

/// Its `bufferflush.intervalms` is five minutes, but a worker that stops brings home what it has read. So it is
/// started and stopped until all is there; how much of it comes each time is its own affair.
fn run_until_all_is_loaded(
    rig: &Rig,
    registry: &SchemaRegistry,
    files: [&Path; 2],
    table: &str,
    rows: usize,
) {
    let count = || {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let lines = rig.standin.sql(&sql).expect("the table is there").lines();
        lines[0].parse::<usize>().expect("a count is a number")
    };
    for _ in 0..20 {
        let asked = registry.total();
        let mut command = crate::process::binary();
        command.arg("standalone").args(files);
        let worker = Worker::spawn(command);
        // For keys and for values.
        rig.wait_until("the registry is asked", &worker, || {
            registry.total() >= asked + 2
        });
        std::thread::sleep(Duration::from_millis(200));
        let (status, log) = worker.terminate();
        assert!(status.success(), "{status}:\n{log}");
        let said = "it takes the worker's schema.registry.url";
        assert!(log.contains(said), "whose registry it is:\n{log}");
        if count() >= rows {
            return;
        }
    }
    panic!("{} of {rows} rows", count());
}

#[test]
fn the_first_example_of_the_documentation_runs() {
    let options = StandInOptions {
        users: vec![User::with_all("root", "123456")],
        ..StandInOptions::default()
    };
    let Some(rig) = Rig::with("documentation", options) else {
        return;
    };
    rig.standin
        .sql("CREATE DATABASE inventory")
        .expect("a new database");
    let registry = registry();
    let url = registry.url();
    for (format, converter) in CONVERTERS {
        let name = match format {
            // As printed.
            Format::JsonSchema => "dbserver1.inventory.customers".to_owned(),
            _ => rig.broker().unique_topic("documentation", 1),
        };
        if format == Format::JsonSchema {
            rig.broker().create_topic(&name, 1);
        }
        let topic = Topic::new(&rig, &registry, &name, "inventory", format);
        topic.produce(0, &topic.value(&registry, format, FIRST), FIRST, 0..300);
        let worker = rig.worker_file(&[("schema.registry.url", &url)]);
        let text = example(&rig.standin.http_url(), &name, converter);
        let connector = rig.file("connect-StarRocks-sink.properties", &text);
        let table = format!("inventory.`{name}`");
        run_until_all_is_loaded(&rig, &registry, [&worker, &connector], &table, 300);
        let expect: Vec<_> = (0..300).map(|number| line(FIRST, number)).collect();
        check_rows(&rig, &table, &expect);
    }
    rig.check_nothing_open();
}

/// Properties of a connector whose keys and values have this converter, with a registry for each.
fn converters<'p>(class: &'p str, url: &'p str) -> [(&'p str, &'p str); 4] {
    [
        ("key.converter", class),
        ("key.converter.schema.registry.url", url),
        ("value.converter", class),
        ("value.converter.schema.registry.url", url),
    ]
}

/// A second version comes in mid-topic, and at that moment nobody can tell what it is.
fn evolves_while_the_registry_is_away(format: Format, class: &str, name: &str) {
    let Some(rig) = Rig::new(name) else { return };
    let registry = registry();
    let url = registry.url();
    let topic = rig.broker().unique_topic(name, 2);
    let topic = Topic::new(&rig, &registry, &topic, "shop", format);
    let first = topic.value(&registry, format, FIRST);
    topic.produce(0, &first, FIRST, 0..200);
    topic.produce(1, &first, FIRST, 200..400);
    let worker = rig.start(&[rig.connector(name, &topic.name, &converters(class, &url))]);
    rig.wait_for_rows(&topic.name, 400, &worker);

    let second = topic.value(&registry, format, SECOND);
    registry.away().expect("its port is held");
    topic.produce(1, &second, SECOND, 400..500);
    worker.wait_for_log("retrying: read schema id ");
    let said = &worker.lines("retrying: read schema id ")[0];
    let id = second.registered().expect("it is registered").id;
    for part in [format!("schema id {id} "), url.clone()] {
        assert!(said.contains(&part), "{part} in {said}");
    }
    // The other partition goes on.
    topic.produce(0, &first, FIRST, 500..600);
    rig.wait_for_rows(&topic.name, 500, &worker);
    // What follows on the one that waits is not lost either, whatever it was written with.
    topic.produce(1, &first, FIRST, 600..700);
    registry.back().expect("its port is free");
    rig.wait_for_rows(&topic.name, 700, &worker);
    worker.wait_for_log("succeeded after retrying: read schema id ");
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");

    let orders = |number| {
        if (400..500).contains(&number) {
            SECOND
        } else {
            FIRST
        }
    };
    let expect: Vec<_> = (0..700)
        .map(|number| line(orders(number), number))
        .collect();
    check_rows(&rig, &format!("shop.`{}`", topic.name), &expect);
    rig.check_nothing_open();
    assert_eq!(rig.stored_offsets(name, &topic.name, 2), [300, 400]);
}

#[test]
fn avro_evolves_while_the_registry_is_away() {
    let (format, class) = CONVERTERS[1];
    evolves_while_the_registry_is_away(format, class, "avro-evolves");
}

#[test]
fn protobuf_evolves_while_the_registry_is_away() {
    let (format, class) = CONVERTERS[2];
    evolves_while_the_registry_is_away(format, class, "protobuf-evolves");
}

#[test]
fn json_schema_evolves_while_the_registry_is_away() {
    let (format, class) = CONVERTERS[0];
    evolves_while_the_registry_is_away(format, class, "json-schema-evolves");
}

#[test]
fn a_registry_that_is_away_at_the_start_is_waited_for() {
    let Some(rig) = Rig::new("registry_away") else {
        return;
    };
    let (format, class) = CONVERTERS[1];
    let registry = registry();
    let url = registry.url();
    let topic = rig.broker().unique_topic("registry-away", 1);
    let topic = Topic::new(&rig, &registry, &topic, "shop", format);
    topic.produce(0, &topic.value(&registry, format, FIRST), FIRST, 0..50);
    registry.away().expect("its port is held");
    let connector = rig.connector("registry_away", &topic.name, &converters(class, &url));
    let worker = rig.start(&[&connector]);
    worker.wait_for_log("retrying: read schema id ");
    // It can be stopped while it waits.
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    let worker = rig.start(&[&connector]);
    worker.wait_for_log("retrying: read schema id ");
    registry.back().expect("its port is free");
    rig.wait_for_rows(&topic.name, 50, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    let expect: Vec<_> = (0..50).map(|number| line(FIRST, number)).collect();
    check_rows(&rig, &format!("shop.`{}`", topic.name), &expect);
}

#[test]
fn an_id_that_the_registry_denies_fails_the_task_and_loses_nothing() {
    let Some(rig) = Rig::new("denied") else {
        return;
    };
    let (format, class) = CONVERTERS[1];
    let registry = registry();
    let url = registry.url();
    let topic = rig.broker().unique_topic("denied", 1);
    let topic = Topic::new(&rig, &registry, &topic, "shop", format);
    let value = topic.value(&registry, format, FIRST);
    topic.produce(0, &value, FIRST, 0..50);
    let unknown = {
        let mut bytes = Vec::new();
        Frame::Id(4711).write(format, &mut bytes);
        format.write(SECOND.record(), &SECOND.datum(50), &mut bytes);
        Message::new(0, bytes)
    };
    rig.broker().produce(&topic.name, [unknown]);
    topic.produce(0, &value, FIRST, 51..100);
    let connector = rig.connector("denied", &topic.name, &converters(class, &url));
    let worker = rig.start(&[&connector]);
    worker.wait_for_failure("denied");
    let said = &worker.lines("task FAILED")[0];
    let place = format!("record {}-0 at offset 50 cannot be loaded", topic.name);
    for part in [place.as_str(), "VALUE_CONVERTER", "schema id 4711", &url] {
        assert!(said.contains(part), "{part} in {said}");
    }
    // What came before it is there.
    assert_eq!(rig.rows(&topic.name), 50);
    drop(worker);

    let schema = format.schema(SECOND.record()).expect("Avro has schemas");
    registry.put(&format!("{}-value", topic.name), 2, 4711, schema);
    let worker = rig.start(&[&connector]);
    rig.wait_for_rows(&topic.name, 100, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
    let orders = |number| if number == 50 { SECOND } else { FIRST };
    let expect: Vec<_> = (0..100)
        .map(|number| line(orders(number), number))
        .collect();
    check_rows(&rig, &format!("shop.`{}`", topic.name), &expect);
}

#[test]
fn a_registry_that_refuses_the_login_is_said_at_once() {
    let Some(rig) = Rig::new("login") else { return };
    let (format, class) = CONVERTERS[0];
    let registry = registry();
    let url = registry.url();
    let topic = rig.broker().unique_topic("login", 1);
    let topic = Topic::new(&rig, &registry, &topic, "shop", format);
    topic.produce(0, &topic.value(&registry, format, FIRST), FIRST, 0..20);
    registry.set_access(Access::user("ada", "lovelace"));
    let connector = rig.connector("login", &topic.name, &converters(class, &url));
    let worker = rig.start(&[&connector]);
    worker.wait_for_failure("login");
    let said = &worker.lines("task FAILED")[0];
    for part in ["401", &url, "basic.auth.user.info"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    drop(worker);

    let mut extra = converters(class, &url).to_vec();
    extra.extend([
        ("key.converter.basic.auth.credentials.source", "USER_INFO"),
        ("key.converter.basic.auth.user.info", "ada:lovelace"),
        ("value.converter.basic.auth.credentials.source", "USER_INFO"),
        ("value.converter.basic.auth.user.info", "ada:lovelace"),
    ]);
    crate::process::keep_secret("ada:lovelace");
    let worker = rig.start(&[rig.connector("login", &topic.name, &extra)]);
    rig.wait_for_rows(&topic.name, 20, &worker);
    let (status, log) = worker.terminate();
    assert!(status.success(), "{status}:\n{log}");
}
