//! The model ids that Bedrock knows.

/// Prefixes of model ids, without dates and versions. Sources: AWS's lists of foundation models and
/// of inference profiles, its model cards and recorded traffic, as of 2026-11-21.
const PREFIXES: &[&str] = &[
    "ai21.j2-grande-instruct",
    "ai21.j2-jumbo-instruct",
    "ai21.j2-mid",
    "ai21.j2-ultra",
    "ai21.jamba-1-5-large",
    "ai21.jamba-1-5-mini",
    "ai21.jamba-instruct",
    "amazon.nova-2-lite",
    "amazon.nova-2-multimodal-embeddings",
    "amazon.nova-2-omni",
    "amazon.nova-2-pro",
    "amazon.nova-2-sonic",
    "amazon.nova-canvas",
    "amazon.nova-lite",
    "amazon.nova-micro",
    "amazon.nova-premier",
    "amazon.nova-pro",
    "amazon.nova-reel",
    "amazon.nova-sonic",
    "amazon.rerank",
    "amazon.titan-e1t-medium",
    "amazon.titan-embed-g1-text",
    "amazon.titan-embed-image",
    "amazon.titan-embed-text",
    "amazon.titan-image-generator",
    "amazon.titan-text-agile",
    "amazon.titan-text-express",
    "amazon.titan-text-lite",
    "amazon.titan-text-premier",
    "amazon.titan-tg1-large",
    "anthropic.claude-3-5-haiku",
    "anthropic.claude-3-5-sonnet",
    "anthropic.claude-3-7-sonnet",
    "anthropic.claude-3-haiku",
    "anthropic.claude-3-opus",
    "anthropic.claude-3-sonnet",
    "anthropic.claude-fable-5",
    "anthropic.claude-fable-5-1",
    "anthropic.claude-fable-5-2",
    "anthropic.claude-haiku-4-5",
    "anthropic.claude-haiku-5",
    "anthropic.claude-haiku-5-5",
    "anthropic.claude-instant",
    "anthropic.claude-mythos-5",
    "anthropic.claude-mythos-5-1",
    "anthropic.claude-mythos-5-2",
    "anthropic.claude-mythos-preview",
    "anthropic.claude-opus-4",
    "anthropic.claude-opus-4-1",
    "anthropic.claude-opus-4-5",
    "anthropic.claude-opus-4-6",
    "anthropic.claude-opus-4-7",
    "anthropic.claude-opus-4-8",
    "anthropic.claude-opus-5",
    "anthropic.claude-opus-5-5",
    "anthropic.claude-sonnet-4",
    "anthropic.claude-sonnet-4-5",
    "anthropic.claude-sonnet-4-6",
    "anthropic.claude-sonnet-5",
    "anthropic.claude-sonnet-5-5",
    "anthropic.claude",
    "cohere.command-light-text",
    "cohere.command-r",
    "cohere.command-r-plus",
    "cohere.command-text",
    "cohere.embed",
    "cohere.embed-english",
    "cohere.embed-multilingual",
    "cohere.rerank",
    "deepseek.r1",
    "deepseek.v3",
    "deepseek.v3.1",
    "deepseek.v3.2",
    "google.gemma-3-12b-it",
    "google.gemma-3-27b-it",
    "google.gemma-3-4b-it",
    "luma.ray",
    "meta.llama2-13b",
    "meta.llama2-13b-chat",
    "meta.llama2-70b",
    "meta.llama2-70b-chat",
    "meta.llama3-1-405b-instruct",
    "meta.llama3-1-70b-instruct",
    "meta.llama3-1-8b-instruct",
    "meta.llama3-2-11b-instruct",
    "meta.llama3-2-1b-instruct",
    "meta.llama3-2-3b-instruct",
    "meta.llama3-2-90b-instruct",
    "meta.llama3-3-70b-instruct",
    "meta.llama3-70b-instruct",
    "meta.llama3-8b-instruct",
    "meta.llama4-maverick-17b-instruct",
    "meta.llama4-scout-17b-instruct",
    "minimax.minimax-m2",
    "minimax.minimax-m2.1",
    "mistral.devstral-2-123b",
    "mistral.magistral-small",
    "mistral.ministral-3-14b-instruct",
    "mistral.ministral-3-3b-instruct",
    "mistral.ministral-3-8b-instruct",
    "mistral.mistral-7b-instruct",
    "mistral.mistral-large",
    "mistral.mistral-large-3-675b-instruct",
    "mistral.mistral-small",
    "mistral.mixtral-8x7b-instruct",
    "mistral.pixtral-large",
    "mistral.voxtral-mini-3b",
    "mistral.voxtral-small-24b",
    "moonshot.kimi-k2-thinking",
    "moonshot.kimi-k2.5",
    "moonshotai.kimi-k2-thinking",
    "moonshotai.kimi-k2.5",
    "moonshotai.kimi-k3",
    "moonshotai.kimi-k3.1",
    "nvidia.nemotron-nano-12b",
    "nvidia.nemotron-nano-3-30b",
    "nvidia.nemotron-nano-9b",
    "nvidia.nemotron-super-3-120b",
    "openai.gpt-5.4",
    "openai.gpt-5.5",
    "openai.gpt-5.6",
    "openai.gpt-5.6-cyber",
    "openai.gpt-5.6-luna",
    "openai.gpt-5.6-sol",
    "openai.gpt-5.6-terra",
    "openai.gpt-6-astra",
    "openai.gpt-6-luna",
    "openai.gpt-6-sol",
    "openai.gpt-oss-120b",
    "openai.gpt-oss-20b",
    "openai.gpt-oss-safeguard-120b",
    "openai.gpt-oss-safeguard-20b",
    "qwen.qwen3-235b-a22b",
    "qwen.qwen3-32b",
    "qwen.qwen3-coder-30b-a3b",
    "qwen.qwen3-coder-480b-a35b",
    "qwen.qwen3-coder-next",
    "qwen.qwen3-next-80b-a3b",
    "qwen.qwen3-vl-235b-a22b",
    "stability.sd3-5-large",
    "stability.sd3-large",
    "stability.stable-conservative-upscale",
    "stability.stable-creative-upscale",
    "stability.stable-diffusion-xl",
    "stability.stable-fast-upscale",
    "stability.stable-image-control-sketch",
    "stability.stable-image-control-structure",
    "stability.stable-image-core",
    "stability.stable-image-erase-object",
    "stability.stable-image-inpaint",
    "stability.stable-image-remove-background",
    "stability.stable-image-search-recolor",
    "stability.stable-image-search-replace",
    "stability.stable-image-style-guide",
    "stability.stable-image-ultra",
    "stability.stable-outpaint",
    "stability.stable-style-transfer",
    "twelvelabs.marengo-embed-2-7",
    "twelvelabs.marengo-embed-3-0",
    "twelvelabs.pegasus-1-2",
    "writer.palmyra-vision-7b",
    "writer.palmyra-x4",
    "writer.palmyra-x5",
    "xai.grok-4.3",
    "xai.grok-4.6",
    "xai.grok-4.7",
    "zai.glm-4.6",
    "zai.glm-4.7",
    "zai.glm-4.7-flash",
    "zai.glm-5",
    "zai.glm-5.3",
];

/// Ids that contain this, after a known provider, stand for models that clients do not know yet,
/// for instance `nvidia.of-tomorrow-v1:0`.
const FUTURE_MODEL: &str = "of-tomorrow";

/// Whether Bedrock has a model with this id (without geographic prefix).
pub(crate) fn is_known(bare_id: &str) -> bool {
    bare_id.contains(FUTURE_MODEL)
        || PREFIXES
            .iter()
            .filter_map(|prefix| bare_id.strip_prefix(prefix))
            .any(is_version)
}

/// Date, version, revision and context window size, such as `-20250929-v1:0`, `-v2`, `-1:0`,
/// `-v1:0:200k`, or an empty string.
fn is_version(rest: &str) -> bool {
    let mut parts = rest.split(':');
    let prefix = parts.next().unwrap_or_default();
    let mut segments = prefix.split('-');
    segments.next() == Some("")
        && segments.all(is_date_or_version)
        && parts.all(|part| is_number(part) || part == "mm" || is_number_before(part, 'k'))
}

/// A date has four digits or more; a single digit is a version, as in `openai.gpt-oss-20b-1:0`.
fn is_date_or_version(segment: &str) -> bool {
    let digits = segment.strip_prefix('v').unwrap_or(segment);
    is_number(digits) && (digits.len() != segment.len() || matches!(digits.len(), 1 | 2 | 4..=8))
}

fn is_number_before(text: &str, unit: char) -> bool {
    text.strip_suffix(unit).is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_model_id_is_a_model_line_with_a_version() {
        for (id, expected) in [
            ("anthropic.claude-sonnet-4-5-20250929-v1:0", true),
            ("anthropic.claude-3-haiku-20240307-v1:0:200k", true),
            ("anthropic.claude-v2:1", true),
            ("anthropic.claude-sonnet-5", true),
            ("amazon.nova-premier-v1:0:mm", true),
            ("mistral.mistral-large-2402-v1:0", true),
            ("openai.gpt-oss-20b-1:0", true),
            ("zai.glm-4.7-flash", true),
            ("nvidia.of-tomorrow-v1:0", true),
            ("anthropic.claude-sonet-4-5-20250929-v1:0", false),
            ("anthropic.claude-sonnet-9", false),
            ("anthropic.claude-sonnet-4-5-latest", false),
            ("amazon.nova-micro-v1:O", false),
            ("amazon.nova-mini-v1:0", false),
            ("meta.llama9", false),
        ] {
            assert_eq!(is_known(id), expected, "{id}");
        }
    }
}
