/**
 * @file The pattern of a sparse weight [out, in] or [out, in, kh, kw]: where its nonzeros are, for kernels
 * that go through them.
 *
 * Nonzeros stand in row-major order. `starts[o]` to before `starts[o + 1]` are those of output channel o,
 * `places` says where in [in, kh, kw] each is. The transposed pattern orders them by input channel:
 * `tStarts`, `tPlaces` (where in [out, kh, kw]) and `tEntries` (which nonzero it is).
 */
import { patternNames } from '../graph/sparsify.ts'
import { type Shape, sizeOf } from '../graph/tensor.ts'

/** Views of 32-bit integers; places and entries have room for the capacity. */
export interface Pattern {
  starts: Int32Array
  places: Int32Array
  tStarts: Int32Array
  tPlaces: Int32Array
  tEntries: Int32Array
}

/** The pattern of a parameter that a program holds sparse: views of its tensors there. */
export function patternOf(executable: { integers(name: string): Int32Array }, parameter: string): Pattern {
  const names = patternNames(parameter)
  return {
    starts: executable.integers(names.starts),
    places: executable.integers(names.places),
    tStarts: executable.integers(names.tStarts),
    tPlaces: executable.integers(names.tPlaces),
    tEntries: executable.integers(names.tEntries),
  }
}

/**
 * Writes the pattern of the given positions in the weight, row-major and ascending, in time proportional to
 * their number and the channels. Throws where a position is out of order or range, or where there are more
 * than the capacity; nothing is changed then.
 */
export function writePattern(pattern: Pattern, shape: Shape, positions: Int32Array): void {
  const { starts, places, tStarts, tPlaces, tEntries } = pattern
  const [out, channels] = shape
  const [size, row, kernel] = [sizeOf(shape), sizeOf(shape.slice(1)), sizeOf(shape.slice(2))]
  if (positions.length > places.length)
    throw new Error(`${positions.length} nonzeros do not fit into room for ${places.length}`)
  for (let e = 0, last = -1; e < positions.length; last = positions[e], e++)
    if (!(positions[e] > last && positions[e] < size))
      throw new Error(`nonzero ${e} is at ${positions[e]}, after ${last}, of ${size} weights`)

  starts.fill(0)
  tStarts.fill(0)
  // Indices, not `for of`, which takes ten times as long; rows by their ends, since a division is slow too.
  for (let o = 0, e = 0; o < out; o++) {
    const begin = o * row
    for (const end = begin + row; e < positions.length && positions[e] < end; e++) {
      places[e] = positions[e] - begin
      tStarts[((places[e] / kernel) | 0) + 1]++
    }
    starts[o + 1] = e
  }
  for (let i = 0; i < channels; i++) tStarts[i + 1] += tStarts[i]
  const next = tStarts.slice()
  for (let o = 0; o < out; o++)
    for (let e = starts[o]; e < starts[o + 1]; e++) {
      const i = (places[e] / kernel) | 0
      const at = next[i]++
      tPlaces[at] = o * kernel + (places[e] - i * kernel)
      tEntries[at] = e
    }
}

/** The positions of the nonzeros in the weight, row-major. */
export function readPositions({ starts, places }: Pattern, shape: Shape): Int32Array {
  const row = sizeOf(shape.slice(1))
  const positions = new Int32Array(starts[shape[0]])
  for (let o = 0; o < shape[0]; o++) for (let e = starts[o]; e < starts[o + 1]; e++) positions[e] = o * row + places[e]
  return positions
}
