//! The built-in table of models, in words.

use std::sync::Arc;

use outcrop::models::{
    CachePosition, CallIdForm, Capabilities, ChatUpstream, Medium, ModelId, ModelTable,
    ReasoningControl, ReasoningReplay, Sampling, ToolResultCompanions,
};

/// The file, for the order of its rows.
const FILE: &str = include_str!("../../../src/models/models.toml");

/// The table of families: one row for each family.
pub fn table() -> Vec<String> {
    let mut lines = vec![
        "| family | ids | system prompt | other input | tools | JSON Schema | reasoning | sampling \
         | caching | last message | upstream |"
            .to_owned(),
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    let table = ModelTable::built_in().unwrap();
    for (name, ids) in families() {
        // A row applies to each of its ids, except those with a longer match.
        let capabilities = table.capabilities(&ModelId::parse(&ids[0]).unwrap());
        assert_eq!(capabilities.family, name);
        // The other endpoints have pages of their own.
        if !capabilities.endpoints().is_empty() {
            continue;
        }
        let ids: Vec<String> = ids.iter().map(|id| format!("`{id}…`")).collect();
        lines.push(line(&name, &ids.join(" "), capabilities));
    }
    lines.push(line("any other", "", table.unknown()));
    lines
}

/// The upstream of chat requests, and the fallback for features that it lacks.
fn upstream_name(capabilities: &Capabilities) -> String {
    let upstream = capabilities.upstream.as_str();
    match (capabilities.upstream, capabilities.converse) {
        (ChatUpstream::Converse, _) => "Converse".to_owned(),
        (ChatUpstream::OpenAi(_), true) => format!("`{upstream}`, else Converse"),
        (ChatUpstream::OpenAi(_), false) => format!("`{upstream}`"),
    }
}

fn families() -> Vec<(String, Vec<String>)> {
    #[derive(serde::Deserialize)]
    struct File {
        family: Vec<Family>,
    }
    #[derive(serde::Deserialize)]
    struct Family {
        name: String,
        ids: Vec<String>,
    }
    let file: File = toml::from_str(FILE).unwrap();
    let families = file.family.into_iter();
    families.map(|family| (family.name, family.ids)).collect()
}

fn line(name: &str, ids: &str, capabilities: &Arc<Capabilities>) -> String {
    let cells = [
        name.to_owned(),
        ids.to_owned(),
        system(capabilities),
        listed(capabilities.input.iter().map(|medium| medium_name(*medium))),
        tools(capabilities),
        schema(capabilities),
        reasoning(capabilities),
        sampling(capabilities),
        caching(capabilities),
        last_turn(capabilities),
        upstream_name(capabilities),
    ];
    format!("| {} |", cells.join(" | ")).replace("|  |", "| |")
}

fn system(capabilities: &Capabilities) -> String {
    match (capabilities.system, capabilities.system_turns) {
        (true, true) => "yes, also later",
        (true, false) => "yes",
        (false, _) => "in the user message",
    }
    .to_owned()
}

fn tools(capabilities: &Capabilities) -> String {
    if !capabilities.tools {
        return "no".to_owned();
    }
    let mut features = vec![
        match (capabilities.forces_any_tool, capabilities.forces_named_tool) {
            (true, true) => "can be forced",
            (true, false) => "can be forced, not to a specific tool",
            (false, true) => "can be forced to a specific tool",
            (false, false) => "cannot be forced",
        },
    ];
    if !capabilities.stream_tools {
        features.push("not in streams");
    }
    if capabilities.strict_tools {
        features.push("`strict`");
    }
    if capabilities.single_tool_call {
        features.push("`parallel_tool_calls`");
    }
    if capabilities.tool_result_companions == ToolResultCompanions::None {
        features.push("results in a message of their own");
    }
    if !capabilities.schema_root_combinators {
        features.push("no `anyOf` at the schema root");
    }
    if !capabilities.schema_root_keys.is_empty() {
        features.push("few keywords at the schema root");
    }
    if !capabilities.any_property_key {
        features.push("plain property names");
    }
    match capabilities.tool_call_ids {
        CallIdForm::Converse => {}
        CallIdForm::Words => features.push("ids without `.` and `:`"),
        CallIdForm::NineAlphanumerics => features.push("ids of nine characters"),
        CallIdForm::NineAlphanumericsOrBedrocks => {
            features.push("ids of nine characters, or Bedrock's");
        }
    }
    if capabilities.tool_result_json {
        features.push("results as `json`");
    }
    if capabilities.tool_result_status {
        features.push("`status`");
    }
    let media = capabilities.tool_result_input.iter();
    let media = listed(media.map(|medium| medium_name(*medium)));
    let media = format!("results with {media}");
    if !capabilities.tool_result_input.is_empty() {
        features.push(&media);
    }
    if !capabilities.web_search.is_empty() {
        features.push("web search");
    }
    features.join(", ")
}

fn schema(capabilities: &Capabilities) -> String {
    match (capabilities.structured_output, capabilities.tools) {
        (true, _) => "native",
        (false, true) => "by a tool",
        (false, false) => "in the prompt",
    }
    .to_owned()
}

fn reasoning(capabilities: &Capabilities) -> String {
    let control = match capabilities.reasoning {
        ReasoningControl::None => "",
        ReasoningControl::Budget => "`thinking` with a budget",
        ReasoningControl::Adaptive | ReasoningControl::AdaptiveSummarized => "adaptive `thinking`",
        ReasoningControl::NovaConfig => "`reasoningConfig`",
        ReasoningControl::ReasoningEffort => "`reasoning_effort`",
        ReasoningControl::ReasoningConfig => "`reasoning_config`",
        ReasoningControl::ReasoningObject => "`reasoning`",
    };
    let mut features = vec![control.to_owned()];
    let efforts: Vec<_> = capabilities
        .efforts
        .iter()
        .map(|effort| effort.as_str())
        .collect();
    features.push(efforts.join(" "));
    if capabilities.always_reasons {
        features.push("always".to_owned());
    }
    if !capabilities.min_thinking.is_empty() {
        features.push(format!("at least `{}`", capabilities.min_thinking));
    }
    if !capabilities.reasoning_tag.is_empty() {
        features.push(format!("extracted from `<{}>`", capabilities.reasoning_tag));
    }
    features.push(
        match capabilities.reasoning_replay {
            ReasoningReplay::None => "",
            ReasoningReplay::Signed => "signed blocks sent back",
            ReasoningReplay::Redacted => "encrypted blocks sent back",
            ReasoningReplay::Text => "sent back",
        }
        .to_owned(),
    );
    features.retain(|feature| !feature.is_empty());
    features.join(", ")
}

fn sampling(capabilities: &Capabilities) -> String {
    let mut features = vec![match capabilities.sampling {
        Sampling::Both => "`temperature`, `top_p`",
        Sampling::TemperatureOrTopP => "`temperature` or `top_p`",
        Sampling::None => "neither `temperature` nor `top_p`",
    }];
    if !capabilities.top_k.is_empty() {
        features.push("`top_k`");
    }
    if capabilities.penalties {
        features.push("penalties");
    }
    if !capabilities.stop_sequences {
        features.push("no `stop`");
    } else if !capabilities.blank_stop_sequences {
        features.push("no blank `stop`");
    }
    let minimum = format!("`max_tokens` from {}", capabilities.min_max_tokens);
    if capabilities.min_max_tokens > 1 {
        features.push(&minimum);
    }
    features.join(", ")
}

fn caching(capabilities: &Capabilities) -> String {
    if !capabilities.caches() {
        return "no".to_owned();
    }
    let positions = capabilities
        .cache_points
        .iter()
        .map(|position| match position {
            CachePosition::Tools => "tools",
            CachePosition::System => "system",
            CachePosition::Messages => "messages",
        });
    let hour = match capabilities.cache_one_hour {
        true => ", also for 1 h",
        false => "",
    };
    let minimum = capabilities.cache_min_tokens;
    format!("{}, from {minimum} tokens{hour}", listed(positions))
}

fn last_turn(capabilities: &Capabilities) -> String {
    match capabilities.prefill {
        true => "user or assistant (continued)",
        false => "user",
    }
    .to_owned()
}

fn medium_name(medium: Medium) -> &'static str {
    match medium {
        Medium::Image => "images",
        Medium::Document => "documents",
        Medium::Video => "videos",
        Medium::Audio => "audio",
    }
}

fn listed<'a>(features: impl Iterator<Item = &'a str>) -> String {
    features.collect::<Vec<_>>().join(", ")
}
