use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Finds out whether files have changed, by polling: network mounts send no events, and ConfigMaps
/// are replaced by changing a symbolic link.
#[derive(Debug, Default)]
pub struct FileWatch {
    files: Vec<WatchedFile>,
}

#[derive(Debug)]
struct WatchedFile {
    path: PathBuf,
    stamp: Option<Stamp>,
    /// The content of which the last change was reported.
    digest: Option<[u8; 32]>,
    /// Whether the stamp has changed at the last poll. The file may still be being written.
    is_changing: bool,
}

/// What changes with the content of a file. Links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    length: u64,
    modified: (i64, i64),
}

impl FileWatch {
    /// Watches exactly `paths`, from now on.
    pub fn watch(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let mut known = std::mem::take(&mut self.files);
        for path in paths {
            let index = known.iter().position(|file| file.path == path);
            let file = match index {
                Some(index) => known.swap_remove(index),
                None => WatchedFile::new(path),
            };
            self.files.push(file);
        }
    }

    /// Takes the current content as known.
    pub fn refresh(&mut self) {
        for file in &mut self.files {
            *file = WatchedFile::new(std::mem::take(&mut file.path));
        }
    }

    /// Whether a file has changed. A change is reported once two polls find the same file, so that
    /// no half of it is read.
    pub fn poll(&mut self) -> bool {
        let changed = self.files.iter_mut().map(WatchedFile::poll);
        // Polls all of them.
        changed.fold(false, |any, changed| any | changed)
    }
}

impl WatchedFile {
    fn new(path: PathBuf) -> Self {
        Self {
            stamp: Stamp::of(&path),
            digest: digest(&path),
            path,
            is_changing: false,
        }
    }

    fn poll(&mut self) -> bool {
        let stamp = Stamp::of(&self.path);
        if stamp != self.stamp {
            self.stamp = stamp;
            self.is_changing = true;
            return false;
        }
        if !std::mem::take(&mut self.is_changing) {
            return false;
        }
        let digest = digest(&self.path);
        digest != std::mem::replace(&mut self.digest, digest)
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            inode: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

/// The digest of a regular file; `None` if there is none.
fn digest(path: &Path) -> Option<[u8; 32]> {
    let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let text = is_file.then(|| fs::read(path).ok()).flatten()?;
    Some(Sha256::digest(text).into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("outcrop-watch-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(&path, text).expect("a file");
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn watching(path: &Path) -> FileWatch {
        let mut watch = FileWatch::default();
        watch.watch([path.to_owned()]);
        watch
    }

    #[test]
    fn a_change_is_reported_once_when_the_file_rests() {
        let folder = Folder::new("rests");
        let path = folder.write("a.toml", "1");
        let mut watch = watching(&path);
        assert_eq!([watch.poll(), watch.poll()], [false, false]);
        folder.write("a.toml", "half");
        assert!(!watch.poll(), "it may be half written");
        folder.write("a.toml", "a longer whole");
        assert!(!watch.poll());
        assert_eq!([watch.poll(), watch.poll()], [true, false]);
    }

    #[test]
    fn a_file_with_the_same_content_has_not_changed() {
        let folder = Folder::new("same");
        let path = folder.write("a.toml", "1");
        let mut watch = watching(&path);
        fs::remove_file(&path).expect("a file");
        folder.write("other.toml", "in between");
        folder.write("a.toml", "1");
        assert_eq!([watch.poll(), watch.poll(), watch.poll()], [false; 3]);
    }

    #[test]
    fn a_changed_link_and_a_removed_file_are_changes() {
        let folder = Folder::new("links");
        folder.write("one/a.toml", "1");
        folder.write("two/a.toml", "2");
        let data = folder.0.join("data");
        symlink("one", &data).expect("a link");
        // As in a ConfigMap: the file is a link into a folder, which is a link, too.
        let path = folder.0.join("a.toml");
        symlink("data/a.toml", &path).expect("a link");
        let mut watch = watching(&path);
        let other = folder.0.join("data-new");
        symlink("two", &other).expect("a link");
        fs::rename(&other, &data).expect("a renamed link");
        assert_eq!(
            [watch.poll(), watch.poll(), watch.poll()],
            [false, true, false]
        );
        fs::remove_file(&data).expect("a link");
        assert_eq!(
            [watch.poll(), watch.poll(), watch.poll()],
            [false, true, false]
        );
    }

    #[test]
    fn the_current_content_can_be_taken_as_known() {
        let folder = Folder::new("known");
        let path = folder.write("a.toml", "1");
        let mut watch = watching(&path);
        folder.write("a.toml", "another");
        watch.refresh();
        assert_eq!([watch.poll(), watch.poll()], [false, false]);
        let other = folder.write("b.toml", "1");
        watch.watch([path, other]);
        folder.write("b.toml", "another");
        assert_eq!([watch.poll(), watch.poll()], [false, true]);
    }
}
