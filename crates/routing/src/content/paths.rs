//! Which paths a rule is about: patterns like those of gitignore, over paths as requests write them.
//!
//! A request does not say where its repository begins, so a pattern holds at any depth, and capitals do not count: a rule
//! that keeps something back must not be got around by another way to write the same path.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns made ready.
pub(super) struct Paths(GlobSet);

impl Paths {
    /// Reads patterns.
    pub(super) fn new(patterns: &[String]) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            for glob in globs(pattern) {
                set.add(GlobBuilder::new(&glob).literal_separator(true).case_insensitive(true).build()?);
            }
        }
        Ok(Self(set.build()?))
    }

    /// Whether `path` is one of those meant.
    pub(super) fn contain(&self, path: &str) -> bool {
        self.0.is_match(plain(path))
    }
}

/// What a pattern means for whole paths: the thing itself at any depth, and everything inside.
fn globs(pattern: &str) -> [String; 2] {
    let pattern = pattern.trim_start_matches("./").trim_start_matches('/');
    let pattern = pattern.strip_prefix("**/").unwrap_or(pattern);
    match pattern.strip_suffix("/**").or(pattern.strip_suffix('/')) {
        Some(folder) => [format!("**/{folder}"), format!("**/{folder}/**")],
        None => [format!("**/{pattern}"), format!("**/{pattern}/**")],
    }
}

/// A path in one spelling: slashes forward, without a scheme, and no steps on the spot or back.
fn plain(path: &str) -> String {
    let path = path.trim().strip_prefix("file://").unwrap_or(path.trim()).replace('\\', "/");
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_hold_at_any_depth_and_for_what_is_inside() {
        for (pattern, path, does) in [
            ("*.pem", "key.pem", true),
            ("*.pem", "/srv/app/certs/key.pem", true),
            ("*.pem", "key.pem.txt", false),
            ("secrets/", "secrets/prod.env", true),
            ("secrets/", "/srv/app/secrets/deep/prod.env", true),
            ("secrets/", "secrets", true),
            ("secrets/**", "app/secrets/prod.env", true),
            ("secrets/", "app/secrets.rs", false),
            ("secrets/", "app/my_secrets/a", false),
            ("/deploy/prod.yaml", "deploy/prod.yaml", true),
            ("**/deploy/*.yaml", "x/deploy/prod.yaml", true),
            ("deploy/*.yaml", "deploy/eu/prod.yaml", false),
            ("deploy/**/*.yaml", "deploy/eu/west/prod.yaml", true),
            (".env*", ".env.production", true),
            (".env*", "src/.ENV", true),
            (".env", "environment", false),
            ("a?c.{rs,go}", "src/abc.go", true),
            ("[ab].rs", "c.rs", false),
            ("secrets/", "src/../secrets/x", true),
            ("secrets/", "file:///c/secrets/x", true),
            ("secrets/", "C:\\work\\Secrets\\x.txt", true),
            ("./secrets/a.rs", "./secrets//a.rs", true),
            ("ключи/", "src/ключи/а.txt", true),
        ] {
            let paths = Paths::new(&[pattern.to_owned()]).unwrap();
            assert_eq!(paths.contain(path), does, "{pattern} for {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        assert!(Paths::new(&["a[".to_owned()]).is_err());
        assert!(!Paths::new(&[]).unwrap().contain("a"));
    }
}
