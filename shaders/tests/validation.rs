//! Every kernel parses, type-checks and has the entry point and bindings that its documentation promises.

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

#[test]
fn softmin_is_valid_and_bound_as_documented() {
    let module = validated(barrow_shaders::SOFTMIN);
    let [entry] = module.entry_points.as_slice() else { panic!("one entry point expected") };
    assert_eq!((entry.name.as_str(), entry.stage), ("softmin", ShaderStage::Compute));
    assert_eq!(entry.workgroup_size, [256, 1, 1]);
    let mut bindings: Vec<_> = module
        .global_variables
        .iter()
        .filter_map(|(_, variable)| {
            variable.binding.map(|binding| (binding.group, binding.binding, variable.space))
        })
        .collect();
    bindings.sort_by_key(|&(group, binding, _)| (group, binding));
    let read = AddressSpace::Storage { access: StorageAccess::LOAD };
    let write = AddressSpace::Storage { access: StorageAccess::LOAD | StorageAccess::STORE };
    assert_eq!(bindings, [(0, 0, AddressSpace::Uniform), (0, 1, read), (0, 2, read), (0, 3, write)]);
}

#[test]
fn a_broken_kernel_would_be_noticed() {
    let broken = barrow_shaders::SOFTMIN.replace("var sum = 0.0;", "var sum = 0u;");
    assert_ne!(broken, barrow_shaders::SOFTMIN);
    assert!(std::panic::catch_unwind(|| validated(&broken)).is_err());
}
