//! The stream of orders: made up, the same in every run, and each with an id of its own, counted from 1.

use std::io::{self, Write as _};

use starrocks_kafka_testbed::produce::{Datum, Field, Kind, Record};

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

const NOTES: [Option<&str>; 4] = [
    None,
    None,
    Some("leave it at the front door"),
    Some(r#"a gift, with a "card" inside"#),
];

/// Seconds between two orders.
const PACE_S: u64 = 37;

/// An order.
pub(super) struct Order {
    id: u64,
    customer: &'static str,
    product: &'static str,
    quantity: i32,
    /// In cents.
    price: u64,
    status: &'static str,
    created: String,
    note: Option<&'static str>,
}

/// How an order is declared where its format has schemas.
pub(super) static RECORD: Record = Record {
    name: "Order",
    fields: &[
        Field::new("id", Kind::Long),
        Field::new("customer", Kind::Text),
        Field::new("product", Kind::Text),
        Field::new("quantity", Kind::Int),
        Field::new("price", Kind::Double),
        Field::new("status", Kind::Text),
        Field::new("created", Kind::Text),
        Field::new("note", Kind::Optional(&Kind::Text)),
    ],
};

/// Between the fields of a line of CSV.
pub(super) const SEPARATOR: char = '|';

impl Order {
    /// The order of an id.
    pub(super) fn of(id: u64) -> Self {
        let mut dice = id;
        let mut pick = |sides: usize| -> usize {
            dice = scrambled(dice);
            usize::try_from(dice % sides as u64).unwrap_or(0)
        };
        let customer = CUSTOMERS[pick(CUSTOMERS.len())];
        let (product, price) = PRODUCTS[pick(PRODUCTS.len())];
        let quantity = 1 + i32::try_from(pick(4)).unwrap_or(0);
        let (status, note) = (STATUSES[pick(STATUSES.len())], NOTES[pick(NOTES.len())]);
        let (day, second) = (id * PACE_S / 86_400, id * PACE_S % 86_400);
        let (year, month, day) = date(day);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        Self {
            id,
            customer,
            product,
            quantity,
            price,
            status,
            created: format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
            note,
        }
    }

    /// Appends it as JSON.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let Self {
            id,
            customer,
            product,
            quantity,
            price,
            status,
            created,
            note,
        } = self;
        let (euros, cents) = (price / 100, price % 100);
        write!(
            out,
            r#"{{"id":{id},"customer":"{customer}","product":"{product}","quantity":{quantity},"price":{euros}.{cents:02},"status":"{status}","created":"{created}","note":"#
        )?;
        serde_json::to_writer(&mut *out, note)?;
        out.write_all(b"}")
    }

    /// Appends it as a line of CSV, without the line's end.
    pub(super) fn write_csv(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let Self {
            id,
            customer,
            product,
            quantity,
            price,
            status,
            created,
            note,
        } = self;
        let (euros, cents) = (price / 100, price % 100);
        let note = note.unwrap_or(r"\N");
        write!(
            out,
            "{id}|{customer}|{product}|{quantity}|{euros}.{cents:02}|{status}|{created}|{note}"
        )
    }

    /// The order as a datum of [`RECORD`].
    pub(super) fn datum(&self) -> Datum {
        Datum::Record(vec![
            Datum::Long(self.id.cast_signed()),
            self.customer.into(),
            self.product.into(),
            Datum::Int(self.quantity),
            Datum::Double(self.price as f64 / 100.0),
            self.status.into(),
            self.created.clone().into(),
            self.note.map_or(Datum::Null, Datum::from),
        ])
    }
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
    use starrocks_kafka_testbed::produce::Format;

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

    fn columns() -> Vec<&'static str> {
        let lines = TABLE.lines().filter_map(|line| line.strip_prefix("    "));
        lines.filter_map(|line| line.split(' ').next()).collect()
    }

    #[test]
    fn an_order_has_the_columns_of_its_table() {
        assert_eq!(
            RECORD
                .fields
                .iter()
                .map(|field| field.name)
                .collect::<Vec<_>>(),
            columns()
        );
        for id in [1, 2, 3, 4, 5, 6, 7, 8, 199_999] {
            let order = Order::of(id);
            let (mut json, mut csv, mut declared) = (Vec::new(), Vec::new(), Vec::new());
            order.write_json(&mut json).expect("memory takes text");
            order.write_csv(&mut csv).expect("memory takes text");
            Format::Json.write(&RECORD, &order.datum(), &mut declared);
            let read = |json: &[u8]| -> serde_json::Map<String, serde_json::Value> {
                serde_json::from_slice(json).expect("an order is a JSON object")
            };
            let json = read(&json);
            assert_eq!(json["id"], id);
            assert_eq!(json, read(&declared), "the same in every format");
            let csv = String::from_utf8(csv).expect("an order is text");
            let fields: Vec<_> = csv.split(SEPARATOR).collect();
            assert_eq!(
                fields.len(),
                columns().len(),
                "each column has its value: {csv}"
            );
            for (column, field) in columns().iter().zip(fields) {
                let same = match &json[*column] {
                    serde_json::Value::Null => field == r"\N",
                    serde_json::Value::String(text) => field == text,
                    number => field.parse().ok() == number.as_f64(),
                };
                assert!(same, "{column}: {field}");
            }
        }
    }

    #[test]
    fn an_order_reads_as_it_always_did() {
        let mut json = Vec::new();
        Order::of(1)
            .write_json(&mut json)
            .expect("memory takes text");
        let text = r#"{"id":1,"customer":"Fatima Haddad","product":"carpet","quantity":4,"price":180.00,"status":"new","created":"2025-01-01 00:00:37","note":null}"#;
        assert_eq!(String::from_utf8_lossy(&json), text);
    }
}
