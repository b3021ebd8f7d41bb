//! Maps field paths of the chat request to the client's request, so that errors and notes name
//! the fields that the client sent.

use crate::error::ApiError;
use crate::reply::Adjustments;

/// Chat fields and their names in the Responses API, longer ones first.
const NAMES: &[(&str, &str)] = &[
    ("response_format.json_schema", "text.format"),
    ("response_format", "text.format"),
    ("reasoning_effort", "reasoning.effort"),
    ("verbosity", "text.verbosity"),
    ("max_completion_tokens", "max_output_tokens"),
    ("web_search_options", "tools"),
    ("tool_choice.allowed_tools", "tool_choice"),
    ("tool_choice.function", "tool_choice"),
    ("tool_choice.custom", "tool_choice"),
    ("tools[].function", "tools[]"),
    ("tools[].custom", "tools[]"),
    ("messages[].tool_calls[].function", "input[]"),
    ("messages[].tool_calls[].custom", "input[]"),
    ("messages[].tool_calls[]", "input[]"),
    ("messages", "input"),
];

/// Fields that are nested deeper in chat than in the Responses API, inside parts, tools and
/// calls.
const DEEPER: &[(&str, &str)] = &[
    (".image_url.url", ".image_url"),
    (".image_url.", "."),
    (".file.", "."),
    (".function.", "."),
    (".custom.", "."),
    (".tool_call_id", ".call_id"),
];

/// The sources of the chat request's messages and tools.
#[derive(Debug, Clone, Default)]
pub struct FieldPaths {
    messages: Vec<MessageSource>,
    tools: Vec<usize>,
}

/// The source of one message.
#[derive(Debug, Clone)]
pub(super) enum MessageSource {
    /// `instructions`
    Instructions,
    /// An `input` string.
    Text,
    /// The item at this index, and the items with the tool calls of the same message.
    Item(usize, Vec<usize>),
    /// The item at this index, which is a tool result.
    Result(usize),
}

impl FieldPaths {
    pub(super) fn new(messages: Vec<MessageSource>) -> Self {
        Self {
            messages,
            tools: Vec::new(),
        }
    }

    /// Records that the next tool has the index `position` in the client's request.
    pub(super) fn tool(&mut self, position: usize) {
        self.tools.push(position);
    }

    /// Maps an error of the chat request to the client's request.
    pub fn error(&self, mut error: ApiError) -> ApiError {
        if let Some(path) = error.path() {
            let renamed = self.path(&path);
            let quoted = |path: &str| format!("`{path}`");
            let message = error.message.to_string();
            error.message = message.replace(&quoted(&path), &quoted(&renamed)).into();
            error.parameter = Some(renamed.into());
        }
        error
    }

    /// Adds notes on the chat request to those on the client's request.
    pub fn adjustments(&self, own: Adjustments, of_chat: &Adjustments) -> Adjustments {
        let mut all = own;
        for note in of_chat.iter() {
            all.note(self.path(&note.field.path()), note.action.clone());
        }
        all
    }

    /// The client's path for a path of the chat request.
    fn path(&self, path: &str) -> String {
        if let Some((index, rest)) = indexed(path, "messages")
            && let Some(source) = self.messages.get(index)
        {
            return source.path(rest);
        }
        if let Some((index, rest)) = indexed(path, "tools")
            && let Some(position) = self.tools.get(index)
        {
            return format!("tools[{position}]{}", flat(rest));
        }
        for (name, own) in NAMES {
            if let Some(rest) = path.strip_prefix(name) {
                return format!("{own}{}", flat(rest));
            }
        }
        path.to_owned()
    }
}

impl MessageSource {
    /// The client's path for the path `rest` inside the message.
    fn path(&self, rest: &str) -> String {
        match self {
            Self::Instructions => "instructions".to_owned(),
            Self::Text => "input".to_owned(),
            Self::Item(index, calls) => {
                let call = indexed(rest, ".tool_calls");
                let called = call.and_then(|(call, rest)| Some((calls.get(call)?, rest)));
                let (index, rest) = called.unwrap_or((index, rest));
                format!("input[{index}]{}", flat(rest))
            }
            Self::Result(index) => {
                let rest = flat(rest);
                let rest = rest.strip_prefix(".content").map_or_else(
                    || rest.clone(),
                    |within_output| format!(".output{within_output}"),
                );
                format!("input[{index}]{rest}")
            }
        }
    }
}

/// The index and the rest of `name[index]rest`.
fn indexed<'a>(path: &'a str, name: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = path
        .strip_prefix(name)?
        .strip_prefix('[')?
        .split_once(']')?;
    Some((number.parse().ok()?, rest))
}

fn flat(rest: &str) -> String {
    let mut flat = rest.to_owned();
    for (deep, own) in DEEPER {
        flat = flat.replace(deep, own);
    }
    for last in [".function", ".custom", ".file"] {
        if let Some(before) = flat.strip_suffix(last) {
            flat = before.to_owned();
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_mapped_to_the_clients_request() {
        let mut field_paths = FieldPaths::new(vec![
            MessageSource::Instructions,
            MessageSource::Item(0, Vec::new()),
            MessageSource::Item(2, vec![3, 4]),
            MessageSource::Result(5),
        ]);
        field_paths.tool(1);
        for (of_chat, own) in [
            ("messages[0].content", "instructions"),
            (
                "messages[1].content[2].image_url.url",
                "input[0].content[2].image_url",
            ),
            (
                "messages[1].content[0].file.file_data",
                "input[0].content[0].file_data",
            ),
            ("messages[2].content", "input[2].content"),
            ("messages[2].tool_calls[1].function.name", "input[4].name"),
            ("messages[2].tool_calls[1].id", "input[4].id"),
            (
                "messages[3].content[0].image_url",
                "input[5].output[0].image_url",
            ),
            ("messages[3].tool_call_id", "input[5].call_id"),
            ("tools[0].function.parameters", "tools[1].parameters"),
            ("tools[0].function", "tools[1]"),
            ("tools[].function.strict", "tools[].strict"),
            ("response_format.json_schema.name", "text.format.name"),
            ("response_format.type", "text.format.type"),
            ("tool_choice.allowed_tools.tools[0]", "tool_choice.tools[0]"),
            ("tool_choice.function.name", "tool_choice.name"),
            ("max_completion_tokens", "max_output_tokens"),
            ("messages[].name", "input[].name"),
            ("messages", "input"),
            ("temperature", "temperature"),
        ] {
            assert_eq!(field_paths.path(of_chat), own, "{of_chat}");
        }
        let error = ApiError::missing_field("messages[3]", "tool_call_id");
        assert_eq!(
            field_paths.error(error).to_string(),
            "`input[5].call_id` is missing"
        );
    }
}
