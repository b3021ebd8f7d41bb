//! Adjustments: changes of a request, reported in `x-outcrop-adjustments`.
//!
//! Every field of a request is translated, refused by name, or noted here. A note never contains
//! text of the conversation.

use std::fmt;

use crate::error::bounded::logged_path;
use crate::error::{FieldNames, Parameter, Sentence};

/// The maximum length of the header value; further notes are counted.
const HEADER_LIMIT: usize = 1024;

/// The maximum number of stored notes; further ones are counted. A body may have millions of
/// unknown keys.
const MAX_NOTES: usize = 100;

/// The notes of a request, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adjustments {
    notes: Vec<Adjustment>,
    /// The number of further notes.
    more: usize,
}

/// A change of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// The field.
    pub field: Parameter,
    /// The change, such as `ignored` or `clamped to 1`.
    pub action: Sentence,
}

impl Adjustments {
    /// Adds a note; duplicates are stored once.
    pub fn note(&mut self, field: impl Into<Parameter>, action: impl Into<Sentence>) {
        // A key of the client may be long.
        let field = match field.into() {
            Parameter::Path(path) => Parameter::Path(printable(&path)),
            field => field,
        };
        let action = action.into().map_text(|text| printable(&text));
        self.add(Adjustment { field, action });
    }

    /// Adds the note that `field` has no effect on Bedrock.
    pub fn ignored(&mut self, field: impl Into<Parameter>) {
        self.note(field, "ignored");
    }

    /// Adds the notes of a related request.
    pub fn extend(&mut self, others: Self) {
        for note in others.notes {
            self.add(note);
        }
        self.more = self.more.max(others.more);
    }

    /// The notes in the words of a dialect.
    #[must_use]
    pub fn named(self, names: &dyn FieldNames) -> Self {
        let mut named = Self {
            notes: Vec::with_capacity(self.notes.len()),
            more: self.more,
        };
        for Adjustment { field, action } in self.notes {
            named.note(field.named(names), action.named(names));
        }
        named
    }

    fn add(&mut self, adjustment: Adjustment) {
        if self.notes.contains(&adjustment) {
            return;
        }
        match self.notes.len() < MAX_NOTES {
            true => self.notes.push(adjustment),
            false => self.more = self.more.saturating_add(1),
        }
    }

    /// Whether the request was not changed.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// The notes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Adjustment> {
        self.notes.iter()
    }

    /// The notes as a header value of printable ASCII; `None` without notes.
    pub fn header_value(&self) -> Option<String> {
        self.listed(Adjustment::to_string)
    }

    /// The notes for the log, without unknown keys, which are the client's text.
    pub fn log_value(&self) -> Option<String> {
        self.listed(|Adjustment { field, action }| {
            let action = printable(&action.as_text());
            format!("{}: {action}", logged_path(&printable(&field.path())))
        })
    }

    fn listed(&self, text_of: impl Fn(&Adjustment) -> String) -> Option<String> {
        let mut value = String::new();
        let mut left = self.notes.len() + self.more;
        for note in &self.notes {
            let text = text_of(note);
            if value.len() + text.len() + 2 > HEADER_LIMIT {
                break;
            }
            if !value.is_empty() {
                value.push_str(", ");
            }
            value.push_str(&text);
            left -= 1;
        }
        if left > 0 {
            value.push_str(&format!(", and {left} more"));
        }
        (!value.is_empty()).then_some(value)
    }
}

impl fmt::Display for Adjustment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, action } = self;
        let (field, action) = (printable(&field.path()), printable(&action.as_text()));
        write!(formatter, "{field}: {action}")
    }
}

/// Makes text, which may have a name of the client, valid and short enough for a header.
fn printable(text: &str) -> String {
    let visible = text.chars().filter(|c| matches!(c, ' '..='~'));
    // Commas separate the notes.
    let apart = visible.map(|c| if c == ',' { ';' } else { c });
    apart.take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjustments_are_deduplicated_and_ordered() {
        let mut adjustments = Adjustments::default();
        adjustments.ignored("seed");
        adjustments.note("temperature", "clamped to 1");
        adjustments.ignored("seed");
        assert_eq!(
            adjustments.header_value().as_deref(),
            Some("seed: ignored, temperature: clamped to 1")
        );
    }

    #[test]
    fn a_field_name_from_the_client_cannot_break_the_header() {
        let mut adjustments = Adjustments::default();
        adjustments.ignored("a\r\nset-cookie: b, ü");
        assert_eq!(
            adjustments.header_value().as_deref(),
            Some("aset-cookie: b; : ignored")
        );
    }

    #[test]
    fn a_long_list_of_adjustments_is_truncated_with_a_count() {
        let mut adjustments = Adjustments::default();
        for number in 0..200 {
            adjustments.ignored(format!("field_{number}"));
        }
        let value = adjustments.header_value().unwrap_or_default();
        assert!(value.len() < HEADER_LIMIT + 32, "{}", value.len());
        let listed = value.matches(": ignored").count();
        assert!(
            value.ends_with(&format!(", and {} more", 200 - listed)),
            "{value}"
        );
    }
}
