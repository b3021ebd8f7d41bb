//! How a dialect names the hub's fields: in `param`, in the notes of adjustments, and within
//! sentences.

use std::borrow::Cow;
use std::fmt;

use super::{Field, bounded};

/// The vocabulary of a dialect.
pub trait FieldNames: fmt::Debug + Send + Sync {
    /// The JSON path of `field` in the client's request.
    fn path(&self, field: &Field) -> String;
}

/// The field that an error or an adjustment is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// A field of the hub, which the client's dialect names.
    Field(Box<Field>),
    /// A path that a dialect wrote itself.
    Path(String),
}

/// Text for a client. It may refer to a field, which the client's dialect names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence(Form);

/// Most sentences refer to no field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Text(String),
    WithField(Box<TextWithField>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TextWithField {
    before: String,
    field: Field,
    after: String,
}

impl Parameter {
    /// The path in the words of a dialect.
    #[must_use]
    pub fn named(self, names: &dyn FieldNames) -> Self {
        match self {
            Self::Field(field) => Self::Path(bounded::path(names.path(&field))),
            path => path,
        }
    }

    /// The path of a field of the member `name` of the client's object.
    pub(super) fn within(self, name: &str) -> Self {
        Self::Path(format!("{name}.{}", self.path()))
    }

    /// The path, with the hub's own name of a field that no dialect has named.
    pub fn path(&self) -> Cow<'_, str> {
        match self {
            Self::Field(field) => Cow::Owned(field.to_string()),
            Self::Path(path) => Cow::Borrowed(path),
        }
    }

    /// Limits the length of a path, which can contain the client's keys.
    pub(super) fn bounded(self) -> Self {
        match self {
            Self::Path(path) => Self::Path(bounded::path(path)),
            field => field,
        }
    }
}

impl Sentence {
    /// A sentence that begins with the field in backticks.
    pub fn about(parameter: impl Into<Parameter>, rest: impl AsRef<str>) -> Self {
        Self::around("", parameter, rest)
    }

    /// A sentence with the field in backticks between two texts.
    pub fn around(
        before: impl AsRef<str>,
        parameter: impl Into<Parameter>,
        after: impl AsRef<str>,
    ) -> Self {
        let (before, after) = (before.as_ref(), after.as_ref());
        Self::new(
            &format!("{before}`"),
            parameter.into(),
            &format!("`{after}"),
        )
    }

    /// A sentence with the field in place of `{}`.
    pub fn naming(template: &'static str, parameter: impl Into<Parameter>) -> Self {
        let (before, after) = template.split_once("{}").unwrap_or((template, ""));
        Self::new(before, parameter.into(), after)
    }

    fn new(before: &str, parameter: Parameter, after: &str) -> Self {
        Self(match parameter {
            Parameter::Path(path) => Form::Text(format!("{before}{path}{after}")),
            Parameter::Field(field) => Form::WithField(Box::new(TextWithField {
                before: before.to_owned(),
                field: *field,
                after: after.to_owned(),
            })),
        })
    }

    /// The text in the words of a dialect.
    #[must_use]
    pub fn named(self, names: &dyn FieldNames) -> Self {
        match self.0 {
            Form::Text(_) => self,
            Form::WithField(sentence) => sentence.text(&names.path(&sentence.field)).into(),
        }
    }

    /// The text, with the hub's own name of a field that no dialect has named.
    pub fn as_text(&self) -> Cow<'_, str> {
        match &self.0 {
            Form::Text(text) => Cow::Borrowed(text),
            Form::WithField(sentence) => Cow::Owned(sentence.text(&sentence.field.to_string())),
        }
    }

    /// The sentence with its text changed, unless it refers to a field.
    #[must_use]
    pub fn map_text(self, change: impl FnOnce(String) -> String) -> Self {
        match self.0 {
            Form::Text(text) => change(text).into(),
            form => Self(form),
        }
    }
}

impl TextWithField {
    fn text(&self, path: &str) -> String {
        let Self { before, after, .. } = self;
        bounded::message(format!("{before}{path}{after}"))
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path())
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.as_text())
    }
}

impl From<Field> for Parameter {
    fn from(field: Field) -> Self {
        Self::Field(Box::new(field))
    }
}

impl From<&Parameter> for Parameter {
    fn from(parameter: &Parameter) -> Self {
        parameter.clone()
    }
}

impl From<String> for Parameter {
    fn from(path: String) -> Self {
        Self::Path(path)
    }
}

impl From<&String> for Parameter {
    fn from(path: &String) -> Self {
        Self::Path(path.clone())
    }
}

impl From<&str> for Parameter {
    fn from(path: &str) -> Self {
        Self::Path(path.to_owned())
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self(Form::Text(text))
    }
}

impl From<&str> for Sentence {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}
