/** @file Draws training curves: loss and accuracy after every epoch, as means over seeds. */
import type { RunGroup } from '../groups.ts'
import { curvesOf } from './curves.ts'
import type { Picture } from './draw.ts'

/** The picture; undefined where no run has two epochs. */
export function trainingPicture(groups: readonly RunGroup[]): Picture | undefined {
  const validated = groups.some(({ runs }) =>
    runs.some(({ epochs }) => epochs.some((epoch) => epoch.validationAccuracy)),
  )
  const spec = curvesOf(groups, {
    loss: { of: (epoch) => epoch.trainLoss, title: 'training loss', scale: { type: 'log', nice: false } },
    accuracy: {
      of: (epoch) => percent(validated ? epoch.validationAccuracy : epoch.trainAccuracy),
      title: validated ? 'validation accuracy, %' : 'training accuracy, %',
      scale: { zero: false },
    },
  })
  return (
    spec && {
      name: 'training',
      title: 'Training',
      caption: `After every epoch, means over seeds: the training loss, and the accuracy on ${validated ? 'held-out samples' : 'training samples as they pass'}.`,
      spec,
    }
  )
}

const percent = (share: number | undefined) => (share === undefined ? undefined : 100 * share)
