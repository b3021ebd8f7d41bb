//! `outcrop check`: one line for each thing that has to hold, and for each that does not, what to do
//! about it.

mod models;

use std::process::ExitCode;

use super::BAD_CONFIGURATION;
use crate::bedrock::{
    Bedrock, Cause, CredentialKind, CredentialsTrouble, FoundationModel, IdentityError, ListedKind,
    ListedModel, Trouble, Unreachable, caller_identity,
};
use crate::config::{Config, Overrides, config_file, load};
use crate::store::Store;

/// What is checked.
pub(super) struct CheckArguments<'a> {
    /// A model that is called, which costs a few tokens.
    pub(super) model: Option<&'a str>,
    /// The configuration alone: nothing is sent.
    pub(super) offline: bool,
}

/// What the region lists; nothing where it may not be listed.
#[derive(Debug, Default)]
struct RegionListing {
    foundation: Option<Vec<FoundationModel>>,
    profiles: Option<Vec<ListedModel>>,
}

/// Runs the checks; the exit code says whether the gateway is ready.
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
        Some(file) => report.yes("configuration", &file.display().to_string()),
        None => report.yes("configuration", "the defaults, since there is no file"),
    }
    if checks.offline {
        println!("the configuration has no mistakes; nothing else was checked (--offline)");
        return ExitCode::SUCCESS;
    }
    if config.batches.enabled {
        check_store(&config, &mut report).await;
    }
    check_bedrock(&config, checks.model, &mut report).await;
    report.end()
}

#[derive(Default)]
struct Report {
    missing: Vec<String>,
}

impl Report {
    fn yes(&mut self, what: &str, finding: &str) {
        println!("yes  {what}: {finding}");
    }

    /// What does not keep models from answering.
    fn warn(&mut self, what: &str, finding: &str, remedy: &str) {
        println!("warn {what}: {finding}\n     {remedy}");
    }

    fn no(&mut self, what: &str, finding: &str, remedy: &str) {
        self.missing.push(what.to_owned());
        println!("no   {what}: {finding}\n     {remedy}");
    }

    fn trouble(&mut self, what: &str, trouble: &Trouble) {
        self.no(what, &trouble.finding, &trouble.remedy);
    }

    /// The last line, and what the shell is told.
    fn end(self) -> ExitCode {
        if self.missing.is_empty() {
            println!("ready");
            return ExitCode::SUCCESS;
        }
        println!("not ready: {}", self.missing.join(", "));
        ExitCode::FAILURE
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
    report.yes("region", bedrock.region());
    let is_reached = check_endpoint(&bedrock, report).await;
    if !check_credentials(&bedrock, report).await || !is_reached {
        return;
    }
    let Some(listed) = check_listing(&bedrock, report).await else {
        return;
    };
    models::check(config, &bedrock, &listed, model, report).await;
}

/// Whether the service that runs models can be reached at all.
async fn check_endpoint(bedrock: &Bedrock, report: &mut Report) -> bool {
    let endpoint = bedrock.runtime_endpoint();
    let (finding, remedy) = match bedrock.reach(endpoint).await {
        Ok(()) => {
            report.yes("endpoint", &format!("{endpoint} can be reached"));
            return true;
        }
        Err(Unreachable::Name(error)) => (
            format!("the name in {endpoint} has no address (DNS): {error}"),
            "mind the spelling of the region, and see that this machine's DNS answers; a VPC \
             endpoint needs private DNS, or AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        ),
        Err(Unreachable::Refused(error)) => (
            format!("{endpoint} refuses connections: {error}"),
            "nothing listens there: mind AWS_ENDPOINT_URL_BEDROCK_RUNTIME and AWS_ENDPOINT_URL, \
             and the security group of a VPC endpoint",
        ),
        Err(Unreachable::NoRoute(error)) => (
            format!("no connection to {endpoint}: {error}"),
            "see that this machine may go out to port 443: firewall, route, NAT gateway or VPC \
             endpoint (outgoing proxies are not used)",
        ),
        Err(Unreachable::Tls(error)) => (
            format!("no TLS with {endpoint}: {error}"),
            "add the certificate authority to this machine's (ca-certificates, SSL_CERT_FILE), if \
             a proxy of yours inspects TLS; mind the clock, too",
        ),
        Err(Unreachable::Other(error)) => (
            format!("{endpoint} does not answer HTTP: {error}"),
            "see that the address is Bedrock's, or a VPC endpoint of it",
        ),
    };
    report.no("endpoint", &finding, remedy);
    false
}

async fn check_credentials(bedrock: &Bedrock, report: &mut Report) -> bool {
    let kind = match bedrock.credentials().await {
        Ok(kind) => kind,
        Err(error) => {
            let trouble = CredentialsTrouble::of(&error, bedrock.profile());
            report.no("credentials", &trouble.finding, &trouble.remedy);
            return false;
        }
    };
    if kind == CredentialKind::ApiKey {
        report.yes("credentials", "a Bedrock API key");
        return true;
    }
    match caller_identity(bedrock).await {
        Ok(identity) => {
            let whose = format!("{} of account {}", identity.arn, identity.account);
            report.yes("credentials", &whose);
            true
        }
        Err(IdentityError::Refused { code, message }) => {
            let trouble = Trouble::of(&code, &message);
            match trouble.cause {
                // A policy can keep a role from asking who it is, and from nothing else.
                Cause::Permission => report.warn("credentials", &trouble.finding, &trouble.remedy),
                _ => report.trouble("credentials", &trouble),
            }
            trouble.cause == Cause::Permission
        }
        Err(IdentityError::NoResponse(error)) => {
            report.warn(
                "credentials",
                &format!("found, but STS does not say whose they are: {error}"),
                "STS cannot be reached from here; models answer without it",
            );
            true
        }
    }
}

/// What the region has; nothing where the credentials turn out to be refused.
async fn check_listing(bedrock: &Bedrock, report: &mut Report) -> Option<RegionListing> {
    let mut listed = RegionListing::default();
    match bedrock.foundation_models().await {
        Ok(models) => {
            report.yes("models", &format!("{} in the region", models.len()));
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
                "allow the action bedrock:ListFoundationModels, or set `[catalog] show = \
                 \"configured\"`; answering does not need it",
            );
        }
    }
    match bedrock.listed(ListedKind::SystemProfile).await {
        Ok(profiles) => {
            report.yes("profiles", &format!("{} in the region", profiles.len()));
            listed.profiles = Some(profiles);
        }
        Err(error) => report.warn(
            "profiles",
            &Trouble::of_error(&error).finding,
            "allow the action bedrock:ListInferenceProfiles; answering does not need it",
        ),
    }
    Some(listed)
}
