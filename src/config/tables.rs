//! The tables of models: those built in, with the operator's files over them.

use std::path::Path;
use std::sync::Arc;

use super::ModelFiles;
use crate::bedrock::BaseModel;
use crate::models::{Facts, ModelId, ModelTable, PriceTable};

/// What is known of models: what they take, and what they cost.
#[derive(Debug, Clone)]
pub struct Tables {
    /// What each family takes.
    pub facts: ModelTable,
    /// What each model costs, and how long its texts may be.
    pub prices: PriceTable,
}

impl Tables {
    /// Reads the operator's files over the tables that are built in; the error says which file is
    /// wrong, and what in it.
    pub fn load(files: &ModelFiles) -> Result<Self, String> {
        let mut facts = ModelTable::built_in().map_err(|error| error.to_string())?;
        let mut prices = PriceTable::built_in().map_err(|error| error.to_string())?;
        if let Some(path) = &files.facts {
            let text = read(path)?;
            let laid = facts.overlaid(&text);
            facts = laid.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        if let Some(path) = &files.prices {
            let rows = PriceTable::parse(&read(path)?);
            let rows = rows.map_err(|error| format!("{}: {error}", path.display()))?;
            prices = prices.overlay(rows);
        }
        Ok(Self { facts, prices })
    }

    /// The model whose facts and price hold for `model`, and its facts. `base` is what it is based
    /// on, where its id does not say it.
    pub fn known_as(&self, model: &ModelId, base: Option<&BaseModel>) -> (ModelId, Arc<Facts>) {
        match base {
            None => (model.clone(), Arc::clone(self.facts.facts(model))),
            Some(BaseModel::Foundation(base)) => (base.clone(), Arc::clone(self.facts.facts(base))),
            Some(BaseModel::Imported { takes_tools }) => {
                let facts = Facts {
                    tools: *takes_tools,
                    ..Facts::clone(self.facts.unknown())
                };
                (model.clone(), Arc::new(facts))
            }
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
