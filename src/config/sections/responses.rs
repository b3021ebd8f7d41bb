use std::time::Duration;

use toml::Value;

use super::keys::resolve_secret;
use crate::config::reader::Section;
use crate::resources::seals::SealKey;

/// `/v1/responses`: `[responses]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponsesSettings {
    /// What clients receive if a response is blocked.
    pub on_blocked: OnBlocked,
    /// Where responses are stored.
    pub store: ResponseStorage,
    /// The maximum size of responses in memory, in bytes.
    pub memory_size: usize,
    /// How long responses stay in memory after their last use.
    pub memory_ttl: Duration,
    /// How long responses are stored on disk, in days; `None` for ever.
    pub retention_days: Option<u32>,
    /// Who can read a stored response.
    pub owner: ResponseOwner,
    /// The maximum number of responses that are generated in the background at the same time.
    pub max_background_responses: usize,
    /// The maximum time for one of them.
    pub background_timeout: Duration,
}

impl Default for ResponsesSettings {
    fn default() -> Self {
        Self {
            on_blocked: OnBlocked::default(),
            store: ResponseStorage::default(),
            memory_size: 256 << 20,
            memory_ttl: Duration::from_secs(3600),
            retention_days: Some(30),
            owner: ResponseOwner::default(),
            max_background_responses: 8,
            background_timeout: Duration::from_secs(3600),
        }
    }
}

/// Where responses are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResponseStorage {
    /// Nowhere.
    Off,
    /// In the memory of the process.
    #[default]
    Memory,
    /// In the database.
    Disk,
}

/// Who can read a stored response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResponseOwner {
    /// The caller that created it.
    #[default]
    Key,
    /// All callers of its team. Without a team, the caller itself.
    Team,
}

/// What clients receive if a guardrail, a filter or the model itself stops a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnBlocked {
    /// The text, in a response that is `completed`. Its `incomplete_details` name the filter.
    #[default]
    Completed,
    /// The text, in a response that is `incomplete`.
    Incomplete,
    /// The text, and a `refusal`, in a response that is `completed`.
    Refusal,
}

impl OnBlocked {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "completed" => Some(Self::Completed),
            "incomplete" => Some(Self::Incomplete),
            "refusal" => Some(Self::Refusal),
            _ => None,
        }
    }
}

/// `[responses]`, and the keys of `encrypted_content`: the first one seals, all of them open.
pub(crate) fn read(section: &mut Section<'_>) -> (ResponsesSettings, Vec<SealKey>) {
    let mut settings = ResponsesSettings::default();
    section.value("on_blocked", &mut settings.on_blocked, |value| {
        let word = value.as_str().and_then(OnBlocked::parse);
        word.ok_or_else(|| "use \"completed\", \"incomplete\" or \"refusal\"".to_owned())
    });
    section.value("store", &mut settings.store, |value| match value.as_str() {
        Some("off") => Ok(ResponseStorage::Off),
        Some("memory") => Ok(ResponseStorage::Memory),
        Some("disk") => Ok(ResponseStorage::Disk),
        _ => Err("use \"off\", \"memory\" or \"disk\"".to_owned()),
    });
    section.bytes("memory_size", &mut settings.memory_size);
    section.duration("memory_ttl", &mut settings.memory_ttl);
    section.days("retention_days", &mut settings.retention_days);
    section.value("owner", &mut settings.owner, |value| match value.as_str() {
        Some("key") => Ok(ResponseOwner::Key),
        Some("team") => Ok(ResponseOwner::Team),
        _ => Err("use \"key\" or \"team\"".to_owned()),
    });
    section.integer(
        "max_background_responses",
        &mut settings.max_background_responses,
        1..=1024,
    );
    section.duration("background_timeout", &mut settings.background_timeout);
    let keys = read_keys(section).unwrap_or_else(|remedy| {
        // The message omits the value, which may be a key with a typo.
        section.mistake("seal_keys", "not a list of keys", &remedy);
        Vec::new()
    });
    (settings, keys)
}

fn read_keys(section: &mut Section<'_>) -> Result<Vec<SealKey>, String> {
    let mut value = Value::Array(Vec::new());
    section.secret("seal_keys", &mut value);
    let Value::Array(entries) = value else {
        return Err("write it as a list in brackets".to_owned());
    };
    entries.iter().map(read_key).collect()
}

fn read_key(value: &Value) -> Result<SealKey, String> {
    let text = value.as_str();
    let text = resolve_secret(text.ok_or_else(|| "write each key in quotes".to_owned())?)?;
    let remedy = "write the base64 of 32 random bytes, such as `openssl rand -base64 32` makes, or \
                  \"env:NAME\" with the variable that has it";
    SealKey::parse(&text).ok_or_else(|| remedy.to_owned())
}
