//! Image models with the AWS SDK: validation, error messages, and valid images in responses.

use std::io::Cursor;

use crate::common::simulator;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata as _;
use aws_sdk_bedrockruntime::primitives::Blob;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bedrock_simulator::Simulator;
use serde_json::{Value, json};

const SD: &str = "stability.sd3-5-large-v1:0";
const INPAINT: &str = "us.stability.stable-image-inpaint-v1:0";
const CANVAS: &str = "amazon.nova-canvas-v1:0";

async fn invoke(simulator: &Simulator, model: &str, body: &Value) -> Result<Value, String> {
    let credentials = bedrock_simulator::Credentials::default();
    let keys = Credentials::new(
        credentials.access_key_id,
        credentials.secret_access_key,
        None,
        None,
        "test",
    );
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(simulator.url())
        .retry_config(RetryConfig::disabled())
        .credentials_provider(keys);
    let client = Client::from_conf(config.build());
    let call = client.invoke_model().model_id(model);
    let call = call.body(Blob::new(body.to_string()));
    match call.send().await {
        Ok(response) => Ok(serde_json::from_slice(response.body().as_ref()).unwrap()),
        Err(error) => {
            assert_eq!(error.code(), Some("ValidationException"));
            Err(error.message().unwrap().to_owned())
        }
    }
}

/// A PNG of one color, in base64.
fn png_bytes(width: u32, height: u32, pixel: [u8; 4]) -> String {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().unwrap();
    let pixels = pixel.repeat(width as usize * height as usize);
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    BASE64_STANDARD.encode(file)
}

fn png_size(base64: &Value) -> (u32, u32) {
    let file = BASE64_STANDARD.decode(base64.as_str().unwrap()).unwrap();
    let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    (reader.info().width, reader.info().height)
}

#[tokio::test]
async fn generated_images_are_valid_and_have_the_requested_size() {
    let simulator = simulator().await;
    let request = json!({"prompt": "a", "aspect_ratio": "16:9", "seed": 7});
    let response = invoke(&simulator, SD, &request).await.unwrap();
    assert_eq!(png_size(&response["images"][0]), (1344, 768));
    assert_eq!(
        (&response["seeds"], &response["finish_reasons"]),
        (&json!([7]), &json!([null]))
    );
    assert_eq!(
        invoke(&simulator, SD, &request).await.unwrap(),
        response,
        "the same again"
    );

    let request = json!({
        "taskType": "TEXT_IMAGE",
        "textToImageParams": {"text": "a"},
        "imageGenerationConfig": {"width": 512, "height": 320, "numberOfImages": 2},
    });
    let response = invoke(&simulator, CANVAS, &request).await.unwrap();
    assert_eq!(png_size(&response["images"][1]), (512, 320));
    assert_eq!(response["error"], Value::Null);

    for (format, head) in [("jpeg", &[0xff, 0xd8][..]), ("webp", b"RIFF")] {
        let image = png_bytes(64, 64, [1, 2, 3, 255]);
        let request = json!({"prompt": "a", "image": image, "output_format": format});
        let response = invoke(&simulator, INPAINT, &request).await.unwrap();
        let file = BASE64_STANDARD.decode(response["images"][0].as_str().unwrap());
        assert!(file.unwrap().starts_with(head), "{format}");
    }
}

#[tokio::test]
async fn image_requests_are_validated_with_bedrocks_messages() {
    let simulator = simulator().await;
    let image = png_bytes(64, 64, [1, 2, 3, 255]);
    let task = |more: Value| {
        let mut body = json!({
            "taskType": "TEXT_IMAGE",
            "textToImageParams": {"text": "a"},
            "imageGenerationConfig": {},
        });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let config = |more: Value| task(json!({"imageGenerationConfig": more}));
    for (model, body, words) in [
        (SD, json!({}), "#: required key [prompt] not found"),
        (
            SD,
            json!({"prompt": "a", "n": 1}),
            "#: extraneous key [n] is not permitted",
        ),
        (
            SD,
            json!({"prompt": ""}),
            "#/prompt: expected minLength: 1, actual: 0",
        ),
        (
            SD,
            json!({"prompt": "a", "seed": -1}),
            "#/seed: -1 is not greater or equal to 0",
        ),
        (
            SD,
            json!({"prompt": "a", "seed": "1"}),
            "#/seed: expected type: Integer, found: String",
        ),
        (
            SD,
            json!({"prompt": "a", "aspect_ratio": "1:9"}),
            "1:9 is not a valid enum value",
        ),
        (
            SD,
            json!({"prompt": "a", "n": 1, "m": 1}),
            "2 schema violations found",
        ),
        (
            SD,
            json!({"prompt": "a", "mode": "image-to-image", "image": image}),
            "[strength]",
        ),
        (
            INPAINT,
            json!({"prompt": "a"}),
            "required key [image] not found",
        ),
        (
            INPAINT,
            json!({"prompt": "a", "image": "aGVsbG8="}),
            "Could not process image",
        ),
        (
            INPAINT,
            json!({"prompt": "a", "image": png_bytes(32, 64, [0; 4])}),
            "32x64",
        ),
        (
            CANVAS,
            json!({"taskType": "SING"}),
            "required key [taskType] not found",
        ),
        (
            CANVAS,
            task(json!({"textToImageParams": {}})),
            "#/textToImageParams: required key [text]",
        ),
        (
            CANVAS,
            config(json!({"numberOfImages": 6})),
            "6 is not less or equal to 5",
        ),
        (
            CANVAS,
            config(json!({"width": 1000})),
            "Unsupported image dimensions 1000x1024",
        ),
        (
            CANVAS,
            json!({"taskType": "BACKGROUND_REMOVAL", "backgroundRemovalParams": {"image": image}, "imageGenerationConfig": {}}),
            "extraneous key [imageGenerationConfig]",
        ),
    ] {
        let refused = invoke(&simulator, model, &body).await.unwrap_err();
        assert!(refused.contains(words), "{body}: {refused}");
    }
}

#[tokio::test]
async fn masks_must_be_opaque_black_and_white_and_match_the_image_size() {
    let simulator = simulator().await;
    for (mask, words) in [
        (png_bytes(320, 320, [0, 0, 0, 255]), None),
        (png_bytes(320, 320, [255, 255, 255, 255]), None),
        (
            png_bytes(320, 320, [0, 0, 0, 0]),
            Some("without transparency"),
        ),
        (png_bytes(320, 320, [9, 9, 9, 255]), Some("black and white")),
        (png_bytes(320, 336, [0, 0, 0, 255]), Some("same dimensions")),
    ] {
        let body = json!({
            "taskType": "INPAINTING",
            "inPaintingParams": {"image": png_bytes(320, 320, [1; 4]), "maskImage": mask},
        });
        let response = invoke(&simulator, CANVAS, &body).await;
        match words {
            None => assert_eq!(png_size(&response.unwrap()["images"][0]), (320, 320)),
            Some(words) => {
                let refused = response.unwrap_err();
                assert!(refused.contains(words), "{refused}");
            }
        }
    }
}

#[tokio::test]
async fn prompts_are_filtered_before_and_after_generation() {
    let simulator = simulator().await;
    let reasons = |prompt: &str| json!({"prompt": prompt});
    let response = invoke(&simulator, SD, &reasons("forbidden")).await.unwrap();
    assert_eq!(
        response,
        json!({"finish_reasons": ["Filter reason: prompt"]})
    );
    let response = invoke(&simulator, SD, &reasons("unsuitable"))
        .await
        .unwrap();
    assert_eq!(
        response,
        json!({"finish_reasons": ["Filter reason: output image"]})
    );

    let task = |text: &str| json!({"taskType": "TEXT_IMAGE", "textToImageParams": {"text": text}});
    let refused = invoke(&simulator, CANVAS, &task("forbidden"))
        .await
        .unwrap_err();
    assert!(
        refused.contains("blocked by our content filters"),
        "{refused}"
    );
    let response = invoke(&simulator, CANVAS, &task("unsuitable"))
        .await
        .unwrap();
    assert!(response["error"].is_string() && response["images"] == json!([]));
}
