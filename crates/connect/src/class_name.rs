//! Names of Java's classes, as Connect takes them where a property names a plugin.

/// Whether `text` names the class of the full name `full`, a plugin of the role `suffix` (`Converter`,
/// `HeaderConverter`, `Transformation`, …): by its full name, by its simple name, or by its simple name cut
/// off where the suffix occurs for the last time. Names are told apart by case.
///
/// That is how Connect 3.9 makes aliases. It drops those that more than one of the installed classes has;
/// here only the classes that are built in can have one.
#[must_use]
pub fn denotes(text: &str, full: &str, suffix: &str) -> bool {
    let simple = full.rsplit(['.', '$']).next().unwrap_or(full);
    let pruned = match simple.rfind(suffix) {
        Some(at) if at > 0 => &simple[..at],
        _ => simple,
    };
    text == full || text == simple || text == pruned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_up_to_three_names() {
        fn check(text: &str, full: &str, suffix: &str, expect: bool) {
            assert_eq!(
                denotes(text, full, suffix),
                expect,
                "{text} {full} {suffix}"
            );
        }
        let json = "org.apache.kafka.connect.json.JsonConverter";
        for name in [json, "JsonConverter", "Json"] {
            check(name, json, "Converter", true);
        }
        for name in ["json", "Converter", "", "json.JsonConverter", "JsonConv"] {
            check(name, json, "Converter", false);
        }
        // A class of two roles is cut off by each of them.
        check("JsonConverter", json, "HeaderConverter", true);
        check("Json", json, "HeaderConverter", false);
        let simple = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
        check("Simple", simple, "HeaderConverter", true);
        check("SimpleHeader", simple, "HeaderConverter", false);
        check("AConverterB", "x.AConverterB", "Converter", true);
        check("A", "x.AConverterB", "Converter", true);
        check("AConverter", "x.AConverterConverter", "Converter", true);
        check("A", "x.AConverterConverter", "Converter", false);
        check("", "x.Converter", "Converter", false);
        check("Converter", "x.Converter", "Converter", true);
        check("Value", "x.Cast$Value", "Transformation", true);
    }
}
