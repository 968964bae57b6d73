// What bounds a program: floating-point operations and bytes counted from the arguments of its kernel calls,
// beside peaks of arithmetic and of main memory.
import { markdownTable } from 'markdown-table'
import { call, named } from '../dist/engine/kernel.js'
import { binary } from '../dist/engine/kernels/elementwise.js'
import { roundsOf } from './contender.mjs'
import { PLACES, ratesOf } from './espalier.mjs'
import { milliseconds, percent } from './report.mjs'

const STREAM = 2 ** 24
/** A sum of two arrays of 64 MB into a third: three streams through main memory. */
const stream = call(binary, {
  op: 0,
  d0: 1,
  d1: 1,
  d2: 1,
  d3: STREAM,
  x: PLACES.first,
  sx0: 0,
  sx1: 0,
  sx2: 0,
  sx3: 1,
  y: PLACES.second,
  sy0: 0,
  sy1: 0,
  sy2: 0,
  sy3: 1,
  out: PLACES.third,
})

/** GFLOP/s of register multiply-adds and GB/s of main memory, measured in turns. */
export async function peaksOf(threads, engine = 'native') {
  const [{ rate, peak }] = await ratesOf(threads, [{ name: 'stream', flops: 12 * STREAM, instruction: stream }], engine)
  return { arithmetic: peak, memory: rate }
}

export const peaksText = ({ arithmetic, memory }) => `${arithmetic.toFixed(0)} GFLOP/s, ${memory.toFixed(1)} GB/s`

const isSparse = ({ kernel }) => kernel.name.startsWith('sparse_')
/** A layer whose weights are all there may run on sparse kernels too. */
function skipsZeros(instruction) {
  const p = named(instruction)
  return isSparse(instruction) && p.capacity < p.in * p.out * p.kh * p.kw
}

/**
 * Multiply-adds count twice. Winograd's algorithm, where the kernels take it, multiplies 2.25 times less than
 * the direct sum; its additions are not counted.
 */
function flopsOf(instruction) {
  const p = named(instruction)
  const { name } = instruction.kernel
  if (name === 'gemm') return 2 * p.m * p.n * p.k
  if (isSparse(instruction)) return 2 * p.capacity * p.oh * p.ow * p.batch
  if (!name.startsWith('conv')) return 0
  const direct = 2 * p.batch * p.groups * p.out * p.in * p.kh * p.kw * p.oh * p.ow
  const unit = [p.sy, p.sx, p.dy, p.dx, p.groups].every((n) => n === 1)
  const winograd = unit && p.kh === 3 && p.kw === 3 && p.in >= 8 && p.out >= 8 && p.batch >= 8
  return winograd ? direct / 2.25 : direct
}

/** Every operand once. */
const bytesOf = ({ kernel, args }) =>
  kernel.extents(named({ kernel, args }), args).reduce((sum, { length }) => sum + 4 * length, 0)

/**
 * The least milliseconds of every call by its operations or by its bytes, whichever takes longer, summed:
 * `floor`; the calls that are bound by `arithmetic` and those bound by `bytes`; and `rest`, those that skip
 * no zeros.
 */
export function floorOf(instructions, peaks) {
  const floor = { total: 0, arithmetic: 0, bytes: 0, rest: 0 }
  for (const instruction of instructions) {
    const arithmetic = flopsOf(instruction) / peaks.arithmetic / 1e6
    const bytes = bytesOf(instruction) / peaks.memory / 1e6
    const least = Math.max(arithmetic, bytes)
    floor.total += least
    floor[arithmetic > bytes ? 'arithmetic' : 'bytes'] += least
    if (!skipsZeros(instruction)) floor.rest += least
  }
  return floor
}

/** The largest part of a floor, in words; a remainder is named where some calls skip zeros. */
export function boundText({ total, arithmetic, bytes, rest }) {
  if (rest < total && rest > total / 2) return 'dense remainder'
  return arithmetic > bytes ? 'arithmetic' : 'bytes'
}

/**
 * One row per contender that has a `profile` (of so many rounds). `peaks` by number of threads.
 * @param {Map<number, { arithmetic: number, memory: number }>} peaks
 */
export function rooflineTable(contenders, times, peaks) {
  const rows = contenders.flatMap(({ name, threads, profile }, i) => {
    if (!profile) return []
    const calls = profile(roundsOf(Math.min(101, Math.max(5, Math.ceil(1000 / times[i].median)))))
    const instructions = calls.map(({ instruction }) => instruction)
    const floor = floorOf(instructions, peaks.get(threads))
    const time = (some) => some.reduce((sum, { milliseconds: ms }) => sum + ms, 0)
    const rest = time(calls.filter(({ instruction }) => !skipsZeros(instruction))) / time(calls)
    const parts = [floor.arithmetic, floor.bytes].map((ms) => percent(ms / floor.total))
    const remainder = rest < 1 ? [percent(floor.rest / floor.total), percent(rest)] : ['', '']
    const cells = [milliseconds(times[i].median), milliseconds(floor.total), boundText(floor), ...parts, ...remainder]
    return [[name, ...cells]]
  })
  const head = ['', 'ms', 'floor, ms', 'bound by', 'arithmetic', 'bytes', 'dense remainder', 'of the time']
  const peakLines = [...peaks].map(([threads, peak]) => `${threads}: ${peaksText(peak)}`)
  return `${markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'l', 'r', 'r', 'r', 'r'] })}

Peaks measured in the same run, by threads: ${peakLines.join('; ')}.`
}

/** What the columns of {@link rooflineTable} mean. */
export const ROOFLINE_TEXT = `The floor of a kernel call is its counted FLOPs over the peak of register multiply-adds or its counted bytes (every operand once) over the bandwidth of main
memory, whichever is longer; the calls' floors are added up. Shares of the floor: calls bound by arithmetic, calls bound by bytes, and the dense remainder, which is all calls that skip no zeros
(first layer, shortcuts, classifier, normalization, additions, optimizer, data, pruned layers on dense kernels). Operands that a cache still holds move faster than main memory, so that a figure may
be below its floor. The last column is measured: the remainder's share of the time when every call is run alone.`
