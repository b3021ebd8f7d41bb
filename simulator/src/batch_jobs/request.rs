//! Parsing and validation of CreateModelInvocationJob requests (limits from botocore, `bedrock`).

use serde_json::Value;

use crate::error::AwsError;
use crate::options::Options;
use crate::validate;
use crate::validate::constraints::violations::Violations;

const JOB_NAME: &str = r"[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\+\-\.]){0,63}";
const TOKEN: &str = "[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}";
const ROLE: &str = "arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+";
const S3_URI: &str =
    r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:/[-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*)?/?";

const FIELDS: [&str; 10] = [
    "jobName",
    "roleArn",
    "clientRequestToken",
    "modelId",
    "inputDataConfig",
    "outputDataConfig",
    "vpcConfig",
    "timeoutDurationInHours",
    "tags",
    "modelInvocationType",
];

/// A validated job request.
#[derive(Debug, Clone)]
pub(super) struct JobRequest {
    pub(super) name: String,
    pub(super) token: Option<String>,
    pub(super) role: String,
    pub(super) model: String,
    pub(super) kind: Kind,
    pub(super) input: S3Location,
    pub(super) output: S3Location,
    pub(super) input_config: Value,
    pub(super) output_config: Value,
    pub(super) timeout_hours: u64,
}

/// The format of `modelInput` in the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    InvokeModel,
    Converse,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct S3Location {
    pub(super) bucket: String,
    pub(super) key: String,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::InvokeModel => "InvokeModel",
            Self::Converse => "Converse",
        }
    }
}

pub(super) fn read(options: &Options, body: &Value) -> Result<JobRequest, AwsError> {
    let mut violations = Violations::default();
    let fields = body.as_object();
    let unknown =
        fields.and_then(|fields| fields.keys().find(|key| !FIELDS.contains(&key.as_str())));
    if let Some(unknown) = unknown {
        let message = format!("Unknown field in the request: {unknown}");
        return Err(AwsError::validation(message));
    }
    let name = text(body, "jobName", &mut violations);
    let role = text(body, "roleArn", &mut violations);
    let model = text(body, "modelId", &mut violations);
    let input_uri = uri(
        body,
        "inputDataConfig",
        "s3InputDataConfig",
        &mut violations,
    );
    let output_uri = uri(
        body,
        "outputDataConfig",
        "s3OutputDataConfig",
        &mut violations,
    );
    violations.unless_matches(&name, "jobName", JOB_NAME, is_job_name);
    violations.unless_shorter(&name, "jobName", 63);
    violations.unless_matches(&role, "roleArn", ROLE, is_role);
    let token = body.get("clientRequestToken").and_then(Value::as_str);
    if let Some(token) = token {
        violations.unless_matches(token, "clientRequestToken", TOKEN, is_token);
    }
    let format = body.pointer("/inputDataConfig/s3InputDataConfig/s3InputFormat");
    if let Some(format) = format {
        let at = "inputDataConfig.s3InputDataConfig.s3InputFormat";
        violations.unless_one_of(format.as_str().unwrap_or_default(), at, &["JSONL"]);
    }
    let hours = body
        .get("timeoutDurationInHours")
        .map_or(Some(24), Value::as_u64);
    let hours = hours.unwrap_or_default();
    if hours < 24 {
        violations.below(hours, "timeoutDurationInHours", 24);
    }
    if hours > 168 {
        let at_most_168 = "Member must have value less than or equal to 168";
        violations.because(hours, "timeoutDurationInHours", at_most_168);
    }
    let kind = body
        .get("modelInvocationType")
        .map_or(Some("InvokeModel"), Value::as_str);
    let kind = kind.unwrap_or_default();
    violations.unless_one_of(kind, "modelInvocationType", &["InvokeModel", "Converse"]);
    violations.report()?;
    validate::model(&model, options)?;
    Ok(JobRequest {
        name,
        token: token.map(str::to_owned),
        role,
        model,
        kind: match kind {
            "Converse" => Kind::Converse,
            _ => Kind::InvokeModel,
        },
        input: s3_location(&input_uri),
        output: s3_location(&output_uri),
        input_config: body.get("inputDataConfig").cloned().unwrap_or_default(),
        output_config: body.get("outputDataConfig").cloned().unwrap_or_default(),
        timeout_hours: hours,
    })
}

fn text(body: &Value, name: &str, violations: &mut Violations) -> String {
    match body.get(name).and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => {
            violations.missing(name);
            String::new()
        }
    }
}

fn uri(body: &Value, config: &str, kind: &str, violations: &mut Violations) -> String {
    let at = format!("{config}.{kind}.s3Uri");
    let uri = body.pointer(&format!("/{}", at.replace('.', "/")));
    let Some(uri) = uri.and_then(Value::as_str) else {
        violations.missing(&at);
        return String::new();
    };
    violations.unless_matches(uri, &at, S3_URI, is_s3_uri);
    uri.to_owned()
}

fn s3_location(uri: &str) -> S3Location {
    let rest = uri.strip_prefix("s3://").unwrap_or_default();
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    S3Location {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
    }
}

fn is_job_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn is_token(token: &str) -> bool {
    token.starts_with(|first: char| first.is_ascii_alphanumeric())
        && token.ends_with(|last: char| last.is_ascii_alphanumeric())
        && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn is_role(role: &str) -> bool {
    let mut parts = role.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let starts = next() == "arn" && next().starts_with("aws") && next() == "iam";
    let nowhere = next().is_empty();
    let account = next();
    let account = account.is_empty()
        || account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
    let name = next()
        .strip_prefix("role/")
        .is_some_and(|name| !name.is_empty());
    starts && nowhere && account && name
}

fn is_s3_uri(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("s3://") else {
        return false;
    };
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let in_bucket = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let in_key = |c: char| c.is_ascii_alphanumeric() || "-!_*'().".contains(c);
    let segments = key.strip_suffix('/').unwrap_or(key);
    (3..=63).contains(&bucket.len())
        && bucket.chars().all(in_bucket)
        && (key.is_empty()
            || segments
                .split('/')
                .all(|segment| !segment.is_empty() && segment.chars().all(in_key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_roles_and_uris_must_be_well_formed() {
        assert!(is_job_name("outcrop-1.2+3") && !is_job_name("-a") && !is_job_name("a_b"));
        assert!(is_token("a-1") && !is_token("a-") && !is_token("a_b"));
        assert!(is_role("arn:aws:iam::123456789012:role/service/x"));
        assert!(!is_role("arn:aws:iam::1:role/x") && !is_role("role/x"));
        assert!(is_s3_uri("s3://bucket/a/b.jsonl") && is_s3_uri("s3://bucket/a/"));
        assert!(!is_s3_uri("s3://bucket/a//b") && !is_s3_uri("https://bucket/a"));
    }
}
