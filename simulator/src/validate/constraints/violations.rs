//! Constraint violations, with Bedrock's messages.

use std::fmt::Display;

use serde_json::Value;

use crate::conversation::text;
use crate::error::AwsError;

pub(crate) const NAME: &str = "[a-zA-Z0-9_-]+";
pub(crate) const TOOL_USE_ID: &str = "[a-zA-Z0-9_.:-]+";
const MAX_NAME_LENGTH: usize = 64;

#[derive(Default)]
pub(crate) struct Violations(Vec<String>);

impl Violations {
    pub(crate) fn because(&mut self, value: impl Display, at: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
        ));
    }

    /// As [`because`](Self::because), without the value.
    pub(crate) fn unfit(&mut self, at: &str, constraint: &str) {
        self.0.push(format!(
            "Value at '{at}' failed to satisfy constraint: {constraint}"
        ));
    }

    pub(crate) fn missing(&mut self, at: &str) {
        self.unfit(at, "Member must not be null");
    }

    pub(crate) fn empty(&mut self, at: &str) {
        self.because("", at, "Member must have length greater than or equal to 1");
    }

    pub(crate) fn below(&mut self, value: impl Display, at: &str, min: i64) {
        self.because(
            value,
            at,
            &format!("Member must have value greater than or equal to {min}"),
        );
    }

    pub(crate) fn unless_one_of(&mut self, value: &str, at: &str, allowed: &[&str]) {
        if !allowed.contains(&value) {
            let set = allowed.join(", ");
            self.because(
                value,
                at,
                &format!("Member must satisfy enum value set: [{set}]"),
            );
        }
    }

    pub(crate) fn unless_matches(
        &mut self,
        value: &str,
        at: &str,
        pattern: &str,
        fits: impl FnOnce(&str) -> bool,
    ) {
        if !fits(value) {
            self.because(
                value,
                at,
                &format!("Member must satisfy regular expression pattern: {pattern}"),
            );
        }
    }

    /// A string of one to `max` characters.
    pub(crate) fn unless_long_as(&mut self, value: &str, at: &str, max: usize) {
        if value.is_empty() {
            self.empty(at);
        }
        self.unless_shorter(value, at, max);
    }

    pub(crate) fn unless_shorter(&mut self, value: &str, at: &str, max: usize) {
        if value.chars().count() > max {
            self.because(
                value,
                at,
                &format!("Member must have length less than or equal to {max}"),
            );
        }
    }

    /// A name of 1 to 64 characters that match the pattern.
    pub(crate) fn name(&mut self, value: Option<&Value>, at: &str, pattern: &str) {
        let value = text(value);
        let allowed: &[u8] = if pattern == NAME { b"_-" } else { b"_-.:" };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || allowed.contains(&byte);
        self.unless_matches(value, at, pattern, |value| {
            !value.is_empty() && value.bytes().all(fits)
        });
        self.unless_long_as(value, at, MAX_NAME_LENGTH);
    }

    pub(crate) fn report(self) -> Result<(), AwsError> {
        let errors = match self.0.len() {
            0 => return Ok(()),
            1 => "1 validation error".to_owned(),
            count => format!("{count} validation errors"),
        };
        Err(AwsError::validation(format!(
            "{errors} detected: {}",
            self.0.join("; ")
        )))
    }
}
