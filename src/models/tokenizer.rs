//! Input as tokens of OpenAI's tokenizers, as sent by LangChain.

#[cfg(feature = "token-input")]
use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

use crate::error::ApiError;

/// An OpenAI tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tokenizer {
    /// The tokenizer of `text-embedding-3-small`, `text-embedding-3-large` and
    /// `text-embedding-ada-002`, which clients also use for unknown models.
    #[default]
    Cl100kBase,
    /// The tokenizer of `gpt-4o` and later models.
    O200kBase,
}

impl Tokenizer {
    /// The names of all tokenizers, for error messages.
    pub const NAMES: &str = "`cl100k_base` or `o200k_base`";

    /// Parses OpenAI's name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "cl100k_base" => Some(Self::Cl100kBase),
            "o200k_base" => Some(Self::O200kBase),
            _ => None,
        }
    }

    /// OpenAI's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cl100kBase => "cl100k_base",
            Self::O200kBase => "o200k_base",
        }
    }

    /// Always fails, since this build has no vocabularies.
    #[cfg(not(feature = "token-input"))]
    pub(crate) fn text(self, _: &[i64], path: &str) -> Result<String, ApiError> {
        let message = format!(
            "`{path}` is a list of tokens, which this build of the gateway cannot decode; send the \
             text itself (LangChain: `check_embedding_ctx_length=False`), or use a build with the \
             feature `token-input`"
        );
        Err(ApiError::invalid(path, message))
    }

    /// Decodes `tokens`, from the field `path`.
    #[cfg(feature = "token-input")]
    pub(crate) fn text(self, tokens: &[i64], path: &str) -> Result<String, ApiError> {
        self.decode(tokens).map_err(|index| {
            let token = tokens.get(index).copied().unwrap_or_default();
            let path = format!("{path}[{index}]");
            let name = self.as_str();
            let message = format!(
                "`{path}` is {token}, which is not a token of `{name}`; send the text, or set \
                 `tokenizer` to the one that was used: {}",
                Self::NAMES
            );
            ApiError::invalid(path, message)
        })
    }

    /// Decodes `tokens`. Fails with the index of an invalid token.
    ///
    /// Clients split long texts between tokens, possibly inside a character; incomplete
    /// characters become U+FFFD.
    #[cfg(feature = "token-input")]
    fn decode(self, tokens: &[i64]) -> Result<String, usize> {
        let vocabulary = self.vocabulary();
        let mut text = Vec::with_capacity(tokens.len().saturating_mul(4));
        for (index, token) in tokens.iter().enumerate() {
            let bytes = u32::try_from(*token)
                .ok()
                .and_then(|token| vocabulary.decode_bytes(&[token]).ok());
            text.extend(bytes.ok_or(index)?);
        }
        Ok(String::from_utf8(text)
            .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned()))
    }

    /// Loaded on first use and kept, since it takes some dozens of megabytes.
    #[cfg(feature = "token-input")]
    fn vocabulary(self) -> &'static CoreBPE {
        match self {
            Self::Cl100kBase => cl100k_base_singleton(),
            Self::O200kBase => o200k_base_singleton(),
        }
    }
}

#[cfg(all(test, feature = "token-input"))]
mod tests {
    use super::*;

    #[test]
    fn token_ids_are_decoded_to_text() {
        // As encoded by the Python library tiktoken.
        let tokens = [9906, 11, 1917, 0, 11410, 234, 235];
        let text = Tokenizer::Cl100kBase.decode(&tokens);
        assert_eq!(text.as_deref(), Ok("Hello, world! 🌍"));
        let cut = Tokenizer::Cl100kBase.decode(&tokens[..6]);
        assert_eq!(cut.as_deref(), Ok("Hello, world! \u{fffd}"));
        assert_eq!(
            Tokenizer::O200kBase.decode(&[13225]).as_deref(),
            Ok("Hello")
        );
        // <|endoftext|>
        let special = Tokenizer::Cl100kBase.decode(&[100_257]);
        assert_eq!(special.as_deref(), Ok("<|endoftext|>"));
    }

    #[test]
    fn an_unknown_token_is_reported_by_its_position() {
        for strange in [-1, 100_256, 1 << 40, i64::MAX] {
            assert_eq!(Tokenizer::Cl100kBase.decode(&[9906, strange]), Err(1));
        }
    }
}
