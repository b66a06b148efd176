//! Measures how long rendering a receipt takes. Run with `cargo bench -p receipts`.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/it/fixture.rs"]
mod fixture;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

fn render(criterion: &mut Criterion) {
    let receipt = fixture::receipt(|_| {});
    criterion.bench_function("html", |bench| bench.iter(|| receipts::html(black_box(&receipt))));
    criterion.bench_function("pdf", |bench| bench.iter(|| receipts::pdf(black_box(&receipt)).unwrap()));
}

criterion_group!(benches, render);
criterion_main!(benches);
