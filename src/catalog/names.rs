//! Resolves the model name of a request to the id to call: configured names, the spellings of other
//! tools, and bare ids that need an inference profile.

use super::learned::LearnedModels;
use super::list::Directory;
use crate::config::ModelEntry;
use crate::error::{ApiError, ErrorCode, ErrorKind, Field};
use crate::models::{InvalidModelId, ModelId};

/// Prefixes that other tools put before a Bedrock id (LiteLLM's routes, longest first, and the
/// provider name of models.dev). They do not change which model is meant.
const PREFIXES: &[&str] = &[
    "bedrock/converse/",
    "bedrock/invoke/",
    "bedrock/",
    "amazon-bedrock/",
];

/// The maximum length of a name in an error, in characters.
const MAX_QUOTED: usize = 64;

/// The maximum number of names that an error suggests.
const SUGGESTIONS: usize = 3;

#[derive(Debug)]
pub(crate) struct Resolver {
    directory: Directory,
    region: String,
    learned: LearnedModels,
}

impl Resolver {
    pub(super) fn new(directory: Directory, region: String, learned: LearnedModels) -> Self {
        Self {
            directory,
            region,
            learned,
        }
    }

    /// The same with another cache.
    pub(super) fn with_learned(&self, learned: LearnedModels) -> Self {
        Self {
            directory: self.directory.clone(),
            region: self.region.clone(),
            learned,
        }
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The name without the prefixes of other tools; `None` if it has none.
    pub(crate) fn unprefixed<'a>(&self, name: &'a str) -> Option<&'a str> {
        let rest = PREFIXES
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))?;
        // LiteLLM also allows a region in this position; other regions are not served.
        let in_region = rest.strip_prefix(self.region.as_str());
        let in_region = in_region.and_then(|rest| rest.strip_prefix('/'));
        Some(in_region.unwrap_or(rest))
    }

    /// The inference profile of a bare id that is known to take no calls itself.
    pub(crate) fn profile(&self, model: &ModelId) -> Option<ModelId> {
        if !model.is_bare() {
            return None;
        }
        let learned = || self.learned.read(model, |known| known.profile.clone());
        self.directory.needed_profile(model).or_else(learned)
    }

    /// The inference profiles that may serve `model`, which cannot be called by its own id.
    pub(crate) fn candidates(&self, model: &ModelId) -> Vec<ModelId> {
        if !model.is_bare() {
            return Vec::new();
        }
        match self.directory.profile(model) {
            Some(profile) => vec![profile],
            None => model.likely_profiles(&self.region),
        }
    }

    /// Remembers that `profile` serves `model`.
    pub(crate) fn learn(&self, model: ModelId, profile: ModelId) {
        self.learned
            .update(&model, |known| known.profile = Some(profile));
    }

    /// The error for an unknown model name.
    pub(crate) fn unknown(&self, name: &str) -> ApiError {
        let message = format!(
            "The model `{}` does not exist or you do not have access to it.",
            quoted(name)
        );
        let message = self.with_suggestions(&message, name);
        ApiError::new(ErrorKind::NotFound, message)
            .parameter(Field::Model)
            .code(ErrorCode::ModelNotFound)
    }

    /// The error for a name that is not a valid model id.
    pub(crate) fn invalid(&self, name: &str, error: &InvalidModelId) -> ApiError {
        let ApiError { message, .. } = self.unknown(name);
        ApiError::new(ErrorKind::NotFound, format!("{message} The name {error}."))
            .parameter(Field::Model)
            .code(ErrorCode::ModelNotFound)
    }

    /// `message` with similar names, and the configuration line that would define `name`.
    pub(crate) fn with_suggestions(&self, message: &str, name: &str) -> String {
        let nearest = self.directory.nearest(name, SUGGESTIONS);
        let Some(first) = nearest.first() else {
            return format!("{message} GET /v1/models lists the models that exist.");
        };
        let list: Vec<String> = nearest
            .iter()
            .map(|name| format!("`{}`", quoted(name)))
            .collect();
        let mut message = format!(
            "{message} Similar models: {}; GET /v1/models lists all models.",
            list.join(", ")
        );
        // No line for a name that is shortened or that TOML would have to escape: it would not be
        // the client's name. No backticks around the line, since text in backticks is shortened.
        let is_plain = |c: char| !c.is_control() && !matches!(c, '"' | '\\');
        if name.chars().count() <= MAX_QUOTED && name.chars().all(is_plain) {
            message.push_str(&format!(
                " The gateway's operator can define this name with a line under `[models]`: \
                 \"{name}\" = \"{first}\"."
            ));
        }
        message
    }
}

/// The start of a name.
pub(crate) fn quoted(name: &str) -> String {
    match name.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

/// The note for a name that is called by another id.
pub(crate) fn note_of(entry: &ModelEntry) -> String {
    // The account id is the operator's secret.
    match entry.target.account() {
        Some(_) => "called without its prefix".to_owned(),
        None => format!("called as `{}`", entry.target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver() -> Resolver {
        let learned = LearnedModels::default();
        Resolver::new(Directory::default(), "us-east-1".to_owned(), learned)
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
        let message = resolver().unknown(&"é".repeat(10_000)).to_string();
        assert!(message.chars().count() < 300, "{message}");
        assert!(message.starts_with("The model `ééé"), "{message}");
        assert!(message.contains("…` does not exist"), "{message}");
    }
}
