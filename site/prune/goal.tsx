/** @file What pruning is to reach: a sparsity, or what the network may take. */
import { NumberField } from '../shared/number-field.tsx'
import { type GoalKind, type Granularity, goalKinds, leastSparsity } from '../work/asked.ts'
import { goalTexts } from './methods.ts'

/** In percent, ms, kB and percent. */
export const usualGoals: Record<GoalKind, number> = { sparsity: 80, milliseconds: 1, kilobytes: 100, multiplyAdds: 30 }

/** The unit of each, and its range: whether the ends belong to it is said by {@link goalIsValid}. */
const fields: Record<GoalKind, { label: string; most?: number }> = {
  sparsity: { label: 'Zeros, in percent', most: 100 },
  milliseconds: { label: 'Milliseconds for one sample' },
  kilobytes: { label: 'kB of the file, compressed' },
  multiplyAdds: { label: 'Multiply-adds left, in percent', most: 100 },
}

export const goalIsValid = (kind: GoalKind, value: number): boolean =>
  (kind === 'sparsity' ? value >= 0 : value > 0) && value <= (fields[kind].most ?? Number.MAX_VALUE)

interface Props {
  kind: GoalKind
  setKind(kind: GoalKind): void
  value: number
  setValue(value: number): void
  granularity: Granularity
  /** Whether the sparsity follows from the granularity. */
  given: boolean
  runs: boolean
}

export function GoalField({ kind, setKind, value, setValue, granularity, given, runs }: Props) {
  const { label, most } = fields[kind]
  const least = 100 * leastSparsity(granularity)
  const shown = given ? least : value
  return (
    <div class="field">
      <label for="goal">Goal</label>
      <select
        id="goal"
        value={kind}
        disabled={!runs}
        onChange={({ currentTarget }) => setKind(currentTarget.value as GoalKind)}
      >
        {goalKinds.map((key) => (
          <option key={key} value={key}>
            {goalTexts[key]}
          </option>
        ))}
      </select>
      <label class="soft of-goal" for="value">
        {label}
      </label>
      <div class="slider">
        {most !== undefined && (
          <input
            type="range"
            min="0"
            max="99"
            step="1"
            aria-label={`${label}, as a slider`}
            value={shown}
            disabled={given}
            onInput={({ currentTarget }) => setValue(currentTarget.valueAsNumber)}
          />
        )}
        <NumberField id="value" min="0" max={most} disabled={given} value={shown} setValue={setValue} />
      </div>
      <p class="soft hint">
        {kind === 'sparsity' && !given && value < least && `The pattern alone brings ${least} %.`}
        {given && 'The pattern says it.'}
        {kind !== 'sparsity' && 'Levels are measured first, which takes a while: once for all goals.'}
      </p>
    </div>
  )
}
