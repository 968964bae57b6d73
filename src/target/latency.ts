/**
 * @file What layers at levels of sparsity take on a machine: networks whose layers are all at the same level
 * are compiled as for inference and every layer is measured in its place, zeros skipped where the table of
 * costs says so. The dense network takes turns with each of them (figures/time.ts), since these measurements
 * lie minutes apart.
 */
import type { Machine } from '../engine/machine.ts'
import { runOf, Yardstick } from '../figures/time.ts'
import type { OnnxModel } from '../formats/onnx/onnx.ts'
import { storeFloats, type TensorFile, toFloats } from '../formats/safetensors-bytes.ts'
import { SparseModel } from '../infer/sparse-model.ts'
import { keeps, type TensorLevels } from './tensor-levels.ts'

export interface LatencyOptions {
  machine: Machine
  /** The dense weights, with the ONNX model that they are of, if they are. */
  file: TensorFile & { onnx?: OnnxModel }
  /** A built-in network, where the file does not name it. */
  model?: string
  source: string
  /** Images at a time. Default 1. */
  batch?: number
  /** The dense network's turns, see {@link yardstickOf}. Default: one that knows nothing yet. */
  yardstick?: Yardstick
  progress?(done: number, total: number): void
}

/** Milliseconds of a batch. */
export interface Latency {
  /** By tensor, as many numbers as it has levels. */
  layers: Map<string, number[]>
  /** Everything that is no prunable layer. */
  rest: number
  /** Of the dense network as a whole. */
  dense: number
}

/**
 * Milliseconds of every tensor at every level. Layers are measured each by itself, networks as a whole, so
 * that the sum of layers is scaled to what the whole of the dense network, and of the sparsest one, takes; in
 * between the scale goes with the sum.
 */
export async function measureLatency(tensors: readonly TensorLevels[], options: LatencyOptions): Promise<Latency> {
  const { batch = 1, yardstick = yardstickOf(options), progress = () => {} } = options
  const most = Math.max(...tensors.map(({ levels }) => levels.length))
  const layers = new Map(tensors.map(({ name, levels }) => [name, levels.map(() => 0)]))
  const ends: { parts: number; whole: number }[] = []
  const rests: number[] = []
  for (let level = 0; level < most; level++) {
    const chosen = new Map(tensors.map(({ name, levels }) => [name, Math.min(level, levels.length - 1)]))
    const model = modelAt(tensors, chosen, options)
    const {
      times: [whole],
      factor,
    } = await yardstick.measure([runOf(model, batch)])
    const { layers: found, rest } = model.profileLayers(batch, ROUNDS)
    for (const { name, levels } of tensors)
      if (level < levels.length) layers.get(name)![level] = factor * (found.get(name) ?? 0)
    rests.push(factor * rest)
    ends.push({ parts: factor * (rest + [...found.values()].reduce((a, b) => a + b, 0)), whole })
    progress(level + 1, most)
  }
  const rest = Math.min(...rests)
  return scaled({ layers, rest, dense: yardstick.dense }, ends[0], ends.at(-1)!)
}

/** Calls of a layer alone, whose median counts. */
const ROUNDS = 15

/** The turns of the dense network, for all measurements whose numbers are to be compared. */
export const yardstickOf = ({ machine, file, model, source, batch = 1 }: LatencyOptions): Yardstick =>
  new Yardstick(runOf(new SparseModel(file, { machine, model, source }), batch))

/**
 * Milliseconds that the network takes with every tensor at a level, on the machine at its best (see
 * {@link Yardstick}).
 */
export async function timeAt(
  tensors: readonly TensorLevels[],
  levels: ReadonlyMap<string, number>,
  options: LatencyOptions,
): Promise<number> {
  const { batch = 1, yardstick = yardstickOf(options) } = options
  const { times } = await yardstick.measure([runOf(modelAt(tensors, levels, options), batch)])
  return times[0]
}

/** The network with the weights of every tensor that its level keeps. */
function modelAt(
  tensors: readonly TensorLevels[],
  levels: ReadonlyMap<string, number>,
  { machine, file, model, source }: LatencyOptions,
): SparseModel {
  const stored = new Map(file.tensors)
  for (const { name, levels: all } of tensors) {
    const level = all[levels.get(name)!]
    const tensor = stored.get(name)!
    const values = toFloats(tensor).map((value, i) => (keeps(level, i) ? value : 0))
    stored.set(name, storeFloats(values, tensor.shape))
  }
  return new SparseModel({ ...file, tensors: stored }, { machine, model, source })
}

/** Times of layers such that the sums at both ends are those of the whole network. */
function scaled(
  { layers, rest, dense }: Latency,
  most: { parts: number; whole: number },
  least: { parts: number; whole: number },
): Latency {
  // whole = slope parts + fixed, through both ends; where they are close together in proportion to the parts.
  const apart = most.parts - least.parts > 0.05 * most.parts
  const slope = apart ? (most.whole - least.whole) / (most.parts - least.parts) : most.whole / most.parts
  if (!(slope > 0)) return { layers, rest, dense }
  const fixed = most.whole - slope * most.parts
  return {
    layers: new Map([...layers].map(([name, times]) => [name, times.map((time) => slope * time)])),
    rest: Math.max(0, slope * rest + fixed),
    dense,
  }
}
