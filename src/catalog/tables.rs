//! The built-in tables of models, overridden by the operator's files.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::bedrock::BaseModel;
use crate::config::ModelFiles;
use crate::models::{Capabilities, ModelId, ModelTable, PriceTable};

/// The maximum size of a file of capabilities or prices. The built-in tables have a tenth of it.
const MAX_FILE: u64 = 4 << 20;

/// Capabilities and prices of models.
#[derive(Debug, Clone, PartialEq)]
pub struct Tables {
    /// The capabilities of each model family.
    pub capabilities: ModelTable,
    /// The price and context window of each model.
    pub prices: PriceTable,
}

impl Tables {
    /// Loads the built-in tables and the operator's files. The error names the file and the
    /// problem.
    pub fn load(files: &ModelFiles) -> Result<Self, String> {
        let mut capabilities = ModelTable::built_in().map_err(|error| error.to_string())?;
        let mut prices = PriceTable::built_in().map_err(|error| error.to_string())?;
        if let Some(path) = &files.capabilities {
            let text = read(path)?;
            let overlaid = capabilities.overlaid(&text);
            capabilities = overlaid.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        if let Some(path) = &files.prices {
            let rows = PriceTable::parse(&read(path)?);
            let rows = rows.map_err(|error| format!("{}: {error}", path.display()))?;
            prices = prices.overlay(rows);
        }
        Ok(Self {
            capabilities,
            prices,
        })
    }

    /// The model whose capabilities and price apply to `model`, and its capabilities. `base` is the
    /// base model of an id that does not contain it.
    pub fn resolved_model(
        &self,
        model: &ModelId,
        base: Option<&BaseModel>,
    ) -> (ModelId, Arc<Capabilities>) {
        match base {
            None => (
                model.clone(),
                Arc::clone(self.capabilities.capabilities(model)),
            ),
            Some(BaseModel::Foundation(base)) => (
                base.clone(),
                Arc::clone(self.capabilities.capabilities(base)),
            ),
            Some(BaseModel::Imported { takes_tools }) => {
                let capabilities = Capabilities {
                    tools: *takes_tools,
                    ..Capabilities::clone(self.capabilities.unknown())
                };
                (model.clone(), Arc::new(capabilities))
            }
        }
    }
}

/// Reads an operator's file. It is read again while the gateway runs, so a wrong path (a device, a
/// pipe, a log) must neither fill the memory nor block.
fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        let path = path.display();
        return Err(format!("{path}: not a regular file"));
    }
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    // One byte more than allowed shows that the file is too long, whatever its metadata say.
    file.take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_FILE {
        let path = path.display();
        return Err(format!(
            "{path}: the file exceeds {MAX_FILE} bytes; remove models that are not used"
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oversized_and_missing_files_are_rejected_with_their_path() {
        let long = std::env::temp_dir().join(format!("outcrop-long-{}.toml", std::process::id()));
        let file = File::create(&long).expect("a file");
        file.set_len(MAX_FILE + 1).expect("a sparse file");
        for (path, words) in [
            (long.as_path(), "exceeds 4194304 bytes"),
            (Path::new("/dev/zero"), "not a regular file"),
            (Path::new("/nowhere/at/all"), "No such file"),
        ] {
            let files = ModelFiles {
                prices: Some(path.to_owned()),
                ..ModelFiles::default()
            };
            let error = Tables::load(&files).expect_err("no tables");
            assert!(
                error.contains(words) && error.starts_with(&path.display().to_string()),
                "{error}"
            );
        }
        std::fs::remove_file(&long).expect("the file is removed");
    }
}
