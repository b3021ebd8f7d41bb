//! Keywords at the root of a tool's schema.
//!
//! Claude returns "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or
//! anyOf at the top level", Nova "extraneous key [$defs] is not permitted". Rejected keywords are
//! rewritten so that an input with the properties of one alternative, and no others, still
//! matches; what is lost is added to the tool's description.

use serde_json::{Map, Value};

use super::forms;
use super::forms::FlatSchema;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::request::{ConverseRequest, Tool, ToolInputSchema, ToolSpec};
use crate::converse::rules::json::JsonDelivery;
use crate::converse::rules::schema;
use crate::error::{Field, FormatField, ToolField};
use crate::models::Capabilities;
use crate::reply::Adjustments;

/// Keywords that combine or reference schemas.
const COMBINATORS: [&str; 4] = ["allOf", "anyOf", "oneOf", "$ref"];

/// Keywords that do not restrict the input.
const ANNOTATIONS: [&str; 10] = [
    "$schema",
    "$id",
    "$anchor",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
];

/// The maximum number of keywords in an adjustment note.
const MAX_LISTED: usize = 8;

/// The maximum size in bytes of keywords added to a description.
const MAX_DESCRIBED_BYTES: usize = 2000;

/// Merges combinators at the root, for families that reject them. `field` is the field with the
/// schema.
pub(in crate::converse::rules) fn flatten(
    request: &mut ConverseRequest,
    field: &Field,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    if COMBINATORS
        .iter()
        .all(|keyword| takes(capabilities, keyword))
    {
        return;
    }
    for spec in specs(request) {
        let ToolInputSchema::Json(schema) = &mut spec.input_schema;
        let Some(flattened) = flattened(schema, capabilities) else {
            continue;
        };
        let FlatSchema { schema: new, words } = flattened;
        if let Ok(new) = JsonText::of(&new) {
            *schema = new;
            append_description(spec, &words);
            adjustments.note(
                field.clone(),
                "combinators at the root merged; the model does not accept them",
            );
        }
    }
}

/// Removes keywords at the root that the family rejects. `json` identifies the generated response
/// tool.
pub(in crate::converse::rules) fn drop_keys(
    request: &mut ConverseRequest,
    json: Option<&JsonDelivery>,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    if capabilities.schema_root_keys.is_empty() {
        return;
    }
    for spec in specs(request) {
        let ToolInputSchema::Json(schema) = &mut spec.input_schema;
        let Some(mut members) = Fields::from_object(schema) else {
            continue;
        };
        let mut dropped = Fields::default();
        members.retain(|keyword, member| {
            let is_taken = takes(capabilities, keyword);
            if !is_taken {
                dropped.push(keyword, member.clone());
            }
            is_taken
        });
        let Some(new) = JsonText::of(&members).ok().filter(|_| !dropped.is_empty()) else {
            continue;
        };
        *schema = new;
        adjustments.note(
            schema_field(spec, json),
            format!("keywords removed at the root: {}", names(&dropped)),
        );
        describe_dropped(spec, dropped);
    }
}

/// The client's field with the schema of a tool, which may be the generated response tool.
pub(in crate::converse::rules) fn schema_field(
    spec: &ToolSpec,
    json: Option<&JsonDelivery>,
) -> Field {
    match json {
        Some(JsonDelivery::Tool(name)) if *name == spec.name => {
            Field::ResponseFormat(FormatField::Schema)
        }
        _ => Field::any_tool(ToolField::Schema),
    }
}

/// The names of removed keywords, limited in number and length.
fn names(dropped: &Fields) -> String {
    let names = dropped.iter().take(MAX_LISTED).map(|(name, _)| {
        let name: String = name.chars().take(64).collect();
        format!("`{name}`")
    });
    let mut names: Vec<String> = names.collect();
    if dropped.count() > MAX_LISTED {
        names.push(format!("{} more", dropped.count() - MAX_LISTED));
    }
    names.join(", ")
}

/// Whether `keyword` is accepted at the root.
fn takes(capabilities: &Capabilities, keyword: &str) -> bool {
    let combines = COMBINATORS.contains(&keyword);
    (capabilities.schema_root_combinators || !combines)
        && (capabilities.schema_root_keys.is_empty()
            || capabilities
                .schema_root_keys
                .iter()
                .any(|key| key == keyword))
}

fn specs(request: &mut ConverseRequest) -> impl Iterator<Item = &mut ToolSpec> {
    let tools = request.tool_config.iter_mut().flat_map(|c| &mut c.tools);
    tools.filter_map(|tool| match tool {
        Tool::ToolSpec(spec) => Some(spec),
        _ => None,
    })
}

/// The schema without combinators at its root; `None` if it has no rejected ones.
fn flattened(schema: &JsonText, capabilities: &Capabilities) -> Option<FlatSchema> {
    let text = schema.as_str();
    let may_combine = |keyword: &&str| text.contains(&format!("\"{keyword}\""));
    if !COMBINATORS.iter().any(may_combine) {
        return None;
    }
    let members = Fields::from_object(schema)?;
    let is_refused =
        |keyword: &&str| members.get(keyword).is_some() && !takes(capabilities, keyword);
    if !COMBINATORS.iter().any(is_refused) {
        return None;
    }
    let mut root = schema::read(text)?;
    // JSON pointers into merged schemas would be dangling.
    let has_pointers = ["allOf", "anyOf", "oneOf"]
        .iter()
        .any(|keyword| text.contains(&format!("\"#/{keyword}/")));
    if has_pointers {
        root = schema::inlined(&root)?.schema;
    }
    Some(forms::flatten(&root, capabilities))
}

/// Adds the restrictions of removed keywords to the tool's description.
fn describe_dropped(spec: &mut ToolSpec, mut dropped: Fields) {
    let description: Option<String> = dropped
        .get("description")
        .and_then(|text| serde_json::from_str(text.as_str()).ok());
    if let Some(description) =
        description.filter(|text| !current_description(spec).contains(text.trim()))
    {
        append_description(spec, &description);
    }
    dropped.retain(|keyword, _| !ANNOTATIONS.contains(&keyword));
    if dropped.is_empty() {
        return;
    }
    let rest = JsonText::of(&dropped).ok();
    if let Some(rest) = rest.filter(|rest| rest.as_str().len() <= MAX_DESCRIBED_BYTES) {
        let words = format!("The input also fits this JSON Schema: {}", rest.as_str());
        append_description(spec, &words);
    }
}

fn current_description(spec: &ToolSpec) -> &str {
    spec.description.as_deref().unwrap_or_default()
}

/// Appends a line to the description.
fn append_description(spec: &mut ToolSpec, words: &str) {
    let words = words.trim();
    if words.is_empty() {
        return;
    }
    spec.description = Some(match current_description(spec) {
        "" => words.to_owned(),
        description => format!("{description}\n{words}"),
    });
}

/// The members of an object schema, with `type` first.
pub(in crate::converse::rules) fn object(mut members: Map<String, Value>) -> Map<String, Value> {
    members.shift_remove("type");
    let mut typed = Map::with_capacity(members.len() + 1);
    typed.insert("type".to_owned(), "object".into());
    typed.append(&mut members);
    typed
}
