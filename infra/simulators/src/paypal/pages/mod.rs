//! The pages of PayPal that people see, and the books.

pub(super) mod approve;
pub(super) mod books;
pub(super) mod onboarding;

type Simulator = axum::extract::State<std::sync::Arc<super::PayPalSimulator>>;
