/**
 * @file Functions of single elements of known numbers, of one operand to three, or of any number, with
 * NumPy's broadcasting.
 */
import type { Shape } from '../../../graph/tensor.ts'
import { erf, nearest } from '../../../util/functions.ts'
import type { DType } from '../../safetensors-bytes.ts'
import type { Operation } from '../operation.ts'
import { Unsupported } from '../scope.ts'
import { eachRun, inOrder, repeated } from '../strided.ts'
import type { Known } from '../value.ts'
import { computed, type Fold, needed } from './fold.ts'

/**
 * Computed in double precision and rounded to the type of the result, which for + - * / and roots is what
 * single precision gives.
 */
type Apply = (a: number, b: number, c: number) => number

interface Types {
  /** The operands that have to be of one type, which is that of the result. Default: all. */
  alike?: (operands: readonly Known[]) => readonly Known[]
  /** Type of the result, where it is not that. */
  result?: DType
}

/**
 * A function of as many operands as `count`; `apply` may depend on whether they are whole numbers and on
 * attributes.
 */
const elementwise =
  (count: number, choose: (whole: boolean, operation: Operation) => Apply, types?: Types): Fold =>
  (operation, inputs) => {
    const operands = Array.from({ length: count }, (_, i) => needed(inputs[i], operation))
    return [broadcast(operation, operands, choose, types)]
  }

function broadcast(
  operation: Operation,
  operands: readonly Known[],
  choose: (whole: boolean, operation: Operation) => Apply,
  { alike = (all) => all, result }: Types = {},
): Known {
  const typed = alike(operands)
  const [{ type, whole }] = typed
  if (typed.some((known) => known.type !== type))
    throw new Unsupported(
      `${operation.label}: expected operands of one type, found ${typed.map((known) => known.type).join(' and ')}`,
    )
  const shape = commonShape(operands, operation)
  const apply = choose(whole, operation)
  const three = [0, 1, 2].map((i) => operands[i] ?? operands[0])
  const [a, b, c] = three.map(({ values }) => values)
  return computed(shape, result ?? type, operation, (out) => {
    const walks = [inOrder(shape), ...three.map((known) => repeated(known.shape, shape))]
    eachRun(shape, walks, (length, [at, pa, pb, pc], [step, sa, sb, sc]) => {
      for (let i = 0; i < length; i++) out[at + i * step] = apply(a[pa + i * sa], b[pb + i * sb], c[pc + i * sc])
    })
  })
}

function commonShape(operands: readonly Known[], operation: Operation): Shape {
  const shapes = operands.map(({ shape }) => shape)
  const rank = Math.max(...shapes.map(({ length }) => length))
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[shape.length - rank + i] ?? 1)
    const size = sizes.find((n) => n !== 1) ?? 1
    if (sizes.some((n) => n !== 1 && n !== size))
      throw new Unsupported(`${operation.label}: shapes [${shapes.join('] and [')}] cannot be broadcast together`)
    return size
  })
}

const unary = (apply: (x: number) => number): Fold => elementwise(1, () => apply)
const binary = (apply: (a: number, b: number) => number): Fold => elementwise(2, () => apply)
const test = (count: number, apply: Apply): Fold => elementwise(count, () => apply, { result: 'BOOL' })

/** Of any number of operands, taken from left to right. */
const ofAll =
  (apply: (a: number, b: number) => number, finish?: (sum: number, count: number) => number): Fold =>
  (operation, inputs) => {
    const known = inputs.map((input) => needed(input, operation))
    const all = known.slice(1).reduce((left, right) => broadcast(operation, [left, right], () => apply), known[0])
    return [finish ? broadcast(operation, [all], () => (x) => finish(x, known.length)) : all]
  }

/** Python's remainder, which has the sign of b; with `fmod` that of C, which has the sign of a. */
const remainder = (whole: boolean, operation: Operation): Apply => {
  if (operation.integer('fmod', 0) !== 0) return (a, b) => a % b
  if (!whole) throw new Unsupported(`${operation.label}: the remainder of floats needs fmod=1`)
  return (a, b) => {
    const rest = a % b
    return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest
  }
}

export const elementwiseFolds: Record<string, Fold> = {
  Abs: unary(Math.abs),
  Neg: unary((x) => -x),
  Sign: unary(Math.sign),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary(nearest),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Tanh: unary(Math.tanh),
  Erf: unary(erf),
  IsNaN: test(1, (x) => Number(Number.isNaN(x))),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Relu: unary((x) => Math.max(x, 0)),
  Not: test(1, (x) => Number(x === 0)),
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: elementwise(2, (whole) => (whole ? (a, b) => Math.trunc(a / b) : (a, b) => a / b)),
  Mod: elementwise(2, remainder),
  // Of the type of the base; the exponent may have another.
  Pow: elementwise(2, (whole) => (whole ? (a, b) => Math.trunc(a ** b) : (a, b) => a ** b), {
    alike: ([base]) => [base],
  }),
  Max: ofAll(Math.max),
  Min: ofAll(Math.min),
  Sum: ofAll((a, b) => a + b),
  Mean: ofAll(
    (a, b) => a + b,
    (sum, count) => sum / count,
  ),
  Equal: test(2, (a, b) => Number(a === b)),
  Greater: test(2, (a, b) => Number(a > b)),
  GreaterOrEqual: test(2, (a, b) => Number(a >= b)),
  Less: test(2, (a, b) => Number(a < b)),
  LessOrEqual: test(2, (a, b) => Number(a <= b)),
  And: test(2, (a, b) => Number(a !== 0 && b !== 0)),
  Or: test(2, (a, b) => Number(a !== 0 || b !== 0)),
  Xor: test(2, (a, b) => Number((a !== 0) !== (b !== 0))),
  Where: elementwise(3, () => (condition, a, b) => (condition !== 0 ? a : b), { alike: ([, a, b]) => [a, b] }),
  // Where the least is above the most, the most holds.
  Clip: (operation, [x, low, high]) => {
    const known = needed(x, operation)
    const limit = (value: Known | undefined, name: string, without: number) =>
      value ? value.values[0] : operation.opset < 11 ? operation.float(name, without) : without
    const [least, most] = [limit(low, 'min', -Infinity), limit(high, 'max', Infinity)]
    return [broadcast(operation, [known], () => (value) => Math.min(Math.max(value, least), most))]
  },
}
