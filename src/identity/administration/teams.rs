use super::checks;
use super::error::Subject::Team as TEAM;
use super::{Administration, AdministrationError, TeamView};
use crate::allowances::{Team, check_team_name, check_user_name};
use crate::store::{StoredTeam, TeamRemoval};

/// Teams that are read at a time.
const PAGE: u32 = 500;

impl Administration {
    /// Creates a team.
    pub async fn create_team(
        &self,
        name: &str,
        team: Team,
        now: i64,
    ) -> Result<TeamView, AdministrationError> {
        check_team_name(name)
            .map_err(|remedy| AdministrationError::invalid("name", format!("`{name}`"), remedy))?;
        self.require_stored_team(name)?;
        check_team(&team)?;
        let stored = StoredTeam {
            name: name.to_owned(),
            team,
            created_at: now,
        };
        match self.store.add_team(&stored).await? {
            true => Ok(stored.into()),
            false => Err(AdministrationError::NameInUse(TEAM, name.to_owned())),
        }
    }

    /// All teams by name, those of the configuration included.
    pub async fn teams(&self) -> Result<Vec<TeamView>, AdministrationError> {
        let mut teams: Vec<TeamView> = Vec::new();
        loop {
            let after = teams.last().map(|team| team.name.clone());
            let page = self.team_page(after.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            teams.extend(page);
            if is_last {
                return Ok(teams);
            }
        }
    }

    /// At most `limit` teams by name, those after the team `after` if there is one.
    pub async fn team_page(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TeamView>, AdministrationError> {
        let configured = self.teams.iter();
        let configured =
            configured.filter(|(name, _)| after.is_none_or(|after| name.as_str() > after));
        let configured = configured.map(|(name, team)| TeamView::of_configuration(name, team));
        let mut teams: Vec<TeamView> = configured.collect();
        // Reading does not create the file.
        if self.store.exists() {
            let page = self.store.teams(after, limit).await?.into_iter();
            // What the configuration names, it owns.
            let stored = page.filter(|team| !self.teams.contains_key(&team.name));
            teams.extend(stored.map(TeamView::from));
        }
        teams.sort_by(|one, other| one.name.cmp(&other.name));
        teams.truncate(limit as usize);
        Ok(teams)
    }

    /// Finds a team.
    pub async fn team(&self, name: &str) -> Result<TeamView, AdministrationError> {
        if let Some(team) = self.teams.get(name) {
            return Ok(TeamView::of_configuration(name, team));
        }
        match self.store.exists() {
            true => self.store.team(name).await?.map(TeamView::from),
            false => None,
        }
        .ok_or_else(|| not_found(name))
    }

    /// Changes what a team and its users may use; returns the team before and after. The error of
    /// `change` leaves it as it is.
    pub async fn change_team<E: From<AdministrationError>>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Team) -> Result<(), E>,
    ) -> Result<(TeamView, TeamView), E> {
        self.require_stored_team(name)?;
        let changed = self.store.change_team(name, |stored| {
            change(&mut stored.team)?;
            Ok::<_, E>(check_team(&stored.team)?)
        });
        let changed = changed.await.map_err(AdministrationError::from)?;
        let (before, after) = changed.ok_or_else(|| not_found(name))??;
        Ok((before.into(), after.into()))
    }

    /// Deletes a team that has no keys which can be used; returns what it was.
    pub async fn delete_team(&self, name: &str, now: i64) -> Result<TeamView, AdministrationError> {
        self.require_stored_team(name)?;
        let team = self.team(name).await?;
        match self.store.remove_team(name, now).await? {
            TeamRemoval::Removed => Ok(team),
            TeamRemoval::NotFound => Err(not_found(name)),
            TeamRemoval::HasKeys(count) => Err(AdministrationError::Conflict(format!(
                "team `{name}` has {count} active keys; revoke those that `outcrop keys list --team \
                 {name}` shows first"
            ))),
        }
    }

    fn require_stored_team(&self, name: &str) -> Result<(), AdministrationError> {
        match self.teams.contains_key(name) {
            true => Err(AdministrationError::OwnedByFile(TEAM, name.to_owned())),
            false => Ok(()),
        }
    }
}

fn check_team(team: &Team) -> Result<(), AdministrationError> {
    checks::allowance("team", &team.allowance)?;
    checks::allowance("user", &team.user)?;
    for (user, allowance) in &team.users {
        check_user_name(user)
            .map_err(|remedy| AdministrationError::invalid("users", "not a valid name", remedy))?;
        checks::allowance("users", allowance)?;
    }
    Ok(())
}

fn not_found(name: &str) -> AdministrationError {
    AdministrationError::NotFound(TEAM, name.to_owned())
}
