//! Dividing whole numbers without losing one: the largest remainder gets what is left over.

/// Divides `total` in proportion to `weights`; the parts sum to it. Of equal remainders the earlier wins.
/// Without any weight everything goes to the first part.
pub fn proportional(total: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if sum <= 0 {
        let first = |at: usize| if at == 0 { total } else { 0 };
        return (0..weights.len()).map(first).collect();
    }
    let products: Vec<i128> = weights.iter().map(|weight| i128::from(total) * i128::from(*weight)).collect();
    let fractions: Vec<(i128, i128)> =
        products.iter().map(|product| (product.rem_euclid(sum), sum)).collect();
    let mut parts: Vec<i64> = products.iter().map(|product| narrow(product.div_euclid(sum))).collect();
    let left = total - parts.iter().sum::<i64>();
    for at in largest(&fractions, left) {
        if let Some(part) = parts.get_mut(at) {
            *part += 1;
        }
    }
    parts
}

/// Divides `total` into `count` parts that differ by one unit at most, the larger ones first.
pub fn equal(total: i64, count: u16) -> Vec<i64> {
    proportional(total, &vec![1; usize::from(count)])
}

/// The places of the `count` largest fractions, earlier ones first among equals.
pub(super) fn largest(fractions: &[(i128, i128)], count: i64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..fractions.len()).collect();
    let of = |at: usize| fractions.get(at).copied().unwrap_or((0, 1));
    order.sort_by(|a, b| {
        let ((a_part, a_whole), (b_part, b_whole)) = (of(*a), of(*b));
        (b_part * a_whole).cmp(&(a_part * b_whole)).then(a.cmp(b))
    });
    order.truncate(usize::try_from(count).unwrap_or(0));
    order
}

/// Products of a total and a weight, over the sum of the weights, are no larger than the total.
pub(super) fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_remainder_gets_what_is_left_over() {
        for (total, weights, parts) in [
            (1000, &[1, 1, 1][..], &[334, 333, 333][..]),
            (1000, &[1, 2], &[333, 667]),
            (176_000, &[1; 6], &[29_334, 29_334, 29_333, 29_333, 29_333, 29_333]),
            (5, &[0, 0], &[5, 0]),
            (0, &[3, 4], &[0, 0]),
            (7, &[0, 7, 0], &[0, 7, 0]),
        ] {
            assert_eq!(proportional(total, weights), parts, "{total} by {weights:?}");
        }
        assert_eq!(equal(176_000, 6).iter().sum::<i64>(), 176_000);
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_are_within_one_of_their_share(
            total in 0..1_000_000_000_000_i64, weights in proptest::collection::vec(0..100_000_i64, 1..20)
        ) {
            let parts = proportional(total, &weights);
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            if sum > 0 {
                for (part, weight) in parts.iter().zip(&weights) {
                    let off = i128::from(*part) * sum - i128::from(total) * i128::from(*weight);
                    prop_assert!(off.abs() < sum);
                }
            }
        }
    }
}
