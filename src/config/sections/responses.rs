use std::time::Duration;

use crate::config::reader::Section;

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

/// `[responses]`
pub(crate) fn read(section: &mut Section<'_>) -> ResponsesSettings {
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
    settings
}
