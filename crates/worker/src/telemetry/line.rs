//! One log line, as text or as JSON.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::Level;

/// Fields by name, in the order in which they were first set.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

/// A field's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
}

impl Fields {
    /// Sets a field, in place of one of the same name.
    pub(super) fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Sets all of `other`.
    pub(super) fn extend(&mut self, other: &Self) {
        for (name, value) in &other.0 {
            self.set(name, value.clone());
        }
    }
}

/// An event, ready to be written.
pub(super) struct Line<'e> {
    pub(super) at: SystemTime,
    pub(super) level: Level,
    pub(super) target: &'e str,
    pub(super) message: &'e str,
    pub(super) fields: &'e Fields,
}

impl Line<'_> {
    /// `time LEVEL message name=value …`, with a line break at its end and none before.
    pub(super) fn text(&self) -> String {
        let mut line = format!(
            "{} {:<5} {}",
            rfc3339(self.at),
            self.level,
            on_one_line(self.message)
        );
        for (name, value) in &self.fields.0 {
            line.push(' ');
            line.push_str(name);
            line.push('=');
            push_text(&mut line, value);
        }
        line.push('\n');
        line
    }

    /// A JSON object with a line break at its end and none before.
    pub(super) fn json(&self) -> String {
        let mut line = format!(
            "{{\"timestamp\":\"{}\",\"level\":\"{}\",\"message\":",
            rfc3339(self.at),
            self.level
        );
        push_json(&mut line, self.message);
        for (name, value) in &self.fields.0 {
            line.push(',');
            push_json(&mut line, name);
            line.push(':');
            match value {
                Value::Boolean(truth) => _ = write!(line, "{truth}"),
                Value::Integer(number) => _ = write!(line, "{number}"),
                Value::Float(number) if number.is_finite() => _ = write!(line, "{number:?}"),
                Value::Float(number) => push_json(&mut line, &number.to_string()),
                Value::Text(text) => push_json(&mut line, text),
            }
        }
        line.push_str(",\"target\":");
        push_json(&mut line, self.target);
        line.push_str("}\n");
        line
    }
}

fn push_json(line: &mut String, text: &str) {
    line.push_str(&serde_json::Value::from(text).to_string());
}

/// A text that could be misread stands in quotes.
fn push_text(line: &mut String, value: &Value) {
    let ambiguous = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=');
    match value {
        Value::Boolean(truth) => _ = write!(line, "{truth}"),
        Value::Integer(number) => _ = write!(line, "{number}"),
        Value::Float(number) => _ = write!(line, "{number}"),
        Value::Text(text) if text.is_empty() || text.contains(ambiguous) => {
            _ = write!(line, "{text:?}")
        }
        Value::Text(text) => line.push_str(text),
    }
}

/// Line breaks and other control characters as escapes: an event is one line, whoever wrote its text.
fn on_one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// UTC with milliseconds, `2025-11-22T10:35:11.042Z`.
fn rfc3339(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, ms) = (since.as_secs(), since.subsec_millis());
    let (days, in_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (in_day / 3_600, in_day / 60 % 60, in_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of a number of days since 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        let check = |ms: u64, expect: &str| {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_millis(ms)), expect);
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_399_999, "2000-02-28T23:59:59.999Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(951_868_800_000, "2000-03-01T00:00:00.000Z");
        check(1_709_164_800_001, "2024-02-29T00:00:00.001Z");
        check(1_735_689_599_000, "2024-12-31T23:59:59.000Z");
        check(1_735_689_600_000, "2025-01-01T00:00:00.000Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
    }
}
