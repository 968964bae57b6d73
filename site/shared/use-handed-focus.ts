/** @file Focus that goes from a button to the one that takes its place, where its own is gone with it. */
import { useLayoutEffect, useRef } from 'preact/hooks'

/** A ref for whichever of two buttons is there; `which` says it. */
export function useHandedFocus<Element extends HTMLElement>(which: boolean) {
  const button = useRef<Element>(null)
  const before = useRef(which)
  useLayoutEffect(() => {
    const changed = before.current !== which
    before.current = which
    if (changed && (document.activeElement ?? document.body) === document.body) button.current?.focus()
  }, [which])
  return button
}
