//! Dates and times as StarRocks reads them, in the proleptic Gregorian calendar.

use std::io::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

const SECONDS_OF_A_DAY: i64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01.
const TO_EPOCH: i64 = 719_468;
/// Days of four hundred years.
const ERA: i64 = 146_097;

/// Year, month and day of a number of days since the epoch.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March, so that the leap day is the last one of its year.
    let days = days + TO_EPOCH;
    let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// The number of days from the epoch to a date; `None` where there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let from_march = (month + 9) % 12;
    let year_of_march = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year_of_march.div_euclid(400), year_of_march.rem_euclid(400));
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let days = era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - TO_EPOCH;
    (civil(days) == (year, month, day)).then_some(days)
}

/// Microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(i64);

impl Moment {
    /// Of a number of units since the epoch, of which so many make a second. What is finer than a microsecond is cut off.
    pub(super) fn since_epoch(units: i64, per_second: i64) -> Option<Self> {
        if per_second > 1_000_000 {
            return Some(Self(units.div_euclid(per_second / 1_000_000)));
        }
        units.checked_mul(1_000_000 / per_second).map(Self)
    }

    /// Of a number of days since the epoch.
    pub(super) fn at_day(days: i64) -> Option<Self> {
        days.checked_mul(SECONDS_OF_A_DAY * 1_000_000).map(Self)
    }

    /// What a clock of this zone shows at the moment. Beyond the years that StarRocks has it is left as it is.
    pub(super) fn in_zone(self, zone: &TimeZone) -> Self {
        if *zone == TimeZone::UTC {
            return self;
        }
        let offset_s = Timestamp::from_microsecond(self.0)
            .map_or(0, |moment| i64::from(zone.to_offset(moment).seconds()));
        Self(self.0.saturating_add(offset_s * 1_000_000))
    }

    /// Of a text in the form of ISO 8601: a date, perhaps with a time behind `T` or a blank, perhaps with an offset, by which
    /// it is brought to UTC.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let mut parts = date.split('-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            number(part)
        };
        let days = days(part(4)?, part(2)?, part(2)?)?;
        let (time, offset) = match rest.strip_prefix(['T', ' ']) {
            Some(rest) => {
                let end = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
                rest.split_at(end)
            }
            None => ("00:00", rest),
        };
        let micros = time_of_day(time)? - offset_s(offset)? * 1_000_000;
        let day = days.checked_mul(SECONDS_OF_A_DAY * 1_000_000)?;
        day.checked_add(micros).map(Self)
    }

    /// Appends the date, and the time where `has_time`, between quotes.
    ///
    /// # Errors
    /// A year that StarRocks does not have, which is told.
    pub(super) fn write(self, out: &mut Vec<u8>, has_time: bool) -> Result<(), i64> {
        let micros = self.0.rem_euclid(SECONDS_OF_A_DAY * 1_000_000);
        let (year, month, day) = civil(self.0.div_euclid(SECONDS_OF_A_DAY * 1_000_000));
        if !(0..=9_999).contains(&year) {
            return Err(year);
        }
        let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let written = match (has_time, fraction) {
            (false, _) => write!(out, "\"{year:04}-{month:02}-{day:02}\""),
            (true, 0) => write!(
                out,
                "\"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}\""
            ),
            (true, _) => write!(
                out,
                "\"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{fraction:06}\""
            ),
        };
        let Ok(()) = written else {
            unreachable!("a Vec takes all bytes")
        };
        Ok(())
    }
}

/// Appends a time that is told by units since midnight, so many in a second, between quotes: with a sign where it is
/// negative, with more than 24 hours where it has them. What is finer than a microsecond is cut off.
pub(super) fn write_since_midnight(out: &mut Vec<u8>, units: i64, per_second: i64) {
    let sign = if units < 0 { "-" } else { "" };
    let units = i128::from(units).abs();
    let micros = units * 1_000_000 / i128::from(per_second);
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let written = match fraction {
        0 => write!(out, "\"{sign}{hour:02}:{minute:02}:{second:02}\""),
        _ => write!(
            out,
            "\"{sign}{hour:02}:{minute:02}:{second:02}.{fraction:06}\""
        ),
    };
    let Ok(()) = written else {
        unreachable!("a Vec takes all bytes")
    };
}

fn number(digits: &str) -> Option<i64> {
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| digits.parse().ok()).flatten()
}

/// Microseconds of `HH:MM[:SS[.fraction]]`.
fn time_of_day(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let mut part = |below: i64| number(parts.next()?).filter(|part| *part < below);
    let (hour, minute) = (part(24)?, part(60)?);
    let second = match clock.matches(':').count() {
        1 => 0,
        2 => part(60)?,
        _ => return None,
    };
    let mut micros = 0;
    number(fraction)?;
    for digit in fraction.bytes().chain(*b"000000").take(6) {
        micros = micros * 10 + i64::from(digit - b'0');
    }
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/// Seconds of `Z`, `+HH:MM`, `+HHMM` or `+HH`; 0 where there is nothing.
fn offset_s(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes() {
        [] | [b'Z'] => return Some(0),
        [b'+', ..] => (1, &text[1..]),
        [b'-', ..] => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').or_else(|| rest.split_at_checked(2))?;
    let minutes = if minutes.is_empty() {
        0
    } else {
        number(minutes)?
    };
    Some(sign * (number(hours)? * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(moment: Option<Moment>, has_time: bool) -> String {
        let mut out = Vec::new();
        match moment.map(|moment| moment.write(&mut out, has_time)) {
            Some(Ok(())) => String::from_utf8(out).expect("a text"),
            Some(Err(year)) => format!("year {year}"),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn days_are_dates() {
        let check = |days, expect: &str| assert_eq!(shown(Moment::at_day(days), false), expect);
        check(0, "\"1970-01-01\"");
        check(-1, "\"1969-12-31\"");
        check(11_016, "\"2000-02-29\"");
        check(19_723, "\"2024-01-01\"");
        check(-719_528, "\"0000-01-01\"");
        check(2_932_896, "\"9999-12-31\"");
        check(2_932_897, "year 10000");
        check(-719_529, "year -1");
        check(i64::MAX, "none");
    }

    #[test]
    fn units_are_times() {
        let check = |units, per_second, expect: &str| {
            assert_eq!(shown(Moment::since_epoch(units, per_second), true), expect);
        };
        check(1_700_000_000_123, 1_000, "\"2023-11-14 22:13:20.123000\"");
        check(1_700_000_000_000, 1_000, "\"2023-11-14 22:13:20\"");
        check(-1, 1_000, "\"1969-12-31 23:59:59.999000\"");
        check(
            1_700_000_000_123_456,
            1_000_000,
            "\"2023-11-14 22:13:20.123456\"",
        );
        check(
            1_700_000_000_123_456_789,
            1_000_000_000,
            "\"2023-11-14 22:13:20.123456\"",
        );
        check(-1, 1_000_000_000, "\"1969-12-31 23:59:59.999999\"");
        check(9_223_372_036_825_200_000, 1_000_000, "year 294247");
        check(i64::MAX, 1_000, "none");
    }

    #[test]
    fn texts_are_times_of_utc() {
        let check = |text: &str, expect: &str| {
            assert_eq!(shown(Moment::parse(text), true), expect, "{text}");
        };
        check(
            "2018-06-20T15:13:16.945104Z",
            "\"2018-06-20 15:13:16.945104\"",
        );
        check("2018-06-20T15:13:16Z", "\"2018-06-20 15:13:16\"");
        check(
            "2018-06-20T15:13:16.123456789+02:00",
            "\"2018-06-20 13:13:16.123456\"",
        );
        check("2018-06-20T00:30:00+0130", "\"2018-06-19 23:00:00\"");
        check("2018-06-20T15:13-05", "\"2018-06-20 20:13:00\"");
        check("2018-06-20 15:13:16", "\"2018-06-20 15:13:16\"");
        check("2018-06-20Z", "\"2018-06-20 00:00:00\"");
        check("2018-06-20", "\"2018-06-20 00:00:00\"");
        for text in [
            "",
            "2018-6-20",
            "2018-02-30",
            "2018-06-20T25:00:00Z",
            "2018-06-20T15:13:16.Z",
            "2018-06-20T15:13:16.1x",
            "2018-06-20T15:13:16+x",
            "2018-06-20X",
            "+2018-06-2",
            "ä018-06-20",
        ] {
            check(text, "none");
        }
    }

    proptest! {
        #[test]
        fn dates_are_days_and_days_are_dates(day in -719_528_i64..2_932_896) {
            let (year, month, of_month) = civil(day);
            prop_assert_eq!(days(year, month, of_month), Some(day));
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".{0,40}") {
            let _ = Moment::parse(&text);
        }
    }
}
