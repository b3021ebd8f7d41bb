//! The budgets of all levels, and what is left of them.

mod change;

pub use change::{BudgetChange, BudgetSlot};

use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::{Administration, AdministrationError, KeyFilter, Owner};
use crate::allowances::{
    Allowance, Budget, BudgetIncrease, BudgetPeriod, Level, ModelPattern, Team,
};
use crate::limits::Span;
use crate::models::Usd;
use crate::store::SpendQuery;
use crate::usage::{UsdNumber, day_of};

/// A budget in its current window, for people and scripts. Times are those of RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetView {
    /// Whose it is.
    #[serde(flatten)]
    pub holder: BudgetHolder,
    /// The models; `None` for all.
    pub models: Option<ModelPattern>,
    /// The period.
    pub per: BudgetPeriod,
    /// Whether requests beyond it are refused.
    pub hard: bool,
    /// The amount.
    #[serde(serialize_with = "dollars", deserialize_with = "read_dollars")]
    #[schema(value_type = f64)]
    pub usd: Usd,
    /// A higher amount for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub increase: Option<BudgetIncrease>,
    /// The amount, with an increase that has not ended.
    #[serde(serialize_with = "dollars", deserialize_with = "read_dollars")]
    #[schema(value_type = f64)]
    pub limit_usd: Usd,
    /// What ended requests have cost in the window; `None` for the budget of each user.
    #[serde(
        serialize_with = "some_dollars",
        deserialize_with = "read_some_dollars"
    )]
    #[schema(value_type = Option<f64>)]
    pub spent_usd: Option<Usd>,
    /// What is left of it, at least 0.
    #[serde(
        serialize_with = "some_dollars",
        deserialize_with = "read_some_dollars"
    )]
    #[schema(value_type = Option<f64>)]
    pub left_usd: Option<Usd>,
    /// When the window began; `None` for budgets in total.
    pub window_start: Option<String>,
    /// When the window ends.
    pub window_end: Option<String>,
    /// Who can change it.
    pub owner: Owner,
}

/// Whose a budget is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "level", rename_all = "snake_case")]
pub enum BudgetHolder {
    /// All callers together.
    Organization,
    /// A team.
    Team {
        /// Its name.
        team: String,
    },
    /// Each user of a team that has no budgets of its own.
    EachUser {
        /// The name of the team.
        team: String,
    },
    /// A user of a team.
    User {
        /// The name of the team.
        team: String,
        /// The name of the user.
        user: String,
    },
    /// A key.
    Key {
        /// Its id.
        key: String,
        /// Its name.
        key_name: String,
    },
}

/// The maximum number of budgets in a list: each is a query.
const MAX_BUDGETS: usize = 1_000;

/// Which budgets are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BudgetFilter<'a> {
    /// Only those of this team, its users and its keys.
    pub team: Option<&'a str>,
    /// Only those of the key with this id or name.
    pub key: Option<&'a str>,
}

impl Administration {
    /// The budgets of a choice with what is left of them at `now`: those of the organization, then of
    /// each team and its users, then of the keys that are not revoked. More than a thousand are an
    /// error, which asks for a narrower choice.
    pub async fn budgets(
        &self,
        filter: BudgetFilter<'_>,
        now: Timestamp,
    ) -> Result<Vec<BudgetView>, AdministrationError> {
        let BudgetFilter { team, key } = filter;
        let mut all = BudgetList {
            administration: self,
            now,
            views: Vec::new(),
        };
        if let Some(key) = key {
            let key = self.key(key, now.as_second()).await?;
            let holder = BudgetHolder::Key {
                key: key.id,
                key_name: key.name,
            };
            all.add(&holder, &key.allowance, key.owner).await?;
            return Ok(all.views);
        }
        let teams = match team {
            Some(name) => vec![self.team(name).await?],
            None => {
                let organization = &BudgetHolder::Organization;
                all.add(organization, &self.organization, Owner::Configuration)
                    .await?;
                self.teams().await?
            }
        };
        for view in &teams {
            all.add_team(&view.name, &view.team, view.owner).await?;
        }
        let filter = KeyFilter {
            team,
            with_revoked: false,
        };
        for key in self.keys(filter, now.as_second()).await? {
            let holder = BudgetHolder::Key {
                key: key.id,
                key_name: key.name,
            };
            all.add(&holder, &key.allowance, key.owner).await?;
        }
        Ok(all.views)
    }
}

/// The budgets that have been collected.
struct BudgetList<'a> {
    administration: &'a Administration,
    now: Timestamp,
    views: Vec<BudgetView>,
}

impl BudgetList<'_> {
    async fn add_team(
        &mut self,
        name: &str,
        team: &Team,
        owner: Owner,
    ) -> Result<(), AdministrationError> {
        let team_name = || name.to_owned();
        let holder = BudgetHolder::Team { team: team_name() };
        self.add(&holder, &team.allowance, owner).await?;
        let holder = BudgetHolder::EachUser { team: team_name() };
        self.add(&holder, &team.user, owner).await?;
        for (user, allowance) in &team.users {
            let holder = BudgetHolder::User {
                team: team_name(),
                user: user.clone(),
            };
            self.add(&holder, allowance, owner).await?;
        }
        Ok(())
    }

    async fn add(
        &mut self,
        holder: &BudgetHolder,
        allowance: &Allowance,
        owner: Owner,
    ) -> Result<(), AdministrationError> {
        let of_models = allowance.models.iter();
        let of_models = of_models.map(|models| (Some(&models.pattern), &models.usage));
        let usages = std::iter::once((None, &allowance.usage)).chain(of_models);
        for (models, usage) in usages {
            for budget in &usage.budgets {
                if self.views.len() == MAX_BUDGETS {
                    return Err(AdministrationError::invalid(
                        "team",
                        format!("there are more than {MAX_BUDGETS} budgets"),
                        "choose a team or a key",
                    ));
                }
                let view = self.view(holder, models, budget, owner).await?;
                self.views.push(view);
            }
        }
        Ok(())
    }

    async fn view(
        &self,
        holder: &BudgetHolder,
        models: Option<&ModelPattern>,
        budget: &Budget,
        owner: Owner,
    ) -> Result<BudgetView, AdministrationError> {
        let calendar = &self.administration.calendar;
        let span = calendar.span(budget.per, self.now.as_millisecond());
        let window = (span != Span::ALL).then_some(span);
        let limit = budget.limit_at(self.now.as_millisecond());
        let spent = match holder.scope() {
            Some((level, name)) => {
                let spent = self.spent(level, &name, models, window).await?;
                Some(Usd::from_nanodollars(spent))
            }
            None => None,
        };
        let time = |unix_ms| Timestamp::from_millisecond(unix_ms).ok();
        Ok(BudgetView {
            holder: holder.clone(),
            models: models.cloned(),
            per: budget.per,
            hard: budget.hard,
            usd: budget.usd,
            increase: budget.increase,
            limit_usd: limit,
            spent_usd: spent,
            left_usd: spent.map(|spent| (limit - spent).max(Usd::default())),
            window_start: window.and_then(|span| Some(time(span.start)?.to_string())),
            window_end: window.and_then(|span| Some(time(span.end)?.to_string())),
            owner,
        })
    }

    /// What ended requests have cost in `window`, in nanodollars; in all time without one.
    async fn spent(
        &self,
        level: Level,
        name: &str,
        models: Option<&ModelPattern>,
        window: Option<Span>,
    ) -> Result<i64, AdministrationError> {
        let Administration {
            store, time_zone, ..
        } = self.administration;
        // Reading does not create the file.
        if !store.exists() {
            return Ok(0);
        }
        let since = window.map(|span| {
            let since = Duration::from_millis(u64::try_from(span.start).unwrap_or_default());
            day_of(UNIX_EPOCH + since, time_zone)
        });
        let query = SpendQuery {
            level,
            name,
            models,
            since: since.as_deref(),
            before: None,
        };
        Ok(store.spend(query).await?)
    }
}

impl BudgetHolder {
    /// The level and the name by which usage is summed; `None` for each user.
    fn scope(&self) -> Option<(Level, String)> {
        Some(match self {
            Self::Organization => (Level::Organization, String::new()),
            Self::Team { team } => (Level::Team, team.clone()),
            Self::EachUser { .. } => return None,
            Self::User { team, user } => (Level::User, format!("{team}/{user}")),
            Self::Key { key, .. } => (Level::Key, key.clone()),
        })
    }
}

fn dollars<S: Serializer>(amount: &Usd, serializer: S) -> Result<S::Ok, S::Error> {
    UsdNumber(*amount).serialize(serializer)
}

fn some_dollars<S: Serializer>(amount: &Option<Usd>, serializer: S) -> Result<S::Ok, S::Error> {
    amount.map(UsdNumber).serialize(serializer)
}

fn read_dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Usd, D::Error> {
    f64::deserialize(deserializer).map(rounded)
}

fn read_some_dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Usd>, D::Error> {
    let amount = Option::<f64>::deserialize(deserializer)?;
    Ok(amount.map(rounded))
}

/// Exact up to nine million dollars, the largest budget.
fn rounded(dollars: f64) -> Usd {
    Usd::from_nanodollars((dollars * 1e9).round() as i64)
}
