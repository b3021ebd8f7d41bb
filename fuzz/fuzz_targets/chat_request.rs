#![no_main]

use outcrop_fuzz::support;

libfuzzer_sys::fuzz_target!(|input: &[u8]| support::chat_request::check(input));
