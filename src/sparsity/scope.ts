/**
 * @file Scopes: which scores compete with which. A scope turns layer sizes and a sparsity into groups, each
 * with the exact number of weights that it keeps; selection then takes the top scores of each group.
 */
import type { Shape } from '../graph/tensor.ts'
import { sizeOf } from '../graph/tensor.ts'
import { apportion } from '../select/apportion.ts'
import { checkName } from '../util/checks.ts'
import { type Count, keptCount } from './count.ts'

/** A prunable tensor, [out, in] or [out, in, kernel height, kernel width]. */
export interface Layer {
  name: string
  shape: Shape
  /** How many of its weights have not been pruned before. Default: all. */
  left?: number
}

/** Layers whose scores are ranked together, and how many of their weights are kept. */
export interface Group {
  layers: readonly Layer[]
  keep: number
}

export interface Scope {
  summary: string
  /** `count` says how many weights a sparsity keeps. Default: {@link keptCount}. */
  groups(layers: readonly Layer[], sparsity: number, count?: Count): Group[]
  /**
   * Where whole channels are pruned: a layer with tensors of these shapes keeps min(1, c share) of its
   * channels, with one c for all. Absent: channels of all layers compete by their scores.
   */
  channelShare?(shapes: readonly Shape[]): number
  /** Whether a tensor is left alone, whatever the pattern of others. Default: none is. */
  isDense?(name: string): boolean
}

const sizes = (layers: readonly Layer[]) => layers.map(({ shape }) => sizeOf(shape))
const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

export const scopes = {
  global: {
    summary: 'one ranking over all layers',
    groups: (layers, sparsity, count = keptCount) => [{ layers, keep: count(total(sizes(layers)), sparsity) }],
  },
  layerwise: {
    summary: 'the same sparsity in every layer',
    groups: (layers, sparsity, count = keptCount) =>
      layers.map((layer) => ({ layers: [layer], keep: count(sizeOf(layer.shape), sparsity) })),
    channelShare: () => 1,
  },
  uniform: {
    summary: 'the same sparsity in every layer, whole counts by largest remainder so that the total is exact',
    groups: (layers, sparsity, count = keptCount) => {
      const weights = sizes(layers)
      return divided(layers, count(total(weights), sparsity), weights)
    },
    channelShare: () => 1,
  },
  erk: {
    summary: 'Erdős–Rényi-Kernel: small layers denser than large ones',
    groups: (layers, sparsity, count = keptCount) => {
      const weights = sizes(layers)
      const keep = count(total(weights), sparsity)
      return divided(
        layers,
        keep,
        erkDensities(layers, keep).map((density, i) => density * weights[i]),
      )
    },
    channelShare: (shapes) => total(shapes.map(total)) / total(shapes.map(sizeOf)),
  },
} satisfies Record<string, Scope>
export type ScopeName = keyof typeof scopes

/** A scope by name, or one of one's own. Throws UserError where there is none such. */
export function findScope(scope: ScopeName | Scope): Scope {
  if (typeof scope === 'object' && typeof scope?.groups === 'function') return scope
  checkName('scope', scope ?? null, Object.keys(scopes))
  return scopes[scope as ScopeName]
}

/** A group for each layer; together they keep `keep` weights, or all that are left, by shares. */
function divided(layers: readonly Layer[], keep: number, shares: readonly number[]): Group[] {
  // Rounding may give a layer one weight more at a higher sparsity; one that it no longer has goes to another
  // layer.
  const left = layers.map((layer) => layer.left ?? sizeOf(layer.shape))
  return apportion(Math.min(keep, total(left)), shares, left).map((count, i) => ({ layers: [layers[i]], keep: count }))
}

/**
 * Erdős–Rényi-Kernel densities (Evci et al. 2020; for linear layers Mocanu et al. 2018): density proportional
 * to the sum of the tensor's sizes over their product, so that the layers together keep `keep` weights.
 * Solved by fixing every layer whose density would exceed 1 as dense and solving again for the others.
 */
export function erkDensities(layers: readonly Layer[], keep: number): number[] {
  const raw = layers.map(({ shape }) => total(shape) / sizeOf(shape))
  const dense = new Set<number>()
  for (;;) {
    const open = layers.map((_, i) => i).filter((i) => !dense.has(i))
    const budget = keep - total([...dense].map((i) => sizeOf(layers[i].shape)))
    const epsilon = budget / total(open.map((i) => raw[i] * sizeOf(layers[i].shape)))
    const over = open.filter((i) => epsilon * raw[i] > 1)
    if (over.length === 0) return raw.map((ratio, i) => (dense.has(i) ? 1 : epsilon * ratio))
    for (const i of over) dense.add(i)
  }
}
