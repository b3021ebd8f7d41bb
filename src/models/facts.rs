use std::fmt;

use serde::Deserialize;

use super::ModelId;

/// The table that is built in.
const BUILT_IN: &str = include_str!("models.toml");

/// What one family of models takes. The fields are explained in `models.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The family's name; empty for a model that the table does not know.
    pub family: String,
    /// Whether `system` blocks are taken.
    pub system: bool,
    /// Whether a turn of role `system` may stand later in the conversation.
    pub system_turns: bool,
    /// Whether tools may be offered.
    pub tools: bool,
    /// Whether the model can be made to call some tool.
    pub forces_any_tool: bool,
    /// Whether the model can be made to call a tool of a given name.
    pub forces_named_tool: bool,
    /// Whether tools may be offered to ConverseStream.
    pub stream_tools: bool,
    /// Which sampling parameters are taken.
    pub sampling: Sampling,
    /// Whether the conversation may end with the assistant's turn.
    pub prefill: bool,
    /// Whether the conversation may begin with the assistant's turn.
    pub leading_assistant: bool,
    /// What may stand beside tool results.
    pub beside_tool_result: BesideToolResult,
    /// Whether a result that is a JSON object is sent as `json`.
    pub tool_result_json: bool,
    /// Whether `$ref` in a tool's schema is followed.
    pub schema_references: bool,
    /// The least value of maxTokens.
    pub least_max_tokens: u32,
}

/// Which sampling parameters a family takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Temperature, top_p, or both.
    Both,
    /// One of them.
    TemperatureOrTopP,
    /// Neither.
    None,
}

/// What may stand in a turn beside tool results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BesideToolResult {
    /// Any block.
    Anything,
    /// No other block.
    Nothing,
}

/// The facts of all families.
#[derive(Debug, Clone)]
pub struct ModelTable {
    /// Beginnings of foundation ids, longest first, each with its family's place in `families`.
    stems: Vec<(String, usize)>,
    families: Vec<Facts>,
    unknown: Facts,
}

/// What is wrong with a table.
#[derive(Debug)]
pub struct TableError(String);

impl ModelTable {
    /// The table that is built in.
    pub fn built_in() -> Result<Self, TableError> {
        Self::parse(BUILT_IN)
    }

    /// Reads a table.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let file: File = toml::from_str(text).map_err(|error| TableError(error.to_string()))?;
        let unknown = file.default.resolve(String::new(), None)?;
        let mut stems = Vec::new();
        let mut families = Vec::with_capacity(file.family.len());
        for family in file.family {
            let Family { name, ids, row } = family;
            stems.extend(ids.into_iter().map(|stem| (stem, families.len())));
            families.push(row.resolve(name, Some(&unknown))?);
        }
        stems.sort_by_key(|(stem, _)| std::cmp::Reverse(stem.len()));
        Ok(Self {
            stems,
            families,
            unknown,
        })
    }

    /// The facts of a model; the cautious default where its family is not known.
    pub fn facts(&self, model: &ModelId) -> &Facts {
        let id = model.foundation_id();
        self.stems
            .iter()
            .find(|(stem, _)| id.starts_with(stem))
            .and_then(|(_, position)| self.families.get(*position))
            .unwrap_or(&self.unknown)
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the table of models: {}", self.0)
    }
}

impl std::error::Error for TableError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default: Row,
    family: Vec<Family>,
}

#[derive(Deserialize)]
struct Family {
    name: String,
    ids: Vec<String>,
    #[serde(flatten)]
    row: Row,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    system: Option<bool>,
    system_turns: Option<bool>,
    tools: Option<bool>,
    tool_choice: Option<Vec<Forced>>,
    stream_tools: Option<bool>,
    sampling: Option<Sampling>,
    prefill: Option<bool>,
    leading_assistant: Option<bool>,
    beside_tool_result: Option<BesideToolResult>,
    tool_result_json: Option<bool>,
    schema_references: Option<bool>,
    least_max_tokens: Option<u32>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Forced {
    Any,
    Tool,
}

impl Row {
    fn resolve(self, family: String, default: Option<&Facts>) -> Result<Facts, TableError> {
        let missing = |field: &str| TableError(format!("`[default]` does not say `{field}`"));
        macro_rules! value {
            ($field:ident) => {
                self.$field
                    .or(default.map(|facts| facts.$field))
                    .ok_or_else(|| missing(stringify!($field)))?
            };
        }
        let forces = |kind: Forced, inherited: fn(&Facts) -> bool| match &self.tool_choice {
            Some(kinds) => Ok(kinds.contains(&kind)),
            None => default.map(inherited).ok_or_else(|| missing("tool_choice")),
        };
        Ok(Facts {
            forces_any_tool: forces(Forced::Any, |facts| facts.forces_any_tool)?,
            forces_named_tool: forces(Forced::Tool, |facts| facts.forces_named_tool)?,
            family,
            system: value!(system),
            system_turns: value!(system_turns),
            tools: value!(tools),
            stream_tools: value!(stream_tools),
            sampling: value!(sampling),
            prefill: value!(prefill),
            leading_assistant: value!(leading_assistant),
            beside_tool_result: value!(beside_tool_result),
            tool_result_json: value!(tool_result_json),
            schema_references: value!(schema_references),
            least_max_tokens: value!(least_max_tokens),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(id: &str) -> String {
        let table = ModelTable::built_in().expect("the built-in table");
        let id = ModelId::parse(id).expect("an id");
        table.facts(&id).family.clone()
    }

    #[test]
    fn the_longest_stem_decides() {
        assert_eq!(
            family("us.anthropic.claude-sonnet-4-20250514-v1:0"),
            "Claude 4 and 4.1"
        );
        assert_eq!(
            family("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            "Claude 4.5"
        );
        assert_eq!(family("amazon.nova-2-lite-v1:0"), "Nova 2");
        assert_eq!(family("amazon.nova-lite-v1:0"), "Nova 1");
    }

    #[test]
    fn an_unknown_model_gets_the_cautious_default() {
        let table = ModelTable::built_in().expect("the built-in table");
        let id = ModelId::parse("someone.new-model-v9").expect("an id");
        let facts = table.facts(&id);
        assert!(facts.family.is_empty() && !facts.forces_any_tool && !facts.prefill);
    }

    #[test]
    fn a_field_that_is_not_known_is_refused() {
        let text = "[default]\nsistem = true\nfamily = []";
        assert!(ModelTable::parse(text).is_err());
    }
}
