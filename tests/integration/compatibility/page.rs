//! The pages in `docs/compatibility/`. Generated tables stand between the comments
//! `<!-- table: NAME -->` and `<!-- end -->`.

use std::fs;
use std::path::PathBuf;

/// Separates the summary, which a person writes, from the tables.
const REFERENCE: &str = "\n<!-- reference -->\n";

const MAX_SUMMARY_LINES: usize = 40;

pub struct Page {
    path: PathBuf,
    text: String,
    generated: String,
}

impl Page {
    /// Reads `docs/compatibility/NAME.md`.
    pub fn read(name: &str) -> Self {
        Self::at(&format!("docs/compatibility/{name}.md"))
    }

    /// Reads the document at `path`, which is relative to the repository.
    pub fn at(path: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            path,
            generated: text.clone(),
            text,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Fails if the summary above the tables is missing or too long.
    pub fn assert_summary(&self) {
        let name = self.path.display();
        let (summary, _) = self
            .text
            .split_once(REFERENCE)
            .unwrap_or_else(|| panic!("{name} has no line `<!-- reference -->`"));
        let lines = summary.lines().count();
        assert!(
            lines <= MAX_SUMMARY_LINES,
            "the summary of {name} has {lines} lines; shorten it to {MAX_SUMMARY_LINES}"
        );
    }

    /// Replaces the table `name`.
    pub fn table(mut self, name: &str, lines: &[String]) -> Self {
        let begin = format!("<!-- table: {name} -->\n");
        let (before, rest) = self
            .generated
            .split_once(&begin)
            .unwrap_or_else(|| panic!("{} has no table `{name}`", self.path.display()));
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        let table = lines.join("\n");
        self.generated = format!("{before}{begin}{table}\n<!-- end -->{after}");
        self
    }

    /// Writes the page if `OUTCROP_UPDATE_GOLDEN` is set; otherwise fails if it is out of date.
    pub fn compare(self) {
        let Self {
            path,
            text,
            generated,
        } = self;
        if std::env::var_os("OUTCROP_UPDATE_GOLDEN").is_some() {
            fs::write(path, generated).unwrap();
            return;
        }
        let name = path.display();
        for (actual, expected) in text.lines().zip(generated.lines()) {
            assert_eq!(actual, expected, "{name} differs from the code");
        }
        assert_eq!(text, generated, "{name} differs from the code");
    }
}
