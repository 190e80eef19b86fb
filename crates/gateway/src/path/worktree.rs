//! The repository that a folder on this machine belongs to, by the files git keeps there: an assistant that works in a
//! folder of it, or in a linked working tree, works in the same repository.

use std::path::{Path, PathBuf};

/// The name of the repository that a folder belongs to: that of its main working tree's folder. None where there is no
/// such folder, or no repository around it.
pub(super) fn repository_of(folder: &Path) -> Option<String> {
    if !folder.is_absolute() || !folder.is_dir() {
        return None;
    }
    let root = folder.ancestors().find(|folder| folder.join(".git").exists())?;
    name(&main_tree(root).unwrap_or_else(|| root.to_owned()))
}

/// The main working tree of a linked one, whose `.git` is a file that leads into the main one's `.git/worktrees`.
fn main_tree(root: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(root.join(".git")).ok()?;
    let git_dir = root.join(text.strip_prefix("gitdir:")?.trim());
    let worktrees = git_dir.parent().filter(|folder| folder.ends_with("worktrees"))?;
    let common = worktrees.parent()?;
    // A bare repository has no working tree around it, and is named itself.
    Some(if common.ends_with(".git") { common.parent()?.to_owned() } else { common.to_owned() })
}

fn name(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?;
    Some(name.strip_suffix(".git").unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use waymark_testkit::Repository;

    use super::*;

    #[test]
    fn a_folder_and_a_linked_tree_belong_to_the_same_repository() {
        let mut repository = Repository::new();
        repository.write("src/deep/a.rs", "fn a() {}\n");
        repository.commit("one");
        let here = repository.path().file_name().unwrap().to_str().unwrap().to_owned();
        let linked = tempfile::tempdir().unwrap();
        let tree = linked.path().join("topic");
        repository.git(&["worktree", "add", "--quiet", tree.to_str().unwrap()]);
        for folder in [repository.path(), &repository.path().join("src/deep"), &tree, &tree.join("src")] {
            assert_eq!(repository_of(folder).as_ref(), Some(&here), "{}", folder.display());
        }
        assert_eq!(repository_of(linked.path()), None);
        assert_eq!(repository_of(Path::new("src/deep")), None);
        assert_eq!(repository_of(&repository.path().join("gone")), None);
    }
}
