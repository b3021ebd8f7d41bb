use std::str::FromStr;

use clap::Args;

use super::table::Fields;
use crate::allowances::{Allowance, Budget, BudgetPeriod, ModelPattern, UsageAllowance, parse_usd};
use crate::models::Usd;

/// The word that removes a limit.
const NONE: &str = "none";

/// The limits that commands set.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits; `none` removes one")]
pub(in crate::commands) struct AllowanceArguments {
    /// Models that may be called, by name or id; `*` stands for any characters
    #[arg(long, value_name = "PATTERN,...", value_delimiter = ',', value_parser = pattern)]
    models: Vec<Limit<ModelPattern>>,
    /// Set the following limits for the models of this pattern, besides those for all models
    #[arg(long, value_name = "PATTERN", value_parser = ModelPattern::parse, conflicts_with = "models")]
    for_models: Option<ModelPattern>,
    /// Requests per minute
    #[arg(long, value_name = "N", value_parser = number::<u32>)]
    rpm: Option<Limit<u32>>,
    /// Tokens per minute, input and output together
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    tpm: Option<Limit<u64>>,
    /// Concurrent requests
    #[arg(long, value_name = "N", value_parser = number::<u32>)]
    max_concurrent: Option<Limit<u32>>,
    /// Budget in dollars
    #[arg(long, value_name = "AMOUNT", value_parser = dollars)]
    budget_usd: Option<Limit<Usd>>,
    /// Period of the budget
    #[arg(
        long,
        value_name = "day|week|month|total",
        value_parser = period,
        default_value = "month",
        requires = "budget_usd"
    )]
    budget_per: BudgetPeriod,
    /// Only report the budget's thresholds; refuse nothing
    #[arg(long, requires = "budget_usd")]
    budget_soft: bool,
}

/// A limit, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) struct Limit<T>(Option<T>);

impl AllowanceArguments {
    /// Sets the limits that were given.
    pub(super) fn apply(&self, allowance: &mut Allowance) {
        let Self {
            models,
            for_models,
            rpm,
            tpm,
            max_concurrent,
            budget_usd,
            budget_per,
            budget_soft,
        } = self;
        if !models.is_empty() {
            let patterns = models.iter().map(|Limit(pattern)| pattern.clone());
            allowance.allowed_models = patterns.collect();
        }
        allowance.change_usage(for_models.as_ref(), |usage| {
            if let Some(Limit(rpm)) = rpm {
                usage.requests_per_minute = *rpm;
            }
            if let Some(Limit(tpm)) = tpm {
                usage.tokens_per_minute = *tpm;
            }
            if let Some(Limit(max_concurrent)) = max_concurrent {
                usage.max_concurrent_requests = *max_concurrent;
            }
            if let Some(Limit(usd)) = budget_usd {
                let budget = usd.map(|usd| Budget {
                    usd,
                    per: *budget_per,
                    hard: !budget_soft,
                    increase: None,
                });
                usage.budgets = budget.into_iter().collect();
            }
        });
    }
}

/// Adds the limits of an allowance, one line each.
pub(super) fn describe(fields: &mut Fields, prefix: &str, allowance: &Allowance) {
    let Allowance {
        allowed_models,
        usage,
        models,
    } = allowance;
    if let Some(patterns) = allowed_models {
        let patterns: Vec<&str> = patterns.iter().map(ModelPattern::as_str).collect();
        fields.add(format!("{prefix}models"), patterns.join(", "));
    }
    describe_usage(fields, prefix, usage);
    for model in models {
        let prefix = format!("{prefix}{} ", model.pattern);
        describe_usage(fields, &prefix, &model.usage);
    }
}

fn describe_usage(fields: &mut Fields, prefix: &str, usage: &UsageAllowance) {
    let UsageAllowance {
        requests_per_minute,
        tokens_per_minute,
        max_concurrent_requests,
        budgets,
    } = usage;
    let limits = [
        ("requests per minute", requests_per_minute.map(u64::from)),
        ("tokens per minute", *tokens_per_minute),
        (
            "concurrent requests",
            max_concurrent_requests.map(u64::from),
        ),
    ];
    for (name, limit) in limits {
        if let Some(limit) = limit {
            fields.add(format!("{prefix}{name}"), limit.to_string());
        }
    }
    for budget in budgets {
        let per = match budget.per {
            BudgetPeriod::Total => "in total".to_owned(),
            period => format!("per {}", period.as_str()),
        };
        let soft = if budget.hard { "" } else { ", reported only" };
        let increase = budget.increase;
        let increase =
            increase.map(|increase| format!(", ${} more until {}", increase.usd, increase.until));
        fields.add(
            format!("{prefix}budget"),
            format!(
                "${} {per}{soft}{}",
                budget.usd,
                increase.unwrap_or_default()
            ),
        );
    }
}

fn pattern(text: &str) -> Result<Limit<ModelPattern>, String> {
    limit(text, ModelPattern::parse)
}

fn dollars(text: &str) -> Result<Limit<Usd>, String> {
    limit(text, parse_usd)
}

fn number<T: FromStr + PartialOrd + From<u8>>(text: &str) -> Result<Limit<T>, String> {
    limit(text, |text| {
        let number = text.parse().ok().filter(|number| *number >= T::from(1));
        number.ok_or_else(|| format!("write a whole number from 1, or `{NONE}`"))
    })
}

pub(super) fn period(text: &str) -> Result<BudgetPeriod, String> {
    BudgetPeriod::parse(text).ok_or_else(|| "write day, week, month or total".to_owned())
}

fn limit<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Limit<T>, String> {
    match text {
        NONE => Ok(Limit(None)),
        text => parse(text).map(|value| Limit(Some(value))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        allowance: AllowanceArguments,
    }

    fn applied(words: &[&str], allowance: &mut Allowance) -> Result<(), String> {
        let words = ["outcrop"].iter().chain(words);
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.allowance.apply(allowance);
        Ok(())
    }

    #[test]
    fn flags_set_change_and_remove_limits() {
        let mut allowance = Allowance::default();
        let set = [
            "--models",
            "gpt-*,*nova*",
            "--rpm",
            "60",
            "--tpm",
            "1000",
            "--max-concurrent",
            "3",
            "--budget-usd",
            "12.50",
            "--budget-per",
            "month",
            "--budget-soft",
        ];
        assert_eq!(applied(&set, &mut allowance), Ok(()));
        let json = serde_json::to_string(&allowance).expect("JSON");
        assert_eq!(
            json,
            r#"{"allowed_models":["gpt-*","*nova*"],"requests_per_minute":60,"tokens_per_minute":1000,"max_concurrent_requests":3,"budgets":[{"usd":"12.5","per":"month","hard":false}]}"#
        );
        let change = ["--rpm", "5", "--budget-usd", "7"];
        assert_eq!(applied(&change, &mut allowance), Ok(()));
        let budgets = &allowance.usage.budgets;
        let budgets: Vec<_> = budgets
            .iter()
            .map(|budget| (budget.per, budget.hard))
            .collect();
        assert_eq!(budgets, [(BudgetPeriod::Month, true)]);
        assert_eq!(allowance.usage.requests_per_minute, Some(5));
        assert_eq!(allowance.usage.tokens_per_minute, Some(1000));
        let unset = [
            "--models",
            "none",
            "--rpm",
            "none",
            "--tpm",
            "none",
            "--max-concurrent",
            "none",
            "--budget-usd",
            "none",
        ];
        assert_eq!(applied(&unset, &mut allowance), Ok(()));
        assert_eq!(allowance, Allowance::default());
    }

    #[test]
    fn wrong_limits_are_refused_with_the_remedy() {
        for (words, remedy) in [
            (
                &["--rpm", "0"][..],
                "write a whole number from 1, or `none`",
            ),
            (&["--tpm", "many"], "write a whole number from 1, or `none`"),
            (&["--models", "a b"], "visible ASCII characters"),
            (
                &["--budget-usd", "1e3", "--budget-per", "day"],
                "write an amount in dollars",
            ),
            (
                &["--budget-usd", "5", "--budget-per", "year"],
                "write day, week, month or total",
            ),
            (&["--budget-per", "day"], "--budget-usd"),
        ] {
            let error = applied(words, &mut Allowance::default()).expect_err("an error");
            assert!(error.contains(remedy), "{words:?}: {error}");
        }
    }
}
