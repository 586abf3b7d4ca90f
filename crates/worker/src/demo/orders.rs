//! The stream of orders: made up, the same in every run, and each with an id of its own, counted from 1.

use std::fmt::Write as _;

/// The table for the orders. Its keys are not unique: a row that came twice is there twice, and is found.
pub(super) const TABLE: &str = r#"CREATE TABLE shop.orders (
    id BIGINT NOT NULL,
    customer VARCHAR(64) NOT NULL,
    product VARCHAR(64) NOT NULL,
    quantity INT NOT NULL,
    price DECIMAL(10, 2) NOT NULL,
    status VARCHAR(16) NOT NULL,
    created DATETIME NOT NULL,
    note VARCHAR(200)
)
DUPLICATE KEY (id)
DISTRIBUTED BY HASH (id)
PROPERTIES ("replication_num" = "1");
"#;

const CUSTOMERS: [&str; 10] = [
    "Ada Lovelace",
    "Björn Dahl",
    "Chloé Martin",
    "Dmitri Orlov",
    "Emeka Obi",
    "Fatima Haddad",
    "Grace Hopper",
    "Hiro Tanaka",
    "Inés García",
    "Li Na",
];

/// Products, and their prices in cents.
const PRODUCTS: [(&str, u64); 8] = [
    ("desk", 24_900),
    ("chair", 11_950),
    ("lamp", 3_990),
    ("kettle", 4_575),
    ("radio", 7_999),
    ("mirror", 6_450),
    ("carpet", 18_000),
    ("clock", 2_925),
];

/// Most orders have gone all their way.
const STATUSES: [&str; 8] = [
    "delivered",
    "delivered",
    "delivered",
    "shipped",
    "shipped",
    "paid",
    "new",
    "returned",
];

const NOTES: [&str; 4] = [
    "null",
    "null",
    r#""leave it at the front door""#,
    r#""a gift, with a \"card\" inside""#,
];

/// Seconds between two orders.
const PACE_S: u64 = 37;

/// Writes an order as JSON in place of what `json` held.
pub(super) fn write_order(json: &mut String, id: u64) {
    let mut dice = id;
    let mut pick = |sides: usize| -> usize {
        dice = scrambled(dice);
        usize::try_from(dice % sides as u64).unwrap_or(0)
    };
    let customer = CUSTOMERS[pick(CUSTOMERS.len())];
    let (product, price) = PRODUCTS[pick(PRODUCTS.len())];
    let quantity = 1 + pick(4);
    let (status, note) = (STATUSES[pick(STATUSES.len())], NOTES[pick(NOTES.len())]);
    let (euros, cents) = (price / 100, price % 100);
    let (day, second) = (id * PACE_S / 86_400, id * PACE_S % 86_400);
    let (year, month, day) = date(day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    json.clear();
    let written = write!(
        json,
        r#"{{"id":{id},"customer":"{customer}","product":"{product}","quantity":{quantity},"price":{euros}.{cents:02},"status":"{status}","created":"{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}","note":{note}}}"#
    );
    written.expect("a String takes all text");
}

/// A number that looks like chance (the finalizer of SplitMix64).
fn scrambled(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Year, month and day so many days after the first of January 2025.
fn date(mut days: u64) -> (u64, u64, u64) {
    let mut year = 2025;
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if leap { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, length) in (1..).zip(lengths) {
            if days < length {
                return (year, month, days + 1);
            }
            days -= length;
        }
        year += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        let check = |days: u64, expect: (u64, u64, u64)| assert_eq!(date(days), expect, "{days}");
        check(0, (2025, 1, 1));
        check(58, (2025, 2, 28));
        check(59, (2025, 3, 1));
        check(364, (2025, 12, 31));
        check(365, (2026, 1, 1));
        check(365 * 3 + 59, (2028, 2, 29));
        check(365 * 3 + 366, (2029, 1, 1));
    }

    #[test]
    fn an_order_is_json_with_the_columns_of_its_table() {
        let mut json = "what stood there".to_owned();
        for id in [1, 2, 199_999] {
            write_order(&mut json, id);
            let order: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&json).expect("an order is a JSON object");
            assert_eq!(order["id"], id);
            for column in order.keys() {
                assert!(TABLE.contains(&format!("    {column} ")), "{column}");
            }
            let columns = TABLE
                .lines()
                .filter(|line| line.starts_with("    "))
                .count();
            assert_eq!(order.len(), columns, "each column has its value");
        }
    }
}
