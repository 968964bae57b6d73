/** @file All runs: a list that the server filters and sorts, of which only what is in sight is there. */
import { useEffect, useState } from 'preact/hooks'
import type { SortKey, Studio } from '../../src/studio/api.ts'
import { columns } from './columns.tsx'
import { hashOf, MOST_COMPARED } from './route.ts'
import { useRows } from './rows.ts'
import { ROW, useWindow } from './window.ts'

interface Props {
  studio: Studio
  /** Only those of a sweep, below its own heading. */
  sweep?: string
}

export function Runs({ studio, sweep }: Props) {
  const [text, setText] = useState('')
  const [state, setState] = useState('')
  const [sort, setSort] = useState<{ key: SortKey; order: 'up' | 'down' }>({ key: 'changed', order: 'down' })
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const { body, from, to } = useWindow()
  const query = {
    text: useSettled(text),
    state,
    sort: sort.key,
    order: sort.order,
    ...(sweep === undefined ? {} : { sweep }),
  }
  const { total, error, row } = useRows(query, from, to)
  const filtered = text !== '' || state !== ''
  const [first, last] = [Math.min(from, total ?? 0), Math.min(to, total ?? 0)]
  const press = (key: SortKey, numeric = false) =>
    setSort((before) => {
      if (before.key !== key) return { key, order: numeric ? 'down' : 'up' }
      return { key, order: before.order === 'up' ? 'down' : 'up' }
    })
  const choose = (id: string) =>
    setChosen((before) => {
      const without = [...before].filter((one) => one !== id)
      return new Set(before.has(id) ? without : [...without, id].slice(-MOST_COMPARED))
    })
  return (
    <>
      {sweep === undefined && <h1>Runs</h1>}
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span class="field-name">Search</span>
          <input
            type="search"
            value={text}
            placeholder="folder, method, model or data"
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        <label>
          <span class="field-name">State</span>
          <select value={state} onChange={({ currentTarget }) => setState(currentTarget.value)}>
            <option value="">all</option>
            <option value="running">running</option>
            <option value="done">done</option>
            <option value="stopped">stopped</option>
          </select>
        </label>
        <span class="soft found" role="status">
          {total === undefined ? '' : `${total.toLocaleString('en-US')} ${total === 1 ? 'run' : 'runs'}`}
        </span>
        <a
          class="button"
          href={hashOf({ view: 'compare', ids: [...chosen] })}
          aria-disabled={chosen.size < 2}
          onClick={(event) => chosen.size < 2 && event.preventDefault()}
        >
          Compare {chosen.size > 0 ? chosen.size : ''}
        </a>
      </form>
      {error && <p class="note">{error}</p>}
      {total === 0 && (filtered ? <p class="card">No run fits the filter.</p> : <Nothing studio={studio} />)}
      <table class="runs" aria-rowcount={(total ?? 0) + 1} hidden={total === 0}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" class="choose">
              <span class="visually-hidden">Compare</span>
            </th>
            {columns.map(({ key, name, numeric, from: width }) => (
              <th
                key={key}
                scope="col"
                class={`${numeric ? 'number' : ''} ${width ? `from-${width}` : ''} c-${key}`}
                aria-sort={sort.key === key ? (sort.order === 'up' ? 'ascending' : 'descending') : 'none'}
              >
                <button type="button" onClick={() => press(key, numeric)}>
                  {name}
                  <span class="arrow" aria-hidden="true">
                    {sort.key === key ? (sort.order === 'up' ? '▲' : '▼') : ''}
                  </span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          <Space rows={first} />
          {Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i).map((index) => {
            const run = row(index)
            return (
              <tr key={index} aria-rowindex={index + 2} class={run && chosen.has(run.id) ? 'chosen' : undefined}>
                <td class="choose">
                  {run && (
                    <input
                      type="checkbox"
                      aria-label={`compare ${run.id}`}
                      checked={chosen.has(run.id)}
                      onChange={() => choose(run.id)}
                    />
                  )}
                </td>
                {columns.map(({ key, numeric, from: width, cell }) => (
                  <td key={key} class={`${numeric ? 'number' : ''} ${width ? `from-${width}` : ''} c-${key}`}>
                    {run && cell(run)}
                  </td>
                ))}
              </tr>
            )
          })}
          <Space rows={(total ?? 0) - last} />
        </tbody>
      </table>
    </>
  )
}

/** The room of rows that are out of sight. */
function Space({ rows }: { rows: number }) {
  if (rows <= 0) return null
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: an empty row has nothing to focus
    <tr aria-hidden="true" class="space">
      <td colSpan={columns.length + 1} style={{ height: `${rows * ROW}px` }} />
    </tr>
  )
}

function Nothing({ studio: { folders, allowRun } }: { studio: Studio }) {
  return (
    <section class="card nothing">
      <h2>No runs yet</h2>
      <p>
        There is none in {folders.join(' or ')}, nor below. This one trains and prunes LeNet-300-100 on MNIST in half a
        minute, and shows up here as it goes:
      </p>
      <pre>npx espalier run quickstart</pre>
      {allowRun && (
        <p>
          Or <a href={hashOf({ view: 'start' })}>start one</a> from here.
        </p>
      )}
    </section>
  )
}

/** A text once nobody has typed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 150)
    return () => clearTimeout(timer)
  }, [text])
  return settled
}
