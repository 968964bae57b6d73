/** @file Starts recipes and sweeps, and shows what was started from here. */
import { useState } from 'preact/hooks'
import type { Job, Startable } from '../../src/studio/api.ts'
import { send } from './ask.ts'
import { moment } from './format.ts'
import { useAsked } from './live.ts'
import { hashOf } from './route.ts'

export function Start() {
  const { value, error } = useAsked<{ jobs: Job[]; startable: Startable[] }>('jobs', {}, ({ type }) => type === 'jobs')
  const [said, setSaid] = useState('')
  const start = async (event: SubmitEvent) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget as HTMLFormElement)
    const [kind, name] = String(fields.get('what')).split(/:(.*)/s)
    const set = String(fields.get('set'))
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean)
    try {
      const job = await send<Job>('start', { kind, name, set })
      setSaid(`started in ${job.out}`)
    } catch (problem) {
      setSaid((problem as Error).message)
    }
  }
  const kinds = ['recipe', 'sweep'] as const
  return (
    <>
      <h1>Start</h1>
      {error && <p class="note">{error}</p>}
      <form class="card start" onSubmit={start}>
        <label>
          <span class="field-name">Recipe or sweep</span>
          <select name="what">
            {kinds.map((kind) => (
              <optgroup key={kind} label={kind === 'recipe' ? 'Recipes' : 'Sweeps'}>
                {value?.startable
                  .filter((one) => one.kind === kind)
                  .map(({ name }) => (
                    <option key={name} value={`${kind}:${name}`}>
                      {name}
                    </option>
                  ))}
              </optgroup>
            ))}
          </select>
        </label>
        <label>
          <span class="field-name">Changes, a line each</span>
          <textarea name="set" rows={3} placeholder="train.epochs=5" spellcheck={false} />
        </label>
        <p class="soft">
          It runs on this machine, in a new folder of those that are watched, and ends with a checkpoint when the studio
          does.
        </p>
        <div class="run-state">
          <button type="submit" class="main">
            Start
          </button>
          <span role="status">{said}</span>
        </div>
      </form>
      {value && value.jobs.length > 0 && <h2>Started from here</h2>}
      <ul class="sweeps">
        {value?.jobs.map((job) => (
          <Started key={job.id} job={job} />
        ))}
      </ul>
    </>
  )
}

function Started({ job: { id, command, out, state, started, error } }: { job: Job }) {
  const view = command.startsWith('espalier sweep') ? 'sweep' : 'run'
  return (
    <li class="card" key={id}>
      <p>
        <span class={`state ${state}`}>{state}</span> <a href={hashOf({ view, id: out })}>{out}</a>{' '}
        <span class="soft">since {moment(started)}</span>
      </p>
      <pre>{command}</pre>
      {error && <p class="note">{error}</p>}
      {state === 'running' && (
        <button type="button" onClick={() => void send('stop', { id: out }).catch(() => {})}>
          Stop
        </button>
      )}
    </li>
  )
}
