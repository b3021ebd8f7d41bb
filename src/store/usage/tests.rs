use super::super::{Store, scratch};
use super::*;
use crate::allowances::{Level, ModelPattern};

/// 2026-11-22T10:00:00Z in milliseconds.
const MORNING: i64 = 1_795_341_600_000;

fn record(id: &str, day: &str) -> StoredUsage {
    StoredUsage {
        at: MORNING,
        id: id.to_owned(),
        day: day.to_owned(),
        caller: "key_1".to_owned(),
        team: Some("search".to_owned()),
        user: Some("ann".to_owned()),
        tags: Some(r#"{"cost_center":"7"}"#.to_owned()),
        model_requested: Some("gpt-4o".to_owned()),
        model_id: Some("us.amazon.nova-2-lite-v1:0".to_owned()),
        input_tokens: Some(7),
        cache_read_tokens: Some(4),
        output_tokens: Some(2),
        cost: Some(1_000),
        cache_savings: Some(-5),
        priced: true,
        status: Some(200),
        outcome: "completed".to_owned(),
        ..StoredUsage::default()
    }
}

async fn add(store: &Store, records: &[StoredUsage]) -> usize {
    store.add_usage(records).await.expect("stored")
}

async fn sums(store: &Store, by: &[UsageDimension]) -> Vec<(Vec<String>, i64, i64)> {
    let query = UsageQuery {
        from: None,
        to: None,
        caller: None,
        by,
        limit: 100,
    };
    let rows = store.usage(query).await.expect("a query");
    let of = |row: UsageRow| (row.group, row.sums.requests, row.sums.cost);
    rows.into_iter().map(of).collect()
}

#[tokio::test]
async fn keys_of_the_store_are_named() {
    let store = scratch();
    let key = crate::store::keys::tests::key("key_1", "nightly");
    assert!(store.add_key(&key).await.expect("a key"));
    let configured = StoredUsage {
        caller: "ci".to_owned(),
        ..record("b", "2026-11-22")
    };
    add(&store, &[record("a", "2026-11-22"), configured]).await;
    let names = async |by| {
        let query = UsageQuery {
            from: None,
            to: None,
            caller: None,
            by,
            limit: 100,
        };
        let rows = store.usage(query).await.expect("a query").into_iter();
        rows.map(|row| row.key_name).collect::<Vec<_>>()
    };
    let named = |name: &str| Some(name.to_owned());
    let by_key = [UsageDimension::Team, UsageDimension::Key];
    assert_eq!(names(&by_key).await, [named("ci"), named("nightly")]);
    assert_eq!(names(&[UsageDimension::Team]).await, [None]);
}

#[tokio::test]
async fn a_record_is_read_as_it_was_written() {
    let store = scratch();
    let first = record("a", "2026-11-22");
    let full = StoredUsage {
        at: MORNING + 1,
        stream: true,
        units: Some(3),
        unit: Some("images".to_owned()),
        ..record("b", "2026-11-22")
    };
    assert_eq!(add(&store, &[first.clone(), full.clone()]).await, 2);
    let read = store.usage_records((None, None), None, 10).await;
    assert_eq!(read.expect("records"), [first, full]);
}

#[tokio::test]
async fn a_record_that_is_written_again_changes_nothing() {
    let store = scratch();
    let records: Vec<_> = (0..60)
        .map(|number| record(&number.to_string(), "2026-11-22"))
        .collect();
    assert_eq!(add(&store, &records[..40]).await, 40);
    assert_eq!(add(&store, &records).await, 20);
    // The request of a batch that is sent again.
    let again = StoredUsage {
        at: MORNING + 1,
        ..records[0].clone()
    };
    assert_eq!(add(&store, &[again.clone(), again]).await, 1);
    assert_eq!(sums(&store, &[]).await, [(vec![], 61, 61_000)]);
}

#[tokio::test]
async fn sums_are_kept_by_hour_day_and_key() {
    let store = scratch();
    let failed = StoredUsage {
        status: Some(404),
        cost: None,
        model_requested: Some("misspelt".to_owned()),
        model_id: Some("misspelt".to_owned()),
        input_tokens: None,
        ..record("c", "2026-11-23")
    };
    let unpriced = StoredUsage {
        at: MORNING + 3_600_000,
        team: None,
        priced: false,
        cost: None,
        ..record("d", "2026-11-22")
    };
    let records = [
        record("a", "2026-11-22"),
        record("b", "2026-11-23"),
        failed,
        unpriced,
    ];
    add(&store, &records[..1]).await;
    add(&store, &records[1..]).await;
    let of = |names: &[&str], requests, cost| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        (names, requests, cost)
    };
    use UsageDimension::{Day, Key, Model, Team, User};
    assert_eq!(
        sums(&store, &[Day, Team]).await,
        [
            of(&["2026-11-22", ""], 1, 0),
            of(&["2026-11-22", "search"], 1, 1_000),
            of(&["2026-11-23", "search"], 2, 1_000),
        ]
    );
    // The names of requests that failed are not kept: clients could send any number of them.
    assert_eq!(
        sums(&store, &[Model, User, Key]).await,
        [
            of(&["", "ann", "key_1"], 1, 0),
            of(&["gpt-4o", "ann", "key_1"], 3, 2_000)
        ]
    );
    let days = store
        .daily_usage((None, None), None, 2)
        .await
        .expect("sums");
    let rest = store
        .daily_usage((None, None), days.last(), 10)
        .await
        .expect("sums");
    let days: Vec<_> = days.iter().chain(&rest).collect();
    assert_eq!(days.len(), 4);
    assert_eq!(days[0].sums.unpriced_requests, 1);
    assert_eq!(days[2].sums.failed_requests, 1);
    assert_eq!(days[3].key.tier, "default");
    let first = UsageSums {
        requests: 1,
        input_tokens: 7,
        cache_read_tokens: 4,
        output_tokens: 2,
        cost: 1_000,
        cache_savings: -5,
        ..UsageSums::default()
    };
    assert_eq!(days[1].sums, first);
    let hours: Vec<(i64, i64)> =
        sqlx::query_as("SELECT hour, SUM(requests) FROM usage_hourly GROUP BY hour ORDER BY hour")
            .fetch_all(store.pool().await.expect("a pool"))
            .await
            .expect("sums");
    let hour = MORNING / 1000;
    assert_eq!(hours, [(hour, 3), (hour + 3600, 1)]);
}

#[tokio::test]
async fn records_are_listed_in_pages_of_days() {
    let store = scratch();
    let days = ["2026-11-21", "2026-11-22", "2026-11-23"];
    for (index, day) in (0..).zip(days) {
        let at = MORNING + (index - 1) * 86_400_000;
        let records = ["a", "b"].map(|id| StoredUsage {
            at,
            ..record(id, day)
        });
        add(&store, &records).await;
    }
    let range = (Some("2026-11-22"), Some("2026-11-23"));
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = store.usage_records(range, after.as_ref(), 3).await;
        let page = page.expect("records");
        let Some(last) = page.last() else { break };
        after = Some(RecordPosition {
            at: last.at,
            id: last.id.clone(),
        });
        seen.extend(page.into_iter().map(|record| (record.day, record.id)));
    }
    let expected = days[1..]
        .iter()
        .flat_map(|day| ["a", "b"].map(|id| (*day, id)));
    let expected: Vec<_> = expected
        .map(|(day, id)| (day.to_owned(), id.to_owned()))
        .collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn spend_is_summed_by_level_and_pattern_up_to_a_time() {
    let store = scratch();
    let records = [
        record("a", "2026-10-31"),
        record("b", "2026-11-22"),
        StoredUsage {
            at: MORNING + 5,
            ..record("c", "2026-11-22")
        },
        StoredUsage {
            caller: "key_2".to_owned(),
            user: Some("bob".to_owned()),
            ..record("d", "2026-11-22")
        },
        StoredUsage {
            team: Some("other".to_owned()),
            model_requested: Some("us.anthropic.claude-opus-5".to_owned()),
            model_id: Some("us.anthropic.claude-opus-5".to_owned()),
            ..record("e", "2026-11-22")
        },
    ];
    add(&store, &records).await;
    let nova = ModelPattern::parse("us.amazon.*").expect("a pattern");
    let all = SpendQuery {
        level: Level::Organization,
        name: "",
        models: None,
        since: None,
        before: None,
    };
    let november = Some("2026-11-01");
    for (query, expected) in [
        (all, 5_000),
        (
            SpendQuery {
                since: november,
                ..all
            },
            4_000,
        ),
        (
            SpendQuery {
                models: Some(&nova),
                ..all
            },
            4_000,
        ),
        (
            SpendQuery {
                before: Some(MORNING + 5),
                ..all
            },
            4_000,
        ),
        (
            SpendQuery {
                before: Some(MORNING),
                since: november,
                ..all
            },
            0,
        ),
        (
            SpendQuery {
                level: Level::Team,
                name: "search",
                ..all
            },
            4_000,
        ),
        (
            SpendQuery {
                level: Level::Team,
                name: "none",
                ..all
            },
            0,
        ),
        (
            SpendQuery {
                level: Level::User,
                name: "search/ann",
                ..all
            },
            3_000,
        ),
        (
            SpendQuery {
                level: Level::User,
                name: "search/ann",
                models: Some(&nova),
                since: november,
                before: Some(MORNING + 5),
            },
            1_000,
        ),
        (
            SpendQuery {
                level: Level::Key,
                name: "key_2",
                ..all
            },
            1_000,
        ),
    ] {
        assert_eq!(
            store.spend(query).await.expect("a sum"),
            expected,
            "{query:?}"
        );
    }
}

#[tokio::test]
async fn old_rows_are_deleted_in_slices_and_the_file_shrinks() {
    let store = scratch();
    let records: Vec<_> = (0..500)
        .map(|number| StoredUsage {
            at: MORNING + number,
            adjustments: Some("x".repeat(1_000)),
            ..record(&number.to_string(), "2026-11-22")
        })
        .collect();
    add(&store, &records).await;
    let size = |store: &Store| std::fs::metadata(&store.path).expect("a file").len();
    let checkpoint = || async {
        let pool = store.pool().await.expect("a pool");
        let pragma = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
        pragma.execute(pool).await.expect("a checkpoint");
    };
    checkpoint().await;
    let before = size(&store);
    let remove = |table, before| store.remove_usage(table, before, 300);
    let now = MORNING / 1000;
    for (table, rows) in [
        (UsageTable::Records, [300, 200, 0]),
        (UsageTable::Hourly, [1, 0, 0]),
        (UsageTable::Daily, [1, 0, 0]),
    ] {
        assert_eq!(remove(table, now).await.expect("a query"), 0, "{table:?}");
        for expected in rows {
            let deleted = remove(table, now + 86_400).await.expect("a query");
            assert_eq!(deleted, expected, "{table:?}");
        }
    }
    while store.shrink().await.expect("a vacuum") {}
    checkpoint().await;
    assert!(size(&store) < before / 2, "{} of {before}", size(&store));
}
