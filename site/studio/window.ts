/** @file Which rows of a long table are in sight, by where the page is scrolled to. */
import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

/** Pixels of a row. The style sheet says the same. */
export const ROW = 38
/** Rows beyond what is in sight. */
const MORE = 12

/** `from` to before `to`, counted from 0; `body` is the element that holds the rows. */
export function useWindow(): { body: RefObject<HTMLTableSectionElement | null>; from: number; to: number } {
  const body = useRef<HTMLTableSectionElement>(null)
  const [range, setRange] = useState({ from: 0, to: Math.ceil(innerHeight / ROW) + MORE })
  useEffect(() => {
    const look = () => {
      const top = body.current?.getBoundingClientRect().top ?? 0
      const first = Math.floor(Math.max(0, -top) / ROW)
      // In steps, so that a row that comes into sight is no reason to draw all anew.
      const from = Math.max(0, Math.floor((first - MORE) / MORE) * MORE)
      const to = from + Math.ceil(innerHeight / ROW) + 3 * MORE
      setRange((before) => (before.from === from && before.to === to ? before : { from, to }))
    }
    look()
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('resize', look)
    }
  }, [])
  return { body, ...range }
}
