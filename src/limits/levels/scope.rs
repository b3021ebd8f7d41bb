use std::fmt;
use std::sync::Arc;

use crate::allowances::{Level, ModelPattern};

/// What a limit is for: a level, and the models of a pattern if it is not for all models.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AllowanceScope {
    /// The level.
    pub level: Level,
    /// Whose it is: a team's name, `team/user`, a key's id; empty for the organization.
    pub name: Arc<str>,
    /// The models; `None` for all.
    pub pattern: Option<ModelPattern>,
}

/// The model of a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct CalledModel<'a> {
    /// The name in the request.
    pub requested: &'a str,
    /// The id that is called.
    pub id: &'a str,
}

impl AllowanceScope {
    /// Whether it is for requests to a model.
    pub fn includes(&self, model: CalledModel<'_>) -> bool {
        let matches =
            |pattern: &ModelPattern| pattern.matches(model.requested) || pattern.matches(model.id);
        self.pattern.as_ref().is_none_or(matches)
    }
}

/// As messages to clients name it.
impl fmt::Display for AllowanceScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.level.owner(&self.name))?;
        match &self.pattern {
            Some(pattern) => write!(formatter, " and models `{pattern}`"),
            None => Ok(()),
        }
    }
}
