//! Invalid image requests are rejected before any call, with the name of the field.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::harness::Harness;
use crate::harness::images::{mask, png_bytes};

/// Endpoint, parameter, code, request. `SD`, `INPAINT` and `CANVAS` stand for model ids, `image 64x64`
/// for a data URL of an image of this size, and `mask 64x64` for one whose left half is transparent.
const REFUSALS: &str = r##"
generations | model | missing_required_parameter | {"prompt": "a"}
generations | model | unsupported_value | {"model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "prompt": "a"}
generations | model | unsupported_value | {"model": "stability.newest-v9", "prompt": "a"}
generations | model | unsupported_value | {"model": "INPAINT", "prompt": "a"}
generations | prompt | missing_required_parameter | {"model": "SD"}
generations | prompt | missing_required_parameter | {"model": "SD", "prompt": ""}
generations | n | invalid_value | {"model": "SD", "prompt": "a", "n": 0}
generations | n | invalid_value | {"model": "SD", "prompt": "a", "n": 11}
generations | n | invalid_value | {"model": "SD", "prompt": "a", "n": "2"}
generations | size | invalid_value | {"model": "SD", "prompt": "a", "size": "big"}
generations | size | unsupported_value | {"model": "CANVAS", "prompt": "a", "size": "1000x1000"}
generations | size | unsupported_value | {"model": "amazon.titan-image-generator-v2:0", "prompt": "a", "size": "1536x1024"}
generations | aspect_ratio | unsupported_value | {"model": "SD", "prompt": "a", "aspect_ratio": "1:9"}
generations | aspect_ratio | unsupported_value | {"model": "CANVAS", "prompt": "a", "aspect_ratio": "1:1"}
generations | quality | invalid_value | {"model": "SD", "prompt": "a", "quality": "best"}
generations | background | unsupported_value | {"model": "SD", "prompt": "a", "background": "transparent"}
generations | background | invalid_value | {"model": "SD", "prompt": "a", "background": "blue"}
generations | output_format | invalid_value | {"model": "SD", "prompt": "a", "output_format": "gif"}
generations | response_format | unsupported_value | {"model": "SD", "prompt": "a", "response_format": "url"}
generations | response_format | invalid_value | {"model": "SD", "prompt": "a", "response_format": "file"}
generations | response_format | unsupported_value | {"model": "SD", "prompt": "a", "response_format": "url", "stream": true}
generations | seed | invalid_value | {"model": "SD", "prompt": "a", "seed": -1}
generations | seed | invalid_value | {"model": "CANVAS", "prompt": "a", "seed": 4000000000}
generations | cfg_scale | unsupported_parameter | {"model": "SD", "prompt": "a", "cfg_scale": 7}
generations | mask_prompt | unsupported_parameter | {"model": "SD", "prompt": "a", "mask_prompt": "b"}
generations | mask_prompt | unsupported_parameter | {"model": "CANVAS", "prompt": "a", "mask_prompt": "b"}
generations | strength | invalid_value | {"model": "CANVAS", "prompt": "a", "strength": "b"}
generations | strength | unsupported_parameter | {"model": "CANVAS", "prompt": "a", "strength": 0.5}
generations | model | unsupported_value | {"model": "SD", "prompt": "a", "colors": ["#ff0000"]}
generations | colors[0] | invalid_value | {"model": "CANVAS", "prompt": "a", "colors": ["red"]}
generations | colors | missing_required_parameter | {"model": "CANVAS", "prompt": "a", "task_type": "COLOR_GUIDED_GENERATION"}
generations | task_type | unsupported_value | {"model": "CANVAS", "prompt": "a", "task_type": "INPAINTING"}
generations | images[0].image_url | unsupported_parameter | {"model": "SD", "prompt": "a", "images": [{"image_url": "image 64x64"}]}
edits | image | missing_required_parameter | {"model": "INPAINT", "prompt": "a"}
edits | model | unsupported_value | {"model": "stability.stable-image-core-v1:1", "prompt": "a", "images": [{"image_url": "image 64x64"}]}
edits | images[1].image_url | unsupported_value | {"model": "INPAINT", "prompt": "a", "images": [{"image_url": "image 64x64"}, {"image_url": "image 64x64"}]}
edits | images[0].file_id | unsupported_parameter | {"model": "INPAINT", "prompt": "a", "images": [{"file_id": "file-1"}]}
edits | images[0].image_url | missing_required_parameter | {"model": "INPAINT", "prompt": "a", "images": [{}]}
edits | images[0].image_url | invalid_image_url | {"model": "INPAINT", "prompt": "a", "images": [{"image_url": "no address"}]}
edits | images[0].image_url | invalid_image | {"model": "INPAINT", "prompt": "a", "images": [{"image_url": "data:image/gif;base64,R0lGODlhAQABAAAAACw="}]}
edits | images[0].image_url | invalid_image | {"model": "INPAINT", "prompt": "a", "images": [{"image_url": "image 32x64"}]}
edits | images[0].image_url | invalid_image | {"model": "us.stability.stable-creative-upscale-v1:0", "prompt": "a", "images": [{"image_url": "image 2048x1024"}]}
edits | images[0].image_url | invalid_image | {"model": "us.stability.stable-fast-upscale-v1:0", "images": [{"image_url": "image 1600x64"}]}
edits | mask | invalid_image | {"model": "INPAINT", "prompt": "a", "images": [{"image_url": "image 64x64"}], "mask": {"image_url": "mask 32x64"}}
edits | mask | invalid_image | {"model": "INPAINT", "prompt": "a", "images": [{"image_url": "image 64x64"}], "mask": {"image_url": "image 64x64"}}
edits | mask | invalid_image | {"model": "INPAINT", "prompt": "a", "images": [{"image_url": "image 64x64"}], "mask": {"image_url": "data:image/gif;base64,R0lGODlhAQABAAAAACw="}}
edits | mask.file_id | unsupported_parameter | {"model": "INPAINT", "prompt": "a", "images": [{"image_url": "image 64x64"}], "mask": {"file_id": "file-1"}}
edits | mask | unsupported_parameter | {"model": "SD", "prompt": "a", "images": [{"image_url": "image 64x64"}], "mask": {"image_url": "mask 64x64"}}
edits | mask | missing_required_parameter | {"model": "CANVAS", "prompt": "a", "images": [{"image_url": "image 320x320"}], "task_type": "INPAINTING"}
edits | mask_prompt | invalid_value | {"model": "CANVAS", "prompt": "a", "images": [{"image_url": "image 320x320"}], "mask": {"image_url": "mask 320x320"}, "mask_prompt": "b"}
edits | task_type | invalid_value | {"model": "CANVAS", "prompt": "a", "images": [{"image_url": "image 320x320"}], "task_type": "PAINT"}
edits | task_type | unsupported_value | {"model": "INPAINT", "prompt": "a", "images": [{"image_url": "image 64x64"}], "task_type": "INPAINTING"}
edits | cfg_scale | unsupported_parameter | {"model": "CANVAS", "images": [{"image_url": "image 320x320"}], "task_type": "BACKGROUND_REMOVAL", "cfg_scale": 2}
edits | search_prompt | missing_required_parameter | {"model": "us.stability.stable-image-search-replace-v1:0", "prompt": "a", "images": [{"image_url": "image 64x64"}]}
variations | model | unsupported_value | {"model": "SD", "images": [{"image_url": "image 64x64"}]}
variations | stream | unsupported_parameter | {"model": "CANVAS", "images": [{"image_url": "image 320x320"}], "stream": true}
"##;

#[tokio::test]
async fn each_invalid_field_is_named_and_nothing_is_sent() {
    let harness = Harness::start().await;
    let rows = REFUSALS.lines().filter(|line| !line.is_empty());
    for row in rows {
        let [endpoint, parameter, code, request] =
            row.splitn(4, " | ").collect::<Vec<_>>().try_into().unwrap();
        let request = with_values(serde_json::from_str(request).unwrap());
        let reply = harness
            .post(&format!("/v1/images/{endpoint}"), &request)
            .await;
        assert_eq!(reply.status, 400, "{row}: {}", reply.text);
        let error = reply.error();
        assert_eq!(error["param"], parameter, "{row}: {error}");
        assert_eq!(error["code"], code, "{row}: {error}");
    }
    let sent_upstream = harness.simulator.requests();
    assert!(sent_upstream.is_empty(), "{sent_upstream:?}");
}

#[tokio::test]
async fn prompt_length_is_limited_per_model() {
    let harness = Harness::start().await;
    for (model, max_length) in [
        ("stability.sd3-5-large-v1:0", 10_000),
        ("amazon.nova-canvas-v1:0", 1024),
    ] {
        for (length, status) in [(max_length, 200), (max_length + 1, 400)] {
            let request = serde_json::json!({"model": model, "prompt": "é".repeat(length)});
            let reply = harness.post("/v1/images/generations", &request).await;
            assert_eq!(reply.status, status, "{model}: {}", reply.text);
        }
    }
}

/// Replaces the placeholders of models and images.
fn with_values(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(match text.as_str() {
            "SD" => "stability.sd3-5-large-v1:0".to_owned(),
            "INPAINT" => "us.stability.stable-image-inpaint-v1:0".to_owned(),
            "CANVAS" => "amazon.nova-canvas-v1:0".to_owned(),
            other => image_url(other).unwrap_or(text),
        }),
        Value::Array(all) => all.into_iter().map(with_values).collect(),
        Value::Object(all) => {
            let all = all.into_iter().map(|(key, one)| (key, with_values(one)));
            Value::Object(all.collect())
        }
        other => other,
    }
}

fn image_url(text: &str) -> Option<String> {
    let (kind, size) = text.split_once(' ')?;
    let (width, height) = size.split_once('x')?;
    let (width, height) = (width.parse().ok()?, height.parse().ok()?);
    let file = match kind {
        "image" => png_bytes(width, height),
        "mask" => mask(width, height),
        _ => return None,
    };
    Some(format!("data:image/png;base64,{}", STANDARD.encode(file)))
}
