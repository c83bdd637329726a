// Points as squares or pixels, and lines, as they are seen.

struct Layer {
    model: mat4x4<f32>,
    view: mat4x4<f32>,
    least: vec4<f32>,
    most: vec4<f32>,
    size: vec2<f32>,
    width: f32,
    unused: f32,
}

struct Seen {
    @builtin(position) place: vec4<f32>,
    @location(0) color: vec4<f32>,
}

@group(0) @binding(0) var<uniform> layer: Layer;

// Outside of every picture.
const NOWHERE = vec4(2.0, 2.0, 2.0, 1.0);

// The picture is linear light and becomes sRGB by the inverse of this power at the end.
fn linear(color: vec4<f32>) -> vec4<f32> {
    return vec4(pow(color.rgb, vec3(2.2)), color.a);
}

fn is_outside(place: vec3<f32>) -> bool {
    return any(place < layer.least.xyz) || any(place > layer.most.xyz);
}

// Corners of a square as a strip, from -1 to 1.
fn corner(index: u32) -> vec2<f32> {
    return vec2(f32(index & 1u) * 2.0 - 1.0, f32(index >> 1u) * 2.0 - 1.0);
}

@vertex
fn pixel(@location(0) place: vec3<f32>, @location(1) color: vec4<f32>) -> Seen {
    let there = (layer.model * vec4(place, 1.0)).xyz;
    if is_outside(there) {
        return Seen(NOWHERE, color);
    }
    return Seen(layer.view * vec4(there, 1.0), linear(color));
}

@vertex
fn square(@builtin(vertex_index) index: u32, @location(0) place: vec3<f32>, @location(1) color: vec4<f32>) -> Seen {
    let there = (layer.model * vec4(place, 1.0)).xyz;
    if is_outside(there) {
        return Seen(NOWHERE, color);
    }
    let center = layer.view * vec4(there, 1.0);
    return Seen(vec4(center.xy + corner(index) * layer.width / layer.size * center.w, center.zw), linear(color));
}

@vertex
fn line(
    @builtin(vertex_index) index: u32,
    @location(0) first: vec3<f32>,
    @location(1) first_color: vec4<f32>,
    @location(2) second: vec3<f32>,
    @location(3) second_color: vec4<f32>,
) -> Seen {
    let there = (layer.model * vec4(first, 1.0)).xyz;
    let beyond = (layer.model * vec4(second, 1.0)).xyz;
    if is_outside(there) || is_outside(beyond) {
        return Seen(NOWHERE, first_color);
    }
    var a = layer.view * vec4(there, 1.0);
    var b = layer.view * vec4(beyond, 1.0);
    // An end behind the eye is moved to the near plane before the division, which would mirror it.
    if a.z < 0.0 && b.z < 0.0 {
        return Seen(NOWHERE, first_color);
    }
    if a.z < 0.0 {
        a = mix(a, b, a.z / (a.z - b.z));
    } else if b.z < 0.0 {
        b = mix(b, a, b.z / (b.z - a.z));
    }
    let along = (b.xy / b.w - a.xy / a.w) * layer.size;
    let direction = select(vec2(1.0, 0.0), normalize(along), dot(along, along) > 1e-12);
    let across = vec2(-direction.y, direction.x) * layer.width / layer.size;
    let side = corner(index);
    let end = select(a, b, side.y > 0.0);
    let color = select(first_color, second_color, side.y > 0.0);
    return Seen(vec4(end.xy + across * side.x * end.w, end.zw), linear(color));
}

@fragment
fn filled(seen: Seen) -> @location(0) vec4<f32> {
    return seen.color;
}
