/** @file The names of the lines of a chart, each a button that hides and shows its own. */
import { colorOf, markOf } from './series.ts'

interface Props {
  groups: readonly { name: string; index: number }[]
  hidden: ReadonlySet<string>
  onToggle(name: string): void
}

export function Legend({ groups, hidden, onToggle }: Props) {
  if (groups.length < 2) return null
  return (
    <fieldset class="legend" aria-label="Lines to show">
      {groups.map(({ name, index }) => (
        <button type="button" key={name} aria-pressed={!hidden.has(name)} onClick={() => onToggle(name)}>
          <svg aria-hidden="true" width="22" height="14" viewBox="-11 -7 22 14" style={{ color: colorOf(index) }}>
            <path d="M-11 0H11" class="stroke" />
            <path d={markOf(index, 4.5)} class="fill" />
          </svg>
          {name}
        </button>
      ))}
    </fieldset>
  )
}
