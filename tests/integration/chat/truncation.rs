//! Conversations that exceed the context window.

use bedrock_simulator::{Fault, Options, Script};
use outcrop::config::{ChatOverrides, Config, KeyDigest, KeyEntry, Truncate};
use serde_json::{Value, json};

use crate::harness::{Harness, MODEL, Reply};

/// A conversation with turns of about 1,000 bytes each.
fn book(turns: usize, stream: bool) -> Value {
    let page = "The way up is long. ".repeat(50);
    let mut messages = vec![json!({"role": "system", "content": "Be brief."})];
    for turn in 0..turns {
        messages.push(json!({"role": "user", "content": format!("Page {turn}: {page}")}));
        messages.push(json!({"role": "assistant", "content": format!("Read {turn}.")}));
    }
    messages.push(json!({"role": "user", "content": "What was the last page?"}));
    json!({"model": MODEL, "messages": messages, "stream": stream})
}

async fn harness(change: impl FnOnce(&mut Config)) -> Harness {
    let options = Options {
        context_window: Some(3000),
        ..Options::default()
    };
    Harness::with_simulator(options, change).await
}

fn assert_rejected(reply: &Reply) {
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert_eq!(reply.error()["code"], "context_length_exceeded");
    assert_eq!(reply.error()["type"], "invalid_request_error");
}

/// Asserts that only the oldest turns were removed.
fn is_shortened(reply: &Reply, sent_upstream: &Value, turns: usize) {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let removed = reply.adjustments().strip_prefix("messages: the ").unwrap();
    let removed: usize = removed.split(' ').next().unwrap().parse().unwrap();
    assert!(removed > 0 && removed.is_multiple_of(2), "{removed}");
    assert_eq!(sent_upstream["system"], json!([{"text": "Be brief."}]));
    let remaining = sent_upstream["messages"].as_array().unwrap();
    assert_eq!(remaining.len(), 2 * turns + 1 - removed);
    let first = remaining[0]["content"][0]["text"].as_str().unwrap();
    assert!(
        first.starts_with(&format!("Page {}:", removed / 2)),
        "{first}"
    );
    assert_eq!(
        remaining[remaining.len() - 1]["content"][0]["text"],
        "What was the last page?"
    );
}

#[tokio::test]
async fn overlong_conversations_are_rejected_by_default() {
    let harness = harness(|_| {}).await;
    for stream in [false, true] {
        assert_rejected(&harness.chat(&book(30, stream)).await);
    }
    assert_eq!(harness.sent_upstream().len(), 2);
}

#[tokio::test]
async fn the_oldest_turns_are_removed_when_the_header_requests_it() {
    for stream in [false, true] {
        let harness = harness(|_| {}).await;
        let reply = harness
            .chat_with(&[("x-outcrop-truncate", "oldest")], &book(30, stream))
            .await;
        let sent_upstream = harness.sent_upstream();
        is_shortened(&reply, sent_upstream.last().unwrap(), 30);
        // Bedrock's error contains the token counts, so that one retry is enough.
        assert_eq!(sent_upstream.len(), 2);
    }
}

#[tokio::test]
async fn an_unknown_context_window_is_approached_in_steps() {
    let harness = harness(|_| {}).await;
    let mut request = book(30, false);
    // This model's error contains no token counts.
    request["model"] = "us.meta.llama3-3-70b-instruct-v1:0".into();
    let reply = harness
        .chat_with(&[("x-outcrop-truncate", "oldest")], &request)
        .await;
    let sent_upstream = harness.sent_upstream();
    is_shortened(&reply, sent_upstream.last().unwrap(), 30);
    assert!(
        (3..=6).contains(&sent_upstream.len()),
        "{}",
        sent_upstream.len()
    );
}

#[tokio::test]
async fn an_overflow_in_the_first_frame_of_a_stream_is_truncated_too() {
    let harness = harness(|_| {}).await;
    harness.simulator.push(Script::fault(Fault::Exception {
        after_events: 0,
        code: "validationException".to_owned(),
        message: "Input is too long for requested model.".to_owned(),
        original_status_code: None,
    }));
    // The simulator rejects a conversation that would fit.
    let reply = harness
        .chat_with(&[("x-outcrop-truncate", "oldest")], &book(8, true))
        .await;
    assert_eq!(reply.last_event(), "[DONE]");
    is_shortened(&reply, harness.sent_upstream().last().unwrap(), 8);
    assert_eq!(harness.sent_upstream().len(), 2);
}

#[tokio::test]
async fn a_conversation_that_fits_is_unchanged() {
    let harness = harness(|_| {}).await;
    let reply = harness
        .chat_with(&[("x-outcrop-truncate", "oldest")], &book(3, false))
        .await;
    assert_eq!((reply.status.as_u16(), reply.adjustments()), (200, ""));
    assert_eq!(harness.sent_upstream().len(), 1);
}

#[tokio::test]
async fn the_key_and_the_header_override_the_configuration() {
    let harness = harness(|config| {
        config.chat.common.truncate = Some(Truncate::Oldest);
        for (caller, truncate) in [("a", None), ("b", Some(Truncate::Refuse))] {
            config.keys.push(KeyEntry {
                caller: caller.to_owned(),
                digest: KeyDigest::of(caller),
                access_key: None,
                chat: ChatOverrides {
                    truncate,
                    ..ChatOverrides::default()
                },
                grant: outcrop::allowances::KeyGrant::default(),
            });
        }
    })
    .await;
    let book = book(30, false);
    let (a, b) = (("authorization", "Bearer a"), ("authorization", "Bearer b"));
    let reply = harness.chat_with(&[a], &book).await;
    is_shortened(&reply, harness.sent_upstream().last().unwrap(), 30);
    assert_rejected(
        &harness
            .chat_with(&[a, ("x-outcrop-truncate", "refuse")], &book)
            .await,
    );
    assert_rejected(&harness.chat_with(&[b], &book).await);
    let reply = harness
        .chat_with(&[b, ("x-outcrop-truncate", "oldest")], &book)
        .await;
    is_shortened(&reply, harness.sent_upstream().last().unwrap(), 30);
}

#[tokio::test]
async fn strict_requests_are_never_truncated() {
    let harness = harness(|_| {}).await;
    let headers = [("x-outcrop-truncate", "oldest"), ("x-outcrop-strict", "on")];
    let reply = harness.chat_with(&headers, &book(30, false)).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["param"], "messages");
}

#[tokio::test]
async fn a_last_turn_that_is_too_long_by_itself_is_rejected() {
    let harness = harness(|_| {}).await;
    let mut request = book(3, false);
    let long = "The way up is long. ".repeat(1000);
    request["messages"]
        .as_array_mut()
        .unwrap()
        .push(json!({"role": "user", "content": long}));
    let reply = harness
        .chat_with(&[("x-outcrop-truncate", "oldest")], &request)
        .await;
    assert_rejected(&reply);
}

#[tokio::test]
async fn an_unknown_header_value_is_rejected() {
    let harness = harness(|_| {}).await;
    let reply = harness
        .chat_with(&[("x-outcrop-truncate", "newest")], &book(1, false))
        .await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["param"], "x-outcrop-truncate");
}
