//! Why transport? A mass that moves a little is infinitely far for one measure of difference, as far as can be for two
//! more, and as far as it moved for the fourth.
//!
//! `cargo run --release -p barrow-examples --example shifted_masses`

use barrow::geometry::{LineMeasure, jensen_shannon, kullback_leibler, total_variation, wasserstein_1d};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Histograms over bins at 0, 1, 2, ... m: all mass in one bin.
    let bins: Vec<f64> = (0..10).map(f64::from).collect();
    let at = |bin: usize| -> Vec<f64> { (0..10).map(|index| if index == bin { 1.0 } else { 0.0 }).collect() };
    println!("shift  Kullback-Leibler  Jensen-Shannon  total variation  W1");
    for shift in [0, 1, 2, 5] {
        let (a, b) = (at(2), at(2 + shift));
        let (kl, js, tv) = (kullback_leibler(&a, &b)?, jensen_shannon(&a, &b)?, total_variation(&a, &b)?);
        let moved =
            wasserstein_1d(&LineMeasure::weighted(&bins, &a)?, &LineMeasure::weighted(&bins, &b)?, 1.0)?;
        println!("{shift} m    {kl:<16}  {js:<14.4}  {tv:<15}  {} m", moved.value);
        assert_eq!(moved.value, shift as f64);
    }
    Ok(())
}
