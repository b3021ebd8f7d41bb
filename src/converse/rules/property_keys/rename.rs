//! Maps property names that the family rejects, in schemas and in earlier tool calls.
//!
//! Claude returns "tools.0.custom.input_schema.properties: Property keys should match pattern
//! '^[a-zA-Z0-9_.-]{1,64}$'" for names such as `$filter`, `@type` or `filter[name]`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::json_keys::KeyRewriter;
use crate::converse::JsonText;
use crate::converse::content::ContentBlock;
use crate::converse::identifier::{has_digest, is_identifier, with_digest};
use crate::converse::options::OutputConfig;
use crate::converse::request::{ConverseRequest, Message, Tool, ToolInputSchema};
use crate::converse::rules::PropertyKeys;
use crate::converse::rules::json::JsonDelivery;
use crate::converse::rules::schema;
use crate::converse::rules::schema::root;
use crate::error::{Field, FormatField};
use crate::models::Capabilities;
use crate::reply::Adjustments;

/// The characters accepted in property names besides letters and digits.
const PUNCTUATION: [char; 3] = ['_', '.', '-'];

/// The adjustment note for mapped names.
const MAPPED: &str = "property names that the model does not accept are mapped and mapped back";

/// The client's property names and their replacements.
type PropertyNames = HashMap<String, String>;

/// Maps rejected names and returns the reverse mapping. `json` identifies the generated response
/// tool.
pub(in crate::converse::rules) fn rename(
    request: &mut ConverseRequest,
    json: Option<&JsonDelivery>,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) -> PropertyKeys {
    let mut keys = PropertyKeys::default();
    if capabilities.any_property_key {
        return keys;
    }
    let mut by_tool: HashMap<String, PropertyNames> = HashMap::new();
    for tool in request.tool_config.iter_mut().flat_map(|c| &mut c.tools) {
        let Tool::ToolSpec(spec) = tool else {
            continue;
        };
        let ToolInputSchema::Json(schema) = &mut spec.input_schema;
        if let Some((changed, renamed)) = renamed(schema.as_str()) {
            *schema = changed;
            by_tool.insert(spec.name.clone(), renamed);
            adjustments.note(root::schema_field(spec, json), MAPPED);
        }
    }
    rename_in_calls(&mut request.messages, &by_tool);
    let mut all: Vec<PropertyNames> = by_tool.into_values().collect();
    if let Some(renamed) = rename_in_output(request.output_config.as_mut()) {
        keys.expect_in_text();
        all.push(renamed);
        adjustments.note(Field::ResponseFormat(FormatField::Schema), MAPPED);
    }
    for (client_key, key) in all.iter().flatten() {
        keys.insert(key, client_key);
    }
    keys
}

/// The model's name for the property `client_key`; `None` if it stays unchanged.
///
/// Depends on the client's name only. Names that look like replacements are replaced too, so that
/// the reverse mapping is unambiguous.
pub(in crate::converse::rules) fn changed_key(client_key: &str) -> Option<String> {
    let stays = is_identifier(client_key, &PUNCTUATION) && !has_digest(client_key);
    (!stays).then(|| with_digest(client_key, &PUNCTUATION))
}

/// Renames arguments of earlier calls like the schemas of their tools.
fn rename_in_calls(messages: &mut [Message], by_tool: &HashMap<String, PropertyNames>) {
    if by_tool.is_empty() {
        return;
    }
    let blocks = messages.iter_mut().flat_map(|message| &mut message.content);
    for block in blocks {
        let ContentBlock::ToolUse(call) = block else {
            continue;
        };
        let Some(renamed) = by_tool.get(&call.name) else {
            continue;
        };
        let max_key = renamed.keys().map(String::len).max().unwrap_or_default();
        let mut rewriter = KeyRewriter::new(max_key);
        let mut input = String::with_capacity(call.input.as_str().len());
        let key = |client_key: &str| renamed.get(client_key).map(String::as_str);
        rewriter.push(call.input.as_str(), &key, &mut input);
        rewriter.finish(&mut input);
        if let Ok(input) = JsonText::parse(input) {
            call.input = input;
        }
    }
}

/// Renames properties in the schema of structured output.
fn rename_in_output(config: Option<&mut OutputConfig>) -> Option<PropertyNames> {
    let schema = config?.schema_mut();
    let (changed, renamed) = renamed(schema)?;
    changed.as_str().clone_into(schema);
    Some(renamed)
}

/// The schema with renamed properties, and the mapping; `None` if no name is rejected.
fn renamed(text: &str) -> Option<(JsonText, PropertyNames)> {
    if !has_suspect_key(text) {
        return None;
    }
    let mut root = schema::read(text)?;
    let mut renamer = Renamer::default();
    renamer.schema(&mut root);
    let changed = JsonText::of(&root).ok()?;
    (!renamer.renamed.is_empty()).then_some((changed, renamer.renamed))
}

/// Whether `text` may contain a rejected property name. Most schemas contain none, and need not
/// be parsed.
fn has_suspect_key(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, string)) = rest.split_once('"') {
        let Some((key, after)) = split_string(string) else {
            return true;
        };
        rest = after;
        let Some(member) = after.trim_start().strip_prefix(':') else {
            continue;
        };
        // A property has a schema, not a string.
        let is_keyword = key.starts_with('$') && member.trim_start().starts_with('"');
        if !is_keyword && changed_key(key).is_some() {
            return true;
        }
    }
    false
}

/// Splits at the quotation mark that ends a string: the string in escaped form, and the rest.
fn split_string(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| match byte {
        _ if is_escaped => {
            is_escaped = false;
            false
        }
        b'\\' => {
            is_escaped = true;
            false
        }
        byte => byte == b'"',
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

#[derive(Default)]
struct Renamer {
    renamed: PropertyNames,
}

impl Renamer {
    /// The model's name for `client_key`; records the mapping.
    fn key(&mut self, client_key: &str) -> Option<String> {
        let key = changed_key(client_key)?;
        self.renamed.insert(client_key.to_owned(), key.clone());
        Some(key)
    }

    fn schema(&mut self, schema: &mut Value) {
        let Value::Object(node) = schema else {
            return;
        };
        for (keyword, member) in node.iter_mut() {
            match (keyword.as_str(), member) {
                ("properties", Value::Object(properties)) => self.properties(properties),
                ("dependentSchemas" | "dependentRequired" | "dependencies", Value::Object(all)) => {
                    self.dependencies(all);
                }
                ("required", names) => self.names(names),
                ("patternProperties" | "$defs" | "definitions", Value::Object(schemas)) => {
                    schemas.values_mut().for_each(|schema| self.schema(schema));
                }
                ("anyOf" | "oneOf" | "allOf" | "prefixItems" | "items", Value::Array(schemas)) => {
                    schemas.iter_mut().for_each(|schema| self.schema(schema));
                }
                (
                    "items"
                    | "additionalItems"
                    | "additionalProperties"
                    | "contains"
                    | "not"
                    | "if"
                    | "then"
                    | "else"
                    | "unevaluatedItems"
                    | "unevaluatedProperties",
                    schema,
                ) => self.schema(schema),
                ("$ref", Value::String(reference)) => self.reference(reference),
                ("discriminator", Value::Object(discriminator)) => {
                    if let Some(name) = discriminator.get_mut("propertyName") {
                        self.name(name);
                    }
                }
                _ => {}
            }
        }
    }

    fn properties(&mut self, properties: &mut Map<String, Value>) {
        let members = std::mem::take(properties).into_iter();
        *properties = members
            .map(|(client_key, mut schema)| {
                self.schema(&mut schema);
                let Some(key) = self.key(&client_key) else {
                    return (client_key, schema);
                };
                // The title keeps the meaning of the name.
                if let Value::Object(node) = &mut schema
                    && !node.contains_key("title")
                {
                    node.insert("title".to_owned(), client_key.into());
                }
                (key, schema)
            })
            .collect();
    }

    /// Names mapped to a schema or to a list of names.
    fn dependencies(&mut self, all: &mut Map<String, Value>) {
        let members = std::mem::take(all).into_iter();
        *all = members
            .map(|(client_key, mut member)| {
                match member.is_array() {
                    true => self.names(&mut member),
                    false => self.schema(&mut member),
                }
                (self.key(&client_key).unwrap_or(client_key), member)
            })
            .collect();
    }

    fn names(&mut self, names: &mut Value) {
        for name in names.as_array_mut().into_iter().flatten() {
            self.name(name);
        }
    }

    fn name(&mut self, name: &mut Value) {
        if let Some(key) = name.as_str().and_then(|name| self.key(name)) {
            *name = key.into();
        }
    }

    /// A JSON pointer may contain property names.
    fn reference(&mut self, reference: &mut String) {
        let Some(pointer) = reference.strip_prefix("#/") else {
            return;
        };
        let mut is_schema = true;
        let mut names_property = false;
        let mut tokens: Vec<String> = Vec::new();
        for token in pointer.split('/') {
            if !is_schema {
                let name = token.replace("~1", "/").replace("~0", "~");
                let key = changed_key(&name).filter(|_| names_property);
                tokens.push(key.unwrap_or_else(|| token.to_owned()));
                is_schema = true;
                continue;
            }
            names_property = token == "properties" || token == "dependentSchemas";
            is_schema = !(names_property
                || matches!(token, "$defs" | "definitions" | "patternProperties")
                || matches!(token, "anyOf" | "oneOf" | "allOf" | "prefixItems"));
            tokens.push(token.to_owned());
        }
        *reference = format!("#/{}", tokens.join("/"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn rename_text(schema: &str) -> Option<(String, PropertyNames)> {
        renamed(schema).map(|(schema, renamed)| (schema.as_str().to_owned(), renamed))
    }

    #[test]
    fn a_schema_with_valid_names_keeps_its_bytes() {
        let schema = r##"{ "$schema":"x","type":"object","properties":{"a.b-c_1":{"$ref":"#/$defs/P","default":{"$x":1}}},"$defs":{"P":{}}}"##;
        assert_eq!(rename_text(schema), None);
    }

    #[test]
    fn names_are_changed_at_any_depth() {
        let at = changed_key("@type").expect("another");
        let odd = changed_key("x/y z").expect("another");
        let (schema, renamed) = rename_text(
            r##"{"properties":{"@type":{"const":{"@type":1}},"l":{"type":"array","items":{"properties":{"x/y z":true,"t":{"title":"T","$ref":"#/properties/@type"}},"required":["x/y z","t"]}},"u":{"$ref":"#/properties/l/items/properties/x~1y z"}},"required":["l","@type"],"dependentRequired":{"@type":["l","@type"]},"$defs":{"@def":{"type":"string"}}}"##,
        )
        .expect("changed");
        let expected = format!(
            r##"{{"properties":{{"{at}":{{"const":{{"@type":1}},"title":"@type"}},"l":{{"type":"array","items":{{"properties":{{"{odd}":true,"t":{{"title":"T","$ref":"#/properties/{at}"}}}},"required":["{odd}","t"]}}}},"u":{{"$ref":"#/properties/l/items/properties/{odd}"}}}},"required":["l","{at}"],"dependentRequired":{{"{at}":["l","{at}"]}},"$defs":{{"@def":{{"type":"string"}}}}}}"##
        );
        assert_eq!(schema, expected);
        let expected = [("@type".to_owned(), at), ("x/y z".to_owned(), odd)];
        assert_eq!(renamed, PropertyNames::from(expected));
    }

    #[test]
    fn a_changed_name_stays_readable() {
        let (schema, _) =
            rename_text(r#"{"properties":{"日本":{"type":"string"}}}"#).expect("changed");
        let schema: Value = serde_json::from_str(&schema).expect("JSON");
        let properties = schema["properties"].as_object().expect("properties");
        let expected = json!({"type": "string", "title": "日本"});
        assert_eq!(properties.values().collect::<Vec<_>>(), [&expected]);
    }

    proptest! {
        #[test]
        fn every_name_is_accepted_and_can_be_mapped_back(keys in proptest::collection::hash_set("\\PC{0,70}|[a-z]{1,3}", 1..5)) {
            let mut assigned = HashMap::new();
            for client_key in &keys {
                let key = changed_key(client_key).unwrap_or_else(|| client_key.clone());
                prop_assert!(is_identifier(&key, &PUNCTUATION), "{key}");
                prop_assert_eq!(assigned.insert(key.clone(), client_key), None);
                // A name sent to the model never equals a client's name.
                if key != *client_key {
                    prop_assert!(changed_key(&key).is_some());
                }
            }
        }
    }
}
