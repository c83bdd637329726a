//! Answers summed up in markdown.

use std::collections::BTreeMap;

use barrow_benches::median;

use crate::Result;
use crate::job::Answer;

/// Pair by pair.
pub fn each(answers: &[Answer]) -> String {
    let mut table = String::from(
        "| pair | rotation [deg] | translation | at the centroid | within | verdict | fitness | overlap | seconds |\n\
         |---|---:|---:|---:|---|---|---:|---:|---:|\n",
    );
    for answer in answers {
        table += &line(answer);
    }
    table + "\n" + &summary(answers)
}

/// A row of the table pair by pair.
pub fn line(answer: &Answer) -> String {
    if let Some(refused) = &answer.refused {
        return format!("| {} | | | | no: {refused} | failed | | | {:.2} |\n", answer.id, answer.seconds);
    }
    let error = |of: fn(&crate::pose::PoseError) -> f64| {
        answer.error.map_or("–".into(), |error| format!("{:.3e}", of(&error)))
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {:.2} | {:.2} | {:.2} |\n",
        answer.id,
        answer.error.map_or("–".into(), |error| format!("{:.4}", error.rotation_deg)),
        error(|error| error.translation),
        error(|error| error.centroid),
        if answer.right { "yes" } else { "**no**" },
        answer.verdict.as_deref().unwrap_or("–"),
        answer.fitness,
        answer.overlap,
        answer.seconds,
    )
}

/// All answers in a line or two.
pub fn summary(answers: &[Answer]) -> String {
    let seconds: Vec<f64> = answers.iter().map(|answer| answer.seconds).collect();
    if seconds.is_empty() {
        return "Nothing was asked.\n".into();
    }
    let count = |has: &dyn Fn(&Answer) -> bool| answers.iter().filter(|answer| has(answer)).count();
    let told = |answer: &Answer, verdict: &str| answer.verdict.as_deref() == Some(verdict);
    let related = count(&|answer| answer.related);
    let right = count(&|answer| answer.right);
    let strangers = answers.len() - related;
    let of_strangers = match strangers {
        0 => String::new(),
        _ => format!(
            "{} of {strangers} that have nothing to do with each other accepted; ",
            count(&|answer| !answer.related && told(answer, "accepted"))
        ),
    };
    let of_pairs = match related {
        0 => String::new(),
        _ => format!(
            "{right} of {related} within the limits; accepted though wrong: {}, failed or doubtful though right: {}; ",
            count(&|answer| answer.related && !answer.right && told(answer, "accepted")),
            count(&|answer| answer.right && (told(answer, "failed") || told(answer, "doubtful"))),
        ),
    };
    format!(
        "{of_pairs}{of_strangers}{:.1} s in all, median {:.2} s, longest {:.2} s.\n",
        seconds.iter().sum::<f64>(),
        median(seconds.clone()),
        seconds.iter().copied().fold(0.0, f64::max),
    )
}

/// By group: how many are right, what was said of them, and how long it took.
pub fn grouped(answers: &[Answer]) -> String {
    let mut table = String::from(
        "| what | answers | within | share | accepted | doubtful | failed | accepted though wrong | rotation, median [deg] | \
         seconds, median | longest |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let mut groups = groups(answers);
    groups.push(("all", answers.iter().collect()));
    for (name, members) in groups.iter().filter(|(_, members)| !members.is_empty()) {
        let count = |has: &dyn Fn(&Answer) -> bool| members.iter().filter(|answer| has(answer)).count();
        let told = |verdict: &str| count(&|answer| answer.verdict.as_deref() == Some(verdict));
        let right = count(&|answer| answer.right);
        let rotations: Vec<f64> =
            members.iter().filter_map(|answer| Some(answer.error?.rotation_deg)).collect();
        let seconds: Vec<f64> = members.iter().map(|answer| answer.seconds).collect();
        table += &format!(
            "| {name} | {} | {right} | {:.1} % | {} | {} | {} | {} | {} | {:.2} | {:.2} |\n",
            members.len(),
            100.0 * right as f64 / members.len() as f64,
            told("accepted"),
            told("doubtful"),
            told("failed"),
            count(&|answer| !answer.right && answer.verdict.as_deref() == Some("accepted")),
            if rotations.is_empty() { "–".into() } else { format!("{:.3}", median(rotations)) },
            median(seconds.clone()),
            seconds.iter().copied().fold(0.0, f64::max),
        );
    }
    table + "\n" + &summary(answers)
}

/// By pair: how far the rotation lies from that of the first frame \[deg\].
///
/// # Errors
/// If an answer holds no pose that can be read.
pub fn changes(answers: &[Answer]) -> Result<String> {
    let mut pairs: BTreeMap<&str, Vec<&Answer>> = BTreeMap::new();
    for answer in answers {
        pairs.entry(&answer.group).or_default().push(answer);
    }
    let frames = pairs.values().next().map(Vec::as_slice).unwrap_or_default();
    let names = frames.iter().map(|answer| answer.id[answer.group.len()..].trim()).collect::<Vec<_>>();
    let mut table = format!("| rotation changes by [deg] | {} |\n|---|", names[1..].join(" | "));
    table += &"---:|".repeat(names.len() - 1);
    let (mut kept, mut asked) = (0, 0);
    for (pair, frames) in &pairs {
        let mut rotations = Vec::new();
        for answer in frames {
            rotations.push(answer.pose.map(|pose| pose.similarity()).transpose()?);
        }
        table += &format!("\n| {pair} |");
        for rotation in &rotations[1..] {
            asked += 1;
            let change = rotations[0].zip(*rotation).map(|(before, after)| {
                before.isometry.rotation.angle_to(&after.isometry.rotation).to_degrees()
            });
            kept += usize::from(change.is_some_and(|change| change < 1e-3));
            table += &change.map_or(" no pose |".into(), |change| format!(" {change:.1e} |"));
        }
    }
    Ok(format!("{table}\n\n{kept} of {asked} change by less than 1e-3 degrees.\n"))
}

/// By group: the mean of the normalised error squared, which is 6 for a right covariance.
pub fn certainty(answers: &[Answer]) -> String {
    let mut table = String::from(
        "| pair | answers | without a covariance | normalised error squared, mean | median | rotation, median [deg] |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for (name, members) in groups(answers) {
        let values: Vec<f64> = members.iter().filter_map(|answer| answer.nees).collect();
        let rotations: Vec<f64> =
            members.iter().filter_map(|answer| Some(answer.error?.rotation_deg)).collect();
        table += &format!("| {name} | {} | {} |", members.len(), members.len() - values.len());
        if !values.is_empty() {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            table += &format!(" {mean:.2} | {:.2} | {:.4} |", median(values), median(rotations));
        }
        table += "\n";
    }
    table + "\nFor a right covariance: mean 6, median 5.35.\n"
}

/// Answers by group, in the order in which groups come first.
fn groups(answers: &[Answer]) -> Vec<(&str, Vec<&Answer>)> {
    let mut groups: Vec<(&str, Vec<&Answer>)> = Vec::new();
    for answer in answers {
        match groups.iter_mut().find(|(name, _)| *name == answer.group) {
            Some((_, members)) => members.push(answer),
            None => groups.push((&answer.group, vec![answer])),
        }
    }
    groups
}
