use std::time::Duration;

use crate::error::{ApiError, ErrorCode, ErrorKind};

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenError {
    /// A part cannot be read.
    Malformed,
    /// The algorithm is not one of the provider's, or none.
    Algorithm,
    /// The header requires an extension.
    Extension,
    /// No section of the configuration has its issuer.
    UnknownIssuer,
    /// The token is for another audience.
    WrongAudience,
    /// The token has no end.
    NoExpiry,
    /// The token's time is over.
    Expired,
    /// The token's time has not begun.
    NotYetValid,
    /// The provider has no such key.
    UnknownKey,
    /// The signature does not match.
    Signature,
    /// A claim that is required is missing or has another value.
    RequiredClaim,
    /// The claim with the user is missing or unusable.
    NoUser,
    /// The claim with the allowed models is missing or unusable.
    NoModels,
    /// No team is that of the token.
    NoTeam,
    /// The keys of the provider cannot be loaded.
    NoKeys(Duration),
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        let invalid = |message: &str| {
            Self::new(ErrorKind::Authentication, message).code(ErrorCode::InvalidToken)
        };
        match error {
            TokenError::Malformed => {
                invalid("Invalid token: its parts are not base64url and JSON.")
            }
            TokenError::Algorithm => invalid(
                "Invalid token: this gateway does not accept its algorithm from this identity \
                 provider.",
            ),
            TokenError::Extension => invalid(
                "Invalid token: its header requires an extension (`crit`) that this gateway does \
                 not support.",
            ),
            TokenError::UnknownIssuer => invalid(
                "Invalid token: its issuer (`iss`) is not an identity provider of this gateway.",
            ),
            TokenError::WrongAudience => invalid(
                "Invalid token: it is for another audience (`aud`). Request a token for this \
                 gateway.",
            ),
            TokenError::NoExpiry => {
                invalid("Invalid token: it has no time of expiry (`exp`), which is required.")
            }
            TokenError::Expired => invalid(
                "Invalid token: it has expired (`exp`). Request a new one from your identity \
                 provider.",
            ),
            TokenError::NotYetValid => invalid(
                "Invalid token: it is not valid yet (`nbf`). Check the clock of the machine that \
                 issued it.",
            ),
            TokenError::UnknownKey => invalid(
                "Invalid token: its identity provider does not publish the key that it is signed \
                 with (`kid`).",
            ),
            TokenError::Signature => invalid("Invalid token: its signature does not match."),
            TokenError::RequiredClaim => invalid(
                "Invalid token: a claim that this gateway requires is missing or has another value.",
            ),
            TokenError::NoUser => invalid(
                "Invalid token: the claim that names the user is missing, or not a text of at most \
                 254 characters.",
            ),
            TokenError::NoModels => invalid(
                "Invalid token: the claim that lists the allowed models is missing, or not a list \
                 of patterns.",
            ),
            TokenError::NoTeam => Self::new(
                ErrorKind::Permission,
                "The token is valid, but belongs to no team of this gateway. Ask its operator for \
                 access.",
            )
            .code(ErrorCode::NoTeam),
            TokenError::NoKeys(wait) => Self::new(
                ErrorKind::Unavailable,
                "The keys of the token's identity provider cannot be loaded. Please try again.",
            )
            .code(ErrorCode::ServiceUnavailable)
            .retry_after(wait),
        }
    }
}
