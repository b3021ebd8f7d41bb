use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::Table;

use super::reader::{Mistakes, Section};
use super::{AllowedOrigin, Config, KeyEntry, Limits};
use crate::bedrock::BedrockSettings;
use crate::config::sections::{
    aws, batches, bedrock_api, chat, embeddings, fetch, keys, limits, log, models, moderations, s3,
    server, store, videos,
};

/// The file that is read if none is named.
const DEFAULT_FILE: &str = "outcrop.toml";

/// Flags and environment variables, which take precedence over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--config`, `OUTCROP_CONFIG`
    pub file: Option<PathBuf>,
    /// `--listen`, `OUTCROP_LISTEN`
    pub listen: Option<String>,
    /// `OUTCROP_API_KEYS`
    pub api_keys: Option<String>,
}

/// Reads the configuration: the named file, or `outcrop.toml` of the working directory, or the
/// defaults if there is neither.
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
    if mistakes.is_empty() {
        Ok(config)
    } else {
        Err(mistakes)
    }
}

/// The absolute path of the file that is read: the named one, else `outcrop.toml` of the working
/// directory if it exists. An empty name, as from an unset variable of a deployment, names no file.
pub fn config_file(overrides: &Overrides) -> Option<PathBuf> {
    let path = overrides.file.as_deref();
    let file = match path.filter(|file| !file.as_os_str().is_empty()) {
        Some(file) => file,
        // A file that exists and cannot be accessed is read, so that the error is reported.
        None if !matches!(Path::new(DEFAULT_FILE).try_exists(), Ok(false)) => {
            Path::new(DEFAULT_FILE)
        }
        None => return None,
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
    let guardrails = section!("guardrails", chat::read_guardrails);
    let chat = section!("chat", |section: &mut Section<'_>| chat::read(
        section,
        &guardrails
    ));
    let embeddings = section!("embeddings", embeddings::read);
    let keys = section!("keys", |section: &mut Section<'_>| keys::read(
        section,
        &guardrails
    ));
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
    let log = section!("log", log::read);
    root.finish();
    let config = Config {
        server,
        keys,
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
        store,
        batches,
        limits,
        log,
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
}

/// Checks that involve several sections.
fn check_together(config: &Config, mistakes: &mut Mistakes) {
    let listen = config.server.listen;
    if config.keys.is_empty() && !is_loopback(listen) {
        mistakes.add(
            "server.listen",
            format!("`{listen}` is reachable from other machines, and there are no keys"),
            "set OUTCROP_API_KEYS or `[keys]`, or listen on 127.0.0.1",
        );
    }
    if config.keys.is_empty() && config.server.cors_origins.contains(&AllowedOrigin::Any) {
        mistakes.add(
            "server.cors_origins",
            "`*` lets every web page in a browser on this machine call Bedrock, since there \
             are no keys",
            "set OUTCROP_API_KEYS or `[keys]`, or list the origins one by one",
        );
    }
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

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (Config, Mistakes) {
        let mut mistakes = Mistakes::default();
        let table = text.parse().expect("TOML");
        let (config, _) = read(table, &mut mistakes);
        (config, mistakes)
    }

    #[test]
    fn an_alias_selects_the_upstream_of_its_model() {
        let (config, mistakes) = read_text(
            "[models.luna]\ntarget = \"openai.gpt-6-luna\"\nupstream = \"mantle\"\n\
             [aws]\nmantle_endpoint = \"https://vpce.example/\"",
        );
        assert_eq!(mistakes, Mistakes::default());
        let upstream = config.models.get("luna").and_then(|entry| entry.upstream);
        assert_eq!(
            upstream.map(crate::models::ChatUpstream::as_str),
            Some("mantle")
        );
        let endpoint = config.bedrock.mantle_endpoint.as_deref();
        assert_eq!(endpoint, Some("https://vpce.example"));
    }

    #[test]
    fn all_mistakes_are_reported_at_once_with_their_remedies() {
        let (_, mistakes) = read_text(
            r#"
            retri = 1
            [server]
            listen = "here"
            grace_perod = "30s"
            max_body = "32 MB"
            [retry]
            max_attempts = 0
            [models]
            gpt-4o = "a b"
            [models.luna]
            target = "openai.gpt-6-luna"
            upstream = "openai"
            [aws]
            mantle_endpoint = "mantle"
            [base_models]
            "arn:aws:bedrock:r:1:imported-model/a" = "arn:aws:bedrock:r:1:custom-model/b"
            "arn aws" = "amazon.nova-lite-v1:0"
            [keys]
            someone = "short"
            [limits.target]
            requests_per_second = "many"
            "#,
        );
        let text = mistakes.to_string();
        for part in [
            "12 mistakes in the configuration:",
            "retri: `1`; unknown field; did you mean `retry`?",
            "server.listen: `here`; write an address with a port",
            "server.grace_perod: `\"30s\"`; unknown field; did you mean `grace_period`?",
            "server.max_body: `32 MB`; write a size such as",
            "retry.max_attempts: `0`; write a whole number from 1 to 20",
            "models.gpt-4o: `a b` contains characters other than",
            "base_models.arn:aws:bedrock:r:1:imported-model/a: `arn:aws:bedrock:r:1:custom-model/b` \
             is not a foundation model; write a foundation model's id",
            "base_models.arn aws: contains characters other than",
            "models.luna.upstream: `openai`; write \"converse\", \"runtime_openai\" or \"mantle\"",
            "aws.mantle_endpoint: `mantle`; write a URL such as",
            "keys.someone: not a key; write at least 8",
            "limits.target.requests_per_second: `\"many\"`; write a number",
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
        assert!(!text.contains("short"), "a key is not shown: {text}");
    }

    #[test]
    fn mistakes_name_the_configuration_file() {
        let folder = std::env::temp_dir().join(format!("outcrop-{}-named", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("gateway.toml");
        let overrides = Overrides {
            file: Some(file.clone()),
            ..Overrides::default()
        };
        for (content, words) in [
            ("[server]\nlisten = 1", "server.listen"),
            ("[server", "line 1"),
        ] {
            std::fs::write(&file, content).expect("a file");
            let mistakes = load(&overrides).expect_err(content).to_string();
            let name = file.display().to_string();
            assert!(
                mistakes.contains(words) && mistakes.contains(&name),
                "{mistakes}"
            );
            assert!(!mistakes.contains("outcrop.toml"), "{mistakes}");
        }
        std::fs::remove_file(&file).expect("a file");
        let mistakes = load(&overrides).expect_err("no file").to_string();
        assert!(mistakes.contains("gateway.toml"), "{mistakes}");
    }

    #[test]
    fn an_empty_file_name_counts_as_unset() {
        let overrides = Overrides {
            file: Some(PathBuf::new()),
            ..Overrides::default()
        };
        assert_eq!(config_file(&overrides), config_file(&Overrides::default()));
    }

    #[test]
    fn any_origin_is_allowed_only_with_api_keys() {
        let text = "[server]\ncors_origins = [\"*\"]";
        let (config, mut mistakes) = read_text(text);
        check_together(&config, &mut mistakes);
        let message = mistakes.to_string();
        assert!(
            message.contains("server.cors_origins: `*` lets every"),
            "{message}"
        );
        let (config, mut mistakes) = read_text(&format!("{text}\n[keys]\nteam = \"sk-12345678\""));
        check_together(&config, &mut mistakes);
        assert_eq!(mistakes, Mistakes::default());
    }

    #[test]
    fn videos_need_a_bucket() {
        let (config, _) = read_text("[videos]\nenabled = true");
        let mut mistakes = Mistakes::default();
        check_together(&config, &mut mistakes);
        let text = mistakes.to_string();
        assert!(text.contains("set `[s3] bucket`"), "{text}");
        let (config, _) = read_text("[videos]\nenabled = true\n[s3]\nbucket = \"videos\"");
        let mut mistakes = Mistakes::default();
        check_together(&config, &mut mistakes);
        assert!(mistakes.is_empty());
    }

    #[test]
    fn incomplete_access_keys_are_mistakes_and_secrets_are_not_shown() {
        let (config, mut mistakes) = read_text(
            r#"
            [keys.one]
            key = "sk-of-caller-one"
            access_key_id = "OUTCROPCALLER001"
            secret_access_key = "a-secret-of-thirty-two-characters-or-more"
            [keys.two]
            key = "sk-of-caller-two"
            access_key_id = "OUTCROPCALLER001"
            secret_access_key = "another-secret-of-thirty-two-characters"
            [keys.half]
            key = "sk-of-caller-half"
            secret_access_key = "a-third-secret-of-thirty-two-characters"
            [keys.short]
            key = "sk-of-caller-short"
            access_key_id = "SHORT"
            secret_access_key = "a-short-secret"
            [bedrock_api]
            async_invoke = true
            "#,
        );
        check_together(&config, &mut mistakes);
        let text = mistakes.to_string();
        for part in [
            "5 mistakes in the configuration:",
            "keys.two.access_key_id: another caller has the same access key",
            "keys.half.access_key_id: half of an access key; write both",
            "keys.short.access_key_id: `SHORT`; write 16 to 128 letters",
            "keys.short.secret_access_key: not a secret; write at least 32",
            "bedrock_api.async_invoke: `true`, but the output",
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
        assert!(!text.contains("-secret"), "a secret is not shown: {text}");
        let one = config.keys.iter().find(|key| key.caller == "one");
        let access_key = one.and_then(|key| key.access_key.as_ref());
        let access_key = access_key.map(|key| key.id.as_str());
        assert_eq!(access_key, Some("OUTCROPCALLER001"));
    }

    #[test]
    fn without_keys_only_loopback_addresses_may_be_served() {
        for (listen, served) in [
            ("127.0.0.1:1", true),
            ("localhost:1", true),
            ("[::1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.0.2.1:1", false),
        ] {
            let overrides = Overrides {
                file: Some("/dev/null".into()),
                listen: Some(listen.to_owned()),
                api_keys: None,
            };
            assert_eq!(load(&overrides).is_ok(), served, "{listen}");
            let with_key = Overrides {
                api_keys: Some("sk-12345678".to_owned()),
                ..overrides
            };
            assert!(load(&with_key).is_ok(), "{listen}");
        }
    }
}
