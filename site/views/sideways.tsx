/** @file What may be wider than its room, and is then moved sideways, also by the arrow keys. */
import type { ComponentChildren } from 'preact'

export function Sideways({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by keys
    <section class="sideways" aria-label={label} tabIndex={0}>
      {children}
    </section>
  )
}
