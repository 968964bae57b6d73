/** @file All sweeps, with how far each of them is. */
import type { Studio, SweepSummary } from '../../src/studio/api.ts'
import { moment } from './format.ts'
import { useAsked } from './live.ts'
import { hashOf } from './route.ts'

export function Sweeps({ studio }: { studio: Studio }) {
  const { value, error } = useAsked<SweepSummary[]>('sweeps', {}, ({ type }) => type === 'change')
  return (
    <>
      <h1>Sweeps</h1>
      {error && <p class="note">{error}</p>}
      {value?.length === 0 && (
        <section class="card nothing">
          <h2>No sweeps yet</h2>
          <p>
            There is none in {studio.folders.join(' or ')}, nor below. This one compares five ways to prune before
            training:
          </p>
          <pre>npx espalier sweep at-init/mnist-lenet-300-100</pre>
        </section>
      )}
      <ul class="sweeps">
        {value?.map((sweep) => (
          <li key={sweep.id} class="card">
            <h2>
              <a href={hashOf({ view: 'sweep', id: sweep.id })}>{sweep.name}</a>
            </h2>
            <p class="soft">
              {sweep.id}, changed {moment(sweep.changed)}
            </p>
            {sweep.summary && <p>{sweep.summary}</p>}
            <SweepProgress sweep={sweep} />
          </li>
        ))}
      </ul>
    </>
  )
}

/** How many of its runs are done, as a bar and in words. */
export function SweepProgress({ sweep: { total, counts, failed, running } }: { sweep: SweepSummary }) {
  const { done, running: going, stopped } = counts
  const all = Math.max(total, done + going + stopped)
  const words = [
    `${done} of ${all} runs done`,
    ...(going > 0 ? [`${going} running`] : []),
    ...(stopped > 0 ? [`${stopped} stopped`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ]
  return (
    <div class="run-progress">
      <progress max={Math.max(1, all)} value={done} aria-label="Runs that are done" />
      <span>{words.join(', ')}</span>
      <span class="soft">{running ? 'in progress' : done < all ? 'not in progress' : ''}</span>
    </div>
  )
}
