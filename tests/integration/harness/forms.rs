//! Multipart forms.

use bytes::Bytes;

/// The content type of [`form`].
pub const FORM: &str = "multipart/form-data; boundary=b";

/// A form of text fields and files: the field, the file name and the content of each.
pub fn form(texts: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Bytes {
    let mut form = Vec::new();
    let mut part = |head: &str, content: &[u8]| {
        let head = format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n");
    };
    for (field, text) in texts {
        part(&format!("name=\"{field}\""), text.as_bytes());
    }
    for (field, name, content) in files {
        part(&format!("name=\"{field}\"; filename=\"{name}\""), content);
    }
    form.extend_from_slice(b"--b--\r\n");
    form.into()
}
