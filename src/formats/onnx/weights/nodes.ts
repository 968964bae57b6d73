/**
 * @file What single nodes do to stored values: pass their elements on, scale them, multiply with them as
 * weights, or read them otherwise.
 */
import { sizeOf } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import type { External } from '../tensor.ts'
import { numbersOf, readTensor } from '../tensor.ts'
import {
  alongAxis,
  casted,
  combined,
  dequantized,
  isBinary,
  isUnary,
  type Levels,
  mapped,
  quantized,
} from './arithmetic.ts'
import { after, computed, derived, type Flow, type LevelFlows, type Memo, type Source, type Step } from './flow.ts'
import { movementOf, moves, takesApart } from './movement.ts'
import { broadcast, isBounded, type Movement, moved, type Numbers } from './numbers.ts'
import { looksUp, readsNoValues, roleOf, sums, weightSlots } from './slots.ts'
import type { UsesOfAll } from './uses.ts'

export type Flows = readonly (Flow | undefined)[]

/** A node with what goes into it. */
export interface Visit {
  operation: Operation
  inputs: Flows
  uses: UsesOfAll
  external: External
  /** Of a product of whole numbers, the scale that a later node multiplies it with. */
  laterScale(): Flow | undefined
}

/** The most numbers of a shape, or of a list of places, that are looked at. */
const MOST_LISTED = 2 ** 20

/** What comes out of a node without graphs inside. What it does to stored tensors goes to `uses`. */
export function outputsOf(visit: Visit): Flow[] {
  const { operation, inputs } = visit
  const [op, [x, y]] = [operation.op, inputs]
  if (op === 'Constant') return [constant(visit)]
  const layer = layerOf(visit)
  if (layer) return layer
  if (readsNoValues(operation)) return [shapeOf(visit)]
  if ((op === 'Mul' || op === 'Div') && x?.stored && y?.stored) return [product(visit, x, y)]
  if (op === 'DequantizeLinear' || op === 'com.microsoft.DequantizeLinear') return [dequantize(visit)]
  if ((op === 'QuantizeLinear' || op === 'com.microsoft.QuantizeLinear') && x?.stored) return [quantize(visit)]
  if (x?.stored && (op === 'Neg' || op === 'CastLike' || op === 'Cast') && keepsZeros(operation))
    return [same(visit, x)]
  if (moves(operation, 0) && inputs.length > 0 && movable(visit)) return operation.outputs.map((_, i) => move(visit, i))
  return others(visit)
}

/** Every input is read by something that is no layer. */
function others(visit: Visit): Flow[] {
  const { operation, inputs, uses } = visit
  const known = inputs.every((flow) => !flow || flow.stored)
  inputs.forEach((flow, slot) => {
    if (!flow) return
    if (looksUp(operation, slot)) uses.other(flow.sources, `a table that ${operation.op} looks up in`, false)
    else uses.other(flow.sources, roleOf(operation, slot, known))
  })
  if (!known || inputs.length === 0) return operation.outputs.map(() => computed)
  const [a, b] = inputs
  const { op } = operation
  if (isBinary(op) && a && b) {
    const shape = a.shape && b.shape && broadcast(a.shape, b.shape)
    return [derived(inputs, shape, (memo) => both(a.numbers(memo), b.numbers(memo), (x, y) => combined(op, x, y)))]
  }
  if (a && isUnary(op)) return [derived(inputs, a.shape, (memo) => one(a.numbers(memo), (x) => mapped(op, x)))]
  if (a && op === 'Cast') {
    const to = operation.integer('to', 1)
    return [derived(inputs, a.shape, (memo) => one(a.numbers(memo), (x) => casted(x, to)))]
  }
  return operation.outputs.map(() => derived(inputs, undefined, () => undefined))
}

/** A layer; undefined where the node is none. */
function layerOf({ operation, inputs, uses, laterScale }: Visit): Flow[] | undefined {
  const slots = weightSlots(operation)
  if (!slots) return undefined
  for (const [slot, flow] of inputs.entries()) {
    const weight = slots.find((one) => one.slot === slot)
    if (!flow) continue
    if (!weight || !sums(operation, slot, flow.shape)) {
      const role = weight ? `multiplied by ${operation.op}, which sums over none of its axes` : roleOf(operation, slot)
      uses.other(flow.sources, role)
      continue
    }
    const { scale, zero, axis = 0, scaledLater } = weight
    const quantized = scale !== undefined || zero !== undefined
    const level = (input: number | undefined) => (input === undefined ? undefined : inputs[input])
    const step: Step = {
      kind: 'dequantize',
      what: operation.op,
      levels: {
        zero: level(zero),
        scale: scaledLater ? laterScale : () => level(scale),
        align: alongAxis(axis),
      },
    }
    const sources = quantized ? after(flow, step) : flow.sources
    uses.layer(sources, operation.label)
  }
  return operation.outputs.map(() => computed)
}

/** Mul and Div: one operand is what is scaled, the other scales it. */
function product({ operation, inputs, uses }: Visit, x: Flow, y: Flow): Flow {
  const { op } = operation
  const shape = x.shape && y.shape && broadcast(x.shape, y.shape)
  const numbers = (memo: Memo) => both(x.numbers(memo), y.numbers(memo), (a, b) => combined(op, a, b))
  const scaled = op === 'Div' ? x : scaledOperand(x, y, shape)
  if (!scaled) {
    uses.other([...x.sources, ...y.sources], `an operand of ${op}, of which neither is a scale or mask of the other`)
    return derived(inputs, shape, numbers)
  }
  const by = scaled === x ? y : x
  uses.other(by.sources, op === 'Div' ? `divides other stored values` : `a scale or mask of other stored values`)
  return derived(
    inputs,
    shape,
    numbers,
    after(scaled, { kind: 'scale', divides: op === 'Div', by, what: operation.label }),
  )
}

/** The one that is as large as the product, and of two such the one that is no mask. */
function scaledOperand(x: Flow, y: Flow, shape: readonly number[] | undefined): Flow | undefined {
  const known = [x, y].filter(({ sources }) => sources.length > 0)
  if (known.length < 2) return known[0] ?? x
  const size = ({ shape: own }: Flow) => (own ? sizeOf(own) : undefined)
  const all = shape && sizeOf(shape)
  const whole = all === undefined ? known : known.filter((flow) => size(flow) === all)
  if (whole.length < 2) return whole[0]
  return whole.find((flow) => !isMask(flow)) ?? x
}

function isMask(flow: Flow): boolean {
  const found = flow.numbers(new Map())
  return found?.values.every((value) => value === 0 || value === 1) ?? false
}

/** A cast to whole numbers makes zeros of other numbers, too. */
const keepsZeros = (operation: Operation) =>
  operation.op !== 'Cast' || ![2, 3, 4, 5, 6, 7, 9, 12, 13].includes(operation.integer('to', 1))

/** The elements as they are, but for sign and type. */
function same({ operation, inputs, uses }: Visit, x: Flow): Flow {
  for (const flow of inputs.slice(1)) if (flow) uses.other(flow.sources, roleOf(operation, 1))
  const numbers = (memo: Memo) => one(x.numbers(memo), (a) => (operation.op === 'Neg' ? mapped('Neg', a) : a))
  return derived(inputs, x.shape, numbers, x.sources)
}

const movable = ({ operation, inputs }: Visit): boolean => {
  const all = operation.op === 'Concat' ? inputs : inputs.slice(0, 1)
  if (!all.every((flow) => flow?.stored)) return false
  // Rows that are known are taken out; others are looked up while the model runs.
  return operation.op !== 'Gather' || inputs[1]?.stored === true
}

/** An output of a node that moves the elements of its first input, of Concat those of all. */
function move({ operation, inputs, uses }: Visit, output: number): Flow {
  const data = operation.op === 'Concat' ? inputs : inputs.slice(0, 1)
  if (output === 0)
    for (const flow of inputs.slice(data.length))
      if (flow) uses.other(flow.sources, `says how ${operation.op} moves elements`)
  const listed = (input: number) => {
    const flow = inputs[input]
    if (!flow?.stored || (flow.shape && sizeOf(flow.shape) > MOST_LISTED)) return undefined
    const found = flow.numbers(new Map())
    return found && [...found.values]
  }
  const shapeOfInput = (input: number) => inputs[input]?.shape
  const movements = data.map((flow, slot): Movement | undefined =>
    flow?.shape
      ? movementOf({ operation, shape: flow.shape, slot, output, numbers: listed, shapeOf: shapeOfInput })
      : undefined,
  )
  const sources = data.flatMap((flow, slot): Source[] =>
    after(flow!, { kind: 'move', movement: movements[slot], what: operation.op }, takesApart(operation)),
  )
  const numbers = (memo: Memo): Numbers | undefined => {
    if (movements.some((movement) => !movement || !isBounded(movement.shape)) || operation.op === 'Pad')
      return undefined
    const parts = data.map((flow, slot) => one(flow!.numbers(memo), (x) => moved(x, movements[slot]!)))
    return parts.reduce((a, b) => both(a, b, (x, y) => combined('Add', x, y)))
  }
  return derived(inputs, movements[0]?.shape, numbers, sources)
}

function levelsFrom({ operation, inputs }: Visit): LevelFlows {
  const axis = operation.integer('axis', 1)
  return { scale: () => inputs[1], zero: inputs[2], align: alongAxis(axis, operation.integer('block_size', 0)) }
}

const levelNumbers = ({ scale, zero, align }: LevelFlows, memo: Memo): Levels => ({
  scale: scale?.()?.numbers(memo),
  zero: zero?.numbers(memo),
  align,
})

function levelUses({ operation, inputs, uses }: Visit): void {
  for (const flow of inputs.slice(1)) if (flow) uses.other(flow.sources, `scales or zero points of ${operation.op}`)
}

function dequantize(visit: Visit): Flow {
  const { operation, inputs, uses } = visit
  const [x] = inputs
  levelUses(visit)
  if (!x?.stored) return computed
  const levels = levelsFrom(visit)
  const sources = after(x, { kind: 'dequantize', levels, what: operation.op })
  uses.dequantized(sources)
  const numbers = (memo: Memo) => one(x.numbers(memo), (a) => dequantized(a, levelNumbers(levels, memo)))
  return derived(inputs, x.shape, numbers, sources)
}

function quantize(visit: Visit): Flow {
  const { operation, inputs } = visit
  const x = inputs[0]!
  levelUses(visit)
  const levels = levelsFrom(visit)
  const [source] = inputs[2]?.sources ?? []
  // Without a zero point the numbers are unsigned.
  const unsigned = !source || !('dataType' in source.place.tensor) || source.place.tensor.dataType === 2
  const step: Step = { kind: 'quantize', levels, unsigned, what: operation.op }
  const numbers = (memo: Memo) => one(x.numbers(memo), (a) => quantized(a, levelNumbers(levels, memo), unsigned))
  return derived(inputs, x.shape, numbers, after(x, step))
}

/** The tensor of a Constant that is not stored in a place of its own, or its number or list. */
function constant({ operation, external }: Visit): Flow {
  const list =
    operation.floats('value_floats') ??
    operation.integers('value_ints') ??
    (operation.has('value_float') ? operation.float('value_float', 0) : undefined) ??
    (operation.has('value_int') ? operation.integer('value_int', 0) : undefined)
  const proto = operation.tensor('value')
  if (proto) {
    const read = () => readTensor(proto, `${operation.label}: its value`, external)
    return derived([], proto.dims.map(Number), () => {
      const tensor = read()
      return { shape: tensor.shape, values: numbersOf(tensor) }
    })
  }
  if (list === undefined) return computed
  const values = Float64Array.from(typeof list === 'number' ? [list] : list)
  const shape = typeof list === 'number' ? [] : [values.length]
  return derived([], shape, () => ({ shape, values }))
}

/** Shape and Size, where they are known. */
function shapeOf({ operation, inputs: [x], uses }: Visit): Flow {
  if (x) uses.other(x.sources, `read by ${operation.op}`, false)
  const whole = x?.shape
  if (!whole) return computed
  const sizes = operation.op === 'Size' ? [sizeOf(whole)] : slice(whole, operation)
  const shape = operation.op === 'Size' ? [] : [sizes.length]
  return derived([], shape, () => ({ shape, values: Float64Array.from(sizes) }))
}

const slice = (shape: readonly number[], operation: Operation) =>
  shape.slice(operation.integer('start', 0), operation.integer('end', shape.length))

const one = (x: Numbers | undefined, apply: (x: Numbers) => Numbers | undefined) => x && apply(x)
const both = (a: Numbers | undefined, b: Numbers | undefined, apply: (a: Numbers, b: Numbers) => Numbers | undefined) =>
  a && b && apply(a, b)
