//! Asynchronous jobs: they may only write to their caller's folder in the operator's bucket.

use super::JobFolder;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::ApiError;
use crate::identity::Caller;
use crate::passthrough::Passthrough;
use crate::passthrough::ready::Ready;
use crate::passthrough::rules::{denied, json, member, object};
use crate::usage::Ledger;

impl Passthrough {
    /// Restricts StartAsyncInvoke to the bucket of `[s3]`, and looks up its model.
    pub(in crate::passthrough) async fn ready_for_job(
        &self,
        ready: &mut Ready,
        caller: &Caller,
        ledger: &Ledger,
    ) -> Result<(), ApiError> {
        let upstream_call = &mut ready.upstream_call;
        let length = upstream_call.body.len();
        let fields = || object(&upstream_call.body);
        let workers = self.gateway.workers();
        let mut fields = workers.on_body(length, fields).await?;
        let bucket = self.s3.bucket.as_deref().unwrap_or_default();
        let output = checked_output(&fields, &JobFolder::new(&self.s3, caller))?;
        fields.set("outputDataConfig", output);
        let id = fields.get("modelId").and_then(text).unwrap_or_default();
        let target = self.gateway.exact_target(&id, caller, ledger).await?;
        let rewrite = || {
            self.rules(caller, &target)
                .job(&upstream_call.body, bucket)?;
            fields.set("modelId", json(target.model.as_str())?);
            // Serialized again, so that a duplicate key cannot mean something else to Bedrock.
            serde_json::to_vec(&fields).map_err(|_| ApiError::internal())
        };
        upstream_call.body = workers.on_body(length, rewrite).await?.into();
        ready.name = target.model.shared();
        ready.target = Some(target);
        Ok(())
    }
}

/// The output location, which must be below the caller's folder.
fn checked_output(fields: &Fields, folder: &JobFolder) -> Result<JsonText, ApiError> {
    let mut output = member(fields, "outputDataConfig")?;
    let location = member(&output, "s3OutputDataConfig")?;
    let uri = location.get("s3Uri").and_then(text).unwrap_or_default();
    // The job creates its own folder below it.
    if !folder.holds(&uri) {
        return Err(denied(format!(
            "`outputDataConfig.s3OutputDataConfig.s3Uri` must begin with {folder}, the folder of \
             your jobs"
        )));
    }
    output.set("s3OutputDataConfig", json(&location)?);
    json(&output)
}

pub(super) fn text(json: &JsonText) -> Option<String> {
    serde_json::from_str(json.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::S3Settings;

    #[test]
    fn a_duplicate_output_location_is_sent_once() {
        let s3 = S3Settings {
            bucket: Some("ours".to_owned()),
            prefix: String::new(),
            ..S3Settings::default()
        };
        let folder = JobFolder::new(&s3, &Caller::named("a"));
        let body = br#"{"outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://theirs/"},
            "s3OutputDataConfig":{"s3Uri":"s3://theirs/","s3Uri":"s3://ours/jobs/a"}}}"#;
        let fields = object(body).expect("an object");
        let output = checked_output(&fields, &folder).expect("a location");
        let expected = r#"{"s3OutputDataConfig":{"s3Uri":"s3://ours/jobs/a"}}"#;
        assert_eq!(output.as_str(), expected);
        let other_folder =
            br#"{"outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://ours/a"}}}"#;
        let fields = object(other_folder).expect("an object");
        let error = checked_output(&fields, &folder).expect_err("another folder");
        assert!(error.to_string().contains("s3://ours/jobs/a/"), "{error}");
    }
}
