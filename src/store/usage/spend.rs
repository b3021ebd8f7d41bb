use sqlx::QueryBuilder;
use sqlx::sqlite::Sqlite;

use super::super::{Store, StoreError};
use crate::allowances::{Level, ModelPattern};

/// What has been spent in a time.
#[derive(Debug, Clone, Copy)]
pub struct SpendQuery<'a> {
    /// The level.
    pub level: Level,
    /// Whose spend it is: a team's name, `team/user`, the id of a caller; empty for the organization.
    pub name: &'a str,
    /// Only models of this pattern, by the name of the request or the id that was called.
    pub models: Option<&'a ModelPattern>,
    /// The first day; `None` for all time.
    pub since: Option<&'a str>,
    /// Only requests that arrived before, in Unix milliseconds; `None` for all.
    pub before: Option<i64>,
}

impl Store {
    /// The cost of all requests of a level, in nanodollars. It reads the sums by day, and the records
    /// that are too new.
    pub async fn spend(&self, query: SpendQuery<'_>) -> Result<i64, StoreError> {
        let mut select = QueryBuilder::new(
            "SELECT model, model_id, SUM(cost) FROM (
                 SELECT model, model_id, cost FROM usage_daily",
        );
        query.add_condition(&mut select);
        if let Some(before) = query.before {
            select.push(
                " UNION ALL
                 SELECT COALESCE(model_requested, ''), COALESCE(model_id, ''), -cost
                 FROM usage_records",
            );
            query.add_condition(&mut select);
            select
                .push(" AND cost IS NOT NULL AND at >= ")
                .push_bind(before);
        }
        select.push(") GROUP BY model, model_id");
        let select = select.build_query_as::<(String, String, i64)>();
        let costs = select.fetch_all(self.pool().await?).await?;
        let costs = costs.iter().filter(|(model, id, _)| {
            let matches = |pattern: &ModelPattern| pattern.matches(model) || pattern.matches(id);
            query.models.is_none_or(matches)
        });
        Ok(costs.fold(0, |sum, (_, _, cost)| sum.saturating_add(*cost)))
    }
}

impl SpendQuery<'_> {
    /// Adds the condition for day and level.
    fn add_condition(&self, select: &mut QueryBuilder<Sqlite>) {
        let (name, since) = (self.name, self.since.unwrap_or_default());
        // Every text is at least empty.
        select.push(" WHERE day >= ").push_bind(since.to_owned());
        match self.level {
            Level::Organization => {}
            Level::Team => {
                select.push(" AND team = ").push_bind(name.to_owned());
            }
            Level::User => {
                let (team, user) = name.split_once('/').unwrap_or(("", name));
                select.push(" AND team = ").push_bind(team.to_owned());
                select.push(" AND user = ").push_bind(user.to_owned());
            }
            Level::Key => {
                select.push(" AND caller = ").push_bind(name.to_owned());
            }
        }
    }
}
