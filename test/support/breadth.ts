/**
 * @file How many cases a test draws: for every change as many as notice a defect of each kernel and command,
 * each night all of them. ESPALIER_BREADTH=full asks for the latter, `.ci/nightly` sets it.
 */

/** Whether this run takes its time. */
export const isFull = process.env.ESPALIER_BREADTH === 'full'

/** The first for every change, the second each night. */
export const breadth = <T>(daily: T, full: T): T => (isFull ? full : daily)

/**
 * How many cases a property draws each night that does not say it, and half of them for every change; FC_RUNS
 * sets it.
 */
export const RUNS = Number(process.env.FC_RUNS ?? 50)

/** The options of a property that draws so many cases each night, and a share of them for every change. */
export const draws = (full = RUNS, share = 1 / 6): { numRuns: number } => ({
  numRuns: isFull ? full : Math.ceil(share * full),
})

/** Rows of a table: for every change those of the selection, each night all of them. */
export const rows = <Row>(all: readonly Row[], isDaily: (row: Row, index: number) => boolean): Row[] =>
  all.filter((row, index) => isFull || isDaily(row, index))
