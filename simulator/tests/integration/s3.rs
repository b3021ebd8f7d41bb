//! The S3 operations with the AWS SDK.

use std::time::Duration;

use crate::common::{send, send_request, simulator};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Config, Credentials, Region};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use bedrock_simulator::{Fault, Operation, Options, Script, ScriptedResponse, Simulator};
use http::{Method, Request};
use http_body_util::Full;

const BUCKET: &str = "outcrop-example";

fn config(simulator: &Simulator) -> Builder {
    let credentials = bedrock_simulator::Credentials::default();
    let keys = Credentials::new(
        credentials.access_key_id,
        credentials.secret_access_key,
        None,
        None,
        "test",
    );
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(simulator.url())
        .retry_config(RetryConfig::disabled())
        .credentials_provider(keys)
}

fn client(simulator: &Simulator) -> Client {
    Client::from_conf(config(simulator).force_path_style(true).build())
}

async fn put(client: &Client, key: &str, content: &'static str) -> String {
    let put = client.put_object().bucket(BUCKET).key(key);
    let put = put
        .content_type("text/plain")
        .body(ByteStream::from_static(content.as_bytes()));
    put.send().await.unwrap().e_tag.unwrap()
}

async fn keys(client: &Client, prefix: &str) -> Vec<String> {
    let list = client.list_objects_v2().bucket(BUCKET).prefix(prefix);
    let output = list.send().await.unwrap();
    let keys = output.contents.unwrap_or_default().into_iter();
    keys.map(|object| object.key.unwrap()).collect()
}

#[tokio::test]
async fn an_object_is_written_read_described_and_deleted() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let etag = put(&client, "a folder/ä+b&c.txt", "Hello, mountain").await;
    assert_eq!(etag, "\"0d9f2b1161a37b6b71b1849757379604\"");

    let get = client.get_object().bucket(BUCKET).key("a folder/ä+b&c.txt");
    let output = get.send().await.unwrap();
    assert_eq!(output.content_type(), Some("text/plain"));
    assert_eq!(output.content_length(), Some(15));
    assert_eq!(output.e_tag(), Some(etag.as_str()));
    let content = output.body.collect().await.unwrap().into_bytes();
    assert_eq!(content, "Hello, mountain");

    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("a folder/ä+b&c.txt");
    let head = head.send().await.unwrap();
    assert_eq!(head.content_length(), Some(15));
    assert!(head.last_modified().is_some());

    for _ in 0..2 {
        let delete = client
            .delete_object()
            .bucket(BUCKET)
            .key("a folder/ä+b&c.txt");
        delete.send().await.unwrap();
    }
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("a folder/ä+b&c.txt");
    assert!(
        head.send()
            .await
            .unwrap_err()
            .into_service_error()
            .is_not_found()
    );
    simulator.idle().await;
    assert_eq!(simulator.abandoned(), 0);
}

#[tokio::test]
async fn missing_buckets_keys_and_uploads_have_their_own_error_codes() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let get = client.get_object().bucket(BUCKET).key("nothing");
    let error = get.send().await.unwrap_err().into_service_error();
    assert!(error.is_no_such_key());
    let get = client.get_object().bucket("no-such-bucket").key("nothing");
    let error = get.send().await.unwrap_err();
    assert_eq!(error.code(), Some("NoSuchBucket"));
    client.head_bucket().bucket(BUCKET).send().await.unwrap();
    let head = client.head_bucket().bucket("no-such-bucket");
    assert!(
        head.send()
            .await
            .unwrap_err()
            .into_service_error()
            .is_not_found()
    );
}

#[tokio::test]
async fn a_range_returns_a_part_and_one_past_the_end_is_rejected() {
    let simulator = simulator().await;
    let client = client(&simulator);
    put(&client, "text", "0123456789").await;
    let ranged = |range: &str| client.get_object().bucket(BUCKET).key("text").range(range);
    let part = ranged("bytes=2-4").send().await.unwrap();
    assert_eq!(part.content_range(), Some("bytes 2-4/10"));
    assert_eq!(part.content_length(), Some(3));
    assert_eq!(part.body.collect().await.unwrap().into_bytes(), "234");
    let end = ranged("bytes=-3").send().await.unwrap();
    assert_eq!(end.body.collect().await.unwrap().into_bytes(), "789");
    let error = ranged("bytes=10-").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 416);
    assert_eq!(error.code(), Some("InvalidRange"));
}

#[tokio::test]
async fn listings_are_paginated_and_support_delimiters() {
    let simulator = simulator().await;
    let client = client(&simulator);
    for key in ["a/1", "a/2", "a/b/3", "a/b/4", "a/c", "z"] {
        put(&client, key, "x").await;
    }
    assert_eq!(keys(&client, "a/b").await, ["a/b/3", "a/b/4"]);
    assert_eq!(keys(&client, "none").await, [""; 0]);

    let list = client.list_objects_v2().bucket(BUCKET).max_keys(2);
    let mut pages = list.into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().contents().len());
    }
    assert_eq!(sizes, [2, 2, 2]);

    let list = client.list_objects_v2().bucket(BUCKET).prefix("a/");
    let list = list.delimiter("/").max_keys(3).send().await.unwrap();
    assert_eq!(list.common_prefixes()[0].prefix(), Some("a/b/"));
    assert_eq!(list.contents().len(), 2);
    let token = list.next_continuation_token().unwrap();
    let rest = client.list_objects_v2().bucket(BUCKET).prefix("a/");
    let rest = rest
        .delimiter("/")
        .continuation_token(token)
        .send()
        .await
        .unwrap();
    assert_eq!(rest.contents()[0].key(), Some("a/c"));
    assert!(rest.common_prefixes().is_empty());
}

#[tokio::test]
async fn several_objects_are_deleted_at_once() {
    let simulator = simulator().await;
    let client = client(&simulator);
    put(&client, "one", "x").await;
    put(&client, "two & three", "x").await;
    let object = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let named = Delete::builder()
        .objects(object("one"))
        .objects(object("two & three"))
        .objects(object("never was"))
        .build()
        .unwrap();
    let deleted = client.delete_objects().bucket(BUCKET).delete(named);
    assert_eq!(deleted.send().await.unwrap().deleted().len(), 3);
    assert!(keys(&client, "").await.is_empty());
}

async fn begin(client: &Client, key: &str) -> String {
    let create = client.create_multipart_upload().bucket(BUCKET).key(key);
    let create = create
        .content_type("application/jsonl")
        .send()
        .await
        .unwrap();
    create.upload_id.unwrap()
}

async fn upload(client: &Client, id: &str, number: i32, content: Vec<u8>) -> CompletedPart {
    let part = client.upload_part().bucket(BUCKET).key("large");
    let part = part.upload_id(id).part_number(number);
    let uploaded = part.body(ByteStream::from(content)).send().await.unwrap();
    let part = CompletedPart::builder().part_number(number);
    part.set_e_tag(uploaded.e_tag).build()
}

#[tokio::test]
async fn a_multipart_upload_creates_an_object() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let id = begin(&client, "large").await;
    let first = upload(&client, &id, 1, vec![b'a'; 5 * 1024 * 1024]).await;
    let second = upload(&client, &id, 2, b"end".to_vec()).await;
    let complete = |parts: &[&CompletedPart]| {
        let parts = parts.iter().map(|part| (*part).clone()).collect();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
        let complete = client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("large");
        complete
            .upload_id(&id)
            .multipart_upload(parts.build())
            .send()
    };
    let wrong = complete(&[&second, &first]).await.unwrap_err();
    assert_eq!(wrong.code(), Some("InvalidPartOrder"));
    let uploaded_object = complete(&[&first, &second]).await.unwrap();
    assert!(uploaded_object.e_tag().unwrap().ends_with("-2\""));
    let object = simulator.object(BUCKET, "large").unwrap();
    assert_eq!(object.len(), 5 * 1024 * 1024 + 3);
    let head = client.head_object().bucket(BUCKET).key("large");
    let head = head.send().await.unwrap();
    assert_eq!(head.content_type(), Some("application/jsonl"));
    assert_eq!(
        complete(&[&first]).await.unwrap_err().code(),
        Some("NoSuchUpload")
    );
}

#[tokio::test]
async fn an_upload_can_be_aborted_and_short_parts_are_rejected() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let id = begin(&client, "large").await;
    let parts = [
        upload(&client, &id, 1, b"short".to_vec()).await,
        upload(&client, &id, 2, b"end".to_vec()).await,
    ];
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec()));
    let complete = client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("large");
    let complete = complete.upload_id(&id).multipart_upload(parts.build());
    let refused = complete.clone().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("EntityTooSmall"));
    let abort = client.abort_multipart_upload().bucket(BUCKET).key("large");
    abort.upload_id(&id).send().await.unwrap();
    let refused = complete.send().await.unwrap_err();
    assert_eq!(refused.code(), Some("NoSuchUpload"));
    assert!(simulator.object_keys(BUCKET, "").is_empty());
}

#[tokio::test]
async fn a_presigned_url_is_valid_until_it_expires() {
    let simulator = simulator().await;
    let client = client(&simulator);
    put(&client, "folder/an image.png", "0123456789").await;
    let valid = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key("folder/an image.png");
    let signed = get.presigned(valid).await.unwrap();
    let path = signed
        .uri()
        .strip_prefix(&simulator.url())
        .unwrap()
        .to_owned();
    let fetched = send(&simulator, Method::GET, &path, "").await;
    assert_eq!(fetched.status, 200);
    assert_eq!(fetched.header("content-type"), "text/plain");
    assert_eq!(fetched.body.unwrap(), "0123456789");

    let other = path.replace("image", "secret");
    let refused = send(&simulator, Method::GET, &other, "").await;
    assert_eq!(refused.status, 403);
    let text = String::from_utf8(refused.body.unwrap().to_vec()).unwrap();
    assert!(
        text.contains("<Code>SignatureDoesNotMatch</Code>"),
        "{text}"
    );

    simulator.advance(Duration::from_secs(61));
    let late = send(&simulator, Method::GET, &path, "").await;
    assert_eq!(late.status, 403);
    let text = String::from_utf8(late.body.unwrap().to_vec()).unwrap();
    assert!(
        text.contains("<Message>Request has expired</Message>"),
        "{text}"
    );

    simulator.clear();
    put(&client, "folder/an image.png", "0123456789").await;
    let again = send(&simulator, Method::GET, &path, "").await;
    assert_eq!(
        again.status, 200,
        "a simulator that was cleared has its clock set back"
    );
}

#[tokio::test]
async fn unsigned_and_wrongly_signed_requests_are_rejected() {
    let simulator = simulator().await;
    let unsigned = send(&simulator, Method::GET, "/outcrop-example/text", "").await;
    assert_eq!(unsigned.status, 403);
    let text = String::from_utf8(unsigned.body.unwrap().to_vec()).unwrap();
    assert!(text.contains("<Code>AccessDenied</Code>"), "{text}");
    for (key, secret, code) in [
        ("AKIAIOSFODNN7EXAMPLE", "wrong", "SignatureDoesNotMatch"),
        ("AKIDUNKNOWN", "wrong", "InvalidAccessKeyId"),
    ] {
        let keys = Credentials::new(key, secret, None, None, "test");
        let config = config(&simulator).credentials_provider(keys);
        let client = Client::from_conf(config.force_path_style(true).build());
        let put = client.put_object().bucket(BUCKET).key("text");
        let refused = put.send().await.unwrap_err();
        assert_eq!(refused.code(), Some(code));
    }
}

#[tokio::test]
async fn virtual_hosted_style_requests_are_accepted() {
    let options = Options {
        buckets: vec!["videos".to_owned()],
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    assert!(simulator.put_object("videos", "a b", "text/plain", "video"));
    assert!(!simulator.put_object("none", "a b", "text/plain", "video"));
    // Not every system resolves names under localhost: the request goes to the IP address, with the
    // signed name in `host`.
    let endpoint = format!("http://localhost:{}", simulator.address().port());
    let client = Client::from_conf(config(&simulator).endpoint_url(endpoint).build());
    let valid = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let get = client.get_object().bucket("videos").key("a b");
    let signed = get.presigned(valid).await.unwrap();
    let uri: http::Uri = signed.uri().parse().unwrap();
    let host = uri.authority().unwrap().as_str();
    assert!(host.starts_with("videos.localhost"), "{host}");
    let request = Request::get(uri.path_and_query().unwrap().as_str()).header("host", host);
    let fetched = send_request(&simulator, request.body(Full::default()).unwrap()).await;
    assert_eq!(fetched.body.unwrap(), "video");
}

#[tokio::test]
async fn scripts_and_faults_apply_to_s3_operations_by_name() {
    let simulator = simulator().await;
    let client = client(&simulator);
    put(&client, "text", "0123456789").await;
    let mut denied = Script::new(ScriptedResponse::Error {
        status: 403,
        code: "AccessDenied".to_owned(),
        message: "Access Denied".to_owned(),
        retry_after: None,
    });
    denied.operation = Some(Operation::GetObject);
    let mut cut = Script::fault(Fault::Cut { after_events: 0 });
    cut.operation = Some(Operation::GetObject);
    simulator.push(denied);
    simulator.push(cut);
    let get = || client.get_object().bucket(BUCKET).key("text").send();
    assert_eq!(get().await.unwrap_err().code(), Some("AccessDenied"));
    assert!(get().await.unwrap().body.collect().await.is_err());
    let uploaded_object = get().await.unwrap().body.collect().await.unwrap();
    assert_eq!(uploaded_object.into_bytes().len(), 10);
    simulator.clear();
    assert!(simulator.object(BUCKET, "text").is_none());
}
