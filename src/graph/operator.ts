/**
 * @file What an operator is: a name (ONNX's where ONNX has it), a shape rule and a gradient rule.
 * One file per family in `operators/`; how an operator becomes kernel calls is the engine's business.
 */
import type { Shape, Tensor, TensorType } from './tensor.ts'

export type Attribute = number | string | boolean | readonly number[]
export type Attributes = Readonly<Record<string, Attribute>>

/** What a rule may append to a graph: nodes and constants. */
export interface Builder {
  /** Appends a node and returns its outputs. Throws ShapeError where the inputs do not fit. */
  apply(operator: Operator, inputs: readonly Tensor[], attributes?: Attributes): Tensor[]
  /** One value throughout, or all values in row-major order. */
  constant(values: number | ArrayLike<number>, shape?: Shape, batched?: boolean): Tensor
}

export interface Operator {
  /** ONNX operator name, or one of ours where ONNX has none (gradients, updates, batches). */
  readonly name: string
  /** Types of the outputs, or an Error that says what was expected and what was found. */
  infer(inputs: readonly Tensor[], attributes: Attributes): TensorType[]
  /**
   * Reverse-mode rule: given the gradients of the outputs (undefined where nothing depends on them), appends
   * nodes to the graph and returns the gradient of each input (undefined where there is none). Built from
   * differentiable operators, so that a gradient can be differentiated again. Absent: nothing flows back
   * through this operator.
   */
  gradient?(graph: Builder, node: Node, outputGradients: readonly (Tensor | undefined)[]): (Tensor | undefined)[]
  /**
   * The same outputs by simpler operators, appended to the graph. Used where there is no gradient rule: a
   * fused operator is differentiated through this.
   */
  decompose?(graph: Builder, node: Node): Tensor[]
  /** Index of the input that holds a layer's prunable weight. */
  readonly weight?: number
  /** Indices of inputs that the node changes in place (optimizer steps). Such nodes are never dead. */
  readonly writes?: readonly number[]
  /** Output value when every input is a constant that holds one value throughout; undefined: not foldable. */
  fold?(values: readonly number[]): number
}

export interface Node {
  readonly operator: Operator
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly attributes: Attributes
}

/** An operator was given inputs that it cannot take. */
export class ShapeError extends Error {
  override name = 'ShapeError'
}

export function check(condition: boolean, operator: string, message: () => string): asserts condition {
  if (!condition) throw new ShapeError(`${operator}: ${message()}`)
}

/** A node's attribute with its type checked. */
export function attribute<T extends Attribute>(attributes: Attributes, name: string, fallback: T): T {
  const value = attributes[name] ?? fallback
  const kind = (of: Attribute) => (typeof of === 'object' ? 'list of numbers' : typeof of)
  if (kind(value) !== kind(fallback))
    throw new ShapeError(`attribute ${name}: expected a ${kind(fallback)}, found ${value}`)
  return value as T
}
