//! Where a user's programs keep their settings. Nothing of the process's own environment is read here.

use std::path::{Path, PathBuf};

/// The system the paths are those of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    /// Linux and others that follow the same custom.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Platform {
    /// The one this program was built for.
    pub(crate) const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Linux
    };
}

/// A user's folders and environment.
pub(crate) struct Home<'a> {
    /// The user's folder.
    pub(crate) home: PathBuf,
    /// The platform's folder for settings: `~/.config`, `~/Library/Application Support`, `%APPDATA%`.
    pub(crate) config: PathBuf,
    /// Whose customs to follow.
    pub(crate) platform: Platform,
    /// How an environment variable is looked up.
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Home<'_> {
    /// An environment variable that says something.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    /// A folder a variable moves elsewhere.
    pub(crate) fn moved(&self, variable: &str, usual: PathBuf) -> PathBuf {
        self.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute()).unwrap_or(usual)
    }

    /// `~/.config` for programs that follow that custom on every platform.
    pub(crate) fn dot_config(&self) -> PathBuf {
        self.moved("XDG_CONFIG_HOME", self.home.join(".config"))
    }

    /// Where a program is on the search path.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let endings: &[&str] =
            if self.platform == Platform::Windows { &[".exe", ".cmd", ".bat"] } else { &[""] };
        let path = self.variable("PATH")?;
        std::env::split_paths(&path)
            .flat_map(|folder| endings.iter().map(move |ending| folder.join(format!("{name}{ending}"))))
            .find(|path| path.is_file())
    }

    /// A path as people write it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        match path.strip_prefix(&self.home) {
            Ok(rest) if !rest.as_os_str().is_empty() => {
                format!("~{}{}", std::path::MAIN_SEPARATOR, rest.display())
            }
            _ => path.display().to_string(),
        }
    }
}
