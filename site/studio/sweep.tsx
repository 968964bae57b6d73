/** @file One sweep: how far it is, what has failed, its report so far, and its runs. */
import { useState } from 'preact/hooks'
import type { ReportView } from '../../src/report/view.ts'
import type { Studio, SweepDetail } from '../../src/studio/api.ts'
import { ReportBody } from '../views/report.tsx'
import { send } from './ask.ts'
import { concerns, useAsked } from './live.ts'
import { hashOf } from './route.ts'
import { Runs } from './runs.tsx'
import { SweepProgress } from './sweeps.tsx'

export function Sweep({ id, studio }: { id: string; studio: Studio }) {
  const { value, error } = useAsked<SweepDetail>(
    'sweep',
    { id },
    (event) => event.type === 'jobs' || (event.type === 'change' && concerns(event.change, id)),
  )
  const [shown, setShown] = useState<'report' | 'runs'>()
  const [round, setRound] = useState(0)
  const complete = value && value.counts.done >= value.total
  // A sweep that goes on is watched by its runs; what it came to is its report.
  const view = shown ?? (complete ? 'report' : 'runs')
  return (
    <>
      <p class="soft">
        <a href={hashOf({ view: 'sweeps' })}>Sweeps</a>
      </p>
      <h1>{value?.name ?? id}</h1>
      {error && <p class="note">{error}</p>}
      {value && (
        <>
          <p class="lead">{value.summary}</p>
          <div class="card">
            <SweepProgress sweep={value} />
            {value.stoppable && <StopSweep id={id} />}
          </div>
          {value.failures.length > 0 && (
            <details class="card" open>
              <summary>Failed ({value.failures.length})</summary>
              <ul class="failures">
                {value.failures.map(({ run, attempt, reason }) => (
                  <li key={run}>
                    <strong>{run}</strong> (attempt {attempt}): {reason}
                  </li>
                ))}
              </ul>
            </details>
          )}
          <div class="tabs">
            {(['report', 'runs'] as const).map((name) => (
              <button type="button" key={name} aria-pressed={view === name} onClick={() => setShown(name)}>
                {name === 'report' ? `Report${complete ? '' : ' so far'}` : 'Runs'}
              </button>
            ))}
            {view === 'report' && !complete && (
              <button type="button" onClick={() => setRound(round + 1)}>
                Read again
              </button>
            )}
          </div>
          {view === 'runs' ? <Runs studio={studio} sweep={id} /> : <Report id={id} round={round} />}
        </>
      )}
    </>
  )
}

/** Asked for again only with another `round`: it reads the files of all runs. */
function Report({ id, round }: { id: string; round: number }) {
  const { value, error } = useAsked<ReportView>('report', { id, round }, () => false)
  return (
    <>
      {error && <p class="note">{error}</p>}
      {!value && !error && <p class="card soft reading">Reading all runs…</p>}
      {value && <ReportBody report={value} />}
    </>
  )
}

function StopSweep({ id }: { id: string }) {
  const [said, setSaid] = useState('')
  const stop = () =>
    send('stop', { id }).then(
      () => setSaid('stopping, with checkpoints'),
      (error: Error) => setSaid(error.message),
    )
  return (
    <p class="run-state">
      <button type="button" onClick={stop}>
        Stop
      </button>
      <span class="soft" role="status">
        {said}
      </span>
    </p>
  )
}
