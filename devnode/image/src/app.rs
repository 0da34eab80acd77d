//! Apps by name.

use std::fmt;
use std::str::FromStr;

/// An app's type, by its path from its crate on: `my_crate::app::App`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPath {
    path: String,
}

impl AppPath {
    /// The crate that it is in.
    pub fn krate(&self) -> &str {
        self.path.split("::").next().unwrap_or_default()
    }

    /// A name for its image: the last module that is not just called `app`, or the crate.
    pub fn name(&self) -> &str {
        let modules = self.path.rsplit("::").skip(1);
        modules
            .into_iter()
            .find(|module| *module != "app")
            .unwrap_or(self.krate())
    }
}

impl fmt::Display for AppPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl FromStr for AppPath {
    type Err = String;

    /// Takes a path of at least two names.
    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        if text.contains("::") && text.split("::").all(is_name) {
            Ok(Self {
                path: text.to_owned(),
            })
        } else {
            Err("give the path of the app's type from its crate on, such as my_crate::App".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> AppPath {
        text.parse().unwrap()
    }

    #[test]
    fn an_image_has_the_name_that_tells_most() {
        let names = [
            "blink::App",
            "blink::app::App",
            "many::lock::App",
            "a::b::app::App",
        ];
        let names = names.map(|path| parsed(path).name().to_owned());
        assert_eq!(names, ["blink", "blink", "lock", "b"]);
        assert_eq!(parsed("many::lock::App").krate(), "many");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in [
            "", "App", "a::", "::App", "a:App", "a::b c", "a::App;x", "1a::App",
        ] {
            assert!(bad.parse::<AppPath>().is_err(), "{bad}");
        }
    }
}
