//! Every member inherits what the workspace decides; the workspace decides each dependency once.

use super::{Finding, SourceFile};

const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

/// Checks the workspace's manifest and every member's.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let manifests = files.iter().filter(|file| file.path == "Cargo.toml" || is_member(file));
    manifests.flat_map(|file| if file.path == "Cargo.toml" { root(file) } else { member(file) }).collect()
}

/// A workspace of its own, such as the fuzz targets', is no member of this one.
fn is_member(file: &SourceFile) -> bool {
    file.path.ends_with("/Cargo.toml") && !file.text.lines().any(|line| line == "[workspace]")
}

fn root(file: &SourceFile) -> Vec<Finding> {
    entries(&file.text)
        .filter(|(section, _, line)| {
            *section == "workspace.dependencies"
                && !line.contains("path = ")
                && !line.contains("default-features = false")
        })
        .map(|(_, number, line)| {
            let name = line.split([' ', '=']).next().unwrap_or_default();
            Finding::new(format!("Cargo.toml:{number}"), format!("`{name}` needs default-features = false"))
        })
        .collect()
}

fn member(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let has = |section: &str, wanted: &str| {
        entries(&file.text).any(|(found, _, line)| found == section && line.replace(' ', "") == wanted)
    };
    if !has("lints", "workspace=true") {
        findings.push(Finding::new(&*file.path, "take the workspace's lints: [lints] workspace = true"));
    }
    for key in INHERITED {
        if !has("package", &format!("{key}.workspace=true")) {
            findings.push(Finding::new(&*file.path, format!("inherit it: {key}.workspace = true")));
        }
    }
    if !entries(&file.text).any(|(section, _, line)| section == "package" && line.starts_with("description"))
    {
        findings.push(Finding::new(&*file.path, "say what it is for: description = \"...\""));
    }
    for (section, number, line) in entries(&file.text) {
        let compact = line.replace(' ', "");
        let is_inherited = compact.contains(".workspace=true") || compact.contains("workspace=true,");
        if section.ends_with("dependencies") && !is_inherited {
            let name = line.split([' ', '=', '.']).next().unwrap_or_default();
            let advice = format!("declare `{name}` in the workspace and take it with workspace = true");
            findings.push(Finding::new(format!("{}:{number}", file.path), advice));
        }
    }
    findings
}

/// Section, line number and text of every entry; entries here are one line each.
fn entries(text: &str) -> impl Iterator<Item = (&str, usize, &str)> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(number, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').filter(|_| line.ends_with(']')) {
            section = name.trim_matches(['[', ']']);
            return None;
        }
        (!line.is_empty() && !line.starts_with('#')).then_some((section, number + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        check(&[SourceFile { path: path.to_owned(), text: text.to_owned() }])
    }

    #[test]
    fn a_member_inherits_everything() {
        let head = "[package]\nname = \"x\"\ndescription = \"y\"\nversion.workspace = true\nedition.workspace = true\n\
                    rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n";
        let good = format!("{head}[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n");
        assert_eq!(findings("crates/x/Cargo.toml", &good), []);
        let own = format!("{good}[dev-dependencies]\nrand = \"0.9\"\n");
        assert_eq!(findings("crates/x/Cargo.toml", &own).len(), 1);
        assert_eq!(findings("crates/x/Cargo.toml", head).len(), 1);
        assert_eq!(findings("fuzz/Cargo.toml", "[workspace]\n\n[package]\nname = \"x\"\n"), []);
    }

    #[test]
    fn the_workspace_takes_no_default_features() {
        let text = "[workspace.dependencies]\na = { path = \"a\" }\nb = { version = \"1\", default-features = false }\nc = \"1\"\n";
        assert_eq!(
            findings("Cargo.toml", text),
            [Finding::new("Cargo.toml:4", "`c` needs default-features = false")]
        );
    }
}
