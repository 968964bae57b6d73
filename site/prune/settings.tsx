/** @file How the network is to be pruned, or its tensors measured, and how far the work is. */
import { useState } from 'preact/hooks'
import { duration } from '../shared/format.ts'
import { useHandedFocus } from '../shared/use-handed-focus.ts'
import { type Asked, type GoalKind, granularitiesFor, isGiven, knowsScopes, type PageMethod } from '../work/asked.ts'
import type { AskedSamples } from '../work/samples.ts'
import type { Work } from './app.tsx'
import { GoalField, goalIsValid, usualGoals } from './goal.tsx'
import { granularityTexts, methodTexts } from './methods.ts'
import type { Facts } from './protocol.ts'
import { SamplesField } from './samples-field.tsx'

interface Props {
  facts: Facts
  work?: Work
  /** What was done last. */
  status: string
  prune(asked: Asked): void
  measure(asked: Asked): void
  stop(): void
}

export function Settings({ facts, work, status, prune, measure, stop }: Props) {
  const button = useHandedFocus<HTMLButtonElement>(work !== undefined)
  const { runs } = facts
  const [method, setMethod] = useState<PageMethod>('magnitude')
  const [wanted, setGranularity] = useState<Asked['granularity']>('weight')
  const [kind, setKind] = useState<GoalKind>('sparsity')
  const [goals, setGoals] = useState(usualGoals)
  const [scope, setScope] = useState<Asked['scope']>('global')
  const [samples, setSamples] = useState<AskedSamples>(() => ({
    kind: facts.samples.includes('digits') ? 'digits' : 'random',
  }))
  const [runtime, setRuntime] = useState(false)
  const known = granularitiesFor(method, kind, runs)
  const granularity = known.includes(wanted) ? wanted : 'weight'
  const scopes = knowsScopes(method, kind)
  const given = kind === 'sparsity' && isGiven(method, granularity)
  const needsFiles = samples.kind === 'images' || samples.kind === 'arrays'
  const lacking = runs && needsFiles && !samples.files?.length
  const isReady = !lacking && !work && (given || goalIsValid(kind, goals[kind]))
  const asked: Asked = {
    method,
    granularity,
    goal: { kind, value: kind === 'sparsity' || kind === 'multiplyAdds' ? goals[kind] / 100 : goals[kind] },
    scope: scopes ? scope : 'layerwise',
    samples,
    runtime: runs && runtime,
  }

  return (
    <section aria-labelledby="settings">
      <h2 id="settings">Prune</h2>
      <form
        class="card settings"
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) prune(asked)
        }}
      >
        <div class="field">
          <label for="method">Method</label>
          <select
            id="method"
            aria-describedby="about-method"
            value={method}
            onChange={({ currentTarget }) => setMethod(currentTarget.value as PageMethod)}
          >
            {Object.entries(methodTexts).map(([key, { name }]) => (
              <option key={key} value={key} disabled={key !== 'magnitude' && !runs}>
                {name}
              </option>
            ))}
          </select>
          <p id="about-method" class="soft hint">
            {methodTexts[method].about}
          </p>
        </div>
        <div class="field">
          <label for="granularity">What goes together</label>
          <select
            id="granularity"
            aria-describedby="about-granularity"
            value={granularity}
            disabled={known.length === 1}
            onChange={({ currentTarget }) => setGranularity(currentTarget.value as Asked['granularity'])}
          >
            {known.map((key) => (
              <option key={key} value={key}>
                {granularityTexts[key].name}
              </option>
            ))}
          </select>
          <p id="about-granularity" class="soft hint">
            {granularityTexts[granularity].about}
          </p>
        </div>
        <GoalField
          kind={kind}
          setKind={setKind}
          value={goals[kind]}
          setValue={(value) => setGoals({ ...goals, [kind]: value })}
          granularity={granularity}
          given={given}
          runs={runs}
        />
        <div class="field">
          <label for="scope">Which weights compete</label>
          <select
            id="scope"
            aria-describedby="about-scope"
            value={scopes ? scope : 'layerwise'}
            disabled={!scopes}
            onChange={({ currentTarget }) => setScope(currentTarget.value as Asked['scope'])}
          >
            <option value="global">All of the network</option>
            <option value="layerwise">Those of a layer</option>
          </select>
          <p id="about-scope" class="soft hint">
            {kind !== 'sparsity'
              ? 'Every layer gets the sparsity that costs the least.'
              : scopes && scope === 'global'
                ? 'Layers end with different shares of zeros.'
                : 'Every layer gets the same share of zeros.'}
          </p>
        </div>
        {runs && <SamplesField facts={facts} method={method} samples={samples} setSamples={setSamples} />}
        {runs && (
          <div class="field">
            <span class="legend">Time</span>
            <label class="choice">
              <input type="checkbox" checked={runtime} onChange={() => setRuntime(!runtime)} />
              Beside ONNX Runtime Web
            </label>
            <p class="soft hint">Loads its 14 MB from this server, and times both networks in it, too.</p>
          </div>
        )}
        <div class="go">
          {work ? (
            // The second click of two was for what stood here before.
            <button key="stop" ref={button} type="button" onClick={({ detail }) => detail < 2 && stop()}>
              Cancel
            </button>
          ) : (
            <>
              <button key="go" ref={button} type="submit" class="main" disabled={!isReady}>
                Prune
              </button>
              {runs && (
                <button key="measure" type="button" disabled={lacking} onClick={() => measure(asked)}>
                  Measure sensitivity
                </button>
              )}
            </>
          )}
          <Progress work={work} status={status} />
        </div>
      </form>
    </section>
  )
}

function Progress({ work, status }: { work?: Work; status: string }) {
  return (
    <div class="progress">
      {!work && <span class="soft">{status}</span>}
      {work && (
        <>
          <progress max="1" value={work.share} aria-label="Progress" />
          <span class="soft">
            {work.text}
            {work.left ? `, about ${duration(work.left)} left` : ''}
          </span>
        </>
      )}
    </div>
  )
}
