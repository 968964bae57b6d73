/** @file The curves of runs over their epochs, one line for each run. */
import type { EpochReport } from '../../src/experiment/run/events.ts'
import type { RunDetail } from '../../src/studio/api.ts'
import { Chart } from '../views/chart.tsx'
import type { Axis } from '../views/frame.ts'
import { short } from '../views/scale.ts'
import type { Series } from '../views/series.ts'

interface Curve {
  title: string
  y: Axis
  of(epoch: EpochReport): number | undefined
}

const percentAxis = (title: string): Axis => {
  return { title, kind: 'linear', shown: (value) => `${value.toFixed(2)} %` }
}
const lossAxis = (title: string): Axis => ({ title, kind: 'log', shown: (value) => value.toPrecision(4) })
const percent = (value: number | undefined) => (value === undefined ? undefined : 100 * value)

const curves: readonly Curve[] = [
  { title: 'Training loss', y: lossAxis('training loss'), of: ({ trainLoss }) => trainLoss },
  { title: 'Validation loss', y: lossAxis('validation loss'), of: ({ validationLoss }) => validationLoss },
  { title: 'Training accuracy', y: percentAxis('accuracy, %'), of: ({ trainAccuracy }) => percent(trainAccuracy) },
  {
    title: 'Validation accuracy',
    y: percentAxis('accuracy, %'),
    of: ({ validationAccuracy }) => percent(validationAccuracy),
  },
  { title: 'Test accuracy', y: percentAxis('accuracy, %'), of: ({ testSet }) => percent(testSet?.accuracy) },
  {
    title: 'Zeros',
    y: { ...percentAxis('zeros among prunable weights, %'), least: 0, most: 100 },
    of: ({ sparsity }) => percent(sparsity),
  },
  {
    title: 'Weights that have vanished',
    y: { ...percentAxis('below 1e-4, %'), least: 0, most: 100 },
    of: ({ gap }) => percent(gap?.vanished),
  },
  {
    title: 'Learning rate',
    y: { title: 'learning rate', kind: 'linear', shown: short },
    of: ({ learningRate }) => learningRate,
  },
]

/** The most events that are marked: more are a band. */
const MOST_EVENTS = 60

/** `events`: whether pruning events are marked. A curve that no run has is left out. */
export function RunCurves({ runs, events }: { runs: readonly RunDetail[]; events: boolean }) {
  return (
    <div class="pictures">
      {curves.map(({ title, y, of }) => {
        const series = runs.map((run, index): Series => {
          const points = run.epochs.flatMap((epoch) => {
            const value = of(epoch)
            return value === undefined ? [] : [{ x: epoch.epoch, y: value }]
          })
          return { name: run.summary.id, group: run.summary.id, index, shade: 1, points }
        })
        if (series.every(({ points }) => points.length === 0)) return null
        const most = Math.max(...runs.map(({ summary }) => summary.epochs))
        return (
          <Chart
            key={title}
            title={title}
            series={series}
            x={{ title: 'epoch', kind: 'linear', shown: String, whole: true, least: 1, most: Math.max(2, most) }}
            y={y}
            events={events ? eventsOf(runs[0]) : []}
          />
        )
      })}
    </div>
  )
}

/** When a run pruned, in epochs. */
function eventsOf({ prunings, epochs }: RunDetail): number[] {
  const [last] = epochs.slice(-1)
  if (!last || prunings.length > MOST_EVENTS) return []
  const perEpoch = last.step / last.epoch
  return [...new Set(prunings.map(({ step }) => step / perEpoch))].filter((at) => at >= 1)
}
