//! From Java's syntax to that of fancy-regex.

use super::classes;

/// Java's quotation `\Q…\E`, its escapes and classes that fancy-regex does not know or takes for others, and its groups, of which
/// fancy-regex knows more. A brace that repeats nothing is an error there, no text.
pub(super) fn translate(java: &str) -> Result<String, String> {
    let mut made = Translation {
        out: String::with_capacity(java.len()),
        groups: groups(java),
        ..Translation::default()
    };
    let mut rest = java;
    while let Some(at) = rest.find(['\\', '{', '[', ']', '(']) {
        let (before, from) = rest.split_at(at);
        made.out.push_str(before);
        rest = match from.as_bytes()[0] {
            b'\\' => made.escape(from)?,
            b'(' if made.class_depth == 0 => made.group(from)?,
            _ => made.bracket(from)?,
        };
    }
    made.out.push_str(rest);
    Ok(made.out)
}

#[derive(Default)]
struct Translation {
    out: String,
    class_depth: usize,
    /// Groups that capture, all over the expression.
    groups: usize,
    names: Vec<String>,
    /// `\w` and its like are of all scripts.
    is_unicode: bool,
}

impl Translation {
    fn bracket<'j>(&mut self, from: &'j str) -> Result<&'j str, String> {
        match from.as_bytes()[0] {
            b'{' if self.class_depth == 0 => check_repetition(from)?,
            b'[' if self.class_depth > 0 && from.starts_with("[:") => {
                // A class within a class, which has a colon: a range from colon to colon is no name of a class.
                self.class_depth += 1;
                self.out.push_str("[:-:");
                return Ok(&from[2..]);
            }
            b'[' => self.class_depth += 1,
            b']' => self.class_depth = self.class_depth.saturating_sub(1),
            _ => {}
        }
        self.out.push_str(&from[..1]);
        Ok(&from[1..])
    }

    /// What begins with a parenthesis: a group, a look around, flags.
    fn group<'j>(&mut self, from: &'j str) -> Result<&'j str, String> {
        let Some(inner) = from.strip_prefix("(?") else {
            self.out.push('(');
            return Ok(&from[1..]);
        };
        if ["<=", "<!", ":", "=", "!", ">"]
            .iter()
            .any(|one| inner.starts_with(one))
        {
            self.out.push_str("(?");
            return Ok(inner);
        }
        if let Some(named) = inner.strip_prefix('<') {
            let name = named.split_once('>').map(|(name, _)| name);
            let name = name.ok_or("a named group is missing its trailing '>'")?;
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !is_name {
                return Err(format!("{name} is no name of a group"));
            }
            if self.names.iter().any(|known| known == name) {
                return Err(format!("the group {name} is already defined"));
            }
            self.names.push(name.to_owned());
            self.out.push_str("(?");
            return Ok(inner);
        }
        self.flags(inner)
    }

    /// Flags that hold from here on, or for a group.
    fn flags<'j>(&mut self, inner: &'j str) -> Result<&'j str, String> {
        let end = inner.find(|c: char| !"idmsuxU-".contains(c));
        let end = end.filter(|end| inner[*end..].starts_with([')', ':']));
        let end = end.ok_or("unknown inline modifier")?;
        let (flags, rest) = inner.split_at(end);
        let (on, off) = flags.split_once('-').unwrap_or((flags, ""));
        self.is_unicode = (self.is_unicode || on.contains('U')) && !off.contains('U');
        // Of the others one is about line ends alone, one about case, of which all scripts have theirs here.
        let known =
            |flags: &str| -> String { flags.chars().filter(|c| "imsx".contains(*c)).collect() };
        let (on, off) = (known(on), known(off));
        let is_group = rest.starts_with(':');
        if !on.is_empty() || !off.is_empty() {
            let minus = if off.is_empty() { "" } else { "-" };
            self.out.push_str(&format!("(?{on}{minus}{off}"));
        } else if is_group {
            self.out.push_str("(?");
        } else {
            return Ok(&rest[1..]);
        }
        Ok(rest)
    }

    fn escape<'j>(&mut self, from: &'j str) -> Result<&'j str, String> {
        if let Some(quoted) = from.strip_prefix(r"\Q") {
            let (literal, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            self.out.push_str(&fancy_regex::escape(literal));
            return Ok(after);
        }
        if let Some((class, after)) = classes::short(from, self.is_unicode) {
            self.out.push_str(class);
            return Ok(after);
        }
        if let Some((class, after)) = classes::named(from) {
            self.out.push_str(&class);
            return Ok(after);
        }
        if let Some((code, after)) = code(from)? {
            self.out.push_str(&format!(r"\x{{{code:X}}}"));
            return Ok(after);
        }
        let letter = from[1..].chars().next().ok_or("it ends within an escape")?;
        let mut length = 1 + letter.len_utf8();
        let has_brace = from[length..].starts_with('{');
        match letter {
            'N' if !has_brace => return Err("\\N is no escape without a name".to_owned()),
            'R' if self.class_depth == 0 => {
                self.out
                    .push_str(r"(?:\r\n|[\n\x0B\f\r\u{85}\u{2028}\u{2029}])");
                return Ok(&from[length..]);
            }
            // A group that is not there never matches.
            '1'..='9' if self.class_depth == 0 && letter as usize - '0' as usize > self.groups => {
                self.out.push_str(r"[^\s\S]");
                return Ok(&from[length..]);
            }
            'p' | 'P' | 'x' | 'N' if has_brace => {
                length = from.find('}').map_or(from.len(), |end| end + 1);
            }
            _ => {}
        }
        self.out.push_str(&from[..length]);
        Ok(&from[length..])
    }
}

/// How many groups capture.
fn groups(java: &str) -> usize {
    let mut count = 0;
    let mut rest = java;
    while let Some(at) = rest.find(['\\', '(']) {
        let (sign, behind) = rest[at..].split_at(1);
        let named =
            behind.starts_with("?<") && !behind.starts_with("?<=") && !behind.starts_with("?<!");
        count += usize::from(sign == "(" && (named || !behind.starts_with('?')));
        let escaped = behind.chars().next().filter(|_| sign == "\\");
        rest = &behind[escaped.map_or(0, char::len_utf8)..];
    }
    count
}

/// `\cA`, `\0101`, `\u0041` and two of these for one character.
fn code(escape: &str) -> Result<Option<(u32, &str)>, String> {
    if let Some(control) = escape.strip_prefix(r"\c") {
        let letter = control
            .chars()
            .next()
            .ok_or("illegal control escape sequence")?;
        return Ok(Some((
            u32::from(letter) ^ 64,
            &control[letter.len_utf8()..],
        )));
    }
    if let Some(octal) = escape.strip_prefix(r"\0") {
        let digits = octal
            .bytes()
            .take_while(|byte| matches!(byte, b'0'..=b'7'))
            .count();
        let most = if octal.starts_with(['0', '1', '2', '3']) {
            3
        } else {
            2
        };
        let (digits, after) = octal.split_at(digits.min(most));
        let code = u32::from_str_radix(digits, 8).map_err(|_| "illegal octal escape sequence")?;
        return Ok(Some((code, after)));
    }
    let Some((unit, after)) = unit(escape) else {
        return Ok(None);
    };
    if let (0xD800..=0xDBFF, Some((low @ 0xDC00..=0xDFFF, after))) = (unit, self::unit(after)) {
        return Ok(Some((
            0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00),
            after,
        )));
    }
    Ok(Some((unit, after)))
}

/// `\u` and four digits.
fn unit(escape: &str) -> Option<(u32, &str)> {
    let (digits, after) = escape.strip_prefix(r"\u")?.split_at_checked(4)?;
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let unit = u32::from_str_radix(digits, 16).ok()?;
    are_digits.then_some((unit, after))
}

/// What begins with a brace must be `{n}`, `{n,}` or `{n,m}`.
fn check_repetition(text: &str) -> Result<(), String> {
    let bounds = text[1..].split_once('}').map(|(bounds, _)| bounds);
    let bounds = bounds.ok_or("unclosed counted closure")?;
    let (least, most) = bounds.split_once(',').unwrap_or((bounds, bounds));
    let number = |text: &str| text.parse::<u32>().map_err(|_| "illegal repetition");
    let least = number(least)?;
    if !most.is_empty() && number(most)? < least {
        return Err("illegal repetition range".to_owned());
    }
    Ok(())
}
