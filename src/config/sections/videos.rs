use crate::config::reader::Section;

/// `/v1/videos`: `[videos]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VideoSettings {
    /// Whether it is served. It needs `[s3] bucket`.
    pub enabled: bool,
}

pub(crate) fn read(section: &mut Section<'_>) -> VideoSettings {
    let mut settings = VideoSettings::default();
    section.flag("enabled", &mut settings.enabled);
    settings
}
