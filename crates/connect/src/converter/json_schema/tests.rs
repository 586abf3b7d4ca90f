use super::*;
use std::fmt::Write as _;

const PLAIN: Options = Options {
    optional_for_nonrequired: false,
    generalized_sum_types: false,
    flatten_singleton_unions: true,
    ignore_modern_dialects: false,
    validates: false,
};

fn plan(text: &str) -> Result<Plan, DataError> {
    let writer = RegisteredSchema {
        format: SchemaFormat::Json,
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
    JsonSchema(PLAIN).plan(&schemas, &MessageIndexes::new())
}

#[test]
fn parts_of_all_of_are_counted_in_each_place() {
    // Each definition is the next one twice.
    let mut definitions = String::new();
    for level in 0..40 {
        let next = level + 1;
        let next = format!(r##"{{"$ref":"#/definitions/{next}"}}"##);
        let _ = write!(definitions, r#""{level}":{{"allOf":[{next},{next}]}},"#);
    }
    let text = format!(
        r##"{{"allOf":[{{"$ref":"#/definitions/0"}}],"definitions":{{{definitions}"40":{{"type":"string"}}}}}}"##
    );
    let error = plan(&text).expect_err("too many");
    assert!(error.message.contains("Written out"), "{error}");
}
