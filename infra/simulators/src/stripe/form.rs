//! Forms: bodies and queries such as `a[b][0][c]=v`.
//!
//! Stripe treats an empty value as absent, names the wrong parameter in each error, and takes lists with and without
//! numbers, so this reads parameters by their names instead of deserializing them.

use std::collections::BTreeMap;

use super::api_error::ApiError;

/// The parameters of a call in the order they were sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// Reads a URL-encoded form.
    pub(super) fn parse(encoded: &[u8]) -> Result<Self, ApiError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(encoded) {
            if name.is_empty() && value.is_empty() {
                continue;
            }
            if !well_formed(&name) {
                return Err(ApiError::invalid(format!("Invalid parameter name: {name}")));
            }
            // Of fields with the same name the last counts; names that end in [] make a list.
            if !name.ends_with("[]") {
                fields.retain(|(earlier, _)| *earlier != name);
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self { fields })
    }

    /// The form with these fields.
    pub(super) fn of<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self { fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    /// Refuses every parameter that no pattern of the `known` lists matches. In a pattern `*` stands for any name,
    /// and empty brackets for a position in a list.
    pub(super) fn allow_only(&self, known: &[&str]) -> Result<(), ApiError> {
        if let Some((name, _)) = self.fields.iter().find(|(name, _)| name.starts_with("payment_method_types"))
        {
            let message = "The payment_method_types parameter is no longer supported. Use \
                           automatic_payment_methods, excluded_payment_method_types or \
                           allowed_payment_method_types instead.";
            let error = ApiError::invalid(message).code("payment_method_types_no_longer_supported");
            return Err(error.param(name));
        }
        let patterns = known.iter().flat_map(|list| list.split_ascii_whitespace());
        let unknown =
            self.fields.iter().find(|(name, _)| !patterns.clone().any(|pattern| fits(name, pattern)));
        match unknown {
            Some((name, _)) => Err(ApiError::parameter_unknown(name)),
            None => Ok(()),
        }
    }

    /// The value as it was sent.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The value, unless it is empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|value| !value.is_empty())
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.filled(name).map(str::to_owned)
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.filled(name).ok_or_else(|| ApiError::parameter_missing(name))
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.filled(name) else { return Ok(None) };
        let error = ApiError::invalid(format!("Invalid integer: {text}"));
        text.parse().map(Some).map_err(|_| error.code("parameter_invalid_integer").param(name))
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.filled(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => Err(ApiError::invalid(format!("Invalid boolean: {text}")).param(name)),
        }
    }

    /// True when the value is `true`, false when it is `false` or absent.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        Ok(self.boolean(name)?.unwrap_or(false))
    }

    /// One of these words.
    pub(super) fn word(&self, name: &str, words: &[&str]) -> Result<Option<String>, ApiError> {
        match self.filled(name) {
            Some(text) if !words.contains(&text) => {
                let message = format!("Invalid {name}: must be one of {}", words.join(", "));
                Err(ApiError::invalid(message).param(name))
            }
            other => Ok(other.map(str::to_owned)),
        }
    }

    /// `name[]=a&name[]=b` or `name[0]=a&name[1]=b`; `None` when there is none.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let pattern = format!("{name}[]");
        let fitting = self.fields.iter().filter(|(field, _)| fits(field, &pattern));
        let values: Vec<_> = fitting.map(|(_, value)| value.clone()).collect();
        (!values.is_empty()).then_some(values)
    }

    /// `name[key]=value`, by key.
    pub(super) fn map(&self, name: &str) -> BTreeMap<String, String> {
        let inside = |field: &str| -> Option<String> {
            Some(field.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?.to_owned())
        };
        self.fields.iter().filter_map(|(field, value)| Some((inside(field)?, value.clone()))).collect()
    }

    /// All fields in the order they were sent.
    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// All fields, sorted.
    pub(super) fn sorted(&self) -> Vec<(String, String)> {
        let mut fields = self.fields.clone();
        fields.sort();
        fields
    }
}

/// Whether a name is a word with any number of words in brackets behind it.
fn well_formed(name: &str) -> bool {
    let (word, mut rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    while let Some((inner, after)) = rest.strip_prefix('[').and_then(|open| open.split_once(']')) {
        if inner.contains('[') {
            return false;
        }
        rest = after;
    }
    rest.is_empty() && !word.is_empty() && !word.contains(']')
}

fn fits(name: &str, pattern: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        text.split('[').map(|part| part.trim_end_matches(']').to_owned()).collect()
    };
    let (name, pattern) = (parts(name), parts(pattern));
    let fits_part = |part: &String, wanted: &String| match wanted.as_str() {
        "*" => !part.is_empty(),
        "" => part.bytes().all(|byte| byte.is_ascii_digit()),
        exact => part == exact,
    };
    name.len() == pattern.len() && name.iter().zip(&pattern).all(|(part, wanted)| fits_part(part, wanted))
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn nested_names_lists_and_maps_are_read() {
        let form = Form::parse(b"a[b][0][c]=v&expand[]=x&expand[]=y&metadata[booking%5B1]=z&n=1&n=2");
        assert!(form.is_err(), "a bracket inside a name is not a name");
        let form = Form::parse(b"a[b][0][c]=v&expand[]=x&expand[]=y&metadata[booking]=z+1&n=1&n=2").unwrap();
        assert_eq!(form.text("a[b][0][c]"), Some("v"));
        assert_eq!(form.list("expand"), Some(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(form.map("metadata").get("booking").map(String::as_str), Some("z 1"));
        assert_eq!(form.integer("n").unwrap(), Some(2));
    }

    #[test]
    fn only_known_names_pass() {
        let known = ["amount", "metadata[*]", "expand[]", "items[][price]"];
        let check = |body: &str| Form::parse(body.as_bytes()).unwrap().allow_only(&known).is_ok();
        assert!(check("amount=1&metadata[x]=1&expand[0]=a&expand[]=b&items[1][price]=p"));
        assert!(!check("amount[x]=1"));
        assert!(!check("metadata[x][y]=1"));
        assert!(!check("expand[a]=1"));
        assert!(!check("items[1][cost]=p"));
        assert!(!check("bogus=1"));
    }

    #[test]
    fn names_that_are_not_names_are_refused() {
        for body in ["a]=1", "a[=1", "a[b=1", "[a]=1", "=1", "a[b]c=1", "a[[b]]=1"] {
            assert!(Form::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
