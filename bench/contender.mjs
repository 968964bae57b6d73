// Contenders of a benchmark take turns: A B C, A B C, ... so that a machine whose speed drifts is fair to
// all.

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]

/**
 * A package that a contender needs, or undefined and a note where it cannot be loaded.
 * @param {string[]} notes
 */
export async function optional(name, notes) {
  try {
    return await import(name)
  } catch (error) {
    const note = `${name} was skipped: it cannot be loaded (${error.code ?? error.name}).`
    if (!notes.includes(note)) notes.push(note)
    return undefined
  }
}

export const threadsText = (threads) => `${threads} thread${threads > 1 ? 's' : ''}`

/**
 * @typedef {{ name: string, run(steps: number): Promise<number> | number, close?(): void }} Contender
 * `run` does that many steps and returns milliseconds per step.
 */

/** BENCH_ROUNDS=1 tries whether a benchmark works; what is published is measured without it. */
export const roundsOf = (rounds) => Number(process.env.BENCH_ROUNDS ?? rounds)

/** Steps that take longer than this are warmed up by two of them, others by eight. */
const LONG_MS = 500

/**
 * Median milliseconds per step of every contender, over `rounds` turns of about `seconds` each, after a
 * warm-up. Each turn begins with steps of about `settling` seconds that are not measured: threads of ONNX
 * Runtime go on spinning for a while, and would take a core from the next. @param {Contender[]} contenders
 */
export async function takeTurns(contenders, { rounds = 9, seconds = 0.3, settling = 0 } = {}) {
  const steps = []
  const unmeasured = []
  for (const { run } of contenders) {
    const long = (await run(1)) > LONG_MS
    const least = long ? 1 : 2
    const each = await run(long ? 1 : 7)
    steps.push(Math.max(least, Math.ceil((seconds * 1000) / each)))
    unmeasured.push(Math.ceil((settling * 1000) / each))
  }
  const times = contenders.map(() => [])
  for (let round = 0; round < roundsOf(rounds); round++)
    for (const [i, { run }] of contenders.entries()) {
      if (unmeasured[i] > 0) await run(unmeasured[i])
      times[i].push(await run(steps[i]))
    }
  for (const { close } of contenders) close?.()
  return times.map((values) => ({
    median: median(values),
    least: Math.min(...values),
    most: Math.max(...values),
    values,
  }))
}

/** Milliseconds per call of a function. */
export async function timed(steps, step) {
  const start = performance.now()
  for (let i = 0; i < steps; i++) await step()
  return (performance.now() - start) / steps
}

/** The same for a function that does not wait. */
export function timedSync(steps, step) {
  const start = performance.now()
  for (let i = 0; i < steps; i++) step()
  return (performance.now() - start) / steps
}
