//! The reference of the configuration: `outcrop.example.toml` and `docs/configuration.md` are
//! rendered from [`table::SECTIONS`], and the tests compare the table with the readers.
//!
//! `OUTCROP_UPDATE_GOLDEN=1 cargo test --lib config::reference` writes both files.

mod render;
mod table;
mod tests;

/// A section of the file, such as `[server]` or `[keys.NAME]`.
struct SectionReference {
    /// The name of the section. `NAME` stands for a name that the operator chooses.
    name: &'static str,
    /// The same name with an example of `NAME`, for sections that the example comments out.
    example: Option<&'static str>,
    meaning: &'static str,
    keys: &'static [KeyReference],
    /// Keys of another section that this one overrides.
    overrides: &'static [KeyReference],
}

/// A key of a section.
struct KeyReference {
    name: &'static str,
    kind: SettingKind,
    value: SettingValue,
    /// The environment variable or the flag for the same setting; empty if there is none.
    environment: &'static str,
    meaning: &'static str,
}

/// The type of a key's value.
enum SettingKind {
    Boolean,
    /// A whole number; the range as the reader's error message has it.
    Integer(&'static str),
    /// A number with an optional fraction.
    Number,
    /// A string such as `"30s"`.
    Duration,
    /// A string such as `"32MiB"`, or a number of bytes.
    Size,
    Text,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    Texts,
    Ports,
    /// A list of budgets.
    Budgets,
    /// A date or a time.
    Instant,
    /// A table of strings.
    Tags,
    /// A table of strings or lists.
    Table,
    /// A section with keys of its own.
    Subsection,
    /// An entry whose key the operator chooses, with a string or a section as its value.
    Entry,
}

/// What the example shows for a key.
enum SettingValue {
    /// The default, as TOML.
    Default(&'static str),
    /// Lines that are commented out, and the default in words.
    Example(&'static [&'static str], &'static str),
}

const fn key(
    name: &'static str,
    kind: SettingKind,
    default: &'static str,
    meaning: &'static str,
) -> KeyReference {
    KeyReference {
        name,
        kind,
        value: SettingValue::Default(default),
        environment: "",
        meaning,
    }
}

/// A key of a section that the example comments out.
const fn example(
    name: &'static str,
    kind: SettingKind,
    lines: &'static [&'static str],
    default: &'static str,
    meaning: &'static str,
) -> KeyReference {
    KeyReference {
        name,
        kind,
        value: SettingValue::Example(lines, default),
        environment: "",
        meaning,
    }
}

impl SectionReference {
    const fn overriding(mut self, overrides: &'static [KeyReference]) -> Self {
        self.overrides = overrides;
        self
    }

    fn all_keys(&self) -> impl Iterator<Item = &'static KeyReference> {
        self.keys.iter().chain(self.overrides)
    }
}

impl KeyReference {
    /// A key of `[chat]` in a section that overrides it.
    const fn overridden(mut self, lines: &'static [&'static str]) -> Self {
        self.value = SettingValue::Example(lines, "as in `[chat]`");
        self.meaning = "As in `[chat]`.";
        self
    }

    /// A key of `[organization]` in a section for fewer callers.
    const fn shared_with_organization(mut self) -> Self {
        self.meaning = "As in `[organization]`.";
        self
    }

    const fn environment(mut self, environment: &'static str) -> Self {
        self.environment = environment;
        self
    }
}
