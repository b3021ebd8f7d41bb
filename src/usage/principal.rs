use std::collections::BTreeMap;
use std::sync::Arc;

/// Who made a request, as records name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Principal {
    /// The id of the caller, which does not change: the name of a configured key, the id of a
    /// stored one, the issuer and the subject of a token.
    pub id: Arc<str>,
    /// The name, for people.
    pub name: Arc<str>,
    /// The id of the key in the store.
    pub key_id: Option<Arc<str>>,
    /// The team.
    pub team: Option<Arc<str>>,
    /// The user.
    pub user: Option<Arc<str>>,
    /// Labels of the operator.
    pub tags: BTreeMap<String, String>,
}

impl Principal {
    /// A caller that has only a name.
    pub fn named(name: &str) -> Self {
        let name: Arc<str> = name.into();
        Self {
            id: Arc::clone(&name),
            name,
            ..Self::default()
        }
    }
}
