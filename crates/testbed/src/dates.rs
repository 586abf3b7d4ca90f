//! StarRocks' lenient reading of dates and times.

mod format;

pub(crate) use format::Format;

/// A point in the calendar without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    micros: u32,
}

impl Moment {
    /// Reads `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS[.ffffff]` (any punctuation, `T` too), `YYYYMMDD` and `YYYYMMDDHHMMSS`.
    /// As in StarRocks, years may have two digits and what follows the seconds is not looked at, so an offset is not applied.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        // In a text of digits only, the length tells how long the year is.
        let packed = digits == text.len();
        let year_len = if packed {
            if matches!(digits, 4 | 8) || digits >= 14 {
                4
            } else {
                2
            }
        } else {
            digits.min(4)
        };
        let mut rest = text.as_bytes();
        let year_text = rest
            .get(..year_len)
            .filter(|t| t.len() == year_len && year_len >= 2)?;
        let mut fields = [0_u32; 6];
        fields[0] = number(year_text)?;
        if year_len == 2 {
            fields[0] += if fields[0] < 70 { 2000 } else { 1900 };
        }
        rest = &rest[year_len..];
        let mut read = 1;
        while read < 6 && !rest.is_empty() {
            if !packed {
                let separators = rest
                    .iter()
                    .take_while(|b| {
                        b.is_ascii_punctuation() || **b == b' ' || (read == 3 && **b == b'T')
                    })
                    .count();
                if separators == 0 {
                    break;
                }
                rest = &rest[separators..];
            }
            let len = rest
                .iter()
                .take(2)
                .take_while(|b| b.is_ascii_digit())
                .count();
            if len == 0 {
                break;
            }
            fields[read] = number(&rest[..len])?;
            rest = &rest[len..];
            read += 1;
        }
        if read < 3 {
            return None;
        }
        let mut micros = 0;
        if let (6, Some((b'.', fraction))) = (read, rest.split_first()) {
            let digits = fraction
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .take(6)
                .count();
            let scale = 10_u32.pow(u32::try_from(6 - digits).ok()?);
            micros = if digits == 0 {
                0
            } else {
                number(&fraction[..digits])? * scale
            };
        }
        let [year, month, day, hour, minute, second] = fields;
        Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            micros,
        }
        .valid()
    }

    /// The moment `millis` after 1970 in UTC.
    pub(crate) fn from_millis(millis: u64) -> Self {
        let (days, in_day) = (millis / 86_400_000, millis % 86_400_000);
        let mut year = 1970;
        let mut left = u32::try_from(days).unwrap_or(u32::MAX);
        while left >= year_days(year) {
            left -= year_days(year);
            year += 1;
        }
        let mut month = 1;
        while left >= month_days(year, month) {
            left -= month_days(year, month);
            month += 1;
        }
        let part = |unit: u64, of: u64| u32::try_from(in_day / unit % of).unwrap_or(0);
        Self {
            year,
            month,
            day: left + 1,
            hour: part(3_600_000, 24),
            minute: part(60_000, 60),
            second: part(1000, 60),
            micros: part(1, 1000) * 1000,
        }
    }

    /// The year, then month, day, hour, minute and second, and the microseconds.
    pub(crate) fn parts(self) -> (u16, [u8; 5], u32) {
        let small = |part: u32| u8::try_from(part).unwrap_or(u8::MAX);
        let year = u16::try_from(self.year).unwrap_or(u16::MAX);
        let parts = [self.month, self.day, self.hour, self.minute, self.second];
        (year, parts.map(small), self.micros)
    }

    /// As [`from_millis`](Self::from_millis); `None` beyond the year 9999.
    pub(crate) fn in_range(millis: u64) -> Option<Self> {
        (millis < 253_402_300_800_000).then(|| Self::from_millis(millis))
    }

    fn valid(self) -> Option<Self> {
        let good = self.year <= 9999
            && (1..=12).contains(&self.month)
            && (1..=month_days(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60;
        good.then_some(self)
    }

    pub(crate) fn date(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// As StarRocks shows a DATETIME: fraction only where there is one.
    pub(crate) fn date_time(self) -> String {
        let mut shown = format!(
            "{} {:02}:{:02}:{:02}",
            self.date(),
            self.hour,
            self.minute,
            self.second
        );
        if self.micros > 0 {
            shown.push_str(&format!(".{:06}", self.micros));
        }
        shown
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn year_days(year: u32) -> u32 {
    365 + u32::from(leap(year))
}

fn month_days(year: u32, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn dates_are_read_as_starrocks_reads_them() {
        let rows = [
            ("2024-02-29", Some("2024-02-29 00:00:00")),
            ("2023-02-29", None),
            ("2024-01-02 03:04:05", Some("2024-01-02 03:04:05")),
            ("2024-01-02T03:04:05", Some("2024-01-02 03:04:05")),
            ("2024-01-02 03:04:05.12", Some("2024-01-02 03:04:05.120000")),
            (
                "2024-01-02 03:04:05.1234567",
                Some("2024-01-02 03:04:05.123456"),
            ),
            ("2024-01-02T03:04:05Z", Some("2024-01-02 03:04:05")),
            ("2024/1/2", Some("2024-01-02 00:00:00")),
            ("24-1-2", Some("2024-01-02 00:00:00")),
            ("20240102", Some("2024-01-02 00:00:00")),
            ("20240102030405", Some("2024-01-02 03:04:05")),
            ("1700000000", None),
            ("1611121314", Some("2016-11-12 13:14:00")),
            ("1700000000000", None),
            ("2024-13-01", None),
            ("2024-01-02 24:00:00", None),
            ("2024-01", None),
            ("hello", None),
            ("", None),
        ];
        for (text, expect) in rows {
            assert_eq!(
                Moment::parse(text).map(Moment::date_time).as_deref(),
                expect,
                "{text}"
            );
        }
    }

    #[test]
    fn millis_become_utc() {
        let rows = [
            (0, "1970-01-01 00:00:00"),
            (951_782_400_000, "2000-02-29 00:00:00"),
            (1_704_164_645_120, "2024-01-02 03:04:05.120000"),
        ];
        for (millis, expect) in rows {
            assert_eq!(Moment::from_millis(millis).date_time(), expect);
        }
    }
}
