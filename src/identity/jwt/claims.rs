//! What the claims of a token say about its caller.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::TokenError;
use crate::allowances::{ModelPattern, check_user_name};
use crate::config::JwtIssuer;

/// The maximum number of values of a claim that are looked at. Directories have users with hundreds
/// of groups.
const MAX_VALUES: usize = 1024;

/// The end of the times that a claim can name, in seconds: the year 9999.
const MAX_TIME: f64 = 253_402_300_799.0;

/// The claims of a token.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Claims(Map<String, Value>);

/// The caller of a token, as its claims describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenIdentity {
    /// The id: the name of the provider and that of the user.
    pub(super) id: String,
    /// The user.
    pub(super) user: String,
    /// The names of teams, of which the first that exists is the caller's; `None` if tokens of
    /// this provider have no team.
    pub(super) teams: Option<Vec<String>>,
    /// The models that the token allows; `None` for all that the team may use.
    pub(super) models: Option<Vec<ModelPattern>>,
    /// When the token stops working.
    pub(super) expires_at: SystemTime,
}

impl Claims {
    /// The issuer.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// Whether a token with these claims is for the gateway.
    pub(super) fn are_for(&self, settings: &JwtIssuer) -> bool {
        let audience = self.values(&settings.audience_claim);
        audience.iter().any(|one| settings.audience.contains(one))
    }

    /// A time in seconds since 1970.
    pub(super) fn time(&self, name: &str) -> Result<Option<SystemTime>, TokenError> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let seconds = value
            .as_f64()
            .filter(|time| (0.0..=MAX_TIME).contains(time));
        let seconds = seconds.ok_or(TokenError::Malformed)? as u64;
        Ok(Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))
    }

    /// Whether the token has what the operator requires.
    pub(super) fn check_required(&self, settings: &JwtIssuer) -> Result<(), TokenError> {
        let mut required = settings.required_claims.iter();
        let is_met = |(name, accepted): (&String, &Vec<String>)| {
            let values = self.words(name);
            values.iter().any(|value| accepted.contains(value))
        };
        match required.all(is_met) {
            true => Ok(()),
            false => Err(TokenError::RequiredClaim),
        }
    }

    /// The caller that the claims describe.
    pub(super) fn identity(
        &self,
        settings: &JwtIssuer,
        expires_at: SystemTime,
    ) -> Result<TokenIdentity, TokenError> {
        let user = self.text(&settings.user_claim);
        let user = user.filter(|user| check_user_name(user).is_ok());
        let user = user.ok_or(TokenError::NoUser)?;
        Ok(TokenIdentity {
            id: format!("{}:{user}", settings.name),
            user: user.to_owned(),
            teams: self.teams(settings),
            models: self.models(settings)?,
            expires_at,
        })
    }

    fn teams(&self, settings: &JwtIssuer) -> Option<Vec<String>> {
        let claim = settings.team_claim.as_deref();
        if claim.is_none() && settings.team.is_none() {
            return None;
        }
        let values = claim.map(|claim| self.values(claim)).unwrap_or_default();
        let named = values
            .into_iter()
            .filter_map(|value| match settings.teams.is_empty() {
                true => Some(value),
                false => settings.teams.get(&value).cloned(),
            });
        Some(named.chain(settings.team.clone()).collect())
    }

    fn models(&self, settings: &JwtIssuer) -> Result<Option<Vec<ModelPattern>>, TokenError> {
        let Some(claim) = &settings.models_claim else {
            return Ok(None);
        };
        // Without its list, a token would allow all models.
        if self.find(claim).is_none() {
            return Err(TokenError::NoModels);
        }
        let patterns = self.words(claim).into_iter();
        let patterns = patterns.map(|text| ModelPattern::parse(&text));
        let patterns: Result<Vec<_>, _> = patterns.collect();
        patterns.map(Some).map_err(|_| TokenError::NoModels)
    }

    /// A claim, by its name, or within objects by their names with dots in between.
    fn find(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(name) {
            return Some(value);
        }
        let (first, rest) = name.split_once('.')?;
        let mut value = self.0.get(first)?;
        for name in rest.split('.') {
            value = value.get(name)?;
        }
        Some(value)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.find(name)?.as_str()
    }

    /// The values of a claim: the entries of a list, or the only one.
    fn values(&self, name: &str) -> Vec<String> {
        match self.find(name) {
            None => Vec::new(),
            Some(Value::Array(entries)) => {
                entries.iter().filter_map(word).take(MAX_VALUES).collect()
            }
            Some(single) => word(single).into_iter().collect(),
        }
    }

    /// The values of a claim that may also be a text of words, as `scope` is.
    fn words(&self, name: &str) -> Vec<String> {
        match self.find(name) {
            Some(Value::String(text)) => {
                let words = text.split_whitespace().take(MAX_VALUES);
                words.map(str::to_owned).collect()
            }
            _ => self.values(name),
        }
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::jwt::tests::settings;

    fn claims(value: Value) -> Claims {
        serde_json::from_value(value).expect("claims")
    }

    #[test]
    fn the_audience_is_a_text_or_a_list() {
        let mut settings = settings();
        settings.audience = vec!["gateway".to_owned(), "other".to_owned()];
        for (value, expected) in [
            (json!({"aud": "gateway"}), true),
            (json!({"aud": ["account", "gateway"]}), true),
            (json!({"aud": "gateway account"}), false),
            (json!({"aud": []}), false),
            (json!({"aud": {"gateway": "gateway"}}), false),
            (json!({}), false),
        ] {
            assert_eq!(
                claims(value.clone()).are_for(&settings),
                expected,
                "{value}"
            );
        }
        settings.audience_claim = "client_id".to_owned();
        assert!(claims(json!({"client_id": "other"})).are_for(&settings));
        assert!(!claims(json!({"aud": "other"})).are_for(&settings));
    }

    #[test]
    fn required_claims_have_one_of_the_accepted_values() {
        let mut settings = settings();
        let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        settings.required_claims = [
            ("scope".to_owned(), values(&["llm"])),
            ("realm.verified".to_owned(), values(&["true"])),
        ]
        .into();
        let expected = Err(TokenError::RequiredClaim);
        for (value, expected) in [
            (
                json!({"scope": "openid llm", "realm": {"verified": true}}),
                Ok(()),
            ),
            (json!({"scope": ["llm"], "realm.verified": "true"}), Ok(())),
            (json!({"scope": "llm"}), expected),
            (
                json!({"scope": "llmx", "realm": {"verified": true}}),
                expected,
            ),
        ] {
            let checked = claims(value.clone()).check_required(&settings);
            assert_eq!(checked, expected, "{value}");
        }
    }

    #[test]
    fn groups_become_teams_in_their_order() {
        let mut settings = settings();
        let teams = |settings: &JwtIssuer, value: Value| claims(value).teams(settings);
        assert_eq!(teams(&settings, json!({"groups": ["a"]})), None);
        settings.team = Some("default".to_owned());
        let only_default = Some(vec!["default".to_owned()]);
        assert_eq!(teams(&settings, json!({"groups": ["a"]})), only_default);
        settings.team_claim = Some("groups".to_owned());
        let direct = teams(&settings, json!({"groups": ["b", 7, {}, "a"]}));
        assert_eq!(
            direct.expect("teams"),
            ["b", "7", "a", "default"],
            "values are names of teams"
        );
        settings.teams = [("Data Science".to_owned(), "research".to_owned())].into();
        let translated = teams(&settings, json!({"groups": ["b", "Data Science"]}));
        assert_eq!(translated.expect("teams"), ["research", "default"]);
        let single = teams(&settings, json!({"groups": "Data Science"}));
        assert_eq!(single.expect("teams"), ["research", "default"]);
        assert_eq!(teams(&settings, json!({})), only_default);
    }

    #[test]
    fn the_user_and_the_models_come_from_their_claims() {
        let mut settings = settings();
        let identity = |settings: &JwtIssuer, value: Value| {
            claims(value).identity(settings, SystemTime::UNIX_EPOCH)
        };
        let ann = identity(&settings, json!({"sub": "ann@example.com"})).expect("a user");
        assert_eq!(ann.id, "idp:ann@example.com");
        assert_eq!((ann.user.as_str(), ann.models), ("ann@example.com", None));
        for sub in [json!(""), json!(7), json!("a\nb"), json!("a".repeat(255))] {
            let refused = identity(&settings, json!({"sub": sub}));
            assert_eq!(refused, Err(TokenError::NoUser));
        }
        settings.models_claim = Some("https://example.com/models".to_owned());
        settings.user_claim = "oid".to_owned();
        for list in [json!("nova-* gpt-4o"), json!(["nova-*", "gpt-4o"])] {
            let value = json!({"oid": "1", "https://example.com/models": list});
            let models = identity(&settings, value).expect("a user").models;
            assert_eq!(models.expect("patterns").len(), 2);
        }
        let refused = identity(&settings, json!({"oid": "1"}));
        assert_eq!(refused, Err(TokenError::NoModels));
    }
}
