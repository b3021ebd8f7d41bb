//! Tools that Bedrock runs itself: calls and results are in the same message.

use serde_json::{Value, json};

use super::output::Part;
use crate::conversation::{Conversation, text};
use crate::ids;

/// The cited web page.
const PAGE: &str = "https://example.com/mountains";

/// Calls, results and citations of the offered server tools. Nova uses each once in a message,
/// unless the client's last message contains tool results.
pub(super) fn parts(conversation: &Conversation<'_>, user_text: &str) -> Vec<Part> {
    let Some(tools) = &conversation.tools else {
        return Vec::new();
    };
    let continued = conversation
        .messages
        .last()
        .is_some_and(|last| last.has("toolResult"));
    let server_tools = tools.of_kind("systemTool").filter(|_| !continued);
    server_tools
        .flat_map(|(_, tool)| match text(tool.get("name")) {
            "nova_code_interpreter" => interpreted(user_text),
            name => grounded(name, user_text),
        })
        .collect()
}

/// Recording `conv-nova-01c2118d`.
fn interpreted(user_text: &str) -> Vec<Part> {
    let output = user_text.split_whitespace().count();
    let snippet = format!("len({user_text:?}.split())");
    let result =
        json!({ "exitCode": 0, "isError": false, "stdErr": "", "stdOut": output.to_string() });
    called(
        "nova_code_interpreter",
        &json!({ "snippet": snippet }),
        &json!({ "json": result }),
    )
}

/// Same shape as the code interpreter's: no recording shows a search. Citations have no text of
/// their own (pydantic-ai's and LiteLLM's handling of Nova's web citations).
fn grounded(name: &str, user_text: &str) -> Vec<Part> {
    let results = json!({ "text": format!("Mountains are high ({PAGE})") });
    let mut parts = called(name, &json!({ "query": user_text }), &results);
    parts.push(Part::words("Mountains are high."));
    parts.push(Part::Other(json!({ "citationsContent": { "citations": [{
        "location": { "web": { "domain": "example.com", "url": PAGE } },
    }] } })));
    parts
}

fn called(name: &str, input: &Value, content: &Value) -> Vec<Part> {
    let id = ids::tool_use_id();
    let call = json!({ "toolUse": {
        "input": input, "name": name, "toolUseId": id, "type": "server_tool_use" } });
    let result = json!({ "toolResult": {
        "content": [content], "status": "success", "toolUseId": id,
        "type": format!("{name}_result") } });
    vec![Part::Other(call), Part::Other(result)]
}
