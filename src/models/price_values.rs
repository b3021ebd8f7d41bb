use super::ModelId;
use super::cost::Rates;
use super::usd::{Factor, Usd};

/// Above any real price in dollars per million tokens: a higher value has the wrong unit.
const MAX_PRICE: f64 = 100_000.0;

/// Above any real price in dollars per image, second or query.
const MAX_UNIT_PRICE: f64 = 1_000.0;

/// The maximum factor, for the same reason.
const MAX_FACTOR: f64 = 100.0;

/// The price of one token of each kind, from dollars per million; `None` if no price is given.
pub(super) fn rates(
    field: &str,
    input: Option<f64>,
    output: Option<f64>,
    cache: [Option<f64>; 3],
) -> Result<Option<Rates>, String> {
    let rate =
        |name: &str, value: Option<f64>| value.map(|value| rate(field, name, value)).transpose();
    let [cache_read, cache_write_5m, cache_write_1h] = cache;
    let (Some(input), Some(output)) = (rate("input", input)?, rate("output", output)?) else {
        return match (input, output, cache) {
            (None, None, [None, None, None]) => Ok(None),
            _ => Err(format!(
                "{field} has a price, but not both `input` and `output`"
            )),
        };
    };
    Ok(Some(Rates {
        input,
        output,
        cache_read: rate("cache_read", cache_read)?,
        cache_write_5m: rate("cache_write_5m", cache_write_5m)?,
        cache_write_1h: rate("cache_write_1h", cache_write_1h)?,
    }))
}

fn rate(field: &str, name: &str, value: f64) -> Result<Usd, String> {
    if !(0.0..=MAX_PRICE).contains(&value) {
        return Err(format!(
            "`{name}` of {field} is `{value}`; give dollars per million tokens, at most {MAX_PRICE}"
        ));
    }
    millionths(value)
        .map(Usd::from_picodollars)
        .ok_or_else(|| format!("`{name}` of {field} is `{value}`; give at most six decimals"))
}

/// The price of one image, second or query, from dollars.
pub(super) fn unit(name: &str, value: f64) -> Result<Usd, String> {
    let fits = (0.0..=MAX_UNIT_PRICE).contains(&value);
    millionths(value)
        .filter(|_| fits)
        .map(|millionths| Usd::from_picodollars(millionths.saturating_mul(1_000_000)))
        .ok_or_else(|| {
            format!(
                "`{name}` is `{value}`; give dollars per unit, at most {MAX_UNIT_PRICE}, with \
                 at most six decimals"
            )
        })
}

pub(super) fn factor(field: &str, value: f64) -> Result<Factor, String> {
    let fits = value > 0.0 && value <= MAX_FACTOR;
    millionths(value)
        .filter(|_| fits)
        .map(Factor::from_millionths)
        .ok_or_else(|| {
            format!(
                "the factor of `{field}` is `{value}`; give one above 0 and at most \
                 {MAX_FACTOR}, with at most six decimals"
            )
        })
}

/// Converts a number with at most six decimals to whole millionths. For a price in dollars per
/// million tokens, that is picodollars per token.
fn millionths(value: f64) -> Option<i128> {
    let scaled = value * 1e6;
    let rounded = scaled.round();
    // The remainder is binary rounding error, far below one millionth.
    ((scaled - rounded).abs() < 1e-3).then_some(rounded as i128)
}

/// Checks an id prefix of a foundation model.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    let model = ModelId::parse(id).map_err(|error| format!("`{id}` in `ids` {error}"))?;
    match model.foundation_id() == id {
        true => Ok(()),
        false => Err(format!(
            "`{id}` in `ids` is not a foundation model id; write `{}`, and prices of single \
             geographies under `locations`",
            model.foundation_id()
        )),
    }
}

/// Checks a date in the form `YYYY-MM-DD`, which sorts as text.
pub(super) fn check_date(date: &str) -> Result<(), String> {
    let mut parts = date
        .split('-')
        .map(|part| (part.len(), part.parse::<u32>()));
    let is_date = matches!(
        (parts.next(), parts.next(), parts.next(), parts.next()),
        (
            Some((4, Ok(_))),
            Some((2, Ok(1..=12))),
            Some((2, Ok(1..=31))),
            None
        )
    );
    match is_date {
        true => Ok(()),
        false => Err(format!(
            "`end_of_life` is `{date}`; write a date as `2026-11-30`"
        )),
    }
}
