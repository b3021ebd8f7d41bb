use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::ModelId;
use super::built_in::rows;
use super::capabilities::{
    CachePosition, CallIdForm, Capabilities, ChatUpstream, Effort, Medium, ReasoningControl,
    ReasoningReplay, Sampling, ToolResultCompanions,
};
use crate::models::capabilities::embedding::{EmbeddingCapabilities, RerankCapabilities};
use crate::models::capabilities::image::ImageCapabilities;
use crate::models::capabilities::video::VideoCapabilities;

/// The built-in table.
const BUILT_IN: &str = include_str!("models.toml");

/// The capabilities of all families.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelTable {
    /// Id prefixes, longest first, each with the index of its family in `families`.
    stems: Vec<(String, usize)>,
    families: Vec<Arc<Capabilities>>,
    unknown: Arc<Capabilities>,
}

/// Why a capability table is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError(String);

impl ModelTable {
    /// Parses the built-in table.
    pub fn built_in() -> Result<Self, TableError> {
        let empty = Self {
            stems: Vec::new(),
            families: Vec::new(),
            unknown: Arc::default(),
        };
        empty.with(rows(BUILT_IN))
    }

    /// The table with the rows of `text` taking precedence. The longest matching id prefix
    /// selects the family. Omitted fields are inherited from the family named in `like`, from the
    /// previous family of the same ids, or from `[default]`.
    pub fn overlaid(&self, text: &str) -> Result<Self, TableError> {
        self.with([text])
    }

    fn with<'a>(&self, documents: impl IntoIterator<Item = &'a str>) -> Result<Self, TableError> {
        let mut table = self.clone();
        for document in documents {
            table.add(document, self)?;
        }
        table
            .stems
            .sort_by_key(|(stem, _)| std::cmp::Reverse(stem.len()));
        Ok(table)
    }

    /// Adds the rows of `document`, which inherit from `base`. The ids are not sorted.
    fn add(&mut self, document: &str, base: &Self) -> Result<(), TableError> {
        let file: CapabilityFile =
            toml::from_str(document).map_err(|error| TableError(error.to_string()))?;
        if let Some(default) = file.default {
            self.unknown = Arc::new(default.over(&base.unknown, String::new()));
        }
        for Family {
            name,
            ids,
            like,
            row,
        } in file.family
        {
            if name.is_empty() || ids.is_empty() {
                let found = "a family needs a `name` and `ids` (model id prefixes)";
                return Err(TableError(found.to_owned()));
            }
            let like = like.map(|like| self.family(&like)).transpose()?.cloned();
            for stem in ids {
                let inherited = like.as_ref().or(base.capabilities_of(&stem));
                let inherited = inherited.unwrap_or(&self.unknown);
                let capabilities = Arc::new(row.clone().over(inherited, name.clone()));
                let index = self.families.len();
                self.families.push(capabilities);
                self.stems.retain(|(other, _)| *other != stem);
                self.stems.push((stem, index));
            }
        }
        Ok(())
    }

    /// The capabilities of a model; the conservative default if its family is unknown.
    pub fn capabilities(&self, model: &ModelId) -> &Arc<Capabilities> {
        self.capabilities_of(model.foundation_id())
            .unwrap_or(&self.unknown)
    }

    /// The capabilities of unknown models.
    pub fn unknown(&self) -> &Arc<Capabilities> {
        &self.unknown
    }

    /// The id prefixes of the table, longest first.
    pub fn stems(&self) -> impl Iterator<Item = &str> {
        self.stems.iter().map(|(stem, _)| stem.as_str())
    }

    fn family(&self, name: &str) -> Result<&Arc<Capabilities>, TableError> {
        let found = self
            .families
            .iter()
            .rfind(|capabilities| capabilities.family == name);
        found.ok_or_else(|| {
            TableError(format!(
                "`like` names `{name}`, which is not a preceding family"
            ))
        })
    }

    fn capabilities_of(&self, foundation_id: &str) -> Option<&Arc<Capabilities>> {
        let (_, index) = self
            .stems
            .iter()
            .find(|(stem, _)| foundation_id.starts_with(stem))?;
        self.families.get(*index)
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid model table: {}", self.0)
    }
}

impl std::error::Error for TableError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CapabilityFile {
    default: Option<Row>,
    #[serde(default)]
    family: Vec<Family>,
}

#[derive(Deserialize)]
struct Family {
    name: String,
    ids: Vec<String>,
    like: Option<String>,
    #[serde(flatten)]
    row: Row,
}

/// Declares a row of the file, with every field optional, and how it overrides inherited
/// capabilities.
macro_rules! row {
    ($( $field:ident: $type:ty, )*) => {
        #[derive(Clone, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Row {
            tool_choice: Option<Vec<ForcedChoice>>,
            $( $field: Option<$type>, )*
        }

        impl Row {
            fn over(self, inherited: &Capabilities, family: String) -> Capabilities {
                let forces = |kind: ForcedChoice, default: bool| match &self.tool_choice {
                    Some(kinds) => kinds.contains(&kind),
                    None => default,
                };
                Capabilities {
                    family,
                    forces_any_tool: forces(ForcedChoice::Any, inherited.forces_any_tool),
                    forces_named_tool: forces(ForcedChoice::Tool, inherited.forces_named_tool),
                    refused: Vec::new(),
                    $( $field: self.$field.unwrap_or_else(|| inherited.$field.clone()), )*
                }
            }
        }
    };
}

row! {
    system: bool,
    system_turns: bool,
    input: Vec<Medium>,
    tool_result_input: Vec<Medium>,
    s3_sources: bool,
    tools: bool,
    stream_tools: bool,
    tool_result_status: bool,
    tool_result_json: bool,
    tool_result_companions: ToolResultCompanions,
    schema_references: bool,
    schema_root_combinators: bool,
    schema_root_keys: Vec<String>,
    any_property_key: bool,
    tool_call_ids: CallIdForm,
    strict_tools: bool,
    single_tool_call: bool,
    structured_output: bool,
    sampling: Sampling,
    top_k: String,
    penalties: bool,
    stop_sequences: bool,
    blank_stop_sequences: bool,
    min_max_tokens: u32,
    reasoning: ReasoningControl,
    efforts: Vec<Effort>,
    always_reasons: bool,
    reasons_by_default: bool,
    min_thinking: String,
    reasoning_replay: ReasoningReplay,
    binds_thinking: bool,
    reasoning_tokens: bool,
    reasoning_tag: String,
    reasoning_tag_strays: bool,
    reasoning_placeholder: String,
    cache_points: Vec<CachePosition>,
    cache_one_hour: bool,
    cache_min_tokens: u32,
    prefill: bool,
    leading_assistant: bool,
    web_search: String,
    count_tokens: bool,
    embedding: Option<EmbeddingCapabilities>,
    rerank: Option<RerankCapabilities>,
    image: Option<ImageCapabilities>,
    video: Option<VideoCapabilities>,
    upstream: ChatUpstream,
    converse: bool,
    upstream_unsupported: Vec<String>,
    upstream_unsupported_with_reasoning: Vec<String>,
    upstream_unsupported_without_reasoning: Vec<String>,
    upstream_tools_with_reasoning: bool,
    upstream_response_format: bool,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum ForcedChoice {
    Any,
    Tool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Endpoint, PriceTable};

    fn table() -> ModelTable {
        ModelTable::built_in().expect("the built-in table")
    }

    fn capabilities(table: &ModelTable, id: &str) -> Capabilities {
        let id = ModelId::parse(id).expect("an id");
        Capabilities::clone(table.capabilities(&id))
    }

    #[test]
    fn the_built_in_rows_are_the_same_one_by_one_and_together() {
        let empty = ModelTable {
            stems: Vec::new(),
            families: Vec::new(),
            unknown: Arc::default(),
        };
        assert_eq!(empty.overlaid(BUILT_IN).expect("the table"), table());
    }

    #[test]
    fn the_longest_stem_wins() {
        for (id, family) in [
            (
                "us.anthropic.claude-sonnet-4-20250514-v1:0",
                "Claude 4 and 4.1",
            ),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude 4.5"),
            ("amazon.nova-2-lite-v1:0", "Nova 2"),
            ("amazon.nova-lite-v1:0", "Nova 1"),
        ] {
            assert_eq!(capabilities(&table(), id).family, family, "{id}");
        }
    }

    #[test]
    fn models_of_one_line_may_differ() {
        let table = table();
        let takes_system_turns = |id: &str| capabilities(&table, id).system_turns;
        assert!(takes_system_turns("us.anthropic.claude-opus-5"));
        assert!(takes_system_turns("us.anthropic.claude-sonnet-5-5"));
        assert!(!takes_system_turns("us.anthropic.claude-sonnet-5"));
        let is_forced = |id: &str| capabilities(&table, id).forces_any_tool;
        assert!(is_forced("us.anthropic.claude-fable-5"));
        assert!(is_forced("us.anthropic.claude-mythos-5"));
        for id in ["fable-5-1", "fable-5-2", "mythos-5-1", "mythos-5-2"] {
            assert!(!is_forced(&format!("us.anthropic.claude-{id}")), "{id}");
        }
        let sampling = |id: &str| capabilities(&table, id).sampling;
        let opus = "us.anthropic.claude-opus-4-1-20250805-v1:0";
        assert_eq!(sampling(opus), Sampling::TemperatureOrTopP);
        let opus = "us.anthropic.claude-opus-4-20250514-v1:0";
        assert_eq!(sampling(opus), Sampling::Both);
        let streams_tools = |id: &str| capabilities(&table, id).stream_tools;
        assert!(!streams_tools("us.meta.llama4-scout-17b-instruct-v1:0"));
    }

    /// Capabilities of a Claude model: system messages, reasoning control, highest effort,
    /// sampling, forced tools, prefill, structured output, bound reasoning, context window and
    /// output limit in thousands.
    type ClaudeRow = (
        &'static str,
        bool,
        ReasoningControl,
        Effort,
        Sampling,
        bool,
        bool,
        bool,
        bool,
        (u32, u32),
    );

    /// The lines of the project's contract for Claude's own API, 6.3, and Opus 4.1.
    #[rustfmt::skip]
    const CLAUDE: &[ClaudeRow] = {
        use Effort::{Max, Xhigh};
        use ReasoningControl::{Adaptive, AdaptiveSummarized as Summarized, Budget};
        use Sampling::{None as Neither, TemperatureOrTopP as OneOfTwo};
        &[
            // id         system turns  control   effort  sampling forced prefill schema bound   tokens
            ("opus-4-1-20250805-v1:0",   false, Budget,     Max,   OneOfTwo, true,  true,  false, false, (200, 32)),
            ("sonnet-4-5-20250929-v1:0", false, Budget,     Max,   OneOfTwo, true,  true,  true,  false, (200, 64)),
            ("haiku-4-5-20251001-v1:0",  false, Budget,     Max,   OneOfTwo, true,  true,  true,  false, (200, 64)),
            ("opus-4-5-20251101-v1:0",   false, Budget,     Max,   OneOfTwo, true,  true,  true,  false, (200, 64)),
            ("sonnet-4-6",               false, Adaptive,   Max,   OneOfTwo, true,  false, true,  false, (1000, 64)),
            ("opus-4-6-v1",              false, Adaptive,   Max,   OneOfTwo, true,  false, true,  false, (1000, 128)),
            ("opus-4-7",                 false, Summarized, Xhigh, Neither,  true,  false, false, false, (1000, 128)),
            ("opus-4-8",                 true,  Summarized, Xhigh, Neither,  true,  false, false, false, (1000, 128)),
            ("sonnet-5",                 false, Summarized, Xhigh, Neither,  true,  false, false, false, (1000, 128)),
            ("opus-5",                   true,  Summarized, Max,   Neither,  true,  false, false, false, (1000, 128)),
            ("haiku-5-5",                true,  Summarized, Xhigh, Neither,  true,  false, false, true,  (1000, 128)),
            ("sonnet-5-5",               true,  Summarized, Max,   Neither,  false, false, false, true,  (1000, 128)),
            ("opus-5-5",                 true,  Summarized, Max,   Neither,  false, false, false, true,  (1000, 128)),
            ("fable-5",                  true,  Summarized, Xhigh, Neither,  true,  false, false, false, (1000, 128)),
            ("fable-5-1",                true,  Summarized, Max,   Neither,  false, false, false, true,  (1000, 128)),
            ("fable-5-2",                true,  Summarized, Max,   Neither,  false, false, false, true,  (1000, 128)),
            ("mythos-5",                 true,  Summarized, Xhigh, Neither,  true,  false, false, false, (1000, 128)),
            ("mythos-5-1",               true,  Summarized, Max,   Neither,  false, false, false, false, (1000, 128)),
            ("mythos-5-2",               true,  Summarized, Max,   Neither,  false, false, false, true,  (1000, 128)),
        ]
    };

    #[test]
    fn claude_capabilities_match_the_observed_ones() {
        let (table, prices) = (
            table(),
            PriceTable::built_in().expect("the built-in prices"),
        );
        for line in CLAUDE {
            let id = format!("us.anthropic.claude-{}", line.0);
            let capabilities = capabilities(&table, &id);
            let id = ModelId::parse(&id).expect("an id");
            let row = prices.row(&id).expect("a row");
            let thousands = |tokens: Option<u32>| tokens.unwrap_or_default() / 1000;
            let found = (
                line.0,
                capabilities.system_turns,
                capabilities.reasoning,
                *capabilities.efforts.last().expect("efforts"),
                capabilities.sampling,
                capabilities.forces_any_tool && capabilities.forces_named_tool,
                capabilities.prefill,
                capabilities.structured_output && capabilities.strict_tools,
                capabilities.binds_thinking,
                (thousands(row.context_window), thousands(row.max_output)),
            );
            assert_eq!(found, *line);
        }
    }

    #[test]
    fn claude_reasoning_is_either_disableable_or_always_on() {
        for (lines, default, always, min) in [
            (
                &[
                    "sonnet-4-5-20250929-v1:0",
                    "opus-4-6-v1",
                    "opus-4-7",
                    "opus-4-8",
                ][..],
                false,
                false,
                "",
            ),
            (&["sonnet-5", "opus-5", "haiku-5-5"], true, false, ""),
            (
                &[
                    "opus-5-5",
                    "fable-5",
                    "fable-5-1",
                    "fable-5-2",
                    "mythos-5",
                    "mythos-5-1",
                    "mythos-5-2",
                ],
                true,
                true,
                "",
            ),
            (&["sonnet-5-5"], true, true, "between_tools"),
        ] {
            for line in lines {
                let capabilities = capabilities(&table(), &format!("us.anthropic.claude-{line}"));
                assert_eq!(
                    (
                        capabilities.reasons_by_default,
                        capabilities.always_reasons,
                        capabilities.min_thinking.as_str()
                    ),
                    (default, always, min),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn an_unknown_model_gets_the_cautious_default() {
        let capabilities = capabilities(&table(), "someone.new-model-v9");
        assert!(
            capabilities.family.is_empty()
                && !capabilities.forces_any_tool
                && !capabilities.prefill
        );
        assert!(!capabilities.caches() && !capabilities.has_reasoning_control());
    }

    #[test]
    fn a_configured_row_overrides_only_the_fields_it_sets() {
        let text = "[[family]]\nname = \"mine\"\nids = [\"amazon.nova-lite\"]\ntools = false";
        let table = table().overlaid(text).expect("a valid row");
        let nova = capabilities(&table, "us.amazon.nova-lite-v1:0");
        assert!(!nova.tools && nova.caches() && nova.family == "mine");
        assert!(capabilities(&table, "amazon.nova-pro-v1:0").tools);
    }

    #[test]
    fn a_configured_family_can_support_embeddings() {
        let text = "[[family]]\nname = \"mine\"\nids = [\"someone.embed\"]\n[family.embedding]\n\
                    body = \"titan_text\"\ninputs = [\"text\"]\ndimensions = [768]";
        let table = table().overlaid(text).expect("a valid row");
        let capabilities = capabilities(&table, "someone.embed-v1");
        assert_eq!(capabilities.endpoints(), [Endpoint::Embeddings]);
        let embedding = capabilities.embedding.expect("embedding capabilities");
        assert_eq!(
            (embedding.texts, embedding.chooses_dimensions()),
            (1, false)
        );
    }

    #[test]
    fn an_unknown_field_is_rejected() {
        for text in [
            "[default]\nsistem = true",
            "[[family]]\nname = \"a\"\nids = []",
            "[[family]]\nname = \"a\"\nids = [\"a\"]\nsampling = \"some\"",
        ] {
            assert!(table().overlaid(text).is_err(), "{text}");
        }
    }
}
