use super::*;
use crate::data::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const PLAIN: Options = Options {
    enhanced_support: false,
    generalized_sum_types: false,
    int_for_enums: false,
    flatten_unions: false,
    index_for_unions: true,
    wrapper_for_raw_primitives: true,
    wrapper_for_nullables: false,
    optional_for_nullables: false,
    optional_for_proto2: true,
    struct_for_nulls: false,
};

fn plan(text: &str) -> Result<Plan, DataError> {
    let writer = RegisteredSchema {
        format: SchemaFormat::Protobuf,
        text: text.to_owned(),
        references: Vec::new(),
        reference_problem: None,
        read_rules: Vec::new(),
        registrations: None,
    };
    let schemas = Schemas {
        writer: &writer,
        reader: None,
        version: None,
    };
    Protobuf(PLAIN).plan(&schemas, &MessageIndexes::new())
}

/// A file with one message, M, as a serialized descriptor.
fn descriptor(syntax: &str) -> String {
    let mut bytes = b"\x0a\x01f\x22\x03\x0a\x01M\x62".to_vec();
    bytes.push(u8::try_from(syntax.len()).expect("a short word"));
    bytes.extend_from_slice(syntax.as_bytes());
    STANDARD.encode(bytes)
}

#[test]
fn a_descriptor_of_unknown_syntax_is_refused() {
    for known in ["proto2", "proto3"] {
        assert!(plan(&descriptor(known)).is_ok(), "{known}");
    }
    for unknown in ["editions", ""] {
        let error = plan(&descriptor(unknown)).expect_err(unknown);
        let expect = format!("its syntax is {unknown:?}");
        assert!(error.message.contains(&expect), "{error}");
    }
}

/// The value of a field of a struct.
fn field<'v>(value: &'v Value<'v>, name: &str) -> &'v Value<'v> {
    let Value::Struct(structure) = value else {
        panic!("no struct but {value:?}");
    };
    let fields = structure.schema().fields().iter().zip(structure.values());
    let mut named = fields.filter(|(field, _)| *field.name == *name);
    named.next().expect(name).1
}

const ONEOF: &str = r#"syntax = "proto3";
message M { oneof o { M a = 1; int32 b = 2; M c = 3; } M other = 4; int32 number = 5; }"#;

#[test]
fn of_a_oneof_the_parts_of_its_last_member_are_merged() {
    let plan = plan(ONEOF).expect("a schema");
    let check = |bytes: &[u8], member: &str, number: Option<i32>| {
        let decoded = Protobuf::decode(&plan, bytes).expect("a message").value;
        let value = field(field(&decoded, "o_0"), member);
        match number {
            Some(number) => assert_eq!(*field(value, "number"), Value::Int32(number), "{bytes:?}"),
            None => assert!(value.is_null(), "{bytes:?}: {value:?}"),
        }
    };
    let (a5, a_of_other, b, c5) = (
        b"\x0a\x02\x28\x05",
        b"\x0a\x02\x22\x00",
        b"\x10\x01",
        b"\x1a\x02\x28\x05",
    );
    check(&[&a5[..], a_of_other].concat(), "a", Some(5));
    check(&[&a5[..], b, a_of_other].concat(), "a", Some(0));
    check(&[&a5[..], c5, a_of_other].concat(), "a", Some(0));
    check(&[&a5[..], c5].concat(), "a", None);
    check(&[&a5[..], c5].concat(), "c", Some(5));
    check(&[&a5[..], b].concat(), "a", None);
}

#[test]
fn members_of_a_oneof_may_come_as_often_as_there_are_bytes() {
    let plan = plan(ONEOF).expect("a schema");
    // A message beside the oneof, and three members of it in turn: what looked at all before each would never end.
    let bytes = b"\x22\x00\x0a\x00\x10\x01\x1a\x00".repeat(200_000);
    let decoded = Protobuf::decode(&plan, &bytes).expect("a message").value;
    let oneof = field(&decoded, "o_0");
    assert!(field(oneof, "a").is_null());
    assert!(!field(oneof, "c").is_null());
}

#[test]
fn fields_are_counted_in_each_place_of_their_message() {
    let fields = |of: &str| -> String {
        (1..=1000)
            .map(|number| format!("{of} f{number} = {number};"))
            .collect()
    };
    let (wide, many) = (fields("int32"), fields("Wide"));
    let text = format!(r#"syntax = "proto3"; message M {{ {many} }} message Wide {{ {wide} }}"#);
    let error = plan(&text).expect_err("too many");
    assert!(error.message.contains("Written out"), "{error}");
}
