//! Validation of `modelInput` for Nova Reel and Luma Ray, with Bedrock's messages.
//!
//! From the user guides of Nova ("Nova Reel request and response structure") and of Bedrock
//! ("Luma AI models").

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use crate::error::AwsError;
use crate::families::bare_id;

pub(super) fn check(model: &str, input: &Value) -> Result<(), AwsError> {
    let input = object("#", input)?;
    match bare_id(model) {
        "amazon.nova-reel-v1:0" => reel(input, false),
        "amazon.nova-reel-v1:1" => reel(input, true),
        "luma.ray-v2:0" => ray(input),
        _ => Err(AwsError::validation(
            "The provided model doesn't support asynchronous invocation.",
        )),
    }
}

fn reel(input: &Map<String, Value>, long: bool) -> Result<(), AwsError> {
    const PARAMETERS: [(&str, &str); 3] = [
        ("TEXT_VIDEO", "textToVideoParams"),
        ("MULTI_SHOT_AUTOMATED", "multiShotAutomatedParams"),
        ("MULTI_SHOT_MANUAL", "multiShotManualParams"),
    ];
    let task = text("#/taskType", required("#", input, "taskType")?)?;
    let (_, parameters) = PARAMETERS
        .iter()
        .find(|(name, _)| *name == task && (long || task == "TEXT_VIDEO"))
        .ok_or_else(|| malformed("#/taskType", &format!("{task} is not a valid enum value")))?;
    require_known_keys(
        "#",
        input,
        &["taskType", parameters, "videoGenerationConfig"],
    )?;
    let path = format!("#/{parameters}");
    let parameters_object = object(&path, required("#", input, parameters)?)?;
    match task {
        "TEXT_VIDEO" => {
            require_known_keys(&path, parameters_object, &["text", "images"])?;
            length(
                &path,
                "text",
                required(&path, parameters_object, "text")?,
                1,
                512,
            )?;
            let images = parameters_object
                .get("images")
                .map(|images| list(&path, images));
            for image in images.transpose()?.into_iter().flatten() {
                reel_image(&path, image)?;
            }
        }
        "MULTI_SHOT_AUTOMATED" => {
            require_known_keys(&path, parameters_object, &["text"])?;
            length(
                &path,
                "text",
                required(&path, parameters_object, "text")?,
                1,
                4000,
            )?;
        }
        _ => shots(&path, parameters_object)?,
    }
    let path = "#/videoGenerationConfig";
    let config = object(path, required("#", input, "videoGenerationConfig")?)?;
    require_known_keys(
        path,
        config,
        &["durationSeconds", "fps", "dimension", "seed"],
    )?;
    let seconds = config.get("durationSeconds").and_then(Value::as_u64);
    let fits = match task {
        "TEXT_VIDEO" => seconds == Some(6),
        "MULTI_SHOT_AUTOMATED" => {
            seconds.is_some_and(|seconds| (12..=120).contains(&seconds) && seconds % 6 == 0)
        }
        _ => config.get("durationSeconds").is_none(),
    };
    if !fits {
        return Err(malformed(
            &format!("{path}/durationSeconds"),
            "the value does not fit the task type",
        ));
    }
    one_of(path, config, "fps", &[Value::from(24)])?;
    one_of(path, config, "dimension", &[Value::from("1280x720")])?;
    match config.get("seed") {
        None => Ok(()),
        Some(seed) if seed.as_u64().is_some_and(|seed| seed <= 2_147_483_646) => Ok(()),
        Some(seed) => Err(malformed(
            &format!("{path}/seed"),
            &format!("{seed} is not between 0 and 2147483646"),
        )),
    }
}

fn shots(path: &str, parameters_object: &Map<String, Value>) -> Result<(), AwsError> {
    require_known_keys(path, parameters_object, &["shots"])?;
    let shots = list(path, required(path, parameters_object, "shots")?)?;
    if !(2..=20).contains(&shots.len()) {
        return Err(malformed(
            &format!("{path}/shots"),
            "expected between 2 and 20 items",
        ));
    }
    for shot in shots {
        let path = format!("{path}/shots");
        let shot = object(&path, shot)?;
        require_known_keys(&path, shot, &["text", "image"])?;
        length(&path, "text", required(&path, shot, "text")?, 1, 512)?;
        if let Some(image) = shot.get("image") {
            reel_image(&path, image)?;
        }
    }
    Ok(())
}

/// `{"format", "source": {"bytes"} or {"s3Location": {"uri"}}}`, 1280 by 720.
fn reel_image(path: &str, image: &Value) -> Result<(), AwsError> {
    let image = object(path, image)?;
    require_known_keys(path, image, &["format", "source"])?;
    one_of(path, image, "format", &["png".into(), "jpeg".into()])?;
    let source = object(path, required(path, image, "source")?)?;
    require_known_keys(path, source, &["bytes", "s3Location"])?;
    let Some(bytes) = source.get("bytes") else {
        return required(path, source, "s3Location").map(drop);
    };
    let bytes = decoded(path, text(path, bytes)?)?;
    if bytes.starts_with(b"\x89PNG") && bytes.get(16..24) != Some(&[0, 0, 5, 0, 0, 0, 2, 208]) {
        return Err(AwsError::validation(
            "The input image dimensions must be 1280x720.",
        ));
    }
    Ok(())
}

fn ray(input: &Map<String, Value>) -> Result<(), AwsError> {
    let keys = [
        "prompt",
        "aspect_ratio",
        "loop",
        "duration",
        "resolution",
        "keyframes",
    ];
    require_known_keys("#", input, &keys)?;
    length("#", "prompt", required("#", input, "prompt")?, 1, 5000)?;
    let allowed_values = |allowed_values: &[&str]| {
        allowed_values
            .iter()
            .map(|word| Value::from(*word))
            .collect::<Vec<_>>()
    };
    let ratios = allowed_values(&["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"]);
    for (name, values) in [
        ("aspect_ratio", ratios),
        ("duration", allowed_values(&["5s", "9s"])),
        ("resolution", allowed_values(&["540p", "720p"])),
        ("loop", vec![Value::Bool(true), Value::Bool(false)]),
    ] {
        if input.contains_key(name) {
            one_of("#", input, name, &values)?;
        }
    }
    let Some(frames) = input.get("keyframes") else {
        return Ok(());
    };
    let path = "#/keyframes";
    let frames = object(path, frames)?;
    require_known_keys(path, frames, &["frame0", "frame1"])?;
    for frame in frames.values() {
        let frame = object(path, frame)?;
        require_known_keys(path, frame, &["type", "source"])?;
        one_of(path, frame, "type", &["image".into()])?;
        let source = object(path, required(path, frame, "source")?)?;
        require_known_keys(path, source, &["type", "media_type", "data"])?;
        one_of(path, source, "type", &["base64".into()])?;
        let types = allowed_values(&["image/png", "image/jpeg"]);
        one_of(path, source, "media_type", &types)?;
        decoded(path, text(path, required(path, source, "data")?)?)?;
    }
    Ok(())
}

fn required<'a>(
    path: &str,
    parameters_object: &'a Map<String, Value>,
    name: &str,
) -> Result<&'a Value, AwsError> {
    let value = parameters_object.get(name);
    value.ok_or_else(|| malformed(path, &format!("required key [{name}] not found")))
}

fn require_known_keys(
    path: &str,
    parameters_object: &Map<String, Value>,
    allowed: &[&str],
) -> Result<(), AwsError> {
    match parameters_object
        .keys()
        .find(|key| !allowed.contains(&key.as_str()))
    {
        None => Ok(()),
        Some(key) => Err(malformed(
            path,
            &format!("extraneous key [{key}] is not permitted"),
        )),
    }
}

fn one_of(
    path: &str,
    parameters_object: &Map<String, Value>,
    name: &str,
    values: &[Value],
) -> Result<(), AwsError> {
    let value = required(path, parameters_object, name)?;
    if values.contains(value) {
        return Ok(());
    }
    let path = format!("{path}/{name}");
    Err(malformed(
        &path,
        &format!("{value} is not a valid enum value"),
    ))
}

fn length(path: &str, name: &str, value: &Value, min: usize, max: usize) -> Result<(), AwsError> {
    let path = format!("{path}/{name}");
    let actual = text(&path, value)?.chars().count();
    if actual > max {
        let problem = format!("expected maxLength: {max}, actual: {actual}");
        return Err(malformed(&path, &problem));
    }
    if actual < min {
        let problem = format!("expected minLength: {min}, actual: {actual}");
        return Err(malformed(&path, &problem));
    }
    Ok(())
}

fn object<'a>(path: &str, value: &'a Value) -> Result<&'a Map<String, Value>, AwsError> {
    value
        .as_object()
        .ok_or_else(|| malformed(path, "expected type: JSONObject"))
}

fn list<'a>(path: &str, value: &'a Value) -> Result<&'a Vec<Value>, AwsError> {
    value
        .as_array()
        .ok_or_else(|| malformed(path, "expected type: JSONArray"))
}

fn text<'a>(path: &str, value: &'a Value) -> Result<&'a str, AwsError> {
    value
        .as_str()
        .ok_or_else(|| malformed(path, "expected type: String"))
}

fn decoded(path: &str, data: &str) -> Result<Vec<u8>, AwsError> {
    let bytes = BASE64_STANDARD.decode(data);
    bytes.map_err(|_| malformed(path, "the image is not base64"))
}

fn malformed(path: &str, problem: &str) -> AwsError {
    AwsError::validation(format!(
        "Malformed input request: {path}: {problem}, please reformat your input and try again."
    ))
}
