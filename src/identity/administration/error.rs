use std::fmt;

use crate::store::StoreError;

/// Why teams and keys were not changed.
#[derive(Debug)]
pub enum AdministrationError {
    /// A value is wrong.
    Invalid {
        /// The name of the field.
        field: &'static str,
        /// What is wrong.
        problem: String,
        /// What to write instead.
        remedy: String,
    },
    /// There is no such team or key.
    NotFound(Subject, String),
    /// There is one with this name.
    NameInUse(Subject, String),
    /// The configuration has it.
    OwnedByFile(Subject, String),
    /// Its state does not allow the change; the text has the remedy.
    Conflict(String),
    /// The system has no random numbers.
    Random(getrandom::Error),
    /// The store failed.
    Store(StoreError),
}

/// What is administered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A team.
    Team,
    /// A key.
    Key,
}

impl AdministrationError {
    /// A wrong value of `field`.
    pub(super) fn invalid(
        field: &'static str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            field,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl Subject {
    /// The noun.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Key => "key",
        }
    }

    /// Where the configuration has the one with this name.
    fn place(self, name: &str) -> String {
        match self {
            Self::Team => format!("`[teams.{name}]`"),
            Self::Key => "`[keys]` or `OUTCROP_API_KEYS`".to_owned(),
        }
    }
}

impl From<StoreError> for AdministrationError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<getrandom::Error> for AdministrationError {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}

impl fmt::Display for AdministrationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid {
                field,
                problem,
                remedy,
            } => write!(formatter, "{field}: {problem}; {remedy}"),
            Self::NotFound(subject, name) => {
                let subject = subject.as_str();
                write!(
                    formatter,
                    "there is no {subject} `{name}`; `outcrop {subject}s list` shows all"
                )
            }
            Self::NameInUse(subject, name) => {
                let subject = subject.as_str();
                write!(
                    formatter,
                    "there is a {subject} `{name}` already; choose another name"
                )
            }
            Self::OwnedByFile(subject, name) => {
                let (noun, place) = (subject.as_str(), subject.place(name));
                write!(
                    formatter,
                    "{noun} `{name}` is set by the configuration; change {place} there"
                )
            }
            Self::Conflict(message) => formatter.write_str(message),
            Self::Random(error) => write!(formatter, "no random numbers for a key: {error}"),
            Self::Store(error) => write!(formatter, "the store: {error}"),
        }
    }
}

impl std::error::Error for AdministrationError {}
