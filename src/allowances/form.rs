//! The JSON of allowances. It is flat, and so are these types: an error names the member.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Allowance, Budget, ModelAllowance, ModelPattern, Team, UsageAllowance};

/// What one level may use. Everything is optional: what is left out is not limited.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct AllowanceForm {
    /// The models that may be called, by name or id; `*` stands for any characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_models: Option<Vec<ModelPattern>>,
    /// Requests per minute, for all models together.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u32>,
    /// Tokens per minute, input and output together.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_per_minute: Option<u64>,
    /// Concurrent requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_concurrent_requests: Option<u32>,
    /// Budgets; all of them apply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    budgets: Vec<Budget>,
    /// Limits for the models of a pattern, which apply besides the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    models: Vec<ModelAllowance>,
}

/// Limits for the models of a pattern.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct ModelForm {
    /// The models, by name or id; `*` stands for any characters.
    pattern: ModelPattern,
    /// Requests per minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u32>,
    /// Tokens per minute, input and output together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens_per_minute: Option<u64>,
    /// Concurrent requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_concurrent_requests: Option<u32>,
    /// Budgets; all of them apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    budgets: Vec<Budget>,
}

/// What a team and its users may use.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct TeamForm {
    /// The models that callers of the team may call, by name or id; `*` stands for any characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_models: Option<Vec<ModelPattern>>,
    /// Requests per minute of all callers of the team together.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u32>,
    /// Tokens per minute of all callers of the team together.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_per_minute: Option<u64>,
    /// Concurrent requests of all callers of the team together.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_concurrent_requests: Option<u32>,
    /// Budgets of all callers of the team together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    budgets: Vec<Budget>,
    /// Limits for the models of a pattern, which apply besides the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    models: Vec<ModelAllowance>,
    /// What each user of the team may use.
    user: Allowance,
    /// What single users may use, by name. What is left out is that of each user.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    users: BTreeMap<String, Allowance>,
}

impl From<AllowanceForm> for Allowance {
    fn from(form: AllowanceForm) -> Self {
        let AllowanceForm {
            allowed_models,
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
            models,
        } = form;
        Self {
            allowed_models,
            usage: UsageAllowance {
                requests_per_minute,
                tokens_per_minute,
                max_concurrent_requests,
                budgets,
            },
            models,
        }
    }
}

impl From<Allowance> for AllowanceForm {
    fn from(allowance: Allowance) -> Self {
        let Allowance {
            allowed_models,
            usage,
            models,
        } = allowance;
        let UsageAllowance {
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
        } = usage;
        Self {
            allowed_models,
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
            models,
        }
    }
}

impl From<ModelForm> for ModelAllowance {
    fn from(form: ModelForm) -> Self {
        let ModelForm {
            pattern,
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
        } = form;
        Self {
            pattern,
            usage: UsageAllowance {
                requests_per_minute,
                tokens_per_minute,
                max_concurrent_requests,
                budgets,
            },
        }
    }
}

impl From<ModelAllowance> for ModelForm {
    fn from(ModelAllowance { pattern, usage }: ModelAllowance) -> Self {
        let UsageAllowance {
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
        } = usage;
        Self {
            pattern,
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
        }
    }
}

impl From<TeamForm> for Team {
    fn from(form: TeamForm) -> Self {
        let TeamForm {
            allowed_models,
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
            models,
            user,
            users,
        } = form;
        let allowance = AllowanceForm {
            allowed_models,
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
            models,
        };
        Self {
            allowance: allowance.into(),
            user,
            users,
        }
    }
}

impl From<Team> for TeamForm {
    fn from(team: Team) -> Self {
        let Team {
            allowance,
            user,
            users,
        } = team;
        let AllowanceForm {
            allowed_models,
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
            models,
        } = allowance.into();
        Self {
            allowed_models,
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
            models,
            user,
            users,
        }
    }
}

/// The schema of a type is that of its form.
macro_rules! schema_of_form {
    ($($type:ty: $form:ty,)*) => {
        $(
            impl PartialSchema for $type {
                fn schema() -> RefOr<Schema> {
                    <$form>::schema()
                }
            }

            impl ToSchema for $type {
                fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                    <$form>::schemas(schemas);
                }
            }
        )*
    };
}

schema_of_form! {
    Allowance: AllowanceForm,
    ModelAllowance: ModelForm,
    Team: TeamForm,
}
