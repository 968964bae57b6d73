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
import type { OnnxFile } from './file.ts'
import type { ImportOptions } from './input.ts'
import { storedAs } from './network.ts'
import { NetworkReader } from './read-network.ts'
import { type Origin, Unsupported } from './scope.ts'

/** Everything that a model computes, built for a batch. */
export interface Whole {
  graph: Graph
  /** Values of parameters and buffers as they are stored. */
  values: Values
  /** Of parameters, buffers and constants. */
  origins: ReadonlyMap<string, Origin>
  /** Which nodes of the file made those of the graph. */
  madeBy: ReadonlyMap<Node, NodeProto>
  /** Outputs that do not run here, with the reason. */
  lacking: { output: string; reason: string }[]
}

/** All outputs that run here, as they are; input `images`. Throws Unsupported where none does. */
export function wholeNetwork(file: OnnxFile, options: ImportOptions, batch: number): Whole {
  const reader = new NetworkReader(file, options)
  const names = file.graph.output.map(({ name }) => name)
  const attempt = (outputs: readonly string[]) => {
    const graph = new Graph()
    const images = graph.input('images', [batch, ...reader.input.image])
    const { scope, values, madeBy } = reader.translate(graph, images, { training: false, outputs })
    for (const name of outputs) graph.output(name, reader.tensorOf(values, name, scope))
    return { graph, scope, madeBy }
  }
  const lacking: Whole['lacking'] = []
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
  if (running.length === 0) throw new Unsupported(lacking[0]?.reason ?? `${file.path} has no output`)
  const { graph, scope, madeBy } = attempt(running)
  const { origins } = scope
  const values: Values = new Map(
    graph.stored().map(({ name, shape }) => [name, toFloats(storedAs(file, origins.get(name)!, shape))]),
  )
  return { graph, values, origins, madeBy, lacking }
}
