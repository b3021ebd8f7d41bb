use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Outcome;

/// The executables under test.
pub(crate) struct Binaries {
    pub(crate) gateway: PathBuf,
    pub(crate) simulator: PathBuf,
    /// A directory without a configuration file of the gateway or an AWS profile.
    pub(crate) directory: PathBuf,
    files: AtomicUsize,
}

impl Binaries {
    /// Builds the simulator with the release profile `dist`, and the gateway unless there is an
    /// executable. The gateway that `cargo bench` builds has test features of its dependencies
    /// enabled, such as tokio's test clock.
    pub(crate) fn build(gateway: Option<&Path>) -> Outcome<Self> {
        let executables = Path::new(env!("CARGO_BIN_EXE_outcrop"))
            .parent()
            .ok_or("the executable is not in a directory")?;
        let target = executables.parent().ok_or("there is no target directory")?;
        let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build
            .args(["build", "--quiet", "--profile", "dist", "--target-dir"])
            .arg(target)
            .args(["--package", "bedrock-simulator"])
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        if gateway.is_none() {
            build.args(["--package", "outcrop"]);
        }
        if !build.status()?.success() {
            return Err("`cargo build --profile dist` failed".into());
        }
        let directory = env::temp_dir().join(format!("outcrop-load-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        let built = target.join("dist");
        Ok(Self {
            gateway: gateway.map_or_else(|| built.join("outcrop"), Path::to_owned),
            simulator: built.join("bedrock-simulator"),
            directory,
            files: AtomicUsize::new(0),
        })
    }
}

impl Binaries {
    /// The path of a file that no other process uses.
    pub(crate) fn next_file(&self, extension: &str) -> PathBuf {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.directory.join(format!("{number}.{extension}"))
    }
}

impl Drop for Binaries {
    fn drop(&mut self) {
        // Best effort: the directory is small and temporary.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
