//! Video jobs with the AWS SDK: start, lookup, lists, and the objects in S3.

use std::time::Duration;

use crate::common::{client, simulator};
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata as _;
use aws_sdk_bedrockruntime::types::{
    AsyncInvokeOutputDataConfig, AsyncInvokeS3OutputDataConfig, AsyncInvokeStatus, SortOrder,
};
use aws_smithy_types::{Document, Number};
use bedrock_simulator::Simulator;

const REEL: &str = "amazon.nova-reel-v1:1";
const RAY: &str = "luma.ray-v2:0";
const FOLDER: &str = "s3://outcrop-example/videos";

fn object(fields: &[(&str, Document)]) -> Document {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    Document::Object(fields.collect())
}

fn text(text: &str) -> Document {
    Document::String(text.to_owned())
}

fn number(number: u64) -> Document {
    Document::Number(Number::PosInt(number))
}

fn reel(prompt: &str, seconds: u64) -> Document {
    let (task, parameters) = match seconds {
        6 => ("TEXT_VIDEO", "textToVideoParams"),
        _ => ("MULTI_SHOT_AUTOMATED", "multiShotAutomatedParams"),
    };
    let config = object(&[
        ("durationSeconds", number(seconds)),
        ("fps", number(24)),
        ("dimension", text("1280x720")),
        ("seed", number(7)),
    ]);
    object(&[
        ("taskType", text(task)),
        (parameters, object(&[("text", text(prompt))])),
        ("videoGenerationConfig", config),
    ])
}

async fn start(
    client: &Client,
    model: &str,
    input: Document,
    token: &str,
) -> Result<String, String> {
    let output = AsyncInvokeS3OutputDataConfig::builder().s3_uri(FOLDER);
    let output = AsyncInvokeOutputDataConfig::S3OutputDataConfig(output.build().unwrap());
    let start = client
        .start_async_invoke()
        .model_id(model)
        .model_input(input);
    let start = start.output_data_config(output).client_request_token(token);
    match start.send().await {
        Ok(started) => Ok(started.invocation_arn),
        Err(error) => Err(format!(
            "{}: {}",
            error.code().unwrap_or_default(),
            error.message().unwrap_or_default()
        )),
    }
}

async fn status(client: &Client, arn: &str) -> AsyncInvokeStatus {
    let get = client.get_async_invoke().invocation_arn(arn);
    get.send().await.unwrap().status
}

fn video_size(simulator: &Simulator, arn: &str) -> Option<usize> {
    let id = arn.rsplit('/').next().unwrap();
    let video_size = simulator.object("outcrop-example", &format!("videos/{id}/output.mp4"));
    video_size.map(|video_size| video_size.len())
}

#[tokio::test]
async fn a_video_completes_after_enough_polls() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let arn = start(&client, REEL, reel("A quiet lake", 6), "one")
        .await
        .unwrap();
    assert!(arn.starts_with("arn:aws:bedrock:us-east-1:123456789012:async-invoke/"));
    for _ in 0..2 {
        assert_eq!(status(&client, &arn).await, AsyncInvokeStatus::InProgress);
        assert_eq!(video_size(&simulator, &arn), None);
    }
    let done = client
        .get_async_invoke()
        .invocation_arn(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(done.status, AsyncInvokeStatus::Completed);
    assert!(done.end_time().is_some() && done.failure_message().is_none());
    assert_eq!(done.client_request_token(), Some("one"));
    let output = done
        .output_data_config()
        .unwrap()
        .as_s3_output_data_config()
        .unwrap();
    let id = arn.rsplit('/').next().unwrap();
    assert_eq!(output.s3_uri, format!("{FOLDER}/{id}"));
    assert_eq!(video_size(&simulator, &arn), Some(10_000));
    assert_eq!(simulator.object_keys("outcrop-example", "videos/").len(), 2);
}

#[tokio::test]
async fn a_video_completes_after_two_minutes() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let arn = start(&client, REEL, reel("A quiet lake", 18), "")
        .await
        .unwrap();
    simulator.advance(Duration::from_secs(121));
    assert_eq!(status(&client, &arn).await, AsyncInvokeStatus::Completed);
    assert!(video_size(&simulator, &arn).is_some());
}

#[tokio::test]
async fn a_blocked_prompt_fails_without_writing_a_video() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let input = object(&[("prompt", text("An avalanche")), ("duration", text("9s"))]);
    let arn = start(&client, RAY, input, "").await.unwrap();
    simulator.advance(Duration::from_secs(121));
    let failed = client
        .get_async_invoke()
        .invocation_arn(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(failed.status, AsyncInvokeStatus::Failed);
    assert!(
        failed
            .failure_message()
            .unwrap()
            .contains("content filters")
    );
    assert_eq!(video_size(&simulator, &arn), None);
}

#[tokio::test]
async fn a_client_token_starts_only_one_job() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let first = start(&client, REEL, reel("A lake", 6), "token")
        .await
        .unwrap();
    let again = start(&client, REEL, reel("A lake", 6), "token")
        .await
        .unwrap();
    assert_eq!(first, again);
    let second = start(&client, REEL, reel("A sea", 6), "token").await;
    assert!(second.unwrap_err().starts_with("ConflictException"));
}

#[tokio::test]
async fn jobs_are_listed_in_pages_filtered_by_status_and_time() {
    let simulator = simulator().await;
    let client = client(&simulator);
    for prompt in ["one", "two", "an avalanche"] {
        start(
            &client,
            REEL,
            reel(prompt, 6),
            prompt.split(' ').next().unwrap(),
        )
        .await
        .unwrap();
    }
    let tokens = async |script: SortOrder| {
        let list = client
            .list_async_invokes()
            .max_results(2)
            .sort_order(script);
        let mut pages = list.into_paginator().send();
        let mut tokens = Vec::new();
        while let Some(page) = pages.next().await {
            let jobs = page.unwrap().async_invoke_summaries.unwrap_or_default();
            tokens.extend(
                jobs.into_iter()
                    .map(|job| job.client_request_token.unwrap()),
            );
        }
        tokens
    };
    assert_eq!(tokens(SortOrder::Ascending).await, ["one", "two", "an"]);
    assert_eq!(tokens(SortOrder::Descending).await, ["an", "two", "one"]);
    simulator.advance(Duration::from_secs(121));
    let failed = client
        .list_async_invokes()
        .status_equals(AsyncInvokeStatus::Failed);
    let failed = failed.send().await.unwrap();
    assert_eq!(failed.async_invoke_summaries().len(), 1);
}

#[tokio::test]
async fn unsupported_video_requests_are_rejected_with_bedrocks_messages() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let extra = object(&[("prompt", text("A lake")), ("fps", number(24))]);
    let wrong = object(&[("prompt", text("A lake")), ("duration", text("7s"))]);
    for (model, input, expected) in [
        (REEL, reel("A lake", 7), "durationSeconds"),
        (
            REEL,
            reel(&"x".repeat(513), 6),
            "expected maxLength: 512, actual: 513",
        ),
        (
            "amazon.nova-reel-v1:0",
            reel("A lake", 12),
            "MULTI_SHOT_AUTOMATED is not a valid enum value",
        ),
        (RAY, extra, "extraneous key [fps] is not permitted"),
        (RAY, wrong, "\"7s\" is not a valid enum value"),
        (RAY, object(&[]), "required key [prompt] not found"),
        (
            "amazon.nova-lite-v1:0",
            reel("A lake", 6),
            "asynchronous invocation",
        ),
    ] {
        let refused = start(&client, model, input, "").await.unwrap_err();
        assert!(refused.starts_with("ValidationException"), "{refused}");
        assert!(refused.contains(expected), "{refused}");
    }
    let none = "arn:aws:bedrock:us-east-1:123456789012:async-invoke/000000000000";
    let get = client.get_async_invoke().invocation_arn(none).send().await;
    assert_eq!(get.unwrap_err().code(), Some("ValidationException"));
}
