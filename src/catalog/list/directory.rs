//! The callable names: the profile for a foundation model id, and suggestions for unknown names.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;
use strsim::normalized_damerau_levenshtein;

use super::listing::Listing;
use crate::bedrock::{FoundationModel, ListedKind, ListedModel};
use crate::models::ModelId;

/// The maximum length of a name that is compared: comparing takes quadratic time.
const MAX_COMPARED: usize = 128;

/// The callable names. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    entries: Arc<RwLock<Arc<DirectoryEntries>>>,
}

#[derive(Debug, Default)]
struct DirectoryEntries {
    /// Model names without ARNs; of several names of one model, the best is last.
    names: Vec<String>,
    /// Listed foundation models that cannot be called by their own ids.
    profile_only: HashSet<String>,
    /// The system-defined profile of each foundation model.
    profiles: HashMap<String, ModelId>,
}

impl Directory {
    /// Replaces the entries.
    pub(super) fn replace<'a>(&self, names: impl Iterator<Item = &'a str>, listing: &Listing) {
        let names = names.filter(|name| !name.starts_with("arn:"));
        let profile_only = listing.foundation.iter();
        let profile_only = profile_only.filter(|model| !model.is_on_demand());
        let profiles = profiles(listing);
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort_by_cached_key(|name| (rank(name, &profiles), Reverse(name.clone())));
        let entries = DirectoryEntries {
            names,
            profile_only: profile_only.map(|model| model.model_id.clone()).collect(),
            profiles,
        };
        *self.entries.write() = Arc::new(entries);
    }

    /// Replaces the entries with lists loaded without the catalog.
    pub fn fill<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
        foundation: Vec<FoundationModel>,
        profiles: Vec<ListedModel>,
    ) {
        let listing = Listing {
            foundation,
            others: [(ListedKind::SystemProfile, profiles)].into(),
        };
        self.replace(names, &listing);
    }

    /// The profile of a listed foundation model that cannot be called by its own id.
    pub fn needed_profile(&self, model: &ModelId) -> Option<ModelId> {
        let entries = self.entries();
        let is_needed = entries.profile_only.contains(model.as_str());
        is_needed
            .then(|| entries.profiles.get(model.as_str()).cloned())
            .flatten()
    }

    /// The system-defined profile of a foundation model in the region, if Bedrock lists one.
    pub fn profile(&self, model: &ModelId) -> Option<ModelId> {
        self.entries().profiles.get(model.as_str()).cloned()
    }

    /// At most `count` known names, most similar to `name` first, each model once.
    pub fn nearest(&self, name: &str, count: usize) -> Vec<String> {
        let query = plain(name).chars().take(MAX_COMPARED);
        let query: String = query.map(|c| c.to_ascii_lowercase()).collect();
        let entries = self.entries();
        // Of the names of one model the last one stays, the profile with the fewest regions.
        let mut by_model: BTreeMap<&str, (&str, f64)> = BTreeMap::new();
        for name in &entries.names {
            let model = plain(name);
            let nearness = normalized_damerau_levenshtein(&query, &model.to_ascii_lowercase());
            by_model.insert(model, (name, nearness));
        }
        let mut nearest: Vec<(&str, f64)> = by_model.into_values().collect();
        // The sort is stable: names with the same similarity stay in alphabetical order.
        nearest.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let nearest = nearest.into_iter().take(count);
        nearest.map(|(name, _)| name.to_owned()).collect()
    }

    fn entries(&self) -> Arc<DirectoryEntries> {
        Arc::clone(&self.entries.read())
    }
}

/// The profile of each foundation model; of several, the one with the fewest regions: `jp.` before
/// `apac.`, and `global.` last, so that data stays as near as possible.
fn profiles(listing: &Listing) -> HashMap<String, ModelId> {
    let listed = listing.others.get(&ListedKind::SystemProfile);
    let mut listed: Vec<&ListedModel> = listed.into_iter().flatten().collect();
    listed.sort_by_key(|profile| Reverse((spread(profile), profile.id.as_str())));
    // The last one inserted stays.
    let profiles = listed.into_iter();
    let profiles =
        profiles.map(|profile| (profile.id.foundation_id().to_owned(), profile.id.clone()));
    profiles.collect()
}

/// The rank of a name among those of its model; highest for the profile of the foundation model.
fn rank(name: &str, profiles: &HashMap<String, ModelId>) -> (bool, bool) {
    let is_called = match ModelId::parse(name) {
        Ok(id) => profiles
            .get(id.foundation_id())
            .is_some_and(|called| *called == id),
        Err(_) => false,
    };
    (is_called, !name.starts_with("global."))
}

/// The number of regions of a profile; `true` for global ones.
fn spread(profile: &ListedModel) -> (bool, usize) {
    let regions: HashSet<&str> = profile.models.iter().filter_map(ModelId::region).collect();
    let is_global = profile.id.as_str().starts_with("global.") || regions.contains("");
    (is_global, regions.len())
}

/// The name as people write it: without geography, provider, date and version.
fn plain(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    let model = match ModelId::parse(name) {
        Ok(id) if id.is_system_profile() => name.split_once('.').map_or(name, |(_, model)| model),
        _ => name,
    };
    let model = match model.split_once('.') {
        Some((provider, model)) if provider.chars().all(|c| c.is_ascii_alphanumeric()) => model,
        _ => model,
    };
    without_version(model)
}

/// `claude-sonnet-4-5` of `claude-sonnet-4-5-20250929-v1:0`.
fn without_version(model: &str) -> &str {
    let model = model.split(':').next().unwrap_or(model);
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let model = match model.rsplit_once("-v") {
        Some((model, version)) if is_number(version) => model,
        _ => model,
    };
    match model.rsplit_once('-') {
        Some((model, date)) if date.len() == 8 && is_number(date) => model,
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(id: &str, regions: &[&str]) -> ListedModel {
        let foundation = |region| format!("arn:aws:bedrock:{region}::foundation-model/p.m-v1:0");
        let models = regions.iter().map(|region| foundation(*region));
        ListedModel {
            id: ModelId::parse(id).expect("an id"),
            name: None,
            models: models
                .map(|arn| ModelId::parse(&arn).expect("an ARN"))
                .collect(),
            follows_instructions: false,
            created: None,
        }
    }

    #[test]
    fn a_bare_id_resolves_to_the_profile_with_the_fewest_regions() {
        let apac = profile(
            "apac.p.m-v1:0",
            &["ap-northeast-1", "ap-south-1", "ap-southeast-1"],
        );
        let japan = profile("jp.p.m-v1:0", &["ap-northeast-1", "ap-northeast-3"]);
        let global = profile("global.p.m-v1:0", &[""]);
        for (listed, expected) in [
            (vec![&apac, &japan, &global], "jp.p.m-v1:0"),
            (vec![&global, &apac], "apac.p.m-v1:0"),
            (vec![&global], "global.p.m-v1:0"),
        ] {
            let listed = listed.into_iter().cloned().collect();
            let listing = Listing {
                foundation: Vec::new(),
                others: [(ListedKind::SystemProfile, listed)].into(),
            };
            let profiles = profiles(&listing);
            assert_eq!(
                profiles.get("p.m-v1:0").map(ModelId::as_str),
                Some(expected)
            );
        }
    }

    #[test]
    fn the_closest_names_are_suggested() {
        let directory = Directory::default();
        let names = [
            "fast",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "amazon.nova-lite-v1:0",
            "us.amazon.nova-pro-v1:0",
            "openai.gpt-oss-120b-1:0",
            "openai.gpt-oss-20b-1:0",
            "amazon.titan-embed-text-v2:0",
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/claude-sonnet-4-5",
        ];
        directory.replace(names.into_iter(), &Listing::default());
        for (name, expected) in [
            (
                "claude-sonnet-4.5",
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ),
            (
                "anthropic.claude-haiku-4-5",
                "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            ),
            ("nova-light", "amazon.nova-lite-v1:0"),
            ("gpt-oss-20", "openai.gpt-oss-20b-1:0"),
            ("Fast", "fast"),
            ("bedrock/us.amazon.nova-pro-v2:0", "us.amazon.nova-pro-v1:0"),
        ] {
            let nearest = directory.nearest(name, 3);
            assert_eq!(
                nearest.first().map(String::as_str),
                Some(expected),
                "{name}"
            );
            assert_eq!(nearest.len(), 3);
            let sonnets = nearest.iter().filter(|name| name.contains("sonnet-4-5"));
            assert!(sonnets.count() <= 1, "each model once: {nearest:?}");
            assert!(!nearest.iter().any(|name| name.starts_with("arn:")));
        }
        assert!(Directory::default().nearest("anything", 3).is_empty());
    }
}
