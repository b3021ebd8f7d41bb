//! The page, whose tables stand between comments: `<!-- table: NAME -->` and `<!-- end -->`.

use std::fs;
use std::path::PathBuf;

pub struct Page {
    path: PathBuf,
    text: String,
    written: String,
}

impl Page {
    pub fn read() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
        let text = fs::read_to_string(&path).unwrap();
        Self {
            path,
            written: text.clone(),
            text,
        }
    }

    /// Puts the table `name` into its place.
    pub fn table(&mut self, name: &str, lines: &[String]) {
        let begin = format!("<!-- table: {name} -->\n");
        let (before, rest) = self
            .written
            .split_once(&begin)
            .unwrap_or_else(|| panic!("the page has no place for the table `{name}`"));
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        let table = lines.join("\n");
        self.written = format!("{before}{begin}{table}\n<!-- end -->{after}");
    }

    /// Fails where the page says something else, unless it is to be written.
    pub fn compare(self) {
        let Self {
            path,
            text,
            written,
        } = self;
        if std::env::var_os("OUTCROP_UPDATE_GOLDEN").is_some() {
            fs::write(path, written).unwrap();
            return;
        }
        for (said, is) in text.lines().zip(written.lines()) {
            assert_eq!(said, is, "docs/compatibility.md says otherwise");
        }
        assert_eq!(text, written, "docs/compatibility.md says otherwise");
    }
}
