//! Every kernel parses, type-checks and has the entry points and bindings that its documentation promises.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, ShaderStage, StorageAccess};

fn validated(source: &str) -> naga::Module {
    let module = naga::front::wgsl::parse_str(source)
        .unwrap_or_else(|error| panic!("{}", error.emit_to_string(source)));
    // No optional capability: the kernels must run on every adapter.
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    validator.validate(&module).unwrap_or_else(|error| panic!("{}", error.emit_to_string(source)));
    module
}

/// The bindings in order: `u` for the uniform, `r` for what is read, `w` for what is written as well.
fn bindings(module: &naga::Module) -> String {
    let mut bound: Vec<_> = module
        .global_variables
        .iter()
        .filter_map(|(_, variable)| {
            variable.binding.map(|place| (place.group, place.binding, variable.space))
        })
        .collect();
    bound.sort_by_key(|&(group, binding, _)| (group, binding));
    let places: Vec<_> = bound.iter().map(|&(group, binding, _)| (group, binding)).collect();
    assert!(places.iter().copied().eq((0..places.len() as u32).map(|binding| (0, binding))), "{places:?}");
    let read = AddressSpace::Storage { access: StorageAccess::LOAD };
    let letter = |space| match space {
        AddressSpace::Uniform => 'u',
        space if space == read => 'r',
        _ => 'w',
    };
    bound.iter().map(|&(_, _, space)| letter(space)).collect()
}

#[test]
fn every_kernel_is_valid_and_bound_as_documented() {
    use barrow_shaders::*;
    let kernels = [
        (SCALE_OFFSETS, "urrw", &[("scale_offsets", 256)][..]),
        (RESCALE_POTENTIALS, "uw", &[("rescale_potentials", 256)]),
        (TILE_PLANES, "uwrrw", &[("tile_planes", 32)]),
        (GROUP_PLANES, "uw", &[("group_planes", 64)]),
        (AIM, "urwrr", &[("aim", 64)]),
        (SOFTMIN, "urrrrrww", &[("softmin", 64)]),
        (ROW_MEANS, "urrrrrww", &[("row_means", 64)]),
        (SOFTMIN_DENSE, "urrrrrw", &[("softmin_dense", 256)]),
        (MERGE_SPLITS, "urrrw", &[("merge_splits", 256)]),
        (EXTEND_TRAIL, "uww", &[("extend_trail", 256)]),
        (ANSWER, "urw", &[("answer", 256)]),
        (EXTRAPOLATE, "urwwr", &[("extrapolate", 256)]),
        (AVERAGE, "urww", &[("average", 256)]),
        (MISPLACED, "urrwr", &[("misplaced", 256)]),
        (KEPT, "urrw", &[("kept", 256)]),
        (SUM_UP, "urw", &[("sum_up", 256)]),
        (PROJECT_KEYS, "urrrrw", &[("project_keys", 256)]),
        (COUNT_DIGITS, "urw", &[("count_digits", 256)]),
        (PLACE_DIGITS, "uww", &[("place_digits", 256)]),
        (SCATTER_KEYS, "urrrw", &[("scatter_keys", 256)]),
        (SCATTER_PAIRS, "urrrrww", &[("scatter_pairs", 256)]),
        (SUM_MASSES, "urrw", &[("sum_masses", 256)]),
        (CUMULATE_MASSES, "urrrw", &[("cumulate_masses", 256)]),
        (WEIGHTED_COST, "urrrrw", &[("weighted_cost", 256)]),
        (QUANTILE_COST, "urrrw", &[("quantile_cost", 256)]),
        (PEAK, "uw", &[("peak_rate", 256)]),
        (COPY, "urw", &[("peak_copy", 256)]),
        (LOWEST, "urrrrrww", &[("lowest", 64)]),
    ];
    for (source, expected, entries) in kernels {
        let module = validated(source);
        assert_eq!(bindings(&module), expected, "{entries:?}");
        let found: Vec<_> = module
            .entry_points
            .iter()
            .map(|entry| {
                assert_eq!(entry.stage, ShaderStage::Compute);
                assert_eq!(entry.workgroup_size[1..], [1, 1]);
                (entry.name.as_str(), entry.workgroup_size[0])
            })
            .collect();
        assert_eq!(found, entries);
    }
}

#[test]
fn what_is_seen_is_valid_and_bound_as_documented() {
    let module = validated(barrow_shaders::LOOK);
    assert_eq!(bindings(&module), "u");
    let entries: Vec<_> =
        module.entry_points.iter().map(|entry| (entry.name.as_str(), entry.stage)).collect();
    let vertices = ["pixel", "square", "line"].map(|name| (name, ShaderStage::Vertex));
    assert_eq!(entries, [&vertices[..], &[("filled", ShaderStage::Fragment)]].concat());
}

#[test]
fn a_broken_kernel_would_be_noticed() {
    let broken = barrow_shaders::SOFTMIN.replace("    sum = 0.0;", "    sum = 0u;");
    assert_ne!(broken, barrow_shaders::SOFTMIN);
    assert!(std::panic::catch_unwind(|| validated(&broken)).is_err());
}
