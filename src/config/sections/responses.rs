use crate::config::reader::Section;

/// `/v1/responses`: `[responses]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResponsesSettings {
    /// What clients receive if a response is blocked.
    pub on_blocked: OnBlocked,
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
    settings
}
