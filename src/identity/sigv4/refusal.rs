use crate::error::{ApiError, ErrorKind};

/// Why a signature is not taken, in AWS's words where it has some: clients look for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::identity) enum SignatureError {
    /// A part of it is missing, or cannot be read.
    Incomplete(&'static str),
    /// It does not sign what has to be signed.
    Unsigned(String),
    /// The access key is none of this gateway's.
    UnknownKey,
    /// It comes with a session token, and this gateway gives out none.
    SessionToken,
    /// It is for another service.
    OtherService,
    /// The day of its key is not the day on which it was made.
    OtherDate,
    /// It is too old: when it was made, the earliest time, and now.
    Expired((String, String, String)),
    /// It is from the future: when it was made, the latest time, and now.
    NotYetCurrent((String, String, String)),
    /// It is another one than the secret gives.
    OtherSignature,
}

impl From<&SignatureError> for ApiError {
    fn from(refusal: &SignatureError) -> Self {
        const INVALID: &str = "InvalidSignatureException";
        const UNRECOGNIZED: &str = "UnrecognizedClientException";
        let (code, message) = match refusal {
            SignatureError::Incomplete(part) => (
                "IncompleteSignatureException",
                format!("Authorization header requires '{part}' parameter."),
            ),
            SignatureError::Unsigned(name) => (
                INVALID,
                format!("'{name}' must be a signed header in the AWS Signature."),
            ),
            SignatureError::UnknownKey => (
                UNRECOGNIZED,
                "The security token included in the request is invalid.".to_owned(),
            ),
            SignatureError::SessionToken => (
                UNRECOGNIZED,
                "The security token included in the request is invalid: access keys of this \
                 gateway come without a session token."
                    .to_owned(),
            ),
            SignatureError::OtherService => (
                INVALID,
                "Credential should be scoped to correct service: 'bedrock'.".to_owned(),
            ),
            SignatureError::OtherDate => (
                INVALID,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
                 from HTTP."
                    .to_owned(),
            ),
            SignatureError::Expired((signed, earliest, now)) => (
                INVALID,
                format!(
                    "Signature expired: {signed} is now earlier than {earliest} ({now} - 5 min.)"
                ),
            ),
            SignatureError::NotYetCurrent((signed, latest, now)) => (
                INVALID,
                format!(
                    "Signature not yet current: {signed} is still later than {latest} ({now} + 5 \
                     min.)"
                ),
            ),
            SignatureError::OtherSignature => (
                INVALID,
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method. Consult the service \
                 documentation for details."
                    .to_owned(),
            ),
        };
        ApiError::new(ErrorKind::Authentication, message).code(code)
    }
}
