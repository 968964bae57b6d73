/** @file Some runs beside each other: what their settings differ in, their results, curves and layers. */
import { useEffect, useState } from 'preact/hooks'
import type { ViewTable } from '../../src/report/view.ts'
import type { RunDetail } from '../../src/studio/api.ts'
import { SortableTable } from '../views/table.tsx'
import { ask } from './ask.ts'
import { RunCurves } from './curves.tsx'
import { number, share } from './format.ts'
import { Layers } from './layers.tsx'
import { concerns, useLive } from './live.ts'

export function Compare({ ids }: { ids: readonly string[] }) {
  const [runs, setRuns] = useState<RunDetail[]>()
  const [error, setError] = useState<string>()
  const load = () => {
    Promise.all(ids.map((id) => ask<RunDetail>('run', { id }))).then(setRuns, (problem: Error) =>
      setError(problem.message),
    )
  }
  useEffect(load, [])
  useLive((event) => {
    if (event.type === 'change' && ids.some((id) => concerns(event.change, id))) load()
  }, [])
  if (ids.length < 2)
    return (
      <>
        <h1>Comparison</h1>
        <p class="card">Choose two or more runs in the list.</p>
      </>
    )
  return (
    <>
      <h1>Comparison</h1>
      {error && <p class="note">{error}</p>}
      {runs && (
        <>
          <section class="card">
            <SortableTable table={tableOf(runs)} label="Comparison" />
          </section>
          <RunCurves runs={runs} events={false} />
          <Layers runs={runs} />
        </>
      )}
    </>
  )
}

/** A row for each run: its results, and the settings in which not all are alike. */
function tableOf(runs: readonly RunDetail[]): ViewTable {
  const settings = runs.map(({ settings: pairs }) => new Map(pairs))
  const keys = [...new Set(runs.flatMap(({ settings: pairs }) => pairs.map(([key]) => key)))].filter(
    (key) => !/^(name|summary|about\b)/.test(key) && new Set(settings.map((own) => own.get(key))).size > 1,
  )
  const measured = (name: string) => ({ name, numeric: true })
  const cell = (text: string, value?: number) => ({ text, value })
  const tests = runs.map(({ summary }) => summary.test ?? Number.NEGATIVE_INFINITY)
  const best = Math.max(...tests)
  return {
    columns: [
      { name: 'run', numeric: false },
      measured('test accuracy'),
      measured('zeros'),
      measured('last accuracy'),
      measured('loss'),
      measured('epochs'),
      ...keys.map((name) => ({ name, numeric: false })),
    ],
    rows: runs.map(({ summary: { id, test, sparsity, accuracy, loss, epoch } }, i) => [
      cell(id),
      cell(share(test), test),
      cell(share(sparsity), sparsity),
      cell(share(accuracy), accuracy),
      cell(number(loss), loss),
      cell(String(epoch), epoch),
      ...keys.map((key) => {
        const text = settings[i].get(key) ?? ''
        return cell(text, text !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined)
      }),
    ]),
    best: Number.isFinite(best) ? tests.flatMap((test, i) => (test === best ? [i] : [])) : [],
  }
}
