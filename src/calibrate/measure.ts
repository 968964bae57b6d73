/**
 * @file Measures a layer alone, dense and sparse in turns: the forward pass as inference runs it, or a
 * training step (forward pass, both gradients, the update of the weight).
 */
import { compile, type Executable } from '../engine/compile.ts'
import type { LayerCost, Pass } from '../engine/cost.ts'
import { layerSizes } from '../engine/lowering/sparse.ts'
import type { Machine } from '../engine/machine.ts'
import { patternOf, writePattern } from '../engine/pattern.ts'
import { Graph } from '../graph/graph.ts'
import { conv, convInputGrad, convWeightGrad } from '../graph/operators/conv.ts'
import { gemm } from '../graph/operators/linear.ts'
import { sparsify } from '../graph/sparsify.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { appendSgd } from '../optim/sgd.ts'
import { random } from '../util/random.ts'
import type { LayerShape } from './layers.ts'

/** What a layer took, in nanoseconds: the least of several calls. */
export interface LayerTimes {
  cost: LayerCost
  dense: number
  /** By density, in the order asked for. */
  sparse: { density: number; nanoseconds: number }[]
}

export interface MeasureOptions {
  pass: Pass
  batch: number
  /** The shares of weights that are nonzeros, which lie at random. */
  densities: readonly number[]
  /** Milliseconds that each contender has, at least; it is called five times in any case. */
  milliseconds: number
}

const PROGRAM = 'layer'
const WEIGHT = 'weight'

/** Turns that the contenders take. */
const ROUNDS = 4

/** Milliseconds of calls that are measured together, so that the clock's steps are small beside them. */
const SPAN = 0.5

export function measureLayer(machine: Machine, shape: LayerShape, options: MeasureOptions): LayerTimes {
  const { pass, batch, densities, milliseconds } = options
  const graph = layerGraph(shape, batch, pass)
  const weight = graph.tensors.get(WEIGHT)!
  const runs = [denseRun(machine, graph), ...densities.map((density) => sparseRun(machine, graph, weight, density))]
  const least = runs.map(() => Number.POSITIVE_INFINITY)
  for (const run of runs) run()
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, run] of runs.entries()) least[i] = Math.min(least[i], leastOf(run, milliseconds / ROUNDS))
  const [dense, ...sparse] = least
  const layer = graph.nodes.find(({ inputs }) => inputs[1] === weight)!
  return {
    cost: layerSizes(layer),
    dense,
    sparse: sparse.map((nanoseconds, i) => ({ density: densities[i], nanoseconds })),
  }
}

/**
 * The least nanoseconds of processor time that a call takes, over spans of some calls: on a machine that does
 * other work, too, time by the clock would be that of both.
 */
function leastOf(run: () => void, milliseconds: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let left = milliseconds, calls = 1; left > 0; ) {
    const took = processorTime(run, calls)
    left -= took
    if (took < SPAN && took < milliseconds / 2) calls *= 2
    else least = Math.min(least, took / calls)
  }
  return 1e6 * least
}

/** Milliseconds that this process computes while it makes some calls. */
function processorTime(run: () => void, calls: number): number {
  const before = process.cpuUsage()
  for (let i = 0; i < calls; i++) run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** A layer without a bias, and with `step` its gradients and an update. */
function layerGraph({ in: channels, out, size, kernel, stride }: LayerShape, batch: number, pass: Pass): Graph {
  const graph = new Graph()
  const isLinear = size === 1 && kernel === 1
  const x = graph.input('x', [batch, channels, ...(isLinear ? [] : [size, size])])
  const weight = graph.parameter(WEIGHT, [out, channels, ...(isLinear ? [] : [kernel, kernel])])
  const pad = kernel >> 1
  const options = { strides: [stride, stride], pads: [pad, pad, pad, pad] }
  const y = isLinear ? gemm(graph, x, weight, { transB: 1 }) : conv(graph, x, weight, undefined, options)
  graph.output('y', y)
  if (pass === 'forward') return graph
  const dy = graph.input('dy', y.shape)
  graph.output('dx', isLinear ? gemm(graph, dy, weight) : convInputGrad(graph, dy, weight, x.shape, options))
  const gradient = isLinear ? gemm(graph, dy, x, { transA: 1 }) : convWeightGrad(graph, x, dy, weight.shape, options)
  appendSgd(graph, [weight], [gradient], () => undefined)
  return graph
}

function denseRun(machine: Machine, graph: Graph): () => void {
  return filled(compile(machine, { [PROGRAM]: graph }), graph)
}

function sparseRun(machine: Machine, graph: Graph, weight: Tensor, density: number): () => void {
  const positions = randomPositions(sizeOf(weight.shape), density)
  const executable = compile(machine, { [PROGRAM]: sparsify(graph, new Map([[WEIGHT, positions.length]])) })
  writePattern(patternOf(executable, WEIGHT), weight.shape, positions)
  return filled(executable, graph)
}

/** The program with numbers in its memory: what was never written may lie in one page of zeros. */
function filled(executable: Executable, graph: Graph): () => void {
  executable.view(WEIGHT).fill(1)
  for (const { name, shape } of graph.withRole('input'))
    executable.write(PROGRAM, name, new Float32Array(sizeOf(shape)).fill(1))
  return () => executable.run(PROGRAM)
}

/** Ascending places of `density` of so many weights, but at least of one. */
function randomPositions(size: number, density: number): Int32Array {
  const rng = random(1, 'calibration', size, density)
  const places = rng.permutation(size).subarray(0, Math.max(1, Math.round(density * size)))
  return Int32Array.from(places).sort()
}
