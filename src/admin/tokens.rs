//! Tokens of operators: created once and shown once, stored as digests, with a scope and an expiry.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::error::Unspecified;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use crate::resources::ids::stored_id;
use crate::store::{Store, StoreError, StoredAdminToken};

/// What tokens begin with.
const MARK: &str = "oc-admin-";

/// The maximum length of a token's name.
const MAX_NAME: usize = 128;

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read everything.
    Read,
    /// Manage teams and keys and read usage, and nothing else.
    Keys,
    /// Everything.
    All,
}

/// What an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// Read metrics, the configuration and the audit log.
    ReadGateway,
    /// Read teams, keys and usage.
    ReadCallers,
    /// Change teams and keys.
    ChangeCallers,
    /// All the rest.
    Administer,
}

/// A token without the token itself. Times are those of RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenView {
    /// Its id.
    pub id: String,
    /// Its name, which the audit log shows.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was created.
    pub created_at: String,
    /// When it expires; `null` for never.
    pub expires_at: Option<String>,
    /// When it was revoked; `null` if it was not.
    pub revoked_at: Option<String>,
}

/// A token that was created. The token itself is known only now.
pub struct CreatedToken {
    token: String,
    /// What is stored.
    pub view: TokenView,
}

/// Why a token was not created.
#[derive(Debug)]
pub enum TokenError {
    /// A value is wrong: its field, and what to write instead.
    Invalid(&'static str, String),
    /// The system has no random numbers.
    Random,
    /// The store failed.
    Store(StoreError),
}

/// The tokens of a store.
#[derive(Debug, Clone)]
pub struct AdminTokens(Arc<Store>);

impl AdminTokens {
    /// The tokens in `store`.
    pub fn new(store: Arc<Store>) -> Self {
        Self(store)
    }

    /// Creates a token that expires at `expires_at`, in Unix seconds, if it does.
    pub async fn create(
        &self,
        name: &str,
        scope: Scope,
        expires_at: Option<i64>,
        now: i64,
    ) -> Result<CreatedToken, TokenError> {
        let has_name = (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
        if !has_name {
            let remedy = format!("write 1 to {MAX_NAME} characters");
            return Err(TokenError::Invalid("name", remedy));
        }
        if expires_at.is_some_and(|end| end <= now) {
            let remedy = "write a time in the future".to_owned();
            return Err(TokenError::Invalid("expires_at", remedy));
        }
        let token = generate()?;
        let stored = StoredAdminToken {
            id: stored_id("adm_"),
            name: name.to_owned(),
            scope: scope.to_string(),
            created_at: now,
            expires_at,
            revoked_at: None,
        };
        self.0.add_admin_token(&stored, &digest(&token)).await?;
        Ok(CreatedToken {
            token,
            view: TokenView::of(stored),
        })
    }

    /// All tokens, newest first.
    pub async fn list(&self) -> Result<Vec<TokenView>, StoreError> {
        let tokens = self.0.admin_tokens().await?;
        Ok(tokens.into_iter().map(TokenView::of).collect())
    }

    /// Revokes a token; `None` if there is none.
    pub async fn revoke(&self, id: &str, now: i64) -> Result<Option<TokenView>, StoreError> {
        let revoked = self.0.revoke_admin_token(id, now).await?;
        Ok(revoked.map(TokenView::of))
    }

    /// The name and the scope of `token`, if it is valid at `now`.
    pub(super) async fn identify(
        &self,
        token: &str,
        now: i64,
    ) -> Result<Option<(String, Scope)>, StoreError> {
        // Nothing else can be in the store.
        if !token.starts_with(MARK) {
            return Ok(None);
        }
        let stored = self.0.admin_token(&digest(token)).await?;
        Ok(stored.and_then(|stored| {
            let is_valid =
                stored.revoked_at.is_none() && stored.expires_at.is_none_or(|end| end > now);
            let scope = stored.scope.parse().ok()?;
            is_valid.then_some((stored.name, scope))
        }))
    }
}

impl CreatedToken {
    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.token
    }
}

impl TokenView {
    fn of(stored: StoredAdminToken) -> Self {
        let StoredAdminToken {
            id,
            name,
            scope,
            created_at,
            expires_at,
            revoked_at,
        } = stored;
        Self {
            id,
            name,
            scope: scope.parse().unwrap_or(Scope::Read),
            created_at: rfc3339(created_at),
            expires_at: expires_at.map(rfc3339),
            revoked_at: revoked_at.map(rfc3339),
        }
    }
}

impl Scope {
    const ALL: [Self; 3] = [Self::Read, Self::Keys, Self::All];

    /// Whether a token with this scope has the permission.
    pub(super) fn allows(self, permission: Permission) -> bool {
        use Permission::{ChangeCallers, ReadCallers, ReadGateway};
        match self {
            Self::Read => matches!(permission, ReadGateway | ReadCallers),
            Self::Keys => matches!(permission, ReadCallers | ChangeCallers),
            Self::All => true,
        }
    }
}

impl Permission {
    /// The scopes that have it, for people.
    pub(super) fn scopes(self) -> String {
        let scopes = Scope::ALL.into_iter().filter(|scope| scope.allows(self));
        let scopes: Vec<String> = scopes.map(|scope| format!("`{scope}`")).collect();
        scopes.join(" or ")
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Read => "read",
            Self::Keys => "keys",
            Self::All => "all",
        })
    }
}

impl FromStr for Scope {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "read" => Ok(Self::Read),
            "keys" => Ok(Self::Keys),
            "all" => Ok(Self::All),
            _ => Err("write read, keys or all"),
        }
    }
}

impl fmt::Debug for CreatedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CreatedToken({}, ..)", self.view.id)
    }
}

impl From<Unspecified> for TokenError {
    fn from(_: Unspecified) -> Self {
        Self::Random
    }
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(field, remedy) => write!(formatter, "{field}: not valid; {remedy}"),
            Self::Random => formatter.write_str("the system has no random numbers for a token"),
            Self::Store(error) => write!(formatter, "the store: {error}"),
        }
    }
}

fn generate() -> Result<String, Unspecified> {
    let mut random = [0; 32];
    aws_lc_rs::rand::fill(&mut random)?;
    Ok(format!("{MARK}{}", URL_SAFE_NO_PAD.encode(random)))
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// A time in Unix seconds as RFC 3339 has it.
pub(super) fn rfc3339(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds);
    let text = time.ok().and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> AdminTokens {
        let name = format!("outcrop-admin-tokens-{:016x}.db", fastrand::u64(..));
        AdminTokens::new(Arc::new(Store::at(&std::env::temp_dir().join(name))))
    }

    #[tokio::test]
    async fn a_token_is_valid_until_it_expires_or_is_revoked() {
        let tokens = tokens();
        let created = tokens.create("ci", Scope::All, Some(100), 10).await;
        let created = created.expect("a token");
        let token = created.expose();
        assert!(
            token.starts_with(MARK) && token.len() == MARK.len() + 43,
            "{token}"
        );
        assert!(!format!("{created:?}").contains(token));
        let identify = async |token, now| tokens.identify(token, now).await.expect("read");
        let found = Some(("ci".to_owned(), Scope::All));
        assert_eq!(identify(token, 99).await, found);
        assert_eq!(identify(token, 100).await, None);
        assert_eq!(identify("oc-admin-unknown", 99).await, None);
        let revoked = tokens.revoke(&created.view.id, 20).await.expect("changed");
        assert_eq!(
            revoked.and_then(|view| view.revoked_at).as_deref(),
            Some("1970-01-01T00:00:20Z")
        );
        assert_eq!(identify(token, 99).await, None);
        assert_eq!(tokens.list().await.expect("read").len(), 1);
    }

    #[tokio::test]
    async fn names_and_expiries_are_checked() {
        let tokens = tokens();
        for (name, expires_at, field) in [
            ("", None, "name"),
            ("a\nb", None, "name"),
            ("ci", Some(10), "expires_at"),
        ] {
            let error = tokens.create(name, Scope::Read, expires_at, 10).await;
            let error = error.expect_err("not valid").to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }
}
