//! The values of a row, for tables.

/// The value of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// No value.
    Empty,
    /// A text.
    Text(&'a str),
    /// A number.
    Integer(i64),
    /// A boolean.
    Flag(bool),
}

/// A type of columns.
pub(super) trait Column {
    fn cell(&self) -> Cell<'_>;
}

impl Column for String {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }
}

impl Column for i64 {
    fn cell(&self) -> Cell<'_> {
        Cell::Integer(*self)
    }
}

impl Column for bool {
    fn cell(&self) -> Cell<'_> {
        Cell::Flag(*self)
    }
}

impl<T: Column> Column for Option<T> {
    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Empty, Column::cell)
    }
}
