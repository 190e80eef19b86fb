use super::*;

const TOOLS: [&str; 4] = ["Write", "Bash", "Read", "Edit"];

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
fn a_file_is_drafted_and_then_changed_by_another_model() {
    let says = |text: &str| json!({"role": "user", "content": text});
    let told = |messages: &[Value]| ask(&body(messages)).map(|turn| (turn.told, turn.model));
    let second = |told| Ok((told, "mock-agent-2026-02-02"));
    let drafted = vec![says("Draft prices.py."), used("call_draft"), result("call_draft", "ok")];
    assert_eq!(told(&drafted[..1]), Ok(("drafts it", AGENT_MODEL)));
    assert_eq!(told(&drafted), Ok(("closes", AGENT_MODEL)));

    let edit = [drafted, vec![says("Edit prices.py.")]].concat();
    assert_eq!(told(&edit), second("looks at it"));
    let looked = |text: &str| {
        let both = [used("call_show"), result("call_show", ""), used("call_look"), result("call_look", text)];
        [edit.clone(), both.to_vec()].concat()
    };
    assert!(told(&looked("as drafted")).unwrap_err().contains("lacks"));
    let typed = "prices = [price for price in prices if price > 0]";
    assert_eq!(told(&looked(typed)), second("edits it"));

    let anew = [says("Rewrite prices.py."), used("call_show"), result("call_show", typed)];
    assert_eq!(told(&anew[..1]), second("looks at it"));
    assert_eq!(told(&anew), second("writes it anew"));
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
