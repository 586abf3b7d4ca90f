//! What the producers write, read by independent libraries.

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MapKey, MessageDescriptor, ReflectMessage as _, Value as Proto,
};
use serde_json::{Map, Number, Value as Json};
use starrocks_kafka_testbed::produce::{Format, Frame, Orders, Producer, Shape};
use starrocks_kafka_testbed::schema_registry::{Options, SchemaRegistry};

/// Enough that every symbol, every length of a list and every null comes.
const ORDERS: u64 = 300;

const ALL: [Orders; 4] = [
    Orders::first(Shape::Flat),
    Orders::second(Shape::Flat),
    Orders::first(Shape::Nested),
    Orders::second(Shape::Nested),
];

fn written(format: Format, orders: Orders, number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    format.write(orders.record(), &orders.datum(number), &mut out);
    out
}

fn json(orders: Orders, number: u64) -> Json {
    serde_json::from_slice(&written(Format::Json, orders, number)).expect("it is JSON")
}

fn text(format: Format, orders: Orders) -> String {
    format
        .schema(orders.record())
        .expect("it has a schema")
        .schema
}

fn from_avro(value: &Avro) -> Json {
    match value {
        Avro::Null => Json::Null,
        Avro::Boolean(value) => (*value).into(),
        Avro::Int(value) => (*value).into(),
        Avro::Long(value) => (*value).into(),
        Avro::Double(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Avro::String(text) | Avro::Enum(_, text) => text.as_str().into(),
        Avro::Union(_, value) => from_avro(value),
        Avro::Array(list) => list.iter().map(from_avro).collect(),
        Avro::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), from_avro(value)))
            .collect(),
        Avro::Record(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), from_avro(value)))
            .collect(),
        other => panic!("{other:?} was not written"),
    }
}

fn from_proto(value: &Proto, of: Option<prost_reflect::EnumDescriptor>) -> Json {
    match value {
        Proto::Bool(value) => (*value).into(),
        Proto::I32(value) => (*value).into(),
        Proto::I64(value) => (*value).into(),
        Proto::F64(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Proto::String(text) => text.as_str().into(),
        Proto::EnumNumber(number) => {
            let symbol = of
                .and_then(|of| of.get_value(*number))
                .expect("a symbol of the enum");
            symbol.name().into()
        }
        Proto::List(list) => list
            .iter()
            .map(|value| from_proto(value, of.clone()))
            .collect(),
        Proto::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| match key {
                MapKey::String(key) => (key.clone(), from_proto(value, None)),
                other => panic!("{other:?} was not written"),
            });
            entries.collect()
        }
        Proto::Message(message) => from_message(message),
        other => panic!("{other:?} was not written"),
    }
}

fn from_message(message: &DynamicMessage) -> Json {
    assert_eq!(
        message.unknown_fields().count(),
        0,
        "every field is declared"
    );
    let mut out = Map::new();
    for field in message.descriptor().fields() {
        let absent = field.supports_presence() && !message.has_field(&field);
        let value = if absent {
            Json::Null
        } else {
            from_proto(&message.get_field(&field), field.kind().as_enum().cloned())
        };
        out.insert(field.name().to_owned(), value);
    }
    Json::Object(out)
}

/// The first message of a file, compiled.
fn message(proto: &str) -> MessageDescriptor {
    struct One(String);
    impl protox::file::FileResolver for One {
        fn open_file(&self, name: &str) -> Result<protox::file::File, protox::Error> {
            protox::file::File::from_source(name, &self.0)
        }
    }
    let mut compiler = protox::Compiler::with_file_resolver(One(proto.to_owned()));
    compiler
        .open_file("order.proto")
        .unwrap_or_else(|error| panic!("{error}\n{proto}"));
    let pool: DescriptorPool = compiler.descriptor_pool();
    let file = pool
        .get_file_by_name("order.proto")
        .expect("it was compiled");
    file.messages().next().expect("it has messages")
}

#[test]
fn avro_is_read_by_apache_avro() {
    for orders in ALL {
        let schema = text(Format::Avro, orders);
        let schema =
            apache_avro::Schema::parse_str(&schema).unwrap_or_else(|e| panic!("{e}\n{schema}"));
        let reader = GenericDatumReader::builder(&schema)
            .build()
            .expect("names are declared");
        for number in 0..ORDERS {
            let bytes = written(Format::Avro, orders, number);
            let mut rest = bytes.as_slice();
            let value = reader.read_value(&mut rest).expect("it is Avro");
            assert_eq!(
                from_avro(&value),
                json(orders, number),
                "{orders:?} {number}"
            );
            assert!(rest.is_empty(), "{orders:?} {number}");
        }
    }
}

#[test]
fn protobuf_is_read_by_prost_reflect() {
    for orders in ALL {
        let message = message(&text(Format::Protobuf, orders));
        for number in 0..ORDERS {
            let bytes = written(Format::Protobuf, orders, number);
            let read =
                DynamicMessage::decode(message.clone(), bytes.as_slice()).expect("it is Protobuf");
            assert_eq!(
                from_message(&read),
                json(orders, number),
                "{orders:?} {number}"
            );
        }
    }
}

#[test]
fn json_has_the_properties_of_its_schema() {
    for orders in ALL {
        let schema: Json =
            serde_json::from_str(&text(Format::JsonSchema, orders)).expect("it is JSON");
        let properties = schema["properties"]
            .as_object()
            .expect("an object's schema");
        for number in 0..ORDERS {
            assert_eq!(
                written(Format::JsonSchema, orders, number),
                written(Format::Json, orders, number)
            );
            let order = json(orders, number);
            let names: Vec<_> = order.as_object().expect("an object").keys().collect();
            assert_eq!(names, properties.keys().collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_second_version_has_one_field_more() {
    for (shape, leaves) in [(Shape::Flat, 10), (Shape::Nested, 40)] {
        let (first, second) = (Orders::first(shape), Orders::second(shape));
        assert_eq!(
            (first.record().leaves(), second.record().leaves()),
            (leaves, leaves + 1)
        );
        for number in 0..ORDERS {
            let (old, mut new) = (json(first, number), json(second, number));
            let channel = new
                .as_object_mut()
                .and_then(|fields| fields.remove("channel"));
            assert!(channel.is_some_and(|channel| channel.is_string()));
            assert_eq!(old, new, "{shape:?} {number}");
            assert_eq!(old["id"], number);
        }
    }
}

#[test]
fn producers_register_their_schema_and_frame_their_records() {
    let registry = SchemaRegistry::start(Options::default()).expect("it starts");
    let orders = Orders::first(Shape::Flat);
    for format in Format::ALL {
        let subject = format!("{format:?}-value");
        let producer = Producer::register(&registry, &subject, format, orders.record())
            .expect("it is a schema");
        let (mut framed, mut frame) = (b"what stood there".to_vec(), Vec::new());
        producer.write(&orders.datum(7), &mut framed);
        match producer.registered() {
            None => assert_eq!(format, Format::Json),
            Some(registered) => {
                Frame::Id(registered.id).write(format, &mut frame);
                assert_eq!(
                    registry.latest(&subject).map(|(latest, _)| latest),
                    Some(registered)
                );
            }
        }
        assert_eq!(
            framed,
            [frame, written(format, orders, 7)].concat(),
            "{format:?}"
        );
    }
    assert!(registry.latest("Json-value").is_none());
    // The second version is another one of the same subject.
    let second = Orders::second(Shape::Flat).record();
    let evolved =
        Producer::register(&registry, "Avro-value", Format::Avro, second).expect("it is a schema");
    assert_eq!(
        evolved.registered().map(|registered| registered.version),
        Some(2)
    );
}
