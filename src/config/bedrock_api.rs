use super::reader::Section;

/// What of Bedrock's own API is served: `[bedrock_api]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BedrockApiSettings {
    /// Whether any of it is.
    pub enabled: bool,
    /// Whether jobs may be started that write to the bucket of `[s3]`, and be looked at.
    pub async_invoke: bool,
    /// Whether InvokeModel is served where a ceiling or a list of keys holds, which cannot be held
    /// to in bodies of a provider's own.
    pub allow_unlimited_invoke: bool,
}

impl Default for BedrockApiSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            async_invoke: false,
            allow_unlimited_invoke: false,
        }
    }
}

pub(super) fn read(section: &mut Section<'_>) -> BedrockApiSettings {
    let mut settings = BedrockApiSettings::default();
    section.flag("enabled", &mut settings.enabled);
    section.flag("async_invoke", &mut settings.async_invoke);
    section.flag(
        "allow_unlimited_invoke",
        &mut settings.allow_unlimited_invoke,
    );
    settings
}
