//! Files that schemas import without registering them, beside Google's well-known types: declarations alone.

/// A file by the path that it is imported by.
pub(super) fn file(path: &str) -> Option<String> {
    let (package, imports, body) = match path {
        "confluent/meta.proto" => (
            "confluent",
            "import \"google/protobuf/descriptor.proto\";",
            "message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; } \
             extend google.protobuf.FileOptions { Meta file_meta = 1088; } \
             extend google.protobuf.MessageOptions { Meta message_meta = 1088; } \
             extend google.protobuf.FieldOptions { Meta field_meta = 1088; } \
             extend google.protobuf.EnumOptions { Meta enum_meta = 1088; } \
             extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }",
        ),
        "confluent/type/decimal.proto" => (
            "confluent.type",
            "",
            "message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }",
        ),
        "confluent/type/variant.proto" => (
            "confluent.type",
            "",
            "message Variant { bytes metadata = 1; bytes value = 2; }",
        ),
        _ => return google_type(path.strip_prefix("google/type/")?),
    };
    Some(source(package, imports, body))
}

fn google_type(name: &str) -> Option<String> {
    let body = match name {
        "date.proto" => "message Date { int32 year = 1; int32 month = 2; int32 day = 3; }",
        "timeofday.proto" => {
            "message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }"
        }
        "datetime.proto" => {
            return Some(source(
                "google.type",
                "import \"google/protobuf/duration.proto\";",
                "message DateTime { int32 year = 1; int32 month = 2; int32 day = 3; int32 hours = 4; int32 minutes = 5; \
                 int32 seconds = 6; int32 nanos = 7; oneof time_offset { google.protobuf.Duration utc_offset = 8; \
                 TimeZone time_zone = 9; } } message TimeZone { string id = 1; string version = 2; }",
            ));
        }
        "interval.proto" => {
            return Some(source(
                "google.type",
                "import \"google/protobuf/timestamp.proto\";",
                "message Interval { google.protobuf.Timestamp start_time = 1; google.protobuf.Timestamp end_time = 2; }",
            ));
        }
        "color.proto" => {
            return Some(source(
                "google.type",
                "import \"google/protobuf/wrappers.proto\";",
                "message Color { float red = 1; float green = 2; float blue = 3; google.protobuf.FloatValue alpha = 4; }",
            ));
        }
        "dayofweek.proto" => {
            "enum DayOfWeek { DAY_OF_WEEK_UNSPECIFIED = 0; MONDAY = 1; TUESDAY = 2; WEDNESDAY = 3; THURSDAY = 4; \
             FRIDAY = 5; SATURDAY = 6; SUNDAY = 7; }"
        }
        "month.proto" => {
            "enum Month { MONTH_UNSPECIFIED = 0; JANUARY = 1; FEBRUARY = 2; MARCH = 3; APRIL = 4; MAY = 5; JUNE = 6; \
             JULY = 7; AUGUST = 8; SEPTEMBER = 9; OCTOBER = 10; NOVEMBER = 11; DECEMBER = 12; }"
        }
        "latlng.proto" => "message LatLng { double latitude = 1; double longitude = 2; }",
        "money.proto" => {
            "message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }"
        }
        "decimal.proto" => "message Decimal { string value = 1; }",
        "fraction.proto" => "message Fraction { int64 numerator = 1; int64 denominator = 2; }",
        "localized_text.proto" => {
            "message LocalizedText { string text = 1; string language_code = 2; }"
        }
        "quaternion.proto" => {
            "message Quaternion { double x = 1; double y = 2; double z = 3; double w = 4; }"
        }
        "expr.proto" => {
            "message Expr { string expression = 1; string title = 2; string description = 3; string location = 4; }"
        }
        _ => return None,
    };
    Some(source("google.type", "", body))
}

fn source(package: &str, imports: &str, body: &str) -> String {
    format!("syntax = \"proto3\"; package {package}; {imports} {body}")
}
