//! Messages that are values of their own: times, dates, decimals.

use super::decode::Numbers;
use crate::data::{Decimal, Value};
use crate::error::{DataError, ErrorClass};
use num_bigint::BigInt;

/// The first and last second of the years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
const NANOS: std::ops::Range<i64> = 0..1_000_000_000;

type Read<'k> = Result<Value<'k>, DataError>;

#[expect(
    clippy::cast_possible_truncation,
    reason = "as Java cuts numbers that are too wide"
)]
const fn int(number: u64) -> i64 {
    number as i32 as i64
}

/// `google.protobuf.Timestamp`, as milliseconds; what is finer is cut off.
pub(super) fn timestamp<'k>(numbers: &Numbers<'_>) -> Read<'k> {
    let (seconds, nanos) = (numbers.varints[1].cast_signed(), int(numbers.varints[2]));
    if !SECONDS.contains(&seconds) || !NANOS.contains(&nanos) {
        return Err(illegal(format!(
            "Timestamp is not valid: seconds {seconds} and nanos {nanos} must be in the years 1 to 9999"
        )));
    }
    Ok(Value::Timestamp(seconds * 1000 + nanos / 1_000_000))
}

/// `google.type.Date`, as days. As in Java, dates before 15 October 1582 are those of the Julian calendar.
pub(super) fn date<'k>(numbers: &Numbers<'_>) -> Read<'k> {
    let [year, month, day] = [1, 2, 3].map(|number| int(numbers.varints[number]));
    let no_date = || illegal(format!("{year}-{month}-{day} is no date"));
    let is_gregorian = (year, month, day) >= (1582, 10, 15);
    let is_leap = if year > 1582 || (year == 1582 && is_gregorian) {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    } else {
        year % 4 == 0
    };
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return Err(no_date()),
    };
    let was_left_out = !is_gregorian && (year, month, day) > (1582, 10, 4);
    if year < 1 || !(1..=days).contains(&day) || was_left_out {
        return Err(no_date());
    }
    let days = days_since_epoch(year, month, day, is_gregorian);
    let days = i32::try_from(days).map_err(|_| no_date())?;
    Ok(Value::Date(days))
}

/// Days since 1970-01-01; years begin in March, so that the leap day is the last.
fn days_since_epoch(year: i64, month: i64, day: i64, is_gregorian: bool) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let before = 365 * year + year.div_euclid(4);
    if is_gregorian {
        before - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
    } else {
        before + of_year - 719_470
    }
}

/// `google.type.TimeOfDay`, as milliseconds; what is finer is cut off.
pub(super) fn time_of_day<'k>(numbers: &Numbers<'_>) -> Read<'k> {
    let [hours, minutes, seconds, nanos] = [1, 2, 3, 4].map(|number| int(numbers.varints[number]));
    let is_one = (0..24).contains(&hours)
        && (0..60).contains(&minutes)
        && (0..60).contains(&seconds)
        && NANOS.contains(&nanos);
    if !is_one {
        return Err(DataError::of(
            ErrorClass::DateTime,
            format!("{hours}:{minutes}:{seconds} and {nanos} ns is no time of a day"),
        ));
    }
    let millis = ((hours * 60 + minutes) * 60 + seconds) * 1000 + nanos / 1_000_000;
    Ok(Value::Time(i32::try_from(millis).unwrap_or_default()))
}

/// `confluent.type.Decimal`: the message's own scale, rounded half up to its precision where it has one.
pub(super) fn decimal<'k>(numbers: &Numbers<'_>) -> Read<'k> {
    let (precision, scale) = (int(numbers.varints[2]), int(numbers.varints[3]));
    if precision < 0 {
        return Err(illegal(format!(
            "The precision of a decimal is {precision}: Digits < 0"
        )));
    }
    let scale = i32::try_from(scale).unwrap_or_default();
    let mut decimal = Decimal::from_bytes(numbers.bytes, scale).ok_or_else(|| {
        DataError::of(
            ErrorClass::NumberFormat,
            "Zero length BigInteger: a decimal has no bytes",
        )
    })?;
    if precision > 0 {
        round(&mut decimal, u64::try_from(precision).unwrap_or_default())?;
    }
    Ok(Value::Decimal(decimal))
}

/// Rounds half up to so many digits.
fn round(decimal: &mut Decimal, precision: u64) -> Result<(), DataError> {
    let ten = BigInt::from(10);
    loop {
        let digits = decimal.unscaled.magnitude().to_string().len() as u64;
        let Some(surplus) = digits.checked_sub(precision).filter(|surplus| *surplus > 0) else {
            return Ok(());
        };
        let surplus = u32::try_from(surplus).unwrap_or(u32::MAX);
        let divisor = ten.pow(surplus);
        let half = &divisor / 2;
        let unscaled = std::mem::take(&mut decimal.unscaled);
        // Away from zero at the half, whatever the sign.
        let rounded = if unscaled < BigInt::ZERO {
            (unscaled - half) / &divisor
        } else {
            (unscaled + half) / &divisor
        };
        decimal.unscaled = rounded;
        let scale = i64::from(decimal.scale) - i64::from(surplus);
        decimal.scale =
            i32::try_from(scale).map_err(|_| illegal("The scale of a decimal is out of range"))?;
        // 9.9 becomes 10, which has a digit more: once again.
    }
}

fn illegal(message: impl Into<String>) -> DataError {
    DataError::of(ErrorClass::IllegalArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<const N: usize>(of: [i64; N]) -> Numbers<'static> {
        let mut numbers = Numbers::default();
        for (at, number) in of.into_iter().enumerate() {
            numbers.varints[at + 1] = number.cast_unsigned();
        }
        numbers
    }

    #[test]
    fn dates_are_those_of_javas_calendar() {
        let check = |of: [i64; 3], expect: Option<i32>| {
            let found = date(&numbers(of)).ok();
            assert_eq!(found, expect.map(Value::Date), "{of:?}");
        };
        check([1970, 1, 1], Some(0));
        check([2024, 2, 29], Some(19_782));
        check([1582, 10, 15], Some(-141_427));
        check([1582, 10, 4], Some(-141_428));
        check([1500, 1, 1], Some(-171_655));
        check([1500, 2, 29], Some(-171_596));
        check([10_000, 1, 1], Some(2_932_897));
        check([1900, 2, 29], None);
        check([1582, 10, 10], None);
        check([0, 1, 1], None);
        check([2000, 13, 1], None);
        check([2000, 0, 1], None);
        check([2000, 1, 0], None);
    }

    #[test]
    fn decimals_are_rounded_half_up() {
        let check = |bytes: &'static [u8], precision: i64, scale: i64, expect: &str| {
            let mut numbers = numbers([0, precision, scale]);
            numbers.bytes = bytes;
            match decimal(&numbers).expect(expect) {
                Value::Decimal(found) => assert_eq!(found.to_string(), expect),
                other => panic!("{other:?}"),
            }
        };
        check(&[1, 0xE2, 0x40], 0, 2, "1234.56");
        check(&[1, 0xE2, 0x40], 4, 2, "1235");
        check(&[99], 1, 1, "1E+1");
        check(&[25], 1, 1, "3");
        check(&[0xE7], 1, 1, "-3");
        check(&[7], 9, -2, "7E+2");
    }
}
