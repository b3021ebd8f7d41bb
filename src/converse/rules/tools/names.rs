//! Maps tool names and call ids to the characters that Bedrock accepts, and tool names back.

use std::collections::{HashMap, HashSet};

use crate::converse::identifier::identifier;

/// The tool names of one request: the client's and those sent to Bedrock.
///
/// A name that Bedrock would reject is replaced by one that contains its digest. The new name does
/// not depend on other tools, so that a tool has the same name in every request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolNames {
    client_names: HashMap<String, String>,
    custom: HashSet<String>,
}

impl ToolNames {
    /// The name sent to Bedrock for the client's `name`.
    pub fn bedrock_name(&mut self, name: &str) -> String {
        let bedrock = identifier(name, &['_', '-']);
        if bedrock != name {
            self.client_names.insert(bedrock.clone(), name.to_owned());
        }
        bedrock
    }

    /// The name sent to Bedrock for the client's function `name`. The function replaces a custom
    /// tool of the same name.
    pub fn bedrock_name_of_function(&mut self, name: &str) -> String {
        let bedrock = self.bedrock_name(name);
        self.custom.remove(&bedrock);
        bedrock
    }

    /// The name sent to Bedrock for the client's custom tool `name`, whose input is text.
    pub fn bedrock_name_of_custom(&mut self, name: &str) -> String {
        let bedrock = self.bedrock_name(name);
        self.custom.insert(bedrock.clone());
        bedrock
    }

    /// Whether the tool named `bedrock` is a custom tool.
    pub fn is_custom(&self, bedrock: &str) -> bool {
        self.custom.contains(bedrock)
    }

    /// The client's name of the tool named `bedrock`.
    pub fn client_name<'a>(&'a self, bedrock: &'a str) -> &'a str {
        self.client_names
            .get(bedrock)
            .map_or(bedrock, String::as_str)
    }
}

/// The tool call id sent to Bedrock for the client's `id`. It depends only on `id`, so that a tool
/// call and its result still match.
pub(crate) fn bedrock_call_id(id: &str) -> String {
    identifier(id, &['_', '-', '.', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_valid_name_is_unchanged() {
        let mut names = ToolNames::default();
        assert_eq!(names.bedrock_name("get_weather-2"), "get_weather-2");
        assert_eq!(names, ToolNames::default());
        assert_eq!(bedrock_call_id("functions.add:0"), "functions.add:0");
    }

    #[test]
    fn names_differing_in_one_character_do_not_collide() {
        let mut names = ToolNames::default();
        assert_ne!(names.bedrock_name("a.b"), names.bedrock_name("a/b"));
        assert_ne!(names.bedrock_name("a.b"), names.bedrock_name("a_b"));
    }

    proptest! {
        #[test]
        fn every_name_is_accepted_and_can_be_mapped_back(name in "\\PC{0,100}") {
            let mut names = ToolNames::default();
            let bedrock = names.bedrock_name(&name);
            prop_assert!((1..=64).contains(&bedrock.len()));
            prop_assert!(bedrock.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'));
            prop_assert_eq!(names.client_name(&bedrock), name.as_str());
        }
    }
}
