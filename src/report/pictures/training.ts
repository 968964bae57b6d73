/** @file Training curves: loss and accuracy after every epoch, means over seeds. */
import type { RunGroup } from '../groups.ts'
import { curveChart, curvePoints } from './curves.ts'
import type { Picture } from './draw.ts'

/** Nothing where no run has two epochs. */
export function trainingPicture(groups: readonly RunGroup[]): Picture | undefined {
  const held = groups.some(({ runs }) => runs.some(({ epochs }) => epochs.some((epoch) => epoch.validationAccuracy)))
  const points = curvePoints(groups, {
    loss: (epoch) => epoch.trainLoss,
    accuracy: (epoch) => percent(held ? epoch.validationAccuracy : epoch.trainAccuracy),
  })
  if (!points.some(({ epoch }) => epoch > 1)) return undefined
  const names = [...new Set(points.map(({ name }) => name))]
  return {
    name: 'training',
    title: 'Training',
    caption: `After every epoch, means over seeds: the training loss, and the accuracy on ${held ? 'held-out samples' : 'training samples as they pass'}.`,
    spec: {
      data: { values: points },
      hconcat: [
        curveChart(names, 'loss', 'training loss', { type: 'log', nice: false }),
        curveChart(names, 'accuracy', held ? 'validation accuracy, %' : 'training accuracy, %', { zero: false }),
      ],
    },
  }
}

const percent = (share: number | undefined) => (share === undefined ? undefined : 100 * share)
