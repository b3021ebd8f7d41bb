//! What the table of models says, for reading.

use std::sync::Arc;

use outcrop::models::{
    CachePosition, CallIdForm, Capabilities, ChatUpstream, Medium, ModelId, ModelTable,
    ReasoningControl, ReasoningReplay, Sampling, ToolResultCompanions,
};

/// The file, for its order.
const FILE: &str = include_str!("../../../src/models/models.toml");

/// The table of families: a line a family.
pub fn table() -> Vec<String> {
    let mut lines = vec![
        "| family | ids | system prompt | beside text | tools | JSON Schema | reasoning | sampling \
         | caching | last turn | asked at |"
            .to_owned(),
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    let table = ModelTable::built_in().unwrap();
    for (name, ids) in families() {
        // A row holds for each of its ids, but for those that a longer one decides.
        let facts = table.facts(&ModelId::parse(&ids[0]).unwrap());
        assert_eq!(facts.family, name);
        // The other endpoints have sections of their own.
        if !facts.endpoints().is_empty() {
            continue;
        }
        let ids: Vec<String> = ids.iter().map(|id| format!("`{id}…`")).collect();
        lines.push(line(&name, &ids.join(" "), facts));
    }
    lines.push(line("any other", "", table.unknown()));
    lines
}

/// Where chat requests go, and where for what that surface does not do.
fn asked_at(facts: &Capabilities) -> String {
    let surface = facts.surface.as_str();
    match (facts.surface, facts.converse) {
        (ChatUpstream::Converse, _) => "Converse".to_owned(),
        (ChatUpstream::OpenAi(_), true) => format!("`{surface}`, else Converse"),
        (ChatUpstream::OpenAi(_), false) => format!("`{surface}`"),
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

fn line(name: &str, ids: &str, facts: &Arc<Capabilities>) -> String {
    let cells = [
        name.to_owned(),
        ids.to_owned(),
        system(facts),
        listed(facts.input.iter().map(|medium| medium_name(*medium))),
        tools(facts),
        schema(facts),
        reasoning(facts),
        sampling(facts),
        caching(facts),
        last_turn(facts),
        asked_at(facts),
    ];
    format!("| {} |", cells.join(" | ")).replace("|  |", "| |")
}

fn system(facts: &Capabilities) -> String {
    match (facts.system, facts.system_turns) {
        (true, true) => "yes, later too",
        (true, false) => "yes",
        (false, _) => "in the user's turn",
    }
    .to_owned()
}

fn tools(facts: &Capabilities) -> String {
    if !facts.tools {
        return "no".to_owned();
    }
    let mut words = vec![match (facts.forces_any_tool, facts.forces_named_tool) {
        (true, true) => "can be forced",
        (true, false) => "can be forced, but not to one",
        (false, true) => "can be forced to one",
        (false, false) => "cannot be forced",
    }];
    if !facts.stream_tools {
        words.push("not in streams");
    }
    if facts.strict_tools {
        words.push("`strict`");
    }
    if facts.single_tool_call {
        words.push("one at a time");
    }
    if facts.beside_tool_result == ToolResultCompanions::Nothing {
        words.push("results alone in their turn");
    }
    if !facts.schema_root_combinators {
        words.push("schemas without combinations at the root");
    }
    if !facts.schema_root_keys.is_empty() {
        words.push("few keywords at the root of schemas");
    }
    if !facts.any_property_key {
        words.push("plain names of properties");
    }
    match facts.tool_call_ids {
        CallIdForm::Converse => {}
        CallIdForm::Words => words.push("ids without `.` and `:`"),
        CallIdForm::NineAlphanumerics => words.push("ids of nine characters"),
        CallIdForm::NineAlphanumericsOrBedrocks => {
            words.push("ids of nine characters, or Bedrock's own");
        }
    }
    if facts.tool_result_json {
        words.push("results as `json`");
    }
    if facts.tool_result_status {
        words.push("`status`");
    }
    let media = facts.tool_result_input.iter();
    let media = listed(media.map(|medium| medium_name(*medium)));
    let media = format!("results with {media}");
    if !facts.tool_result_input.is_empty() {
        words.push(&media);
    }
    if !facts.web_search.is_empty() {
        words.push("web search");
    }
    words.join(", ")
}

fn schema(facts: &Capabilities) -> String {
    match (facts.structured_output, facts.tools) {
        (true, _) => "native",
        (false, true) => "by a tool",
        (false, false) => "in words",
    }
    .to_owned()
}

fn reasoning(facts: &Capabilities) -> String {
    let knob = match facts.reasoning {
        ReasoningControl::None => "",
        ReasoningControl::Budget => "`thinking`, a budget",
        ReasoningControl::Adaptive | ReasoningControl::AdaptiveSummarized => "`thinking`, adaptive",
        ReasoningControl::NovaConfig => "`reasoningConfig`",
        ReasoningControl::ReasoningEffort => "`reasoning_effort`",
        ReasoningControl::ReasoningConfig => "`reasoning_config`",
        ReasoningControl::ReasoningObject => "`reasoning`",
    };
    let mut words = vec![knob.to_owned()];
    let efforts: Vec<_> = facts.efforts.iter().map(|effort| effort.as_str()).collect();
    words.push(efforts.join(" "));
    if facts.always_reasons {
        words.push("always".to_owned());
    }
    if !facts.least_thinking.is_empty() {
        words.push(format!("`{}` at the least", facts.least_thinking));
    }
    if !facts.reasoning_tag.is_empty() {
        words.push(format!("taken out of `<{}>`", facts.reasoning_tag));
    }
    words.push(
        match facts.reasoning_replay {
            ReasoningReplay::None => "",
            ReasoningReplay::Signed => "given back where signed",
            ReasoningReplay::Text => "given back",
        }
        .to_owned(),
    );
    words.retain(|word| !word.is_empty());
    words.join(", ")
}

fn sampling(facts: &Capabilities) -> String {
    let mut words = vec![match facts.sampling {
        Sampling::Both => "`temperature`, `top_p`",
        Sampling::TemperatureOrTopP => "`temperature` or `top_p`",
        Sampling::None => "neither `temperature` nor `top_p`",
    }];
    if !facts.top_k.is_empty() {
        words.push("`top_k`");
    }
    if facts.penalties {
        words.push("penalties");
    }
    if !facts.stop_sequences {
        words.push("no `stop`");
    } else if !facts.blank_stop_sequences {
        words.push("`stop` that is not blank");
    }
    let least = format!("`max_tokens` from {}", facts.least_max_tokens);
    if facts.least_max_tokens > 1 {
        words.push(&least);
    }
    words.join(", ")
}

fn caching(facts: &Capabilities) -> String {
    if !facts.caches() {
        return "no".to_owned();
    }
    let places = facts.cache_points.iter().map(|place| match place {
        CachePosition::Tools => "tools",
        CachePosition::System => "system",
        CachePosition::Messages => "messages",
    });
    let hour = match facts.cache_one_hour {
        true => ", an hour too",
        false => "",
    };
    let least = facts.cache_min_tokens;
    format!("{}, from {least} tokens{hour}", listed(places))
}

fn last_turn(facts: &Capabilities) -> String {
    match facts.prefill {
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

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
