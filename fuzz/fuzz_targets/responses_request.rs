#![no_main]

use outcrop_fuzz::support;

libfuzzer_sys::fuzz_target!(|input: &[u8]| support::responses_request::check(input));
