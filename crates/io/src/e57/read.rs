//! E57 files read.

use std::io::Cursor;

use ::e57::{E57Reader, PointCloud as Scan, Record, RecordDataType, RecordName, RecordValue};
use nalgebra::{Isometry3, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};

use crate::columns::{Columns, Present};
use crate::error::{Fault, Outcome};

/// Reads all clouds; points that the file marks as invalid become NaN, to be dropped or refused as such.
pub(crate) fn read(bytes: &[u8], notes: &mut Vec<String>) -> Outcome<Columns> {
    check_claims(bytes)?;
    let mut reader = E57Reader::new(Cursor::new(bytes)).map_err(|error| Fault::file(words(&error)))?;
    let scans = reader.pointclouds();
    if scans.is_empty() {
        notes.push("the file holds no point cloud".to_owned());
    }
    let mut parts = Vec::with_capacity(scans.len());
    for (number, scan) in scans.iter().enumerate() {
        parts.push(read_scan(&mut reader, scan, number, bytes.len())?);
    }
    if parts.len() > 1 {
        notes.push(format!("{} clouds, each moved by its pose, one after the other", parts.len()));
        let first = parts[0].present();
        if parts.iter().any(|part| part.present() != first) {
            notes.push("attributes that not every cloud has are skipped".to_owned());
        }
    }
    Ok(Columns::concatenated(parts).unwrap_or_default())
}

/// Refuses a section of XML longer than the file, which e57 would allocate before it reads.
fn check_claims(bytes: &[u8]) -> Outcome<()> {
    const XML_LENGTH: usize = 32;
    let Some(word) = bytes.get(XML_LENGTH..XML_LENGTH + 8) else {
        return Err(Fault::byte(bytes.len(), "the E57 header of 48 bytes is cut off"));
    };
    let length = u64::from_le_bytes(word.try_into().unwrap_or_default());
    if length > bytes.len() as u64 {
        let problem = format!("the XML section claims {length} bytes, the file has {}", bytes.len());
        return Err(Fault::byte(XML_LENGTH, problem));
    }
    Ok(())
}

fn read_scan(
    reader: &mut E57Reader<Cursor<&[u8]>>,
    scan: &Scan,
    number: usize,
    file_length: usize,
) -> Outcome<Columns> {
    let fault = |problem: String| Fault::file(format!("cloud {number}: {problem}"));
    let fields = Fields::of(&scan.prototype);
    if fields.cartesian.is_none() && fields.spherical.is_none() {
        let names: Vec<String> = scan.prototype.iter().map(|record| format!("{:?}", record.name)).collect();
        return Err(fault(format!("neither cartesian nor spherical coordinates; there are {names:?}")));
    }
    // Fields of one value take no bits; e57 would repeat them without end if there is nothing else.
    let coordinates = fields.cartesian.into_iter().chain(fields.spherical).flatten();
    if scan.records > 0 && coordinates.clone().all(|column| is_constant(&scan.prototype[column].data_type)) {
        return Err(fault(
            "all coordinates have a range of one value, so the points cannot be counted".to_owned(),
        ));
    }
    let pose = pose(scan).map_err(fault)?;
    let colors = fields.colors.map(|columns| columns.map(|column| Channel::of(scan, column)));
    let present = Present {
        normals: fields.normals.is_some(),
        colors: fields.colors.is_some(),
        intensities: fields.intensity.is_some(),
        times: fields.time.is_some(),
    };
    // A point takes a bit at least.
    let guess = usize::try_from(scan.records).unwrap_or(usize::MAX).min(file_length);
    let mut columns = Columns::with_capacity(guess, present);
    if scan.records == 0 {
        return Ok(columns);
    }
    let points = reader.pointcloud_raw(scan).map_err(|error| fault(words(&error)))?;
    for (index, point) in points.enumerate() {
        let fault = |problem: String| Fault::point(index, format!("cloud {number}: {problem}"));
        let point = point.map_err(|error| fault(words(&error)))?;
        let row = Row { values: &point, prototype: &scan.prototype };
        let position = fields.position(&row).map_err(|error| fault(words(&error)))?;
        columns.positions.push(pose * position);
        if let (Some(column), Some(normal)) = (&mut columns.normals, fields.normals) {
            let [x, y, z] = normal.map(|field| row.number(field));
            column.push(pose * Vector3::new(x, y, z));
        }
        if let (Some(column), Some(fields), Some(channels)) = (&mut columns.colors, fields.colors, &colors) {
            let channel = |axis: usize| channels[axis].scaled(row.number(fields[axis]));
            column.push([channel(0), channel(1), channel(2)]);
        }
        if let (Some(column), Some(field)) = (&mut columns.intensities, fields.intensity) {
            let invalid = fields.intensity_invalid.is_some_and(|flag| row.number(flag) != 0.0);
            column.push(if invalid { f64::NAN } else { row.number(field) });
        }
        if let (Some(column), Some(field)) = (&mut columns.times, fields.time) {
            let invalid = fields.time_invalid.is_some_and(|flag| row.number(flag) != 0.0);
            column.push(if invalid { f64::NAN } else { row.number(field) });
        }
    }
    Ok(columns)
}

/// Where the fields of a point are.
struct Fields {
    cartesian: Option<[usize; 3]>,
    cartesian_invalid: Option<usize>,
    spherical: Option<[usize; 3]>,
    spherical_invalid: Option<usize>,
    normals: Option<[usize; 3]>,
    colors: Option<[usize; 3]>,
    intensity: Option<usize>,
    intensity_invalid: Option<usize>,
    time: Option<usize>,
    time_invalid: Option<usize>,
}

impl Fields {
    fn of(prototype: &[Record]) -> Self {
        use RecordName as N;
        let find = |name: N| prototype.iter().position(|record| record.name == name);
        let triple = |names: [N; 3]| -> Option<[usize; 3]> {
            let [x, y, z] = names.map(find);
            Some([x?, y?, z?])
        };
        // The extension "surface normals" of libe57, under whatever prefix.
        let normal = |axis: &str| {
            prototype.iter().position(
                |record| matches!(&record.name, N::Unknown { name, .. } if name.eq_ignore_ascii_case(axis)),
            )
        };
        let normals = [normal("normalX"), normal("normalY"), normal("normalZ")];
        Self {
            cartesian: triple([N::CartesianX, N::CartesianY, N::CartesianZ]),
            cartesian_invalid: find(N::CartesianInvalidState),
            spherical: triple([N::SphericalRange, N::SphericalAzimuth, N::SphericalElevation]),
            spherical_invalid: find(N::SphericalInvalidState),
            normals: match normals {
                [Some(x), Some(y), Some(z)] => Some([x, y, z]),
                _ => None,
            },
            colors: triple([N::ColorRed, N::ColorGreen, N::ColorBlue]),
            intensity: find(N::Intensity),
            intensity_invalid: find(N::IsIntensityInvalid),
            time: find(N::TimeStamp),
            time_invalid: find(N::IsTimeStampInvalid),
        }
    }

    /// The position: cartesian if valid, else spherical if valid, else NaN.
    fn position(&self, row: &Row<'_>) -> ::e57::Result<Point3<f64>> {
        let valid = |flag: Option<usize>| flag.is_none_or(|flag| row.number(flag) == 0.0);
        if let Some(fields) = self.cartesian
            && valid(self.cartesian_invalid)
        {
            return Ok(Point3::from(fields.map(|field| row.number(field))));
        }
        if let Some(fields) = self.spherical
            && valid(self.spherical_invalid)
        {
            let [range, azimuth, elevation] = fields.map(|field| row.number(field));
            let level = range * elevation.cos();
            return Ok(Point3::new(level * azimuth.cos(), level * azimuth.sin(), range * elevation.sin()));
        }
        Ok(Point3::new(f64::NAN, f64::NAN, f64::NAN))
    }
}

/// The values of one point.
struct Row<'a> {
    values: &'a [RecordValue],
    prototype: &'a [Record],
}

impl Row<'_> {
    /// A field as a number; NaN where value and type do not fit, which e57 never yields.
    fn number(&self, field: usize) -> f64 {
        match (self.values.get(field), self.prototype.get(field)) {
            (Some(value), Some(record)) => value.to_f64(&record.data_type).unwrap_or(f64::NAN),
            _ => f64::NAN,
        }
    }
}

/// The range of a colour channel.
struct Channel {
    min: f64,
    max: f64,
}

impl Channel {
    /// By the limits of the cloud, else of the type, else 0 to 255.
    fn of(scan: &Scan, column: usize) -> Self {
        let record = &scan.prototype[column];
        let number = |value: &Option<RecordValue>| value.as_ref()?.to_f64(&record.data_type).ok();
        let limits = scan.color_limits.as_ref().and_then(|limits| match record.name {
            RecordName::ColorRed => number(&limits.red_min).zip(number(&limits.red_max)),
            RecordName::ColorGreen => number(&limits.green_min).zip(number(&limits.green_max)),
            _ => number(&limits.blue_min).zip(number(&limits.blue_max)),
        });
        let (min, max) = limits
            .or(match record.data_type {
                RecordDataType::Integer { min, max } => Some((min as f64, max as f64)),
                RecordDataType::Single { min: Some(min), max: Some(max) } => Some((min.into(), max.into())),
                RecordDataType::Double { min: Some(min), max: Some(max) } => Some((min, max)),
                _ => None,
            })
            .filter(|(min, max)| min < max)
            .unwrap_or((0.0, 255.0));
        Self { min, max }
    }

    fn scaled(&self, value: f64) -> u16 {
        ((value - self.min) / (self.max - self.min) * 65535.0).round() as u16
    }
}

fn is_constant(kind: &RecordDataType) -> bool {
    match kind {
        RecordDataType::Integer { min, max } | RecordDataType::ScaledInteger { min, max, .. } => min >= max,
        _ => false,
    }
}

/// The pose of a scan in its file.
fn pose(scan: &Scan) -> Result<Isometry3<f64>, String> {
    let Some(transform) = &scan.transform else { return Ok(Isometry3::identity()) };
    let (q, t) = (&transform.rotation, &transform.translation);
    let rotation = Quaternion::new(q.w, q.x, q.y, q.z);
    let unit = (0.99..=1.01).contains(&rotation.norm());
    if !unit || ![t.x, t.y, t.z].iter().all(|value| value.is_finite()) {
        return Err(format!(
            "its pose is a quaternion {} {} {} {} and a translation {} {} {}; accepted are a unit quaternion and finite numbers",
            q.w, q.x, q.y, q.z, t.x, t.y, t.z
        ));
    }
    Ok(Isometry3::from_parts(Translation3::new(t.x, t.y, t.z), UnitQuaternion::from_quaternion(rotation)))
}

/// An error with its causes, in one line.
fn words(error: &::e57::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
