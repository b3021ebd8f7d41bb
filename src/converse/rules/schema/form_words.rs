//! Describes the alternatives of an object schema in text for the model.

use serde_json::Value;

use super::forms::ObjectForm;
use super::merge::merged;
use crate::converse::rules::property_keys::rename::changed_key;
use crate::models::Capabilities;

/// The maximum number of choices and alternatives described, and the maximum length of the
/// description of an alternative, in characters.
const MAX_CHOICES_DESCRIBED: usize = 8;
const MAX_FORMS_DESCRIBED: usize = 24;
const MAX_FORM_TEXT: usize = 400;

/// The description of the alternatives.
pub(in crate::converse::rules) fn describe(
    form: &ObjectForm,
    capabilities: &Capabilities,
) -> String {
    let choices = form
        .choices
        .iter()
        .take(MAX_CHOICES_DESCRIBED)
        .map(|choice| {
            let how_many = match choice.exactly_one {
                true => "exactly one",
                false => "at least one",
            };
            let forms = choice.forms.iter().take(MAX_FORMS_DESCRIBED).enumerate();
            let mut lines: Vec<String> = forms
                .map(|(position, form)| {
                    format!("{}. {}", position + 1, describe_form(form, capabilities))
                })
                .collect();
            if choice.forms.len() > MAX_FORMS_DESCRIBED {
                lines.push(format!(
                    "and {} more",
                    choice.forms.len() - MAX_FORMS_DESCRIBED
                ));
            }
            format!(
                "The input has {how_many} of these forms:\n{}",
                lines.join("\n")
            )
        });
    choices.collect::<Vec<_>>().join("\n")
}

fn describe_form(form: &ObjectForm, capabilities: &Capabilities) -> String {
    let name = |key: &String| match changed_key(key).filter(|_| !capabilities.any_property_key) {
        Some(changed) => format!("`{changed}`"),
        None => format!("`{key}`"),
    };
    let flat = merged(form.clone());
    let mut parts: Vec<String> = Vec::new();
    for annotation in ["title", "description"] {
        if let Some(Value::String(text)) = form.others.get(annotation) {
            parts.push(text.trim().to_owned());
        }
    }
    for (key, schema) in &flat.properties {
        let values = match (schema.get("const"), schema.get("enum")) {
            (Some(value), _) => value.to_string(),
            (None, Some(Value::Array(values))) => {
                let values: Vec<String> = values.iter().map(Value::to_string).collect();
                values.join(" or ")
            }
            _ => continue,
        };
        parts.push(format!("{} is {values}", name(key)));
    }
    let required: Vec<String> = flat.required.iter().map(name).collect();
    if !required.is_empty() {
        parts.push(format!("requires {}", required.join(", ")));
    }
    let optional = flat.properties.keys();
    let optional = optional.filter(|key| !flat.required.contains(key));
    let optional: Vec<String> = optional.map(name).collect();
    if !optional.is_empty() {
        parts.push(format!("may have {}", optional.join(", ")));
    }
    if parts.is_empty() {
        return "anything else".to_owned();
    }
    parts.join("; ").chars().take(MAX_FORM_TEXT).collect()
}
