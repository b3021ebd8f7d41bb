//! The codes of errors, by which clients tell them apart.

use std::fmt;

use serde::{Serialize, Serializer};

/// Declares the codes with their text.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $code:ident = $text:literal,)*) => {
        /// The code of an error: OpenAI's where it has one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorCode {
            $($(#[$doc])* $code,)*
        }

        impl ErrorCode {
            /// The text that clients receive, such as `context_length_exceeded`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $text,)*
                }
            }
        }
    };
}

error_codes! {
    /// The gateway's role may not check content.
    AccessDenied = "access_denied",
    /// The request has several keys.
    AmbiguousApiKey = "ambiguous_api_key",
    /// The batch has ended.
    BatchOver = "batch_over",
    /// Another operation is in progress.
    Conflict = "conflict",
    /// A content filter blocked the prompt.
    ContentPolicyViolation = "content_policy_violation",
    /// The input exceeds the model's context window.
    ContextLengthExceeded = "context_length_exceeded",
    /// A line of a batch repeats a `custom_id`.
    DuplicateCustomId = "duplicate_custom_id",
    /// The file of a batch has no lines.
    EmptyFile = "empty_file",
    /// A URL could not be downloaded.
    FailedToDownloadImage = "failed_to_download_image",
    /// The operator's guardrail does not exist.
    GuardrailNotFound = "guardrail_not_found",
    /// The operator's guardrail cannot check this request.
    GuardrailRequired = "guardrail_required",
    /// The `Host` header names another host than loopback.
    HostNotAllowed = "host_not_allowed",
    /// An image exceeds Bedrock's maximum.
    ImageTooLarge = "image_too_large",
    /// A part of an AWS signature is missing.
    IncompleteSignature = "incomplete_signature",
    /// A quota is exhausted.
    InsufficientQuota = "insufficient_quota",
    /// The gateway has a bug.
    InternalError = "internal_error",
    /// The key is missing or unknown.
    InvalidApiKey = "invalid_api_key",
    /// The form cannot be parsed.
    InvalidForm = "invalid_form",
    /// The request does not have exactly one `Host` header.
    InvalidHostHeader = "invalid_host_header",
    /// An image cannot be used.
    InvalidImage = "invalid_image",
    /// The format of an image is not supported.
    InvalidImageFormat = "invalid_image_format",
    /// The URL of an image is not supported.
    InvalidImageUrl = "invalid_image_url",
    /// The body is not JSON.
    InvalidJson = "invalid_json",
    /// A line of a file is not JSON.
    InvalidJsonLine = "invalid_json_line",
    /// The model rejects a schema.
    InvalidJsonSchema = "invalid_json_schema",
    /// A line of a batch has another method than `POST`.
    InvalidMethod = "invalid_method",
    /// An AWS signature does not match, or has expired.
    InvalidSignature = "invalid_signature",
    /// A JWT is not valid.
    InvalidToken = "invalid_token",
    /// A line of a batch has another endpoint than the batch.
    InvalidUrl = "invalid_url",
    /// The value of a field is invalid.
    InvalidValue = "invalid_value",
    /// The model's output is unusable.
    MalformedModelOutput = "malformed_model_output",
    /// The route does not support the method.
    MethodNotAllowed = "method_not_allowed",
    /// A required field is missing.
    MissingRequiredParameter = "missing_required_parameter",
    /// The account may not call the model.
    ModelAccessDenied = "model_access_denied",
    /// The model failed.
    ModelError = "model_error",
    /// The model does not exist.
    ModelNotFound = "model_not_found",
    /// The model is being loaded.
    ModelNotReady = "model_not_ready",
    /// The model failed in a stream.
    ModelStreamError = "model_stream_error",
    /// A JWT belongs to no team.
    NoTeam = "no_team",
    /// The operator has disabled the endpoint.
    NotEnabled = "not_enabled",
    /// The object does not exist.
    NotFound = "not_found",
    /// The operator does not allow calls of this web page.
    OriginNotAllowed = "origin_not_allowed",
    /// The memory budget of bodies is used up.
    Overloaded = "overloaded",
    /// The previous response is unknown, or cannot be continued.
    PreviousResponseNotFound = "previous_response_not_found",
    /// Too many requests or tokens.
    RateLimitExceeded = "rate_limit_exceeded",
    /// The body exceeds the maximum.
    RequestTooLarge = "request_too_large",
    /// The gateway or Bedrock is temporarily unavailable.
    ServiceUnavailable = "service_unavailable",
    /// The operator's bucket failed.
    StorageError = "storage_error",
    /// The database failed.
    StoreUnavailable = "store_unavailable",
    /// A text exceeds the model's maximum.
    StringAboveMaxLength = "string_above_max_length",
    /// The file of a batch has too many lines.
    TooManyRequests = "too_many_requests",
    /// The model does not know a field.
    UnknownParameter = "unknown_parameter",
    /// The price is unknown, and a budget needs it.
    UnknownPrice = "unknown_price",
    /// The route does not exist.
    UnknownUrl = "unknown_url",
    /// The encoding of the body is not supported.
    UnsupportedContentEncoding = "unsupported_content_encoding",
    /// The content type of the body is not supported.
    UnsupportedMediaType = "unsupported_media_type",
    /// The field has no counterpart in Bedrock.
    UnsupportedParameter = "unsupported_parameter",
    /// Bedrock does not have the feature in the gateway's region.
    UnsupportedRegion = "unsupported_region",
    /// The value of a supported field has no counterpart in Bedrock.
    UnsupportedValue = "unsupported_value",
    /// AWS rejects the gateway's credentials.
    UpstreamAuthFailed = "upstream_auth_failed",
    /// The response of Bedrock cannot be read.
    UpstreamBadResponse = "upstream_bad_response",
    /// The connection to Bedrock failed.
    UpstreamConnectionError = "upstream_connection_error",
    /// Bedrock failed.
    UpstreamError = "upstream_error",
    /// Bedrock did not respond in time.
    UpstreamTimeout = "upstream_timeout",
    /// The model did not generate the video.
    VideoGenerationFailed = "video_generation_failed",
    /// The video is still being generated, and Bedrock cannot stop it.
    VideoInProgress = "video_in_progress",
    /// The video is still being generated.
    VideoNotReady = "video_not_ready",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
