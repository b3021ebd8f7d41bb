//! OpenAI's categories and the corresponding Bedrock categories.

use serde::{Serialize, Serializer};

/// A category of OpenAI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ModerationCategory {
    /// The name on the wire.
    pub(super) name: &'static str,
    /// The corresponding Bedrock category, if any.
    pub(super) filter: Option<&'static str>,
}

/// All categories, in OpenAI's order.
pub(super) const CATEGORIES: [ModerationCategory; 13] = [
    mapped("harassment", "INSULTS"),
    unmapped("harassment/threatening"),
    mapped("hate", "HATE"),
    unmapped("hate/threatening"),
    mapped("illicit", "MISCONDUCT"),
    unmapped("illicit/violent"),
    unmapped("self-harm"),
    unmapped("self-harm/intent"),
    unmapped("self-harm/instructions"),
    mapped("sexual", "SEXUAL"),
    unmapped("sexual/minors"),
    mapped("violence", "VIOLENCE"),
    unmapped("violence/graphic"),
];

/// A value for each category.
#[derive(Debug)]
pub(super) struct ByCategory<T>(Vec<(&'static str, T)>);

impl<T> ByCategory<T> {
    /// Computes a value for each category.
    pub(super) fn of(value: impl Fn(ModerationCategory) -> T) -> Self {
        let values = CATEGORIES.iter();
        Self(
            values
                .map(|&category| (category.name, value(category)))
                .collect(),
        )
    }
}

impl<T: Serialize> Serialize for ByCategory<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

const fn mapped(name: &'static str, filter: &'static str) -> ModerationCategory {
    ModerationCategory {
        name,
        filter: Some(filter),
    }
}

const fn unmapped(name: &'static str) -> ModerationCategory {
    ModerationCategory { name, filter: None }
}
