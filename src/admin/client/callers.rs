//! Teams and keys.

use std::time::Duration;

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AdminClient, Call, ClientError};
use crate::admin::api::{
    BudgetList, CreatedKeyBody, KeySettingsBody, NewKeyBody, NewTeam, Page, RotationBody,
};
use crate::admin::merge_patch::difference;
use crate::allowances::Team;
use crate::identity::administration::{
    BudgetFilter, BudgetView, KeyFilter, KeySettings, KeyView, NewKey, TeamView,
};

/// Items of a page.
const PAGE: &str = "1000";

impl AdminClient {
    /// All teams by name.
    pub async fn teams(&self) -> Result<Vec<TeamView>, ClientError> {
        self.pages(&["teams"], &[], |team: &TeamView| &team.name)
            .await
    }

    /// Finds a team.
    pub async fn team(&self, name: &str) -> Result<TeamView, ClientError> {
        self.json(get(&["teams", name])).await
    }

    /// Creates a team.
    pub async fn create_team(&self, name: &str, team: &Team) -> Result<TeamView, ClientError> {
        self.post(&["teams"], &NewTeam { name, team }).await
    }

    /// Changes a team, unless it is changed by somebody else meanwhile. The error of `change` leaves
    /// it as it is.
    pub async fn change_team<E: From<ClientError>>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Team) -> Result<(), E>,
    ) -> Result<TeamView, E> {
        let path = ["teams", name];
        let read = |view: &TeamView| Ok(view.team.clone());
        self.change(&path, read, Team::clone, change).await
    }

    /// Deletes a team.
    pub async fn delete_team(&self, name: &str) -> Result<TeamView, ClientError> {
        let call = Call {
            method: Method::DELETE,
            path: &["teams", name],
            ..Call::default()
        };
        self.json(call).await
    }

    /// The keys of a choice.
    pub async fn keys(&self, filter: KeyFilter<'_>) -> Result<Vec<KeyView>, ClientError> {
        let KeyFilter { team, with_revoked } = filter;
        let mut query = Vec::new();
        query.extend(team.map(|team| ("team", team)));
        query.extend(with_revoked.then_some(("revoked", "true")));
        self.pages(&["keys"], &query, |key: &KeyView| &key.id).await
    }

    /// Finds a key.
    pub async fn key(&self, id_or_name: &str) -> Result<KeyView, ClientError> {
        self.json(get(&["keys", id_or_name])).await
    }

    /// Creates a key.
    pub async fn create_key(&self, new: NewKey) -> Result<CreatedKeyBody, ClientError> {
        let NewKey {
            name,
            team,
            user,
            settings,
        } = new;
        let KeySettingsBody {
            allowance,
            chat,
            tags,
            expires_at,
        } = KeySettingsBody::of_settings(&settings);
        let body = NewKeyBody {
            name,
            team,
            user,
            allowance,
            chat,
            tags,
            expires_at,
        };
        self.post(&["keys"], &body).await
    }

    /// Changes the settings of a key, as [`AdminClient::change_team`].
    pub async fn change_key<E: From<ClientError>>(
        &self,
        id_or_name: &str,
        change: impl FnOnce(&mut KeySettings) -> Result<(), E>,
    ) -> Result<KeyView, E> {
        let path = ["keys", id_or_name];
        let read = |view: &KeyView| {
            let settings = KeySettingsBody::of_view(view).settings();
            settings.map_err(|_| ClientError::Unreachable("not a time of expiry".to_owned()))
        };
        self.change(&path, read, KeySettingsBody::of_settings, change)
            .await
    }

    /// Replaces a key. The replaced one is valid for `overlap`.
    pub async fn rotate_key(
        &self,
        id_or_name: &str,
        overlap: Duration,
    ) -> Result<CreatedKeyBody, ClientError> {
        let body = RotationBody {
            overlap_seconds: overlap.as_secs(),
        };
        self.post(&["keys", id_or_name, "rotate"], &body).await
    }

    /// Revokes a key.
    pub async fn revoke_key(&self, id_or_name: &str) -> Result<KeyView, ClientError> {
        let call = Call {
            method: Method::POST,
            path: &["keys", id_or_name, "revoke"],
            ..Call::default()
        };
        self.json(call).await
    }

    /// The budgets of a choice.
    pub async fn budgets(&self, filter: BudgetFilter<'_>) -> Result<Vec<BudgetView>, ClientError> {
        let BudgetFilter { team, key } = filter;
        let mut query = Vec::new();
        query.extend(team.map(|team| ("team", team)));
        query.extend(key.map(|key| ("key", key)));
        let call = Call {
            path: &["budgets"],
            query: &query,
            ..Call::default()
        };
        let BudgetList { data } = self.json(call).await?;
        Ok(data)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let call = Call {
            method: Method::POST,
            path,
            body: Call::body(body)?,
            ..Call::default()
        };
        self.json(call).await
    }

    /// Changes the state that `read` finds in a view and `write` writes as JSON.
    async fn change<View: DeserializeOwned, State, Json: Serialize, E: From<ClientError>>(
        &self,
        path: &[&str],
        read: impl FnOnce(&View) -> Result<State, ClientError>,
        write: impl Fn(&State) -> Json,
        change: impl FnOnce(&mut State) -> Result<(), E>,
    ) -> Result<View, E> {
        let (view, if_match) = self.tagged::<View>(get(path)).await?;
        let mut state = read(&view)?;
        let before = json(&write(&state))?;
        change(&mut state)?;
        let patch = difference(&before, &json(&write(&state))?);
        let call = Call {
            method: Method::PATCH,
            path,
            body: Call::body(&patch)?,
            if_match,
            ..Call::default()
        };
        Ok(self.json(call).await?)
    }

    /// All items of a list. `id` is what the next page begins after.
    async fn pages<T: DeserializeOwned>(
        &self,
        path: &[&str],
        filter: &[(&str, &str)],
        id: impl Fn(&T) -> &str,
    ) -> Result<Vec<T>, ClientError> {
        let mut items: Vec<T> = Vec::new();
        loop {
            let mut query = filter.to_vec();
            query.push(("limit", PAGE));
            query.extend(items.last().map(|last| ("after", id(last))));
            let call = Call {
                path,
                query: &query,
                ..Call::default()
            };
            let Page { data, has_more } = self.json(call).await?;
            let is_empty = data.is_empty();
            items.extend(data);
            if !has_more || is_empty {
                return Ok(items);
            }
        }
    }
}

fn get<'a>(path: &'a [&'a str]) -> Call<'a> {
    Call {
        path,
        ..Call::default()
    }
}

fn json(value: &impl Serialize) -> Result<serde_json::Value, ClientError> {
    let json = serde_json::to_value(value);
    json.map_err(|error| ClientError::Arguments(error.to_string()))
}
