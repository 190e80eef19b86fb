use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;

use super::*;

type Lookup = dyn Fn(&str) -> Option<String>;

/// A user's folders in a temporary one.
struct Rig {
    folder: TempDir,
    environment: Box<Lookup>,
    platform: Platform,
}

impl Rig {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), environment: Box::new(|_| None), platform: Platform::Linux }
    }

    fn home(&self) -> Home<'_> {
        let home = self.folder.path().join("user");
        fs::create_dir_all(&home).unwrap();
        let config = match self.platform {
            Platform::Linux => home.join(".config"),
            Platform::MacOs => home.join("Library").join("Application Support"),
            Platform::Windows => home.join("AppData").join("Roaming"),
        };
        Home { home, config, platform: self.platform, environment: &*self.environment }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn plan(&self, name: &str, url: &str) -> (Plan, Address) {
        let address = Address::parse(url).unwrap();
        ((client(name).unwrap().plan)(&self.home(), &address), address)
    }

    fn connect_to(&self, name: &str, url: &str, dry_run: bool) -> Result<Vec<FileChange>, ConnectError> {
        let (plan, address) = self.plan(name, url);
        connect(client(name).unwrap(), &plan, &address, &self.data(), dry_run)
    }

    fn connect(&self, name: &str) -> Vec<FileChange> {
        self.connect_to(name, URL, false).unwrap()
    }

    fn undo(&self, name: &str) -> Option<Vec<FileChange>> {
        undo(client(name).unwrap(), &self.data(), false).unwrap()
    }

    fn state(&self, name: &str) -> State {
        let address = Address::parse(URL).unwrap();
        state(client(name).unwrap(), &self.home(), &address, Some(&self.data())).unwrap()
    }

    fn put(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home().home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Every file below the user's folder and its bytes.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.home().home]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    found.insert(path, bytes);
                }
            }
        }
        found
    }
}

const URL: &str = "http://127.0.0.1:4114";

/// For each client that has files, what a user may have in them already.
const REAL: [(&str, &str, &str); 9] = [
    (
        "claude-code",
        ".claude/settings.json",
        "{\n  \"permissions\": {\"allow\": [\"Bash(ls:*)\"]},\n  \"env\": {\n    \"DISABLE_TELEMETRY\": \"1\"\n  }\n}\n",
    ),
    (
        "codex",
        ".codex/config.toml",
        "# mine\r\nmodel = \"gpt-5\" # best\r\n\r\n[model_providers.azure]\r\nname = \"Azüre\"\r\n\r\n[projects.\"/a\"]\r\ntrust_level = \"trusted\"\r\n",
    ),
    (
        "opencode",
        ".config/opencode/opencode.jsonc",
        "{\n\t// theirs\n\t\"provider\": {\n\t\t\"local\": {\"npm\": \"x\",},\n\t},\n}\n",
    ),
    (
        "vscode",
        ".config/Code/User/chatLanguageModels.json",
        "[\n\t{\n\t\t\"name\": \"OpenRouter\",\n\t\t\"vendor\": \"openrouter\"\n\t}\n]",
    ),
    (
        "vscode",
        ".config/Code/User/settings.json",
        "{\n    // look\n    \"editor.fontSize\": 13, // small\n    \"files.exclude\": {\"**/x\": true,},\n}\n",
    ),
    (
        "continue",
        ".continue/config.yaml",
        "name: Mine\nversion: 1.0.0\nschema: v1\nmodels:\n  # the big one\n  - name: Ö\n    provider: anthropic\ncontext:\n  - provider: code\n",
    ),
    (
        "zed",
        ".config/zed/settings.json",
        "// Zed settings\n{\n  \"theme\": {\"mode\": \"dark\"},\n  \"agent\": {\"default_model\": {\"provider\": \"zed.dev\", \"model\": \"x\"}},\n}\n",
    ),
    (
        "aider",
        ".aider.conf.yml",
        "# mine\ndark-mode: true\nread: [a.md, b.md]\nmessage: |\n  text\n  # >>> no mark",
    ),
    (
        "gemini-cli",
        ".gemini/settings.json",
        "{\"security\": {\"auth\": {\"selectedType\": \"oauth-personal\"}}, \"ui\": {}}",
    ),
];

#[test]
fn every_client_comes_and_goes_without_a_trace() {
    for (name, path, text) in REAL {
        for text in [Some(text), None] {
            let rig = Rig::new();
            if let Some(text) = text {
                rig.put(path, text);
            }
            let before = rig.files();
            let changes = rig.connect_to(name, URL, true).unwrap();
            assert!(changes.iter().any(FileChange::is_change), "{name}");
            assert_eq!(rig.files(), before, "{name}: a dry run writes nothing");
            assert!(!rig.data().exists(), "{name}: a dry run remembers nothing");
            assert_eq!(rig.state(name).here, Here::No, "{name}");
            assert!(rig.connect(name).iter().any(FileChange::is_change), "{name}");
            assert_eq!(rig.state(name).here, Here::Yes, "{name}");
            let connected = rig.files();
            assert!(rig.connect(name).iter().all(|change| !change.is_change()), "{name}: twice is once");
            assert_eq!(rig.files(), connected, "{name}");
            rig.undo(name).unwrap();
            assert_eq!(rig.files(), before, "{name}");
            assert!(rig.undo(name).is_none(), "{name}");
        }
    }
}

#[test]
fn without_the_backup_only_our_keys_go_and_the_rest_is_the_same() {
    for (name, path, text) in REAL {
        let rig = Rig::new();
        let path = rig.put(path, text);
        for change in rig.connect(name) {
            if let Some(backup) = change.backup {
                fs::remove_file(backup).unwrap();
            }
        }
        rig.undo(name).unwrap();
        let restored = fs::read_to_string(&path).unwrap();
        assert_eq!(restored.trim_end(), text.trim_end(), "{name}");
    }
}

#[test]
fn clients_without_a_file_are_told_by_hand() {
    let rig = Rig::new();
    for client in ALL {
        let plan = rig.plan(client.name, URL).0;
        assert!(!plan.files.is_empty() || !plan.by_hand.is_empty(), "{}", client.name);
        for passage in &plan.by_hand {
            assert!(passage.text.contains("waymark"), "{}", passage.text);
        }
    }
    for name in ["copilot-cli", "cline", "jetbrains", "neovim"] {
        assert!(rig.connect(name).is_empty());
        assert!(rig.plan(name, URL).0.by_hand.iter().any(|passage| passage.text.contains(URL)), "{name}");
    }
    assert_eq!(rig.files(), BTreeMap::new());
    let windows = Rig { platform: Platform::Windows, ..Rig::new() };
    assert!(windows.plan("copilot-cli", URL).0.by_hand[0].text.contains("$env:COPILOT_MODEL = \"auto\""));
}

#[test]
fn foreign_edits_stay_and_are_told() {
    let rig = Rig::new();
    let path = rig.put(".claude/settings.json", "{\n  \"a\": 1\n}\n");
    rig.connect("claude-code");
    let edited = fs::read_to_string(&path).unwrap().replace("\"a\": 1", "\"a\": 2");
    fs::write(&path, edited.replace("\"waymark\"", "\"their own\"")).unwrap();
    let changes = rig.undo("claude-code").unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "{\n  \"a\": 2,\n  \"env\": {\n    \"ANTHROPIC_AUTH_TOKEN\": \"their own\"\n  }\n}\n"
    );
    let remarks = changes[0].remarks.join("; ");
    assert!(remarks.contains("others wrote") && remarks.contains("env.ANTHROPIC_AUTH_TOKEN"), "{remarks}");
    let first = path.with_file_name("settings.json.waymark-backup");
    assert_eq!(fs::read_to_string(first).unwrap(), "{\n  \"a\": 1\n}\n", "the first backup stays");
}

#[test]
fn another_address_moves_and_one_undo_takes_both_back() {
    for foreign in [false, true] {
        for (name, path, text) in REAL {
            let rig = Rig::new();
            let path = rig.put(path, text);
            rig.connect(name);
            if foreign {
                let text = fs::read_to_string(&path).unwrap();
                fs::write(&path, format!("{text}\n")).unwrap();
            }
            rig.connect_to(name, "http://localhost:5000", false).unwrap();
            assert_eq!(rig.state(name).address.base(), "http://localhost:5000", "{name}");
            assert_eq!(rig.state(name).here, Here::Yes, "{name}");
            rig.undo(name).unwrap();
            let restored = fs::read_to_string(&path).unwrap();
            match foreign {
                true => assert_eq!(restored.trim_end(), text.trim_end(), "{name}"),
                false => assert_eq!(restored, text, "{name}"),
            }
        }
    }
}

#[test]
fn a_broken_file_is_refused_with_its_place_and_nothing_is_touched() {
    for (name, path, text, place) in [
        ("claude-code", ".claude/settings.json", "{\n  \"a\" 1\n}", "line 2, column 7"),
        ("codex", ".codex/config.toml", "a = 1\nb = \n", "line 2"),
        ("continue", ".continue/config.yaml", "a: 1\nb: [1\nc: 2\n", "line "),
        ("gemini-cli", ".gemini/settings.json", "{", "line 1, column 1"),
        ("zed", ".config/zed/settings.json", "{\"edit_predictions\": 3}", "`edit_predictions` is no object"),
    ] {
        let rig = Rig::new();
        rig.put(path, text);
        let before = rig.files();
        let error = rig.connect_to(name, URL, false).err().unwrap();
        let told = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(told.contains(place), "{name}: {told}");
        assert_eq!(rig.files(), before, "{name}");
        assert!(!rig.data().exists(), "{name}");
    }
    let rig = Rig::new();
    fs::write(rig.put(".claude/settings.json", ""), [0xff, 0xfe]).unwrap();
    assert!(matches!(rig.connect_to("claude-code", URL, false), Err(ConnectError::NotText(_))));
}

#[test]
fn what_is_not_safe_is_told_by_hand() {
    let rig = Rig::new();
    rig.put(".aider.conf.yml", "model: gpt-4o\n");
    let before = rig.files();
    let changes = rig.connect("aider");
    assert!(changes[0].by_hand.as_ref().unwrap().contains("openai-api-base: http://127.0.0.1:4114/v1"));
    assert_eq!(rig.files(), before);
}

#[test]
fn backups_are_never_written_over() {
    let rig = Rig::new();
    let path = rig.put(".claude/settings.json", "{}\n");
    let older = rig.put(".claude/settings.json.waymark-backup", "older");
    rig.connect("claude-code");
    assert_eq!(fs::read_to_string(&older).unwrap(), "older");
    assert_eq!(fs::read_to_string(path.with_file_name("settings.json.waymark-backup-2")).unwrap(), "{}\n");
    rig.undo("claude-code").unwrap();
    assert_eq!(rig.files().len(), 2);
}

#[cfg(unix)]
#[test]
fn symlinks_stay_symlinks_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let rig = Rig::new();
    let real = rig.put("dotfiles/claude.json", "{\"a\": 1}\n");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let link = rig.home().home.join(".claude").join("settings.json");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink("../dotfiles/claude.json", &link).unwrap();
    rig.connect("claude-code");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains(URL));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&real), 0o640);
    assert_eq!(mode(&link.with_file_name("settings.json.waymark-backup")), 0o640);
    assert_eq!(mode(&rig.data().join("connections").join("claude-code.json")), 0o600);
    rig.undo("claude-code").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "{\"a\": 1}\n");
}

#[test]
fn the_environment_and_the_platform_move_files() {
    let rig = Rig::new();
    let elsewhere = rig.home().home.join("elsewhere").display().to_string();
    let moved =
        Rig { environment: Box::new(move |name| (name == "CODEX_HOME").then(|| elsewhere.clone())), ..rig };
    moved.connect("codex");
    assert!(moved.home().home.join("elsewhere").join("config.toml").is_file());
    for (platform, path) in [
        (Platform::MacOs, "Library/Application Support/Code/User/settings.json"),
        (Platform::Windows, "AppData/Roaming/Code/User/settings.json"),
    ] {
        let rig = Rig { platform, ..Rig::new() };
        rig.connect("vscode");
        assert!(rig.home().home.join(path).is_file(), "{path}");
    }
}

#[test]
fn a_client_is_found_where_it_is() {
    let rig = Rig::new();
    assert_eq!(rig.state("zed").installed, None);
    rig.put(".config/zed/settings.json", "{}");
    assert!(rig.state("zed").installed.is_some());
    assert_eq!(rig.state("cline").here, Here::Unknown);
    assert_eq!(rig.state("copilot-cli").here, Here::No);
    rig.put(".claude/settings.json", "{\"env\": {\"ANTHROPIC_BASE_URL\": \"https://other.example\"}}");
    assert_eq!(rig.state("claude-code").here, Here::Elsewhere("https://other.example".into()));
    rig.put(".claude/settings.json", "{\"env\": {\"ANTHROPIC_BASE_URL\": \"http://127.0.0.1:4114\"}}");
    assert_eq!(rig.state("claude-code").here, Here::Partly);
    let variable = |name: &str| (name == "COPILOT_PROVIDER_BASE_URL").then(|| format!("{URL}/v1"));
    let rig = Rig { environment: Box::new(variable), ..Rig::new() };
    assert_eq!(rig.state("copilot-cli").here, Here::Yes);
}
