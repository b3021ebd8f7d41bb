use std::process::ExitCode;

use super::BAD_CONFIGURATION;
use crate::bedrock::{Bedrock, Call, CredentialKind, Failure, ListedKind, caller_identity};
use crate::config::{Config, Overrides, load};
use crate::converse::content::ContentBlock;
use crate::converse::request::{ConverseRequest, InferenceConfig, Message, Role};
use crate::models::{ModelId, ModelTable};
use crate::store::Store;

/// `outcrop check`: one line for each thing that has to hold, and for each that does not, what to
/// do about it.
pub(super) async fn run(overrides: &Overrides, model: Option<&str>, file_alone: bool) -> ExitCode {
    let config = match load(overrides) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("outcrop: {mistakes}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let mut report = Report::default();
    report.yes("configuration", "no mistakes in it");
    if !file_alone {
        if config.batches.enabled {
            check_store(&config, &mut report).await;
        }
        check_bedrock(&config, model, &mut report).await;
    }
    match report.failed {
        false => ExitCode::SUCCESS,
        true => ExitCode::FAILURE,
    }
}

#[derive(Default)]
struct Report {
    failed: bool,
}

impl Report {
    fn yes(&mut self, what: &str, found: &str) {
        println!("yes  {what}: {found}");
    }

    fn no(&mut self, what: &str, found: &str, remedy: &str) {
        self.failed = true;
        println!("no   {what}: {found}\n     {remedy}");
    }
}

async fn check_store(config: &Config, report: &mut Report) {
    let store = Store::at(&config.store.path);
    match store.open().await {
        Ok(()) => report.yes("store", &config.store.path.display().to_string()),
        Err(error) => report.no(
            "store",
            &error.to_string(),
            "name a file in `[store] path` whose folder is there and can be written",
        ),
    }
    store.close().await;
}

async fn check_bedrock(config: &Config, model: Option<&str>, report: &mut Report) {
    let bedrock = match Bedrock::connect(&config.bedrock).await {
        Ok(bedrock) => bedrock,
        Err(error) => {
            report.no("region", "none", &error.to_string());
            return;
        }
    };
    let place = format!("{}, at {}", bedrock.region(), bedrock.runtime_endpoint());
    report.yes("region", &place);
    if !check_credentials(&bedrock, report).await {
        return;
    }
    check_listing(&bedrock, report).await;
    if let Some(name) = model {
        check_model(config, &bedrock, name, report).await;
    }
}

async fn check_credentials(bedrock: &Bedrock, report: &mut Report) -> bool {
    const REMEDY: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or \
                          AWS_BEARER_TOKEN_BEDROCK, or run where a role gives them (EC2, ECS, EKS)";
    match bedrock.credentials().await {
        Err(error) => {
            report.no("credentials", &error.to_string(), REMEDY);
            return false;
        }
        Ok(CredentialKind::ApiKey) => report.yes("credentials", "a Bedrock API key"),
        Ok(CredentialKind::SigningKeys) => match caller_identity(bedrock).await {
            Ok(identity) => {
                let whose = format!("{} of account {}", identity.arn, identity.account);
                report.yes("credentials", &whose);
            }
            Err(error) => report.no(
                "credentials",
                &format!("found, but AWS does not say whose they are: {error}"),
                "renew them; they may be expired or mistyped, or STS cannot be reached from here",
            ),
        },
    }
    true
}

async fn check_listing(bedrock: &Bedrock, report: &mut Report) {
    match bedrock.foundation_models().await {
        Ok(models) => report.yes("models", &format!("{} in the region", models.len())),
        Err(failure) => report.no(
            "models",
            &said(&failure),
            "allow the action bedrock:ListFoundationModels, or set `[catalog] show = \
             \"configured\"`; answering does not need it",
        ),
    }
    match bedrock.listed(ListedKind::SystemProfile).await {
        Ok(profiles) => report.yes("profiles", &format!("{} in the region", profiles.len())),
        Err(failure) => report.no(
            "profiles",
            &said(&failure),
            "allow the action bedrock:ListInferenceProfiles; answering does not need it",
        ),
    }
}

async fn check_model(config: &Config, bedrock: &Bedrock, name: &str, report: &mut Report) {
    let what = format!("model {name}");
    let parsed = match config.models.get(name) {
        Some(entry) => Ok(entry.target.clone()),
        None => ModelId::parse(name),
    };
    let model = match parsed {
        Ok(model) => model,
        Err(error) => {
            report.no(
                &what,
                &error.to_string(),
                "name a model that /v1/models lists",
            );
            return;
        }
    };
    let least = ModelTable::built_in().map(|table| table.facts(&model).least_max_tokens);
    let request = ConverseRequest {
        messages: vec![Message {
            role: Role::User,
            content: vec![ContentBlock::Text("Say: yes".to_owned())],
        }],
        inference_config: InferenceConfig {
            max_tokens: Some(least.unwrap_or(1)),
            ..InferenceConfig::default()
        },
        ..ConverseRequest::default()
    };
    let body = serde_json::to_vec(&request).unwrap_or_default().into();
    match bedrock.converse(Call::new(model, body)).await {
        Ok(answer) => {
            let tokens = answer.usage.output_tokens;
            report.yes(&what, &format!("answered, {tokens} token(s)"));
        }
        Err(failure) => report.no(&what, &said(&failure), remedy(&failure)),
    }
}

fn said(failure: &Failure) -> String {
    match failure.detail.is_empty() {
        true => failure.code.clone(),
        false => format!("{}: {}", failure.code, failure.detail),
    }
}

fn remedy(failure: &Failure) -> &'static str {
    let detail = failure.detail.to_lowercase();
    match failure.code.as_str() {
        "AccessDeniedException" => {
            "request access to the model in the Bedrock console, and allow bedrock:InvokeModel and \
             bedrock:InvokeModelWithResponseStream on it (for a profile: on the profile and on \
             the model in every region it routes to)"
        }
        "ValidationException" if detail.contains("on-demand throughput") => {
            "ask for the inference profile instead of the bare id: us., eu., global. or another \
             group of regions before it"
        }
        "ValidationException" if detail.contains("model identifier is invalid") => {
            "mind the spelling and the region; the gateway lists what there is under /v1/models"
        }
        "ResourceNotFoundException" => "ask for a newer model; this one is not there any more",
        "ThrottlingException" | "ServiceQuotaExceededException" => {
            "raise the quota in the Service Quotas console, or use a cross-region profile"
        }
        "Connection" | "Timeout" => {
            "see that this machine reaches the endpoint: DNS, proxy, VPC endpoint, firewall"
        }
        _ => "renew the credentials, or ask again in a moment; the message above is AWS's own",
    }
}
