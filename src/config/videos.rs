use super::reader::Section;

/// Films by models that write them to the operator's bucket: `[videos]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VideoSettings {
    /// Whether /v1/videos is served. It needs `[s3] bucket`.
    pub enabled: bool,
}

pub(super) fn read(section: &mut Section<'_>) -> VideoSettings {
    let mut settings = VideoSettings::default();
    section.flag("enabled", &mut settings.enabled);
    settings
}
