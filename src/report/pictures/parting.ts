/** @file How Global Sparse Momentum parts the weights, epoch by epoch: how many have all but vanished, and how settled the choice of the active ones is. */
import type { RunGroup } from '../groups.ts'
import { curveChart, curvePoints } from './curves.ts'
import type { Picture } from './draw.ts'

/** Nothing where no run is of that method and has two epochs. */
export function partingPicture(all: readonly RunGroup[]): Picture | undefined {
  const groups = all.filter(({ runs }) => runs.some(({ epochs }) => epochs.some(({ gap }) => gap)))
  const points = curvePoints(groups, {
    vanished: ({ gap }) => gap && 100 * gap.vanished,
    overlap: ({ overlap }) => overlap && 100 * overlap,
  })
  if (!points.some(({ epoch }) => epoch > 1)) return undefined
  const names = [...new Set(points.map(({ name }) => name))]
  return {
    name: 'parting',
    title: 'Parting of the weights',
    caption:
      'Global Sparse Momentum after every epoch, means over seeds: the share of prunable weights below 1e-4 in magnitude, and the share of the active weights of a step that were active at the step before.',
    spec: {
      data: { values: points },
      hconcat: [
        curveChart(names, 'vanished', 'weights below 1e-4, %', { domain: [0, 100] }),
        curveChart(names, 'overlap', 'active weights that stay, %', { domain: [0, 100] }),
      ],
    },
  }
}
