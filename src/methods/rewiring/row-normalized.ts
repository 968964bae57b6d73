/**
 * @file By what weights grow. A normalization behind a layer multiplies the gradients of an output's weights
 * by 1 / sigma of that output, and sigma falls with the weights that the output has: the largest |gradient|
 * of a tensor lie in the rows of dying outputs, which take nearly all growth, while the others starve. Over
 * the root mean square of its own row, |gradient| says which input an output lacks, whatever its scale.
 */
import { z } from 'zod'
import type { Floats } from '../../engine/machine.ts'
import { weightOf } from '../../graph/channels.ts'
import { graphOf, type Model } from '../../models/model.ts'
import type { RewiringContext, SparseLayer } from './rewiring.ts'

/** The setting of methods that grow by gradients. Absent: `row` where a normalization follows a layer. */
export const growth = z
  .enum(['row', 'gradient'])
  .optional()
  .describe(
    'what grows has the largest |gradient| over the root mean square of its row, or the largest |gradient|, as ' +
      'published (row where a normalization follows a layer, else gradient)',
  )

/** The scores of a layer's places, of which the largest grow. */
export function growthScores(
  { gradient, normalized }: Pick<RewiringContext, 'gradient' | 'normalized'>,
  kind: z.output<typeof growth> = normalized ? 'row' : 'gradient',
): (layer: SparseLayer) => Floats {
  return (layer) => (kind === 'row' ? rowNormalized(gradient(layer.name), layer.rows) : gradient(layer.name))
}

/** Each value over the root mean square of its row, of `rows` rows; 0 in a row of zeros. */
export function rowNormalized(values: Floats, rows: number): Floats {
  const scores = values.slice()
  const length = values.length / rows
  for (let row = 0; row < rows; row++) {
    let squares = 0
    for (let i = row * length; i < (row + 1) * length; i++) squares += values[i] * values[i]
    const scale = squares > 0 ? Math.sqrt(length / squares) : 0
    for (let i = row * length; i < (row + 1) * length; i++) scores[i] = values[i] * scale
  }
  return scores
}

/** Whether a normalization follows one of the tensors. */
export function isNormalized(model: Model, names: readonly string[]): boolean {
  const { nodes } = graphOf(model)
  const outputs = nodes.filter((node) => names.includes(weightOf(node)?.name ?? '')).map((node) => node.outputs[0])
  return nodes.some(
    ({ operator, inputs }) => operator.name === 'BatchNormalization' && outputs.some((tensor) => tensor === inputs[0]),
  )
}
