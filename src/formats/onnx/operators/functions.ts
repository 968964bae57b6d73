/** @file Functions of one number: exponentials, trigonometry, rounding. */
import type { Graph } from '../../../graph/graph.ts'
import { div } from '../../../graph/operators/arithmetic.ts'
import { abs, add, mul, neg, reciprocal, sigmoid, sqrt, sub } from '../../../graph/operators/elementwise.ts'
import { atan, ceil, cos, erf, exp, floor, log, round, sign, sin, tanh } from '../../../graph/operators/functions.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Translator } from '../scope.ts'
import { each } from './elementwise.ts'

const half = (graph: Graph, x: Tensor) => mul(graph, x, graph.constant(0.5))
const plusOne = (graph: Graph, x: Tensor) => add(graph, x, graph.constant(1))
const oneMinus = (graph: Graph, x: Tensor) => sub(graph, graph.constant(1), x)

/** (e^x + e^-x) / 2. */
const cosh = (graph: Graph, x: Tensor) => half(graph, add(graph, exp(graph, x), exp(graph, neg(graph, x))))

/** arctan(x / sqrt(1 - x^2)). */
const asin = (graph: Graph, x: Tensor) =>
  atan(graph, div(graph, x, sqrt(graph, mul(graph, plusOne(graph, x), oneMinus(graph, x)))))

export const functions: Record<string, Translator> = {
  Abs: each(abs),
  Neg: each(neg),
  Sqrt: each(sqrt),
  Reciprocal: each(reciprocal),
  Exp: each(exp),
  Log: each(log),
  Sigmoid: each(sigmoid),
  Tanh: each(tanh),
  Erf: each(erf),
  Floor: each(floor),
  Ceil: each(ceil),
  Round: each(round),
  Sign: each(sign),
  Sin: each(sin),
  Cos: each(cos),
  Tan: each((graph, x) => div(graph, sin(graph, x), cos(graph, x))),
  Asin: each(asin),
  Acos: each((graph, x) => sub(graph, graph.constant(Math.PI / 2), asin(graph, x))),
  Atan: each(atan),
  // tanh(x) cosh(x), which is exact near 0.
  Sinh: each((graph, x) => mul(graph, tanh(graph, x), cosh(graph, x))),
  Cosh: each(cosh),
  // sign(x) log(|x| + sqrt(x^2 + 1))
  Asinh: each((graph, x) => {
    const root = sqrt(graph, plusOne(graph, mul(graph, x, x)))
    return mul(graph, sign(graph, x), log(graph, add(graph, abs(graph, x), root)))
  }),
  // log(x + sqrt((x - 1) (x + 1)))
  Acosh: each((graph, x) => {
    const root = sqrt(graph, mul(graph, neg(graph, oneMinus(graph, x)), plusOne(graph, x)))
    return log(graph, add(graph, x, root))
  }),
  // log((1 + x) / (1 - x)) / 2
  Atanh: each((graph, x) => half(graph, log(graph, div(graph, plusOne(graph, x), oneMinus(graph, x))))),
}
