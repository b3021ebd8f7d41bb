//! The limits and budgets of organization, team, user and key.

mod budgets;
mod rates;

use futures_util::FutureExt;
use http::header::AUTHORIZATION;
use http::{Method, Request};
use http_body_util::Full;
use outcrop::allowances::{
    Allowance, Budget, BudgetPeriod, KeyGrant, Team, UsageAllowance, parse_usd,
};
use outcrop::config::{Config, KeyDigest, KeyEntry};
use outcrop::limits::ScopeState;
use serde_json::Value;

use crate::harness::{Harness, Reply};

fn tokens(tokens_per_minute: u64) -> UsageAllowance {
    UsageAllowance {
        tokens_per_minute: Some(tokens_per_minute),
        ..UsageAllowance::default()
    }
}

fn requests(requests_per_minute: u32) -> UsageAllowance {
    UsageAllowance {
        requests_per_minute: Some(requests_per_minute),
        ..UsageAllowance::default()
    }
}

fn budget(usd: &str, per: BudgetPeriod) -> UsageAllowance {
    UsageAllowance {
        budgets: vec![Budget {
            usd: parse_usd(usd).unwrap(),
            per,
            hard: true,
            increase: None,
        }],
        ..UsageAllowance::default()
    }
}

fn allowance(usage: UsageAllowance) -> Allowance {
    Allowance {
        usage,
        ..Allowance::default()
    }
}

/// Keys `sk-ann` and `sk-bob` of users of the team `research`, and `sk-other` of another team.
fn with_keys(config: &mut Config) {
    let key = |name: &str, team: &str| KeyEntry {
        caller: name.to_owned(),
        digest: KeyDigest::of(&format!("sk-{name}")),
        access_key: None,
        chat: Default::default(),
        grant: KeyGrant {
            team: Some(team.to_owned()),
            user: Some(name.to_owned()),
            ..KeyGrant::default()
        },
    };
    config.keys = vec![
        key("ann", "research"),
        key("bob", "research"),
        key("other", "sales"),
    ];
    for team in ["research", "sales"] {
        let teams = &mut config.organization.teams;
        teams.insert(team.to_owned(), Team::default());
    }
}

fn team(config: &mut Config) -> &mut Team {
    config.organization.teams.get_mut("research").unwrap()
}

async fn harness(change: impl FnOnce(&mut Config)) -> Harness {
    Harness::with(|config| {
        with_keys(config);
        change(config);
    })
    .await
}

fn request(harness: &Harness, key: &str, path: &str, body: &Value) -> Request<Full<bytes::Bytes>> {
    let mut request = harness.request(Method::POST, path, body.to_string());
    let value = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, value);
    request
}

async fn post(harness: &Harness, key: &str, path: &str, body: &Value) -> Reply {
    harness.send(request(harness, key, path, body)).await
}

async fn chat(harness: &Harness, key: &str, body: &Value) -> Reply {
    post(harness, key, "/v1/chat/completions", body).await
}

/// The limits of a key, the widest level first.
fn states(harness: &Harness, key: &str) -> Vec<ScopeState> {
    let caller = harness.app.http.callers.identify(Some(key));
    let caller = caller.now_or_never().expect("no token").unwrap();
    let limits = caller.profile().limits.as_ref().unwrap();
    limits.states(limits.now())
}

fn tokens_left(harness: &Harness, key: &str) -> u64 {
    states(harness, key)[0].tokens.unwrap().remaining
}

fn spent(harness: &Harness, key: &str) -> i64 {
    let spent = states(harness, key)[0].budgets[0].spent;
    spent.unwrap().nanodollars()
}

/// Waits until everything that is reserved is settled.
async fn settled(harness: &Harness, count: usize) -> Vec<outcrop::usage::UsageRecord> {
    harness.simulator.idle().await;
    harness.records.take(count).await
}
