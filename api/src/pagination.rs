//! Keyset pages: a cursor says after which row a list goes on, and which list it belongs to.
//!
//! A cursor is opaque to callers and good only for the sort and the filters it was made with. It is not
//! secret and gives no access: every query it is used in is scoped to the caller's organization.
//!
//! A handler reads [`PageQuery`] with [`PageQuery::read`], fetches [`PageRequest::fetch`] rows (one more
//! than the page holds) after [`PageRequest::after`], and makes the page with [`PageRequest::page`].

use crate::error::{ApiError, Code, FieldError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::IntoParams;

/// Rows of a page when the caller does not say.
pub const DEFAULT_LIMIT: u16 = 50;
/// Rows of a page at most.
pub const MAX_LIMIT: u16 = 500;

/// Parameters of every list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before. Good only with the same filters.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

/// A read [`PageQuery`]: `K` is the position of a row in the list's order, ending in its id.
#[derive(Clone, Debug)]
pub struct PageRequest<K> {
    limit: u16,
    binding: [u8; 8],
    /// The row after which the page begins; none: the first page.
    pub after: Option<K>,
}

/// One page of any list.
#[derive(Clone, Debug)]
pub struct Paged<T> {
    /// The items.
    pub data: Vec<T>,
    /// Whether there are more.
    pub has_more: bool,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

/// What the answer to a list needs to know of a page, whatever it holds.
pub trait Page: Serialize {
    /// Where the next page begins.
    fn next_cursor(&self) -> Option<&str>;
}

/// Declares the page of a resource: `page_type!(ClientPage, Client)`, with a visibility in front if more
/// than its own file uses it. Concrete, because the API document would otherwise repeat the page's schema
/// in each operation.
#[macro_export]
macro_rules! page_type {
    ($visibility:vis $name:ident, $item:ty) => {
        /// One page of a list.
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        $visibility struct $name {
            /// The items.
            #[schema(max_items = 500)]
            pub data: Vec<$item>,
            /// Whether there are more.
            pub has_more: bool,
            /// `cursor` of the next page; absent on the last one.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(max_length = 1000)]
            pub next_cursor: Option<String>,
        }

        impl From<$crate::pagination::Paged<$item>> for $name {
            fn from(page: $crate::pagination::Paged<$item>) -> Self {
                Self { data: page.data, has_more: page.has_more, next_cursor: page.next_cursor }
            }
        }

        impl $crate::pagination::Page for $name {
            fn next_cursor(&self) -> Option<&str> {
                self.next_cursor.as_deref()
            }
        }
    };
}

impl PageQuery {
    /// Checks the limit and opens the cursor. `list` names the list and holds its sort and filters,
    /// for example `("clients", &filter)`.
    ///
    /// # Errors
    /// 400 when the limit is out of bounds, or the cursor is not one of this list with these filters.
    pub fn read<K: DeserializeOwned>(&self, list: &impl Serialize) -> Result<PageRequest<K>, ApiError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(refused("limit", "must be 1 to 500"));
        }
        let binding = binding(list)?;
        let after = self.cursor.as_deref().map(|cursor| open(cursor, binding)).transpose()?;
        Ok(PageRequest { limit, binding, after })
    }
}

impl<K: Serialize> PageRequest<K> {
    /// How many rows to fetch: one more than the page holds, which tells whether there is a next one.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The same, for rows that are in memory.
    pub fn fetch_count(&self) -> usize {
        usize::from(self.limit) + 1
    }

    /// Makes the page; `position` is a row's place in the order.
    pub fn page<T>(&self, mut rows: Vec<T>, position: impl FnOnce(&T) -> K) -> Result<Paged<T>, ApiError> {
        let has_more = rows.len() > usize::from(self.limit);
        rows.truncate(usize::from(self.limit));
        let last = if has_more { rows.last() } else { None };
        let next_cursor = last.map(|row| seal(&position(row), self.binding)).transpose()?;
        Ok(Paged { data: rows, has_more, next_cursor })
    }
}

impl<T> Paged<T> {
    /// The same page of something made from its items.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Paged<U> {
        Paged {
            data: self.data.into_iter().map(f).collect(),
            has_more: self.has_more,
            next_cursor: self.next_cursor,
        }
    }

    /// The same page of something made from its items, where that can fail.
    pub fn try_map<U, E>(self, f: impl FnMut(T) -> Result<U, E>) -> Result<Paged<U>, E> {
        let data = self.data.into_iter().map(f).collect::<Result<_, _>>()?;
        Ok(Paged { data, has_more: self.has_more, next_cursor: self.next_cursor })
    }
}

fn binding(list: &impl Serialize) -> Result<[u8; 8], ApiError> {
    let text = serde_json::to_vec(list).map_err(ApiError::internal)?;
    Ok(short_digest(&[b"list", &text]))
}

fn short_digest(parts: &[&[u8]]) -> [u8; 8] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    let digest: [u8; 32] = digest.finalize().into();
    let mut short = [0; 8];
    short.copy_from_slice(&digest[..8]);
    short
}

/// Eight bytes that depend on the list and the position, then the position.
fn seal(position: &impl Serialize, binding: [u8; 8]) -> Result<String, ApiError> {
    let position = serde_json::to_vec(position).map_err(ApiError::internal)?;
    let mut cursor = short_digest(&[&binding, &position]).to_vec();
    cursor.extend_from_slice(&position);
    Ok(URL_SAFE_NO_PAD.encode(cursor))
}

fn open<K: DeserializeOwned>(cursor: &str, binding: [u8; 8]) -> Result<K, ApiError> {
    let foreign =
        || refused("cursor", "is not a cursor of this list with these filters; begin again without a cursor");
    if cursor.len() > 1000 {
        return Err(foreign());
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| foreign())?;
    let (digest, position) = bytes.split_first_chunk::<8>().ok_or_else(foreign)?;
    if *digest != short_digest(&[&binding, position]) {
        return Err(foreign());
    }
    serde_json::from_slice(position).map_err(|_| foreign())
}

fn refused(parameter: &str, reason: &str) -> ApiError {
    ApiError::new(Code::Unreadable, format!("`{parameter}` {reason}.")).with(FieldError {
        pointer: Some(parameter.to_owned()),
        reason: reason.to_owned(),
        ..FieldError::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(limit: Option<u16>, cursor: Option<&str>) -> PageQuery {
        PageQuery { limit, cursor: cursor.map(str::to_owned) }
    }

    fn walk(list: &str, limit: u16, rows: i64) -> Vec<i64> {
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let request: PageRequest<i64> = query(Some(limit), cursor.as_deref()).read(&list).unwrap();
            let first = request.after.map_or(0, |after| after + 1);
            let found = (first..rows).take(usize::try_from(request.fetch()).unwrap()).collect();
            let page = request.page(found, |row| *row).unwrap();
            assert_eq!(page.has_more, page.next_cursor.is_some());
            seen.extend(page.data);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return seen;
            }
        }
    }

    #[test]
    fn pages_hold_every_row_once_in_order() {
        for (limit, rows) in [(1, 3), (2, 4), (3, 4), (5, 4), (4, 4), (1, 0)] {
            assert_eq!(walk("numbers", limit, rows), (0..rows).collect::<Vec<_>>(), "{limit} of {rows}");
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let request: PageRequest<i64> = query(Some(1), None).read(&"a").unwrap();
        let cursor = request.page(vec![1, 2], |row| *row).unwrap().next_cursor.unwrap();
        assert!(query(None, Some(&cursor)).read::<i64>(&"a").is_ok());
        assert_eq!(query(None, Some(&cursor)).read::<i64>(&"b").unwrap_err().code(), Code::Unreadable);
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        let request: PageRequest<i64> = query(Some(1), None).read(&"a").unwrap();
        let cursor = request.page(vec![1, 2], |row| *row).unwrap().next_cursor.unwrap();
        for bad in [&cursor[1..], "", "AAAA", "%%%", &format!("{cursor}AA")] {
            assert!(query(None, Some(bad)).read::<i64>(&"a").is_err(), "{bad}");
        }
    }

    #[test]
    fn limits_out_of_bounds_are_refused() {
        for limit in [0, 501] {
            assert!(query(Some(limit), None).read::<i64>(&"a").is_err());
        }
    }
}
