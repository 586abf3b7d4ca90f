use starrocks_kafka_connect::converter::{ConverterConfig, PlainConverter};
use starrocks_kafka_connect::data::{Field, SchemaAndValue, Struct};

use super::*;

fn format() -> CsvFormat {
    CsvFormat {
        column_separator: b",".to_vec(),
        row_delimiter: b"\n".to_vec(),
        quotes: Vec::new(),
        columns: None,
    }
}

fn known(columns: &str) -> Order {
    let names: Vec<_> = columns.split(',').map(str::to_owned).collect();
    Order::named(&names)
}

/// The row of a JSON message, with or without a schema, or why there is none.
fn row(json: &str, format: &CsvFormat, order: &Order) -> Result<String, String> {
    let has_schema = json.starts_with("{\"schema\"");
    let config = ConverterConfig {
        property: "value.converter".to_owned(),
        class: "JsonConverter".to_owned(),
        settings: [("schemas.enable".to_owned(), has_schema.to_string())].into(),
    };
    let mut converter = PlainConverter::new(&config).expect("valid settings");
    let converted = converter.convert(Some(json.as_bytes())).expect("JSON");
    let mut out = Vec::new();
    match write(
        &mut out,
        (converted.schema.as_ref(), &converted.value),
        format,
        order,
        &[],
        &RowStyle::default(),
    ) {
        Ok(()) => Ok(String::from_utf8(out).expect("UTF-8")),
        Err(error) => Err(error.message),
    }
}

#[test]
fn fields_stand_in_the_order_of_the_columns() {
    let check = |json: &str, columns: &str, expect: &str| {
        assert_eq!(
            row(json, &format(), &known(columns)).as_deref(),
            Ok(expect),
            "{json}"
        );
    };
    check(r#"{"b":"x","a":1}"#, "a,b", "1,x");
    check(r#"{"b":"x","a":1}"#, "b", "x");
    check(
        r#"{"a":null,"b":true,"c":1.50}"#,
        "a,b,c,d",
        "\\N,true,1.5,\\N",
    );
    check(r#"{"a":"","b":"ä \"q\""}"#, "a,b", ",ä \"q\"");
    check(r#"{"A":1}"#, "a", "\\N");
    check(r#"{"a":{"x":[1]},"b":[]}"#, "a,b", "{\"x\":[1]},[]");
    check(r#"{"a":18446744073709551617}"#, "a", "18446744073709551617");
    let schema = |fields: &str, payload: &str| {
        format!(r#"{{"schema":{{"type":"struct","fields":[{fields}]}},"payload":{{{payload}}}}}"#)
    };
    let fields = r#"{"field":"n","type":"int32","optional":true,"default":7},
                    {"field":"b","type":"bytes"},
                    {"field":"d","type":"double"},
                    {"field":"t","type":"string","optional":true}"#;
    let value = r#""n":null,"b":"AAE=","d":0.5,"t":null"#;
    check(&schema(fields, value), "d,t,b", "0.5,\\N,AAE=");
    let value = r#""b":"AAE=","d":1e16,"t":"x""#;
    check(&schema(fields, value), "n,d,t", "7,1e+16,x");
}

#[test]
fn texts_are_rows_as_they_stand() {
    let any = [
        Order::NotAsked,
        known("a"),
        Order::Unknown("for a reason".to_owned()),
    ];
    for order in any {
        let check = |json: &str, expect: &str| {
            assert_eq!(
                row(json, &format(), &order).as_deref(),
                Ok(expect),
                "{json}"
            );
        };
        check("\"1,2\"", "1,2");
        check("\"a\\nb\"", "a\nb");
        check("\"\"", "");
        check("\"\\\\N\"", "\\N");
    }
}

#[test]
fn a_value_that_would_be_read_as_something_else_is_refused() {
    let check = |json: &str, columns: &str, format: &CsvFormat, expect: &str| {
        let error = row(json, format, &known(columns)).expect_err(json);
        let column = "the value for column a cannot be written as CSV: ";
        let expect = format!("{column}{expect}");
        assert!(error.starts_with(&expect), "{json}: {error}");
    };
    let commas = &format();
    check(
        r#"{"b":1,"a":"x,y"}"#,
        "b,a",
        commas,
        "it holds the column separator; choose another sink.properties.column_separator",
    );
    check(
        r#"{"a":{"x":1,"y":2}}"#,
        "a,b",
        commas,
        "it holds the column separator",
    );
    check(
        r#"{"a":"x\ny"}"#,
        "a,b",
        commas,
        "it holds the row delimiter",
    );
    check(
        r#"{"a":"\\N"}"#,
        "a,b",
        commas,
        "its text is \\N, which stands for NULL",
    );
    check(r#"{"a":""}"#, "a", commas, "it is empty");
    let quoted = &CsvFormat {
        quotes: b"'".to_vec(),
        ..format()
    };
    check(
        r#"{"a":"it's"}"#,
        "a,b",
        quoted,
        "it holds what sink.properties.enclose",
    );
    let wide = &CsvFormat {
        column_separator: b"||".to_vec(),
        row_delimiter: b"\r\n".to_vec(),
        ..format()
    };
    check(
        r#"{"a":"x||y"}"#,
        "a,b",
        wide,
        "it holds the column separator",
    );
    check(
        r#"{"a":"x\r\ny"}"#,
        "a,b",
        wide,
        "it holds the row delimiter",
    );
    assert_eq!(
        row(r#"{"a":"x|y\n"}"#, wide, &known("a")).as_deref(),
        Ok("x|y\n")
    );
}

#[test]
fn no_separator_comes_about_between_a_field_and_its_neighbour() {
    let check = |separator: &[u8], delimiter: &[u8], json: &str, expect: Result<&str, &str>| {
        let format = CsvFormat {
            column_separator: separator.to_vec(),
            row_delimiter: delimiter.to_vec(),
            ..format()
        };
        let found = row(json, &format, &known("a,b"));
        match expect {
            Ok(expect) => assert_eq!(found.as_deref(), Ok(expect), "{json}"),
            Err(column) => {
                let error = found.expect_err(json);
                let expect = format!("the value for column {column} cannot");
                assert!(
                    error.starts_with(&expect) && error.contains("together are a separator"),
                    "{json}: {error}"
                );
            }
        }
    };
    let both = |a: &str, b: &str| format!(r#"{{"a":"{a}","b":"{b}"}}"#);
    check(b"||", b"\n", &both("x", "y"), Ok("x||y"));
    check(b"||", b"\n", &both("", ""), Ok("||"));
    check(b"||", b"\n", &both("x|", "y"), Err("a"));
    check(b"||", b"\n", &both("|", "y"), Err("a"));
    // Behind the separator it is the field's own.
    check(b"||", b"\n", &both("x", "|y"), Ok("x|||y"));
    check(b"||", b"\n", &both("x", "y|"), Ok("x||y|"));
    check(b"ab", b"ba", &both("x", "y"), Ok("xaby"));
    check(b"ab", b"ba", &both("xb", "y"), Err("a"));
    check(b"ab", b"ba", &both("x", "ya"), Err("b"));
    check(b"ab", b"ba", &both("x", "yb"), Ok("xabyb"));
    // The row would end where the column does.
    check(b"a\r", b"a\r\n", &both("x", "\\ny"), Err("a"));
    check(b"\r", b"\r\n", &both("x", "\\ny"), Err("a"));
    check(b"\r", b"\r\n", &both("x", "y"), Ok("x\ry"));
}

#[test]
fn null_where_a_schema_wants_a_value_is_refused() {
    let text = Arc::new(Schema::new(SchemaType::String));
    let field = Field {
        name: "a".into(),
        schema: Arc::new(Schema::new(SchemaType::Array(Some(text)))),
    };
    let schema = Arc::new(Schema::structure(vec![field]).expect("one field"));
    let value = Struct::new(Arc::clone(&schema), vec![Value::Array(vec![Value::Null])]);
    let converted = SchemaAndValue::new(schema, Value::Struct(value));
    let error = write(
        &mut Vec::new(),
        (converted.schema.as_ref(), &converted.value),
        &format(),
        &known("a"),
        &[],
        &RowStyle::default(),
    )
    .expect_err("null");
    let text = &error.message;
    assert!(
        text.contains("column a") && text.contains("null value where one is required"),
        "{text}"
    );
}

#[test]
fn what_is_neither_text_nor_has_fields_is_javas_error() {
    let check = |json: &str, order: &Order, expect: &str| {
        let error = row(json, &format(), order).expect_err(json);
        assert!(error.contains(expect), "{json}: {error}");
    };
    let columns = &known("a");
    check(
        "5",
        columns,
        "a java.lang.Long is no row of CSV: use a converter",
    );
    check("true", columns, "a java.lang.Boolean is no row");
    check("[1]", columns, "a java.util.ArrayList is no row");
    check(
        r#"{"a":1}"#,
        &Order::Unknown("SELECT is missing".to_owned()),
        "a java.util.HashMap is no row of CSV: name the order of its fields in sink.properties.columns, or grant SELECT on \
         the table, whose columns cannot be read (SELECT is missing)",
    );
}
