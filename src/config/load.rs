use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::Table;

use super::effective::effective;
use super::reader::{Mistakes, Section};
use super::{AllowedOrigin, Config, KeyEntry, Limits};
use crate::allowances::Organization;
use crate::bedrock::BedrockSettings;
use crate::config::sections::{
    admin, allowances, aws, batches, bedrock_api, budgets, chat, embeddings, fetch, jwt, keys,
    limits, log, models, moderations, responses, s3, server, store, usage, videos,
};

/// The file that is read if none is named.
const DEFAULT_FILE: &str = "outcrop.toml";

/// The configuration file of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ConfigFile {
    /// `outcrop.toml` of the working directory, if it exists
    #[default]
    WorkingDirectory,
    /// A file that has to exist
    Named(PathBuf),
    /// No file is read.
    None,
}

/// An empty name, as from an unset variable of a deployment, names no file.
impl From<Option<PathBuf>> for ConfigFile {
    fn from(name: Option<PathBuf>) -> Self {
        name.filter(|name| !name.as_os_str().is_empty())
            .map_or(Self::WorkingDirectory, Self::Named)
    }
}

/// Flags and environment variables, which take precedence over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--config`, `OUTCROP_CONFIG`
    pub file: ConfigFile,
    /// `--listen`, `OUTCROP_LISTEN`
    pub listen: Option<String>,
    /// `OUTCROP_API_KEYS`
    pub api_keys: Option<String>,
    /// `OUTCROP_ADMIN_LISTEN`
    pub admin_listen: Option<String>,
    /// `OUTCROP_ADMIN_TOKEN`
    pub admin_token: Option<String>,
}

/// Reads the configuration file of `overrides`; the defaults if there is no file.
pub fn load(overrides: &Overrides) -> Result<Config, Mistakes> {
    let mut mistakes = Mistakes::default();
    let file = config_file(overrides);
    let text = match file.as_ref().map(std::fs::read_to_string).transpose() {
        Ok(text) => text.unwrap_or_default(),
        Err(error) => {
            let file = file.unwrap_or_default();
            mistakes.add(
                &file.display().to_string(),
                error,
                "name a file that can be read with --config or OUTCROP_CONFIG",
            );
            return Err(mistakes);
        }
    };
    mistakes.read_from(file.clone());
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let message = error.to_string();
            let file = file.unwrap_or_default();
            mistakes.add(
                &file.display().to_string(),
                message.trim_end(),
                "correct the TOML there",
            );
            return Err(mistakes);
        }
    };
    let (mut config, _) = read(table, &mut mistakes);
    apply(overrides, &mut config, &mut mistakes);
    check_together(&config, &mut mistakes);
    config.effective = effective(&text, overrides);
    if mistakes.is_empty() {
        Ok(config)
    } else {
        Err(mistakes)
    }
}

/// The absolute path of the file that is read.
pub fn config_file(overrides: &Overrides) -> Option<PathBuf> {
    let file = match &overrides.file {
        ConfigFile::Named(file) => file,
        // A file that exists and cannot be accessed is read, so that the error is reported.
        ConfigFile::WorkingDirectory
            if !matches!(Path::new(DEFAULT_FILE).try_exists(), Ok(false)) =>
        {
            Path::new(DEFAULT_FILE)
        }
        ConfigFile::WorkingDirectory | ConfigFile::None => return None,
    };
    Some(std::path::absolute(file).unwrap_or_else(|_| file.to_owned()))
}

/// Reads all sections; the second value is the set of all keys.
pub(super) fn read(table: Table, mistakes: &mut Mistakes) -> (Config, BTreeSet<String>) {
    let mut root = Section::root(table, mistakes);
    let mut fields = BTreeSet::new();
    macro_rules! section {
        ($name:literal, $read:expr) => {{
            let mut section = root.section($name);
            let value = $read(&mut section);
            fields.extend(section.finish());
            value
        }};
    }
    let server = section!("server", server::read);
    let admin = section!("admin", admin::read);
    let guardrails = section!("guardrails", chat::read_guardrails);
    let chat = section!("chat", |section: &mut Section<'_>| chat::read(
        section,
        &guardrails
    ));
    let (responses, seal_keys) = section!("responses", responses::read);
    let embeddings = section!("embeddings", embeddings::read);
    let keys = section!("keys", |section: &mut Section<'_>| keys::read(
        section,
        &guardrails
    ));
    let jwt = section!("jwt", jwt::read);
    let organization = Organization {
        allowance: section!("organization", allowances::read_allowance),
        teams: section!("teams", allowances::read_teams),
    };
    let names = section!("models", |section: &mut Section<'_>| models::read(
        section,
        &guardrails
    ));
    let base_models = section!("base_models", models::read_bases);
    let catalog = section!("catalog", models::read_catalog);
    let (region, profile, mantle_endpoint) = section!("aws", |section: &mut Section<'_>| (
        aws::read_name(section, "region"),
        aws::read_name(section, "profile"),
        aws::read_address(section, "mantle_endpoint"),
    ));
    let timeouts = section!("timeouts", aws::read_timeouts);
    let retry = section!("retry", aws::read_retry);
    let fetch = section!("fetch", fetch::read);
    let bedrock_api = section!("bedrock_api", bedrock_api::read);
    let s3 = section!("s3", s3::read);
    let videos = section!("videos", videos::read);
    let moderations = section!("moderations", |section: &mut Section<'_>| {
        moderations::read(section, &guardrails)
    });
    let store = section!("store", store::read);
    let usage = section!("usage", usage::read);
    let batches = section!("batches", batches::read);
    let defaults = Limits::default();
    let mut limits_section = root.section("limits");
    let mut scope = |name, default| {
        let mut section = limits_section.section(name);
        let settings = limits::read(&mut section, default);
        fields.extend(section.finish());
        settings
    };
    let limits = Limits {
        target: scope("target", defaults.target),
        key: scope("key", defaults.key),
    };
    limits_section.finish();
    let budgets = section!("budgets", budgets::read);
    let log = section!("log", log::read);
    root.finish();
    let config = Config {
        server,
        admin,
        keys,
        jwt,
        organization,
        guardrails,
        models: names,
        chat,
        embeddings,
        base_models,
        catalog,
        bedrock: BedrockSettings {
            region,
            profile,
            mantle_endpoint,
            timeouts,
            retry,
            simulated: None,
        },
        fetch,
        bedrock_api,
        s3,
        videos,
        moderations,
        responses,
        seal_keys,
        store,
        usage,
        batches,
        limits,
        budgets,
        log,
        effective: serde_json::Value::Null,
    };
    (config, fields)
}

fn apply(overrides: &Overrides, config: &mut Config, mistakes: &mut Mistakes) {
    if let Some(listen) = &overrides.listen {
        match server::parse_listen(listen) {
            Ok(address) => config.server.listen = address,
            Err(remedy) => {
                mistakes.add("--listen or OUTCROP_LISTEN", format!("`{listen}`"), &remedy);
            }
        }
    }
    if let Some(list) = &overrides.api_keys {
        match keys::from_list(list) {
            Ok(keys) => config.keys.extend(keys),
            Err(remedy) => mistakes.add("OUTCROP_API_KEYS", "not a list of keys", &remedy),
        }
    }
    if let Some(listen) = &overrides.admin_listen {
        admin::apply_listen(listen, &mut config.admin, mistakes);
    }
    if let Some(token) = &overrides.admin_token {
        admin::apply_token(token, &mut config.admin, mistakes);
    }
}

impl Config {
    /// Checks what involves several sections.
    pub fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::default();
        check_together(self, &mut mistakes);
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(mistakes),
        }
    }

    /// Checks that a gateway on which requests need no key is for this machine only.
    pub fn check_without_keys(&self) -> Result<(), Mistakes> {
        const REMEDY: &str = "create a key with `outcrop keys create`, or set OUTCROP_API_KEYS, \
                              `[keys]` or `[jwt]`";
        let mut mistakes = Mistakes::default();
        let listen = self.server.listen;
        if !is_loopback(listen) {
            mistakes.add(
                "server.listen",
                format!("`{listen}` is reachable from other machines, and there are no keys"),
                &format!("{REMEDY}, or listen on 127.0.0.1"),
            );
        }
        if self.server.cors_origins.contains(&AllowedOrigin::Any) {
            mistakes.add(
                "server.cors_origins",
                "`*` lets every web page in a browser on this machine call Bedrock, since there \
                 are no keys",
                &format!("{REMEDY}, or list the origins one by one"),
            );
        }
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(mistakes),
        }
    }
}

/// Checks that involve several sections.
fn check_together(config: &Config, mistakes: &mut Mistakes) {
    admin::check(&config.admin, config.server.listen, mistakes);
    if config.videos.enabled && config.s3.bucket.is_none() {
        mistakes.add(
            "videos.enabled",
            "`true`, but videos need a bucket",
            "set `[s3] bucket`, or disable videos",
        );
    }
    if config.batches.enabled && config.s3.bucket.is_none() {
        mistakes.add(
            "batches.enabled",
            "`true`, but files need a bucket",
            "set `[s3] bucket`",
        );
    }
    let mut seen = Vec::new();
    for key in &config.keys {
        if seen.contains(&key.digest) {
            let key_path = format!("keys.{}", key.caller);
            mistakes.add(
                &key_path,
                "another caller has the same key",
                "give each caller a key of its own",
            );
        }
        seen.push(key.digest);
    }
    check_access_keys(&config.keys, mistakes);
    check_caller_ids(config, mistakes);
    if config.bedrock_api.async_invoke && config.s3.bucket.is_none() {
        mistakes.add(
            "bedrock_api.async_invoke",
            "`true`, but the output of jobs needs a bucket",
            "set `[s3] bucket`",
        );
    }
}

fn check_access_keys(keys: &[KeyEntry], mistakes: &mut Mistakes) {
    let mut seen = Vec::new();
    for key in keys {
        let Some(access_key) = &key.access_key else {
            continue;
        };
        if seen.contains(&&access_key.id) {
            mistakes.add(
                &format!("keys.{}.access_key_id", key.caller),
                "another caller has the same access key",
                "give each caller an access key of its own",
            );
        }
        seen.push(&access_key.id);
    }
}

/// Checks that no key has the id of a token's caller, whose files and batches it would share.
fn check_caller_ids(config: &Config, mistakes: &mut Mistakes) {
    for key in &config.keys {
        let issuer = key.caller.split_once(':').map(|(issuer, _)| issuer);
        if config.jwt.iter().any(|jwt| Some(&*jwt.name) == issuer) {
            mistakes.add(
                &format!("keys.{}", key.caller),
                "its name could be that of a token's caller",
                "name the key without a colon",
            );
        }
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests;
