/**
 * @file Weights of whole numbers from -128 to 127 as convolutions of bytes read them (src/engine/kernels/
 * int8-conv.ts): by fours of outputs and of inputs, filled up with zeros.
 */
import type { Shape } from '../graph/tensor.ts'
import { quads } from './kernels/int8.ts'

/** [out, in] or [out, in, kh, kw] as [out / 4][in / 4][tap][4 outputs][4 inputs]. */
export function packWeights(whole: ArrayLike<number>, shape: Shape): Uint8Array {
  const [out, channels, kh = 1, kw = 1] = shape
  const taps = kh * kw
  const packed = new Int8Array(16 * quads(out) * quads(channels) * taps)
  for (let o = 0, e = 0; o < out; o++)
    for (let i = 0; i < channels; i++)
      for (let tap = 0; tap < taps; tap++, e++) {
        const group = ((o >> 2) * quads(channels) + (i >> 2)) * taps + tap
        packed[16 * group + 4 * (o & 3) + (i & 3)] = whole[e]
      }
  return new Uint8Array(packed.buffer)
}

/** [channels, 1, kh, kw] as [channel / 4][row][column / 4][4 channels][4 columns]. */
export function packDepthwise(whole: ArrayLike<number>, [channels, , kh, kw]: Shape): Uint8Array {
  const packed = new Int8Array(16 * quads(channels) * kh * quads(kw))
  for (let c = 0, e = 0; c < channels; c++)
    for (let y = 0; y < kh; y++)
      for (let x = 0; x < kw; x++, e++)
        packed[16 * (((c >> 2) * kh + y) * quads(kw) + (x >> 2)) + 4 * (c & 3) + (x & 3)] = whole[e]
  return new Uint8Array(packed.buffer)
}

/** Groups of four inputs of a tap and an output that are not all zero, in the order of [out][in / 4][tap]. */
export interface Groups {
  /** Four signed bytes for each group. */
  values: Uint8Array
  /** Where the groups of every output begin, and the end of the last. */
  starts: Int32Array
  /** Where in [in / 4][tap] each lies. */
  places: Int32Array
}

/** Visits the groups of [out, in] or [out, in, kh, kw] that are not all zero, with their four weights. */
function eachGroup(
  whole: ArrayLike<number>,
  [out, channels, kh = 1, kw = 1]: Shape,
  visit: (output: number, place: number, four: Int8Array) => void,
): void {
  const taps = kh * kw
  const four = new Int8Array(4)
  for (let o = 0; o < out; o++)
    for (let group = 0; group < quads(channels); group++)
      for (let tap = 0; tap < taps; tap++) {
        let any = 0
        for (let i = 0, channel = 4 * group; i < 4; i++, channel++) {
          four[i] = channel < channels ? whole[(o * channels + channel) * taps + tap] : 0
          any |= four[i]
        }
        if (any !== 0) visit(o, group * taps + tap, four)
      }
}

/** The number of groups that {@link packGroups} keeps. */
export function groupsOf(whole: ArrayLike<number>, shape: Shape): number {
  let count = 0
  eachGroup(whole, shape, () => count++)
  return count
}

/** The nonzero groups of [out, in] or [out, in, kh, kw]. */
export function packGroups(whole: ArrayLike<number>, shape: Shape): Groups {
  const count = groupsOf(whole, shape)
  const values = new Int8Array(4 * count)
  const places = new Int32Array(count)
  const starts = new Int32Array(shape[0] + 1)
  let at = 0
  eachGroup(whole, shape, (output, place, four) => {
    values.set(four, 4 * at)
    places[at++] = place
    starts[output + 1] = at
  })
  // Outputs without groups begin where the next one does.
  for (let o = 0; o < shape[0]; o++) starts[o + 1] = Math.max(starts[o + 1], starts[o])
  return { values: new Uint8Array(values.buffer), starts, places }
}
