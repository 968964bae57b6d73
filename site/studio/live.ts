/** @file What the server tells of changes, and values that are asked for anew when they concern it. */
import { useEffect, useState } from 'preact/hooks'
import type { Change } from '../../src/studio/api.ts'
import { ask } from './ask.ts'

export type LiveEvent = { type: 'change'; change: Change } | { type: 'jobs' } | { type: 'connected'; is: boolean }

/** Milliseconds between two questions for the same value. */
const BETWEEN = 700

const listeners = new Set<(event: LiveEvent) => void>()
const tell = (event: LiveEvent) => {
  for (const listener of listeners) listener(event)
}

/** Listens to the server until the page is gone; a browser connects again by itself. */
export function connect(): void {
  const source = new EventSource('/api/events')
  source.addEventListener('change', ({ data }) => tell({ type: 'change', change: JSON.parse(data) }))
  source.addEventListener('jobs', () => tell({ type: 'jobs' }))
  source.onopen = () => tell({ type: 'connected', is: true })
  source.onerror = () => tell({ type: 'connected', is: false })
}

export function useLive(listener: (event: LiveEvent) => void, dependencies: readonly unknown[]): void {
  useEffect(() => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, dependencies)
}

/** Whether a change is, or may be, one of a folder or what is in it. */
export const concerns = ({ ids }: Change, folder: string): boolean =>
  ids === undefined || ids.some((id) => id === folder || id.startsWith(`${folder}/`))

export interface Asked<T> {
  value?: T
  error?: string
}

/**
 * A value of the server, asked for again when an event says so, at most about once a second. While it is
 * asked for again, the last one stays.
 */
export function useAsked<T>(
  path: string,
  query: Record<string, string | number>,
  again: (event: LiveEvent) => boolean,
): Asked<T> {
  const key = JSON.stringify([path, query])
  const [asked, setAsked] = useState<Asked<T> & { key: string }>({ key })
  const [count, setCount] = useState(0)
  useEffect(() => {
    const controller = new AbortController()
    ask<T>(path, query, controller.signal).then(
      (value) => setAsked({ key, value }),
      (error: Error) => {
        if (error.name !== 'AbortError') setAsked({ key, error: error.message })
      },
    )
    return () => controller.abort()
  }, [key, count])
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const listener = (event: LiveEvent) => {
      if (timer !== undefined || !again(event)) return
      timer = setTimeout(() => {
        timer = undefined
        setCount((before) => before + 1)
      }, BETWEEN)
    }
    listeners.add(listener)
    return () => {
      clearTimeout(timer)
      listeners.delete(listener)
    }
  }, [key])
  return asked.key === key ? asked : {}
}
