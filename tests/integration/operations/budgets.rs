//! `outcrop budgets`, and limits for the models of a pattern.

use std::path::PathBuf;

use outcrop::store::{Store, StoredUsage};
use serde_json::{Value, json};

use super::commands::{config_file, outcrop, run, text};

/// The commands on a store of their own.
struct Commands {
    config: PathBuf,
    store: PathBuf,
}

impl Commands {
    fn new(config: &str) -> Self {
        let name = format!("outcrop-budgets-{:016x}", fastrand::u64(..));
        let store = std::env::temp_dir().join(format!("{name}.db"));
        let config = format!("[store]\npath = \"{}\"\n{config}", store.display());
        Self {
            config: config_file(&format!("{name}.toml"), &config),
            store,
        }
    }

    /// Runs a command; returns its exit code and what it prints.
    async fn run(&self, line: &str) -> (Option<i32>, String) {
        let arguments: Vec<&str> = line.split(' ').collect();
        let mut command = outcrop(&arguments, &[]);
        command.arg("--config").arg(&self.config);
        let output = run(command).await;
        (output.status.code(), text(&output))
    }

    async fn succeed(&self, line: &str) -> String {
        let (code, printed) = self.run(line).await;
        assert_eq!(code, Some(0), "{line}: {printed}");
        printed
    }

    async fn json(&self, line: &str) -> Value {
        let printed = self.succeed(&format!("{line} --json")).await;
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }
}

/// A record of today.
fn spent(team: &str, caller: &str, user: &str, model: &str, dollars: i64) -> StoredUsage {
    let now = jiff::Timestamp::now();
    StoredUsage {
        at: now.as_millisecond(),
        id: format!("{:016x}", fastrand::u64(..)),
        day: now.to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
        caller: caller.to_owned(),
        team: Some(team.to_owned()),
        user: Some(user.to_owned()),
        model_requested: Some(model.to_owned()),
        input_tokens: Some(1),
        cost: Some(dollars * 1_000_000_000),
        status: Some(200),
        outcome: "completed".to_owned(),
        ..StoredUsage::default()
    }
}

#[tokio::test]
async fn budgets_are_set_raised_listed_and_removed() {
    let commands = Commands::new(
        "[organization]\nbudgets = [{ usd = \"5000\", per = \"month\" }]\n\
         [teams.of-file]\nbudgets = [{ usd = \"7\", per = \"total\", hard = false }]\n",
    );
    commands.succeed("teams create research").await;
    let key = commands
        .json("keys create --name nightly --team research")
        .await;
    let key = key["id"].as_str().unwrap();
    for line in [
        "budgets set --team research --usd 500",
        "budgets set --team research --usd 400 --soft",
        "budgets set --team research --usd 40 --per day",
        "budgets set --team research --usd 90 --per week --model *opus*",
        "budgets set --team research --each-user --usd 50",
        "budgets set --team research --user ann --usd 60",
        "budgets set --key nightly --usd 9 --per total",
        "budgets increase --team research --usd 100 --until 2100-01-01",
    ] {
        commands.succeed(line).await;
    }
    let store = Store::at(&commands.store);
    let records = [
        spent("research", key, "ann", "opus-5", 3),
        spent("research", "other", "bob", "nova", 10),
    ];
    store.add_usage(&records).await.unwrap();
    store.close().await;

    let all = commands.json("budgets list").await;
    let rows: Vec<Value> = all.as_array().unwrap().clone();
    let row = |row: &Value| {
        json!([
            row["level"],
            row["per"],
            row["hard"],
            row["limit_usd"],
            row["spent_usd"],
            row["left_usd"],
            row["owner"],
        ])
    };
    let rows: Vec<Value> = rows.iter().map(row).collect();
    let expected = json!([
        [
            "organization",
            "month",
            true,
            5000,
            13,
            4987,
            "configuration"
        ],
        ["team", "total", false, 7, 0, 7, "configuration"],
        ["team", "day", true, 40, 13, 27, "store"],
        ["team", "month", true, 600, 13, 587, "store"],
        ["team", "month", false, 400, 13, 387, "store"],
        ["team", "week", true, 90, 3, 87, "store"],
        ["each_user", "month", true, 50, null, null, "store"],
        ["user", "month", true, 60, 3, 57, "store"],
        ["key", "total", true, 9, 3, 6, "store"],
    ]);
    assert_eq!(Value::Array(rows), expected);
    let month = &all[3];
    assert_eq!(month["usd"], 500);
    assert_eq!(
        month["increase"],
        json!({"usd": "100", "until": "2100-01-01T00:00:00Z"})
    );
    assert!(
        month["window_start"]
            .as_str()
            .unwrap()
            .ends_with("-01T00:00:00Z")
    );
    assert_eq!(
        (&all[8]["window_end"], &all[8]["key_name"]),
        (&json!(null), &json!("nightly"))
    );
    assert_eq!(all[5]["models"], "*opus*");

    let table = commands.succeed("budgets list --key nightly").await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("BUDGET OF"), "{table}");
    assert!(
        lines[1].starts_with(&format!("key nightly ({key})")),
        "{table}"
    );
    assert_eq!(lines.len(), 2, "{table}");

    for line in [
        "budgets increase --team research --end",
        "budgets remove --team research --soft",
        "budgets remove --team research --per week --model *opus*",
        "budgets remove --team research --user ann",
        "budgets remove --key nightly --per total",
    ] {
        commands.succeed(line).await;
    }
    let left = commands.json("budgets list --team research").await;
    let left: Vec<Value> = left.as_array().unwrap().iter().map(row).collect();
    let expected = json!([
        ["team", "day", true, 40, 13, 27, "store"],
        ["team", "month", true, 500, 13, 487, "store"],
        ["each_user", "month", true, 50, null, null, "store"],
    ]);
    assert_eq!(Value::Array(left), expected);
    let store = Store::at(&commands.store);
    let audit = store.audit(None, None, 100).await.unwrap();
    let changes = audit
        .iter()
        .filter(|entry| entry.action.ends_with(".update"));
    assert_eq!(changes.count(), 13, "each change is in the audit log");
}

#[tokio::test]
async fn wrong_budgets_are_refused_with_the_remedy() {
    let commands = Commands::new("[teams.of-file]\n");
    commands.succeed("teams create research").await;
    for (line, code, words) in [
        ("budgets set --usd 5", 2, "--team"),
        ("budgets set --team research --usd 0", 2, "above 0"),
        (
            "budgets set --team research --key one --usd 5",
            2,
            "cannot be used with",
        ),
        (
            "budgets set --team research --usd 5 --per year",
            2,
            "write day, week, month or total",
        ),
        (
            "budgets set --team absent --usd 5",
            1,
            "there is no team `absent`",
        ),
        (
            "budgets set --team of-file --usd 5",
            1,
            "set by the configuration",
        ),
        (
            "budgets set --key absent --usd 5",
            1,
            "there is no key `absent`",
        ),
        (
            "budgets remove --team research",
            1,
            "no hard budget per month",
        ),
        ("budgets increase --team research --usd 5", 2, "--until"),
        (
            "budgets increase --team research --usd 5 --until 2020-01-01",
            2,
            "in the future",
        ),
    ] {
        let (exit, printed) = commands.run(line).await;
        assert_eq!(exit, Some(code), "{line}: {printed}");
        assert!(printed.contains(words), "{line}: {printed}");
    }
}

#[tokio::test]
async fn commands_limit_the_models_of_a_pattern() {
    let commands = Commands::new("");
    let create = "teams create research --rpm 600 --for-models *opus* --tpm 50000";
    let (code, printed) = commands.run(create).await;
    assert_eq!(code, Some(0), "{printed}");
    commands.succeed("teams update research --rpm 700").await;
    commands
        .succeed("teams update research --user ann --for-models *opus* --max-concurrent 2")
        .await;
    let team = commands.json("teams show research").await;
    assert_eq!(team["requests_per_minute"], 700);
    assert_eq!(
        team["models"],
        json!([{"pattern": "*opus*", "requests_per_minute": 600, "tokens_per_minute": 50000}])
    );
    assert_eq!(
        team["users"]["ann"]["models"],
        json!([{"pattern": "*opus*", "max_concurrent_requests": 2}])
    );
    commands
        .succeed("teams update research --for-models *opus* --rpm none --tpm none")
        .await;
    let team = commands.json("teams show research").await;
    assert_eq!(team["models"], Value::Null);
    let (code, printed) = commands
        .run("teams update research --for-models *opus* --models gpt-*")
        .await;
    assert_eq!(code, Some(2), "{printed}");
}
