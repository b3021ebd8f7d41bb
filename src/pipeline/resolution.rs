//! From the name in a request to the id that is called: names of the configuration, the spellings
//! of other tools, and bare ids that only an inference profile serves.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::catalog::Directory;
use crate::config::ModelEntry;
use crate::error::{ApiError, ErrorKind};
use crate::models::{InvalidModelId, ModelId};

/// What other tools write in front of a Bedrock id (LiteLLM's routes, longest first, and the name
/// of the provider in models.dev). They all mean the model that the id names.
const PREFIXES: &[&str] = &[
    "bedrock/converse/",
    "bedrock/invoke/",
    "bedrock/",
    "amazon-bedrock/",
];

/// Profiles that are remembered at most: the ids come from clients.
const MAX_LEARNED: usize = 1024;

/// The most characters of a name that an error quotes.
const MAX_QUOTED: usize = 64;

/// Names that an error suggests.
const SUGGESTIONS: usize = 3;

/// How names become ids.
#[derive(Debug)]
pub(super) struct Resolver {
    directory: Directory,
    region: String,
    /// The profiles of foundation models that were found to need one.
    learned: Mutex<HashMap<ModelId, ModelId>>,
}

impl Resolver {
    pub(super) fn new(directory: Directory, region: String) -> Self {
        Self {
            directory,
            region,
            learned: Mutex::default(),
        }
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The name without what other tools write in front of it; `None` where nothing is.
    pub(super) fn unprefixed<'a>(&self, name: &'a str) -> Option<&'a str> {
        let rest = PREFIXES
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))?;
        // LiteLLM also takes a region there; another region's models are not served here.
        let in_region = rest.strip_prefix(self.region.as_str());
        let in_region = in_region.and_then(|rest| rest.strip_prefix('/'));
        Some(in_region.unwrap_or(rest))
    }

    /// The profile that serves a bare id, where it is known that the id itself takes no calls.
    pub(super) fn profile(&self, model: &ModelId) -> Option<ModelId> {
        if !model.is_bare() {
            return None;
        }
        let learned = || {
            let learned = self.learned.lock();
            let learned = learned.unwrap_or_else(PoisonError::into_inner);
            learned.get(model).cloned()
        };
        self.directory.needed_profile(model).or_else(learned)
    }

    /// The profiles that may serve `model`, which was found to take no calls by its own id.
    pub(super) fn candidates(&self, model: &ModelId) -> Vec<ModelId> {
        if !model.is_bare() {
            return Vec::new();
        }
        match self.directory.profile(model) {
            Some(profile) => vec![profile],
            None => model.likely_profiles(&self.region),
        }
    }

    /// Remembers that `profile` serves `model`.
    pub(super) fn learn(&self, model: ModelId, profile: ModelId) {
        let learned = self.learned.lock();
        let mut learned = learned.unwrap_or_else(PoisonError::into_inner);
        if learned.len() >= MAX_LEARNED {
            // Found out again where it is needed again.
            learned.clear();
        }
        learned.insert(model, profile);
    }

    /// The error for a name that no model has.
    pub(super) fn unknown(&self, name: &str) -> ApiError {
        let message = format!(
            "The model `{}` does not exist or you do not have access to it.",
            quoted(name)
        );
        let message = self.with_suggestions(message, name);
        ApiError::new(ErrorKind::NotFound, message)
            .parameter("model")
            .code("model_not_found")
    }

    /// The error for a name that cannot be a model's.
    pub(super) fn invalid(&self, name: &str, error: &InvalidModelId) -> ApiError {
        let ApiError { message, .. } = self.unknown(name);
        ApiError::new(ErrorKind::NotFound, format!("{message} The name {error}."))
            .parameter("model")
            .code("model_not_found")
    }

    /// `message` with the names that are near `name`, and the line that would make it one.
    pub(super) fn with_suggestions(&self, message: String, name: &str) -> String {
        let nearest = self.directory.nearest(name, SUGGESTIONS);
        let Some(first) = nearest.first() else {
            return format!("{message} /v1/models lists the models that exist.");
        };
        let list: Vec<String> = nearest
            .iter()
            .map(|name| format!("`{}`", quoted(name)))
            .collect();
        let mut message = format!(
            "{message} Nearest models that exist: {}; /v1/models lists all.",
            list.join(", ")
        );
        // A name that was cut, or that TOML would have to escape, would not be what the client sends.
        // The line has no backticks around it, since what messages quote is cut.
        let is_plain = |c: char| !c.is_control() && !matches!(c, '"' | '\\');
        if name.chars().count() <= MAX_QUOTED && name.chars().all(is_plain) {
            message.push_str(&format!(
                " The gateway's operator can serve the name by a line under `[models]`: \
                 \"{name}\" = \"{first}\"."
            ));
        }
        message
    }
}

/// The beginning of a name.
pub(super) fn quoted(name: &str) -> String {
    match name.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

/// What the client is told of a name that stands for another id than it says.
pub(super) fn note_of(entry: &ModelEntry) -> String {
    // An account's number is nobody's business but the operator's.
    match entry.target.account() {
        Some(_) => "called without its prefix".to_owned(),
        None => format!("called as `{}`", entry.target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver() -> Resolver {
        Resolver::new(Directory::default(), "us-east-1".to_owned())
    }

    #[test]
    fn model_names_written_for_other_tools_are_resolved() {
        for (name, rest) in [
            (
                "bedrock/us.amazon.nova-lite-v1:0",
                Some("us.amazon.nova-lite-v1:0"),
            ),
            (
                "bedrock/converse/amazon.nova-lite-v1:0",
                Some("amazon.nova-lite-v1:0"),
            ),
            (
                "bedrock/us-east-1/amazon.nova-lite-v1:0",
                Some("amazon.nova-lite-v1:0"),
            ),
            (
                "bedrock/eu-west-1/amazon.nova-lite-v1:0",
                Some("eu-west-1/amazon.nova-lite-v1:0"),
            ),
            ("amazon.nova-lite-v1:0", None),
        ] {
            assert_eq!(resolver().unprefixed(name), rest, "{name}");
        }
    }

    #[test]
    fn a_learned_profile_applies_to_its_model_only() {
        let id = |text: &str| ModelId::parse(text).expect("an id");
        let resolver = resolver();
        let nova = id("amazon.nova-2-lite-v1:0");
        assert_eq!(resolver.profile(&nova), None);
        assert_eq!(
            resolver.candidates(&nova),
            [id("us.amazon.nova-2-lite-v1:0")]
        );
        resolver.learn(nova.clone(), id("us.amazon.nova-2-lite-v1:0"));
        assert_eq!(
            resolver.profile(&nova),
            Some(id("us.amazon.nova-2-lite-v1:0"))
        );
        assert_eq!(resolver.profile(&id("amazon.nova-pro-v1:0")), None);
        assert_eq!(resolver.candidates(&id("us.amazon.nova-2-lite-v1:0")), []);
    }

    #[test]
    fn an_error_quotes_only_the_start_of_a_long_name() {
        let message = resolver().unknown(&"é".repeat(10_000)).message;
        assert!(message.chars().count() < 300, "{message}");
        assert!(message.starts_with("The model `ééé"), "{message}");
        assert!(message.contains("…` does not exist"), "{message}");
    }
}
