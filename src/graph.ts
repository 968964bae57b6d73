/**
 * @file espalier/graph: graphs of ONNX operators, their gradients, and programs made from them.
 *
 *     const graph = new Graph()
 *     graph.output('y', relu(graph, linear(graph, graph.input('x', [8, 4]), graph.parameter('w', [3, 4]))))
 *     const executable = compile(await openMachine(), { infer: graph })
 */
export { compile, type Executable } from './engine/compile.ts'
export type { Arena, EngineName, Floats, Machine } from './engine/machine.ts'
export { type MachineOptions, openMachine } from './engine/machines/open.ts'
export { differentiate } from './graph/differentiate.ts'
export { Graph, prunableParameters } from './graph/graph.ts'
export type { Node, Operator } from './graph/operator.ts'
export { add, mul, neg, relu, sub } from './graph/operators/elementwise.ts'
export { gemm, linear, matmul } from './graph/operators/linear.ts'
export { crossEntropy, softmax } from './graph/operators/loss.ts'
export { reduceMean } from './graph/operators/mean.ts'
export { flatten, reduceSum, reshape } from './graph/operators/shape.ts'
export type { Shape, Tensor } from './graph/tensor.ts'
export { UserError } from './util/errors.ts'
