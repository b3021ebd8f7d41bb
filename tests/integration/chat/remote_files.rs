//! Files at https URLs in requests.

use bedrock_simulator::Options;
use outcrop::config::{FetchSettings, LimitSettings};
use outcrop::fetch::Fetcher;
use serde_json::{Value, json};

use crate::fetch::site::{Reply, Site};
use crate::harness::{Harness, MODEL, non_streaming};

/// The site serves an image and a document.
fn file(path: &str) -> Reply {
    match path {
        "/plan.gif" => Reply::file("GIF89a\u{1}\u{0}\u{1}\u{0}"),
        "/papers/report.pdf?x=1" => Reply::file("%PDF-1.7\n"),
        "/elsewhere" => Reply::redirect("https://intern.example.com/plan.gif"),
        _ => Reply::status(404, ""),
    }
}

async fn harness(fetcher: Option<Fetcher>) -> Harness {
    Harness::within(Options::default(), |_| {}, fetcher).await
}

fn image_part(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

fn request_with_parts(parts: &[Value]) -> Value {
    let mut request = non_streaming("hi");
    let mut content = vec![json!({"type": "text", "text": "What is it?"})];
    content.extend_from_slice(parts);
    request["messages"][0]["content"] = content.into();
    request
}

#[tokio::test]
async fn remote_files_are_fetched_and_sent_as_bytes() {
    let site = Site::start(file).await;
    let harness = harness(Some(site.fetcher(&FetchSettings::default()))).await;
    let url = "https://example.com/plan.gif";
    let document =
        json!({"type": "file", "file": {"file_url": "https://example.com/papers/report.pdf?x=1"}});
    for stream in [false, true] {
        // A user message and a tool result have the same image, which is fetched once.
        let mut request = request_with_parts(&[image_part(url), document.clone()]);
        request["stream"] = stream.into();
        request["tools"] = json!([{"type": "function", "function": {"name": "look"}}]);
        request["messages"].as_array_mut().unwrap().extend([
            json!({"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": "{}"}}]}),
            json!({"role": "tool", "tool_call_id": "a", "content": [image_part(url)]}),
        ]);
        let reply = harness
            .chat_with(&[("x-outcrop-cache", "off")], &request)
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let sent_upstream = harness.sent_upstream().pop().unwrap();
        let image = json!({"image": {"format": "gif", "source": {"bytes": "R0lGODlhAQABAA=="}}});
        let content = &sent_upstream["messages"][0]["content"];
        assert_eq!(content[1], image);
        assert_eq!(
            content[2]["document"],
            json!({"format": "pdf", "name": "report", "source": {"bytes": "JVBERi0xLjcK"}})
        );
        assert_eq!(
            sent_upstream["messages"][2]["content"][0]["toolResult"]["content"][0],
            image
        );
    }
    assert_eq!(site.requests().len(), 4);
}

#[tokio::test]
async fn a_retried_request_does_not_fetch_again() {
    let site = Site::start(file).await;
    let harness = harness(Some(site.fetcher(&FetchSettings::default()))).await;
    let refusal =
        "This model doesn't support the serviceTier field. Remove serviceTier and try again.";
    harness.simulator.push(bedrock_simulator::Script::error(
        400,
        "ValidationException",
        refusal,
    ));
    let mut request = request_with_parts(&[image_part("https://example.com/plan.gif")]);
    request["service_tier"] = "flex".into();
    assert_eq!(harness.chat(&request).await.status, 200);
    let sent_upstream = harness.sent_upstream();
    assert_eq!(sent_upstream.len(), 2);
    assert_eq!(sent_upstream[0]["messages"], sent_upstream[1]["messages"]);
    assert_eq!(site.requests().len(), 1);
}

#[tokio::test]
async fn a_url_that_is_not_public_is_rejected_with_its_path() {
    let site = Site::start(file)
        .await
        .named("intern.example.com", &[&["10.0.0.7"]]);
    let harness = harness(Some(site.fetcher(&FetchSettings::default()))).await;
    let good = image_part("https://example.com/plan.gif");
    for (url, code) in [
        ("https://intern.example.com/plan.gif", "invalid_image_url"),
        ("https://127.0.0.1/plan.gif", "invalid_image_url"),
        (
            "https://169.254.169.254/latest/meta-data",
            "invalid_image_url",
        ),
        ("https://example.com/elsewhere", "invalid_image_url"),
        ("http://example.com/plan.gif", "invalid_image_url"),
        ("https://example.com/nothing", "failed_to_download_image"),
        ("https://nowhere.example.com/plan.gif", "invalid_image_url"),
    ] {
        let reply = harness
            .chat(&request_with_parts(&[good.clone(), image_part(url)]))
            .await;
        assert_eq!(reply.status, 400, "{url}");
        let error = reply.error();
        assert_eq!(
            error["param"], "messages[0].content[2].image_url.url",
            "{url}"
        );
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["code"], code, "{url}: {error}");
        assert!(!reply.text.contains("10.0.0.7"), "{error}");
    }
    assert!(
        !site
            .connections()
            .iter()
            .any(|address| address.starts_with("10."))
    );
    assert!(harness.sent_upstream().is_empty());
}

#[tokio::test]
async fn http_urls_are_fetched_if_the_operator_allows_it() {
    let site = Site::start(file).await;
    let plain = FetchSettings {
        allow_http: true,
        ..FetchSettings::default()
    };
    let harness = harness(Some(site.fetcher(&plain))).await;
    let reply = harness
        .chat(&request_with_parts(&[image_part(
            "http://example.com/plan.gif",
        )]))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        harness.sent_upstream()[0]["messages"][0]["content"][1]["image"]["format"],
        "gif"
    );
}

#[tokio::test]
async fn nothing_is_fetched_without_a_key_or_when_fetching_is_disabled() {
    let site = Site::start(file).await;
    let fetcher = site.fetcher(&FetchSettings::default());
    let with_key = |config: &mut outcrop::config::Config| {
        config.keys.push(outcrop::config::KeyEntry {
            caller: "a".to_owned(),
            digest: outcrop::config::KeyDigest::of("a"),
            access_key: None,
            chat: outcrop::config::ChatOverrides::default(),
            grant: outcrop::allowances::KeyGrant::default(),
        });
    };
    let request = request_with_parts(&[image_part("https://example.com/plan.gif")]);
    let harness = Harness::within(Options::default(), with_key, Some(fetcher)).await;
    assert_eq!(harness.chat(&request).await.status, 401);

    let off = FetchSettings {
        enabled: false,
        ..FetchSettings::default()
    };
    let harness = Harness::within(Options::default(), |_| {}, Some(site.fetcher(&off))).await;
    let reply = harness.chat(&request).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["code"], "invalid_image_url");
    assert!(site.requests().is_empty());
}

#[tokio::test]
async fn nothing_is_fetched_for_a_rate_limited_request() {
    let site = Site::start(file).await;
    let mut rate = LimitSettings::calls(8).at_rate(0.01);
    rate.burst = 1;
    let change = |config: &mut outcrop::config::Config| {
        config.limits.key = rate;
        let model = outcrop::models::ModelId::parse("openai.gpt-6-luna").unwrap();
        let entry = outcrop::config::ModelEntry::from(model);
        config.models.insert("gpt".to_owned(), entry);
    };
    let fetcher = site.fetcher(&FetchSettings::default());
    let harness = Harness::within(Options::default(), change, Some(fetcher)).await;
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 200);
    let mut request = request_with_parts(&[image_part("https://example.com/plan.gif")]);
    for model in [MODEL, "gpt"] {
        request["model"] = model.into();
        for path in [
            "/v1/chat/completions",
            "/v1/explain",
            "/v1/chat/completions/input_tokens",
        ] {
            assert_eq!(harness.post(path, &request).await.status, 429, "{path}");
        }
    }
    let embeddings = json!({"model": "amazon.titan-embed-image-v1", "input": [{"image_url": "https://example.com/plan.gif"}]});
    let reply = harness.post("/v1/embeddings", &embeddings).await;
    assert_eq!(reply.status, 429, "{}", reply.text);
    assert!(site.requests().is_empty());
}

#[tokio::test]
async fn the_gateways_own_network_is_blocked() {
    let site = Site::start(file).await;
    let harness = harness(None).await;
    let mut request =
        request_with_parts(&[image_part(&format!("https://{}/plan.gif", site.address))]);
    request["model"] = MODEL.into();
    let reply = harness.chat(&request).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["code"], "invalid_image_url");
    assert!(site.requests().is_empty());
}
