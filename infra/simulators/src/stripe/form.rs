//! Bodies and queries of the form `a[b][0][c]=v`.

use std::collections::BTreeMap;

use super::api_error::ApiError;

/// The parameters of a call in the order they were sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// Reads URL-encoded text.
    pub(super) fn parse(encoded: &[u8]) -> Result<Self, ApiError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(encoded) {
            if name.is_empty() && value.is_empty() {
                continue;
            }
            if !well_formed(&name) {
                return Err(ApiError::invalid(format!("Invalid parameter name: {name}")));
            }
            // The last of two equal names counts; names that end in [] add up instead.
            if !name.ends_with("[]") {
                fields.retain(|(earlier, _)| *earlier != name);
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self { fields })
    }

    /// Refuses every parameter that none of `known` allows. A pattern's `*` stands for any name, its empty
    /// brackets for a position in a list.
    pub(super) fn allow_only(&self, known: &[&str]) -> Result<(), ApiError> {
        if let Some((name, _)) = self.fields.iter().find(|(name, _)| name.starts_with("payment_method_types"))
        {
            let message = "The payment_method_types parameter is no longer supported. Use \
                           automatic_payment_methods, excluded_payment_method_types or \
                           allowed_payment_method_types instead.";
            return Err(ApiError::invalid(message)
                .code("payment_method_types_no_longer_supported")
                .param(name));
        }
        let unknown = self.fields.iter().find(|(name, _)| !known.iter().any(|pattern| fits(name, pattern)));
        match unknown {
            Some((name, _)) => Err(ApiError::invalid(format!("Received unknown parameter: {name}"))
                .code("parameter_unknown")
                .param(name)),
            None => Ok(()),
        }
    }

    /// The value as it was sent.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The value when it is not empty. Stripe takes an empty value as "unset".
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
        self.filled(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    ApiError::invalid(format!("Invalid integer: {text}"))
                        .code("parameter_invalid_integer")
                        .param(name)
                })
            })
            .transpose()
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.filled(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => Err(ApiError::invalid(format!("Invalid boolean: {text}")).param(name)),
        }
    }

    /// One of a few words.
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
        let values: Vec<_> = self
            .fields
            .iter()
            .filter(|(field, _)| fits(field, &pattern))
            .map(|(_, value)| value.clone())
            .collect();
        (!values.is_empty()).then_some(values)
    }

    /// `name[key]=value`, by key.
    pub(super) fn map(&self, name: &str) -> BTreeMap<String, String> {
        let inside = |field: &str| -> Option<String> {
            Some(field.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?.to_owned())
        };
        self.fields.iter().filter_map(|(field, value)| Some((inside(field)?, value.clone()))).collect()
    }

    /// Takes a value out, as if it had not been sent.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let place = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.remove(place).1)
    }

    /// Everything as it was sent.
    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// Everything, in an order that does not depend on how it was sent.
    pub(super) fn canonical(&self) -> Vec<(String, String)> {
        let mut fields = self.fields.clone();
        fields.sort();
        fields
    }
}

fn well_formed(name: &str) -> bool {
    let mut rest = name.trim_start_matches(|letter| letter != '[' && letter != ']');
    if rest.len() == name.len() {
        return false;
    }
    while !rest.is_empty() {
        let Some(after) = rest.strip_prefix('[').and_then(|open| open.split_once(']')) else { return false };
        if after.0.contains('[') {
            return false;
        }
        rest = after.1;
    }
    true
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
