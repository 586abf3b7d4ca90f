//! Numbers as text: decimals keep every digit of their scale, doubles are shown as StarRocks shows them.

use std::cmp::Ordering;

/// `text` as a decimal of `precision` and `scale`, rounded half away from zero; `None` where it is no number,
/// `Some(None)` where it is out of range.
pub(crate) fn rescaled(text: &str, precision: u8, scale: u8) -> Option<Option<String>> {
    let text = text.trim();
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let whole_len = i32::try_from(whole.len()).ok()?;
    // Digits that stay: those before the point and `scale` after it.
    let keep = i64::from(whole_len) + i64::from(exponent) + i64::from(scale);
    let mut value: i128 = 0;
    for at in 0..keep.max(0) {
        let digit = usize::try_from(at)
            .ok()
            .and_then(|at| digits.get(at))
            .map_or(0, |d| d - b'0');
        let Some(next) = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i128::from(digit)))
        else {
            return Some(None);
        };
        // Zeros without end (1e999999) are out of range as soon as one digit stands before too many.
        value = next;
        if value == 0 && at as usize >= digits.len() {
            break;
        }
    }
    if keep >= 0
        && usize::try_from(keep)
            .ok()
            .and_then(|k| digits.get(k))
            .is_some_and(|d| *d >= b'5')
    {
        value = value.saturating_add(1);
    }
    if value >= 10_i128.pow(u32::from(precision)) {
        return Some(None);
    }
    let scale = usize::from(scale);
    let mut shown = format!("{value:0>width$}", width = scale + 1);
    if scale > 0 {
        shown.insert(shown.len() - scale, '.');
    }
    if negative && value != 0 {
        shown.insert(0, '-');
    }
    Some(Some(shown))
}

/// `text` as a whole number of 128 bits; a fraction is cut off. `None` where it is no number, `Some(None)` out of range.
pub(crate) fn large_int(text: &str) -> Option<Option<i128>> {
    let text = text.trim();
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|b| b.is_ascii_digit()) => whole,
        Some(_) => return None,
        None => text,
    };
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(whole.parse().ok())
}

/// Compares two numbers, plain ones digit by digit; `None` where one of them is none.
pub(crate) fn compare(one: &str, other: &str) -> Option<Ordering> {
    match (plain(one), plain(other)) {
        (Some((true, _, _)), Some((false, _, _))) => Some(Ordering::Less),
        (Some((false, _, _)), Some((true, _, _))) => Some(Ordering::Greater),
        (Some((negative, whole, fraction)), Some((_, other_whole, other_fraction))) => {
            let order = (whole.len().cmp(&other_whole.len()))
                .then_with(|| whole.cmp(other_whole))
                .then_with(|| fraction.cmp(other_fraction));
            Some(if negative { order.reverse() } else { order })
        }
        _ => one
            .trim()
            .parse::<f64>()
            .ok()?
            .partial_cmp(&other.trim().parse().ok()?),
    }
}

/// Whether a number without an exponent is below zero, and its digits before and behind the point without needless zeros.
fn plain(text: &str) -> Option<(bool, &str, &str)> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = whole.bytes().chain(fraction.bytes());
    if whole.len() + fraction.len() == 0 || !all.clone().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let zero = all.clone().all(|b| b == b'0');
    let (whole, fraction) = (
        whole.trim_start_matches('0'),
        fraction.trim_end_matches('0'),
    );
    Some((text.starts_with('-') && !zero, whole, fraction))
}

/// A double in its shortest form, with an exponent where it is very large or small (as `fmt` writes it in C++).
pub(crate) fn double(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return value.to_string();
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..16).contains(&exponent) => value.to_string(),
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
        }
        Err(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{compare, double, large_int, rescaled};

    #[test]
    fn decimals_keep_every_digit_of_the_scale() {
        let rows = [
            ("1", 10, 2, Some(Some("1.00"))),
            ("-1.005", 10, 2, Some(Some("-1.01"))),
            ("1.004", 10, 2, Some(Some("1.00"))),
            ("-0.001", 10, 2, Some(Some("0.00"))),
            ("0.5", 1, 0, Some(Some("1"))),
            (".5", 3, 2, Some(Some("0.50"))),
            ("9.995", 3, 2, Some(None)),
            ("1e3", 6, 2, Some(Some("1000.00"))),
            ("125e-2", 6, 1, Some(Some("1.3"))),
            ("5e-9", 6, 1, Some(Some("0.0"))),
            ("1e99999999", 38, 0, Some(None)),
            ("0e99999999", 38, 0, Some(Some("0"))),
            (
                "99999999999999999999999999999999999999",
                38,
                0,
                Some(Some("99999999999999999999999999999999999999")),
            ),
            (
                "12345678901234567890.123456789",
                38,
                9,
                Some(Some("12345678901234567890.123456789")),
            ),
            ("100000000000000000000000000000000000000", 38, 0, Some(None)),
            ("abc", 10, 2, None),
            ("", 10, 2, None),
            ("-", 10, 2, None),
            ("1.2.3", 10, 2, None),
        ];
        for (text, precision, scale, expect) in rows {
            let expect = expect.map(|e| e.map(str::to_owned));
            assert_eq!(
                rescaled(text, precision, scale),
                expect,
                "{text} as ({precision},{scale})"
            );
        }
    }

    #[test]
    fn large_ints_reach_128_bits() {
        let rows = [
            (
                "170141183460469231731687303715884105727",
                Some(Some(i128::MAX)),
            ),
            (
                "-170141183460469231731687303715884105728",
                Some(Some(i128::MIN)),
            ),
            ("170141183460469231731687303715884105728", Some(None)),
            ("12.9", Some(Some(12))),
            ("12.x", None),
            ("x", None),
        ];
        for (text, expect) in rows {
            assert_eq!(large_int(text), expect, "{text}");
        }
    }
    #[test]
    fn doubles_are_short() {
        let rows = [
            (0.0, "0"),
            (-1.5, "-1.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e15, "1000000000000000"),
            (1e16, "1e+16"),
            (1.25e300, "1.25e+300"),
        ];
        for (value, expect) in rows {
            assert_eq!(double(value), expect);
        }
    }

    #[test]
    fn numbers_are_compared_digit_by_digit() {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let rows = [
            ("1", "1.0", Some(Equal)),
            ("-0.0", "0", Some(Equal)),
            ("007.10", "7.1", Some(Equal)),
            ("10", "9", Some(Greater)),
            ("-10", "-9", Some(Less)),
            ("-1", "1", Some(Less)),
            ("1.05", "1.5", Some(Less)),
            ("123456789012345678901", "123456789012345678902", Some(Less)),
            ("1e3", "1000", Some(Equal)),
            ("x", "1", None),
            ("", "1", None),
        ];
        for (one, other, expect) in rows {
            assert_eq!(compare(one, other), expect, "{one} and {other}");
            assert_eq!(compare(other, one), expect.map(std::cmp::Ordering::reverse));
        }
    }
}
