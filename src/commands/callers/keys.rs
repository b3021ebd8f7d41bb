use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use clap::{Args, Subcommand};

use super::allowance::{AllowanceArguments, describe};
use super::table::{Fields, Table};
use super::{Output, TargetArguments, with_callers};
use crate::admin::CreatedKeyBody;
use crate::config::{parse_duration, parse_instant};
use crate::identity::administration::{KeyFilter, KeySettings, KeyView, NewKey};
use crate::store::StoredChatOverrides;

/// `outcrop keys`
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum KeysCommand {
    /// Create a key and print it, once
    Create {
        /// Name of the key
        #[arg(long)]
        name: String,
        /// Team that the key is for
        #[arg(long)]
        team: Option<String>,
        /// User that the key is for
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        settings: Box<SettingArguments>,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// List keys, without the keys themselves
    List {
        /// Only the keys of this team
        #[arg(long)]
        team: Option<String>,
        /// Also revoked keys
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Show a key and its limits, without the key itself
    Show {
        /// Id or name of the key
        id: String,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Change limits and settings of a key
    Update {
        /// Id or name of the key
        id: String,
        #[command(flatten)]
        settings: Box<SettingArguments>,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Replace a key by a new one and print it, once
    Rotate {
        /// Id or name of the key
        id: String,
        /// How long the replaced key stays valid
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
        overlap: Duration,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Revoke a key, for good
    Revoke {
        /// Id or name of the key
        id: String,
        #[command(flatten)]
        target: TargetArguments,
    },
}

/// What can be set and changed of a key.
#[derive(Debug, Args)]
pub(in crate::commands) struct SettingArguments {
    /// When the key expires: a date, a time, or `none`
    #[arg(long, value_name = "DATE", value_parser = expiry)]
    expires: Option<Expiry>,
    /// Label in usage records; may be repeated
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    /// Guardrail of the configuration that requests cannot override
    #[arg(long, value_name = "NAME")]
    guardrail: Option<String>,
    /// Refuse requests that need adjustments
    #[arg(long, value_name = "true|false")]
    strict: Option<bool>,
    /// Add cache points to prompts
    #[arg(long, value_name = "true|false")]
    cache: Option<bool>,
    /// How conversations that are too long are handled
    #[arg(long, value_name = "refuse|oldest")]
    truncate: Option<String>,
    /// Output tokens of requests without a limit
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Maximum of output tokens
    #[arg(long, value_name = "N")]
    max_tokens_ceiling: Option<u32>,
    #[command(flatten)]
    allowance: AllowanceArguments,
}

/// A point in time in Unix seconds, or none.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct Expiry(Option<i64>);

impl KeysCommand {
    /// Runs the command.
    pub(in crate::commands) async fn run(self) -> ExitCode {
        match self {
            Self::Create {
                name,
                team,
                user,
                settings,
                target,
            } => {
                with_callers(target, async |keys| {
                    let mut new = NewKey {
                        name,
                        team,
                        user,
                        ..NewKey::default()
                    };
                    settings.apply(&mut new.settings);
                    let created = keys.create_key(new).await?;
                    Ok(shown_once("is created", &created))
                })
                .await
            }
            Self::List { team, all, target } => {
                with_callers(target, async |keys| {
                    let filter = KeyFilter {
                        team: team.as_deref(),
                        with_revoked: all,
                    };
                    let keys = keys.keys(filter).await?;
                    Ok(Output::new(table(&keys), &keys))
                })
                .await
            }
            Self::Show { id, target } => {
                with_callers(target, async |keys| {
                    let key = keys.key(&id).await?;
                    Ok(Output::new(fields(&key), &key))
                })
                .await
            }
            Self::Update {
                id,
                settings,
                target,
            } => {
                with_callers(target, async |keys| {
                    let change = |stored: &mut KeySettings| {
                        settings.apply(stored);
                        Ok(())
                    };
                    let key = keys.change_key(&id, change).await?;
                    Ok(Output::new(fields(&key), &key))
                })
                .await
            }
            Self::Rotate {
                id,
                overlap,
                target,
            } => {
                with_callers(target, async |keys| {
                    let created = keys.rotate_key(&id, overlap).await?;
                    Ok(shown_once("is replaced", &created))
                })
                .await
            }
            Self::Revoke { id, target } => {
                with_callers(target, async |keys| {
                    let key = keys.revoke_key(&id).await?;
                    let text = format!(
                        "key `{}` ({}) is revoked; running gateways refuse it within a second\n",
                        key.name, key.id
                    );
                    Ok(Output::new(text, &key))
                })
                .await
            }
        }
    }
}

impl SettingArguments {
    /// Sets what was given.
    fn apply(&self, settings: &mut KeySettings) {
        let Self {
            expires,
            tags,
            guardrail,
            strict,
            cache,
            truncate,
            max_tokens,
            max_tokens_ceiling,
            allowance,
        } = self;
        if let Some(Expiry(expires_at)) = expires {
            settings.expires_at = *expires_at;
        }
        settings.tags.extend(tags.iter().cloned());
        let chat = &mut settings.chat;
        chat.strict = strict.unwrap_or(chat.strict);
        chat.cache = cache.or(chat.cache);
        chat.max_tokens = max_tokens.or(chat.max_tokens);
        chat.max_tokens_ceiling = max_tokens_ceiling.or(chat.max_tokens_ceiling);
        for (argument, field) in [
            (guardrail, &mut chat.guardrail),
            (truncate, &mut chat.truncate),
        ] {
            if argument.is_some() {
                field.clone_from(argument);
            }
        }
        allowance.apply(&mut settings.allowance);
    }
}

fn shown_once(what: &str, created: &CreatedKeyBody) -> Output {
    let CreatedKeyBody { key, view } = created;
    let previous = match &view.previous {
        Some(previous) => {
            let (prefix, until) = (&previous.prefix, &previous.until);
            format!("The one before, {prefix}..., is valid until {until}.\n")
        }
        None => String::new(),
    };
    let text = format!(
        "Key `{}` ({}) {what}. It is shown only now:\n\n  {}\n\n{previous}",
        view.name, view.id, key
    );
    Output::new(text, created)
}

fn table(keys: &[KeyView]) -> String {
    let mut table = Table::new([
        "ID",
        "NAME",
        "TEAM",
        "USER",
        "KEY",
        "STATUS",
        "EXPIRES",
        "LAST USED",
    ]);
    for key in keys {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let day = |time: &Option<String>| {
            let day = time.as_ref().and_then(|time| time.get(..10));
            day.unwrap_or("-").to_owned()
        };
        let prefix = key.prefix.as_ref();
        table.add([
            key.id.clone(),
            key.name.clone(),
            text(&key.team),
            text(&key.user),
            prefix.map_or("configuration".to_owned(), |prefix| format!("{prefix}...")),
            key.status.as_str().to_owned(),
            day(&key.expires_at),
            text(&key.last_used_at),
        ]);
    }
    table.to_string()
}

fn fields(key: &KeyView) -> String {
    let mut fields = Fields::default();
    fields.add("id", &key.id);
    fields.add("name", &key.name);
    fields.add("set by", key.owner.as_str());
    fields.add("status", key.status.as_str());
    let prefix = key.prefix.as_ref().map(|prefix| format!("{prefix}..."));
    fields.add_some("key", prefix.as_deref());
    if let Some(previous) = &key.previous {
        let (prefix, until) = (&previous.prefix, &previous.until);
        fields.add("previous key", format!("{prefix}... until {until}"));
    }
    fields.add_some("team", key.team.as_deref());
    fields.add_some("user", key.user.as_deref());
    fields.add_some("created", key.created_at.as_deref());
    fields.add_some("expires", key.expires_at.as_deref());
    fields.add_some("revoked", key.revoked_at.as_deref());
    fields.add_some("last used", key.last_used_at.as_deref());
    describe(&mut fields, "", &key.allowance);
    describe_chat(&mut fields, &key.chat);
    for (name, value) in &key.tags {
        fields.add(format!("tag {name}"), value);
    }
    fields.to_string()
}

fn describe_chat(fields: &mut Fields, chat: &StoredChatOverrides) {
    let StoredChatOverrides {
        cache,
        truncate,
        max_tokens,
        max_tokens_ceiling,
        strict,
        guardrail,
    } = chat;
    fields.add_some("guardrail", guardrail.as_deref());
    fields.add_some("strict", strict.then_some("true"));
    fields.add_some(
        "cache",
        cache.map(|cache| if cache { "true" } else { "false" }),
    );
    fields.add_some("truncate", truncate.as_deref());
    for (name, limit) in [
        ("max_tokens", max_tokens),
        ("max_tokens_ceiling", max_tokens_ceiling),
    ] {
        if let Some(limit) = limit {
            fields.add(name, limit.to_string());
        }
    }
}

fn expiry(text: &str) -> Result<Expiry, String> {
    if text == "none" {
        return Ok(Expiry(None));
    }
    let since = parse_instant(text)?.duration_since(UNIX_EPOCH);
    let seconds = since.unwrap_or_default().as_secs();
    Ok(Expiry(i64::try_from(seconds).ok()))
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}
