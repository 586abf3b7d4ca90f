//! Records and their data, apart from any format.

use std::borrow::Cow;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// 32 bits with a sign.
    Int,
    /// 64 bits with a sign.
    Long,
    /// Binary floating point of 64 bits.
    Double,
    /// Text.
    Text,
    /// One of these symbols, under this name. The first is Protobuf's default.
    Enum(&'static str, &'static [&'static str]),
    /// May be null.
    Optional(&'static Kind),
    /// Any number of these.
    List(&'static Kind),
    /// Texts to these.
    Map(&'static Kind),
    /// A record.
    Record(&'static Record),
}

/// A record's declaration.
#[derive(Debug, PartialEq)]
pub struct Record {
    /// Name, also the message's.
    pub name: &'static str,
    /// Fields in their order. In Protobuf they are numbered from 1.
    pub fields: &'static [Field],
}

/// A field's declaration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// Name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Default where the schema tells one, as JSON. Protobuf has none.
    pub default: Option<&'static str>,
}

impl Field {
    /// A field without a default.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            default: None,
        }
    }

    /// The same with a default.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }
}

impl Record {
    /// Fields that are no records, also those of records in them.
    #[must_use]
    pub fn leaves(&self) -> usize {
        fn of(kind: Kind) -> usize {
            match kind {
                Kind::Record(record) => record.leaves(),
                Kind::Optional(kind) | Kind::List(kind) | Kind::Map(kind) => of(*kind),
                _ => 1,
            }
        }
        self.fields.iter().map(|field| of(field.kind)).sum()
    }
}

/// The names under which Avro and Protobuf put what is declared here.
pub(super) const NAMESPACE: &str = "shop";

/// A value of a [`Kind`].
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// Nothing, of an optional field.
    Null,
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Int`].
    Int(i32),
    /// Of [`Kind::Long`].
    Long(i64),
    /// Of [`Kind::Double`].
    Double(f64),
    /// Of [`Kind::Text`].
    Text(Cow<'static, str>),
    /// Of [`Kind::Enum`]: the symbol's number from 0.
    Symbol(u8),
    /// Of [`Kind::List`].
    List(Vec<Datum>),
    /// Of [`Kind::Map`].
    Map(Vec<(Cow<'static, str>, Datum)>),
    /// Of [`Kind::Record`]: the fields in their order.
    Record(Vec<Datum>),
}

impl From<&'static str> for Datum {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Datum {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl Datum {
    /// The fields of a record's datum with their declarations.
    pub(super) fn fields<'d>(
        &'d self,
        record: &'static Record,
    ) -> impl Iterator<Item = (&'static Field, &'d Self)> {
        let Self::Record(values) = self else {
            mismatch(Kind::Record(record), self)
        };
        assert_eq!(
            values.len(),
            record.fields.len(),
            "fields of {}",
            record.name
        );
        record.fields.iter().zip(values)
    }
}

/// Ends a writer that was given a datum of another kind: a mistake of the caller's code, never of data.
pub(super) fn mismatch(kind: Kind, datum: &Datum) -> ! {
    panic!("{datum:?} is no {kind:?}")
}
