/**
 * @file What is computed before a network runs: shapes and their arithmetic, weights under another shape or
 * order, kernels that nodes make of stored tensors. Writers leave whole chains of such nodes (Shape, Gather,
 * Concat) where a size is not fixed.
 */
import { create } from '@bufbuild/protobuf'
import { TensorProto_DataType as DataType, TensorProtoSchema } from 'onnx-buf'
import { sizeOf } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import { cast } from './folds/cast.ts'
import { elementwiseFolds } from './folds/elementwise.ts'
import { computed, type Fold, needed } from './folds/fold.ts'
import { moveFolds } from './folds/moves.ts'
import { quantizeFolds } from './folds/quantize.ts'
import { reductionFolds } from './folds/reductions.ts'
import type { Operation } from './operation.ts'
import { type Scope, Unsupported } from './scope.ts'
import { dtypes, type External, numbersOf, readTensor } from './tensor.ts'
import { Known, type Value } from './value.ts'

/** By operator: what computes it from known numbers. */
export const folds: Readonly<Record<string, Fold>> = {
  ...elementwiseFolds,
  ...reductionFolds,
  ...moveFolds,
  ...quantizeFolds,
  Cast: cast,
}

/** Whether an operator is computed from constants here. */
export const isFolded = (op: string): boolean =>
  Object.hasOwn(folds, op) || ['Constant', 'ConstantOfShape', 'Shape', 'Size'].includes(op)

/**
 * What nodes gave for inputs that are the same numbers still: networks are built anew for every batch size.
 */
const remembered = new WeakMap<Operation, { inputs: readonly unknown[]; outputs: Known[] }>()

/** The outputs of a node that can be computed at once; undefined where it has to run. */
export function fold(
  operation: Operation,
  inputs: readonly (Value | undefined)[],
  scope: Scope,
  external: External,
): Known[] | undefined {
  if (operation.op === 'Shape') return [shapeOf(operation, inputs[0])]
  if (operation.op === 'Size') return [Known.integers([sizeOf(shapeOfInput(operation, inputs[0]))], [])]
  if (operation.op === 'Constant') return constantOf(operation)
  const known = inputs.filter((value) => value instanceof Known || value === undefined)
  if (known.length < inputs.length || inputs.length === 0) return undefined
  const last = remembered.get(operation)
  if (last && inputs.every((input, i) => input === last.inputs[i])) return last.outputs
  const outputs =
    operation.op === 'ConstantOfShape'
      ? filled(operation, known[0], external)
      : Object.hasOwn(folds, operation.op)
        ? folds[operation.op](operation, known, scope)
        : undefined
  if (outputs) remembered.set(operation, { inputs, outputs })
  return outputs
}

function shapeOfInput(operation: Operation, value: Value | undefined): readonly number[] {
  if (value === undefined) throw new UserError(`${operation.label} lacks an input`)
  return value.shape
}

function shapeOf(operation: Operation, value: Value | undefined): Known {
  const shape = shapeOfInput(operation, value)
  const [start, end] = [operation.integer('start', 0), operation.integer('end', shape.length)]
  return Known.integers(shape.slice(start, end))
}

/** Numbers and lists of a Constant; its tensors are stored ones. */
function constantOf(operation: Operation): Known[] {
  if (operation.has('value_int')) return [Known.integers([operation.integer('value_int', 0)], [])]
  if (operation.has('value_ints')) return [Known.integers(operation.required('value_ints'))]
  if (operation.has('value_float')) return [new Known([], () => [operation.float('value_float', 0)])]
  const floats = operation.floats('value_floats')
  if (!floats) throw new Unsupported(`${operation.label}: its value is not made of numbers`)
  return [new Known([floats.length], () => floats)]
}

/** ConstantOfShape: by default zeros of single precision. */
function filled(operation: Operation, shape: Known | undefined, external: External): Known[] {
  const zero = create(TensorProtoSchema, { dims: [1n], dataType: DataType.FLOAT, floatData: [0] })
  const value = operation.tensor('value') ?? zero
  const [fill] = numbersOf(readTensor(value, `${operation.label}: its value`, external))
  return [computed(needed(shape, operation).list(), dtypes[value.dataType], operation, (out) => void out.fill(fill))]
}
