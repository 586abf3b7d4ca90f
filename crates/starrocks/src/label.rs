//! Labels: the names of transactions.

use std::fmt;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Longest label that StarRocks takes.
const LABEL_CHARS_MAX: usize = 128;
/// Hex digits of the hash in a label that does not say its identity in full: 128 bits.
const HASH_CHARS: usize = 32;

/// The name of a transaction: 1 to 128 of the characters `A-Z a-z 0-9 _ -` (StarRocks load protocol: `^[-\w]{1,128}$`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

/// A text that StarRocks would not take as a label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a label: 1 to 128 letters, digits, `_` and `-` are allowed")]
pub struct InvalidLabel(String);

impl Label {
    /// Checks a text.
    ///
    /// # Errors
    /// Empty, longer than 128 characters, or with other characters than ASCII letters, digits, `_` and `-`.
    pub fn new(text: impl Into<String>) -> Result<Label, InvalidLabel> {
        let text = text.into();
        if text.is_empty() || text.len() > LABEL_CHARS_MAX || !text.bytes().all(is_label_byte) {
            return Err(InvalidLabel(text));
        }
        Ok(Label(text))
    }

    /// The label of a table's transaction in a round: `connector-epoch-round-table` where that is a label and can be read
    /// back in one way only; otherwise its parts are made fit, cut, and followed by `-h` and a hash of the identity.
    /// Different identities never share a label, and the same identity always has the same one.
    pub fn compose(connector: &str, epoch: &str, round: u64, table: &str) -> Label {
        let plain = format!("{connector}-{epoch}-{round}-{table}");
        // Read from the right, `table`, `round` and `epoch` end at the first `-`, and the rest is `connector`: injective.
        let readable = !connector.is_empty()
            && is_word(epoch)
            && is_word(table)
            && !looks_hashed(table)
            && plain.len() <= LABEL_CHARS_MAX
            && plain.bytes().all(is_label_byte);
        if readable {
            return Label(plain);
        }
        // 32 + 16 + 20 (longest u64) + 22 and three dashes leave room for `-h` and the hash.
        let mut text = format!(
            "{}-{}-{round}-{}-h",
            fit(connector, 32),
            fit(epoch, 16),
            fit(table, 22)
        );
        let mut hash = Sha256::new();
        for part in [connector, epoch, &round.to_string(), table] {
            // The length prefix keeps ("ab", "c") and ("a", "bc") apart.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        for byte in hash.finalize().iter().take(HASH_CHARS / 2) {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        }
        Label(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Label {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn is_word(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| is_label_byte(byte) && byte != b'-')
}

/// Whether a table's name could be taken for the end of a hashed label.
fn looks_hashed(table: &str) -> bool {
    table
        .strip_prefix('h')
        .is_some_and(|rest| rest.len() == HASH_CHARS && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn fit(part: &str, chars_max: usize) -> String {
    part.chars()
        .map(|c| {
            if u8::try_from(c).is_ok_and(is_label_byte) {
                c
            } else {
                '_'
            }
        })
        .take(chars_max)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn checked_labels() {
        for (text, ok) in [
            ("a", true),
            ("-", true),
            ("A_b-9", true),
            (&"x".repeat(128), true),
            ("", false),
            (&"x".repeat(129), false),
            ("a.b", false),
            ("a b", false),
            ("ä", false),
            ("a\n", false),
        ] {
            assert_eq!(Label::new(text).is_ok(), ok, "{text:?}");
        }
    }

    /// The labels of released versions must stay as they are: recovery asks for labels that an older version began.
    #[test]
    fn golden_labels() {
        fn check(connector: &str, epoch: &str, round: u64, table: &str, expect: &str) {
            assert_eq!(
                Label::compose(connector, epoch, round, table).as_str(),
                expect
            );
        }
        check(
            "orders-sink",
            "5f3a9c01",
            7,
            "orders",
            "orders-sink-5f3a9c01-7-orders",
        );
        check("s", "e", u64::MAX, "t_1", "s-e-18446744073709551615-t_1");
        check("orders.sink", "5f3a9c01", 7, "orders", GOLDEN_DOT);
        check("s", "e", 1, "bestellungen-größe", GOLDEN_TABLE);
        check(
            &"c".repeat(200),
            "5f3a9c01",
            7,
            &"t".repeat(200),
            GOLDEN_LONG,
        );
        check("", "", 0, "", GOLDEN_EMPTY);
        check(
            "s",
            "e",
            1,
            "h0123456789abcdef0123456789abcdef",
            GOLDEN_LIKE_HASH,
        );
    }

    const GOLDEN_DOT: &str = "orders_sink-5f3a9c01-7-orders-h18982974542645ce23c6fb4692debefc";
    const GOLDEN_TABLE: &str = "s-e-1-bestellungen-gr__e-h429cecf592b8ce29587ba9953aa4a2e3";
    const GOLDEN_LONG: &str = "cccccccccccccccccccccccccccccccc-5f3a9c01-7-tttttttttttttttttttttt-he3646cbf8d6cd8f330962dc59400ac0d";
    const GOLDEN_EMPTY: &str = "--0--hbb014cd14fe2d16a88ecb7805a922d18";
    const GOLDEN_LIKE_HASH: &str = "s-e-1-h0123456789abcdef01234-h8a39b1fa91456675d172f65097cb55be";

    #[test]
    fn the_hashed_label_of_one_is_not_the_plain_label_of_another() {
        let hashed = Label::compose("a.b", "e", 1, "t");
        let (rest, table) = hashed
            .as_str()
            .rsplit_once('-')
            .expect("a hashed label has dashes");
        let (connector, epoch, round) = {
            let mut parts = rest.rsplitn(4, '-');
            let (_table, round, epoch) = (parts.next(), parts.next(), parts.next());
            (
                parts.next().expect("four parts"),
                epoch.expect("four parts"),
                round.expect("four parts"),
            )
        };
        // "a_b-e-1" as connector and epoch, "t" as ... : every way to read it as a plain label has the hash as its table.
        let round: u64 = round.parse().expect("the round is a number");
        assert_ne!(Label::compose(connector, epoch, round, table), hashed);
    }

    proptest! {
        #[test]
        fn every_identity_has_a_valid_label_of_its_own(
            a in ("[-a-b._é]{0,70}", "[ab-]{0,40}", 0u64..12, "[-a-b_h.é]{0,70}"),
            b in ("[-a-b]{0,3}", "[ab-]{0,2}", 0u64..3, "[-a-b_]{0,3}"),
            c in ("[-a-b]{0,3}", "[ab-]{0,2}", 0u64..3, "[-a-b_]{0,3}"),
        ) {
            let label = |(connector, epoch, round, table): &(String, String, u64, String)| {
                Label::compose(connector, epoch, *round, table)
            };
            for identity in [&a, &b, &c] {
                prop_assert!(Label::new(label(identity).as_str()).is_ok(), "{}", label(identity));
                prop_assert_eq!(label(identity), label(&identity.clone()));
            }
            prop_assert_eq!(label(&a) == label(&b), a == b);
            prop_assert_eq!(label(&b) == label(&c), b == c);
        }
    }
}
