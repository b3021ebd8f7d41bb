//! Objects that requests of several endpoints have.

use super::client_object;

client_object! {
    /// An image.
    pub struct ImageUrl {
        /// A data URL, an https URL, or `s3://bucket/key`.
        url: String,
        /// The resolution at which the model sees the image; no effect with Converse.
        detail: String,
        /// The format of a file in S3, if its key has no extension.
        format: String,
        /// The AWS account that owns the bucket.
        bucket_owner: String,
    }
}

client_object! {
    /// Bedrock's guardrail.
    pub struct GuardrailFields {
        /// The guardrail's id or ARN.
        identifier => "guardrailIdentifier": String,
        /// `DRAFT` or a number.
        version => "guardrailVersion": String,
        /// `enabled`, `disabled` or `enabled_full`.
        trace: String,
        /// `sync` or `async`.
        stream_processing_mode => "streamProcessingMode": String,
        /// Whether the guardrail checks only the last user turn.
        only_last_turn => "onlyLastTurn": bool,
    }
}
