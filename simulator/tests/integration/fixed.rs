//! The prepared response for load tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_bedrockruntime::types::{ContentBlockDelta, ConverseStreamOutput};
use bedrock_simulator::{FixedResponseSize, Options, Simulator};

use crate::common::{CLAUDE, client, post, user};

#[tokio::test]
async fn a_fixed_response_is_the_same_for_every_request() {
    let options = Options {
        any_credentials: true,
        fixed_response: Some(FixedResponseSize {
            bytes: 1000,
            deltas: 50,
            delta_interval: None,
        }),
        journal: 0,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let converse = format!("/model/{CLAUDE}/converse");
    let fixed = post(&simulator, &converse, "unread").await.json();
    assert_eq!(
        fixed["output"]["message"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .len(),
        1000
    );
    let stream = post(&simulator, &format!("{converse}-stream"), "unread")
        .await
        .body
        .unwrap();
    let deltas = stream
        .windows(17)
        .filter(|bytes| bytes == b"contentBlockDelta")
        .count();
    assert_eq!(deltas, 50);
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_paced_stream_sends_a_delta_at_each_tick_with_its_time() {
    const INTERVAL: Duration = Duration::from_millis(10);
    let options = Options {
        fixed_response: Some(FixedResponseSize {
            deltas: 4,
            delta_interval: Some(INTERVAL),
            ..FixedResponseSize::default()
        }),
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let before = now();
    // The SDK refuses frames with a wrong checksum.
    let texts = streamed_texts(&simulator).await;
    let times: Vec<Duration> = texts
        .iter()
        .map(|text| {
            let digits = text.trim_start_matches('[').trim_end_matches(']');
            Duration::from_micros(digits.parse().unwrap())
        })
        .collect();
    assert_eq!(times.len(), 4, "{texts:?}");
    assert!(times.is_sorted(), "{texts:?}");
    // A delta may be late, but not early: three intervals are between four ticks.
    let last = *times.last().unwrap();
    assert!(before + 3 * INTERVAL < last && last < now(), "{texts:?}");
}

/// The text of each delta of a stream.
async fn streamed_texts(simulator: &Simulator) -> Vec<String> {
    let call = client(simulator).converse_stream().model_id(CLAUDE);
    let mut stream = call.messages(user("Hello")).send().await.unwrap().stream;
    let mut texts = Vec::new();
    while let Some(event) = stream.recv().await.unwrap() {
        if let ConverseStreamOutput::ContentBlockDelta(event) = event
            && let Some(ContentBlockDelta::Text(text)) = event.delta
        {
            texts.push(text);
        }
    }
    texts
}
