/**
 * @file What a scoring pass is made of: programs over a network's parameters, and the statistics of its
 * weights that they come to.
 */
import { Graph } from '../../../graph/graph.ts'
import { mul } from '../../../graph/operators/elementwise.ts'
import { sampleCrossEntropy } from '../../../graph/operators/loss.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { choosePrunable } from '../../../train/graphs.ts'
import type { Network } from '../../../train/network.ts'
import type { Forward, NetworkOptions } from '../../../train/options.ts'
import { UserError } from '../../../util/errors.ts'
import type { Random } from '../../../util/random.ts'
import type { Statistic } from '../saliency.ts'
import type { BatchNormMode } from '../settings.ts'

/** The most samples per run where nobody says it; their activations are all in memory. */
export const MOST_AT_ONCE = 100

/** How the loss is measured. */
export interface LossSettings {
  /** Training samples. */
  samples: number
  /** Samples per mini-batch. */
  miniBatch: number
  /** Most samples per run. Default {@link MOST_AT_ONCE}. */
  atOnce?: number
  batchNorm: BatchNormMode
  /** What logits are divided by. */
  temperature: number
  /**
   * Whether somebody asked for that temperature; else it is the method's own, and that of networks without
   * labels is 1. Default true.
   */
  asked?: boolean
  /** Names of the tensors to be scored, as of the network's option. Default: the weights of layers. */
  prunable?: readonly string[]
}

export type Programs = NonNullable<NetworkOptions['programs']>

/** Values by the name of their tensor, row-major. */
export type ByTensor = Map<string, Float64Array>

/** Given to a network with its programs, then run as often as the weights change. */
export interface Measurement {
  readonly programs: Programs
  /** How many times it runs a program, for progress. */
  readonly runs: number
  /** Gradients of single samples, and products of their Hessians with a vector, that it takes. */
  readonly gradients: number
  /** Measures with the present weights; `ran` is called after each run. */
  measure(network: Network, samples: Uint32Array, draw: (name: string) => Random, ran: () => void): Results
}
export type Results = Partial<Record<Statistic, ByTensor>>

/** n in the fewest parts of at most `most`, nearly equal. */
export function cut(n: number, most: number): number[] {
  const parts = Math.ceil(n / most)
  return Array.from({ length: parts }, (_, i) => Math.floor((n + i) / parts))
}

/** Samples of each mini-batch; the last one may have fewer. */
export const miniBatches = ({ samples, miniBatch }: LossSettings): number[] =>
  Array.from({ length: Math.ceil(samples / miniBatch) }, (_, b) => Math.min(miniBatch, samples - b * miniBatch))

/**
 * What a program is called says all that it depends on, so that several scoring passes over one network share
 * what is equal.
 */
export const programName = (kind: string, { batchNorm, temperature }: LossSettings, size: number): string =>
  `score ${kind}, batchNorm ${batchNorm}, temperature ${temperature}/${size}`

/** A program for each size that occurs, by name. */
export function programsFor(
  kind: string,
  settings: LossSettings,
  sizes: readonly number[],
  build: (forward: Forward, size: number) => Graph,
): Programs {
  const each = [...new Set(sizes)].map((size) => [
    programName(kind, settings, size),
    (forward: Forward) => build(forward, size),
  ])
  return Object.fromEntries(each)
}

/** The tensors to be scored, or all parameters. */
export const tensorsOf = (graph: Graph, prunable?: readonly string[], all = false): readonly Tensor[] =>
  all ? graph.withRole('parameter') : choosePrunable(graph, prunable)

/**
 * The loss of each of `size` samples, [N], without outputs and without updates of running statistics: for
 * gradients that which stands for single samples, where distances are the losses. Throws UserError where
 * there are no labels and logits are to be divided.
 */
export function sampleLosses(
  forward: Forward,
  size: number,
  { batchNorm, temperature, asked = true }: LossSettings,
  of: 'gradients' | 'curvature' = 'gradients',
): { graph: Graph; losses: Tensor } {
  const pass = forward(size, batchNorm === 'train')
  const losses = of === 'gradients' ? pass.sampled() : pass.losses
  const graph = new Graph(pass.graph)
  graph.outputs.clear()
  const pure = graph.nodes.filter(({ operator }) => !operator.writes?.length)
  graph.nodes.splice(0, graph.nodes.length, ...pure)
  if (temperature === 1) return { graph, losses }
  if (!pass.labels) {
    if (!asked) return { graph, losses }
    throw new UserError(
      `temperature: logits are divided by it where samples have labels, and these have none: expected 1, found ${temperature}`,
    )
  }
  const logits = mul(graph, pass.logits, graph.constant(1 / temperature))
  return { graph, losses: sampleCrossEntropy(graph, logits, pass.labels) }
}
