//! Does barrow find poses, from any start and whatever the overlap, and does it know when it has not?
//!
//! `registration ROW` runs a row and prints a table: `real` (the pairs of `pairs.json`, no guess, default options),
//! `turned` (their sources turned and shifted at random, 20 draws each), `units` (× 1e-3, × 1e3, + 5e6), `unrelated`
//! (sources of one scene on targets of another, 200 of them), `basin` (local transport from starts that are 30 to 120
//! degrees off), `overlap` (made pairs that have 0.2 to 1 in common), `refined` and `local` (from beside the truth: how
//! exact, and how long), `certainty` (whether the covariance tells the error).
//!
//! `--data FOLDER` has `pairs.json` (default: what `BARROW_DATA` names, else `../shared/data`), `--only PART` selects
//! pairs whose id contains it, `--draws N`, `--made FOLDER` keeps clouds that are made
//! (default `target/benches/registration/made`), `--threads N` (default 2), `--method M` (`auto`), `--reverse` registers
//! target onto source (`real`), `--json FILE` appends every answer as a line of JSON.
//!
//! `registration jobs ROW` prints the row's jobs, a line of JSON each; `registration serve` answers such lines from
//! standard input; `registration array IN OUT` writes the points of a cloud as an array of NumPy.
//! `benches/registration/compare.py` drives these three and asks other libraries in between.
//!
//! `cargo run --release -p barrow-benches --bin registration -- real`

mod draws;
mod files;
mod job;
mod made;
mod pairs;
mod pose;
mod room;
mod rows;
mod table;

use std::io::{BufRead, Write};
use std::path::PathBuf;

use barrow::geometry::PointCloud;
use barrow::io::{ReadOptions, WriteOptions, read, write};

use files::Files;
use job::{Answer, Job};
use rows::{Asked, Row};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let folder = std::env::var("BARROW_DATA").unwrap_or_else(|_| "../shared/data".into());
    let mut asked = Asked {
        folder: PathBuf::from(folder),
        made: PathBuf::from("target/benches/registration/made"),
        only: String::new(),
        draws: None,
        reverse: false,
        method: "auto".into(),
    };
    let (mut words, mut json, mut threads) = (Vec::new(), None, 2);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--data" => asked.folder = value()?.into(),
            "--made" => asked.made = value()?.into(),
            "--only" => asked.only = value()?,
            "--draws" => asked.draws = Some(value()?.parse()?),
            "--method" => asked.method = value()?,
            "--threads" => threads = value()?.parse()?,
            "--json" => json = Some(PathBuf::from(value()?)),
            "--reverse" => asked.reverse = true,
            _ if argument.starts_with("--") => return Err(format!("no option {argument}").into()),
            _ => words.push(argument),
        }
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let mut files = Files::default();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => serve(&mut files),
        ["array", input, output] => {
            let cloud = read(input, &ReadOptions::default())?.cloud;
            let bare = PointCloud::new(cloud.positions().to_vec())?;
            Ok(write(output, &bare, &WriteOptions::default()).map(drop)?)
        }
        ["jobs", name] => {
            for job in row(name)?.jobs(&asked, &mut files)? {
                println!("{}", serde_json::to_string(&job)?);
            }
            Ok(())
        }
        [name] => {
            let row = row(name)?;
            let answers = run(&row.jobs(&asked, &mut files)?, &mut files, json)?;
            println!(
                "{}",
                match row {
                    Row::Real | Row::Refined | Row::Local => table::each(&answers),
                    Row::Units => table::changes(&answers)?,
                    Row::Certainty => table::certainty(&answers),
                    Row::Turned | Row::Unrelated | Row::Basin | Row::Overlap => table::grouped(&answers),
                }
            );
            Ok(())
        }
        _ => Err(usage().into()),
    }
}

fn usage() -> String {
    let rows = Row::ALL.map(|(name, _)| name).join("|");
    format!(
        "usage: registration {rows} [OPTIONS] | registration jobs ROW | registration serve | registration array IN OUT"
    )
}

fn row(name: &str) -> Result<Row> {
    let found = Row::ALL.iter().find(|(known, _)| *known == name);
    found.map(|&(_, row)| row).ok_or_else(|| format!("no row {name}; {}", usage()).into())
}

/// All answers, told on standard error as they come.
fn run(jobs: &[Job], files: &mut Files, json: Option<PathBuf>) -> Result<Vec<Answer>> {
    let mut lines = match json {
        Some(path) => Some(std::fs::OpenOptions::new().create(true).append(true).open(path)?),
        None => None,
    };
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        let answer = job.run(files)?;
        eprint!("{}", table::line(&answer));
        if let Some(lines) = &mut lines {
            writeln!(lines, "{}", serde_json::to_string(&answer)?)?;
        }
        answers.push(answer);
    }
    Ok(answers)
}

fn serve(files: &mut Files) -> Result<()> {
    for request in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&request?)?;
        let answer = serde_json::to_string(&job.run(files)?)?;
        let mut output = std::io::stdout().lock();
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}
