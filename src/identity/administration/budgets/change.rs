//! Changes to single budgets.

use jiff::Timestamp;

use crate::allowances::{Allowance, Budget, BudgetIncrease, BudgetPeriod, ModelPattern};
use crate::identity::administration::AdministrationError;
use crate::models::Usd;

/// Which budget of a level is changed. There is one of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSlot {
    /// The models; `None` for all.
    pub models: Option<ModelPattern>,
    /// The period.
    pub per: BudgetPeriod,
    /// Whether requests beyond it are refused.
    pub hard: bool,
}

/// A change to one budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetChange {
    /// Its amount. A budget that did not exist is added; a temporary increase stays.
    Set(Usd),
    /// It is removed.
    Remove,
    /// A temporary increase, which replaces another; `None` to end it.
    Increase(Option<BudgetIncrease>),
}

impl BudgetChange {
    /// Changes the budget `slot` of `allowance`. An error leaves it as it is.
    pub fn apply(
        &self,
        allowance: &mut Allowance,
        slot: &BudgetSlot,
        now: Timestamp,
    ) -> Result<(), AdministrationError> {
        if let Self::Increase(Some(increase)) = self
            && increase.until <= now
        {
            return Err(AdministrationError::invalid(
                "until",
                "the time has passed",
                "write a date or a time in the future",
            ));
        }
        let mut result = Ok(());
        allowance.change_usage(slot.models.as_ref(), |usage| {
            result = self.apply_to(&mut usage.budgets, slot);
        });
        result
    }

    fn apply_to(
        &self,
        budgets: &mut Vec<Budget>,
        slot: &BudgetSlot,
    ) -> Result<(), AdministrationError> {
        let own = budgets.iter_mut().find(|budget| slot.is(budget));
        match (self, own) {
            (Self::Set(usd), Some(budget)) => budget.usd = *usd,
            (Self::Set(usd), None) => {
                budgets.push(Budget {
                    usd: *usd,
                    per: slot.per,
                    hard: slot.hard,
                    increase: None,
                });
                budgets.sort_by_key(|budget| (budget.per, !budget.hard));
            }
            (Self::Increase(increase), Some(budget)) => budget.increase = *increase,
            (Self::Remove, Some(_)) => budgets.retain(|budget| !slot.is(budget)),
            (Self::Remove | Self::Increase(_), None) => return Err(slot.not_found()),
        }
        Ok(())
    }
}

impl BudgetSlot {
    fn is(&self, budget: &Budget) -> bool {
        (budget.per, budget.hard) == (self.per, self.hard)
    }

    fn not_found(&self) -> AdministrationError {
        let kind = if self.hard { "hard" } else { "soft" };
        let models = match &self.models {
            Some(pattern) => format!(" for models `{pattern}`"),
            None => String::new(),
        };
        AdministrationError::Conflict(format!(
            "there is no {kind} budget per {}{models}; `outcrop budgets list` shows all",
            self.per.as_str()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allowances::parse_usd;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn slot(per: BudgetPeriod, hard: bool) -> BudgetSlot {
        BudgetSlot {
            models: None,
            per,
            hard,
        }
    }

    fn set(usd: &str) -> BudgetChange {
        BudgetChange::Set(parse_usd(usd).expect("an amount"))
    }

    fn json(allowance: &Allowance) -> String {
        serde_json::to_string(allowance).expect("JSON")
    }

    #[test]
    fn each_period_and_kind_is_a_budget_of_its_own() {
        let mut allowance = Allowance::default();
        for (change, per, hard) in [
            (set("500"), BudgetPeriod::Month, true),
            (set("400"), BudgetPeriod::Month, false),
            (set("20"), BudgetPeriod::Day, true),
            (set("600"), BudgetPeriod::Month, true),
        ] {
            let changed = change.apply(&mut allowance, &slot(per, hard), NOW);
            changed.expect("a change");
        }
        assert_eq!(
            json(&allowance),
            r#"{"budgets":[{"usd":"20","per":"day","hard":true},{"usd":"600","per":"month","hard":true},{"usd":"400","per":"month","hard":false}]}"#
        );
        let month = slot(BudgetPeriod::Month, true);
        let removed = BudgetChange::Remove.apply(&mut allowance, &month, NOW);
        removed.expect("a change");
        let error = BudgetChange::Remove
            .apply(&mut allowance, &month, NOW)
            .expect_err("there is none");
        assert!(
            error.to_string().contains("no hard budget per month"),
            "{error}"
        );
        assert_eq!(allowance.usage.budgets.len(), 2);
    }

    #[test]
    fn models_have_budgets_of_their_own_and_leave_no_trace() {
        let of_models = BudgetSlot {
            models: Some(ModelPattern::parse("*opus*").expect("a pattern")),
            ..slot(BudgetPeriod::Week, true)
        };
        let mut allowance = Allowance::default();
        let changed = set("5").apply(&mut allowance, &of_models, NOW);
        changed.expect("a change");
        assert_eq!(
            json(&allowance),
            r#"{"models":[{"pattern":"*opus*","budgets":[{"usd":"5","per":"week","hard":true}]}]}"#
        );
        let removed = BudgetChange::Remove.apply(&mut allowance, &of_models, NOW);
        removed.expect("a change");
        assert_eq!(allowance, Allowance::default());
        // A change that fails leaves no trace, either.
        let failed = BudgetChange::Increase(None).apply(&mut allowance, &of_models, NOW);
        failed.expect_err("there is none");
        assert_eq!(allowance, Allowance::default());
    }

    #[test]
    fn an_increase_is_added_stays_with_the_amount_and_ends() {
        let month = slot(BudgetPeriod::Month, true);
        let mut allowance = Allowance::default();
        let until = |seconds| {
            let usd = parse_usd("100").expect("an amount");
            let until = Timestamp::from_second(seconds).expect("a time");
            BudgetChange::Increase(Some(BudgetIncrease { usd, until }))
        };
        for change in [set("500"), until(10), set("600")] {
            let changed = change.apply(&mut allowance, &month, NOW);
            changed.expect("a change");
        }
        let limit = |allowance: &Allowance, unix_ms| {
            let budget = allowance.usage.budgets.first().expect("a budget");
            budget.limit_at(unix_ms).to_string()
        };
        assert_eq!(limit(&allowance, 9_999), "700");
        assert_eq!(limit(&allowance, 10_000), "600");
        let error = until(0).apply(&mut allowance, &month, NOW);
        let error = error.expect_err("it has ended").to_string();
        assert!(error.contains("in the future"), "{error}");
        let ended = BudgetChange::Increase(None).apply(&mut allowance, &month, NOW);
        ended.expect("a change");
        assert_eq!(limit(&allowance, 9_999), "600");
    }
}
