//! Identity providers.

use super::super::SettingKind::{Duration, Table, Text, Texts};
use super::super::{KeyReference, example};

pub(super) const JWT_ENTRY: &[KeyReference] = &[
    example(
        "issuer",
        Text,
        &["issuer = \"https://example.okta.com/oauth2/default\""],
        "required",
        "The `iss` claim of the tokens, exactly: an https URL. Several sections can have the same \
         issuer for several audiences.",
    ),
    example(
        "audience",
        Texts,
        &["audience = [\"api://default\"]"],
        "required",
        "The audiences of tokens for this gateway. A token needs one of them.",
    ),
    example(
        "audience_claim",
        Text,
        &["audience_claim = \"aud\""],
        "`\"aud\"`",
        "The claim with the audience; \"client_id\" for access tokens of Cognito.",
    ),
    example(
        "jwks_url",
        Text,
        &["jwks_url = \"https://example.okta.com/oauth2/default/v1/keys\""],
        "from the provider's metadata",
        "The https URL of the public keys. Without it, ISSUER/.well-known/openid-configuration names \
         it.",
    ),
    example(
        "algorithms",
        Texts,
        &["algorithms = [\"RS256\"]"],
        "all of these",
        "Accepted algorithms, of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA.",
    ),
    example(
        "leeway",
        Duration,
        &["leeway = \"60s\""],
        "`\"60s\"`",
        "Tolerated difference between the clocks of the provider and the gateway; at most 5 minutes.",
    ),
    example(
        "user_claim",
        Text,
        &["user_claim = \"sub\""],
        "`\"sub\"`",
        "The claim that names the user: one that never changes and is never given to another user.",
    ),
    example(
        "team_claim",
        Text,
        &["team_claim = \"groups\""],
        "none",
        "The claim that names the team: a text or a list. The first value that is a team counts. \
         Tokens without a team are refused if `team_claim` or `team` is set.",
    ),
    example(
        "teams",
        Table,
        &["teams = { \"AI Research\" = \"research\" }"],
        "the values are names of teams",
        "The team of each value of `team_claim`.",
    ),
    example(
        "team",
        Text,
        &["team = \"everyone\""],
        "none",
        "The team of tokens whose claim names none.",
    ),
    example(
        "models_claim",
        Text,
        &["models_claim = \"allowed_models\""],
        "none",
        "A claim with patterns of the models that a token allows, as a list or separated by spaces. \
         Tokens without it are refused. What the team may use is a limit, too.",
    ),
    example(
        "required_claims",
        Table,
        &["required_claims = { scp = \"llm\" }"],
        "none",
        "Claims that a token must have, each with its value or a list of accepted values. A claim \
         that is a list, or words such as `scope`, needs one of them.",
    ),
];
