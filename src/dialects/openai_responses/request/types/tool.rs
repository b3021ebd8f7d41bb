//! Tools and the tool choice.

use crate::converse::JsonText;
use crate::wire::written_client_object;

written_client_object! {
    /// A tool.
    pub struct ResponsesTool {
        /// `function`, `custom`, `namespace`, `tool_search`, `web_search` or a shell.
        kind => "type": String,
        /// Its name.
        name: String,
        /// The tool's purpose.
        description: String,
        /// The JSON Schema of a function's arguments.
        parameters: JsonText,
        /// Whether the arguments must match the schema.
        strict: bool,
        /// The format of a custom tool's input.
        format: JsonText,
        /// The tools of a namespace.
        tools: Vec<Box<NamespacedTool>>,
        /// `client` or `server`, of `tool_search`.
        execution: String,
        /// The environment of `shell`.
        environment: JsonText,
        /// Whether `web_search` may access the web.
        external_web_access: bool,
        /// The filters of `web_search`.
        filters: JsonText,
        /// The user's location for `web_search`.
        user_location: JsonText,
        /// The size of the context that `web_search` adds.
        search_context_size: JsonText,
        /// The types of content that `web_search` returns.
        search_content_types: JsonText,
        /// Whether `tool_search` has to find the tool first.
        defer_loading: JsonText,
        /// The tools that may call the tool.
        allowed_callers: JsonText,
        /// The JSON Schema of a function's result.
        output_schema: JsonText,
        /// Whether the client runs the tool in the background.
        asynchronous => "async": JsonText,
    }
}

written_client_object! {
    /// A tool of a namespace.
    pub struct NamespacedTool {
        /// `function` or `custom`.
        kind => "type": String,
        /// Its name within the namespace.
        name: String,
        /// The tool's purpose.
        description: String,
        /// The JSON Schema of a function's arguments.
        parameters: JsonText,
        /// Whether the arguments must match the schema.
        strict: bool,
        /// The format of a custom tool's input.
        format: JsonText,
        /// Whether `tool_search` has to find the tool first.
        defer_loading: JsonText,
        /// The tools that may call the tool.
        allowed_callers: JsonText,
        /// The JSON Schema of a function's result.
        output_schema: JsonText,
        /// Whether the client runs the tool in the background.
        asynchronous => "async": JsonText,
    }
}

written_client_object! {
    /// A tool that must be called, or the allowed tools.
    pub struct ResponsesToolChoice {
        /// `function`, `custom`, `allowed_tools`, or the type of a tool without a name.
        kind => "type": String,
        /// The tool.
        name: String,
        /// The tool's namespace.
        namespace: String,
        /// `auto` or `required`, of `allowed_tools`.
        mode: String,
        /// The allowed tools.
        tools: Vec<Box<ChosenTool>>,
    }
}

written_client_object! {
    /// An allowed tool.
    pub struct ChosenTool {
        /// `function`, `custom`, or the type of a tool without a name.
        kind => "type": String,
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    }
}
