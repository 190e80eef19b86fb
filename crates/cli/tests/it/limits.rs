//! Virtual keys, budgets and rates: who may ask, for what, and that no budget is spent twice.

use std::sync::Arc;

use serde_json::{Value, json};
use waymark_testkit::{Gate, Http, Output, Postgres, Reply, Response, Upstream, Waymark, wait_until};

use crate::rig::{BINARY, Rig, chat, completion, message, outcome};

/// Clients that ask at once.
const CLIENTS: usize = 64;
/// Tokens of each answer, which is as long as its request lets it be.
const WORDS: usize = 40;
/// What each call costs: 21 tokens in at 3 USD and 40 out at 15 USD per million.
const COST: u64 = 63 + 600;
/// In micro-USD.
const BUDGET: u64 = 10_000;

/// A rig that has not started, with more in its configuration.
fn stopped(more: &str) -> Rig {
    let reply = |_: &_| Reply::events(WORDS);
    let rig = Rig::stopped(Upstream::with(reply), Upstream::with(reply));
    rig.waymark.configure(&format!("{}\n{more}", rig.configuration()));
    rig
}

fn succeeded(output: Output) -> String {
    assert_eq!(output.code, Some(0), "{output:?}");
    output.stdout
}

/// Makes a key: its id and its secret.
fn create(waymark: &Waymark, more: &[&str]) -> (String, String) {
    let told = succeeded(waymark.run(&[&["key", "create", "--json", "--owner", "ann"], more].concat()));
    let told: Value = serde_json::from_str(&told).unwrap();
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

fn listed(waymark: &Waymark, id: &str) -> Value {
    let listed: Value = serde_json::from_str(&succeeded(waymark.run(&["key", "list", "--json"]))).unwrap();
    let found = listed["keys"].as_array().unwrap().iter().find(|key| key["id"] == id).cloned();
    found.unwrap_or_else(|| panic!("{id} is not in {listed}"))
}

fn asked(http: &Http, secret: &str, body: &Value) -> Response {
    http.post("/v1/messages", &[("anthropic-version", "2023-06-01"), ("x-api-key", secret)], body.to_string())
}

fn asked_chat(http: &Http, secret: &str, body: &Value) -> Response {
    http.post("/v1/chat/completions", &[("authorization", &format!("Bearer {secret}"))], body.to_string())
}

fn short() -> Value {
    let mut body = message("large", false);
    body["max_tokens"] = json!(WORDS);
    body
}

fn code(response: &Response) -> String {
    response.header("x-waymark-route").to_owned()
}

/// Every record there is.
fn records(http: &Http) -> Vec<Value> {
    let page = http.get("/admin/records?limit=500", &[]).json();
    assert_eq!(page["next"], Value::Null);
    page["records"].as_array().unwrap().clone()
}

/// Lets all clients ask several times at once, of one gateway or another, and returns what they got.
fn ask_at_once(gateways: &[Http], secret: &str, times: usize) -> Vec<Response> {
    let gate = Gate::new();
    std::thread::scope(|scope| {
        let client = |client: usize| {
            let (gate, http) = (gate.clone(), gateways[client % gateways.len()]);
            scope.spawn(move || {
                assert!(gate.wait(waymark_testkit::DEADLINE));
                (0..times).map(|_| asked(&http, secret, &short())).collect::<Vec<_>>()
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        gate.open();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// The budget was used up and no more, and what is counted is what the records say.
fn assert_exact(waymark: &Waymark, http: &Http, id: &str, got: &[Response]) {
    let answered = got.iter().filter(|response| response.status == 200).count() as u64;
    let refused: Vec<_> = got.iter().filter(|response| response.status != 200).collect();
    for response in &refused {
        assert_eq!((response.status, code(response).as_str()), (402, "budget_spent"), "{}", response.text());
    }
    let records = records(http);
    assert_eq!(records.len(), got.len());
    let costs: Vec<u64> = records.iter().filter_map(|record| record["cost_micro_usd"].as_u64()).collect();
    assert_eq!((costs.len() as u64, costs.iter().sum::<u64>()), (answered, answered * COST));
    assert!(answered * COST <= BUDGET, "{answered} calls");
    // As long as there was room for one more, one more was made.
    assert!(answered >= 10, "{answered} calls of {COST}");
    let key = listed(waymark, id);
    for period in ["today", "this_month"] {
        let used = &key[period];
        assert_eq!(used["cost_micro_usd"], answered * COST, "{key}");
        assert_eq!(used["tokens"], answered * (21 + WORDS as u64), "{key}");
        assert_eq!(used["requests"], answered, "{key}");
        for nothing in
            ["reserved_cost_micro_usd", "reserved_tokens", "assumed_cost_micro_usd", "assumed_tokens"]
        {
            assert_eq!(used[nothing], 0, "{key}");
        }
    }
    assert_eq!(http.get("/admin/keys", &[]).json()["keys"][0], key);
    succeeded(waymark.run(&["verify"]));
}

#[test]
fn a_small_budget_holds_before_64_clients() {
    let mut rig = stopped("");
    let (id, secret) = create(&rig.waymark, &["--budget-day", "0.01"]);
    let http = rig.waymark.start();
    let got = ask_at_once(&[http], &secret, 3);
    assert_exact(&rig.waymark, &http, &id, &got);
    let page = http.get("/metrics", &[]).text();
    let refused = got.iter().filter(|response| response.status == 402).count();
    assert!(
        page.contains(&format!("waymark_refusals_total{{reason=\"budget_spent\"}} {refused}\n")),
        "{page}"
    );
}

#[test]
fn a_small_budget_holds_before_64_clients_of_two_gateways() {
    let mut rig = stopped("");
    let server = Postgres::shared();
    let url = server.create_database("limits_shared");
    let mut other = Waymark::new(BINARY);
    for waymark in [&mut rig.waymark, &mut other] {
        waymark.env("SCRIPTED_KEY", "upstream-key");
        waymark.env("WAYMARK_STORE_URL", &url);
    }
    let (id, secret) = create(&rig.waymark, &["--budget-month", "0.01", "--budget-day", "5"]);
    other.configure(&rig.configuration());
    std::fs::create_dir_all(other.data_dir()).unwrap();
    for file in ["ledger.key", "ledger.vkey"] {
        std::fs::copy(rig.waymark.data_dir().join(file), other.data_dir().join(file)).unwrap();
    }
    let gateways = [rig.waymark.start(), other.start()];
    let got = ask_at_once(&gateways, &secret, 3);
    assert_exact(&rig.waymark, &gateways[0], &id, &got);
    // A rate is shared as well: by itself each would let eight through.
    let (_, fast) = create(&rig.waymark, &["--requests-per-minute", "8"]);
    for http in &gateways {
        wait_until("the key is known", || code(&asked(http, &fast, &json!({}))) == "bad_request");
    }
    let got: Vec<u16> = (0..32).map(|at| asked(&gateways[at % 2], &fast, &short()).status).collect();
    let let_through = got.iter().filter(|status| **status == 200).count();
    assert!((8..16).contains(&let_through), "{got:?}");
    assert!(got.iter().all(|status| [200, 429].contains(status)), "{got:?}");
    // What one revokes, the other knows of.
    succeeded(other.run(&["key", "revoke", &id]));
    for http in &gateways {
        wait_until("the key is revoked", || code(&asked(http, &secret, &short())) == "key_revoked");
    }

    // One that dies in the middle of a call leaves a reservation; the other one takes it for used.
    let (id, secret) = create(&rig.waymark, &["--budget-day", "5"]);
    let gate = Gate::new();
    rig.anthropic.push(Reply::events(WORDS).hold_after(3, &gate));
    wait_until("the key is known", || code(&asked(&gateways[1], &secret, &json!({}))) == "bad_request");
    let mut stream = short();
    stream["stream"] = json!(true);
    let opened = gateways[1].open(
        "POST",
        "/v1/messages",
        &[("anthropic-version", "2023-06-01"), ("x-api-key", &secret)],
        stream.to_string().as_bytes(),
    );
    let opened = opened.unwrap();
    assert_eq!(opened.status, 200);
    let reserved = |key: &Value| key["today"]["reserved_cost_micro_usd"].as_u64().unwrap();
    assert!(reserved(&listed(&rig.waymark, &id)) > 0);
    other.kill();
    gate.open();
    drop(opened);
    server.sql("limits_shared", "UPDATE gateways SET seen = seen - 600");
    wait_until("the dead gateway's reservation is let go", || reserved(&listed(&rig.waymark, &id)) == 0);
    let key = listed(&rig.waymark, &id);
    assert!(key["today"]["assumed_cost_micro_usd"].as_u64().unwrap() > 0, "{key}");
    succeeded(rig.waymark.run(&["verify"]));
}

#[test]
fn keys_are_made_and_revoked_while_the_server_is_busy() {
    let mut rig = stopped("");
    let (_, secret) = create(&rig.waymark, &[]);
    let http = rig.waymark.start();
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| ask_at_once(&[http], &secret, 8));
        for _ in 0..5 {
            let (id, _) = create(&rig.waymark, &[]);
            succeeded(rig.waymark.run(&["key", "revoke", &id]));
        }
        let got = busy.join().unwrap();
        let wrong: Vec<_> =
            got.iter().filter(|response| response.status != 200).map(Response::text).collect();
        assert_eq!(wrong, Vec::<String>::new());
    });
    // Whom it belongs to is erased, and the key goes with them.
    succeeded(rig.waymark.run(&["erase", "--subject", "ann", "--yes"]));
    wait_until("the owner is gone", || code(&asked(&http, &secret, &short())) == "key_revoked");
    succeeded(rig.waymark.run(&["verify"]));
}

#[test]
fn a_call_that_a_crash_cut_off_is_taken_for_used() {
    let mut rig = stopped("");
    let (id, secret) = create(&rig.waymark, &["--tokens-day", "1000"]);
    let http = rig.waymark.start();
    let gate = Gate::new();
    rig.anthropic.push(Reply::events(WORDS).hold_head(&gate));
    let address = rig.waymark.address();
    let secret = Arc::new(secret);
    let client = std::thread::spawn({
        let secret = Arc::clone(&secret);
        move || {
            let headers = [("anthropic-version", "2023-06-01"), ("x-api-key", secret.as_str())];
            let _ = Http::new(address).open("POST", "/v1/messages", &headers, short().to_string().as_bytes());
        }
    });
    wait_until("the upstream is asked", || rig.anthropic.received().count() == 1);
    assert!(listed(&rig.waymark, &id)["today"]["reserved_tokens"].as_u64().unwrap() > 0);
    rig.waymark.kill();
    client.join().unwrap();
    gate.open();
    let _ = http;
    rig.waymark.start();
    let used = listed(&rig.waymark, &id)["today"].clone();
    assert_eq!((&used["reserved_tokens"], &used["tokens"]), (&json!(0), &json!(0)));
    assert!(used["assumed_tokens"].as_u64().unwrap() > WORDS as u64, "{used}");
    // A client that goes away: its call is settled, not held for ever.
    rig.anthropic.push(Reply::silence());
    let headers = [("anthropic-version", "2023-06-01"), ("x-api-key", secret.as_str())];
    let sent = rig.http().send("POST", "/v1/messages", &headers, short().to_string().as_bytes()).unwrap();
    wait_until("the upstream is asked", || rig.anthropic.received().count() == 2);
    drop(sent);
    wait_until("its reservation is let go", || listed(&rig.waymark, &id)["today"]["reserved_tokens"] == 0);
    succeeded(rig.waymark.run(&["verify"]));
}

#[test]
fn a_key_names_its_owner_and_never_shows_itself() {
    let mut rig = stopped("[server]\nkeys = \"required\"\n");
    let (id, secret) = create(&rig.waymark, &["--label", "laptop"]);
    let http = rig.waymark.start();
    assert!(secret.starts_with("wm_") && secret.len() == 67, "{} characters", secret.len());
    let answer = asked(&http, &secret, &short());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let why = rig.why(&answer);
    assert_eq!((&why["principal"], &why["key"]), (&json!("ann"), &json!(id)));
    assert_eq!(http.get("/admin/records?principal=ann", &[]).json()["records"].as_array().unwrap().len(), 1);
    let head = rig.anthropic.last().head;
    assert!(!String::from_utf8_lossy(&head).contains("wm_"), "the key leaves");
    assert_eq!(crate::erase::occurs(&rig.waymark.data_dir(), secret.as_bytes()), Vec::<String>::new());
    let shown = succeeded(rig.waymark.run(&["key", "list"]));
    assert!(shown.contains(&id) && shown.contains("ann (laptop)") && !shown.contains("wm_"), "{shown}");
}

#[test]
fn who_may_not_ask_is_told_why_in_their_dialect() {
    let mut rig = stopped("[server]\nkeys = \"required\"\n");
    let (id, secret) = create(&rig.waymark, &[]);
    let http = rig.waymark.start();
    let none = rig.message(&short());
    assert_eq!((none.status, code(&none).as_str()), (401, "key_required"), "a dummy is no key");
    assert_eq!(none.json()["error"]["type"], "authentication_error");
    assert_eq!(outcome(&rig.why(&none)), "refused");
    let unknown = asked_chat(&http, "wm_0123", &chat("small", false));
    assert_eq!((unknown.status, unknown.json()["error"]["code"].as_str()), (401, Some("key_unknown")));
    let path = format!("/v1beta/models/large:generateContent?key={secret}");
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]});
    assert_eq!(http.post(&path, &[], body.to_string()).status, 200);
    for path in ["/v1/models", "/v1beta/models", "/api/tags"] {
        assert_eq!(http.get(path, &[]).status, 401, "{path}");
        assert_eq!(http.get(path, &[("authorization", &format!("Bearer {secret}"))]).status, 200, "{path}");
    }
    // What is not asked of a model is as it was.
    for path in ["/admin/status", "/admin/keys", "/metrics", "/healthz", "/"] {
        assert_eq!(http.get(path, &[]).status, 200, "{path}");
    }
    succeeded(rig.waymark.run(&["key", "revoke", &id]));
    wait_until("the key is revoked", || code(&asked(&http, &secret, &short())) == "key_revoked");
    let again = rig.waymark.run(&["key", "revoke", &id]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stderr.contains("was revoked at"), "{again:?}");
    assert_eq!(listed(&rig.waymark, &id)["state"], "revoked");
    // A key made now is known within a moment.
    let (_, second) = create(&rig.waymark, &[]);
    wait_until("the key is known", || asked(&http, &second, &short()).status == 200);
    succeeded(rig.waymark.run(&["verify"]));
}

#[test]
fn here_no_key_is_needed_and_elsewhere_one_is_from_the_first_on() {
    let mut rig = stopped("");
    let elsewhere = |rig: &mut Rig| {
        let mut command = rig.waymark.command();
        command.arg("serve").arg("--config").arg(rig.waymark.config()).args(["--listen", "0.0.0.0:0"]);
        command.arg("--data-dir").arg(rig.waymark.data_dir());
        rig.waymark.launch(command)
    };
    let http = elsewhere(&mut rig);
    assert!(rig.waymark.stderr().contains("without virtual keys"), "{}", rig.waymark.stderr());
    assert_eq!(asked(&http, "dummy", &short()).status, 200);
    let (id, secret) = create(&rig.waymark, &[]);
    wait_until("a key is needed", || code(&asked(&http, "dummy", &short())) == "key_required");
    assert_eq!(asked(&http, &secret, &short()).status, 200);
    // Revoking the last one opens nothing.
    succeeded(rig.waymark.run(&["key", "revoke", &id]));
    wait_until("the key is revoked", || code(&asked(&http, &secret, &short())) == "key_revoked");
    assert_eq!(code(&asked(&http, "dummy", &short())), "key_required");
    rig.waymark.stop();
    let http = elsewhere(&mut rig);
    assert!(!rig.waymark.stderr().contains("without virtual keys"));
    assert_eq!(code(&asked(&http, "dummy", &short())), "key_required");
    rig.waymark.stop();
    let http = rig.waymark.start();
    assert_eq!(asked(&http, "dummy", &short()).status, 200);
    assert_eq!(code(&asked(&http, &secret, &short())), "key_revoked", "ours is never taken for a dummy");
}

#[test]
fn a_key_is_for_the_routes_and_models_it_names() {
    let mut rig = stopped("");
    let (_, secret) = create(&rig.waymark, &["--route", "claude", "--model", "small"]);
    let http = rig.waymark.start();
    assert_eq!(asked(&http, &secret, &message("claude", false)).status, 200);
    assert_eq!(asked_chat(&http, &secret, &chat("small", false)).status, 200);
    let refused = asked_chat(&http, &secret, &chat("auto", false));
    assert_eq!((refused.status, code(&refused).as_str()), (403, "route_not_allowed"));
    let words = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(words.contains("the routes claude and the models small"), "{words}");
    let refused = asked(&http, &secret, &message("large", false));
    assert_eq!((refused.status, code(&refused).as_str()), (403, "model_not_allowed"));
    assert_eq!(refused.json()["error"]["type"], "permission_error");
    assert_eq!(outcome(&rig.why(&refused)), "refused");
    let names = http.get("/v1/models", &[("authorization", &format!("Bearer {secret}"))]).json();
    let names: Vec<_> = names["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
    assert_eq!(names, ["claude", "small"]);
    let unknown =
        rig.waymark.run(&["key", "create", "--owner", "bob", "--route", "x", "--config", "waymark.toml"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(unknown.stderr.contains("there is no route `x`"), "{unknown:?}");
}

#[test]
fn whoever_is_too_fast_is_told_when_to_come_again() {
    let mut rig = stopped("[limits.per_owner]\nrequests_per_minute = 3\n");
    let keys = [create(&rig.waymark, &[]), create(&rig.waymark, &[])];
    let http = rig.waymark.start();
    let ask = |at: usize| asked(&http, &keys[at].1, &short());
    let got: Vec<u16> = [0, 1, 0].map(|at| ask(at).status).to_vec();
    assert_eq!(got, [200, 200, 200], "three of both keys together");
    let refused = ask(1);
    assert_eq!((refused.status, code(&refused).as_str()), (429, "rate_limited"));
    assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=21).contains(&seconds), "{seconds} s");
    assert_eq!(rig.message(&short()).status, 200, "nobody else is kept out");
}

#[test]
fn a_budget_of_everybody_counts_those_without_a_key() {
    let mut rig = stopped("[limits]\ntokens_month = 130\n");
    let http = rig.waymark.start();
    let got: Vec<u16> = (0..3).map(|_| asked(&http, "dummy", &short()).status).collect();
    assert_eq!(got, [200, 402, 402], "61 tokens are used, and another call may take 78");
    let refused = asked_chat(&http, "dummy", &chat("small", false));
    let error = refused.json()["error"].clone();
    assert_eq!((refused.status, &error["type"]), (402, &json!("insufficient_quota")));
    assert!(error["message"].as_str().unwrap().contains("130 tokens"), "{error}");
    // The embedded model is free.
    let body = completion(false).to_string();
    assert_eq!(http.post("/v1/completions", &[], body).status, 200);
}

#[test]
fn a_budget_of_money_may_insist_on_prices() {
    let mut rig = stopped("[limits]\nbudget_day = 1\nunpriced = \"refuse\"\n");
    let http = rig.waymark.start();
    assert_eq!(asked_chat(&http, "dummy", &chat("small", false)).status, 200);
    let refused = asked_chat(&http, "dummy", &chat("spare", false));
    assert_eq!((refused.status, code(&refused).as_str()), (403, "price_unknown"));
    assert!(refused.text().contains("models.NAME.price"), "{}", refused.text());
}

#[test]
fn what_makes_no_key_is_refused_with_what_to_do() {
    let rig = stopped("");
    let refused = |arguments: &[&str], words: &str| {
        let output = rig.waymark.run(&[&["key", "create"], arguments].concat());
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(output.stderr.contains(words), "{arguments:?}: {output:?}");
    };
    refused(&["--owner", " "], "--owner");
    refused(&["--owner", "local"], "no key");
    refused(&["--owner", "ann", "--budget-day=-1"], "must not be negative");
    refused(&["--owner", "ann", "--budget-day", "ten"], "is not a number of US dollars");
    refused(&["--owner", "ann", "--expires", "2020-01-01"], "is over");
    refused(&["--owner", "ann", "--expires", "tomorrow"], "is no time");
    refused(&["--owner", "ann", "--requests-per-minute", "0"], "0 is not in 1..");
    let none = rig.waymark.run(&["key", "list"]);
    assert_eq!(none.code, Some(3), "{none:?}");
    assert!(none.stderr.contains("waymark key create"), "{none:?}");
    assert!(!rig.waymark.data_dir().exists());
}
