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
pub(super) struct Fields {
    pub(super) year: i32,
    /// From 0.
    pub(super) month: i32,
    /// From 1.
    pub(super) day: i32,
    pub(super) hour: i32,
    pub(super) minute: i32,
    pub(super) second: i32,
    pub(super) millisecond: i32,
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
    pub(super) fn millis(self) -> i64 {
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
