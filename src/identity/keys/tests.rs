use std::sync::Arc;
use std::time::Duration;

use super::{IssuedKey, KeyFollower};
use crate::allowances::{Allowance, Level, Team, UsageAllowance};
use crate::config::{ChatOverrides, Config, KeyDigest, KeyEntry};
use crate::error::{ApiError, ErrorKind};
use crate::identity::Callers;
use crate::identity::administration::{Administration, AdministrationError, KeySettings, NewKey};
use crate::limits::{BudgetSettings, LimitRegistry, ThresholdQueue};
use crate::store::{Store, StoredKey, scratch};

/// A gateway, and a command on the same store, each with a handle of its own.
struct Machine {
    callers: Arc<Callers>,
    follower: KeyFollower,
    command: Administration,
    store: Arc<Store>,
}

fn machine(config: &Config) -> Machine {
    let store = Arc::new(scratch());
    let (queue, _) = ThresholdQueue::new();
    let limits = Arc::new(LimitRegistry::new(&BudgetSettings::default(), queue));
    let callers = Arc::new(Callers::new(config, &limits));
    let of_command = Arc::new(store.another_handle());
    Machine {
        follower: KeyFollower::new(&callers, Arc::clone(&store)),
        command: Administration::new(config, Arc::clone(&of_command)),
        callers,
        store: of_command,
    }
}

impl Machine {
    async fn create(&self, new: NewKey) -> String {
        let created = self.command.create_key(new, 0).await.expect("a key");
        created.key.expose().to_owned()
    }

    async fn look(&mut self) {
        self.follower.look().await.expect("a readable store");
    }

    async fn error(&self, key: &str) -> ApiError {
        let identified = self.callers.identify(Some(key)).await;
        identified.expect_err("an error")
    }

    async fn change(&self, name: &str, change: impl FnOnce(&mut StoredKey)) {
        let change = |key: &mut StoredKey| {
            change(key);
            Ok::<_, ()>(())
        };
        let changed = self.store.change_key(name, change).await;
        changed.expect("a query").expect("a key").expect("changed");
    }
}

fn named(name: &str) -> NewKey {
    NewKey {
        name: name.to_owned(),
        ..NewKey::default()
    }
}

fn requests(per_minute: u32) -> Allowance {
    Allowance {
        usage: UsageAllowance {
            requests_per_minute: Some(per_minute),
            ..UsageAllowance::default()
        },
        ..Allowance::default()
    }
}

fn configured(name: &str) -> KeyEntry {
    KeyEntry {
        caller: name.to_owned(),
        digest: KeyDigest::of(&format!("sk-{name}")),
        access_key: None,
        chat: ChatOverrides::default(),
        grant: Default::default(),
    }
}

#[tokio::test]
async fn a_key_of_the_store_has_the_limits_of_its_team_user_and_own() {
    let mut config = Config::default();
    config.organization.allowance = requests(1000);
    let of_file = Team {
        allowance: requests(500),
        ..Team::default()
    };
    let teams = &mut config.organization.teams;
    teams.insert("of-file".to_owned(), of_file);
    let mut machine = machine(&config);
    let team = Team {
        allowance: requests(100),
        user: requests(50),
        ..Team::default()
    };
    let created = machine.command.create_team("research", team, 0).await;
    created.expect("a team");
    let mut levels = Vec::new();
    for (team, user) in [("research", Some("alice")), ("of-file", None)] {
        let key = machine.create(NewKey {
            team: Some(team.to_owned()),
            user: user.map(str::to_owned),
            settings: KeySettings {
                allowance: requests(10),
                ..KeySettings::default()
            },
            ..named(team)
        });
        let key = key.await;
        machine.look().await;
        let caller = machine
            .callers
            .identify(Some(&key))
            .await
            .expect("a caller");
        assert!(caller.id().starts_with("key_"), "{}", caller.id());
        assert_eq!(caller.name(), team);
        assert_eq!(caller.principal().key_id.as_deref(), Some(caller.id()));
        assert_eq!(caller.principal().team.as_deref(), Some(team));
        assert_eq!(caller.principal().user.as_deref(), user);
        let limits = caller.profile().levels.iter();
        levels.extend(limits.map(|level| {
            let usage = &level.allowance.usage;
            (level.level, usage.requests_per_minute.unwrap_or_default())
        }));
        assert_eq!(machine.callers.of_id(caller.id()).name(), team);
    }
    let expected = [
        (Level::Organization, 1000),
        (Level::Team, 100),
        (Level::User, 50),
        (Level::Key, 10),
        (Level::Organization, 1000),
        (Level::Team, 500),
        (Level::Key, 10),
    ];
    assert_eq!(levels, expected);
    let gone = machine.callers.of_id("key_that_is_gone");
    let of_organization = gone.profile().levels.first().expect("a level");
    assert_eq!(of_organization.level, Level::Organization);

    // The limits of the team change for all of its keys.
    let change = |team: &mut Team| {
        team.allowance = requests(7);
        Ok::<_, AdministrationError>(())
    };
    let changed = machine.command.change_team("research", change).await;
    changed.expect("changed");
    machine.look().await;
    let id = machine.store.key("research").await.expect("a query");
    let caller = machine.callers.of_id(&id.expect("a key").id);
    let of_team = caller.profile().levels.get(1).expect("a level");
    assert_eq!(of_team.allowance.usage.requests_per_minute, Some(7));
}

#[tokio::test]
async fn keys_are_required_from_the_first_one_on() {
    let mut machine = machine(&Config::default());
    machine.look().await;
    assert!(!machine.callers.have_keys());
    assert_eq!(
        machine.callers.identify(None).await.expect("anyone").name(),
        "local"
    );
    let key = machine.create(named("one")).await;
    machine.look().await;
    assert!(machine.callers.have_keys());
    machine
        .callers
        .identify(Some(&key))
        .await
        .expect("a caller");
    machine
        .callers
        .identify(None)
        .await
        .expect_err("a key is needed");
    // Without the last key, the gateway serves no one rather than everyone.
    machine.command.revoke_key("one", 0).await.expect("revoked");
    machine.look().await;
    assert_eq!(machine.error(&key).await.kind, ErrorKind::Authentication);
    machine
        .callers
        .identify(None)
        .await
        .expect_err("a key is needed");
}

#[tokio::test]
async fn a_replaced_key_works_until_its_end() {
    let mut machine = machine(&Config::default());
    let old = machine.create(named("one")).await;
    let hour = Duration::from_secs(3600);
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let new = machine.command.rotate_key("one", hour, now).await;
    let new = new.expect("rotated").key.expose().to_owned();
    machine.look().await;
    let mut ids = Vec::new();
    for key in [&old, &new] {
        let caller = machine.callers.identify(Some(key)).await;
        ids.push(caller.expect("a caller").id().to_owned());
    }
    assert_eq!(ids.first(), ids.last());
    machine
        .change("one", |key| {
            key.previous.as_mut().expect("the one before").until = now;
        })
        .await;
    machine.look().await;
    let error = machine.error(&old).await;
    assert!(error.to_string().contains("has expired"), "{error}");
    machine
        .callers
        .identify(Some(&new))
        .await
        .expect("a caller");
    machine
        .change("one", |key| key.expires_at = Some(now))
        .await;
    machine.look().await;
    assert!(
        machine
            .error(&new)
            .await
            .to_string()
            .contains("has expired")
    );
}

#[tokio::test]
async fn a_key_without_its_guardrail_is_refused() {
    let mut machine = machine(&Config::default());
    let key = machine.create(named("one")).await;
    let guarded = |key: &mut StoredKey| key.chat.guardrail = Some("removed".to_owned());
    machine.change("one", guarded).await;
    machine.look().await;
    assert_eq!(machine.error(&key).await.kind, ErrorKind::Permission);
    machine.change("one", |key| key.chat.guardrail = None).await;
    machine.look().await;
    machine
        .callers
        .identify(Some(&key))
        .await
        .expect("a caller");
}

#[tokio::test]
async fn without_the_store_known_keys_work_and_unknown_ones_may_be_tried_again() {
    let config = Config {
        keys: vec![configured("of-file")],
        ..Config::default()
    };
    let mut machine = machine(&config);
    let known = machine.create(named("one")).await;
    machine.look().await;
    let broken = Store::in_damaged_file();
    let mut follower = KeyFollower::new(&machine.callers, Arc::new(broken));
    follower.look().await.expect_err("a damaged file");

    for key in [&known, "sk-of-file"] {
        machine
            .callers
            .identify(Some(key))
            .await
            .expect("a known key");
    }
    let unknown = IssuedKey::generate().expect("random numbers");
    let error = machine.error(unknown.expose()).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(error.retry_after, Some(Duration::from_secs(1)));
    let mut misspelled = unknown.expose().to_owned();
    misspelled.pop();
    for (key, words) in [
        (misspelled.as_str(), "its checksum does not match"),
        ("sk-other", "issued by its operator"),
    ] {
        let error = machine.error(key).await;
        assert_eq!(error.kind, ErrorKind::Authentication);
        assert!(error.to_string().contains(words), "{error}");
    }
    machine.look().await;
    assert_eq!(
        machine.error(unknown.expose()).await.kind,
        ErrorKind::Authentication
    );
}

#[tokio::test]
async fn a_new_key_works_at_once() {
    let config = Config {
        keys: vec![configured("of-file")],
        ..Config::default()
    };
    let mut machine = machine(&config);
    machine.look().await;
    let key = machine.create(named("one")).await;
    let error = machine.error(&key).await;
    assert_eq!(error.kind, ErrorKind::Authentication, "no one looks");
    let follower = KeyFollower::new(&machine.callers, Arc::new(machine.store.another_handle()));
    let running = tokio::spawn(follower.run());
    tokio::task::yield_now().await;
    for name in ["two", "three", "four"] {
        let key = machine.create(named(name)).await;
        let caller = machine.callers.identify(Some(&key)).await;
        assert_eq!(caller.expect("a caller").name(), name);
    }
    let unknown = IssuedKey::generate().expect("random numbers");
    let error = machine.error(unknown.expose()).await;
    assert_eq!(error.kind, ErrorKind::Authentication);
    running.abort();
}

#[tokio::test]
async fn keys_of_the_store_stay_with_another_configuration() {
    let mut config = Config {
        keys: vec![configured("of-file")],
        ..Config::default()
    };
    let mut machine = machine(&config);
    let key = machine.create(named("one")).await;
    machine.look().await;
    config.keys = vec![configured("of-other-file")];
    config.organization.allowance = requests(3);
    let callers = machine.callers.reconfigured(&config).expect("callers");
    let old = callers.identify(Some("sk-of-file")).await;
    old.expect_err("the key has gone");
    for known in [key.as_str(), "sk-of-other-file"] {
        callers.identify(Some(known)).await.expect("a caller");
    }
    // The limits of the new configuration come with the next look.
    machine.look().await;
    let caller = callers.identify(Some(&key)).await.expect("a caller");
    let level = caller.profile().levels.first().expect("a level");
    assert_eq!(level.allowance.usage.requests_per_minute, Some(3));
    config.keys.clear();
    let callers = machine.callers.reconfigured(&config).expect("callers");
    assert!(callers.have_keys(), "there are keys in the store");
}
