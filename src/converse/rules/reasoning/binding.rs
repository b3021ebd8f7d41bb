//! What happens to earlier reasoning whose prompt has changed, on families that check it.

use serde::{Deserialize, Serialize};

use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::request::ConverseRequest;
use crate::models::{Capabilities, RefusedField};

/// Anthropic's name of the feature, as of 2026-08-01.
const BETA: &str = "thinking-binding-controls-2026-08-01";

#[derive(Serialize)]
struct BlockBinding {
    prefix_mismatch_behavior: &'static str,
}

#[derive(Deserialize)]
struct ThinkingType {
    r#type: String,
}

/// Has the model drop reasoning that it would reject. Otherwise a client that changes its tools or its
/// instructions ends its own conversation. Clients may set `thinking` themselves in `provider_fields`.
pub(super) fn drop_mismatches(
    request: &mut ConverseRequest,
    provider_fields: &Fields,
    reasons: bool,
    capabilities: &Capabilities,
) {
    let is_supported =
        capabilities.binds_thinking && !capabilities.refuses(&RefusedField::BlockBinding);
    if !is_supported || !reasons || provider_fields.get("thinking").is_some() {
        return;
    }
    let fields = &mut request.additional_model_request_fields;
    // These models reason adaptively by default.
    let default = || JsonText::parse(r#"{"type":"adaptive"}"#.to_owned()).ok();
    let Some(thinking) = fields.get("thinking").cloned().or_else(default) else {
        return;
    };
    let kind = serde_json::from_str::<ThinkingType>(thinking.as_str());
    if !kind.is_ok_and(|kind| matches!(kind.r#type.as_str(), "adaptive" | "enabled")) {
        return;
    }
    let binding = BlockBinding {
        prefix_mismatch_behavior: "drop_block",
    };
    let Some(mut members) = Fields::from_object(&thinking) else {
        return;
    };
    if let Ok(binding) = JsonText::of(&binding) {
        members.set("block_binding", binding);
    }
    if let (Ok(thinking), Ok(betas)) = (JsonText::of(&members), JsonText::of(&[BETA])) {
        fields.set("thinking", thinking);
        fields.set("anthropic_beta", betas);
    }
}
