//! The words that a client's field accepts.

use crate::error::{ApiError, Parameter};

/// The words that a field accepts, with their values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<T: 'static> {
    noun: &'static str,
    words: &'static [(&'static str, T)],
    aliases: &'static [(&'static str, T)],
}

impl<T: Copy> Words<T> {
    /// `noun` is what a word is, with its article: `a trace mode`.
    pub(crate) const fn new(noun: &'static str, words: &'static [(&'static str, T)]) -> Self {
        Self {
            noun,
            words,
            aliases: &[],
        }
    }

    /// Adds other spellings, which messages do not name.
    pub(crate) const fn with_aliases(self, aliases: &'static [(&'static str, T)]) -> Self {
        Self { aliases, ..self }
    }

    /// The value of `word`.
    pub(crate) fn parse(&self, word: &str, parameter: impl Into<Parameter>) -> Result<T, ApiError> {
        let mut all = self.words.iter().chain(self.aliases);
        match all.find(|(own, _)| *own == word) {
            Some((_, value)) => Ok(*value),
            None => {
                let words = self.words.iter().map(|(word, _)| *word);
                Err(unknown_word(parameter, word, self.noun, words))
            }
        }
    }

    /// The value of a field; `None` if the field is absent.
    pub(crate) fn read(
        &self,
        word: Option<&str>,
        parameter: impl Into<Parameter>,
    ) -> Result<Option<T>, ApiError> {
        word.map(|word| self.parse(word, parameter)).transpose()
    }
}

/// The error for a word that a field does not accept; `noun` has its article.
pub(crate) fn unknown_word(
    parameter: impl Into<Parameter>,
    word: &str,
    noun: &str,
    words: impl IntoIterator<Item = &'static str>,
) -> ApiError {
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    let last = words.pop().unwrap_or_default();
    let words = match words.is_empty() {
        true => last,
        false => format!("{} or {last}", words.join(", ")),
    };
    ApiError::invalid(parameter, format!("`{word}` is not {noun}; use {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    const SPEEDS: Words<u32> = Words::new("a speed", &[("slow", 1), ("usual", 2), ("fast", 3)])
        .with_aliases(&[("quick", 3)]);

    #[test]
    fn words_and_aliases_have_values() {
        assert_eq!(SPEEDS.read(None, "speed"), Ok(None));
        assert_eq!(SPEEDS.read(Some("usual"), "speed"), Ok(Some(2)));
        assert_eq!(SPEEDS.read(Some("quick"), "speed"), Ok(Some(3)));
    }

    #[test]
    fn an_unknown_word_is_rejected_with_the_known_ones() {
        let error = SPEEDS.read(Some("Slow"), "speed").expect_err("a word");
        let message = "`Slow` is not a speed; use `slow`, `usual` or `fast`";
        assert_eq!(error.to_string(), message);
        assert_eq!(error.path().as_deref(), Some("speed"));
        assert_eq!(error.code, Some(ErrorCode::InvalidValue));
        let error = unknown_word("kind", "other", "a kind", ["only"]);
        assert_eq!(error.to_string(), "`other` is not a kind; use `only`");
    }
}
