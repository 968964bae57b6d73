/** @file The rows of a long list that are in sight, asked for page by page. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { RunPage, RunSummary } from '../../src/studio/api.ts'
import { ask } from './ask.ts'
import { useLive } from './live.ts'

/** Rows that are asked for at once. */
const PAGE = 100
/** Milliseconds between two questions after changes. */
const BETWEEN = 900

export interface Rows {
  /** Of the whole list; undefined until it is known. */
  total?: number
  error?: string
  row(index: number): RunSummary | undefined
}

/** `from` to `to`: what is in sight. Rows that change are asked for again; until then the last ones stay. */
export function useRows(query: Record<string, string>, from: number, to: number): Rows {
  const key = JSON.stringify(query)
  const pages = useRef({ key, rows: new Map<number, RunSummary[]>(), fresh: new Set<number>() })
  const [total, setTotal] = useState<number>()
  const [error, setError] = useState<string>()
  const [version, setVersion] = useState(0)
  if (pages.current.key !== key) pages.current = { key, rows: new Map(), fresh: new Set() }
  const [first, last] = [Math.floor(from / PAGE), Math.floor(Math.max(from, to - 1) / PAGE)]
  useEffect(() => {
    const store = pages.current
    const load = async (page: number) => {
      store.fresh.add(page)
      try {
        const found = await ask<RunPage>('runs', { ...query, offset: page * PAGE, limit: PAGE })
        if (pages.current !== store) return
        store.rows.set(page, found.rows)
        setTotal(found.total)
        setError(undefined)
      } catch (problem) {
        store.fresh.delete(page)
        setError((problem as Error).message)
      }
      setVersion((before) => before + 1)
    }
    for (let page = first; page <= last; page++) if (!store.fresh.has(page)) void load(page)
  }, [key, first, last, version])
  useStale(() => {
    pages.current.fresh.clear()
    setVersion((before) => before + 1)
  })
  return { total, error, row: (index) => pages.current.rows.get(Math.floor(index / PAGE))?.[index % PAGE] }
}

/** Calls `stale` after changes, but not more often than now and then. */
function useStale(stale: () => void): void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  useLive((event) => {
    if (event.type !== 'change' || event.change.ids?.length === 0 || timer.current !== undefined) return
    timer.current = setTimeout(() => {
      timer.current = undefined
      stale()
    }, BETWEEN)
  }, [])
}
