/** @file What became of the network, beside what it was, and the files to keep. */
import { threadsText } from '../shared/format.ts'
import type { Format } from '../work/opened.ts'
import type { Outcome } from '../work/prune.ts'
import { figuresOf, formatNames } from './figures.ts'
import type { Facts } from './protocol.ts'

interface Props {
  facts: Facts
  outcome?: Outcome
  download(format: Format): void
  report(): void
  busy: boolean
}

export function Result({ facts, outcome, download, report, busy }: Props) {
  if (!outcome) return null
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
            {figuresOf(outcome, facts).map(({ name, before, after, change }) => (
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
          <p class="soft">
            Time is of one sample on {threadsText(outcome.threads)} in this browser, the least of several blocks, zeros
            skipped where that pays.
          </p>
        )}
        {outcome.notes.map((note) => (
          <p class="note" key={note}>
            {note}
          </p>
        ))}
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
