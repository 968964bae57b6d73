/**
 * @file Contenders take turns, A B C, A B C, ... so that a machine whose speed drifts is fair to all. Each
 * turn is a block of runs, of which the first are not measured.
 */

/** Seconds at the start of a block whose runs are not measured: threads of other runtimes come to rest. */
export const SETTLING = 0.1
/** Seconds of a block that are measured. */
export const BLOCK = 0.4

export interface Times {
  /** Milliseconds per run of every round. */
  rounds: number[]
  median: number
  least: number
  most: number
}

/** Milliseconds per run of all contenders. `onTurn` is called after each block with what it took per run. */
export async function takeTurns(
  contenders: readonly { block(): Promise<number> }[],
  rounds: number,
  onTurn: (milliseconds: number) => void,
): Promise<Times[]> {
  const times = contenders.map(() => [] as number[])
  for (let round = 0; round < rounds; round++)
    for (const [i, contender] of contenders.entries()) {
      times[i].push(await contender.block())
      onTurn(times[i][round])
    }
  return times.map((list) => ({
    rounds: list,
    median: median(list),
    least: Math.min(...list),
    most: Math.max(...list),
  }))
}

/** How many times the rate of `b` the rate of `a` is: the median over rounds. */
export const rateOver = (a: Times, b: Times): number => median(a.rounds.map((ms, round) => b.rounds[round] / ms))

/** The middle one; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}
