//! `POST /v1/images/edits` and `POST /v1/images/variations`

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bedrock_simulator::Options;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use outcrop::config::FetchSettings;
use serde_json::json;

use crate::fetch::site::{self, Site};
use crate::harness::images::{described, mask, png_bytes};
use crate::harness::{Harness, Reply, forms};
use crate::images::{CANVAS, EDITS, INPAINT, VARIATIONS, data_url, invoked, seen, with};

/// Sends a multipart form of text fields and PNG files.
async fn form(
    harness: &Harness,
    path: &str,
    texts: &[(&str, &str)],
    files: &[(&str, &[u8])],
) -> Reply {
    let files = files.iter().map(|(field, png)| (*field, "a.png", *png));
    let body = forms::form(texts, &files.collect::<Vec<_>>());
    let mut request = harness.request(Method::POST, path, body);
    let value = HeaderValue::from_static(forms::FORM);
    request.headers_mut().insert(CONTENT_TYPE, value);
    harness.send(request).await
}

#[tokio::test]
async fn every_stability_service_edits_images() {
    let harness = Harness::start().await;
    let small = png_bytes(64, 96);
    for (service, more) in [
        (
            "stable-image-inpaint",
            json!({"prompt": "a", "mask": data_url(&mask(64, 96))}),
        ),
        (
            "stable-image-erase-object",
            json!({"mask": data_url(&mask(64, 96))}),
        ),
        (
            "stable-image-remove-background",
            json!({"output_format": "webp"}),
        ),
        (
            "stable-image-search-recolor",
            json!({"prompt": "a", "select_prompt": "b"}),
        ),
        (
            "stable-image-search-replace",
            json!({"prompt": "a", "search_prompt": "b"}),
        ),
        (
            "stable-image-style-guide",
            json!({"prompt": "a", "aspect_ratio": "21:9"}),
        ),
        (
            "stable-image-control-sketch",
            json!({"prompt": "a", "control_strength": 0.5}),
        ),
        (
            "stable-image-control-structure",
            json!({"prompt": "a", "output_format": "jpeg"}),
        ),
        ("stable-outpaint", json!({"left": 16, "up": 8})),
        (
            "stable-conservative-upscale",
            json!({"prompt": "a", "creativity": 0.4}),
        ),
        (
            "stable-creative-upscale",
            json!({"prompt": "a", "style_preset": "anime"}),
        ),
        ("stable-fast-upscale", json!({})),
        (
            "stable-style-transfer",
            json!({"images": [data_url(&small), data_url(&small)]}),
        ),
    ] {
        let model = format!("us.stability.{service}-v1:0");
        let request = json!({"model": model, "images": [data_url(&small)]});
        let reply = harness.post(EDITS, &with(request, more)).await;
        assert_eq!(reply.status, 200, "{service}: {}", reply.text);
        assert_eq!(seen(&reply).len(), 1, "{service}");
    }
}

#[tokio::test]
async fn a_form_is_parsed_like_json() {
    let harness = Harness::start().await;
    let texts = [
        ("model", INPAINT),
        ("prompt", "7"),
        ("n", "2"),
        ("seed", "3"),
        ("grow_mask", "4"),
        ("colour", "red"),
    ];
    let (image, mask) = (png_bytes(64, 64), mask(64, 64));
    let files = [("image[]", &*image), ("mask", &*mask), ("extra", &*image)];
    let reply = form(&harness, EDITS, &texts, &files).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(seen(&reply).len(), 2);
    assert_eq!(
        reply.adjustments(),
        "extra: ignored, colour: ignored; did you mean `colors`?"
    );
    let bodies = invoked(&harness);
    assert_eq!(
        (&bodies[0]["seed"], &bodies[1]["seed"]),
        (&json!(3), &json!(4))
    );
    let body = &bodies[0];
    assert_eq!(
        (&body["prompt"], &body["grow_mask"]),
        (&json!("7"), &json!(4))
    );
    let mask = described(body["mask"].as_str().unwrap());
    assert_eq!(mask.as_deref(), Some("<png 64x64 white to black>"));
    assert_eq!(body["image"], STANDARD.encode(&image));
}

#[tokio::test]
async fn nova_canvas_edits_varies_and_removes_backgrounds() {
    let harness = Harness::start().await;
    let (image, mask) = (png_bytes(320, 320), mask(320, 320));
    let image = ("image", &*image);
    for (path, texts, files, task) in [
        (
            EDITS,
            &[("prompt", "a cat")][..],
            &[image, ("mask", &*mask)][..],
            "INPAINTING",
        ),
        (EDITS, &[("mask_prompt", "the dog")], &[image], "INPAINTING"),
        (
            EDITS,
            &[("prompt", "a cat")],
            &[image, image],
            "IMAGE_VARIATION",
        ),
        (
            EDITS,
            &[("task_type", "BACKGROUND_REMOVAL")],
            &[image],
            "BACKGROUND_REMOVAL",
        ),
        (
            EDITS,
            &[
                ("prompt", "a"),
                ("task_type", "OUTPAINTING"),
                ("mask_prompt", "b"),
            ],
            &[image],
            "OUTPAINTING",
        ),
        (
            EDITS,
            &[
                ("prompt", "a"),
                ("colors[]", "#ff0000"),
                ("colors[]", "#00ff00"),
            ],
            &[image],
            "COLOR_GUIDED_GENERATION",
        ),
        (
            VARIATIONS,
            &[("size", "512x512")],
            &[image],
            "IMAGE_VARIATION",
        ),
    ] {
        let texts = [&[("model", CANVAS)], texts].concat();
        let reply = form(&harness, path, &texts, files).await;
        assert_eq!(reply.status, 200, "{task}: {}", reply.text);
        assert_eq!(seen(&reply).len(), 1, "{task}");
        assert_eq!(invoked(&harness).last().unwrap()["taskType"], task);
    }
    // Fields of other tasks are noted and not sent, since Bedrock would reject them.
    let texts = [
        ("model", CANVAS),
        ("style", "PHOTOREALISM"),
        ("outPaintingMode", "PRECISE"),
    ];
    let reply = form(&harness, VARIATIONS, &texts, &[image]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        reply.adjustments(),
        "style: ignored, outPaintingMode: ignored"
    );
    let mask_image = &invoked(&harness)[0]["inPaintingParams"]["maskImage"];
    let mask_image = described(mask_image.as_str().unwrap());
    assert_eq!(mask_image.as_deref(), Some("<png 320x320 black to white>"));
}

#[tokio::test]
async fn image_urls_are_fetched() {
    fn file(path: &str) -> site::Reply {
        match path {
            "/cat.png" => site::Reply::binary(&png_bytes(64, 64)),
            "/mask.png" => site::Reply::binary(&mask(64, 64)),
            _ => site::Reply::status(404, ""),
        }
    }
    let site = Site::start(file).await;
    let fetcher = site.fetcher(&FetchSettings::default());
    let harness = Harness::within(Options::default(), |_| {}, Some(fetcher)).await;
    let request = |name: &str| {
        json!({
            "model": INPAINT,
            "prompt": "a",
            "images": [{"image_url": format!("https://example.com/{name}.png")}],
            "mask": {"image_url": "https://example.com/mask.png"},
        })
    };
    let reply = harness.post(EDITS, &request("cat")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        invoked(&harness)[0]["image"],
        STANDARD.encode(png_bytes(64, 64))
    );
    let error = harness.post(EDITS, &request("dog")).await.error();
    assert_eq!(error["param"], "images[0].image_url", "{error}");
    assert_eq!(error["code"], "failed_to_download_image", "{error}");
}

#[tokio::test]
async fn an_invalid_form_is_rejected() {
    let harness = Harness::start().await;
    let mut request = harness.request(Method::POST, EDITS, "--x\r\n");
    let value = HeaderValue::from_static("multipart/form-data; boundary=x");
    request.headers_mut().insert(CONTENT_TYPE, value);
    let reply = harness.send(request).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert_eq!(reply.error()["code"], "invalid_form");
    let texts = [("model", INPAINT), ("n", "many")];
    let reply = form(&harness, EDITS, &texts, &[]).await;
    assert_eq!(reply.error()["param"], "n", "{}", reply.text);
}
