//! The tables of models: those built in, with the operator's files over them.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::ModelFiles;
use crate::bedrock::BaseModel;
use crate::models::{Capabilities, ModelId, ModelTable, PriceTable};

/// The longest file of facts or prices. The tables that are built in have a tenth of it.
const MAX_FILE: u64 = 4 << 20;

/// What is known of models: what they take, and what they cost.
#[derive(Debug, Clone)]
pub struct Tables {
    /// What each family takes.
    pub capabilities: ModelTable,
    /// What each model costs, and how long its texts may be.
    pub prices: PriceTable,
}

impl Tables {
    /// Reads the operator's files over the tables that are built in; the error says which file is
    /// wrong, and what in it.
    pub fn load(files: &ModelFiles) -> Result<Self, String> {
        let mut capabilities = ModelTable::built_in().map_err(|error| error.to_string())?;
        let mut prices = PriceTable::built_in().map_err(|error| error.to_string())?;
        if let Some(path) = &files.capabilities {
            let text = read(path)?;
            let laid = capabilities.overlaid(&text);
            capabilities = laid.map_err(|error| format!("{}: {error}", path.display()))?;
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

    /// The model whose facts and price hold for `model`, and its facts. `base` is what it is based
    /// on, where its id does not say it.
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

/// Reads a file of the operator's. It is read again while the gateway serves, so that a wrong path
/// (a device, a pipe, a log) must neither fill the memory nor wait for ever.
fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        let path = path.display();
        return Err(format!("{path}: this is not a regular file; name one"));
    }
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    // One byte more than allowed shows that the file is longer, whatever its metadata say.
    file.take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_FILE {
        let path = path.display();
        return Err(format!(
            "{path}: the file is longer than {MAX_FILE} bytes; leave out models that are not used"
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
            (long.as_path(), "longer than 4194304 bytes"),
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
