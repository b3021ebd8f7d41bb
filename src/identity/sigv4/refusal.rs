use crate::error::{ApiError, ErrorCode, ErrorKind};

/// Why a signature is rejected. The messages are AWS's where possible, since clients match on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::identity) enum SignatureError {
    /// A part is missing or malformed.
    Incomplete(&'static str),
    /// A required header is not signed.
    Unsigned(String),
    /// The access key is unknown.
    UnknownKey,
    /// The access key has expired.
    ExpiredKey,
    /// The request has a session token, which this gateway does not issue.
    SessionToken,
    /// It is for another service.
    OtherService,
    /// The date of the scope differs from the date of the request.
    OtherDate,
    /// The signature has expired: its time, the earliest accepted time, and now.
    Expired((String, String, String)),
    /// The signature is from the future: its time, the latest accepted time, and now.
    NotYetCurrent((String, String, String)),
    /// The signature does not match.
    OtherSignature,
}

impl From<&SignatureError> for ApiError {
    fn from(refusal: &SignatureError) -> Self {
        let (code, message) = match refusal {
            SignatureError::Incomplete(part) => (
                ErrorCode::IncompleteSignature,
                format!("Authorization header requires '{part}' parameter."),
            ),
            SignatureError::Unsigned(name) => (
                ErrorCode::InvalidSignature,
                format!("'{name}' must be a signed header in the AWS Signature."),
            ),
            SignatureError::UnknownKey => (
                ErrorCode::InvalidApiKey,
                "The security token included in the request is invalid.".to_owned(),
            ),
            SignatureError::ExpiredKey => (
                ErrorCode::InvalidApiKey,
                "The security token included in the request is expired".to_owned(),
            ),
            SignatureError::SessionToken => (
                ErrorCode::InvalidApiKey,
                "The security token included in the request is invalid: access keys of this \
                 gateway have no session token."
                    .to_owned(),
            ),
            SignatureError::OtherService => (
                ErrorCode::InvalidSignature,
                "Credential should be scoped to correct service: 'bedrock'.".to_owned(),
            ),
            SignatureError::OtherDate => (
                ErrorCode::InvalidSignature,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
                 from HTTP."
                    .to_owned(),
            ),
            SignatureError::Expired((signed, earliest, now)) => (
                ErrorCode::InvalidSignature,
                format!(
                    "Signature expired: {signed} is now earlier than {earliest} ({now} - 5 min.)"
                ),
            ),
            SignatureError::NotYetCurrent((signed, latest, now)) => (
                ErrorCode::InvalidSignature,
                format!(
                    "Signature not yet current: {signed} is still later than {latest} ({now} + 5 \
                     min.)"
                ),
            ),
            SignatureError::OtherSignature => (
                ErrorCode::InvalidSignature,
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method. Consult the service \
                 documentation for details."
                    .to_owned(),
            ),
        };
        ApiError::new(ErrorKind::Authentication, message).code(code)
    }
}
