//! The calls of tools that have items of their own. Clients receive them complete: their arguments
//! are objects, not text.

use serde::Serialize;

use super::events::EventSink;
use super::items::ItemList;
use super::json_of;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::dialects::openai_responses::request::CallForm;

/// A call whose input is collected.
#[derive(Debug)]
pub(super) struct BuiltInCall {
    pub(super) form: CallForm,
    pub(super) call_id: String,
    pub(super) input: String,
}

#[derive(Serialize)]
struct BuiltInItem<'a> {
    r#type: &'static str,
    id: &'a str,
    call_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a JsonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Fields>,
    /// `null` for a local shell.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Fields>,
    status: &'static str,
}

impl BuiltInCall {
    /// Adds the call, unless it was cut off.
    pub(super) fn end(self, is_cut: bool, list: &mut ItemList<impl EventSink>) {
        let input = JsonText::parse(self.input).ok().filter(JsonText::is_object);
        let Some(input) = input.filter(|_| !is_cut) else {
            return;
        };
        let (kind, prefix) = match self.form {
            CallForm::ToolSearch => ("tool_search_call", "tsc_"),
            CallForm::LocalShell => ("local_shell_call", "lsh_"),
            CallForm::Shell => ("shell_call", "sh_"),
            CallForm::ApplyPatch => ("apply_patch_call", "apc_"),
            // Such a call is not built in.
            CallForm::Named => return,
        };
        let (id, index) = list.next(prefix);
        let item = |status| BuiltInItem {
            r#type: kind,
            id: &id,
            call_id: &self.call_id,
            execution: (self.form == CallForm::ToolSearch).then_some("client"),
            arguments: (self.form == CallForm::ToolSearch).then_some(&input),
            action: action(self.form, &input),
            environment: (self.form == CallForm::Shell).then_some(()),
            operation: (self.form == CallForm::ApplyPatch).then(|| operation(&input)),
            status,
        };
        list.added(index, &json_of(&item("in_progress")));
        list.done(index, json_of(&item("completed")));
    }
}

/// The action of a shell, with the members that clients expect.
fn action(form: CallForm, input: &JsonText) -> Option<Fields> {
    let fields = || Fields::from_object(input).unwrap_or_default();
    match form {
        CallForm::LocalShell => {
            let mut action = Fields::default();
            action.push("type", json_of(&"exec"));
            fields()
                .iter()
                .for_each(|(key, value)| action.set(key, value.clone()));
            action.set("type", json_of(&"exec"));
            action.set_if_absent("command", json_of(&[(); 0]));
            action.set_if_absent("env", JsonText::empty_object());
            Some(action)
        }
        CallForm::Shell => {
            let mut action = fields();
            action.set_if_absent("commands", json_of(&[(); 0]));
            action.set_if_absent("timeout_ms", json_of(&()));
            action.set_if_absent("max_output_length", json_of(&()));
            Some(action)
        }
        CallForm::Named | CallForm::ToolSearch | CallForm::ApplyPatch => None,
    }
}

/// The operation of a patch. Clients require a `diff`, unless the file is deleted.
fn operation(input: &JsonText) -> Fields {
    let mut operation = Fields::from_object(input).unwrap_or_default();
    let kind = operation.get("type").map(JsonText::as_str);
    if kind != Some("\"delete_file\"") {
        operation.set_if_absent("diff", json_of(&""));
    }
    operation
}
