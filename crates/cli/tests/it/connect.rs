//! Clients pointed here by the binary, and what `doctor` says of them.

use serde_json::Value;
use waymark_testkit::Waymark;

use crate::rig::{BINARY, Rig, chat};

#[test]
fn a_client_is_connected_and_taken_back() {
    let waymark = Waymark::new(BINARY);
    let file = waymark.home().join(".claude").join("settings.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let before = "{\n  // mine\n  \"env\": {},\n}\n";
    std::fs::write(&file, before).unwrap();
    let dry = waymark.run(&["connect", "claude-code", "--dry-run"]);
    assert!(dry.stdout.contains("+    \"ANTHROPIC_BASE_URL\": \"http://127.0.0.1:4114\""), "{dry:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    assert_eq!(waymark.run(&["connect", "claude-code"]).code, Some(0));
    assert!(std::fs::read_to_string(&file).unwrap().contains("ANTHROPIC_AUTH_TOKEN"));
    let again = waymark.run(&["connect", "claude-code"]);
    assert!(again.stderr.contains("already"), "{again:?}");
    assert_eq!(waymark.run(&["connect", "claude-code", "--undo"]).code, Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn a_broken_file_and_a_wrong_address_have_their_exit_codes() {
    let waymark = Waymark::new(BINARY);
    let file = waymark.home().join(".claude").join("settings.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "{\n\"a\" 1}").unwrap();
    let broken = waymark.run(&["connect", "claude-code"]);
    assert_eq!(broken.code, Some(1));
    assert!(broken.stderr.contains("line 2, column 5"), "{broken:?}");
    assert_eq!(waymark.run(&["connect", "claude-code", "--base-url", "gateway"]).code, Some(2));
    assert_eq!(waymark.run(&["connect", "nobody"]).code, Some(2));
}

#[test]
fn the_doctor_tells_who_gets_through() {
    let mut rig = Rig::start();
    assert_eq!(rig.chat(&chat("small", false)).status, 200);
    let config = rig.waymark.config().display().to_string();
    let url = format!("http://{}", rig.waymark.address());
    assert_eq!(rig.waymark.run(&["connect", "opencode", "--base-url", &url]).code, Some(0));
    let doctor = |rig: &Rig| {
        let output = rig.waymark.run(&["doctor", "--json", "--config", &config, "--base-url", &url]);
        (output.code, serde_json::from_str::<Value>(&output.stdout).unwrap())
    };
    let (code, report) = doctor(&rig);
    assert_eq!(code, Some(0), "{report}");
    let opencode = |report: &Value| {
        let clients = report["clients"].as_array().unwrap();
        clients.iter().find(|client| client["client"] == "opencode").unwrap().clone()
    };
    assert_eq!(opencode(&report)["state"], "ok");
    assert_eq!(opencode(&report)["reaches"], true);
    assert!(report["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true), "{report}");
    rig.waymark.stop();
    let (code, report) = doctor(&rig);
    assert_eq!((code, opencode(&report)["reaches"].clone()), (Some(1), Value::Bool(false)), "{report}");
}
