//! Addresses of schemas, as RFC 3986 resolves one against another.

use std::borrow::Cow;

/// An address, taken apart. Nothing is checked: what is no address just leads nowhere.
#[derive(Clone, Copy)]
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(address: &'a str) -> Self {
        let (rest, fragment) = cut(address, '#');
        let (rest, query) = cut(rest, '?');
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self {
            scheme,
            authority,
            path,
            query,
            fragment,
        }
    }

    fn write(self, path: &str) -> String {
        let mut text = String::new();
        if let Some(scheme) = self.scheme {
            text.push_str(scheme);
            text.push(':');
        }
        if let Some(authority) = self.authority {
            text.push_str("//");
            text.push_str(authority);
        }
        text.push_str(path);
        for (mark, part) in [('?', self.query), ('#', self.fragment)] {
            if let Some(part) = part {
                text.push(mark);
                text.push_str(part);
            }
        }
        text
    }
}

fn is_scheme(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_allowed)
}

fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// What `reference` means where `base` is the address.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    let (base, reference) = (Parts::of(base), Parts::of(reference));
    if reference.scheme.is_some() {
        return reference.write(&without_dots(reference.path));
    }
    let scheme = base.scheme;
    if reference.authority.is_some() {
        return Parts {
            scheme,
            ..reference
        }
        .write(&without_dots(reference.path));
    }
    let authority = base.authority;
    if reference.path.is_empty() {
        let query = reference.query.or(base.query);
        let fragment = reference.fragment;
        return Parts {
            query,
            fragment,
            ..base
        }
        .write(base.path);
    }
    let path = if reference.path.starts_with('/') {
        Cow::Borrowed(reference.path)
    } else if authority.is_some() && base.path.is_empty() {
        Cow::Owned(format!("/{}", reference.path))
    } else {
        let folder = base.path.rfind('/').map_or(0, |at| at + 1);
        Cow::Owned(format!("{}{}", &base.path[..folder], reference.path))
    };
    Parts {
        scheme,
        authority,
        ..reference
    }
    .write(&without_dots(&path))
}

/// The path without `.` and `..`.
fn without_dots(path: &str) -> Cow<'_, str> {
    let has_dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
    if !has_dots {
        return Cow::Borrowed(path);
    }
    let (root, relative) = match path.strip_prefix('/') {
        Some(relative) => ("/", relative),
        None => ("", path),
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = relative.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => {
                kept.push(segment);
                continue;
            }
        }
        if is_last {
            kept.push("");
        }
    }
    Cow::Owned(format!("{root}{}", kept.join("/")))
}

/// The address of the document, and what is meant in it.
pub(super) fn split_fragment(address: &str) -> (&str, &str) {
    address.split_once('#').unwrap_or((address, ""))
}

/// A text with its `%` escapes resolved; as it stands where that gives no text.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_resolved_as_rfc_3986_says() {
        fn check(base: &str, reference: &str, expect: &str) {
            assert_eq!(resolve(base, reference), expect, "{base} {reference}");
        }
        // Section 5.4 of the RFC.
        let base = "http://a/b/c/d;p?q";
        check(base, "g:h", "g:h");
        check(base, "g", "http://a/b/c/g");
        check(base, "./g", "http://a/b/c/g");
        check(base, "g/", "http://a/b/c/g/");
        check(base, "/g", "http://a/g");
        check(base, "//g", "http://g");
        check(base, "?y", "http://a/b/c/d;p?y");
        check(base, "g?y", "http://a/b/c/g?y");
        check(base, "#s", "http://a/b/c/d;p?q#s");
        check(base, "g#s", "http://a/b/c/g#s");
        check(base, "", "http://a/b/c/d;p?q");
        check(base, ".", "http://a/b/c/");
        check(base, "..", "http://a/b/");
        check(base, "../g", "http://a/b/g");
        check(base, "../../../g", "http://a/g");
        check(base, "/./g", "http://a/g");
        check(base, "g/../h", "http://a/b/c/h");
        // Names of references, which often are no addresses.
        check("", "a.json", "a.json");
        check("", "#/definitions/a", "#/definitions/a");
        check("a.json", "b.json#x", "b.json#x");
        check("d/a.json", "b.json", "d/b.json");
        check("http://a", "b", "http://a/b");
        check("urn:x:y", "#z", "urn:x:y#z");
    }

    #[test]
    fn escapes_are_resolved_where_they_give_a_text() {
        fn check(text: &str, expect: &str) {
            assert_eq!(unescape(text), expect);
        }
        check("a b", "a b");
        check("a%20b%25", "a b%");
        check("%C3%A4", "ä");
        check("%", "%");
        check("%zz%2", "%zz%2");
        check("%ff", "%ff");
    }
}
