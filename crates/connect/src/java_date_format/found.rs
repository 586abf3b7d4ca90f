//! What was read of a time, and which time it is: Java's calendar takes the fields that were set last and go together.

use crate::java_calendar::{Fields, day_of_week};

/// A field of a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name {
    /// 0 for years before the first one.
    Era,
    Year,
    WeekYear,
    /// From 0.
    Month,
    DayOfMonth,
    DayOfYear,
    WeekOfYear,
    WeekOfMonth,
    /// How many such days of the week the month had.
    WeekdayInMonth,
    /// From 1 for Sunday; beyond 7 where it was written so.
    DayOfWeek,
    /// 1 in the afternoon.
    Half,
    HourOfHalf,
    HourOfDay,
    Minute,
    Second,
    Millisecond,
}

const NAMES: usize = Name::Millisecond as usize + 1;

/// A field's value, and when it was set, counted from 1.
#[derive(Clone, Copy, Default)]
struct Entry {
    set: u32,
    value: i32,
}

#[derive(Default)]
pub(super) struct Found {
    entries: [Entry; NAMES],
    set: u32,
    pub(super) zone_ms: i64,
}

/// Where two fields say something together: when the later one was set, 0 where one is not.
fn both(a: u32, b: u32) -> u32 {
    if a == 0 || b == 0 { 0 } else { a.max(b) }
}

impl Found {
    pub(super) fn set(&mut self, name: Name, value: i32) {
        self.set += 1;
        self.entries[name as usize] = Entry {
            set: self.set,
            value,
        };
    }

    /// When a field was set; 0 where it was not.
    fn when(&self, name: Name) -> u32 {
        self.entries[name as usize].set
    }

    fn get(&self, name: Name) -> Option<i32> {
        let entry = self.entries[name as usize];
        (entry.set > 0).then_some(entry.value)
    }

    fn or_zero(&self, name: Name) -> i32 {
        self.entries[name as usize].value
    }

    /// Milliseconds since the epoch.
    pub(super) fn millis(&self) -> i64 {
        let year = self.get(Name::Year).unwrap_or(1970);
        let is_before = self.get(Name::Era) == Some(0);
        let mut fields = Fields {
            year: if is_before {
                1_i32.wrapping_sub(year)
            } else {
                year
            },
            hour: self.hour(),
            minute: self.or_zero(Name::Minute),
            second: self.or_zero(Name::Second),
            millisecond: self.or_zero(Name::Millisecond),
            ..Fields::default()
        };
        if self.when(Name::WeekYear) > self.when(Name::Year) {
            self.set_week_date(&mut fields);
        } else {
            self.set_date(&mut fields);
        }
        fields.millis().wrapping_sub(self.zone_ms)
    }

    fn hour(&self) -> i32 {
        let of_day = self.when(Name::HourOfDay);
        let of_half = both(self.when(Name::HourOfHalf), self.when(Name::Half));
        if of_day > 0 && of_day >= of_half {
            return self.or_zero(Name::HourOfDay);
        }
        let half = self.or_zero(Name::Half).wrapping_mul(12);
        self.or_zero(Name::HourOfHalf).wrapping_add(half)
    }

    /// By the fields for the day that were set last; of those that need a day of the week, with one before without one.
    fn set_date(&self, fields: &mut Fields) {
        let weekday = self.when(Name::DayOfWeek);
        let of_month = self.when(Name::DayOfMonth);
        let of_year = self.when(Name::DayOfYear);
        let mut week_of_month = both(self.when(Name::WeekOfMonth), weekday);
        let mut in_month = both(self.when(Name::WeekdayInMonth), weekday);
        let mut week_of_year = both(self.when(Name::WeekOfYear), weekday);
        let latest = |times: [u32; 3]| times.into_iter().max().unwrap_or(0);
        let mut last = latest([week_of_month, in_month, week_of_year]);
        last = latest([last, of_month, of_year]);
        if last == 0 {
            week_of_month = self.when(Name::WeekOfMonth);
            in_month = self.when(Name::WeekdayInMonth).max(weekday);
            week_of_year = self.when(Name::WeekOfYear);
            last = latest([week_of_month, in_month, week_of_year]);
        }
        let week = self.when(Name::WeekOfYear);
        if last == of_month {
            self.set_month(fields);
            fields.day = self.get(Name::DayOfMonth).unwrap_or(1);
        } else if last == week_of_month && self.when(Name::WeekOfMonth) >= week
            || last == in_month && self.when(Name::WeekdayInMonth) >= week
        {
            let is_week = last == week_of_month
                && (week_of_month != in_month
                    || self.when(Name::WeekOfMonth) >= self.when(Name::WeekdayInMonth));
            self.set_month(fields);
            if is_week {
                let number = self.or_zero(Name::WeekOfMonth);
                fields.day = week_day(*fields, number, self.get(Name::DayOfWeek));
            } else {
                self.set_weekday_in_month(fields);
            }
        } else if last == of_year {
            fields.day = self.or_zero(Name::DayOfYear);
        } else {
            let number = self.or_zero(Name::WeekOfYear);
            fields.day = week_day(*fields, number, self.get(Name::DayOfWeek));
        }
    }

    /// Within its year, so that the days are those of one month.
    fn set_month(&self, fields: &mut Fields) {
        let month = self.or_zero(Name::Month);
        fields.year = fields.year.wrapping_add(month.div_euclid(12));
        fields.month = month.rem_euclid(12);
    }

    fn set_weekday_in_month(&self, fields: &mut Fields) {
        let number = self.get(Name::WeekdayInMonth).unwrap_or(1);
        let mut behind = number.wrapping_mul(7);
        if number < 0 {
            let next = Fields {
                month: fields.month + 1,
                ..first(*fields)
            };
            let length = (next.millis() - first(*fields).millis()) / 86_400_000;
            let length = i32::try_from(length).unwrap_or_default();
            behind = number.wrapping_add(1).wrapping_mul(7).wrapping_add(length);
        }
        let weekday = self.get(Name::DayOfWeek).unwrap_or(1);
        fields.day = on_or_before(*fields, behind, weekday);
    }

    /// A week of a year of weeks.
    fn set_week_date(&self, fields: &mut Fields) {
        let mut week = self.get(Name::WeekOfYear).unwrap_or(1);
        let mut weekday = self.get(Name::DayOfWeek).unwrap_or(1);
        if !(1..=7).contains(&weekday) {
            // It was written as a number from Monday on, and runs over into other weeks.
            let from_monday = weekday.wrapping_sub(1);
            week = week.wrapping_add(from_monday.div_euclid(7));
            weekday = (from_monday.rem_euclid(7) + 1) % 7 + 1;
        }
        fields.year = self.or_zero(Name::WeekYear);
        fields.month = 0;
        fields.day = week_day(*fields, week, Some(weekday));
    }
}

const fn first(fields: Fields) -> Fields {
    Fields {
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        millisecond: 0,
        ..fields
    }
}

/// The last such day of the week up to a day of the month.
fn on_or_before(fields: Fields, day: i32, weekday: i32) -> i32 {
    let of_first = day_of_week(first(fields).millis());
    let of_day = of_first.wrapping_add(day.wrapping_sub(1).rem_euclid(7));
    day.wrapping_sub(of_day.wrapping_sub(weekday.wrapping_sub(1)).rem_euclid(7))
}

/// A day of a week, counted from the first of the month: weeks begin on Sunday, and the first one has the first of the month.
fn week_day(fields: Fields, week: i32, weekday: Option<i32>) -> i32 {
    let sunday = on_or_before(fields, 1, 1);
    let day = match weekday {
        Some(weekday) => on_or_before(fields, sunday + 6, weekday),
        None => sunday,
    };
    week.wrapping_sub(1).wrapping_mul(7).wrapping_add(day)
}
