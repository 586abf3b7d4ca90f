//! Formats of dates as MySQL writes them: `%Y-%m-%d %H:%i:%s`.

use super::Moment;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Literal(char),
    Year,
    ShortYear,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Micros,
}

/// A format of dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format(Vec<Part>);

impl Format {
    /// `%Y-%m-%d %H:%i:%s`.
    pub(crate) fn date_time() -> Self {
        Self::read("%Y-%m-%d %H:%i:%s").unwrap_or(Self(Vec::new()))
    }

    /// Reads a format. StarRocks knows three of Java's form, too.
    pub(crate) fn read(format: &str) -> Result<Self, String> {
        let format = match format {
            "yyyy-MM-dd HH:mm:ss" => "%Y-%m-%d %H:%i:%s",
            "yyyy-MM-dd" => "%Y-%m-%d",
            "yyyyMMdd" => "%Y%m%d",
            other => other,
        };
        let mut parts = Vec::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                parts.push(Part::Literal(c));
                continue;
            }
            let time = |parts: &mut Vec<Part>| {
                let colon = Part::Literal(':');
                parts.extend([Part::Hour, colon, Part::Minute, colon, Part::Second]);
            };
            parts.push(match chars.next() {
                Some('Y') => Part::Year,
                Some('y') => Part::ShortYear,
                Some('m' | 'c') => Part::Month,
                Some('d' | 'e') => Part::Day,
                Some('H' | 'k') => Part::Hour,
                Some('i') => Part::Minute,
                Some('s' | 'S') => Part::Second,
                Some('f') => Part::Micros,
                Some('%') => Part::Literal('%'),
                Some('T') => {
                    time(&mut parts);
                    continue;
                }
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    return Err(format!(
                        "this StarRocks stand-in does not know `%{other}` in the format of a date"
                    ));
                }
            });
        }
        Ok(Self(parts))
    }

    /// The moment in this format; `None` beyond the year 9999.
    pub(crate) fn write(&self, moment: Moment) -> Option<String> {
        let mut out = String::new();
        for part in &self.0 {
            let (number, width) = match part {
                Part::Literal(c) => {
                    out.push(*c);
                    continue;
                }
                Part::Year => (moment.year, 4),
                Part::ShortYear => (moment.year % 100, 2),
                Part::Month => (moment.month, 2),
                Part::Day => (moment.day, 2),
                Part::Hour => (moment.hour, 2),
                Part::Minute => (moment.minute, 2),
                Part::Second => (moment.second, 2),
                Part::Micros => (moment.micros, 6),
            };
            out.push_str(&format!("{number:0width$}"));
        }
        (moment.year <= 9999).then_some(out)
    }

    /// Reads a text. What follows the format, and what of the format follows the text, is left out of it.
    pub(crate) fn parse(&self, text: &str) -> Option<Moment> {
        let mut rest = text.trim_start();
        let mut moment = Moment {
            year: 0,
            month: 0,
            day: 0,
            hour: 0,
            minute: 0,
            second: 0,
            micros: 0,
        };
        for part in &self.0 {
            if rest.is_empty() {
                break;
            }
            let widest = match part {
                Part::Literal(c) if c.is_whitespace() => {
                    rest = rest.trim_start();
                    continue;
                }
                Part::Literal(c) => {
                    rest = rest.strip_prefix(*c)?;
                    continue;
                }
                Part::Year => 4,
                Part::Micros => 6,
                _ => 2,
            };
            let digits = rest
                .bytes()
                .take(widest)
                .take_while(u8::is_ascii_digit)
                .count();
            let number: u32 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            match part {
                Part::Year => moment.year = number,
                Part::ShortYear => moment.year = number + if number < 70 { 2000 } else { 1900 },
                Part::Month => moment.month = number,
                Part::Day => moment.day = number,
                Part::Hour => moment.hour = number,
                Part::Minute => moment.minute = number,
                Part::Second => moment.second = number,
                Part::Micros => {
                    moment.micros = number * 10_u32.pow(u32::try_from(6 - digits).ok()?)
                }
                Part::Literal(_) => {}
            }
        }
        moment.valid()
    }
}

#[cfg(test)]
mod tests {
    use super::Format;
    use crate::dates::Moment;

    #[test]
    fn dates_are_read_by_their_format() {
        let rows = [
            (
                "%Y-%m-%d %H:%i:%s",
                "2024-01-02 03:04:05",
                Some("2024-01-02 03:04:05"),
            ),
            (
                "%Y-%m-%dT%T.%fZ",
                "2024-01-02T03:04:05.25Z",
                Some("2024-01-02 03:04:05.250000"),
            ),
            ("%d/%m/%y", "2/1/24 and more", Some("2024-01-02 00:00:00")),
            ("%d.%m.%Y %H:%i", "02.01.2024", Some("2024-01-02 00:00:00")),
            ("%Y-%m-%d", "2024-02-30", None),
            ("%Y-%m-%d", "2024/02/03", None),
            ("%Y-%m", "2024-02", None),
            ("%Y-%m-%d", "x", None),
        ];
        for (format, text, expect) in rows {
            let read = Format::read(format)
                .expect("the format is known")
                .parse(text);
            assert_eq!(
                read.map(Moment::date_time).as_deref(),
                expect,
                "{text} as {format}"
            );
        }
        assert!(Format::read("%").is_err());
    }
}
