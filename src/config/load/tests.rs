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
fn teams_and_keys_have_allowances() {
    let (config, mistakes) = read_text(
        r#"
            [organization]
            budgets = [{ usd = 5000, per = "month" }]
            [teams.research]
            allowed_models = ["gpt-*"]
            tokens_per_minute = 1000
            models."*opus*" = { max_concurrent_requests = 2 }
            user = { requests_per_minute = 3 }
            users."ann@example.com" = { requests_per_minute = 4 }
            [keys.ci]
            key = "a-key-of-ci"
            team = "research"
            user = "ann@example.com"
            expires = 2099-01-31
            tags = { project = "search" }
            budgets = [{ usd = "0.50", per = "day", hard = false }]
            "#,
    );
    assert_eq!(mistakes, Mistakes::default());
    let organization = &config.organization;
    assert_eq!(organization.allowance.usage.budgets.len(), 1);
    let levels = organization.levels(Some("research"), Some("ann@example.com"));
    assert_eq!(levels.len(), 3);
    let key = config.keys.first().map(|key| &key.grant).expect("a key");
    assert_eq!(key.team.as_deref(), Some("research"));
    assert!(key.expires_at.is_some());
    let budget = key.allowance.usage.budgets.first().expect("a budget");
    assert_eq!(
        (budget.usd.to_string().as_str(), budget.hard),
        ("0.5", false)
    );
}

#[test]
fn mistakes_in_allowances_are_named() {
    let (_, mistakes) = read_text(
        r#"
            [organization]
            tokens_per_minute = 0
            budgets = [{ usd = 0.5, per = "month" }, { usd = "5", per = "year" }]
            [teams]
            flat = 1
            "a b" = {}
            [teams.research.models]
            "a b" = {}
            [keys.ci]
            key = "a-key-of-ci"
            expires = "soon"
            "#,
    );
    let text = mistakes.to_string();
    for part in [
        "organization.tokens_per_minute: `0`; write a whole number from 1",
        "organization.budgets: a section; write the amount in quotes, \"0.5\"",
        "organization.budgets: a section; write it as `{ usd",
        "teams.flat: `1`; write it as a section",
        "teams.a b: not a valid name; name a team with",
        "teams.research.models.a b: not a valid name; write at most",
        "keys.ci.expires: `\"soon\"`; write a date such as",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
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
        file: ConfigFile::Named(file.clone()),
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
    assert_eq!(
        ConfigFile::from(Some(PathBuf::new())),
        ConfigFile::default()
    );
}

#[test]
fn without_a_file_the_defaults_apply() {
    let overrides = Overrides {
        file: ConfigFile::None,
        ..Overrides::default()
    };
    assert_eq!(config_file(&overrides), None);
    assert_eq!(
        load(&overrides).expect("the defaults").models,
        Config::default().models
    );
}

#[test]
fn any_origin_is_allowed_only_with_api_keys() {
    let (config, mistakes) = read_text("[server]\ncors_origins = [\"*\"]");
    assert_eq!(mistakes, Mistakes::default());
    let mistakes = config.check_without_keys().expect_err("a mistake");
    let message = mistakes.to_string();
    assert!(
        message.contains("server.cors_origins: `*` lets every"),
        "{message}"
    );
    let (config, _) = read_text("[server]\ncors_origins = [\"https://chat.example.com\"]");
    assert_eq!(config.check_without_keys(), Ok(()));
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
            file: ConfigFile::None,
            listen: Some(listen.to_owned()),
            ..Overrides::default()
        };
        let config = load(&overrides).expect("a configuration");
        assert_eq!(config.check_without_keys().is_ok(), served, "{listen}");
    }
}

#[test]
fn tokens_are_credentials_and_their_callers_share_no_id_with_a_key() {
    let provider = "[jwt.idp]\nissuer = \"https://idp.example\"\naudience = [\"gateway\"]\n";
    let checked = |text: &str| {
        let (config, mut mistakes) =
            read_text(&format!("[server]\nlisten = \"0.0.0.0:80\"\n{text}"));
        check_together(&config, &mut mistakes);
        assert!(config.requires_credentials());
        mistakes.to_string()
    };
    assert!(!Config::default().requires_credentials());
    assert!(checked(provider).starts_with("0 mistakes"));
    let own = format!("{provider}[keys]\n\"other:ann\" = \"sk-12345678\"");
    assert!(checked(&own).starts_with("0 mistakes"));
    let same = format!("{provider}[keys]\n\"idp:ann\" = \"sk-12345678\"");
    let mistakes = checked(&same);
    assert!(
        mistakes.contains("keys.idp:ann: its name could be that"),
        "{mistakes}"
    );
}

#[test]
fn keys_of_seals_are_read_and_never_shown() {
    let key = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
    let (config, mistakes) = read_text(&format!("[responses]\nseal_keys = [\"{key}\", \"{key}\"]"));
    assert_eq!(mistakes, Mistakes::default());
    assert_eq!(config.seal_keys.len(), 2);
    assert!(!format!("{config:?}").contains(key));
    for (value, remedy) in [
        ("\"a-secret\"", "in brackets"),
        ("[1]", "in quotes"),
        ("[\"a-secret\"]", "the base64 of 32 random bytes"),
        ("[\"env:OUTCROP_NO_SUCH_KEY\"]", "`OUTCROP_NO_SUCH_KEY`"),
    ] {
        let (_, mistakes) = read_text(&format!("[responses]\nseal_keys = {value}"));
        let text = mistakes.to_string();
        assert!(text.contains("responses.seal_keys"), "{text}");
        assert!(
            text.contains(remedy) && !text.contains("a-secret"),
            "{text}"
        );
    }
}
