//! What batch jobs cost, and the budgets that count it.

use bedrock_simulator::Operation;
use outcrop::allowances::{
    Allowance, Budget, BudgetPeriod, KeyGrant, Level, ModelAllowance, ModelPattern, Team,
    UsageAllowance, parse_usd,
};
use outcrop::config::{Config, KeyDigest, KeyEntry, ModelEntry};
use outcrop::limits::{BudgetState, ScopeState};
use outcrop::models::{ModelId, Tier, Usd};
use outcrop::store::{SpendQuery, Store};
use outcrop::usage::{Upstream, UsageRecord};
use serde_json::{Value, json};

use super::jobs::job_requests;
use super::{NOVA, many};
use crate::harness::Harness;
use crate::harness::batches::{
    ROLE, create, end_of, file_of, harness, lines, restart, start_batch, start_second_gateway,
    stop, upload, with_batches,
};

/// An alias of [`NOVA`].
const ALIAS: &str = "cheap";

/// A model without a price.
const UNPRICED: &str = "someone.new-model-v9:0";

fn budget(usd: &str) -> UsageAllowance {
    UsageAllowance {
        budgets: vec![Budget {
            usd: parse_usd(usd).unwrap(),
            per: BudgetPeriod::Month,
            hard: true,
            increase: None,
        }],
        ..UsageAllowance::default()
    }
}

/// Jobs, and the key `sk-ann` of a user of the team `research`, which has this allowance.
fn with_team(config: &mut Config, allowance: Allowance) {
    config.batches.role_arn = Some(ROLE.to_owned());
    config.usage.enabled = Some(true);
    config.models.insert(
        ALIAS.to_owned(),
        ModelEntry::from(ModelId::parse(NOVA).unwrap()),
    );
    config.keys = vec![KeyEntry {
        caller: "ann".to_owned(),
        digest: KeyDigest::of("sk-ann"),
        access_key: None,
        chat: Default::default(),
        grant: KeyGrant {
            team: Some("research".to_owned()),
            user: Some("ann".to_owned()),
            ..KeyGrant::default()
        },
    }];
    let team = Team {
        allowance,
        ..Team::default()
    };
    let teams = &mut config.organization.teams;
    teams.insert("research".to_owned(), team);
}

/// A gateway whose team has this allowance, and its configuration.
async fn gateway_of(allowance: Allowance) -> (Harness, Config) {
    let mut config = Config::default();
    with_batches(&mut config);
    with_team(&mut config, allowance);
    let shared = config.clone();
    let mut gateway = harness(|config| {
        *config = Config {
            bedrock: config.bedrock.clone(),
            ..shared
        };
    })
    .await;
    gateway.key = Some("sk-ann");
    (gateway, config)
}

fn of_all(usage: UsageAllowance) -> Allowance {
    Allowance {
        usage,
        ..Allowance::default()
    }
}

async fn scopes(harness: &Harness) -> Vec<ScopeState> {
    let callers = &harness.app.http.callers;
    let caller = callers.identify(harness.key).await.unwrap();
    let limits = caller.profile().limits.clone().unwrap();
    limits.states(limits.now())
}

fn spent(scope: &ScopeState) -> Usd {
    let [BudgetState { spent, .. }] = &scope.budgets[..] else {
        panic!("{scope:?}");
    };
    spent.unwrap()
}

fn cost(record: &UsageRecord) -> Usd {
    record.cost.unwrap().total().unwrap()
}

/// The records of jobs.
async fn charged(harness: &Harness) -> Vec<UsageRecord> {
    let records = harness.records.take(0).await.into_iter();
    let of_jobs = records.filter(|record| record.upstream == Some(Upstream::BatchJob));
    of_jobs.collect()
}

#[tokio::test]
async fn a_job_is_charged_to_its_caller_at_half_the_price_of_calls() {
    let (harness, _) = gateway_of(Allowance {
        usage: budget("5"),
        models: vec![ModelAllowance {
            pattern: ModelPattern::parse(ALIAS).unwrap(),
            usage: budget("3"),
        }],
        ..Allowance::default()
    })
    .await;
    let mut input = many(NOVA, "n", 60);
    input.extend(many(ALIAS, "a", 60));
    let id = start_batch(&harness, &lines(&input)).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["request_counts"]["completed"], json!(120));
    assert_eq!(job_requests(&harness).len(), 1);

    let records = charged(&harness).await;
    let [of_id, of_alias] = &records[..] else {
        panic!("{records:?}");
    };
    // The names of one model in one job are distinguished, for budgets by name.
    let (of_id, of_alias) = match of_id.model.as_deref() {
        Some(ALIAS) => (of_alias, of_id),
        _ => (of_id, of_alias),
    };
    for (record, name) in [(of_id, NOVA), (of_alias, ALIAS)] {
        assert_eq!(record.model.as_deref(), Some(name));
        let caller = record.caller.as_ref().unwrap();
        assert_eq!(
            (&*caller.id, caller.team.as_deref()),
            ("ann", Some("research"))
        );
        assert_eq!(record.tier_served, Some(Tier::Batch));
        assert!(!record.estimated);
        let tokens = record.tokens.unwrap();
        // Half of 0.06 and of 0.24 dollars per million.
        let expected = tokens.prompt * 30_000 + tokens.completion * 120_000;
        assert_eq!(cost(record), Usd::from_picodollars(expected.into()));
    }
    let tokens = |count: fn(&UsageRecord) -> u64| records.iter().map(count).sum::<u64>();
    let usage = &batch["usage"];
    assert_eq!(
        usage["input_tokens"],
        json!(tokens(|record| record.tokens.unwrap().prompt))
    );
    assert_eq!(
        usage["output_tokens"],
        json!(tokens(|record| record.tokens.unwrap().completion))
    );
    let scopes = scopes(&harness).await;
    // Each record is counted in whole nanodollars.
    let nanodollars = |records: &[&UsageRecord]| {
        records
            .iter()
            .map(|record| cost(record).nanodollars())
            .sum::<i64>()
    };
    assert_eq!(
        spent(&scopes[0]).nanodollars(),
        nanodollars(&[of_id, of_alias])
    );
    assert_eq!(spent(&scopes[1]).nanodollars(), nanodollars(&[of_alias]));
}

#[tokio::test]
async fn a_job_is_charged_once_if_the_gateway_ends_right_after_the_charge() {
    let (mut harness, mut config) = gateway_of(of_all(budget("5"))).await;
    let id = start_batch(&harness, &lines(&many(NOVA, "n", 100))).await;
    end_of(&harness, &id).await;
    assert_eq!(charged(&harness).await.len(), 1);
    harness.records.stored().await;
    stop(&harness).await;
    // As it was stored before the charge.
    let path = &config.store.path;
    let store = Store::at(path);
    let document = store.batch("ann", &id).await.unwrap().unwrap().document;
    let mut document: Value = serde_json::from_str(&document).unwrap();
    let job = &mut document["parts"][0]["route"]["job"];
    assert!(job["ended_at"].is_i64(), "{job}");
    job["collected"] = json!(false);
    document["batch"]["status"] = json!("in_progress");
    store.close().await;
    let pool = sqlx::SqlitePool::connect(path.to_str().unwrap())
        .await
        .unwrap();
    let update = sqlx::query("UPDATE batches SET document = $2, is_open = TRUE WHERE id = $1");
    let update = update.bind(&id).bind(document.to_string());
    update.execute(&pool).await.unwrap();
    pool.close().await;

    restart(&mut harness, &mut config).await;
    end_of(&harness, &id).await;
    assert_eq!(charged(&harness).await.len(), 0);
    let gone = spent(&scopes(&harness).await[0]);
    assert_eq!(gone, Usd::default(), "this process has charged nothing");
    harness.records.stored().await;
    let store = Store::at(&config.store.path);
    let query = SpendQuery {
        level: Level::Team,
        name: "research",
        models: None,
        since: None,
        before: None,
    };
    assert!(store.spend(query).await.unwrap() > 0);
}

#[tokio::test]
async fn two_gateways_charge_a_job_once() {
    let (harness, mut config) = gateway_of(of_all(budget("5"))).await;
    let (second, _, _) = start_second_gateway(&harness, &mut config).await;
    let mut batches = Vec::new();
    for number in 0..3 {
        let input = many(NOVA, &format!("{number}-"), 100);
        batches.push(start_batch(&harness, &lines(&input)).await);
    }
    for id in &batches {
        end_of(&harness, id).await;
    }
    assert_eq!(charged(&harness).await.len(), 3);
    drop(second);
}

#[tokio::test]
async fn a_used_up_budget_creates_neither_a_batch_nor_a_job() {
    let (harness, _) = gateway_of(Allowance {
        models: vec![ModelAllowance {
            pattern: ModelPattern::parse("*nova*").unwrap(),
            usage: budget("0.000001"),
        }],
        ..Allowance::default()
    })
    .await;
    let input = lines(&many(NOVA, "n", 100));
    let id = start_batch(&harness, &input).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(
        batch["request_counts"]["completed"],
        json!(100),
        "the first is let through"
    );
    // The batch is created, since it may be for other models; no job is, and no call.
    let id = start_batch(&harness, &input).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["request_counts"]["failed"], json!(100), "{batch:#}");
    let errors = file_of(&harness, &batch, "error_file_id").await;
    let error = &errors[99]["response"]["body"]["error"];
    assert_eq!(error["code"], json!("insufficient_quota"), "{error}");
    assert_eq!(job_requests(&harness).len(), 1);
    assert_eq!(harness.sent_upstream().len(), 0);
}

#[tokio::test]
async fn a_spent_budget_for_all_models_refuses_batches() {
    let (harness, _) = gateway_of(of_all(budget("0.000001"))).await;
    let input = lines(&many(NOVA, "n", 100));
    let id = start_batch(&harness, &input).await;
    end_of(&harness, &id).await;
    let file = upload(&harness, &input).await;
    let refused = create(&harness, &file).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert_eq!(refused.error()["code"], "insufficient_quota");
}

#[tokio::test]
async fn a_hard_budget_refuses_jobs_of_models_without_a_price() {
    let (harness, _) = gateway_of(of_all(budget("5"))).await;
    let id = start_batch(&harness, &lines(&many(UNPRICED, "n", 100))).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["request_counts"]["failed"], json!(100), "{batch:#}");
    let errors = file_of(&harness, &batch, "error_file_id").await;
    let message = &errors[0]["response"]["body"]["error"]["message"];
    assert!(message.as_str().unwrap().contains("price"), "{message}");
    let requests = harness.simulator.requests();
    let calls = requests.iter().filter(|request| {
        matches!(
            request.operation,
            Some(Operation::CreateModelInvocationJob | Operation::Converse)
        )
    });
    assert_eq!(calls.count(), 0);
}
