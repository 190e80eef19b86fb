//! Content rules: what a provider is never sent, and what the record says of it.

use serde_json::{Value, json};
use waymark_testkit::{Response, Upstream};

use crate::export::lines;
use crate::rig::{ANTHROPIC, OPENAI, Rig, chat, completion, outcome};

/// No key of anybody's: letters and digits in the shape of one.
const TOKEN: &str = "ghp_Zq7Rk2WvXp9LmT4bNc8HdY3sFg6JtQ5wEzBr";

/// A running server with `rules` at the end of its configuration.
fn ruled(rules: &str) -> Rig {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    rig.waymark.configure(&format!("{}\n{rules}", rig.configuration()));
    rig.waymark.start();
    rig
}

fn reasons(why: &Value) -> Vec<String> {
    let reasons = why["decision"]["reasons"].as_array().unwrap();
    reasons.iter().map(|reason| reason.as_str().unwrap().to_owned()).collect()
}

fn told(text: &str) -> Value {
    json!({"model": "auto", "messages": [{"role": "user", "content": text}]})
}

/// Everything that any provider was sent.
fn sent(rig: &Rig) -> String {
    let requests = rig.openai.requests().into_iter().chain(rig.anthropic.requests());
    requests
        .map(|request| String::from_utf8_lossy(&[request.head, request.body].concat()).into_owned())
        .collect()
}

fn assert_refused(rig: &Rig, answer: &Response, rule: &str) -> Value {
    assert_eq!((answer.status, answer.header("x-waymark-route")), (400, "content_rule"), "{}", answer.text());
    assert!(answer.text().contains(&format!("[content.{rule}]")), "{}", answer.text());
    let why = rig.why(answer);
    assert_eq!(outcome(&why), "refused");
    why
}

#[test]
fn a_secret_is_on_record_by_default_and_nothing_else_changes() {
    let rig = Rig::start();
    let body = format!(
        "{{ \"model\": \"small\",\n\"messages\":[{{\"role\":\"user\",\"content\":\"use {TOKEN}\"}}] }}"
    );
    let answer = rig.http().post("/v1/chat/completions", OPENAI, body.clone());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let passed = String::from_utf8(rig.openai.last().body).unwrap();
    assert_eq!(passed, body.replace("\"small\"", "\"mock-small-1\""), "promise 3");
    let why = rig.why(&answer);
    assert_eq!(reasons(&why)[0], "content:secrets.github_token:1:1");
    assert!(!why.to_string().contains(TOKEN));
    let plain = rig.why(&rig.chat(&chat("small", false)));
    assert!(!reasons(&plain).iter().any(|reason| reason.starts_with("content:")), "{plain}");
}

#[test]
fn a_redacted_secret_never_leaves_and_every_other_byte_does() {
    let rig = ruled("[content.secrets]\naction = \"redact\"\n[ledger]\npayloads = \"keep\"\n");
    let arguments = json!({"file_path": "a.env", "content": format!("X=1\nTOKEN={TOKEN}\n")}).to_string();
    let body = json!({"model": "small", "messages": [
        {"role": "user", "content": format!("use {TOKEN}, please: {TOKEN}")},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "t", "type": "function", "function": {"name": "write", "arguments": arguments}}]},
        {"role": "tool", "tool_call_id": "t", "content": "written"},
    ], "tools": [{"type": "function", "function": {"name": "write", "parameters": {"type": "object"}}}]});
    // One of them is hidden by escapes that mean the same.
    let body = body.to_string().replacen("use ghp_", "use \\u0067hp\\u005f", 1);
    let answer = rig.http().post("/v1/chat/completions", OPENAI, body.clone());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let expected = body.replacen("use \\u0067hp\\u005f", "use ghp_", 1);
    let expected =
        expected.replace(TOKEN, "[redacted:github_token]").replace("\"small\"", "\"mock-small-1\"");
    assert_eq!(String::from_utf8(rig.openai.last().body).unwrap(), expected);
    let why = rig.why(&answer);
    assert_eq!(reasons(&why)[0], "content:secrets.github_token:1:3");

    // The same where the request crosses into another dialect.
    let claude =
        json!({"model": "small", "max_tokens": 64, "messages": [{"role": "user", "content": TOKEN}]});
    assert_eq!(rig.http().post("/v1/messages", ANTHROPIC, claude.to_string()).status, 200);
    let counted = json!({"model": "large", "messages": [{"role": "user", "content": TOKEN}]});
    rig.http().post("/v1/messages/count_tokens", ANTHROPIC, counted.to_string());
    assert!(sent(&rig).contains("[redacted:github_token]") && !sent(&rig).contains("Zq7Rk2WvXp9Lm"));

    // What is kept is what was sent: it is checked against a commitment of its own.
    let verified = rig.waymark.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn a_request_that_is_refused_before_it_is_read_keeps_no_secret_either() {
    let rig = ruled("[content.secrets]\naction = \"redact\"\n[ledger]\npayloads = \"keep\"\n");
    let good = told(&format!("use {TOKEN}")).to_string();
    let none = format!("{{\"messages\": \"{TOKEN}\"");
    for (body, deadline, code) in [(&good, "soon", "bad_deadline"), (&none, "9", "bad_request")] {
        let headers = [OPENAI, &[("x-waymark-deadline", deadline)]].concat();
        let answer = rig.http().post("/v1/chat/completions", &headers, body.clone());
        assert_eq!((answer.status, answer.header("x-waymark-route")), (400, code), "{}", answer.text());
    }
    // What is kept is what the record says is left.
    let records: Vec<Value> = lines(&rig.waymark.run(&["export", "--format", "jsonl"]));
    let left: Vec<&Value> = records.iter().map(|record| &record["intent"]["redacted"]["bytes"]).collect();
    let expected = [good, none].map(|body| body.replace(TOKEN, "[redacted:github_token]").len());
    assert_eq!(left, expected);
    let verified = rig.waymark.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn a_form_is_redacted_where_it_stands() {
    let rig = ruled("[content.secrets]\naction = \"redact\"\n");
    let form = |text: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nsmall\r\n--b\r\nContent-Disposition: \
             form-data; name=\"prompt\"\r\n\r\n{text}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"a.wav\"\r\n\r\nRIFF\r\n--b--\r\n"
        )
    };
    let headers = [("content-type", "multipart/form-data; boundary=b")];
    let answer = rig.http().post("/v1/audio/transcriptions", &headers, form(&format!("names: {TOKEN}")));
    let sent = String::from_utf8(rig.openai.last().body).unwrap();
    assert_eq!(
        sent,
        form("names: [redacted:github_token]").replace("small", "mock-small-1"),
        "{}",
        answer.text()
    );
}

#[test]
fn a_refused_secret_is_refused_in_every_dialect_and_told_by_its_rule_alone() {
    let rig = ruled("[content.secrets]\naction = \"refuse\"\n[ledger]\npayloads = \"keep\"\n");
    for model in ["small", "auto"] {
        let mut body = told(&format!("use {TOKEN}"));
        body["model"] = json!(model);
        let why = assert_refused(&rig, &rig.chat(&body), "secrets");
        assert!(reasons(&why).contains(&"cannot:small:content:secrets".to_owned()), "{why}");
        assert!(!why.to_string().contains("Zq7Rk2WvXp9Lm"), "{why}");
    }
    let body = json!({"model": "large", "max_tokens": 9, "messages": [{"role": "user", "content": TOKEN}]});
    let answer = rig.message(&body);
    assert_refused(&rig, &answer, "secrets");
    assert_eq!(answer.json()["type"], "error");
    assert!(answer.text().contains("github_token") && !answer.text().contains("Zq7Rk2WvXp9Lm"));
    assert_eq!(sent(&rig), "", "nobody was asked");
    // The model inside is asked: nothing leaves with it.
    let mut inside = completion(false);
    inside["prompt"] = json!(format!("// {TOKEN}\n{}", inside["prompt"].as_str().unwrap()));
    assert_eq!(rig.http().post("/v1/completions", OPENAI, inside.to_string()).status, 200);
    assert_eq!(sent(&rig), "");
    assert_eq!(rig.waymark.run(&["verify"]).code, Some(0));
}

#[test]
fn a_file_that_is_kept_back_reaches_only_those_who_may_have_it() {
    let rules =
        "[content.infra]\npaths = [\"deploy/\", \"*.pem\"]\naction = \"restrict\"\nproviders = [\"beta\"]\n";
    let rig = ruled(rules);
    let reads = |path: &str| {
        json!({"model": "auto", "messages": [
            {"role": "user", "content": "look"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "t", "type": "function",
                "function": {"name": "read", "arguments": json!({"filePath": path}).to_string()}}]},
            {"role": "tool", "tool_call_id": "t", "content": "TOP-SECRET-CONTENT"},
        ]})
    };
    let why = assert_refused(&rig, &rig.chat(&reads("/srv/app/deploy/prod.yaml")), "infra");
    assert_eq!(reasons(&why)[0], "content:infra.path:1:1");
    assert!(!why.to_string().contains("prod.yaml"), "a path is text of the request: {why}");
    assert_refused(&rig, &rig.chat(&told("<file path=\"k/a.PEM\">\nTOP-SECRET-CONTENT\n</file>")), "infra");
    assert!(!sent(&rig).contains("TOP-SECRET-CONTENT"));
    assert_eq!(rig.chat(&reads("/srv/app/src/main.rs")).status, 200);
    let mut to_beta = reads("deploy/prod.yaml");
    to_beta["model"] = json!("large");
    assert_eq!(rig.chat(&to_beta).status, 200);
    assert!(String::from_utf8_lossy(&rig.anthropic.last().body).contains("TOP-SECRET-CONTENT"));
}

#[test]
fn labels_repositories_and_regions_say_who_may_be_sent_a_request() {
    let rules = "[content.labelled]\nlabels = [\"confidential*\"]\naction = \"refuse\"\n\
                 [content.payroll]\nrepositories = [\"payroll\"]\naction = \"restrict\"\nregions = [\"eu\"]\n";
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    let near = rig.configuration().replace("kind = \"anthropic\"", "kind = \"anthropic\"\nregion = \"eu\"");
    rig.waymark.configure(&format!("{near}\n{rules}"));
    rig.waymark.start();
    let ask = |model: &str, header: (&'static str, &'static str)| {
        let headers = [OPENAI[0], header];
        rig.http().post("/v1/chat/completions", &headers, chat(model, false).to_string())
    };
    assert_refused(&rig, &ask("auto", ("x-waymark-label", "eu, Confidential-7")), "labelled");
    let why = assert_refused(&rig, &ask("auto", ("x-waymark-repository", "payroll")), "payroll");
    assert_eq!(reasons(&why)[0], "content:payroll.repository:1:1");
    assert_eq!(
        ask("large", ("x-waymark-repository", "payroll")).status,
        200,
        "its provider is in the region"
    );
    assert_eq!(ask("auto", ("x-waymark-label", "public")).status, 200);
    assert!(!sent(&rig).contains("x-waymark-"), "labels stay here");
}

/// The example of the page is a configuration that loads.
#[test]
fn the_pages_example_loads() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/content.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).map(|after| after.split("```").next().unwrap()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let rig = Rig::stopped(Upstream::start(), Upstream::start());
        let near =
            rig.configuration().replace("kind = \"anthropic\"", "kind = \"anthropic\"\nregion = \"eu\"");
        rig.waymark.configure(&format!("{near}\n{example}"));
        let config = rig.waymark.config();
        let shown = rig.waymark.run(&["config", "--config", config.to_str().unwrap()]);
        assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""), "{example}");
    }
}
