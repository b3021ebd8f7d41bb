//! Translates chat requests with the default configuration.

use std::sync::{Arc, LazyLock};

use outcrop::catalog::Tables;
use outcrop::config::ModelFiles;
use outcrop::converse::media::RemoteFiles;
use outcrop::dialects::openai_chat::{
    ChatOptions, ChatRequest, ChatTranslation, TranslationContext, translate,
};
use outcrop::error::ApiError;
use outcrop::models::{ChatUpstream, ModelId};

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::load(&ModelFiles::default()).unwrap());

/// Translates `request`, whose model is a Bedrock id, with the default options.
pub fn translated(request: ChatRequest) -> Result<ChatTranslation, ApiError> {
    translated_under(request, &ChatOptions::default())
}

/// Translates `request`, whose model is a Bedrock id.
pub fn translated_under(
    request: ChatRequest,
    options: &ChatOptions,
) -> Result<ChatTranslation, ApiError> {
    let model = ModelId::parse(request.model.as_deref().unwrap_or_default()).unwrap();
    let row = TABLES.prices.row(&model);
    let capabilities = Arc::clone(TABLES.capabilities.capabilities(&model));
    let context = TranslationContext {
        capabilities: &capabilities,
        upstream: ChatUpstream::Converse,
        output_limit: row.and_then(|row| row.max_output),
        options,
        recall: &|_| None,
        without_reasoning: false,
        fetched: &RemoteFiles::new(),
    };
    translate(request, &context)
}
