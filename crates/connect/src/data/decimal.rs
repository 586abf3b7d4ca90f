//! Exact numbers: Java's `BigDecimal`.

use num_bigint::{BigInt, Sign};
use std::fmt;

/// `unscaled × 10^-scale`. Equality compares both parts: 1.0 is not 1.00.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The digits.
    pub unscaled: BigInt,
    /// How many of them stand behind the point; negative: how many zeros follow.
    pub scale: i32,
}

impl Decimal {
    /// A number from big-endian two's complement bytes; `None` where there are none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], scale: i32) -> Option<Self> {
        (!bytes.is_empty()).then(|| Self {
            unscaled: BigInt::from_signed_bytes_be(bytes),
            scale,
        })
    }

    /// A number as Java's `BigDecimal` reads it, in ASCII digits and with its own scale: `1.50` has scale 2,
    /// `1e5` scale -5. `None` for what is no number, or where exponent or scale do not fit 32 bits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (is_negative, unsigned) = match mantissa.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
        let digits = format!("{whole}{fraction}");
        // The parser of big integers knows signs and underscores, which do not belong here.
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let magnitude = BigInt::parse_bytes(digits.as_bytes(), 10)?;
        Some(Self {
            unscaled: if is_negative { -magnitude } else { magnitude },
            scale: i32::try_from(scale).ok()?,
        })
    }

    /// The value cut off behind the point, where it fits 64 bits.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        let zero = self.unscaled.sign() == Sign::NoSign;
        if zero {
            return Some(0);
        }
        // 64 bits have at most 19 digits, so that greater powers need not be computed.
        let digits = i64::try_from(self.unscaled.magnitude().to_string().len()).ok()?;
        let digits_before_point = digits - i64::from(self.scale);
        if digits_before_point > 19 {
            return None;
        }
        if digits_before_point <= 0 {
            return Some(0);
        }
        let ten = BigInt::from(10);
        let power = ten.pow(self.scale.unsigned_abs());
        let whole = if self.scale >= 0 {
            &self.unscaled / power
        } else {
            &self.unscaled * power
        };
        i64::try_from(whole).ok()
    }

    /// The value cut off behind the point, and of that the lowest 64 bits: Java's `longValue`.
    #[must_use]
    pub fn to_wrapped_i64(&self) -> i64 {
        let ten = BigInt::from(10);
        let whole = match self.scale {
            0 => self.unscaled.clone(),
            1.. => {
                let digits = self.unscaled.magnitude().to_string().len();
                if usize::try_from(self.scale).is_ok_and(|scale| scale >= digits) {
                    return 0;
                }
                &self.unscaled / ten.pow(self.scale.unsigned_abs())
            }
            // As many twos are in the power of ten, so that nothing is left in the lowest 64 bits.
            ..=-64 => return 0,
            _ => &self.unscaled * ten.pow(self.scale.unsigned_abs()),
        };
        let low = whole.magnitude().iter_u64_digits().next().unwrap_or(0);
        let low = low.cast_signed();
        if whole.sign() == Sign::Minus {
            low.wrapping_neg()
        } else {
            low
        }
    }

    /// The double that is nearest: Java's `doubleValue`.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        let nearest = format!("{}e{}", self.unscaled, -i64::from(self.scale)).parse();
        nearest.unwrap_or(f64::NAN)
    }
}

/// As `BigDecimal.toString` writes it: plain, and with an exponent where the scale is negative or the
/// number is below 10^-6.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.unscaled.magnitude().to_string();
        if self.unscaled.sign() == Sign::Minus {
            f.write_str("-")?;
        }
        if self.scale == 0 {
            return f.write_str(&digits);
        }
        let count = i64::try_from(digits.len()).map_err(|_| fmt::Error)?;
        let adjusted = count - 1 - i64::from(self.scale);
        if self.scale < 0 || adjusted < -6 {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            let sign = if adjusted > 0 { "+" } else { "" };
            f.write_str(first)?;
            f.write_str(point)?;
            f.write_str(rest)?;
            return if adjusted == 0 {
                Ok(())
            } else {
                write!(f, "E{sign}{adjusted}")
            };
        }
        let scale = usize::try_from(self.scale).map_err(|_| fmt::Error)?;
        if digits.len() > scale {
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            write!(f, "{whole}.{fraction}")
        } else {
            // Not by a width, which cannot be more than 65,535.
            f.write_str("0.")?;
            (digits.len()..scale).try_for_each(|_| f.write_str("0"))?;
            f.write_str(&digits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_cast_as_java_casts_it() {
        fn check(text: &str, whole: i64, double: f64) {
            let decimal = Decimal::parse(text).expect("a number");
            assert_eq!(decimal.to_wrapped_i64(), whole, "{text}");
            assert!(decimal.to_f64().total_cmp(&double).is_eq(), "{text}");
        }
        check("300", 300, 300.0);
        check("-1.9", -1, -1.9);
        check("1e3", 1000, 1000.0);
        check("0.001", 0, 0.001);
        check("18446744073709551617", 1, 18446744073709551616.0);
        check("-9223372036854775809", i64::MAX, -9223372036854775808.0);
        check("1e64", 0, 1e64);
        check("1e400", 0, f64::INFINITY);
        check("1e-400", 0, 0.0);
        check("1e2147483647", 0, f64::INFINITY);
    }

    #[test]
    fn is_written_as_java_writes_it() {
        fn check(unscaled: i64, scale: i32, expect: &str) {
            let decimal = Decimal {
                unscaled: unscaled.into(),
                scale,
            };
            assert_eq!(decimal.to_string(), expect, "{unscaled} {scale}");
        }
        check(123, 0, "123");
        check(-123, 0, "-123");
        check(123, 2, "1.23");
        check(100, 2, "1.00");
        check(0, 2, "0.00");
        check(-1, 2, "-0.01");
        check(0, 6, "0.000000");
        check(0, 7, "0E-7");
        check(1, 7, "1E-7");
        check(123, 7, "0.0000123");
        check(123, 9, "1.23E-7");
        check(-123, 10, "-1.23E-8");
        check(5, -2, "5E+2");
        check(123, -1, "1.23E+3");
        check(0, -10, "0E+10");
        check(12, -1, "1.2E+2");
        check(1, i32::MAX, "1E-2147483647");
    }

    #[test]
    fn zeros_behind_the_point_may_be_of_a_number_of_any_length() {
        let digits = "9".repeat(70_000);
        let mut decimal = Decimal::parse(&digits).expect("a number");
        decimal.scale = 70_002;
        assert_eq!(decimal.to_string(), format!("0.00{digits}"));
    }

    #[test]
    fn json_texts_keep_their_scale() {
        fn check(text: &str, unscaled: i64, scale: i32) {
            let expect = Decimal {
                unscaled: unscaled.into(),
                scale,
            };
            assert_eq!(Decimal::parse(text), Some(expect), "{text}");
        }
        check("1.50", 150, 2);
        check("-0.0", 0, 1);
        check("1e5", 1, -5);
        check("1.5E+5", 15, -4);
        check("1.5e-5", 15, 6);
        check("007", 7, 0);
        check("+7", 7, 0);
        check("1.", 1, 0);
        check("-.5", -5, 1);
        check("1e+00000000000000000005", 1, -5);
        for text in [
            "",
            "x",
            ".",
            "-",
            "e5",
            "--1",
            "+-1",
            "1_000",
            "1.-5",
            "1.2.3",
            "1e",
            "1e5.5",
            "0.0e2147483648",
            "1e99999999999",
            "1e2147483649",
            "1e99999999999999999999",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn whole_parts_fit_64_bits_or_are_none() {
        fn check(text: &str, expect: Option<i64>) {
            assert_eq!(
                Decimal::parse(text).expect("a number").to_i64(),
                expect,
                "{text}"
            );
        }
        check("1.9", Some(1));
        check("-1.9", Some(-1));
        check("1e3", Some(1000));
        check("9223372036854775807.9", Some(i64::MAX));
        check("9223372036854775808", None);
        check("-9223372036854775808.5", Some(i64::MIN));
        check("1e400000000", None);
        check("1e-400000000", Some(0));
        check("0e400000000", Some(0));
        check("0.00", Some(0));
    }

    #[test]
    fn bytes_are_twos_complement() {
        let decimal = |bytes: &[u8]| Decimal::from_bytes(bytes, 2).map(|d| d.to_string());
        assert_eq!(decimal(&[0x30, 0x39]).as_deref(), Some("123.45"));
        assert_eq!(decimal(&[0xff]).as_deref(), Some("-0.01"));
        assert_eq!(decimal(&[0xff, 0xff]).as_deref(), Some("-0.01"));
        assert_eq!(decimal(&[]), None);
    }
}
