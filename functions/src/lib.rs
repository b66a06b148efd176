//! The Lambda functions: a folder for each area, and a file for each function.
//!
//! A route's file reads the request, runs one use case of `app`, and renders the result. The functions of an area share one
//! binary, `src/bin/<area>.rs`, which calls [`runtime::run`]; so the async code is compiled once, in this library.

pub mod experts;
pub mod operations;
mod paging;
pub mod payments;
pub mod receipts;
pub mod runtime;
pub mod scheduling;

use http_api::Route;

use crate::runtime::{Needs, Worker};

/// Functions about one subject. They share a binary that has the name of the area.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    /// Its name: that of its folder, its binary, and its folders in the crates below `shared/`.
    pub name: &'static str,
    /// Its routes, and what each needs.
    pub routes: &'static [(Route, Needs)],
    /// Its functions that a queue or a schedule invokes, and what each needs.
    pub workers: &'static [(Worker, Needs)],
}

/// Every area. A function that is in no area does not exist.
pub const AREAS: &[Area] =
    &[experts::AREA, scheduling::AREA, payments::AREA, receipts::AREA, operations::AREA];

/// The routes of all areas.
pub static ROUTES: &[Route] = &ALL_ROUTES;

const ALL_ROUTES: [Route; ROUTE_COUNT] = {
    let mut all = [operations::health::ROUTE; ROUTE_COUNT];
    let (mut area, mut next) = (0, 0);
    while area < AREAS.len() {
        let mut route = 0;
        while route < AREAS[area].routes.len() {
            all[next] = AREAS[area].routes[route].0;
            (route, next) = (route + 1, next + 1);
        }
        area += 1;
    }
    all
};

const ROUTE_COUNT: usize = {
    let (mut area, mut count) = (0, 0);
    while area < AREAS.len() {
        count += AREAS[area].routes.len();
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
        assert_eq!(names(&source.join("bin")).0, areas, "every area has a binary");
        for area in AREAS {
            let (mut files, folders) = names(&source.join(area.name));
            assert!(folders.is_empty(), "{folders:?} in {}", area.name);
            files.remove("mod");
            files.remove("documents");
            let routes = area.routes.iter().map(|(route, _)| route.function);
            let functions: Vec<_> =
                routes.chain(area.workers.iter().map(|(worker, _)| worker.function)).collect();
            assert_eq!(functions.len(), files.len(), "{} has a function twice, or too few", area.name);
            assert_eq!(functions.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), files);
        }
    }

    #[test]
    fn every_binary_runs_its_own_area() {
        let binaries = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
        for area in AREAS {
            let main = fs::read_to_string(binaries.join(area.name).with_extension("rs")).expect("a file");
            assert!(main.contains(&format!("run(&functions::{}::AREA)", area.name)), "{main}");
        }
    }

    #[test]
    fn routes_are_those_of_all_areas() {
        let of_areas = AREAS.iter().flat_map(|area| area.routes).map(|(route, _)| route.function);
        assert!(ROUTES.iter().map(|route| route.function).eq(of_areas));
    }
}
