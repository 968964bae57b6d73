/** @file What became of the network, beside what it was, and the files to keep. */
import { grouped, milliseconds, percent, size, times } from '../shared/format.ts'
import { save } from '../shared/save.ts'
import type { Format } from '../work/opened.ts'
import type { Outcome } from '../work/prune.ts'
import type { Facts } from './protocol.ts'

interface Props {
  facts: Facts
  outcome?: Outcome
  download(format: Format): void
  busy: boolean
}

const formatNames: Record<Format, string> = { onnx: 'ONNX', safetensors: 'safetensors' }

export function Result({ facts, outcome, download, busy }: Props) {
  if (!outcome) return null
  const report = () => {
    const content = JSON.stringify({ file: facts.name, ...outcome, browser: navigator.userAgent }, null, 2)
    save(`${content}\n`, `${facts.name.replace(/\.[^.]*$/, '')}.report.json`, 'application/json')
  }
  return (
    <section aria-labelledby="result">
      <h2 id="result">Before and after</h2>
      <div class="card">
        <table class="result">
          <thead>
            <tr>
              <td />
              <th scope="col" class="number">
                Before
              </th>
              <th scope="col" class="number">
                After
              </th>
              <th scope="col">Change</th>
            </tr>
          </thead>
          <tbody>
            {rowsOf(outcome, facts).map(([name, before, after, change]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number">{before}</td>
                <td class="number">{after}</td>
                <td class="soft">{change}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {outcome.after.milliseconds !== undefined && (
          <p class="soft">Time is of one sample on one thread in this browser, zeros skipped where that pays.</p>
        )}
        <div class="buttons">
          {facts.formats.map((format) => (
            <button key={format} type="button" class="main" disabled={busy} onClick={() => download(format)}>
              Download {formatNames[format]}
            </button>
          ))}
          <button type="button" disabled={busy} onClick={report}>
            Download a report
          </button>
        </div>
      </div>
    </section>
  )
}

function rowsOf({ before, after, weights, distances, samples }: Outcome, { formats }: Facts): string[][] {
  const format = formatNames[formats[0]]
  return [
    ['Zeros', percent(before.zeros / weights), percent(after.zeros / weights), `of ${grouped(weights)} weights`],
    ...(after.accuracy === undefined
      ? []
      : [
          [
            'Accuracy',
            percent(before.accuracy!, 2),
            percent(after.accuracy, 2),
            `on ${grouped(samples ?? 0)} images; ${points(after.accuracy - before.accuracy!)}`,
          ],
        ]),
    ...(distances ?? []).map(({ name, distance, unit }) => [
      distances!.length > 1 ? `Distance of ${name}` : 'Distance of outputs',
      '0',
      distance.toPrecision(3),
      unit === 'variance' ? 'in variances: 1 is as far as their mean' : 'in nats, between the probabilities',
    ]),
    [
      `${format} file, compressed`,
      size(before.compressed),
      size(after.compressed),
      times(before.compressed, after.compressed, 'smaller', 'larger'),
    ],
    ...(after.milliseconds === undefined
      ? []
      : [
          [
            'Time',
            milliseconds(before.milliseconds!),
            milliseconds(after.milliseconds),
            times(before.milliseconds!, after.milliseconds, 'faster', 'slower'),
          ],
        ]),
  ]
}

const points = (share: number) => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(2)} points`
