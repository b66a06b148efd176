//! The Lambda functions: a folder for each area, and a file for each function.
//!
//! A route's file reads the request, runs one use case of `app`, and renders the result. The functions of an area share one
//! binary, `src/bin/<area>.rs`, except for the public routes that are called most often: those are in [`PUBLIC`]. A binary calls
//! [`runtime::run`], so the async code is compiled once, in this library.

pub mod experts;
pub mod identity;
pub mod messages;
pub mod messaging;
mod mirror;
pub mod operations;
mod paging;
pub mod payments;
pub mod receipts;
pub mod runtime;
pub mod scheduling;

use http_api::{Route, openapi};

use crate::runtime::{Binary, Needs, Worker};

/// Routes, and what each needs.
pub type Routes = &'static [(Route, Needs)];
/// Functions that a queue or a schedule invokes, and what each needs.
pub type Workers = &'static [(Worker, Needs)];

/// The functions of one area.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    /// Its name: that of its folder, its binary, its tag in the OpenAPI document, and its folders in the crates below `shared/`.
    pub name: &'static str,
    /// What its routes are about, for the OpenAPI document.
    pub description: &'static str,
    /// The examples of its routes, for the OpenAPI document: see [`openapi::Tag`].
    pub examples: &'static str,
    /// The public routes that are called most often; they are in the binary [`PUBLIC`].
    pub public: Routes,
    /// The other routes; they are in the binary of the area.
    pub routes: Routes,
    /// The workers; they are in the binary of the area.
    pub workers: Workers,
}

impl Area {
    /// The binary of the area.
    pub fn binary(&'static self) -> Binary {
        Binary { name: self.name, routes: std::slice::from_ref(&self.routes), workers: self.workers }
    }
}

/// Every area. A function that is in no area is not deployed.
pub const AREAS: &[Area] = &[
    identity::AREA,
    messaging::AREA,
    experts::AREA,
    scheduling::AREA,
    payments::AREA,
    receipts::AREA,
    operations::AREA,
];

/// The binary of the public routes that are called most often. It links no provider, so it starts sooner and takes less memory.
pub const PUBLIC: Binary =
    Binary { name: "public", routes: &[experts::PUBLIC, scheduling::PUBLIC, payments::PUBLIC], workers: &[] };

/// Every binary.
pub fn binaries() -> impl Iterator<Item = Binary> {
    AREAS.iter().map(Area::binary).chain([PUBLIC])
}

/// The routes of all areas.
pub static ROUTES: &[Route] = &ALL_ROUTES;

/// The OpenAPI document of all routes.
pub fn openapi() -> serde_json::Value {
    let tag = |area: &'static Area| openapi::Tag {
        name: area.name,
        description: area.description,
        routes: area.public.iter().chain(area.routes).map(|(route, _)| route).collect(),
        examples: area.examples,
    };
    openapi::document(&AREAS.iter().map(tag).collect::<Vec<_>>())
}

const ALL_ROUTES: [Route; ROUTE_COUNT] = {
    let mut all = [operations::health::ROUTE; ROUTE_COUNT];
    let (mut area, mut next) = (0, 0);
    while area < AREAS.len() {
        let (public, others) = (AREAS[area].public, AREAS[area].routes);
        let mut route = 0;
        while route < public.len() + others.len() {
            all[next] = if route < public.len() { public[route].0 } else { others[route - public.len()].0 };
            (route, next) = (route + 1, next + 1);
        }
        area += 1;
    }
    all
};

const ROUTE_COUNT: usize = {
    let (mut area, mut count) = (0, 0);
    while area < AREAS.len() {
        count += AREAS[area].public.len() + AREAS[area].routes.len();
        area += 1;
    }
    count
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The names of a folder's Rust files without `.rs`, and of its folders.
    fn names(folder: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut files, mut folders) = (BTreeSet::new(), BTreeSet::new());
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_str().expect("text").to_owned();
            if path.is_dir() {
                folders.insert(name)
            } else {
                files.insert(name)
            };
        }
        (files, folders)
    }

    #[test]
    fn every_file_of_an_area_is_one_of_its_functions() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let areas: BTreeSet<_> = AREAS.iter().map(|area| area.name.to_owned()).collect();
        let (_, mut folders) = names(&source);
        assert!(folders.remove("bin"));
        assert_eq!(folders, areas, "every folder is an area");
        for area in AREAS {
            let (mut files, folders) = names(&source.join(area.name));
            assert!(folders.is_empty(), "{folders:?} in {}", area.name);
            files.remove("mod");
            files.remove("documents");
            assert!(files.remove("examples"), "{} has no examples", area.name);
            let routes = area.public.iter().chain(area.routes).map(|(route, _)| route.function);
            let functions: Vec<_> =
                routes.chain(area.workers.iter().map(|(worker, _)| worker.function)).collect();
            assert_eq!(functions.len(), files.len(), "{} has a function twice, or too few", area.name);
            assert_eq!(functions.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), files);
        }
    }

    /// The texts of the Rust files below a folder.
    fn sources(folder: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let read = |path: std::path::PathBuf| match path.is_dir() {
            true => sources(&path),
            false => vec![(path.display().to_string(), fs::read_to_string(&path).expect("a file"))],
        };
        entries.flat_map(read).collect()
    }

    /// The names of the types in a source that derive `Serialize` or `Deserialize`.
    fn serialized_types(source: &str) -> impl Iterator<Item = &str> {
        let derives = source.split("#[derive(").skip(1).filter_map(|rest| rest.split_once(")]"));
        let serialized = derives
            .filter(|(traits, _)| ["Serialize", "Deserialize"].iter().any(|name| traits.contains(name)));
        serialized.filter_map(|(_, item)| {
            let mut words = item.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            words.find(|word| ["struct", "enum"].contains(word)).and_then(|_| words.next())
        })
    }

    #[test]
    fn types_of_the_domain_are_neither_rows_nor_documents_of_the_api() {
        // What a handler reads or returns must implement `JsonSchema`: see `Request::json` and `Response::json`.
        let domain = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/domain/src");
        let mut serialized = BTreeSet::new();
        for area in names(&domain).1.into_iter().filter(|area| area != "kernel") {
            for (file, source) in sources(&domain.join(area)) {
                assert!(!source.contains("JsonSchema"), "{file} describes a type for the API");
                let types: Vec<_> = serialized_types(&source).map(str::to_owned).collect();
                assert!(
                    !types.is_empty() || !(source.contains("use serde::") || source.contains("#[serde(")),
                    "{file} writes a type in its own way"
                );
                serialized.extend(types);
            }
        }
        // Texts that rows contain as they are, and a member of jobs.
        let allowed = ["EuroRate", "GatewayKind", "Percentage", "ReceiptNumber"];
        assert_eq!(serialized, allowed.map(str::to_owned).into());
    }

    #[test]
    fn every_binary_has_its_file() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
        let expected: BTreeSet<_> = binaries().map(|binary| binary.name.to_owned()).collect();
        assert_eq!(names(&folder).0, expected);
        for binary in binaries() {
            let main = fs::read_to_string(folder.join(binary.name).with_extension("rs")).expect("a file");
            let functions = match binary.name {
                "public" => "run(functions::PUBLIC)".to_owned(),
                area => format!("run(functions::{area}::AREA.binary())"),
            };
            assert!(main.contains(&functions), "{main}");
        }
    }

    #[test]
    fn every_function_is_in_one_binary() {
        let mut in_binaries: Vec<_> =
            binaries().flat_map(Binary::routes).map(|(route, _)| route.function).collect();
        let mut all: Vec<_> = ROUTES.iter().map(|route| route.function).collect();
        in_binaries.sort_unstable();
        all.sort_unstable();
        assert_eq!(in_binaries, all);
        assert!(all.windows(2).all(|two| two[0] != two[1]), "two functions have one name");
    }

    #[test]
    fn the_public_binary_has_public_routes_that_need_no_provider() {
        for (route, needs) in PUBLIC.routes() {
            assert_eq!(route.audience, http_api::Audience::Public, "{}", route.function);
            assert!(!needs.needs_provider(), "{}", route.function);
        }
    }
}
