//! Jobs that write to S3: only to the operator's bucket.

use super::Pipeline;
use super::ready::Ready;
use super::rules::{denied, json, member, object};
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::record::Record;

impl Pipeline {
    /// Holds a StartAsyncInvoke to the bucket of `[s3]`, and looks up its model.
    pub(super) async fn ready_for_job(
        &self,
        ready: &mut Ready,
        caller: &Caller,
        record: &Record,
    ) -> Result<(), Fault> {
        let passage = &mut ready.passage;
        let mut fields = object(&passage.body)?;
        let bucket = self.s3.bucket.as_deref().unwrap_or_default();
        let output = checked_output(&fields, bucket, &self.s3.prefix)?;
        fields.set("outputDataConfig", output);
        let id = fields.get("modelId").and_then(text).unwrap_or_default();
        let target = self.named(Some(&id), record).await?;
        self.rules(caller, &target).job(&passage.body, bucket)?;
        fields.set("modelId", json(target.model.as_str())?);
        // Written anew, so that a key that came twice means what it was taken for here.
        let body = serde_json::to_vec(&fields).map_err(|_| Fault::internal())?;
        passage.body = body.into();
        ready.name = target.model.as_str().into();
        ready.target = Some(target);
        Ok(())
    }
}

/// Where the job writes to, which is below the operator's prefix.
fn checked_output(fields: &Fields, bucket: &str, prefix: &str) -> Result<JsonText, Fault> {
    let allowed = match prefix {
        "" => format!("s3://{bucket}/"),
        prefix => format!("s3://{bucket}/{prefix}/"),
    };
    let mut output = member(fields, "outputDataConfig")?;
    let location = member(&output, "s3OutputDataConfig")?;
    let uri = location.get("s3Uri").and_then(text).unwrap_or_default();
    // The job puts a folder of its own below it.
    let is_below = format!("{uri}/").starts_with(&allowed);
    if bucket.is_empty() || !is_below {
        return Err(denied(format!(
            "`outputDataConfig.s3OutputDataConfig.s3Uri` has to begin with `{allowed}`"
        )));
    }
    output.set("s3OutputDataConfig", json(&location)?);
    json(&output)
}

fn text(json: &JsonText) -> Option<String> {
    serde_json::from_str(json.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(uri: &str, prefix: &str) -> bool {
        let body =
            format!(r#"{{"outputDataConfig":{{"s3OutputDataConfig":{{"s3Uri":"{uri}"}}}}}}"#);
        let fields = object(body.as_bytes()).expect("an object");
        checked_output(&fields, "ours", prefix).is_ok()
    }

    #[test]
    fn a_place_that_is_said_twice_goes_out_once() {
        let body = br#"{"outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://theirs/"},
            "s3OutputDataConfig":{"s3Uri":"s3://theirs/","s3Uri":"s3://ours/a"}}}"#;
        let fields = object(body).expect("an object");
        let output = checked_output(&fields, "ours", "").expect("a place");
        let expected = r#"{"s3OutputDataConfig":{"s3Uri":"s3://ours/a"}}"#;
        assert_eq!(output.as_str(), expected);
    }

    #[test]
    fn a_job_writes_below_the_operators_prefix_and_nowhere_else() {
        for (uri, prefix, allowed) in [
            ("s3://ours/outcrop", "outcrop", true),
            ("s3://ours/outcrop/team", "outcrop", true),
            ("s3://ours/outcrop-other", "outcrop", false),
            ("s3://ours", "outcrop", false),
            ("s3://ours", "", true),
            ("s3://ours-not", "", false),
            ("s3://theirs/outcrop", "outcrop", false),
            ("", "", false),
        ] {
            assert_eq!(is_allowed(uri, prefix), allowed, "{uri}");
        }
    }
}
