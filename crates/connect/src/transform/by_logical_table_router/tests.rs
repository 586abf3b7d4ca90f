use super::*;

fn structure(name: &str, fields: &[(&str, SchemaType)]) -> Schema {
    let fields = fields.iter();
    let fields = fields.map(|(name, kind)| fields::field(name, Schema::of(kind.clone())));
    let made = Schema::structure(fields.collect()).expect("names differ");
    made.named(name)
}

fn record(key: SchemaAndValue<'static>, value: SchemaAndValue<'static>) -> Record<'static> {
    Record {
        topic: "s.orders_1".into(),
        partition: 0,
        offset: 0,
        timestamp_ms: None,
        key,
        value,
        headers: Vec::new(),
    }
}

fn key() -> SchemaAndValue<'static> {
    let schema = Arc::new(structure("s.orders_1.Key", &[("id", SchemaType::Int32)]).optional());
    let value = Value::Struct(Struct::new(Arc::clone(&schema), vec![Value::Int32(1)]));
    SchemaAndValue::new(schema, value)
}

fn nothing() -> SchemaAndValue<'static> {
    SchemaAndValue::schemaless(Value::Null)
}

fn router(settings: &[(&str, &str)]) -> Result<ByLogicalTableRouter, Vec<ConfigProblem>> {
    let mut given: Given = [("topic.regex", "(.*)_(.*)"), ("topic.replacement", "$1")]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .into();
    given.extend(
        settings
            .iter()
            .map(|&(name, text)| (name.to_owned(), text.to_owned())),
    );
    ByLogicalTableRouter::new(&given)
}

#[test]
fn settings_are_those_of_debezium() {
    let check =
        |settings: &[(&str, &str)], expect: Result<(), &str>| match (router(settings), expect) {
            (Ok(_), Ok(())) => {}
            (Err(problems), Err(part)) => {
                assert!(problems[0].message.contains(part), "{}", problems[0]);
            }
            (found, expect) => panic!("{settings:?}: {found:?}, not {expect:?}"),
        };
    check(&[], Ok(()));
    check(&[("schema.name.adjustment.mode", " AVRO ")], Ok(()));
    check(
        &[("schema.name.adjustment.mode", "x")],
        Err("must be one of"),
    );
    check(
        &[("logical.table.cache.size", "x")],
        Err("logical.table.cache.size"),
    );
    check(&[("topic.regex", "(")], Err("Invalid regex"));
    check(&[("topic.replacement", " ")], Err("topic.replacement"));
    check(&[("key.field.regex", "x")], Err("key.field.replacement"));
    check(&[("key.field.regex", " ")], Ok(()));
    check(&[("nonsense", "x")], Ok(()));
}

#[test]
fn records_get_the_logical_topic_and_a_key_that_tells_the_table() {
    let check = |settings: &[(&str, &str)], key: SchemaAndValue<'static>, expect: &str| {
        let mut router = router(settings).expect("it is valid");
        let mut record = record(key, nothing());
        let outcome = match router.apply(&mut record) {
            Err(error) => error.class.java_name().to_owned(),
            Ok(()) => match (&record.key.schema, &record.key.value) {
                (Some(schema), Value::Struct(key)) => {
                    let names = schema.fields().iter().map(|field| &*field.name);
                    let names: Vec<&str> = names.collect();
                    let last = key.values().last().expect("a field");
                    let (name, optional) = (schema.name().expect("a name"), schema.optional);
                    format!("{} {name} {names:?} {last:?} {optional}", record.topic)
                }
                (schema, value) => format!("{} {schema:?} {value:?}", record.topic),
            },
        };
        assert_eq!(outcome, expect, "{settings:?}");
    };
    check(
        &[],
        key(),
        r#"s.orders s.orders.Key ["id", "__dbz__physicalTableIdentifier"] String("s.orders_1") true"#,
    );
    check(
        &[
            ("key.enforce.uniqueness", "false"),
            ("topic.replacement", "9-ä"),
        ],
        key(),
        r#"9-ä 9-ä.Key ["id"] Int32(1) true"#,
    );
    check(
        &[
            ("key.field.name", "n"),
            ("key.field.regex", ".*_(.*)"),
            ("key.field.replacement", "$1"),
        ],
        key(),
        r#"s.orders s.orders.Key ["id", "n"] String("1") true"#,
    );
    check(
        &[
            ("key.field.regex", "x"),
            ("key.field.replacement", "y"),
            ("key.field.name", "n"),
        ],
        key(),
        r#"s.orders s.orders.Key ["id", "n"] String("s.orders_1") true"#,
    );
    check(
        &[("key.field.name", "id")],
        key(),
        "org.apache.kafka.connect.errors.SchemaBuilderException",
    );
    check(
        &[("topic.replacement", "$7")],
        key(),
        "java.lang.IndexOutOfBoundsException",
    );
    let of_text = SchemaAndValue::new(Schema::of(SchemaType::String), Value::String("k".into()));
    check(
        &[],
        of_text,
        "org.apache.kafka.connect.errors.DataException",
    );
    // No key has no schema either.
    let empty = SchemaAndValue::new(Schema::optional_string(), Value::Null);
    check(&[], empty, "s.orders None Null");
    check(
        &[("topic.replacement", "$2"), ("topic.regex", "(.*)_1(.*)")],
        nothing(),
        "s.orders_1 None Null",
    );
    check(
        &[("topic.regex", "orders")],
        nothing(),
        "s.orders_1 None Null",
    );
}

#[test]
fn envelopes_are_renamed_with_their_rows() {
    let check = |fields: &[(&str, SchemaType)], values: Vec<Value<'static>>, expect: &str| {
        let schema = Arc::new(structure("s.orders_1.Envelope", fields));
        let value = Value::Struct(Struct::new(Arc::clone(&schema), values));
        let mut record = record(nothing(), SchemaAndValue::new(schema, value));
        let mut router = router(&[]).expect("it is valid");
        let outcome = match router.apply(&mut record) {
            Err(error) => error.class.java_name().to_owned(),
            Ok(()) => {
                let schema = record.value.schema.expect("a schema");
                let Value::Struct(envelope) = record.value.value else {
                    panic!("it is a struct")
                };
                let rows = envelope.values().iter().filter_map(|value| match value {
                    Value::Struct(row) => row.schema().name(),
                    _ => None,
                });
                format!("{:?} {:?}", schema.name(), rows.collect::<Vec<_>>())
            }
        };
        assert_eq!(outcome, expect, "{fields:?}");
    };
    let row = Arc::new(structure("s.orders_1.Value", &[("id", SchemaType::Int32)]));
    let image = || Value::Struct(Struct::new(Arc::clone(&row), vec![Value::Int32(1)]));
    let images = [
        ("before", row.kind().clone()),
        ("after", row.kind().clone()),
    ];
    check(
        &images,
        vec![image(), image()],
        r#"Some("s.orders.Envelope") ["s.orders.Value", "s.orders.Value"]"#,
    );
    check(
        &images[1..],
        vec![image()],
        "java.lang.NullPointerException",
    );
    // As behind StarRocks' transform, where one of the images has a field more.
    let marked = [("id", SchemaType::Int32), ("__op", SchemaType::Int32)];
    let marked = Arc::new(structure("s.orders_1.Value", &marked));
    let values = vec![Value::Int32(1), Value::Int32(0)];
    let row = Value::Struct(Struct::new(Arc::clone(&marked), values));
    check(
        &[images[0].clone(), ("after", marked.kind().clone())],
        vec![image(), row],
        r#"Some("s.orders.Envelope") ["s.orders.Value", "s.orders.Value"]"#,
    );
    check(
        &[("before", SchemaType::Int32)],
        vec![Value::Int32(1)],
        "org.apache.kafka.connect.errors.DataException",
    );
}

#[test]
fn names_become_names_of_avro() {
    let check = |name: &str, avro: &str, unicode: &str| {
        assert_eq!(adjusted(name, false), avro);
        assert_eq!(adjusted(name, true), unicode);
    };
    check("a.b1.Key", "a.b1.Key", "a.b1.Key");
    check("a-b_c", "a_b_c", "a_u002db_u005fc");
    check("1a", "_1a", "_u0031a");
    check(".a", "_a", "_u002ea");
    check("aέ表😀", "a____", "a_u3ad_u8868_ud83d_ude00");
}

#[test]
fn the_replacement_of_the_key_s_field_matters_to_records_with_a_key() {
    let settings = [("key.field.regex", ".*"), ("key.field.replacement", "$7")];
    let check = |key: SchemaAndValue<'static>, expect: Result<(), ErrorClass>| {
        let mut router = router(&settings).expect("it is valid");
        let routed = router.apply(&mut record(key, nothing()));
        assert_eq!(routed.map_err(|error| error.class), expect);
    };
    check(nothing(), Ok(()));
    check(key(), Err(ErrorClass::IndexOutOfBounds));
}
