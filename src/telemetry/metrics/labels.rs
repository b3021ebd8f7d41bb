//! The labels of requests. Their values come from closed sets: clients can write any model name, and
//! each new value of a label is a series that Prometheus keeps.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

use crate::usage::{Target, UsageRecord};

/// The maximum number of models with series of their own.
const MAX_MODELS: usize = 500;

/// The maximum number of combinations of a team and a model. Further teams of a model are `other`.
const MAX_COMBINATIONS: usize = 2_000;

/// The value of requests that name no model, or whose caller has no team.
const NONE: &str = "none";

/// The value beyond the maximum, and for models that Bedrock has not accepted.
const OTHER: &str = "other";

/// The model of requests that a guardrail checks.
const GUARDRAIL: &str = "guardrail";

/// A value of a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct LabelValue(Arc<str>);

/// The model and the team of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) model: LabelValue,
    pub(super) team: LabelValue,
}

/// The models and teams with series of their own.
pub(super) struct KnownLabels {
    /// Whether a name is an alias of the configuration, which a reload changes.
    is_alias: Box<dyn Fn(&str) -> bool + Send + Sync>,
    known: RwLock<Combinations>,
}

#[derive(Debug, Default)]
struct Combinations {
    teams: HashMap<LabelValue, HashSet<LabelValue>>,
    count: usize,
}

impl KnownLabels {
    pub(super) fn new(is_alias: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self {
            is_alias: Box::new(is_alias),
            known: RwLock::default(),
        }
    }

    /// The labels of a request.
    pub(super) fn of(&self, record: &UsageRecord) -> Subject {
        let team = record
            .caller
            .as_ref()
            .and_then(|caller| caller.team.as_deref());
        let team = team.unwrap_or(NONE);
        let model = match (&record.target, record.model.as_deref()) {
            (_, Some(name)) if (self.is_alias)(name) => name,
            (Some(Target::Guardrail(_)), _) => GUARDRAIL,
            // Every id that has the form of one is called; it is a model if Bedrock accepts it.
            (Some(target @ Target::Model { .. }), _) if succeeded(record) => target.id(),
            (Some(target @ Target::Model { .. }), _) => self.if_known(target.id()),
            (None, Some(_)) => OTHER,
            (None, None) => NONE,
        };
        let known = self.known.read().find(model, team);
        known.unwrap_or_else(|| self.known.write().add(model, team))
    }

    /// The model `id` if it is known.
    fn if_known<'a>(&self, id: &'a str) -> &'a str {
        match self.known.read().teams.contains_key(id) {
            true => id,
            false => OTHER,
        }
    }
}

impl fmt::Debug for KnownLabels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.read();
        write!(formatter, "KnownLabels({} combinations)", known.count)
    }
}

fn succeeded(record: &UsageRecord) -> bool {
    matches!(record.status, Some(200..300))
}

impl Combinations {
    fn find(&self, model: &str, team: &str) -> Option<Subject> {
        let (model, teams) = self.teams.get_key_value(model)?;
        let team = teams.get(team)?;
        Some(Subject {
            model: model.clone(),
            team: team.clone(),
        })
    }

    /// Adds a combination, or returns one of `other`.
    fn add(&mut self, model: &str, team: &str) -> Subject {
        let is_full = self.count >= MAX_COMBINATIONS;
        let model = match self.teams.contains_key(model) || self.teams.len() < MAX_MODELS {
            true => model,
            false => OTHER,
        };
        let has_team = |teams: &HashSet<LabelValue>| teams.contains(team);
        let team = match is_full && !self.teams.get(model).is_some_and(has_team) {
            true => OTHER,
            false => team,
        };
        if let Some(found) = self.find(model, team) {
            return found;
        }
        let (model, team) = (LabelValue(model.into()), LabelValue(team.into()));
        self.teams
            .entry(model.clone())
            .or_default()
            .insert(team.clone());
        self.count += 1;
        Subject { model, team }
    }
}

impl std::borrow::Borrow<str> for LabelValue {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl EncodeLabelValue for LabelValue {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        EncodeLabelValue::encode(&&*self.0, encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(Subject { model, team }: Subject) -> (String, String) {
        (model.0.to_string(), team.0.to_string())
    }

    #[test]
    fn combinations_beyond_the_maximum_are_other() {
        let mut known = Combinations::default();
        for model in 0..MAX_MODELS - 1 {
            known.add(&format!("model-{model}"), NONE);
        }
        for team in 0..MAX_COMBINATIONS {
            known.add("model-0", &format!("team-{team}"));
        }
        let other = |model: &str, team: &str| (model.to_owned(), team.to_owned());
        assert_eq!(words(known.add("model-0", "late")), other("model-0", OTHER));
        assert_eq!(words(known.add("model-1", "late")), other("model-1", OTHER));
        assert_eq!(words(known.add("model-1", NONE)), other("model-1", NONE));
        assert_eq!(
            words(known.add("late-model", "late")),
            other("late-model", OTHER)
        );
        assert_eq!(words(known.add("later-model", "late")), other(OTHER, OTHER));
        // Each model may have the team `other` besides.
        assert!(
            known.count <= MAX_COMBINATIONS + MAX_MODELS + 1,
            "{}",
            known.count
        );
    }
}
