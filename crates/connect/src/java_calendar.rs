//! Java's `GregorianCalendar` where it is lenient: fields run over into the next greater one, and before
//! 15 October 1582 the calendar is the Julian one.

/// Days from 31 December of the year 0 to the epoch, in the Gregorian calendar.
const EPOCH_DAY: i64 = 719_163;
/// The day of 15 October 1582, the first of the Gregorian calendar.
const CUTOVER_DAY: i64 = 577_736;
const CUTOVER_YEAR: i32 = 1582;
/// Milliseconds.
const DAY_MS: i64 = 86_400_000;

/// Fields as they were written, however great.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) year: i32,
    /// From 0.
    pub(crate) month: i32,
    /// From 1.
    pub(crate) day: i32,
    pub(crate) hour: i32,
    pub(crate) minute: i32,
    pub(crate) second: i32,
    pub(crate) millisecond: i32,
}

/// The epoch.
impl Default for Fields {
    fn default() -> Self {
        Self {
            year: 1970,
            month: 0,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            millisecond: 0,
        }
    }
}

impl Fields {
    /// Milliseconds since the epoch, in UTC. Years in the hundreds of millions wrap, as in Java.
    pub(crate) fn millis(self) -> i64 {
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute);
        let seconds = minutes * 60 + i64::from(self.second);
        let time = seconds * 1000 + i64::from(self.millisecond);
        let gregorian = time.div_euclid(DAY_MS) + self.day(Calendar::Gregorian);
        let day = if self.year >= CUTOVER_YEAR && gregorian >= CUTOVER_DAY {
            gregorian
        } else {
            time.div_euclid(DAY_MS) + self.day(Calendar::Julian)
        };
        (day - EPOCH_DAY)
            .wrapping_mul(DAY_MS)
            .wrapping_add(time.rem_euclid(DAY_MS))
    }

    /// The fields of a time in UTC, from 0 as they are counted.
    pub(crate) fn of_millis(millis: i64) -> Self {
        let day = millis.div_euclid(DAY_MS) + EPOCH_DAY;
        let calendar = if day >= CUTOVER_DAY {
            Calendar::Gregorian
        } else {
            Calendar::Julian
        };
        let first_of = |year: i64, month: i32| {
            let year = i32::try_from(year).unwrap_or(i32::MAX);
            let fields = Self {
                year,
                month,
                ..Self::default()
            };
            fields.day(calendar)
        };
        // Not after the year, on either side of the first one.
        let mut year = if day < 0 { day / 365 - 2 } else { day / 366 };
        while first_of(year + 1, 0) <= day {
            year += 1 + (day - first_of(year + 1, 0)) / 366;
        }
        let month = (0..12).rev().find(|month| first_of(year, *month) <= day);
        let month = month.unwrap_or(0);
        let time = millis.rem_euclid(DAY_MS);
        let small = |number: i64| i32::try_from(number).unwrap_or(0);
        Self {
            year: small(year),
            month,
            day: small(day - first_of(year, month) + 1),
            hour: small(time / 3_600_000),
            minute: small(time / 60_000 % 60),
            second: small(time / 1_000 % 60),
            millisecond: small(time % 1_000),
        }
    }

    /// The day in a calendar, counted from 31 December of the Gregorian year 0.
    fn day(self, calendar: Calendar) -> i64 {
        let year = self.year.wrapping_add(self.month.div_euclid(12));
        let month = i64::from(self.month.rem_euclid(12)) + 1;
        let before = i64::from(year) - 1;
        let (leap_days, is_leap) = match calendar {
            Calendar::Gregorian => (
                before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400),
                year % 4 == 0 && (year % 100 != 0 || year % 400 == 0),
            ),
            // Two days behind in the year 1.
            Calendar::Julian => (before.div_euclid(4) - 2, year % 4 == 0),
        };
        let short_february = match (month, is_leap) {
            (..=2, _) => 0,
            (_, true) => 1,
            (_, false) => 2,
        };
        let first = before * 365 + leap_days + (367 * month - 362) / 12 - short_february;
        first + i64::from(self.day)
    }
}

#[derive(Clone, Copy)]
enum Calendar {
    Gregorian,
    Julian,
}

/// The day of the week of a time in UTC, from 0 for Sunday.
pub(crate) fn day_of_week(millis: i64) -> i32 {
    // The epoch was a Thursday.
    i32::try_from((millis.div_euclid(DAY_MS) + 4).rem_euclid(7)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_fields_and_fields_are_times() {
        let check = |millis: i64, expect: (i32, i32, i32)| {
            let fields = Fields::of_millis(millis);
            assert_eq!(
                (fields.year, fields.month + 1, fields.day),
                expect,
                "{millis}"
            );
            assert_eq!(fields.millis(), millis, "{millis}");
        };
        check(0, (1970, 1, 1));
        check(-1, (1969, 12, 31));
        check(1_709_164_800_000, (2024, 2, 29));
        check(-12_219_292_800_000, (1582, 10, 15));
        check(-12_219_292_800_001, (1582, 10, 4));
        check(-62_135_596_800_001, (1, 1, 2));
        check(-62_170_156_800_000, (-1, 11, 30));
        check(253_402_300_799_999, (9999, 12, 31));
        assert_eq!(day_of_week(0), 4);
        assert_eq!(day_of_week(-1), 3);
    }

    #[test]
    fn the_ends_of_time_are_dates() {
        let ends = [i64::MIN, i64::MAX].map(|millis| {
            let fields = Fields::of_millis(millis);
            (fields.year, fields.month + 1, fields.day)
        });
        assert_eq!(ends, [(-292_269_054, 12, 2), (292_278_994, 8, 17)]);
    }
}
