//! The page. Its tables are between the comments `<!-- table: NAME -->` and `<!-- end -->`.

use std::fs;
use std::path::PathBuf;

pub struct Page {
    path: PathBuf,
    text: String,
    page_text: String,
}

impl Page {
    pub fn read() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
        let text = fs::read_to_string(&path).unwrap();
        Self {
            path,
            page_text: text.clone(),
            text,
        }
    }

    /// Replaces the table `name`.
    pub fn table(&mut self, name: &str, lines: &[String]) {
        let begin = format!("<!-- table: {name} -->\n");
        let (before, rest) = self
            .page_text
            .split_once(&begin)
            .unwrap_or_else(|| panic!("the page has no comments for the table `{name}`"));
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        let table = lines.join("\n");
        self.page_text = format!("{before}{begin}{table}\n<!-- end -->{after}");
    }

    /// Fails if the page differs, or writes it in update mode.
    pub fn compare(self) {
        let Self {
            path,
            text,
            page_text,
        } = self;
        if std::env::var_os("OUTCROP_UPDATE_GOLDEN").is_some() {
            fs::write(path, page_text).unwrap();
            return;
        }
        for (actual, expected) in text.lines().zip(page_text.lines()) {
            assert_eq!(actual, expected, "docs/compatibility.md is out of date");
        }
        assert_eq!(text, page_text, "docs/compatibility.md is out of date");
    }
}
