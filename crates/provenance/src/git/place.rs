//! Where things are: a user's path in the repository, and the names the repository goes by.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::process::{ask, path_text};
use super::{GitError, Repository};

impl Repository {
    /// The names this repository goes by: the folders of its working trees, and the last part of each remote's address.
    /// Found when first asked for; what cannot be read gives no name.
    pub fn names(&self) -> &BTreeSet<String> {
        self.names.get_or_init(|| {
            let mut names: BTreeSet<String> =
                self.remotes().iter().filter_map(|url| last_part(url)).collect();
            names.extend(self.working_trees().iter().filter_map(|folder| {
                let name = folder.file_name()?.to_string_lossy();
                Some(name.strip_suffix(".git").unwrap_or(&name).to_owned())
            }));
            names.remove("");
            names
        })
    }

    fn remotes(&self) -> Vec<String> {
        let mut command = self.git();
        let listing = ask(command.args(["config", "-z", "--get-regexp", r"^remote\..*\.url$"]), "config");
        let listing = listing.unwrap_or_default();
        let records = listing.split(|&byte| byte == 0);
        // A record is the key, a line feed, and the value.
        records.filter_map(|record| Some(path_text(record).split_once('\n')?.1.to_owned())).collect()
    }

    /// This working tree, the main one, and every linked one (git's `gitrepository-layout`, `worktrees/<id>/gitdir`).
    fn working_trees(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self.top.iter().cloned().collect();
        if self.common_dir.file_name().is_some_and(|name| name == ".git") {
            folders.extend(self.common_dir.parent().map(Path::to_owned));
        } else if self.top.is_none() {
            folders.push(self.common_dir.clone());
        }
        let linked = std::fs::read_dir(self.common_dir.join("worktrees"));
        for entry in linked.into_iter().flatten().flatten() {
            let Ok(link) = std::fs::read_to_string(entry.path().join("gitdir")) else { continue };
            folders.extend(Path::new(link.trim_end()).parent().map(Path::to_owned));
        }
        folders
    }

    /// From a path as a user writes it, absolute or from the current folder, to one from the root. The file itself need not
    /// be there. In a bare repository, paths are from the root already.
    pub fn relative(&self, path: &Path) -> Result<String, GitError> {
        let asked = path;
        let outside = || GitError::Outside { path: asked.to_owned() };
        let Some(top) = &self.top else {
            return slashed(path).ok_or_else(outside);
        };
        let file = |path: &Path, source| GitError::File { path: path.to_owned(), source };
        let here = std::env::current_dir().map_err(|source| file(Path::new("."), source))?;
        let top = top.canonicalize().map_err(|source| file(top, source))?;
        let path = here.join(path);
        let inside = |real: PathBuf| real.strip_prefix(&top).ok().and_then(slashed);
        // A link from outside into the working tree is a way in.
        real(&path).and_then(inside).or_else(|| inside(path.canonicalize().ok()?)).ok_or_else(outside)
    }
}

/// The path without symbolic links in its folders, the last part as it is: a link is a file of its own to git. Folders that
/// are not there (any more) are taken by name.
fn real(path: &Path) -> Option<PathBuf> {
    let parts: Vec<Component<'_>> = path.components().collect();
    let ends_in_name = matches!(parts.last(), Some(Component::Normal(_)));
    let mut known = parts.len() - usize::from(ends_in_name);
    loop {
        let folder: PathBuf = parts[..known].iter().collect();
        if let Ok(mut real) = folder.canonicalize() {
            for part in &parts[known..] {
                match part {
                    Component::Normal(name) => real.push(name),
                    Component::ParentDir => drop(real.pop()),
                    _ => {}
                }
            }
            return Some(real);
        }
        known = known.checked_sub(1)?;
    }
}

/// With `/` between its parts; nothing for a path that is not below where it starts.
fn slashed(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy()),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(parts.join("/"))
}

/// The last part of a remote's address, without `.git`: `git@host:team/Name.git` gives `Name`.
fn last_part(url: &str) -> Option<String> {
    let url = url.trim().trim_end_matches(['/', '\\']);
    let name = url.rsplit(['/', '\\', ':']).next()?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_in_a_name() {
        for url in [
            "https://example.com/team/name.git",
            "git@example.com:name",
            "ssh://host:22/a/name.git/",
            "../name",
            r"C:\src\name",
        ] {
            assert_eq!(last_part(url).as_deref(), Some("name"), "{url}");
        }
        assert_eq!(last_part("/"), None);
    }

    #[test]
    fn folders_that_are_not_there_are_taken_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        assert_eq!(real(&top.join("gone/../here/file")).unwrap(), top.join("here/file"));
        assert_eq!(real(&top.join(".")).unwrap(), top);
    }
}
