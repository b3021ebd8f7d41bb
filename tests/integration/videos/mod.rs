//! `/v1/videos`: jobs in the simulated Bedrock, videos in its S3.

mod golden;

use std::time::Duration;

use bedrock_simulator::{Fault, Operation, Script, ScriptedResponse};
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RANGE};
use outcrop::bedrock::{Bedrock, SimulatedBedrock};
use outcrop::config::{ChatOverrides, Config, KeyDigest, KeyEntry, LimitSettings};
use outcrop::http::Shutdown;
use outcrop::identity::Caller;
use outcrop::server::App;
use outcrop::usage::{Ledger, RequestHead};
use serde_json::{Value, json};

use crate::harness::{Harness, Reply};

const BUCKET: &str = "outcrop-example";
const REEL: &str = "amazon.nova-reel-v1:1";

pub fn with_videos(config: &mut Config) {
    config.s3.bucket = Some(BUCKET.to_owned());
    config.videos.enabled = true;
}

async fn harness() -> Harness {
    Harness::with(with_videos).await
}

fn reel(prompt: &str) -> Value {
    json!({ "model": REEL, "prompt": prompt, "seconds": "8", "size": "1280x720" })
}

async fn created(harness: &Harness, prompt: &str) -> String {
    let created = harness.post("/v1/videos", &reel(prompt)).await;
    assert_eq!(created.status, 200, "{}", created.text);
    created.json()["id"].as_str().unwrap().to_owned()
}

async fn completed_video(harness: &Harness, prompt: &str) -> String {
    let id = created(harness, prompt).await;
    harness.simulator.advance(Duration::from_secs(121));
    let video = video(harness, &id).await;
    assert_eq!(video["status"], "completed", "{video}");
    id
}

async fn video(harness: &Harness, id: &str) -> Value {
    let response = harness.get(&format!("/v1/videos/{id}")).await;
    assert_eq!(response.status, 200, "{}", response.text);
    response.json()
}

async fn send_request(
    harness: &Harness,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Reply {
    let mut request = harness.request(method, path, "");
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    harness.send(request).await
}

async fn ids(harness: &Harness, query: &str) -> (Vec<String>, bool) {
    let list = harness.get(&format!("/v1/videos{query}")).await;
    assert_eq!(list.status, 200, "{}", list.text);
    let list = list.json();
    assert_eq!(list["object"], "list");
    let ids = list["data"].as_array().unwrap().iter();
    let ids: Vec<String> = ids.map(|v| v["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(list["first_id"].as_str(), ids.first().map(String::as_str));
    assert_eq!(list["last_id"].as_str(), ids.last().map(String::as_str));
    (ids, list["has_more"].as_bool().unwrap())
}

fn scripted(operation: Operation, status: u16, code: &str) -> Script {
    let mut script = Script::new(ScriptedResponse::Error {
        status,
        code: code.to_owned(),
        message: "ordered".to_owned(),
        retry_after: None,
    });
    script.operation = Some(operation);
    script
}

#[tokio::test]
async fn a_video_is_created_generated_read_and_deleted() {
    let harness = harness().await;
    let created = harness.post("/v1/videos", &reel("A quiet lake")).await;
    assert_eq!(created.status, 200, "{}", created.text);
    assert_eq!(created.adjustments(), "seconds: set to 12");
    assert_eq!(created.header("x-outcrop-cost-usd"), Some("0.96"));
    let new = created.json();
    let id = new["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&new["object"], &new["status"], &new["progress"]),
        (&json!("video"), &json!("in_progress"), &json!(0))
    );
    assert_eq!(
        (&new["seconds"], &new["size"], &new["model"], &new["prompt"]),
        (
            &json!("12"),
            &json!("1280x720"),
            &json!(REEL),
            &json!("A quiet lake")
        )
    );

    let content = format!("/v1/videos/{id}/content");
    let early = harness.get(&content).await;
    assert_eq!(
        (early.status.as_u16(), &early.error()["code"]),
        (409, &json!("video_not_ready"))
    );
    assert_eq!(early.header("x-should-retry"), Some("false"));
    let early = send_request(&harness, Method::DELETE, &format!("/v1/videos/{id}"), &[]).await;
    assert_eq!(early.status, 409);

    harness.simulator.advance(Duration::from_secs(121));
    let done = video(&harness, &id).await;
    assert_eq!(
        (&done["status"], &done["progress"]),
        (&json!("completed"), &json!(100))
    );
    assert_eq!(
        (&done["seconds"], &done["size"], &done["model"]),
        (&new["seconds"], &new["size"], &new["model"])
    );
    assert!(done["completed_at"].as_u64() > done["created_at"].as_u64());
    assert_eq!(
        (&done["error"], &done["expires_at"]),
        (&Value::Null, &Value::Null)
    );

    let request = harness.request(Method::GET, &content, "");
    let (_, headers, video_bytes) = harness.bytes(request).await.unwrap();
    assert_eq!(headers[CONTENT_TYPE], "video/mp4");
    assert_eq!(headers["content-length"], "10000");
    assert_eq!(
        (video_bytes.len(), &video_bytes[4..8]),
        (10_000, &b"ftyp"[..])
    );

    let deleted = send_request(&harness, Method::DELETE, &format!("/v1/videos/{id}"), &[]).await;
    assert_eq!(
        deleted.json(),
        json!({ "id": id, "object": "video.deleted", "deleted": true })
    );
    assert!(harness.simulator.object_keys(BUCKET, "").is_empty());
    assert_eq!(harness.get(&format!("/v1/videos/{id}")).await.status, 404);
    assert_eq!(harness.get(&content).await.status, 404);
    assert_eq!(ids(&harness, "").await, (vec![], false));
}

#[tokio::test]
async fn a_range_of_a_video_is_served() {
    let harness = harness().await;
    let id = completed_video(&harness, "A quiet lake").await;
    let content = format!("/v1/videos/{id}/content");
    let mut request = harness.request(Method::GET, &content, "");
    request
        .headers_mut()
        .insert(RANGE, "bytes=4-7".parse().unwrap());
    let (status, headers, part) = harness.bytes(request).await.unwrap();
    assert_eq!(status, 206);
    assert_eq!(headers["content-range"], "bytes 4-7/10000");
    assert_eq!(headers["accept-ranges"], "bytes");
    assert_eq!(part, "ftyp");
    let past_end = send_request(
        &harness,
        Method::GET,
        &content,
        &[("range", "bytes=10000-")],
    )
    .await;
    assert_eq!(past_end.status, 416);
    let unknown_variant = harness.get(&format!("{content}?variant=thumbnail")).await;
    assert_eq!(
        (
            unknown_variant.status.as_u16(),
            &unknown_variant.error()["param"]
        ),
        (400, &json!("variant"))
    );
}

#[tokio::test]
async fn an_interrupted_video_download_ends_the_connection() {
    let harness = harness().await;
    let id = completed_video(&harness, "A quiet lake").await;
    let mut cut = Script::fault(Fault::Cut { after_events: 0 });
    cut.operation = Some(Operation::GetObject);
    harness.simulator.push(cut);
    let request = harness.request(Method::GET, &format!("/v1/videos/{id}/content"), "");
    assert!(harness.bytes(request).await.is_err());
}

#[tokio::test]
async fn a_failed_video_has_an_error_message() {
    let harness = harness().await;
    let id = created(&harness, "An avalanche").await;
    harness.simulator.advance(Duration::from_secs(121));
    let failed = video(&harness, &id).await;
    assert_eq!(
        (&failed["status"], &failed["progress"]),
        (&json!("failed"), &json!(0))
    );
    assert_eq!(failed["error"]["code"], "video_generation_failed");
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(message.contains("content filters"), "{message}");
    let content = harness.get(&format!("/v1/videos/{id}/content")).await;
    assert_eq!(content.status, 404);
    assert_eq!(content.error()["code"], "video_generation_failed");
}

#[tokio::test]
async fn videos_are_listed_in_pages_newest_first() {
    let harness = harness().await;
    let mut all = Vec::new();
    for prompt in ["one", "two", "three"] {
        all.push(completed_video(&harness, prompt).await);
    }
    let oldest_first = all.clone();
    all.reverse();
    assert_eq!(ids(&harness, "").await, (all.clone(), false));
    assert_eq!(ids(&harness, "?order=asc").await, (oldest_first, false));
    assert_eq!(ids(&harness, "?limit=2").await, (all[..2].to_vec(), true));
    let rest = format!("?limit=2&after={}", all[1]);
    assert_eq!(ids(&harness, &rest).await, (all[2..].to_vec(), false));
    for wrong in ["?limit=0", "?limit=101", "?order=up"] {
        assert_eq!(harness.get(&format!("/v1/videos{wrong}")).await.status, 400);
    }
    let unknown = harness.get("/v1/videos?after=video_nothing").await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.error()["param"]),
        (404, &json!("after"))
    );
}

#[tokio::test]
async fn a_caller_cannot_see_other_callers_videos() {
    let key = |name: &str| KeyEntry {
        caller: name.to_owned(),
        digest: KeyDigest::of(&format!("sk-{name}-12345678")),
        chat: ChatOverrides::default(),
        access_key: None,
        grant: outcrop::allowances::KeyGrant::default(),
    };
    let harness = Harness::with(|config| {
        with_videos(config);
        config.keys = vec![key("ann"), key("bob")];
    })
    .await;
    let as_caller = async |name: &str, method: Method, path: &str, body: String| {
        let mut request = harness.request(method, path, body);
        let value = format!("Bearer sk-{name}-12345678").parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
        harness.send(request).await
    };
    let order = reel("A quiet lake").to_string();
    let created = as_caller("ann", Method::POST, "/v1/videos", order)
        .await
        .json();
    harness.simulator.advance(Duration::from_secs(121));
    let path = format!("/v1/videos/{}", created["id"].as_str().unwrap());
    let content = format!("{path}/content");
    for (method, path) in [
        (Method::GET, &path),
        (Method::GET, &content),
        (Method::DELETE, &path),
    ] {
        let refused = as_caller("bob", method, path, String::new()).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.error()["code"]),
            (404, &json!("not_found"))
        );
    }
    let none = as_caller("bob", Method::GET, "/v1/videos", String::new()).await;
    assert_eq!(none.json()["data"], json!([]));
    let own_video = as_caller("ann", Method::GET, &path, String::new()).await;
    assert_eq!(own_video.json()["status"], "completed");
    let without_key = harness.get("/v1/videos").await;
    assert_eq!(without_key.status, 401);
}

#[tokio::test]
async fn ids_and_responses_do_not_reveal_the_account_or_the_bucket() {
    let harness = harness().await;
    let id = completed_video(&harness, "A quiet lake").await;
    let text =
        harness.get(&format!("/v1/videos/{id}")).await.text + &harness.get("/v1/videos").await.text;
    for secret in ["123456789012", BUCKET, "arn:", "s3:"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn another_instance_serves_a_video_it_did_not_start() {
    let harness = harness().await;
    let id = created(&harness, "A quiet lake").await;
    let mut config = Config::default();
    config.bedrock.simulated = Some(SimulatedBedrock::at(harness.simulator.url()));
    with_videos(&mut config);
    let bedrock = Bedrock::connect(&config.bedrock).await.unwrap();
    let queue = harness.records.queue.clone();
    let unknown_variant = App::new(&config, bedrock, queue.clone(), Shutdown::default()).unwrap();
    let (caller, ledger) = (
        Caller::named("local"),
        Ledger::open(RequestHead::default(), &queue),
    );
    let videos = unknown_variant.videos.as_ref().unwrap();
    let response = videos.retrieve(&caller, &id, &ledger).await;
    let response: Value = serde_json::from_slice(&response.unwrap().body).unwrap();
    assert_eq!(response["seconds"], "12");
}

#[tokio::test]
async fn an_unknown_video_id_is_not_found() {
    let harness = harness().await;
    let packed = "video_dXMtZWFzdC0xL2FiY2RlZjEyMzQ1Ng";
    for id in [packed, "video_x", "nonsense"] {
        let refused = harness.get(&format!("/v1/videos/{id}")).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.error()["param"]),
            (404, &json!("video_id"))
        );
    }
}

#[tokio::test]
async fn a_retried_start_creates_one_video() {
    let harness = harness().await;
    harness.simulator.push(scripted(
        Operation::StartAsyncInvoke,
        503,
        "ServiceUnavailableException",
    ));
    created(&harness, "A quiet lake").await;
    let starts: Vec<Value> = harness
        .simulator
        .requests()
        .iter()
        .filter(|request| request.operation == Some(Operation::StartAsyncInvoke))
        .map(|request| request.json())
        .collect();
    assert_eq!(starts.len(), 2);
    assert_eq!(
        starts[0], starts[1],
        "both calls have the same client token"
    );
    assert_eq!(ids(&harness, "").await.0.len(), 1);
}

#[tokio::test]
async fn bedrocks_errors_are_translated_for_the_client() {
    let harness = harness().await;
    for (status, code, expected_status) in [
        (403, "AccessDeniedException", 403),
        (400, "ValidationException", 400),
        (400, "ServiceQuotaExceededException", 429),
    ] {
        harness
            .simulator
            .push(scripted(Operation::StartAsyncInvoke, status, code));
        let refused = harness.post("/v1/videos", &reel("A quiet lake")).await;
        assert_eq!(refused.status, expected_status, "{}", refused.text);
    }
    let id = completed_video(&harness, "A quiet lake").await;
    harness
        .simulator
        .push(scripted(Operation::GetObject, 403, "AccessDenied"));
    let refused = harness.get(&format!("/v1/videos/{id}/content")).await;
    assert_eq!(refused.status, 500);
    assert!(!refused.text.contains(BUCKET), "{}", refused.text);
}

#[tokio::test]
async fn invalid_requests_are_rejected_before_any_call() {
    let harness = harness().await;
    for (body, parameter, code) in [
        (
            json!({ "model": REEL }),
            "prompt",
            "missing_required_parameter",
        ),
        (
            json!({ "prompt": "A lake" }),
            "model",
            "missing_required_parameter",
        ),
        (
            json!({ "model": "amazon.nova-lite-v1:0", "prompt": "A lake" }),
            "model",
            "unsupported_value",
        ),
        (
            json!({ "model": REEL, "prompt": "A lake", "size": "720x1280" }),
            "size",
            "unsupported_value",
        ),
    ] {
        let refused = harness.post("/v1/videos", &body).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        let error = refused.error();
        assert_eq!(
            (&error["param"], &error["code"]),
            (&json!(parameter), &json!(code))
        );
    }
    assert_eq!(harness.simulator.received(), 0);
    let remix = harness
        .post("/v1/videos/video_x/remix", &json!({ "prompt": "A sea" }))
        .await;
    assert_eq!(
        (remix.status.as_u16(), &remix.error()["code"]),
        (404, &json!("unknown_url"))
    );
}

#[tokio::test]
async fn a_rate_limited_video_request_is_not_started() {
    let harness = Harness::with(|config| {
        with_videos(config);
        config.limits.key = LimitSettings::calls(8).at_rate(0.01);
        config.limits.key.burst = 1;
    })
    .await;
    let id = created(&harness, "A quiet lake").await;
    let refused = harness.post("/v1/videos", &reel("A quiet sea")).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert_eq!(refused.error()["code"], "rate_limit_exceeded");
    assert_eq!(
        ids(&harness, "").await.0,
        [id],
        "reading a video is not rate limited"
    );
}

#[tokio::test]
async fn an_image_on_a_private_network_is_not_fetched() {
    let harness = harness().await;
    let order = json!({
        "model": "luma.ray-v2:0",
        "prompt": "A quiet lake",
        "input_reference": { "image_url": "https://127.0.0.1/lake.png" },
    });
    let refused = harness.post("/v1/videos", &order).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(refused.error()["param"], "input_reference");
    assert_eq!(harness.simulator.received(), 0);
}

#[tokio::test]
async fn a_form_can_contain_the_first_frame() {
    let harness = harness().await;
    let form_body = concat!(
        "--edge\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nluma.ray-v2:0\r\n",
        "--edge\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\nA lake\r\n",
        "--edge\r\ncontent-disposition: form-data; name=\"seconds\"\r\n\r\n5\r\n",
        "--edge\r\ncontent-disposition: form-data; name=\"input_reference\"; filename=\"a.jpg\"\r\n",
        "content-type: image/jpeg\r\n\r\nPICTURE\r\n--edge--\r\n",
    );
    let (before, after) = form_body.split_once("PICTURE").unwrap();
    let body = [
        before.as_bytes(),
        b"\xff\xd8\xff\xe0picture",
        after.as_bytes(),
    ]
    .concat();
    let mut request = harness.request(Method::POST, "/v1/videos", body);
    let content_type = "multipart/form-data; boundary=edge".parse().unwrap();
    request.headers_mut().insert(CONTENT_TYPE, content_type);
    let created = harness.send(request).await;
    assert_eq!(created.status, 200, "{}", created.text);
    assert_eq!(created.json()["size"], "1280x720");
    let requests = harness.simulator.requests();
    let input = requests.last().unwrap().json()["modelInput"].clone();
    assert_eq!(
        input["keyframes"]["frame0"],
        json!({
            "type": "image",
            "source": { "type": "base64", "media_type": "image/jpeg", "data": "/9j/4HBpY3R1cmU=" },
        })
    );
}

#[tokio::test]
async fn when_disabled_the_error_explains_how_to_enable_them() {
    let harness = Harness::start().await;
    for (method, path) in [
        (Method::POST, "/v1/videos"),
        (Method::GET, "/v1/videos"),
        (Method::GET, "/v1/videos/video_x"),
        (Method::GET, "/v1/videos/video_x/content"),
        (Method::DELETE, "/v1/videos/video_x"),
    ] {
        let request = harness.request(method, path, reel("A quiet lake").to_string());
        let refused = harness.send(request).await;
        assert_eq!(refused.status, 404, "{path}");
        let error = refused.error();
        assert_eq!(error["code"], "not_enabled", "{path}");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("[videos] enabled")
        );
    }
    assert_eq!(harness.simulator.received(), 0);
}

#[tokio::test]
async fn videos_are_disabled_when_the_operator_requires_a_guardrail() {
    let harness = Harness::with(|config| {
        with_videos(config);
        crate::chat::guardrails::everywhere(config);
    })
    .await;
    let refused = harness.post("/v1/videos", &reel("a lake")).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(refused.error()["code"], "guardrail_required");
    assert!(harness.simulator.requests().is_empty());
}
