/** @file What WGSL asks of a sparse pattern, see src/engine/pattern.ts: of p.starts, p.out and p.capacity. */

/** Where a row begins, kept inside the pattern. */
export const START = `
fn start_of(row: u32) -> u32 {
  return u32(clamp(bitcast<i32>(word(p.starts + row)), 0, i32(p.capacity)));
}`

/** The row that nonzero e is in, the last that begins at or before it; p.out where it is in none. */
export const ROW = `${START}
fn row_of(e: u32) -> u32 {
  var low = 0u;
  var high = p.out;
  while (low < high) {
    let middle = (low + high + 1u) / 2u;
    if (start_of(middle) <= e) { low = middle; } else { high = middle - 1u; }
  }
  if (e < start_of(low)) { return p.out; }
  return low;
}`
