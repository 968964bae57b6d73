/**
 * @file Lengths of time in training, always with their unit: `4ep` (epochs), `500it` (optimizer steps),
 * `4ep50it`.
 */

const pattern = /^(?:(\d+(?:\.\d+)?)ep)?(?:(\d+)it)?$/

/**
 * The shortest epoch and one longer than any, in steps: since times are linear in its length, what holds at
 * both holds at every length.
 */
export const EPOCH_LENGTHS = [1, 1e9] as const

export const isDuration = (text: string): boolean => text !== '' && pattern.test(text)

/** Optimizer steps; a fraction of an epoch is rounded to whole steps. */
export function toSteps(duration: string, stepsPerEpoch: number): number {
  const match = pattern.exec(duration)
  if (!match || duration === '') throw new Error(`expected a duration such as 4ep or 500it, found ${duration}`)
  return Math.round(Number(match[1] ?? 0) * stepsPerEpoch) + Number(match[2] ?? 0)
}
