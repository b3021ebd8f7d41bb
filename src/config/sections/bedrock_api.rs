use crate::config::reader::Section;

/// Bedrock's own API: `[bedrock_api]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BedrockApiSettings {
    /// Whether it is served.
    pub enabled: bool,
    /// Whether StartAsyncInvoke, GetAsyncInvoke and ListAsyncInvokes are served.
    pub async_invoke: bool,
    /// Whether InvokeModel is served although `max_tokens_ceiling` or `model_fields` applies, which
    /// cannot be enforced in the models' own request bodies.
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

pub(crate) fn read(section: &mut Section<'_>) -> BedrockApiSettings {
    let mut settings = BedrockApiSettings::default();
    section.flag("enabled", &mut settings.enabled);
    section.flag("async_invoke", &mut settings.async_invoke);
    section.flag(
        "allow_unlimited_invoke",
        &mut settings.allow_unlimited_invoke,
    );
    settings
}
