/**
 * @file Convolution of bytes, exact in whole numbers (kernels/int8_conv.c, int8_sparse.c, int8_depthwise.c);
 * a linear layer is the 1 x 1 case. Maps lie as src/engine/kernels/int8.ts says. `border` is the byte of what
 * lies beside the map. `offset` and `scale` have a value for each output, up to whole fours.
 */
import { UserError } from '../../util/errors.ts'
import type { Extent, Kernel, ReferenceMemory } from '../kernel.ts'
import { FARTHEST, type Size, type Sizes, sizes } from './conv.ts'
import { byteOf, bytesFrom, checkLimits, type Limited, limited, quads, toByte, wordsFrom } from './int8.ts'
import { limits } from './limits.ts'

const { INT8_PANEL, INT8_STRIP, MOST_TAPS, WIDEST_VECTOR } = limits

type Ending = 'border' | 'offset' | 'scale' | 'y' | keyof Limited

const at = (offset: number, length: number): Extent => ({ offset, length })
const placesOf = (p: Sizes) => p.oh * p.ow * p.batch

/** Words of a window: fours of channels times taps. */
export const depthOf = (p: Pick<Sizes, 'in' | 'kh' | 'kw'>): number => quads(p.in) * p.kh * p.kw

function checkSizes(p: Sizes & Limited & { border: number }): void {
  if (sizes.slice(0, 14).some((name) => p[name] < 1)) throw new Error('sizes, strides and dilations must be 1 or more')
  if ((p.oh - 1) * p.sy + (p.kh - 1) * p.dy > FARTHEST) throw new Error(`a window begins beyond row ${FARTHEST}`)
  if (p.border > 255) throw new Error(`expected a byte beside the map, found ${p.border}`)
  checkLimits(p)
}

/** Throws UserError where C has no room for the windows of an output. */
function checkDepth(p: Sizes): void {
  if (5 * depthOf(p) + WIDEST_VECTOR > INT8_PANEL)
    throw new UserError(
      `a window of ${p.in} channels and ${p.kh} x ${p.kw} taps is more than the engine's buffer holds`,
    )
}

/** The same for one row of a depthwise convolution. */
function checkStrip(p: Sizes): void {
  if (4 * p.kh * quads(p.kw) > MOST_TAPS)
    throw new UserError(`a depthwise kernel of ${p.kh} x ${p.kw} has more than ${MOST_TAPS} taps, filled up to fours`)
  const rows = 1 + Math.floor(((p.kh - 1) * p.dy) / p.sy)
  const columns = p.ow + Math.floor(((p.kw - 1) * p.dx) / p.sx)
  if (p.sy * p.sx * rows * columns * p.batch > INT8_STRIP)
    throw new UserError(
      `a depthwise convolution of ${p.batch} samples needs ${rows} rows of ${columns} columns, more than the engine's buffer holds: expected smaller batches or narrower inputs`,
    )
}

/** Whether the kernels take a convolution of these sizes. */
export function int8Fits(p: Sizes): boolean {
  try {
    if (p.groups > 1) checkStrip(p)
    else checkDepth(p)
    return true
  } catch {
    return false
  }
}

/** Every tap of an output that lies inside of a channel's map, and what lies beside it as undefined. */
function* tapsOf(p: Sizes, row: number, column: number): Generator<[tap: number, place: number | undefined]> {
  for (let ky = 0; ky < p.kh; ky++)
    for (let kx = 0; kx < p.kw; kx++) {
      const y = row * p.sy + ky * p.dy - p.top
      const x = column * p.sx + kx * p.dx - p.left
      const inside = y >= 0 && y < p.h && x >= 0 && x < p.w
      yield [ky * p.kw + kx, inside ? (y * p.w + x) * p.batch : undefined]
    }
}

interface Where {
  border: number
  offset: number
  scale: number
  y: number
  x: number
  toFloat?: number
}

/**
 * Sums up the outputs of a convolution whose output o has, for channel i and tap t, the weight `weightOf(o,
 * i, t)`, over the channels `inputsOf(o)`, and writes them.
 */
function convolve(
  p: Sizes & Where & Limited,
  memory: ReferenceMemory,
  outputs: number,
  inputsOf: (output: number) => readonly number[],
  weightOf: (output: number, input: number, tap: number) => number,
): void {
  const [x, y, offset] = [bytesFrom(memory, p.x), bytesFrom(memory, p.y), wordsFrom(memory, p.offset)]
  const { floats } = memory
  const places = placesOf(p)
  for (let o = 0; o < (p.toFloat ? outputs : 4 * quads(outputs)); o++)
    for (let row = 0; row < p.oh; row++)
      for (let column = 0; column < p.ow; column++)
        for (let n = 0; n < p.batch; n++) {
          let sum = offset[o]
          for (const [tap, from] of tapsOf(p, row, column))
            for (const i of inputsOf(o)) {
              const value = from === undefined ? p.border : x[byteOf(i, from + n, p.h * p.w * p.batch)]
              sum += value * weightOf(o, i, tap)
            }
          const place = (row * p.ow + column) * p.batch + n
          const value = Math.fround(Math.fround(sum) * floats[p.scale + o])
          if (p.toFloat) floats[p.y + o * places + place] = value
          else y[byteOf(o, place, places)] = toByte(value, p)
        }
}

const allInputs = (p: Sizes) => Array.from({ length: 4 * quads(p.in) }, (_, i) => i)
const signed = (byte: number) => (byte << 24) >> 24

const resultOf = (p: Sizes & Where): Extent => at(p.y, (p.toFloat ? p.out : quads(p.out)) * placesOf(p))
const inputOf = (p: Sizes & Where, channels: number): Extent => at(p.x, quads(channels) * p.h * p.w * p.batch)
const ends = (p: Where, outputs: number): Extent[] => [
  at(p.offset, 4 * quads(outputs)),
  at(p.scale, 4 * quads(outputs)),
]

/**
 * y = clamp(round(float(sum + offset[o]) scale[o]) + zero, low, high), or with `toFloat` float(sum +
 * offset[o]) scale[o] as floats [out][place]. Weights are signed bytes [out / 4][in / 4][tap][4 outputs][4
 * inputs]. Groups are 1.
 */
export const int8Conv: Kernel<Size | 'x' | 'weight' | 'toFloat' | Ending> = {
  name: 'int8_conv',
  parameters: [...sizes, 'x', 'border', 'weight', 'offset', 'scale', 'y', ...limited, 'toFloat'],
  room: checkDepth,
  extents: (p) => {
    checkSizes(p)
    if (p.groups !== 1) throw new Error(`expected one group, found ${p.groups}`)
    const weight = at(p.weight, 4 * quads(p.out) * depthOf(p))
    return [inputOf(p, p.in), weight, ...ends(p, p.out), resultOf(p)]
  },
  reference: (p, memory) => {
    const weight = bytesFrom(memory, p.weight)
    const inputs = allInputs(p)
    const taps = p.kh * p.kw
    convolve(
      p,
      memory,
      p.out,
      () => inputs,
      (o, i, tap) => {
        const group = ((o >> 2) * quads(p.in) + (i >> 2)) * taps + tap
        return signed(weight[16 * group + 4 * (o & 3) + (i & 3)])
      },
    )
  },
}

/**
 * The same of groups of weights, four inputs of a tap each, that are not all zero: output o has the groups
 * `starts[o]` to before `starts[o + 1]`, at most `capacity` in all, each with its place in [in / 4][tap] and
 * four signed bytes in `values`. C trusts none of them: a group that lies outside is left out.
 */
export const int8SparseConv: Kernel<Size | 'x' | 'values' | 'starts' | 'places' | 'capacity' | 'toFloat' | Ending> = {
  name: 'int8_sparse_conv',
  parameters: [
    ...sizes,
    'x',
    'border',
    'values',
    'starts',
    'places',
    'capacity',
    'offset',
    'scale',
    'y',
    ...limited,
    'toFloat',
  ],
  room: checkDepth,
  extents: (p) => {
    checkSizes(p)
    if (p.groups !== 1) throw new Error(`expected one group, found ${p.groups}`)
    const pattern = [at(p.values, p.capacity), at(p.starts, p.out + 1), at(p.places, p.capacity)]
    return [inputOf(p, p.in), ...pattern, ...ends(p, p.out), resultOf(p)]
  },
  reference: (p, memory) => {
    const values = bytesFrom(memory, p.values)
    const [starts, places] = [wordsFrom(memory, p.starts), wordsFrom(memory, p.places)]
    const depth = depthOf(p)
    const taps = p.kh * p.kw
    const dense = new Int8Array(4 * quads(p.out) * depth * 4)
    for (let o = 0; o < p.out; o++)
      for (let e = Math.max(starts[o], 0); e < Math.min(starts[o + 1], p.capacity); e++)
        if (places[e] >= 0 && places[e] < depth)
          for (let i = 0; i < 4; i++) dense[4 * (o * depth + places[e]) + i] += values[4 * e + i]
    const inputs = allInputs(p)
    convolve(
      p,
      memory,
      p.out,
      () => inputs,
      (o, i, tap) => dense[4 * (o * depth + (i >> 2) * taps + tap) + (i & 3)],
    )
  },
}

/**
 * The same of one input and one output for each of `groups`. Weights are signed bytes [group / 4][row][column
 * / 4][4 groups][4 columns], zeros where there is no such column.
 */
export const int8Depthwise: Kernel<Size | 'x' | 'weight' | Ending> = {
  name: 'int8_depthwise',
  parameters: [...sizes, 'x', 'border', 'weight', 'offset', 'scale', 'y', ...limited],
  room: checkStrip,
  extents: (p) => {
    checkSizes(p)
    if (p.in !== 1 || p.out !== 1) throw new Error('expected one input and one output for each group')
    const weight = at(p.weight, 4 * quads(p.groups) * p.kh * quads(p.kw))
    const result = at(p.y, quads(p.groups) * placesOf(p))
    return [inputOf(p, p.groups), weight, ...ends(p, p.groups), result]
  },
  reference: (p, memory) => {
    const weight = bytesFrom(memory, p.weight)
    convolve(
      p,
      memory,
      p.groups,
      (o) => [o],
      (o, _i, tap) => {
        const [row, column] = [Math.floor(tap / p.kw), tap % p.kw]
        const four = ((o >> 2) * p.kh + row) * quads(p.kw) + (column >> 2)
        return signed(weight[16 * four + 4 * (o & 3) + (column & 3)])
      },
    )
  },
}
