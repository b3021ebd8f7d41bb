use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{
    Administration, AdministrationError, BudgetFilter, KeyFilter, KeySettings, KeyStatus, NewKey,
    Subject,
};
use crate::allowances::{Allowance, Budget, BudgetPeriod, KeyGrant, Team};
use crate::config::{ChatOverrides, Config, KeyDigest, KeyEntry};
use crate::models::Usd;
use crate::store::scratch;

const HOUR: Duration = Duration::from_secs(3600);

/// A configuration with the team `of-file` and the key `configured`, and an empty store.
fn administration() -> Administration {
    let mut config = Config::default();
    let teams = &mut config.organization.teams;
    teams.insert("of-file".to_owned(), Team::default());
    config.keys.push(KeyEntry {
        caller: "configured".to_owned(),
        digest: KeyDigest::of("sk-secret-of-file"),
        access_key: None,
        chat: ChatOverrides::default(),
        grant: KeyGrant {
            team: Some("of-file".to_owned()),
            ..KeyGrant::default()
        },
    });
    Administration::new(&config, Arc::new(scratch()))
}

fn key(name: &str) -> NewKey {
    NewKey {
        name: name.to_owned(),
        ..NewKey::default()
    }
}

fn blocked() -> Allowance {
    let mut allowance = Allowance::default();
    allowance.usage.requests_per_minute = Some(0);
    allowance
}

#[tokio::test]
async fn keys_are_created_shown_rotated_and_revoked() {
    let keys = administration();
    assert_eq!(
        keys.teams().await.expect("teams").len(),
        1,
        "without a file"
    );
    let team = keys.create_team("research", Team::default(), 5).await;
    assert_eq!(team.expect("a team").name, "research");
    let teams = keys.teams().await.expect("teams");
    let names: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    assert_eq!(names, ["of-file", "research"]);

    let new = NewKey {
        team: Some("research".to_owned()),
        user: Some("alice@example.com".to_owned()),
        settings: KeySettings {
            tags: BTreeMap::from([("cost".to_owned(), "42".to_owned())]),
            expires_at: Some(1_000_000),
            ..KeySettings::default()
        },
        ..key("one")
    };
    let created = keys.create_key(new, 10).await.expect("a key");
    let id = created.view.id.clone();
    assert_eq!(keys.key("one", 10).await.expect("a key"), created.view);
    assert_eq!(
        created.view.created_at.as_deref(),
        Some("1970-01-01T00:00:10Z")
    );

    let rotated = keys.rotate_key(&id, HOUR, 20).await.expect("rotated");
    assert_ne!(rotated.key.expose(), created.key.expose());
    assert_eq!(rotated.view.id, id);
    let previous = rotated.view.previous.as_ref().expect("the one before");
    assert_eq!(Some(&previous.prefix), created.view.prefix.as_ref());
    assert_eq!(previous.until, "1970-01-01T01:00:20Z");
    // The one before may still be in use.
    let error = keys.rotate_key(&id, HOUR, 30).await.expect_err("too early");
    assert!(
        error
            .to_string()
            .contains("valid until 1970-01-01T01:00:20Z")
    );
    let ended = keys.rotate_key(&id, Duration::ZERO, 30).await;
    assert_eq!(ended.expect("rotated").view.previous, None);

    let list = keys.keys(KeyFilter::default(), 40).await.expect("keys");
    let json = serde_json::to_string(&list).expect("JSON");
    for secret in [created.key.expose(), rotated.key.expose(), "sk-secret"] {
        assert!(!json.contains(secret), "{json}");
    }
    let states = |list: Vec<super::KeyView>| {
        let states = list.into_iter().map(|key| (key.name, key.status));
        states.collect::<Vec<_>>()
    };
    let active = ("one".to_owned(), KeyStatus::Active);
    assert_eq!(
        states(list),
        [("configured".to_owned(), KeyStatus::Active), active]
    );
    let of_team = KeyFilter {
        team: Some("research"),
        with_revoked: true,
    };
    let later = keys.keys(of_team, 1_000_000).await.expect("keys");
    assert_eq!(states(later), [("one".to_owned(), KeyStatus::Expired)]);

    let error = keys
        .delete_team("research", 50)
        .await
        .expect_err("it has a key");
    assert!(error.to_string().contains("has 1 active keys"), "{error}");
    for _ in 0..2 {
        let (_, revoked) = keys.revoke_key(&id, 60).await.expect("revoked");
        assert_eq!(revoked.status, KeyStatus::Revoked);
        assert_eq!(revoked.revoked_at.as_deref(), Some("1970-01-01T00:01:00Z"));
    }
    keys.rotate_key(&id, HOUR, 70)
        .await
        .expect_err("revoked for good");
    keys.delete_team("research", 80).await.expect("deleted");
    let list = keys.keys(KeyFilter::default(), 80).await.expect("keys");
    assert_eq!(list.len(), 1);
}

/// The error of a change.
fn unchanged<T>(changed: Result<T, AdministrationError>) -> Option<AdministrationError> {
    changed.err()
}

#[tokio::test]
async fn what_the_configuration_names_is_not_changed() {
    let keys = administration();
    let refused = [
        keys.create_team("of-file", Team::default(), 0).await.err(),
        unchanged(keys.change_team("of-file", |_| Ok(())).await),
        keys.delete_team("of-file", 0).await.err(),
        keys.create_key(key("configured"), 0).await.err(),
        unchanged(keys.change_key("configured", |_| Ok(()), 0).await),
        keys.rotate_key("configured", HOUR, 0).await.err(),
        keys.revoke_key("configured", 0).await.err(),
    ];
    for error in refused {
        let error = error.expect("refused");
        let place = match &error {
            AdministrationError::OwnedByFile(Subject::Team, _) => "change `[teams.of-file]` there",
            AdministrationError::OwnedByFile(Subject::Key, _) => "change `[keys]` or",
            other => panic!("{other}"),
        };
        assert!(error.to_string().contains(place), "{error}");
    }
    let of_file = NewKey {
        team: Some("of-file".to_owned()),
        ..key("one")
    };
    keys.create_key(of_file, 0)
        .await
        .expect("a key of its team");
}

#[tokio::test]
async fn wrong_values_are_refused_with_the_remedy() {
    let keys = administration();
    keys.create_key(key("taken"), 0).await.expect("a key");
    let settings = |settings| NewKey {
        settings,
        ..key("one")
    };
    let mut guarded = KeySettings::default();
    guarded.chat.guardrail = Some("absent".to_owned());
    let mut truncated = KeySettings::default();
    truncated.chat.truncate = Some("newest".to_owned());
    for (new, words) in [
        (key(""), "1 to 128 characters"),
        (key("key_1"), "do not begin with `key_`"),
        (key("taken"), "there is a key `taken` already"),
        (
            NewKey {
                team: Some("absent".to_owned()),
                ..key("one")
            },
            "there is no team `absent`",
        ),
        (
            NewKey {
                user: Some("a\nb".to_owned()),
                ..key("one")
            },
            "name a user",
        ),
        (
            settings(KeySettings {
                expires_at: Some(100),
                ..KeySettings::default()
            }),
            "in the future",
        ),
        (
            settings(KeySettings {
                allowance: blocked(),
                ..KeySettings::default()
            }),
            "a whole number from 1",
        ),
        (
            settings(KeySettings {
                tags: BTreeMap::from([(String::new(), "a".to_owned())]),
                ..KeySettings::default()
            }),
            "at most 16 tags",
        ),
        (settings(guarded), "`[guardrails.NAME]`"),
        (settings(truncated), "\"refuse\" or \"oldest\""),
    ] {
        let error = keys.create_key(new, 100).await.expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
    }
    let team = keys.create_team("a b", Team::default(), 0).await;
    assert!(
        team.expect_err("a name")
            .to_string()
            .contains("name a team")
    );
    let team = Team {
        user: blocked(),
        ..Team::default()
    };
    let team = keys.create_team("a", team, 0).await;
    assert!(
        team.expect_err("a limit")
            .to_string()
            .contains("a limit of 0")
    );

    // What is refused changes nothing.
    let change = |settings: &mut KeySettings| {
        settings.allowance = blocked();
        Ok(())
    };
    unchanged(keys.change_key("taken", change, 0).await).expect("a limit");
    let stored = keys.key("taken", 0).await.expect("a key");
    assert_eq!(stored.allowance, Allowance::default());
    let change = |settings: &mut KeySettings| {
        settings.expires_at = Some(200);
        Err(AdministrationError::Conflict("no".to_owned()))
    };
    let error = unchanged(keys.change_key("taken", change, 0).await);
    assert_eq!(error.expect("refused").to_string(), "no");
    let change = |settings: &mut KeySettings| {
        settings.expires_at = Some(200);
        Ok::<_, AdministrationError>(())
    };
    let (before, after) = keys.change_key("taken", change, 0).await.expect("changed");
    assert_eq!(before, stored);
    assert_eq!(after.expires_at.as_deref(), Some("1970-01-01T00:03:20Z"));
    for absent in ["absent", "key_absent"] {
        let error = keys.revoke_key(absent, 0).await.expect_err("absent");
        assert!(error.to_string().contains("there is no key"), "{error}");
    }
}

#[tokio::test]
async fn pages_have_everything_once() {
    let keys = administration();
    for name in ["a", "of-team", "z"] {
        keys.create_team(name, Team::default(), 0)
            .await
            .expect("a team");
        keys.create_key(key(name), 0).await.expect("a key");
    }
    let everything = KeyFilter::default();
    for limit in 1..=5 {
        let mut names: Vec<(String, String)> = Vec::new();
        loop {
            let after = names.last().map(|(id, _)| id.as_str());
            let page = keys.key_page(everything, after, limit, 0).await;
            let page = page.expect("keys");
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= limit as usize);
            names.extend(page.into_iter().map(|key| (key.id, key.name)));
        }
        // Keys of one millisecond have no order.
        let mut names: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "configured", "of-team", "z"]);

        let mut names: Vec<String> = Vec::new();
        loop {
            let after = names.last().map(String::as_str);
            let page = keys.team_page(after, limit).await.expect("teams");
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= limit as usize);
            names.extend(page.into_iter().map(|team| team.name));
        }
        assert_eq!(names, ["a", "of-file", "of-team", "z"]);
    }
}

#[tokio::test]
async fn a_list_of_budgets_is_bounded() {
    let teams = administration();
    let budget = Budget {
        usd: Usd::from_nanodollars(1_000_000_000),
        per: BudgetPeriod::Month,
        hard: true,
        increase: None,
    };
    let mut team = Team::default();
    for user in 0..=1_000 {
        let mut allowance = Allowance::default();
        allowance.usage.budgets.push(budget);
        team.users.insert(format!("user-{user}"), allowance);
    }
    let created = teams.create_team("large", team, 5).await;
    created.expect("a team");
    let error = teams
        .budgets(BudgetFilter::default(), Timestamp::UNIX_EPOCH)
        .await
        .expect_err("too many");
    assert_eq!(
        error.to_string(),
        "team: there are more than 1000 budgets; choose a team or a key"
    );
    let of_file = BudgetFilter {
        team: Some("of-file"),
        ..BudgetFilter::default()
    };
    let budgets = teams.budgets(of_file, Timestamp::UNIX_EPOCH).await;
    assert_eq!(budgets.expect("budgets"), []);
}
