use crate::config::reader::Section;
use crate::models::Purpose;
use crate::models::Tokenizer;

/// Defaults of requests for embeddings: `[embeddings]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EmbeddingSettings {
    /// The purpose of the embeddings.
    pub input_type: Purpose,
    /// The tokenizer of requests that contain tokens.
    pub tokenizer: Tokenizer,
}

pub(crate) fn read(section: &mut Section<'_>) -> EmbeddingSettings {
    let mut settings = EmbeddingSettings::default();
    section.text("input_type", &mut settings.input_type, purpose);
    section.text("tokenizer", &mut settings.tokenizer, |name| {
        Tokenizer::parse(name).ok_or_else(|| format!("write one of {}", Tokenizer::NAMES))
    });
    settings
}

/// `embedding_input_type` of `[models.NAME]`.
pub(crate) fn read_purpose(section: &mut Section<'_>) -> Option<Purpose> {
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
