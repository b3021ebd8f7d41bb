use std::path::PathBuf;

use crate::config::reader::Section;

/// The database: `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// The database file. It is created when something is stored.
    pub path: PathBuf,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            path: PathBuf::from("outcrop.db"),
        }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> StoreSettings {
    let mut settings = StoreSettings::default();
    section.text("path", &mut settings.path, |text| match text {
        "" => Err("write the path of a file".to_owned()),
        text => Ok(PathBuf::from(text)),
    });
    settings
}
