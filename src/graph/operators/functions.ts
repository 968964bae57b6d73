/** @file Functions of one number, elementwise, under ONNX's names (Trunc and Atan's helpers aside). */
import { erf as erfOf, nearest } from '../../util/functions.ts'
import type { Builder, Operator } from '../operator.ts'
import type { Tensor, TensorType } from '../tensor.ts'
import { add, mul, neg, reciprocal, sub } from './elementwise.ts'

const like = ([{ shape, batched }]: readonly Tensor[]): TensorType[] => [{ shape, batched }]

/**
 * An operator from its formula, which folds constants, and its derivative: given graph, dy, x and y, what dx
 * is. Without one nothing flows back.
 */
function elementwise(
  name: string,
  formula: (x: number) => number,
  derivative?: (graph: Builder, dy: Tensor, x: Tensor, y: Tensor) => Tensor,
): Operator {
  return {
    name,
    infer: like,
    fold: ([x]) => formula(x),
    gradient: derivative && ((graph, { inputs: [x], outputs: [y] }, [dy]) => [dy && derivative(graph, dy, x, y)]),
  }
}

const square = (graph: Builder, x: Tensor) => mul(graph, x, x)

export const Exp = elementwise('Exp', Math.exp, (graph, dy, _x, y) => mul(graph, dy, y))
/** Natural logarithm of x > 0. */
export const Log = elementwise('Log', Math.log, (graph, dy, x) => mul(graph, dy, reciprocal(graph, x)))
// dx = dy (1 - y^2)
export const Tanh = elementwise('Tanh', Math.tanh, (graph, dy, _x, y) =>
  sub(graph, dy, mul(graph, dy, square(graph, y))),
)
/** 2 / sqrt(pi) times the integral of e^-t^2 from 0 to x. */
export const Erf = elementwise('Erf', erfOf, (graph, dy, x) =>
  mul(graph, mul(graph, dy, exp(graph, neg(graph, square(graph, x)))), graph.constant(2 / Math.sqrt(Math.PI))),
)
export const Sin = elementwise('Sin', Math.sin, (graph, dy, x) => mul(graph, dy, cos(graph, x)))
export const Cos = elementwise('Cos', Math.cos, (graph, dy, x) => neg(graph, mul(graph, dy, sin(graph, x))))
// dx = dy / (1 + x^2)
export const Atan = elementwise('Atan', Math.atan, (graph, dy, x) =>
  mul(graph, dy, reciprocal(graph, add(graph, square(graph, x), graph.constant(1)))),
)

/** Steps: their derivative is 0 wherever there is one, so nothing flows back through them. */
export const Floor = elementwise('Floor', Math.floor)
export const Ceil = elementwise('Ceil', Math.ceil)
/** Towards zero. */
export const Trunc = elementwise('Trunc', Math.trunc)
export const Sign = elementwise('Sign', Math.sign)
/** To the nearest whole number, the even one of two. */
export const Round = elementwise('Round', nearest)
/**
 * The same with the gradient of the identity (the straight-through estimator of Bengio et al. 2013), so that
 * networks that round their values can be trained.
 */
export const RoundThrough = elementwise('Round', nearest, (_graph, dy) => dy)

export const exp = (graph: Builder, x: Tensor): Tensor => graph.apply(Exp, [x])[0]
export const log = (graph: Builder, x: Tensor): Tensor => graph.apply(Log, [x])[0]
export const tanh = (graph: Builder, x: Tensor): Tensor => graph.apply(Tanh, [x])[0]
export const erf = (graph: Builder, x: Tensor): Tensor => graph.apply(Erf, [x])[0]
export const sin = (graph: Builder, x: Tensor): Tensor => graph.apply(Sin, [x])[0]
export const cos = (graph: Builder, x: Tensor): Tensor => graph.apply(Cos, [x])[0]
export const atan = (graph: Builder, x: Tensor): Tensor => graph.apply(Atan, [x])[0]
export const floor = (graph: Builder, x: Tensor): Tensor => graph.apply(Floor, [x])[0]
export const ceil = (graph: Builder, x: Tensor): Tensor => graph.apply(Ceil, [x])[0]
export const trunc = (graph: Builder, x: Tensor): Tensor => graph.apply(Trunc, [x])[0]
export const sign = (graph: Builder, x: Tensor): Tensor => graph.apply(Sign, [x])[0]
export const round = (graph: Builder, x: Tensor): Tensor => graph.apply(Round, [x])[0]
/** x times the normal distribution's share below x (Hendrycks & Gimpel 2016): (1 + erf(x / sqrt 2)) / 2. */
export const gelu = (graph: Builder, x: Tensor): Tensor => {
  const share = erf(graph, mul(graph, x, graph.constant(Math.SQRT1_2)))
  return mul(graph, mul(graph, x, graph.constant(0.5)), add(graph, share, graph.constant(1)))
}
export const roundThrough = (graph: Builder, x: Tensor): Tensor => graph.apply(RoundThrough, [x])[0]
