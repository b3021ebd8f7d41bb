//! `outcrop check`: one line for each check, and a remedy for each failure.

mod models;

use std::process::ExitCode;
use std::sync::Arc;

use super::{BAD_CONFIGURATION, STORE_REMEDY};
use crate::bedrock::{
    Bedrock, Cause, CredentialKind, CredentialsTrouble, FoundationModel, IdentityError, ListedKind,
    ListedModel, Trouble, Unreachable, caller_identity,
};
use crate::config::{Config, Overrides, config_file, load};
use crate::identity::{Callers, KeyFollower};
use crate::limits::{LimitRegistry, ThresholdQueue};
use crate::store::Store;

/// The arguments of `outcrop check`.
pub(super) struct CheckArguments<'a> {
    /// A model to call, which costs a few tokens.
    pub(super) model: Option<&'a str>,
    /// Check the configuration only; send no requests.
    pub(super) offline: bool,
}

/// The models and profiles of the region; `None` without the permission to list them.
#[derive(Debug, Default)]
struct RegionListing {
    foundation: Option<Vec<FoundationModel>>,
    profiles: Option<Vec<ListedModel>>,
}

/// Runs the checks; the exit code is 0 if the gateway is ready.
pub(super) async fn run(overrides: &Overrides, checks: CheckArguments<'_>) -> ExitCode {
    let config = match load(overrides) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("outcrop: {mistakes}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let mut report = Report::default();
    match config_file(overrides) {
        Some(file) => report.ok("configuration", &file.display().to_string()),
        None => report.ok("configuration", "defaults (no file)"),
    }
    check_keys(&config, &mut report).await;
    if checks.offline && report.failed.is_empty() {
        println!("the configuration is valid; nothing else was checked (--offline)");
        return ExitCode::SUCCESS;
    }
    if checks.offline {
        return report.end();
    }
    if config.batches.enabled {
        check_store(&config, &mut report).await;
    }
    check_bedrock(&config, checks.model, &mut report).await;
    report.end()
}

#[derive(Default)]
struct Report {
    failed: Vec<String>,
}

impl Report {
    fn ok(&mut self, what: &str, finding: &str) {
        println!("ok   {what}: {finding}");
    }

    /// A finding that does not prevent calls to models.
    fn warn(&mut self, what: &str, finding: &str, remedy: &str) {
        println!("warn {what}: {finding}\n     {remedy}");
    }

    fn fail(&mut self, what: &str, finding: &str, remedy: &str) {
        self.failed.push(what.to_owned());
        println!("fail {what}: {finding}\n     {remedy}");
    }

    fn trouble(&mut self, what: &str, trouble: &Trouble) {
        self.fail(what, &trouble.finding, &trouble.remedy);
    }

    /// Prints the last line and returns the exit code.
    fn end(self) -> ExitCode {
        if self.failed.is_empty() {
            println!("ready");
            return ExitCode::SUCCESS;
        }
        println!("not ready: {}", self.failed.join(", "));
        ExitCode::FAILURE
    }
}

/// Checks that there are keys, or that only this machine is served.
async fn check_keys(config: &Config, report: &mut Report) {
    let (queue, _) = ThresholdQueue::new();
    let limits = Arc::new(LimitRegistry::new(&config.budgets, queue));
    let callers = Callers::new(config, &limits);
    let store = Arc::new(Store::at(&config.store.path));
    let mut follower = KeyFollower::new(&callers, Arc::clone(&store));
    match (follower.look().await, callers.have_keys()) {
        (Err(error), _) => report.fail("keys", &error.to_string(), STORE_REMEDY),
        (Ok(()), has_keys) => {
            if !has_keys
                && config.jwt.is_empty()
                && let Err(mistakes) = config.check_without_keys()
            {
                let finding = mistakes.to_string();
                report.fail("keys", &finding, "create a key with `outcrop keys create`");
            }
        }
    }
    store.close().await;
}

async fn check_store(config: &Config, report: &mut Report) {
    let store = Store::at(&config.store.path);
    match store.open().await {
        Ok(()) => report.ok("store", &config.store.path.display().to_string()),
        Err(error) => report.fail("store", &error.to_string(), STORE_REMEDY),
    }
    store.close().await;
}

async fn check_bedrock(config: &Config, model: Option<&str>, report: &mut Report) {
    let bedrock = match Bedrock::connect(&config.bedrock).await {
        Ok(bedrock) => bedrock,
        Err(error) => {
            report.fail("region", "none", &error.to_string());
            return;
        }
    };
    report.ok("region", bedrock.region());
    let is_reached = check_endpoint(&bedrock, report).await;
    if !check_credentials(&bedrock, report).await || !is_reached {
        return;
    }
    let Some(listed) = check_listing(&bedrock, report).await else {
        return;
    };
    models::check(config, &bedrock, &listed, model, report).await;
}

/// Checks that bedrock-runtime is reachable.
async fn check_endpoint(bedrock: &Bedrock, report: &mut Report) -> bool {
    let endpoint = bedrock.runtime_endpoint();
    let (finding, remedy) = match bedrock.reach(endpoint).await {
        Ok(()) => {
            report.ok("endpoint", &format!("{endpoint} is reachable"));
            return true;
        }
        Err(Unreachable::Name(error)) => (
            format!("the name in {endpoint} has no address (DNS): {error}"),
            "check the spelling of the region and this machine's DNS; a VPC endpoint needs private \
            DNS or AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        ),
        Err(Unreachable::Refused(error)) => (
            format!("{endpoint} refuses connections: {error}"),
            "check AWS_ENDPOINT_URL_BEDROCK_RUNTIME, AWS_ENDPOINT_URL and the security group of a \
            VPC endpoint",
        ),
        Err(Unreachable::NoRoute(error)) => (
            format!("no connection to {endpoint}: {error}"),
            "check that this machine can reach port 443: firewall, route, NAT gateway or VPC \
            endpoint (HTTP proxies are not used)",
        ),
        Err(Unreachable::Tls(error)) => (
            format!("no TLS with {endpoint}: {error}"),
            "check the clock; if a proxy inspects TLS, add its certificate authority to this \
            machine (ca-certificates, SSL_CERT_FILE)",
        ),
        Err(Unreachable::Other(error)) => (
            format!("{endpoint} does not respond to HTTP: {error}"),
            "check that the URL is that of Bedrock or of a VPC endpoint for it",
        ),
    };
    report.fail("endpoint", &finding, remedy);
    false
}

async fn check_credentials(bedrock: &Bedrock, report: &mut Report) -> bool {
    let kind = match bedrock.credentials().await {
        Ok(kind) => kind,
        Err(error) => {
            let trouble = CredentialsTrouble::of(&error, bedrock.profile());
            report.fail("credentials", &trouble.finding, &trouble.remedy);
            return false;
        }
    };
    if kind == CredentialKind::ApiKey {
        report.ok("credentials", "a Bedrock API key");
        return true;
    }
    match caller_identity(bedrock).await {
        Ok(identity) => {
            let whose = format!("{} of account {}", identity.arn, identity.account);
            report.ok("credentials", &whose);
            true
        }
        Err(IdentityError::Refused { code, message }) => {
            let trouble = Trouble::of(&code, &message);
            match trouble.cause {
                // A policy can deny sts:GetCallerIdentity and nothing else.
                Cause::Permission => report.warn("credentials", &trouble.finding, &trouble.remedy),
                _ => report.trouble("credentials", &trouble),
            }
            trouble.cause == Cause::Permission
        }
        Err(IdentityError::NoResponse(error)) => {
            report.warn(
                "credentials",
                &format!("found, but STS does not return their identity: {error}"),
                "STS is not reachable from here; models work without it",
            );
            true
        }
    }
}

/// Lists models and profiles; `None` if the credentials are refused.
async fn check_listing(bedrock: &Bedrock, report: &mut Report) -> Option<RegionListing> {
    let mut listed = RegionListing::default();
    match bedrock.foundation_models().await {
        Ok(models) => {
            report.ok("models", &format!("{} in the region", models.len()));
            listed.foundation = Some(models);
        }
        Err(error) => {
            let trouble = Trouble::of_error(&error);
            if trouble.cause == Cause::Credentials {
                report.trouble("credentials", &trouble);
                return None;
            }
            report.warn(
                "models",
                &trouble.finding,
                "allow bedrock:ListFoundationModels, or set `[catalog] list = \"configured\"`; calls \
                to models do not need it",
            );
        }
    }
    match bedrock.listed(ListedKind::SystemProfile).await {
        Ok(profiles) => {
            report.ok("profiles", &format!("{} in the region", profiles.len()));
            listed.profiles = Some(profiles);
        }
        Err(error) => report.warn(
            "profiles",
            &Trouble::of_error(&error).finding,
            "allow bedrock:ListInferenceProfiles; calls to models do not need it",
        ),
    }
    Some(listed)
}
