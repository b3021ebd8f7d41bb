//! What a caller may use: models, rates, concurrency and money, at each level of an organization.
//!
//! Plain data, which the configuration, the store and the admin API have in common. Pure.

mod budget;
mod form;
mod organization;
mod pattern;

pub use budget::{Budget, BudgetIncrease, BudgetPeriod, parse_usd};
pub use organization::{KeyGrant, Organization, Team, add_level, check_team_name, check_user_name};
pub use pattern::ModelPattern;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use form::{AllowanceForm, ModelForm};

/// What one level may use. Everything is optional: an empty allowance limits nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "AllowanceForm", into = "AllowanceForm")]
pub struct Allowance {
    /// The models that may be called, by the name of the request or by the id that is called;
    /// `None` for all.
    pub allowed_models: Option<Vec<ModelPattern>>,
    /// Limits for all models together.
    pub usage: UsageAllowance,
    /// Limits for the models of a pattern, which apply besides the others.
    pub models: Vec<ModelAllowance>,
}

/// Rates, concurrency and budgets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageAllowance {
    /// Requests per minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens per minute, input and output together.
    pub tokens_per_minute: Option<u64>,
    /// Concurrent requests.
    pub max_concurrent_requests: Option<u32>,
    /// Budgets; all of them apply.
    pub budgets: Vec<Budget>,
}

/// What one level may use of the models of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ModelForm", into = "ModelForm")]
pub struct ModelAllowance {
    /// The models.
    pub pattern: ModelPattern,
    /// Their limits.
    pub usage: UsageAllowance,
}

/// A level of an organization, from the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All callers together.
    Organization,
    /// A team.
    Team,
    /// A user within a team.
    User,
    /// A key.
    Key,
}

/// The allowance of one named level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelAllowance {
    /// The level.
    pub level: Level,
    /// Whose allowance it is: a team's name, `team/user`, a key's id; empty for the organization.
    pub name: Arc<str>,
    /// What it may use.
    pub allowance: Arc<Allowance>,
}

impl Allowance {
    /// Changes the limits for the models of `pattern`, or those for all models. A pattern without limits
    /// is removed.
    pub fn change_usage(
        &mut self,
        pattern: Option<&ModelPattern>,
        change: impl FnOnce(&mut UsageAllowance),
    ) {
        let Some(pattern) = pattern else {
            return change(&mut self.usage);
        };
        let mut models = self.models.iter_mut();
        match models.find(|models| models.pattern == *pattern) {
            Some(models) => change(&mut models.usage),
            None => {
                let mut usage = UsageAllowance::default();
                change(&mut usage);
                let pattern = pattern.clone();
                self.models.push(ModelAllowance { pattern, usage });
            }
        }
        let is_limited = |models: &ModelAllowance| models.usage != UsageAllowance::default();
        self.models.retain(is_limited);
    }

    /// Whether calls to a model are allowed that the request calls `requested`, and whose id is
    /// `model_id`.
    pub fn allows(&self, requested: &str, model_id: &str) -> bool {
        let matches =
            |pattern: &ModelPattern| pattern.matches(requested) || pattern.matches(model_id);
        let allowed = self.allowed_models.as_ref();
        allowed.is_none_or(|patterns| patterns.iter().any(matches))
    }
}

impl LevelAllowance {
    /// Whose allowance it is, in messages to the caller.
    pub fn owner(&self) -> String {
        self.level.owner(&self.name)
    }
}

impl Level {
    /// The level named `name`, in messages to its callers.
    pub fn owner(self, name: &str) -> String {
        match self {
            Self::Organization => "the organization".to_owned(),
            Self::Team => format!("team `{name}`"),
            Self::User => {
                let (team, user) = name.split_once('/').unwrap_or(("", name));
                format!("user `{user}` of team `{team}`")
            }
            Self::Key => "this API key".to_owned(),
        }
    }

    /// The word for the level, in messages and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Team => "team",
            Self::User => "user",
            Self::Key => "key",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_survives_json() {
        let json = r#"{"allowed_models":["gpt-*"],"requests_per_minute":60,"budgets":[{"usd":"12.5","per":"month","hard":true},{"usd":"5","per":"day","hard":false,"increase":{"usd":"500","until":"2026-12-01T00:00:00Z"}}],"models":[{"pattern":"*opus*","tokens_per_minute":1000}]}"#;
        let allowance: Allowance = serde_json::from_str(json).expect("an allowance");
        assert_eq!(serde_json::to_string(&allowance).expect("JSON"), json);
        assert_eq!(
            serde_json::to_string(&Allowance::default()).expect("JSON"),
            "{}"
        );
    }

    #[test]
    fn a_mistake_is_reported_with_the_name_of_its_member() {
        let path = |json: &str| {
            let mut json = serde_json::Deserializer::from_str(json);
            let error = serde_path_to_error::deserialize::<_, Team>(&mut json);
            error.expect_err("a mistake").path().to_string()
        };
        for (json, expected) in [
            (r#"{"requests_per_minute":"60"}"#, "requests_per_minute"),
            (
                r#"{"user":{"tokens_per_minute":-1}}"#,
                "user.tokens_per_minute",
            ),
            (
                r#"{"users":{"ann":{"budgets":[{"usd":"0","per":"day"}]}}}"#,
                "users.ann.budgets[0].usd",
            ),
            (
                r#"{"models":[{"pattern":"*","max_concurrent_requests":1.5}]}"#,
                "models[0].max_concurrent_requests",
            ),
        ] {
            assert_eq!(path(json), expected);
        }
    }

    #[test]
    fn a_model_is_allowed_by_its_name_or_by_its_id() {
        let allowance = |patterns: &[&str]| Allowance {
            allowed_models: Some(
                patterns
                    .iter()
                    .map(|text| ModelPattern::parse(text).expect("a pattern"))
                    .collect(),
            ),
            ..Allowance::default()
        };
        let (name, id) = ("gpt-4o", "us.anthropic.claude-sonnet-4-5-20250929-v1:0");
        assert!(Allowance::default().allows(name, id));
        assert!(allowance(&["gpt-4o"]).allows(name, id));
        assert!(allowance(&["us.anthropic.*"]).allows(name, id));
        assert!(!allowance(&["amazon.*", "gpt-4"]).allows(name, id));
        assert!(
            !allowance(&[]).allows(name, id),
            "an empty list allows none"
        );
    }
}
