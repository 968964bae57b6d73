/**
 * @file Draws how Global Sparse Momentum parts the weights, epoch by epoch: how many have all but vanished,
 * and how settled the choice of the active ones is.
 */
import type { RunGroup } from '../groups.ts'
import { curvesOf } from './curves.ts'
import type { Picture } from './draw.ts'

/** The picture; undefined where no run of that method has two epochs. */
export function partingPicture(groups: readonly RunGroup[]): Picture | undefined {
  const parting = groups.filter(({ runs }) => runs.some(({ epochs }) => epochs.some(({ gap }) => gap)))
  const scale = { domain: [0, 100] }
  const spec = curvesOf(parting, {
    vanished: { of: ({ gap }) => gap && 100 * gap.vanished, title: 'weights below 1e-4, %', scale },
    overlap: { of: ({ overlap }) => overlap && 100 * overlap, title: 'active weights that stay, %', scale },
  })
  return (
    spec && {
      name: 'parting',
      title: 'Parting of the weights',
      caption:
        'Global Sparse Momentum after every epoch, means over seeds: the share of prunable weights below 1e-4 in magnitude, and the share of the active weights of a step that were active at the step before.',
      spec,
    }
  )
}
