//! The decimal digits that Java up to 18 writes for floating point.
//!
//! They are made one after the other until they tell the number from its neighbours, from a distance that is half of what stands
//! between them. Whole numbers below 2^63 are written as such, without the digits that say nothing. Both give more
//! digits than it takes for some numbers, and text that came from Java has these.

use num_bigint::BigUint;

/// A positive number: `odd × 2^(exponent - (bits of odd - 1))`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    odd: u64,
    /// The bits of `odd`.
    bits: i32,
    /// Of the first bit.
    exponent: i32,
    /// How many bits the number has in its form.
    precision: i32,
}

impl Parts {
    /// Of a number that is written with so many bits behind the first one, which is not written.
    pub(crate) fn new(fraction: u64, exponent: u32, width: i32) -> Self {
        let bias = if width == 23 { 127 } else { 1023 };
        let length = |number: u64| 64 - number.leading_zeros().cast_signed();
        let (significand, exponent, precision) = if exponent == 0 {
            let precision = length(fraction);
            (fraction, precision - width - bias, precision)
        } else {
            (
                fraction | 1 << width,
                exponent.cast_signed() - bias,
                width + 1,
            )
        };
        let odd = significand >> significand.trailing_zeros().min(63);
        Self {
            odd,
            bits: length(odd),
            exponent,
            precision,
        }
    }

    /// The digits, and where the point stands, counted from the first one.
    pub(crate) fn digits(self) -> (String, i32) {
        let behind_point = (self.bits - self.exponent - 1).max(0);
        if behind_point == 0 && self.exponent <= 62 {
            return self.whole();
        }
        self.between_neighbours(behind_point)
    }

    fn whole(self) -> (String, i32) {
        let mut number = self.odd << (self.exponent - self.bits + 1);
        let mut dropped = 0;
        let beyond = self.exponent - self.precision - 1;
        if beyond > 1 {
            // The digits in so many bits.
            dropped = beyond * 30_103 / 100_000;
            let power = 10_u64.pow(dropped.unsigned_abs());
            let is_up = power > 1 && number % power >= power / 2;
            number = number / power + u64::from(is_up);
        }
        let all = number.to_string();
        let point = i32::try_from(all.len()).unwrap_or(0) + dropped;
        let digits = all.trim_end_matches('0');
        (digits.to_owned(), point)
    }

    fn between_neighbours(self, behind_point: i32) -> (String, i32) {
        let mut power = self.power_of_ten();
        let mut scale = Scale::new(self, behind_point, power);
        let mut digits = Vec::new();
        let first = scale.digit();
        let (mut is_low, mut is_high) = scale.is_enough();
        if first == 0 && !is_high {
            power -= 1;
        } else {
            digits.push(first);
        }
        if !(-3..8).contains(&power) {
            // In front of an exponent there are two digits at least.
            (is_low, is_high) = (false, false);
        }
        while !is_low && !is_high {
            digits.push(scale.digit());
            (is_low, is_high) = scale.is_enough();
        }
        let is_odd = digits.last().is_some_and(|digit| digit % 2 == 1);
        let is_up = is_high && (!is_low || scale.is_nearer_to_next(is_odd));
        if is_up && round_up(&mut digits) {
            power += 1;
        }
        let text = digits.iter().map(|digit| char::from(b'0' + digit));
        (text.collect(), power + 1)
    }

    /// The power of ten of the first digit, or one more.
    fn power_of_ten(self) -> i32 {
        let significand = self.odd << (53 - self.bits);
        #[expect(clippy::cast_precision_loss, reason = "it has 53 bits")]
        let fraction = significand as f64 / 2_f64.powi(52);
        let estimate = (fraction - 1.5) * 0.289_529_654
            + 0.176_091_259
            + f64::from(self.exponent) * std::f64::consts::LOG10_2;
        #[expect(clippy::cast_possible_truncation, reason = "it is small")]
        let floor = estimate.floor() as i32;
        floor
    }
}

/// Adds one to the last digit; whether the first one became 1 of a greater power.
fn round_up(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return false;
        }
        *digit = 0;
    }
    if let Some(first) = digits.first_mut() {
        *first = 1;
    }
    true
}

/// What is left of a number, and the distance that tells it from its neighbours, both in parts of one.
struct Scale {
    left: BigUint,
    distance: BigUint,
    one: BigUint,
    /// Whether the next digit is taken where both are as near.
    is_inclusive: bool,
}

fn power(of_five: i32, of_two: i32) -> BigUint {
    BigUint::from(5_u8).pow(of_five.unsigned_abs()) << of_two.unsigned_abs()
}

impl Scale {
    fn new(parts: Parts, behind_point: i32, power_of_ten: i32) -> Self {
        let (five, five_of_one) = ((-power_of_ten).max(0), power_of_ten.max(0));
        let all = five + behind_point + parts.exponent;
        let mut two = all - (parts.bits - 1);
        let mut two_of_one = five_of_one + behind_point;
        let mut two_of_distance = all - parts.precision;
        let common = two.min(two_of_one);
        two -= common;
        two_of_one -= common;
        two_of_distance -= common;
        if parts.bits == 1 {
            // Below a power of two the neighbours are nearer.
            two_of_distance -= 1;
        }
        if two_of_distance < 0 {
            two -= two_of_distance;
            two_of_one -= two_of_distance;
            two_of_distance = 0;
        }
        let bits_of_five = |power: i32| match power {
            0 => 0,
            1..=26 => {
                64 - 5_u64
                    .pow(power.unsigned_abs())
                    .leading_zeros()
                    .cast_signed()
            }
            _ => power * 3,
        };
        let bits = parts.bits + two + bits_of_five(five);
        let bits_of_ten = two_of_one + 1 + bits_of_five(five_of_one + 1);
        Self {
            left: power(five, two) * parts.odd,
            distance: power(five, two_of_distance),
            one: power(five_of_one, two_of_one),
            is_inclusive: bits >= 64 || bits_of_ten >= 64,
        }
    }

    /// The next digit, ten times as much for those that follow.
    fn digit(&mut self) -> u8 {
        let digit = &self.left / &self.one;
        self.left = (&self.left % &self.one) * 10_u8;
        self.distance *= 10_u8;
        u8::try_from(digit).unwrap_or(9)
    }

    /// Whether the digits so far, and whether those with one more in the last place, are nearer than any neighbour.
    fn is_enough(&self) -> (bool, bool) {
        let ten = &self.one * 10_u8;
        let up = &self.left + &self.distance;
        let is_high = if self.is_inclusive {
            up >= ten
        } else {
            up > ten
        };
        (self.left < self.distance, is_high)
    }

    /// Whether one more in the last place is nearer; where it is as near, an even one is taken.
    fn is_nearer_to_next(&self, is_odd: bool) -> bool {
        let twice = &self.left * 2_u8;
        let ten = &self.one * 10_u8;
        twice > ten || twice == ten && is_odd
    }
}
