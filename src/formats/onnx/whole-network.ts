/**
 * @file Everything that an ONNX file computes, as a graph: all of its outputs, with their shapes and their
 * closing softmax.
 */
import type { NodeProto } from 'onnx-buf'
import type { Values } from '../../graph/fold-batch-norm.ts'
import { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import { UserError } from '../../util/errors.ts'
import { toFloats } from '../safetensors-bytes.ts'
import { feedByName, feedImages } from './feeds.ts'
import type { OnnxFile } from './file.ts'
import { type ImportOptions, imageInput } from './input.ts'
import { shaped } from './model-inputs.ts'
import { storedAs } from './network.ts'
import { NetworkReader } from './read-network.ts'
import { type Origin, Unsupported } from './scope.ts'
import { isFloating } from './tensor.ts'

/** Everything that a model computes, built for a batch. */
export interface Whole {
  graph: Graph
  /** Values of parameters and buffers as they are stored. */
  values: Values
  /** Inputs whose values are whole numbers. */
  integers: ReadonlySet<string>
  /** Of parameters, buffers and constants. */
  origins: ReadonlyMap<string, Origin>
  /** Which nodes of the file made those of the graph. */
  madeBy: ReadonlyMap<Node, NodeProto>
  /** Outputs that do not run here, with the reason. */
  lacking: { output: string; reason: string }[]
}

/**
 * All outputs that run here, as they are. The input is `images` [batch, C, H, W] where the model takes one
 * batch of images, unless `ownInputs` says otherwise; else inputs have the names and shapes of the model's.
 * Throws Unsupported where none does.
 */
export function wholeNetwork(file: OnnxFile, options: ImportOptions, batch: number, ownInputs = false): Whole {
  const reader = new NetworkReader(file, options)
  const images = ownInputs ? undefined : imageInput(file, options)
  const { outputs: names } = reader.ending
  const attempt = (outputs: readonly string[]) => {
    const graph = new Graph()
    const fed =
      !images || images instanceof Unsupported
        ? feedByName(graph, shaped(reader.inputs, batch, options, file.path), batch)
        : feedImages(graph, graph.input('images', [batch, ...images.image]), images)
    const { scope, values, madeBy } = reader.translate(graph, fed, { training: false, outputs })
    for (const name of outputs) graph.output(name, reader.tensorOf(values, name, scope))
    return { graph, scope, madeBy }
  }
  const lacking = [...reader.ending.lacking]
  const runs = (output: string) => {
    try {
      return attempt([output])
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      lacking.push({ output, reason: error.message })
      return undefined
    }
  }
  const running = names.length === 1 ? names : names.filter(runs)
  if (running.length === 0)
    throw new Unsupported(lacking[reader.ending.lacking.length]?.reason ?? `${file.path} has no output`)
  const { graph, scope, madeBy } = attempt(running)
  const { origins } = scope
  const values: Values = new Map(
    graph.stored().map(({ name, shape }) => [name, toFloats(storedAs(file, origins.get(name)!, shape))]),
  )
  const integers = new Set(reader.inputs.flatMap(({ name, type }) => (isFloating(type) ? [] : [name])))
  return { graph, values, integers, origins, madeBy, lacking }
}
