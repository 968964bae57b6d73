/** @file Functions of two numbers with broadcasting: quotients, powers, remainders, and the larger of two. */
import { power } from '../../util/functions.ts'
import type { Builder, Operator } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { broadcast, undoBroadcast } from './broadcast.ts'
import { equal, less, lessOrEqual, where } from './comparisons.ts'
import { add, mul, neg, sub } from './elementwise.ts'
import { log } from './functions.ts'

/** a / b. */
export const Div: Operator = {
  name: 'Div',
  infer: (inputs) => [broadcast('Div', inputs)],
  gradient: (graph, { inputs: [a, b], outputs: [y] }, [dy]) => {
    if (!dy) return [undefined, undefined]
    const da = div(graph, dy, b)
    return [undoBroadcast(graph, da, a), undoBroadcast(graph, neg(graph, mul(graph, da, y)), b)]
  },
  fold: ([a, b]) => a / b,
}

/** The larger of two; NaN if one of them is. The gradient of equal ones goes to the first. */
export const Max: Operator = {
  name: 'Max',
  infer: (inputs) => [broadcast('Max', inputs)],
  gradient: (graph, { inputs: [a, b] }, [dy]) => {
    if (!dy) return [undefined, undefined]
    const [second, none] = [less(graph, a, b), graph.constant(0)]
    return [
      undoBroadcast(graph, where(graph, second, none, dy), a),
      undoBroadcast(graph, where(graph, second, dy, none), b),
    ]
  },
  fold: ([a, b]) => Math.max(a, b),
}

/** The smaller of two, likewise. */
export const Min: Operator = {
  name: 'Min',
  infer: (inputs) => [broadcast('Min', inputs)],
  gradient: (graph, { inputs: [a, b] }, [dy]) => {
    if (!dy) return [undefined, undefined]
    const [first, none] = [lessOrEqual(graph, a, b), graph.constant(0)]
    return [
      undoBroadcast(graph, where(graph, first, dy, none), a),
      undoBroadcast(graph, where(graph, first, none, dy), b),
    ]
  },
  fold: ([a, b]) => Math.min(a, b),
}

/** a^b: NaN where a is below 0 and b no whole number. The gradient of b is 0 where a is not above 0. */
export const Pow: Operator = {
  name: 'Pow',
  infer: (inputs) => [broadcast('Pow', inputs)],
  gradient: (graph, { inputs: [a, b], outputs: [y] }, [dy]) => {
    if (!dy) return [undefined, undefined]
    const [none, one] = [graph.constant(0), graph.constant(1)]
    const slope = mul(graph, b, pow(graph, a, sub(graph, b, one)))
    // b = 0 gives 1 everywhere, also where a^-1 is infinite.
    const da = where(graph, equal(graph, b, none), none, slope)
    const db = mul(graph, y, log(graph, where(graph, less(graph, none, a), a, one)))
    return [undoBroadcast(graph, mul(graph, dy, da), a), undoBroadcast(graph, mul(graph, dy, db), b)]
  },
  fold: ([a, b]) => power(a, b),
}

/** The remainder of a / b with the sign of a, as C's fmod; NaN where b is 0. */
export const Fmod: Operator = {
  name: 'Fmod',
  infer: (inputs) => [broadcast('Fmod', inputs)],
  // y = a - q b, whose whole number q is constant nearly everywhere.
  gradient: (graph, { inputs: [a, b], outputs: [y] }, [dy]) => {
    if (!dy) return [undefined, undefined]
    const quotient = div(graph, sub(graph, a, y), b)
    return [undoBroadcast(graph, dy, a), undoBroadcast(graph, neg(graph, mul(graph, dy, quotient)), b)]
  },
  fold: ([a, b]) => a % b,
}

export const div = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(Div, [a, b])[0]
export const maximum = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(Max, [a, b])[0]
export const minimum = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(Min, [a, b])[0]
export const pow = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(Pow, [a, b])[0]
export const fmod = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(Fmod, [a, b])[0]
/** The remainder of a / b with the sign of b, as Python's %. */
export const modulo = (graph: Builder, a: Tensor, b: Tensor): Tensor => fmod(graph, add(graph, fmod(graph, a, b), b), b)
