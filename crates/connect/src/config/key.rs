//! One property of a definition: its kind, default, and what it allows.

use super::value::{parse_kind, shown};
use super::{ConfigProblem, ConfigValue, Given};

/// How a text is read. Texts are trimmed first, whatever the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false` in any case.
    Boolean,
    /// Any text.
    String,
    /// A number of 16 bits.
    Short,
    /// A number of 32 bits.
    Int,
    /// A number of 64 bits.
    Long,
    /// A floating point number.
    Double,
    /// Texts between commas; blanks around them are dropped, empty elements stay. An empty text is an
    /// empty list.
    List,
    /// The name of a Java class.
    Class,
    /// Any text, never shown.
    Password,
}

impl Kind {
    /// The name as Connect writes it, `INT` say.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Short => "SHORT",
            Self::Int => "INT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

/// What counts where a property is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// The property must be given.
    Required,
    /// No value.
    Null,
    /// This text, read as a given one would be.
    Text(&'static str),
}

/// How much a property matters to most users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Everybody sets it.
    High,
    /// Many set it.
    Medium,
    /// Few set it.
    Low,
}

impl Importance {
    /// The name as Connect writes it, `HIGH` say.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }
}

/// What a value must satisfy beyond its kind. Null satisfies everything.
#[derive(Clone, Copy, Debug)]
pub enum Validator {
    /// Nothing more.
    Any,
    /// A number within bounds, both included.
    Range {
        /// The least value.
        min: Option<i64>,
        /// The greatest value.
        max: Option<i64>,
    },
    /// One of these texts; each element of a list must be.
    OneOf(&'static [&'static str]),
    /// One of these texts in any case.
    OneOfIgnoreCase(&'static [&'static str]),
    /// A text that is not empty, or a list that has elements, empty ones too.
    NonEmpty,
    /// A text that is not empty and has no control characters.
    NonEmptyWithoutControls,
    /// A rule of its own.
    Custom {
        /// What is allowed, in words, for the reference.
        allowed: &'static str,
        /// The rule; the error is the reason, without name and value.
        check: fn(&ConfigValue) -> Result<(), String>,
    },
}

/// One property. Built by its `const` methods, so that tables are `static`.
#[derive(Clone, Copy, Debug)]
pub struct ConfigKey {
    /// The name.
    pub name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    /// How its text is read.
    pub kind: Kind,
    /// What counts where it is not given.
    pub default: DefaultValue,
    /// What its values must satisfy.
    pub validator: Validator,
    /// How much it matters.
    pub importance: Importance,
    /// The heading it stands under in the reference, and Connect's `group`.
    pub group: &'static str,
    /// What it means, with units and effects.
    pub documentation: &'static str,
}

impl ConfigKey {
    /// A required property that allows all values of its kind.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            default: DefaultValue::Required,
            validator: Validator::Any,
            importance: Importance::Medium,
            group: "Common",
            documentation: "",
        }
    }

    /// The value where none is given.
    #[must_use]
    pub const fn default(mut self, text: &'static str) -> Self {
        self.default = DefaultValue::Text(text);
        self
    }

    /// No value where none is given.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.default = DefaultValue::Null;
        self
    }

    /// Other names that mean the same.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// A number from `min` to `max`, both included.
    #[must_use]
    pub const fn between(mut self, min: i64, max: i64) -> Self {
        self.validator = Validator::Range {
            min: Some(min),
            max: Some(max),
        };
        self
    }

    /// A number not below `min`.
    #[must_use]
    pub const fn at_least(mut self, min: i64) -> Self {
        self.validator = Validator::Range {
            min: Some(min),
            max: None,
        };
        self
    }

    /// One of these texts.
    #[must_use]
    pub const fn one_of(mut self, allowed: &'static [&'static str]) -> Self {
        self.validator = Validator::OneOf(allowed);
        self
    }

    /// One of these texts in any case.
    #[must_use]
    pub const fn one_of_ignore_case(mut self, allowed: &'static [&'static str]) -> Self {
        self.validator = Validator::OneOfIgnoreCase(allowed);
        self
    }

    /// Not empty.
    #[must_use]
    pub const fn non_empty(mut self) -> Self {
        self.validator = Validator::NonEmpty;
        self
    }

    /// Any validator.
    #[must_use]
    pub const fn validator(mut self, validator: Validator) -> Self {
        self.validator = validator;
        self
    }

    /// How much it matters; medium unless said.
    #[must_use]
    pub const fn importance(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }

    /// The heading it stands under.
    #[must_use]
    pub const fn group(mut self, group: &'static str) -> Self {
        self.group = group;
        self
    }

    /// What it means.
    #[must_use]
    pub const fn doc(mut self, documentation: &'static str) -> Self {
        self.documentation = documentation;
        self
    }

    /// The name under which `given` has this property, and its text; the name itself before aliases.
    #[must_use]
    pub fn given_in<'g>(&self, given: &'g Given) -> Option<(&'static str, &'g str)> {
        std::iter::once(&self.name)
            .chain(self.aliases)
            .find_map(|&name| given.get(name).map(|text| (name, text.as_str())))
    }

    /// The value that `given` has for this property, or the default, checked.
    ///
    /// # Errors
    /// The first problem with it; also where it is given under two names with two values.
    pub fn value_in(&self, given: &Given) -> Result<ConfigValue, ConfigProblem> {
        let Some((name, text)) = self.given_in(given) else {
            return match self.default {
                DefaultValue::Required => Err(ConfigProblem::missing(self.name)),
                DefaultValue::Null => Ok(ConfigValue::Null),
                DefaultValue::Text(text) => self.check(self.name, text),
            };
        };
        for &alias in self.aliases {
            if given
                .get(alias)
                .is_some_and(|other| other.trim() != text.trim())
            {
                return Err(ConfigProblem::about(
                    alias,
                    format!("{alias} is another name of {name}, and both are set, differently."),
                ));
            }
        }
        self.check(name, text)
    }

    /// Reads and checks one text.
    ///
    /// # Errors
    /// What is wrong with it, under the name it was given by.
    pub fn check(&self, name: &str, text: &str) -> Result<ConfigValue, ConfigProblem> {
        let refuse = |shown: &str, reason: &str| {
            let shown = if self.kind == Kind::Password {
                "[hidden]"
            } else {
                shown
            };
            ConfigProblem::invalid(name, shown, reason)
        };
        let value = parse_kind(self.kind, text).map_err(|reason| refuse(text, &reason))?;
        self.validator
            .check(&value)
            .map_err(|reason| refuse(&shown(&value), &reason))?;
        Ok(value)
    }
}

impl Validator {
    /// Whether a value satisfies it.
    ///
    /// # Errors
    /// The reason, in Kafka's words.
    pub fn check(&self, value: &ConfigValue) -> Result<(), String> {
        if matches!(value, ConfigValue::Null) {
            return Ok(());
        }
        match *self {
            Self::Any => Ok(()),
            Self::Range { min, max } => check_range(value, min, max),
            Self::OneOf(allowed) => {
                if value.texts().all(|text| allowed.contains(&text)) {
                    Ok(())
                } else {
                    Err(format!("String must be one of: {}", allowed.join(", ")))
                }
            }
            Self::OneOfIgnoreCase(allowed) => {
                let known = |text: &str| allowed.iter().any(|one| one.eq_ignore_ascii_case(text));
                if value.texts().all(known) {
                    Ok(())
                } else {
                    let allowed = allowed.join(", ");
                    Err(format!(
                        "String must be one of (case insensitive): {allowed}"
                    ))
                }
            }
            Self::NonEmpty => match value {
                // An empty text in it is an element as any other is.
                ConfigValue::List(list) if list.is_empty() => Err("Empty list".to_owned()),
                ConfigValue::List(_) => Ok(()),
                _ if value.texts().any(str::is_empty) => Err("String must be non-empty".to_owned()),
                _ => Ok(()),
            },
            Self::NonEmptyWithoutControls => value.texts().try_for_each(check_controls),
            Self::Custom { check, .. } => check(value),
        }
    }

    /// What is allowed, in words, for the reference; empty where everything is.
    #[must_use]
    pub fn allowed(&self) -> String {
        match *self {
            Self::Any => String::new(),
            Self::Range {
                min: Some(min),
                max: Some(max),
            } => format!("{min} … {max}"),
            Self::Range {
                min: Some(min),
                max: None,
            } => format!("≥ {min}"),
            Self::Range {
                min: None,
                max: Some(max),
            } => format!("≤ {max}"),
            Self::Range {
                min: None,
                max: None,
            } => String::new(),
            Self::OneOf(allowed) => allowed.join(", "),
            Self::OneOfIgnoreCase(allowed) => format!("{} (any case)", allowed.join(", ")),
            Self::NonEmpty => "not empty".to_owned(),
            Self::NonEmptyWithoutControls => "not empty, no control characters".to_owned(),
            Self::Custom { allowed, .. } => allowed.to_owned(),
        }
    }
}

fn check_range(value: &ConfigValue, min: Option<i64>, max: Option<i64>) -> Result<(), String> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "bounds of doubles are small in every table"
    )]
    let compare = |bound: i64| match value {
        ConfigValue::Double(number) => number.partial_cmp(&(bound as f64)),
        other => other.integer().map(|number| number.cmp(&bound)),
    };
    if let Some(min) = min
        && !compare(min).is_some_and(std::cmp::Ordering::is_ge)
    {
        return Err(format!("Value must be at least {min}"));
    }
    if let Some(max) = max
        && !compare(max).is_some_and(std::cmp::Ordering::is_le)
    {
        return Err(format!("Value must be no more than {max}"));
    }
    Ok(())
}

fn check_controls(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("String may not be empty".to_owned());
    }
    let controls: Vec<String> = text
        .chars()
        .filter(|c| c.is_control())
        .map(|c| u32::from(c).to_string())
        .collect();
    if controls.is_empty() {
        return Ok(());
    }
    Err(format!(
        "String may not contain control sequences but had the following ASCII chars: {}",
        controls.join(", ")
    ))
}
