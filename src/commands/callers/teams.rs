use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::allowance::{AllowanceArguments, describe};
use super::table::{Fields, Table};
use super::{Output, TargetArguments, with_callers};
use crate::allowances::{Allowance, Team};
use crate::identity::administration::TeamView;

/// `outcrop teams`
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum TeamsCommand {
    /// Create a team
    Create {
        /// Name of the team
        name: String,
        #[command(flatten)]
        allowance: AllowanceArguments,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// List all teams
    List {
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Show a team and its limits
    Show {
        /// Name of the team
        name: String,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Change limits of a team, or of its users
    Update {
        /// Name of the team
        name: String,
        #[command(flatten)]
        whose: UserArguments,
        #[command(flatten)]
        allowance: AllowanceArguments,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Delete a team that has no active keys
    Delete {
        /// Name of the team
        name: String,
        #[command(flatten)]
        target: TargetArguments,
    },
}

/// Whose limits in a team are changed, instead of its own.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(in crate::commands) struct UserArguments {
    /// Change the limits of each user of the team
    #[arg(long)]
    each_user: bool,
    /// Change the limits of one user, which precede those of each user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl TeamsCommand {
    /// Runs the command.
    pub(in crate::commands) async fn run(self) -> ExitCode {
        match self {
            Self::Create {
                name,
                allowance,
                target,
            } => {
                with_callers(target, async |teams| {
                    let mut team = Team::default();
                    allowance.apply(&mut team.allowance);
                    let view = teams.create_team(&name, team).await?;
                    Ok(Output::new(format!("team `{name}` is created\n"), &view))
                })
                .await
            }
            Self::List { target } => {
                with_callers(target, async |teams| {
                    let teams = teams.teams().await?;
                    Ok(Output::new(table(&teams), &teams))
                })
                .await
            }
            Self::Show { name, target } => {
                with_callers(target, async |teams| {
                    let team = teams.team(&name).await?;
                    Ok(Output::new(fields(&team), &team))
                })
                .await
            }
            Self::Update {
                name,
                whose,
                allowance,
                target,
            } => {
                with_callers(target, async |teams| {
                    let change = |team: &mut Team| {
                        whose.change(team, &allowance);
                        Ok(())
                    };
                    let team = teams.change_team(&name, change).await?;
                    Ok(Output::new(fields(&team), &team))
                })
                .await
            }
            Self::Delete { name, target } => {
                with_callers(target, async |teams| {
                    teams.delete_team(&name).await?;
                    let json = json!({"name": name, "deleted": true});
                    Ok(Output::new(format!("team `{name}` is deleted\n"), &json))
                })
                .await
            }
        }
    }
}

impl UserArguments {
    fn change(&self, team: &mut Team, arguments: &AllowanceArguments) {
        let allowance = match (&self.user, self.each_user) {
            (Some(user), _) => team.users.entry(user.clone()).or_default(),
            (None, true) => &mut team.user,
            (None, false) => &mut team.allowance,
        };
        arguments.apply(allowance);
        // What is not limited by itself is limited as each user.
        team.users.retain(|_, own| *own != Allowance::default());
    }
}

fn table(teams: &[TeamView]) -> String {
    let mut table = Table::new(["TEAM", "RPM", "TPM", "CONCURRENT", "BUDGET", "SET BY"]);
    for team in teams {
        let usage = &team.team.allowance.usage;
        let number = |limit: Option<u64>| limit.map_or("-".to_owned(), |limit| limit.to_string());
        let budgets = usage.budgets.iter();
        let budgets: Vec<String> = budgets
            .map(|budget| format!("${}/{}", budget.usd, budget.per.as_str()))
            .collect();
        table.add([
            team.name.clone(),
            number(usage.requests_per_minute.map(u64::from)),
            number(usage.tokens_per_minute),
            number(usage.max_concurrent_requests.map(u64::from)),
            match budgets.is_empty() {
                true => "-".to_owned(),
                false => budgets.join(" "),
            },
            team.owner.as_str().to_owned(),
        ]);
    }
    table.to_string()
}

fn fields(team: &TeamView) -> String {
    let mut fields = Fields::default();
    fields.add("team", &team.name);
    fields.add("set by", team.owner.as_str());
    fields.add_some("created", team.created_at.as_deref());
    describe(&mut fields, "", &team.team.allowance);
    describe(&mut fields, "each user: ", &team.team.user);
    for (user, allowance) in &team.team.users {
        describe(&mut fields, &format!("{user}: "), allowance);
    }
    fields.to_string()
}
