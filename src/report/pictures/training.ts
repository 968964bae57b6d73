/** @file Training curves: loss and accuracy after every epoch, means over seeds. */
import type { EpochReport } from '../../experiment/run-events.ts'
import { labelOf, type RunGroup, seriesOf } from '../groups.ts'
import type { Picture } from './draw.ts'
import { palette } from './theme.ts'

/** More groups than this are told apart by their series alone. */
const MOST_NAMED = 10

/** As many as fit below the two charts. */
const legendColumns = (names: readonly string[]): number =>
  Math.max(1, Math.floor(100 / (6 + Math.max(...names.map(({ length }) => length)))))

/** Nothing where no run has two epochs. */
export function trainingPicture(groups: readonly RunGroup[]): Picture | undefined {
  const named = groups.length <= MOST_NAMED ? labelOf : seriesOf
  const held = groups.some(({ runs }) => runs.some(({ epochs }) => epochs.some((epoch) => epoch.validationAccuracy)))
  const accuracyOf = (epoch: EpochReport) => (held ? epoch.validationAccuracy : epoch.trainAccuracy)
  const points = groups.flatMap((group, i) => {
    const length = Math.max(...group.runs.map(({ epochs }) => epochs.length))
    return Array.from({ length }, (_, at) => {
      const mean = (of: (epoch: EpochReport) => number | undefined) => {
        const values = group.runs.flatMap(({ epochs }) => (epochs[at] && of(epochs[at])) ?? [])
        return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : null
      }
      const accuracy = mean(accuracyOf)
      return {
        ...{ group: i, name: named(group), epoch: at + 1, loss: mean((epoch) => epoch.trainLoss) },
        accuracy: accuracy === null ? null : 100 * accuracy,
      }
    })
  })
  if (!points.some(({ epoch }) => epoch > 1)) return undefined
  const names = [...new Set(points.map(({ name }) => name))]
  const lines = (field: string, title: string, scale: object) => ({
    ...{ width: 400, height: 260 },
    mark: { type: 'line' as const, strokeWidth: 1.5, interpolate: 'monotone' as const },
    encoding: {
      x: { field: 'epoch', type: 'quantitative' as const, axis: { title: 'epoch', grid: false, tickMinStep: 1 } },
      y: { field, type: 'quantitative' as const, scale, axis: { title } },
      color: {
        ...{
          field: 'name',
          type: 'nominal' as const,
          legend: { orient: 'bottom' as const, columns: legendColumns(names) },
        },
        scale: { domain: names, range: names.map((_, i) => palette[i % palette.length]) },
      },
      detail: { field: 'group', type: 'nominal' as const },
    },
  })
  return {
    name: 'training',
    title: 'Training',
    caption: `After every epoch, means over seeds: the training loss, and the accuracy on ${held ? 'held-out samples' : 'training samples as they pass'}.`,
    spec: {
      data: { values: points },
      hconcat: [
        lines('loss', 'training loss', { type: 'log', nice: false }),
        lines('accuracy', held ? 'validation accuracy, %' : 'training accuracy, %', { zero: false }),
      ],
    },
  }
}
