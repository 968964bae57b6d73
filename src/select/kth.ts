/**
 * @file Selects without sorting, by quickselect (Hoare 1961) with three parts, so that ties cost nothing.
 */

/**
 * The k-th largest of `values`, k from 1 to their number, in expected O(n). The values must not be NaN; they
 * come back in another order, which is the same every time.
 */
export function kthLargest(values: Float32Array | Float64Array, k: number): number {
  const place = values.length - k
  let first = 0
  let end = values.length
  for (let draw = 1; ; ) {
    draw = (Math.imul(draw, 1664525) + 1013904223) >>> 0
    const pivot = values[first + (draw % (end - first))]
    // Less than the pivot before `less`, equal to it before `at`, unknown before `more`, then larger.
    let less = first
    let more = end
    for (let at = first; at < more; ) {
      const value = values[at]
      if (value < pivot) {
        values[at++] = values[less]
        values[less++] = value
      } else if (value > pivot) {
        values[at] = values[--more]
        values[more] = value
      } else at++
    }
    if (place < less) end = less
    else if (place >= more) first = more
    else return pivot
  }
}
