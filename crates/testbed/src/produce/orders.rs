//! Orders made up for tests and benches: flat ones of ten fields, nested ones of forty, each in two versions.

use fastrand::Rng;

use super::datum::{Datum, Field, Kind, Record};

/// What an order looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Ten fields side by side.
    Flat,
    /// Forty, in records, a list of records, a list of texts and a map.
    Nested,
}

/// Makes orders of a shape and a version. The same number makes the same order; the second version has one field more,
/// `channel`, behind the others and with a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orders {
    shape: Shape,
    second: bool,
}

const STATUS: Kind = Kind::Enum("Status", &["CREATED", "PAID", "SHIPPED", "DELIVERED"]);
const OPTIONAL_TEXT: Kind = Kind::Optional(&Kind::Text);

const CHANNEL: Field = Field::new("channel", Kind::Text).or(r#""web""#);

const FLAT: [Field; 10] = [
    Field::new("id", Kind::Long),
    Field::new("customer", Kind::Text),
    Field::new("product", Kind::Text),
    Field::new("quantity", Kind::Int),
    Field::new("price", Kind::Double),
    Field::new("paid", Kind::Bool),
    Field::new("created", Kind::Long),
    Field::new("status", STATUS),
    Field::new("city", Kind::Text),
    Field::new("note", OPTIONAL_TEXT),
];

const ADDRESS: Record = Record {
    name: "Address",
    fields: &[
        Field::new("street", Kind::Text),
        Field::new("number", Kind::Int),
        Field::new("city", Kind::Text),
        Field::new("zip", Kind::Text),
        Field::new("country", Kind::Text),
        Field::new("lat", Kind::Double),
        Field::new("lon", Kind::Double),
    ],
};

const CUSTOMER: Record = Record {
    name: "Customer",
    fields: &[
        Field::new("id", Kind::Long),
        Field::new("name", Kind::Text),
        Field::new("email", Kind::Text),
        Field::new("phone", OPTIONAL_TEXT),
        Field::new("since", Kind::Int),
        Field::new("vip", Kind::Bool),
        Field::new("address", Kind::Record(&ADDRESS)),
    ],
};

const PAYMENT: Record = Record {
    name: "Payment",
    fields: &[
        Field::new(
            "method",
            Kind::Enum("Method", &["CARD", "TRANSFER", "CASH"]),
        ),
        Field::new("card", OPTIONAL_TEXT),
        Field::new("amount", Kind::Double),
        Field::new("currency", Kind::Text),
        Field::new("captured", Kind::Bool),
    ],
};

const SHIPPING: Record = Record {
    name: "Shipping",
    fields: &[
        Field::new("carrier", Kind::Text),
        Field::new("service", Kind::Text),
        Field::new("cost", Kind::Double),
        Field::new("tracking", OPTIONAL_TEXT),
        Field::new("insured", Kind::Bool),
    ],
};

const ITEM: Record = Record {
    name: "Item",
    fields: &[
        Field::new("sku", Kind::Text),
        Field::new("title", Kind::Text),
        Field::new("pieces", Kind::Int),
        Field::new("price", Kind::Double),
        Field::new("gift", Kind::Bool),
    ],
};

const NESTED: [Field; 16] = {
    let mut fields = [Field::new("tags", Kind::List(&Kind::Text)); 16];
    let mut at = 0;
    while at < FLAT.len() {
        fields[at] = FLAT[at];
        at += 1;
    }
    fields[10] = Field::new("buyer", Kind::Record(&CUSTOMER));
    fields[11] = Field::new("payment", Kind::Record(&PAYMENT));
    fields[12] = Field::new("shipping", Kind::Record(&SHIPPING));
    fields[13] = Field::new("items", Kind::List(&Kind::Record(&ITEM)));
    fields[15] = Field::new("attributes", Kind::Map(&Kind::Text));
    fields
};

/// The fields with the second version's behind them.
const fn second<const N: usize, const M: usize>(first: [Field; N]) -> [Field; M] {
    let mut fields = [CHANNEL; M];
    let mut at = 0;
    while at < N {
        fields[at] = first[at];
        at += 1;
    }
    fields
}

static FLAT_1: Record = Record {
    name: "Order",
    fields: &FLAT,
};
static FLAT_2: Record = Record {
    name: "Order",
    fields: &second::<10, 11>(FLAT),
};
static NESTED_1: Record = Record {
    name: "NestedOrder",
    fields: &NESTED,
};
static NESTED_2: Record = Record {
    name: "NestedOrder",
    fields: &second::<16, 17>(NESTED),
};

const NAMES: [&str; 8] = [
    "Ada Lovelace",
    "Björn Dahl",
    "Chloé Martin",
    "Dmitri Orlov",
    "Emeka Obi",
    "Fatima Haddad",
    "Grace Hopper",
    "Li Na",
];
const PRODUCTS: [&str; 8] = [
    "lamp", "chair", "desk", "kettle", "radio", "mirror", "carpet", "clock",
];
const CITIES: [&str; 4] = ["London", "Paris", "Zürich", "Boston"];
const STREETS: [&str; 4] = ["Long Acre", "Rue Cler", "Hauptstraße", "Elm Street"];
const CARRIERS: [&str; 3] = ["Post", "Bike", "Train"];
const CHANNELS: [&str; 3] = ["web", "shop", "phone"];

fn pick(rng: &mut Rng, from: &[&'static str]) -> Datum {
    Datum::from(from[rng.usize(0..from.len())])
}

/// An amount of money.
fn cents(rng: &mut Rng) -> Datum {
    Datum::Double(f64::from(rng.u32(100..100_000)) / 100.0)
}

/// A text, or nothing in one of four cases.
fn maybe(rng: &mut Rng, text: impl FnOnce(&mut Rng) -> Datum) -> Datum {
    if rng.u8(0..4) == 0 {
        Datum::Null
    } else {
        text(rng)
    }
}

impl Orders {
    /// Orders of the first version.
    #[must_use]
    pub const fn first(shape: Shape) -> Self {
        Self {
            shape,
            second: false,
        }
    }

    /// Orders of the second version.
    #[must_use]
    pub const fn second(shape: Shape) -> Self {
        Self {
            shape,
            second: true,
        }
    }

    /// How they are declared.
    #[must_use]
    pub fn record(self) -> &'static Record {
        match (self.shape, self.second) {
            (Shape::Flat, false) => &FLAT_1,
            (Shape::Flat, true) => &FLAT_2,
            (Shape::Nested, false) => &NESTED_1,
            (Shape::Nested, true) => &NESTED_2,
        }
    }

    /// The order of a number, which is its `id`. Both versions have the same values in the fields that both have.
    #[must_use]
    pub fn datum(self, number: u64) -> Datum {
        let mut rng = Rng::with_seed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let rng = &mut rng;
        let mut fields = vec![
            Datum::Long(number.cast_signed()),
            pick(rng, &NAMES),
            pick(rng, &PRODUCTS),
            Datum::Int(rng.i32(1..100)),
            cents(rng),
            Datum::Bool(rng.bool()),
            Datum::Long(1_735_689_600_000 + rng.i64(0..31_536_000_000)),
            Datum::Symbol(rng.u8(0..4)),
            pick(rng, &CITIES),
            maybe(rng, |_| r#"leave it at the "front" door"#.into()),
        ];
        if self.shape == Shape::Nested {
            fields.extend([buyer(rng), payment(rng), shipping(rng)]);
            fields.push(Datum::List((0..3).map(|_| item(rng)).collect()));
            let tags = (0..rng.usize(0..4)).map(|_| pick(rng, &PRODUCTS));
            fields.push(Datum::List(tags.collect()));
            let attributes =
                (0..rng.usize(0..3)).map(|n| (format!("key{n}").into(), pick(rng, &CITIES)));
            fields.push(Datum::Map(attributes.collect()));
        }
        if self.second {
            fields.push(pick(rng, &CHANNELS));
        }
        Datum::Record(fields)
    }
}

fn buyer(rng: &mut Rng) -> Datum {
    let id = rng.i64(1..1_000_000);
    let address = Datum::Record(vec![
        pick(rng, &STREETS),
        Datum::Int(rng.i32(1..200)),
        pick(rng, &CITIES),
        format!("{:05}", rng.u32(0..100_000)).into(),
        "XX".into(),
        Datum::Double(f64::from(rng.i32(-90_000_000..90_000_000)) / 1e6),
        Datum::Double(f64::from(rng.i32(-180_000_000..180_000_000)) / 1e6),
    ]);
    Datum::Record(vec![
        Datum::Long(id),
        pick(rng, &NAMES),
        format!("customer{id}@example.org").into(),
        maybe(rng, |rng| {
            format!("+00 {:09}", rng.u32(0..1_000_000_000)).into()
        }),
        Datum::Int(rng.i32(1990..2025)),
        Datum::Bool(rng.bool()),
        address,
    ])
}

fn payment(rng: &mut Rng) -> Datum {
    Datum::Record(vec![
        Datum::Symbol(rng.u8(0..3)),
        maybe(rng, |rng| format!("**** {:04}", rng.u32(0..10_000)).into()),
        cents(rng),
        "EUR".into(),
        Datum::Bool(rng.bool()),
    ])
}

fn shipping(rng: &mut Rng) -> Datum {
    Datum::Record(vec![
        pick(rng, &CARRIERS),
        "standard".into(),
        cents(rng),
        maybe(rng, |rng| {
            format!("T{:012}", rng.u64(0..1_000_000_000_000)).into()
        }),
        Datum::Bool(rng.bool()),
    ])
}

fn item(rng: &mut Rng) -> Datum {
    Datum::Record(vec![
        format!("SKU-{:06}", rng.u32(0..1_000_000)).into(),
        pick(rng, &PRODUCTS),
        Datum::Int(rng.i32(0..10)),
        cents(rng),
        Datum::Bool(rng.bool()),
    ])
}
