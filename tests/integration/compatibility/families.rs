//! The model table as a table for readers.

use std::sync::Arc;

use outcrop::models::{
    CachePosition, CallIdForm, Capabilities, ChatUpstream, Medium, ModelId, ModelTable,
    ReasoningControl, ReasoningReplay, Sampling, ToolResultCompanions,
};

/// The source of the model table, for the order of families.
const FILE: &str = include_str!("../../../src/models/models.toml");

/// The table of families, one a line.
pub fn table() -> Vec<String> {
    let mut lines = vec![
        "| family | ids | system prompt | beside text | tools | JSON Schema | reasoning | sampling \
         | caching | last turn | asked at |"
            .to_owned(),
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    let table = ModelTable::built_in().unwrap();
    for (name, ids) in families() {
        // A row applies to each of its id prefixes unless a longer prefix matches.
        let capabilities = table.capabilities(&ModelId::parse(&ids[0]).unwrap());
        assert_eq!(capabilities.family, name);
        // Models of other endpoints have separate sections.
        if !capabilities.endpoints().is_empty() {
            continue;
        }
        let ids: Vec<String> = ids.iter().map(|id| format!("`{id}…`")).collect();
        lines.push(line(&name, &ids.join(" "), capabilities));
    }
    lines.push(line("any other", "", table.unknown()));
    lines
}

/// The upstream of chat requests, and the fallback for unsupported fields.
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
        (true, true) => "yes, later too",
        (true, false) => "yes",
        (false, _) => "in the user's turn",
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
            (true, false) => "can be forced, but not to one",
            (false, true) => "can be forced to one",
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
        features.push("one at a time");
    }
    if capabilities.tool_result_companions == ToolResultCompanions::None {
        features.push("results alone in their turn");
    }
    if !capabilities.schema_root_combinators {
        features.push("schemas without combinations at the root");
    }
    if !capabilities.schema_root_keys.is_empty() {
        features.push("few keywords at the root of schemas");
    }
    if !capabilities.any_property_key {
        features.push("plain names of properties");
    }
    match capabilities.tool_call_ids {
        CallIdForm::Converse => {}
        CallIdForm::Words => features.push("ids without `.` and `:`"),
        CallIdForm::NineAlphanumerics => features.push("ids of nine characters"),
        CallIdForm::NineAlphanumericsOrBedrocks => {
            features.push("ids of nine characters, or Bedrock's own");
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
        (false, false) => "in words",
    }
    .to_owned()
}

fn reasoning(capabilities: &Capabilities) -> String {
    let control = match capabilities.reasoning {
        ReasoningControl::None => "",
        ReasoningControl::Budget => "`thinking`, a budget",
        ReasoningControl::Adaptive | ReasoningControl::AdaptiveSummarized => "`thinking`, adaptive",
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
    if !capabilities.least_thinking.is_empty() {
        features.push(format!("`{}` at the least", capabilities.least_thinking));
    }
    if !capabilities.reasoning_tag.is_empty() {
        features.push(format!("taken out of `<{}>`", capabilities.reasoning_tag));
    }
    features.push(
        match capabilities.reasoning_replay {
            ReasoningReplay::None => "",
            ReasoningReplay::Signed => "given back where signed",
            ReasoningReplay::Text => "given back",
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
        features.push("`stop` that is not blank");
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
        true => ", an hour too",
        false => "",
    };
    let minimum = capabilities.cache_min_tokens;
    format!("{}, from {minimum} tokens{hour}", listed(positions))
}

fn last_turn(capabilities: &Capabilities) -> String {
    match capabilities.prefill {
        true => "the assistant's is continued",
        false => "the user's",
    }
    .to_owned()
}

fn medium_name(medium: Medium) -> &'static str {
    match medium {
        Medium::Image => "pictures",
        Medium::Document => "documents",
        Medium::Video => "films",
        Medium::Audio => "sound",
    }
}

fn listed<'a>(features: impl Iterator<Item = &'a str>) -> String {
    features.collect::<Vec<_>>().join(", ")
}
