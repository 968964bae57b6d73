/** @file The columns of the list of runs. */
import type { ComponentChildren } from 'preact'
import type { RunSummary, SortKey } from '../../src/studio/api.ts'
import { DASH, moment, number, share, span } from './format.ts'
import { hashOf } from './route.ts'

export interface RunColumn {
  key: SortKey
  name: string
  /** Whether numbers stand in it, which sort from the largest at first. */
  numeric?: boolean
  /** The widths of the page, in rem, from which there is room for it. Default: any. */
  from?: 40 | 60 | 75 | 90
  cell(run: RunSummary): ComponentChildren
}

export const columns: readonly RunColumn[] = [
  {
    key: 'id',
    name: 'Run',
    cell: (run) => <Path run={run} />,
  },
  { key: 'state', name: 'State', cell: (run) => <State run={run} /> },
  { key: 'method', name: 'Method', from: 40, cell: ({ method }) => method || DASH },
  {
    key: 'asked',
    name: 'Asked for',
    numeric: true,
    from: 75,
    cell: ({ asked }) => (asked === undefined ? DASH : `${Number((100 * asked).toFixed(2))} %`),
  },
  { key: 'sparsity', name: 'Zeros', numeric: true, from: 60, cell: ({ sparsity }) => share(sparsity, 1) },
  { key: 'seed', name: 'Seed', numeric: true, from: 90, cell: ({ seed }) => seed },
  {
    key: 'epoch',
    name: 'Epoch',
    numeric: true,
    from: 60,
    cell: ({ epoch, epochs }) => (
      <>
        {epoch}
        <span class="soft"> / {epochs}</span>
      </>
    ),
  },
  { key: 'loss', name: 'Loss', numeric: true, from: 75, cell: ({ loss }) => number(loss, 3) },
  { key: 'accuracy', name: 'Last', numeric: true, from: 75, cell: ({ accuracy }) => share(accuracy) },
  { key: 'test', name: 'Test', numeric: true, cell: ({ test }) => share(test) },
  { key: 'changed', name: 'Changed', numeric: true, from: 90, cell: ({ changed }) => moment(changed) },
]

/** The folder of a run, whose last part stays where there is not enough room. */
function Path({ run: { id, problem } }: { run: RunSummary }) {
  const end = id.lastIndexOf('/') + 1
  return (
    <a class="path" href={hashOf({ view: 'run', id })} title={problem ? `${id}: ${problem}` : id}>
      <span>{id.slice(0, end)}</span>
      <span>{id.slice(end)}</span>
    </a>
  )
}

/** What goes on with a run, by a sign and in words. */
export function State({ run: { state, ends, problem } }: { run: Pick<RunSummary, 'state' | 'ends' | 'problem'> }) {
  if (problem) return <span class="state problem">cannot be read</span>
  const left = state === 'running' && ends !== undefined ? span(ends - Date.now()) : undefined
  return (
    <span class={`state ${state}`}>
      {state}
      {left && <span class="soft left"> {left} left</span>}
    </span>
  )
}
