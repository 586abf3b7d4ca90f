use super::*;
use crate::config::Given;

fn schema(kind: SchemaType) -> Arc<Schema> {
    Schema::of(kind)
}

fn optional(kind: SchemaType) -> Arc<Schema> {
    Arc::new(Schema::new(kind).optional())
}

fn structure(name: &str, fields: &[(&str, &Arc<Schema>)], is_optional: bool) -> Arc<Schema> {
    let fields = fields.iter();
    let fields = fields.map(|(name, schema)| fields::field(name, Arc::clone(schema)));
    let mut made = Schema::structure(fields.collect()).expect("names differ");
    if !name.is_empty() {
        made = made.named(name);
    }
    made.optional = is_optional;
    Arc::new(made)
}

fn of(schema: &Arc<Schema>, values: Vec<Value<'static>>) -> Value<'static> {
    Value::Struct(Struct::new(Arc::clone(schema), values))
}

fn text(text: &'static str) -> Value<'static> {
    Value::String(text.into())
}

/// What a test says of an event: its operation, and the names in its images.
#[derive(Clone, Copy)]
struct Event {
    op: &'static str,
    before: Option<&'static str>,
    after: Option<&'static str>,
}

const CREATE: Event = Event {
    op: "c",
    before: None,
    after: Some("new"),
};
const DELETE: Event = Event {
    op: "d",
    before: Some("old"),
    after: None,
};
const NO_ROW: Event = Event {
    op: "t",
    before: None,
    after: None,
};

fn event(Event { op, before, after }: Event) -> SchemaAndValue<'static> {
    let string = optional(SchemaType::String);
    let mut with_default = Schema::new(SchemaType::Int32).optional();
    with_default.default = Some(Value::Int32(7));
    let fields = [
        ("id", &schema(SchemaType::Int32)),
        ("name", &string),
        ("q", &Arc::new(with_default)),
    ];
    let row = structure("t.Value", &fields, true);
    let source = structure("t.Source", &[("table", &string)], false);
    let fields = [
        ("before", &row),
        ("after", &row),
        ("source", &source),
        ("op", &schema(SchemaType::String)),
        ("extra", &string),
        ("transaction", &structure("", &[("id", &string)], true)),
    ];
    let envelope = structure("t.Envelope", &fields, false);
    let image = |name: Option<&'static str>| {
        name.map_or(Value::Null, |name| {
            of(&row, vec![Value::Int32(1), text(name), Value::Null])
        })
    };
    let values = vec![
        image(before),
        image(after),
        of(&source, vec![text("orders")]),
        text(op),
        text("more"),
        Value::Null,
    ];
    let value = of(&envelope, values);
    SchemaAndValue::new(envelope, value)
}

fn tombstone() -> SchemaAndValue<'static> {
    SchemaAndValue::schemaless(Value::Null)
}

fn record(
    value: SchemaAndValue<'static>,
    headers: &[(&'static str, Value<'static>)],
) -> Record<'static> {
    let key = structure(
        "",
        &[
            ("id", &schema(SchemaType::Int32)),
            ("name", &optional(SchemaType::String)),
        ],
        false,
    );
    let key_value = of(&key, vec![Value::Int32(1), text("k")]);
    let headers = headers.iter().cloned();
    Record {
        topic: "t".into(),
        partition: 0,
        offset: 0,
        timestamp_ms: None,
        key: SchemaAndValue::new(key, key_value),
        value,
        headers: headers
            .map(|(name, value)| (name.into(), SchemaAndValue::schemaless(value)))
            .collect(),
    }
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => text.to_string(),
        Value::Int32(number) => number.to_string(),
        Value::Struct(structure) => {
            let fields = structure.schema().fields().iter().zip(structure.values());
            let fields = fields.map(|(field, value)| format!("{}={}", field.name, shown(value)));
            fields.collect::<Vec<_>>().join(",")
        }
        other => format!("{other:?}"),
    }
}

/// What becomes of a record: `topic: value`, then the headers that are new; or the class of its error.
fn outcome(
    settings: &[(&str, &str)],
    value: SchemaAndValue<'static>,
    headers: &[(&'static str, Value<'static>)],
) -> String {
    let given = settings.iter();
    let given: Given = given
        .map(|&(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let mut transform = ExtractNewRecordState::new(&given).expect("it is valid");
    let mut record = record(value, headers);
    match transform.apply(&mut record) {
        Err(error) => error
            .class
            .java_name()
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned(),
        Ok(false) => "dropped".to_owned(),
        Ok(true) => {
            let mut outcome = format!("{}: {}", record.topic, shown(&record.value.value));
            for (name, header) in &record.headers[headers.len()..] {
                outcome.push_str(&format!(" [{name} {}]", shown(&header.value)));
            }
            outcome
        }
    }
}

const REWRITE: (&str, &str) = ("delete.handling.mode", "rewrite");
const NONE: (&str, &str) = ("delete.handling.mode", "none");

#[test]
fn rows_take_the_place_of_their_envelopes() {
    let check = |settings: &[(&str, &str)], value: Event, expect: &str| {
        assert_eq!(outcome(settings, event(value), &[]), expect, "{settings:?}");
    };
    check(&[], CREATE, "t: id=1,name=new,q=null");
    check(&[], DELETE, "dropped");
    check(&[], NO_ROW, "dropped");
    check(&[NONE], DELETE, "t: null");
    check(&[NONE], NO_ROW, "dropped");
    // Only the images tell what an event is.
    check(&[], Event { op: "t", ..CREATE }, "t: id=1,name=new,q=null");
    check(&[REWRITE], CREATE, "t: id=1,name=new,q=7,__deleted=false");
    check(&[REWRITE], DELETE, "t: id=1,name=old,q=7,__deleted=true");
    check(
        &[REWRITE, ("replace.null.with.default", "false")],
        CREATE,
        "t: id=1,name=new,q=null,__deleted=false",
    );
    check(
        &[
            REWRITE,
            ("add.fields", "op,table:TBL"),
            ("add.fields.prefix", " "),
        ],
        DELETE,
        "t: id=1,name=old,q=7,__deleted=true, op=d, TBL=orders",
    );
    check(
        &[("route.by.field", "name")],
        CREATE,
        "new: id=1,name=new,q=null",
    );
    check(&[("route.by.field", "name"), NONE], DELETE, "old: null");
    check(
        &[("route.by.field", "name")],
        Event {
            after: Some(" "),
            ..CREATE
        },
        "t: id=1,name= ,q=null",
    );
    check(&[("route.by.field", "id")], CREATE, "DataException");
    check(&[("route.by.field", "q")], CREATE, "DataException");
}

#[test]
fn fields_of_the_envelope_are_added() {
    let check = |fields: &str, value: Event, expect: &str| {
        let settings = [("add.fields", fields)];
        assert_eq!(outcome(&settings, event(value), &[]), expect, "{fields}");
    };
    let row = "t: id=1,name=new,q=null";
    check(
        "source.table",
        CREATE,
        &format!("{row},__source_table=orders"),
    );
    check("after.name", CREATE, &format!("{row},__after_name=new"));
    check("before.name", CREATE, &format!("{row},__before_name=null"));
    // What the struct lacks may be one of the envelope's own fields.
    check("extra", CREATE, &format!("{row},__extra=more"));
    check("source.op", CREATE, &format!("{row},__source_op=c"));
    check(
        "transaction.op",
        CREATE,
        &format!("{row},__transaction_op=null"),
    );
    check("nope,,", CREATE, row);
    check("before", CREATE, &format!("{row},__before=null"));
    check("source", CREATE, "DataException");
    check("op.x", CREATE, "DataException");
    check("nope.x", CREATE, "NullPointerException");
    check("op,op", CREATE, "SchemaBuilderException");
    // What is dropped anyway fails for no field.
    check("source", DELETE, "dropped");
    check("nope.x", NO_ROW, "dropped");
}

#[test]
fn fields_of_the_envelope_become_headers() {
    let check = |fields: &str, value: SchemaAndValue<'static>, expect: &str| {
        let settings = [("add.headers", fields), ("drop.tombstones", "false")];
        assert_eq!(outcome(&settings, value, &[]), expect, "{fields}");
    };
    let row = "t: id=1,name=new,q=null";
    check(
        "op,nope,table",
        event(CREATE),
        &format!("{row} [__op c] [__table orders]"),
    );
    check(
        "source",
        event(CREATE),
        &format!("{row} [__source table=orders]"),
    );
    check("nope.x", event(DELETE), "NullPointerException");
    check(
        "table,op,source.op",
        tombstone(),
        "t: null [__op d] [__source_op d]",
    );
    let named = Arc::new(Schema::new(SchemaType::String).named("t.Envelope"));
    check(
        "op",
        SchemaAndValue::new(named, text("x")),
        "ClassCastException",
    );
}

#[test]
fn a_header_lists_fields_to_leave_out() {
    let list = |names: &[&'static str]| Value::Array(names.iter().copied().map(text).collect());
    let check = |settings: &[(&str, &str)], header: Value<'static>, value: Event, expect: &str| {
        let mut all = vec![("drop.fields.header.name", "drop")];
        all.extend_from_slice(settings);
        let headers = [("drop", header), ("drop", list(&["q"]))];
        assert_eq!(
            outcome(&all, event(value), &headers),
            expect,
            "{settings:?}"
        );
    };
    let any = ("drop.fields.keep.schema.compatible", "false");
    let both = || list(&["id", "name"]);
    check(&[], both(), CREATE, "t: id=1,q=7");
    check(&[any], both(), CREATE, "t: q=7");
    check(&[any], list(&[" id ,q"]), CREATE, "t: name=new");
    check(&[], list(&["nope"]), CREATE, "t: id=1,name=new,q=null");
    check(&[], Value::Null, CREATE, "t: id=1,name=new,q=null");
    check(&[], text("name"), CREATE, "ClassCastException");
    // Of rows that are deleted fields are left out before others are added, of the others behind that.
    let added = [REWRITE, ("add.fields", "op")];
    let names = || list(&["__op", "__deleted", "name"]);
    check(&added, names(), CREATE, "t: id=1,q=7");
    check(&added, names(), DELETE, "t: id=1,q=7,__op=d");
}

#[test]
fn a_header_lists_fields_to_leave_out_of_the_key() {
    let check = |is_compatible: &str, expect: &str| {
        let settings = [
            ("drop.fields.header.name", "drop"),
            ("drop.fields.from.key", "true"),
            ("drop.fields.keep.schema.compatible", is_compatible),
            NONE,
        ];
        let given = settings.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let mut transform = ExtractNewRecordState::new(&Given::from(given)).expect("it is valid");
        for value in [CREATE, CREATE, DELETE] {
            let names = Value::Array(vec![text("name"), text("id")]);
            let mut record = record(event(value), &[("drop", names)]);
            assert_eq!(transform.apply(&mut record), Ok(true));
            assert_eq!(shown(&record.key.value), expect);
        }
    };
    check("true", "id=1");
    check("false", "");
}

#[test]
fn envelopes_without_a_field_fail_where_it_is_needed() {
    let check = |names: &[&str], settings: &[(&str, &str)], expect: &str| {
        let row = structure("", &[("id", &schema(SchemaType::Int32))], true);
        let string = schema(SchemaType::String);
        let fields = names.iter().map(|&name| match name {
            "op" => (name, &string),
            name => (name, &row),
        });
        let envelope = structure("a.Envelope", &fields.collect::<Vec<_>>(), false);
        let values = names.iter().map(|&name| match name {
            "op" => text("c"),
            "before" => of(&row, vec![Value::Int32(1)]),
            "after" if names.contains(&"before") => Value::Null,
            _ => of(&row, vec![Value::Int32(2)]),
        });
        let value = of(&envelope, values.collect());
        let value = SchemaAndValue::new(envelope, value);
        assert_eq!(
            outcome(settings, value, &[]),
            expect,
            "{names:?} {settings:?}"
        );
    };
    check(&["id"], &[], "IllegalArgumentException");
    check(&["after"], &[], "DataException");
    check(&["op", "after"], &[], "t: id=2");
    check(&["before", "after"], &[], "dropped");
    check(&["before", "after"], &[NONE], "t: null");
    check(&["before", "after"], &[REWRITE], "DataException");
    check(
        &["op", "before", "after"],
        &[REWRITE],
        "t: id=1,__deleted=true",
    );
}

#[test]
fn other_records_stay_as_they_are() {
    let settings = [REWRITE, ("add.fields", "op"), ("add.headers", "op")];
    let check = |value: SchemaAndValue<'static>, expect: &str| {
        assert_eq!(outcome(&settings, value, &[]), expect);
    };
    check(SchemaAndValue::schemaless(text("x")), "t: x");
    let row = structure("t.Value", &[("id", &schema(SchemaType::Int32))], false);
    let value = of(&row, vec![Value::Int32(1)]);
    check(SchemaAndValue::new(row, value), "t: id=1");
    check(tombstone(), "dropped");
}
