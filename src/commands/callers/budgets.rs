use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::table::Table;
use super::{CommandError, Output, TargetArguments, with_callers};
use crate::allowances::{Allowance, BudgetIncrease, BudgetPeriod, ModelPattern, Team, parse_usd};
use crate::commands::usage::dollars;
use crate::config::parse_instant;
use crate::identity::administration::{
    BudgetChange, BudgetFilter, BudgetHolder, BudgetSlot, BudgetView, KeySettings,
};
use crate::models::Usd;

/// `outcrop budgets`
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum BudgetsCommand {
    /// List budgets with what is left of them
    List {
        /// Only those of this team, its users and its keys
        #[arg(long, conflicts_with = "key")]
        team: Option<String>,
        /// Only those of this key, by id or name
        #[arg(long)]
        key: Option<String>,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Add a budget of a team, a user or a key, or change its amount
    Set {
        #[command(flatten)]
        holder: HolderArguments,
        #[command(flatten)]
        slot: SlotArguments,
        /// Amount in dollars
        #[arg(long, value_name = "AMOUNT", value_parser = parse_usd)]
        usd: Usd,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Remove a budget
    Remove {
        #[command(flatten)]
        holder: HolderArguments,
        #[command(flatten)]
        slot: SlotArguments,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Raise a budget until a date
    Increase {
        #[command(flatten)]
        holder: HolderArguments,
        #[command(flatten)]
        slot: SlotArguments,
        /// Amount in dollars that is added
        #[arg(
            long,
            value_name = "AMOUNT",
            value_parser = parse_usd,
            required_unless_present = "end",
            requires = "until"
        )]
        usd: Option<Usd>,
        /// When the increase ends: a date, which begins in UTC, or a time
        #[arg(
            long,
            value_name = "DATE",
            value_parser = parse_instant,
            required_unless_present = "end",
            requires = "usd"
        )]
        until: Option<SystemTime>,
        /// End an increase now
        #[arg(long, conflicts_with_all = ["usd", "until"])]
        end: bool,
        #[command(flatten)]
        target: TargetArguments,
    },
}

/// Whose a budget is.
#[derive(Debug, Args)]
pub(in crate::commands) struct HolderArguments {
    /// Budget of this team
    #[arg(long, value_name = "NAME", required_unless_present = "key")]
    team: Option<String>,
    /// Budget of each user of the team who has none
    #[arg(long, requires = "team", conflicts_with = "user")]
    each_user: bool,
    /// Budget of one user of the team
    #[arg(long, value_name = "NAME", requires = "team")]
    user: Option<String>,
    /// Budget of this key, by id or name
    #[arg(long, value_name = "KEY", conflicts_with_all = ["team", "each_user", "user"])]
    key: Option<String>,
}

/// Which budget it is.
#[derive(Debug, Args)]
pub(in crate::commands) struct SlotArguments {
    /// Period of the budget
    #[arg(
        long,
        value_name = "day|week|month|total",
        value_parser = super::allowance::period,
        default_value = "month"
    )]
    per: BudgetPeriod,
    /// Budget that only reports its thresholds and refuses nothing
    #[arg(long)]
    soft: bool,
    /// Budget for the models of this pattern, by name or id; `*` stands for any characters
    #[arg(long, alias = "for-models", value_name = "PATTERN", value_parser = ModelPattern::parse)]
    model: Option<ModelPattern>,
}

impl BudgetsCommand {
    /// Runs the command.
    pub(in crate::commands) async fn run(self) -> ExitCode {
        let (holder, slot, change, target) = match self {
            Self::List { team, key, target } => {
                return with_callers(target, async |callers| {
                    let filter = BudgetFilter {
                        team: team.as_deref(),
                        key: key.as_deref(),
                    };
                    let budgets = callers.budgets(filter).await?;
                    Ok(Output::new(table(&budgets), &budgets))
                })
                .await;
            }
            Self::Set {
                holder,
                slot,
                usd,
                target,
            } => (holder, slot, BudgetChange::Set(usd), target),
            Self::Remove {
                holder,
                slot,
                target,
            } => (holder, slot, BudgetChange::Remove, target),
            Self::Increase {
                holder,
                slot,
                usd,
                until,
                end: _,
                target,
            } => {
                let until = until.and_then(|until| Timestamp::try_from(until).ok());
                let increase = usd.zip(until);
                let increase = increase.map(|(usd, until)| BudgetIncrease { usd, until });
                (holder, slot, BudgetChange::Increase(increase), target)
            }
        };
        let slot = slot.parsed();
        let now = Timestamp::now();
        with_callers(target, async |callers| {
            let filter = match (&holder.key, &holder.team) {
                (Some(key), _) => {
                    let edit = |settings: &mut KeySettings| {
                        let changed = change.apply(&mut settings.allowance, &slot, now);
                        changed.map_err(CommandError::from)
                    };
                    callers.change_key(key, edit).await?;
                    BudgetFilter {
                        key: Some(key),
                        ..BudgetFilter::default()
                    }
                }
                (None, team) => {
                    let team = team.as_deref().unwrap_or_default();
                    let edit = |stored: &mut Team| {
                        let changed = change.apply(holder.allowance(stored), &slot, now);
                        // What is not limited by itself is limited as each user.
                        stored.users.retain(|_, own| *own != Allowance::default());
                        changed.map_err(CommandError::from)
                    };
                    callers.change_team(team, edit).await?;
                    BudgetFilter {
                        team: Some(team),
                        ..BudgetFilter::default()
                    }
                }
            };
            let budgets = callers.budgets(filter).await?;
            Ok(Output::new(table(&budgets), &budgets))
        })
        .await
    }
}

impl HolderArguments {
    fn allowance<'a>(&self, team: &'a mut Team) -> &'a mut Allowance {
        match (&self.user, self.each_user) {
            (Some(user), _) => team.users.entry(user.clone()).or_default(),
            (None, true) => &mut team.user,
            (None, false) => &mut team.allowance,
        }
    }
}

impl SlotArguments {
    fn parsed(self) -> BudgetSlot {
        let Self { per, soft, model } = self;
        BudgetSlot {
            models: model,
            per,
            hard: !soft,
        }
    }
}

fn table(budgets: &[BudgetView]) -> String {
    let mut table = Table::new([
        "BUDGET OF",
        "MODELS",
        "PER",
        "KIND",
        "LIMIT USD",
        "SPENT USD",
        "LEFT USD",
        "WINDOW ENDS",
        "SET BY",
    ]);
    let amount = |usd: Option<Usd>| {
        let usd = usd.map(|usd| dollars(usd.nanodollars()));
        usd.unwrap_or_else(|| "-".to_owned())
    };
    for budget in budgets {
        let increase = budget.increase.filter(|_| budget.limit_usd != budget.usd);
        let increase = increase.map(|increase| format!(" until {}", increase.until));
        table.add([
            words(&budget.holder),
            budget
                .models
                .as_ref()
                .map_or("*", ModelPattern::as_str)
                .to_owned(),
            budget.per.as_str().to_owned(),
            if budget.hard { "hard" } else { "soft" }.to_owned(),
            format!("{}{}", budget.limit_usd, increase.unwrap_or_default()),
            amount(budget.spent_usd),
            amount(budget.left_usd),
            budget.window_end.clone().unwrap_or_else(|| "-".to_owned()),
            budget.owner.as_str().to_owned(),
        ]);
    }
    table.to_string()
}

fn words(holder: &BudgetHolder) -> String {
    match holder {
        BudgetHolder::Organization => "organization".to_owned(),
        BudgetHolder::Team { team } => format!("team {team}"),
        BudgetHolder::EachUser { team } => format!("each user of {team}"),
        BudgetHolder::User { team, user } => format!("user {user} of {team}"),
        BudgetHolder::Key { key, key_name } if key == key_name => format!("key {key}"),
        BudgetHolder::Key { key, key_name } => format!("key {key_name} ({key})"),
    }
}
