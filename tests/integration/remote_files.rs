//! Files that requests point to with https addresses.

use bedrock_simulator::Options;
use outcrop::config::{FetchSettings, LimitSettings};
use outcrop::fetch::Fetcher;
use serde_json::{Value, json};

use crate::fetch::site::{Reply, Site};
use crate::world::{MODEL, World, whole};

/// What the site has: a picture, a document, and nothing else.
fn file(path: &str) -> Reply {
    match path {
        "/plan.gif" => Reply::file("GIF89a\u{1}\u{0}\u{1}\u{0}"),
        "/papers/report.pdf?x=1" => Reply::file("%PDF-1.7\n"),
        "/elsewhere" => Reply::redirect("https://intern.example.com/plan.gif"),
        _ => Reply::status(404, ""),
    }
}

async fn world(fetcher: Option<Fetcher>) -> World {
    World::within(Options::default(), |_| {}, fetcher).await
}

fn picture(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

fn asking(parts: &[Value]) -> Value {
    let mut request = whole("hi");
    let mut content = vec![json!({"type": "text", "text": "What is it?"})];
    content.extend_from_slice(parts);
    request["messages"][0]["content"] = content.into();
    request
}

#[tokio::test]
async fn they_are_fetched_and_sent_as_bytes() {
    let site = Site::start(file).await;
    let world = world(Some(site.fetcher(&FetchSettings::default()))).await;
    let url = "https://example.com/plan.gif";
    let document =
        json!({"type": "file", "file": {"file_url": "https://example.com/papers/report.pdf?x=1"}});
    for stream in [false, true] {
        // The same picture twice is fetched once; a tool's result may have one too.
        let mut request = asking(&[picture(url), document.clone()]);
        request["stream"] = stream.into();
        request["tools"] = json!([{"type": "function", "function": {"name": "look"}}]);
        request["messages"].as_array_mut().unwrap().extend([
            json!({"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": "{}"}}]}),
            json!({"role": "tool", "tool_call_id": "a", "content": [picture(url)]}),
        ]);
        let reply = world
            .chat_with(&[("x-outcrop-cache", "off")], &request)
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let asked = world.asked().pop().unwrap();
        let image = json!({"image": {"format": "gif", "source": {"bytes": "R0lGODlhAQABAA=="}}});
        let content = &asked["messages"][0]["content"];
        assert_eq!(content[1], image);
        assert_eq!(
            content[2]["document"],
            json!({"format": "pdf", "name": "report", "source": {"bytes": "JVBERi0xLjcK"}})
        );
        assert_eq!(
            asked["messages"][2]["content"][0]["toolResult"]["content"][0],
            image
        );
    }
    assert_eq!(site.requests().len(), 4);
}

#[tokio::test]
async fn a_request_that_is_written_again_does_not_fetch_again() {
    let site = Site::start(file).await;
    let world = world(Some(site.fetcher(&FetchSettings::default()))).await;
    let refusal =
        "This model doesn't support the serviceTier field. Remove serviceTier and try again.";
    world.simulator.push(bedrock_simulator::Script::error(
        400,
        "ValidationException",
        refusal,
    ));
    let mut request = asking(&[picture("https://example.com/plan.gif")]);
    request["service_tier"] = "flex".into();
    assert_eq!(world.chat(&request).await.status, 200);
    let asked = world.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0]["messages"], asked[1]["messages"]);
    assert_eq!(site.requests().len(), 1);
}

#[tokio::test]
async fn what_is_not_public_is_refused_by_the_place_of_its_address() {
    let site = Site::start(file)
        .await
        .named("intern.example.com", &[&["10.0.0.7"]]);
    let world = world(Some(site.fetcher(&FetchSettings::default()))).await;
    let good = picture("https://example.com/plan.gif");
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
        let reply = world.chat(&asking(&[good.clone(), picture(url)])).await;
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
    assert!(world.asked().is_empty());
}

#[tokio::test]
async fn http_addresses_are_fetched_where_the_operator_allows_that() {
    let site = Site::start(file).await;
    let plain = FetchSettings {
        plain_http: true,
        ..FetchSettings::default()
    };
    let world = world(Some(site.fetcher(&plain))).await;
    let reply = world
        .chat(&asking(&[picture("http://example.com/plan.gif")]))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        world.asked()[0]["messages"][0]["content"][1]["image"]["format"],
        "gif"
    );
}

#[tokio::test]
async fn nothing_is_fetched_for_somebody_without_a_key_or_where_that_is_off() {
    let site = Site::start(file).await;
    let fetcher = site.fetcher(&FetchSettings::default());
    let with_key = |config: &mut outcrop::config::Config| {
        config.keys.push(outcrop::config::KeyEntry {
            caller: "a".to_owned(),
            digest: outcrop::config::KeyDigest::of("a"),
            access_key: None,
            chat: outcrop::config::ChatOverrides::default(),
        });
    };
    let request = asking(&[picture("https://example.com/plan.gif")]);
    let world = World::within(Options::default(), with_key, Some(fetcher)).await;
    assert_eq!(world.chat(&request).await.status, 401);

    let off = FetchSettings {
        enabled: false,
        ..FetchSettings::default()
    };
    let world = World::within(Options::default(), |_| {}, Some(site.fetcher(&off))).await;
    let reply = world.chat(&request).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["code"], "invalid_image_url");
    assert!(site.requests().is_empty());
}

#[tokio::test]
async fn nothing_is_fetched_for_a_request_that_the_limits_refuse() {
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
    let world = World::within(Options::default(), change, Some(fetcher)).await;
    assert_eq!(world.chat(&whole("hi")).await.status, 200);
    let mut request = asking(&[picture("https://example.com/plan.gif")]);
    for model in [MODEL, "gpt"] {
        request["model"] = model.into();
        for path in [
            "/v1/chat/completions",
            "/v1/explain",
            "/v1/chat/completions/input_tokens",
        ] {
            assert_eq!(world.post(path, &request).await.status, 429, "{path}");
        }
    }
    let embeddings = json!({"model": "amazon.titan-embed-image-v1", "input": [{"image_url": "https://example.com/plan.gif"}]});
    let reply = world.post("/v1/embeddings", &embeddings).await;
    assert_eq!(reply.status, 429, "{}", reply.text);
    assert!(site.requests().is_empty());
}

#[tokio::test]
async fn the_gateways_own_network_is_closed() {
    let site = Site::start(file).await;
    let world = world(None).await;
    let mut request = asking(&[picture(&format!("https://{}/plan.gif", site.address))]);
    request["model"] = MODEL.into();
    let reply = world.chat(&request).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["code"], "invalid_image_url");
    assert!(site.requests().is_empty());
}
