//! A scripted upstream for tests in other languages: prints its port, answers by the requested model's name,
//! and ends when its standard input does. With the name of a dialect it is a coding agent's model in that dialect, and
//! prints a line of JSON per request.
#![expect(clippy::print_stdout, reason = "the port and what was asked are this program's answer")]

use serde_json::json;
use waymark_testkit::{Captured, Reply, ScriptedModel, ToolCall, Upstream};

fn main() -> std::io::Result<()> {
    let upstream = match std::env::args().nth(1) {
        None => Upstream::with(reply),
        Some(dialect) => {
            let model = ScriptedModel::speaking(&dialect)
                .ok_or_else(|| std::io::Error::other(format!("no scripted model speaks {dialect}")))?;
            Upstream::with(move |request| {
                let (reply, seen) = model.answer(request);
                println!("{seen}");
                reply
            })
        }
    };
    println!("{}", upstream.address().port());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map(drop)
}

fn reply(request: &Captured) -> Reply {
    match request.model().as_deref().unwrap_or_default() {
        "mock-tools" => {
            let call = |id, city| ToolCall::new(id, "get_weather", &json!({"city": city, "unit": "celsius"}));
            Reply::tools(&[call("call_1", "Zürich"), call("call_2", "Bern")])
        }
        "mock-400" => Reply::error(400, "the upstream refuses this"),
        "mock-401" => Reply::error(401, "the upstream does not know this key"),
        "mock-429" => Reply::error(429, "the upstream is asked too often").header("retry-after", "0"),
        "mock-500" => Reply::error(500, "the upstream is broken"),
        "mock-cut" => Reply::events(12).cut_after(6),
        "mock-long" => Reply::events(200),
        model => Reply::text("Hello from the scripted upstream.").served_as(&dated(model)),
    }
}

/// The dated id a provider would answer with.
fn dated(model: &str) -> String {
    format!("{model}-2026-01-01")
}
