use std::collections::BTreeMap;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use toml::Value;
use url::Url;

use crate::allowances::check_team_name;
use crate::config::is_loopback_host;
use crate::config::reader::Section;

/// An identity provider whose JWTs are accepted in place of API keys: `[jwt.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtIssuer {
    /// The name of the section, which the ids of its callers begin with.
    pub name: String,
    /// The `iss` claim.
    pub issuer: String,
    /// The values of which the audience claim has one.
    pub audience: Vec<String>,
    /// The claim that names the audience.
    pub audience_claim: String,
    /// The address of the keys; `None` for the one in the provider's metadata.
    pub jwks_url: Option<String>,
    /// The accepted algorithms; all of them asymmetric.
    pub algorithms: Vec<Algorithm>,
    /// The tolerated difference of clocks.
    pub leeway: Duration,
    /// The claim that names the user.
    pub user_claim: String,
    /// The claim that names the team.
    pub team_claim: Option<String>,
    /// The team of each value of the claim; if it is empty, the values are the teams' names.
    pub teams: BTreeMap<String, String>,
    /// The team of tokens whose claim names none.
    pub team: Option<String>,
    /// The claim that lists the allowed models.
    pub models_claim: Option<String>,
    /// Claims that a token must have, each with its accepted values.
    pub required_claims: BTreeMap<String, Vec<String>>,
}

/// The algorithms that sign with a private key. A secret that the gateway would share with the
/// provider (HMAC) is not supported, nor are tokens without a signature.
pub(crate) const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A difference of clocks beyond this is an error of the machine.
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// `[jwt]`: each entry is the section of an identity provider.
pub(crate) fn read(section: &mut Section<'_>) -> Vec<JwtIssuer> {
    let mut issuers = Vec::new();
    section.each_section(|name, section| {
        let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_fit) {
            section.misnamed("name it with 1 to 64 letters, digits, `-` and `_`");
        }
        issuers.push(read_issuer(name, section));
    });
    issuers
}

fn read_issuer(name: &str, section: &mut Section<'_>) -> JwtIssuer {
    let mut issuer = JwtIssuer {
        name: name.to_owned(),
        issuer: String::new(),
        audience: Vec::new(),
        audience_claim: "aud".to_owned(),
        jwks_url: None,
        algorithms: ALGORITHMS.to_vec(),
        leeway: Duration::from_secs(60),
        user_claim: "sub".to_owned(),
        team_claim: None,
        teams: BTreeMap::new(),
        team: None,
        models_claim: None,
        required_claims: BTreeMap::new(),
    };
    if !section.has("issuer") {
        let remedy = "write the `iss` claim of the provider's tokens, an https URL";
        section.mistake("issuer", "missing", remedy);
    }
    section.text("issuer", &mut issuer.issuer, |text| {
        provider_url(text).map(|_| text.to_owned())
    });
    section.list("audience", &mut issuer.audience, text);
    section.text("audience_claim", &mut issuer.audience_claim, claim);
    section.text("jwks_url", &mut issuer.jwks_url, |text| {
        provider_url(text).map(|_| Some(text.to_owned()))
    });
    section.list("algorithms", &mut issuer.algorithms, algorithm);
    section.duration("leeway", &mut issuer.leeway);
    section.text("user_claim", &mut issuer.user_claim, claim);
    let optional_claim = |text: &str| claim(text).map(Some);
    section.text("team_claim", &mut issuer.team_claim, optional_claim);
    section.value("teams", &mut issuer.teams, teams);
    section.text("team", &mut issuer.team, |text| {
        check_team_name(text).map(|()| Some(text.to_owned()))
    });
    section.text("models_claim", &mut issuer.models_claim, optional_claim);
    section.value(
        "required_claims",
        &mut issuer.required_claims,
        required_claims,
    );
    if issuer.audience.is_empty() {
        let remedy = "write the audience that the provider puts into tokens for this gateway";
        section.mistake("audience", "missing", remedy);
    }
    check(&issuer, section);
    issuer
}

/// Checks what the readers of single keys cannot.
fn check(issuer: &JwtIssuer, section: &mut Section<'_>) {
    if issuer.algorithms.is_empty() {
        section.mistake("algorithms", "an empty list", &algorithm_remedy());
    }
    if issuer.leeway > MAX_LEEWAY {
        section.mistake("leeway", "too long", "write at most \"5m\"");
    }
    if issuer.team_claim.is_none() && !issuer.teams.is_empty() {
        let remedy = "set `team_claim`, whose values it translates";
        section.mistake("teams", "without an effect", remedy);
    }
}

/// An address of an identity provider: https, or http on loopback for tests.
pub(crate) fn provider_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| match url.scheme() {
        "https" => url.has_host(),
        "http" => url.host_str().is_some_and(is_loopback_host),
        _ => false,
    });
    url.filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| "write a URL that begins with \"https://\"".to_owned())
}

fn claim(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Err("write the name of a claim".to_owned()),
        false => Ok(text.to_owned()),
    }
}

fn text(value: &Value) -> Result<String, String> {
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err("write it as a string in quotes".to_owned()),
    }
}

fn algorithm(value: &Value) -> Result<Algorithm, String> {
    let named = value.as_str().and_then(|name| name.parse().ok());
    named
        .filter(|algorithm| ALGORITHMS.contains(algorithm))
        .ok_or_else(algorithm_remedy)
}

fn algorithm_remedy() -> String {
    let names: Vec<String> = ALGORITHMS
        .iter()
        .map(|algorithm| format!("{algorithm:?}"))
        .collect();
    format!("write some of {}", names.join(", "))
}

fn teams(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let remedy = || "write it as `{ \"group of the claim\" = \"team\" }`".to_owned();
    let entries = value.as_table().ok_or_else(remedy)?.iter();
    entries
        .map(|(group, team)| {
            let team = team.as_str().ok_or_else(remedy)?;
            check_team_name(team)?;
            Ok((group.clone(), team.to_owned()))
        })
        .collect()
}

fn required_claims(value: &Value) -> Result<BTreeMap<String, Vec<String>>, String> {
    let remedy = || {
        "write it as `{ claim = \"value\" }`, with a list in brackets for several accepted values"
            .to_owned()
    };
    let word = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Boolean(_) | Value::Integer(_) => Ok(value.to_string()),
        _ => Err(remedy()),
    };
    let entries = value.as_table().ok_or_else(remedy)?.iter();
    entries
        .map(|(claim, accepted)| {
            let values = match accepted {
                Value::Array(values) if !values.is_empty() => values.iter().map(word).collect(),
                single => word(single).map(|value| vec![value]),
            };
            Ok((claim.clone(), values?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mistakes;

    fn read_text(text: &str) -> (Vec<JwtIssuer>, String) {
        let mut mistakes = Mistakes::default();
        let table = text.parse().expect("TOML");
        let issuers = read(&mut Section::root(table, &mut mistakes));
        (issuers, mistakes.to_string())
    }

    #[test]
    fn a_provider_is_read_with_its_claims() {
        let (issuers, _) = read_text(
            r#"
            [okta]
            issuer = "https://example.okta.com/oauth2/default"
            audience = ["api://default"]
            algorithms = ["RS256"]
            team_claim = "groups"
            teams = { "AI Research" = "research" }
            required_claims = { token_use = "access", email_verified = true, tier = [1, 2] }
            "#,
        );
        let [okta] = issuers.as_slice() else {
            panic!("{issuers:?}");
        };
        assert_eq!(okta.name, "okta");
        assert_eq!(okta.algorithms, [Algorithm::RS256]);
        assert_eq!(okta.user_claim, "sub");
        let team = okta.teams.get("AI Research");
        assert_eq!(team.map(String::as_str), Some("research"));
        let required = format!("{:?}", okta.required_claims);
        let expected =
            r#"{"email_verified": ["true"], "tier": ["1", "2"], "token_use": ["access"]}"#;
        assert_eq!(required, expected);
    }

    #[test]
    fn symmetric_algorithms_and_plain_http_are_mistakes() {
        let (_, mistakes) = read_text(
            r#"
            ["a b"]
            [a]
            issuer = "http://idp.example.com"
            algorithms = ["HS256", "none"]
            jwks_url = "file:///etc/keys"
            leeway = "1h"
            teams = { x = "a team" }
            [b]
            issuer = "http://127.0.0.1:9000"
            audience = ["gateway"]
            teams = { x = "team" }
            "#,
        );
        for part in [
            "a b: not a valid name",
            "a.issuer: `http://idp.example.com`; write a URL that begins with \"https://\"",
            "a.audience: missing",
            "a.algorithms: `\"HS256\"`; write some of RS256",
            "a.algorithms: `\"none\"`; write some of RS256",
            "a.jwks_url: `file:///etc/keys`; write a URL",
            "a.leeway: too long",
            "a.teams: a section; name a team with",
            "b.teams: without an effect; set `team_claim`",
        ] {
            assert!(mistakes.contains(part), "{part}\nis not in\n{mistakes}");
        }
        assert!(!mistakes.contains("\n  b.issuer"), "{mistakes}");
        assert!(!mistakes.contains("\n  a.issuer: missing"), "{mistakes}");
    }
}
