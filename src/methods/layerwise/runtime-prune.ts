/**
 * @file A model that need not run here, pruned layer by layer: ONNX Runtime computes what goes into its
 * layers, and each layer is the problem that OBC and SparseGPT solve (problem.ts).
 */
import type { NodeProto } from 'onnx-buf'
import type { Machine } from '../../engine/machine.ts'
import { ModelEditor } from '../../formats/onnx/edit.ts'
import { type OnnxFile, openModel } from '../../formats/onnx/file.ts'
import { storedAs } from '../../formats/onnx/network.ts'
import { setSource } from '../../formats/onnx/network-weights.ts'
import { Unsupported } from '../../formats/onnx/scope.ts'
import { numbersOf } from '../../formats/onnx/tensor.ts'
import { seenLayers } from '../../formats/onnxruntime/layers.ts'
import { type FedArray, type FoundArray, PURPOSE, RuntimeSession } from '../../formats/onnxruntime/session.ts'
import { tappedModel } from '../../formats/onnxruntime/tapped.ts'
import { type StoredTensor, toFloats } from '../../formats/safetensors-bytes.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { checkSparsity, countNonzeros } from '../../sparsity/count.ts'
import type { LayerCount } from '../../sparsity/mask.ts'
import { findScope } from '../../sparsity/scope.ts'
import { UserError } from '../../util/errors.ts'
import type { Reconstruction } from '../masks.ts'
import { eachGroup } from './each-group.ts'
import { fromMatrix } from './layer.ts'
import { obc } from './obc.ts'
import { joined, type LayerProblem, type LayerSolution, layerProblems, leftOf, reconstructionOf } from './problem.ts'
import { LayerInputs } from './runtime-layer.ts'
import { sparseGpt } from './sparsegpt.ts'

export interface RuntimePruning {
  machine: Machine
  method: 'obc' | 'sparsegpt'
  /** Share of zeros among the weights of the layers, 0 to 1. */
  sparsity: number
  /** Sparsity of the layers: all the same, or Erdős–Rényi-Kernel. Default `erk`. */
  scope?: 'layerwise' | 'erk'
  /** Keys of the weights that are pruned. Default: all whose inputs can be seen. */
  keys?: readonly string[]
  /** Inputs of the model by name, a run each. */
  samples: readonly ReadonlyMap<string, FedArray>[]
  /** What is added to the diagonal of H = 2 X X', in units of its mean. Default 0.01. */
  damp?: number
  progress?(layer: string, done: number, total: number): void
}

export interface RuntimePruned {
  /** New values of stored weights, by key. */
  changes: Map<string, StoredTensor>
  layers: LayerCount[]
  reconstructions: Reconstruction[]
  /** Weights that stay as they are, with the reasons. */
  left: { key: string; reason: string }[]
  /** Of ONNX Runtime. */
  version: string
}

/**
 * From the first layer to the last, each with the inputs that it gets from those pruned before it
 * (SparseGPT) or from the dense model (OBC). Exactly n - round(sparsity n) weights of each layer are kept,
 * fewer only where more had been removed or are dead. Throws UserError where ONNX Runtime is missing or
 * does not take the model, and where weights or inputs are not finite.
 */
export async function pruneInRuntime(file: OnnxFile, options: RuntimePruning): Promise<RuntimePruned> {
  const { machine, method, sparsity, scope = 'erk', samples, damp = 0.01, progress } = options
  checkSparsity(sparsity)
  if (samples.length === 0) throw new UserError('samples: expected at least one')
  const { layers, left, version } = await runningLayers(file, options)
  const shapes = layers.map(({ key }) => ({ name: key, shape: file.stored.get(key)!().shape }))
  const groups = findScope(scope).groups(shapes, sparsity)
  const keeps = new Map(groups.map(({ layers: [{ name }], keep }) => [name, keep]))
  const result: RuntimePruned = { changes: new Map(), layers: [], reconstructions: [], left, version }
  let current = file
  for (const [i, { key, nodes }] of layers.entries()) {
    const inputs = new LayerInputs(file, machine)
    await addAll(inputs, method === 'obc' ? file : current, nodes, samples)
    const { matrix, origin, grams } = inputs.found()
    const before = current.stored.get(key)!()
    const problems = layerProblems(machine, matrix, toFloats(storedAs(current, origin, matrix.shape)), grams, damp)
    const solved = solve(method, problems, keeps.get(key)!, machine)
    const weights = fromMatrix(matrix, joined(solved, 'weights'))
    const editor = new ModelEditor(current)
    setSource(editor, origin, { values: weights, shape: matrix.shape }, before.shape)
    current = openModel(editor.finish(), file.path, file.external)

    const after = current.stored.get(key)!()
    result.changes.set(key, after)
    result.layers.push({ name: key, size: sizeOf(after.shape), kept: countNonzeros(numbersOf(after)) })
    result.reconstructions.push(reconstructionOf(machine, key, problems, solved))
    progress?.(key, i + 1, layers.length)
  }
  return result
}

/** Layers that were asked for and whose nodes run here, of the inputs that they have in the first run. */
async function runningLayers(file: OnnxFile, { machine, keys, samples }: RuntimePruning) {
  const { layers, left } = seenLayers(file)
  const unknown = keys?.find((key) => !layers.some((layer) => layer.key === key))
  if (unknown !== undefined) {
    const reason = left.find(({ key }) => key === unknown)?.reason ?? 'the file has no such weight'
    throw new UserError(`${file.path}: ${unknown} cannot be pruned by what goes into it: ${reason}`)
  }
  const chosen = layers.filter(({ key }) => keys?.includes(key) ?? true)
  const session = await openTapped(
    file,
    chosen.flatMap(({ nodes }) => nodes),
  )
  const values = await session.run(samples[0])
  await session.close()
  const running = chosen.filter(({ key, nodes }) => {
    try {
      for (const node of nodes) new LayerInputs(file, machine).add(node, inputOf(node, samples[0], values))
      return true
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      left.push({ key, reason: error.message })
      return false
    }
  })
  if (running.length === 0) throw new UserError(`${file.path} has no layer whose inputs can be seen`)
  return { layers: running, left, version: session.version }
}

/** The inputs of a weight's nodes in all runs. */
async function addAll(
  inputs: LayerInputs,
  file: OnnxFile,
  nodes: readonly NodeProto[],
  samples: RuntimePruning['samples'],
): Promise<void> {
  const session = await openTapped(file, nodes)
  const names = session.outputs.filter((name) => nodes.some(({ input }) => input[0] === name))
  for (const sample of samples) {
    const values = await session.run(sample, names)
    for (const node of nodes) inputs.add(node, inputOf(node, sample, values))
  }
  await session.close()
}

const openTapped = (file: OnnxFile, nodes: readonly NodeProto[]) => {
  const fed = new Set(file.graph.input.map(({ name }) => name))
  const names = nodes.flatMap(({ input: [name] }) => (fed.has(name) ? [] : [name]))
  return RuntimeSession.open(tappedModel(file, names), { path: file.path, purpose: PURPOSE })
}

const inputOf = (
  { input: [name] }: NodeProto,
  sample: ReadonlyMap<string, FedArray>,
  values: ReadonlyMap<string, FoundArray>,
): Pick<FedArray, 'shape' | 'values'> => values.get(name) ?? sample.get(name)!

/** `keep` weights of all groups of a layer, as many as there are. */
const solve = (
  method: RuntimePruning['method'],
  problems: LayerProblem[],
  keep: number,
  machine: Machine,
): LayerSolution[] =>
  method === 'obc'
    ? obc(problems, Math.min(keep, leftOf(problems)), machine)
    : eachGroup(problems, keep, (problem, target) => sparseGpt(problem, target, machine))
