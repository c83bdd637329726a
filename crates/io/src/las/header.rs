//! The header of a LAS or LAZ file and the records between it and the points.

use laz::LazVlr;

use super::extra::{self, ExtraField};
use super::record::{Record, base_length};
use crate::error::{Fault, Outcome};

/// What decoding needs to know.
#[derive(Debug)]
pub(crate) struct LasHeader {
    pub record: Record,
    pub points: u64,
    /// Offset of the first point, or of the chunk table's offset.
    pub body: usize,
    pub compressed: bool,
    pub laszip: Option<Laszip>,
}

/// How points are compressed.
#[derive(Debug)]
pub(crate) struct Laszip {
    pub record: LazVlr,
    pub kind: Kind,
}

/// The order of the compressed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Point after point, without chunks.
    Whole,
    /// Point after point, in chunks.
    Chunked,
    /// Field after field, in chunks.
    Layered,
}

/// Reads the public header and the variable length records.
pub(crate) fn parse(bytes: &[u8]) -> Outcome<LasHeader> {
    let raw = ::las::raw::Header::read_from(bytes).map_err(|error| {
        Fault::byte(bytes.len().min(375), format!("the LAS header is not complete: {error}"))
    })?;
    // The two high bits mark LASzip.
    let format = raw.point_data_record_format & 0x3f;
    let length = usize::from(raw.point_data_record_length);
    let Some(base) = base_length(format) else {
        return Err(Fault::byte(104, format!("point format {format}; accepted are 0 to 10")));
    };
    if length < base {
        let problem = format!("records of {length} bytes; point format {format} needs {base} at least");
        return Err(Fault::byte(105, problem));
    }
    let scale = [raw.x_scale_factor, raw.y_scale_factor, raw.z_scale_factor];
    let offset = [raw.x_offset, raw.y_offset, raw.z_offset];
    if let Some(value) = scale.into_iter().find(|value| !value.is_finite() || *value == 0.0) {
        return Err(Fault::byte(131, format!("scale {value}; accepted are finite numbers but 0")));
    }
    if let Some(value) = offset.into_iter().find(|value| !value.is_finite()) {
        return Err(Fault::byte(155, format!("offset {value}; accepted are finite numbers")));
    }
    // The legacy count is the one to trust where it is set (LAS 1.4 - R15, 2.4).
    let points = match (raw.number_of_point_records, &raw.large_file) {
        (0, Some(large)) => large.number_of_point_records,
        (legacy, _) => u64::from(legacy),
    };
    let body = raw.offset_to_point_data as usize;
    let records = VariableRecords::parse(bytes, usize::from(raw.header_size), body, base, length)?;
    let (normals, intensity) = records.fields();
    Ok(LasHeader {
        record: Record { format, length, scale, offset, normals, intensity },
        points,
        body,
        compressed: raw.point_data_record_format & 0x80 != 0,
        laszip: records.laszip,
    })
}

/// The variable length records that matter here.
struct VariableRecords {
    laszip: Option<Laszip>,
    extra: Vec<(String, ExtraField)>,
}

impl VariableRecords {
    fn parse(bytes: &[u8], start: usize, end: usize, base: usize, length: usize) -> Outcome<Self> {
        const HEADER: usize = 54;
        const EXTRA_BYTES: u16 = 4;
        let mut found = Self { laszip: None, extra: Vec::new() };
        let mut at = start;
        // Their number is not asked for: they end where the points begin.
        while at.saturating_add(HEADER) <= end.min(bytes.len()) {
            let Ok(record) = ::las::raw::Vlr::read_from(&bytes[at..], false) else { break };
            let user = String::from_utf8_lossy(&record.user_id);
            match (user.trim_end_matches('\0'), record.record_id) {
                (LazVlr::USER_ID, LazVlr::RECORD_ID) => {
                    found.laszip = Some(laszip(&record.data).map_err(|problem| Fault::byte(at, problem))?);
                }
                ("LASF_Spec", EXTRA_BYTES) => found.extra = extra::parse(&record.data, base, length),
                _ => {}
            }
            at += HEADER + record.data.len();
        }
        Ok(found)
    }

    /// The extra fields that a cloud has a place for.
    fn fields(&self) -> (Option<[ExtraField; 3]>, Option<ExtraField>) {
        let find = |names: [&str; 3]| {
            self.extra.iter().find(|(name, _)| names.contains(&name.as_str())).map(|(_, field)| *field)
        };
        let x = find(["normalx", "normal_x", "nx"]);
        let y = find(["normaly", "normal_y", "ny"]);
        let z = find(["normalz", "normal_z", "nz"]);
        let normals = x.zip(y).zip(z).map(|((x, y), z)| [x, y, z]);
        (normals, find(["intensity", "intensity_f64", "scalar_intensity"]))
    }
}

fn laszip(data: &[u8]) -> Result<Laszip, String> {
    // laz keeps the kind to itself; it is the first number of the record.
    let kind = match data {
        [1, 0, ..] => Kind::Whole,
        [2, 0, ..] => Kind::Chunked,
        [3, 0, ..] => Kind::Layered,
        [low, high, ..] => {
            let kind = u16::from_le_bytes([*low, *high]);
            return Err(format!("laszip compressor {kind}; accepted are 1, 2 and 3"));
        }
        _ => return Err("the laszip record is cut off".to_owned()),
    };
    let record = LazVlr::from_buffer(data).map_err(|error| format!("the laszip record: {error}"))?;
    let wanted = if kind == Kind::Layered { 3..=4 } else { 1..=2 };
    match record.items().iter().find(|item| !wanted.contains(&item.version())) {
        Some(item) => Err(format!("a laszip item of version {}; accepted are {wanted:?}", item.version())),
        None => Ok(Laszip { record, kind }),
    }
}
