//! What the gateway changed in a request, said to the client in `x-outcrop-adjustments`.
//!
//! Every field of a request ends in one of three ways: translated, refused by name, or noted
//! here. A note never holds text of the conversation.

use std::fmt;

use crate::bounded::logged_path;

/// The longest header value that is written; what does not fit is counted, not lost silently.
const HEADER_LIMIT: usize = 1024;

/// The most notes that are kept with their words; what comes after is counted. A body may have
/// millions of keys that nobody knows.
const MAX_NOTES: usize = 100;

/// The notes of one request, in the order in which they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adjustments {
    notes: Vec<Adjustment>,
    /// How many more there were.
    more: usize,
}

/// One change: the client's name of a field, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// The field as the client wrote it, for example `messages[].name`.
    pub field: String,
    /// What was done, for example `ignored` or `clamped to 1`.
    pub action: String,
}

impl Adjustments {
    /// Notes that `field` was handled as `action` says; a note made twice is kept once.
    pub fn note(&mut self, field: &str, action: impl Into<String>) {
        let adjustment = Adjustment {
            field: printable(field),
            action: printable(&action.into()),
        };
        if self.notes.contains(&adjustment) {
            return;
        }
        match self.notes.len() < MAX_NOTES {
            true => self.notes.push(adjustment),
            false => self.more = self.more.saturating_add(1),
        }
    }

    /// Notes that `field` has no effect on Bedrock.
    pub fn ignored(&mut self, field: &str) {
        self.note(field, "ignored");
    }

    /// Adds the notes of another request that goes with this one.
    pub fn extend(&mut self, others: &Self) {
        for Adjustment { field, action } in &others.notes {
            self.note(field, action.clone());
        }
        self.more = self.more.max(others.more);
    }

    /// Whether the request went through as it was written.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// The notes, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Adjustment> {
        self.notes.iter()
    }

    /// The notes as a header value of printable ASCII, or nothing where there are none.
    pub fn header_value(&self) -> Option<String> {
        self.listed(ToString::to_string)
    }

    /// The same for the log: a key that nobody knows is the client's own text.
    pub fn log_value(&self) -> Option<String> {
        self.listed(|Adjustment { field, action }| format!("{}: {action}", logged_path(field)))
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
        write!(formatter, "{}: {}", self.field, self.action)
    }
}

/// Field names come from the client: only what a header may carry, and not at any length.
fn printable(text: &str) -> String {
    let visible = text.chars().filter(|c| matches!(c, ' '..='~'));
    // Commas stand between the notes.
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
            adjustments.ignored(&format!("field_{number}"));
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
