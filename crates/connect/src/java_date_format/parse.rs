//! Reading times: leniently, so that fields run over into the next greater one, and what stands behind the last field does
//! not count.

use super::{JavaDateFormat, MONTHS, Part, WEEKDAYS};
use crate::java_calendar::{Fields, day_of_week};
use crate::values::temporal::number;

/// Years of two digits are of the hundred years that begin here. Java counts from eighty years before it started.
const CENTURY_START: i32 = 1946;
const MINUTE_MS: i64 = 60_000;

/// Names of zones with their minutes from UTC, those that texts are likely to have.
const ZONES: &[(&str, i64)] = &[
    ("Coordinated Universal Time", 0),
    ("Greenwich Mean Time", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("UT", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("IST", 330),
    ("JST", 540),
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
];

/// What was read so far. Of fields that say the same the one that came last counts.
#[derive(Default)]
struct Found {
    is_bc: bool,
    year: Option<i32>,
    week_year: Option<i32>,
    month: Option<i32>,
    day: Option<Day>,
    week_of_year: Option<i32>,
    /// From 0 for Sunday.
    day_of_week: Option<i32>,
    /// Of the whole day, or of one of its halves.
    hour: Option<Hour>,
    hour_of_half: i32,
    is_afternoon: bool,
    minute: i32,
    second: i32,
    millisecond: i32,
    zone_ms: i64,
}

#[derive(Clone, Copy)]
enum Day {
    OfMonth(i32),
    OfYear(i32),
}

#[derive(Clone, Copy)]
enum Hour {
    OfDay(i32),
    OfHalf,
}

impl JavaDateFormat {
    /// Reads a time, in milliseconds since the epoch; `None` where the text does not match.
    pub(crate) fn parse(&self, text: &str) -> Option<i64> {
        let mut found = Found::default();
        let mut rest = text;
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(c) => rest = rest.strip_prefix(*c)?,
                Part::Field(letter, count) => {
                    rest = rest.trim_start_matches([' ', '\t']);
                    if rest.is_empty() {
                        return None;
                    }
                    let is_followed = matches!(self.parts.get(at + 1), Some(Part::Field(..)));
                    rest = found.read(*letter, *count, is_followed, rest)?;
                }
            }
        }
        Some(found.millis())
    }
}

impl Found {
    /// Reads one field; what follows it.
    fn read<'t>(
        &mut self,
        letter: char,
        count: usize,
        is_followed: bool,
        text: &'t str,
    ) -> Option<&'t str> {
        match letter {
            'G' => {
                let (at, rest) = named(&["BC", "AD"], text)?;
                self.is_bc = at == 0;
                return Some(rest);
            }
            'M' | 'L' if count > 2 => {
                let (at, rest) = named_or_short(&MONTHS, text)?;
                self.month = i32::try_from(at).ok();
                return Some(rest);
            }
            'E' => {
                let (at, rest) = named_or_short(&WEEKDAYS, text)?;
                self.day_of_week = i32::try_from(at).ok();
                return Some(rest);
            }
            'a' => {
                let (at, rest) = named(&["AM", "PM"], text)?;
                self.is_afternoon = at == 1;
                self.hour = Some(Hour::OfHalf);
                return Some(rest);
            }
            'z' | 'Z' => return self.read_zone(text),
            'X' => return self.read_iso_zone(count, text),
            _ => {}
        }
        let (value, rest) = if is_followed {
            // Nothing else tells where the number ends.
            let end = text
                .char_indices()
                .nth(count)
                .map_or(text.len(), |(at, _)| at);
            if text.chars().count() < count {
                return None;
            }
            let (value, unread) = number(&text[..end])?;
            (value, &text[end - unread.len()..])
        } else {
            number(text)?
        };
        let length = text.len() - rest.len();
        self.set(letter, count, value, &text[..length]);
        Some(rest)
    }

    fn set(&mut self, letter: char, count: usize, value: i32, written: &str) {
        let has_two_digits = written.len() == 2 && written.bytes().all(|b| b.is_ascii_digit());
        match letter {
            'y' | 'Y' => {
                let is_short = count <= 2 && has_two_digits;
                let year = if is_short { in_century(value) } else { value };
                if letter == 'y' {
                    self.year = Some(year);
                    self.week_year = None;
                } else {
                    self.week_year = Some(year);
                }
            }
            'M' | 'L' => self.month = Some(value.wrapping_sub(1)),
            'd' => self.day = Some(Day::OfMonth(value)),
            'D' => self.day = Some(Day::OfYear(value)),
            'w' => self.week_of_year = Some(value),
            'u' => self.day_of_week = Some(value.rem_euclid(7)),
            'H' => self.hour = Some(Hour::OfDay(value)),
            'k' => self.hour = Some(Hour::OfDay(if value == 24 { 0 } else { value })),
            'K' | 'h' => {
                self.hour_of_half = if letter == 'h' && value == 12 {
                    0
                } else {
                    value
                };
                self.hour = Some(Hour::OfHalf);
            }
            'm' => self.minute = value,
            's' => self.second = value,
            'S' => self.millisecond = value,
            // Weeks of the month say nothing without a day.
            _ => {}
        }
    }

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

    fn millis(&self) -> i64 {
        let mut fields = Fields {
            hour: match self.hour {
                None => 0,
                Some(Hour::OfDay(hour)) => hour,
                Some(Hour::OfHalf) => {
                    let half = if self.is_afternoon { 12 } else { 0 };
                    self.hour_of_half.wrapping_add(half)
                }
            },
            minute: self.minute,
            second: self.second,
            millisecond: self.millisecond,
            ..Fields::default()
        };
        if let Some(year) = self.year {
            fields.year = if self.is_bc {
                1_i32.wrapping_sub(year)
            } else {
                year
            };
        }
        match (self.day, self.week_of_year) {
            _ if self.week_year.is_some() => self.set_week(&mut fields),
            (None, Some(_)) => self.set_week(&mut fields),
            (Some(Day::OfYear(day)), _) => fields.day = day,
            (day, _) => {
                fields.month = self.month.unwrap_or(0);
                if let Some(Day::OfMonth(day)) = day {
                    fields.day = day;
                }
            }
        }
        fields.millis().wrapping_sub(self.zone_ms)
    }

    /// The day of a week of the year: the first one has the first of January, and each begins on Sunday.
    fn set_week(&self, fields: &mut Fields) {
        fields.year = self.week_year.unwrap_or(fields.year);
        let new_year = Fields {
            year: fields.year,
            ..Fields::default()
        };
        let week = self.week_of_year.unwrap_or(1).wrapping_sub(1);
        let day = self.day_of_week.unwrap_or(0) - day_of_week(new_year.millis());
        fields.month = 0;
        fields.day = week.wrapping_mul(7).wrapping_add(day + 1);
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
fn named<'t>(names: &[&str], text: &'t str) -> Option<(usize, &'t str)> {
    let found = names.iter().enumerate();
    let found = found.filter_map(|(at, name)| Some((at, without_prefix(name, text)?)));
    found.min_by_key(|(_, rest)| rest.len())
}

fn named_or_short<'t>(names: &[&str], text: &'t str) -> Option<(usize, &'t str)> {
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
        check("kk", "24", Some(0));
        check("D yyyy", "60 2020", Some(1_582_934_400_000));
        check("YYYY-'W'ww-u", "2020-W01-3", Some(1_577_836_800_000));
        check("yyyy G", "0044 BC", Some(-63_524_304_000_000));
        check("MMM", "ä", None);
    }
}
