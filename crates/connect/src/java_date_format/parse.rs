//! Reading times: leniently, so that fields run over into the next greater one, and what stands behind the last field does
//! not count.

use super::found::{Found, Name};
use super::{JavaDateFormat, MONTHS, Part, WEEKDAYS};
use crate::values::temporal::number;

/// Years of two digits are of the hundred years that begin here. Java counts from eighty years before it started.
const CENTURY_START: i32 = 1946;
const MINUTE_MS: i64 = 60_000;

/// Names of zones with their minutes from UTC, those that texts are likely to have.
const ZONES: &[(&str, i64)] = &[
    ("Coordinated Universal Time", 0),
    ("Greenwich Mean Time", 0),
    ("Western European Standard Time", 0),
    ("Western European Summer Time", 60),
    ("Central European Standard Time", 60),
    ("Central European Summer Time", 120),
    ("Japan Standard Time", 540),
    ("China Standard Time", 480),
    ("Mountain Standard Time", -420),
    ("Mountain Daylight Time", -360),
    ("Central Standard Time", -360),
    ("Central Daylight Time", -300),
    ("Pacific Standard Time", -480),
    ("Pacific Daylight Time", -420),
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("MET", 60),
    ("MEST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("MSD", 180),
    ("TRT", 180),
    ("IST", 120),
    ("IDT", 180),
    ("GST", 240),
    ("PKT", 300),
    ("ICT", 420),
    ("WIB", 420),
    ("SGT", 480),
    ("HKT", 480),
    ("MYT", 480),
    ("JST", 540),
    ("KST", 540),
    ("AWST", 480),
    ("ACST", 570),
    ("ACDT", 570),
    ("AEST", 600),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("SAST", 120),
    ("CAT", 120),
    ("EAT", 180),
    ("WAT", 60),
    ("NST", -210),
    ("NDT", -150),
    ("AST", -240),
    ("ADT", -180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
    ("HDT", -600),
    ("BRT", -180),
    ("ART", -180),
    ("CLT", -240),
    ("CLST", -180),
    ("COT", -300),
    ("PET", -300),
    ("VET", -240),
    ("ChST", 600),
    ("SST", -660),
];

impl JavaDateFormat {
    /// Reads a time, in milliseconds since the epoch; `None` where the text does not match.
    pub(crate) fn parse(&self, text: &str) -> Option<i64> {
        let mut found = Found::default();
        let mut rest = text;
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(c) => rest = rest.strip_prefix(*c)?,
                Part::Field(letter, count) => {
                    let is_followed = self.parts.get(at + 1).is_some_and(Part::is_number);
                    rest = read(&mut found, *letter, *count, is_followed, rest)?;
                }
            }
        }
        Some(found.millis())
    }
}

/// Reads one field; what follows it.
fn read<'t>(
    found: &mut Found,
    letter: char,
    count: usize,
    is_followed: bool,
    text: &'t str,
) -> Option<&'t str> {
    // Where nothing else tells where a number ends, its length does, with the blanks in front of it.
    let end = text.char_indices().map(|(at, _)| at).nth(count);
    let (end, is_whole) = (
        end.unwrap_or(text.len()),
        end.is_some() || text.chars().count() == count,
    );
    let blanks = text.len() - text.trim_start_matches([' ', '\t']).len();
    // There are none in front of a name.
    let name = text;
    let (up_to_end, text) = (text.get(blanks..end).unwrap_or(""), &text[blanks..]);
    if text.is_empty() {
        return None;
    }
    match letter {
        'G' => {
            let (at, rest) = named(&["BC", "AD"], name)?;
            found.set(Name::Era, at);
            return Some(rest);
        }
        'M' | 'L' if count > 2 => {
            let (at, rest) = named_or_short(&MONTHS, name)?;
            found.set(Name::Month, at);
            return Some(rest);
        }
        'E' => {
            let (at, rest) = named_or_short(&WEEKDAYS, name)?;
            found.set(Name::DayOfWeek, at + 1);
            return Some(rest);
        }
        'a' => {
            let (at, rest) = named(&["AM", "PM"], name)?;
            found.set(Name::Half, at);
            return Some(rest);
        }
        'z' | 'Z' => return found.read_zone(text),
        'X' => return found.read_iso_zone(count, text),
        _ => {}
    }
    let (value, rest) = if is_followed {
        let (value, unread) = is_whole.then(|| number(up_to_end))??;
        (value, &text[up_to_end.len() - unread.len()..])
    } else {
        number(text)?
    };
    let length = text.len() - rest.len();
    set_number(found, letter, count, value, &text[..length]);
    Some(rest)
}

fn set_number(found: &mut Found, letter: char, count: usize, value: i32, written: &str) {
    let has_two_digits = written.len() == 2 && written.bytes().all(|b| b.is_ascii_digit());
    let is_short = count <= 2 && has_two_digits;
    let (name, value) = match letter {
        'y' | 'Y' => (
            if letter == 'y' {
                Name::Year
            } else {
                Name::WeekYear
            },
            if is_short { in_century(value) } else { value },
        ),
        'M' | 'L' => (Name::Month, value.wrapping_sub(1)),
        'd' => (Name::DayOfMonth, value),
        'D' => (Name::DayOfYear, value),
        'F' => (Name::WeekdayInMonth, value),
        'w' => (Name::WeekOfYear, value),
        'W' => (Name::WeekOfMonth, value),
        // From Monday on, where Java counts from Sunday on.
        'u' => (
            Name::DayOfWeek,
            match value {
                7 => 1,
                1..=6 => value + 1,
                _ => value,
            },
        ),
        'H' => (Name::HourOfDay, value),
        'k' => (Name::HourOfDay, if value == 24 { 0 } else { value }),
        'K' => (Name::HourOfHalf, value),
        'h' => (Name::HourOfHalf, if value == 12 { 0 } else { value }),
        'm' => (Name::Minute, value),
        's' => (Name::Second, value),
        _ => (Name::Millisecond, value),
    };
    found.set(name, value);
}

impl Found {
    fn read_zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if text.starts_with(['+', '-']) {
            return self.read_offset(text, false, false);
        }
        let (minutes, rest) = ZONES
            .iter()
            .filter_map(|(name, minutes)| Some((*minutes, without_prefix(name, text)?)))
            .min_by_key(|(_, rest)| rest.len())?;
        self.zone_ms = minutes * MINUTE_MS;
        if without_prefix("GMT", text) == Some(rest) && rest.starts_with(['+', '-']) {
            return self.read_offset(rest, true, false);
        }
        Some(rest)
    }

    fn read_iso_zone<'t>(&mut self, count: usize, text: &'t str) -> Option<&'t str> {
        if let Some(rest) = text.strip_prefix('Z') {
            self.zone_ms = 0;
            return Some(rest);
        }
        text.starts_with(['+', '-']).then_some(())?;
        self.read_offset(text, count == 3, count == 1)
    }

    /// Hours and minutes behind a sign.
    fn read_offset<'t>(
        &mut self,
        text: &'t str,
        has_colon: bool,
        has_hours_only: bool,
    ) -> Option<&'t str> {
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let rest = &text[1..];
        let digits = |text: &str, most: usize| {
            text.bytes()
                .take(most)
                .take_while(u8::is_ascii_digit)
                .count()
        };
        let length = digits(rest, 2);
        if length == 0 || length == 1 && !has_colon {
            return None;
        }
        let (hours, mut rest) = rest.split_at(length);
        let hours: i64 = hours.parse().ok().filter(|hours| *hours <= 23)?;
        let mut minutes = 0;
        if !has_hours_only {
            if has_colon {
                rest = rest.strip_prefix(':')?;
            }
            if digits(rest, 2) != 2 {
                return None;
            }
            let (written, after) = rest.split_at(2);
            minutes = written.parse().ok().filter(|minutes| *minutes <= 59_i64)?;
            rest = after;
        }
        self.zone_ms = sign * (hours * 60 + minutes) * MINUTE_MS;
        Some(rest)
    }
}

fn in_century(value: i32) -> i32 {
    let century = CENTURY_START / 100 * 100;
    let next = if value < CENTURY_START % 100 { 100 } else { 0 };
    value + century + next
}

/// What follows a name, in whatever case it is written.
fn without_prefix<'t>(name: &str, text: &'t str) -> Option<&'t str> {
    let (prefix, rest) = text.split_at_checked(name.len())?;
    prefix.eq_ignore_ascii_case(name).then_some(rest)
}

/// Which of the names the text begins with, the longest of them.
fn named<'t>(names: &[&str], text: &'t str) -> Option<(i32, &'t str)> {
    let found = (0..).zip(names);
    let found = found.filter_map(|(at, name)| Some((at, without_prefix(name, text)?)));
    found.min_by_key(|(_, rest)| rest.len())
}

fn named_or_short<'t>(names: &[&str], text: &'t str) -> Option<(i32, &'t str)> {
    named(names, text).or_else(|| {
        let short: Vec<&str> = names.iter().map(|name| &name[..3]).collect();
        named(&short, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_leniently_as_by_java() {
        let check = |pattern: &str, text: &str, expect: Option<i64>| {
            let format = JavaDateFormat::new(pattern).expect(pattern);
            assert_eq!(format.parse(text), expect, "{pattern} {text}");
        };
        check("yyyy-MM-dd", "2020-13-45xyz", Some(1_613_260_800_000));
        check("yyyy-MM-dd", " 2020-01-02", Some(1_577_923_200_000));
        check("yyyy-MM-dd", "20200102", None);
        check(
            "yyyyMMddHHmmssSSS",
            "20200102030405678",
            Some(1_577_934_245_678),
        );
        check("yyyyMMdd", "202001", None);
        check("dd/MMM/yyyy", "02/january/2020", Some(1_577_923_200_000));
        check(
            "MM/dd/yy hh:mm a",
            "01/02/2020 13:04 PM",
            Some(1_578_013_440_000),
        );
        check("HH:mm Z", "03:04 +0100", Some(7_440_000));
        check("HH:mm Z", "03:04 +1", None);
        check("HH:mm X", "03:04 -01", Some(14_640_000));
        check("HH:mm z", "03:04 cest", Some(3_840_000));
        check("HH:mm z", "03:04 XXT", None);
        check("HH:mm z", "03:04 Pacific Standard Time", Some(39_840_000));
        check("HH:mm a", "03:04 PM", Some(11_040_000));
        check("hh:mm", "03:04", Some(11_040_000));
        check("EEEE", "Tuesday", Some(432_000_000));
        check("EEE MMM yyyy", "Tue Nov 2023", Some(1_699_315_200_000));
        check("yyyy-MM-W-u", "2023-11-3-2", Some(1_699_920_000_000));
        check("yyyy-MM-F-u", "2023-11-2-2", Some(1_699_920_000_000));
        check("yyyy-MM-F-u", "2023-11--1-2", Some(1_701_129_600_000));
        check("yyyyMMdd", "2023 11", Some(1_672_531_200_000));
        check("G", "BC", Some(-124_304_284_800_000));
        check("EEE", " Tue", None);
        check("dMMM", "14Nov", Some(27_388_800_000));
        check("HHXX", "5Z", Some(18_000_000));
        check("Z XXX", "CET Z", Some(0));
        check("kk", "24", Some(0));
        check("D yyyy", "60 2020", Some(1_582_934_400_000));
        check("YYYY-'W'ww-u", "2020-W01-3", Some(1_577_836_800_000));
        check("yyyy G", "0044 BC", Some(-63_524_304_000_000));
        check("MMM", "ä", None);
    }
}
