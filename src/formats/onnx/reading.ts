/**
 * @file A run over the operations of a file that appends them to a graph: through the graphs inside of nodes,
 * which see the names from outside, and through functions.
 */
import type { NodeProto } from 'onnx-buf'
import type { Node } from '../../graph/operator.ts'
import { UserError } from '../../util/errors.ts'
import { applyNode, located } from './apply.ts'
import type { Block } from './block.ts'
import { namesRead } from './bodies.ts'
import { type Control, controls } from './control/index.ts'
import type { Slot } from './edit.ts'
import type { OnnxFile } from './file.ts'
import { Operation } from './operation.ts'
import { resultType } from './result-type.ts'
import { type Scope, Unsupported } from './scope.ts'
import { Known, type Value } from './value.ts'

/** The most nodes that loops and functions may come to. */
const MOST_NODES = 200_000

/** What the names of a block stand for in one run of it. */
export class Frame {
  readonly block: Block
  readonly values: Map<string, Value>
  readonly #outside?: Frame

  constructor(block: Block, values: Map<string, Value>, outside?: Frame) {
    this.block = block
    this.values = values
    this.#outside = outside
  }

  /** What a name stands for where a node reads it; undefined where nothing computes it. */
  find(name: string, slot: Slot): Value | undefined {
    const here = this.values.get(name) ?? this.block.constant(name, slot)
    return here ?? (this.block.owns(name) ? undefined : this.#outside?.find(name, slot))
  }
}

interface ReadingOptions {
  scope: Scope
  /** Known numbers as the input of a node. */
  asRead(known: Known, slot: Slot): Known
  /** Inputs of one value, on which conditions may depend. */
  deciding: readonly string[]
}

export class Reading {
  /** The nodes of the file by those of the graph that they became. */
  readonly madeBy = new Map<Node, NodeProto>()
  readonly #file: OnnxFile
  readonly #options: ReadingOptions
  #count = 0

  constructor(file: OnnxFile, options: ReadingOptions) {
    this.#file = file
    this.#options = options
  }

  /** Appends all nodes of a block that the outputs of these names need. */
  run(frame: Frame, outputs: ReadonlySet<string>): void {
    const { scope } = this.#options
    const { operations, needed } = neededBy(outputs, frame.block.operations)
    for (const operation of operations) {
      if (++this.#count > MOST_NODES)
        throw new Unsupported(`${this.#file.path}: its loops and functions come to more than ${MOST_NODES} nodes`)
      const before = scope.graph.nodes.length
      const results = this.#results(operation, frame, needed)
      for (const node of scope.graph.nodes.slice(before))
        if (!this.madeBy.has(node)) this.madeBy.set(node, operation.node)
      operation.outputs.forEach((name, i) => {
        const result = results[i]
        if (name !== '' && result) frame.values.set(name, result)
      })
    }
  }

  #results(operation: Operation, frame: Frame, needed: ReadonlySet<string>): readonly (Value | undefined)[] {
    const { scope } = this.#options
    const { path } = this.#file
    const inputs = operation.inputs.map((name, i) => this.#input(name, operation, i, frame))
    const called = located(path, operation, () => frame.block.called(operation))
    const wanted = operation.outputs.map((name) => needed.has(name))
    if (called) return located(path, operation, () => this.#call(called, operation, inputs, wanted))
    if (Object.hasOwn(controls, operation.op))
      return located(path, operation, () => this.#control(controls[operation.op], operation, inputs, { frame, wanted }))
    scope.operation = operation
    const results = applyNode(operation, inputs, scope, this.#file)
    const types = inputs.map((value) => value && scope.typeOf(value))
    results.forEach((result, i) => {
      if (result && operation.outputs[i]) scope.setType(result, resultType(operation, i, types))
    })
    return results
  }

  #input(name: string, { label, slots }: Operation, i: number, frame: Frame): Value | undefined {
    if (name === '') return undefined
    const slot = slots[i]
    const value = frame.find(name, slot)
    // What a call leaves out is left out by the nodes that would read it.
    if (!value && frame.block.isOptional(name)) return undefined
    const found = value ?? missing(this.#file, `${label} reads ${name}`, name)
    return found instanceof Known ? this.#options.asRead(found, slot) : found
  }

  #call(block: Block, operation: Operation, inputs: readonly (Value | undefined)[], wanted: readonly boolean[]) {
    if (inputs.length > block.inputs.length)
      throw new UserError(
        `${operation.label}: it has ${inputs.length} inputs, expected at most ${block.inputs.length}, which its function takes`,
      )
    const [other] = operation.unasked
    if (other !== undefined) throw new UserError(`${operation.label}: its function has no attribute ${other}`)
    return this.#outputs(new Frame(block, valuesOf(block, inputs)), operation, wanted)
  }

  #control(
    control: Control,
    operation: Operation,
    inputs: readonly (Value | undefined)[],
    { frame, wanted }: { frame: Frame; wanted: readonly boolean[] },
  ) {
    const { scope, deciding } = this.#options
    const body = (attribute: string, given: readonly (Value | undefined)[] = [], only?: readonly boolean[]) => {
      operation.ignore(attribute)
      const block = frame.block.inside(operation, attribute)
      if (!block) throw new UserError(`${operation.label} has no graph ${attribute}`)
      if (given.length !== block.inputs.length)
        throw new UserError(
          `${operation.label}: its graph ${attribute} has ${block.inputs.length} inputs, expected ${given.length}`,
        )
      return this.#outputs(new Frame(block, valuesOf(block, given), frame), operation, only)
    }
    const outputs = control(operation, inputs, { scope, body, wanted, deciding })
    const [other] = operation.unasked
    if (other !== undefined) throw new Unsupported(`${operation.label}: its attribute ${other} is not supported`)
    return outputs
  }

  /** Runs a block and gives those of its outputs that are wanted. */
  #outputs(frame: Frame, { node, label }: Operation, wanted?: readonly boolean[]): (Value | undefined)[] {
    const { outputs } = frame.block
    const asked = outputs.filter((_, i) => !wanted || wanted[i])
    const { scope } = this.#options
    scope.repeats++
    this.run(frame, new Set(asked))
    scope.repeats--
    return outputs.map((name, i) => {
      if (wanted && !wanted[i]) return undefined
      return frame.find(name, { node, input: -1 }) ?? missing(this.#file, `${label} gives ${name}`, name)
    })
  }
}

const valuesOf = (block: Block, inputs: readonly (Value | undefined)[]): Map<string, Value> =>
  new Map(block.inputs.flatMap((name, i) => (inputs[i] ? [[name, inputs[i]] as const] : [])))

/** Throws: something needs (`what` says it) what nothing computes, or what is not computed here. */
export function missing({ path, graph }: OnnxFile, what: string, name: string): never {
  const maker = graph.node.find(({ output }) => output.includes(name))
  if (!maker) throw new UserError(`${path}: ${what}, which nothing before it computes`)
  throw new Unsupported(`${path}: ${what}, an output of ${new Operation(maker, 0).label} that is not computed here`)
}

/**
 * The operations that values depend on, with all names that are read; those that compute something else need
 * not run.
 */
function neededBy(outputs: ReadonlySet<string>, operations: readonly Operation[]) {
  const needed = new Set(outputs)
  const found: Operation[] = []
  for (const operation of operations.toReversed()) {
    if (!operation.outputs.some((name) => name !== '' && needed.has(name))) continue
    found.push(operation)
    for (const name of operation.inputs) needed.add(name)
    for (const name of namesRead(operation.node)) needed.add(name)
  }
  return { operations: found.reverse(), needed }
}
