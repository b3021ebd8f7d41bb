//! Checks of values that commands and requests set.

use std::collections::{BTreeMap, BTreeSet};

use super::AdministrationError;
use crate::allowances::{Allowance, UsageAllowance};
use crate::config::Truncate;
use crate::store::StoredChatOverrides;

/// The maximum length of a key's name.
const MAX_NAME: usize = 128;

/// The beginning of ids, which names must not have.
const ID_PREFIX: &str = "key_";

/// The maximum number of tags of a key, and the maximum length of their names and values.
const MAX_TAGS: usize = 16;
const MAX_TAG: usize = 128;

/// The maximum number of patterns and of budgets of an allowance.
const MAX_LIST: usize = 64;

type Checked = Result<(), AdministrationError>;

/// The name of a key.
pub(super) fn key_name(name: &str) -> Checked {
    let is_fit = (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
    match is_fit && !name.starts_with(ID_PREFIX) {
        true => Ok(()),
        false => Err(AdministrationError::invalid(
            "name",
            "not a valid name",
            format!("name a key with 1 to {MAX_NAME} characters that do not begin with `key_`"),
        )),
    }
}

/// The time at which a key expires.
pub(super) fn expires_at(expires_at: Option<i64>, now: i64) -> Checked {
    match expires_at {
        Some(end) if end <= now => Err(AdministrationError::invalid(
            "expires_at",
            "the time has passed",
            "write a date or a time in the future",
        )),
        _ => Ok(()),
    }
}

/// The tags of a key.
pub(super) fn tags(tags: &BTreeMap<String, String>) -> Checked {
    let fits = |text: &String| text.len() <= MAX_TAG && !text.chars().any(char::is_control);
    let is_fit = |(name, value)| fits(name) && !name.is_empty() && fits(value);
    match tags.len() <= MAX_TAGS && tags.iter().all(is_fit) {
        true => Ok(()),
        false => Err(AdministrationError::invalid(
            "tags",
            "not valid tags",
            format!("write at most {MAX_TAGS} tags with names and values of up to {MAX_TAG} bytes"),
        )),
    }
}

/// An allowance of `field`.
pub(super) fn allowance(field: &'static str, allowance: &Allowance) -> Checked {
    let Allowance {
        allowed_models,
        usage: all,
        models,
    } = allowance;
    let patterns = allowed_models.as_ref().map_or(0, Vec::len);
    let of_models = models.iter().map(|model| &model.usage);
    let counts = [patterns, models.len()].into_iter();
    let mut counts = counts.chain(
        of_models
            .clone()
            .chain([all])
            .map(|usage| usage.budgets.len()),
    );
    if !counts.all(|count| count <= MAX_LIST) {
        return Err(AdministrationError::invalid(
            field,
            "too many patterns or budgets",
            format!("write at most {MAX_LIST} of each"),
        ));
    }
    if of_models.chain([all]).any(blocks_everything) {
        return Err(AdministrationError::invalid(
            field,
            "a limit of 0",
            "write a whole number from 1, or revoke the keys",
        ));
    }
    Ok(())
}

fn blocks_everything(usage: &UsageAllowance) -> bool {
    usage.requests_per_minute == Some(0)
        || usage.tokens_per_minute == Some(0)
        || usage.max_concurrent_requests == Some(0)
}

/// Settings of chat requests. `guardrails` are those of the configuration.
pub(super) fn chat(chat: &StoredChatOverrides, guardrails: &BTreeSet<String>) -> Checked {
    if let Some(name) = &chat.guardrail
        && !guardrails.contains(name)
    {
        let problem = format!("`{name}` is not configured");
        let remedy = "write the name of a `[guardrails.NAME]` of the configuration";
        return Err(AdministrationError::invalid("guardrail", problem, remedy));
    }
    if let Some(word) = &chat.truncate
        && Truncate::parse(word).is_none()
    {
        let remedy = "write \"refuse\" or \"oldest\"";
        return Err(AdministrationError::invalid(
            "truncate",
            format!("`{word}`"),
            remedy,
        ));
    }
    if chat.max_tokens == Some(0) || chat.max_tokens_ceiling == Some(0) {
        let remedy = "write a whole number from 1";
        return Err(AdministrationError::invalid("max_tokens", "`0`", remedy));
    }
    Ok(())
}
