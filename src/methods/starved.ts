/**
 * @file What shows that a method had too little to work with: fewer samples than its systems have unknowns,
 * or a damping so small that what they say is not to be trusted. Told after pruning, from what came of it.
 */
import type { Node } from '../graph/operator.ts'
import { graphOf, type Model } from '../models/model.ts'
import type { LayerCount } from '../sparsity/mask.ts'
import { costOf, weightCosts } from '../sparsity/multiply-adds.ts'
import { grouped } from '../util/format.ts'
import type { MethodName } from './index.ts'
import { layerMatrix } from './layerwise/layer.ts'
import type { PruneResult } from './masks.ts'
import type { Method, NameOf, PruningPlan } from './method.ts'
import { compose } from './second-order/composition.ts'
import type { SecondOrderMethod } from './second-order/names.ts'

/** A network that was pruned, and how. */
export interface PrunedBy {
  name: MethodName
  method: Pick<Method, 'section' | 'takes'>
  /** With what is usual filled in. */
  settings: PruningPlan['settings']
  model: Model
  /** The tensors that were pruned, with the weights that are left. */
  layers: readonly LayerCount[]
  result: Pick<PruneResult, 'stages' | 'reconstructions'>
  /** How far weights that are left moved, as a share of their size ({@link movedShare}). */
  moved?: number
  nameOf: NameOf
}

/**
 * Gradients per weight of a system below which an update is little worth. Measured on MLPNet at 90 and 95 %
 * zeros (CBS-U, one stage): with one gradient for 30 weights the loss falls by half of what it can, with one
 * for 60 by a fifth, with one for 80 not at all.
 */
const LEAST_GRADIENTS = 1 / 50

/**
 * How far weights may move, as a share of their size. On MLPNet at 50 to 98 % zeros second-order updates move
 * them by at most half of it, and with a damping of 1e-10 by several times as much; layer by layer OBC moves
 * them by up to 3 times their size where little is left and does well, SparseGPT with a damping of 1e-8 by 8
 * to 11 times.
 */
const MOST_MOVED = { secondOrder: 1, layerwise: 4, scoring: Number.POSITIVE_INFINITY }

/** Of a system that is solved in float64, more is lost to rounding than that only where it is singular. */
const MOST_RESIDUAL = 1e-6

/** How starved it was, a sentence for each sign of that; none where there is none. */
export function starvations(pruned: PrunedBy): string[] {
  const { method, settings } = pruned
  const few = method.section === 'layerwise' ? fewLines(pruned) : fewGradients(pruned)
  return [few, ...distrusted(pruned, `${pruned.nameOf('damp')} than ${settings.damp ?? 'the usual one'}`)].filter(
    (sentence) => sentence !== undefined,
  )
}

/** |v - w| / |w| over the weights that are left: of tensors before and after pruning. */
export function movedShare(before: readonly ArrayLike<number>[], after: readonly ArrayLike<number>[]): number {
  let [change, size] = [0, 0]
  before.forEach((old, t) => {
    for (let i = 0; i < old.length; i++) {
      if (after[t][i] === 0) continue
      change += (after[t][i] - old[i]) ** 2
      size += old[i] ** 2
    }
  })
  return size === 0 ? 0 : Math.sqrt(change / size)
}

/** Methods layer by layer that solve a system of the order of a layer's inputs. */
const SOLVING: readonly MethodName[] = ['obc', 'sparsegpt', 'alps']

/** H = 2 X X' has no higher rank than X has columns: a sample and position each. */
function fewLines({ name, settings, model, layers, result, nameOf }: PrunedBy): string | undefined {
  if (!SOLVING.includes(name)) return undefined
  const [costs, inputs] = [weightCosts(model), inputsOf(model)]
  const images = Number(settings.samples)
  const starved = layers.flatMap((layer) => {
    const [places, { columns, groups }] = [costOf(costs, layer.name), inputs.get(layer.name)!]
    const { dead = 0 } = result.reconstructions?.find((one) => one.name === layer.name) ?? {}
    const order = columns - Math.ceil(dead / groups)
    const lines = images * places
    return lines < order ? [{ tensor: layer.name, lines, order, needs: Math.ceil(order / places) }] : []
  })
  if (starved.length === 0) return undefined
  const [{ tensor, lines, order }] = starved
  const others = starved.length === 1 ? '' : `, and so do ${starved.length - 1} other layers`
  const needs = Math.max(...starved.map((layer) => layer.needs))
  return `${tensor} has ${grouped(order)} inputs that are not always zero and sees ${grouped(lines)} places${others}: what the samples do not tell, the damping decides; try ${nameOf('samples')} ${needs} or more`
}

/** The rank of the Fisher matrix of a block, and of a factor of it, is at most the number of gradients. */
function fewGradients({ name, settings, model, layers, result, nameOf }: PrunedBy): string | undefined {
  const gradients = Number(settings.samples)
  if (result.stages === undefined || !(gradients > 0)) return undefined
  if (name === 'kfac') {
    const inputs = inputsOf(model)
    const order = Math.max(
      ...layers.flatMap(({ name: tensor }) => [inputs.get(tensor)!.rows, inputs.get(tensor)!.columns]),
    )
    if (gradients >= order) return undefined
    return `${grouped(gradients)} gradients are fewer than the ${grouped(order)} rows of a Kronecker factor; try ${nameOf('samples')} ${order} or more`
  }
  const { start, update } = compose(name as SecondOrderMethod, settings)
  if (update === 'none' && !['woodfisher', 'woodtaylor', 'chita', 'falcon'].includes(start)) return undefined
  const { blocks } = settings
  const kept = layers.map((layer) => layer.kept)
  const largest = blocks === 'full' ? kept.reduce((a, b) => a + b, 0) : Math.max(...kept)
  const order = typeof blocks === 'number' ? Math.min(blocks, largest) : largest
  if (gradients >= LEAST_GRADIENTS * order) return undefined
  return `${grouped(gradients)} gradients say little of the ${grouped(order)} weights that are left in a block; try ${nameOf('samples')} ${Math.ceil(LEAST_GRADIENTS * order)} or more`
}

/** What an update came to that the damping did not keep in bounds. */
function distrusted({ method, result: { stages = [] }, moved = 0, nameOf }: PrunedBy, larger: string): string[] {
  if (!method.takes.includes('damp')) return []
  const sentences: string[] = []
  if (moved > MOST_MOVED[method.section])
    sentences.push(
      `the weights that are left moved by ${moved.toPrecision(2)} times their own size; try a larger ${larger}`,
    )
  const updated = stages.filter(({ scale }) => scale !== undefined)
  const idle = updated.filter(({ scale, firstOrder = 0 }) => scale === 0 && firstOrder === 0).length
  const worse = updated.filter(({ selected, updated: after = selected }) => !(after <= selected)).length
  const of = updated.length === 1 ? 'the update' : `of ${updated.length} updates`
  if (idle > 0)
    sentences.push(
      `${updated.length === 1 ? of : `${idle} ${of}`} would have raised the held-out loss and was not made; try more ${nameOf('samples')} or a larger ${larger}`,
    )
  if (worse > 0)
    sentences.push(
      `${updated.length === 1 ? of : `${worse} ${of}`} raised the held-out loss; try a larger ${larger}, or ${nameOf('scale')} search`,
    )
  const residual = Math.max(0, ...stages.map((stage) => stage.residual ?? 0))
  if (residual > MOST_RESIDUAL)
    sentences.push(
      `its systems were solved to a relative residual of ${residual.toPrecision(2)} only; try a larger ${larger}`,
    )
  return sentences
}

/** The matrices that weights multiply with, by tensor. */
function inputsOf(model: Model): Map<string, ReturnType<typeof layerMatrix>> {
  const isLayer = ({ operator, inputs }: Node) => inputs[operator.weight ?? -1]?.role === 'parameter'
  const layers = graphOf(model).nodes.filter(isLayer).map(layerMatrix)
  return new Map(layers.map((layer) => [layer.name, layer]))
}
