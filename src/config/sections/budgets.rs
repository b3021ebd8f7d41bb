use jiff::tz::TimeZone;
use toml::Value;
use url::Url;

use super::keys::resolve_secret;
use crate::config::reader::Section;
use crate::config::{BudgetSettings, UnpricedModels, WebhookKey};

/// `[budgets]`
pub(crate) fn read(section: &mut Section<'_>) -> BudgetSettings {
    let mut settings = BudgetSettings::default();
    section.text("time_zone", &mut settings.time_zone, |name| {
        TimeZone::get(name).map_err(|_| {
            "write the name of a time zone, such as \"UTC\" or \"Europe/Berlin\"".to_owned()
        })
    });
    section.text("unpriced", &mut settings.unpriced, |word| match word {
        "refuse" => Ok(UnpricedModels::Refuse),
        "allow" => Ok(UnpricedModels::Allow),
        _ => Err("write \"refuse\" or \"allow\"".to_owned()),
    });
    section.flag("remaining_header", &mut settings.remaining_header);
    let mut url = None;
    section.text("webhook", &mut url, |text| match Url::parse(text) {
        _ if text.is_empty() => Ok(None),
        Ok(url) if ["http", "https"].contains(&url.scheme()) && url.has_host() => Ok(Some(url)),
        _ => Err("write an https URL".to_owned()),
    });
    let key = read_key(section);
    settings.webhook = match (url, key) {
        (Some(url), Ok(Some(key))) => Some((url, key)),
        (None, Ok(_)) => None,
        (Some(_), Ok(None)) => {
            let remedy = "write \"env:NAME\" with the variable that has the key";
            section.mistake("webhook_secret", "missing", remedy);
            None
        }
        // The message omits the value, which may be a key with a typo.
        (_, Err(remedy)) => {
            section.mistake("webhook_secret", "not a key", &remedy);
            None
        }
    };
    settings
}

fn read_key(section: &mut Section<'_>) -> Result<Option<WebhookKey>, String> {
    let mut secret = Value::String(String::new());
    section.secret("webhook_secret", &mut secret);
    let Value::String(text) = secret else {
        return Err("write it as a string in quotes".to_owned());
    };
    if text.is_empty() {
        return Ok(None);
    }
    let key = WebhookKey::parse(&resolve_secret(&text)?);
    let remedy = "write `whsec_` and the base64 of 24 to 64 random bytes";
    key.map(Some).ok_or_else(|| remedy.to_owned())
}
