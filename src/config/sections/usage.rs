use std::path::{Path, PathBuf};

use crate::config::reader::Section;

/// The minimum size of the spool, which can hold the largest batch of records several times.
const MIN_SPOOL: usize = 16 << 20;

/// Records of what requests used and cost: `[usage]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageSettings {
    /// Whether records are stored; `None` to store them if the file of the store exists.
    pub enabled: Option<bool>,
    /// How long records are stored, in days; `None` for ever.
    pub record_retention_days: Option<u32>,
    /// How long sums by hour are stored, in days; `None` for ever.
    pub hourly_retention_days: Option<u32>,
    /// How long sums by day are stored, in days; `None` for ever.
    pub daily_retention_days: Option<u32>,
    /// The folder of records that wait for the store; `None` for one next to its file.
    pub spool_path: Option<PathBuf>,
    /// The maximum size of these records, in bytes.
    pub spool_size: usize,
}

impl Default for UsageSettings {
    fn default() -> Self {
        Self {
            enabled: None,
            record_retention_days: Some(90),
            hourly_retention_days: Some(90),
            daily_retention_days: None,
            spool_path: None,
            spool_size: 1 << 30,
        }
    }
}

impl UsageSettings {
    /// The folder of records that wait for a store in the file `store`.
    pub fn spool_folder(&self, store: &Path) -> PathBuf {
        self.spool_path.clone().unwrap_or_else(|| {
            let mut name = store.as_os_str().to_owned();
            name.push(".spool");
            name.into()
        })
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> UsageSettings {
    let mut settings = UsageSettings::default();
    section.optional_flag("enabled", &mut settings.enabled);
    section.days("record_retention_days", &mut settings.record_retention_days);
    section.days("hourly_retention_days", &mut settings.hourly_retention_days);
    section.days("daily_retention_days", &mut settings.daily_retention_days);
    section.text("spool_path", &mut settings.spool_path, |text| {
        Ok((!text.is_empty()).then(|| PathBuf::from(text)))
    });
    section.bytes("spool_size", &mut settings.spool_size);
    if settings.spool_size < MIN_SPOOL {
        let size = format!("`{}`", settings.spool_size);
        section.mistake("spool_size", size, "write a size from \"16MiB\"");
    }
    settings
}
