//! Numbers as Java's classes read them from texts.

use std::borrow::Cow;

/// The zeros of the scripts whose digits Java's `Character.digit` knows, in the Basic Multilingual Plane.
const ZEROS: [u32; 37] = [
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
    0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80,
    0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0,
    0xFF10,
];

/// The digit's number, whatever its script.
pub(crate) fn digit(c: char) -> Option<u8> {
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|&zero| zero <= code)].last()?;
    u8::try_from(code - zero).ok().filter(|&digit| digit < 10)
}

/// The text with digits of all scripts as those of ASCII, for Java's readers of whole and exact numbers.
#[must_use]
pub(crate) fn with_ascii_digits(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let ascii = text.chars();
    let ascii = ascii.map(|c| digit(c).map_or(c, |digit| char::from(b'0' + digit)));
    Cow::Owned(ascii.collect())
}

/// `Long.parseLong`: digits with a sign, and nothing around them.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = with_ascii_digits(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok()).flatten()
}

/// `Float.parseFloat` and `Double.parseDouble`: blanks around do not count, a letter for the type may stand behind.
pub(crate) fn floating(text: &str) -> Option<(f32, f64)> {
    let text = text.trim_matches(|c| c <= ' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, "NaN" | "Infinity") {
        let number: f64 = text.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "neither is a number")]
        return Some((number as f32, number));
    }
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        let (single, double) = hexadecimal(&unsigned[2..])?;
        let is_negative = text.starts_with('-');
        return Some(if is_negative {
            (-single, -double)
        } else {
            (single, double)
        });
    }
    let digits = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let is_decimal = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let has_digit = digits.bytes().any(|byte| byte.is_ascii_digit());
    if !has_digit || !digits.chars().all(is_decimal) {
        return None;
    }
    Some((digits.parse().ok()?, digits.parse().ok()?))
}

/// Hexadecimal digits with an exponent of two, which is never missing; of digits so many that no number has them all the last
/// ones do not count.
fn hexadecimal(text: &str) -> Option<(f32, f64)> {
    const DIGITS_MAX: usize = 30;
    let text = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let is_exponent = exponent.trim_start_matches(['+', '-']).bytes();
    let is_exponent = is_exponent.len() + 1 >= exponent.len() && is_exponent.len() > 0;
    if all.is_empty() || !is_exponent || !all.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let significant = all.trim_start_matches('0');
    let kept = &significant[..significant.len().min(DIGITS_MAX)];
    let mantissa = u128::from_str_radix(kept, 16).unwrap_or(0);
    let dropped = i32::try_from(significant.len() - kept.len()).ok()?;
    let behind = i32::try_from(fraction.len()).ok()?;
    let exponent = exponent.parse::<i32>().ok()?;
    let power = dropped.wrapping_sub(behind).checked_mul(4)?;
    let power = exponent.saturating_add(power);
    #[expect(clippy::cast_precision_loss, reason = "to the nearest, as in Java")]
    let double = scaled(mantissa as f64, power);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "to the nearest, as in Java"
    )]
    Some((double as f32, double))
}

/// A number times a power of two, in steps that do not overflow before it does.
fn scaled(number: f64, power: i32) -> f64 {
    let mut scaled = number;
    let mut left = power.clamp(-2_200, 2_200);
    while left != 0 {
        let step = left.clamp(-500, 500);
        scaled *= 2_f64.powi(step);
        left -= step;
    }
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floating_point_may_be_hexadecimal() {
        let check = |text: &str, expect: Option<f64>| {
            assert_eq!(floating(text).map(|(_, double)| double), expect, "{text}");
        };
        check("0x1p3", Some(8.0));
        check("-0X1.8P1f", Some(-3.0));
        check("0x.8p-1", Some(0.25));
        check("0x0p0", Some(0.0));
        check("0x1p9999", Some(f64::INFINITY));
        check("0x1", None);
        check("0xp1", None);
        check("0x1p", None);
        check("0x1p+-1", None);
    }
}
