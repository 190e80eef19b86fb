//! Which model wrote a line: answers through the real gateway, their code committed, and the repository asked.

use serde_json::{Value, json};
use waymark_testkit::{Reply, Repository, SERVED_MODEL, ToolCall};

use crate::rig::{ANTHROPIC, Rig};

const TOTAL: &str = "\
pub fn total(items: &[Item]) -> u64 {
    let mut sum = 0;
    for item in items {
        sum += item.price * item.count;
    }

    sum
}
";

/// A running server, and a repository that its answers are for.
struct House {
    rig: Rig,
    repository: Repository,
}

impl House {
    fn new() -> Self {
        let rig = Rig::start();
        let mut repository = Repository::new().in_the_present();
        repository.write("README.md", "# Shop\n");
        repository.commit("begin");
        Self { rig, repository }
    }

    fn path(&self, file: &str) -> String {
        self.repository.path().join(file).display().to_string()
    }

    /// Claude Code asks, in a session that works in the repository, and writes a file.
    fn claude_writes(&self, path: &str, content: &str) -> String {
        let arguments = json!({"file_path": self.path(path), "content": content});
        self.rig.anthropic.push(Reply::tools(&[ToolCall::new("call_1", "Write", &arguments)]));
        let system =
            format!("You are Claude Code.\nWorking directory: {}\n", self.repository.path().display());
        let body = json!({"model": "claude", "stream": true, "max_tokens": 4096, "system": system,
            "messages": [{"role": "user", "content": "Write it."}],
            "tools": [{"name": "Write", "input_schema": {"type": "object"}}]});
        let answer = self.rig.http().post("/v1/messages", ANTHROPIC, body.to_string());
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("x-waymark-record").to_owned()
    }

    fn why(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[&["why"], arguments, &["--json"]].concat());
        serde_json::from_str(&output).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> String {
        let data_dir = self.rig.waymark.data_dir().display().to_string();
        let arguments = [arguments, &["--data-dir", &data_dir]].concat();
        let output = self.rig.waymark.run_in(self.repository.path(), &arguments);
        assert_eq!(output.code, Some(0), "{arguments:?}: {}", output.stderr);
        output.stdout
    }

    /// One letter a line: `a`, `m`, `h` or `.`.
    fn classes(&self, path: &str, rev: Option<&str>) -> String {
        let rev = rev.map_or(vec![], |rev| vec!["--rev", rev]);
        let blamed: Value =
            serde_json::from_str(&self.run(&[&["blame", path, "--json"], &rev[..]].concat())).unwrap();
        let class = |line: &Value| match line["class"].as_str().unwrap() {
            "ai" => 'a',
            "ai_modified" => 'm',
            "human" => 'h',
            _ => '.',
        };
        blamed["lines"].as_array().unwrap().iter().map(class).collect()
    }
}

#[test]
fn a_line_is_told_with_its_record_and_its_proof_after_every_rewrite() {
    let mut house = House::new();
    let record = house.claude_writes("src/total.rs", TOTAL);
    house.repository.write(
        "src/total.rs",
        format!("{TOTAL}\nfn typed_by_hand(other: u32) -> u32 {{\n    other + 1\n}}\n"),
    );
    let told = house.why(&["src/total.rs:4"]);
    assert_eq!(
        (&told["class"], &told["record"], &told["line"]["commit"]),
        (&json!("ai"), &json!(record), &json!(null))
    );
    let commit = house.repository.commit("totals");
    let told = house.why(&["src/total.rs:4"]);
    assert_eq!(told["record"], record, "{told:#}");
    assert_eq!(
        told["line"],
        json!({"path": "src/total.rs", "number": 4,
        "text": "        sum += item.price * item.count;", "commit": commit})
    );
    assert_eq!((&told["class"], &told["evidence"]["kind"]), (&json!("ai"), &json!("exact")));
    assert_eq!((&told["served_model"], &told["proof"]["verified"]), (&json!(SERVED_MODEL), &json!(true)));
    assert_eq!(told["client"], json!(null));
    assert_eq!(house.classes("src/total.rs", None), "aaaaaaaa....");

    house.repository.git(&["commit", "--quiet", "--amend", "--message", "amended"]);
    assert_eq!(house.classes("src/total.rs", None), "aaaaaaaa....", "amend");
    house.repository.git(&["mv", "src/total.rs", "src/sums.rs"]);
    house.repository.commit("renamed");
    assert_eq!(house.classes("src/sums.rs", None), "aaaaaaaa....", "rename");
    house.repository.git(&["rm", "--quiet", "src/sums.rs"]);
    house.repository.commit("removed");
    house.repository.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(house.classes("src/sums.rs", None), "aaaaaaaa....", "revert");
    house.repository.git(&["checkout", "--quiet", "-b", "squashed", "HEAD~4"]);
    house.repository.git(&["merge", "--quiet", "--squash", "main"]);
    house.repository.commit("squashed");
    assert_eq!(house.classes("src/sums.rs", None), "aaaaaaaa....", "squash");
    assert_eq!(house.rig.waymark.run(&["verify"]).code, Some(0));
}
