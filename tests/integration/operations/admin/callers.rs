//! Teams and keys in the admin API.

use std::sync::Arc;

use http::header::{AUTHORIZATION, IF_MATCH};
use http::{Method, StatusCode};
use outcrop::allowances::Team;
use outcrop::config::{AdminSettings, ChatOverrides, Config, KeyDigest, KeyEntry};
use outcrop::identity::KeyFollower;
use serde_json::{Value, json};

use super::{Operated, TOKEN, with_token};
use crate::harness::{Reply, non_streaming};

/// A configuration with the team `of-file` and the key `configured`.
fn configuration(config: &mut Config) {
    let teams = &mut config.organization.teams;
    teams.insert("of-file".to_owned(), Team::default());
    config.keys.push(KeyEntry {
        caller: "configured".to_owned(),
        digest: KeyDigest::of("sk-secret-of-the-file"),
        access_key: None,
        chat: ChatOverrides::default(),
        grant: Default::default(),
    });
}

async fn operated() -> Operated {
    Operated::with(with_token(), configuration).await
}

impl Operated {
    /// The JSON of a response with this status.
    async fn done(&self, method: Method, path: &str, body: Value, status: u16) -> Value {
        let reply = self.api(method, path, TOKEN, body).await;
        assert_eq!(reply.status.as_u16(), status, "{path}: {}", reply.text);
        reply.json()
    }

    async fn read(&self, path: &str) -> Value {
        self.done(Method::GET, path, Value::Null, 200).await
    }

    /// The status and the error of a request that is refused.
    async fn refused(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let reply = self.api(method, path, TOKEN, body).await;
        (reply.status.as_u16(), reply.error())
    }

    /// A chat request with `key`, after the gateway has looked for changes.
    async fn chat_with_key(&self, key: &str) -> Reply {
        let app = &self.gateway.app;
        let mut follower = KeyFollower::new(&app.http.callers, Arc::clone(&app.store));
        follower.look().await.unwrap();
        let authorization = format!("Bearer {key}");
        let headers = [("authorization", authorization.as_str())];
        self.gateway.chat_with(&headers, &non_streaming("hi")).await
    }
}

#[tokio::test]
async fn a_key_lives_from_its_creation_to_its_end_in_the_api() {
    let operated = operated().await;
    let team = json!({"name": "research", "requests_per_minute": 600});
    operated.done(Method::POST, "/teams", team, 201).await;
    let new = json!({
        "name": "notebook", "team": "research", "user": "ann@example.com",
        "allowance": {"allowed_models": ["*claude*"]}, "tags": {"cost": "42"},
        "expires_at": "2100-01-01T00:00:00Z",
    });
    let created = operated.done(Method::POST, "/keys", new, 201).await;
    let key = created["key"].as_str().unwrap();
    assert_eq!(created["owner"], "store");
    assert_eq!(operated.chat_with_key(key).await.status, StatusCode::OK);

    let path = format!("/keys/{}", created["id"].as_str().unwrap());
    let shown = operated.read("/keys/notebook").await;
    assert_eq!(shown, operated.read(&path).await);
    assert_eq!(shown["tags"], json!({"cost": "42"}));
    assert_eq!(shown["expires_at"], "2100-01-01T00:00:00Z");
    // A change of a limit refuses the next request.
    let change = json!({"allowance": {"allowed_models": ["*nova*"]}, "tags": {"cost": null}});
    let changed = operated.done(Method::PATCH, &path, change, 200).await;
    assert_eq!(changed["tags"], json!({}));
    assert_eq!(changed["expires_at"], shown["expires_at"]);
    assert_eq!(
        operated.chat_with_key(key).await.status,
        StatusCode::FORBIDDEN
    );
    let change = json!({"allowance": null, "expires_at": null});
    let changed = operated.done(Method::PATCH, &path, change, 200).await;
    assert_eq!(changed["allowance"], json!({}));
    assert_eq!(changed["expires_at"], Value::Null);
    assert_eq!(operated.chat_with_key(key).await.status, StatusCode::OK);

    let rotate = format!("{path}/rotate");
    let overlap = json!({"overlap_seconds": 3600});
    let rotated = operated.done(Method::POST, &rotate, overlap, 200).await;
    let new_key = rotated["key"].as_str().unwrap();
    assert_eq!(rotated["previous"]["prefix"], created["prefix"]);
    for key in [key, new_key] {
        assert_eq!(operated.chat_with_key(key).await.status, StatusCode::OK);
    }
    let overlap = json!({"overlap_seconds": 60});
    let (status, error) = operated.refused(Method::POST, &rotate, overlap).await;
    assert_eq!((status, &error["code"]), (409, &json!("conflict")));

    let (status, _) = operated
        .refused(Method::DELETE, "/teams/research", Value::Null)
        .await;
    assert_eq!(status, 409, "a team with keys");
    let revoke = format!("{path}/revoke");
    for _ in 0..2 {
        let revoked = operated.done(Method::POST, &revoke, Value::Null, 200).await;
        assert_eq!(revoked["status"], "revoked");
    }
    for key in [key, new_key] {
        let refused = operated.chat_with_key(key).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    operated
        .done(Method::DELETE, "/teams/research", Value::Null, 200)
        .await;
    let (status, _) = operated
        .refused(Method::GET, "/teams/research", Value::Null)
        .await;
    assert_eq!(status, 404);

    let reply = operated
        .api(Method::GET, "/audit", TOKEN, Value::Null)
        .await;
    for secret in [key, new_key] {
        assert!(!reply.text.contains(secret), "a secret is in the audit log");
    }
    let audit = reply.json();
    let entries = audit["data"].as_array().unwrap().iter().rev();
    let actions: Vec<&str> = entries
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    let expected = [
        "team.create",
        "key.create",
        "key.update",
        "key.update",
        "key.rotate",
        "key.revoke",
        "team.delete",
    ];
    assert_eq!(actions, expected);
    let change = &audit["data"][4];
    assert_eq!(change["actor"], "token of the configuration");
    assert_eq!(change["before"]["tags"], json!({"cost": "42"}));
    assert_eq!(change["after"]["tags"], json!({}));
}

#[tokio::test]
async fn a_team_has_limits_and_budgets_for_its_users_and_for_patterns() {
    let operated = operated().await;
    let budgets = json!([
        {"usd": "500", "per": "month", "hard": true},
        {"usd": "50.5", "per": "day", "hard": false,
         "increase": {"usd": "5", "until": "2100-01-01T00:00:00Z"}},
    ]);
    let opus = json!({"pattern": "*opus*", "tokens_per_minute": 1000, "budgets": [budgets[0]]});
    let team = json!({
        "name": "research", "requests_per_minute": 600, "budgets": budgets, "models": [opus],
        "user": {"requests_per_minute": 60}, "users": {"ann": {"requests_per_minute": 120}},
    });
    let created = operated
        .done(Method::POST, "/teams", team.clone(), 201)
        .await;
    let mut expected = team;
    expected["owner"] = json!("store");
    expected["created_at"] = created["created_at"].clone();
    assert_eq!(created, expected);

    let change = json!({
        "requests_per_minute": null, "max_concurrent_requests": 5,
        "users": {"ann": null, "bob": {"tokens_per_minute": 7}},
    });
    let changed = operated
        .done(Method::PATCH, "/teams/research", change, 200)
        .await;
    let members = expected.as_object_mut().unwrap();
    members.remove("requests_per_minute");
    members.insert("max_concurrent_requests".to_owned(), json!(5));
    members.insert("users".to_owned(), json!({"bob": {"tokens_per_minute": 7}}));
    assert_eq!(changed, expected);
    assert_eq!(operated.read("/teams/research").await, expected);
}

#[tokio::test]
async fn a_change_of_an_older_state_is_refused() {
    let operated = operated().await;
    let team = json!({"name": "research", "requests_per_minute": 1});
    operated.done(Method::POST, "/teams", team, 201).await;
    operated
        .done(Method::POST, "/keys", json!({"name": "one"}), 201)
        .await;
    let change = async |path: &str, tag: &str, body: Value| {
        let authorization = format!("Bearer {TOKEN}");
        let headers = [
            (AUTHORIZATION.as_str(), authorization.as_str()),
            (IF_MATCH.as_str(), tag),
        ];
        let path = format!("/admin/v1{path}");
        operated
            .send(Method::PATCH, &path, &headers, &body.to_string())
            .await
    };
    for (path, body) in [
        ("/teams/research", json!({"requests_per_minute": 2})),
        ("/keys/one", json!({"tags": {"a": "b"}})),
    ] {
        let shown = operated.api(Method::GET, path, TOKEN, Value::Null).await;
        let old = shown.header("etag").unwrap();
        let changed = change(path, old, body.clone()).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        let refused = change(path, old, json!({})).await;
        assert_eq!(refused.status, 412);
        assert_eq!(refused.error()["code"], "changed_meanwhile");
        let new = changed.header("etag").unwrap();
        assert_eq!(change(path, new, body.clone()).await.status, 200);
        assert_eq!(change(path, "\"0\", *", body).await.status, 200);
    }
}

#[tokio::test]
async fn what_the_configuration_owns_is_not_changed() {
    let operated = operated().await;
    let before = operated.read("/teams/of-file").await;
    assert_eq!(before["owner"], "configuration");
    for (method, path, body, section) in [
        (
            Method::POST,
            "/teams",
            json!({"name": "of-file"}),
            "`[teams.of-file]`",
        ),
        (
            Method::PATCH,
            "/teams/of-file",
            json!({}),
            "`[teams.of-file]`",
        ),
        (
            Method::DELETE,
            "/teams/of-file",
            Value::Null,
            "`[teams.of-file]`",
        ),
        (
            Method::POST,
            "/keys",
            json!({"name": "configured"}),
            "`[keys]`",
        ),
        (Method::PATCH, "/keys/configured", json!({}), "`[keys]`"),
        (
            Method::POST,
            "/keys/configured/rotate",
            json!({"overlap_seconds": 0}),
            "`[keys]`",
        ),
        (
            Method::POST,
            "/keys/configured/revoke",
            Value::Null,
            "`[keys]`",
        ),
    ] {
        let (status, error) = operated.refused(method, path, body).await;
        assert_eq!(status, 409, "{path}: {error}");
        assert_eq!(error["code"], "owned_by_configuration");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(section), "{path}: {message}");
    }
    let audit = operated.read("/audit").await;
    assert_eq!(audit["data"], json!([]), "nothing was changed");
}

#[tokio::test]
async fn lists_have_pages_and_filters() {
    let operated = operated().await;
    for name in ["a", "b"] {
        operated
            .done(Method::POST, "/teams", json!({"name": name}), 201)
            .await;
        let new = json!({"name": name, "team": name});
        operated.done(Method::POST, "/keys", new, 201).await;
    }
    let names = async |path: &str| {
        let page = operated.read(path).await;
        let data = page["data"].as_array().unwrap().clone();
        let names = data.iter().map(|item| item["name"].as_str().unwrap());
        let names: Vec<String> = names.map(str::to_owned).collect();
        (names.join(" "), page["has_more"].as_bool().unwrap())
    };
    let expect = |names: &str, has_more| (names.to_owned(), has_more);
    assert_eq!(names("/teams?limit=2").await, expect("a b", true));
    assert_eq!(
        names("/teams?limit=2&after=b").await,
        expect("of-file", false)
    );
    assert_eq!(names("/keys?limit=2").await, expect("configured a", true));
    let page = operated.read("/keys?limit=2").await;
    let after = page["data"][1]["id"].as_str().unwrap();
    let rest = format!("/keys?limit=2&after={after}");
    assert_eq!(names(&rest).await, expect("b", false));
    operated
        .done(Method::POST, "/keys/b/revoke", Value::Null, 200)
        .await;
    assert_eq!(names("/keys?team=b").await, expect("", false));
    assert_eq!(names("/keys?team=b&revoked=true").await, expect("b", false));
}

#[tokio::test]
async fn wrong_changes_name_what_is_wrong() {
    let operated = operated().await;
    operated
        .done(Method::POST, "/keys", json!({"name": "one"}), 201)
        .await;
    let team = |user: Value| json!({"name": "a", "users": {"ann": user}});
    for (method, path, body, code, param) in [
        (
            Method::POST,
            "/teams",
            json!({}),
            "invalid_value",
            json!("name"),
        ),
        (
            Method::POST,
            "/teams",
            json!({"name": "a b"}),
            "invalid_value",
            json!("name"),
        ),
        (
            Method::POST,
            "/teams",
            json!([]),
            "invalid_body",
            Value::Null,
        ),
        (
            Method::POST,
            "/teams",
            team(json!({"rpm": 1})),
            "invalid_body",
            json!("users.ann.rpm"),
        ),
        (
            Method::POST,
            "/teams",
            team(json!({"tokens_per_minute": "many"})),
            "invalid_body",
            json!("users.ann.tokens_per_minute"),
        ),
        (
            Method::POST,
            "/teams",
            team(json!({"tokens_per_minute": 0})),
            "invalid_value",
            json!("users"),
        ),
        (
            Method::POST,
            "/keys",
            json!({"name": "two", "team": "x"}),
            "invalid_value",
            json!("team"),
        ),
        (
            Method::POST,
            "/keys",
            json!({"name": "key_2"}),
            "invalid_value",
            json!("name"),
        ),
        (
            Method::POST,
            "/keys",
            json!({"name": "two", "expires_at": "2001-01-01T00:00:00Z"}),
            "invalid_value",
            json!("expires_at"),
        ),
        (
            Method::PATCH,
            "/keys/one",
            json!({"expires_at": "tomorrow"}),
            "invalid_value",
            json!("expires_at"),
        ),
        (
            Method::PATCH,
            "/keys/one",
            json!({"name": "two"}),
            "invalid_body",
            json!("name"),
        ),
        (
            Method::PATCH,
            "/keys/one",
            json!({"allowance": {"budgets": [{"usd": "0", "per": "day"}]}}),
            "invalid_body",
            json!("allowance.budgets[0].usd"),
        ),
        (
            Method::POST,
            "/keys/one/rotate",
            json!({"overlap_seconds": 7_776_001}),
            "invalid_value",
            json!("overlap_seconds"),
        ),
        (
            Method::GET,
            "/keys?revoked=yes",
            Value::Null,
            "invalid_value",
            json!("revoked"),
        ),
        (
            Method::GET,
            "/keys?limit=1001",
            Value::Null,
            "invalid_value",
            json!("limit"),
        ),
    ] {
        let (status, error) = operated.refused(method, path, body).await;
        assert_eq!(status, 400, "{path}: {error}");
        assert_eq!(
            (&error["code"], &error["param"]),
            (&json!(code), &param),
            "{path}"
        );
    }
    let (status, error) = operated
        .refused(Method::POST, "/keys", json!({"name": "one"}))
        .await;
    assert_eq!((status, &error["code"]), (409, &json!("name_in_use")));
}

#[tokio::test]
async fn tokens_for_keys_manage_teams_and_keys_only() {
    let operated = operated().await;
    let token = async |name: &str| {
        let new = json!({"name": name, "scope": name});
        let created = operated.done(Method::POST, "/tokens", new, 201).await;
        created["token"].as_str().unwrap().to_owned()
    };
    let (keys, read) = (token("keys").await, token("read").await);
    for (method, path, body, of_keys, of_read) in [
        (Method::POST, "/teams", json!({"name": "a"}), 201, 403),
        (Method::POST, "/keys", json!({"name": "a"}), 201, 403),
        (Method::GET, "/keys", Value::Null, 200, 200),
        (Method::GET, "/teams/a", Value::Null, 200, 200),
        (Method::PATCH, "/keys/a", json!({}), 200, 403),
        (Method::GET, "/audit", Value::Null, 403, 200),
        (Method::GET, "/configuration", Value::Null, 403, 200),
        (Method::GET, "/tokens", Value::Null, 403, 403),
        (Method::POST, "/drain", Value::Null, 403, 403),
    ] {
        for (token, expected) in [(&keys, of_keys), (&read, of_read)] {
            let reply = operated
                .api(method.clone(), path, token, body.clone())
                .await;
            assert_eq!(reply.status.as_u16(), expected, "{path}: {}", reply.text);
        }
    }
    let audit = operated.read("/audit?subject=a").await;
    assert_eq!(audit["data"][0]["actor"], "token keys");
}

#[tokio::test]
async fn what_is_left_of_limits_is_shown() {
    let operated = operated().await;
    let team = json!({
        "name": "research", "requests_per_minute": 1, "user": {"max_concurrent_requests": 5},
        "budgets": [{"usd": "100", "per": "month"}],
    });
    operated.done(Method::POST, "/teams", team, 201).await;
    let new = json!({
        "name": "one", "team": "research", "user": "ann",
        "allowance": {"models": [{"pattern": "*claude*", "tokens_per_minute": 100_000}]},
    });
    let created = operated.done(Method::POST, "/keys", new, 201).await;
    let key = created["key"].as_str().unwrap();
    assert_eq!(operated.chat_with_key(key).await.status, StatusCode::OK);
    let records = operated.gateway.records.take(1).await;
    let cost = records.first().and_then(|record| record.cost?.total());

    let limits = operated.read("/keys/one/limits").await;
    let levels: Vec<&Value> = limits["data"].as_array().unwrap().iter().collect();
    let names: Vec<&str> = levels
        .iter()
        .map(|level| level["level"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["team", "user", "key"]);
    let team = &levels[0]["limits"][0];
    assert_eq!(team["remaining"]["requests"], 0);
    let spent = cost.unwrap().to_string();
    assert_eq!(team["remaining"]["budgets"][0]["spent_usd"], spent);
    assert_eq!(
        levels[1]["limits"][0]["remaining"]["concurrent_requests"],
        5
    );
    let claude = &levels[2]["limits"][0];
    assert_eq!(claude["models"], "*claude*");
    assert!(claude["remaining"]["tokens"].is_u64());

    let of_team = operated.read("/teams/research/limits").await;
    assert_eq!(of_team["data"][0]["limits"][0]["remaining"]["requests"], 0);
    assert_eq!(of_team["data"].as_array().map(Vec::len), Some(1));
    let of_user = operated.read("/teams/research/limits?user=ann").await;
    assert_eq!(of_user["data"][1]["name"], "research/ann");
    for path in ["/teams/absent/limits", "/keys/absent/limits"] {
        let (status, _) = operated.refused(Method::GET, path, Value::Null).await;
        assert_eq!(status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_first_key_is_required_at_once() {
    let operated = Operated::start(AdminSettings {
        token: Some(KeyDigest::of(TOKEN)),
        ..AdminSettings::default()
    })
    .await;
    let created = operated
        .done(Method::POST, "/keys", json!({"name": "one"}), 201)
        .await;
    let key = created["key"].as_str().unwrap();
    assert_eq!(operated.chat_with_key(key).await.status, StatusCode::OK);
    let refused = operated.gateway.chat(&non_streaming("hi")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}
