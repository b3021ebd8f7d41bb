//! Requests assembled from typical messages and fields. Every byte of the input selects one, which
//! reaches combinations that mutations of a JSON text do not.

const MESSAGES: [&str; 47] = [
    r#"{"role":"user","content":"hello"}"#,
    r#"{"role":"user","content":" \n"}"#,
    r#"{"role":"user","content":[]}"#,
    r#"{"role":"user","content":"hello","cache_control":{"type":"ephemeral"}}"#,
    r#"{"role":"user","content":"","cache_control":{"type":"ephemeral","ttl":"1h"}}"#,
    r#"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"5m"}},{"type":"text","text":" "}]}"#,
    r#"{"role":"user","content":[{"type":"text","text":"","prompt_cache_breakpoint":{"mode":"explicit"}},{"type":"text","text":"b"}]}"#,
    r#"{"role":"user","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0xLjcK","filename":"a.b.pdf"},"cache_control":{"type":"ephemeral"}}]}"#,
    r#"{"role":"user","content":[{"type":"file","file":{"file_data":"aGVsbG8=","filename":"a b.txt"},"citations":{"enabled":true}}]}"#,
    r#"{"role":"user","content":[{"type":"file","file":{"file_url":"https://a.b/c"}}]}"#,
    r#"{"role":"user","content":[{"type":"file","file":{"file_id":"s3://b/k.docx"}}]}"#,
    r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/gif;base64,R0lGODlhAQABAAAAADs="}}]}"#,
    r#"{"role":"user","content":[{"type":"video_url","video_url":{"url":"s3://b/v.mp4"},"cache_control":{"type":"ephemeral"}}]}"#,
    r#"{"role":"user","content":[{"type":"guarded_text","text":"g"}]}"#,
    r#"{"role":"user","content":[{"type":"guarded_text","text":" "}]}"#,
    r#"{"role":"user","content":[{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"x"}]}]}"#,
    r#"{"role":"system","content":"s"}"#,
    r#"{"role":"system","content":""}"#,
    r#"{"role":"system","content":"","cache_control":{"type":"ephemeral"}}"#,
    r#"{"role":"developer","content":[{"type":"text","text":"d","cache_control":{"type":"ephemeral"}}]}"#,
    r#"{"role":"assistant","content":"a"}"#,
    r#"{"role":"assistant","content":"a "}"#,
    r#"{"role":"assistant","content":null}"#,
    r#"{"role":"assistant","content":"","refusal":"no"}"#,
    r#"{"role":"assistant","content":"a","cache_control":{"type":"ephemeral"}}"#,
    r#"{"role":"assistant","content":[{"type":"text","text":"","cache_control":{"type":"ephemeral"}}],"thinking_blocks":[{"type":"thinking","thinking":"t","signature":"s"}],"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
    r#"{"role":"assistant","thinking_blocks":[{"type":"redacted_thinking","data":"YQ=="}]}"#,
    r#"{"role":"assistant","content":"a","thinking_blocks":[{"type":"thinking","thinking":"t"}]}"#,
    r#"{"role":"assistant","content":"a","reasoning_content":"r"}"#,
    r#"{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}"#,
    r#"{"role":"assistant","content":"c","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{"}},{"id":"2","type":"function","function":{"name":"mcp.x/y","arguments":""}}]}"#,
    r#"{"role":"assistant","tool_calls":[{"id":"2","type":"function","function":{"name":"g","arguments":"[]"}},{"id":"2","type":"function","function":{"name":"g"}}],"cache_control":{"type":"ephemeral"}}"#,
    r#"{"role":"assistant","tool_calls":[{"id":"3/é","type":"custom","custom":{"name":"shell","input":"ls"}}]}"#,
    r#"{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"$a\":{\"$a\":[\"$a\"]}}"}},{"id":"f.g:0","type":"function","function":{"name":"g","arguments":"{\"$a\":1}"}}]}"#,
    r#"{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}"#,
    r#"{"role":"tool","tool_call_id":"1","content":"r"}"#,
    r#"{"role":"tool","tool_call_id":"1","content":" "}"#,
    r#"{"role":"tool","tool_call_id":"1","content":"{\"a\":1}","is_error":true}"#,
    r#"{"role":"tool","tool_call_id":"2","content":[{"type":"text","text":"r","cache_control":{"type":"ephemeral"}}]}"#,
    r#"{"role":"tool","tool_call_id":"2","content":[{"type":"image_url","image_url":"data:image/gif;base64,R0lGODlhAQABAAAAADs="}]}"#,
    r#"{"role":"tool","tool_call_id":"2","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0xLjcK","filename":"a.b.pdf"}},{"type":"text","text":"t"}],"cache_control":{"type":"ephemeral"}}"#,
    r#"{"role":"tool","tool_call_id":"2","content":[{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"x"}]},{"type":"video_url","video_url":{"url":"s3://b/v.mp4"}}]}"#,
    r#"{"role":"tool","tool_call_id":"3/é","content":null}"#,
    r#"{"role":"tool","tool_call_id":"unknown","content":"stray"}"#,
    r#"{"role":"tool","tool_call_id":"unknown","content":""}"#,
    r#"{"role":"function","name":"f","content":"1"}"#,
    r#"{"role":"user","name":"n","content":"bye","more":1}"#,
];

const FIELDS: [&str; 54] = [
    r#""stream":true"#,
    r#""stream":true,"stream_options":{"include_usage":true}"#,
    r#""tools":[{"type":"function","function":{"name":"f","description":" ","parameters":{}}}]"#,
    r##""tools":[{"type":"function","function":{"name":"f","parameters":{"$ref":"#/$defs/P","$defs":{"P":{"type":"object"}}}},"cache_control":{"type":"ephemeral"}},{"type":"function","function":{"name":"mcp.x/y"}}]"##,
    r#""tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"integer","minimum":1}}}},"cache_control":{"type":"ephemeral"}},{"type":"custom","custom":{"name":"shell","format":{"type":"grammar"}}},{"type":"function","function":{"name":"json_response","cache_control":{"type":"ephemeral","ttl":"1h"}}}]"#,
    r##""tools":[{"type":"function","function":{"name":"f","parameters":{"type":null,"$ref":"#/$defs/T","$defs":{"T":{"anyOf":[true,{"$ref":"#/$defs/T"}]}}}}}]"##,
    r##""tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"properties":{"$a":{"properties":{"a b":{"$ref":"#/properties/$a"}},"required":["a b"]}},"required":["$a"]}}}]"##,
    r##""tools":[{"type":"function","function":{"name":"f","parameters":{"type":["object","null"],"description":"d","properties":{"a":{}},"oneOf":[{"required":["a"]},{"$ref":"#/$defs/P"},{"$ref":"#/oneOf/0"}],"allOf":[{"minProperties":1}],"$defs":{"P":{"properties":{"@b":{"const":1}},"required":["@b"]}}}}},{"type":"custom","custom":{"name":"f"}}]"##,
    r#""tool_choice":"none""#,
    r#""tool_choice":"auto""#,
    r#""tool_choice":"required""#,
    r#""tool_choice":{"type":"function","function":{"name":"f"}}"#,
    r#""tool_choice":{"type":"function","function":{"name":"mcp.x/y"}}"#,
    r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"custom","custom":{"name":"shell"}}]}}"#,
    r#""parallel_tool_calls":false"#,
    r#""functions":[{"name":"f"}]"#,
    r#""function_call":{"name":"f"}"#,
    r#""function_call":"none""#,
    r#""response_format":{"type":"json_object"}"#,
    r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{"oneOf":[{"type":"integer","maximum":3},{"type":"null"}]}}}}}"#,
    r#""response_format":{"type":"json_schema","json_schema":{"name":"n","description":" ","schema":{"type":"array","items":{"type":"string"}}}}"#,
    r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"$a":{"type":"string"}},"anyOf":[{"required":["$a"]}]}}}"#,
    r##""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"$ref":"#/$defs/P","$defs":{"P":{"type":"object","patternProperties":{}}}}}}"##,
    r#""reasoning_effort":"none""#,
    r#""reasoning_effort":"minimal""#,
    r#""reasoning_effort":"high""#,
    r#""reasoning_effort":"max""#,
    r#""thinking":{"type":"enabled","budget_tokens":2000}"#,
    r#""thinking":{"type":"enabled","budget_tokens":1}"#,
    r#""thinking":{"type":"adaptive"}"#,
    r#""thinking":{"type":"disabled"}"#,
    r#""max_tokens":1"#,
    r#""max_completion_tokens":3000"#,
    r#""max_tokens":2147483647"#,
    r#""temperature":2"#,
    r#""temperature":0.7"#,
    r#""top_p":1.0"#,
    r#""top_p":0.9"#,
    r#""top_k":5"#,
    r#""stop":["","x"]"#,
    r#""stop":"\n""#,
    r#""n":3"#,
    r#""frequency_penalty":0.5,"presence_penalty":-2"#,
    r#""web_search_options":{}"#,
    r#""guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","streamProcessingMode":"sync","onlyLastTurn":true}"#,
    r#""guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","trace":"enabled_full"}"#,
    r#""additionalModelRequestFields":{"thinking":{"type":"disabled"},"top_k":1,"tool_choice":{}}"#,
    r#""additionalModelResponseFieldPaths":["/1","/2","/3","/4","/5","/6","/7","/8","/9","/10"]"#,
    r#""prompt_cache_options":{"mode":"explicit"}"#,
    r#""prompt_cache_options":{"mode":"implicit","ttl":"24h"}"#,
    r#""metadata":{"k":"é"},"requestMetadata":{"a":"b"}"#,
    r#""service_tier":"scale","performanceConfig":{"latency":"optimized"}"#,
    r#""top_a":1,"top_b":[{}],"unknown":{"a":1}"#,
    r#""promptVariables":{"a":{"text":"b"}},"user":"u","seed":1"#,
];

/// Selects a system prompt that is long enough to be cached.
const LONG: u8 = 0x7f;

/// The request with the messages and fields that `choices` select.
pub fn request(choices: &[u8]) -> String {
    let long = format!(
        r#"{{"role":"system","content":"{}"}}"#,
        "long ".repeat(2000)
    );
    let is_field = |choice: &&u8| **choice >= 0x80;
    let messages = choices
        .iter()
        .filter(|choice| !is_field(choice))
        .map(|choice| match *choice {
            LONG => long.as_str(),
            choice => MESSAGES[usize::from(choice) % MESSAGES.len()],
        });
    let messages: Vec<&str> = messages.collect();
    let fields = choices.iter().filter(is_field).map(|choice| {
        let field = FIELDS[usize::from(*choice) % FIELDS.len()];
        format!(",{field}")
    });
    let fields: String = fields.collect();
    format!(r#"{{"messages":[{}]{fields}}}"#, messages.join(","))
}
