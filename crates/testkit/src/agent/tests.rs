use super::*;

const TOOLS: [&str; 3] = ["Write", "Bash", "Read"];

fn ask(body: &Value) -> Result<Turn, String> {
    Conversation::of(Endpoint::Messages, "m", body).and_then(|conversation| next(&conversation))
}

fn body(messages: &[Value]) -> Value {
    let tools: Vec<Value> =
        TOOLS.iter().map(|name| json!({"name": name, "input_schema": {"type": "object"}})).collect();
    let mut all = vec![json!({"role": "user", "content": "Folder: /project\nWrite it."})];
    all.extend_from_slice(messages);
    json!({"max_tokens": 64, "tools": tools, "messages": all})
}

fn used(id: &str) -> Value {
    json!({"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "Bash", "input": {}}]})
}

fn result(id: &str, text: &str) -> Value {
    json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": text}]})
}

#[test]
fn the_turn_depends_on_what_the_calls_came_to() {
    assert_eq!(ask(&body(&[])).unwrap().told, "writes a file");
    let written = [used("call_write"), result("call_write", "ok")];
    assert_eq!(ask(&body(&written)).unwrap().told, "runs a command that fails");
    let failed = [used("call_fail"), result("call_fail", "no such shelf")];
    let turn = ask(&body(&[written.clone(), failed].concat())).unwrap();
    let Said::Calls(calls) = turn.said else { panic!("calls") };
    assert_eq!(calls.len(), 2);
    let lost = [used("call_fail"), result("call_fail", "ok")];
    assert!(ask(&body(&[written, lost].concat())).err().unwrap().contains("no such shelf"));
}

#[test]
fn calls_and_results_must_pair_up() {
    assert!(ask(&body(&[used("call_write")])).err().unwrap().contains("without a result"));
    assert!(ask(&body(&[result("call_write", "ok")])).err().unwrap().contains("no call is waiting"));
    let text_first = json!({"role": "user", "content": [{"type": "text", "text": "and"},
        {"type": "tool_result", "tool_use_id": "call_write", "content": "ok"}]});
    assert!(ask(&body(&[used("call_write"), text_first])).is_err());
}

#[test]
fn a_free_text_tool_takes_text_and_its_converted_form_one_argument() {
    let prompt =
        json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Folder: /p"}]});
    let custom = json!({"tools": [{"type": "custom", "name": "apply_patch"}], "input": [prompt]});
    let conversation = Conversation::of(Endpoint::Responses, "m", &custom).unwrap();
    let Said::Calls(calls) = next(&conversation).unwrap().said else { panic!("calls") };
    assert!(calls[0].is_custom && calls[0].arguments.starts_with("*** Begin Patch"));

    let parameters = json!({"type": "object", "properties": {"input": {"type": "string"}}});
    let function = json!({"type": "function", "function": {"name": "apply_patch", "parameters": parameters}});
    let chat = json!({"tools": [function], "messages": [{"role": "user", "content": "Folder: /p"}]});
    let conversation = Conversation::of(Endpoint::Chat, "m", &chat).unwrap();
    let Said::Calls(calls) = next(&conversation).unwrap().said else { panic!("calls") };
    assert!(calls[0].arguments.starts_with("{\"input\":\"*** Begin Patch"));
}
