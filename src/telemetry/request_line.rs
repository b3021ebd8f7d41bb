//! The log line of a request as text:
//! `200 POST /v1/chat/completions gpt-4o → us.anthropic… 7+35 tok $0.0001 5 ms team 10.0.0.7`

use std::fmt;

use super::text::EventFields;

/// The maximum length of a model name, in characters.
const MAX_NAME: usize = 48;

/// The line of one request, from the fields of its record.
pub(super) struct RequestLine<'a> {
    fields: &'a EventFields,
}

impl<'a> RequestLine<'a> {
    /// Builds the line from the fields of an event.
    pub(super) fn of(fields: &'a EventFields) -> Self {
        Self { fields }
    }

    fn number(&self, name: &str) -> f64 {
        let number = self.fields.get(name).and_then(|text| text.parse().ok());
        number.unwrap_or_default()
    }

    /// `7+35 tok`; estimates have a tilde.
    fn tokens(&self) -> Option<String> {
        let (prompt, completion) = (
            self.number("prompt_tokens"),
            self.number("completion_tokens"),
        );
        let tilde = if self.fields.get("tokens_estimated").is_some() {
            "~"
        } else {
            ""
        };
        (prompt + completion > 0.0).then(|| format!("{prompt}+{tilde}{completion} tok"))
    }

    fn cost(&self) -> Option<String> {
        let dollars: f64 = self.fields.get("cost_usd")?.parse().ok()?;
        match dollars {
            0.0 => None,
            ..0.0001 => Some("<$0.0001".to_owned()),
            ..1.0 => Some(format!("${dollars:.4}")),
            _ => Some(format!("${dollars:.2}")),
        }
    }

    fn duration(&self) -> String {
        match self.number("duration_ms") {
            ..1.0 => "<1 ms".to_owned(),
            milliseconds @ ..1000.0 => format!("{milliseconds:.0} ms"),
            milliseconds => format!("{:.1} s", milliseconds / 1000.0),
        }
    }

    /// The error: the outcome and the cause.
    fn problem(&self) -> Option<String> {
        let outcome = match self.fields.get("outcome") {
            Some("abandoned") => Some("the client disconnected"),
            Some("broken") => Some("the stream broke"),
            _ => None,
        };
        let code = self.fields.get("error").filter(|code| !code.is_empty());
        let upstream_error = self
            .fields
            .get("upstream_error")
            .filter(|upstream_error| !upstream_error.is_empty());
        let field = self.fields.get("parameter");
        let parts: Vec<&str> = [outcome, code, field, upstream_error]
            .into_iter()
            .flatten()
            .collect();
        (!parts.is_empty()).then(|| parts.join(": "))
    }
}

impl fmt::Display for RequestLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.fields;
        // Without a status, the client disconnected before the response.
        formatter.write_str(fields.get("status").unwrap_or("---"))?;
        for name in ["method", "path"] {
            if let Some(value) = fields.get(name) {
                write!(formatter, " {value}")?;
            }
        }
        let model = fields.get("model");
        if let Some(model) = model {
            write!(formatter, " {}", shortened(model))?;
        }
        if let Some(target) = fields
            .get("target_model")
            .filter(|target| Some(*target) != model)
        {
            write!(formatter, " → {}", shortened(target))?;
        }
        for part in [self.tokens(), self.cost()].into_iter().flatten() {
            write!(formatter, " {part}")?;
        }
        write!(formatter, " {}", self.duration())?;
        for name in ["caller", "client_address"] {
            if let Some(value) = fields.get(name) {
                write!(formatter, " {value}")?;
            }
        }
        if let Some(problem) = self.problem() {
            write!(formatter, " - {problem}")?;
        }
        if let Some(key) = fields.get("rejected_key") {
            write!(formatter, " (key {key})")?;
        }
        Ok(())
    }
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: &[(&'static str, &str)]) -> String {
        RequestLine::of(&EventFields::of(fields)).to_string()
    }

    #[test]
    fn a_response_is_logged_with_its_model_tokens_and_cost() {
        let chat = [
            ("method", "POST"),
            ("path", "/v1/chat/completions"),
            ("caller", "team"),
            ("client_address", "10.0.0.7"),
            ("model", "gpt-4o"),
            (
                "target_model",
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ),
            ("status", "200"),
            ("outcome", "completed"),
            ("prompt_tokens", "7"),
            ("completion_tokens", "35"),
            ("cost_usd", "0.000546"),
            ("duration_ms", "5.2"),
        ];
        assert_eq!(
            line(&chat),
            "200 POST /v1/chat/completions gpt-4o → us.anthropic.claude-sonnet-4-5-20250929-v1:0 \
             7+35 tok $0.0005 5 ms team 10.0.0.7"
        );
    }

    #[test]
    fn empty_values_are_not_logged() {
        let models = [
            ("method", "GET"),
            ("path", "/v1/models"),
            ("status", "200"),
            ("outcome", "completed"),
            ("prompt_tokens", "0"),
            ("completion_tokens", "0"),
            ("duration_ms", "0.3"),
        ];
        assert_eq!(line(&models), "200 GET /v1/models <1 ms");
        let same = [
            ("model", "m"),
            ("target_model", "m"),
            ("cost_usd", "unknown"),
        ];
        assert_eq!(line(&same), "--- m <1 ms");
    }

    #[test]
    fn an_error_is_logged_with_its_outcome_and_cause() {
        let refused = [
            ("method", "POST"),
            ("path", "/v1/chat/completions"),
            ("status", "401"),
            ("outcome", "completed"),
            ("client_address", "10.0.0.7"),
            ("error", "invalid_api_key"),
            ("rejected_key", "sk-pr***"),
            ("duration_ms", "1.0"),
        ];
        assert_eq!(
            line(&refused),
            "401 POST /v1/chat/completions 1 ms 10.0.0.7 - invalid_api_key (key sk-pr***)"
        );
        let broken = [
            ("status", "200"),
            ("outcome", "broken"),
            ("error", "ThrottlingException"),
            ("upstream_error", "Too many tokens"),
            ("tokens_estimated", "true"),
            ("prompt_tokens", "0"),
            ("completion_tokens", "12"),
            ("duration_ms", "61500"),
        ];
        assert_eq!(
            line(&broken),
            "200 0+~12 tok 61.5 s - the stream broke: ThrottlingException: Too many tokens"
        );
    }

    #[test]
    fn costs_are_rounded_and_long_names_truncated() {
        for (cost, expected) in [
            ("0.00000021", "<$0.0001"),
            ("0.0123", "$0.0123"),
            ("12.345", "$12.35"),
        ] {
            assert_eq!(line(&[("cost_usd", cost)]), format!("--- {expected} <1 ms"));
        }
        let name = "a".repeat(60);
        let cut = format!("--- {}… <1 ms", "a".repeat(48));
        assert_eq!(line(&[("model", &name)]), cut);
    }
}
