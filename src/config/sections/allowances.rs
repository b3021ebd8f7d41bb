use std::collections::BTreeMap;
use std::time::SystemTime;

use toml::{Table, Value};

use crate::allowances::{
    Allowance, Budget, BudgetIncrease, BudgetPeriod, KeyGrant, ModelAllowance, ModelPattern, Team,
    UsageAllowance, check_team_name, check_user_name, parse_usd,
};
use crate::config::instant::parse_instant;
use crate::config::reader::Section;

/// The largest rate and number of concurrent requests.
const MAX_RATE: i128 = 1_000_000_000;

/// The keys that `[organization]`, `[teams.NAME]` and `[keys.NAME]` have in common.
pub(crate) fn read_allowance(section: &mut Section<'_>) -> Allowance {
    let mut allowed_models = Vec::new();
    let is_limited = section.has("allowed_models");
    section.list("allowed_models", &mut allowed_models, read_pattern);
    let usage = read_usage(section);
    let mut models = Vec::new();
    section.named_sections("models", |name, section| {
        let usage = read_usage(section);
        match ModelPattern::parse(name) {
            Ok(pattern) => models.push(ModelAllowance { pattern, usage }),
            Err(remedy) => section.misnamed(&remedy),
        }
    });
    Allowance {
        allowed_models: is_limited.then_some(allowed_models),
        usage,
        models,
    }
}

/// `[teams]`: the teams of the file.
pub(crate) fn read_teams(section: &mut Section<'_>) -> BTreeMap<String, Team> {
    let mut teams = BTreeMap::new();
    section.each_section(|name, section| {
        if let Err(remedy) = check_team_name(name) {
            section.misnamed(&remedy);
        }
        let mut team = Team {
            allowance: read_allowance(section),
            ..Team::default()
        };
        let mut user = section.section("user");
        team.user = read_allowance(&mut user);
        user.finish();
        section.named_sections("users", |user, section| {
            if let Err(remedy) = check_user_name(user) {
                section.misnamed(&remedy);
            }
            team.users.insert(user.to_owned(), read_allowance(section));
        });
        teams.insert(name.to_owned(), team);
    });
    teams
}

/// Whose a key is, and what it may use, from its section.
pub(crate) fn read_grant(section: &mut Section<'_>) -> KeyGrant {
    let mut grant = KeyGrant::default();
    let checked = |check: fn(&str) -> Result<(), String>| {
        move |text: &str| check(text).map(|()| Some(text.to_owned()))
    };
    section.text("team", &mut grant.team, checked(check_team_name));
    section.text("user", &mut grant.user, checked(check_user_name));
    section.value("tags", &mut grant.tags, read_tags);
    section.value("expires", &mut grant.expires_at, read_expiry);
    grant.allowance = read_allowance(section);
    grant
}

fn read_usage(section: &mut Section<'_>) -> UsageAllowance {
    let mut usage = UsageAllowance::default();
    section.optional_integer(
        "requests_per_minute",
        &mut usage.requests_per_minute,
        1..=MAX_RATE,
    );
    section.optional_integer(
        "tokens_per_minute",
        &mut usage.tokens_per_minute,
        1..=MAX_RATE,
    );
    section.optional_integer(
        "max_concurrent_requests",
        &mut usage.max_concurrent_requests,
        1..=MAX_RATE,
    );
    section.list("budgets", &mut usage.budgets, read_budget);
    usage
}

fn read_pattern(value: &Value) -> Result<ModelPattern, String> {
    let text = value.as_str().ok_or("write it as a string in quotes")?;
    ModelPattern::parse(text)
}

fn read_budget(value: &Value) -> Result<Budget, String> {
    let remedy = || {
        "write it as `{ usd = \"500\", per = \"month\" }`, per \"day\", \"week\", \"month\" or \
         \"total\", and with `hard = false` for a budget that refuses nothing"
            .to_owned()
    };
    let table = value.as_table().ok_or_else(remedy)?;
    let is_known = |key: &String| matches!(key.as_str(), "usd" | "per" | "hard" | "increase");
    if !table.keys().all(is_known) {
        return Err(remedy());
    }
    let per = table.get("per").and_then(Value::as_str);
    Ok(Budget {
        usd: match table.get("usd") {
            Some(Value::String(text)) => parse_usd(text)?,
            Some(Value::Integer(dollars)) => parse_usd(&dollars.to_string())?,
            // A binary fraction would not be exact.
            Some(Value::Float(dollars)) => {
                return Err(format!("write the amount in quotes, \"{dollars}\""));
            }
            _ => return Err(remedy()),
        },
        per: per.and_then(BudgetPeriod::parse).ok_or_else(remedy)?,
        hard: match table.get("hard") {
            None => true,
            Some(value) => value.as_bool().ok_or_else(remedy)?,
        },
        increase: table.get("increase").map(read_increase).transpose()?,
    })
}

fn read_increase(value: &Value) -> Result<BudgetIncrease, String> {
    let remedy = || {
        "write an increase as `{ usd = \"500\", until = \"2027-01-01\" }`, until a date, which is \
         its beginning in UTC, or a time such as \"2027-01-31T18:00:00+01:00\""
            .to_owned()
    };
    let table = value.as_table().ok_or_else(remedy)?;
    let (Some(usd), Some(until), 2) = (table.get("usd"), table.get("until"), table.len()) else {
        return Err(remedy());
    };
    let usd = usd.as_str().ok_or_else(remedy)?;
    let until = read_expiry(until)?.ok_or_else(remedy)?;
    Ok(BudgetIncrease {
        usd: parse_usd(usd)?,
        until: until.try_into().map_err(|_| remedy())?,
    })
}

/// The maximum number of tags of a key, and the maximum length of their names and values.
const MAX_TAGS: usize = 16;
const MAX_TAG: usize = 128;

fn read_tags(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let remedy = || {
        format!(
            "write at most {MAX_TAGS} texts of at most {MAX_TAG} characters, such as \
             `{{ project = \"search\" }}`"
        )
    };
    let table: &Table = value.as_table().ok_or_else(remedy)?;
    let tag = |(name, value): (&String, &Value)| {
        let value = value.as_str()?;
        let fits = |text: &str| text.len() <= MAX_TAG && !text.chars().any(char::is_control);
        (fits(name) && fits(value)).then(|| (name.clone(), value.to_owned()))
    };
    match table.len() <= MAX_TAGS {
        true => table
            .iter()
            .map(tag)
            .collect::<Option<_>>()
            .ok_or_else(remedy),
        false => Err(remedy()),
    }
}

fn read_expiry(value: &Value) -> Result<Option<SystemTime>, String> {
    match value {
        Value::String(text) => parse_instant(text).map(Some),
        Value::Datetime(time) => parse_instant(&time.to_string()).map(Some),
        other => parse_instant(&other.to_string()).map(Some),
    }
}
