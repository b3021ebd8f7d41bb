//! The calls of functions and custom tools.

use serde::Serialize;

use super::events::EventSink;
use super::items::ItemList;
use super::json_of;
use crate::converse::JsonText;
use crate::converse::output::CallKind;

/// A call whose input goes on.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub(super) kind: CallKind,
    id: String,
    index: usize,
    call_id: String,
    name: String,
    namespace: Option<String>,
    input: String,
}

/// What the client calls a tool.
#[derive(Debug, Clone, Copy)]
pub(super) struct ToolName<'a> {
    pub(super) name: &'a str,
    pub(super) namespace: Option<&'a str>,
}

#[derive(Serialize)]
struct CallItem<'a> {
    r#type: &'static str,
    id: &'a str,
    call_id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

#[derive(Serialize)]
struct InputDelta<'a> {
    item_id: &'a str,
    output_index: usize,
    delta: &'a str,
}

#[derive(Serialize)]
struct ArgumentsDone<'a> {
    item_id: &'a str,
    output_index: usize,
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct InputDone<'a> {
    item_id: &'a str,
    output_index: usize,
    input: &'a str,
}

impl OpenCall {
    /// Adds a call without input.
    pub(super) fn start(
        kind: CallKind,
        call_id: &str,
        tool: ToolName<'_>,
        list: &mut ItemList<impl EventSink>,
    ) -> Self {
        let (id, index) = list.next(match kind {
            CallKind::Function => "fc_",
            CallKind::Custom => "ctc_",
        });
        let call = Self {
            kind,
            id,
            index,
            call_id: call_id.to_owned(),
            name: tool.name.to_owned(),
            namespace: tool.namespace.map(str::to_owned),
            input: String::new(),
        };
        // Clients accept one status of custom calls: `completed`.
        let status = (kind == CallKind::Function).then_some("in_progress");
        list.added(index, &call.item(status));
        call
    }

    /// Adds a fragment of the input.
    pub(super) fn push(&mut self, fragment: &str, list: &mut ItemList<impl EventSink>) {
        self.input.push_str(fragment);
        let event = InputDelta {
            item_id: &self.id,
            output_index: self.index,
            delta: fragment,
        };
        let kind = match self.kind {
            CallKind::Function => "response.function_call_arguments.delta",
            CallKind::Custom => "response.custom_tool_call_input.delta",
        };
        list.event(kind, &event);
    }

    /// Completes the call. Clients run a custom call as soon as it is done, whatever its status, so
    /// that one that was cut off is never done; the fragment of a function's arguments does not
    /// parse.
    pub(super) fn end(self, is_cut: bool, list: &mut ItemList<impl EventSink>) {
        let (item_id, output_index) = (self.id.as_str(), self.index);
        match (self.kind, is_cut) {
            (CallKind::Function, _) => list.event(
                "response.function_call_arguments.done",
                &ArgumentsDone {
                    item_id,
                    output_index,
                    name: &self.name,
                    arguments: &self.input,
                },
            ),
            (CallKind::Custom, false) => list.event(
                "response.custom_tool_call_input.done",
                &InputDone {
                    item_id,
                    output_index,
                    input: &self.input,
                },
            ),
            (CallKind::Custom, true) => return,
        }
        let status = match is_cut {
            true => "incomplete",
            false => "completed",
        };
        list.done(self.index, self.item(Some(status)));
    }

    fn item(&self, status: Option<&'static str>) -> JsonText {
        let (r#type, arguments, input) = match self.kind {
            CallKind::Function => ("function_call", Some(self.input.as_str()), None),
            CallKind::Custom => ("custom_tool_call", None, Some(self.input.as_str())),
        };
        json_of(&CallItem {
            r#type,
            id: &self.id,
            call_id: &self.call_id,
            name: &self.name,
            namespace: self.namespace.as_deref(),
            arguments,
            input,
            status,
        })
    }
}
