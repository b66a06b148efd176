#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| malformed_requests::targets::documents(bytes));
