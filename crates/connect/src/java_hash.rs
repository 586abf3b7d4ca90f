//! The order in which Java's `HashMap` has its keys, where it shows in data.

use crate::data::Value;

/// How many buckets a `HashMap` has when so many entries were put into it.
pub(crate) fn buckets(entries: usize) -> usize {
    // It grows when it is more than three quarters full.
    (entries * 4).div_ceil(3).next_power_of_two().max(16)
}

/// Where a `HashMap` with so many buckets has a key.
pub(crate) fn bucket(text: &str, buckets: usize) -> usize {
    let hash = text.encode_utf16().fold(0_u32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    });
    (hash ^ hash >> 16) as usize & (buckets - 1)
}

/// The same of a key of any kind; all but texts count as one.
pub(crate) fn bucket_of(key: &Value<'_>, buckets: usize) -> usize {
    match key {
        Value::String(text) => bucket(text, buckets),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_where_java_has_them() {
        let check = |entries, keys: &[&str], expect: &[usize]| {
            let buckets = buckets(entries);
            let found: Vec<usize> = keys.iter().map(|key| bucket(key, buckets)).collect();
            assert_eq!(found, expect, "{entries}");
        };
        check(12, &["a", "q", "aa", "\u{1F600}"], &[1, 1, 0, 8]);
        check(13, &["a", "q", "aa", ""], &[1, 17, 0, 0]);
    }
}
