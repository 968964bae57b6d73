/**
 * @file What a layer multiplies with where a stored tensor has an element, and which stored number is zero
 * there.
 */
import { sizeOf } from '../../../graph/tensor.ts'
import type { StoredTensor } from '../../safetensors-bytes.ts'
import { isFloating, numbersOf } from '../tensor.ts'
import { combined, dequantized, type Levels, levelOf, quantized } from './arithmetic.ts'
import type { LevelFlows, Memo, Scaling, Source, Step, Steps } from './flow.ts'
import { broadcast, isBounded, type Movement, moved, type Numbers, spread } from './numbers.ts'

/** Why a tensor cannot be followed to its layer, in plain words. */
export class Untraceable extends Error {
  override name = 'Untraceable'
}

/** Per element of a stored tensor. */
export interface Weighed {
  /** |what the layer multiplies with|: the largest, where there are several. */
  magnitudes: Float32Array | Float64Array
  /** The stored number that is zero at the layer: one for all, or each its own. */
  zeros: number | Float64Array
}

/**
 * A tensor on its way: its numbers, and for each of them which element of the tensor it is (absent: in order;
 * -1: none).
 */
interface Traced extends Numbers {
  from?: Int32Array
  /** Of numbers that stand for others, the one that stands for zero. */
  zero?: (i: number) => number
}

/**
 * The ways of a tensor to layers as one. Throws Untraceable where what is done to it is not known, or zeros
 * do not stay zeros.
 */
export function weigh(sources: readonly Source[], tensor: StoredTensor): Weighed {
  const magnitudes = numbersOf(tensor)
  let zeros: Weighed['zeros'] = 0
  let best: Float32Array | Float64Array | undefined
  sources.forEach((source, i) => {
    const steps = untilScaled(source.steps)
    const found: { at: Traced; zeros: Weighed['zeros'] } =
      steps.length > 0
        ? follow(steps, { shape: tensor.shape, values: magnitudes }, isFloating(tensor.dtype))
        : { at: { shape: tensor.shape, values: magnitudes }, zeros: 0 }
    if (i > 0 && !same(zeros, found.zeros)) throw new Untraceable('read with two different zero points')
    zeros = found.zeros
    // Where no scale is on any way, magnitudes are those of the stored numbers.
    if (steps.length === 0 && sources.length === 1) return
    best ??= magnitudes.slice().fill(-1)
    raise(best, found.at)
  })
  // An element that no layer reads keeps its own magnitude.
  for (let i = 0; i < magnitudes.length; i++) magnitudes[i] = best && !(best[i] < 0) ? best[i] : Math.abs(magnitudes[i])
  return { magnitudes, zeros }
}

/** The larger one of each magnitude and those of a tensor on its way. */
function raise(best: Weighed['magnitudes'], { values, from }: Traced): void {
  for (let k = 0; k < values.length; k++) {
    const element = from ? from[k] : k
    if (element >= 0) best[element] = Math.max(best[element], Math.abs(values[k]))
  }
}

/** Whether something on the way to a layer changes numbers. */
export const isScaled = ({ steps }: Source): boolean => untilScaled(steps).length > 0

/** What is done to a tensor, the first first, as far as the last step that changes numbers. */
function untilScaled(steps: Steps | undefined): Step[] {
  const list: Step[] = []
  for (let at = steps; at; at = at.before) if (list.length > 0 || at.step.kind !== 'move') list.push(at.step)
  return list.reverse()
}

/** Which elements of a tensor of this shape are read; undefined where that is not known. */
export function elementsOf(steps: Steps | undefined, shape: readonly number[]): Int32Array | undefined {
  const list: Step[] = []
  for (let at = steps; at; at = at.before) list.push(at.step)
  let from: Int32Array | undefined
  for (const step of list.reverse()) {
    if (step.kind !== 'move') continue
    if (!step.movement || !isBounded(step.movement.shape)) return undefined
    from = composed(from, step.movement)
  }
  return from ?? Int32Array.from({ length: sizeOf(shape) }, (_, i) => i)
}

function follow(steps: readonly Step[], start: Traced, floating: boolean): { at: Traced; zeros: Weighed['zeros'] } {
  const memo: Memo = new Map()
  const size = start.values.length
  let zeros: Weighed['zeros'] = 0
  /** Whether whole numbers are still what is stored. */
  let raw = !floating
  let at = start
  for (const step of steps) {
    if (step.kind === 'move') {
      at = shifted(at, step.movement, step.what)
    } else if (step.kind === 'scale') {
      at = scaled(at, step, memo)
      raw = false
    } else if (step.kind === 'quantize') {
      const levels = levelsOf(step.levels, memo, step.what)
      const numbers = quantized(at, levels, step.unsigned)
      at = { ...at, ...fitting(numbers, step.what), zero: zeroOf(levels, at.shape, step.what) }
    } else {
      const levels = levelsOf(step.levels, memo, step.what)
      const zero = zeroOf(levels, at.shape, step.what)
      if (raw) zeros = storedZeros(at, zero, size)
      else if (at.zero && !at.values.every((_, i) => at.zero!(i) === zero(i)))
        throw new Untraceable(`its zeros are no zeros after ${step.what}`)
      raw = false
      at = { from: at.from, ...fitting(dequantized(at, levels), step.what) }
    }
  }
  return { at, zeros }
}

function scaled(at: Traced, { divides, by, what }: Scaling, memo: Memo): Traced {
  const factor = by.numbers(memo)
  const shape = factor && broadcast(at.shape, factor.shape)
  if (!shape) throw new Untraceable(`multiplied in ${what} with numbers that are not computed here`)
  const wide = shifted(at, spread(at.shape, shape), what)
  return { from: wide.from, ...fitting(combined(divides ? 'Div' : 'Mul', wide, factor), what) }
}

function shifted(at: Traced, movement: Movement | undefined, what: string): Traced {
  if (!movement || !isBounded(movement.shape))
    throw new Untraceable(`moved by ${what} to where only the running model knows, and then scaled`)
  if (!movement.from) return { ...at, shape: movement.shape }
  const from = composed(at.from, movement)
  const places = movement.from()
  const { zero } = at
  return { ...moved(at, movement), from, ...(zero && { zero: (i: number) => (places[i] < 0 ? 0 : zero(places[i])) }) }
}

function composed(from: Int32Array | undefined, movement: Movement): Int32Array | undefined {
  const places = movement.from?.()
  if (!places || !from) return places ?? from
  return places.map((place) => (place < 0 ? -1 : from[place]))
}

function levelsOf({ scale, zero, align }: LevelFlows, memo: Memo, what: string): Levels {
  const flow = scale?.()
  const found = { scale: flow?.numbers(memo), zero: zero?.numbers(memo) }
  if ((flow && !found.scale) || (zero && !found.zero))
    throw new Untraceable(`its scales or zero points, in ${what}, are not stored`)
  return { ...found, align }
}

const zeroOf = ({ zero, align }: Levels, shape: readonly number[], what: string): ((i: number) => number) =>
  fitting(levelOf(zero, shape, align, 0), what)

function fitting<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new Untraceable(`the shapes in ${what} do not fit`)
  return found
}

/** By element of the stored tensor; one number where all are equal. */
function storedZeros({ values, from }: Traced, zero: (i: number) => number, size: number): Weighed['zeros'] {
  const first = values.length > 0 ? zero(0) : 0
  let differs = 0
  while (differs < values.length && zero(differs) === first) differs++
  if (differs === values.length) return first
  const zeros = new Float64Array(size).fill(Number.NaN)
  for (let i = 0; i < values.length; i++) {
    const element = from ? from[i] : i
    if (element < 0) continue
    if (!Number.isNaN(zeros[element]) && zeros[element] !== zero(i))
      throw new Untraceable('read with two different zero points')
    zeros[element] = zero(i)
  }
  for (let i = 0; i < size; i++) if (Number.isNaN(zeros[i])) zeros[i] = 0
  return zeros
}

const same = (a: Weighed['zeros'], b: Weighed['zeros']): boolean =>
  typeof a === 'number' || typeof b === 'number' ? a === b : a.every((value, i) => value === b[i])
