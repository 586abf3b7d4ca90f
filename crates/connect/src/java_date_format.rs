//! Java's `SimpleDateFormat`, as it is in UTC, for the locale `en_US`, and lenient.

mod found;
mod parse;

use crate::java_calendar::{Fields, day_of_week};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
/// The letters of patterns.
const LETTERS: &str = "GyMdkHmsSEDFwWahKzZYuXL";

/// A pattern such as `yyyy-MM-dd'T'HH:mm:ss.SSS`.
#[derive(Clone, Debug)]
pub(crate) struct JavaDateFormat {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(char),
    /// A letter, and how often it stands there.
    Field(char, usize),
}

impl Part {
    /// Whether it is written as a number, so that one in front of it ends where its length says.
    fn is_number(&self) -> bool {
        match self {
            Self::Literal(_) | Self::Field('G' | 'E' | 'a' | 'z' | 'Z' | 'X', _) => false,
            Self::Field('M' | 'L', count) => *count <= 2,
            Self::Field(..) => true,
        }
    }
}

impl JavaDateFormat {
    /// Takes a pattern apart.
    ///
    /// # Errors
    /// Java's message: a letter that means nothing, a quote without an end.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::new();
        let mut chars = pattern.chars().peekable();
        let mut is_quoted = false;
        while let Some(c) = chars.next() {
            match c {
                '\'' if chars.next_if_eq(&'\'').is_some() => parts.push(Part::Literal('\'')),
                '\'' => is_quoted = !is_quoted,
                c if is_quoted || !c.is_ascii_alphabetic() => parts.push(Part::Literal(c)),
                c if LETTERS.contains(c) => {
                    let mut count = 1;
                    while chars.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    if c == 'X' && count > 3 {
                        return Err(format!("invalid ISO 8601 format: length={count}"));
                    }
                    parts.push(Part::Field(c, count));
                }
                c => return Err(format!("Illegal pattern character '{c}'")),
            }
        }
        if is_quoted {
            return Err("Unterminated quote".to_owned());
        }
        Ok(Self { parts })
    }

    /// Writes a time, in milliseconds since the epoch.
    pub(crate) fn format(&self, millis: i64) -> String {
        let mut out = String::new();
        let moment = Moment::of(millis);
        for part in &self.parts {
            match part {
                Part::Literal(c) => out.push(*c),
                Part::Field(letter, count) => moment.write(*letter, *count, &mut out),
            }
        }
        out
    }
}

/// A time with what its fields do not tell directly.
struct Moment {
    fields: Fields,
    day_of_week: i32,
    /// From 0.
    day_of_year: i32,
    days_of_year: i32,
}

impl Moment {
    fn of(millis: i64) -> Self {
        let fields = Fields::of_millis(millis);
        let new_year = |year| Fields {
            year,
            ..Fields::default()
        };
        let days_since = |other: Fields| {
            let days = millis.wrapping_sub(other.millis()).div_euclid(86_400_000);
            i32::try_from(days).unwrap_or(0)
        };
        let day_of_year = days_since(new_year(fields.year));
        Self {
            fields,
            day_of_week: day_of_week(millis),
            day_of_year,
            days_of_year: day_of_year - days_since(new_year(fields.year.wrapping_add(1))),
        }
    }

    /// Week and year of the week: weeks begin on Sunday, and the first one has the first of January.
    fn week(&self) -> (i32, i32) {
        let first = (self.day_of_week - self.day_of_year).rem_euclid(7);
        let next_first = (first + self.days_of_year).rem_euclid(7);
        if next_first != 0 && self.day_of_year >= self.days_of_year - next_first {
            return (1, self.fields.year + 1);
        }
        ((self.day_of_year + first) / 7 + 1, self.fields.year)
    }

    fn write(&self, letter: char, count: usize, out: &mut String) {
        let Fields {
            year,
            month,
            day,
            hour,
            minute,
            second,
            millisecond,
        } = self.fields;
        let number = match letter {
            'G' => return out.push_str(if year > 0 { "AD" } else { "BC" }),
            'y' => return write_year(of_era(year), count, out),
            'Y' => return write_year(self.week().1, count, out),
            'M' | 'L' if count > 2 => return out.push_str(name(&MONTHS, month, count)),
            'E' => return out.push_str(name(&WEEKDAYS, self.day_of_week, count)),
            'a' => return out.push_str(if hour < 12 { "AM" } else { "PM" }),
            'z' if count < 4 => return out.push_str("UTC"),
            'z' => return out.push_str("Coordinated Universal Time"),
            'Z' => return out.push_str("+0000"),
            'X' => return out.push('Z'),
            'M' | 'L' => month + 1,
            'd' => day,
            'D' => self.day_of_year + 1,
            'F' => (day - 1) / 7 + 1,
            'w' => self.week().0,
            'W' => (day - 1 + (self.day_of_week - day + 1).rem_euclid(7)) / 7 + 1,
            'u' => (self.day_of_week + 6) % 7 + 1,
            'k' => (hour + 23) % 24 + 1,
            'H' => hour,
            'h' => (hour + 11) % 12 + 1,
            'K' => hour % 12,
            'm' => minute,
            's' => second,
            _ => millisecond,
        };
        out.push_str(&format!("{number:0count$}"));
    }
}

/// The year before the year 1 is 1 BC.
fn of_era(year: i32) -> i32 {
    if year > 0 { year } else { 1 - year }
}

fn write_year(year: i32, count: usize, out: &mut String) {
    let year = if count == 2 { year % 100 } else { year };
    // The sign does not count.
    let sign = if year < 0 { "-" } else { "" };
    out.push_str(&format!("{sign}{:0count$}", year.unsigned_abs()));
}

/// A name, or its first three letters.
fn name(names: &[&'static str], at: i32, count: usize) -> &'static str {
    let at = usize::try_from(at).unwrap_or(0);
    let full = names.get(at).copied().unwrap_or_default();
    if count >= 4 { full } else { &full[..3] }
}

/// A `java.util.Date` as `Values.dateFormatFor` writes it: a time before the second day, a date at midnight, else both.
pub(crate) fn iso_text(millis: i64) -> String {
    const DAY_MS: i64 = 86_400_000;
    let Fields {
        year,
        month,
        day,
        hour,
        minute,
        second,
        millisecond,
    } = Fields::of_millis(millis);
    let date = format!("{:04}-{:02}-{day:02}", of_era(year), month + 1);
    let time = format!("{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z");
    if millis < DAY_MS {
        time
    } else if millis % DAY_MS == 0 {
        date
    } else {
        format!("{date}T{time}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_java() {
        let check = |pattern: &str, millis, expect: &str| {
            let format = JavaDateFormat::new(pattern).expect(pattern);
            assert_eq!(format.format(millis), expect, "{pattern} {millis}");
        };
        let at = 1_700_000_000_123;
        check(
            "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
            at,
            "2023-11-14T22:13:20.123Z",
        );
        check(
            "yy y yyyyy MMMM MMM M L",
            at,
            "23 2023 02023 November Nov 11 11",
        );
        check("EEEE, E 'o''clock' h a", at, "Tuesday, Tue o'clock 10 PM");
        check("w W D F u ''", at, "46 3 318 2 2 '");
        check("YYYY-'W'ww-u", 253_402_300_799_999, "10000-W01-5");
        check("G yyyy", -62_170_156_800_000, "BC 0002");
        check("YYYY YY", -62_208_617_095_092, "-0002 -02");
        check("zzzz Z", 0, "Coordinated Universal Time +0000");
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        let check = |pattern: &str, expect: &str| {
            assert_eq!(JavaDateFormat::new(pattern).err().as_deref(), Some(expect));
        };
        check("nonsense", "Illegal pattern character 'n'");
        check("yyyy'", "Unterminated quote");
        check("XXXX", "invalid ISO 8601 format: length=4");
    }

    #[test]
    fn dates_without_a_pattern_are_written_by_what_they_are() {
        assert_eq!(iso_text(5), "00:00:00.005Z");
        assert_eq!(iso_text(-1), "23:59:59.999Z");
        assert_eq!(iso_text(86_400_000), "1970-01-02");
        assert_eq!(iso_text(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    }
}
