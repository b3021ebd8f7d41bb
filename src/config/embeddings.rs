use super::reader::Section;
use crate::openai::embeddings::Tokenizer;
use crate::providers::embeddings::Purpose;

/// How requests for embeddings are read where they do not say: `[embeddings]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EmbeddingSettings {
    /// What vectors are for.
    pub input_type: Purpose,
    /// What makes tokens.
    pub tokenizer: Tokenizer,
}

pub(super) fn read(section: &mut Section<'_>) -> EmbeddingSettings {
    let mut settings = EmbeddingSettings::default();
    section.text("input_type", &mut settings.input_type, purpose);
    section.text("tokenizer", &mut settings.tokenizer, |name| {
        Tokenizer::parse(name).ok_or_else(|| format!("write one of {}", Tokenizer::NAMES))
    });
    settings
}

/// `embedding_input_type` of a model.
pub(super) fn read_purpose(section: &mut Section<'_>) -> Option<Purpose> {
    let mut purpose = None;
    section.text("embedding_input_type", &mut purpose, |word| match word {
        "" => Ok(None),
        word => self::purpose(word).map(Some),
    });
    purpose
}

fn purpose(word: &str) -> Result<Purpose, String> {
    Purpose::parse(word).ok_or_else(|| format!("write one of {}", Purpose::WORDS))
}
