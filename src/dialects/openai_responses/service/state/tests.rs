use super::*;

/// A response of `owner` with one input and one output item.
pub(in super::super) fn response(
    owner: &str,
    id: &str,
    previous_id: Option<&str>,
) -> StoredResponse {
    let output = StoredItem {
        is_output: true,
        ..item(&format!("out_{id}"), &format!("output of {id:>4}"))
    };
    StoredResponse {
        id: id.into(),
        owner: owner.into(),
        previous_id: previous_id.map(Arc::from),
        status: "completed".into(),
        document: "{}".into(),
        items: vec![
            item(&format!("msg_{id}"), &format!("input of {id:>4}")),
            output,
        ],
        created_at: 1,
        expires_at: Some(100),
    }
}

pub(in super::super) fn item(id: &str, body: &str) -> StoredItem {
    StoredItem {
        id: id.into(),
        is_output: false,
        body: body.into(),
    }
}

/// A store in memory and one on disk, which behave alike.
pub(in super::super) fn states() -> [ResponseState; 2] {
    let store = Arc::new(crate::store::scratch());
    [ResponseStorage::Memory, ResponseStorage::Disk].map(|storage| {
        let settings = ResponsesSettings {
            store: storage,
            ..ResponsesSettings::default()
        };
        ResponseState::new(&settings, &store)
    })
}

async fn add(state: &ResponseState, responses: impl IntoIterator<Item = StoredResponse>) {
    for response in responses {
        assert!(state.add(response).await.expect("stored"));
    }
}

async fn chain(state: &ResponseState, owner: &str, id: &str) -> Result<Vec<String>, Chain> {
    match state.chain(owner, id, 10).await.expect("a query") {
        Chain::Items(items) => Ok(items.iter().map(|item| item.id.to_string()).collect()),
        refusal => Err(refusal),
    }
}

fn missing(id: &str) -> Result<Vec<String>, Chain> {
    Err(Chain::Missing(id.into()))
}

#[tokio::test]
async fn a_chain_has_the_items_of_all_responses_oldest_first() {
    for state in states() {
        let more = (0..250).map(|number| item(&format!("more_{number:03}"), "x"));
        let mut first = response("a", "1", None);
        first.items.extend(more);
        add(&state, [first, response("a", "2", Some("1"))]).await;
        // Two responses may continue the same one.
        add(
            &state,
            [response("a", "3", Some("2")), response("a", "4", Some("2"))],
        )
        .await;
        let ids = chain(&state, "a", "3").await.expect("a chain");
        assert_eq!(ids.len(), 256);
        assert_eq!(ids[..3], ["msg_1", "out_1", "more_000"]);
        assert_eq!(ids[251..], ["more_249", "msg_2", "out_2", "msg_3", "out_3"]);
        assert_eq!(chain(&state, "a", "4").await.expect("a chain").len(), 256);
    }
}

#[tokio::test]
async fn only_the_owner_finds_responses_and_items() {
    for state in states() {
        add(
            &state,
            [response("a", "1", None), response("b", "2", Some("1"))],
        )
        .await;
        assert_eq!(chain(&state, "b", "1").await, missing("1"));
        // The owner of the successor does not read the predecessor.
        assert_eq!(chain(&state, "b", "2").await, missing("1"));
        assert_eq!(state.response("b", "1", 10).await.expect("a query"), None);
        assert_eq!(state.item("b", "msg_1", 10).await.expect("a query"), None);
        assert!(!state.remove("b", "1", 10).await.expect("a query"));
        let found = state.response("a", "1", 10).await.expect("a query");
        assert_eq!(
            found.map(|found| found.items),
            Some(response("a", "1", None).items)
        );
    }
}

#[tokio::test]
async fn a_deleted_response_ends_its_chain_and_its_items_are_gone() {
    for state in states() {
        add(
            &state,
            [response("a", "1", None), response("a", "2", Some("1"))],
        )
        .await;
        assert!(state.remove("a", "1", 10).await.expect("a query"));
        assert!(!state.remove("a", "1", 10).await.expect("a query"));
        assert_eq!(chain(&state, "a", "1").await, missing("1"));
        assert_eq!(chain(&state, "a", "2").await, missing("1"));
        assert_eq!(state.item("a", "out_1", 10).await.expect("a query"), None);
        assert!(
            state
                .item("a", "out_2", 10)
                .await
                .expect("a query")
                .is_some()
        );
    }
}

#[tokio::test]
async fn an_item_is_that_of_the_newest_response_with_it() {
    for state in states() {
        let mut again = response("a", "2", None);
        again.items = vec![item("other", "-"), item("msg_1", "edited")];
        add(&state, [response("a", "1", None), again]).await;
        let found = state.item("a", "msg_1", 10).await.expect("a query");
        assert_eq!(found, Some(item("msg_1", "edited")));
        assert!(state.remove("a", "2", 10).await.expect("a query"));
        let found = state.item("a", "msg_1", 10).await.expect("a query");
        assert_eq!(found, Some(response("a", "1", None).items[0].clone()));
        assert_eq!(state.item("a", "msg", 10).await.expect("a query"), None);
    }
}

#[tokio::test]
async fn only_responses_that_have_ended_well_are_continued() {
    for state in states() {
        for (id, status) in [("1", "in_progress"), ("2", "failed"), ("3", "incomplete")] {
            let status = status.into();
            let response = response("a", id, None);
            add(&state, [StoredResponse { status, ..response }]).await;
        }
        assert_eq!(chain(&state, "a", "1").await, Err(Chain::Unfinished));
        assert_eq!(chain(&state, "a", "2").await, missing("2"));
        assert!(chain(&state, "a", "3").await.is_ok());
        assert_eq!(chain(&state, "a", "4").await, missing("4"));
    }
}

#[tokio::test]
async fn the_length_of_a_chain_is_limited() {
    for state in states() {
        let id = |number: u32| format!("{number:04}");
        add(&state, [response("a", &id(0), None)]).await;
        for number in 1..=MAX_DEPTH {
            add(&state, [response("a", &id(number), Some(&id(number - 1)))]).await;
        }
        assert!(chain(&state, "a", &id(MAX_DEPTH - 1)).await.is_ok());
        assert_eq!(
            chain(&state, "a", &id(MAX_DEPTH)).await,
            Err(Chain::TooLong)
        );
        let mut large = response("a", "large", None);
        large.items = vec![item("large", &"x".repeat(MAX_CHAIN_BYTES))];
        add(&state, [large, response("a", "next", Some("large"))]).await;
        assert!(chain(&state, "a", "large").await.is_ok());
        assert_eq!(chain(&state, "a", "next").await, Err(Chain::TooLong));
    }
}

#[tokio::test]
async fn responses_on_disk_expire_and_are_removed_in_slices() {
    let [_, disk] = states();
    let expired = (0..250).map(|number| response("a", &format!("old_{number:03}"), None));
    add(&disk, expired).await;
    let lasting = StoredResponse {
        expires_at: None,
        ..response("a", "new", Some("old_000"))
    };
    add(&disk, [lasting]).await;
    assert!(
        disk.response("a", "old_000", 99)
            .await
            .expect("a query")
            .is_some()
    );
    assert_eq!(
        disk.response("a", "old_000", 100).await.expect("a query"),
        None
    );
    assert_eq!(
        disk.item("a", "msg_old_000", 100).await.expect("a query"),
        None
    );
    assert!(!disk.remove("a", "old_000", 100).await.expect("a query"));
    let broken = disk.chain("a", "new", 100).await.expect("a query");
    assert_eq!(broken, Chain::Missing("old_000".into()));
    assert_eq!(disk.remove_expired(99).await.expect("a query"), 0);
    assert_eq!(disk.remove_expired(100).await.expect("a query"), 250);
    assert_eq!(
        disk.item("a", "msg_old_001", 1).await.expect("a query"),
        None
    );
    assert!(
        disk.item("a", "msg_new", 1000)
            .await
            .expect("a query")
            .is_some()
    );
}

#[tokio::test]
async fn nothing_is_stored_without_a_store() {
    let store = Arc::new(crate::store::scratch());
    let settings = ResponsesSettings {
        store: ResponseStorage::Off,
        ..ResponsesSettings::default()
    };
    let state = ResponseState::new(&settings, &store);
    assert!(!state.add(response("a", "1", None)).await.expect("no error"));
    assert_eq!(chain(&state, "a", "1").await, missing("1"));
    assert!(!store.exists());
}
