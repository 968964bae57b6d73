/**
 * @file Draws what pruning each tensor alone adds to the loss: a line of levels in a panel for each tensor.
 */
import type { Picture } from './draw.ts'
import { accent } from './theme.ts'

/** A tensor at its levels, the dense one first. */
interface Levels {
  name: string
  levels: readonly { sparsity: number; loss: number }[]
}

export function sensitivityPicture(tensors: readonly Levels[]): Picture {
  const values = tensors.flatMap(({ name, levels: [dense, ...rest] }) =>
    [dense, ...rest].map(({ sparsity, loss }) => ({
      tensor: name,
      sparsity: 100 * sparsity,
      // A level that lowers the loss of these samples lies at zero: it costs nothing.
      loss: Math.max(0, loss - dense.loss),
    })),
  )
  return {
    name: 'sensitivity',
    title: 'What pruning each tensor alone adds to the loss',
    caption:
      'The growth of the mean loss where one tensor alone is pruned; all panels have the same axes, that of the loss linear up to 0.01 and logarithmic from there.',
    spec: {
      data: { values },
      columns: 4,
      spacing: { row: 16, column: 18 },
      facet: {
        field: 'tensor',
        type: 'nominal',
        sort: tensors.map(({ name }) => name),
        header: { labelAnchor: 'start', title: null, labelLimit: 170 },
      },
      spec: {
        width: 160,
        height: 90,
        mark: { type: 'line', color: accent, point: { size: 18, color: accent } },
        encoding: {
          x: { field: 'sparsity', type: 'quantitative', axis: { title: '% zeros', tickCount: 4 } },
          y: {
            field: 'loss',
            type: 'quantitative',
            scale: { type: 'symlog', constant: 0.01 },
            axis: { title: 'loss added', values: [0, 0.01, 0.1, 1, 10, 100] },
          },
        },
      },
    },
  }
}
