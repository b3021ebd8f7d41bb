use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::form::TeamForm;
use super::{Allowance, Level, LevelAllowance, UsageAllowance};

/// The maximum length of a team's name, which is a label of metrics.
const MAX_TEAM_NAME: usize = 64;

/// The maximum length of a user's name: that of an email address.
const MAX_USER_NAME: usize = 254;

/// All callers together, and their teams.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Organization {
    /// What all callers together may use.
    pub allowance: Allowance,
    /// The teams by name.
    pub teams: BTreeMap<String, Team>,
}

/// What a team and its users may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "TeamForm", into = "TeamForm")]
pub struct Team {
    /// All callers of the team together.
    pub allowance: Allowance,
    /// Each user of the team.
    pub user: Allowance,
    /// Single users. What such an allowance leaves out is that of each user.
    pub users: BTreeMap<String, Allowance>,
}

/// Whose a key is, and what it may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyGrant {
    /// The team.
    pub team: Option<String>,
    /// The user, within the team if there is one.
    pub user: Option<String>,
    /// Labels in usage records.
    pub tags: BTreeMap<String, String>,
    /// When the key stops working.
    pub expires_at: Option<SystemTime>,
    /// What the key may use.
    pub allowance: Allowance,
}

impl Organization {
    /// The levels that callers share: the organization and its teams. Levels that limit nothing are
    /// left out.
    pub fn shared_levels(&self) -> Vec<LevelAllowance> {
        let mut levels = Vec::new();
        add_level(&mut levels, Level::Organization, "", &self.allowance);
        for (name, team) in &self.teams {
            add_level(&mut levels, Level::Team, name, &team.allowance);
        }
        levels
    }

    /// The levels that limit a caller of `team` and `user`, the widest first. Levels that limit
    /// nothing are left out.
    pub fn levels(&self, team: Option<&str>, user: Option<&str>) -> Vec<LevelAllowance> {
        let mut levels = Vec::new();
        add_level(&mut levels, Level::Organization, "", &self.allowance);
        let Some((name, team)) = team.and_then(|name| Some((name, self.teams.get(name)?))) else {
            return levels;
        };
        add_level(&mut levels, Level::Team, name, &team.allowance);
        if let Some(user) = user {
            let allowance = match team.users.get(user) {
                Some(own) => &own.clone().or(&team.user),
                None => &team.user,
            };
            add_level(
                &mut levels,
                Level::User,
                &format!("{name}/{user}"),
                allowance,
            );
        }
        levels
    }
}

/// Adds a level, unless it limits nothing.
pub fn add_level(
    levels: &mut Vec<LevelAllowance>,
    level: Level,
    name: &str,
    allowance: &Allowance,
) {
    if *allowance != Allowance::default() {
        levels.push(LevelAllowance {
            level,
            name: name.into(),
            allowance: Arc::new(allowance.clone()),
        });
    }
}

impl Allowance {
    /// This allowance, with what it leaves out from `default`.
    fn or(self, default: &Self) -> Self {
        let Self {
            allowed_models,
            usage,
            models,
        } = self;
        Self {
            allowed_models: allowed_models.or_else(|| default.allowed_models.clone()),
            usage: usage.or(&default.usage),
            models: own_or(models, &default.models),
        }
    }
}

impl UsageAllowance {
    fn or(self, default: &Self) -> Self {
        let Self {
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
        } = self;
        Self {
            requests_per_minute: requests_per_minute.or(default.requests_per_minute),
            tokens_per_minute: tokens_per_minute.or(default.tokens_per_minute),
            max_concurrent_requests: max_concurrent_requests.or(default.max_concurrent_requests),
            budgets: own_or(budgets, &default.budgets),
        }
    }
}

fn own_or<T: Clone>(own: Vec<T>, default: &[T]) -> Vec<T> {
    match own.is_empty() {
        true => default.to_vec(),
        false => own,
    }
}

/// Checks the name of a team; the error is the remedy.
pub fn check_team_name(name: &str) -> Result<(), String> {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match (1..=MAX_TEAM_NAME).contains(&name.len()) && name.chars().all(is_fit) {
        true => Ok(()),
        false => Err(format!(
            "name a team with 1 to {MAX_TEAM_NAME} letters, digits, `-`, `_` and `.`"
        )),
    }
}

/// Checks the name of a user; the error is the remedy.
pub fn check_user_name(name: &str) -> Result<(), String> {
    match (1..=MAX_USER_NAME).contains(&name.len()) && !name.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(format!(
            "name a user with 1 to {MAX_USER_NAME} characters, such as an email address"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(requests_per_minute: u32) -> Allowance {
        Allowance {
            usage: UsageAllowance {
                requests_per_minute: Some(requests_per_minute),
                ..UsageAllowance::default()
            },
            ..Allowance::default()
        }
    }

    #[test]
    fn a_caller_is_limited_by_every_level_that_has_an_allowance() {
        let mut team = Team {
            allowance: rate(2),
            user: rate(3),
            ..Team::default()
        };
        let mut own = Allowance::default();
        own.usage.tokens_per_minute = Some(5);
        team.users.insert("ann".to_owned(), own);
        let organization = Organization {
            allowance: rate(1),
            teams: BTreeMap::from([("a".to_owned(), team)]),
        };
        let levels = |team, user| {
            let levels = organization.levels(team, user).into_iter();
            levels
                .map(|level| {
                    let usage = &level.allowance.usage;
                    let limits = (usage.requests_per_minute, usage.tokens_per_minute);
                    (level.level, level.name.to_string(), limits)
                })
                .collect::<Vec<_>>()
        };
        let all = (Level::Organization, String::new(), (Some(1), None));
        let of_team = (Level::Team, "a".to_owned(), (Some(2), None));
        let bob = (Level::User, "a/bob".to_owned(), (Some(3), None));
        let ann = (Level::User, "a/ann".to_owned(), (Some(3), Some(5)));
        assert_eq!(levels(None, None), std::slice::from_ref(&all));
        assert_eq!(levels(Some("b"), None), std::slice::from_ref(&all));
        assert_eq!(
            levels(Some("a"), Some("bob")),
            [all.clone(), of_team.clone(), bob]
        );
        assert_eq!(levels(Some("a"), Some("ann")), [all, of_team, ann]);
        assert!(Organization::default().levels(Some("a"), None).is_empty());
    }
}
