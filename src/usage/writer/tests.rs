use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::allowances::Allowance;
use crate::models::{CostBreakdown, ModelId, Usd};
use crate::store::{StoredChatOverrides, StoredDigest, StoredKey, UsageDimension, UsageQuery};
use crate::usage::{Cost, Principal, RequestHead, Target, TokenCounts, Units};

fn scratch() -> PathBuf {
    let name = format!("outcrop-writer-{:016x}", fastrand::u64(..));
    std::env::temp_dir().join(name)
}

fn writer(path: &Path, wait_for_file: Option<PathBuf>) -> (UsageWriter, Arc<Store>) {
    let store = Arc::new(Store::at(path));
    let settings = WriterSettings {
        wait_for_file,
        time_zone: TimeZone::get("Pacific/Auckland").expect("a time zone"),
        spool: Spool::at(&path.with_extension("spool"), 1 << 24),
    };
    (UsageWriter::start(Arc::clone(&store), settings), store)
}

/// A record of 2026-11-22T12:30:00Z, which is the next day in Auckland.
fn record(id: &str) -> UsageRecord {
    let head = RequestHead {
        request_id: id.to_owned(),
        ..RequestHead::default()
    };
    let at = UNIX_EPOCH + Duration::from_secs(1_795_350_600);
    let mut record = UsageRecord::new(head, at);
    let caller = Principal {
        team: Some("search".into()),
        ..Principal::named("local")
    };
    record.caller = Some(Arc::new(caller));
    record.model = Some("fast".to_owned());
    record
}

async fn requests(store: &Store) -> i64 {
    let query = UsageQuery {
        from: None,
        to: None,
        caller: None,
        by: &[],
        limit: 1,
    };
    let rows = store.usage(query).await.expect("sums");
    rows.first().map_or(0, |row| row.sums.requests)
}

#[tokio::test]
async fn records_are_stored_in_batches() {
    let (writer, store) = writer(&scratch(), None);
    let read = writer.reader();
    for number in 0..1_100 {
        read(&record(&number.to_string()));
    }
    assert!(writer.lag(SystemTime::now()) < Duration::from_secs(60));
    writer.drained().await;
    assert_eq!(requests(&store).await, 1_100);
    assert_eq!((writer.lost(), writer.spool_bytes()), (0, 0));
    let query = UsageQuery {
        from: Some("2026-11-23"),
        to: Some("2026-11-23"),
        caller: Some("local"),
        by: &[UsageDimension::Team],
        limit: 10,
    };
    let rows = store.usage(query).await.expect("sums");
    assert_eq!(rows.len(), 1, "the day is that of the time zone");
    assert_eq!(rows[0].group, ["search"]);
}

#[tokio::test]
async fn records_wait_in_the_spool_while_the_store_is_not_available() {
    let path = scratch();
    std::fs::create_dir(&path).expect("a folder in place of the file");
    let (writer, store) = writer(&path, None);
    let read = writer.reader();
    for id in ["a", "b"] {
        read(&record(id));
        writer.drained().await;
    }
    assert!(writer.spool_bytes() > 0);
    assert!(writer.lag(SystemTime::now() + Duration::from_secs(9)) >= Duration::from_secs(9));
    std::fs::remove_dir(&path).expect("an empty folder");
    while writer.spool_bytes() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(requests(&store).await, 2);
    read(&record("c"));
    writer.drained().await;
    assert_eq!((requests(&store).await, writer.lost()), (3, 0));
}

#[tokio::test]
async fn records_that_neither_store_nor_spool_take_are_counted() {
    let path = scratch();
    std::fs::create_dir(&path).expect("a folder in place of the file");
    std::fs::write(path.with_extension("spool"), "").expect("a file in place of the folder");
    let (writer, _) = writer(&path, None);
    writer.reader()(&record("a"));
    writer.drained().await;
    assert_eq!(writer.lost(), 1);
}

#[tokio::test]
async fn records_are_stored_once_the_file_exists() {
    let path = scratch();
    let (writer, store) = writer(&path, Some(path.clone()));
    let read = writer.reader();
    read(&record("a"));
    writer.drained().await;
    assert!(!path.exists());
    store.open().await.expect("a store");
    read(&record("b"));
    writer.drained().await;
    assert_eq!((requests(&store).await, writer.lost()), (1, 0));
}

#[tokio::test]
async fn the_last_use_of_stored_keys_is_noted() {
    let (writer, store) = writer(&scratch(), None);
    let key = StoredKey {
        id: "key_1".to_owned(),
        name: "first".to_owned(),
        prefix: "sk-oc-abcdefgh".to_owned(),
        digest: StoredDigest([7; 32]),
        team: None,
        user: None,
        allowance: Allowance::default(),
        chat: StoredChatOverrides::default(),
        tags: BTreeMap::new(),
        created_at: 5,
        expires_at: None,
        revoked_at: None,
        previous: None,
        last_used_at: None,
    };
    store.add_key(&key).await.expect("stored");
    let mut record = record("a");
    let caller = Principal {
        key_id: Some("key_1".into()),
        ..Principal::named("key_1")
    };
    record.caller = Some(Arc::new(caller));
    writer.reader()(&record);
    writer.drained().await;
    let stored = store.key("key_1").await.expect("a query").expect("a key");
    assert_eq!(stored.last_used_at, Some(1_795_350_600), "to the minute");
}

#[test]
fn the_stored_form_has_every_field_of_the_record() {
    let mut record = record("req_1");
    let id = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0";
    let id = ModelId::parse(id).expect("an id");
    record.target = Some(Target::Model {
        base: id.clone(),
        id,
    });
    record.tokens = Some(TokenCounts {
        prompt: 100,
        completion: 7,
        cached: 40,
        cache_write: 30,
        cache_write_one_hour: 10,
        reasoning: 5,
    });
    record.units = Some(Units::Images(3));
    record.cost = Some(Cost {
        breakdown: Some(CostBreakdown {
            // Each amount is rounded once, and the total is that of the exact amounts.
            input: Usd::from_picodollars(1_400),
            output: Usd::from_picodollars(1_400),
            ..CostBreakdown::default()
        }),
        saved: Some(Usd::from_picodollars(-2_000)),
    });
    let row = row::stored(&record, &TimeZone::UTC).expect("a row");
    let expected = StoredUsage {
        at: 1_795_350_600_000,
        id: "req_1".to_owned(),
        day: "2026-11-22".to_owned(),
        caller: "local".to_owned(),
        caller_name: "local".to_owned(),
        team: Some("search".to_owned()),
        route: "unknown".to_owned(),
        model_requested: Some("fast".to_owned()),
        model_id: record.target.as_ref().map(|target| target.id().to_owned()),
        foundation_id: Some("amazon.nova-lite-v1:0".to_owned()),
        account: Some("123456789012".to_owned()),
        routing: Some("geo".to_owned()),
        input_tokens: Some(100),
        cache_read_tokens: Some(40),
        cache_write_5m_tokens: Some(20),
        cache_write_1h_tokens: Some(10),
        output_tokens: Some(7),
        reasoning_tokens: Some(5),
        unit: Some("images".to_owned()),
        units: Some(3),
        input_cost: Some(1),
        cache_read_cost: Some(0),
        cache_write_cost: Some(0),
        output_cost: Some(1),
        units_cost: Some(0),
        cost: Some(3),
        cache_savings: Some(-2),
        priced: true,
        outcome: "abandoned".to_owned(),
        ..StoredUsage::default()
    };
    assert_eq!(row, expected);
    record.cost = Some(Cost::default());
    let row = row::stored(&record, &TimeZone::UTC).expect("a row");
    assert_eq!((row.priced, row.cost), (false, None));
}

#[test]
fn requests_without_a_caller_or_a_model_are_not_stored() {
    let mut unknown = record("a");
    unknown.caller = None;
    let mut list = record("b");
    list.model = None;
    for record in [unknown, list] {
        assert_eq!(row::stored(&record, &TimeZone::UTC), None);
    }
}
