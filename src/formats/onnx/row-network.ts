/**
 * @file An ONNX model with inputs and outputs of any number and rank as a network of the kind that is pruned
 * with data: a sample is a row of all its inputs one behind the other, and the scores of a sample are a row
 * of all its outputs.
 */
import { Graph } from '../../graph/graph.ts'
import { concat, reshape, slice } from '../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { RowPart } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import { feedRows } from './feeds.ts'
import type { OnnxFile } from './file.ts'
import type { ImportOptions } from './input.ts'
import { shaped } from './model-inputs.ts'
import type { NetworkReader, TranslateOptions } from './read-network.ts'
import { type Scope, Unsupported } from './scope.ts'
import { isFloating } from './tensor.ts'

export interface RowNetwork {
  inputs: readonly RowPart[]
  outputs: readonly RowPart[]
  /** Outputs that are left out, with the reasons. */
  lacking: readonly { output: string; reason: string }[]
  /** Whether the samples of a batch are computed one by one. */
  oneByOne: boolean
  /** Rows [N, 1, 1, inputs] to rows [N, outputs]. */
  build(graph: Graph, rows: Tensor, training: boolean): { scores: Tensor; scope: Scope }
}

/** A number of samples that is hardly a size of a network. */
const SAMPLES = 23

/** Throws UserError, or Unsupported where no output runs here. */
export function rowNetwork(file: OnnxFile, reader: NetworkReader, options: ImportOptions): RowNetwork {
  const names = file.graph.output.map(({ name }) => name)
  const one = reader.fixedBatch ?? 1
  const inputs = shaped(reader.inputs, one, options, file.path)
  const samples = (shape: readonly number[], batched: boolean) => (batched || one > 1 ? shape.slice(1) : shape)
  const parts = inputs.map(
    ({ name, type, shape, batched }): RowPart => ({
      name,
      shape: samples(shape, batched),
      ...(!isFloating(type) && { whole: true }),
    }),
  )
  const width = parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const rowsOf = (graph: Graph, batch: number) => graph.input('images', [batch, 1, 1, width])

  /** All samples of a batch at once; throws Unsupported where they cannot be told apart. */
  const together = (graph: Graph, rows: Tensor, to: TranslateOptions) => {
    const batch = rows.shape[0]
    const fed = feedRows(graph, rows, shaped(reader.inputs, batch, options, file.path), batch)
    const { scope, values } = reader.translate(graph, fed, to)
    return { scope, values, results: to.outputs.map((name) => reader.rowsOf(values, name, scope)) }
  }

  const lacking: { output: string; reason: string }[] = []
  const outputs: RowPart[] = []
  /** What the rows of results hold: the outputs, or what goes into a softmax that one of them is. */
  const running: string[] = []
  for (const name of names) {
    try {
      const graph = new Graph()
      const { scope, values } = together(graph, rowsOf(graph, one), { training: false, outputs: [name] })
      const value = values.get(name)
      if (value && !isFloating(scope.typeOf(value))) lacking.push({ output: name, reason: `${name} holds no floats` })
      else {
        const { shape, batched } = reader.tensorOf(values, name, scope)
        const before = reader.beforeSoftmax(name, shape.length)
        outputs.push({ name, shape: samples(shape, batched), ...(before.softmax && { softmax: true }) })
        running.push(before.softmax ? before.name : name)
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      lacking.push({ output: name, reason: error.message })
    }
  }
  if (outputs.length === 0) throw new Unsupported(lacking[0]?.reason ?? `${file.path} has no output`)
  const oneByOne =
    one === 1 &&
    mixes(() => {
      const graph = new Graph()
      together(graph, rowsOf(graph, SAMPLES), { training: false, outputs: running })
    })

  return {
    inputs: parts,
    outputs,
    lacking,
    oneByOne,
    build: (graph, rows, training) => {
      const to = { training, outputs: running }
      const build = (row: Tensor, beside?: Scope) => {
        const { scope, results } = together(graph, row, { ...to, beside })
        return { scope, scores: results.length === 1 ? results[0] : concat(graph, results) }
      }
      return oneByOne && rows.shape[0] > 1 ? inTurn(graph, rows, build) : build(rows)
    },
  }
}

/** Whether a batch of several samples cannot be run at once. */
function mixes(attempt: () => void): boolean {
  try {
    attempt()
    return false
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return true
  }
}

/** The samples of a batch one by one: of models that are written for one and mix what they compute of it. */
function inTurn(graph: Graph, rows: Tensor, build: (row: Tensor, beside?: Scope) => { scope: Scope; scores: Tensor }) {
  const [batch, , , width] = rows.shape
  const apart = reshape(graph, rows, rows.shape, false)
  const results: Tensor[] = []
  let scope: Scope | undefined
  for (let i = 0; i < batch; i++) {
    const row = slice(graph, apart, [i, 0, 0, 0], [1, 1, 1, width])
    const built = build(reshape(graph, row, row.shape, true), scope)
    scope ??= built.scope
    results.push(reshape(graph, built.scores, built.scores.shape, false))
  }
  const joined = concat(graph, results, 0)
  return { scope: scope!, scores: reshape(graph, joined, joined.shape, true) }
}
