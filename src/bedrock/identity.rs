use super::client::Bedrock;
use super::credentials::with_causes;

/// Whose credentials the gateway uses. For the operator's eyes only.
#[derive(Debug, Clone)]
pub struct CallerIdentity {
    /// The account.
    pub account: String,
    /// The user or the role's session.
    pub arn: String,
}

/// Asks STS who the credentials belong to. A Bedrock API key has no such answer.
pub async fn caller_identity(bedrock: &Bedrock) -> Result<CallerIdentity, String> {
    let client = aws_sdk_sts::Client::new(bedrock.sdk());
    let identity = client
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| with_causes(&error))?;
    Ok(CallerIdentity {
        account: identity.account().unwrap_or_default().to_owned(),
        arn: identity.arn().unwrap_or_default().to_owned(),
    })
}
