/** @file One run: how far it is, its curves, its layers and events, where it runs and by what settings. */

import { useEffect, useState } from 'preact/hooks'
import type { RunDetail, Studio } from '../../src/studio/api.ts'
import { Sideways } from '../views/sideways.tsx'
import { send } from './ask.ts'
import { State } from './columns.tsx'
import { RunCurves } from './curves.tsx'
import { DASH, moment, number, share, span } from './format.ts'
import { Layers } from './layers.tsx'
import { concerns, useAsked } from './live.ts'
import { hashOf } from './route.ts'

export function Run({ id, studio }: { id: string; studio: Studio }) {
  const { value, error } = useAsked<RunDetail>(
    'run',
    { id },
    (event) => event.type === 'jobs' || (event.type === 'change' && concerns(event.change, id)),
  )
  if (error) return <Missing id={id} error={error} />
  if (!value) return <Head id={id} />
  const { summary, about, epochs, unreadable, notes, events, environment, settings } = value
  return (
    <>
      <Head id={id}>
        <p class="lead">{about}</p>
        <div class="run-state">
          <State run={summary} />
          <Buttons run={value} studio={studio} />
        </div>
        {summary.problem && <p class="note">{summary.problem}</p>}
        {unreadable > 0 && (
          <p class="note">
            {unreadable === 1 ? 'A line' : `${unreadable} lines`} of metrics.jsonl {unreadable === 1 ? 'is' : 'are'} no
            record, and left out here.
          </p>
        )}
      </Head>
      <Progress run={value} />
      <Facts run={value} />
      {epochs.length === 0 && (
        <p class="card">
          {summary.state === 'running'
            ? 'No epoch has ended yet: curves appear with the first.'
            : 'No epoch is recorded, so that there are no curves.'}
        </p>
      )}
      <RunCurves runs={[value]} events />
      <Layers runs={[value]} />
      {notes.length > 0 && (
        <details class="card" open={events <= 12}>
          <summary>
            Events ({events}
            {events > notes.length ? `, the last ${notes.length}` : ''})
          </summary>
          <ol class="events" reversed>
            {[...notes].reverse().map(({ step, text }, i) => (
              <li key={`${step} ${i}`}>
                <span class="soft">step {step.toLocaleString('en-US')}</span> {text}
              </li>
            ))}
          </ol>
        </details>
      )}
      <Pairs title="Settings" pairs={settings} />
      <Pairs title="Machine" pairs={environment} />
    </>
  )
}

function Head({ id, children }: { id: string; children?: preact.ComponentChildren }) {
  return (
    <div class="run-head">
      <p class="soft">
        <a href={hashOf({ view: 'runs' })}>Runs</a>
      </p>
      <h1>{id}</h1>
      {children}
    </div>
  )
}

const Missing = ({ id, error }: { id: string; error: string }) => (
  <Head id={id}>
    <p class="note">{error}</p>
  </Head>
)

/** How much of it is done, and how long it still takes; both are told again every second. */
function Progress({ run: { summary, step, steps, seconds } }: { run: RunDetail }) {
  const { state, epoch, epochs, ends } = summary
  const now = useNow(state === 'running')
  if (state === 'done') return null
  const done = steps && step ? Math.min(1, step / steps) : epochs > 0 ? epoch / epochs : 0
  const left = state === 'running' && ends !== undefined ? `about ${span(ends - now)} left` : ''
  return (
    <div class="card run-progress">
      <progress max="1" value={done} aria-label="Share of the steps that is done" />
      <span>
        {steps ? `${(100 * done).toFixed(0)} %, ` : ''}
        {epoch} of {epochs} epochs{step ? `, step ${step.toLocaleString('en-US')}` : ''}
        {seconds ? `, ${span(1000 * seconds)} of training` : ''}
      </span>
      <span class="soft">{left}</span>
    </div>
  )
}

function useNow(ticking: boolean): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    if (!ticking) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [ticking])
  return now
}

function Facts({ run: { summary, result, seconds } }: { run: RunDetail }) {
  const { model, data, method, asked, sparsity, loss, accuracy, test, seed, changed } = summary
  const facts: [string, string][] = [
    ['Network', model ? `${model} on ${data}` : DASH],
    ['Method', `${method || DASH}${asked === undefined ? '' : `, ${Number((100 * asked).toFixed(2))} %`}`],
    ['Zeros', share(sparsity)],
    ['Test accuracy', share(test)],
    ...(result?.dense ? ([['Before pruning', share(result.dense.accuracy)]] as [string, string][]) : []),
    ['Last epoch', `${share(accuracy)}, loss ${number(loss, 3)}`],
    ['Training', seconds === undefined ? DASH : span(1000 * seconds)],
    ['Seed', String(seed)],
    ['Changed', moment(changed)],
  ]
  return (
    <dl class="facts-grid">
      {facts.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  )
}

function Buttons({ run: { summary, stoppable }, studio }: { run: RunDetail; studio: Studio }) {
  const [said, setSaid] = useState('')
  if (!studio.allowRun) return null
  const { id, state } = summary
  const press = (path: string, then: string) =>
    send(path, { id }).then(
      () => setSaid(then),
      (error: Error) => setSaid(error.message),
    )
  return (
    <>
      {stoppable && (
        <button type="button" onClick={() => press('stop', 'stopping, with a checkpoint')}>
          Stop
        </button>
      )}
      {state === 'stopped' && !stoppable && (
        <button type="button" onClick={() => press('resume', 'going on from its last checkpoint')}>
          Resume
        </button>
      )}
      <span class="soft" role="status">
        {said}
      </span>
    </>
  )
}

function Pairs({ title, pairs }: { title: string; pairs: readonly (readonly [string, string])[] }) {
  if (pairs.length === 0) return null
  return (
    <details class="card">
      <summary>{title}</summary>
      <Sideways label={title}>
        <table class="pairs">
          <tbody>
            {pairs.map(([name, text]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Sideways>
    </details>
  )
}
