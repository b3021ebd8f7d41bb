//! Names and ids that Bedrock refuses, mapped for the length of one request and back.

use std::collections::{HashMap, HashSet};

use crate::converse::identifier::identifier;

/// The tool names of one request, as the client writes them and as Bedrock takes them.
///
/// A name is changed by itself alone (a digest of it is part of the new one), so that the same
/// tool has the same name in every request, whatever tools stand beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolNames {
    client_names: HashMap<String, String>,
    custom: HashSet<String>,
}

impl ToolNames {
    /// The name that Bedrock takes for the client's `name`.
    pub fn bedrock_name(&mut self, name: &str) -> String {
        let bedrock = identifier(name, &['_', '-']);
        if bedrock != name {
            self.client_names.insert(bedrock.clone(), name.to_owned());
        }
        bedrock
    }

    /// The name that Bedrock takes for the client's function `name`, which takes the place of a
    /// custom tool of this name.
    pub fn bedrock_name_of_function(&mut self, name: &str) -> String {
        let bedrock = self.bedrock_name(name);
        self.custom.remove(&bedrock);
        bedrock
    }

    /// The name that Bedrock takes for the client's custom tool `name`, which is given text.
    pub fn bedrock_name_of_custom(&mut self, name: &str) -> String {
        let bedrock = self.bedrock_name(name);
        self.custom.insert(bedrock.clone());
        bedrock
    }

    /// Whether Bedrock's name is that of a custom tool.
    pub fn is_custom(&self, bedrock: &str) -> bool {
        self.custom.contains(bedrock)
    }

    /// The client's name for the one that Bedrock gave.
    pub fn client_name<'a>(&'a self, bedrock: &'a str) -> &'a str {
        self.client_names
            .get(bedrock)
            .map_or(bedrock, String::as_str)
    }
}

/// The tool call id that Bedrock takes for the client's `id`: the same text always gives the same
/// id, so that a call and its result stay together.
pub(super) fn bedrock_call_id(id: &str) -> String {
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
