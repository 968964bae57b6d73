/** @file Casts of what is computed: floats of any width are floats here, and so are whole numbers and booleans. */
import { TensorProto_DataType as DataType } from 'onnx-buf'
import type { Graph } from '../../../graph/graph.ts'
import { equal } from '../../../graph/operators/comparisons.ts'
import { sub } from '../../../graph/operators/elementwise.ts'
import { trunc } from '../../../graph/operators/functions.ts'
import { Reshape } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { DType } from '../../safetensors-bytes.ts'
import { type Translator, Unsupported } from '../scope.ts'
import { dtypes, isFloating } from '../tensor.ts'

/**
 * Floats lose their fraction on the way to whole numbers; what is not 0 is true. The result is a tensor of its
 * own where it is of another type, since types belong to tensors.
 */
function castTo(graph: Graph, x: Tensor, from: DType, to: DType): Tensor {
  if (from === to || (isFloating(from) && isFloating(to))) return x
  if (to === 'BOOL') return sub(graph, graph.constant(1), equal(graph, x, graph.constant(0)))
  if (isFloating(from)) return trunc(graph, x)
  return graph.apply(Reshape, [x], { shape: x.shape, batched: x.batched })[0]
}

export const casts: Record<string, Translator> = {
  Cast: (operation, [x], scope) => {
    const to = operation.integer('to', DataType.UNDEFINED)
    operation.ignore('saturate', 'round_mode')
    const type = dtypes[to]
    if (!type)
      throw new Unsupported(`${operation.label}: a cast of computed values to ${DataType[to] ?? to} is not supported`)
    return [scope.map(x, operation, (tensor) => castTo(scope.graph, tensor, scope.typeOf(x!), type))]
  },
  CastLike: (operation, [x, like], scope) => {
    operation.ignore('saturate', 'round_mode')
    const type = like === undefined ? 'F32' : scope.typeOf(like)
    return [scope.map(x, operation, (tensor) => castTo(scope.graph, tensor, scope.typeOf(x!), type))]
  },
}
