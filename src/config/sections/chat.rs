use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::config::reader::Section;
use crate::converse::options::{GuardrailConfig, GuardrailStreamMode, GuardrailTrace};
use crate::converse::policy::{AllowList, GuardrailPolicy};

/// The maximum of `maxTokens` in Converse, an i32.
const MAX_TOKENS: i128 = i32::MAX as i128;

/// How chat requests are treated: `[chat]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSettings {
    /// Settings that `[models.NAME]` and `[keys.NAME]` may override.
    pub common: ChatOverrides,
    /// The maximum of `n`.
    pub max_n: u32,
    /// Whether `metadata` is sent as `requestMetadata`.
    pub forward_metadata: bool,
    /// Whether `service_tier: "scale"` selects reserved capacity.
    pub reserved_tier: bool,
    /// The keys that a request may set in `additionalModelRequestFields`.
    pub model_fields: AllowList,
    /// The buckets that `s3://` URLs in a request may name.
    pub s3_buckets: AllowList,
    /// The size of the cache of signed reasoning, in bytes; 0 for none.
    pub reasoning_cache_size: usize,
    /// The time to live of an entry of that cache.
    pub reasoning_cache_ttl: std::time::Duration,
}

/// Settings of chat requests that `[chat]`, `[models.NAME]` and `[keys.NAME]` have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatOverrides {
    /// Whether cache points are added to requests without `cache_control`.
    pub cache: Option<bool>,
    /// How a conversation that exceeds the context window is handled.
    pub truncate: Option<Truncate>,
    /// `maxTokens` of requests without a limit.
    pub max_tokens: Option<u32>,
    /// The upper limit of `maxTokens`.
    pub max_tokens_ceiling: Option<u32>,
    /// Whether a request that needs adjustments is refused.
    pub strict: bool,
    /// The guardrail that requests cannot override.
    pub guardrail: Option<GuardrailPolicy>,
}

/// How a conversation that exceeds the model's context window is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truncate {
    /// The request is refused.
    Refuse,
    /// The oldest turns are dropped.
    Oldest,
}

impl Truncate {
    /// The value of the key and of `x-outcrop-truncate`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Oldest => "oldest",
        }
    }

    /// Parses the value of the key and of `x-outcrop-truncate`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "refuse" => Some(Self::Refuse),
            "oldest" => Some(Self::Oldest),
            _ => None,
        }
    }
}

/// Files that override the built-in capabilities and prices of models: `[catalog]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFiles {
    /// Rows in the form of `models.toml`.
    pub capabilities: Option<PathBuf>,
    /// Rows in the form of `prices.toml`.
    pub prices: Option<PathBuf>,
}

/// The guardrails of `[guardrails]`, by name.
pub type Guardrails = BTreeMap<String, GuardrailPolicy>;

impl Default for ChatSettings {
    fn default() -> Self {
        Self {
            common: ChatOverrides {
                cache: Some(true),
                truncate: Some(Truncate::Refuse),
                ..ChatOverrides::default()
            },
            max_n: 8,
            forward_metadata: false,
            reserved_tier: false,
            model_fields: AllowList::default(),
            s3_buckets: AllowList::default(),
            reasoning_cache_size: 64 << 20,
            reasoning_cache_ttl: std::time::Duration::from_secs(3600),
        }
    }
}

/// `[chat]`
pub(crate) fn read(section: &mut Section<'_>, guardrails: &Guardrails) -> ChatSettings {
    let mut settings = ChatSettings {
        common: read_overrides(section, guardrails),
        ..ChatSettings::default()
    };
    let defaults = ChatSettings::default().common;
    let common = &mut settings.common;
    common.cache = common.cache.or(defaults.cache);
    common.truncate = common.truncate.or(defaults.truncate);
    section.integer("max_n", &mut settings.max_n, 1..=128);
    section.flag("forward_metadata", &mut settings.forward_metadata);
    section.flag("reserved_tier", &mut settings.reserved_tier);
    settings.model_fields = read_names(section, "model_fields");
    settings.s3_buckets = read_names(section, "s3_buckets");
    section.bytes_or_none("reasoning_cache_size", &mut settings.reasoning_cache_size);
    section.duration("reasoning_cache_ttl", &mut settings.reasoning_cache_ttl);
    settings
}

/// Reads the keys that `[chat]`, `[models.NAME]` and `[keys.NAME]` have in common.
pub(crate) fn read_overrides(section: &mut Section<'_>, guardrails: &Guardrails) -> ChatOverrides {
    let mut overrides = ChatOverrides::default();
    section.optional_flag("cache", &mut overrides.cache);
    section.text("truncate", &mut overrides.truncate, |text| match text {
        "" => Ok(None),
        text => Truncate::parse(text)
            .map(Some)
            .ok_or_else(|| "write \"refuse\" or \"oldest\"".to_owned()),
    });
    overrides.max_tokens = read_limit(section, "max_tokens");
    overrides.max_tokens_ceiling = read_limit(section, "max_tokens_ceiling");
    section.flag("strict", &mut overrides.strict);
    read_guardrail_name(section, &mut overrides.guardrail, guardrails);
    overrides
}

/// Reads the name of a guardrail.
pub(crate) fn read_guardrail_name(
    section: &mut Section<'_>,
    field: &mut Option<GuardrailPolicy>,
    guardrails: &Guardrails,
) {
    section.text("guardrail", field, |name| {
        let policy = guardrails.get(name).cloned().map(Some);
        match name {
            "" => Ok(None),
            _ => policy.ok_or_else(|| "write the name of a `[guardrails.NAME]`".to_owned()),
        }
    });
}

/// A number of tokens, or `0` for none.
fn read_limit(section: &mut Section<'_>, name: &str) -> Option<u32> {
    let mut limit = 0;
    section.integer(name, &mut limit, 0..=MAX_TOKENS);
    (limit > 0).then_some(limit)
}

fn read_names(section: &mut Section<'_>, name: &str) -> AllowList {
    let mut names = vec!["*".to_owned()];
    section.list(name, &mut names, |value| match value {
        Value::String(name) => Ok(name.clone()),
        _ => Err("write names in quotes, or \"*\" for all".to_owned()),
    });
    AllowList::new(names)
}

/// `[guardrails.NAME]`, each with its id and version.
pub(crate) fn read_guardrails(section: &mut Section<'_>) -> Guardrails {
    let mut guardrails = Guardrails::new();
    for (name, value) in section.entries() {
        let Value::Table(table) = value else {
            let remedy = format!("write it as a section, `[guardrails.{name}]`");
            section.mistake(&name, "not a section", &remedy);
            continue;
        };
        let mut entry = section.of_table(&name, table);
        let policy = read_guardrail(&mut entry);
        entry.finish();
        guardrails.insert(name, policy);
    }
    guardrails
}

fn read_guardrail(section: &mut Section<'_>) -> GuardrailPolicy {
    let mut identifier = String::new();
    let mut version = String::new();
    let mut trace = None;
    let mut stream_mode = None;
    let mut only_last_turn = false;
    let text = |text: &str| Ok(text.to_owned());
    section.text("identifier", &mut identifier, text);
    section.text("version", &mut version, text);
    section.text("trace", &mut trace, |text| match text {
        "enabled" => Ok(Some(GuardrailTrace::Enabled)),
        "enabled_full" => Ok(Some(GuardrailTrace::EnabledFull)),
        "disabled" => Ok(Some(GuardrailTrace::Disabled)),
        _ => Err("write \"enabled\", \"enabled_full\" or \"disabled\"".to_owned()),
    });
    section.text("stream_mode", &mut stream_mode, |text| match text {
        "sync" => Ok(Some(GuardrailStreamMode::Sync)),
        "async" => Ok(Some(GuardrailStreamMode::Async)),
        _ => Err("write \"sync\" or \"async\"".to_owned()),
    });
    section.flag("only_last_turn", &mut only_last_turn);
    for (field, value) in [("identifier", &identifier), ("version", &version)] {
        if value.is_empty() {
            let remedy = "write the guardrail's id or ARN, and its version or \"DRAFT\"";
            section.mistake(field, "missing", remedy);
        }
    }
    GuardrailPolicy {
        config: GuardrailConfig {
            guardrail_identifier: identifier,
            guardrail_version: version,
            trace,
            stream_processing_mode: stream_mode,
        },
        only_last_turn,
    }
}
